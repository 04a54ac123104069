using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Renkei.Contracts;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /requests/{id}/remind, and the same under /api/v1: a reminder in the thread of the request, previewed like it.</summary>
public static class RemindRequest
{
    public sealed record Model(Outgoing Reminder, DateTimeOffset DueAt, FormErrors Errors);

    /// <summary>What would leave now; remind with this hash, date and due time, and it is this that leaves.</summary>
    public sealed record Preview : PreviewRequest.Preview
    {
        public Preview(PreviewRequest.Preview preview) : base(preview)
        {
        }

        public required DateTimeOffset DueAt { get; init; }
    }

    /// <param name="Sha256">Of the bytes that were previewed, with their <paramref name="Date"/>; without both, what is composed now leaves.</param>
    /// <param name="DueAt">The new due time; half of the first one's length when absent, never earlier than what was promised.</param>
    public sealed record Input(string? Sha256, DateTimeOffset? Date, DateTimeOffset? DueAt);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/requests/{id}/remind", PageAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/requests/{id}/remind", FormAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapGet("/api/v1/requests/{id}/remind", ApiPreviewAsync).NeedsScope(Scopes.RequestsRead).WithTags("requests").WithName("previewReminder").ProducesProblem(403).ProducesProblem(404).ProducesProblem(409);
        routes.MapPost("/api/v1/requests/{id}/remind", ApiAsync).NeedsScope(Scopes.RequestsWrite).WithTags("requests").WithName("remindRequest").ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
    }

    /// <summary>It is out, and the answer is not there yet.</summary>
    public static bool CanBeReminded(CoordinationRequest request) => request.State is RequestState.Sent or RequestState.Delivered or RequestState.Acknowledged && request.MessageId is not null;

    private static async Task<IResult> PageAsync(RequestId id, string? due, NodeDb db, Dispatch dispatch, TimeProvider clock, PageContext page, CancellationToken ct)
    {
        var (request, incident, refused) = await RecordAnswer.OpenAsync(db, id, ct);
        if (refused is not null || !CanBeReminded(request!))
        {
            return refused ?? Answers.Seen("/requests/" + id);
        }

        var now = clock.GetUtcNow();
        var at = DueTimes.ReadAhead(due, page.Zone, now) ?? Usual(dispatch, request!, incident!, now);
        return Answers.Page<RemindPage>(new Model((await ReminderAsync(dispatch, request!, incident!, at, dispatch.NowToTheSecond, ct))!, at, FormErrors.None));
    }

    private static async Task<IResult> FormAsync(RequestId id, [FromForm] string sha256, [FromForm] long date, [FromForm] long due, NodeDb db, Dispatch dispatch, IStepUp stepUp, Texts t, CancellationToken ct)
    {
        var (request, incident, refused) = await RecordAnswer.OpenAsync(db, id, ct);
        if (refused is not null || !CanBeReminded(request!))
        {
            return refused ?? Answers.Seen("/requests/" + id);
        }

        if (SendRequest.NeedsConfirming(incident!, stepUp))
        {
            return Answers.Seen(stepUp.Href($"/requests/{id}/remind"));
        }

        if (date is <= 0 or >= 253402300800 || due is <= 0 or >= 253402300800)
        {
            return TypedResults.BadRequest();
        }

        var at = DateTimeOffset.FromUnixTimeSeconds(due);
        var when = DateTimeOffset.FromUnixTimeSeconds(date);
        var fault = await RemindAsync(db, dispatch, request!, incident!, when, sha256, at, ct);
        if (fault is SendFault.Changed or SendFault.Refused)
        {
            var errors = new FormErrors().Add("send", t["request.remind.card"], t[fault == SendFault.Changed ? "request.error.changed" : "request.error.refused"]);
            return Answers.Page<RemindPage>(new Model((await ReminderAsync(dispatch, request!, incident!, at, dispatch.NowToTheSecond, ct))!, at, errors), StatusCodes.Status409Conflict);
        }

        return Answers.Seen("/requests/" + id);
    }

    /// <summary>A reminder before its time does not shorten what was promised.</summary>
    private static DateTimeOffset Usual(Dispatch dispatch, CoordinationRequest request, Incident incident, DateTimeOffset now) =>
        DueTimes.ForReminder(request.Purpose, incident.Severity, now, dispatch.Zone) is var usual && request.DueAt > usual ? request.DueAt : usual;

    private static async Task<SendFault> RemindAsync(NodeDb db, Dispatch dispatch, CoordinationRequest request, Incident incident, DateTimeOffset date, string sha256, DateTimeOffset due, CancellationToken ct)
    {
        var judged = incident.Marking;
        var fault = await dispatch.ReleaseReminderAsync(request, await TextAsync(dispatch, request, incident, due, ct), date, sha256, due, ct);
        // a refusal is saved, too: the audit log tells it
        await IncidentClock.SaveAsync(db, incident, ct, judged);
        return fault;
    }

    private static async Task<Results<Ok<Preview>, ValidationProblem, ProblemHttpResult>> ApiPreviewAsync(RequestId id, DateTimeOffset? dueAt, HttpContext http, NodeDb db, Dispatch dispatch, TimeProvider clock, CancellationToken ct)
    {
        var (request, incident, at, refused) = await OpenForApiAsync(db, dispatch, id, dueAt, http.Request, clock.GetUtcNow(), ct);
        if (request is null || incident is null)
        {
            return refused!;
        }

        return at is not { } due ? BadDue()
            : await ReminderAsync(dispatch, request, incident, due, dispatch.NowToTheSecond, ct) is { } outgoing ? TypedResults.Ok(new Preview(PreviewRequest.ToPreview(outgoing, dispatch.NowToTheSecond)) { DueAt = due }) : RequestApi.NotFound();
    }

    private static async Task<Results<Ok<ListRequests.Item>, ValidationProblem, ProblemHttpResult>> ApiAsync(RequestId id, Input? input, HttpContext http, NodeDb db, Dispatch dispatch, TimeProvider clock, CancellationToken ct)
    {
        var (request, incident, at, refused) = await OpenForApiAsync(db, dispatch, id, input?.DueAt, http.Request, clock.GetUtcNow(), ct);
        if (request is null || incident is null)
        {
            return refused!;
        }

        if (at is not { } due)
        {
            return BadDue();
        }

        var date = input?.Date?.ToUniversalTime() ?? dispatch.NowToTheSecond;
        var outgoing = await ReminderAsync(dispatch, request, incident, due, date, ct);
        var fault = await RemindAsync(db, dispatch, request, incident, date, input?.Sha256 ?? outgoing?.Message?.Sha256 ?? "", due, ct);
        if (fault != SendFault.None)
        {
            return RequestApi.Problem(fault, outgoing);
        }

        return RequestApi.Answer(request, http);
    }

    /// <summary>A request that can be reminded and its new due time; null for one that is none.</summary>
    private static async Task<(CoordinationRequest? Request, Incident? Incident, DateTimeOffset? Due, ProblemHttpResult? Refused)> OpenForApiAsync(NodeDb db, Dispatch dispatch, RequestId id, DateTimeOffset? said, HttpRequest http, DateTimeOffset now, CancellationToken ct)
    {
        var (request, incident, refused) = await RequestApi.OpenAsync(db, id, http, ct);
        if (request is null || incident is null)
        {
            return (null, null, null, refused);
        }

        if (!CanBeReminded(request))
        {
            return (null, null, null, TypedResults.Problem("It is answered or bounced: there is nobody to remind.", statusCode: 409, title: "Not waiting"));
        }

        // to the second, as the letter names it
        var due = said is { } at ? DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds()) : Usual(dispatch, request, incident, now);
        return (request, incident, due > now && due < now.AddYears(1) ? due : null, null);
    }

    private static ValidationProblem BadDue() => TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["dueAt"] = ["After now and within a year."] });

    private static async Task<Outgoing?> ReminderAsync(Dispatch dispatch, CoordinationRequest request, Incident incident, DateTimeOffset due, DateTimeOffset date, CancellationToken ct) =>
        await dispatch.PrepareReminderAsync(request, await TextAsync(dispatch, request, incident, due, ct), date, ct);

    private static async Task<string> TextAsync(Dispatch dispatch, CoordinationRequest request, Incident incident, DateTimeOffset due, CancellationToken ct)
    {
        var facts = await DraftRequests.FactsAsync(dispatch, request, incident, await dispatch.TargetsAsync(request.Id, incident, ct), [], null, ct);
        return NoticeText.Remind(facts with { DueAt = due }, RequestMessage.SubjectOf(request.Subject, request.Number, request.Marking.Tlp), request.SentAt ?? request.CreatedAt, request.DueAt);
    }

    internal static string Seconds(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
