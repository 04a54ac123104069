using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Renkei.Contracts;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /requests/{id}/remind: a reminder in the thread of the request, previewed like it.</summary>
public static class RemindRequest
{
    public sealed record Model(Outgoing Reminder, DateTimeOffset DueAt, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/requests/{id}/remind", PageAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/requests/{id}/remind", FormAsync).Needs(Right.SendRequests).ExcludeFromDescription();
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
        var usual = DueTimes.ForReminder(request!.Purpose, incident!.Severity, now);
        // a reminder before its time does not shorten what was promised
        var at = DueTimes.ReadAhead(due, page.Zone, now) ?? (request.DueAt > usual ? request.DueAt : usual);
        return Answers.Page<RemindPage>(new Model((await ReminderAsync(dispatch, request, incident, at, dispatch.NowToTheSecond, ct))!, at, FormErrors.None));
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
        var text = await TextAsync(dispatch, request!, incident!, at, ct);
        var fault = await dispatch.ReleaseReminderAsync(request!, text, when, sha256, at, ct);
        await db.SaveChangesAsync(ct);
        if (fault is SendFault.Changed or SendFault.Refused)
        {
            var errors = new FormErrors().Add("send", t["request.act.remind"], t[fault == SendFault.Changed ? "request.error.changed" : "request.error.refused"]);
            return Answers.Page<RemindPage>(new Model((await ReminderAsync(dispatch, request!, incident!, at, dispatch.NowToTheSecond, ct))!, at, errors), StatusCodes.Status409Conflict);
        }

        return Answers.Seen("/requests/" + id);
    }

    private static async Task<Outgoing?> ReminderAsync(Dispatch dispatch, CoordinationRequest request, Incident incident, DateTimeOffset due, DateTimeOffset date, CancellationToken ct) =>
        await dispatch.PrepareReminderAsync(request, await TextAsync(dispatch, request, incident, due, ct), date, ct);

    private static async Task<string> TextAsync(Dispatch dispatch, CoordinationRequest request, Incident incident, DateTimeOffset due, CancellationToken ct)
    {
        var facts = await DraftRequests.FactsAsync(dispatch, request, incident, await dispatch.TargetsAsync(request.Id, ct), [], null, ct);
        return NoticeText.Remind(facts with { DueAt = due }, RequestMessage.SubjectOf(request.Subject, request.Number, request.Marking.Tlp), request.SentAt ?? request.CreatedAt, request.DueAt);
    }

    internal static string Seconds(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
