using System.Collections.Frozen;

namespace Renkei.Formats.Rsit;

/// <summary>A category of the taxonomy with its types.</summary>
/// <param name="Id">Machine-readable identifier, such as "fraud".</param>
/// <param name="English">The taxonomy's label.</param>
/// <param name="Japanese">Our translation, in the field's terms.</param>
public sealed record RsitCategory(string Id, string English, string Japanese, IReadOnlyList<RsitType> Types)
{
    public override string ToString() => Id;
}

/// <summary>A type of incident within a category.</summary>
/// <param name="Category">Identifier of the category, such as "fraud".</param>
/// <param name="Id">Identifier within the category, such as "phishing".</param>
public sealed record RsitType(string Category, string Id, string English, string Japanese)
{
    /// <summary>"fraud/phishing".</summary>
    public override string ToString() => $"{Category}/{Id}";
}

/// <summary>
/// The Reference Security Incident Taxonomy (RSIT) of the ENISA task force, version 1003: 11 categories, 39 types. The
/// identifiers are those of its machine-readable form, namespace "rsit".
/// </summary>
public static class RsitTaxonomy
{
    public const int Version = 1003;

    public static IReadOnlyList<RsitCategory> Categories { get; } =
    [
        Category("abusive-content", "Abusive Content", "不適切なコンテンツ",
            ("spam", "Spam", "迷惑メール（スパム）"),
            ("harmful-speech", "Harmful Speech", "有害な発言（誹謗中傷・嫌がらせ）"),
            ("violence", "(Child) Sexual Exploitation/Sexual/Violent Content", "児童の性的搾取・性的・暴力的コンテンツ")),
        Category("malicious-code", "Malicious Code", "マルウェア",
            ("infected-system", "Infected System", "マルウェアに感染したシステム"),
            ("c2-server", "C2 Server", "指令サーバ（C2）"),
            ("malware-distribution", "Malware Distribution", "マルウェアの配布"),
            ("malware-configuration", "Malware Configuration", "マルウェアの設定情報の設置")),
        Category("information-gathering", "Information Gathering", "情報収集",
            ("scanner", "Scanning", "スキャン"),
            ("sniffing", "Sniffing", "通信の盗聴"),
            ("social-engineering", "Social Engineering", "ソーシャルエンジニアリング")),
        Category("intrusion-attempts", "Intrusion Attempts", "侵入の試み",
            ("ids-alert", "Exploitation of Known Vulnerabilities", "既知の脆弱性を悪用する試み"),
            ("brute-force", "Login Attempts", "ログイン試行（ブルートフォース）"),
            ("exploit", "New Attack Signature", "未知の攻撃手法")),
        Category("intrusions", "Intrusions", "侵入",
            ("privileged-account-compromise", "Privileged Account Compromise", "特権アカウントの侵害"),
            ("unprivileged-account-compromise", "Unprivileged Account Compromise", "一般アカウントの侵害"),
            ("application-compromise", "Application Compromise", "アプリケーションの侵害"),
            ("system-compromise", "System Compromise", "システムの侵害"),
            ("burglary", "Burglary", "物理的な侵入")),
        Category("availability", "Availability", "可用性の阻害",
            ("dos", "Denial of Service", "サービス運用妨害（DoS）"),
            ("ddos", "Distributed Denial of Service", "分散型サービス運用妨害（DDoS）"),
            ("misconfiguration", "Misconfiguration", "設定の不備"),
            ("sabotage", "Sabotage", "破壊・妨害行為"),
            ("outage", "Outage", "障害による停止")),
        Category("information-content-security", "Information Content Security", "情報の漏えい・改ざん・喪失",
            ("unauthorised-information-access", "Unauthorised Access to Information", "情報への不正アクセス"),
            ("unauthorised-information-modification", "Unauthorised Modification of Information", "情報の改ざん"),
            ("data-loss", "Data Loss", "データの喪失"),
            ("data-leak", "Leak of Confidential Information", "機密情報の漏えい")),
        Category("fraud", "Fraud", "詐欺",
            ("unauthorised-use-of-resources", "Unauthorised Use of Resources", "資源の不正利用"),
            ("copyright", "Copyright", "著作権の侵害"),
            ("masquerade", "Masquerade", "なりすまし"),
            ("phishing", "Phishing", "フィッシング")),
        Category("vulnerable", "Vulnerable", "脆弱な状態",
            ("weak-crypto", "Weak Cryptography", "弱い暗号の使用"),
            ("ddos-amplifier", "DDoS Amplifier", "DDoS攻撃の増幅に使われうるサービス"),
            ("potentially-unwanted-accessible", "Potentially Unwanted Accessible Services", "意図せず公開されているおそれのあるサービス"),
            ("information-disclosure", "Information Disclosure", "情報の露出"),
            ("vulnerable-system", "Vulnerable System", "脆弱なシステム")),
        Category("other", "Other", "その他",
            ("other", "Uncategorised", "分類なし"),
            ("undetermined", "Undetermined", "判別不能")),
        Category("test", "Test", "テスト",
            ("test", "Test", "テスト")),
    ];

    private static readonly FrozenDictionary<string, RsitCategory> ById =
        Categories.ToFrozenDictionary(category => category.Id, StringComparer.Ordinal);

    private static readonly FrozenDictionary<(string Category, string Type), RsitType> TypesById =
        Categories.SelectMany(category => category.Types).ToFrozenDictionary(type => (type.Category, type.Id));

    /// <summary>The type with these identifiers (lower case, as the taxonomy writes them), or null.</summary>
    public static RsitType? Find(string category, string type) => TypesById.GetValueOrDefault((category, type));

    /// <summary>The category with this identifier, or null.</summary>
    public static RsitCategory? FindCategory(string category) => ById.GetValueOrDefault(category);

    /// <summary>A type that the code itself names; a misspelling is a bug and throws.</summary>
    internal static RsitType Get(string category, string type) =>
        Find(category, type) ?? throw new ArgumentException($"RSIT has no type {category}/{type}.", nameof(type));

    private static RsitCategory Category(string id, string english, string japanese, params (string Id, string English, string Japanese)[] types) =>
        new(id, english, japanese, [.. types.Select(type => new RsitType(id, type.Id, type.English, type.Japanese))]);
}
