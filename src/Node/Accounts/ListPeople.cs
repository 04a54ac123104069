using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET /people: who works for the team, with which roles.</summary>
public static class ListPeople
{
    public enum Standing
    {
        Active,
        Invited,
        Deactivated,
    }

    public sealed record Row(Person Person, string Mail, IReadOnlyList<Role> Roles, Standing State, DateTimeOffset? InvitedUntil, bool SecondFactor, bool Passkey, DateTimeOffset? SeenAt)
    {
        /// <summary>A passkey is both factors for whoever uses it, and none while the password alone still opens the account.</summary>
        public string FactorKey => SecondFactor ? "people.factor_yes" : Passkey ? "people.factor_passkey" : "people.factor_no";
    }

    public sealed record Pending(string Id, string Mail, DateTimeOffset Until);

    public sealed record Model(IReadOnlyList<Row> Rows, IReadOnlyList<Pending> Pending, string? Done);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/people", async Task<IResult> (string? done, Viewer viewer, NodeDb db, TimeProvider clock, CancellationToken ct) =>
            Answers.Page<PeoplePage>(new Model(await RowsAsync(db, viewer.Team!.Value, null, clock, ct), await UseInvitation.PendingAsync(db, viewer.Team!.Value, clock, ct), done is "changed" or "withdrawn" ? done : null)))
            .Needs(Right.ManagePeople).ExcludeFromDescription();

    /// <summary>The team's people, or the one asked for. Account facts are no content; they are shown for people the read rule already shows.</summary>
    public static async Task<IReadOnlyList<Row>> RowsAsync(NodeDb db, TeamId team, PersonId? only, TimeProvider clock, CancellationToken ct)
    {
        var memberships = await db.Memberships.AsNoTracking().Where(m => m.Team == team && (only == null || m.Person == only)).ToListAsync(ct);
        var ids = memberships.Select(m => m.Person).Distinct().ToArray();
        var keys = ids.Select(i => i.Value).ToArray();
        var people = await db.People.AsNoTracking().Where(p => ids.Contains(p.Id)).ToListAsync(ct);
        var accounts = await db.Users.AsNoTracking().Where(u => keys.Contains(u.Id)).ToDictionaryAsync(u => u.Id, ct);
        var passkeys = (await db.Set<IdentityUserPasskey<Guid>>().AsNoTracking().Where(k => keys.Contains(k.UserId)).Select(k => k.UserId).Distinct().ToListAsync(ct)).ToHashSet();
        var seen = await db.Sessions.AsNoTracking().Where(s => keys.Contains(s.Account)).GroupBy(s => s.Account).Select(g => new { g.Key, At = g.Max(s => s.SeenAt) }).ToDictionaryAsync(g => g.Key, g => g.At, ct);
        var now = clock.GetUtcNow();
        return [.. people.Select(p =>
        {
            var account = accounts.GetValueOrDefault(p.Id.Value);
            var state = account is null || ChangePerson.IsDeactivated(account, now) ? Standing.Deactivated : account.PasswordHash is null ? Standing.Invited : Standing.Active;
            return new Row(p, account?.Email ?? "", [.. memberships.Where(m => m.Person == p.Id).Select(m => m.Role).Order()], state, account?.InvitationUntil,
                account?.TwoFactorEnabled == true, passkeys.Contains(p.Id.Value), seen.TryGetValue(p.Id.Value, out var at) ? at : null);
        }).OrderBy(r => r.State == Standing.Deactivated).ThenBy(r => r.Roles.Count == 0 ? int.MaxValue : (int)r.Roles[0]).ThenBy(r => r.Person.Name, StringComparer.Ordinal)];
    }
}
