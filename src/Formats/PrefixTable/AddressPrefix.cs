using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace Renkei.Formats.PrefixTable;

/// <summary>
/// An IPv4 or IPv6 network in CIDR form (RFC 4632, RFC 4291 §2.3) as plain numbers: no allocation, ordered, comparable.
/// The bits beyond <see cref="Length"/> are always zero.
/// </summary>
public readonly record struct AddressPrefix
{
    private static readonly SearchValues<byte> IPv6Characters = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    private AddressPrefix(UInt128 start, byte length, bool isIPv4)
    {
        Start = start;
        Length = length;
        IsIPv4 = isIPv4;
    }

    /// <summary>First address as a number; an IPv4 address sits in the lowest 32 bits.</summary>
    public UInt128 Start { get; }

    /// <summary>Number of leading bits that are fixed: 0 to 32 for IPv4, 0 to 128 for IPv6.</summary>
    public byte Length { get; }

    public bool IsIPv4 { get; }

    /// <summary>Last address of the network, in the same form as <see cref="Start"/>.</summary>
    public UInt128 Last => IsIPv4 ? Start | (uint)(uint.MaxValue & ~MaskV4(Length)) : Start | ~MaskV6(Length);

    /// <summary>The IPv4 network of that length that holds the address; bits beyond the length are cleared.</summary>
    public static AddressPrefix V4(uint address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 32);
        return new AddressPrefix(address & MaskV4(length), (byte)length, isIPv4: true);
    }

    /// <summary>The IPv6 network of that length that holds the address; bits beyond the length are cleared.</summary>
    public static AddressPrefix V6(UInt128 address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 128);
        return new AddressPrefix(address & MaskV6(length), (byte)length, isIPv4: false);
    }

    /// <summary>
    /// Reads <c>address/length</c>. Refuses what others guess at: octal and shortened IPv4, zone ids, bits set beyond the length.
    /// A network inside ::ffff:0:0/96 (RFC 4291 §2.5.5.2) becomes the IPv4 network it stands for.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out AddressPrefix prefix, out string? reason)
    {
        prefix = default;
        int slash = text.IndexOf((byte)'/');
        if (slash < 0)
        {
            reason = "no prefix length: expected address/length";
            return false;
        }

        return TryParse(text[..slash], text[(slash + 1)..], out prefix, out reason);
    }

    /// <summary>As <see cref="TryParse(ReadOnlySpan{byte}, out AddressPrefix, out string?)"/>, address and length given apart.</summary>
    public static bool TryParse(ReadOnlySpan<byte> address, ReadOnlySpan<byte> length, out AddressPrefix prefix, out string? reason)
    {
        prefix = default;
        if (!TryParseAddress(address, out UInt128 bits, out bool isIPv4))
        {
            reason = "not an IPv4 or IPv6 address";
            return false;
        }

        if (!AsciiNumber.TryParse(length, isIPv4 ? 32u : 128u, out ulong bitCount))
        {
            reason = isIPv4 ? "prefix length is not a number from 0 to 32" : "prefix length is not a number from 0 to 128";
            return false;
        }

        AddressPrefix masked = isIPv4 ? V4((uint)bits, (int)bitCount) : V6(bits, (int)bitCount);
        if (masked.Start != bits)
        {
            reason = "address has bits set beyond the prefix length";
            return false;
        }

        bool mapped = !isIPv4 && bitCount >= 96 && bits >> 32 == 0xFFFF;
        prefix = mapped ? V4((uint)(bits & uint.MaxValue), (int)bitCount - 96) : masked;
        reason = null;
        return true;
    }

    /// <summary>Reads a dotted quad without leading zeros, or an RFC 4291 §2.2 address without zone id.</summary>
    public static bool TryParseAddress(ReadOnlySpan<byte> text, out UInt128 bits, out bool isIPv4)
    {
        bits = default;
        isIPv4 = false;
        if (text.IndexOf((byte)':') < 0)
        {
            isIPv4 = TryParseQuad(text, out uint quad);
            bits = quad;
            return isIPv4;
        }

        // IPAddress also reads "[::1]:80" and "fe80::1%eth0": only the plain form names one address for everyone.
        if (text.Length > 45 || text.ContainsAnyExcept(IPv6Characters) || !IPAddress.TryParse(text, out IPAddress? parsed)
            || parsed.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        bits = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    /// <summary>The address as a number; IPv4-mapped IPv6 (::ffff:a.b.c.d) counts as the IPv4 address it carries.</summary>
    public static UInt128 BitsOf(IPAddress address, out bool isIPv4)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        if (written == 4)
        {
            isIPv4 = true;
            return BinaryPrimitives.ReadUInt32BigEndian(bytes);
        }

        UInt128 bits = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        isIPv4 = bits >> 32 == 0xFFFF;
        return isIPv4 ? bits & uint.MaxValue : bits;
    }

    /// <summary>
    /// The fewest IPv4 networks that together are exactly the <paramref name="count"/> addresses from <paramref name="start"/> on, in order.
    /// Numbers beyond 2^32 are cut off. At most 62 networks.
    /// </summary>
    public static List<AddressPrefix> CoverRange(uint start, ulong count)
    {
        var networks = new List<AddressPrefix>(1);
        ulong at = start, left = Math.Min(count, (1UL << 32) - start);
        while (left > 0)
        {
            int aligned = at == 0 ? 32 : Math.Min(32, BitOperations.TrailingZeroCount(at));
            int hostBits = Math.Min(aligned, BitOperations.Log2(left));
            networks.Add(V4((uint)at, 32 - hostBits));
            at += 1UL << hostBits;
            left -= 1UL << hostBits;
        }

        return networks;
    }

    public bool Contains(IPAddress address)
    {
        UInt128 bits = BitsOf(address, out bool isIPv4);
        return isIPv4 == IsIPv4 && bits >= Start && bits <= Last;
    }

    public IPNetwork ToIPNetwork() => new(StartAddress(), Length);

    /// <summary>CIDR text such as <c>192.0.2.0/24</c> or <c>2001:db8::/32</c> (RFC 5952).</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{StartAddress()}/{Length}");

    private static bool TryParseQuad(ReadOnlySpan<byte> text, out uint quad)
    {
        quad = 0;
        for (int part = 0; part < 4; part++)
        {
            int end = part < 3 ? text.IndexOf((byte)'.') : text.Length;
            if (end is < 1 or > 3 || (end > 1 && text[0] == (byte)'0') || !AsciiNumber.TryParse(text[..end], 255, out ulong value))
            {
                return false;
            }

            quad = (quad << 8) | (uint)value;
            text = part < 3 ? text[(end + 1)..] : default;
        }

        return true;
    }

    private static uint MaskV4(int length) => length == 0 ? 0 : uint.MaxValue << (32 - length);

    private static UInt128 MaskV6(int length) => length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);

    private IPAddress StartAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Start);
        return new IPAddress(IsIPv4 ? bytes[12..] : bytes);
    }
}
