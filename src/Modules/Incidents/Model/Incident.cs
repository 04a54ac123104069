using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

public enum IncidentState
{
    Open = 0,
    Resolved = 1,
    Abandoned = 2,
}

public enum Severity
{
    Low = 0,
    Medium = 1,
    High = 2,
    Critical = 3,
}

/// <summary>Whose turn it is. Derived from the requests and messages, never set by hand.</summary>
public enum Waiting
{
    Nobody = 0,
    Us = 1,
    Them = 2,
}

/// <summary>What is going on; the unit of statistics.</summary>
public sealed class Incident : Record<IncidentId>, ISearchable
{
    public const string Kind = "incident";

    /// <summary><c>INC-2026-0412</c>: counted per team and year.</summary>
    public required string Number { get; init; }

    public required string Title { get; set; }

    public string Summary { get; set; } = "";

    /// <summary>RSIT category and type, such as <c>fraud</c> and <c>phishing</c>.</summary>
    public required string Category { get; set; }

    public required string Type { get; set; }

    /// <summary>The team's own label beside it, by code and the version of the label set that was in force.</summary>
    public string? Label { get; set; }

    public int? LabelVersion { get; set; }

    public Severity Severity { get; set; }

    public IncidentState State { get; set; }

    /// <summary>What came of it, said when it is closed.</summary>
    public string? Outcome { get; set; }

    public PersonId? Owner { get; set; }

    public required DateTimeOffset OpenedAt { get; init; }

    public DateTimeOffset? ClosedAt { get; set; }

    /// <summary>Derived by <see cref="IncidentClock"/>; see there.</summary>
    public Waiting Waiting { get; internal set; } = Waiting.Us;

    /// <summary>Derived by <see cref="IncidentClock"/>: the earliest due time of its open requests and unread messages.</summary>
    public DateTimeOffset? DueAt { get; internal set; }

    public string? OccurredText { get; set; }

    public string? OccurredZone { get; set; }

    public string? ClockNote { get; set; }

    public DateTimeOffset? OccurredAt { get; set; }

    public override string RecordKind => Kind;

    public RecordRef Ref => new(Kind, Id.Value);

    public override (short State, long Sort) ListPlace => ((short)State, State == IncidentState.Open ? Instant.ToMicros(DueAt ?? DateTimeOffset.MaxValue) : -Instant.ToMicros(ClosedAt ?? OpenedAt));

    public IEnumerable<SearchText> SearchTexts() => [new(Ref, "main", Number + " " + Title, $"{Number} {Title}\n{Summary}\n{Outcome}", FieldClass.Content, Marking.Origin)];
}

/// <summary>A report belongs to an incident from, until: ending a link un-merges and loses nothing.</summary>
public sealed class ReportLink : IChild
{
    public required Guid Id { get; init; }

    public required ReportId Report { get; init; }

    public required IncidentId Incident { get; init; }

    public required DateTimeOffset LinkedAt { get; init; }

    public PersonId? LinkedBy { get; init; }

    public DateTimeOffset? EndedAt { get; set; }

    public PersonId? EndedBy { get; set; }

    public RecordRef Root => new(Incidents.Incident.Kind, Incident.Value);
}

public enum TargetRole
{
    Phishing,
    Distribution,
    DropSite,
    C2,
    SteppingStone,
    Victim,
    Other,
}

/// <summary>Something the incident is about, and where it lay when it was added.</summary>
public sealed class IncidentTarget : IChild
{
    public required Guid Id { get; init; }

    public required IncidentId Incident { get; init; }

    public required ObservableType Type { get; init; }

    public required string Value { get; init; }

    public required TargetRole Role { get; set; }

    /// <summary>The address it was seen at, when it is a name or URL and someone told.</summary>
    public string? Address { get; set; }

    public string? Prefix { get; set; }

    public long? Asn { get; set; }

    public string? AsName { get; set; }

    public string? Country { get; set; }

    public string? Tld { get; init; }

    public required DateTimeOffset AddedAt { get; init; }

    public DateTimeOffset? RemovedAt { get; set; }

    public RecordRef Root => new(Incidents.Incident.Kind, Incident.Value);
}

public enum EntryKind
{
    Note,
    Event,
    Report,
    Request,
    Answer,
    State,
    Message,
}

/// <summary>One line of the incident's timeline. A note is the team's own; it never leaves the house.</summary>
public sealed class TimelineEntry : IChild, ISearchable
{
    public required Guid Id { get; init; }

    public required IncidentId Incident { get; init; }

    public required TeamId Team { get; init; }

    public required EntryKind What { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>The time as written and its zone, when a person stated it.</summary>
    public string? AtText { get; init; }

    public string? AtZone { get; init; }

    public PersonId? Author { get; init; }

    /// <summary>What a person wrote; empty when <see cref="TextKey"/> says it.</summary>
    public string Text { get; init; } = "";

    /// <summary>Key of a sentence the node wrote, and its arguments as a JSON array, so that it reads in both languages.</summary>
    public string? TextKey { get; init; }

    public string TextArgs { get; init; } = "[]";

    public string? Href { get; init; }

    public RecordRef Root => new(Incidents.Incident.Kind, Incident.Value);

    public IEnumerable<SearchText> SearchTexts() => Text.Length == 0 ? [] : [new(Root, "entry:" + Id.ToString("N"), Text.Length > 80 ? Text[..80] : Text, Text, What == EntryKind.Note ? FieldClass.InternalNotes : FieldClass.Content, Team)];
}

/// <summary>What an attachment shows, as grounds of a request.</summary>
public enum AttachmentKind
{
    LogExcerpt,
    Capture,
    Analysis,
    Other,
}

public sealed class IncidentAttachment : IChild
{
    public required Guid Id { get; init; }

    public required IncidentId Incident { get; init; }

    public required string Name { get; init; }

    public required string MediaType { get; init; }

    public required string Sha256 { get; init; }

    public required long Size { get; init; }

    public required AttachmentKind What { get; init; }

    public required DateTimeOffset AddedAt { get; init; }

    public PersonId? AddedBy { get; init; }

    public RecordRef Root => new(Incidents.Incident.Kind, Incident.Value);
}

/// <summary>A label of the team's own beside RSIT. A set is replaced as a whole, under the next version; old incidents keep theirs.</summary>
public sealed class CategoryLabel : IAuditedForTeam
{
    public required TeamId Team { get; init; }

    public required int Version { get; init; }

    public required string Code { get; init; }

    public required string NameJa { get; init; }

    public required string NameEn { get; init; }

    /// <summary>RSIT <c>category/type</c> it stands beside, or null.</summary>
    public string? Rsit { get; init; }

    public required int Order { get; init; }

    public TeamId? AuditTeam => Team;
}
