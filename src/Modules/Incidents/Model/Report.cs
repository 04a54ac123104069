using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

public enum Channel
{
    Web,
    Api,
    Phone,
    Fax,
    Mail,
    Import,
}

/// <summary>What the reporter wants: an act, advice, or only to tell.</summary>
public enum ReportKind
{
    Request,
    Consultation,
    Information,
}

public enum ReportState
{
    New = 0,
    Accepted = 1,
    Rejected = 2,
    Duplicate = 3,
}

/// <summary>What someone told the team. Its content does not change after intake; what the team made of it does.</summary>
public sealed class Report : Record<ReportId>, ISearchable
{
    public const string Kind = "report";

    /// <summary>Tracking number, <c>R-2026-11-0181</c>: counted per team and month.</summary>
    public required string Number { get; init; }

    public required Channel Channel { get; init; }

    public required ReportKind Type { get; init; }

    public ReportState State { get; set; }

    /// <summary>Why it was rejected, in words for the reporter.</summary>
    public string? RejectReason { get; set; }

    public ReportId? DuplicateOf { get; set; }

    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>By when someone should have read it.</summary>
    public required DateTimeOffset DueAt { get; set; }

    public PersonId? Assignee { get; set; }

    public required string Summary { get; init; }

    public string Description { get; init; } = "";

    public string? ReporterName { get; init; }

    public string? ReporterEmail { get; init; }

    public string? ReporterOrganisation { get; init; }

    public string? ReporterPhone { get; init; }

    /// <summary>ISO 3166-1 alpha-2.</summary>
    public string? ReporterCountry { get; init; }

    /// <summary>The reporter's own number for it.</summary>
    public string? ReporterReference { get; init; }

    public ReporterDisclosure Disclosure { get; init; }

    /// <summary>When it happened as the reporter wrote it, the zone, the clock's error in words, and the instant understood.</summary>
    public string? OccurredText { get; init; }

    public string? OccurredZone { get; init; }

    public string? ClockNote { get; init; }

    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>ja or en: what the reporter reads.</summary>
    public required string Language { get; init; }

    /// <summary>SHA-256 of the bytes as they came, a blob.</summary>
    public required string RawSha256 { get; init; }

    /// <summary>SHA-256 of the secret in the reporter's private link.</summary>
    public required string StatusKeyHash { get; init; }

    /// <summary>The secret itself under the key-encryption key, which no database and no backup holds: for a repeated call's answer and for mail to the reporter.</summary>
    public byte[]? StatusKeyWrapped { get; init; }

    /// <summary>Who took it by phone or fax.</summary>
    public PersonId? TakenBy { get; init; }

    /// <summary>Feed and report type of an imported file.</summary>
    public string? Feed { get; init; }

    /// <summary>How many lines an imported file held.</summary>
    public int Items { get; set; }

    public override string RecordKind => Kind;

    public RecordRef Ref => new(Kind, Id.Value);

    public override (short State, long Sort) ListPlace => ((short)State, State == ReportState.New ? Instant.ToMicros(DueAt) : -Instant.ToMicros(ReceivedAt));

    public IEnumerable<SearchText> SearchTexts()
    {
        var title = Number + " " + Summary;
        yield return new(Ref, "main", title, $"{Number} {Summary}\n{Description}", FieldClass.Content, Marking.Origin);
        if (ReporterName is not null || ReporterEmail is not null || ReporterOrganisation is not null)
        {
            yield return new(Ref, "reporter", title, $"{ReporterName} {ReporterEmail} {ReporterOrganisation} {ReporterPhone} {ReporterReference}", FieldClass.ReporterName, Marking.Origin);
        }
    }
}

/// <summary>An observable found in a report or stated with it, and where it lay at that time.</summary>
public sealed class ReportObservable : IChild
{
    public required Guid Id { get; init; }

    public required ReportId Report { get; init; }

    public required ObservableType Type { get; init; }

    /// <summary>Canonical form.</summary>
    public required string Value { get; init; }

    /// <summary>True when the reporter named it apart, false when it was found in the text.</summary>
    public bool Stated { get; init; }

    public string? Prefix { get; init; }

    public long? Asn { get; init; }

    public string? AsName { get; init; }

    public string? Country { get; init; }

    public string? Tld { get; init; }

    public RecordRef Root => new(Incidents.Report.Kind, Report.Value);
}

public sealed class ReportAttachment : IChild
{
    public required Guid Id { get; init; }

    public required ReportId Report { get; init; }

    /// <summary>A safe name; the name as sent is in the raw bytes.</summary>
    public required string Name { get; init; }

    public required string MediaType { get; init; }

    public required string Sha256 { get; init; }

    public required long Size { get; init; }

    public RecordRef Root => new(Incidents.Report.Kind, Report.Value);
}

/// <summary>One line of an imported machine report. Moves to telemetry with the feeds capability.</summary>
public sealed class ReportItem : IChild
{
    public required ReportId Report { get; init; }

    public required int Line { get; init; }

    /// <summary>Hash of the line and its type: the same line twice is one item.</summary>
    public required string Key { get; init; }

    public DateTimeOffset? At { get; init; }

    public string? SourceIp { get; init; }

    public long? SourceAsn { get; init; }

    /// <summary>The event as normalised, one JSON object.</summary>
    public required string Event { get; init; }

    public RecordRef Root => new(Incidents.Report.Kind, Report.Value);
}

/// <summary>A word between the reporter and the team through the private link.</summary>
public sealed class ReportMessage : IChild
{
    public required Guid Id { get; init; }

    public required ReportId Report { get; init; }

    public required bool FromReporter { get; init; }

    public PersonId? Author { get; init; }

    public required DateTimeOffset At { get; init; }

    public required string Text { get; init; }

    public RecordRef Root => new(Incidents.Report.Kind, Report.Value);
}
