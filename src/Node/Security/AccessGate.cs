using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Renkei.Kernel;
using Renkei.Node.Commands;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Security;

/// <summary>Enforces <see cref="Access"/>: what has none is closed. A person without a session is led to sign in; an API call hears 401 or 403.</summary>
public static class AccessGate
{
    public static IApplicationBuilder UseAccessGate(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        var endpoint = http.GetEndpoint();
        // routing's own answers (405, 415) are no routes and let nobody in
        if (endpoint is not RouteEndpoint route)
        {
            await next();
            return;
        }

        var who = http.RequestServices.GetRequiredService<CurrentViewer>();
        var access = route.Metadata.GetMetadata<Access>();
        switch (access)
        {
            case { Open: true }:
                await next();
                return;
            case { Local: true }:
                // the one in the data folder: "urls" may name other sockets, and what comes through those came through a reverse proxy
                if (http.Features.Get<Microsoft.AspNetCore.Connections.Features.IConnectionSocketFeature>()?.Socket.LocalEndPoint is System.Net.Sockets.UnixDomainSocketEndPoint door
                    && string.Equals(door.ToString(), LocalDoor.SocketPath(http.RequestServices.GetRequiredService<NodeSettings>()), StringComparison.Ordinal))
                {
                    await next();
                }
                else
                {
                    await Problems.WriteAsync(http, 404, "Not found", null);
                }

                return;
            case { Scope: { } scope }:
                if (who.Scopes is null)
                {
                    http.Response.Headers.WWWAuthenticate = "Bearer";
                    await Problems.WriteAsync(http, 401, "A token is needed", "Send Authorization: Bearer TOKEN. A lead of your team makes tokens under Settings.");
                }
                else if (!who.Scopes.Contains(scope))
                {
                    await NoteAsync(http, route, "scope", scope);
                    await Problems.WriteAsync(http, 403, "The token may not do this", $"It lacks the scope {scope}.");
                }
                else
                {
                    await next();
                }

                return;
            case { AnyPerson: true } when who.Viewer.Person is not null && who.Scopes is null:
            case { Right: { } right } when who.Viewer.Person is not null && who.Scopes is null && (right == Right.OperateNode ? who.Viewer.HasAnywhere(right) : who.Viewer.Has(right)):
                await next();
                return;
            case null:
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            default:
                if (who.Viewer.Person is null)
                {
                    if (HttpMethods.IsGet(http.Request.Method) && !http.Request.Headers.ContainsKey("HX-Request"))
                    {
                        http.Response.Redirect("/sign-in?back=" + Uri.EscapeDataString(http.Request.Path + http.Request.QueryString));
                        return;
                    }

                    http.Response.StatusCode = StatusCodes.Status401Unauthorized;
                    return;
                }

                // no body: a browser gets the page that says what to do, in the person's language
                await NoteAsync(http, route, "right", access.Right?.ToString());
                http.Response.StatusCode = StatusCodes.Status403Forbidden;
                return;
        }
    });

    /// <summary>Who knocked at a door that is not theirs stands in the audit log: the route's pattern, never the address, which may hold words.</summary>
    private static async Task NoteAsync(HttpContext http, RouteEndpoint route, string needed, string? what)
    {
        var db = http.RequestServices.GetRequiredService<NodeDb>();
        db.Note(new AuditNote(HttpMethods.IsGet(http.Request.Method) ? "read.refused" : "write.refused", db.Viewer.Team, null,
            new Dictionary<string, object?>(StringComparer.Ordinal) { ["route"] = http.Request.Method + " /" + route.RoutePattern.RawText?.TrimStart('/'), [needed] = what }));
        await db.SaveChangesAsync(http.RequestAborted);
    }
}

/// <summary>Who this request is, resolved once by <see cref="ViewerResolver"/>.</summary>
public sealed class CurrentViewer
{
    private Viewer? _viewer;

    /// <summary>Throws before it was resolved: a context made too early would have the wrong viewer for the rest of the request.</summary>
    public Viewer Viewer
    {
        get => _viewer ?? throw new InvalidOperationException("Nobody has said yet who is asking.");
        set => _viewer = value;
    }

    /// <summary>The token's scopes; null for a person's session.</summary>
    public IReadOnlySet<string>? Scopes { get; set; }

    public string? SessionId { get; set; }
}

/// <summary>problem+json (RFC 9457) with what to do.</summary>
public static class Problems
{
    public static Task WriteAsync(HttpContext http, int status, string title, string? detail) =>
        TypedResults.Problem(detail, statusCode: status, title: title).ExecuteAsync(http);
}
