using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Renkei.Formats.Mail;

/// <summary>Why a message asked for in ISO-2022-JP was written in UTF-8: the first character that charset lacks.</summary>
/// <param name="Where">The field that holds it, such as <c>Subject</c> or <c>Text</c>.</param>
/// <param name="Offset">Its UTF-16 offset there.</param>
/// <param name="Character">The character as <c>U+1F600</c>.</param>
public sealed record CharsetFallback(string Where, int Offset, string Character);

/// <summary>What became of a message given to <see cref="MessageWriter"/>.</summary>
public abstract record WriteOutcome
{
    private WriteOutcome()
    {
    }

    /// <summary>The bytes are out. <paramref name="Charset"/> is the one used, <paramref name="Fallback"/> why it is not the one asked for.</summary>
    public sealed record Written(long Bytes, MailCharset Charset, CharsetFallback? Fallback) : WriteOutcome;

    /// <summary>Nothing was written.</summary>
    public sealed record Refused(MailFault Fault) : WriteOutcome;
}

/// <summary>Writes a message as RFC 5322 bytes: CRLF line ends, 7-bit only, no line over 998 bytes, header lines folded at 76.
/// The same message always gives the same bytes, so writing it again after a crash changes nothing.</summary>
public static class MessageWriter
{
    private const int LongestSubjectRun = 60;

    // a long token in a header of a machine (a URL, a key) must not be encoded away, but has to fit on a line
    private const int LongestMachineRun = 900;

    private static readonly HashSet<string> s_reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "From", "Sender", "To", "Cc", "Bcc", "Reply-To", "Subject", "Message-ID", "Date", "In-Reply-To", "References",
        "Auto-Submitted", "MIME-Version", "Received", "Return-Path", "Delivered-To", "DKIM-Signature", "Authentication-Results",
    };

    /// <summary>Writes to a stream; see <see cref="Write(OutgoingMessage, IBufferWriter{byte})"/>.</summary>
    public static WriteOutcome Write(OutgoingMessage message, Stream output)
    {
        ArrayBufferWriter<byte> buffer = new();
        WriteOutcome outcome = Write(message, buffer);
        output.Write(buffer.WrittenSpan);
        return outcome;
    }

    /// <summary>Checks the whole message, then writes it. On a fault nothing reaches <paramref name="output"/>.</summary>
    public static WriteOutcome Write(OutgoingMessage message, IBufferWriter<byte> output)
    {
        if (Check(message) is { } fault)
            return new WriteOutcome.Refused(fault);

        CharsetFallback? fallback = message.Charset == MailCharset.Iso2022Jp ? FindFallback(message) : null;
        MailCharset charset = fallback is null ? message.Charset : MailCharset.Utf8;
        string text = BodyText.WithCrlf(message.Text);
        BodyText body = BodyText.Encode(text, charset);

        HeaderBlock headers = new();
        WriteEnvelopeHeaders(headers, message, charset);
        CountingWriter counted = new(output);
        if (message.Attachments.Count == 0)
        {
            WriteTextHeaders(headers, charset, body);
            counted.Write(headers + "\r\n");
            WriteContent(counted, body);
            return new WriteOutcome.Written(counted.Bytes, charset, fallback);
        }

        string boundary = Boundary(message.MessageId, body);
        headers.Add("Content-Type", ["multipart/mixed;", $"boundary=\"{boundary}\""]);
        counted.Write(headers + "\r\n");

        HeaderBlock textHeaders = new();
        WriteTextHeaders(textHeaders, charset, body);
        counted.Write("--" + boundary + "\r\n" + textHeaders + "\r\n");
        WriteContent(counted, body);
        foreach (OutgoingAttachment attachment in message.Attachments)
        {
            HeaderBlock partHeaders = new();
            WriteAttachmentHeaders(partHeaders, attachment);
            counted.Write("\r\n--" + boundary + "\r\n" + partHeaders + "\r\n");
            WriteBase64(counted, attachment.Content.Span);
        }

        counted.Write("\r\n--" + boundary + "--\r\n");
        return new WriteOutcome.Written(counted.Bytes, charset, fallback);
    }

    private static void WriteEnvelopeHeaders(HeaderBlock headers, OutgoingMessage message, MailCharset charset)
    {
        headers.Add("Date", message.Date.ToString("ddd, dd MMM yyyy HH:mm:ss ", CultureInfo.InvariantCulture)
            + message.Date.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal));
        headers.Add("From", [message.From], charset);
        headers.Add("To", message.To, charset);
        if (message.Cc.Count > 0)
            headers.Add("Cc", message.Cc, charset);
        if (message.ReplyTo is not null)
            headers.Add("Reply-To", [message.ReplyTo], charset);
        headers.Add("Subject", HeaderText.Unstructured(message.Subject, charset, "Subject: ".Length, LongestSubjectRun));
        headers.Add("Message-ID", message.MessageId);
        if (message.InReplyTo is not null)
            headers.Add("In-Reply-To", message.InReplyTo);
        if (message.References.Count > 0)
        {
            int left = Math.Max(1, message.References.Count - MailLimits.LastReferences);
            headers.Add("References", message.References.Take(1).Concat(message.References.Skip(left)));
        }

        if (message.AutoSubmitted != AutoSubmitted.No)
            headers.Add("Auto-Submitted", message.AutoSubmitted == AutoSubmitted.AutoReplied ? "auto-replied" : "auto-generated");
        foreach (ExtraHeader extra in message.ExtraHeaders)
            headers.Add(extra.Name, HeaderText.Unstructured(extra.Value, charset, extra.Name.Length + 2, LongestMachineRun));
        headers.Add("MIME-Version", "1.0");
        if (message.Language is not null)
            headers.Add("Content-Language", message.Language);
    }

    private static void WriteTextHeaders(HeaderBlock headers, MailCharset charset, BodyText body)
    {
        headers.Add("Content-Type", ["text/plain;", charset == MailCharset.Utf8 ? "charset=utf-8" : "charset=iso-2022-jp"]);
        headers.Add("Content-Transfer-Encoding", body.TransferEncoding);
    }

    private static void WriteAttachmentHeaders(HeaderBlock headers, OutgoingAttachment attachment)
    {
        // one file name per header: readers disagree about filename beside filename*, so the plain one is Content-Type's name
        string plain = FileNames.AsciiFallback(attachment.Name);
        headers.Add("Content-Type", [attachment.MediaType + ";", $"name=\"{plain}\""]);
        headers.Add("Content-Transfer-Encoding", "base64");
        headers.Add("Content-Disposition", FileNames.Disposition(attachment.Name));
    }

    private static void WriteContent(CountingWriter output, BodyText body)
    {
        if (string.Equals(body.TransferEncoding, "base64", StringComparison.Ordinal))
            WriteBase64(output, body.Bytes.Span);
        else
            output.Write(body.Bytes.Span);
    }

    private static void WriteBase64(CountingWriter output, ReadOnlySpan<byte> content)
    {
        Span<byte> line = stackalloc byte[78];
        for (int start = 0; start < content.Length; start += 57)
        {
            Base64.EncodeToUtf8(content.Slice(start, Math.Min(57, content.Length - start)), line, out _, out int written);
            "\r\n"u8.CopyTo(line[written..]);
            output.Write(line[..(written + 2)]);
        }
    }

    /// <summary>"=_" never occurs in base64 or quoted-printable; for text that stands as it is the rest is a hash of that text.</summary>
    private static string Boundary(string messageId, BodyText body)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(messageId));
        hash.AppendData(body.Bytes.Span);
        return "=_" + Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }

    private static CharsetFallback? FindFallback(OutgoingMessage message)
    {
        IEnumerable<(string Where, string? Text)> fields =
        [
            ("From", message.From.DisplayName),
            .. message.To.Select((m, i) => ($"To[{i}]", m.DisplayName)),
            .. message.Cc.Select((m, i) => ($"Cc[{i}]", m.DisplayName)),
            ("ReplyTo", message.ReplyTo?.DisplayName),
            ("Subject", message.Subject),
            .. message.ExtraHeaders.Select(h => (h.Name, (string?)h.Value)),
            ("Text", message.Text),
        ];
        foreach ((string where, string? text) in fields)
        {
            int offset = Iso2022Jp.FirstUnencodable(text);
            if (offset >= 0)
            {
                Rune.DecodeFromUtf16(text.AsSpan(offset), out Rune rune, out _);
                return new(where, offset, $"U+{rune.Value:X4}");
            }
        }

        return null;
    }

    private static MailFault? Check(OutgoingMessage message)
    {
        if (message.To.Count == 0)
            return new(MailFaultKind.NoRecipient, "To", -1, "A message needs a recipient.");
        if (message.To.Count + message.Cc.Count > MailLimits.Recipients)
            return new(MailFaultKind.TooMany, "To", MailLimits.Recipients, $"At most {MailLimits.Recipients} recipients.");
        if (message.ExtraHeaders.Count > MailLimits.ExtraHeaders)
            return new(MailFaultKind.TooMany, "ExtraHeaders", MailLimits.ExtraHeaders, $"At most {MailLimits.ExtraHeaders} headers.");
        if (message.Date.Year < 1900)
            return new(MailFaultKind.InvalidDate, "Date", -1, "RFC 5322 §3.3 begins in 1900.");

        return HeaderText.Check("Subject", message.Subject, MailLimits.HeaderValue)
            ?? CheckIds(message)
            ?? message.ExtraHeaders.Select(CheckExtra).FirstOrDefault(f => f is not null)
            ?? CheckLanguage(message.Language)
            ?? CheckText(message.Text)
            ?? CheckAttachments(message.Attachments);
    }

    private static MailFault? CheckIds(OutgoingMessage message)
    {
        if (!MessageIds.IsWellFormed(message.MessageId))
            return BadId("MessageId");
        if (message.InReplyTo is not null && !MessageIds.IsWellFormed(message.InReplyTo))
            return BadId("InReplyTo");
        for (int i = 0; i < message.References.Count; i++)
        {
            if (!MessageIds.IsWellFormed(message.References[i]))
                return BadId($"References[{i}]");
        }

        return null;

        static MailFault BadId(string where) =>
            new(MailFaultKind.InvalidMessageId, where, -1, $"A Message-ID has the form <left@right>, ASCII, at most {MailLimits.MessageId} characters.");
    }

    private static MailFault? CheckExtra(ExtraHeader header)
    {
        string shown = header.Name.Length <= MailLimits.HeaderName ? header.Name : "header";
        if (header.Name.Length is 0 or > MailLimits.HeaderName || header.Name.Any(c => c is <= ' ' or > '~' or ':'))
            return new(MailFaultKind.InvalidHeaderName, "ExtraHeaders", -1, $"A header name is 1 to {MailLimits.HeaderName} printable ASCII characters without colon.");
        if (s_reserved.Contains(header.Name) || header.Name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
            || header.Name.StartsWith("Resent-", StringComparison.OrdinalIgnoreCase))
            return new(MailFaultKind.ReservedHeader, shown, -1, "This header is not the caller's to set.");
        return HeaderText.Check(shown, header.Value, MailLimits.HeaderValue);
    }

    private static MailFault? CheckLanguage(string? language)
    {
        bool fine = language is null
            || (language.Length is > 0 and <= 35 && language.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
                && char.IsAsciiLetter(language[0]) && language[^1] != '-');
        return fine ? null : new(MailFaultKind.InvalidLanguage, "Language", -1, "A language is a BCP 47 tag such as ja or en-GB.");
    }

    private static MailFault? CheckText(string text)
    {
        if (text.Length > MailLimits.BodyText)
            return new(MailFaultKind.TooLong, "Text", MailLimits.BodyText, $"At most {MailLimits.BodyText} characters.");
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0')
                return new(MailFaultKind.ControlCharacter, "Text", i, "NUL may not stand in a message (RFC 5322 §4).");
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return new(MailFaultKind.NotText, "Text", i, "Half of a surrogate pair.");
            i++;
        }

        return null;
    }

    private static MailFault? CheckAttachments(IReadOnlyList<OutgoingAttachment> attachments)
    {
        if (attachments.Count > MailLimits.Attachments)
            return new(MailFaultKind.TooMany, "Attachments", MailLimits.Attachments, $"At most {MailLimits.Attachments} attachments.");
        long bytes = 0;
        for (int i = 0; i < attachments.Count; i++)
        {
            OutgoingAttachment attachment = attachments[i];
            string where = $"Attachments[{i}]";
            bytes += attachment.Content.Length;
            MailFault? fault = FileNames.Check(where, attachment.Name) ?? CheckMediaType(where, attachment.MediaType);
            if (fault is not null)
                return fault;
        }

        return bytes > MailLimits.AttachmentBytes
            ? new(MailFaultKind.TooLong, "Attachments", -1, $"At most {MailLimits.AttachmentBytes} bytes of attachments.")
            : null;
    }

    private static MailFault? CheckMediaType(string where, string mediaType)
    {
        MailFault bad = new(MailFaultKind.InvalidMediaType, where, -1, "A media type has the form type/subtype, optionally with ; charset=name.");
        if (mediaType.Length > 150)
            return bad;
        string[] parts = mediaType.Split("; charset=", 2);
        string[] names = parts[0].Split('/');
        if (names.Length != 2 || !IsToken(names[0]) || !IsToken(names[1]) || (parts.Length == 2 && !IsToken(parts[1])))
            return bad;
        bool composite = names[0].Equals("multipart", StringComparison.OrdinalIgnoreCase)
            || names[0].Equals("message", StringComparison.OrdinalIgnoreCase);
        return composite
            ? new(MailFaultKind.InvalidMediaType, where, 0, "multipart/* and message/* may not be base64; use application/octet-stream.")
            : null;

        // the restricted names of RFC 6838 §4.2: a narrower set than RFC 2045's token
        static bool IsToken(string text) =>
            text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$&-^_.+".Contains(c, StringComparison.Ordinal));
    }

    private sealed class CountingWriter(IBufferWriter<byte> inner)
    {
        public long Bytes { get; private set; }

        public void Write(string ascii) => Write(Encoding.ASCII.GetBytes(ascii));

        public void Write(ReadOnlySpan<byte> bytes)
        {
            inner.Write(bytes);
            Bytes += bytes.Length;
        }
    }
}
