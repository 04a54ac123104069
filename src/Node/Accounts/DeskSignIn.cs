using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Renkei.Node.Security;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>Signs in and writes down the session, so that a person sees where they are signed in and can end it.</summary>
public sealed class DeskSignIn(UserManager<Account> users, IHttpContextAccessor http, IUserClaimsPrincipalFactory<Account> claims, IOptions<IdentityOptions> options,
    ILogger<SignInManager<Account>> log, IAuthenticationSchemeProvider schemes, IUserConfirmation<Account> confirmation, NodeDbFactory databases, TimeProvider clock)
    : SignInManager<Account>(users, http, claims, options, log, schemes, confirmation)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(14);

    public override async Task SignInWithClaimsAsync(Account user, AuthenticationProperties? authenticationProperties, IEnumerable<Claim> additionalClaims)
    {
        var all = additionalClaims.ToList();
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var now = clock.GetUtcNow();
        var agent = Context.Request.Headers.UserAgent.ToString();
        await using (var db = databases.ForSystem("person:" + user.Id))
        {
            db.Sessions.Add(new Session
            {
                Id = ViewerResolver.HashOf(secret),
                Account = user.Id,
                CreatedAt = now,
                SeenAt = now,
                Until = now + Lifetime,
                UserAgent = agent.Length > 200 ? agent[..200] : agent,
                Address = Context.Connection.RemoteIpAddress?.ToString() ?? "",
                SecondFactor = all.Any(c => c.Type == "amr" && c.Value is "mfa" or "hwk" or "swk"),
            });
            db.Note(new AuditNote("account.signed-in", null, null, new Dictionary<string, object?>(StringComparer.Ordinal) { ["account"] = user.Id }));
            await db.SaveChangesAsync();
        }

        all.Add(new Claim(ViewerResolver.SessionClaim, secret));
        await base.SignInWithClaimsAsync(user, authenticationProperties ?? new AuthenticationProperties { IsPersistent = true }, all);
    }
}
