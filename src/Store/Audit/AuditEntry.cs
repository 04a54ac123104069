namespace Renkei.Store;

/// <summary>
/// One line of the append-only log: who did what to which record, when. Ids and field names, never content. The store refuses to change
/// or delete one, and so do the database's triggers.
/// </summary>
public sealed class AuditEntry
{
    public long Seq { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary><c>person:ID</c>, <c>token:ID</c>, <c>public</c>, <c>system</c> or <c>job:NAME</c>.</summary>
    public required string Actor { get; init; }

    /// <summary>The team whose log this is; null for the node's own.</summary>
    public Kernel.TeamId? Team { get; init; }

    /// <summary>A stable dotted name such as <c>incident.changed</c>, <c>request.released</c>, <c>read.refused</c>.</summary>
    public required string Action { get; init; }

    public string? RecordKind { get; init; }

    public Guid? Record { get; init; }

    public long? Version { get; init; }

    /// <summary>Field names, counts, reasons: a small JSON object without content.</summary>
    public string Detail { get; init; } = "{}";
}

/// <summary>An act that the audit log must tell beside the changes it sees by itself: a release, a refusal, a login.</summary>
public sealed record AuditNote(string Action, Kernel.TeamId? Team, Kernel.RecordRef? Record = null, IReadOnlyDictionary<string, object?>? Detail = null);
