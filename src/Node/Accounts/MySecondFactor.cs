using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using QRCoder;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>/me/security/totp: an authenticator app (RFC 6238) as second factor, with recovery codes that are shown once.</summary>
public static class MySecondFactor
{
    public sealed record Model(string Key, FormErrors Errors);

    public sealed record CodesModel(IReadOnlyList<string> Codes);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/me/security/totp", async Task<IResult> (Desk desk) => await PageAsync(desk, FormErrors.None)).SignedIn().ExcludeFromDescription();
        routes.MapGet("/me/security/totp.svg", QrAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/totp", OnAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/totp/off", OffAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/codes", CodesAsync).SignedIn().ExcludeFromDescription();
    }

    private static async Task<IResult> PageAsync(Desk desk, FormErrors errors)
    {
        if (await desk.AccountAsync() is not { } account)
        {
            return Answers.NotFound();
        }

        return account.TwoFactorEnabled ? Answers.Seen("/me/security")
            : Answers.Page<TotpPage>(new Model(Grouped(await KeyAsync(desk, account)), errors), errors.Any ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    /// <summary>The key that waits to be confirmed. Once the factor is on, nobody is shown it again.</summary>
    private static async Task<string> KeyAsync(Desk desk, Account account)
    {
        if (await desk.Users.GetAuthenticatorKeyAsync(account) is { } key)
        {
            return key;
        }

        // not UserManager.ResetAuthenticatorKeyAsync: it changes the security stamp, and nothing about signing in has changed yet
        key = desk.Users.GenerateNewAuthenticatorKey();
        await desk.AuthenticatorStore.SetAuthenticatorKeyAsync(account, key, desk.Ct);
        await desk.Users.UpdateAsync(account);
        return key;
    }

    private static string Grouped(string key) => string.Join(' ', key.Chunk(4).Select(four => new string(four))).ToLowerInvariant();

    private static async Task<IResult> QrAsync(Desk desk, NodeSettings settings)
    {
        if (await desk.AccountAsync() is not { TwoFactorEnabled: false } account || await desk.Users.GetAuthenticatorKeyAsync(account) is not { } key)
        {
            return Answers.NotFound();
        }

        var issuer = Uri.EscapeDataString(settings["name"]);
        using var data = QRCodeGenerator.GenerateQrCode($"otpauth://totp/{issuer}:{Uri.EscapeDataString(account.Email ?? "")}?secret={key}&issuer={issuer}&digits=6", QRCodeGenerator.ECCLevel.M);
        using var code = new SvgQRCode(data);
        return Results.Content(code.GetGraphic(6, "#000000", "#ffffff", drawQuietZones: true), "image/svg+xml");
    }

    private static async Task<IResult> OnAsync([FromForm] string? code, [FromForm] string? password, Desk desk, SignInManager<Account> signIn)
    {
        if (await desk.AccountAsync() is not { } account)
        {
            return Answers.NotFound();
        }

        if (account.TwoFactorEnabled)
        {
            return Answers.Seen("/me/security");
        }

        var t = desk.T;
        if (await desk.PasswordFaultAsync(account, password) is { } wrong)
        {
            return await PageAsync(desk, new FormErrors().Add("totp-password", t["sign_in.password"], wrong));
        }

        var digits = new string([.. (code ?? "").Normalize(System.Text.NormalizationForm.FormKC).Where(char.IsAsciiDigit).Take(8)]);
        if (digits.Length != 6 || !await desk.Users.VerifyTwoFactorTokenAsync(account, TokenOptions.DefaultAuthenticatorProvider, digits))
        {
            return await PageAsync(desk, new FormErrors().Add("code", t["accounts.code.label"], t["accounts.code.wrong"]));
        }

        await desk.Users.SetTwoFactorEnabledAsync(account, true);
        await SignInCode.UsedAsync(desk.Users, account, digits, desk.Clock.GetUtcNow());
        var codes = await desk.Users.GenerateNewTwoFactorRecoveryCodesAsync(account, 10);
        await signIn.RefreshSignInAsync(account);
        await desk.NoteAsync("account.second-factor-on");
        return Answers.Page<CodesPage>(new CodesModel([.. codes ?? []]));
    }

    private static async Task<IResult> OffAsync([FromForm] string? password, Desk desk, SignInManager<Account> signIn)
    {
        if (await desk.AccountAsync() is not { } account)
        {
            return Answers.NotFound();
        }

        if (await desk.PasswordFaultAsync(account, password) is { } wrong)
        {
            return await MySecurity.PageAsync(desk, new FormErrors().Add("off-password", desk.T["sign_in.password"], wrong));
        }

        await ClearAsync(desk.Users, account);
        await signIn.RefreshSignInAsync(account);
        await desk.NoteAsync("account.second-factor-off");
        return Answers.Seen("/me/security?done=totp-off");
    }

    /// <summary>Forgets the app and its codes; the next set-up begins with a new key.</summary>
    public static async Task ClearAsync(UserManager<Account> users, Account account)
    {
        await users.SetTwoFactorEnabledAsync(account, false);
        await users.RemoveAuthenticationTokenAsync(account, "[AspNetUserStore]", "AuthenticatorKey");
        await users.RemoveAuthenticationTokenAsync(account, "[AspNetUserStore]", "RecoveryCodes");
    }

    private static async Task<IResult> CodesAsync([FromForm] string? password, Desk desk)
    {
        if (await desk.AccountAsync() is not { TwoFactorEnabled: true } account)
        {
            return Answers.NotFound();
        }

        if (await desk.PasswordFaultAsync(account, password) is { } wrong)
        {
            return await MySecurity.PageAsync(desk, new FormErrors().Add("codes-password", desk.T["sign_in.password"], wrong));
        }

        var codes = await desk.Users.GenerateNewTwoFactorRecoveryCodesAsync(account, 10);
        await desk.NoteAsync("account.recovery-codes-made");
        return Answers.Page<CodesPage>(new CodesModel([.. codes ?? []]));
    }
}
