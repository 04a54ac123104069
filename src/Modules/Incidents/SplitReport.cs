using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Formats.Rsit;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /triage/split, POST /api/v1/reports/{id}/split: one report tells of several things. Each part names an incident, new or there already, and takes the observables that belong to it.</summary>
public static class SplitReport
{
    /// <summary>Parts a report can be split into at once; it can be linked to more incidents later.</summary>
    public static IReadOnlyList<string> Parts { get; } = ["A", "B", "C"];

    /// <summary>One part as filled in. <paramref name="Incident"/> is a number; empty opens a new one.</summary>
    public sealed record Part(string Key, string Incident, string Title, string Class);

    /// <summary>An observable, the part it goes to (empty: none) and its role there.</summary>
    public sealed record Piece(ReportObservable Observable, string Part, TargetRole Role);

    public sealed record Model(Report Report, IReadOnlyList<Part> Parts, IReadOnlyList<Piece> Pieces, IReadOnlyList<LikeIncident> Alike, string Back, FormErrors Errors);

    /// <summary>Parts that a script can name at once.</summary>
    private const int MaxParts = 20;

    public sealed record Input(IReadOnlyList<PartIn?>? Parts);

    /// <summary>One part: an open incident by number or id, or <paramref name="Title"/>, <paramref name="Category"/> and <paramref name="Type"/> of a new one.</summary>
    /// <param name="Observables">Those of the report that become its targets.</param>
    public sealed record PartIn(string? Incident, string? Title, string? Category, string? Type, IReadOnlyList<PieceIn?>? Observables);

    /// <param name="Id">Of the report's observable. <paramref name="Role"/>: the usual one when absent.</param>
    public sealed record PieceIn(Guid Id, string? Role);

    /// <summary>What the report became part of, in the order of the parts.</summary>
    public sealed record Answer(IReadOnlyList<AcceptReports.Response> Incidents);

    /// <summary>One part as both doors read it: <paramref name="Into"/> null opens an incident.</summary>
    private sealed record Share(IncidentId? Into, string Title, RsitType? Type, IReadOnlyDictionary<Guid, TargetRole?> Targets);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/triage/split", AskAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/triage/split", HandleAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/api/v1/reports/{id}/split", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("reports").WithName("splitReport").ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
    }

    private static async Task<IResult> AskAsync(HttpRequest request, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var picks = TriageDesk.Picks(request.Query["pick"]);
        var reports = await TriageDesk.PickedAsync(db, [.. picks.Take(1)], ct);
        if (reports.Count == 0)
        {
            return Answers.Seen("/triage");
        }

        var report = reports[0];
        var alike = await AlikeAsync(db, clock, report, ct);
        var suggested = Classify.Suggest(report)?.ToString() ?? "";
        var parts = new List<Part> { new("A", alike.Count > 0 ? alike[0].Number : "", alike.Count > 0 ? "" : report.Summary, alike.Count > 0 ? "" : suggested), new("B", "", alike.Count > 0 ? report.Summary : "", alike.Count > 0 ? suggested : ""), new("C", "", "", "") };
        var pieces = await PiecesAsync(db, report, (_, usual) => usual is null ? "" : "A", ct);
        return Answers.Page<SplitPage>(new Model(report, parts, pieces, alike, TriageDesk.Back(request.Query["back"]), FormErrors.None));
    }

    private static async Task<IReadOnlyList<LikeIncident>> AlikeAsync(NodeDb db, TimeProvider clock, Report report, CancellationToken ct)
    {
        var like = (await Likeness.OfAsync(db, [report.Id], clock.GetUtcNow(), ct)).GetValueOrDefault(report.Id, Likenesses.None);
        return [.. like.Incidents.Where(i => i.State == IncidentState.Open && db.Viewer.Has(i.Origin, Right.Triage))];
    }

    private static async Task<IReadOnlyList<Piece>> PiecesAsync(NodeDb db, Report report, Func<ReportObservable, TargetRole?, string> part, CancellationToken ct, IFormCollection? form = null)
    {
        var id = report.Id;
        var observables = await db.ReportObservables.AsNoTracking().Where(o => o.Report == id).OrderByDescending(o => o.Stated).ThenBy(o => o.Id).Take(AcceptReports.MaxTargets).ToListAsync(ct);
        var hosts = Classify.Hosts(observables.Select(o => new Observable(o.Type, o.Value)));
        var type = Classify.Suggest(report);
        var hit = StatedParties.Read(report.Description).Parties.Hit();
        return [.. observables.Select(o =>
        {
            var usual = Classify.DefaultRole(new(o.Type, o.Value), type, hosts, hit);
            var role = Enum.TryParse<TargetRole>(form?["role." + o.Id.ToString("N")].ToString(), ignoreCase: true, out var r) && Enum.IsDefined(r) ? r : usual ?? TargetRole.Other;
            return new Piece(o, part(o, usual), role);
        }).OrderBy(p => p.Part.Length == 0)];
    }

    private static async Task<IResult> HandleAsync(IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var picks = TriageDesk.Picks(form["pick"]);
        var back = TriageDesk.Back(form["back"]);
        var reports = await TriageDesk.PickedAsync(db, [.. picks.Take(1)], ct);
        if (reports.Count == 0)
        {
            return Answers.NotFound();
        }

        var report = reports[0];
        var parts = Parts.Select(p => new Part(p, TriageDesk.Chosen(form["incident." + p], form["like." + p]), InertText.Clean(form["title." + p].ToString()).ReplaceLineEndings(" ").Trim(), form["class." + p].ToString())).ToList();
        var pieces = await PiecesAsync(db, report, (o, _) => Parts.Contains(form["part." + o.Id.ToString("N")].ToString(), StringComparer.Ordinal) ? form["part." + o.Id.ToString("N")].ToString() : "", ct, form);
        var used = parts.Where(p => p.Incident.Length > 0 || p.Title.Length > 0 || pieces.Any(x => x.Part == p.Key)).ToList();
        var errors = new FormErrors();
        var into = new Dictionary<string, IncidentId?>(StringComparer.Ordinal);
        foreach (var part in used)
        {
            if (part.Incident.Length > 0)
            {
                var incident = await TriageDesk.OpenIncidentAsync(db, part.Incident, ct);
                into[part.Key] = incident?.Id;
                if (incident is null)
                {
                    errors.Add("incident." + part.Key, t.Of("triage.split.incident", part.Key), t["triage.accept.incident_missing"]);
                }

                continue;
            }

            into[part.Key] = null;
            if (part.Title.Length is 0 or > AcceptReports.MaxTitle)
            {
                errors.Add("title." + part.Key, t.Of("triage.split.title_of", part.Key), part.Title.Length == 0 ? t["triage.split.title_missing"] : t.Of("triage.accept.title_long", AcceptReports.MaxTitle));
            }

            if (AcceptReports.ParseClass(part.Class) is null)
            {
                errors.Add("class." + part.Key, t.Of("triage.split.class_of", part.Key), t["triage.accept.class_missing"]);
            }
        }

        if (into.Values.OfType<IncidentId>().GroupBy(i => i).Any(g => g.Count() > 1))
        {
            errors.Add("incident.B", t.Of("triage.split.incident", "B"), t["triage.split.same"]);
        }

        if (used.Count < 2)
        {
            errors.Add("title.B", t.Of("triage.split.title_of", "B"), t["triage.split.two"]);
        }

        if (errors.Any)
        {
            return Answers.Page<SplitPage>(new Model(report, parts, pieces, await AlikeAsync(db, clock, report, ct), back, errors), 400);
        }

        var shares = used.ConvertAll(part => new Share(into[part.Key], part.Title, AcceptReports.ParseClass(part.Class), pieces.ToDictionary(p => p.Observable.Id, p => p.Part == part.Key ? p.Role : (TargetRole?)null)));
        return TriageDesk.Answer(http, (await SplitAsync(db, clock, report.Id, shares, ct)).Outcomes, "triage.did.split", back);
    }

    private static async Task<(IReadOnlyList<TriageOutcome> Outcomes, IReadOnlyList<AcceptReports.Response> Incidents)> SplitAsync(NodeDb db, TimeProvider clock, ReportId report, IReadOnlyList<Share> shares, CancellationToken ct)
    {
        var went = new List<AcceptReports.Response>();
        var outcomes = await TriageDesk.EachAsync(db, clock, TriageDid.Accepted, [report], async step =>
        {
            if (step.Report.State != ReportState.New)
            {
                return Refusal.State;
            }

            // in one order, as whoever writes to a reporter takes them
            foreach (var id in shares.Select(s => s.Into).OfType<IncidentId>().OrderBy(i => i.Value))
            {
                await MarkIncident.TakeAsync(db, id, ct);
            }

            foreach (var share in shares)
            {
                var incident = share.Into is { } id ? await db.Incidents.FirstOrDefaultAsync(i => i.Id == id, ct) : null;
                if (await AcceptReports.LinkAsync(db, step, incident, share.Title, share.Type, share.Targets, ct, part: true) is { } refused)
                {
                    return refused;
                }

                await db.SaveChangesAsync(ct);
                await IncidentClock.SaveAsync(db, step.Incident!, ct);
                went.Add(new(step.Incident!.Id, step.Incident.Number));
            }

            return null;
        }, ct);
        return (outcomes, went);
    }

    private static async Task<Results<Ok<Answer>, ValidationProblem, ProblemHttpResult>> ApiAsync(ReportId id, Input input, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (await TriageApi.PreconditionAsync(db, id, http.Request, ct) is { } stopped)
        {
            return stopped;
        }

        var report = await db.Reports.AsNoTracking().FirstAsync(r => r.Id == id, ct);
        var usual = (await PiecesAsync(db, report, (_, _) => "", ct)).ToDictionary(p => p.Observable.Id, p => p.Role);
        var (wrong, shares) = (new Dictionary<string, string[]>(StringComparer.Ordinal), new List<Share>());
        if (input.Parts is not { Count: >= 2 and <= MaxParts } parts)
        {
            wrong["parts"] = [$"2 to {MaxParts} parts."];
            return TypedResults.ValidationProblem(wrong);
        }

        for (var i = 0; i < parts.Count; i++)
        {
            shares.Add(await ReadAsync(db, parts[i] ?? new(null, null, null, null, null), $"parts[{i}]", usual, wrong, ct));
        }

        if (shares.Select(s => s.Into).OfType<IncidentId>().GroupBy(x => x).Any(g => g.Count() > 1))
        {
            wrong["parts"] = ["Two parts name the same incident."];
        }

        if (wrong.Count > 0)
        {
            return TypedResults.ValidationProblem(wrong);
        }

        var (outcomes, incidents) = await SplitAsync(db, clock, id, shares, ct);
        return outcomes[0].Why is { } why ? TriageApi.Problem(why) : TypedResults.Ok(new Answer(incidents));
    }

    private static async Task<Share> ReadAsync(NodeDb db, PartIn part, string at, Dictionary<Guid, TargetRole> usual, Dictionary<string, string[]> wrong, CancellationToken ct)
    {
        var title = InertText.Clean(part.Title ?? "").ReplaceLineEndings(" ").Trim();
        var type = part.Incident is null ? RsitTaxonomy.Find(part.Category ?? "", part.Type ?? "") : null;
        var incident = part.Incident is null ? null : await TriageDesk.OpenIncidentAsync(db, part.Incident, ct);
        if (part.Incident is not null && incident is null)
        {
            wrong[at + ".incident"] = ["Number or id of an open incident of the token's team."];
        }

        if (part.Incident is null && title.Length is 0 or > AcceptReports.MaxTitle)
        {
            wrong[at + ".title"] = [$"1 to {AcceptReports.MaxTitle} characters, or name an incident."];
        }

        if (part.Incident is null && type is null)
        {
            wrong[at + ".type"] = ["Not an RSIT category and type, such as fraud and phishing."];
        }

        var targets = new Dictionary<Guid, TargetRole?>();
        for (var i = 0; i < part.Observables?.Count; i++)
        {
            var piece = part.Observables[i];
            if (piece is null || !usual.TryGetValue(piece.Id, out var role))
            {
                wrong[$"{at}.observables[{i}].id"] = ["No observable of this report."];
            }
            else if (piece.Role is not null && !AddTargets.TryRole(piece.Role, out role))
            {
                wrong[$"{at}.observables[{i}].role"] = ["One of " + string.Join(", ", ApiQuery.Words<TargetRole>()) + "."];
            }
            else
            {
                targets[piece.Id] = role;
            }
        }

        return new(incident?.Id, title, type, targets);
    }
}
