using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>POST /requests/{id}/close: how it ended. Silence is an outcome only after the time to answer is over.</summary>
public static class CloseRequest
{
    /// <summary>POST /api/v1/requests/{id}/close. <c>outcome</c>: done, refused, notOurs, silent or withdrawn.</summary>
    public sealed record Input(string? Outcome, string? Text);

    private const int MaxText = 2_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/requests/{id}/close", FormAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/api/v1/requests/{id}/close", ApiAsync).NeedsScope(Scopes.RequestsWrite).WithTags("requests").WithName("closeRequest");
    }

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
            return Answers.Page<RequestPage>(await ReadRequest.SentAsync(db, blobs, dispatch, finder, request!, incident!, clock, t.Lang, errors, ct) with { Typed = new(Outcome: outcome, Note: text) }, StatusCodes.Status400BadRequest);
        }

        if (text?.Length > MaxText)
        {
            var errors = new FormErrors();
            TooLong.Look(errors, t, ("close-text", "request.field.note", text, MaxText));
            return Answers.Page<RequestPage>(await ReadRequest.SentAsync(db, blobs, dispatch, finder, request!, incident!, clock, t.Lang, errors, ct) with { Typed = new(Outcome: outcome, Note: text) }, StatusCodes.Status400BadRequest);
        }

        await EndAsync(db, request!, incident!, chosen, text, now, ct);
        return Answers.Seen("/requests/" + id);
    }

    private static async Task<Results<Ok<ListRequests.Item>, ProblemHttpResult, ValidationProblem>> ApiAsync(RequestId id, Input input, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (request, incident, refused) = await RequestApi.OpenAsync(db, id, http.Request, ct);
        if (request is null || incident is null)
        {
            return refused!;
        }

        var now = clock.GetUtcNow();
        if (!Enum.TryParse<RequestOutcome>(input.Outcome, ignoreCase: true, out var chosen) || !Fitting(request, now).Contains(chosen))
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["outcome"] = ["One of " + string.Join(", ", Fitting(request, now).Select(o => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(o.ToString()))) + "; silent only after the time to answer is over."] });
        }

        if (TooLong.Problem(("text", input.Text, MaxText)) is { } wrong)
        {
            return wrong;
        }

        await EndAsync(db, request, incident, chosen, input.Text, now, ct);
        return RequestApi.Answer(request, http);
    }

    private static async Task EndAsync(NodeDb db, CoordinationRequest request, Incident incident, RequestOutcome chosen, string? text, DateTimeOffset now, CancellationToken ct)
    {
        (request.State, request.Outcome, request.ClosedAt) = (RequestState.Closed, chosen, now);
        db.RequestEvents.Add(new RequestEvent { Id = Guid.CreateVersion7(now), Request = request.Id, Team = request.Marking.Origin, State = RequestState.Closed, At = now, Author = db.Viewer.Person, Text = DraftRequests.Line(text) });
        Diary.Say(db, incident, EntryKind.Request, now, "request.diary.closed_" + chosen.ToString().ToLowerInvariant(), [request.Number, request.RecipientName], "/requests/" + request.Id);
        await IncidentClock.SaveAsync(db, incident, ct);
    }
}
