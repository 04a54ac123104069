using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Security;

/// <summary>
/// Builds the request's <see cref="Viewer"/> once, before routing decides anything: from a bearer token or from a session, else Public.
/// Reads as System: who someone is cannot depend on what they may see.
/// </summary>
public static class ViewerResolver
{
    public const string SessionClaim = "renkei:session";

    public static IApplicationBuilder UseViewer(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        var current = http.RequestServices.GetRequiredService<CurrentViewer>();
        var databases = http.RequestServices.GetRequiredService<NodeDbFactory>();
        var clock = http.RequestServices.GetRequiredService<TimeProvider>();
        current.Viewer = Viewer.Public;
        if (http.Request.Headers.Authorization.ToString() is { Length: > 7 } header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            await FromTokenAsync(http, header[7..].Trim(), current, databases, clock);
        }
        else if (http.User.FindFirstValue(SessionClaim) is { } session)
        {
            await FromSessionAsync(http, session, current, databases, clock);
        }

        await next();
    });

    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>The viewer a person is at this moment: roles, communities of their teams, groups.</summary>
    public static async Task<Viewer> ForPersonAsync(NodeDb system, PersonId id, CancellationToken ct)
    {
        var person = await system.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == id, ct);
        var roles = await system.Memberships.AsNoTracking().Where(m => m.Person == id).Select(m => new TeamRole(m.Team, m.Role)).ToListAsync(ct);
        var teams = roles.Where(r => r.Role.IsOfTheTeam()).Select(r => r.Team).Distinct().ToArray();
        var communities = await system.CommunityMembers.AsNoTracking().Where(c => teams.Contains(c.Team)).Select(c => c.Community).Distinct().ToListAsync(ct);
        var groups = await system.GroupMembers.AsNoTracking().Where(g => g.Person == id).Select(g => g.Group).ToListAsync(ct);
        var acts = person?.ActsFor is { } chosen && roles.Any(r => r.Team == chosen) ? chosen : roles.Select(r => (TeamId?)r.Team).FirstOrDefault();
        return Viewer.ForPerson(id, acts, roles, groups, communities);
    }

    private static async Task FromTokenAsync(HttpContext http, string secret, CurrentViewer current, NodeDbFactory databases, TimeProvider clock)
    {
        await using var db = databases.ForSystem("token");
        var hash = HashOf(secret);
        var now = clock.GetUtcNow();
        var token = await db.Tokens.AsNoTracking().FirstOrDefaultAsync(t => t.Hash == hash, http.RequestAborted);
        if (token is null || token.RevokedAt is not null || token.ExpiresAt <= now)
        {
            return;
        }

        var team = token.Team;
        var communities = await db.CommunityMembers.AsNoTracking().Where(c => c.Team == team).Select(c => c.Community).ToListAsync(http.RequestAborted);
        current.Viewer = Viewer.ForTeam(team, [new(team, Role.Analyst)], communities);
        current.Scopes = token.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        http.Features.Set(new TokenScopes(current.Scopes));
        http.RequestServices.GetRequiredService<ActorName>().Value = "token:" + token.Id;
        if (token.UsedAt is null || now - token.UsedAt > TimeSpan.FromMinutes(5))
        {
            var id = token.Id;
            await RememberAsync(() => db.Tokens.Where(t => t.Id == id).ExecuteUpdateAsync(s => s.SetProperty(t => t.UsedAt, now), http.RequestAborted));
        }
    }

    private static async Task FromSessionAsync(HttpContext http, string secret, CurrentViewer current, NodeDbFactory databases, TimeProvider clock)
    {
        await using var db = databases.ForSystem();
        var id = HashOf(secret);
        var now = clock.GetUtcNow();
        var session = await db.Sessions.AsNoTracking().FirstOrDefaultAsync(s => s.Id == id, http.RequestAborted);
        if (session is null || session.EndedAt is not null || session.Until <= now)
        {
            await http.SignOutAsync(IdentityConstants.ApplicationScheme);
            http.User = new ClaimsPrincipal(new ClaimsIdentity());
            return;
        }

        current.Viewer = await ForPersonAsync(db, new PersonId(session.Account), http.RequestAborted);
        current.SessionId = id;
        if (now - session.SeenAt > TimeSpan.FromMinutes(1))
        {
            await RememberAsync(() => db.Sessions.Where(s => s.Id == id).ExecuteUpdateAsync(s => s.SetProperty(x => x.SeenAt, now), http.RequestAborted));
        }
    }

    /// <summary>When someone was last seen is a courtesy: a database that cannot be written now does not keep them from reading.</summary>
    private static async Task RememberAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (Exception e) when (StoreFaults.IsUnwritable(e))
        {
            // the next request tries again
        }
    }
}
