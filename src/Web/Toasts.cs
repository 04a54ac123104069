using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Renkei.Web;

/// <summary>Carries what was just done over the redirect to the next page: a sealed cookie that lives a minute and is read once.</summary>
public static class Toasts
{
    private const string Cookie = "renkei-did";

    /// <summary>Says it on the next page this browser opens.</summary>
    public static void Say(HttpContext http, Toast toast)
    {
        var sealedText = Protector(http).Protect(JsonSerializer.Serialize(toast));
        http.Response.Cookies.Append(Cookie, sealedText, new CookieOptions { MaxAge = TimeSpan.FromMinutes(1), HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = http.Request.IsHttps, Path = "/" });
    }

    /// <summary>What is to be said now, once; only a whole page takes it, a fragment leaves it for the page.</summary>
    public static Toast? Take(HttpContext http)
    {
        if (!HttpMethods.IsGet(http.Request.Method) || http.Request.Headers.ContainsKey("HX-Request") || !http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            || http.Request.Cookies[Cookie] is not { Length: > 0 and < 4000 } sealedText)
        {
            return null;
        }

        http.Response.Cookies.Delete(Cookie, new CookieOptions { Path = "/" });
        try
        {
            var toast = JsonSerializer.Deserialize<Toast>(Protector(http).Unprotect(sealedText));
            return toast is null ? null : toast with { Args = [.. toast.Args.Select(a => a is JsonElement e ? e.ValueKind == JsonValueKind.Number ? e.GetInt64() : e.ToString() : a)] };
        }
        catch (Exception e) when (e is System.Security.Cryptography.CryptographicException or JsonException)
        {
            // made before the keys changed, or not by us: nothing to say
            return null;
        }
    }

    private static IDataProtector Protector(HttpContext http) => http.RequestServices.GetRequiredService<IDataProtectionProvider>().CreateProtector("renkei.toast");
}
