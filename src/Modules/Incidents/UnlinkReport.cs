using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// POST /incidents/{id}/reports/{report}/unlink: ends the link from now on; link, report and targets stay. A report that is left without
/// an incident goes back into the queue.
/// </summary>
public static class UnlinkReport
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/incidents/{id}/reports/{report}/unlink", async (IncidentId id, ReportId report, IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        {
            var outcomes = await TriageDesk.EachAsync(db, clock, TriageDid.Unlinked, [report], async step =>
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
            return outcomes[0].Why is Refusal.NotFound ? Answers.NotFound() : TriageDesk.Answer(http, outcomes, "triage.did.unlinked", Answers.IsLocal(form["back"]) ? form["back"]! : $"/incidents/{id}");
        }).Needs(Right.Triage).ExcludeFromDescription();
}
