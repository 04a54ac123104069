using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Renkei.Kernel;

/// <summary>
/// Strict reading and the one writing of addresses and prefixes. <see cref="System.Net.IPAddress"/> is not used: it accepts
/// octal, hexadecimal and one-part IPv4 as well as scopes and ports, and two readers that disagree are how filters get bypassed.
/// </summary>
internal static class AddressForm
{
    /// <summary>Four decimal parts, no leading zeros (RFC 6943 §3.1.1 "strict").</summary>
    internal static bool TryReadIPv4(ReadOnlySpan<char> text, out uint address)
    {
        address = 0;
        if (text.Length is < 7 or > 15)
        {
            return false;
        }

        var parts = 0;
        var i = 0;
        while (true)
        {
            var start = i;
            uint part = 0;
            while (i < text.Length && char.IsAsciiDigit(text[i]))
            {
                part = part * 10 + (uint)(text[i] - '0');
                i++;
                if (i - start > 3)
                {
                    return false;
                }
            }

            var digits = i - start;
            if (digits == 0 || part > 255 || (digits > 1 && text[start] == '0'))
            {
                return false;
            }

            address = (address << 8) | part;
            parts++;
            if (i == text.Length)
            {
                return parts == 4;
            }

            if (parts == 4 || text[i] != '.')
            {
                return false;
            }

            i++;
        }
    }

    /// <summary>RFC 4291 §2.2 text forms, without scope identifiers.</summary>
    internal static bool TryReadIPv6(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = 0;
        if (text.Length is < 2 or > 45)
        {
            return false;
        }

        Span<ushort> groups = stackalloc ushort[8];
        var count = 0;
        var gap = -1;
        var i = 0;
        if (text[0] == ':')
        {
            if (text[1] != ':')
            {
                return false;
            }

            gap = 0;
            i = 2;
        }

        while (i < text.Length)
        {
            if (count == 8)
            {
                return false;
            }

            var start = i;
            var group = 0;
            while (i < text.Length && char.IsAsciiHexDigit(text[i]))
            {
                group = (group << 4) | Convert.ToInt32(text[i].ToString(), 16);
                i++;
                if (i - start > 4)
                {
                    return false;
                }
            }

            if (i < text.Length && text[i] == '.')
            {
                if (count > 6 || !TryReadIPv4(text[start..], out var tail))
                {
                    return false;
                }

                groups[count++] = (ushort)(tail >> 16);
                groups[count++] = (ushort)tail;
                i = text.Length;
                break;
            }

            if (i == start)
            {
                return false;
            }

            groups[count++] = (ushort)group;
            if (i == text.Length)
            {
                break;
            }

            if (text[i] != ':')
            {
                return false;
            }

            i++;
            if (i == text.Length)
            {
                return false;
            }

            if (text[i] == ':')
            {
                if (gap >= 0)
                {
                    return false;
                }

                gap = count;
                i++;
            }
        }

        if (gap < 0 ? count != 8 : count > 7)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        for (var g = 0; g < count; g++)
        {
            var at = gap >= 0 && g >= gap ? 8 - count + g : g;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[(at * 2)..], groups[g]);
        }

        address = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    internal static string Write(uint address) =>
        string.Create(CultureInfo.InvariantCulture, $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}");

    /// <summary>RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups shortened, the first of equals.</summary>
    internal static string Write(UInt128 address)
    {
        Span<ushort> groups = stackalloc ushort[8];
        for (var g = 0; g < 8; g++)
        {
            groups[g] = (ushort)(address >> (112 - 16 * g));
        }

        var (best, length) = (-1, 1);
        for (var g = 0; g < 8; g++)
        {
            var end = g;
            while (end < 8 && groups[end] == 0)
            {
                end++;
            }

            if (end - g > length)
            {
                (best, length) = (g, end - g);
            }

            g = Math.Max(g, end - 1);
        }

        var text = new StringBuilder(39);
        for (var g = 0; g < 8; g++)
        {
            if (g == best)
            {
                text.Append("::");
                g += length - 1;
                continue;
            }

            if (text.Length > 0 && text[^1] != ':')
            {
                text.Append(':');
            }

            text.Append(groups[g].ToString("x", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    /// <summary>::ffff:0:0/96 is an IPv4 address in disguise (RFC 4291 §2.5.5.2).</summary>
    internal static bool IsMapped(UInt128 address) => address >> 32 == 0xFFFF;

    internal static uint Mask(uint address, int bits) => bits == 0 ? 0 : address & (uint.MaxValue << (32 - bits));

    internal static UInt128 Mask(UInt128 address, int bits) => bits == 0 ? 0 : address & (UInt128.MaxValue << (128 - bits));
}
