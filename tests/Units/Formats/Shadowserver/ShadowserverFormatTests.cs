using System.Text;
using Renkei.Formats.Shadowserver;

namespace Renkei.Units.Formats.Shadowserver;

public class ShadowserverFormatTests
{
    private static readonly byte[] RdpHeader = "\"ip\",\"timestamp\",\"rdp_protocol\"\n"u8.ToArray();

    [Theory]
    [InlineData("2026-01-15-event4_sinkhole-sample-asn.csv", "event4_sinkhole")]
    [InlineData("2026-01-15-event4_honeypot_brute_force-123-sample.csv", "event4_honeypot_brute_force")]
    [InlineData("2026-01-15-scan_http.csv", "scan_http")]
    [InlineData("2026-01-15-blocklist-x.csv.gz", "blocklist")]
    [InlineData("inbox/new\\2026-01-15-phish_url-x-delayed.csv", "phish_url")]
    [InlineData("upload-2026-01-15-malware_url-x.csv", "malware_url")]
    [InlineData("compromised_website-x.csv", "compromised_website")]
    [InlineData("2026-01-15-SCAN_EXCHANGE-x.csv", "scan_exchange")]
    public void The_file_name_tells_the_type(string fileName, string expected) =>
        Assert.Equal(expected, ShadowserverFormat.Instance.Detect(fileName, RdpHeader));

    [Theory]
    [InlineData("2026-01-15-scan_http_proxy-x.csv")]
    [InlineData("2026-01-15-event4_sinkhole_http-x.csv")]
    [InlineData("2026-01-15-scan_ssl_poodle-x.csv")]
    public void A_longer_type_that_is_not_known_is_never_taken_for_a_shorter_one(string fileName) =>
        Assert.Null(ShadowserverFormat.Instance.Detect(fileName, RdpHeader));

    [Theory]
    [InlineData("report.csv")]
    [InlineData("2026-01-15-report.csv")]
    [InlineData("2026-99-99-x.csv")]
    [InlineData("")]
    [InlineData(null)]
    public void A_name_that_tells_nothing_leaves_it_to_the_columns(string? fileName) =>
        Assert.Equal("scan_rdp", ShadowserverFormat.Instance.Detect(fileName, RdpHeader));

    [Fact]
    public void Every_fixture_is_recognised_by_its_columns_in_any_order()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fixtures", "shadowserver"), "*.csv");
        Assert.Equal(10, files.Length);
        Assert.All(files, file =>
        {
            var type = Path.GetFileName(file).Split('-')[3];
            var header = File.ReadLines(file).First();
            Assert.Equal(type, ShadowserverFormat.Instance.Detect(null, Encoding.UTF8.GetBytes(header)));
            Assert.Equal(type, ShadowserverFormat.Instance.Detect(null, Encoding.UTF8.GetBytes(string.Join(',', header.Split(',').Reverse()))));
            Assert.Equal(type, ShadowserverFormat.Instance.Detect(null, Encoding.UTF8.GetBytes(header + ",\"brand_new_column\"")));
        });
    }

    [Theory]
    [InlineData("timestamp,ip,port")]
    [InlineData("timestamp,ip,rdp_protocol,a,b,c,d")]
    [InlineData("timestamp,src_ip,dst_ip,infection,http_url")]
    [InlineData("")]
    [InlineData("\"")]
    public void Columns_that_several_reports_or_none_could_have_decide_nothing(string header) =>
        Assert.Null(ShadowserverFormat.Instance.Detect(null, Encoding.UTF8.GetBytes(header)));

    [Fact]
    public void Ten_types_are_known_each_with_a_class() => Assert.Equal(
        [
            "event4_sinkhole malicious-code/infected-system", "event4_honeypot_brute_force intrusion-attempts/brute-force", "scan_http other/other",
            "scan_ssl other/other", "scan_rdp vulnerable/potentially-unwanted-accessible", "scan_exchange vulnerable/vulnerable-system",
            "compromised_website intrusions/system-compromise", "malware_url malicious-code/malware-distribution", "phish_url fraud/phishing", "blocklist other/other",
        ],
        ShadowserverFormat.Instance.Types.Select(type => $"{type.Name} {type.Class}").ToList());
}
