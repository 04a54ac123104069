using System.Buffers;
using System.Security.Cryptography;
using Renkei.Formats.Mail;
using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>A file of a message.</summary>
public sealed record MessagePart(string Name, string MediaType, ReadOnlyMemory<byte> Bytes);

/// <summary>A message as it leaves, to the byte.</summary>
public sealed record ComposedMessage(ReadOnlyMemory<byte> Bytes, string Sha256, string MessageId, string ReturnPath, Mailbox From, Mailbox To, string ReplyTo, string Subject, string Text, DateTimeOffset Date,
    MailCharset Charset, CharsetFallback? Fallback, IReadOnlyList<MessagePart> Parts);

/// <summary>The keys behind what a message carries to find its way back.</summary>
public sealed record MessageKeys(ReadOnlyMemory<byte> MessageId, ReadOnlyMemory<byte> ReturnPath);

/// <summary>
/// Makes the one message of a request. Pure and repeatable: the same request, marking and date give the same bytes, so that what was
/// previewed can be compared with what leaves by its SHA-256. A person sends it, so it carries no Auto-Submitted (RFC 3834 §5).
/// </summary>
public static class RequestMessage
{
    /// <summary>0 is the request itself, 1 its first reminder.</summary>
    public const int FirstAttempt = 0;

    /// <param name="text">Body without the TLP line, which stands first whatever was edited.</param>
    /// <param name="inReplyTo">The request's Message-ID and the reminders' after it, oldest first; empty for the first message.</param>
    public static ComposedMessage? Compose(
        CoordinationRequest request, string subject, string text, int attempt, IReadOnlyList<string> inReplyTo, Marking marking, string fromName, string fromAddress, string domain,
        IReadOnlyList<OutgoingAttachment> parts, DateTimeOffset date, MessageKeys keys, out MailFault? fault)
    {
        if (!Mailbox.TryCreate(fromAddress, fromName, out var from, out fault) || !Mailbox.TryCreate(request.RecipientMail, null, out var to, out fault))
        {
            return null;
        }

        var token = TokenOf(request.Id);
        var replyTo = ReplyAddress(request.Id, keys, domain);
        Mailbox.TryCreate(replyTo, fromName, out var reply, out fault);
        var messageId = MessageIds.Create(domain, token, attempt, keys.MessageId.Span);
        var message = new OutgoingMessage
        {
            From = from,
            To = [to],
            ReplyTo = reply,
            Subject = SubjectOf(subject, request.Number, marking.Tlp),
            MessageId = messageId,
            Date = date,
            InReplyTo = inReplyTo.Count == 0 ? null : inReplyTo[^1],
            References = inReplyTo,
            Text = marking.Tlp.Label() + "\n\n" + text,
            Charset = request.Iso2022Jp ? MailCharset.Iso2022Jp : MailCharset.Utf8,
            Language = request.Language,
            Attachments = parts,
        };
        var buffer = new ArrayBufferWriter<byte>();
        switch (MessageWriter.Write(message, buffer))
        {
            case WriteOutcome.Refused refused:
                fault = refused.Fault;
                return null;
            case WriteOutcome.Written written:
                fault = null;
                var bytes = buffer.WrittenSpan.ToArray();
                return new(bytes, Convert.ToHexStringLower(SHA256.HashData(bytes)), messageId, Verp.Address("bounce", token, keys.ReturnPath.Span, domain), from, to, replyTo, message.Subject, message.Text, date,
                    written.Charset, written.Fallback, [.. parts.Select(p => new MessagePart(p.Name, p.MediaType, p.Content))]);
            default:
                throw new InvalidOperationException("The writer neither wrote nor refused.");
        }
    }

    /// <summary><c>[TLP:AMBER]【閉鎖依頼】…について [REQ-1182]</c>: marking in front, where long subjects are not cut.</summary>
    public static string SubjectOf(string subject, string number, Tlp tlp) => $"[{tlp.Label()}]{(subject.StartsWith('【') ? "" : " ")}{subject} [{number}]";

    /// <summary>Where answers come to: an address that names the request and proves that we gave it.</summary>
    public static string ReplyAddress(RequestId request, MessageKeys keys, string domain) => Verp.Address("reply", TokenOf(request), keys.ReturnPath.Span, domain);

    /// <summary>The request in a Message-ID or a return path.</summary>
    public static string TokenOf(RequestId request) => request.Value.ToString("N");
}
