namespace Renkei.Formats.PrefixTable;

/// <summary>Decimal digits and nothing else: no sign, no blank, no separator, which the framework's parsers let through.</summary>
internal static class AsciiNumber
{
    public static bool TryParse(ReadOnlySpan<byte> digits, ulong max, out ulong value)
    {
        value = 0;
        if (digits.Length is 0 or > 19)
        {
            return false;
        }

        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            value = (value * 10) + (ulong)(digit - '0');
        }

        return value <= max;
    }
}
