using System.Text;

namespace Renkei.Formats.Mail;

/// <summary>What may stand in a header, and how text outside ASCII gets there (RFC 2047).</summary>
internal static class HeaderText
{
    /// <summary>RFC 2047 §2: an encoded word has at most 75 characters ...</summary>
    public const int EncodedWordChars = 75;

    /// <summary>... and a line that holds one at most 76. Used for every line: it is under the 78 of RFC 5322 §2.1.1.</summary>
    public const int LineChars = 76;

    public static bool IsAtomChar(char c) =>
        char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-/=?^_`{|}~".Contains(c, StringComparison.Ordinal);

    /// <summary>Refuses everything that could end the line or the field, here or in a reader that splits at Unicode line
    /// separators, and strings that are not text.</summary>
    public static MailFault? Check(string where, string value, int maxLength)
    {
        if (value.Length > maxLength)
            return new(MailFaultKind.TooLong, where, maxLength, $"At most {maxLength} characters.");
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
                return new(MailFaultKind.ControlCharacter, where, i, $"U+{(int)c:X4} may not stand in a header.");
            if (!char.IsSurrogate(c))
                continue;
            if (i + 1 == value.Length || !char.IsSurrogatePair(c, value[i + 1]))
                return new(MailFaultKind.NotText, where, i, "Half of a surrogate pair.");
            i++;
        }

        return null;
    }

    /// <summary>Unstructured text as tokens that a single space joins. ASCII stays as it is where folding cannot change it;
    /// what looks like an encoded word is encoded, so that it arrives as written.</summary>
    public static IEnumerable<string> Unstructured(string value, MailCharset charset, int firstLineUsed, int maxPlainRun) =>
        IsPlain(value, maxPlainRun)
            ? value.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            : EncodedWords(value, charset, LineChars - firstLineUsed);

    /// <summary>A display name as a phrase: atoms, one quoted string, or encoded words (RFC 5322 §3.2.5, RFC 2047 §5).</summary>
    public static IEnumerable<string> Phrase(string name, MailCharset charset, int firstLineUsed)
    {
        if (!IsPlain(name, 50) || name.Length > 60)
            return EncodedWords(name, charset, LineChars - firstLineUsed);
        if (name.All(c => c == ' ' || IsAtomChar(c)))
            return name.Split(' ');
        return ["\"" + name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\""];
    }

    /// <summary>Text as encoded words of at most 75 characters, the first of at most <paramref name="firstLimit"/>. Every
    /// word decodes on its own: none splits a character, and in ISO-2022-JP each begins and ends in ASCII (RFC 1468).</summary>
    public static IEnumerable<string> EncodedWords(string text, MailCharset charset, int firstLimit)
    {
        (string prefix, Func<string, byte[]> encode) = charset == MailCharset.Utf8
            ? ("=?UTF-8?B?", (Func<string, byte[]>)Encoding.UTF8.GetBytes)
            : ("=?ISO-2022-JP?B?", Iso2022Jp.GetBytes);
        int overhead = prefix.Length + 2;
        int limit = Math.Clamp(firstLimit, overhead + 12, EncodedWordChars);
        int start = 0;
        while (start < text.Length)
        {
            int room = (limit - overhead) / 4 * 3;
            int end = start;
            byte[] bytes = [];
            while (end < text.Length)
            {
                int next = end + (char.IsHighSurrogate(text[end]) ? 2 : 1);
                byte[] longer = encode(text[start..next]);
                if (longer.Length > room && end > start)
                    break;
                (bytes, end) = (longer, next);
            }

            yield return prefix + Convert.ToBase64String(bytes) + "?=";
            start = end;
            limit = EncodedWordChars;
        }
    }

    private static bool IsPlain(string value, int maxRun)
    {
        if (value.Contains("=?", StringComparison.Ordinal) || value.StartsWith(' ') || value.EndsWith(' '))
            return false;
        int run = 0;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == ' ')
            {
                if (run == 0)
                    return false;
                run = 0;
            }
            else if (value[i] > 0x7e || ++run > maxRun)
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>Header fields in the making: tokens in, folded lines out.</summary>
internal sealed class HeaderBlock
{
    private readonly StringBuilder _lines = new();

    public override string ToString() => _lines.ToString();

    /// <summary>Adds a field; a line is folded before a token that would carry it over the limit. Tokens hold no space at
    /// which a reader could be misled, and no token is longer than a line may be.</summary>
    public void Add(string name, IEnumerable<string> tokens)
    {
        _lines.Append(name).Append(':');
        int column = name.Length + 1;
        bool first = true;
        foreach (string token in tokens)
        {
            if (!first && column + 1 + token.Length > HeaderText.LineChars)
            {
                _lines.Append("\r\n");
                column = 0;
            }

            _lines.Append(' ').Append(token);
            column += 1 + token.Length;
            first = false;
        }

        _lines.Append("\r\n");
    }

    /// <summary>Adds a structured value that is short by construction.</summary>
    public void Add(string name, string value) => Add(name, [value]);

    /// <summary>Adds addresses separated by commas.</summary>
    public void Add(string name, IReadOnlyList<Mailbox> mailboxes, MailCharset charset)
    {
        List<string> tokens = [];
        for (int i = 0; i < mailboxes.Count; i++)
        {
            Mailbox mailbox = mailboxes[i];
            string comma = i + 1 < mailboxes.Count ? "," : "";
            if (mailbox.DisplayName is null)
            {
                tokens.Add(mailbox.Address + comma);
                continue;
            }

            tokens.AddRange(HeaderText.Phrase(mailbox.DisplayName, charset, i == 0 ? name.Length + 2 : 1));
            tokens.Add("<" + mailbox.Address + ">" + comma);
        }

        Add(name, tokens);
    }
}
