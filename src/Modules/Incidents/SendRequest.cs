using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>POST /requests/{id}/send, /requests/send for several drafts, /api/v1/requests/{id}/send: what was previewed leaves, and nothing else.</summary>
public static class SendRequest
{
    /// <param name="Sha256">Of the bytes that were previewed, with their <paramref name="Date"/>; without both, what is composed now leaves.</param>
    public sealed record Input(string? Sha256, DateTimeOffset? Date);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/requests/{id}/send", PageAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/requests/send", SeveralAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/api/v1/requests/{id}/send", ApiAsync).NeedsScope(Scopes.RequestsWrite).WithTags("requests").WithName("sendRequest");
    }

    /// <summary>Text keys of what stands in the way, or of why it may leave.</summary>
    public static IReadOnlyList<string> Reasons(Outgoing outgoing) => [.. outgoing.Verdict.Why.Select(w => w.Key), .. outgoing.Leaks, .. outgoing.Fault is { } fault ? (string[])[fault.Message] : []];

    /// <summary>What leaves as AMBER or stricter is released by a person who has just shown that it is they. A token is no person: its scope is its word.</summary>
    internal static bool NeedsConfirming(Incident incident, IStepUp stepUp) => incident.Marking.Tlp >= Tlp.Amber && !stepUp.IsFresh;

    private static async Task<IResult> PageAsync(RequestId id, [FromForm] string sha256, [FromForm] long date, NodeDb db, Dispatch dispatch, IStepUp stepUp, Texts t, CancellationToken ct)
    {
        var (request, incident, refused) = await PreviewRequest.DraftAsync(db, id, ct);
        if (refused is not null)
        {
            return refused;
        }

        if (NeedsConfirming(incident!, stepUp))
        {
            return Answers.Seen(stepUp.Href("/requests/" + id));
        }

        var fault = await TryAsync(db, dispatch, request!, incident!, date, sha256, ct);
        return fault switch
        {
            SendFault.None or SendFault.NotADraft => Answers.Seen("/requests/" + id),
            _ => Answers.Page<RequestPreviewPage>(await PreviewRequest.ModelAsync(db, dispatch, request!, incident!, new FormErrors().Add("send", t["request.act.send"], t[fault == SendFault.Changed ? "request.error.changed" : "request.error.refused"]), ct), StatusCodes.Status409Conflict),
        };
    }

    /// <summary>Several drafts of one incident; each <c>item</c> is an id and the hash that was previewed. Those that may not leave stay drafts.</summary>
    private static async Task<IResult> SeveralAsync([FromForm] IFormCollection form, NodeDb db, Dispatch dispatch, IStepUp stepUp, CancellationToken ct)
    {
        var date = long.TryParse(form["date"], CultureInfo.InvariantCulture, out var seconds) ? seconds : 0;
        string? back = null;
        string? left = null;
        foreach (var item in form["item"].OfType<string>().Take(PreviewRequest.Together))
        {
            var parts = item.Split(':');
            if (parts.Length != 2 || !RequestId.TryParse(parts[0], CultureInfo.InvariantCulture, out var id))
            {
                continue;
            }

            var (request, incident, refused) = await PreviewRequest.DraftAsync(db, id, ct);
            if (refused is null && NeedsConfirming(incident!, stepUp))
            {
                return Answers.Seen(stepUp.Href("/requests/" + id));
            }

            if (refused is null)
            {
                back = "/incidents/" + incident!.Id;
                left = await TryAsync(db, dispatch, request!, incident!, date, parts[1], ct) == SendFault.None ? left : "/requests/" + id;
            }
        }

        // where something stayed, its preview says why
        return Answers.Seen(left ?? back ?? "/requests");
    }

    private static async Task<SendFault> TryAsync(NodeDb db, Dispatch dispatch, CoordinationRequest request, Incident incident, long date, string sha256, CancellationToken ct)
    {
        var judged = incident.Marking;
        var when = date is > 0 and < 253402300800 ? DateTimeOffset.FromUnixTimeSeconds(date) : DateTimeOffset.UnixEpoch;
        var fault = await dispatch.ReleaseAsync(request, when, sha256, ct);
        try
        {
            // a refusal is saved, too: the audit log tells it
            await IncidentClock.SaveAsync(db, incident, ct, judged);
        }
        catch (DbUpdateConcurrencyException)
        {
            // someone sent or changed it in this moment: nothing of ours was written
            db.ChangeTracker.Clear();
            return SendFault.Changed;
        }

        return fault;
    }

    private static async Task<Results<Ok<ListRequests.Item>, ProblemHttpResult>> ApiAsync(RequestId id, Input? input, NodeDb db, Dispatch dispatch, HttpContext http, CancellationToken ct)
    {
        var (request, incident, refused) = await RequestApi.DraftAsync(db, id, http.Request, ct);
        if (request is null || incident is null)
        {
            return refused!;
        }

        var date = input?.Date?.ToUniversalTime() ?? dispatch.NowToTheSecond;
        var outgoing = await dispatch.PrepareAsync(request, date, ct);
        var fault = await TryAsync(db, dispatch, request, incident, date.ToUnixTimeSeconds(), input?.Sha256 ?? outgoing?.Message?.Sha256 ?? "", ct);
        return fault switch
        {
            SendFault.None => RequestApi.Answer(request, http),
            _ => RequestApi.Problem(fault, outgoing),
        };
    }
}
