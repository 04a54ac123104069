using System.Globalization;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET and POST /sign-in/code: the second step, with the app's six digits or a recovery code.</summary>
public static class SignInCode
{
    public sealed record Model(string Back, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sign-in/code", async Task<IResult> (string? back, SignInManager<Account> signIn) =>
            await signIn.GetTwoFactorAuthenticationUserAsync() is null ? Answers.Seen("/sign-in") : Answers.Page<SignInCodePage>(new Model(SignIn.Local(back), FormErrors.None))).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/sign-in/code", HandleAsync).OpenToAll().ExcludeFromDescription();
    }

    /// <summary>True once for each code: within its lifetime the same six digits do not open twice.</summary>
    public static async Task<bool> IsFreshAsync(UserManager<Account> users, Account account, string code, DateTimeOffset now)
    {
        var last = (await users.GetAuthenticationTokenAsync(account, "renkei", "last-code"))?.Split(' ');
        return last is not [var used, var at] || used != code || !long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var when) || now.ToUnixTimeSeconds() - when > 180;
    }

    public static Task UsedAsync(UserManager<Account> users, Account account, string code, DateTimeOffset now) =>
        users.SetAuthenticationTokenAsync(account, "renkei", "last-code", code + " " + now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));

    /// <summary>A code as typed, in full-width characters or with spaces, as it is meant.</summary>
    public static string Typed(string? code) => new([.. (code ?? "").Normalize(System.Text.NormalizationForm.FormKC).Where(c => !char.IsWhiteSpace(c)).Take(40)]);

    /// <summary>The app's six digits; null for what can only be a recovery code.</summary>
    public static string? Digits(string typed) => typed.Replace("-", "", StringComparison.Ordinal) is { Length: 6 } digits && digits.All(char.IsAsciiDigit) ? digits : null;

    private static async Task<IResult> HandleAsync([FromForm] string? code, [FromForm] string? back, UserManager<Account> users, SignInManager<Account> signIn, SignInLimits limits,
        NodeDbFactory databases, TimeProvider clock, Texts t, HttpContext http)
    {
        var started = clock.GetTimestamp();
        var address = http.Connection.RemoteIpAddress;
        if (await signIn.GetTwoFactorAuthenticationUserAsync() is not { } account)
        {
            return Answers.Seen("/sign-in");
        }

        var model = new Model(SignIn.Local(back), FormErrors.None);
        if (!limits.Take(address))
        {
            return Answers.Page<SignInCodePage>(model with { Errors = new FormErrors().Add("code", t["accounts.code.label"], t["accounts.sign_in.too_many"]) }, StatusCodes.Status429TooManyRequests);
        }

        var typed = Typed(code);
        var result = Microsoft.AspNetCore.Identity.SignInResult.Failed;
        if (Digits(typed) is { } digits)
        {
            if (await IsFreshAsync(users, account, digits, clock.GetUtcNow()))
            {
                result = await signIn.TwoFactorAuthenticatorSignInAsync(digits, isPersistent: true, rememberClient: false);
                if (result.Succeeded)
                {
                    await UsedAsync(users, account, digits, clock.GetUtcNow());
                }
            }
        }
        else if (typed.Length > 0 && !await users.IsLockedOutAsync(account))
        {
            result = await signIn.TwoFactorRecoveryCodeSignInAsync(typed.ToUpperInvariant());
            if (result.Succeeded)
            {
                await AccountAudit.NoteByOwnerAsync(databases, "account.recovery-code-used", account.Id, ("left", await users.CountRecoveryCodesAsync(account)));
            }
            else
            {
                await users.AccessFailedAsync(account);
            }
        }

        if (result.Succeeded)
        {
            limits.GiveBack(address);
            return Answers.Seen(model.Back);
        }

        var locked = await users.IsLockedOutAsync(account);
        await AccountAudit.NoteAsync(databases, locked ? "account.locked" : "account.code-failed", account.Id, ("address", address?.ToString()));
        await limits.SettleAsync(started, http.RequestAborted);
        return Answers.Page<SignInCodePage>(model with { Errors = new FormErrors().Add("code", t["accounts.code.label"], t[locked ? "sign_in.locked" : "accounts.code.wrong"]) }, StatusCodes.Status400BadRequest);
    }
}
