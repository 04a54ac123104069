using System.Globalization;
using System.Text;

namespace Renkei.Kernel;

/// <summary>
/// The one tokeniser of the search index and of queries, made for FTS5 (unicode61) and tsvector('simple') alike, which split by their own rules: every token
/// here is letters and digits only, so both take it as one word.
/// <list type="bullet">
/// <item>Text is refanged, then NFKC, then lower case. Words are runs of letters and digits; marks are dropped.</item>
/// <item>Runs of Han, Kana and Hangul become overlapping pairs of characters; a run of one character is that character.</item>
/// <item>Words joined by one of . - _ : @ also give joined tokens, the joint written as <see cref="Joint"/>: the whole (203.0.113.24, login-hoshizora.example,
/// R-2026-11-0187), the sides of @ and :, the parent names of a name, and the leading parts of a dotted number.</item>
/// </list>
/// </summary>
public static class SearchTokens
{
    /// <summary>
    /// U+0294, a letter to every engine and without case. Neither '.' nor '_' would do: unicode61 and PostgreSQL's parser both split there
    /// (tried: SQLite's FTS5, PostgreSQL 15 with C and C.UTF-8 locales, each keeps it inside one token).
    /// </summary>
    public const char Joint = '\u0294';

    /// <summary>Most tokens taken from one text.</summary>
    public const int MaxTokens = 100_000;

    /// <summary>Longest word; longer ones are cut here, in the index and in queries alike (a SHA-256 fits).</summary>
    public const int MaxWord = 64;

    /// <summary>Longest joined token; longer ones are found by their words only.</summary>
    public const int MaxJoined = 256;

    private const int MaxText = 1 << 20;
    private const int MaxQueryTokens = 64;

    /// <summary>All tokens of a text, in order, with repetitions (they carry rank).</summary>
    public static IEnumerable<string> Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Tokens(text, forQuery: false).Take(MaxTokens);
    }

    /// <summary>The tokens joined by spaces, to be stored in the index.</summary>
    public static string Index(string text) => string.Join(' ', Of(text));

    /// <summary>
    /// The tokens that must all be in a record for it to match: joined forms whole, without their parts. At most 64, distinct.
    /// A single CJK character between others cannot be found this way (the index has pairs): callers may match it as a prefix.
    /// </summary>
    public static IReadOnlyList<string> Query(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return [.. Tokens(text, forQuery: true).Distinct(StringComparer.Ordinal).Take(MaxQueryTokens)];
    }

    private static IEnumerable<string> Tokens(string text, bool forQuery)
    {
        var clean = Prepare(text);
        var unit = new List<(string Word, char Joiner)>();
        var word = new StringBuilder(MaxWord);
        var i = 0;
        while (i < clean.Length)
        {
            var length = LengthAt(clean, i);
            if (IsCjkWord(clean, i))
            {
                foreach (var token in Flush(word, unit, forQuery))
                {
                    yield return token;
                }

                var start = i;
                var previous = -1;
                while (i < clean.Length && IsCjkWord(clean, i))
                {
                    length = LengthAt(clean, i);
                    if (previous >= 0)
                    {
                        yield return clean[previous..(i + length)];
                    }

                    previous = i;
                    i += length;
                }

                if (previous == start)
                {
                    yield return clean[start..i];
                }

                continue;
            }

            var category = CharUnicodeInfo.GetUnicodeCategory(clean, i);
            if (IsWord(category))
            {
                if (word.Length + length <= MaxWord)
                {
                    word.Append(clean, i, length);
                }
            }
            else if (category is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format))
            {
                var c = clean[i];
                var joins = word.Length > 0 && unit.Count < 64 ? JointLength(clean, i) : 0;
                if (joins > 0)
                {
                    unit.Add((word.ToString(), joins == 2 ? ';' : c));
                    word.Clear();
                    length = joins;
                }
                else
                {
                    foreach (var token in Flush(word, unit, forQuery))
                    {
                        yield return token;
                    }
                }
            }

            i += length;
        }

        foreach (var token in Flush(word, unit, forQuery))
        {
            yield return token;
        }
    }

    // 1 for one joiner between words, 2 for "::" (the gap is part of an IPv6 address and written as two joints), 0 where words end.
    private static int JointLength(string s, int at)
    {
        if (s[at] is not ('.' or '-' or '_' or ':' or '@') || at + 1 >= s.Length)
        {
            return 0;
        }

        if (StartsWord(s, at + 1))
        {
            return 1;
        }

        return s[at] == ':' && s[at + 1] == ':' && at + 2 < s.Length && StartsWord(s, at + 2) ? 2 : 0;
    }

    private static bool StartsWord(string s, int at) => IsWord(CharUnicodeInfo.GetUnicodeCategory(s, at)) && !IsCjkWord(s, at);

    private static int LengthAt(string s, int at) => char.IsHighSurrogate(s[at]) && at + 1 < s.Length ? 2 : 1;

    private static bool IsWord(UnicodeCategory category) => category is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static bool IsCjkWord(string s, int at)
    {
        var c = s[at];
        if (char.IsHighSurrogate(c) && at + 1 < s.Length)
        {
            var wide = char.ConvertToUtf32(c, s[at + 1]);
            return wide is >= 0x1B000 and <= 0x1B16F or >= 0x20000 and <= 0x3FFFD;
        }

        return ObservableScan.IsCjk(c) && IsWord(CharUnicodeInfo.GetUnicodeCategory(c));
    }

    private static string Prepare(string text)
    {
        var bounded = text.Length > MaxText ? text[..MaxText] : text;
        var whole = DomainForm.HasLoneSurrogate(bounded) ? InertText.Clean(bounded) : bounded;
        return Observable.Refang(whole).Normalize(NormalizationForm.FormKC).ToLowerInvariant();
    }

    private static List<string> Flush(StringBuilder word, List<(string Word, char Joiner)> unit, bool forQuery)
    {
        var tokens = new List<string>();
        if (word.Length > 0)
        {
            unit.Add((word.ToString(), ' '));
            word.Clear();
        }

        if (unit.Count == 0)
        {
            return tokens;
        }

        var whole = Join(unit, 0, unit.Count);
        if (forQuery)
        {
            if (unit.Count == 1 || whole.Length > MaxJoined)
            {
                tokens.AddRange(unit.Select(u => u.Word));
            }
            else
            {
                tokens.Add(whole);
            }
        }
        else
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var (part, _) in unit)
            {
                tokens.Add(part);
                seen.Add(part);
            }

            foreach (var joined in Joined(unit))
            {
                if (joined.Length <= MaxJoined && seen.Add(joined))
                {
                    tokens.Add(joined);
                }
            }
        }

        unit.Clear();
        return tokens;
    }

    private static IEnumerable<string> Joined(List<(string Word, char Joiner)> unit)
    {
        yield return Join(unit, 0, unit.Count);
        var start = 0;
        for (var i = 0; i < unit.Count; i++)
        {
            if (i + 1 < unit.Count && unit[i].Joiner is not ('@' or ':' or ';'))
            {
                continue;
            }

            foreach (var token in OfName(unit, start, i + 1))
            {
                yield return token;
            }

            start = i + 1;
        }
    }

    // One side of '@' or ':': the side itself, each label with hyphens, parent names, or the leading parts of a dotted number.
    private static IEnumerable<string> OfName(List<(string Word, char Joiner)> unit, int start, int end)
    {
        yield return Join(unit, start, end);
        var numeric = true;
        for (var i = start; i < end; i++)
        {
            numeric &= unit[i].Word.All(char.IsAsciiDigit);
        }

        var label = start;
        var labels = 0;
        for (var i = start; i < end && labels < 16; i++)
        {
            if (i + 1 < end && unit[i].Joiner != '.')
            {
                continue;
            }

            yield return Join(unit, label, i + 1);
            if (numeric)
            {
                yield return Join(unit, start, i + 1);
            }
            else
            {
                yield return Join(unit, label, end);
            }

            label = i + 1;
            labels++;
        }
    }

    private static string Join(List<(string Word, char Joiner)> unit, int start, int end)
    {
        if (end - start == 1)
        {
            return unit[start].Word;
        }

        var built = new StringBuilder();
        for (var i = start; i < end && built.Length <= MaxJoined; i++)
        {
            built.Append(unit[i].Word);
            if (i + 1 < end)
            {
                built.Append(Joint);
                if (unit[i].Joiner == ';')
                {
                    built.Append(Joint);
                }
            }
        }

        return built.ToString();
    }
}
