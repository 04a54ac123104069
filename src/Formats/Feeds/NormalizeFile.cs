using System.Globalization;

namespace Renkei.Formats.Feeds;

/// <summary>What a normalisation did. Rows = events + rejected; nothing is stored, so a repeated row is an event again.</summary>
/// <param name="Fatal">Why nothing could be read, as a stable word; null when it could.</param>
public sealed record NormalizeCounts(string? Feed, string? Report, long Rows, long Events, long Rejected, string? Fatal);

/// <summary>A machine report in, one JSON object per event out: the parser alone, without a database.</summary>
public static class NormalizeFile
{
    private const int HeaderBytes = 64 * 1024;

    /// <summary>
    /// <paramref name="feed"/> is <c>shadowserver</c>, <c>shadowserver:TYPE</c>, or null to tell by name and header. Each rejected row is a line
    /// on <paramref name="errors"/> with line, column and reason. Only I/O faults of the streams are thrown.
    /// </summary>
    public static NormalizeCounts Run(Stream input, string fileName, string? feed, Stream output, TextWriter errors)
    {
        var head = new byte[HeaderBytes];
        var known = input.ReadAtLeast(head, HeaderBytes, throwOnEndOfStream: false);
        var choice = string.IsNullOrEmpty(feed) ? FeedFormats.Detect(fileName, head.AsSpan(0, known)) : FeedFormats.Find(feed);
        if (choice is null)
        {
            errors.WriteLine(string.IsNullOrEmpty(feed) ? "The report's type is told by neither its name nor its header: name it with --feed." : $"No feed is called {feed}.");
            return new(null, null, 0, 0, 0, "unknown-report");
        }

        using var whole = new Prefixed(head.AsMemory(0, known), input);
        using var reader = choice.Format.Open(whole, new FeedOptions { Type = choice.Type, FileName = fileName });
        using var writer = new FeedEventWriter(output);
        long events = 0, rejected = 0;
        string? fatal = null;
        while (true)
        {
            switch (reader.Read())
            {
                case FeedRead.Event:
                    events++;
                    writer.Write(reader.Event);
                    break;
                case FeedRead.Error:
                    rejected++;
                    fatal = reader.Error!.IsFatal ? reader.Error.Code : fatal;
                    errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"line {reader.Error.Line}{(reader.Error.Column is { } column ? $", column {column}" : "")}: {reader.Error.Code}: {reader.Error.RawExcerpt.ReplaceLineEndings(" ")}"));
                    break;
                default:
                    return new(choice.Format.Name, reader.Report, events + rejected, events, rejected, fatal);
            }
        }
    }

    /// <summary>What was read ahead, then the rest.</summary>
    private sealed class Prefixed(ReadOnlyMemory<byte> head, Stream rest) : Stream
    {
        private int _done;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_done == head.Length)
            {
                return rest.Read(buffer);
            }

            var count = Math.Min(buffer.Length, head.Length - _done);
            head.Span.Slice(_done, count).CopyTo(buffer);
            _done += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
