using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET and POST /invitation/{secret}: choose a password and begin; with an account already, join the team.</summary>
public static class UseInvitation
{
    /// <summary>An open invitation of someone who already has an account, kept among the node's facts under the hash of its secret.</summary>
    public sealed record Join(Guid Account, string Mail, IReadOnlyList<string> Roles, DateTimeOffset Until);

    /// <param name="Team">Null for a new password; the team's name when someone with an account joins.</param>
    public sealed record Model(string Secret, string Mail, string? Team, IReadOnlyList<Role> Roles, bool SignedInAsOther, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/invitation/{secret}", PageAsync).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/invitation/{secret}", HandleAsync).OpenToAll().ExcludeFromDescription();
    }

    public static string JoinName(TeamId team, string hash) => $"join:{team.Value:N}:{hash}";

    public static async Task<IReadOnlyList<ListPeople.Pending>> PendingAsync(NodeDb db, TeamId team, TimeProvider clock, CancellationToken ct)
    {
        var prefix = JoinName(team, "");
        var facts = await db.NodeFacts.AsNoTracking().Where(f => f.Name.StartsWith(prefix)).Take(200).ToListAsync(ct);
        return [.. facts.Select(f => (f.Name, Join: JsonSerializer.Deserialize<Join>(f.Value)!)).Where(f => f.Join.Until > clock.GetUtcNow()).Select(f => new ListPeople.Pending(f.Name[prefix.Length..], f.Join.Mail, f.Join.Until))];
    }

    /// <summary>A one-time link with which the account's owner chooses a password; a new one replaces the old one.</summary>
    public static async Task<(string Url, DateTimeOffset Until)> LinkForAsync(UserManager<Account> users, Account account, NodeSettings settings, TimeProvider clock)
    {
        var secret = SetupLink.NewSecret();
        var until = clock.GetUtcNow() + InvitePerson.GoodFor;
        (account.InvitationHash, account.InvitationUntil) = (ViewerResolver.HashOf(secret), until);
        var saved = await users.UpdateAsync(account);
        return saved.Succeeded ? (settings.PublicUrl + "/invitation/" + secret, until) : throw new InvalidOperationException(saved.Errors.First().Description);
    }

    private static async Task<IResult> PageAsync(string secret, AccountDb accounts, CurrentViewer who, TimeProvider clock, Texts t, CancellationToken ct)
    {
        if (await AccountOfAsync(accounts.Context, secret, clock, ct) is { } account)
        {
            return Answers.Page<InvitationPage>(new Model(secret, account.Email ?? "", null, [], false, FormErrors.None));
        }

        if (await JoinOfAsync(accounts.Context, secret, clock, ct) is not { } join)
        {
            return LinkGonePage.Answer("accounts.invitation");
        }

        if (who.Viewer.Person is null)
        {
            return Answers.Seen("/sign-in?back=" + Uri.EscapeDataString("/invitation/" + secret));
        }

        var team = await accounts.Context.Teams.AsNoTracking().FirstOrDefaultAsync(x => x.Id == join.Team, ct);
        return Answers.Page<InvitationPage>(new Model(secret, join.Join.Mail, team?.NameIn(t.Lang) ?? "", ChangePerson.RolesOf(join.Join.Roles), who.Viewer.Person!.Value.Value != join.Join.Account, FormErrors.None));
    }

    private static async Task<IResult> HandleAsync(string secret, [FromForm] string? password, AccountDb accounts, UserManager<Account> users, SignInManager<Account> signIn, CurrentViewer who, NodeDbFactory databases,
        TimeProvider clock, Texts t, CancellationToken ct)
    {
        if (await AccountOfAsync(accounts.Context, secret, clock, ct) is { } account)
        {
            if (TextCheck.Password(t, password, account.Email) is { } weak)
            {
                return Answers.Page<InvitationPage>(new Model(secret, account.Email ?? "", null, [], false, new FormErrors().Add("password", t["sign_in.password"], weak)), StatusCodes.Status400BadRequest);
            }

            (account.InvitationHash, account.InvitationUntil) = (null, null);
            account.PasswordHash = users.PasswordHasher.HashPassword(account, password!);
            // saves the account too; a second use of the link meets a changed concurrency stamp
            var changed = await users.UpdateSecurityStampAsync(account);
            if (!changed.Succeeded)
            {
                return LinkGonePage.Answer("accounts.invitation");
            }

            await Sessions.EndAllAsync(databases, clock, account.Id, null, ct);
            await AccountAudit.NoteByOwnerAsync(databases, "account.invitation-used", account.Id);
            var result = await ((DeskSignIn)signIn).AfterPasswordAsync(account);
            return Answers.Seen(result.RequiresTwoFactor ? "/sign-in/code" : "/me/security");
        }

        if (await JoinOfAsync(accounts.Context, secret, clock, ct) is not { } join || who.Viewer.Person is not { } me)
        {
            return LinkGonePage.Answer("accounts.invitation");
        }

        if (me.Value != join.Join.Account)
        {
            return Answers.Seen("/invitation/" + secret);
        }

        await using var db = databases.ForSystem("person:" + me);
        if (await db.NodeFacts.Where(f => f.Name == join.Name).ExecuteDeleteAsync(ct) == 0)
        {
            return LinkGonePage.Answer("accounts.invitation");
        }

        var has = await db.Memberships.Where(m => m.Team == join.Team && m.Person == me).Select(m => m.Role).ToListAsync(ct);
        db.Memberships.AddRange(ChangePerson.RolesOf(join.Join.Roles).Except(has).Select(r => new Membership { Person = me, Team = join.Team, Role = r, Since = clock.GetUtcNow() }));
        db.Note(new AuditNote("team.joined", join.Team, AccountAudit.Of(me.Value)));
        await db.SaveChangesAsync(ct);
        return Answers.Seen("/me");
    }

    private static async Task<Account?> AccountOfAsync(NodeDb system, string secret, TimeProvider clock, CancellationToken ct)
    {
        if (secret.Length is < 20 or > 200)
        {
            return null;
        }

        var (hash, now) = (ViewerResolver.HashOf(secret), clock.GetUtcNow());
        return await system.Users.FirstOrDefaultAsync(u => u.InvitationHash == hash, ct) is { } account && account.InvitationUntil > now && !ChangePerson.IsDeactivated(account, now) ? account : null;
    }

    private static async Task<(string Name, TeamId Team, Join Join)?> JoinOfAsync(NodeDb system, string secret, TimeProvider clock, CancellationToken ct)
    {
        if (secret.Length is < 20 or > 200)
        {
            return null;
        }

        var ending = ":" + ViewerResolver.HashOf(secret);
        var fact = await system.NodeFacts.AsNoTracking().FirstOrDefaultAsync(f => f.Name.StartsWith("join:") && f.Name.EndsWith(ending), ct);
        return fact is not null && JsonSerializer.Deserialize<Join>(fact.Value) is { } join && join.Until > clock.GetUtcNow() ? (fact.Name, new TeamId(Guid.ParseExact(fact.Name.AsSpan(5, 32), "N")), join) : null;
    }
}
