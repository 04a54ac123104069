using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Formats.Feeds;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>What an import did. Rows = accepted + duplicates + rejected.</summary>
/// <param name="AlreadyThere">The same bytes were imported for this team before: nothing was changed.</param>
/// <param name="Errors">The first <see cref="ImportFeed.MaxErrors"/> of the rejected rows.</param>
/// <param name="Fatal">Why nothing of the file could be read, as a stable word; null when it could.</param>
public sealed record ImportResult(ReportId? Report, string? Number, string? Feed, bool AlreadyThere, long Rows, long Accepted, long Duplicates, long Rejected, IReadOnlyList<FeedRowError> Errors, string? Fatal);

/// <summary>
/// A machine report becomes one blob and one report with its lines as items, in one transaction: a crash leaves all or nothing, and the same
/// file twice changes nothing. For the command line and its socket.
/// </summary>
public sealed class ImportFeed(NodeDbFactory databases, Intake intake, TimeProvider clock)
{
    /// <summary>Rejected rows that are told one by one; all are counted.</summary>
    public const int MaxErrors = 1000;

    public const int MaxFileBytes = 512 * 1024 * 1024;

    /// <summary>Distinct source addresses that take part in correlation; the lines hold all.</summary>
    private const int MaxSources = 200;

    /// <summary>Reads <paramref name="file"/> whole. <paramref name="feed"/> is <c>shadowserver</c>, <c>shadowserver:TYPE</c> or null to tell by name and header.</summary>
    public async Task<ImportResult> RunAsync(Stream file, string fileName, string? feed, TeamId team, string actor, CancellationToken ct)
    {
        if (await ReadAsync(file, ct) is not { } bytes)
        {
            return Nothing("too-large");
        }

        var choice = string.IsNullOrEmpty(feed) ? FeedFormats.Detect(fileName, bytes.Span[..Math.Min(bytes.Length, 64 * 1024)]) : FeedFormats.Find(feed);
        if (choice is null)
        {
            return Nothing("unknown-report");
        }

        var scan = new Pass(choice, fileName, bytes);
        foreach (var _ in scan.Events())
        {
            scan.NoteSource();
        }

        if (scan.Fatal is { } fatal)
        {
            return Nothing(fatal) with { Errors = scan.Errors };
        }

        var name = $"{choice.Format.Name}:{scan.Report}";
        return await StoreAsync(scan, choice, fileName, name, bytes, team, actor, ct);
    }

    private async Task<ImportResult> StoreAsync(Pass scan, FeedChoice choice, string fileName, string feed, ReadOnlyMemory<byte> bytes, TeamId team, string actor, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var faults = new List<FieldFault>();
        var prepared = await intake.PrepareAsync(new IncomingReport
        {
            Team = team,
            Channel = Channel.Import,
            Kind = "information",
            Summary = Bounded($"{feed} {InertText.FileName(fileName)}", Intake.MaxSummary),
            Observables = scan.Sources,
            Raw = bytes,
            ReceivedAt = now,
            Feed = feed,
            Actor = actor,
        }, faults, ct) ?? throw new InvalidOperationException("An import fills its own fields: " + string.Join(", ", faults.Select(f => f.Field + " " + f.Reason)));
        await using var db = databases.ForSystem(actor);
        return await db.InTransactionAsync(async () =>
        {
            var sha = prepared.RequestHash;
            async Task<Report?> ThereAsync() => await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.RawSha256 == sha && r.Marking.Origin == team && r.Channel == Channel.Import, ct);
            // asked before, so that a repeated file costs no number; and again after, since the number's row makes a second import of this team wait here
            var there = await ThereAsync();
            var number = there is null ? await db.NextAsync($"report:{team}:{prepared.Month}", ct) : 0;
            if ((there ?? await ThereAsync()) is { } before)
            {
                return new ImportResult(before.Id, before.Number, before.Feed, true, scan.Rows, 0, scan.Accepted + scan.Duplicates, scan.Rejected, scan.Errors, null);
            }

            var report = IntakeWriter.AddTo(db, prepared, number);
            report.Items = (int)scan.Accepted;
            await IntakeWriter.AddBlobsAsync(db, prepared.Blobs, ct);
            await db.SaveChangesAsync(ct);
            var insert = new Pass(choice, fileName, bytes);
            await db.BulkInsertAsync(insert.Events().Select(e => insert.ToItem(report.Id, e)), ct);
            return new ImportResult(report.Id, report.Number, feed, false, scan.Rows, scan.Accepted, scan.Duplicates, scan.Rejected, scan.Errors, null);
        }, ct);
    }

    private static ImportResult Nothing(string why) => new(null, null, null, false, 0, 0, 0, 0, [], why);

    private static string Bounded(string text, int max) => text.Length <= max ? text : text[..max];

    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(Stream file, CancellationToken ct)
    {
        if (file.CanSeek && file.Length > MaxFileBytes)
        {
            return null;
        }

        var memory = new MemoryStream(file.CanSeek ? (int)file.Length : 0);
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            int read;
            while ((read = await file.ReadAsync(buffer, ct)) > 0)
            {
                if (memory.Length + read > MaxFileBytes)
                {
                    return null;
                }

                memory.Write(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return memory.GetBuffer().AsMemory(0, (int)memory.Length);
    }

    /// <summary>One reading of the file, with its counts. The parser is quick: reading twice costs less than holding every event.</summary>
    private sealed class Pass(FeedChoice choice, string fileName, ReadOnlyMemory<byte> bytes)
    {
        private readonly HashSet<UInt128> _keys = [];
        private readonly HashSet<string> _sources = new(StringComparer.Ordinal);
        private readonly List<FeedRowError> _errors = [];
        private readonly ArrayBufferWriter<byte> _buffer = new(4096);
        private FeedEvent? _current;

        public string? Report { get; private set; }

        public string? Fatal { get; private set; }

        public long Accepted { get; private set; }

        public long Duplicates { get; private set; }

        public long Rejected { get; private set; }

        public long Rows => Accepted + Duplicates + Rejected;

        public IReadOnlyList<FeedRowError> Errors => _errors;

        public IReadOnlyList<string> Sources => [.. _sources];

        public IEnumerable<FeedEvent> Events()
        {
            using var stream = new MemoryStream(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes, out var array) ? array.Array! : bytes.ToArray(), array.Offset, bytes.Length, writable: false);
            using var reader = choice.Format.Open(stream, new FeedOptions { Type = choice.Type, FileName = fileName });
            while (true)
            {
                switch (reader.Read())
                {
                    case FeedRead.End:
                        Report = reader.Report;
                        yield break;
                    case FeedRead.Error:
                        Reject(reader.Error!);
                        break;
                    default:
                        if (_keys.Add(reader.Event.RowKey))
                        {
                            Accepted++;
                            _current = reader.Event;
                            yield return reader.Event;
                        }
                        else
                        {
                            Duplicates++;
                        }

                        break;
                }
            }
        }

        public void NoteSource()
        {
            if (_sources.Count < MaxSources && _current is { Source.IpText.IsEmpty: false } e)
            {
                _sources.Add(e.Source.IpText.ToString());
            }
        }

        public ReportItem ToItem(ReportId report, FeedEvent e)
        {
            _buffer.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                e.WriteJson(json);
            }

            return new()
            {
                Report = report,
                Line = (int)e.Line,
                Key = e.RowKey.ToString("x32", CultureInfo.InvariantCulture),
                At = e.SourceTime,
                SourceIp = e.Source.IpText.IsEmpty ? null : e.Source.IpText.ToString(),
                SourceAsn = e.Source.Asn,
                Event = Encoding.UTF8.GetString(_buffer.WrittenSpan),
            };
        }

        private void Reject(FeedRowError error)
        {
            if (error.IsFatal)
            {
                Fatal = error.Code;
            }

            Rejected++;
            if (_errors.Count < MaxErrors)
            {
                _errors.Add(error);
            }
        }
    }
}
