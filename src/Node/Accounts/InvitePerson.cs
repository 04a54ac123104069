using System.Globalization;
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

/// <summary>
/// GET and POST /people/invite: a person by mail address, with roles. The answer shows a link once, good for a week, and
/// reads the same whether the address already has an account on this node or not; such a person joins after signing in. The team's list
/// tells the two apart afterwards: someone new stands among the people, someone with an account waits under the open invitations. So whoever
/// manages people can learn whether an address has an account here; each such try is an invitation in the audit log.
/// </summary>
public static class InvitePerson
{
    public static readonly TimeSpan GoodFor = TimeSpan.FromDays(7);

    public sealed record Model(string Email, string Name, string Language, IReadOnlyList<Role> Roles, IReadOnlyList<Role> MayGive, FormErrors Errors);

    public sealed record LinkModel(string Mail, string Url, DateTimeOffset Until);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/people/invite", IResult (Viewer viewer, Texts t) => Answers.Page<InvitePage>(new Model("", "", t.Lang, [Role.Analyst], MayGive(viewer), FormErrors.None))).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/people/invite", HandleAsync).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/people/invite/withdraw", WithdrawAsync).Needs(Right.ManagePeople).ExcludeFromDescription();
    }

    /// <summary>The roles this viewer may give to someone else in the team they work for.</summary>
    public static IReadOnlyList<Role> MayGive(Viewer viewer) => [.. Enum.GetValues<Role>().Where(r => MayGive(viewer, r, toSelf: false))];

    /// <summary>
    /// Nobody gives a role with a right they lack; operators may give any role to others, since someone must be the first lead, but not to
    /// themselves. Only operators make operators.
    /// </summary>
    public static bool MayGive(Viewer viewer, Role role, bool toSelf)
    {
        if (viewer.Team is not { } team || !viewer.Has(team, Right.ManagePeople))
        {
            return false;
        }

        var operates = viewer.HasAnywhere(Right.OperateNode);
        return role == Role.Operator ? operates : (operates && !toSelf) || Rights.Of(role).All(right => viewer.Has(team, right));
    }

    private static async Task<IResult> HandleAsync([FromForm] string? email, [FromForm] string? name, [FromForm] string? language, IFormCollection form, Viewer viewer, NodeDb db, AccountDb accounts,
        UserManager<Account> users, NodeSettings settings, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var team = viewer.Team!.Value;
        var (mail, who) = (email?.Trim() ?? "", name?.Trim() ?? "");
        var wanted = ChangePerson.RolesOf(form["roles"].OfType<string>());
        var errors = new FormErrors();
        if (TextCheck.Mail(t, mail) is { } badMail)
        {
            errors.Add("email", t["sign_in.email"], badMail);
        }

        if (TextCheck.Of(t, who, 120) is { } badName)
        {
            errors.Add("name", t["accounts.me.name"], badName);
        }

        if (wanted.Count == 0)
        {
            errors.Add("roles-analyst", t["people.roles"], t["people.roles_none"]);
        }
        else if (wanted.FirstOrDefault(r => !MayGive(viewer, r, toSelf: false), (Role)(-1)) is var refused && (int)refused >= 0)
        {
            errors.Add("roles-" + refused.Code(), t["people.roles"], t.Of("people.roles_refused", t["role." + refused.Code()]));
        }

        var model = new Model(mail, who, language is "en" ? "en" : "ja", wanted, MayGive(viewer), errors);
        if (errors.Any)
        {
            return Answers.Page<InvitePage>(model, StatusCodes.Status400BadRequest);
        }

        var secret = SetupLink.NewSecret();
        var until = clock.GetUtcNow() + GoodFor;
        if (await users.FindByEmailAsync(mail) is { } known)
        {
            // someone with an account joins by their own act: a membership that others add could take things away from them
            var person = new PersonId(known.Id);
            if (await db.Memberships.AnyAsync(m => m.Team == team && m.Person == person, ct))
            {
                return Answers.Page<InvitePage>(model with { Errors = errors.Add("email", t["sign_in.email"], t["people.already_here"]) }, StatusCodes.Status400BadRequest);
            }

            db.NodeFacts.Add(new NodeFact
            {
                Name = UseInvitation.JoinName(team, ViewerResolver.HashOf(secret)),
                Value = JsonSerializer.Serialize(new UseInvitation.Join(known.Id, mail, [.. wanted.Select(r => r.Code())], until)),
            });
        }
        else
        {
            var id = PersonId.New(clock);
            var account = TeamSetup.AccountFor(id, mail, clock);
            (account.InvitationHash, account.InvitationUntil) = (ViewerResolver.HashOf(secret), until);
            TeamSetup.AddPerson(accounts.Context, clock, id, who, null, model.Language, settings["zone"], team, wanted);
            var created = await users.CreateAsync(account);
            if (!created.Succeeded)
            {
                return Answers.Page<InvitePage>(model with { Errors = errors.Add("email", t["sign_in.email"], created.Errors.First().Description) }, StatusCodes.Status400BadRequest);
            }
        }

        db.Note(new AuditNote("account.invited", team, null, new Dictionary<string, object?>(StringComparer.Ordinal) { ["roles"] = wanted.Select(r => r.Code()).ToList() }));
        await db.SaveChangesAsync(ct);
        return Answers.Page<InvitedPage>(new LinkModel(mail, settings.PublicUrl + "/invitation/" + secret, until));
    }

    private static async Task<IResult> WithdrawAsync([FromForm] string? id, Viewer viewer, NodeDb db, CancellationToken ct)
    {
        var name = UseInvitation.JoinName(viewer.Team!.Value, id is { Length: 64 } ? id : "");
        if (await db.NodeFacts.Where(f => f.Name == name).ExecuteDeleteAsync(ct) == 0)
        {
            return Answers.NotFound();
        }

        db.Note(new AuditNote("account.invitation-withdrawn", viewer.Team, null));
        await db.SaveChangesAsync(ct);
        return Answers.Seen("/people?done=withdrawn");
    }
}
