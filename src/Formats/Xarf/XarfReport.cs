using System.Net;

namespace Renkei.Formats.Xarf;

/// <summary>An organisation in a report (X-ARF v4 core, <c>contact_info</c>): name of at most 200 characters, mail address, domain.</summary>
public sealed record XarfParty(string Org, string Contact, string Domain);

/// <summary>A piece of evidence: at most 5 MiB, described in at most 500 characters. Written as base64 with its SHA-256.</summary>
public sealed record XarfEvidence(string ContentType, string Description, ReadOnlyMemory<byte> Content);

/// <summary>Transport protocol of an attack.</summary>
public enum XarfProtocol
{
    Tcp,
    Udp,
    Icmp,
    Sctp,
}

/// <summary>What a compromised site does (<c>compromise_type</c>).</summary>
public enum XarfCompromise
{
    Webshell,
    Backdoor,
    Defacement,
    MaliciousRedirect,
    SeoSpam,
    Cryptominer,
    PhishingKit,
    MalwareHost,
    C2Server,
    Proxy,
    Scanner,
    Other,
}

/// <summary>What the report is about: category, type and the fields that type asks for.</summary>
public abstract record XarfSubject
{
    private XarfSubject()
    {
    }

    /// <summary>content/phishing: a page that asks for other people's secrets.</summary>
    public sealed record Phishing(Uri Url, string? TargetBrand = null, Uri? SubmissionUrl = null) : XarfSubject;

    /// <summary>content/malware: a place that hands out malware. <paramref name="Sha256"/> is 64 hex digits.</summary>
    public sealed record MalwareDistribution(Uri Url, string? Family = null, string? Sha256 = null) : XarfSubject;

    /// <summary>content/remote_compromise: a web site someone else has changed or uses.</summary>
    public sealed record CompromisedSite(Uri Url, XarfCompromise Compromise) : XarfSubject;

    /// <summary>content/fraud: a false shop or a false investment; <paramref name="FraudType"/> is one of the schema's words, <c>other</c> when unsure.</summary>
    public sealed record Fraud(Uri Url, string FraudType = "other", string? ClaimedEntity = null) : XarfSubject;

    /// <summary>infrastructure/botnet: an infected host, or with <paramref name="IsController"/> the server that commands them.</summary>
    public sealed record Botnet(string Evidence, string? Family = null, string? C2Server = null, bool IsController = false) : XarfSubject;

    /// <summary>infrastructure/compromised_server: a server under someone else's control.</summary>
    public sealed record CompromisedServer(string Method) : XarfSubject;

    /// <summary>connection/login_attack: guessed passwords. The report needs a source port.</summary>
    public sealed record LoginAttack(XarfProtocol Protocol, DateTimeOffset FirstSeen, XarfDestination? Destination = null, DateTimeOffset? LastSeen = null) : XarfSubject;

    /// <summary>connection/port_scan. The report needs a source port.</summary>
    public sealed record PortScan(XarfProtocol Protocol, DateTimeOffset FirstSeen, XarfDestination? Destination = null, DateTimeOffset? LastSeen = null) : XarfSubject;

    /// <summary>connection/ddos. The report needs a source port.</summary>
    public sealed record Ddos(XarfProtocol Protocol, DateTimeOffset FirstSeen, XarfDestination? Destination = null, DateTimeOffset? LastSeen = null, string? AttackVector = null) : XarfSubject;

    /// <summary>connection/vulnerability_scan: attempts at known holes. SCTP does not exist here.</summary>
    public sealed record VulnerabilityScan(XarfProtocol Protocol, DateTimeOffset FirstSeen, XarfDestination? Destination = null, DateTimeOffset? LastSeen = null, string ScanType = "vulnerability_scan") : XarfSubject;

    /// <summary>vulnerability/open_service: something that should not answer the Internet.</summary>
    public sealed record OpenService(string Service) : XarfSubject;

    /// <summary>vulnerability/misconfiguration.</summary>
    public sealed record Misconfiguration(string Service) : XarfSubject;

    /// <summary>vulnerability/cve: a service with a known hole.</summary>
    public sealed record VulnerableService(string Service, int Port, string CveId) : XarfSubject;

    /// <summary>messaging/spam sent by SMTP. The report needs a source port.</summary>
    public sealed record Spam(string SmtpFrom, string? Subject = null, string? MessageId = null) : XarfSubject;
}

/// <summary>Who was attacked. Sensor addresses are the caller's to leave out.</summary>
public sealed record XarfDestination(IPAddress Address, int? Port = null);

/// <summary>An X-ARF v4 report (specification 4.2). One report is about one source.</summary>
public sealed record XarfReport
{
    public required Guid ReportId { get; init; }

    /// <summary>When it happened; written in UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>On whose behalf the report is made.</summary>
    public required XarfParty Reporter { get; init; }

    /// <summary>Who sends it: this node's team.</summary>
    public required XarfParty Sender { get; init; }

    /// <summary>The address or domain of the source, at most 2048 characters.</summary>
    public required string SourceIdentifier { get; init; }

    /// <summary>1 to 65535. Without it a provider that translates addresses cannot tell its customers apart.</summary>
    public int? SourcePort { get; init; }

    public required XarfSubject Subject { get; init; }

    /// <summary>How good the evidence is, in the schema's words, such as <c>user_report</c>.</summary>
    public string? EvidenceSource { get; init; }

    /// <summary>At most 50.</summary>
    public IReadOnlyList<XarfEvidence> Evidence { get; init; } = [];

    /// <summary><c>namespace:predicate</c>, at most 20 with those the writer adds.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>A TLP 2.0 label such as <c>TLP:AMBER+STRICT</c>. The core has no field for it; it is written as the tag <c>tlp:amber+strict</c>.</summary>
    public string? Tlp { get; init; }

    /// <summary>0 to 1.</summary>
    public double? Confidence { get; init; }

    /// <summary>At most 1000 characters.</summary>
    public string? Description { get; init; }
}

/// <summary>What is wrong with a report that was not written.</summary>
public enum XarfFaultKind
{
    Missing,
    TooLong,
    TooMany,
    Invalid,
    /// <summary>A lone surrogate, or a control character where none belongs.</summary>
    NotText,
}

/// <summary>Why a report was refused. <paramref name="Field"/> is the JSON name, such as <c>reporter.contact</c>.</summary>
public sealed record XarfFault(XarfFaultKind Kind, string Field, string Message);
