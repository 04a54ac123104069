using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /triage/reject, POST /api/v1/reports/{id}/reject: out of scope, with a reason that the reporter reads.</summary>
public static class RejectReports
{
    public const int MaxReason = 2_000;

    public sealed record Model(IReadOnlyList<Report> Reports, string Reason, string? Error, string Back);

    /// <param name="Reason">Told to the reporter; 1 to 2,000 characters.</param>
    public sealed record Request(string? Reason);

    public sealed record Response(ReportId Id, ReportState State);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/triage/reject", async (HttpRequest request, NodeDb db, CancellationToken ct) =>
        {
            var reports = await TriageDesk.PickedAsync(db, TriageDesk.Picks(request.Query["pick"]), ct);
            return reports.Count == 0 ? Answers.Seen("/triage") : Answers.Page<RejectPage>(new Model(reports, "", null, TriageDesk.Back(request.Query["back"])));
        }).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/triage/reject", HandleAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/api/v1/reports/{id}/reject", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("reports").WithName("rejectReport")
            .ProducesProblem(400).ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
    }

    private static async Task<IResult> HandleAsync(IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var picks = TriageDesk.Picks(form["pick"]);
        var reason = InertText.Clean(form["reason"].ToString()).Trim();
        var back = TriageDesk.Back(form["back"]);
        if (reason.Length is 0 or > MaxReason)
        {
            var reports = await TriageDesk.PickedAsync(db, picks, ct);
            return Answers.Page<RejectPage>(new Model(reports, reason, reason.Length == 0 ? t["triage.reject.reason_missing"] : t.Of("triage.reject.reason_long", MaxReason), back), 400);
        }

        return TriageDesk.Answer(http, await RejectAsync(db, clock, picks, reason, ct), "triage.did.rejected", back);
    }

    private static Task<IReadOnlyList<TriageOutcome>> RejectAsync(NodeDb db, TimeProvider clock, IReadOnlyList<ReportId> picks, string reason, CancellationToken ct) =>
        TriageDesk.EachAsync(db, clock, TriageDid.Rejected, picks, step =>
        {
            if (step.Report.State == ReportState.Rejected)
            {
                step.Already = true;
                return Task.FromResult<Refusal?>(null);
            }

            if (step.Report.State != ReportState.New)
            {
                return Task.FromResult<Refusal?>(Refusal.State);
            }

            (step.Report.State, step.Report.RejectReason) = (ReportState.Rejected, reason);
            ReporterNotice.Queue(db, step.Report, "triage.told.rejected", step.Now + ReporterNotice.Grace);
            return Task.FromResult<Refusal?>(null);
        }, ct);

    private static async Task<Results<Ok<Response>, ValidationProblem, ProblemHttpResult>> ApiAsync(ReportId id, Request? body, HttpRequest http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (await TriageApi.PreconditionAsync(db, id, http, ct) is { } stopped)
        {
            return stopped;
        }

        var reason = InertText.Clean(body?.Reason ?? "").Trim();
        if (reason.Length is 0 or > MaxReason)
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["reason"] = [string.Create(CultureInfo.InvariantCulture, $"1 to {MaxReason} characters; the reporter reads it")] });
        }

        var outcome = (await RejectAsync(db, clock, [id], reason, ct))[0];
        return outcome.Why is { } why ? TriageApi.Problem(why) : TypedResults.Ok(new Response(id, ReportState.Rejected));
    }
}
