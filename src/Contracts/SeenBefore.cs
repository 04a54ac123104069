using Renkei.Kernel;

namespace Renkei.Contracts;

/// <summary>A record that holds an observable.</summary>
/// <param name="Number">What people quote, such as <c>INC-2026-0412</c>.</param>
/// <param name="Href">Where it is on this node.</param>
/// <param name="Role">Key of a text that says what the observable is to the record; null where it only appears in it.</param>
public sealed record SeenRecord(RecordRef Record, string Number, string Title, string Href, DateTimeOffset At, string? Role = null);

/// <summary>Says where an observable was seen before, within what the request's viewer may know of. Each module answers for its records.</summary>
public interface ISeenBefore
{
    /// <summary>At most <paramref name="take"/> records, newest first. <paramref name="observable"/> is canonical.</summary>
    Task<IReadOnlyList<SeenRecord>> FindAsync(Observable observable, int take, CancellationToken ct);
}

/// <summary>The bare numbers of a module's records for those who run the node and may know of no record: never more than the number.</summary>
public interface IRecordNumbers
{
    Task<IReadOnlyDictionary<RecordRef, string>> NumbersAsync(IReadOnlyCollection<RecordRef> records, CancellationToken ct);
}

/// <summary>Finds a record by the number people quote, within what the request's viewer may know of, and names records for lists.</summary>
public interface IRecordNames
{
    /// <summary>Every record with exactly this number: teams count apart, so there may be several.</summary>
    Task<IReadOnlyList<SeenRecord>> WithNumberAsync(string number, CancellationToken ct);

    /// <summary>Those of the records that are this module's and that the viewer may know of.</summary>
    Task<IReadOnlyList<SeenRecord>> NamesAsync(IReadOnlyCollection<RecordRef> records, CancellationToken ct);
}
