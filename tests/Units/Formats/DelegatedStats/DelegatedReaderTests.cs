using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.DelegatedStats;

namespace Renkei.Units.Formats.DelegatedStats;

public sealed class DelegatedReaderTests
{
    [Fact]
    public void A_file_gives_its_version_its_summaries_and_its_records()
    {
        List<DelegatedLine> lines = Read("""
            # comment
            2|apnic|20260102|4|19830101|20260101|+1000
            apnic|*|asn|*|1|summary
            apnic|*|ipv4|*|2|summary
            apnic|JP|asn|64496|16|20020801|allocated
            apnic|jp|ipv4|192.0.2.0|768|20110414|assigned|A1234567
            apnic||ipv4|203.0.113.0|256||available
            apnic|AU|ipv6|2001:db8::|32|00000000|allocated|A7654321|e-stats
            """);

        Assert.Equal(new DelegatedVersion(2, "2", "apnic", "20260102", 4, new DateOnly(1983, 1, 1), new DateOnly(2026, 1, 1), "+1000"), lines[0]);
        Assert.Equal(new DelegatedSummary(3, "apnic", DelegatedType.Asn, 1), lines[1]);
        Assert.Equal(new DelegatedAsn(5, "apnic", "JP", 64496, 16, new DateOnly(2002, 8, 1), DelegatedStatus.Allocated, null), lines[3]);
        DelegatedIPv4 ipv4 = Assert.IsType<DelegatedIPv4>(lines[4]);
        Assert.Equal(("JP", 768UL, DelegatedStatus.Assigned, "A1234567"), (ipv4.Country, ipv4.Count, ipv4.Status, ipv4.OpaqueId));
        Assert.Equal("192.0.2.0/23, 192.0.4.0/24", string.Join(", ", ipv4.Prefixes()));
        DelegatedIPv4 free = Assert.IsType<DelegatedIPv4>(lines[5]);
        Assert.Equal((null, null, DelegatedStatus.Available), (free.Country, free.Date, free.Status));
        DelegatedIPv6 ipv6 = Assert.IsType<DelegatedIPv6>(lines[6]);
        Assert.Equal(("2001:db8::/32", null), (ipv6.Prefix.ToString(), ipv6.Date));
    }

    [Theory]
    [InlineData("apnic|JP|ipv4|192.0.2.0|256|20110414", 1)]
    [InlineData("APNIC|JP|ipv4|192.0.2.0|256|20110414|assigned", 1)]
    [InlineData("apnic|JPN|ipv4|192.0.2.0|256|20110414|assigned", 7)]
    [InlineData("apnic|JP|ipv5|192.0.2.0|256|20110414|assigned", 10)]
    [InlineData("apnic|JP|ipv4|192.0.2|256|20110414|assigned", 15)]
    [InlineData("apnic|JP|ipv4|2001:db8::|256|20110414|assigned", 15)]
    [InlineData("apnic|JP|ipv4|192.0.2.0|0|20110414|assigned", 25)]
    [InlineData("apnic|JP|ipv4|255.255.255.0|257|20110414|assigned", 29)]
    [InlineData("apnic|JP|ipv6|192.0.2.0|24|20110414|assigned", 15)]
    [InlineData("apnic|JP|ipv6|2001:db8::|16|20110414|assigned", 15)]
    [InlineData("apnic|JP|asn|4294967295|2|20110414|assigned", 25)]
    [InlineData("apnic|JP|asn|-1|2|20110414|assigned", 14)]
    [InlineData("apnic|JP|ipv4|192.0.2.0|256|20110231|assigned", 29)]
    [InlineData("apnic|JP|ipv4|192.0.2.0|256|20110414|given", 38)]
    [InlineData("apnic|*|ipv9|*|2|summary", 9)]
    [InlineData("2|apnic|20260102|many|19830101|20260101|+1000", 18)]
    [InlineData("2|apnic", 1)]
    public void A_bad_line_is_an_error_with_its_line_and_column_and_the_next_is_read(string line, int column)
    {
        List<DelegatedLine> lines = Read($"#\n{line}\nripencc|NL|asn|64511|1|20200101|allocated\n");

        DelegatedError error = Assert.IsType<DelegatedError>(lines[0]);
        Assert.Equal((2L, column), (error.Line, error.Column));
        Assert.Equal(3, Assert.IsType<DelegatedAsn>(lines[1]).Line);
    }

    [Fact]
    public void All_of_IPv4_and_the_last_AS_number_fit()
    {
        List<DelegatedLine> lines = Read("iana|ZZ|ipv4|0.0.0.0|4294967296||reserved\niana|ZZ|asn|4294967295|1||reserved");

        Assert.Equal("0.0.0.0/0", string.Join(", ", Assert.IsType<DelegatedIPv4>(lines[0]).Prefixes()));
        Assert.Equal(uint.MaxValue, Assert.IsType<DelegatedAsn>(lines[1]).First);
    }

    [Fact]
    public void No_line_makes_the_reader_throw()
    {
        Gen<string> field = Gen.Elements("2", "apnic", "*", "JP", "", "ipv4", "ipv6", "asn", "192.0.2.0", "2001:db8::", "::", "32", "256", "99999999999999999999", "20110414", "allocated", "summary", "\0");
        Gen<string> line = Gen.ArrayOf(field).Select(fields => string.Join('|', fields));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(line.ToArbitrary(), text =>
        {
            DelegatedReader.LooksLike(Encoding.ASCII.GetBytes(text));
            return Read(text).Count <= 1;
        }));
    }

    private static List<DelegatedLine> Read(string text) => [.. DelegatedReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)))];
}
