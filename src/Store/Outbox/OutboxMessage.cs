using Renkei.Kernel;

namespace Renkei.Store;

public enum OutboxState
{
    Waiting,
    Done,

    /// <summary>Tried as often as policy says; a person decides: again or never.</summary>
    Stuck,
    Discarded,
}

/// <summary>An effect outside the database, as a row first. Written in the transaction of its cause; carried out at least once, idempotently.</summary>
public sealed class OutboxMessage
{
    public required Guid Id { get; init; }

    /// <summary>A stable name with its version, such as <c>message.requested.v1</c>.</summary>
    public required string Type { get; init; }

    public required string Payload { get; init; }

    /// <summary>The same key never enters twice.</summary>
    public required string Key { get; init; }

    public TeamId? Team { get; init; }

    public string? RecordKind { get; init; }

    public Guid? Record { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset DueAt { get; set; }

    public int Attempts { get; set; }

    public OutboxState State { get; set; }

    public DateTimeOffset? ClaimedUntil { get; set; }

    /// <summary>What went wrong last, without content.</summary>
    public string? LastError { get; set; }

    public DateTimeOffset? DoneAt { get; set; }
}

/// <summary>How a handler left a message.</summary>
public abstract record OutboxOutcome
{
    public sealed record Done : OutboxOutcome;

    /// <summary>Try again after the back-off; <paramref name="Reason"/> is shown on the screen.</summary>
    public sealed record Later(string Reason) : OutboxOutcome;

    /// <summary>Trying again cannot help.</summary>
    public sealed record Never(string Reason) : OutboxOutcome;
}

/// <summary>Carries out one type of message. Must be idempotent: a crash after the effect and before the mark runs it again.</summary>
public interface IOutboxHandler
{
    string Type { get; }

    Task<OutboxOutcome> HandleAsync(OutboxMessage message, CancellationToken ct);
}
