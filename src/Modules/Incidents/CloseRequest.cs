using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>POST /requests/{id}/close: how it ended. Silence is an outcome only after the time to answer is over.</summary>
public static class CloseRequest
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/requests/{id}/close", FormAsync).Needs(Right.SendRequests).ExcludeFromDescription();

    /// <summary>The outcomes that fit what came back so far.</summary>
    public static IReadOnlyList<RequestOutcome> Fitting(CoordinationRequest request, DateTimeOffset now) => request.State == RequestState.Answered
        ? [OutcomeOf(request.Answer), .. ((RequestOutcome[])[RequestOutcome.Done, RequestOutcome.Refused, RequestOutcome.NotOurs, RequestOutcome.Withdrawn]).Where(o => o != OutcomeOf(request.Answer))]
        : request.DueAt < now ? [RequestOutcome.Silent, RequestOutcome.Done, RequestOutcome.Refused, RequestOutcome.NotOurs, RequestOutcome.Withdrawn]
        : [RequestOutcome.Done, RequestOutcome.Refused, RequestOutcome.NotOurs, RequestOutcome.Withdrawn];

    private static RequestOutcome OutcomeOf(RequestAnswer answer) => answer switch
    {
        RequestAnswer.Refused => RequestOutcome.Refused,
        RequestAnswer.NotOurs => RequestOutcome.NotOurs,
        _ => RequestOutcome.Done,
    };

    private static async Task<IResult> FormAsync(RequestId id, [FromForm] string? outcome, [FromForm] string? text, NodeDb db, BlobStore blobs, Dispatch dispatch, ContactFinder finder, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (request, incident, refused) = await RecordAnswer.OpenAsync(db, id, ct);
        if (refused is not null)
        {
            return refused;
        }

        var now = clock.GetUtcNow();
        if (!Enum.TryParse<RequestOutcome>(outcome, ignoreCase: true, out var chosen) || !Fitting(request!, now).Contains(chosen))
        {
            var errors = new FormErrors().Add("outcome", t["request.field.outcome"], t[chosen == RequestOutcome.Silent ? "request.error.not_silent" : "request.error.outcome"]);
            return Answers.Page<RequestPage>(await ReadRequest.SentAsync(db, blobs, dispatch, finder, request!, incident!, clock, t.Lang, errors, ct), StatusCodes.Status400BadRequest);
        }

        (request!.State, request.Outcome, request.ClosedAt) = (RequestState.Closed, chosen, now);
        db.RequestEvents.Add(new RequestEvent { Id = Guid.CreateVersion7(now), Request = id, Team = request.Marking.Origin, State = RequestState.Closed, At = now, Author = db.Viewer.Person, Text = DraftRequests.Line(text, 2000) });
        Diary.Say(db, incident!, EntryKind.Request, now, "request.diary.closed_" + chosen.ToString().ToLowerInvariant(), [request.Number, request.RecipientName], "/requests/" + id);
        await IncidentClock.RecomputeAsync(db, incident!, ct);
        await db.SaveChangesAsync(ct);
        return Answers.Seen("/requests/" + id);
    }
}
