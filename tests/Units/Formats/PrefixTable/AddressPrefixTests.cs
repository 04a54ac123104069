using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.PrefixTable;

namespace Renkei.Units.Formats.PrefixTable;

public sealed class AddressPrefixTests
{
    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.0/24")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("255.255.255.255/32", "255.255.255.255/32")]
    [InlineData("2001:DB8::/32", "2001:db8::/32")]
    [InlineData("::/0", "::/0")]
    [InlineData("::ffff:192.0.2.0/120", "192.0.2.0/24")]
    public void A_network_reads_back_as_it_is_written(string text, string expected)
    {
        Assert.True(AddressPrefix.TryParse(Encoding.ASCII.GetBytes(text), out AddressPrefix prefix, out _));
        Assert.Equal(expected, prefix.ToString());
    }

    [Theory]
    [InlineData("192.0.2.0")]
    [InlineData("192.0.2.0/33")]
    [InlineData("192.0.2.0/")]
    [InlineData("192.0.2.0/+8")]
    [InlineData("192.0.2.1/24")]
    [InlineData("192.0.2/24")]
    [InlineData("192.0.02.0/24")]
    [InlineData("0300.0.2.0/24")]
    [InlineData("192.0.2.256/32")]
    [InlineData("192.0.2.0.0/24")]
    [InlineData("2001:db8::1/32")]
    [InlineData("2001:db8::/129")]
    [InlineData("fe80::1%eth0/128")]
    [InlineData("[2001:db8::]/32")]
    [InlineData("2001:db8:::/32")]
    [InlineData("")]
    public void A_network_that_could_be_read_two_ways_or_none_is_refused_with_a_reason(string text)
    {
        Assert.False(AddressPrefix.TryParse(Encoding.ASCII.GetBytes(text), out _, out string? reason));
        Assert.False(string.IsNullOrEmpty(reason));
    }

    [Fact]
    public void A_count_that_is_no_power_of_two_becomes_the_fewest_networks()
    {
        IReadOnlyList<AddressPrefix> networks = AddressPrefix.CoverRange(0xC000_0200, 768 + 1);

        Assert.Equal("192.0.2.0/23, 192.0.4.0/24, 192.0.5.0/32", string.Join(", ", networks));
    }

    [Fact]
    public void All_of_IPv4_is_one_network_and_a_range_beyond_its_end_is_cut()
    {
        Assert.Equal("0.0.0.0/0", string.Join(", ", AddressPrefix.CoverRange(0, 1UL << 32)));
        Assert.Equal("255.255.255.255/32", string.Join(", ", AddressPrefix.CoverRange(uint.MaxValue, 9)));
    }

    [Fact]
    public void The_networks_of_a_range_are_the_range_without_gap_or_overlap()
    {
        Gen<uint> start = Gen.Choose(0, int.MaxValue).Select(number => (uint)number * 2u);
        Gen<uint> count = Gen.OneOf(Gen.Choose(1, 5000), Gen.Choose(1, int.MaxValue)).Select(number => (uint)number);
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Gen.Zip(start, count).ToArbitrary(), pair =>
        {
            (uint first, uint size) = pair;
            ulong at = first;
            foreach (AddressPrefix network in AddressPrefix.CoverRange(first, size))
            {
                if (network.Start != at)
                {
                    return false;
                }

                at = (ulong)network.Last + 1;
            }

            return at == Math.Min((ulong)first + size, 1UL << 32);
        }));
    }

    [Fact]
    public void A_mapped_address_lies_in_the_IPv4_network()
    {
        AddressPrefix network = AddressPrefix.V4(0xC000_0200, 24);

        Assert.True(network.Contains(IPAddress.Parse("::ffff:192.0.2.9")));
        Assert.False(network.Contains(IPAddress.Parse("::192.0.2.9")));
        Assert.Equal(IPNetwork.Parse("192.0.2.0/24"), network.ToIPNetwork());
    }
}
