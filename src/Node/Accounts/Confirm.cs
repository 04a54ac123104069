using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET and POST /me/confirm: before AMBER or stricter leaves the house, the second factor once more, or the password of who has none.</summary>
public static class Confirm
{
    /// <param name="Code">Asks for the app's code, not for the password.</param>
    public sealed record Model(bool Code, string Back, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/me/confirm", async Task<IResult> (string? back, Desk desk) =>
            await desk.AccountAsync() is { } account ? Answers.Page<ConfirmPage>(new Model(account.TwoFactorEnabled, SignIn.Local(back), FormErrors.None)) : Answers.NotFound()).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/confirm", HandleAsync).SignedIn().ExcludeFromDescription();
    }

    private static async Task<IResult> HandleAsync([FromForm] string? secret, [FromForm] string? back, Desk desk, StepUp stepUp)
    {
        if (await desk.AccountAsync() is not { } account || desk.Who.SessionId is not { } session)
        {
            return Answers.NotFound();
        }

        var wrong = account.TwoFactorEnabled ? await CodeFaultAsync(desk, account, secret) : await desk.PasswordFaultAsync(account, secret);
        if (wrong is not null)
        {
            var label = desk.T[account.TwoFactorEnabled ? "accounts.code.label" : "accounts.security.current"];
            return Answers.Page<ConfirmPage>(new Model(account.TwoFactorEnabled, SignIn.Local(back), new FormErrors().Add("secret", label, wrong)), StatusCodes.Status400BadRequest);
        }

        stepUp.Remember(session);
        await desk.NoteAsync("account.confirmed");
        return Answers.Seen(SignIn.Local(back));
    }

    /// <summary>Null when the code is right. Wrong ones count towards the lockout, as at sign-in.</summary>
    private static async Task<string?> CodeFaultAsync(Desk desk, Account account, string? secret)
    {
        var (users, now) = (desk.Users, desk.Clock.GetUtcNow());
        if (await users.IsLockedOutAsync(account))
        {
            return desk.T["sign_in.locked"];
        }

        var typed = SignInCode.Typed(secret);
        if (SignInCode.Digits(typed) is { } digits)
        {
            if (await SignInCode.IsFreshAsync(users, account, digits, now) && await users.VerifyTwoFactorTokenAsync(account, users.Options.Tokens.AuthenticatorTokenProvider, digits))
            {
                await SignInCode.UsedAsync(users, account, digits, now);
                return null;
            }
        }
        else if (typed.Length > 0 && (await users.RedeemTwoFactorRecoveryCodeAsync(account, typed.ToUpperInvariant())).Succeeded)
        {
            await desk.NoteAsync("account.recovery-code-used", ("left", await users.CountRecoveryCodesAsync(account)));
            return null;
        }

        await users.AccessFailedAsync(account);
        await desk.NoteAsync("account.code-failed");
        return desk.T["accounts.code.wrong"];
    }
}
