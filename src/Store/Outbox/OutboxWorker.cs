using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Renkei.Store;

/// <summary>
/// Carries out the outbox: claims due rows, hands each to its handler, marks the outcome. Any number of processes may run it; a row is
/// claimed by one at a time, and a claim that its process did not live to finish runs out.
/// </summary>
public sealed partial class OutboxWorker(NodeDbFactory databases, NodeContext node, TimeProvider clock, IEnumerable<IOutboxHandler> handlers, ILogger<OutboxWorker> log) : BackgroundService
{
    /// <summary>After that many tries a person decides.</summary>
    public const int MaxAttempts = 12;

    private static readonly TimeSpan Claim = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, IOutboxHandler> _handlers = handlers.ToDictionary(h => h.Type, StringComparer.Ordinal);
    private readonly SemaphoreSlim _wake = new(0, 1);

    /// <summary>Seconds until the next try: 10, 20, 40 ... at most an hour.</summary>
    public static TimeSpan BackOff(int attempts) => TimeSpan.FromSeconds(Math.Min(3600, 10 * Math.Pow(2, Math.Max(0, attempts - 1))));

    /// <summary>Carries out what is due now; returns how many rows it handled. Called by the loop, and by tests.</summary>
    public async Task<int> RunDueAsync(CancellationToken ct)
    {
        var handled = 0;
        while (await ClaimNextAsync(ct) is { } message)
        {
            await CarryOutAsync(message, ct);
            handled++;
        }

        return handled;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = node.Signals.Subscribe((_, outbox) =>
        {
            if (outbox && _wake.CurrentCount == 0)
            {
                Wake();
            }
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunDueAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // a locked or missing database: say so and try again; nothing is lost, the rows are still there
                LogFailed(log, e);
            }

            await ((Task)_wake.WaitAsync(Poll, stoppingToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // someone else woke it first
        }
    }

    private async Task<OutboxMessage?> ClaimNextAsync(CancellationToken ct)
    {
        var types = _handlers.Keys.ToArray();
        await using var db = databases.ForSystem("job:outbox");
        while (true)
        {
            var now = clock.GetUtcNow();
            var next = await db.Outbox.AsNoTracking()
                .Where(o => o.State == OutboxState.Waiting && o.DueAt <= now && (o.ClaimedUntil == null || o.ClaimedUntil < now) && types.Contains(o.Type))
                .OrderBy(o => o.DueAt).FirstOrDefaultAsync(ct);
            if (next is null)
            {
                return null;
            }

            var until = now + Claim;
            var claimed = await db.Outbox.Where(o => o.Id == next.Id && o.State == OutboxState.Waiting && o.ClaimedUntil == next.ClaimedUntil)
                .ExecuteUpdateAsync(s => s.SetProperty(o => o.ClaimedUntil, until).SetProperty(o => o.Attempts, o => o.Attempts + 1), ct);
            if (claimed == 1)
            {
                next.Attempts++;
                return next;
            }
        }
    }

    /// <summary>
    /// Renews the claim for as long as the handler works: a mail server may think for ten minutes about a message it has, and another
    /// process must not send it a second time meanwhile. A process that died renews nothing.
    /// </summary>
    private async Task<OutboxOutcome> WhileClaimedAsync(OutboxMessage message, CancellationToken ct)
    {
        var work = _handlers[message.Type].HandleAsync(message, ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        while (!ct.IsCancellationRequested && await Task.WhenAny(work, Task.Delay(Claim / 3, clock, stop.Token)) != work)
        {
            await RenewAsync(message.Id, ct);
        }

        await stop.CancelAsync();
        return await work;
    }

    private async Task RenewAsync(Guid id, CancellationToken ct)
    {
        try
        {
            await using var db = databases.ForSystem("job:outbox");
            var until = clock.GetUtcNow() + Claim;
            await db.Outbox.Where(o => o.Id == id && o.State == OutboxState.Waiting).ExecuteUpdateAsync(s => s.SetProperty(o => o.ClaimedUntil, until), ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // the database is away for a moment: the claim still stands, and the next third of it tries again
            LogFailed(log, e);
        }
        catch (OperationCanceledException)
        {
            // stopping: the handler hears of it too
        }
    }

    private async Task CarryOutAsync(OutboxMessage message, CancellationToken ct)
    {
        OutboxOutcome outcome;
        try
        {
            outcome = await WhileClaimedAsync(message, ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // also a cancellation of the handler's own: what takes too long is tried again, and the worker goes on
            LogHandlerFailed(log, message.Type, message.Id, e);
            outcome = new OutboxOutcome.Later(e.GetType().Name);
        }

        await using var db = databases.ForSystem("job:outbox");
        var row = await db.Outbox.FirstAsync(o => o.Id == message.Id, ct);
        var now = clock.GetUtcNow();
        row.ClaimedUntil = null;
        switch (outcome)
        {
            case OutboxOutcome.Done:
                (row.State, row.DoneAt, row.LastError) = (OutboxState.Done, now, null);
                break;
            case OutboxOutcome.Later later when row.Attempts < MaxAttempts:
                (row.DueAt, row.LastError) = (now + BackOff(row.Attempts), later.Reason);
                break;
            case OutboxOutcome.Later later:
                (row.State, row.LastError) = (OutboxState.Stuck, later.Reason);
                break;
            case OutboxOutcome.Never never:
                (row.State, row.LastError) = (OutboxState.Stuck, never.Reason);
                break;
        }

        if (row.State == OutboxState.Stuck)
        {
            db.Note(new AuditNote("outbox.stuck", row.Team, row.RecordKind is null ? null : new(row.RecordKind, row.Record!.Value), new Dictionary<string, object?>(StringComparer.Ordinal) { ["type"] = row.Type, ["attempts"] = row.Attempts }));
        }

        await db.SaveChangesAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The outbox could not be carried out; it is tried again.")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Outbox {Type} {Id} failed; it is tried again.")]
    private static partial void LogHandlerFailed(ILogger logger, string type, Guid id, Exception exception);
}
