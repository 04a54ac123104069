using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Renkei.Formats.Csv;

namespace Renkei.Formats.Feeds;

/// <summary>
/// Canonical forms of the values that feeds carry. Each answers false for what does not fit, and writes nothing where the
/// row's own bytes are canonical already.
/// </summary>
internal static class FeedValues
{
    private const int MaxHostName = 253;

    private static readonly SearchValues<byte> Lower = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.+/"u8);
    private static readonly SearchValues<byte> LowerHex = SearchValues.Create("0123456789abcdef"u8);
    private static readonly SearchValues<byte> NotInUrl = SearchValues.Create([.. Enumerable.Range(0, 33).Select(b => (byte)b), 0x7F, (byte)'"', (byte)'<', (byte)'>']);
    private static readonly SearchValues<byte> AfterAuthority = SearchValues.Create("/?#"u8);

    /// <summary>"YYYY-MM-DD HH:MM:SS", T for the space, an optional fraction, and Z, " UTC" or ±HH:MM behind; UTC where nothing says otherwise.</summary>
    public static bool TryTime(ReadOnlySpan<byte> text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length < 19 || text[4] != '-' || text[7] != '-' || text[10] is not ((byte)' ' or (byte)'T') || text[13] != ':' || text[16] != ':'
            || !Number(text[..4], out var year) || !Number(text.Slice(5, 2), out var month) || !Number(text.Slice(8, 2), out var day)
            || !Number(text.Slice(11, 2), out var hour) || !Number(text.Slice(14, 2), out var minute) || !Number(text.Slice(17, 2), out var second)
            || year is < 1970 or > 9998 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }
        long ticks = 0;
        text = text[19..];
        if (text.Length > 0 && text[0] == '.')
        {
            var digits = 1;
            var unit = TimeSpan.TicksPerSecond;
            while (digits < text.Length && text[digits] is >= (byte)'0' and <= (byte)'9')
            {
                unit /= 10;
                ticks += unit * (text[digits++] - '0');
            }
            if (digits is 1 or > 10)
            {
                return false;
            }
            text = text[digits..];
        }
        if (text.Length > 0 && !text.SequenceEqual("Z"u8) && !text.SequenceEqual(" UTC"u8))
        {
            if (text.Length != 6 || text[0] is not ((byte)'+' or (byte)'-') || text[3] != ':'
                || !Number(text.Slice(1, 2), out var offsetHours) || !Number(text.Slice(4, 2), out var offsetMinutes) || offsetHours > 14 || offsetMinutes > 59)
            {
                return false;
            }
            var offset = ((offsetHours * 60L) + offsetMinutes) * TimeSpan.TicksPerMinute;
            ticks += text[0] == '+' ? -offset : offset;
        }
        time = new DateTimeOffset(new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).AddTicks(ticks), TimeSpan.Zero);
        return true;
    }

    /// <summary>Decimal digits only, no more than the limit.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> text, uint limit, out uint number)
    {
        ulong value = 0;
        number = 0;
        if (text.Length is 0 or > 10)
        {
            return false;
        }
        foreach (var b in text)
        {
            var digit = (uint)(b - '0');
            if (digit > 9)
            {
                return false;
            }
            value = (value * 10) + digit;
        }
        number = (uint)value;
        return value <= limit;
    }

    /// <summary>An AS number in asplain (RFC 5396), "AS" in front or not.</summary>
    public static bool TryAsn(ReadOnlySpan<byte> text, out uint asn)
    {
        if (text.Length > 2 && (text[0] | 0x20) == 'a' && (text[1] | 0x20) == 's')
        {
            text = text[2..];
        }
        return TryNumber(text, uint.MaxValue, out asn);
    }

    public static bool TryAddress(Utf8Text text, FeedEvent owner, out FeedAddress address, out Utf8Text canonical)
    {
        if (!FeedAddress.TryParse(text.Span, out address))
        {
            canonical = default;
            return false;
        }
        canonical = address.IsIpv6 ? owner.Keep(address.Format(owner.Room(FeedAddress.MaxTextBytes))) : text;
        return true;
    }

    /// <summary>A prefix in CIDR notation; host bits are cleared.</summary>
    public static bool TryNetwork(Utf8Text text, FeedEvent owner, out Utf8Text canonical)
    {
        canonical = default;
        var slash = text.Span.IndexOf((byte)'/');
        if (slash < 0 || !FeedAddress.TryParse(text.Span[..slash], out var address) || text.Length - slash > 4
            || !TryNumber(text.Span[(slash + 1)..], address.IsIpv6 ? 128u : 32u, out var length))
        {
            return false;
        }
        var free = (address.IsIpv6 ? 128 : 32) - (int)length;
        var room = owner.Room(FeedAddress.MaxTextBytes + 4);
        var used = new FeedAddress(free == 128 ? 0 : address.Value >> free << free, address.IsIpv6).Format(room);
        room[used++] = (byte)'/';
        Utf8Formatter.TryFormat(length, room[used..], out var written);
        canonical = owner.Keep(used + written);
        return true;
    }

    /// <summary>A host name of two labels or more (RFC 1123 §2.1, and the underscore that DNS uses), lower case, without trailing dot.</summary>
    public static bool TryHostName(Utf8Text text, FeedEvent owner, out Utf8Text canonical)
    {
        canonical = default;
        var span = text.Span;
        if (span.Length > 0 && span[^1] == '.')
        {
            text = text.Slice(0, span.Length - 1);
            span = text.Span;
        }
        if (span.Length is < 3 or > MaxHostName)
        {
            return false;
        }
        var (label, dots, upper, lettersInLabel) = (0, 0, false, false);
        for (var i = 0; i < span.Length; i++)
        {
            var b = span[i];
            if (b == '.')
            {
                if (label is 0 or > 63 || span[i - 1] == '-')
                {
                    return false;
                }
                dots++;
                label = 0;
                lettersInLabel = false;
                continue;
            }
            if ((uint)((b | 0x20) - 'a') <= 25)
            {
                upper |= b < 'a';
                lettersInLabel = true;
            }
            else if (b == '-')
            {
                if (label == 0)
                {
                    return false;
                }
            }
            else if ((uint)(b - '0') > 9 && b != '_')
            {
                return false;
            }
            label++;
        }
        // a last label without letters is an address gone wrong, not a top-level domain
        if (dots == 0 || label is 0 or > 63 || span[^1] == '-' || !lettersInLabel)
        {
            return false;
        }
        canonical = upper ? LowerCase(text, owner) : text;
        return true;
    }

    /// <summary>An absolute URL: scheme, "://", a host, and nothing a URL cannot hold. It is kept as it came.</summary>
    public static bool TryUrl(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> host)
    {
        host = default;
        var colon = text.IndexOf("://"u8);
        if (colon is < 1 or > 16 || text.IndexOfAny(NotInUrl) >= 0 || (uint)((text[0] | 0x20) - 'a') > 25)
        {
            return false;
        }
        foreach (var b in text[..colon])
        {
            if ((uint)((b | 0x20) - 'a') > 25 && (uint)(b - '0') > 9 && b is not ((byte)'+' or (byte)'-' or (byte)'.'))
            {
                return false;
            }
        }
        host = text[(colon + 3)..];
        var end = host.IndexOfAny(AfterAuthority);
        host = end < 0 ? host : host[..end];
        host = host[(host.LastIndexOf((byte)'@') + 1)..];
        if (host.Length > 0 && host[0] == '[')
        {
            var bracket = host.IndexOf((byte)']');
            host = bracket < 0 ? default : host[1..bracket];
        }
        else if (host.IndexOf((byte)':') is >= 0 and var port)
        {
            host = host[..port];
        }
        return host.Length > 0;
    }

    /// <summary>ISO 3166-1 alpha-2 in its shape, upper case.</summary>
    public static bool TryCountry(Utf8Text text, FeedEvent owner, out Utf8Text canonical)
    {
        canonical = text;
        var span = text.Span;
        if (span.Length != 2 || (uint)((span[0] | 0x20) - 'a') > 25 || (uint)((span[1] | 0x20) - 'a') > 25)
        {
            return false;
        }
        if (((span[0] | span[1]) & 0x20) != 0)
        {
            var room = owner.Room(2);
            room[0] = (byte)(span[0] & ~0x20);
            room[1] = (byte)(span[1] & ~0x20);
            canonical = owner.Keep(2);
        }
        return true;
    }

    /// <summary>A word such as a protocol's name, lower case.</summary>
    public static bool TryWord(Utf8Text text, FeedEvent owner, out Utf8Text canonical)
    {
        canonical = text;
        if (text.Span.IndexOfAnyExcept(Lower) < 0)
        {
            return text.Length <= 64;
        }
        if (text.Length > 64)
        {
            return false;
        }
        canonical = LowerCase(text, owner);
        return canonical.Span.IndexOfAnyExcept(Lower) < 0;
    }

    /// <summary>Hexadecimal of that many digits, lower case.</summary>
    public static bool TryHash(Utf8Text text, int digits, FeedEvent owner, out Utf8Text canonical)
    {
        canonical = text;
        if (text.Length != digits)
        {
            return false;
        }
        if (text.Span.IndexOfAnyExcept(LowerHex) >= 0)
        {
            canonical = LowerCase(text, owner);
        }
        return canonical.Span.IndexOfAnyExcept(LowerHex) < 0;
    }

    public static bool TrySeverity(Utf8Text text, FeedEvent owner, out Utf8Text canonical) =>
        TryWord(text, owner, out canonical)
        && (canonical.Span.SequenceEqual("critical"u8) || canonical.Span.SequenceEqual("high"u8) || canonical.Span.SequenceEqual("medium"u8)
            || canonical.Span.SequenceEqual("low"u8) || canonical.Span.SequenceEqual("info"u8));

    /// <summary>CVE-YYYY-NNNN with four digits or more, upper case.</summary>
    public static bool TryCve(Utf8Text text, FeedEvent owner, out Utf8Text canonical)
    {
        canonical = default;
        var span = text.Span;
        if (span.Length is < 13 or > 28 || (span[0] | 0x20) != 'c' || (span[1] | 0x20) != 'v' || (span[2] | 0x20) != 'e' || span[3] != '-' || span[8] != '-'
            || span[4..8].IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0 || span[9..].IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            return false;
        }
        var room = owner.Room(span.Length);
        span.CopyTo(room);
        "CVE"u8.CopyTo(room);
        canonical = owner.Keep(span.Length);
        return true;
    }

    private static Utf8Text LowerCase(Utf8Text text, FeedEvent owner)
    {
        var room = owner.Room(text.Length);
        var span = text.Span;
        for (var i = 0; i < span.Length; i++)
        {
            room[i] = (uint)(span[i] - 'A') <= 25 ? (byte)(span[i] | 0x20) : span[i];
        }
        return owner.Keep(text.Length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Number(ReadOnlySpan<byte> digits, out int value)
    {
        value = 0;
        foreach (var b in digits)
        {
            var digit = (uint)(b - '0');
            if (digit > 9)
            {
                return false;
            }
            value = (value * 10) + (int)digit;
        }
        return true;
    }
}
