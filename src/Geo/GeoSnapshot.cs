using System.Net;
using System.Runtime.InteropServices;
using Renkei.Formats.PrefixTable;

namespace Renkei.Geo;

/// <summary>
/// What is known of an address; a null is "not known", never "nobody". <paramref name="Prefix"/> is the most specific announced network,
/// or, where no table says who announces the address, the network its country was found by. <paramref name="Country"/> is ISO 3166-1 alpha-2,
/// or EU or AP where a registry gave no better.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct GeoFacts(AddressPrefix? Prefix, uint? Asn, string? AsName, string? Country);

/// <summary>What is known of an AS number; <paramref name="Country"/> is where its holder registered it, not where its addresses are.</summary>
public sealed record AsnFacts(uint Asn, string? Name, string? Country);

/// <summary>A network around an address, and the AS number it is announced by.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct AnnouncedPrefix(AddressPrefix Prefix, uint Asn);

public enum GeoFileKind
{
    Mmdb,
    DelegatedStats,
    PrefixTable,
}

/// <summary>
/// A file that still feeds the snapshot. <paramref name="Serial"/> and <paramref name="Date"/> are the file's own words (registry serial and
/// end date; database type and build time). <paramref name="Tables"/> names what it feeds, such as <c>announced/ipv4</c> or <c>delegated/apnic</c>:
/// a later file that feeds the same table replaces this one there.
/// </summary>
public sealed record GeoSource(
    string Name, GeoFileKind Kind, string Sha256, string? Serial, DateTimeOffset? Date, DateTimeOffset LoadedAt, long Rows, IReadOnlyList<string> Tables);

/// <summary>
/// One immutable version of the address tables. Two layers each, asked in turn:
/// <list type="bullet">
/// <item>ASN: prefix table, then MMDB. A prefix table is today's routing as seen by collectors, and its prefixes are the announced ones, which
/// contacts are registered for; an MMDB is weeks old and cuts networks where its own data changes.</item>
/// <item>Country: MMDB, then registry statistics. A registry says where the holder is registered; an MMDB tries to say where the network is used.</item>
/// </list>
/// A layer that knows the address at all answers for it: a smaller network in the layer below does not override it.
/// Country is never guessed from the AS number, since carriers announce addresses of many countries. Safe for many threads.
/// </summary>
public sealed class GeoSnapshot
{
    private readonly GeoTables _tables;

    internal GeoSnapshot(long version, DateTimeOffset loadedAt, IReadOnlyList<GeoSource> sources, GeoTables tables)
    {
        Version = version;
        LoadedAt = loadedAt;
        Sources = sources;
        _tables = tables;
    }

    /// <summary>Knows nothing: version 0, no sources.</summary>
    public static GeoSnapshot Empty { get; } = new(0, DateTimeOffset.UnixEpoch, [], GeoTables.Empty);

    /// <summary>Counts up with each load; write it beside facts that were looked up, to tell later by which tables.</summary>
    public long Version { get; }

    public DateTimeOffset LoadedAt { get; }

    public IReadOnlyList<GeoSource> Sources { get; }

    /// <summary>Number of networks in all tables.</summary>
    public long Networks => (long)_tables.Announced.Count + _tables.MmdbAsn.Count + _tables.MmdbCountry.Count + _tables.Delegated.Count;

    internal GeoTables Tables => _tables;

    /// <summary>IPv4-mapped IPv6 addresses count as IPv4. Allocates nothing.</summary>
    public GeoFacts Lookup(IPAddress address)
    {
        UInt128 bits = AddressPrefix.BitsOf(address, out bool isIPv4);
        AddressPrefix? prefix = null;
        uint? asn = null;
        string? name = null;
        if (_tables.Announced.TryFind(bits, isIPv4, out PrefixMatch origin) || _tables.MmdbAsn.TryFind(bits, isIPv4, out origin))
        {
            prefix = origin.Prefix;
            asn = origin.Value;
            _tables.AsnNames.TryGetValue(origin.Value, out name);
        }

        string? country = null;
        if (_tables.MmdbCountry.TryFind(bits, isIPv4, out PrefixMatch place) || _tables.Delegated.TryFind(bits, isIPv4, out place))
        {
            prefix ??= place.Prefix;
            country = CountryCode.Unpack(place.Value & 0xFFFF);
        }

        return new GeoFacts(prefix, asn, name, country);
    }

    /// <summary>All announced networks around the address, most specific first, from the layer that answers for it.</summary>
    public IReadOnlyList<AnnouncedPrefix> Covering(IPAddress address)
    {
        IReadOnlyList<PrefixMatch> found = _tables.Announced.Covering(address);
        if (found.Count == 0)
        {
            found = _tables.MmdbAsn.Covering(address);
        }

        return [.. found.Select(match => new AnnouncedPrefix(match.Prefix, match.Value))];
    }

    /// <summary>Name (from an MMDB) and country of registration (from registry statistics) of an AS number.</summary>
    public AsnFacts Describe(uint asn)
    {
        int row = _tables.AsnCountry.Find(asn);
        return new AsnFacts(asn, _tables.AsnNames.GetValueOrDefault(asn), row < 0 ? null : CountryCode.Unpack(_tables.AsnCountry.Row(row).Value & 0xFFFF));
    }
}

/// <summary>
/// The tables of a snapshot. Values: AS number; packed country; for the registries, packed country in the low 16 bits and index into
/// <paramref name="Registries"/> above, so that one registry's file can replace its own rows alone. AS numbers are kept as blocks, as if addresses.
/// </summary>
internal sealed record GeoTables(
    PrefixMap Announced,
    PrefixMap MmdbAsn,
    PrefixMap MmdbCountry,
    PrefixMap Delegated,
    IntervalTable<uint> AsnCountry,
    Dictionary<uint, string> AsnNames,
    IReadOnlyList<string> Registries)
{
    public static GeoTables Empty { get; } =
        new(PrefixMap.Empty, PrefixMap.Empty, PrefixMap.Empty, PrefixMap.Empty, IntervalTable<uint>.Empty, [], []);
}
