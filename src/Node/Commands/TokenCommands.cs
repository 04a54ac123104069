using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Accounts;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Commands;

/// <summary>renkei token list|add|revoke. Exit codes: 0 done, 1 found a problem, 2 bad usage.</summary>
public static class TokenCommands
{
    /// <summary>One line a token: id, team, name, beginning, scopes, end, state; tabs between. Never the secret: it is not stored.</summary>
    public static async Task<int> ListAsync(IServiceProvider services, TextWriter output, CancellationToken ct)
    {
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("cli");
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var teams = await db.Teams.AsNoTracking().ToDictionaryAsync(t => t.Id, t => t.Slug, ct);
        foreach (var token in await db.Tokens.AsNoTracking().OrderBy(t => t.CreatedAt).ToListAsync(ct))
        {
            var state = token.RevokedAt is not null ? "revoked" : token.ExpiresAt <= now ? "expired" : "valid";
            await output.WriteLineAsync($"{token.Id}\t{teams.GetValueOrDefault(token.Team)}\t{token.Name}\t{token.Hint}\t{token.Scopes}\t{token.ExpiresAt:yyyy-MM-dd}\t{state}");
        }

        return 0;
    }

    /// <summary>Makes a token and prints its secret, this once.</summary>
    public static async Task<int> AddAsync(IServiceProvider services, TextWriter output, TextWriter error, string teamSlug, string name, IReadOnlyList<string> scopes, int days, CancellationToken ct)
    {
        if (scopes.Count == 0 || scopes.Except(Scopes.All, StringComparer.Ordinal).Any() || days is < 1 or > ApiTokens.MostDays || !UserCommands.IsPlain(name, 80))
        {
            await error.WriteLineAsync($"scopes: {string.Join(' ', Scopes.All)}; days: 1 to {ApiTokens.MostDays}; the name has at most 80 characters.");
            return 2;
        }

        var clock = services.GetRequiredService<TimeProvider>();
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("cli");
        if (await db.Teams.FirstOrDefaultAsync(t => t.Slug == teamSlug && t.Hosted, ct) is not { } team)
        {
            await error.WriteLineAsync($"No team {teamSlug} works on this node; see renkei team list.");
            return 1;
        }

        var (token, secret) = ApiTokens.Make(team.Id, name, scopes.Distinct(StringComparer.Ordinal), clock.GetUtcNow().AddDays(days), null, clock);
        db.Tokens.Add(token);
        db.Note(new AuditNote("token.created", team.Id, new RecordRef("token", token.Id), new Dictionary<string, object?>(StringComparer.Ordinal) { ["scopes"] = token.Scopes }));
        await db.SaveChangesAsync(ct);
        await output.WriteLineAsync(secret);
        return 0;
    }

    /// <summary>Revokes by id; a second time changes nothing.</summary>
    public static async Task<int> RevokeAsync(IServiceProvider services, TextWriter output, TextWriter error, string id, CancellationToken ct)
    {
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("cli");
        if (!Guid.TryParse(id, out var wanted) || await db.Tokens.FirstOrDefaultAsync(t => t.Id == wanted, ct) is not { } token)
        {
            await error.WriteLineAsync($"There is no token {id}; see renkei token list.");
            return 1;
        }

        if (token.RevokedAt is null)
        {
            token.RevokedAt = services.GetRequiredService<TimeProvider>().GetUtcNow();
            db.Note(new AuditNote("token.revoked", token.Team, new RecordRef("token", token.Id)));
            await db.SaveChangesAsync(ct);
        }

        await output.WriteLineAsync($"{token.Id}\trevoked");
        return 0;
    }
}
