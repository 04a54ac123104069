using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>
/// One searchable text of a record: tokens as <see cref="SearchTokens"/> makes them, the same for FTS5 and tsvector. Found only by those
/// who may know of the record; text of another class than content only by the origin team.
/// </summary>
public sealed class SearchEntry
{
    public long Id { get; init; }

    public required Guid Record { get; init; }

    public required string Kind { get; init; }

    public required string Part { get; init; }

    public required FieldClass Class { get; init; }

    public required TeamId Team { get; init; }

    public required string Title { get; set; }

    public required string Tokens { get; set; }

    public required DateTimeOffset UpdatedAt { get; set; }
}
