namespace Renkei.Formats.Xarf;

/// <summary>A category and type of X-ARF v4, and the JSON fields beyond the core that a report of it must have. A form can ask
/// for them before the writer refuses.</summary>
public sealed record XarfKind(string Category, string Type, IReadOnlyList<string> RequiredFields)
{
    public static readonly XarfKind Phishing = new("content", "phishing", ["url"]);
    public static readonly XarfKind Malware = new("content", "malware", ["url"]);
    public static readonly XarfKind RemoteCompromise = new("content", "remote_compromise", ["url", "compromise_type"]);
    public static readonly XarfKind Fraud = new("content", "fraud", ["url", "fraud_type"]);
    public static readonly XarfKind Botnet = new("infrastructure", "botnet", ["compromise_evidence"]);
    public static readonly XarfKind CompromisedServer = new("infrastructure", "compromised_server", ["compromise_method"]);

    // the schema asks for the port when the source is an address; "format" asserts nothing in most validators, which then
    // ask for it always
    public static readonly XarfKind LoginAttack = new("connection", "login_attack", ["protocol", "first_seen", "source_port"]);
    public static readonly XarfKind PortScan = new("connection", "port_scan", ["protocol", "first_seen", "source_port"]);
    public static readonly XarfKind Ddos = new("connection", "ddos", ["protocol", "first_seen", "source_port"]);
    public static readonly XarfKind VulnerabilityScan = new("connection", "vulnerability_scan", ["scan_type", "protocol", "first_seen"]);
    public static readonly XarfKind OpenService = new("vulnerability", "open_service", ["service"]);
    public static readonly XarfKind Misconfiguration = new("vulnerability", "misconfiguration", ["service"]);
    public static readonly XarfKind Cve = new("vulnerability", "cve", ["service", "service_port", "cve_id"]);
    public static readonly XarfKind Spam = new("messaging", "spam", ["protocol", "smtp_from", "source_port"]);

    /// <summary>The kind that a subject is written as.</summary>
    public static XarfKind Of(XarfSubject subject) => subject switch
    {
        XarfSubject.Phishing => Phishing,
        XarfSubject.MalwareDistribution => Malware,
        XarfSubject.CompromisedSite => RemoteCompromise,
        XarfSubject.Fraud => Fraud,
        XarfSubject.Botnet => Botnet,
        XarfSubject.CompromisedServer => CompromisedServer,
        XarfSubject.LoginAttack => LoginAttack,
        XarfSubject.PortScan => PortScan,
        XarfSubject.Ddos => Ddos,
        XarfSubject.VulnerabilityScan => VulnerabilityScan,
        XarfSubject.OpenService => OpenService,
        XarfSubject.Misconfiguration => Misconfiguration,
        XarfSubject.VulnerableService => Cve,
        XarfSubject.Spam => Spam,
        _ => throw new ArgumentOutOfRangeException(nameof(subject)),
    };
}

/// <summary>What the target of a request is in the incident.</summary>
public enum XarfTargetRole
{
    /// <summary>Nothing more is known than the incident's class.</summary>
    Unspecified,
    PhishingSite,
    DistributionSite,
    DropSite,
    CommandAndControl,
    /// <summary>An innocent host that the attacker works through.</summary>
    SteppingStone,
    CompromisedSite,
    InfectedHost,
    AttackSource,
    VulnerableHost,
}

/// <summary>From the RSIT class of an incident and the role of a target to the kind of report its operator gets.</summary>
public static class XarfMapping
{
    private const string Any = "*";

    // First match wins: what the target is comes before what the incident is, because the receiver is asked about the target.
    // Types of RSIT that say nothing to a provider in X-ARF's terms (burglary, outage, harmful speech ...) have no row.
    private static readonly (string Type, XarfTargetRole? Role, XarfKind Kind)[] s_rows =
    [
        (Any, XarfTargetRole.PhishingSite, XarfKind.Phishing),
        (Any, XarfTargetRole.DistributionSite, XarfKind.Malware),
        ("phishing", XarfTargetRole.DropSite, XarfKind.Phishing),
        (Any, XarfTargetRole.DropSite, XarfKind.Botnet),
        (Any, XarfTargetRole.CommandAndControl, XarfKind.Botnet),
        (Any, XarfTargetRole.InfectedHost, XarfKind.Botnet),
        (Any, XarfTargetRole.CompromisedSite, XarfKind.RemoteCompromise),
        (Any, XarfTargetRole.SteppingStone, XarfKind.CompromisedServer),
        ("vulnerable-system", XarfTargetRole.VulnerableHost, XarfKind.Cve),
        ("weak-crypto", XarfTargetRole.VulnerableHost, XarfKind.Misconfiguration),
        ("information-disclosure", XarfTargetRole.VulnerableHost, XarfKind.Misconfiguration),
        (Any, XarfTargetRole.VulnerableHost, XarfKind.OpenService),
        ("phishing", null, XarfKind.Phishing),
        ("masquerade", null, XarfKind.Fraud),
        ("unauthorised-use-of-resources", null, XarfKind.CompromisedServer),
        ("spam", null, XarfKind.Spam),
        ("infected-system", null, XarfKind.Botnet),
        ("c2-server", null, XarfKind.Botnet),
        ("malware-distribution", null, XarfKind.Malware),
        ("malware-configuration", null, XarfKind.Malware),
        ("scanner", null, XarfKind.PortScan),
        ("brute-force", null, XarfKind.LoginAttack),
        ("exploit", null, XarfKind.VulnerabilityScan),
        ("ids-alert", null, XarfKind.VulnerabilityScan),
        ("ddos", null, XarfKind.Ddos),
        ("dos", null, XarfKind.Ddos),
        ("misconfiguration", null, XarfKind.Misconfiguration),
        ("application-compromise", null, XarfKind.RemoteCompromise),
        ("unauthorised-information-modification", null, XarfKind.RemoteCompromise),
        ("system-compromise", null, XarfKind.CompromisedServer),
        ("privileged-account-compromise", null, XarfKind.CompromisedServer),
        ("unprivileged-account-compromise", null, XarfKind.CompromisedServer),
        ("ddos-amplifier", null, XarfKind.OpenService),
        ("potentially-unwanted-accessible", null, XarfKind.OpenService),
        ("weak-crypto", null, XarfKind.Misconfiguration),
        ("information-disclosure", null, XarfKind.Misconfiguration),
        ("vulnerable-system", null, XarfKind.Cve),
    ];

    /// <summary>The kind for an RSIT category (<c>fraud</c>) and type (<c>phishing</c>) and a target's role; null when a report in
    /// words is all there is. A test report gets none: nobody should act on it.</summary>
    public static XarfKind? For(string rsitCategory, string rsitType, XarfTargetRole role)
    {
        if (string.Equals(rsitCategory, "test", StringComparison.Ordinal))
            return null;
        foreach ((string type, XarfTargetRole? rowRole, XarfKind kind) in s_rows)
        {
            bool typeFits = string.Equals(type, Any, StringComparison.Ordinal) || string.Equals(type, rsitType, StringComparison.Ordinal);
            if (typeFits && (rowRole is null || rowRole == role))
                return kind;
        }

        return null;
    }
}
