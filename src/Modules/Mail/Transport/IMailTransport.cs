using Renkei.Formats.Mail;

namespace Renkei.Mail.Transport;

/// <summary>Takes finished messages out of the house. Implementations never throw for what a network, a server or a disk does:
/// the outbox decides by the value.</summary>
public interface IMailTransport
{
    /// <summary>Hands one message to its recipients. Cancelling counts as a deferral; whether the message may have gone out
    /// all the same is in the result.</summary>
    Task<DeliveryResult> SendAsync(Envelope envelope, ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}

/// <summary>Who sends and who receives, apart from what the headers say (RFC 5321 §2.3.1). <paramref name="From"/> is the return
/// path, often a <see cref="Verp"/> address; empty means no bounces are wanted.</summary>
public sealed record Envelope(string From, IReadOnlyList<string> To)
{
    public const int MaxRecipients = 100;

    /// <summary>Why this envelope cannot be used, or null. Addresses are checked here again since they become SMTP commands.</summary>
    public string? Fault()
    {
        if (To.Count is 0 or > MaxRecipients)
            return $"An envelope has 1 to {MaxRecipients} recipients.";
        if (From.Length > 0 && !Mailbox.TryCreate(From, null, out _, out MailFault? from))
            return "Return path: " + from.Message;
        foreach (string to in To)
        {
            if (!Mailbox.TryCreate(to, null, out _, out MailFault? fault))
                return "Recipient: " + fault.Message;
        }

        return null;
    }

    /// <summary>The recipients in ASCII, each once, in order.</summary>
    internal IReadOnlyList<string> Recipients() =>
        [.. To.Select(Ascii).Distinct(StringComparer.Ordinal)];

    /// <summary>An address as it goes on the wire: international domains as punycode.</summary>
    internal static string Ascii(string address) =>
        Mailbox.TryCreate(address, null, out Mailbox? mailbox, out _) ? mailbox.Address : "";
}

/// <summary>What became of a message.</summary>
public abstract record DeliveryResult
{
    private DeliveryResult()
    {
    }

    /// <summary>The server took responsibility for it, for every recipient.</summary>
    public sealed record Accepted(string ServerReply) : DeliveryResult;

    /// <summary>Try again later. With <paramref name="MayHaveBeenAccepted"/> the message was sent whole and the answer did not
    /// arrive: trying again may deliver it twice, so use the same Message-ID.</summary>
    public sealed record Deferred(string Reason, bool MayHaveBeenAccepted = false) : DeliveryResult;

    /// <summary>It will never be taken as it is. <paramref name="Code"/> is the SMTP reply code, or 0 when this side refused
    /// before asking a server.</summary>
    public sealed record Rejected(int Code, string Reason) : DeliveryResult;

    /// <summary>The recipients fared differently; each result is one of the other three.</summary>
    public sealed record Mixed(IReadOnlyList<RecipientResult> Recipients) : DeliveryResult;

    /// <summary>The result for each recipient of the envelope, whichever case this is.</summary>
    public IReadOnlyList<RecipientResult> PerRecipient(Envelope envelope) =>
        this is Mixed mixed ? mixed.Recipients : [.. envelope.Recipients().Select(to => new RecipientResult(to, this))];

    /// <summary>One result when all are equal, else <see cref="Mixed"/>.</summary>
    internal static DeliveryResult Of(IReadOnlyList<RecipientResult> recipients) =>
        recipients.All(r => r.Result == recipients[0].Result) ? recipients[0].Result : new Mixed(recipients);
}

/// <summary>What became of a message for one recipient.</summary>
public sealed record RecipientResult(string Address, DeliveryResult Result);
