using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>What every shareable record has from the start: origin, version, hash, marking. Federation needs all of it.</summary>
public interface IRecord : IMarked
{
    string RecordKind { get; }

    NodeId OriginNode { get; }

    /// <summary>The concurrency token: what <c>ETag</c> and <c>If-Match</c> carry. Counts from 1.</summary>
    long Version { get; }

    /// <summary>SHA-256, lower hex, of the record's content as canonical JSON (RFC 8785).</summary>
    string ContentHash { get; }
}

/// <summary>Base of shareable records. The store fills origin, version, hash and times; a slice fills the rest.</summary>
public abstract class Record<TId> : IRecord, IListed where TId : struct, IRecordId<TId>
{
    public required TId Id { get; init; }

    public required Marking Marking { get; set; }

    public NodeId OriginNode { get; internal set; }

    public long Version { get; internal set; }

    public string ContentHash { get; internal set; } = "";

    public DateTimeOffset CreatedAt { get; internal set; }

    public DateTimeOffset UpdatedAt { get; internal set; }

    public abstract string RecordKind { get; }

    public Guid RecordKey => Id.Value;

    /// <summary>Where the record stands in lists that start from the grants: a state and a sort key (lists run upwards; negate an instant to run newest first).</summary>
    public virtual (short State, long Sort) ListPlace => (0, 0);
}

/// <summary>A record whose grants carry a list position; see <see cref="Record{TId}.ListPlace"/>.</summary>
internal interface IListed
{
    (short State, long Sort) ListPlace { get; }
}

/// <summary>A row that belongs to a marked record and is seen exactly by those who see that one.</summary>
public interface IChild
{
    /// <summary>Kind and id of the record it belongs to.</summary>
    RecordRef Root { get; }
}

/// <summary>A record or child whose words the full-text search should find.</summary>
public interface ISearchable
{
    /// <summary>What to index, or null for nothing. <c>Part</c> tells several entries of one record apart.</summary>
    IEnumerable<SearchText> SearchTexts();
}

/// <summary>One piece of searchable text. Text of a field class other than content is found by the origin team only.</summary>
public readonly record struct SearchText(RecordRef Record, string Part, string Title, string Text, FieldClass Class, TeamId Team);

/// <summary>Left behind by a delete, so that a peer that still has the record learns that it is gone.</summary>
public sealed class Tombstone
{
    public required Guid Record { get; init; }

    public required string Kind { get; init; }

    public required NodeId OriginNode { get; init; }

    public required TeamId OriginTeam { get; init; }

    public required long Version { get; init; }

    public required string ContentHash { get; init; }

    public required DateTimeOffset DeletedAt { get; init; }
}

/// <summary>One principal that may know of one record, and where the record stands in lists (notes on the read rule, design D).</summary>
public sealed class Grant
{
    public required string Principal { get; init; }

    public required string Kind { get; init; }

    public required short State { get; init; }

    public required long Sort { get; init; }

    public required Guid Record { get; init; }

    public required DateTimeOffset From { get; init; }

    public required DateTimeOffset Until { get; init; }
}

/// <summary>One principal that may not know of one record, whatever is granted.</summary>
public sealed class Denial
{
    public required Guid Record { get; init; }

    public required string Principal { get; init; }
}

/// <summary>A counter, such as the next tracking number of a team's month.</summary>
public sealed class Sequence
{
    public required string Name { get; init; }

    public long Value { get; set; }
}

/// <summary>The answer that was given for an idempotency key, so that the same request has the effect of once.</summary>
public sealed class IdempotencyEntry
{
    public required string Key { get; init; }

    /// <summary>SHA-256 of the request: the same key with other content is refused.</summary>
    public required string RequestHash { get; init; }

    public required string Response { get; init; }

    public required DateTimeOffset At { get; init; }
}

/// <summary>A small fact of the node: its id, its wrapped key, its settings.</summary>
public sealed class NodeFact
{
    public required string Name { get; init; }

    public required string Value { get; set; }
}
