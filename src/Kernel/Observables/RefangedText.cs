using System.Text;

namespace Renkei.Kernel;

/// <summary>A text with its defanging undone, and for each of its characters where it came from: one pass, linear.</summary>
internal sealed class RefangedText
{
    private readonly StringBuilder text;
    private readonly List<int> starts;
    private readonly List<int> ends;
    private Place place;

    private RefangedText(int capacity)
    {
        text = new StringBuilder(capacity);
        starts = new List<int>(capacity);
        ends = new List<int>(capacity);
    }

    private enum Place
    {
        Prose,
        Authority,
        Path,
    }

    internal string Text { get; private set; } = "";

    /// <summary>Start in the original of the refanged character <paramref name="at"/>.</summary>
    internal int StartOf(int at) => starts[at];

    /// <summary>End (exclusive) in the original of the refanged character <paramref name="at"/>.</summary>
    internal int EndOf(int at) => ends[at];

    internal static RefangedText Of(string original)
    {
        var result = new RefangedText(original.Length);
        result.Read(original);
        result.Text = result.text.ToString();
        return result;
    }

    internal static bool IsInvisible(char c) =>
        c is '\u00AD' or '\u061C' or '\u180E' or (>= '\u200B' and <= '\u200F') or (>= '\u202A' and <= '\u202E')
            or (>= '\u2060' and <= '\u2064') or (>= '\u2066' and <= '\u2069') or '\uFEFF';

    private static char Narrow(char c) => c switch
    {
        >= '\uFF10' and <= '\uFF19' or >= '\uFF21' and <= '\uFF3A' or >= '\uFF41' and <= '\uFF5A' => (char)(c - 0xFEE0),
        '\uFF0E' => '.',
        '\uFF1A' => ':',
        '\uFF0F' => '/',
        '\uFF20' => '@',
        '\uFF0D' => '-',
        '\uFF3F' => '_',
        _ => c,
    };

    private void Read(string s)
    {
        var afterWide = false;
        for (var i = 0; i < s.Length; i++)
        {
            var c = s[i];
            if (c is not ('[' or '(' or '{'))
            {
                if (c >= '\u00AD')
                {
                    if (IsInvisible(c))
                    {
                        continue;
                    }

                    var narrow = Narrow(c);
                    // After an ASCII path a full-width letter is the prose around the URL, not its next character.
                    var wide = narrow != c && (place != Place.Path || afterWide);
                    Emit(wide ? narrow : c, i, i + 1);
                    afterWide = wide;
                    continue;
                }

                afterWide = false;
                Emit(c, i, i + 1);
                continue;
            }

            afterWide = false;
            if (TryBracket(s, i, out var meant, out var end) && IsCredible(s, c, meant, end))
            {
                if (c == '[' && meant is "." or "@" && SpacesAround(s, end))
                {
                    text.Length--;
                    starts.RemoveAt(starts.Count - 1);
                    ends.RemoveAt(ends.Count - 1);
                    Emit(meant[0], i, end);
                    i = end;
                    continue;
                }

                foreach (var m in meant)
                {
                    Emit(m, i, end);
                }

                i = end - 1;
                continue;
            }

            Emit(c, i, i + 1);
        }
    }

    // "a [.] b": exactly one space on each side, each next to a letter or digit.
    private bool SpacesAround(string s, int end) =>
        text.Length > 1 && text[^1] == ' ' && char.IsLetterOrDigit(text[^2])
        && end + 1 < s.Length && s[end] == ' ' && char.IsLetterOrDigit(s[end + 1]);

    private bool IsCredible(string s, char open, string meant, int end)
    {
        if (open == '[')
        {
            return true;
        }

        if (place == Place.Path || text.Length == 0)
        {
            return false;
        }

        // Round and curly brackets are also prose: "look (at) this" stays.
        return char.IsLetterOrDigit(text[^1]) && end < s.Length && (char.IsLetterOrDigit(s[end]) || meant[0] is ':' or '/');
    }

    private static bool TryBracket(string s, int at, out string meant, out int end)
    {
        meant = "";
        end = at;
        var close = s[at] switch { '[' => ']', '(' => ')', _ => '}' };
        var i = at + 1;
        if (i < s.Length && s[i] == ' ')
        {
            i++;
        }

        if (i >= s.Length)
        {
            return false;
        }

        switch (Narrow(s[i]))
        {
            case '.':
                (meant, i) = (".", i + 1);
                break;
            case '@':
                (meant, i) = ("@", i + 1);
                break;
            case '/':
                (meant, i) = ("/", i + 1);
                break;
            case ':':
                (meant, i) = string.CompareOrdinal(s, i, "://", 0, 3) == 0 ? ("://", i + 3) : (":", i + 1);
                break;
            case 'd' or 'D' when string.Compare(s, i, "dot", 0, 3, StringComparison.OrdinalIgnoreCase) == 0:
                (meant, i) = (".", i + 3);
                break;
            case 'a' or 'A' when string.Compare(s, i, "at", 0, 2, StringComparison.OrdinalIgnoreCase) == 0:
                (meant, i) = ("@", i + 2);
                break;
            default:
                return false;
        }

        if (i < s.Length && s[i] == ' ')
        {
            i++;
        }

        end = i + 1;
        return i < s.Length && s[i] == close;
    }

    private void Emit(char c, int start, int end)
    {
        text.Append(c);
        starts.Add(start);
        ends.Add(end);
        if (c is <= ' ' or '<' or '>' or '"' or > '\u007e')
        {
            place = Place.Prose;
        }
        else if (place == Place.Authority)
        {
            if (c is '/' or '?' or '#' or '\\')
            {
                place = Place.Path;
            }
        }
        else if (c == '/' && text.Length > 3 && text[^2] == '/' && text[^3] == ':' && RestoreScheme(text.Length - 3) && place == Place.Prose)
        {
            // in a path a scheme is restored, too: defanging made it hxxp there
            place = Place.Authority;
        }
    }

    // All spellings are as long as what they stand for, so the map of places stays right.
    private bool RestoreScheme(int colon)
    {
        var start = colon;
        while (start > 0 && colon - start < 6 && (char.IsAsciiLetter(text[start - 1]) || text[start - 1] == '*'))
        {
            start--;
        }

        Span<char> scheme = stackalloc char[colon - start];
        for (var i = 0; i < scheme.Length; i++)
        {
            scheme[i] = char.ToLowerInvariant(text[start + i]);
        }

        var plain = scheme switch
        {
            "hxxp" or "hxtp" or "htxp" or "h**p" or "http" => "http",
            "hxxps" or "hxtps" or "htxps" or "h**ps" or "https" => "https",
            "fxp" or "f*p" or "ftp" => "ftp",
            _ => "",
        };
        if (plain.Length == 0)
        {
            return scheme.Length > 0;
        }

        if (!scheme.SequenceEqual(plain))
        {
            for (var i = 0; i < plain.Length; i++)
            {
                text[start + i] = plain[i];
            }
        }

        return true;
    }
}
