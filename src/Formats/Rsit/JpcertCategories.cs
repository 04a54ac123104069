namespace Renkei.Formats.Rsit;

/// <summary>A category under which JPCERT/CC counts incidents.</summary>
public sealed record JpcertCategory(string Id, string English, string Japanese);

/// <summary>
/// The categories of JPCERT/CC's quarterly incident reports, as a preset of a node's own labels, and the category that an RSIT
/// type falls into by default. Control systems and targeted attacks have no RSIT type: they tell of the victim and of the
/// attacker's aim, so a person chooses them.
/// </summary>
public static class JpcertCategories
{
    public static JpcertCategory PhishingSite { get; } = new("phishing-site", "Phishing site", "フィッシングサイト");

    public static JpcertCategory WebsiteDefacement { get; } = new("website-defacement", "Website defacement", "Webサイト改ざん");

    public static JpcertCategory MalwareSite { get; } = new("malware-site", "Malware site", "マルウェアサイト");

    public static JpcertCategory Scan { get; } = new("scan", "Scan", "スキャン");

    public static JpcertCategory Dos { get; } = new("dos-ddos", "DoS/DDoS", "DoS/DDoS");

    public static JpcertCategory ControlSystem { get; } = new("ics", "ICS", "制御システム関連");

    public static JpcertCategory TargetedAttack { get; } = new("targeted-attack", "Targeted attack", "標的型攻撃");

    public static JpcertCategory Other { get; } = new("other", "Other", "その他");

    /// <summary>In the order of the quarterly report.</summary>
    public static IReadOnlyList<JpcertCategory> All { get; } =
        [PhishingSite, WebsiteDefacement, MalwareSite, Scan, Dos, ControlSystem, TargetedAttack, Other];

    public static JpcertCategory? Find(string id) => All.FirstOrDefault(category => string.Equals(category.Id, id, StringComparison.Ordinal));

    /// <summary>
    /// The category of an RSIT type. "Scan" takes failed attempts to get in (brute force, exploits) as well as probing;
    /// infections and successful intrusions count as "other", as they do in the reports.
    /// </summary>
    public static JpcertCategory For(RsitType type) => (type.Category, type.Id) switch
    {
        ("fraud", "phishing") => PhishingSite,
        ("information-content-security", "unauthorised-information-modification") => WebsiteDefacement,
        ("malicious-code", "malware-distribution" or "malware-configuration") => MalwareSite,
        ("information-gathering", "scanner") or ("intrusion-attempts", _) => Scan,
        ("availability", "dos" or "ddos") => Dos,
        _ => Other,
    };
}
