using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

public enum TriageDid
{
    Accepted,
    Rejected,
    Duplicate,
    Assigned,
    Reopened,
    Unlinked,
}

/// <summary>
/// One act of one person on one report, with what it takes to take it back. Acts done together have one <see cref="Batch"/>. Rows stay:
/// they are the report's history.
/// </summary>
public sealed class TriageAct : IChild
{
    public required Guid Id { get; init; }

    public required Guid Batch { get; init; }

    public required ReportId Report { get; init; }

    public required PersonId Person { get; init; }

    public required DateTimeOffset At { get; init; }

    public required TriageDid What { get; init; }

    /// <summary>How it left the report; where that no longer holds, someone went on and the act is not taken back.</summary>
    public required ReportState StateAfter { get; init; }

    public PersonId? AssigneeAfter { get; init; }

    /// <summary>What was before and what was made, as JSON (<see cref="TriageBefore"/>).</summary>
    public required string Before { get; init; }

    public DateTimeOffset? UndoneAt { get; set; }

    public RecordRef Root => new(Incidents.Report.Kind, Report.Value);
}

/// <summary>What an act found and what it made.</summary>
public sealed record TriageBefore(ReportState State, string? RejectReason, Guid? DuplicateOf, Guid? Assignee)
{
    public List<Guid> LinksMade { get; init; } = [];

    public List<Guid> LinksEnded { get; init; } = [];

    public List<Guid> TargetsMade { get; init; } = [];

    public List<Guid> IncidentsOpened { get; init; } = [];
}
