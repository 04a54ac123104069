namespace Renkei.Geo;

/// <summary>Two-letter country codes packed into a number from 0 to 675, and back to shared strings, so that lookups allocate nothing.</summary>
internal static class CountryCode
{
    public const int Count = 26 * 26;

    private static readonly string[] Codes = MakeCodes();

    /// <summary>False for what is no two ASCII letters, and for ZZ, with which registries say "nobody's yet".</summary>
    public static bool TryPack(string? code, out uint packed)
    {
        packed = 0;
        if (code is not [var first, var second] || !char.IsAsciiLetter(first) || !char.IsAsciiLetter(second))
        {
            return false;
        }

        packed = (((uint)(first & ~0x20) - 'A') * 26) + ((uint)(second & ~0x20) - 'A');
        return packed != Count - 1;
    }

    public static string? Unpack(uint packed) => packed < Count ? Codes[packed] : null;

    private static string[] MakeCodes()
    {
        var codes = new string[Count];
        for (int i = 0; i < Count; i++)
        {
            codes[i] = $"{(char)('A' + (i / 26))}{(char)('A' + (i % 26))}";
        }

        return codes;
    }
}
