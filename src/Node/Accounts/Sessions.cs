using Microsoft.EntityFrameworkCore;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>Where a person is signed in, and ending that.</summary>
public static class Sessions
{
    public static async Task EndAsync(NodeDbFactory databases, TimeProvider clock, string id, CancellationToken ct)
    {
        await using var db = databases.ForSystem();
        var now = clock.GetUtcNow();
        await db.Sessions.Where(s => s.Id == id && s.EndedAt == null).ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now), ct);
    }
}
