using System.Net;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.Feeds;

namespace Renkei.Units.Formats.Feeds;

public class FeedAddressTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("2001:0:0:1:0:0:0:1", "2001:0:0:1::1")]
    [InlineData("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("0:0:0:0:0:0:0:0", "::")]
    [InlineData("::1", "::1")]
    [InlineData("fe80::", "fe80::")]
    [InlineData("::FFFF:192.0.2.128", "::ffff:192.0.2.128")]
    public void Addresses_are_written_in_their_one_canonical_form(string text, string expected)
    {
        Assert.True(FeedAddress.TryParse(Encoding.UTF8.GetBytes(text), out var address));
        Assert.Equal(expected, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("192.0.2")]
    [InlineData("192.0.2.256")]
    [InlineData("192.0.02.1")]
    [InlineData("192.0.2.1 ")]
    [InlineData("192.0.2.1.")]
    [InlineData(".192.0.2.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("3221225985")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[2001:db8::1]")]
    [InlineData("2001:db8::1::2")]
    [InlineData("2001:db8::12345")]
    [InlineData("host.example")]
    public void What_is_no_address_is_refused(string text) => Assert.False(FeedAddress.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Every_address_survives_text_and_agrees_with_the_framework()
    {
        var groups = Gen.Elements(0, 0, 0, 1, 0xFFFF, 0xDB8).ArrayOf(8).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(groups, parts =>
        {
            var bytes = parts.SelectMany(part => new[] { (byte)(part >> 8), (byte)part }).ToArray();
            var framework = new IPAddress(bytes);
            return FeedAddress.TryParse(Encoding.ASCII.GetBytes(framework.ToString()), out var address)
                && FeedAddress.TryParse(Encoding.ASCII.GetBytes(address.ToString()), out var again) && again == address
                && address.ToIPAddress().Equals(framework) && address.ToIPAddress().AddressFamily == AddressFamily.InterNetworkV6;
        }));
    }
}
