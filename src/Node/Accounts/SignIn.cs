using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET and POST /sign-in: password first, then the second factor where there is one.</summary>
public static class SignIn
{
    public sealed record Model(string Email, string Back, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sign-in", (string? back) => Answers.Page<SignInPage>(new Model("", back ?? "/", FormErrors.None))).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/sign-in", HandleAsync).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/sign-out", async (SignInManager<Account> signIn, CurrentViewer who, NodeDbFactory databases, TimeProvider clock, HttpContext http) =>
        {
            if (who.SessionId is { } id)
            {
                await Sessions.EndAsync(databases, clock, id, http.RequestAborted);
            }

            await signIn.SignOutAsync();
            return Answers.Seen("/sign-in");
        }).SignedIn().ExcludeFromDescription();
    }

    private static async Task<IResult> HandleAsync([FromForm] string? email, [FromForm] string? password, [FromForm] string? back, SignInManager<Account> signIn, Texts t)
    {
        var result = await signIn.PasswordSignInAsync(email ?? "", password ?? "", isPersistent: true, lockoutOnFailure: true);
        if (result.Succeeded)
        {
            return Answers.Seen(back ?? "/");
        }

        if (result.RequiresTwoFactor)
        {
            return Answers.Seen("/sign-in/code?back=" + Uri.EscapeDataString(back ?? "/"));
        }

        var errors = new FormErrors().Add("email", t["sign_in.email"], result.IsLockedOut ? t["sign_in.locked"] : t["sign_in.failed"]);
        return Answers.Page<SignInPage>(new Model(email ?? "", back ?? "/", errors), StatusCodes.Status400BadRequest);
    }
}
