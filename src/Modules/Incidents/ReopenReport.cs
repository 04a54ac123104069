using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>POST /reports/{id}/reopen and POST /api/v1/reports/{id}/reopen: a rejected report or a duplicate goes back into the queue.</summary>
public static class ReopenReport
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/reports/{id}/reopen", async (ReportId id, IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        {
            var outcomes = await ReopenAsync(db, clock, id, ct);
            return outcomes[0].Why is Refusal.NotFound ? Answers.NotFound() : TriageDesk.Answer(http, outcomes, "triage.did.reopened", Answers.IsLocal(form["back"]) ? form["back"]! : $"/reports/{id}");
        }).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/api/v1/reports/{id}/reopen", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("reports").WithName("reopenReport").ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
    }

    private static async Task<Results<Ok<ListReports.Item>, ValidationProblem, ProblemHttpResult>> ApiAsync(ReportId id, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        await TriageApi.PreconditionAsync(db, id, http.Request, ct) is { } stopped ? stopped : await TriageApi.AnswerAsync(db, (await ReopenAsync(db, clock, id, ct))[0], http, clock, ct);

    private static Task<IReadOnlyList<TriageOutcome>> ReopenAsync(NodeDb db, TimeProvider clock, ReportId id, CancellationToken ct) =>
            TriageDesk.EachAsync(db, clock, TriageDid.Reopened, [id], step =>
            {
                step.Already = step.Report.State == ReportState.New;
                if (step.Report.State == ReportState.Accepted)
                {
                    return Task.FromResult<Refusal?>(Refusal.State);
                }

                if (!step.Already)
                {
                    (step.Report.State, step.Report.RejectReason, step.Report.DuplicateOf) = (ReportState.New, null, null);
                    ReporterNotice.Queue(db, step.Report, "triage.told.reopened", step.Now + ReporterNotice.Grace);
                }

                return Task.FromResult<Refusal?>(null);
            }, ct);
}
