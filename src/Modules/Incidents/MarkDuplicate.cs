using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /triage/duplicate, POST /api/v1/reports/{id}/duplicate: the same as a report that is there. Points to the first of them, never in a circle.</summary>
public static class MarkDuplicate
{
    public sealed record Model(IReadOnlyList<Report> Reports, IReadOnlyList<LikeReport> Alike, string Of, string? Error, string Back);

    /// <param name="Of">Tracking number or id of the report that it is the same as.</param>
    public sealed record Input(string? Of);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/triage/duplicate", async (HttpRequest request, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        {
            var reports = await TriageDesk.PickedAsync(db, TriageDesk.Picks(request.Query["pick"]), ct);
            if (reports.Count == 0)
            {
                return Answers.Seen("/triage");
            }

            var alike = await AlikeAsync(db, clock, reports, ct);
            return Answers.Page<DuplicatePage>(new Model(reports, alike, alike.Count > 0 ? alike[0].Number : "", null, TriageDesk.Back(request.Query["back"])));
        }).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/triage/duplicate", HandleAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/api/v1/reports/{id}/duplicate", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("reports").WithName("markDuplicate").ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
    }

    private static async Task<IReadOnlyList<LikeReport>> AlikeAsync(NodeDb db, TimeProvider clock, IReadOnlyList<Report> reports, CancellationToken ct)
    {
        var picked = reports.Select(r => r.Id).ToHashSet();
        var like = await Likeness.OfAsync(db, picked, clock.GetUtcNow(), ct);
        var all = like.Values.SelectMany(l => l.Duplicates).DistinctBy(d => d.Id);
        // several picked may be each other's duplicates: the earliest is then the one they are all the same as
        return [.. (reports.Count == 1 ? all.Where(d => !picked.Contains(d.Id)) : all).OrderByDescending(d => d.Percent).ThenBy(d => d.ReceivedAt).Take(5)];
    }

    private static async Task<IResult> HandleAsync(IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var picks = TriageDesk.Picks(form["pick"]);
        var back = TriageDesk.Back(form["back"]);
        var number = form["number"].ToString() is { Length: > 0 } typed ? typed.Trim() : form["of"].ToString().Trim();
        var original = await FindAsync(db, number, ct);
        if (original is null)
        {
            var reports = await TriageDesk.PickedAsync(db, picks, ct);
            return Answers.Page<DuplicatePage>(new Model(reports, await AlikeAsync(db, clock, reports, ct), number, t["triage.duplicate.missing"], back), 400);
        }

        var outcomes = await MarkAsync(db, clock, [.. picks.Where(p => p != original.Id || picks.Count == 1)], original, ct);
        return TriageDesk.Answer(http, outcomes, "triage.did.duplicate", back);
    }

    private static async Task<Results<Ok<ListReports.Item>, ValidationProblem, ProblemHttpResult>> ApiAsync(ReportId id, Input input, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (await TriageApi.PreconditionAsync(db, id, http.Request, ct) is { } stopped)
        {
            return stopped;
        }

        if (await FindAsync(db, input.Of?.Trim() ?? "", ct) is not { } original)
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["of"] = ["The tracking number or id of a report of the token's team."] });
        }

        return await TriageApi.AnswerAsync(db, (await MarkAsync(db, clock, [id], original, ct))[0], http, clock, ct);
    }

    private static Task<IReadOnlyList<TriageOutcome>> MarkAsync(NodeDb db, TimeProvider clock, IReadOnlyList<ReportId> picks, Report original, CancellationToken ct) =>
        TriageDesk.EachAsync(db, clock, TriageDid.Duplicate, picks, step =>
        {
            var report = step.Report;
            if (report.Id == original.Id)
            {
                return Task.FromResult<Refusal?>(Refusal.Itself);
            }

            if (report.State == ReportState.Duplicate && report.DuplicateOf == original.Id)
            {
                step.Already = true;
                return Task.FromResult<Refusal?>(null);
            }

            if (report.State != ReportState.New)
            {
                return Task.FromResult<Refusal?>(Refusal.State);
            }

            (report.State, report.DuplicateOf) = (ReportState.Duplicate, original.Id);
            ReporterNotice.Queue(db, report, "triage.told.duplicate", step.Now + ReporterNotice.Grace);
            return Task.FromResult<Refusal?>(null);
        }, ct);

    /// <summary>The report by number or id; where that one is a duplicate itself, what it is a duplicate of.</summary>
    private static async Task<Report?> FindAsync(NodeDb db, string number, CancellationToken ct)
    {
        if (!Numbers.CanBe(number))
        {
            return null;
        }

        var wanted = number.ToUpperInvariant();
        var found = ReportId.TryParse(number, null, out var id)
            ? await db.Reports.AsNoTracking().Where(r => r.Id == id).ToListAsync(ct)
            : await db.Reports.AsNoTracking().Where(r => r.Number == wanted).Take(20).ToListAsync(ct);
        var report = found.Find(r => db.Viewer.Has(r.Marking.Origin, Right.Triage));
        for (var hops = 0; hops < 10 && report?.DuplicateOf is { } of; hops++)
        {
            report = await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == of, ct);
        }

        return report;
    }
}
