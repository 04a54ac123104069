using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>/me/security/passkeys: add a passkey (WebAuthn registration), name it, take it away.</summary>
public static class MyPasskeys
{
    private const int Most = 20;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/me/security/passkeys/options", OptionsAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/passkeys", AddAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/passkeys/rename", RenameAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/security/passkeys/remove", RemoveAsync).SignedIn().ExcludeFromDescription();
    }

    /// <summary>Asks for the password before the browser makes a key: a session someone left open must not become a lasting way in.</summary>
    private static async Task<IResult> OptionsAsync([FromForm] string? password, Desk desk, SignInManager<Account> signIn)
    {
        if (await desk.AccountAsync() is not { } account)
        {
            return Answers.NotFound();
        }

        if (await desk.PasswordFaultAsync(account, password) is { } wrong)
        {
            return TypedResults.Problem(wrong, statusCode: StatusCodes.Status400BadRequest, title: desk.T["sign_in.password"]);
        }

        if ((await desk.Users.GetPasskeysAsync(account)).Count >= Most)
        {
            return TypedResults.Problem(desk.T.Of("accounts.passkey.most", Most), statusCode: StatusCodes.Status400BadRequest, title: desk.T["accounts.passkey.title"]);
        }

        var name = account.Email ?? account.Id.ToString();
        return Results.Content(await signIn.MakePasskeyCreationOptionsAsync(new PasskeyUserEntity { Id = account.Id.ToString(), Name = name, DisplayName = name }), "application/json");
    }

    private static async Task<IResult> AddAsync([FromForm] string? credential, [FromForm] string? name, Desk desk, SignInManager<Account> signIn)
    {
        if (await desk.AccountAsync() is not { } account)
        {
            return Answers.NotFound();
        }

        var t = desk.T;
        var label = name?.Trim() is { Length: > 0 } given ? given : t["accounts.passkey.unnamed"];
        if (TextCheck.Of(t, label, 60) is { } badName)
        {
            return await MySecurity.PageAsync(desk, new FormErrors().Add("passkey-name", t["accounts.passkey.name"], badName));
        }

        var result = credential is { Length: > 0 and < 60_000 } ? await AttestAsync(signIn, credential) : null;
        if (result is not { Succeeded: true } || result.UserEntity.Id != account.Id.ToString() || await desk.Users.FindByPasskeyIdAsync(result.Passkey.CredentialId) is not null)
        {
            return await MySecurity.PageAsync(desk, new FormErrors().Add("passkey-name", t["accounts.passkey.title"], t["accounts.passkey.not_added"]));
        }

        result.Passkey.Name = label;
        await desk.Users.AddOrUpdatePasskeyAsync(account, result.Passkey);
        await desk.NoteAsync("account.passkey-added");
        return Answers.Seen("/me/security?done=passkey");
    }

    private static async Task<IResult> RenameAsync([FromForm] string? id, [FromForm] string? name, Desk desk)
    {
        if (await FindAsync(desk, id) is not ({ } account, { } passkey))
        {
            return Answers.NotFound();
        }

        if (TextCheck.Of(desk.T, name?.Trim(), 60) is { } badName)
        {
            return await MySecurity.PageAsync(desk, new FormErrors().Add("name-" + id, desk.T["accounts.passkey.name"], badName));
        }

        passkey.Name = name!.Trim();
        await desk.Users.AddOrUpdatePasskeyAsync(account, passkey);
        return Answers.Seen("/me/security?done=passkey-renamed");
    }

    private static async Task<IResult> RemoveAsync([FromForm] string? id, [FromForm] string? password, Desk desk)
    {
        if (await FindAsync(desk, id) is not ({ } account, { } passkey))
        {
            return Answers.NotFound();
        }

        if (await desk.PasswordFaultAsync(account, password) is { } wrong)
        {
            return await MySecurity.PageAsync(desk, new FormErrors().Add("remove-" + id, desk.T["accounts.security.current"], wrong));
        }

        await desk.Users.RemovePasskeyAsync(account, passkey.CredentialId);
        await desk.NoteAsync("account.passkey-removed");
        return Answers.Seen("/me/security?done=passkey-removed");
    }

    private static async Task<(Account? Account, UserPasskeyInfo? Passkey)> FindAsync(Desk desk, string? id)
    {
        if (id is not { Length: > 0 and < 1400 } || !System.Buffers.Text.Base64Url.IsValid(id) || await desk.AccountAsync() is not { } account)
        {
            return (null, null);
        }

        return (account, await desk.Users.GetPasskeyAsync(account, System.Buffers.Text.Base64Url.DecodeFromChars(id)));
    }

    private static async Task<PasskeyAttestationResult?> AttestAsync(SignInManager<Account> signIn, string credential)
    {
        try
        {
            return await signIn.PerformPasskeyAttestationAsync(credential);
        }
        catch (InvalidOperationException)
        {
            // no options were asked for in this browser, or they are used up
            return null;
        }
    }
}
