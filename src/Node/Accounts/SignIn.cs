using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET and POST /sign-in: password first, then the second factor where there is one. Names with and without an account hear the same, after the same time.</summary>
public static class SignIn
{
    public sealed record Model(string Email, string Back, FormErrors Errors);

    private static readonly Account Nobody = new();
    private static readonly string NobodysHash = new PasswordHasher<Account>().HashPassword(Nobody, Guid.NewGuid().ToString());

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sign-in", IResult (string? back) => Answers.Page<SignInPage>(new Model("", Local(back), FormErrors.None))).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/sign-in", HandleAsync).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/sign-out", async Task<IResult> (SignInManager<Account> signIn, CurrentViewer who, NodeDbFactory databases, TimeProvider clock, HttpContext http, [FromForm] string? back) =>
        {
            if (who.SessionId is { } id)
            {
                await Sessions.EndAsync(databases, clock, id, http.RequestAborted);
            }

            await signIn.SignOutAsync();
            return Answers.Seen(back is null ? "/sign-in" : Local(back));
        }).SignedIn().ExcludeFromDescription();
    }

    /// <summary>A way back that stays on this node.</summary>
    public static string Local(string? back) => Answers.IsLocal(back) ? back! : "/";

    /// <summary>The page again, with what went wrong, once the time of a failure has passed.</summary>
    public static async Task<IResult> RefusedAsync(SignInLimits limits, long started, Model model, Texts t, string textKey, int status, CancellationToken ct)
    {
        await limits.SettleAsync(started, ct);
        return Answers.Page<SignInPage>(model with { Errors = new FormErrors().Add("email", t["sign_in.title"], t[textKey]) }, status);
    }

    private static async Task<IResult> HandleAsync([FromForm] string? email, [FromForm] string? password, [FromForm] string? back, UserManager<Account> users, SignInManager<Account> signIn,
        SignInLimits limits, NodeDbFactory databases, TimeProvider clock, Texts t, HttpContext http)
    {
        var started = clock.GetTimestamp();
        var ct = http.RequestAborted;
        var address = http.Connection.RemoteIpAddress;
        var name = (email ?? "").Trim();
        var secret = password ?? "";
        var again = new Model(name.Length > 254 ? "" : name, Local(back), FormErrors.None);
        if (!limits.Take(address))
        {
            return await RefusedAsync(limits, started, again, t, "accounts.sign_in.too_many", StatusCodes.Status429TooManyRequests, ct);
        }

        if (TextCheck.Of(t, name, 254) is not null || secret.Length is 0 or > TextCheck.PasswordMax)
        {
            return await RefusedAsync(limits, started, again with { Email = "" }, t, "sign_in.failed", StatusCodes.Status400BadRequest, ct);
        }

        var found = await users.FindByEmailAsync(name);
        // a deactivated account is none to whoever tries: "locked" at the first wrong word would say that it is there
        var account = found is not null && ChangePerson.IsDeactivated(found, clock.GetUtcNow()) ? null : found;
        var locked = account is null ? limits.IsLocked(name) : await users.IsLockedOutAsync(account);
        var right = account is { PasswordHash: not null } && !locked ? await users.CheckPasswordAsync(account, secret)
            : users.PasswordHasher.VerifyHashedPassword(Nobody, NobodysHash, secret) == PasswordVerificationResult.Success && false;
        if (right && account is not null && signIn is DeskSignIn desk)
        {
            limits.GiveBack(address);
            if (!account.TwoFactorEnabled)
            {
                // with a second factor only that one ends the counting: else a known password would give endless tries at the code
                await users.ResetAccessFailedCountAsync(account);
            }

            var result = await desk.AfterPasswordAsync(account);
            return Answers.Seen(result.RequiresTwoFactor ? "/sign-in/code?back=" + Uri.EscapeDataString(again.Back) : again.Back);
        }

        var lockedNow = locked;
        if (!locked && account is not null)
        {
            await users.AccessFailedAsync(account);
            lockedNow = await users.IsLockedOutAsync(account);
        }
        else if (!locked)
        {
            lockedNow = limits.Fail(name);
        }

        await AccountAudit.NoteAsync(databases, lockedNow && !locked ? "account.locked" : "account.sign-in-failed", found?.Id, ("address", address?.ToString()), ("locked", lockedNow));
        return await RefusedAsync(limits, started, again, t, lockedNow ? "sign_in.locked" : "sign_in.failed", StatusCodes.Status400BadRequest, ct);
    }
}
