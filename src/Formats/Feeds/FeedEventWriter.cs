using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Renkei.Formats.Feeds;

/// <summary>Writes events to a stream as JSON lines: one object a line, UTF-8, LF.</summary>
public sealed class FeedEventWriter : IDisposable
{
    private const int FlushAt = 1 << 16;

    private readonly Stream _stream;
    private readonly ArrayBufferWriter<byte> _buffer = new(FlushAt * 2);
    private readonly Utf8JsonWriter _json;

    /// <param name="stream">Where the lines go; it stays open.</param>
    public FeedEventWriter(Stream stream)
    {
        _stream = stream;
        // not for HTML, so other scripts stay readable; the event's own code keeps the structure right
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
    }

    public void Write(FeedEvent feedEvent)
    {
        _json.Reset();
        feedEvent.WriteJson(_json);
        _json.Flush();
        _buffer.Write("\n"u8);
        if (_buffer.WrittenCount >= FlushAt)
        {
            Flush();
        }
    }

    public void Flush()
    {
        _stream.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        _stream.Flush();
    }

    public void Dispose()
    {
        Flush();
        _json.Dispose();
    }
}
