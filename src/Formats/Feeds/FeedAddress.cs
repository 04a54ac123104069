using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Renkei.Formats.Feeds;

/// <summary>An IPv4 or IPv6 address as a value. IPv4 sits in the low 32 bits.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FeedAddress(UInt128 Value, bool IsIpv6)
{
    /// <summary>Room that <see cref="Format"/> needs at most.</summary>
    public const int MaxTextBytes = 45;

    /// <summary>
    /// Reads dotted decimal (four parts, no leading zeros, since others read those as octal) or RFC 4291 §2.2 text without zone.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out FeedAddress address)
    {
        if (TryParseIpv4(text, out var ipv4))
        {
            address = new FeedAddress(ipv4, IsIpv6: false);
            return true;
        }
        if (text.Length is >= 2 and <= MaxTextBytes && text.Contains((byte)':') && text.IndexOfAnyExcept(Ascii6) < 0
            && IPAddress.TryParse(text, out var parsed))
        {
            Span<byte> bytes = stackalloc byte[16];
            if (parsed.TryWriteBytes(bytes, out var written) && written == 16)
            {
                address = new FeedAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes), IsIpv6: true);
                return true;
            }
        }
        address = default;
        return false;
    }

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return new IPAddress(IsIpv6 ? bytes : bytes[12..]);
    }

    /// <summary>Writes canonical text: dotted decimal, or RFC 5952 (lower case, longest run of two or more zero groups as ::, the
    /// IPv4-mapped prefix of §5 with a dotted tail).</summary>
    /// <returns>Bytes written; the destination holds at least <see cref="MaxTextBytes"/>.</returns>
    public int Format(Span<byte> destination)
    {
        if (!IsIpv6)
        {
            return FormatIpv4((uint)Value, destination);
        }
        if (Value >> 32 == 0xFFFF)
        {
            "::ffff:"u8.CopyTo(destination);
            return 7 + FormatIpv4((uint)(Value & uint.MaxValue), destination[7..]);
        }
        Span<ushort> groups = stackalloc ushort[8];
        for (var i = 0; i < 8; i++)
        {
            groups[i] = (ushort)((Value >> (112 - (16 * i))) & 0xFFFF);
        }
        var (bestStart, bestLength) = (-1, 1);
        for (var i = 0; i < 8; i++)
        {
            var run = 0;
            while (i + run < 8 && groups[i + run] == 0)
            {
                run++;
            }
            if (run > bestLength)
            {
                (bestStart, bestLength) = (i, run);
            }
            i += run;
        }
        var used = 0;
        for (var i = 0; i < 8; i++)
        {
            if (i == bestStart)
            {
                destination[used++] = (byte)':';
                destination[used++] = (byte)':';
                i += bestLength - 1;
                continue;
            }
            if (i > 0 && i != bestStart + bestLength)
            {
                destination[used++] = (byte)':';
            }
            Utf8Formatter.TryFormat(groups[i], destination[used..], out var written, new System.Buffers.StandardFormat('x'));
            used += written;
        }
        return used;
    }

    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxTextBytes];
        return Encoding.ASCII.GetString(text[..Format(text)]);
    }

    internal static bool TryParseIpv4(ReadOnlySpan<byte> text, out uint address)
    {
        address = 0;
        if (text.Length is < 7 or > 15)
        {
            return false;
        }
        uint part = 0;
        var (digits, dots) = (0, 0);
        foreach (var b in text)
        {
            if (b == '.')
            {
                if (digits == 0 || ++dots > 3)
                {
                    return false;
                }
                address = (address << 8) | part;
                part = 0;
                digits = 0;
                continue;
            }
            var digit = (uint)(b - '0');
            if (digit > 9 || (digits > 0 && part == 0))
            {
                return false;
            }
            part = (part * 10) + digit;
            digits++;
            if (part > 255)
            {
                return false;
            }
        }
        address = (address << 8) | part;
        return dots == 3 && digits > 0;
    }

    private static ReadOnlySpan<byte> Ascii6Bytes => "0123456789abcdefABCDEF:."u8;

    private static readonly System.Buffers.SearchValues<byte> Ascii6 = System.Buffers.SearchValues.Create(Ascii6Bytes);

    private static int FormatIpv4(uint value, Span<byte> destination)
    {
        var used = 0;
        for (var shift = 24; shift >= 0; shift -= 8)
        {
            Utf8Formatter.TryFormat((byte)(value >> shift), destination[used..], out var written);
            used += written;
            if (shift > 0)
            {
                destination[used++] = (byte)'.';
            }
        }
        return used;
    }
}
