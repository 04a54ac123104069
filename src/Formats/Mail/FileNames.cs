using System.Globalization;
using System.Text;

namespace Renkei.Formats.Mail;

/// <summary>Names of attachments in headers (RFC 2183, RFC 2231).</summary>
internal static class FileNames
{
    private const int SectionChars = 55;

    /// <summary>A name is one path segment of visible text; what a receiver's file system could take for a path is refused.</summary>
    public static MailFault? Check(string where, string name)
    {
        if (HeaderText.Check(where, name, MailLimits.FileName) is { } fault)
            return fault;
        int separator = name.AsSpan().IndexOfAny('/', '\\');
        bool dots = name is "." or "..";
        return string.IsNullOrWhiteSpace(name) || dots || separator >= 0
            ? new(MailFaultKind.InvalidFileName, where, separator, "A file name is not empty and holds no / or \\.")
            : null;
    }

    /// <summary>What a reader without RFC 2231 sees: the name in ASCII, other characters as _, the extension kept, short enough for one line.</summary>
    public static string AsciiFallback(string name)
    {
        StringBuilder plain = new(name.Length);
        foreach (Rune rune in name.EnumerateRunes())
            plain.Append(rune.Value is >= 0x20 and <= 0x7e and not '"' && rune.Value != '%' ? (char)rune.Value : '_');
        string text = plain.ToString();
        if (text.Length <= 60)
            return text;
        int dot = text.LastIndexOf('.');
        string extension = dot > 0 && text.Length - dot <= 12 ? text[dot..] : "";
        return text[..(60 - extension.Length)] + extension;
    }

    /// <summary>The Content-Disposition tokens: a plain file name where it fits on a line, else <c>filename*</c>, cut into
    /// numbered sections (§3, §4) between characters.</summary>
    public static IEnumerable<string> Disposition(string name)
    {
        if (name.Length <= 60 && string.Equals(AsciiFallback(name), name, StringComparison.Ordinal))
            return ["attachment;", $"filename=\"{name}\""];

        List<string> sections = [];
        StringBuilder section = new("UTF-8''");
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in name.EnumerateRunes())
        {
            StringBuilder encoded = new();
            foreach (byte b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_')
                    encoded.Append((char)b);
                else
                    encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }

            if (section.Length + encoded.Length > SectionChars)
            {
                sections.Add(section.ToString());
                section.Clear();
            }

            section.Append(encoded);
        }

        sections.Add(section.ToString());
        return sections.Count == 1
            ? ["attachment;", "filename*=" + sections[0]]
            : ["attachment;", .. sections.Select((s, i) => $"filename*{i}*={s}" + (i + 1 < sections.Count ? ";" : ""))];
    }
}
