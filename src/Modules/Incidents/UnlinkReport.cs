using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// POST /incidents/{id}/reports/{report}/unlink, and the same under /api/v1: ends the link from now on; link, report and targets stay. A report that is left without
/// an incident goes back into the queue.
/// </summary>
public static class UnlinkReport
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/incidents/{id}/reports/{report}/unlink", async (IncidentId id, ReportId report, IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        {
            var outcomes = await UnlinkAsync(db, clock, id, report, ct);
            return outcomes[0].Why is Refusal.NotFound ? Answers.NotFound() : TriageDesk.Answer(http, outcomes, "triage.did.unlinked", Answers.IsLocal(form["back"]) ? form["back"]! : $"/incidents/{id}");
        }).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents/{id}/reports/{report}/unlink", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("unlinkReport").ProducesProblem(403).ProducesProblem(404).ProducesProblem(412);
    }

    private static async Task<Results<Ok<ListReports.Item>, ValidationProblem, ProblemHttpResult>> ApiAsync(IncidentId id, ReportId report, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http.Request, ct);
        return incident is null ? refusal! : await TriageApi.AnswerAsync(db, (await UnlinkAsync(db, clock, id, report, ct))[0], http, clock, ct);
    }

    private static Task<IReadOnlyList<TriageOutcome>> UnlinkAsync(NodeDb db, TimeProvider clock, IncidentId id, ReportId report, CancellationToken ct) =>
            TriageDesk.EachAsync(db, clock, TriageDid.Unlinked, [report], async step =>
            {
                var links = await db.ReportLinks.Where(l => l.Report == report && l.EndedAt == null).ToListAsync(ct);
                if (await db.Incidents.FirstOrDefaultAsync(i => i.Id == id, ct) is not { } incident)
                {
                    return Refusal.NotFound;
                }

                if (!db.Viewer.Has(incident.Marking.Origin, Right.Triage))
                {
                    return Refusal.NotYours;
                }

                step.Incident = incident;
                if (links.Find(l => l.Incident == id) is not { } link)
                {
                    step.Already = true;
                    return null;
                }

                (link.EndedAt, link.EndedBy) = (step.Now, db.Viewer.Person);
                step.Before.LinksEnded.Add(link.Id);
                if (links.Count == 1 && step.Report.State == ReportState.Accepted)
                {
                    step.Report.State = ReportState.New;
                }

                Diary.Say(db, incident, EntryKind.Report, step.Now, "triage.diary.unlinked", [step.Report.Number], $"/reports/{report}");
                return null;
            }, ct);
}
