using Renkei.Formats.Rsit;
using Renkei.Formats.Shadowserver;
using Renkei.Kernel;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// What a report is probably about: the class of its feed, else of the first word that says so. A proposal that a person sees before it
/// counts; null where nothing says it.
/// </summary>
public static class Classify
{
    /// <summary>Most telling first: a phishing page that drops malware is asked about as phishing.</summary>
    private static readonly (string[] Words, string Category, string Type)[] Table =
    [
        (["フィッシング", "偽サイト", "偽のログイン", "phish", "fake login"], "fraud", "phishing"),
        (["ランサム", "ransom"], "malicious-code", "infected-system"),
        (["指令サーバ", "c2サーバ", "c2 server", "c&c", "command and control"], "malicious-code", "c2-server"),
        (["マルウェア配布", "マルウェアの配布", "malware distribution", "malware download"], "malicious-code", "malware-distribution"),
        (["改ざん", "改竄", "deface", "スキミング", "skimm"], "information-content-security", "unauthorised-information-modification"),
        (["漏えい", "漏洩", "leak", "data breach"], "information-content-security", "data-leak"),
        (["ブルートフォース", "総当たり", "パスワードスプレー", "brute force", "brute-force", "password spray"], "intrusion-attempts", "brute-force"),
        (["ddos"], "availability", "ddos"),
        (["dos攻撃", "denial of service"], "availability", "dos"),
        (["不審なログイン", "不正ログイン", "乗っ取", "account takeover", "compromised account"], "intrusions", "unprivileged-account-compromise"),
        (["不正侵入", "侵入", "webshell", "web shell", "compromis", "intrusion"], "intrusions", "system-compromise"),
        (["ポートスキャン", "スキャン", "探索", "scanning", "port scan", "scans"], "information-gathering", "scanner"),
        (["感染", "マルウェア", "ウイルス", "malware", "infect", "botnet", "ボット"], "malicious-code", "infected-system"),
        (["なりすまし", "masquerad", "impersonat"], "fraud", "masquerade"),
        (["迷惑メール", "スパム", "spam"], "abusive-content", "spam"),
        (["脆弱性", "vulnerab"], "vulnerable", "vulnerable-system"),
    ];

    public static RsitType? Suggest(Report report) => OfFeed(report.Feed) ?? OfText(report.Summary) ?? OfText(report.Description);

    /// <summary>All types for a select, under their categories.</summary>
    public static Choice[] Choices(Texts t) => [.. RsitTaxonomy.Categories.SelectMany(c => c.Types.Select(type => new Choice(type.ToString(), IncidentChoices.RsitName(type.Category, type.Id, t.Lang))))];

    public static string Name(RsitType type, Texts t) => NameOf(type.English, type.Japanese, t);

    private static string NameOf(string english, string japanese, Texts t) => t.Lang is "ja" ? japanese : english;

    /// <summary>What a target of such an incident is, and whether an observable is one at all; null: not by default.</summary>
    /// <param name="hosts">Hosts of the URLs beside it: they are not targets of their own.</param>
    public static TargetRole? DefaultRole(Observable observable, RsitType? type, IReadOnlySet<string> hosts)
    {
        if (observable.Type is not (ObservableType.Url or ObservableType.Domain or ObservableType.IPv4 or ObservableType.IPv6) || (observable.Type != ObservableType.Url && hosts.Contains(observable.Value)))
        {
            return null;
        }

        return (type?.Category, type?.Id) switch
        {
            ("fraud", "phishing") => TargetRole.Phishing,
            ("malicious-code", "malware-distribution" or "malware-configuration") => TargetRole.Distribution,
            ("malicious-code", "c2-server") => TargetRole.C2,
            ("malicious-code", "infected-system") or ("vulnerable", _) or ("information-content-security", _) => TargetRole.Victim,
            ("information-gathering", "scanner") or ("intrusion-attempts", _) or ("availability", _) => TargetRole.SteppingStone,
            _ => TargetRole.Other,
        };
    }

    /// <summary>As <see cref="DefaultRole(Observable, RsitType?, IReadOnlySet{string})"/>, but what the reporter named as hit is the victim, whatever the class.</summary>
    public static TargetRole? DefaultRole(Observable observable, RsitType? type, IReadOnlySet<string> hosts, IReadOnlySet<Observable> hit) =>
        DefaultRole(observable, type, hosts) is { } role ? hit.Contains(observable) ? TargetRole.Victim : role : null;

    /// <summary>Hosts of URLs and domains of e-mail addresses: facts that another fact brought along.</summary>
    public static IReadOnlySet<string> Hosts(IEnumerable<Observable> observables) =>
        observables.Where(o => o.Type is ObservableType.Url or ObservableType.Email).Select(o => o.Host?.Value).OfType<string>().ToHashSet(StringComparer.Ordinal);

    private static RsitType? OfFeed(string? feed) =>
        feed is null ? null : ShadowserverFormat.Instance.Types.FirstOrDefault(t => feed.EndsWith(t.Name, StringComparison.Ordinal))?.Class;

    private static RsitType? OfText(string text)
    {
        foreach (var (words, category, type) in Table)
        {
            if (words.Any(w => text.Contains(w, StringComparison.OrdinalIgnoreCase)))
            {
                return RsitTaxonomy.Find(category, type);
            }
        }

        return null;
    }
}
