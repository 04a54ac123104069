using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/reopen, POST /api/v1/incidents/{id}/reopen: it was not over. What was said at closing stays in the timeline.</summary>
public static class ReopenIncident
{
    public sealed record Model(Incident Incident, string Reason, string? Error);

    private const int MaxReason = 2000;

    public sealed record Input(string? Reason);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/reopen", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/reopen", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents/{id}/reopen", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("reopenIncident").ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : incident.State == IncidentState.Open ? Answers.Seen(IncidentAct.Href(id)) : Answers.Page<ReopenPage>(new Model(incident, "", null));
    }

    private static async Task<IResult> PostAsync(IncidentId id, IFormCollection form, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        if (incident.State == IncidentState.Open)
        {
            return Answers.Seen(IncidentAct.Href(id));
        }

        var reason = IncidentAct.Clean(form["reason"]);
        if (reason.Length is 0 or > MaxReason)
        {
            return Answers.Page<ReopenPage>(new Model(incident, reason, reason.Length == 0 ? t["incident.fault.empty"] : t.Of("incident.fault.long", MaxReason)), StatusCodes.Status400BadRequest);
        }

        if (await TrySaveAsync(db, incident, reason, clock.GetUtcNow(), ct))
        {
            return IncidentAct.Done(id, "reopened");
        }

        (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : Answers.Page<ReopenPage>(new Model(incident, reason, t["incident.changed_meanwhile"]), StatusCodes.Status409Conflict);
    }

    private static async Task<bool> TrySaveAsync(NodeDb db, Incident incident, string reason, DateTimeOffset now, CancellationToken ct)
    {
        (incident.State, incident.ClosedAt, incident.Outcome) = (IncidentState.Open, null, null);
        Diary.Say(db, incident, EntryKind.State, now, "diary.reopened", [TextRefang.DefangText(reason)]);
        await IncidentClock.RecomputeAsync(db, incident, ct);
        return await IncidentAct.TrySaveAsync(db, ct);
    }

    private static async Task<Results<Ok<ListIncidents.Item>, ValidationProblem, ProblemHttpResult>> ApiAsync(IncidentId id, Input input, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http.Request, ct);
        if (incident is null)
        {
            return refusal!;
        }

        if (incident.State == IncidentState.Open)
        {
            return TypedResults.Problem("It is open.", statusCode: 409, title: "Not closed");
        }

        var reason = IncidentAct.Clean(input.Reason);
        if (reason.Length is 0 or > MaxReason)
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["reason"] = [$"Say why it was not over, in at most {MaxReason} characters."] });
        }

        if (!await TrySaveAsync(db, incident, reason, clock.GetUtcNow(), ct))
        {
            return TypedResults.Problem("Somebody saved it meanwhile. Read it again and decide.", statusCode: 412, title: "Changed meanwhile");
        }

        http.Response.Headers.ETag = GetIncident.ETag(incident);
        return TypedResults.Ok(ListIncidents.ToItem(incident));
    }
}
