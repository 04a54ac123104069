using Renkei.Formats.Feeds;

namespace Renkei.Units.Formats.Feeds;

public class FeedFormatsTests
{
    [Theory]
    [InlineData("shadowserver", null)]
    [InlineData("Shadowserver", null)]
    [InlineData("shadowserver:scan_rdp", "scan_rdp")]
    [InlineData(":scan_rdp", "scan_rdp")]
    [InlineData("scan_rdp", "scan_rdp")]
    public void A_feed_is_named_with_or_without_its_type(string name, string? type)
    {
        var choice = FeedFormats.Find(name);
        Assert.Equal("shadowserver", choice?.Format.Name);
        Assert.Equal(type, choice?.Type);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData("nonsense")]
    [InlineData("shadowserver:")]
    [InlineData("shadowserver:nonsense")]
    [InlineData("other:scan_rdp")]
    public void A_name_that_says_nothing_finds_nothing(string name) => Assert.Null(FeedFormats.Find(name));

    [Fact]
    public void A_report_is_recognised_by_name_or_first_line()
    {
        Assert.Equal("scan_ssl", FeedFormats.Detect("2026-01-15-scan_ssl-x.csv", [])?.Type);
        Assert.Equal("blocklist", FeedFormats.Detect("unnamed.csv", "timestamp,ip,source,reason\nrest"u8)?.Type);
        Assert.Null(FeedFormats.Detect(null, "some,thing,else"u8));
    }
}
