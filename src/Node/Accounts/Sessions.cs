using Microsoft.EntityFrameworkCore;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>Where a person is signed in, and ending that.</summary>
public static class Sessions
{
    /// <summary>Open sessions of an account, the last used first.</summary>
    public static Task<List<Session>> OpenAsync(NodeDb db, TimeProvider clock, Guid account, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        return db.Sessions.AsNoTracking().Where(s => s.Account == account && s.EndedAt == null && s.Until > now).OrderByDescending(s => s.SeenAt).Take(100).ToListAsync(ct);
    }

    public static async Task EndAsync(NodeDbFactory databases, TimeProvider clock, string id, CancellationToken ct)
    {
        await using var db = databases.ForSystem();
        var now = clock.GetUtcNow();
        await db.Sessions.Where(s => s.Id == id && s.EndedAt == null).ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now), ct);
    }

    /// <summary>Ends an account's sessions, all or all but <paramref name="except"/>.</summary>
    public static async Task<int> EndAllAsync(NodeDbFactory databases, TimeProvider clock, Guid account, string? except, CancellationToken ct)
    {
        await using var db = databases.ForSystem();
        var now = clock.GetUtcNow();
        return await db.Sessions.Where(s => s.Account == account && s.EndedAt == null && s.Id != (except ?? "")).ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now), ct);
    }

    /// <summary>Browser and system out of a User-Agent header, as far as it says; for recognising one's own, not for trusting.</summary>
    public static string AgentName(string agent)
    {
        var browser = agent.Contains("Edg/", StringComparison.Ordinal) ? "Edge"
            : agent.Contains("Firefox/", StringComparison.Ordinal) ? "Firefox"
            : agent.Contains("Chrome/", StringComparison.Ordinal) ? "Chrome"
            : agent.Contains("Safari/", StringComparison.Ordinal) ? "Safari"
            : agent.Split('/', ' ')[0];
        var system = agent.Contains("Android", StringComparison.Ordinal) ? "Android"
            : agent.Contains("iPhone", StringComparison.Ordinal) || agent.Contains("iPad", StringComparison.Ordinal) ? "iOS"
            : agent.Contains("Windows", StringComparison.Ordinal) ? "Windows"
            : agent.Contains("Mac OS", StringComparison.Ordinal) ? "macOS"
            : agent.Contains("Linux", StringComparison.Ordinal) ? "Linux" : "";
        return system.Length == 0 ? browser : browser + " · " + system;
    }
}
