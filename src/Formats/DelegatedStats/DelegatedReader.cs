using System.Globalization;
using System.Text;
using Renkei.Formats.PrefixTable;

namespace Renkei.Formats.DelegatedStats;

/// <summary>
/// Reads the files in which the regional internet registries say daily what they handed out:
/// <c>registry|cc|type|start|value|date|status[|opaque-id]</c>, a version line before, summary lines, comments from <c>#</c>.
/// </summary>
public static class DelegatedReader
{
    /// <summary>Longest line read; a longer one is an error row.</summary>
    public const int MaxLine = 1024;

    private const int MaxFields = 12;

    /// <summary>All lines of the stream, in order, blank and comment lines left out. Only the stream's own I/O errors are thrown.</summary>
    public static IEnumerable<DelegatedLine> Read(Stream stream)
    {
        var lines = new BoundedLineReader(stream, MaxLine);
        while (lines.TryRead(out ReadOnlySpan<byte> line, out bool cut))
        {
            if (cut)
            {
                yield return new DelegatedError(lines.LineNumber, MaxLine + 1, "line is longer than 1024 bytes");
            }
            else if (!IsBlank(line))
            {
                yield return ParseLine(line, lines.LineNumber);
            }
        }
    }

    /// <summary>One line that is neither blank nor a comment.</summary>
    public static DelegatedLine ParseLine(ReadOnlySpan<byte> line, long lineNumber)
    {
        Span<Range> ranges = stackalloc Range[MaxFields];
        int count = 0;
        foreach (Range range in line.Split((byte)'|'))
        {
            // Extended files may grow fields after the opaque id; they are not ours to refuse.
            if (count < MaxFields)
            {
                ranges[count++] = range;
            }
        }

        var fields = new Fields(line, ranges[..count], lineNumber);
        if (!line.IsEmpty && line[0] is >= (byte)'0' and <= (byte)'9')
        {
            return ParseVersion(fields);
        }

        if (fields.Count >= 6 && fields[1].SequenceEqual("*"u8) && fields[5].SequenceEqual("summary"u8))
        {
            return ParseSummary(fields);
        }

        return fields.Count < 7 ? fields.Bad(0, "fewer than the seven fields of a record") : ParseRecord(fields);
    }

    /// <summary>Whether the beginning of a file reads as such a file: its first line that says anything is a version line or a record.</summary>
    public static bool LooksLike(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("\uFEFF"u8))
        {
            head = head[3..];
        }

        foreach (Range range in head.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = head[range].TrimEnd((byte)'\r');
            if (!IsBlank(line))
            {
                return line.Length <= MaxLine && ParseLine(line, 1) is not DelegatedError;
            }
        }

        return false;
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.TrimStart(" \t"u8) is [] or [(byte)'#', ..];

    private static DelegatedLine ParseVersion(Fields fields)
    {
        if (fields.Count < 7)
        {
            return fields.Bad(0, "version line has fewer than seven fields");
        }

        if (!TryRegistry(fields[1], out string registry))
        {
            return fields.Bad(1, "registry is not a lower-case name");
        }

        if (!AsciiNumber.TryParse(fields[3], long.MaxValue, out ulong records))
        {
            return fields.Bad(3, "record count is not a number");
        }

        if (!TryDate(fields[4], out DateOnly? start))
        {
            return fields.Bad(4, "start date is not yyyymmdd");
        }

        return TryDate(fields[5], out DateOnly? end)
            ? new DelegatedVersion(fields.Line, fields.Text(0), registry, fields.Text(2), (long)records, start, end, fields.Text(6))
            : fields.Bad(5, "end date is not yyyymmdd");
    }

    private static DelegatedLine ParseSummary(Fields fields)
    {
        if (!TryRegistry(fields[0], out string registry))
        {
            return fields.Bad(0, "registry is not a lower-case name");
        }

        if (!TryType(fields[2], out DelegatedType type))
        {
            return fields.Bad(2, "type is none of asn, ipv4, ipv6");
        }

        return AsciiNumber.TryParse(fields[4], long.MaxValue, out ulong count)
            ? new DelegatedSummary(fields.Line, registry, type, (long)count)
            : fields.Bad(4, "count is not a number");
    }

    private static DelegatedLine ParseRecord(Fields fields)
    {
        if (!TryRegistry(fields[0], out string registry))
        {
            return fields.Bad(0, "registry is not a lower-case name");
        }

        if (!TryCountry(fields[1], out string? country))
        {
            return fields.Bad(1, "country is not two letters");
        }

        if (!TryType(fields[2], out DelegatedType type))
        {
            return fields.Bad(2, "type is none of asn, ipv4, ipv6");
        }

        if (!TryDate(fields[5], out DateOnly? date))
        {
            return fields.Bad(5, "date is not yyyymmdd");
        }

        if (!TryStatus(fields[6], out DelegatedStatus status))
        {
            return fields.Bad(6, "status is none of allocated, assigned, available, reserved");
        }

        string? opaqueId = fields.Count > 7 && !fields[7].IsEmpty ? fields.Text(7) : null;
        ulong count;
        switch (type)
        {
            case DelegatedType.Asn:
                if (!AsciiNumber.TryParse(fields[3], uint.MaxValue, out ulong asn))
                {
                    return fields.Bad(3, "start is not an AS number");
                }

                return AsciiNumber.TryParse(fields[4], (1UL << 32) - asn, out count) && count > 0
                    ? new DelegatedAsn(fields.Line, registry, country, (uint)asn, count, date, status, opaqueId)
                    : fields.Bad(4, "count is not a number from 1 that ends within 32 bits");

            case DelegatedType.IPv4:
                if (!AddressPrefix.TryParseAddress(fields[3], out UInt128 first, out bool isIPv4) || !isIPv4)
                {
                    return fields.Bad(3, "start is not an IPv4 address");
                }

                return AsciiNumber.TryParse(fields[4], (1UL << 32) - (ulong)first, out count) && count > 0
                    ? new DelegatedIPv4(fields.Line, registry, country, (uint)first, count, date, status, opaqueId)
                    : fields.Bad(4, "count is not a number from 1 that ends within 32 bits");

            default:
                if (!AddressPrefix.TryParse(fields[3], fields[4], out AddressPrefix prefix, out string? reason) || prefix.IsIPv4)
                {
                    return fields.Bad(3, reason ?? "start is not an IPv6 address");
                }

                return new DelegatedIPv6(fields.Line, registry, country, prefix, date, status, opaqueId);
        }
    }

    private static bool TryRegistry(ReadOnlySpan<byte> text, out string registry)
    {
        registry = text switch
        {
            _ when text.SequenceEqual("afrinic"u8) => "afrinic",
            _ when text.SequenceEqual("apnic"u8) => "apnic",
            _ when text.SequenceEqual("arin"u8) => "arin",
            _ when text.SequenceEqual("lacnic"u8) => "lacnic",
            _ when text.SequenceEqual("ripencc"u8) => "ripencc",
            _ => "",
        };
        if (registry.Length == 0 && text.Length is > 0 and <= 16 && text.IndexOfAnyExceptInRange((byte)'a', (byte)'z') < 0)
        {
            registry = Encoding.ASCII.GetString(text);
        }

        return registry.Length > 0;
    }

    private static bool TryCountry(ReadOnlySpan<byte> text, out string? country)
    {
        country = null;
        if (text.IsEmpty || text.SequenceEqual("*"u8))
        {
            return true;
        }

        if (text.Length != 2 || !char.IsAsciiLetter((char)text[0]) || !char.IsAsciiLetter((char)text[1]))
        {
            return false;
        }

        country = string.Create(2, (text[0] << 8) | text[1], static (span, pair) =>
        {
            span[0] = (char)((pair >> 8) & ~0x20);
            span[1] = (char)(pair & 0xFF & ~0x20);
        });
        return true;
    }

    private static bool TryType(ReadOnlySpan<byte> text, out DelegatedType type)
    {
        type = text.SequenceEqual("ipv4"u8) ? DelegatedType.IPv4 : text.SequenceEqual("ipv6"u8) ? DelegatedType.IPv6 : DelegatedType.Asn;
        return type != DelegatedType.Asn || text.SequenceEqual("asn"u8);
    }

    private static bool TryStatus(ReadOnlySpan<byte> text, out DelegatedStatus status)
    {
        status = text.SequenceEqual("assigned"u8) ? DelegatedStatus.Assigned
            : text.SequenceEqual("available"u8) ? DelegatedStatus.Available
            : text.SequenceEqual("reserved"u8) ? DelegatedStatus.Reserved
            : DelegatedStatus.Allocated;
        return status != DelegatedStatus.Allocated || text.SequenceEqual("allocated"u8);
    }

    /// <summary>Registries write an unknown date as nothing or as zeros.</summary>
    private static bool TryDate(ReadOnlySpan<byte> text, out DateOnly? date)
    {
        date = null;
        if (text.IsEmpty || text.SequenceEqual("00000000"u8))
        {
            return true;
        }

        Span<char> digits = stackalloc char[8];
        if (text.Length != 8 || text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            return false;
        }

        Encoding.ASCII.GetChars(text, digits);
        bool good = DateOnly.TryParseExact(digits, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly parsed);
        date = good ? parsed : null;
        return good;
    }

    private readonly ref struct Fields(ReadOnlySpan<byte> line, ReadOnlySpan<Range> ranges, long lineNumber)
    {
        private readonly ReadOnlySpan<byte> _line = line;
        private readonly ReadOnlySpan<Range> _ranges = ranges;

        public long Line { get; } = lineNumber;

        public int Count => _ranges.Length;

        public ReadOnlySpan<byte> this[int index] => _line[_ranges[index]];

        public string Text(int index) => Encoding.UTF8.GetString(this[index]);

        public DelegatedError Bad(int field, string reason) =>
            new(Line, (field < Count ? _ranges[field].Start.GetOffset(_line.Length) : 0) + 1, reason);
    }
}
