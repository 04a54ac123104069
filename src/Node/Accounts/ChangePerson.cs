using System.Globalization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>/people/{id}: a person's roles in the team; a new link, switching the account off and on, forgetting a lost second factor.</summary>
public static class ChangePerson
{
    /// <param name="MayAccount">Whether the account itself may be touched: only by those who manage every team the person belongs to.</param>
    public sealed record Model(ListPeople.Row Row, IReadOnlyList<Role> Chosen, IReadOnlyList<Role> MayGive, bool MayAccount, bool Self, FormErrors Errors, string? Done);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/people/{id}", Task<IResult> (Guid id, string? done, Desk desk) => PageAsync(desk, new(id), null, FormErrors.None, done is "roles" or "off" or "on" or "factor" ? done : null)).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/people/{id}/roles", RolesAsync).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/people/{id}/deactivate", Task<IResult> (Guid id, [FromForm] string? confirm, Desk desk) => AccountAsync(desk, id, DeactivateAsync)).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/people/{id}/activate", Task<IResult> (Guid id, [FromForm] string? confirm, Desk desk) => AccountAsync(desk, id, ActivateAsync)).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/people/{id}/second-factor", Task<IResult> (Guid id, [FromForm] string? confirm, Desk desk) => AccountAsync(desk, id, ResetFactorAsync)).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/people/{id}/link", Task<IResult> (Guid id, [FromForm] string? confirm, Desk desk, NodeSettings settings) => AccountAsync(desk, id, (d, account, ct) => NewLinkAsync(d, account, settings))).Needs(Right.ManagePeople).ExcludeFromDescription();
    }

    /// <summary>Switched off by a person, unlike a lockout that ends by itself.</summary>
    public static bool IsDeactivated(Account account, DateTimeOffset now) => account.LockoutEnd is { } end && end > now.AddYears(1);

    public static List<Role> RolesOf(IEnumerable<string> codes) => [.. codes.Take(20).Select(c => Roles.TryParse(c, out var role) ? (Role?)role : null).OfType<Role>().Distinct().Order()];

    private static async Task<IResult> PageAsync(Desk desk, PersonId id, IReadOnlyList<Role>? chosen, FormErrors errors, string? done = null)
    {
        if (await ListPeople.RowsAsync(desk.Db, desk.Viewer.Team!.Value, id, desk.Clock, desk.Ct) is not [var row, ..])
        {
            return Answers.NotFound();
        }

        var self = desk.Viewer.Person == id;
        return Answers.Page<PersonPage>(new Model(row, chosen ?? row.Roles, [.. Enum.GetValues<Role>().Where(r => InvitePerson.MayGive(desk.Viewer, r, self))], !self && await MayAccountAsync(desk, id), self, errors, done),
            errors.Any ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    private static async Task<IResult> RolesAsync(Guid id, IFormCollection form, Desk desk)
    {
        var (db, viewer, t, team, person) = (desk.Db, desk.Viewer, desk.T, desk.Viewer.Team!.Value, new PersonId(id));
        var now = await db.Memberships.Where(m => m.Team == team && m.Person == person).ToListAsync(desk.Ct);
        if (now.Count == 0)
        {
            return Answers.NotFound();
        }

        var wanted = RolesOf(form["roles"].OfType<string>());
        var self = viewer.Person == person;
        var (add, remove) = (wanted.Where(r => now.All(m => m.Role != r)).ToList(), now.Where(m => !wanted.Contains(m.Role)).ToList());
        var errors = new FormErrors();
        // taking a role away needs the same standing as giving it; anyone may give up their own
        foreach (var refused in add.Concat(self ? [] : remove.Select(m => m.Role)).Where(r => !InvitePerson.MayGive(viewer, r, self)))
        {
            errors.Add("roles-" + refused.Code(), t["people.roles"], t.Of("people.roles_refused", t["role." + refused.Code()]));
        }

        if (remove.Any(m => m.Role == Role.Lead) && !await HasOtherLeadAsync(desk, team, person))
        {
            errors.Add("roles-lead", t["people.roles"], t["people.last_lead"]);
        }

        if (errors.Any)
        {
            return await PageAsync(desk, person, wanted, errors);
        }

        db.Memberships.RemoveRange(remove);
        db.Memberships.AddRange(add.Select(r => new Membership { Person = person, Team = team, Role = r, Since = desk.Clock.GetUtcNow() }));
        if (add.Count + remove.Count > 0)
        {
            db.Note(new AuditNote("roles.changed", team, AccountAudit.Of(id), new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["added"] = add.Select(r => r.Code()).ToList(),
                ["removed"] = remove.Select(m => m.Role.Code()).ToList(),
            }));
        }

        await db.SaveChangesAsync(desk.Ct);
        return Answers.Seen(wanted.Count == 0 || (self && !wanted.Any(r => Rights.Of(r).Contains(Right.ManagePeople))) ? (self ? "/me" : "/people?done=changed") : $"/people/{id}?done=roles");
    }

    private static async Task<bool> HasOtherLeadAsync(Desk desk, TeamId team, PersonId but)
    {
        var others = (await desk.Db.Memberships.AsNoTracking().Where(m => m.Team == team && m.Role == Role.Lead && m.Person != but).Select(m => m.Person).ToListAsync(desk.Ct)).Select(p => p.Value).ToArray();
        var accounts = await desk.Db.Users.AsNoTracking().Where(u => others.Contains(u.Id) && u.PasswordHash != null).ToListAsync(desk.Ct);
        return accounts.Any(a => !IsDeactivated(a, desk.Clock.GetUtcNow()));
    }

    /// <summary>Someone else's account: operators, and those who manage people in every team it belongs to and could give each of its roles.</summary>
    private static async Task<bool> MayAccountAsync(Desk desk, PersonId id)
    {
        if (desk.Viewer.HasAnywhere(Right.OperateNode))
        {
            return true;
        }

        // as System: a team that the viewer does not know of counts too
        await using var system = desk.Databases.ForSystem();
        var all = await system.Memberships.AsNoTracking().Where(m => m.Person == id).ToListAsync(desk.Ct);
        return all.All(m => m.Team == desk.Viewer.Team && InvitePerson.MayGive(desk.Viewer, m.Role, toSelf: false));
    }

    private static async Task<IResult> AccountAsync(Desk desk, Guid id, Func<Desk, Account, CancellationToken, Task<IResult>> act)
    {
        var person = new PersonId(id);
        var team = desk.Viewer.Team!.Value;
        if (!await desk.Db.Memberships.AnyAsync(m => m.Team == team && m.Person == person, desk.Ct) || await desk.Users.FindByIdAsync(id.ToString("D", CultureInfo.InvariantCulture)) is not { } account)
        {
            return Answers.NotFound();
        }

        if (desk.Viewer.Person == person || !await MayAccountAsync(desk, person))
        {
            desk.Db.Note(new AuditNote("account.change-refused", team, AccountAudit.Of(id)));
            await desk.Db.SaveChangesAsync(desk.Ct);
            return await RefusedAsync(desk, person);
        }

        return await act(desk, account, desk.Ct);
    }

    private static async Task<IResult> RefusedAsync(Desk desk, PersonId person) =>
        await PageAsync(desk, person, null, new FormErrors().Add("account", desk.T["people.account"], desk.T[desk.Viewer.Person == person ? "people.not_yourself" : "people.not_your_account"]));

    private static async Task<IResult> DeactivateAsync(Desk desk, Account account, CancellationToken ct)
    {
        var person = new PersonId(account.Id);
        var team = desk.Viewer.Team!.Value;
        if (await desk.Db.Memberships.AnyAsync(m => m.Team == team && m.Person == person && m.Role == Role.Lead, ct) && !await HasOtherLeadAsync(desk, team, person))
        {
            return await PageAsync(desk, person, null, new FormErrors().Add("account", desk.T["people.account"], desk.T["people.last_lead"]));
        }

        await desk.Users.SetLockoutEndDateAsync(account, DateTimeOffset.MaxValue);
        await Sessions.EndAllAsync(desk.Databases, desk.Clock, account.Id, null, ct);
        return await DoneAsync(desk, account, "account.deactivated", "off");
    }

    private static async Task<IResult> ActivateAsync(Desk desk, Account account, CancellationToken ct)
    {
        await desk.Users.SetLockoutEndDateAsync(account, null);
        await desk.Users.ResetAccessFailedCountAsync(account);
        return await DoneAsync(desk, account, "account.activated", "on");
    }

    private static async Task<IResult> ResetFactorAsync(Desk desk, Account account, CancellationToken ct)
    {
        await MySecondFactor.ClearAsync(desk.Users, account);
        foreach (var passkey in await desk.Users.GetPasskeysAsync(account))
        {
            await desk.Users.RemovePasskeyAsync(account, passkey.CredentialId);
        }

        await Sessions.EndAllAsync(desk.Databases, desk.Clock, account.Id, null, ct);
        return await DoneAsync(desk, account, "account.second-factor-reset", "factor");
    }

    /// <summary>A new link for someone whose invitation ran out or who forgot the password. The old password ends to work when the link is used, not before.</summary>
    private static async Task<IResult> NewLinkAsync(Desk desk, Account account, NodeSettings settings)
    {
        var (url, until) = await UseInvitation.LinkForAsync(desk.Users, account, settings, desk.Clock);
        desk.Db.Note(new AuditNote("account.link-made", desk.Viewer.Team, AccountAudit.Of(account.Id)));
        await desk.Db.SaveChangesAsync(desk.Ct);
        return Answers.Page<InvitedPage>(new InvitePerson.LinkModel(account.Email ?? "", url, until));
    }

    private static async Task<IResult> DoneAsync(Desk desk, Account account, string action, string done)
    {
        desk.Db.Note(new AuditNote(action, desk.Viewer.Team, AccountAudit.Of(account.Id)));
        await desk.Db.SaveChangesAsync(desk.Ct);
        return Answers.Seen($"/people/{account.Id}?done={done}");
    }
}
