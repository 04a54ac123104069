using Microsoft.EntityFrameworkCore;

namespace Renkei.Store;

/// <summary>A job that runs once whatever the number of processes: whoever holds the lease runs it.</summary>
public sealed class Lease
{
    public required string Name { get; init; }

    public string Holder { get; set; } = "";

    public DateTimeOffset Until { get; set; }
}

/// <summary>Takes and renews leases. A holder that dies loses its lease when the time has run out.</summary>
public sealed class Leases(NodeDbFactory databases, TimeProvider clock)
{
    /// <summary>This process. Two processes on one database never share it.</summary>
    public string Holder { get; } = Environment.MachineName + ":" + Environment.ProcessId + ":" + Guid.NewGuid().ToString("N")[..8];

    /// <summary>True when this process may run <paramref name="name"/> until <paramref name="duration"/> from now; calling again renews.</summary>
    public async Task<bool> TryTakeAsync(string name, TimeSpan duration, CancellationToken ct)
    {
        await using var db = databases.ForSystem();
        var now = clock.GetUtcNow();
        var until = now + duration;
        var holder = Holder;
        var taken = await db.Leases.Where(l => l.Name == name && (l.Holder == holder || l.Until < now))
            .ExecuteUpdateAsync(s => s.SetProperty(l => l.Holder, holder).SetProperty(l => l.Until, until), ct);
        if (taken == 1)
        {
            return true;
        }

        if (await db.Leases.AnyAsync(l => l.Name == name, ct))
        {
            return false;
        }

        db.Leases.Add(new Lease { Name = name, Holder = holder, Until = until });
        try
        {
            await db.SaveChangesAsync(ct);
            return true;
        }
        catch (DbUpdateException)
        {
            // another process was first
            return false;
        }
    }

    public async Task ReleaseAsync(string name, CancellationToken ct)
    {
        await using var db = databases.ForSystem();
        var holder = Holder;
        await db.Leases.Where(l => l.Name == name && l.Holder == holder).ExecuteUpdateAsync(s => s.SetProperty(l => l.Until, DateTimeOffset.MinValue), ct);
    }
}
