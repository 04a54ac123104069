using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>A report ready to be written: checked, its blobs sealed; only its number is missing.</summary>
internal sealed class PreparedReport
{
    public required ReportId Id { get; init; }

    public required TeamId Team { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    public required string Actor { get; init; }

    /// <summary>The secret of the private link.</summary>
    public required string StatusKey { get; init; }

    public required IReadOnlyList<BlobRow> Blobs { get; init; }

    public required IReadOnlyList<ReportAttachment> Attachments { get; init; }

    public required IReadOnlyList<ReportObservable> Observables { get; init; }

    /// <summary>Scoped idempotency key, or null.</summary>
    public string? Key { get; init; }

    public required string RequestHash { get; init; }

    public required Func<string, Report> Make { get; init; }

    public string Month => ReceivedAt.ToString("yyyy-MM", CultureInfo.InvariantCulture);
}

/// <summary>
/// Writes reports in groups: whoever waits while one transaction runs goes into the next, so that many share one durable commit. Nobody is
/// answered before the commit. A group that fails is tried one by one, so that a bad report does not fail the others.
/// </summary>
public sealed partial class IntakeWriter(NodeDbFactory databases, KeyRing keys, ILogger<IntakeWriter> log) : BackgroundService
{
    /// <summary>Reports of one transaction.</summary>
    private const int GroupSize = 64;

    /// <summary>Reports that may wait; more are told to come back.</summary>
    private const int QueueSize = 2048;

    /// <summary>A failure that took longer than this is the database's, not a report's: the rest is not tried one by one.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(5);

    private readonly Channel<Waiting> _queue = System.Threading.Channels.Channel.CreateBounded<Waiting>(new BoundedChannelOptions(QueueSize) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    internal async Task<IntakeResult> WriteAsync(PreparedReport report, CancellationToken ct)
    {
        var waiting = new Waiting(report);
        // a caller that goes away does not take the report back: it may be in a transaction already
        return _queue.Writer.TryWrite(waiting) ? await waiting.Done.Task.WaitAsync(ct) : new IntakeResult.Busy();
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        return base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // runs on until the queue is closed and empty: those who wait at a stop are still written
        var group = new List<Waiting>(GroupSize);
        while (await _queue.Reader.WaitToReadAsync(CancellationToken.None))
        {
            group.Clear();
            while (group.Count < GroupSize && _queue.Reader.TryRead(out var next))
            {
                group.Add(next);
            }

            foreach (var ofActor in group.GroupBy(w => w.Report.Actor, StringComparer.Ordinal))
            {
                await WriteGroupAsync([.. ofActor]);
            }
        }
    }

    /// <summary>Adds one report to <paramref name="db"/>: the rows that belong to it, but not its blobs.</summary>
    internal static Report AddTo(NodeDb db, PreparedReport prepared, long number)
    {
        var report = prepared.Make(Numbers.Report(prepared.Month, number));
        db.Reports.Add(report);
        db.ReportObservables.AddRange(prepared.Observables);
        db.ReportAttachments.AddRange(prepared.Attachments);
        return report;
    }

    /// <summary>Adds the blobs that the database does not have yet.</summary>
    internal static async Task AddBlobsAsync(NodeDb db, IEnumerable<BlobRow> sealedBlobs, CancellationToken ct)
    {
        var wanted = sealedBlobs.DistinctBy(b => b.Sha256, StringComparer.Ordinal).ToList();
        var shas = wanted.Select(b => b.Sha256).ToArray();
        var stored = await db.Blobs.AsNoTracking().Where(b => shas.Contains(b.Sha256)).Select(b => new { b.Sha256, Alive = b.WrappedKey != null }).ToDictionaryAsync(b => b.Sha256, b => b.Alive, StringComparer.Ordinal, ct);
        foreach (var blob in wanted)
        {
            if (!stored.TryGetValue(blob.Sha256, out var alive))
            {
                db.Blobs.Add(blob);
            }
            else if (!alive)
            {
                // destroyed once, and now told anew
                await db.Blobs.Where(b => b.Sha256 == blob.Sha256).ExecuteUpdateAsync(s => s.SetProperty(b => b.WrappedKey, blob.WrappedKey).SetProperty(b => b.Inline, blob.Inline), ct);
            }
        }
    }

    private async Task WriteGroupAsync(IReadOnlyList<Waiting> group)
    {
        var since = Stopwatch.GetTimestamp();
        if (await TryWriteAsync(group))
        {
            return;
        }

        var failed = 0;
        foreach (var waiting in group)
        {
            var hopeless = group.Count == 1 || failed >= 3 || Stopwatch.GetElapsedTime(since) > Slow;
            if (hopeless || !await TryWriteAsync([waiting]))
            {
                failed++;
                waiting.Done.TrySetResult(new IntakeResult.NotStored());
            }
        }
    }

    private async Task<bool> TryWriteAsync(IReadOnlyList<Waiting> group)
    {
        try
        {
            var results = await StoreAsync([.. group.Select(w => w.Report)], CancellationToken.None);
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Done.TrySetResult(results[i]);
            }

            return true;
        }
        catch (Exception e) when (e is DbUpdateException or System.Data.Common.DbException or IOException or InvalidOperationException)
        {
            GroupFailed(log, group.Count, e);
            return false;
        }
    }

    private async Task<IntakeResult[]> StoreAsync(IReadOnlyList<PreparedReport> group, CancellationToken ct)
    {
        await using var db = databases.ForSystem(group[0].Actor);
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        return await db.InTransactionAsync(async () =>
        {
            var results = new IntakeResult[group.Count];
            var fresh = await SortOutAsync(db, group, results, ct);
            foreach (var month in fresh.GroupBy(i => (group[i].Team, group[i].Month)))
            {
                var indexes = month.ToList();
                var number = await db.NextAsync($"report:{month.Key.Team}:{month.Key.Month}", ct, indexes.Count);
                foreach (var i in indexes)
                {
                    var report = AddTo(db, group[i], number++);
                    results[i] = new IntakeResult.Accepted(report.Id, report.Number, group[i].StatusKey, Again: false);
                    if (group[i].Key is { } key)
                    {
                        db.Idempotency.Add(new IdempotencyEntry { Key = key, RequestHash = group[i].RequestHash, Response = JsonSerializer.Serialize(report.Id), At = report.ReceivedAt });
                    }
                }
            }

            await AddBlobsAsync(db, fresh.SelectMany(i => group[i].Blobs), ct);
            await db.SaveChangesAsync(ct);
            Repeat(group, results);
            return results;
        }, ct);
    }

    /// <summary>Answers those whose key is known from the first answer; gives back the indexes of the others.</summary>
    private async Task<List<int>> SortOutAsync(NodeDb db, IReadOnlyList<PreparedReport> group, IntakeResult[] results, CancellationToken ct)
    {
        var wanted = group.Select(p => p.Key).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        var known = wanted.Length == 0 ? [] : await db.Idempotency.AsNoTracking().Where(i => wanted.Contains(i.Key)).ToDictionaryAsync(i => i.Key, StringComparer.Ordinal, ct);
        var fresh = new List<int>();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < group.Count; i++)
        {
            if (group[i].Key is not { } key)
            {
                fresh.Add(i);
            }
            else if (known.TryGetValue(key, out var entry))
            {
                results[i] = entry.RequestHash == group[i].RequestHash ? await AgainAsync(db, entry, ct) : new IntakeResult.KeyReused();
            }
            else if (taken.Add(key))
            {
                fresh.Add(i);
            }
        }

        return fresh;
    }

    private async Task<IntakeResult> AgainAsync(NodeDb db, IdempotencyEntry entry, CancellationToken ct)
    {
        var id = JsonSerializer.Deserialize<ReportId>(entry.Response);
        var report = await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct);
        return report is null ? new IntakeResult.KeyReused() : new IntakeResult.Accepted(id, report.Number, StatusLinks.KeyOf(keys, report) ?? "", Again: true);
    }

    /// <summary>The same key twice in one group: the second hears what the first heard.</summary>
    private static void Repeat(IReadOnlyList<PreparedReport> group, IntakeResult[] results)
    {
        for (var i = 0; i < group.Count; i++)
        {
            if (results[i] is null)
            {
                var first = Enumerable.Range(0, i).First(j => group[j].Key == group[i].Key && results[j] is IntakeResult.Accepted { Again: false });
                results[i] = group[first].RequestHash == group[i].RequestHash ? (IntakeResult.Accepted)results[first] with { Again = true } : new IntakeResult.KeyReused();
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A group of {Count} reports was not stored")]
    private static partial void GroupFailed(ILogger log, int count, Exception e);

    private sealed class Waiting(PreparedReport report)
    {
        public PreparedReport Report { get; } = report;

        public TaskCompletionSource<IntakeResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>The reporter's private link. The database holds the key's hash to find it by, and the key itself only under the node's key-encryption key.</summary>
public static class StatusLinks
{
    public static string Path(string statusKey) => "/report/status/" + statusKey;

    public static string Url(IncidentsSettings settings, string statusKey) => settings.PublicUrl + Path(statusKey);

    /// <summary>The secret of this report's link, for mail to its reporter; null when the key-encryption key is another one.</summary>
    public static string? KeyOf(KeyRing keys, Report report)
    {
        if (report.StatusKeyWrapped is null)
        {
            return null;
        }

        try
        {
            return System.Buffers.Text.Base64Url.EncodeToString(keys.Unwrap(report.StatusKeyWrapped, "report-status:" + report.Id));
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return null;
        }
    }
}
