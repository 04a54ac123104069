using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>How a request's state is shown: its shape and its word.</summary>
public static class RequestLook
{
    public static StateKind Kind(CoordinationRequest request, DateTimeOffset now) => request.State switch
    {
        RequestState.Draft => StateKind.Open,
        RequestState.Closed => request.Outcome switch { RequestOutcome.Done => StateKind.Done, RequestOutcome.Silent => StateKind.Silent, _ => StateKind.Stop },
        RequestState.Bounced => StateKind.Stop,
        RequestState.Answered => request.Answer switch { RequestAnswer.Done => StateKind.Done, RequestAnswer.NeedInfo => StateKind.Wait, _ => StateKind.Stop },
        _ when request.DueAt < now => StateKind.Over,
        RequestState.Acknowledged => StateKind.Work,
        _ => StateKind.Wait,
    };

    public static string Text(CoordinationRequest request, Texts t) => request.State switch
    {
        RequestState.Closed => t["request.outcome." + request.Outcome.ToString().ToLowerInvariant()],
        RequestState.Answered => t["request.answer." + request.Answer.ToString().ToLowerInvariant()],
        _ => t["request.state." + request.State.ToString().ToLowerInvariant()],
    };

    public static string Event(RequestEvent happened, Texts t) =>
        happened.MessageId is not null ? t["request.event.reminded"]
        : happened.State == RequestState.Answered ? t["request.answer." + happened.Answer.ToString().ToLowerInvariant()] : t["request.event." + happened.State.ToString().ToLowerInvariant()];

    public static string Icon(RequestEvent happened) => happened.MessageId is not null ? "refresh" : happened.State switch
    {
        RequestState.Sent => "send",
        RequestState.Delivered => "mail",
        RequestState.Bounced => "circle-x",
        RequestState.Acknowledged => "circle-half-2",
        RequestState.Answered => happened.Answer == RequestAnswer.Done ? "circle-check" : "notes",
        _ => "check",
    };
}
