using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Renkei.Store;

/// <summary>Takes away once an hour, in one process of all, what only served a time: answers kept for repeated calls, sessions long over.</summary>
public sealed partial class Housekeeping(NodeDbFactory databases, Leases leases, TimeProvider clock, ILogger<Housekeeping> log) : BackgroundService
{
    /// <summary>So long a repeated call with the same idempotency key gets the first one's answer.</summary>
    public static readonly TimeSpan KeysLast = TimeSpan.FromDays(30);

    /// <summary>So long a session that is over still says when someone was last here.</summary>
    public static readonly TimeSpan SessionsLast = TimeSpan.FromDays(365);

    private const string Job = "housekeeping";
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan First = TimeSpan.FromMinutes(2);

    /// <summary>Rows taken away; null when another process has done it within the hour, or does it.</summary>
    public async Task<int?> SweepAsync(CancellationToken ct)
    {
        if (!await leases.TryTakeAsync(Job, Every - First, ct))
        {
            return null;
        }

        await using var db = databases.ForSystem("job:" + Job);
        var (keys, sessions) = (clock.GetUtcNow() - KeysLast, clock.GetUtcNow() - SessionsLast);
        return await db.Idempotency.Where(i => i.At < keys).ExecuteDeleteAsync(ct)
            + await db.Sessions.Where(s => s.Until < sessions).ExecuteDeleteAsync(ct);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = First; ; wait = Every)
        {
            try
            {
                await Task.Delay(wait, clock, stoppingToken);
                await SweepAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // a locked or missing database: the next hour tries again
                LogFailed(log, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "housekeeping could not run; it tries again in an hour")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
