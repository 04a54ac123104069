using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Renkei.Contracts;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>Signing in, accounts, sessions, people and their roles, tokens: every service and every route.</summary>
public static class AccountsModule
{
    public const int PasswordLength = 12;

    public static IServiceCollection AddAccounts(this IServiceCollection services, NodeSettings settings)
    {
        services.AddIdentityCore<Account>(o =>
        {
            o.Stores.SchemaVersion = IdentitySchemaVersions.Version3;
            o.User.RequireUniqueEmail = true;
            o.User.AllowedUserNameCharacters = "";
            o.Password.RequiredLength = PasswordLength;
            o.Password.RequireNonAlphanumeric = false;
            o.Password.RequireDigit = false;
            o.Password.RequireUppercase = false;
            o.Password.RequireLowercase = false;
            o.Lockout.MaxFailedAccessAttempts = SignInLimits.Tries;
            o.Lockout.DefaultLockoutTimeSpan = SignInLimits.LockedFor;
        }).AddUserStore<AccountStore>().AddSignInManager<DeskSignIn>().AddDefaultTokenProviders();
        services.AddAuthentication(IdentityConstants.ApplicationScheme).AddIdentityCookies();
        services.ConfigureApplicationCookie(o =>
        {
            o.Cookie.Name = "renkei";
            o.Cookie.HttpOnly = true;
            o.Cookie.SameSite = SameSiteMode.Lax;
            o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            o.ExpireTimeSpan = TimeSpan.FromDays(14);
            o.LoginPath = "/sign-in";
        });
        services.Configure<SecurityStampValidatorOptions>(o => o.OnRefreshingPrincipal = KeepSession);
        // a passkey belongs to a host name: the one people type, whatever proxy the request came through
        var host = Uri.TryCreate(settings.PublicUrl, UriKind.Absolute, out var own) ? own.Host : "localhost";
        services.Configure<IdentityPasskeyOptions>(o =>
        {
            o.ServerDomain = host;
            o.ResidentKeyRequirement = "required";
            o.UserVerificationRequirement = "required";
            // not the default, which compares with the Origin header: our no-referrer policy makes browsers send "null" there with a form
            o.ValidateOrigin = context => ValueTask.FromResult(!context.CrossOrigin && Uri.TryCreate(context.Origin, UriKind.Absolute, out var origin)
                && string.Equals(origin.Host, host, StringComparison.OrdinalIgnoreCase) && (origin.Scheme == Uri.UriSchemeHttps || origin.IsLoopback));
        });
        services.AddScoped<AccountDb>();
        services.AddScoped<Desk>();
        services.AddScoped<StepUp>();
        services.AddScoped<IStepUp>(sp => sp.GetRequiredService<StepUp>());
        services.AddSingleton<SignInLimits>();
        services.AddAuthorization();
        services.AddSingleton(new NavEntry(80, "people", "/people", "users-group", "nav.people", null, Right.ManagePeople));
        services.AddSingleton(new NavEntry(85, "tokens", "/settings/tokens", "key", "nav.tokens", null, Right.ManageTokens));
        return services;
    }

    public static void MapAccounts(this IEndpointRouteBuilder routes)
    {
        SetupLink.Map(routes);
        SignIn.Map(routes);
        SignInCode.Map(routes);
        SignInPasskey.Map(routes);
        MyPage.Map(routes);
        MySecurity.Map(routes);
        Confirm.Map(routes);
        MySecondFactor.Map(routes);
        MyPasskeys.Map(routes);
        ListPeople.Map(routes);
        InvitePerson.Map(routes);
        ChangePerson.Map(routes);
        UseInvitation.Map(routes);
        ApiTokens.Map(routes);
    }

    /// <summary>Identity makes a new principal every half hour; the session's secret and how one signed in must go along, or everybody is signed out then.</summary>
    private static Task KeepSession(SecurityStampRefreshingPrincipalContext context)
    {
        if (context.NewPrincipal?.Identity is ClaimsIdentity identity)
        {
            foreach (var claim in context.CurrentPrincipal?.FindAll(c => c.Type is ViewerResolver.SessionClaim or "amr") ?? [])
            {
                if (!identity.HasClaim(claim.Type, claim.Value))
                {
                    identity.AddClaim(new Claim(claim.Type, claim.Value));
                }
            }
        }

        return Task.CompletedTask;
    }
}
