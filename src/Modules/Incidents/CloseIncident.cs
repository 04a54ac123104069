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

/// <summary>GET and POST /incidents/{id}/close: say what came of it, end its requests, tell the reporters.</summary>
public static class CloseIncident
{
    public const int MaxOutcome = 4000;

    /// <param name="Hidden">Open requests that this viewer may not know of: then someone who may has to close.</param>
    public sealed record Model(Incident Incident, string State, string Outcome, IReadOnlyList<OpenRequest> Open, bool Hidden, int Reports, FormErrors Errors)
    {
        /// <summary>Targets that nobody was asked about, defanged.</summary>
        public IReadOnlyList<string> Unasked { get; init; } = [];
    }

    /// <summary>A request that still stands, and how the person says it ended; empty while they have not.</summary>
    public sealed record OpenRequest(CoordinationRequest Request, string Outcome);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/close", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/close", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents/{id}/close", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("closeIncident");
    }

    /// <summary>POST /api/v1/incidents/{id}/close. <c>state</c>: resolved or abandoned. Refused (409) while requests are open.</summary>
    public sealed record Input(string? State, string? Outcome);

    private static async Task<Results<Ok<ListIncidents.Item>, ProblemHttpResult, ValidationProblem>> ApiAsync(IncidentId id, Input input, HttpContext http, NodeDb db, TextBook book, TimeProvider clock, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http.Request, ct);
        if (incident is null)
        {
            return refusal!;
        }

        if (incident.State != IncidentState.Open)
        {
            return TypedResults.Problem("It is closed.", statusCode: 409, title: "Not open");
        }

        var outcome = IncidentAct.Clean(input.Outcome);
        var state = input.State ?? "resolved";
        if (state is not ("resolved" or "abandoned") || outcome.Length is 0 or > MaxOutcome)
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal)
            {
                [state is "resolved" or "abandoned" ? "outcome" : "state"] = [state is "resolved" or "abandoned" ? $"Say what came of it, in at most {MaxOutcome} characters." : "resolved or abandoned."],
            });
        }

        if (await OpenRequestsAsync(db, id, ct) > 0)
        {
            return RequestsAreOpen();
        }

        switch (await TryEndAsync(db, book, incident, state, outcome, [], clock.GetUtcNow(), ct))
        {
            case Ended.RequestsAreOpen:
                return RequestsAreOpen();
            case Ended.Changed:
                return TypedResults.Problem("Somebody saved it meanwhile. Read it again and decide.", statusCode: 412, title: "Changed meanwhile");
        }

        http.Response.Headers.ETag = GetIncident.ETag(incident);
        return TypedResults.Ok(ListIncidents.ToItem(incident));
    }

    /// <summary>Not how many: the token may not know of all of them.</summary>
    private static ProblemHttpResult RequestsAreOpen() =>
        TypedResults.Problem("Some requests are not closed. Close each with its outcome first: POST /api/v1/requests/{id}/close. One that the token does not see is closed by who does.", statusCode: 409, title: "Requests are open");

    /// <summary>All that are open, also what whoever closes may not know of.</summary>
    private static Task<int> OpenRequestsAsync(NodeDb db, IncidentId id, CancellationToken ct) =>
        db.AskAsNodeAsync(node => node.Requests.CountAsync(r => r.Incident == id && r.State != RequestState.Closed, ct), ct);

    private enum Ended
    {
        Yes,

        /// <summary>One was drafted in this moment.</summary>
        RequestsAreOpen,

        /// <summary>Somebody saved the incident or one of the requests in this moment.</summary>
        Changed,
    }

    /// <summary>
    /// Closes the requests as said, then the incident, and tells the reporters; all or nothing. The incident is held: who drafts a request about
    /// it in this moment comes before, and this is refused, or after, and finds it closed.
    /// </summary>
    private static async Task<Ended> TryEndAsync(NodeDb db, TextBook book, Incident incident, string state, string outcome, IReadOnlyList<OpenRequest> open, DateTimeOffset now, CancellationToken ct)
    {
        try
        {
            return await db.InTransactionAsync(async () =>
            {
                await MarkIncident.TakeAsync(db, incident.Id, ct);
                if (await OpenRequestsAsync(db, incident.Id, ct) > open.Count)
                {
                    return Ended.RequestsAreOpen;
                }

                foreach (var (request, how) in open)
                {
                    End(db, incident, request, Enum.Parse<RequestOutcome>(how, ignoreCase: true), now);
                }

                await EndAsync(db, book, incident, state, outcome, now, ct);
                await db.SaveChangesAsync(ct);
                return Ended.Yes;
            }, ct);
        }
        catch (DbUpdateConcurrencyException)
        {
            db.ChangeTracker.Clear();
            return Ended.Changed;
        }
    }

    private static async Task EndAsync(NodeDb db, TextBook book, Incident incident, string state, string outcome, DateTimeOffset now, CancellationToken ct)
    {
        incident.State = state == "abandoned" ? IncidentState.Abandoned : IncidentState.Resolved;
        incident.Outcome = outcome;
        incident.ClosedAt = now;
        await TellReportersAsync(db, book, incident, now, ct);
        Diary.Say(db, incident, EntryKind.State, now, incident.State == IncidentState.Resolved ? "diary.resolved" : "diary.abandoned", [TextRefang.DefangText(outcome)]);
        await IncidentClock.RecomputeAsync(db, incident, ct);
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal!
            : incident.State != IncidentState.Open ? Answers.Seen(IncidentAct.Href(id))
            : Answers.Page<CloseIncidentPage>(await ModelAsync(db, incident, "resolved", "", null, FormErrors.None, ct));
    }

    private static async Task<IResult> PostAsync(IncidentId id, IFormCollection form, NodeDb db, TextBook book, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        if (incident.State != IncidentState.Open)
        {
            return Answers.Seen(IncidentAct.Href(id));
        }

        var outcome = IncidentAct.Clean(form["outcome"]);
        var model = await ModelAsync(db, incident, form["state"].ToString(), outcome, form, new FormErrors(), ct);
        Check(model, db, t);
        if (model.Errors.Any)
        {
            return Answers.Page<CloseIncidentPage>(model, StatusCodes.Status400BadRequest);
        }

        if (await TryEndAsync(db, book, incident, model.State, outcome, model.Open, clock.GetUtcNow(), ct) == Ended.Yes)
        {
            return IncidentAct.Done(id, "closed");
        }

        db.ChangeTracker.Clear();
        (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal!
            : Answers.Page<CloseIncidentPage>(await ModelAsync(db, incident, model.State, outcome, form, new FormErrors().Add("outcome", t["incident.close.outcome"], t["incident.changed_meanwhile"]), ct), StatusCodes.Status409Conflict);
    }

    private static void Check(Model model, NodeDb db, Texts t)
    {
        if (model.Hidden)
        {
            model.Errors.Add("requests", t["incident.close.requests"], t["incident.close.hidden"]);
        }

        if (model.Open.Count > 0 && !db.Viewer.Has(model.Incident.Marking.Origin, Right.SendRequests))
        {
            model.Errors.Add("requests", t["incident.close.requests"], t["incident.close.no_right"]);
        }

        foreach (var (request, how) in model.Open)
        {
            // a draft never left the house: it can only be withdrawn
            var known = Enum.TryParse<RequestOutcome>(how, ignoreCase: true, out var outcome) && Enum.IsDefined(outcome) && outcome != RequestOutcome.None;
            if (!known || (request.State == RequestState.Draft && outcome != RequestOutcome.Withdrawn))
            {
                model.Errors.Add("request-" + request.Id, request.Number, t[request.State == RequestState.Draft ? "incident.close.draft_open" : "incident.close.still_open"]);
            }
        }

        if (model.State is not ("resolved" or "abandoned"))
        {
            model.Errors.Add("state", t["incident.close.state"], t["incident.fault.choose"]);
        }

        if (model.Outcome.Length is 0 or > MaxOutcome)
        {
            model.Errors.Add("outcome", t["incident.close.outcome"], model.Outcome.Length == 0 ? t["incident.fault.empty"] : t.Of("incident.fault.long", MaxOutcome));
        }
    }

    private static void End(NodeDb db, Incident incident, CoordinationRequest request, RequestOutcome outcome, DateTimeOffset now)
    {
        request.State = RequestState.Closed;
        request.Outcome = outcome;
        request.ClosedAt = now;
        db.Add(new RequestEvent { Id = Guid.CreateVersion7(now), Request = request.Id, Team = request.Marking.Origin, State = RequestState.Closed, At = now, Author = db.Viewer.Person });
        Diary.Say(db, incident, EntryKind.Request, now, "diary.request_closed_" + outcome.ToString().ToLowerInvariant(), [request.Number, request.RecipientName], "/requests/" + request.Id);
    }

    /// <summary>
    /// Each reporter reads it behind their private link, in their language, and by mail after a while; once all incidents of their report are
    /// over. All of them: also those of reports that whoever closes may not know of, who hears nothing of these.
    /// </summary>
    private static async Task TellReportersAsync(NodeDb db, TextBook book, Incident incident, DateTimeOffset now, CancellationToken ct)
    {
        var (id, origin) = (incident.Id, incident.Marking.Origin);
        var linked = await db.AskAsNodeAsync(node => node.ReportLinks.Where(l => l.Incident == id && l.EndedAt == null).Select(l => l.Report).ToArrayAsync(ct), ct);
        var reports = await db.AskAsNodeAsync(node => node.Reports.AsNoTracking().Where(r => linked.Contains(r.Id) && r.Channel != Channel.Import && r.Marking.Origin == origin).ToListAsync(ct), ct);
        var known = await db.Reports.Where(r => linked.Contains(r.Id)).Select(r => r.Id).ToListAsync(ct);
        var others = (await db.AskAsNodeAsync(node => node.ReportLinks.Where(l => linked.Contains(l.Report) && l.Incident != id && l.EndedAt == null).Join(node.Incidents.AsNoTracking(), l => l.Incident, i => i.Id, (l, i) => new { l.Report, Incident = i }).ToListAsync(ct), ct)).ToLookup(l => l.Report, l => l.Incident);
        reports.RemoveAll(r => others[r.Id].Any(i => i.State == IncidentState.Open));
        foreach (var report in reports)
        {
            var key = ReporterNotice.ClosingKey(others[report.Id].Append(incident));
            var text = new Texts(book, report.Language is "en" ? "en" : "ja").Of(key, report.Number);
            db.ReportMessages.Add(new ReportMessage { Id = Guid.CreateVersion7(now), Report = report.Id, FromReporter = false, Author = db.Viewer.Person, At = now, Text = text });
            ReporterNotice.Queue(db, report, key, now + ReporterNotice.Grace);
        }

        var named = reports.Where(r => known.Contains(r.Id)).Select(r => r.Number).ToList();
        if (named.Count > 0)
        {
            Diary.Say(db, incident, EntryKind.Message, now, "diary.reporters_told", [string.Join(", ", named.Take(10))]);
        }
    }

    private static async Task<Model> ModelAsync(NodeDb db, Incident incident, string state, string outcome, IFormCollection? form, FormErrors errors, CancellationToken ct)
    {
        var id = incident.Id;
        var open = await db.Requests.Where(r => r.Incident == id && r.State != RequestState.Closed).OrderBy(r => r.Number).ToListAsync(ct);
        var reports = await db.ReportLinks.CountAsync(l => l.Incident == id && l.EndedAt == null, ct);
        var all = await OpenRequestsAsync(db, id, ct);
        return new(incident, state, outcome, [.. open.Select(r => new OpenRequest(r, form?["request-" + r.Id].ToString() ?? ""))], all > open.Count, reports, errors)
        { Unasked = [.. (await ProposeRequests.TargetsAsync(db, incident, ct)).Where(t => t.Pick).Select(t => new Observable(t.Target.Type, t.Target.Value).Defang())] };
    }
}
