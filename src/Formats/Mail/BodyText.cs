using System.Text;

namespace Renkei.Formats.Mail;

/// <summary>The text of a message as bytes that pass any mail server unchanged.</summary>
internal sealed record BodyText(ReadOnlyMemory<byte> Bytes, string TransferEncoding)
{
    private static readonly byte[] s_hex = "0123456789ABCDEF"u8.ToArray();

    /// <summary>Line ends of any kind as CRLF, and one at the end.</summary>
    public static string WithCrlf(string text)
    {
        StringBuilder result = new(text.Length + text.Length / 40 + 2);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
                continue;
            if (c is '\r' or '\n')
                result.Append("\r\n");
            else
                result.Append(c);
        }

        if (result.Length > 0 && result[^1] != '\n')
            result.Append("\r\n");
        return result.ToString();
    }

    /// <summary>Encodes text whose lines end in CRLF: 7bit where it can stand as it is, else the shorter of quoted-printable
    /// (RFC 2045 §6.7) and base64 (§6.8).</summary>
    public static BodyText Encode(string text, MailCharset charset)
    {
        byte[] bytes = charset == MailCharset.Utf8 ? Encoding.UTF8.GetBytes(text) : Iso2022Jp.GetBytes(text);
        (bool sevenBit, int quotedLength) = Measure(bytes, escapesAllowed: charset == MailCharset.Iso2022Jp);
        if (sevenBit)
            return new(bytes, "7bit");

        // quoted-printable of ISO-2022-JP is unreadable and some gateways break it
        int base64Length = (bytes.Length + 2) / 3 * 4 * 78 / 76;
        return charset == MailCharset.Utf8 && quotedLength <= base64Length
            ? new(QuotedPrintable(bytes), "quoted-printable")
            : new(bytes, "base64");
    }

    private static (bool SevenBit, int QuotedLength) Measure(ReadOnlySpan<byte> bytes, bool escapesAllowed)
    {
        bool sevenBit = true;
        int quoted = 0;
        int lineStart = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            byte b = bytes[i];
            if (b == '\n')
            {
                // "From " at the start of a line is changed to ">From " by mailboxes of the mbox kind
                sevenBit &= i - 1 - lineStart <= MailLimits.LineBytes && !bytes[lineStart..].StartsWith("From "u8);
                lineStart = i + 1;
            }

            bool plain = b is >= 0x20 and <= 0x7e or (byte)'\t' or (byte)'\r' or (byte)'\n';
            sevenBit &= plain || (escapesAllowed && b == 0x1b);
            quoted += plain && b != '=' ? 1 : 3;
        }

        return (sevenBit, quoted + quoted / 75 * 3);
    }

    private static byte[] QuotedPrintable(ReadOnlySpan<byte> bytes)
    {
        List<byte> result = new(bytes.Length + bytes.Length / 4);
        int column = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            byte b = bytes[i];
            if (b == '\r' && i + 1 < bytes.Length && bytes[i + 1] == '\n')
            {
                result.AddRange("\r\n"u8);
                column = 0;
                i++;
                continue;
            }

            bool lineEnds = i + 1 == bytes.Length || bytes[i + 1] == '\r';
            bool asItIs = b is >= 0x21 and <= 0x7e and not (byte)'='
                || (b is (byte)' ' or (byte)'\t' && !lineEnds);

            // a lone dot, or "From " at the start of a line, is touched by some servers
            if (column == 0 && (b == '.' || bytes[i..].StartsWith("From "u8)))
                asItIs = false;

            int width = asItIs ? 1 : 3;
            if (column + width > 75)
            {
                result.AddRange("=\r\n"u8);
                column = 0;
            }

            if (asItIs)
                result.Add(b);
            else
                result.AddRange([(byte)'=', s_hex[b >> 4], s_hex[b & 15]]);
            column += width;
        }

        return [.. result];
    }
}
