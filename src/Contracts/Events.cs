using Renkei.Kernel;

namespace Renkei.Contracts;

/// <summary>
/// Events that modules write to the outbox in their own transaction; whoever cares handles them in theirs. The names are stable: a change
/// that is not an addition gets the next version.
/// </summary>
public static class EventNames
{
    public const string MessageRequested = "message.requested.v1";
    public const string MessageOutcome = "message.outcome.v1";
    public const string ReporterTold = "reporter.told.v1";
}

/// <summary>
/// A mail that should leave. Its bytes are fixed before the first attempt: <paramref name="Sha256"/> is a blob with the whole message
/// (RFC 5322), its identity <paramref name="MessageId"/>.
/// </summary>
/// <param name="Record">What it is about; its module hears of the outcome.</param>
/// <param name="EnvelopeFrom">The return path, with VERP where bounces must find their way back.</param>
/// <param name="To">Recipients of the envelope.</param>
public sealed record MessageRequested(RecordRef Record, string MessageId, string EnvelopeFrom, IReadOnlyList<string> To, string Sha256, TeamId Team);

/// <summary>What became of a mail: accepted by the next server (or written to the spool), or refused for good.</summary>
/// <param name="RecipientRefused">The other side refused it, with a reply of its own: its address is in doubt, not our message.</param>
public sealed record MessageOutcome(RecordRef Record, string MessageId, bool Accepted, string Reply, DateTimeOffset At, bool RecipientRefused = false);

/// <summary>Hears what became of the mails of one kind of record.</summary>
public interface IMessageOutcomes
{
    string RecordKind { get; }

    Task HandleAsync(MessageOutcome outcome, CancellationToken ct);
}

/// <summary>A line of the rail that a module brings.</summary>
/// <param name="Count">Counts what waits there for this viewer; bounded.</param>
/// <param name="OrRight">A second right that shows it too.</param>
public sealed record NavEntry(int Order, string Key, string Href, string Icon, string TextKey, char? GoKey, Right Right, Func<IServiceProvider, CancellationToken, Task<long?>>? Count = null, Right? OrRight = null);
