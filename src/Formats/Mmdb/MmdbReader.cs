using System.Diagnostics.CodeAnalysis;
using System.Net;
using Renkei.Formats.PrefixTable;

namespace Renkei.Formats.Mmdb;

/// <summary>The network an address was found in, and what the database says of it.</summary>
public sealed record MmdbMatch(AddressPrefix Network, MmdbValue Value);

/// <summary>
/// Reads MaxMind DB files, format version 2.0 (records of 24, 28 and 32 bits, IPv4 and IPv6 trees). The bytes may be an array or a mapped
/// file; nothing is copied. Hostile bytes give a typed error with the offset, in bounded time. Safe for many threads.
/// </summary>
public sealed class MmdbReader
{
    /// <summary>Greatest size of the metadata section, its marker included.</summary>
    public const int MaxMetadata = 128 * 1024;

    private const int Separator = 16;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly int _dataStart;
    private readonly int _dataEnd;
    private readonly uint _ipv4Start;
    private readonly int _ipv4Depth;

    private MmdbReader(ReadOnlyMemory<byte> file, MmdbMetadata metadata, int dataStart, int dataEnd)
    {
        _file = file;
        Metadata = metadata;
        _dataStart = dataStart;
        _dataEnd = dataEnd;

        // IPv4 lies at ::/96 of an IPv6 tree. The walk there may end early, at a record that covers all of it.
        while (metadata.IpVersion == 6 && _ipv4Depth < 96 && _ipv4Start < metadata.NodeCount)
        {
            _ipv4Start = Record(file.Span, _ipv4Start, 0);
            _ipv4Depth++;
        }
    }

    public MmdbMetadata Metadata { get; }

    /// <summary>"\xab\xcd\xefMaxMind.com": its last occurrence ends the data section.</summary>
    private static ReadOnlySpan<byte> Marker => [0xAB, 0xCD, 0xEF, (byte)'M', (byte)'a', (byte)'x', (byte)'M', (byte)'i', (byte)'n', (byte)'d', (byte)'.', (byte)'c', (byte)'o', (byte)'m'];

    internal uint IPv4Start => _ipv4Start;

    /// <summary>Whether the bytes carry the format's marker where it has to be.</summary>
    public static bool LooksLike(ReadOnlySpan<byte> file) => file[^Math.Min(file.Length, MaxMetadata)..].LastIndexOf(Marker) >= 0;

    /// <summary>Reads the metadata and checks that tree and data section fit the file. Networks and records are checked when read.</summary>
    public static bool TryOpen(ReadOnlyMemory<byte> file, [NotNullWhen(true)] out MmdbReader? reader, [NotNullWhen(false)] out MmdbError? error)
    {
        reader = null;
        int tailStart = Math.Max(0, file.Length - MaxMetadata);
        int marker = file.Span[tailStart..].LastIndexOf(Marker);
        if (marker < 0)
        {
            error = new MmdbError(MmdbErrorKind.NoMetadata, tailStart, "no metadata marker in the last 128 KiB");
            return false;
        }

        int dataEnd = tailStart + marker;
        int metadataStart = dataEnd + Marker.Length;
        if (!TryReadMetadata(file, metadataStart, out MmdbMetadata? metadata, out error))
        {
            return false;
        }

        long dataStart = ((long)metadata.NodeCount * (metadata.RecordSize / 4)) + Separator;
        if (dataStart > dataEnd)
        {
            error = new MmdbError(MmdbErrorKind.BadTree, dataEnd, "the file is too small for its search tree");
            return false;
        }

        int separatorAt = (int)dataStart - Separator;
        if (file.Span.Slice(separatorAt, Separator).ContainsAnyExcept((byte)0))
        {
            error = new MmdbError(MmdbErrorKind.BadTree, separatorAt, "no sixteen zero bytes between search tree and data");
            return false;
        }

        reader = new MmdbReader(file, metadata, (int)dataStart, dataEnd);
        return true;
    }

    /// <summary>
    /// Looks an address up. False without an error: the database says nothing of it. An IPv4-mapped address counts as IPv4;
    /// an IPv6 address in an IPv4 database is not found. Where a record covers more than all of IPv4, the network is 0.0.0.0/0.
    /// </summary>
    public bool TryLookup(IPAddress address, [NotNullWhen(true)] out MmdbMatch? match, out MmdbError? error)
    {
        match = null;
        error = null;
        UInt128 bits = AddressPrefix.BitsOf(address, out bool isIPv4);
        bool inIPv6 = Metadata.IpVersion == 6;
        if (!isIPv4 && !inIPv6)
        {
            return false;
        }

        ReadOnlySpan<byte> file = _file.Span;
        int width = inIPv6 ? 128 : 32;
        int depth = isIPv4 ? _ipv4Depth : 0;
        uint record = isIPv4 ? _ipv4Start : 0;
        uint node = 0;
        while (record < Metadata.NodeCount)
        {
            if (depth == width)
            {
                error = new MmdbError(MmdbErrorKind.BadTree, NodeOffset(node), "search tree is deeper than an address has bits");
                return false;
            }

            node = record;
            record = Record(file, node, (int)(bits >> (width - 1 - depth)) & 1);
            depth++;
        }

        if (record == Metadata.NodeCount)
        {
            return false;
        }

        if (!TryDataOffset(record, node, out int dataOffset, out error) || !TryRead(dataOffset, out MmdbValue? value, out error))
        {
            return false;
        }

        AddressPrefix network = isIPv4
            ? AddressPrefix.V4((uint)bits, Math.Max(0, depth - (width - 32)))
            : AddressPrefix.V6(bits, depth);
        match = new MmdbMatch(network, value);
        return true;
    }

    /// <summary>All networks that have a record, in address order; see <see cref="MmdbNetworks"/>.</summary>
    public MmdbNetworks Networks() => new(this);

    /// <summary>The value at a file offset taken from <see cref="MmdbNetworks.DataOffset"/>. Many networks share one: keep what you read.</summary>
    public bool TryRead(int dataOffset, [NotNullWhen(true)] out MmdbValue? value, [NotNullWhen(false)] out MmdbError? error)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dataOffset, _dataStart);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dataOffset, _dataEnd);
        var decoder = new MmdbDecoder(_file, _dataStart, _dataEnd);
        value = decoder.Read(dataOffset);
        error = decoder.Error;
        return value is not null;
    }

    internal uint Record(uint node, int side) => Record(_file.Span, node, side);

    internal long NodeOffset(uint node) => (long)node * (Metadata.RecordSize / 4);

    internal bool TryDataOffset(uint record, uint node, out int dataOffset, [NotNullWhen(false)] out MmdbError? error)
    {
        long offset = _dataStart + ((long)record - Metadata.NodeCount - Separator);
        dataOffset = (int)Math.Min(offset, int.MaxValue);
        error = offset >= _dataStart && offset < _dataEnd
            ? null
            : new MmdbError(MmdbErrorKind.BadTree, NodeOffset(node), "record points outside the data section");
        return error is null;
    }

    private static bool TryReadMetadata(ReadOnlyMemory<byte> file, int start, [NotNullWhen(true)] out MmdbMetadata? metadata, [NotNullWhen(false)] out MmdbError? error)
    {
        metadata = null;
        var decoder = new MmdbDecoder(file, start, file.Length);
        MmdbValue? map = decoder.Read(start);
        error = decoder.Error;
        if (map is null)
        {
            error ??= new MmdbError(MmdbErrorKind.BadMetadata, start, "metadata cannot be read");
            return false;
        }

        if (Number(map, "binary_format_major_version", ushort.MaxValue) is not { } major
            || Number(map, "binary_format_minor_version", ushort.MaxValue) is not { } minor
            || Number(map, "node_count", uint.MaxValue) is not { } nodeCount
            || Number(map, "record_size", ushort.MaxValue) is not { } recordSize
            || Number(map, "ip_version", ushort.MaxValue) is not { } ipVersion
            || Number(map, "build_epoch", ulong.MaxValue) is not { } buildEpoch
            || map.At("database_type")?.AsText() is not { } databaseType)
        {
            error = new MmdbError(MmdbErrorKind.BadMetadata, start, "a required metadata key is missing or of another type");
            return false;
        }

        if (major != 2 || recordSize is not (24 or 28 or 32) || ipVersion is not (4 or 6))
        {
            error = new MmdbError(MmdbErrorKind.Unsupported, start, "format version must be 2, record size 24, 28 or 32, IP version 4 or 6");
            return false;
        }

        // The last second of the year 9999: beyond it there is no date to give.
        if (buildEpoch > 253_402_300_799)
        {
            error = new MmdbError(MmdbErrorKind.BadMetadata, start, "build_epoch is no date");
            return false;
        }

        var languages = new List<string>();
        foreach (MmdbValue language in (map.At("languages") as MmdbValue.List)?.Items ?? [])
        {
            languages.Add(language.AsText() ?? "");
        }

        var description = new Dictionary<string, string>(StringComparer.Ordinal);
        if (map.At("description") is MmdbValue.Map texts)
        {
            foreach ((string language, MmdbValue text) in texts.Items)
            {
                description[language] = text.AsText() ?? "";
            }
        }

        metadata = new MmdbMetadata(
            (uint)nodeCount, (int)recordSize, (int)ipVersion, databaseType, DateTimeOffset.FromUnixTimeSeconds((long)buildEpoch),
            (int)major, (int)minor, languages, description);
        error = null;
        return true;
    }

    private static ulong? Number(MmdbValue map, string key, ulong max) => map.At(key)?.AsNumber() is { } value && value <= max ? value : null;

    /// <summary>Left (0) or right (1) record of a node that is known to exist ("Node Layout").</summary>
    private uint Record(ReadOnlySpan<byte> file, uint node, int side)
    {
        switch (Metadata.RecordSize)
        {
            case 24:
                ReadOnlySpan<byte> three = file.Slice((int)((node * 6L) + (side * 3)), 3);
                return ((uint)three[0] << 16) | ((uint)three[1] << 8) | three[2];
            case 28:
                ReadOnlySpan<byte> seven = file.Slice((int)(node * 7L), 7);
                return side == 0
                    ? ((seven[3] & 0xF0u) << 20) | ((uint)seven[0] << 16) | ((uint)seven[1] << 8) | seven[2]
                    : ((seven[3] & 0x0Fu) << 24) | ((uint)seven[4] << 16) | ((uint)seven[5] << 8) | seven[6];
            default:
                ReadOnlySpan<byte> four = file.Slice((int)((node * 8L) + (side * 4)), 4);
                return ((uint)four[0] << 24) | ((uint)four[1] << 16) | ((uint)four[2] << 8) | four[3];
        }
    }
}
