using System.Globalization;
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

/// <summary>
/// GET and POST /triage/accept, POST /api/v1/reports/{id}/accept: reports become part of an incident, a new one or one there is. Doing it
/// again changes nothing.
/// </summary>
public static class AcceptReports
{
    public const int MaxTargets = 200;
    public const int MaxTitle = 200;

    /// <summary>An observable that may become a target: <paramref name="Role"/> null leaves it out.</summary>
    public sealed record Candidate(ReportObservable Observable, TargetRole? Role);

    /// <summary>The page before the act.</summary>
    /// <param name="Into"><c>new</c>, <c>existing</c> or <c>proposed</c>.</param>
    public sealed record Model(IReadOnlyList<Report> Reports, string Into, string Title, string Class, string Incident, bool Each, string Back, FormErrors Errors)
    {
        public IReadOnlyList<LikeIncident> Alike { get; init; } = [];

        public IReadOnlyList<Candidate> Targets { get; init; } = [];

        /// <summary>With <c>proposed</c>: where each report would go; null is an incident of its own.</summary>
        public IReadOnlyDictionary<ReportId, LikeIncident> Proposed { get; init; } = new Dictionary<ReportId, LikeIncident>();
    }

    /// <summary>What scripts send. Without <paramref name="IncidentId"/> a new incident is opened.</summary>
    /// <param name="Category">RSIT category; with <paramref name="Type"/>. Both absent: proposed from the report, else other/other.</param>
    public sealed record Request(IncidentId? IncidentId, string? Title, string? Category, string? Type);

    public sealed record Response(IncidentId IncidentId, string Number);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/triage/accept", AskAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/triage/accept", HandleAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/api/v1/reports/{id}/accept", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("reports").WithName("acceptReport")
            .ProducesProblem(400).ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
    }

    /// <summary>Where a report most naturally goes: the likest open incident of the own team, when it is as like as a duplicate; an address or a domain alone is not enough.</summary>
    public static LikeIncident? Proposal(Likenesses like, NodeDb db) =>
        like.Incidents.FirstOrDefault(i => i.State == IncidentState.Open && i.Percent >= Likeness.DuplicateFrom && db.Viewer.Has(i.Origin, Right.Triage));

    /// <summary>
    /// Puts the step's report into an incident; <paramref name="incident"/> null opens one. The caller saves. Targets: null takes the defaults.
    /// <paramref name="part"/>: one of several incidents that the report is split over.
    /// </summary>
    internal static async Task<Refusal?> LinkAsync(NodeDb db, TriageDesk.Step step, Incident? incident, string? title, RsitType? type, IReadOnlyDictionary<Guid, TargetRole?>? targets, CancellationToken ct, bool part = false)
    {
        var (report, now) = (step.Report, step.Now);
        if (report.State is ReportState.Rejected or ReportState.Duplicate)
        {
            return Refusal.State;
        }

        var current = await db.ReportLinks.Where(l => l.Report == report.Id && l.EndedAt == null).OrderBy(l => l.LinkedAt).ToListAsync(ct);
        if (incident is null ? !part && report.State == ReportState.Accepted && current.Count > 0 : current.Exists(l => l.Incident == incident.Id))
        {
            // accepted before: say where it went
            step.Already = true;
            var went = incident?.Id ?? current[0].Incident;
            step.Incident = await db.Incidents.FirstOrDefaultAsync(i => i.Id == went, ct);
            return null;
        }

        if (incident is null)
        {
            type ??= Classify.Suggest(report) ?? RsitTaxonomy.Find("other", "other")!;
            incident = new Incident
            {
                Id = new IncidentId(Guid.CreateVersion7(now)),
                Marking = report.Marking,
                Number = await Numbers.IncidentAsync(db, report.Marking.Origin, now, ct),
                Title = string.IsNullOrWhiteSpace(title) ? report.Summary : title,
                Category = type.Category,
                Type = type.Id,
                Owner = report.Assignee ?? db.Viewer.Person,
                OpenedAt = now,
                // low is a judgement, and nobody has judged yet
                Severity = Severity.Medium,
                OccurredText = report.OccurredText,
                OccurredZone = report.OccurredZone,
                OccurredAt = report.OccurredAt,
                ClockNote = report.ClockNote,
            };
            db.Incidents.Add(incident);
            step.Before.IncidentsOpened.Add(incident.Id.Value);
            Diary.Say(db, incident, EntryKind.State, now, "triage.diary.opened", [report.Number], $"/reports/{report.Id}");
        }
        else
        {
            if (TriageDesk.Combined(incident.Marking, report.Marking) is not { } marking)
            {
                return incident.Marking.Origin == report.Marking.Origin ? Refusal.Marking : Refusal.NotYours;
            }

            if (marking != incident.Marking)
            {
                var stricter = marking.Tlp != incident.Marking.Tlp || marking.Pap != incident.Marking.Pap;
                MarkIncident.Set(db, incident, marking);
                if (stricter)
                {
                    Diary.Say(db, incident, EntryKind.State, now, "triage.diary.marking", [marking.Tlp.Label(), marking.Pap.Label(), report.Number], $"/reports/{report.Id}");
                }
            }

            incident.Owner ??= report.Assignee;
            Diary.Say(db, incident, EntryKind.Report, now, "triage.diary.added", [report.Number], $"/reports/{report.Id}");
        }

        var link = new ReportLink { Id = Guid.CreateVersion7(now), Report = report.Id, Incident = incident.Id, LinkedAt = now, LinkedBy = db.Viewer.Person };
        db.ReportLinks.Add(link);
        step.Before.LinksMade.Add(link.Id);
        await CopyTargetsAsync(db, step, incident, targets, ct);
        if (report.State != ReportState.Accepted)
        {
            report.State = ReportState.Accepted;
            ReporterNotice.Queue(db, report, "triage.told.accepted", now + ReporterNotice.Grace);
        }

        step.Incident = incident;
        return null;
    }

    private static async Task CopyTargetsAsync(NodeDb db, TriageDesk.Step step, Incident incident, IReadOnlyDictionary<Guid, TargetRole?>? chosen, CancellationToken ct)
    {
        var observables = await db.ReportObservables.AsNoTracking().Where(o => o.Report == step.Report.Id).OrderByDescending(o => o.Stated).ThenBy(o => o.Id).Take(2_000).ToListAsync(ct);
        var hosts = Classify.Hosts(observables.Select(o => new Observable(o.Type, o.Value)));
        var hit = StatedParties.Read(step.Report.Description).Parties.Hit();
        var type = RsitTaxonomy.Find(incident.Category, incident.Type);
        var there = (await db.IncidentTargets.Where(t => t.Incident == incident.Id && t.RemovedAt == null).Select(t => new { t.Type, t.Value }).ToListAsync(ct)).Select(t => new Observable(t.Type, t.Value)).ToHashSet();
        var made = 0;
        foreach (var o in observables)
        {
            var observable = new Observable(o.Type, o.Value);
            var role = chosen is null ? Classify.DefaultRole(observable, type, hosts, hit) : chosen.GetValueOrDefault(o.Id);
            if (role is not { } r || made >= MaxTargets || !there.Add(observable))
            {
                continue;
            }

            var target = new IncidentTarget { Id = Guid.CreateVersion7(step.Now), Incident = incident.Id, Type = o.Type, Value = o.Value, Role = r, Prefix = o.Prefix, Asn = o.Asn, AsName = o.AsName, Country = o.Country, Tld = o.Tld, AddedAt = step.Now };
            db.IncidentTargets.Add(target);
            step.Before.TargetsMade.Add(target.Id);
            made++;
        }
    }

    private static async Task<IResult> AskAsync(HttpRequest request, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var reports = await TriageDesk.PickedAsync(db, TriageDesk.Picks(request.Query["pick"]), ct);
        if (reports.Count == 0)
        {
            return Answers.Seen("/triage");
        }

        var into = request.Query["into"].ToString() is "existing" or "proposed" ? request.Query["into"].ToString() : "new";
        var model = await FillAsync(db, clock, new Model(reports, into, reports[0].Summary, Classify.Suggest(reports[0])?.ToString() ?? "", "", false, TriageDesk.Back(request.Query["back"]), FormErrors.None), ct);
        return Answers.Page<AcceptPage>(into == "existing" && model.Alike.Count > 0 ? model with { Incident = model.Alike[0].Number } : model);
    }

    /// <summary>What the page shows beside the form: what is alike and the targets with their usual roles.</summary>
    private static async Task<Model> FillAsync(NodeDb db, TimeProvider clock, Model model, CancellationToken ct)
    {
        var ids = model.Reports.Select(r => r.Id).ToArray();
        var like = await Likeness.OfAsync(db, ids, clock.GetUtcNow(), ct);
        // where all of them are already, nothing is left to add
        var links = await db.ReportLinks.Where(l => ids.Contains(l.Report) && l.EndedAt == null).Select(l => new { l.Report, l.Incident }).ToListAsync(ct);
        var there = links.GroupBy(l => l.Incident).Where(g => g.Select(l => l.Report).Distinct().Count() == ids.Length).Select(g => g.Key).ToHashSet();
        var alike = like.Values.SelectMany(l => l.Incidents).Where(i => i.State == IncidentState.Open && db.Viewer.Has(i.Origin, Right.Triage) && !there.Contains(i.Id))
            .GroupBy(i => i.Id).OrderByDescending(g => g.Count()).ThenByDescending(g => g.Max(i => i.Percent)).Select(g => g.OrderByDescending(i => i.Percent).First()).Take(5).ToList();
        var observables = await db.ReportObservables.AsNoTracking().Where(o => ids.Contains(o.Report)).OrderByDescending(o => o.Stated).ThenBy(o => o.Id).Take(MaxTargets).ToListAsync(ct);
        var hosts = Classify.Hosts(observables.Select(o => new Observable(o.Type, o.Value)));
        var hit = model.Reports.SelectMany(r => StatedParties.Read(r.Description).Parties.Hit()).ToHashSet();
        var type = ParseClass(model.Class);
        return model with
        {
            Alike = alike,
            Targets = [.. observables.DistinctBy(o => (o.Type, o.Value)).Select(o => new Candidate(o, Classify.DefaultRole(new(o.Type, o.Value), type, hosts, hit))).OrderBy(c => c.Role is null)],
            Proposed = like.Select(l => (l.Key, To: Proposal(l.Value, db))).Where(p => p.To is not null).ToDictionary(p => p.Key, p => p.To!),
        };
    }

    internal static RsitType? ParseClass(string? text) => text?.Split('/') is [var category, var type] ? RsitTaxonomy.Find(category, type) : null;

    private static async Task<IResult> HandleAsync(IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var picks = TriageDesk.Picks(form["pick"]);
        var into = form["into"].ToString() is "existing" or "proposed" ? form["into"].ToString() : "new";
        var title = InertText.Clean(form["title"].ToString()).ReplaceLineEndings(" ").Trim();
        var back = TriageDesk.Back(form["back"]);
        var errors = new FormErrors();
        var type = ParseClass(form["class"]);
        if (into == "new" && type is null)
        {
            errors.Add("class", t["triage.accept.class"], t["triage.accept.class_missing"]);
        }

        if (title.Length > MaxTitle)
        {
            errors.Add("title", t["triage.accept.incident_title"], t.Of("triage.accept.title_long", MaxTitle));
        }

        var chosen = TriageDesk.Chosen(form["incident"], form["like"]);
        var existing = into == "existing" ? await TriageDesk.OpenIncidentAsync(db, chosen, ct) : null;
        if (into == "existing" && existing is null)
        {
            errors.Add("incident", t["triage.accept.incident"], t["triage.accept.incident_missing"]);
        }

        var each = form["each"] == "true";
        if (errors.Any)
        {
            var reports = await TriageDesk.PickedAsync(db, picks, ct);
            return reports.Count == 0 ? Answers.Seen(back) : Answers.Page<AcceptPage>(await FillAsync(db, clock, new Model(reports, into, title, form["class"].ToString(), chosen, each, back, errors), ct), 400);
        }

        var targets = form["targets"] == "chosen" ? await ChosenAsync(form, db, picks, ct) : null;
        var shared = existing?.Id;
        var outcomes = await TriageDesk.EachAsync(db, clock, TriageDid.Accepted, picks, async step =>
        {
            var to = into == "proposed" ? form["to." + step.Report.Id].ToString() : shared?.ToString() ?? "";
            Incident? incident = null;
            if (to.Length > 0 && to != "new" && (incident = await TriageDesk.OpenIncidentAsync(db, to, ct)) is null)
            {
                return Refusal.State;
            }

            var refused = await LinkAsync(db, step, incident, into == "new" && !each ? title : null, into == "new" ? type : null, targets, ct);
            if (refused is null && into == "new" && !each && !step.Already)
            {
                shared = step.Incident!.Id;
            }

            return refused;
        }, ct);
        return TriageDesk.Answer(http, outcomes, into == "existing" || (into == "new" && !each) ? "triage.did.accepted_into" : "triage.did.accepted", back);
    }

    /// <summary>Roles by observable as chosen on the page; the same observable in several reports is chosen once.</summary>
    private static async Task<IReadOnlyDictionary<Guid, TargetRole?>> ChosenAsync(IFormCollection form, NodeDb db, IReadOnlyList<ReportId> picks, CancellationToken ct)
    {
        var ids = picks.ToArray();
        var observables = await db.ReportObservables.AsNoTracking().Where(o => ids.Contains(o.Report)).Select(o => new { o.Id, o.Type, o.Value }).Take(20_000).ToListAsync(ct);
        var byId = new Dictionary<Guid, TargetRole?>();
        foreach (var group in observables.GroupBy(o => (o.Type, o.Value)))
        {
            var chosen = group.Select(o => form["t." + o.Id.ToString("N")].ToString()).FirstOrDefault(v => v.Length > 0);
            var role = Enum.TryParse<TargetRole>(chosen, ignoreCase: true, out var r) && Enum.IsDefined(r) ? r : (TargetRole?)null;
            foreach (var o in group)
            {
                byId[o.Id] = role;
            }
        }

        return byId;
    }

    private static async Task<Results<Ok<Response>, ValidationProblem, ProblemHttpResult>> ApiAsync(ReportId id, Request? body, HttpRequest http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (await TriageApi.PreconditionAsync(db, id, http, ct) is { } stopped)
        {
            return stopped;
        }

        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        RsitType? type = null;
        if (body?.Category is not null || body?.Type is not null)
        {
            type = RsitTaxonomy.Find(body.Category ?? "", body.Type ?? "");
            if (type is null)
            {
                errors[body.Category is null || RsitTaxonomy.FindCategory(body.Category) is null ? "category" : "type"] = ["not an RSIT category and type, such as fraud and phishing"];
            }
        }

        if (body?.Title is { Length: > MaxTitle })
        {
            errors["title"] = [string.Create(CultureInfo.InvariantCulture, $"at most {MaxTitle} characters")];
        }

        if (body?.IncidentId is { } into && await TriageDesk.OpenIncidentAsync(db, into.ToString(), ct) is null)
        {
            errors["incidentId"] = ["no open incident of the token's team has this id"];
        }

        if (errors.Count > 0)
        {
            return TypedResults.ValidationProblem(errors);
        }

        var title = body?.Title is { } given ? InertText.Clean(given).ReplaceLineEndings(" ").Trim() : null;
        var outcome = (await TriageDesk.EachAsync(db, clock, TriageDid.Accepted, [id], async step =>
        {
            var incident = body?.IncidentId is { } to ? await TriageDesk.OpenIncidentAsync(db, to.ToString(), ct) : null;
            return body?.IncidentId is not null && incident is null ? Refusal.State : await LinkAsync(db, step, incident, title, type, null, ct);
        }, ct))[0];
        return outcome.Why is { } why ? TriageApi.Problem(why) : TypedResults.Ok(new Response(outcome.Incident!.Value, outcome.IncidentNumber!));
    }
}

/// <summary>What the acts answer to scripts.</summary>
internal static class TriageApi
{
    /// <summary>Before a field is looked at: 404 when the report is not to be known of, 403 when it is another team's, 412 when <c>If-Match</c> names another version than the stored one.</summary>
    public static async Task<ProblemHttpResult?> PreconditionAsync(NodeDb db, ReportId id, HttpRequest http, CancellationToken ct)
    {
        var report = await db.Reports.Where(r => r.Id == id).Select(r => new { r.Version, r.Marking.Origin }).FirstOrDefaultAsync(ct);
        if (report is null)
        {
            return Problem(Refusal.NotFound);
        }

        return db.Viewer.Has(report.Origin, Right.Triage) ? EntityTag.Outdated(http, report.Version) : Problem(Refusal.NotYours);
    }

    /// <summary>The report as it stands after an act, with its new version; or why nothing was done.</summary>
    public static async Task<Results<Ok<ListReports.Item>, ValidationProblem, ProblemHttpResult>> AnswerAsync(NodeDb db, TriageOutcome outcome, HttpContext http, TimeProvider clock, CancellationToken ct)
    {
        var id = outcome.Report;
        if (outcome.Why is { } why || await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct) is not { } report)
        {
            return Problem(outcome.Why ?? Refusal.NotFound);
        }

        http.Response.Headers.ETag = EntityTag.Of(report.Version);
        return TypedResults.Ok(ListReports.ToItem(report, ReporterView.Of(report, db.Viewer, Exit.Api, clock.GetUtcNow())));
    }

    public static ProblemHttpResult Problem(Refusal why) => why switch
    {
        Refusal.NotFound => TypedResults.Problem("No record of this id that the token may know of.", statusCode: 404, title: "Not found"),
        Refusal.Itself => TypedResults.Problem("A report is no duplicate of itself.", statusCode: 409, title: "The same report"),
        Refusal.NotYours => TypedResults.Problem("The report is another team's: shared to read.", statusCode: 403, title: "Not yours to change"),
        Refusal.Changed => TypedResults.Problem("Someone changed the report at the same moment: read it again, then decide.", statusCode: 412, title: "Changed meanwhile"),
        Refusal.Marking => TypedResults.Problem("The markings of report and incident contradict each other.", statusCode: 409, title: "Markings contradict"),
        _ => TypedResults.Problem("The state of the report does not allow it: reopen it first.", statusCode: 409, title: "Not in this state"),
    };
}
