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

/// <summary>POST /requests/{id}/answer and POST /api/v1/requests/{id}/answer: what came back, by hand until mail lands.</summary>
public static class RecordAnswer
{
    /// <param name="What">acknowledged, done, refused, notOurs, needInfo or bounced.</param>
    /// <param name="Text">What they wrote, and for notOurs whom they refer to.</param>
    /// <param name="At">When; now when absent.</param>
    public sealed record Input(string? What, string? Text, DateTimeOffset? At);

    private const int MaxText = 20_000;
    private const int MaxReferral = 320;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/requests/{id}/answer", FormAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/api/v1/requests/{id}/answer", ApiAsync).NeedsScope(Scopes.RequestsWrite).WithTags("requests").WithName("recordAnswer");
    }

    /// <summary>State and answer of a word, or null when it is none of them.</summary>
    public static (RequestState State, RequestAnswer Answer)? Read(string? what) => what switch
    {
        "acknowledged" => (RequestState.Acknowledged, RequestAnswer.None),
        "done" => (RequestState.Answered, RequestAnswer.Done),
        "refused" => (RequestState.Answered, RequestAnswer.Refused),
        "notOurs" => (RequestState.Answered, RequestAnswer.NotOurs),
        "needInfo" => (RequestState.Answered, RequestAnswer.NeedInfo),
        "bounced" => (RequestState.Bounced, RequestAnswer.None),
        _ => null,
    };

    private static void Apply(NodeDb db, CoordinationRequest request, Incident incident, RequestState state, RequestAnswer answer, string text, DateTimeOffset at)
    {
        request.State = state;
        switch (state)
        {
            case RequestState.Acknowledged:
                request.AcknowledgedAt ??= at;
                break;
            case RequestState.Answered:
                (request.Answer, request.AnsweredAt) = (answer, at);
                request.AcknowledgedAt ??= at;
                break;
        }

        db.RequestEvents.Add(new RequestEvent { Id = Guid.CreateVersion7(at), Request = request.Id, Team = request.Marking.Origin, State = state, Answer = answer, At = at, Author = db.Viewer.Person, Text = text });
        var said = state == RequestState.Answered ? "answer_" + answer.ToString().ToLowerInvariant() : state.ToString().ToLowerInvariant();
        Diary.Say(db, incident, EntryKind.Answer, at, "request.diary." + said, [request.Number, request.RecipientName], "/requests/" + request.Id);
    }

    private static async Task<IResult> FormAsync(RequestId id, [FromForm] string? what, [FromForm] string? text, [FromForm] string? referral, [FromForm] string? at, NodeDb db, BlobStore blobs, Dispatch dispatch, ContactFinder finder, TimeProvider clock, PageContext page, Texts t, CancellationToken ct)
    {
        var (request, incident, refused) = await OpenAsync(db, id, ct);
        if (refused is not null)
        {
            return refused;
        }

        var now = clock.GetUtcNow();
        var errors = new FormErrors();
        if (Read(what) is not { } answer)
        {
            errors.Add("what", t["request.field.answer"], t["request.error.answer"]);
            answer = default;
        }

        TooLong.Look(errors, t, ("text", "request.field.text", text, MaxText), ("referral", "request.field.referral", referral, MaxReferral));
        var stated = string.IsNullOrWhiteSpace(at) ? now : DueTimes.Read(at, page.Zone) ?? DateTimeOffset.MaxValue;
        if (stated > now.AddMinutes(10) || stated < request!.SentAt?.AddMinutes(-1))
        {
            errors.Add("at", t["request.field.at"], t["request.error.at"]);
        }

        if (errors.Any)
        {
            return Answers.Page<RequestPage>(await ReadRequest.SentAsync(db, blobs, dispatch, finder, request!, incident!, clock, t.Lang, errors, ct) with { Typed = new(what, referral, text, at) }, StatusCodes.Status400BadRequest);
        }

        var words = Words(text, referral, answer.Answer, t);
        await SaveAsync(db, request!, incident!, answer, words, stated > now ? now : stated, ct);
        return Answers.Seen("/requests/" + id);
    }

    private static string Words(string? text, string? referral, RequestAnswer answer, Texts t)
    {
        var words = InertText.Clean(text ?? "").Trim();
        return answer == RequestAnswer.NotOurs && DraftRequests.Line(referral) is { Length: > 0 } other ? t.Of("request.refers_to", other) + (words.Length == 0 ? "" : "\n" + words) : words;
    }

    private static async Task SaveAsync(NodeDb db, CoordinationRequest request, Incident incident, (RequestState State, RequestAnswer Answer) answer, string text, DateTimeOffset at, CancellationToken ct)
    {
        Apply(db, request, incident, answer.State, answer.Answer, text, at);
        if (answer.State == RequestState.Bounced && request.Contact is { } contact)
        {
            await FlagBounce.SetAsync(db, contact, at, ct);
        }

        await IncidentClock.SaveAsync(db, incident, ct);
    }

    private static async Task<Results<Ok<ListRequests.Item>, ProblemHttpResult, ValidationProblem>> ApiAsync(RequestId id, Input input, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (request, incident, refused) = await RequestApi.OpenAsync(db, id, http.Request, ct);
        if (request is null || incident is null)
        {
            return refused!;
        }

        if (Read(input.What) is not { } answer)
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["what"] = ["One of acknowledged, done, refused, notOurs, needInfo, bounced."] });
        }

        if (TooLong.Problem(("text", input.Text, MaxText)) is { } wrong)
        {
            return wrong;
        }

        var now = clock.GetUtcNow();
        if (input.At is { } stated && (stated > now.AddMinutes(10) || stated < request.SentAt?.AddMinutes(-1)))
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["at"] = ["After it was sent, and not in the future."] });
        }

        await SaveAsync(db, request, incident, answer, InertText.Clean(input.Text ?? "").Trim(), input.At?.ToUniversalTime() is { } at && at < now ? at : now, ct);
        return RequestApi.Answer(request, http);
    }

    /// <summary>A request that is out and open, of the viewer's team; or why not.</summary>
    internal static async Task<(CoordinationRequest? Request, Incident? Incident, IResult? Refused)> OpenAsync(NodeDb db, RequestId id, CancellationToken ct)
    {
        if (await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request || await db.Incidents.FirstOrDefaultAsync(i => i.Id == request.Incident, ct) is not { } incident)
        {
            return (null, null, Answers.NotFound());
        }

        return !db.Viewer.Has(request.Marking.Origin, Right.SendRequests) ? (null, null, TypedResults.StatusCode(StatusCodes.Status403Forbidden))
            : request.IsOpen ? (request, incident, null) : (null, null, Answers.Seen("/requests/" + id));
    }
}
