using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Renkei.Contracts;
using Renkei.Node.Security;

namespace Renkei.Node.Accounts;

/// <summary>
/// Remembers for a quarter of an hour that this session has shown its second factor, or its password where there is none: in a cookie that
/// only the node can write and that holds for this one session. A browser someone left open releases nothing.
/// </summary>
public sealed class StepUp(IDataProtectionProvider protection, TimeProvider clock, IHttpContextAccessor http, CurrentViewer who) : IStepUp
{
    public const string Cookie = "renkei-confirmed";

    public static TimeSpan Holds { get; } = TimeSpan.FromMinutes(15);

    private readonly IDataProtector _protector = protection.CreateProtector("renkei:step-up");

    public bool IsFresh => who.SessionId is { } session && http.HttpContext?.Request.Cookies[Cookie] is { Length: > 0 and < 1000 } value && Opens(value, session);

    public string Href(string back) => "/me/confirm?back=" + Uri.EscapeDataString(back);

    /// <summary>From now on, for the session of this id.</summary>
    public void Remember(string session)
    {
        if (http.HttpContext is { } context)
        {
            context.Response.Cookies.Append(Cookie, _protector.Protect(session + " " + clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
                new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, MaxAge = Holds, IsEssential = true, Path = "/" });
        }
    }

    private bool Opens(string value, string session)
    {
        try
        {
            return _protector.Unprotect(value).Split(' ') is [var of, var at] && string.Equals(of, session, StringComparison.Ordinal)
                && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && clock.GetUtcNow().ToUnixTimeSeconds() - seconds is >= 0 and var age && age < Holds.TotalSeconds;
        }
        catch (CryptographicException)
        {
            // not ours, or of another node
            return false;
        }
    }
}
