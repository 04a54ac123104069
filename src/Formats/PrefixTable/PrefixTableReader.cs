namespace Renkei.Formats.PrefixTable;

/// <summary>Why a line is no row. <paramref name="Column"/> counts bytes from 1.</summary>
public sealed record PrefixTableError(long Line, int Column, string Reason);

/// <summary>
/// One row of a prefix table, or the reason why the line is none (then <see cref="Error"/> is set and the rest means nothing).
/// <paramref name="Origins"/> is how many origin AS numbers the line names; the first one is kept.
/// </summary>
public readonly record struct PrefixTableLine(long Line, AddressPrefix Prefix, uint Asn, int Origins, PrefixTableError? Error);

/// <summary>
/// Reads address-to-origin tables: <c>prefix asn</c> as pyasn writes them, or <c>address length asn</c> as CAIDA's pfx2as, with tabs or
/// blanks between, comments from <c>;</c> or <c>#</c>. Several origins (<c>{1,2}</c>, <c>1,2</c>, <c>1_2</c>) are read, the first is kept:
/// both tools write the most seen one first. <c>AS64500</c> is read as 64500.
/// </summary>
public static class PrefixTableReader
{
    /// <summary>Longest line read; a longer one is an error row.</summary>
    public const int MaxLine = 4096;

    /// <summary>All rows of the stream, in order, blank and comment lines left out. Only the stream's own I/O errors are thrown.</summary>
    public static IEnumerable<PrefixTableLine> Read(Stream stream)
    {
        var lines = new BoundedLineReader(stream, MaxLine);
        while (lines.TryRead(out ReadOnlySpan<byte> line, out bool cut))
        {
            if (cut)
            {
                yield return Bad(lines.LineNumber, MaxLine + 1, "line is longer than 4096 bytes");
            }
            else if (!IsBlank(line))
            {
                yield return ParseLine(line, lines.LineNumber);
            }
        }
    }

    /// <summary>One line that is neither blank nor a comment.</summary>
    public static PrefixTableLine ParseLine(ReadOnlySpan<byte> line, long lineNumber)
    {
        int at = 0;
        ReadOnlySpan<byte> first = NextField(line, ref at);
        int lengthAt = at;
        AddressPrefix prefix;
        string? reason;
        if (first.IndexOf((byte)'/') >= 0)
        {
            if (!AddressPrefix.TryParse(first, out prefix, out reason))
            {
                return Bad(lineNumber, lengthAt - first.Length + 1, reason!);
            }
        }
        else
        {
            ReadOnlySpan<byte> length = NextField(line, ref at);
            if (!AddressPrefix.TryParse(first, length, out prefix, out reason))
            {
                return Bad(lineNumber, lengthAt - first.Length + 1, reason!);
            }
        }

        ReadOnlySpan<byte> origin = NextField(line, ref at);
        int originAt = at - origin.Length + 1;
        if (origin.IsEmpty)
        {
            return Bad(lineNumber, originAt, "no AS number");
        }

        if (!TryParseOrigins(origin, out uint asn, out int origins))
        {
            return Bad(lineNumber, originAt, "not an AS number from 0 to 4294967295, nor a list of such");
        }

        ReadOnlySpan<byte> rest = NextField(line, ref at);
        return rest.IsEmpty
            ? new PrefixTableLine(lineNumber, prefix, asn, origins, Error: null)
            : Bad(lineNumber, at - rest.Length + 1, "text after the AS number");
    }

    /// <summary>Whether the beginning of a file reads as such a table: one of its first 20 rows is good.</summary>
    public static bool LooksLike(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("\uFEFF"u8))
        {
            head = head[3..];
        }

        int rows = 0;
        foreach (Range range in head.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = head[range];
            if (line.EndsWith("\r"u8))
            {
                line = line[..^1];
            }

            if (IsBlank(line))
            {
                continue;
            }

            if (line.Length <= MaxLine && ParseLine(line, 1).Error is null)
            {
                return true;
            }

            if (++rows == 20)
            {
                break;
            }
        }

        return false;
    }

    private static bool IsBlank(ReadOnlySpan<byte> line)
    {
        int at = 0;
        return NextField(line, ref at).IsEmpty;
    }

    private static ReadOnlySpan<byte> NextField(ReadOnlySpan<byte> line, ref int at)
    {
        while (at < line.Length && line[at] is (byte)' ' or (byte)'\t')
        {
            at++;
        }

        int from = at;
        while (at < line.Length && line[at] is not ((byte)' ' or (byte)'\t' or (byte)';' or (byte)'#'))
        {
            at++;
        }

        return line[from..at];
    }

    /// <summary>AS_SETs and multi-origin lists may be nested ("1_{2,3}"): the first number is kept, all are checked.</summary>
    private static bool TryParseOrigins(ReadOnlySpan<byte> text, out uint first, out int origins)
    {
        first = 0;
        origins = 0;
        foreach (Range range in text.SplitAny("_,"u8))
        {
            ReadOnlySpan<byte> number = text[range].TrimStart((byte)'{').TrimEnd((byte)'}');
            if (number.Length > 2 && (number[0] | 0x20) == 'a' && (number[1] | 0x20) == 's')
            {
                number = number[2..];
            }

            if (!AsciiNumber.TryParse(number, uint.MaxValue, out ulong asn))
            {
                return false;
            }

            first = origins == 0 ? (uint)asn : first;
            origins++;
        }

        return origins > 0;
    }

    private static PrefixTableLine Bad(long line, int column, string reason) =>
        new(line, default, 0, 0, new PrefixTableError(line, column, reason));
}
