using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>How every act of a script on a request begins and ends.</summary>
internal static class RequestApi
{
    /// <summary>A request that is out and open, or why not: 404 unknown, 403 another team's, 412 another version than named, 409 not open.</summary>
    public static async Task<(CoordinationRequest? Request, Incident? Incident, ProblemHttpResult? Refused)> OpenAsync(NodeDb db, RequestId id, HttpRequest http, CancellationToken ct)
    {
        var (request, incident, refused) = await FindAsync(db, id, http, ct);
        return request is null || request.IsOpen ? (request, incident, refused)
            : (null, null, TypedResults.Problem(request.State == RequestState.Draft ? "It was not sent yet." : "It is closed.", statusCode: 409, title: "Not open"));
    }

    /// <summary>As the other one, a draft.</summary>
    public static async Task<(CoordinationRequest? Request, Incident? Incident, ProblemHttpResult? Refused)> DraftAsync(NodeDb db, RequestId id, HttpRequest http, CancellationToken ct)
    {
        var (request, incident, refused) = await FindAsync(db, id, http, ct);
        return request is null || request.State == RequestState.Draft ? (request, incident, refused)
            : (null, null, TypedResults.Problem("It is no draft any more.", statusCode: 409, title: "No draft"));
    }

    public static Ok<ListRequests.Item> Answer(CoordinationRequest request, HttpContext http)
    {
        http.Response.Headers.ETag = EntityTag.Of(request.Version);
        return TypedResults.Ok(ListRequests.ToItem(request));
    }

    /// <summary>Why nothing left.</summary>
    public static ProblemHttpResult Problem(SendFault fault, Outgoing? outgoing) => fault == SendFault.Changed
        ? TypedResults.Problem("What would leave is not what was previewed: preview again.", statusCode: 409, title: "Changed since the preview")
        : TypedResults.Problem("The sharing rule does not let it leave.", statusCode: 409, title: "Refused", extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["why"] = outgoing is null ? [] : SendRequest.Reasons(outgoing) });

    public static ProblemHttpResult NotFound() => TypedResults.Problem("No request of this id that the token may know of.", statusCode: 404, title: "Not found");

    private static async Task<(CoordinationRequest? Request, Incident? Incident, ProblemHttpResult? Refused)> FindAsync(NodeDb db, RequestId id, HttpRequest http, CancellationToken ct)
    {
        if (await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request || await db.Incidents.FirstOrDefaultAsync(i => i.Id == request.Incident, ct) is not { } incident)
        {
            return (null, null, NotFound());
        }

        if (!db.Viewer.Has(request.Marking.Origin, Right.SendRequests))
        {
            return (null, null, TypedResults.Problem("The request is another team's: it can be read, not changed.", statusCode: 403, title: "Not yours to change"));
        }

        return EntityTag.Outdated(http, request.Version) is { } outdated ? (null, null, outdated) : (request, incident, null);
    }
}
