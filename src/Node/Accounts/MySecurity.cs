using System.Globalization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET /me/security: password, second factor, passkeys, where one is signed in. What weakens or adds a way in asks for the password again.</summary>
public static class MySecurity
{
    public sealed record PasskeyRow(string Id, string Name, DateTimeOffset CreatedAt);

    public sealed record Model(bool TwoFactor, int CodesLeft, IReadOnlyList<PasskeyRow> Passkeys, IReadOnlyList<Session> Sessions, string? ThisSession, FormErrors Errors, string? Done);

    /// <summary>What was just done, by the word in the address; other words say nothing.</summary>
    private static readonly string[] Dones = ["password", "sessions", "totp-off", "passkey", "passkey-removed", "passkey-renamed"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/me/security", Task<IResult> (string? done, Desk desk) => PageAsync(desk, FormErrors.None, Array.IndexOf(Dones, done) >= 0 ? done : null)).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/password", PasswordAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/sessions/end", EndSessionAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/sessions/end-others", EndOthersAsync).SignedIn().ExcludeFromDescription();
    }

    public static async Task<IResult> PageAsync(Desk desk, FormErrors errors, string? done = null)
    {
        if (await desk.AccountAsync() is not { } account)
        {
            return Answers.NotFound();
        }

        var passkeys = await desk.Users.GetPasskeysAsync(account);
        return Answers.Page<SecurityPage>(new Model(
            account.TwoFactorEnabled,
            account.TwoFactorEnabled ? await desk.Users.CountRecoveryCodesAsync(account) : 0,
            [.. passkeys.OrderBy(p => p.CreatedAt).Select(p => new PasskeyRow(System.Buffers.Text.Base64Url.EncodeToString(p.CredentialId), p.Name ?? "", p.CreatedAt))],
            await Sessions.OpenAsync(desk.Db, desk.Clock, account.Id, desk.Ct),
            desk.Who.SessionId,
            errors,
            done), errors.Any ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    private static async Task<IResult> PasswordAsync([FromForm] string? current, [FromForm] string? password, Desk desk, SignInManager<Account> signIn)
    {
        if (await desk.AccountAsync() is not { } account)
        {
            return Answers.NotFound();
        }

        var t = desk.T;
        if (await desk.PasswordFaultAsync(account, current) is { } wrong)
        {
            return await PageAsync(desk, new FormErrors().Add("current", t["accounts.security.current"], wrong));
        }

        if (TextCheck.Password(t, password, account.Email) is { } weak)
        {
            return await PageAsync(desk, new FormErrors().Add("password", t["accounts.security.next"], weak));
        }

        var changed = await desk.Users.ChangePasswordAsync(account, current!, password!);
        if (!changed.Succeeded)
        {
            return await PageAsync(desk, new FormErrors().Add("password", t["accounts.security.next"], changed.Errors.First().Description));
        }

        var ended = await Sessions.EndAllAsync(desk.Databases, desk.Clock, account.Id, desk.Who.SessionId, desk.Ct);
        await signIn.RefreshSignInAsync(account);
        await desk.NoteAsync("account.password-changed", ("sessionsEnded", ended));
        return Answers.Seen("/me/security?done=password");
    }

    private static async Task<IResult> EndSessionAsync([FromForm] string? id, Desk desk)
    {
        var me = desk.Viewer.Person!.Value.Value;
        var now = desk.Clock.GetUtcNow();
        var wanted = id is { Length: 64 } ? id : "";
        if (await desk.Db.Sessions.Where(s => s.Id == wanted && s.Account == me && s.EndedAt == null).ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now), desk.Ct) == 0)
        {
            return Answers.NotFound();
        }

        await desk.NoteAsync("account.sessions-ended", ("sessions", 1));
        return Answers.Seen("/me/security?done=sessions");
    }

    private static async Task<IResult> EndOthersAsync([FromForm] string? confirm, Desk desk)
    {
        var ended = await Sessions.EndAllAsync(desk.Databases, desk.Clock, desk.Viewer.Person!.Value.Value, desk.Who.SessionId, desk.Ct);
        await desk.NoteAsync("account.sessions-ended", ("sessions", ended));
        return Answers.Seen("/me/security?done=sessions");
    }
}

/// <summary>What the slices about one's own account need together.</summary>
public sealed class Desk(UserManager<Account> users, IUserStore<Account> store, NodeDb db, NodeDbFactory databases, CurrentViewer who, TimeProvider clock, Texts t, IHttpContextAccessor http)
{
    public UserManager<Account> Users => users;

    public IUserAuthenticatorKeyStore<Account> AuthenticatorStore => (IUserAuthenticatorKeyStore<Account>)store;

    public NodeDb Db => db;

    public NodeDbFactory Databases => databases;

    public CurrentViewer Who => who;

    public Viewer Viewer => who.Viewer;

    public TimeProvider Clock => clock;

    public Texts T => t;

    public CancellationToken Ct => http.HttpContext?.RequestAborted ?? CancellationToken.None;

    /// <summary>The account of whoever is signed in.</summary>
    public async Task<Account?> AccountAsync() => who.Viewer.Person is { } id ? await users.FindByIdAsync(id.Value.ToString("D", CultureInfo.InvariantCulture)) : null;

    /// <summary>Null when the password is right. Wrong ones count towards the lockout, so that a stolen session is no place to guess.</summary>
    public async Task<string?> PasswordFaultAsync(Account account, string? password)
    {
        if (await users.IsLockedOutAsync(account))
        {
            return t["sign_in.locked"];
        }

        if (password is { Length: > 0 and <= TextCheck.PasswordMax } && await users.CheckPasswordAsync(account, password))
        {
            return null;
        }

        await users.AccessFailedAsync(account);
        await NoteAsync("account.password-wrong");
        return t["accounts.security.password_wrong"];
    }

    /// <summary>Writes an act on one's own account into the audit log of the team one works for.</summary>
    public async Task NoteAsync(string action, params (string Name, object? Value)[] detail)
    {
        db.Note(new AuditNote(action, who.Viewer.Team, AccountAudit.Of(who.Viewer.Person!.Value.Value), detail.ToDictionary(d => d.Name, d => d.Value, StringComparer.Ordinal)));
        await db.SaveChangesAsync(Ct);
    }
}
