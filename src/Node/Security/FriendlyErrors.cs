using Renkei.Node.Pages;
using Renkei.Web;

namespace Renkei.Node.Security;

/// <summary>An empty error answer to a browser becomes a page that says what happened and what to do; API callers keep problem+json.</summary>
public static class FriendlyErrors
{
    public static IApplicationBuilder UseFriendlyErrors(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        await next();
        if (http.Response.HasStarted || http.Response.StatusCode < 400 || http.Response.ContentLength > 0 || http.Response.ContentType is not null
            || !http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        await Answers.Page<ErrorPage>(new ErrorPage.View(http.Response.StatusCode), http.Response.StatusCode).ExecuteAsync(http);
    });
}
