using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>POST /sign-in/passkey/options and /sign-in/passkey: in with a passkey (WebAuthn), which is both factors at once.</summary>
public static class SignInPasskey
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/sign-in/passkey/options", async Task<IResult> ([FromForm] string? back, SignInManager<Account> signIn) =>
            // no account is named: the browser offers what it has, and the answer tells nobody which accounts have passkeys
            Results.Content(await signIn.MakePasskeyRequestOptionsAsync(null), "application/json")).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/sign-in/passkey", HandleAsync).OpenToAll().ExcludeFromDescription();
    }

    private static async Task<IResult> HandleAsync([FromForm] string? credential, [FromForm] string? back, UserManager<Account> users, SignInManager<Account> signIn, SignInLimits limits,
        NodeDbFactory databases, TimeProvider clock, Texts t, HttpContext http)
    {
        var started = clock.GetTimestamp();
        var address = http.Connection.RemoteIpAddress;
        var again = new SignIn.Model("", SignIn.Local(back), FormErrors.None);
        if (!limits.Take(address))
        {
            return await SignIn.RefusedAsync(limits, started, again, t, "accounts.sign_in.too_many", StatusCodes.Status429TooManyRequests, http.RequestAborted);
        }

        var result = credential is { Length: > 0 and < 20_000 } ? await AssertAsync(signIn, credential) : null;
        if (result is not { Succeeded: true, User: { } account } || ChangePerson.IsDeactivated(account, clock.GetUtcNow()))
        {
            await AccountAudit.NoteAsync(databases, "account.sign-in-failed", result?.User?.Id, ("address", address?.ToString()), ("how", "passkey"));
            return await SignIn.RefusedAsync(limits, started, again, t, "accounts.passkey.failed", StatusCodes.Status400BadRequest, http.RequestAborted);
        }

        limits.GiveBack(address);
        await users.AddOrUpdatePasskeyAsync(account, result.Passkey);
        await signIn.SignInWithClaimsAsync(account, isPersistent: true, [new Claim("amr", "hwk")]);
        return Answers.Seen(again.Back);
    }

    private static async Task<PasskeyAssertionResult<Account>?> AssertAsync(SignInManager<Account> signIn, string credential)
    {
        try
        {
            return await signIn.PerformPasskeyAssertionAsync(credential);
        }
        catch (InvalidOperationException)
        {
            // no options were asked for in this browser, or they are used up
            return null;
        }
    }
}
