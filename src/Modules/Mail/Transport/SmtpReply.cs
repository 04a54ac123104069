using System.Text;

namespace Renkei.Mail.Transport;

/// <summary>A server's reply (RFC 5321 §4.2), made harmless for a page or a log: printable ASCII, bounded.</summary>
internal sealed record SmtpReply(int Code, IReadOnlyList<string> Lines)
{
    private const int ShownChars = 400;

    public bool Positive => Code is >= 200 and < 300;

    public bool Permanent => Code is >= 500 and < 600;

    public override string ToString()
    {
        string text = $"{Code} {string.Join(' ', Lines)}";
        return text.Length <= ShownChars ? text : text[..ShownChars] + "...";
    }

    /// <summary>Reads <c>250-text</c> or <c>250 text</c>; a bare code counts as a last line (§4.2.1).</summary>
    public static bool TryParseLine(ReadOnlySpan<byte> line, out int code, out bool last, out string text)
    {
        (code, last, text) = (0, false, "");
        if (line.Length < 3 || line[0] is < (byte)'2' or > (byte)'5' || !char.IsAsciiDigit((char)line[1]) || !char.IsAsciiDigit((char)line[2]))
            return false;
        if (line.Length > 3 && line[3] is not ((byte)' ' or (byte)'-'))
            return false;
        code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        last = line.Length == 3 || line[3] == ' ';
        if (line.Length > 4)
        {
            StringBuilder safe = new(line.Length);
            foreach (byte b in line[4..])
                safe.Append(b is >= 0x20 and <= 0x7e ? (char)b : '?');
            text = safe.ToString();
        }

        return true;
    }
}

/// <summary>The conversation cannot go on: the line is dead, too slow, or the other side does not speak SMTP. Caught in
/// <see cref="SmtpSubmission"/>, never seen outside.</summary>
internal sealed class SmtpBrokenException(string reason) : Exception(reason);
