using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/reopen: it was not over. What was said at closing stays in the timeline.</summary>
public static class ReopenIncident
{
    public sealed record Model(Incident Incident, string Reason, string? Error);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/reopen", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/reopen", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
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
        if (reason.Length is 0 or > 2000)
        {
            return Answers.Page<ReopenPage>(new Model(incident, reason, reason.Length == 0 ? t["incident.fault.empty"] : t.Of("incident.fault.long", 2000)), StatusCodes.Status400BadRequest);
        }

        var now = clock.GetUtcNow();
        (incident.State, incident.ClosedAt, incident.Outcome) = (IncidentState.Open, null, null);
        Diary.Say(db, incident, EntryKind.State, now, "diary.reopened", [TextRefang.DefangText(reason)]);
        await IncidentClock.RecomputeAsync(db, incident, ct);
        if (await IncidentAct.TrySaveAsync(db, ct))
        {
            return IncidentAct.Done(id, "reopened");
        }

        (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : Answers.Page<ReopenPage>(new Model(incident, reason, t["incident.changed_meanwhile"]), StatusCodes.Status409Conflict);
    }
}
