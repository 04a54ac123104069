using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.PrefixTable;
using Renkei.Geo;

namespace Renkei.Units.Geo;

public sealed class PrefixMapTests
{
    [Fact]
    public void The_most_specific_network_answers_and_the_larger_ones_are_listed_after_it()
    {
        PrefixMap map = Map(("192.0.2.0/24", 1u), ("192.0.0.0/16", 2u), ("192.0.2.128/25", 3u), ("0.0.0.0/0", 4u), ("2001:db8::/32", 5u), ("2001:db8:1::/48", 6u));

        Assert.Equal("192.0.2.128/25=3, 192.0.2.0/24=1, 192.0.0.0/16=2, 0.0.0.0/0=4", Covering(map, "192.0.2.255"));
        Assert.Equal("192.0.2.0/24=1, 192.0.0.0/16=2, 0.0.0.0/0=4", Covering(map, "192.0.2.127"));
        Assert.Equal("192.0.0.0/16=2, 0.0.0.0/0=4", Covering(map, "192.0.3.0"));
        Assert.Equal("0.0.0.0/0=4", Covering(map, "255.255.255.255"));
        Assert.Equal("2001:db8:1::/48=6, 2001:db8::/32=5", Covering(map, "2001:db8:1:ffff:ffff:ffff:ffff:ffff"));
        Assert.Equal("2001:db8::/32=5", Covering(map, "2001:db8:2::"));
        Assert.Equal("", Covering(map, "2001:db9::"));
        Assert.Equal("192.0.2.128/25=3, 192.0.2.0/24=1, 192.0.0.0/16=2, 0.0.0.0/0=4", Covering(map, "::ffff:192.0.2.255"));
    }

    [Fact]
    public void Of_a_network_given_twice_the_later_row_counts()
    {
        PrefixMap map = Map(("198.51.100.0/24", 9u), ("192.0.2.0/24", 1u), ("192.0.2.0/24", 2u), ("192.0.2.0/24", 3u));

        Assert.Equal(2, map.Count);
        Assert.Equal("192.0.2.0/24=3", Covering(map, "192.0.2.1"));
    }

    [Fact]
    public void The_ends_of_the_address_space_are_found()
    {
        PrefixMap map = Map(("0.0.0.0/32", 1u), ("255.255.255.255/32", 2u), ("::/128", 3u), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 4u));

        Assert.Equal("0.0.0.0/32=1", Covering(map, "0.0.0.0"));
        Assert.Equal("", Covering(map, "0.0.0.1"));
        Assert.Equal("255.255.255.255/32=2", Covering(map, "255.255.255.255"));
        Assert.Equal("", Covering(map, "255.255.255.254"));
        Assert.Equal("::/128=3", Covering(map, "::"));
        Assert.Equal("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128=4", Covering(map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
        Assert.False(PrefixMap.Empty.TryFind(IPAddress.Loopback, out _));
    }

    [Fact]
    public void Every_lookup_is_what_a_scan_of_all_rows_finds()
    {
        // Few distinct bits, so that networks nest, touch and repeat; addresses at and beside their ends.
        Gen<AddressPrefix> ipv4 = Gen.Zip(Gen.Choose(0, 255), Gen.Choose(0, 32))
            .Select(pair => AddressPrefix.V4((uint)(((pair.Item1 >> 4) << 28) | (pair.Item1 & 15)), pair.Item2));
        Gen<AddressPrefix> ipv6 = Gen.Zip(Gen.Choose(0, 255), Gen.Choose(0, 128))
            .Select(pair => AddressPrefix.V6(((UInt128)(pair.Item1 >> 4) << 124) | (uint)(pair.Item1 & 15), pair.Item2));
        Gen<AddressPrefix[]> rows = Gen.ArrayOf(Gen.OneOf(ipv4, ipv6));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400), Prop.ForAll(rows.ToArbitrary(), prefixes =>
        {
            PrefixMap map = PrefixMap.Build(prefixes.Select((prefix, index) => new PrefixMatch(prefix, (uint)index)));
            return prefixes.SelectMany(Edges).All(address =>
                map.Covering(address).SequenceEqual(Scan(prefixes, address))
                && map.TryFind(address, out PrefixMatch match) == Scan(prefixes, address).Any()
                && (!Scan(prefixes, address).Any() || match == Scan(prefixes, address).First()));
        }));
    }

    private static IEnumerable<PrefixMatch> Scan(AddressPrefix[] prefixes, IPAddress address) => prefixes
        .Select((prefix, index) => new PrefixMatch(prefix, (uint)index))
        .Where(row => row.Prefix.Contains(address))
        .GroupBy(row => row.Prefix)
        .Select(same => same.Last())
        .OrderByDescending(row => row.Prefix.Length);

    private static IEnumerable<IPAddress> Edges(AddressPrefix prefix)
    {
        foreach (UInt128 bits in (UInt128[])[prefix.Start - 1, prefix.Start, prefix.Last, prefix.Last + 1])
        {
            yield return prefix.IsIPv4
                ? AddressPrefix.V4((uint)(bits & uint.MaxValue), 32).ToIPNetwork().BaseAddress
                : AddressPrefix.V6(bits, 128).ToIPNetwork().BaseAddress;
        }
    }

    private static PrefixMap Map(params ReadOnlySpan<(string, uint)> rows)
    {
        var matches = new List<PrefixMatch>();
        foreach ((string text, uint value) in rows)
        {
            Assert.True(AddressPrefix.TryParse(Encoding.ASCII.GetBytes(text), out AddressPrefix prefix, out string? reason), reason);
            matches.Add(new PrefixMatch(prefix, value));
        }

        return PrefixMap.Build(matches);
    }

    private static string Covering(PrefixMap map, string address) =>
        string.Join(", ", map.Covering(IPAddress.Parse(address)).Select(match => $"{match.Prefix}={match.Value}"));
}
