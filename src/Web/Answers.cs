using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Renkei.Web;

/// <summary>What handlers answer: a page, a page that was not found, a way on after a form.</summary>
public static class Answers
{
    /// <summary>A page from its model. The component has one parameter, <c>Model</c>.</summary>
    public static RazorComponentResult Page<TPage>(object model, int status = StatusCodes.Status200OK) where TPage : IComponent =>
        new(typeof(TPage), new Dictionary<string, object?>(StringComparer.Ordinal) { ["Model"] = model }) { StatusCode = status, PreventStreamingRendering = true };

    /// <summary>After a form: see what came of it (303). Only paths of this node.</summary>
    public static IResult Seen(string path) => new SeeOther(IsLocal(path) ? path : "/");

    /// <summary>The same answer for what does not exist and for what this viewer may not know of.</summary>
    public static IResult NotFound() => TypedResults.NotFound();

    /// <summary>True for a path on this node: no other host, no scheme.</summary>
    public static bool IsLocal(string? path) => path is { Length: > 0 and < 2000 } && path[0] == '/' && (path.Length == 1 || (path[1] != '/' && path[1] != '\\')) && !path.Any(char.IsControl);

    private sealed class SeeOther(string path) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = path;
            return Task.CompletedTask;
        }
    }
}
