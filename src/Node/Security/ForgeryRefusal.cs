using Microsoft.AspNetCore.Antiforgery;

namespace Renkei.Node.Security;

/// <summary>
/// Refuses a form without its token (400) before anything is bound from it. Handlers that read the form themselves and answer with a page of
/// their own, such as the public report form's, are not looked at here.
/// </summary>
public static class ForgeryRefusal
{
    public static IApplicationBuilder UseForgeryRefusal(this IApplicationBuilder app) => app.Use((http, next) =>
    {
        if (http.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false })
        {
            return next(http);
        }

        http.Response.StatusCode = StatusCodes.Status400BadRequest;
        return Task.CompletedTask;
    });
}
