using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>Signs in and writes down the session, so that a person sees where they are signed in and can end it.</summary>
public sealed class DeskSignIn(UserManager<Account> users, IHttpContextAccessor http, IUserClaimsPrincipalFactory<Account> claims, IOptions<IdentityOptions> options,
    ILogger<SignInManager<Account>> log, IAuthenticationSchemeProvider schemes, IUserConfirmation<Account> confirmation, NodeDbFactory databases, TimeProvider clock, StepUp stepUp)
    : SignInManager<Account>(users, http, claims, options, log, schemes, confirmation)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(14);

    /// <summary>After the password was right: in, or on to the second factor.</summary>
    public Task<Microsoft.AspNetCore.Identity.SignInResult> AfterPasswordAsync(Account user) => SignInOrTwoFactorAsync(user, isPersistent: true);

    public override async Task SignInWithClaimsAsync(Account user, AuthenticationProperties? authenticationProperties, IEnumerable<Claim> additionalClaims)
    {
        var all = additionalClaims.ToList();
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var now = clock.GetUtcNow();
        var agent = Context.Request.Headers.UserAgent.ToString();
        // signing in again in the same browser replaces its session; after a change of password that is how it goes on
        var before = Context.User.FindFirstValue(ViewerResolver.SessionClaim) is { } old && Context.User.FindFirstValue(ClaimTypes.NameIdentifier) == user.Id.ToString() ? ViewerResolver.HashOf(old) : null;
        await using (var db = databases.ForSystem("person:" + user.Id))
        {
            if (before is not null)
            {
                await db.Sessions.Where(s => s.Id == before && s.EndedAt == null).ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now));
            }
            else
            {
                db.Note(new AuditNote("account.signed-in", await AccountAudit.TeamOfAsync(db, user.Id), AccountAudit.Of(user.Id),
                    new Dictionary<string, object?>(StringComparer.Ordinal) { ["how"] = all.FirstOrDefault(c => c.Type == "amr")?.Value ?? "pwd" }));
            }

            db.Sessions.Add(new Session
            {
                Id = ViewerResolver.HashOf(secret),
                Account = user.Id,
                CreatedAt = now,
                SeenAt = now,
                Until = now + Lifetime,
                UserAgent = InertText.Clean(agent.Length > 200 ? agent[..200] : agent),
                Address = Context.Connection.RemoteIpAddress?.ToString() ?? "",
                SecondFactor = all.Any(c => c.Type == "amr" && c.Value is "mfa" or "hwk" or "swk"),
            });
            await db.SaveChangesAsync();
        }

        // who has just signed in with all they have need not show it again; going on after a change of password is no signing in
        if (before is null && (!user.TwoFactorEnabled || all.Any(c => c.Type == "amr" && c.Value is "mfa" or "hwk" or "swk")))
        {
            stepUp.Remember(ViewerResolver.HashOf(secret));
        }

        all.Add(new Claim(ViewerResolver.SessionClaim, secret));
        await base.SignInWithClaimsAsync(user, authenticationProperties ?? new AuthenticationProperties { IsPersistent = true }, all);
    }
}
