using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.Xarf;

namespace Renkei.Units.Formats.Xarf;

public class XarfWriterTests
{
    private static readonly string[] s_core =
        ["xarf_version", "report_id", "timestamp", "reporter", "sender", "source_identifier", "category", "type"];

    private static readonly DateTimeOffset s_seen = new(2026, 3, 1, 9, 5, 7, TimeSpan.FromHours(9));

    public static TheoryData<XarfSubject, string, string, string[]> Subjects { get; } = new()
    {
        { new XarfSubject.Phishing(new("https://login.bank.example/a?b=c"), "サンプル銀行", new("https://drop.example/x")), "content", "phishing", ["url"] },
        { new XarfSubject.MalwareDistribution(new("http://192.0.2.1/a.exe"), "Example", new string('A', 64)), "content", "malware", ["url"] },
        { new XarfSubject.CompromisedSite(new("http://shop.example/"), XarfCompromise.SeoSpam), "content", "remote_compromise", ["url", "compromise_type"] },
        { new XarfSubject.Fraud(new("http://shop.example/"), "shopping"), "content", "fraud", ["url", "fraud_type"] },
        { new XarfSubject.Botnet("Talks to a known controller", "Example", "198.51.100.7"), "infrastructure", "botnet", ["compromise_evidence"] },
        { new XarfSubject.CompromisedServer("unknown"), "infrastructure", "compromised_server", ["compromise_method"] },
        { new XarfSubject.LoginAttack(XarfProtocol.Tcp, s_seen, new(IPAddress.Parse("203.0.113.9"), 22), s_seen.AddHours(1)), "connection", "login_attack", ["protocol", "first_seen", "source_port"] },
        { new XarfSubject.PortScan(XarfProtocol.Tcp, s_seen), "connection", "port_scan", ["protocol", "first_seen", "source_port"] },
        { new XarfSubject.Ddos(XarfProtocol.Udp, s_seen, new(IPAddress.Parse("2001:db8::9")), AttackVector: "dns_amplification"), "connection", "ddos", ["protocol", "first_seen", "source_port"] },
        { new XarfSubject.VulnerabilityScan(XarfProtocol.Tcp, s_seen, new(IPAddress.Parse("203.0.113.9"), 443)), "connection", "vulnerability_scan", ["scan_type", "protocol", "first_seen"] },
        { new XarfSubject.OpenService("memcached"), "vulnerability", "open_service", ["service"] },
        { new XarfSubject.Misconfiguration("smb"), "vulnerability", "misconfiguration", ["service"] },
        { new XarfSubject.VulnerableService("Example HTTP Server", 443, "CVE-2026-12345"), "vulnerability", "cve", ["service", "service_port", "cve_id"] },
        { new XarfSubject.Spam("sender@spam.example", "安売り"), "messaging", "spam", ["protocol", "smtp_from", "source_port"] },
    };

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Each_kind_of_report_has_the_fields_its_type_requires(XarfSubject subject, string category, string type, string[] required)
    {
        JsonElement json = Written(Report(subject));

        Assert.Equal(category, json.GetProperty("category").GetString());
        Assert.Equal(type, json.GetProperty("type").GetString());
        Assert.All(s_core.Concat(required), field => Assert.True(json.TryGetProperty(field, out _), field));
        Assert.Equal(required, XarfKind.Of(subject).RequiredFields);
        Assert.Equal("4.2.0", json.GetProperty("xarf_version").GetString());
        Assert.Equal("2026-03-01T00:05:07Z", json.GetProperty("timestamp").GetString());
        Assert.Equal("abuse@node.example", json.GetProperty("reporter").GetProperty("contact").GetString());
    }

    [Fact]
    public void Every_subject_there_is_has_been_tried() =>
        Assert.Equal(typeof(XarfSubject).GetNestedTypes().Length, Subjects.Select(row => row.Data.Item1.GetType()).Distinct().Count());

    [Fact]
    public void Evidence_carries_its_bytes_their_hash_and_their_size()
    {
        byte[] log = Encoding.UTF8.GetBytes("2026-03-01T00:05:07Z 192.0.2.1 POST /wp-login.php");

        JsonElement item = Written(Report() with { Evidence = [new("text/plain", "Access log, UTC", log)] }).GetProperty("evidence")[0];

        Assert.Equal(log, item.GetProperty("payload").GetBytesFromBase64());
        Assert.Equal("sha256:" + Convert.ToHexStringLower(SHA256.HashData(log)), item.GetProperty("hash").GetString());
        Assert.Equal(log.Length, item.GetProperty("size").GetInt32());
    }

    [Fact]
    public void The_label_travels_as_a_tag()
    {
        JsonElement json = Written(Report() with { Tlp = "TLP:AMBER+STRICT", Tags = ["malware:example"] });

        Assert.Equal(["malware:example", "tlp:amber+strict"], json.GetProperty("tags").EnumerateArray().Select(t => t.GetString()!), StringComparer.Ordinal);
    }

    [Fact]
    public void A_controller_is_told_from_its_bots()
    {
        JsonElement json = Written(Report(new XarfSubject.Botnet("Answers the bots' protocol", IsController: true)));

        Assert.Equal("192.0.2.1", json.GetProperty("c2_server").GetString());
        Assert.Equal("botnet:command-and-control", json.GetProperty("tags")[0].GetString());
    }

    [Fact]
    public void Japanese_stays_legible_and_international_domains_become_ascii()
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Null(XarfWriter.Write(Report() with { Description = "偽サイト <script>", Reporter = new("サンプル銀行", "csirt@日本語.example", "日本語.example") }, output));

        string json = Encoding.UTF8.GetString(output.WrittenSpan);

        Assert.Contains("サンプル銀行", json, StringComparison.Ordinal);
        Assert.Contains("csirt@xn--wgv71a119e.example", json, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", json, StringComparison.Ordinal);
    }

    public static TheoryData<XarfReport, XarfFaultKind, string> Faults { get; } = new()
    {
        { Report() with { ReportId = Guid.Empty }, XarfFaultKind.Missing, "report_id" },
        { Report() with { SourceIdentifier = " " }, XarfFaultKind.Missing, "source_identifier" },
        { Report() with { SourceIdentifier = "192.0.2.1\n" }, XarfFaultKind.NotText, "source_identifier" },
        { Report() with { SourcePort = 0 }, XarfFaultKind.Invalid, "source_port" },
        { Report(new XarfSubject.PortScan(XarfProtocol.Tcp, s_seen)) with { SourcePort = null }, XarfFaultKind.Missing, "source_port" },
        { Report(new XarfSubject.PortScan(XarfProtocol.Tcp, s_seen, LastSeen: s_seen.AddDays(-1))), XarfFaultKind.Invalid, "last_seen" },
        { Report(new XarfSubject.VulnerabilityScan(XarfProtocol.Sctp, s_seen)), XarfFaultKind.Invalid, "protocol" },
        { Report(new XarfSubject.VulnerabilityScan(XarfProtocol.Tcp, s_seen, ScanType: "x")), XarfFaultKind.Invalid, "scan_type" },
        { Report(new XarfSubject.Phishing(new("/relative", UriKind.Relative))), XarfFaultKind.Invalid, "url" },
        { Report(new XarfSubject.MalwareDistribution(new("http://x.example"), Sha256: "00")), XarfFaultKind.Invalid, "file_hashes.sha256" },
        { Report(new XarfSubject.Fraud(new("http://x.example"), "theft")), XarfFaultKind.Invalid, "fraud_type" },
        { Report(new XarfSubject.VulnerableService("x", 443, "CVE-26-1")), XarfFaultKind.Invalid, "cve_id" },
        { Report(new XarfSubject.VulnerableService("x", 0, "CVE-2026-12345")), XarfFaultKind.Invalid, "service_port" },
        { Report(new XarfSubject.Spam("nobody")), XarfFaultKind.Invalid, "smtp_from" },
        { Report(new XarfSubject.OpenService("")), XarfFaultKind.Missing, "service" },
        { Report(new XarfSubject.Ddos(XarfProtocol.Udp, s_seen)) with { EvidenceSource = "user_report" }, XarfFaultKind.Invalid, "evidence_source" },
        { Report() with { Sender = new("x", "x", "node.example") }, XarfFaultKind.Invalid, "sender.contact" },
        { Report() with { Sender = new("x", "a@b.example", "no domain") }, XarfFaultKind.Invalid, "sender.domain" },
        { Report() with { Sender = new(new string('x', 201), "a@b.example", "b.example") }, XarfFaultKind.TooLong, "sender.org" },
        { Report() with { Confidence = 1.5 }, XarfFaultKind.Invalid, "confidence" },
        { Report() with { Confidence = double.NaN }, XarfFaultKind.Invalid, "confidence" },
        { Report() with { Tlp = "AMBER" }, XarfFaultKind.Invalid, "tags" },
        { Report() with { Tags = ["No Tag"] }, XarfFaultKind.Invalid, "tags" },
        { Report() with { Tags = [.. Enumerable.Range(0, 21).Select(i => $"n:{i}")] }, XarfFaultKind.TooMany, "tags" },
        { Report() with { Description = "\ud800" }, XarfFaultKind.NotText, "description" },
        { Report() with { Description = new string('x', 1001) }, XarfFaultKind.TooLong, "description" },
        { Report() with { Evidence = [new("text/plain", "x", new byte[5 * 1024 * 1024 + 1])] }, XarfFaultKind.TooLong, "evidence[0].payload" },
        { Report() with { Evidence = [.. Enumerable.Repeat(new XarfEvidence("a/b", "x", default), 51)] }, XarfFaultKind.TooMany, "evidence" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_report_that_the_schema_would_refuse_is_not_written(XarfReport report, XarfFaultKind kind, string field)
    {
        ArrayBufferWriter<byte> output = new();

        XarfFault? fault = XarfWriter.Write(report, output);

        Assert.Equal((kind, field), (fault?.Kind, fault?.Field));
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void Any_text_is_either_refused_or_comes_back_the_same()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Gen.Choose(0, 0xffff).Select(c => (char)c).ArrayOf().Select(c => new string(c)).ToArbitrary(), text =>
        {
            ArrayBufferWriter<byte> output = new();
            if (XarfWriter.Write(Report() with { Description = text }, output) is { } fault)
            {
                Assert.Equal("description", fault.Field);
                return;
            }

            Assert.Equal(text, JsonDocument.Parse(output.WrittenMemory).RootElement.GetProperty("description").GetString());
        }));
    }

    internal static XarfReport Report(XarfSubject? subject = null) => new()
    {
        ReportId = new Guid("8f1f3a52-5c0b-4a53-9d11-0a4a6c7f2e01"),
        Timestamp = s_seen,
        Reporter = new("Example CSIRT", "abuse@node.example", "node.example"),
        Sender = new("Example CSIRT", "abuse@node.example", "node.example"),
        SourceIdentifier = "192.0.2.1",
        SourcePort = 50123,
        Subject = subject ?? new XarfSubject.Phishing(new("https://login.bank.example/")),
    };

    private static JsonElement Written(XarfReport report)
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Null(XarfWriter.Write(report, output));
        return JsonDocument.Parse(output.WrittenMemory).RootElement;
    }
}
