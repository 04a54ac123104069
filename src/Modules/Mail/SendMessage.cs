using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Renkei.Contracts;
using Renkei.Mail.Transport;
using Renkei.Store;

namespace Renkei.Mail;

/// <summary>
/// Carries out <see cref="EventNames.MessageRequested"/>: reads the bytes that were fixed when someone let them go, hands them on, and tells the record's
/// module what became of them. Idempotent as mail can be: every try carries the same Message-ID, so that after a server's lost answer a
/// receiver can drop the copy (RFC 5321 §4.5.3.2.6 leaves that uncertainty to us).
/// </summary>
public sealed partial class SendMessage(NodeDbFactory databases, BlobStore blobs, IMailTransport transport, IEnumerable<IMessageOutcomes> listeners, TimeProvider clock) : IOutboxHandler
{
    public string Type => EventNames.MessageRequested;

    public async Task<OutboxOutcome> HandleAsync(OutboxMessage message, CancellationToken ct)
    {
        if (Read(message.Payload) is not { } mail)
        {
            return new OutboxOutcome.Never("The payload is no message.");
        }

        byte[]? bytes;
        await using (var db = databases.ForSystem("job:mail"))
        {
            bytes = await blobs.ReadAsync(db, mail.Sha256, ct);
        }

        if (bytes is null)
        {
            await TellAsync(mail, accepted: false, "The message's bytes are gone: their key was destroyed.", refused: false, ct);
            return new OutboxOutcome.Never("The message's bytes are gone.");
        }

        var envelope = new Envelope(mail.EnvelopeFrom, mail.To);
        var results = (await transport.SendAsync(envelope, bytes, ct)).PerRecipient(envelope).Select(r => r.Result).ToList();
        if (results.OfType<DeliveryResult.Deferred>().FirstOrDefault() is { } deferred)
        {
            return new OutboxOutcome.Later(WithoutAddresses(deferred.MayHaveBeenAccepted ? deferred.Reason + " It may have been accepted; the next try has the same Message-ID." : deferred.Reason));
        }

        if (results.OfType<DeliveryResult.Rejected>().FirstOrDefault() is { } rejected)
        {
            await TellAsync(mail, accepted: false, rejected.Reason, refused: rejected.Code >= 500, ct);
            return new OutboxOutcome.Never(string.Create(CultureInfo.InvariantCulture, $"Refused ({rejected.Code}): {WithoutAddresses(rejected.Reason)}"));
        }

        await TellAsync(mail, accepted: true, results.OfType<DeliveryResult.Accepted>().First().ServerReply, refused: false, ct);
        return new OutboxOutcome.Done();
    }

    /// <summary>Tells the module of the record; others do not hear of it.</summary>
    internal async Task TellAsync(MessageRequested mail, bool accepted, string reply, bool refused, CancellationToken ct)
    {
        foreach (var listener in listeners.Where(l => string.Equals(l.RecordKind, mail.Record.Kind, StringComparison.Ordinal)))
        {
            await listener.HandleAsync(new(mail.Record, mail.MessageId, accepted, reply, clock.GetUtcNow(), refused), ct);
        }
    }

    internal static MessageRequested? Read(string payload)
    {
        try
        {
            return JsonSerializer.Deserialize<MessageRequested>(payload, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            // a row that no version of ours wrote: a person sees it on the screen
            return null;
        }
    }

    /// <summary>Servers repeat the address in their replies; the operator's screen is not for those.</summary>
    internal static string WithoutAddresses(string text) => Address().Replace(text, "[address]");

    [GeneratedRegex(@"[^\s<>]+@[^\s<>]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Address();
}
