namespace Renkei.Node.Security;

/// <summary>What every answer says to the browser (ASVS 5, chapter 3): nothing from elsewhere, no framing, no guessing of types.</summary>
public static class Headers
{
    public const string Csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        Say(http);
        // whoever answers a failure clears the headers first: what went missing is said again
        http.Response.OnStarting(() =>
        {
            if (http.Response.Headers.ContentSecurityPolicy.Count == 0)
            {
                Say(http);
            }

            return Task.CompletedTask;
        });
        await next();
    });

    private static void Say(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = Csp;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), publickey-credentials-get=(self), publickey-credentials-create=(self)";
        if (http.Request.IsHttps)
        {
            headers.StrictTransportSecurity = "max-age=31536000";
        }

        // pages hold what this person may read now and perhaps not tomorrow; only assets may stay in a cache
        headers.CacheControl = "no-store";
    }
}
