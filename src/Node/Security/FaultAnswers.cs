using Microsoft.AspNetCore.Diagnostics;
using Microsoft.EntityFrameworkCore;

namespace Renkei.Node.Security;

/// <summary>
/// Two people saved the same record: where a slice does not show both, the later one hears 409 and what to do. Nothing of theirs was stored.
/// </summary>
public sealed class FaultAnswers : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not DbUpdateConcurrencyException)
        {
            return false;
        }

        httpContext.Response.StatusCode = StatusCodes.Status409Conflict;
        if (httpContext.Request.Path.StartsWithSegments("/api"))
        {
            await Problems.WriteAsync(httpContext, StatusCodes.Status409Conflict, "Changed meanwhile", "Somebody saved the same record first. Nothing of yours was stored: read it again and decide.");
        }

        return true;
    }
}
