using System.Collections.Frozen;
using Renkei.Formats.Csv;
using Renkei.Formats.Rsit;

namespace Renkei.Formats.Shadowserver;

/// <summary>Where a column's value goes.</summary>
internal enum Target
{
    Extra,
    Time,
    Severity,
    Tag,
    Transport,
    Application,
    Service,
    SourceIp,
    SourceNetwork,
    SourcePort,
    SourceAsn,
    SourceAsName,
    SourceCountry,
    SourceRegion,
    SourceCity,
    SourceReverseDns,
    SourceFqdn,
    SourceUrl,
    DestinationIp,
    DestinationPort,
    DestinationAsn,
    DestinationAsName,
    DestinationCountry,
    DestinationRegion,
    DestinationCity,
    DestinationReverseDns,
    Infection,
    Family,
    Vendor,
    Model,
    Version,
    Md5,
    Sha1,
    Sha256,
    VulnerabilityId,
    PoodleFlag,
    FreakFlag,
    BlueKeepFlag,
    Handshake,
    CipherSuite,
    SignatureAlgorithm,
}

/// <summary>What in a row may change the report's usual class.</summary>
internal enum Refinement
{
    None,

    /// <summary>A CVE in the tag makes an exposed service a vulnerable system.</summary>
    Vulnerability,

    /// <summary>As above, and old protocols, weak ciphers and signatures make it weak cryptography.</summary>
    WeakTls,

    /// <summary>A web shell in the tag means that the attacker is in.</summary>
    WebShell,
}

/// <summary>A type of Shadowserver report: its class, its columns, and how to tell it by its header.</summary>
/// <remarks>
/// Names and classes follow Shadowserver's published report schema, with three differences. scan_rdp is
/// vulnerable/potentially-unwanted-accessible, whose RSIT definition names RDP, and becomes vulnerable-system where a row names a
/// vulnerability. scan_ssl lists every reachable TLS service, so a row is vulnerable/weak-crypto only where its columns say so.
/// "blocklist" is no RSIT type, so those are other/other and "blocklist" is the identifier.
/// </remarks>
internal sealed class ShadowserverReport
{
    private const string Place = "asn:SourceAsn as_name:SourceAsName geo:SourceCountry region:SourceRegion city:SourceCity naics sector";
    private const string ScanColumns = "timestamp:Time severity:Severity tag:Tag ip:SourceIp port:SourcePort protocol:Transport hostname:SourceReverseDns hostname_source " + Place;
    private const string UrlColumns = "timestamp:Time severity:Severity tag:Tag ip:SourceIp port:SourcePort url:SourceUrl host:SourceFqdn hostname:SourceFqdn application:Application source md5:Md5 sha1:Sha1 " + Place;
    private const string CertificateColumns = "cert_length subject_common_name issuer_common_name cert_issue_date cert_expiration_date sha1_fingerprint cert_serial_number ssl_version key_algorithm sha256_fingerprint sha512_fingerprint md5_fingerprint tlsv13_support tlsv13_cipher jarm";
    private const string NameColumns = "organization_name organization_unit_name country state_or_province_name locality_name street_address postal_code surname given_name email_address business_category serial_number";
    private const string EventColumns = "timestamp:Time severity:Severity tag:Tag protocol:Transport application:Application "
        + "src_ip:SourceIp src_port:SourcePort src_asn:SourceAsn src_as_name:SourceAsName src_geo:SourceCountry src_region:SourceRegion src_city:SourceCity src_hostname:SourceReverseDns src_naics src_sector "
        + "dst_ip:DestinationIp dst_port:DestinationPort dst_asn:DestinationAsn dst_as_name:DestinationAsName dst_geo:DestinationCountry dst_region:DestinationRegion dst_city:DestinationCity dst_hostname:DestinationReverseDns dst_naics dst_sector "
        + "device_vendor:Vendor device_model:Model device_type infection:Infection family:Family public_source version event_id";

    private ShadowserverReport(string name, RsitType type, string identifier, string columns)
    {
        Name = name;
        Class = type;
        Identifier = Utf8Text.From(identifier);
        Columns = columns.Split(' ').Select(column => column.Split(':')).ToFrozenDictionary(
            parts => parts[0],
            parts => parts.Length == 1 ? Target.Extra : Enum.Parse<Target>(parts[1]),
            StringComparer.OrdinalIgnoreCase);
        AddressColumn = Columns.ContainsKey("src_ip") ? "src_ip" : "ip";
    }

    public static IReadOnlyList<ShadowserverReport> All { get; } =
    [
        new("event4_sinkhole", Rsit("malicious-code", "infected-system"), "sinkhole", EventColumns + " ssl_cipher ssl_servername")
        {
            Signatures = [["src_ip", "dst_ip", "infection"], ["src_ip", "infection", "ssl_cipher"]],
            Foreign = ["http_url", "http_referer", "http_host", "username", "service", "start_time", "end_time", "target_vendor", "dns_query", "query", "count"],
        },
        new("event4_honeypot_brute_force", Rsit("intrusion-attempts", "brute-force"), "brute-force", EventColumns
            + " service:Service start_time end_time client_version username password payload_url payload_md5:Md5 vulnerability_enum vulnerability_id:VulnerabilityId vulnerability_class vulnerability_score vulnerability_severity vulnerability_version target_vendor target_product target_class")
        {
            Signatures = [["src_ip", "username", "password"]],
            InfectionIsMalware = false,
        },
        new("scan_http", Rsit("other", "other"), "accessible-http", ScanColumns
            + " application:Application http http_code http_reason content_type connection www_authenticate set_cookie server content_length transfer_encoding http_date version")
        {
            Signatures = [["ip", "http", "http_code", "server"]],
            Foreign = ["handshake", "cipher_suite", "detail", "build_date", "proxy_connection", "via", "url", "vendor"],
            Application = "http",
            Transport = "tcp",
            Refinement = Refinement.Vulnerability,
        },
        new("scan_ssl", Rsit("other", "other"), "accessible-ssl", ScanColumns + " application:Application handshake:Handshake cipher_suite:CipherSuite ssl_poodle:PoodleFlag freak_vulnerable:FreakFlag freak_cipher_suite signature_algorithm:SignatureAlgorithm "
            + CertificateColumns + " " + Prefixed("subject_", NameColumns) + " " + Prefixed("issuer_", NameColumns)
            + " http_response_type http_code http_reason content_type http_connection www_authenticate set_cookie server_type content_length transfer_encoding http_date cert_valid self_signed cert_expired browser_trusted validation_level browser_error")
        {
            Signatures = [["ip", "ssl_poodle"], ["ip", "freak_vulnerable"], ["ip", "cipher_suite", "browser_trusted"]],
            Application = "https",
            Transport = "tcp",
            Refinement = Refinement.WeakTls,
        },
        new("scan_rdp", Rsit("vulnerable", "potentially-unwanted-accessible"), "accessible-rdp", ScanColumns
            + " application:Application handshake rdp_protocol signature_algorithm bluekeep_vulnerable:BlueKeepFlag cve20190708_vulnerable:BlueKeepFlag " + CertificateColumns)
        {
            Signatures = [["ip", "rdp_protocol"]],
            Application = "rdp",
            Transport = "tcp",
            Refinement = Refinement.Vulnerability,
        },
        new("scan_exchange", Rsit("vulnerable", "vulnerable-system"), "vulnerable-exchange-server", ScanColumns + " application:Application version:Version servername url:SourceUrl")
        {
            Signatures = [["ip", "servername", "version", "url"]],
            Foreign = ["http_code", "detail"],
            Application = "https",
            Transport = "tcp",
            ProductVendor = "Microsoft",
            ProductName = "Exchange Server",
            Refinement = Refinement.WebShell,
        },
        new("compromised_website", Rsit("intrusions", "system-compromise"), "compromised-website", ScanColumns
            + " application:Application url:SourceUrl http_host:SourceFqdn family:Family category system detected_since server redirect_target cc_url status account detail public_source")
        {
            Signatures = [["http_host", "detected_since"], ["http_host", "redirect_target"], ["http_host", "cc_url"]],
            IsLocatedByUrl = true,
            TagIdentifies = true,
        },
        new("malware_url", Rsit("malicious-code", "malware-distribution"), "malware-url", UrlColumns + " sha256:Sha256")
        {
            Signatures = [["timestamp", "url", "source", "sha256"]],
            Foreign = ["src_ip", "username"],
            IsLocatedByUrl = true,
            TagIdentifies = true,
        },
        new("phish_url", Rsit("fraud", "phishing"), "phishing-url", UrlColumns)
        {
            Signatures = [["timestamp", "url", "source", "host"], ["timestamp", "url", "source", "hostname"]],
            Foreign = ["src_ip", "sha256", "md5", "md5hash", "user_agent", "method"],
            IsLocatedByUrl = true,
            TagIdentifies = true,
        },
        new("blocklist", Rsit("other", "other"), "blocklist", "timestamp:Time severity:Severity tag:Tag ip:SourceNetwork hostname:SourceReverseDns source reason " + Place)
        {
            Signatures = [["ip", "source", "reason"]],
            Foreign = ["url", "port"],
        },
    ];

    public string Name { get; }

    public RsitType Class { get; }

    /// <summary>The identifier of a row that has no better one.</summary>
    public Utf8Text Identifier { get; }

    /// <summary>Every column of the published layout, in any letter case, and where it goes.</summary>
    public FrozenDictionary<string, Target> Columns { get; }

    /// <summary>"ip" or "src_ip".</summary>
    public string AddressColumn { get; }

    /// <summary>Sets of columns each of which only this report has, as long as none of <see cref="Foreign"/> is there.</summary>
    public string[][] Signatures { get; private init; } = [];

    public string[] Foreign { get; private init; } = [];

    /// <summary>A URL or host name locates the source as well as an address.</summary>
    public bool IsLocatedByUrl { get; private init; }

    /// <summary>The first word of the tag that is no CVE names what was found.</summary>
    public bool TagIdentifies { get; private init; }

    /// <summary>False where the infection column names an attack and no malware.</summary>
    public bool InfectionIsMalware { get; private init; } = true;

    public Refinement Refinement { get; private init; }

    /// <summary>What the scan itself implies where the row has no such column.</summary>
    public string? Transport { get; private init; }

    public string? Application { get; private init; }

    public string? ProductVendor { get; private init; }

    public string? ProductName { get; private init; }

    public static ShadowserverReport? Find(ReadOnlySpan<char> name)
    {
        foreach (var report in All)
        {
            if (name.Equals(report.Name, StringComparison.OrdinalIgnoreCase))
            {
                return report;
            }
        }
        return null;
    }

    /// <summary>
    /// The report that has these columns: all of a signature, none that are foreign to it, and hardly any that its layout lacks
    /// (new columns come, but other reports share whole groups of columns). Null when none or several fit, since a wrong guess
    /// would give every event a wrong class. Reports of the same layout (event6_sinkhole, scan6_rdp) cannot be told apart.
    /// </summary>
    public static ShadowserverReport? ByColumns(IReadOnlyCollection<string> columns)
    {
        const int newColumns = 3;
        var present = new HashSet<string>(columns, StringComparer.OrdinalIgnoreCase);
        var fitting = All.Where(report => report.Signatures.Any(signature => signature.All(present.Contains))
            && !report.Foreign.Any(present.Contains)
            && present.Count(column => !report.Columns.ContainsKey(column)) <= newColumns).ToList();
        return fitting.Count == 1 ? fitting[0] : null;
    }

    /// <summary>The column that the report cannot do without and that is not there, or null.</summary>
    public string? MissingColumn(IReadOnlyCollection<string> columns)
    {
        var present = new HashSet<string>(columns, StringComparer.OrdinalIgnoreCase);
        return IsReadable(present) ? null : present.Contains("timestamp") ? AddressColumn : "timestamp";
    }

    private bool IsReadable(HashSet<string> present) =>
        present.Contains("timestamp")
        && (present.Contains(AddressColumn) || (IsLocatedByUrl && Columns.Any(column => column.Value is Target.SourceUrl or Target.SourceFqdn && present.Contains(column.Key))));

    private static RsitType Rsit(string category, string type) => RsitTaxonomy.Get(category, type);

    private static string Prefixed(string prefix, string columns) => string.Join(' ', columns.Split(' ').Select(column => prefix + column));
}
