using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>How the steps of a request are told: its shape and its word. How it stands is <see cref="Pages.RequestStateBadge"/>.</summary>
public static class RequestLook
{
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
