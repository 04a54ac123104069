using System.Collections.Frozen;
using System.Text;

namespace Renkei.Formats.Mail;

/// <summary>ISO-2022-JP as RFC 1468 has it: ASCII and JIS X 0208, nothing else. The framework's code page 50220 also emits
/// vendor rows (①, ㈱) and rewrites half-width katakana, which other readers garble; hence this strict encoder, whose table
/// is read out of the framework once.</summary>
internal static class Iso2022Jp
{
    private const byte Escape = 0x1b;

    private static readonly FrozenDictionary<char, ushort> s_codes = ReadTable();

    /// <summary>Number of characters outside ASCII that can be written.</summary>
    public static int Count => s_codes.Count;

    /// <summary>UTF-16 offset of the first character that cannot be written, or -1. Line ends and tabs can.</summary>
    public static int FirstUnencodable(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            bool ascii = c is '\t' or '\r' or '\n' or (>= ' ' and <= '~');
            if (!ascii && !s_codes.ContainsKey(c))
                return i;
        }

        return -1;
    }

    /// <summary>Bytes of text that <see cref="FirstUnencodable"/> has no objection to. Every line ends in ASCII, and so does the whole.</summary>
    public static byte[] GetBytes(string text)
    {
        List<byte> bytes = new(text.Length * 2 + 6);
        bool kanji = false;
        foreach (char c in text)
        {
            bool ascii = c <= 0x7e;
            if (ascii == kanji)
            {
                bytes.AddRange(ascii ? [Escape, (byte)'(', (byte)'B'] : [Escape, (byte)'$', (byte)'B']);
                kanji = !ascii;
            }

            if (ascii)
            {
                bytes.Add((byte)c);
                continue;
            }

            ushort code = s_codes[c];
            bytes.Add((byte)(code >> 8));
            bytes.Add((byte)code);
        }

        if (kanji)
            bytes.AddRange([Escape, (byte)'(', (byte)'B']);
        return [.. bytes];
    }

    private static FrozenDictionary<char, ushort> ReadTable()
    {
        Encoding decoder = CodePagesEncodingProvider.Instance.GetEncoding(
            50220, EncoderFallback.ReplacementFallback, new DecoderReplacementFallback("\ufffd"))!;
        Dictionary<char, ushort> codes = new(7000);
        byte[] one = [Escape, (byte)'$', (byte)'B', 0, 0, Escape, (byte)'(', (byte)'B'];

        // rows 1-8 and 16-84 are JIS X 0208; row 13 and those above 84 belong to vendors
        for (int lead = 0x21; lead <= 0x74; lead++)
        {
            if (lead is > 0x28 and < 0x30)
                continue;
            for (int trail = 0x21; trail <= 0x7e; trail++)
            {
                (one[3], one[4]) = ((byte)lead, (byte)trail);
                string decoded = decoder.GetString(one);
                bool standsForOne = decoded.Length == 1
                    && decoded[0] is > '\u007f' and not '\ufffd' and not (>= '\ue000' and <= '\uf8ff')
                    && !(decoded[0] == '\u30fb' && lead != 0x21);
                if (standsForOne)
                    codes.TryAdd(decoded[0], (ushort)(lead << 8 | trail));
            }
        }

        // Windows and everybody else disagree which Unicode character these codes are (the wave dash problem). A writer
        // means the same sign by either, so either is written; the reader shows its own system's choice.
        foreach ((char left, char right) in (ReadOnlySpan<(char, char)>)[
            ('\u301c', '\uff5e'), ('\u2016', '\u2225'), ('\u2212', '\uff0d'), ('\u2014', '\u2015'),
            ('\u00a2', '\uffe0'), ('\u00a3', '\uffe1'), ('\u00ac', '\uffe2')])
        {
            if (codes.TryGetValue(right, out ushort code))
                codes.TryAdd(left, code);
            else if (codes.TryGetValue(left, out code))
                codes.TryAdd(right, code);
        }

        return codes.ToFrozenDictionary();
    }
}
