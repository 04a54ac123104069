using System.Linq.Expressions;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

public enum RequestPurpose
{
    Takedown,
    Investigate,
    NotifyVictim,
    ProvideLogs,
    Inform,
}

/// <summary>Where an ask stands (notes on cases, §4).</summary>
public enum RequestState
{
    Draft = 0,
    Sent = 1,
    Delivered = 2,
    Bounced = 3,
    Acknowledged = 4,
    Answered = 5,
    Closed = 6,
}

public enum RequestAnswer
{
    None,
    Done,
    Refused,
    NotOurs,
    NeedInfo,
}

/// <summary>How an ask ended. Silence is an outcome of its own, never counted as a "no".</summary>
public enum RequestOutcome
{
    None,
    Done,
    Refused,
    NotOurs,
    Silent,
    Withdrawn,
}

/// <summary>One ask, to one contact, about chosen targets of an incident.</summary>
public sealed class CoordinationRequest : Record<RequestId>, ISearchable
{
    public const string Kind = "request";

    /// <summary><c>REQ-1179</c>: counted per team.</summary>
    public required string Number { get; init; }

    public required IncidentId Incident { get; init; }

    public ContactId? Contact { get; set; }

    public TeamId? RecipientTeam { get; set; }

    /// <summary>Organisation and address as sent to, kept when the directory changes.</summary>
    public required string RecipientName { get; set; }

    public required string RecipientMail { get; set; }

    public required string Language { get; set; }

    public string RecipientRole { get; set; } = "";

    /// <summary>Text, Xarf or Csv: what goes along for machines.</summary>
    public string AsksFor { get; set; } = "";

    public required RequestPurpose Purpose { get; set; }

    /// <summary>Why this contact: a text key and arguments, as JSON array.</summary>
    public required string Why { get; set; }

    public RequestState State { get; set; }

    public RequestAnswer Answer { get; set; }

    public RequestOutcome Outcome { get; set; }

    public required DateTimeOffset DueAt { get; set; }

    public DateTimeOffset? SentAt { get; set; }

    public DateTimeOffset? DeliveredAt { get; set; }

    public DateTimeOffset? AcknowledgedAt { get; set; }

    public DateTimeOffset? AnsweredAt { get; set; }

    public DateTimeOffset? ClosedAt { get; set; }

    public string Subject { get; set; } = "";

    public string Body { get; set; } = "";

    /// <summary>Said in the message when no ground is attached.</summary>
    public bool NoGrounds { get; set; }

    /// <summary>The contact's system reads ISO-2022-JP only; characters outside it make the message UTF-8 all the same.</summary>
    public bool Iso2022Jp { get; set; }

    /// <summary>Fixed before the first attempt, so that sending twice is one message.</summary>
    public string? MessageId { get; set; }

    /// <summary>SHA-256 of the bytes that left, a blob.</summary>
    public string? MessageSha256 { get; set; }

    public PersonId? Author { get; init; }

    public override string RecordKind => Kind;

    public RecordRef Ref => new(Kind, Id.Value);

    /// <summary>Past due and without an answer or a bounce: theirs to act on.</summary>
    public static Expression<Func<CoordinationRequest, bool>> Overdue(DateTimeOffset now) =>
        r => (r.State == RequestState.Sent || r.State == RequestState.Delivered || r.State == RequestState.Acknowledged) && r.DueAt < now;

    /// <summary>As <see cref="Overdue"/>, of one that is loaded.</summary>
    public bool IsOverdue(DateTimeOffset now) => State is RequestState.Sent or RequestState.Delivered or RequestState.Acknowledged && DueAt < now;

    public bool IsOpen => State is not (RequestState.Draft or RequestState.Closed);

    public override (short State, long Sort) ListPlace => ((short)State, State == RequestState.Closed ? -Instant.ToMicros(ClosedAt ?? CreatedAt) : Instant.ToMicros(DueAt));

    public IEnumerable<SearchText> SearchTexts() => [new(Ref, "main", Number + " " + RecipientName, $"{Number} {RecipientName} {RecipientMail} {Subject}\n{Body}", FieldClass.Content, Marking.Origin)];
}

/// <summary>A target as it stood when it was asked about: exactly what left the house.</summary>
public sealed class RequestTarget : IChild
{
    public required Guid Id { get; init; }

    public required RequestId Request { get; init; }

    public required Guid Target { get; init; }

    public required ObservableType Type { get; init; }

    public required string Value { get; init; }

    public required TargetRole Role { get; init; }

    public string? Address { get; init; }

    public RecordRef Root => new(CoordinationRequest.Kind, Request.Value);
}

/// <summary>An attachment that goes along as grounds.</summary>
public sealed class RequestGround : IChild
{
    public required RequestId Request { get; init; }

    public required Guid Attachment { get; init; }

    public RecordRef Root => new(CoordinationRequest.Kind, Request.Value);
}

/// <summary>What came back or happened, recorded by hand until mail lands.</summary>
public sealed class RequestEvent : IChild, ISearchable
{
    public required Guid Id { get; init; }

    public required RequestId Request { get; init; }

    public required TeamId Team { get; init; }

    public required RequestState State { get; init; }

    public RequestAnswer Answer { get; init; }

    public required DateTimeOffset At { get; init; }

    public PersonId? Author { get; init; }

    public string Text { get; init; } = "";

    /// <summary>Set on a reminder that left: its identity, and the SHA-256 of its bytes, a blob.</summary>
    public string? MessageId { get; init; }

    public string? MessageSha256 { get; init; }

    public RecordRef Root => new(CoordinationRequest.Kind, Request.Value);

    public IEnumerable<SearchText> SearchTexts() => Text.Length == 0 ? [] : [new(Root, "event:" + Id.ToString("N"), Text.Length > 80 ? Text[..80] : Text, Text, FieldClass.Content, Team)];
}
