using System.Globalization;
using Renkei.Kernel;

namespace Renkei.Incidents.Demo;

/// <summary>A name that is misused, or that something happens to.</summary>
internal sealed record Brand(string Ja, string En, string Latin, string Domain, string Bait, string BaitEn);

/// <summary>The people, names and networks of the samples. None of them exists.</summary>
internal static class Stage
{
    public static readonly Brand[] Brands =
    [
        new("ほしぞら銀行", "Hoshizora Bank", "hoshizora", "hoshizora-bank.example", "お客さまの口座のご利用を一時停止しました。ご本人確認をお願いします", "Your account has been suspended. Please verify your identity"),
        new("しらかば信用金庫", "Shirakaba Shinkin", "shirakaba", "shirakaba-shinkin.example", "第三者からの不審な振込を検知しました。至急ご確認ください", "A suspicious transfer was detected. Please check it at once"),
        new("ひばりカード", "Hibari Card", "hibari", "hibari-card.example", "カードのご利用確認のお願い。24時間以内にお手続きください", "Please confirm the use of your card within 24 hours"),
        new("こだま急便", "Kodama Express", "kodama", "kodama-express.example", "お荷物をお届けにあがりましたが不在のため持ち帰りました。再配達はこちら", "Your parcel could not be delivered. Arrange redelivery here"),
        new("つばめ通販", "Tsubame Shop", "tsubame", "tsubame-shop.example", "会員情報の有効期限が切れています。お支払い方法を更新してください", "Your membership has expired. Update your payment method"),
        new("ぎんがモバイル", "Ginga Mobile", "ginga", "ginga-mobile.example", "ご利用料金のお支払いが確認できません。本日中にお手続きください", "We could not confirm your payment. Please settle it today"),
        new("かえで証券", "Kaede Securities", "kaede", "kaede-sec.example", "セキュリティ強化のため、取引暗証番号の再登録が必要です", "For your safety, please register your trading password again"),
        new("ひいらぎ航空", "Hiiragi Airways", "hiiragi", "hiiragi-air.example", "マイレージの有効期限が近づいています。特典に交換してください", "Your miles are about to expire. Exchange them for rewards"),
        new("あけぼの電力", "Akebono Power", "akebono", "akebono-power.example", "電気料金の未納により送電を停止します。お支払いはこちら", "Your power supply will be cut off because of an unpaid bill"),
        new("みなと大学", "Minato University", "minato-u", "minato.example", "メールボックスの容量が上限に達しました。再認証してください", "Your mailbox has reached its quota. Sign in again to keep it"),
    ];

    /// <summary>Weights of the brands: banks and parcels come first, as everywhere.</summary>
    public static readonly int[] BrandWeights = [20, 8, 14, 16, 9, 9, 10, 3, 5, 6];

    private static readonly string[] Surnames = ["青木", "石井", "上田", "遠藤", "岡田", "川口", "木下", "久保", "小山", "坂本", "柴田", "杉山", "高田", "千葉", "土屋", "内藤", "西村", "野口", "浜田", "平野", "藤井", "本田", "松尾", "水野", "宮田", "村上", "森田", "安田", "横山", "和田"];

    private static readonly string[] Given = ["愛", "明", "恵", "一輝", "和子", "圭", "健太", "幸子", "聡", "翔", "進", "直樹", "春香", "弘", "裕子", "誠", "真理", "優", "由美", "涼"];

    private static readonly string[] Western = ["M. Alder", "J. Brook", "A. Castell", "R. Delane", "P. Ferrow", "L. Garrand", "T. Holm", "K. Ivers", "S. Jonquil", "D. Kestle", "N. Larkin", "E. Marlow"];

    /// <summary>Organisations that report, their mail domain and country.</summary>
    public static readonly (string Name, string Domain, string Country)[] HomeOrgs =
    [
        ("東雲製作所 CSIRT", "shinonome.example", "JP"), ("けやき大学 情報基盤センター", "keyaki-u.example", "JP"), ("かもめ市 情報政策課", "kamome-city.example", "JP"), ("つばめ通販 情報システム部", "tsubame-shop.example", "JP"),
        ("あおい通信", "aoi-telecom.example", "JP"), ("みずはらネット CSIRT", "mizuhara-net.example", "JP"), ("ゆりのき病院 医療情報管理室", "yurinoki-hospital.example", "JP"), ("くすのき新聞 技術局", "kusunoki-news.example", "JP"),
        ("やまなみ工業", "yamanami.example", "JP"), ("すみれ出版", "sumire-pub.example", "JP"), ("いずみ食品", "izumi-foods.example", "JP"), ("みなと大学 CSIRT", "minato.example", "JP"),
    ];

    public static readonly (string Name, string Domain, string Country)[] AwayOrgs =
    [
        ("CERT-Freedonia", "cert-freedonia.example", "US"), ("CERT-Sylvania", "cert-sylvania.example", "DE"), ("CERT-Veldia", "cert-veldia.example", "NL"), ("CERT-Tavara", "cert-tavara.example", "KR"),
        ("CERT-Marenia", "cert-marenia.example", "SG"), ("CERT-Lumeria", "cert-lumeria.example", "BR"), ("Lantern Threat Research", "lantern-research.example", "US"), ("Fenwick Anti-Phishing Group", "fenwick-apg.example", "CA"),
        ("Blauwasser Netz", "blauwasser-netz.example", "DE"), ("Nordlys Hosting", "nordlys-hosting.example", "NO"),
    ];

    /// <summary>Where bad things are hosted: few addresses, so that they come up again.</summary>
    public static readonly string[] BadHosts =
    [
        "198.51.100.77", "198.51.100.80", "198.51.100.90", "198.51.100.98", "198.51.100.101", "198.51.100.107", "198.51.100.119", "203.0.113.24", "203.0.113.31", "203.0.113.70", "203.0.113.78", "203.0.113.85",
        "192.0.2.150", "192.0.2.163", "192.0.2.188", "192.0.2.201", "198.51.100.133", "198.51.100.146", "198.51.100.171", "198.51.100.204", "198.51.100.219", "198.51.100.240", "203.0.113.228", "203.0.113.236", "203.0.113.249",
        "203.0.113.137", "203.0.113.204", "203.0.113.170", "2001:db8:5100:12::80", "2001:db8:4900:7::24",
    ];

    /// <summary>Where scans come from: access networks at home and abroad.</summary>
    public static readonly string[] BadClients =
    [
        "203.0.113.9", "203.0.113.18", "203.0.113.44", "203.0.113.52", "192.0.2.14", "192.0.2.33", "192.0.2.47", "203.0.113.131", "203.0.113.144", "203.0.113.152", "203.0.113.165", "203.0.113.176", "203.0.113.183",
        "203.0.113.196", "203.0.113.209", "203.0.113.217", "198.51.100.77", "198.51.100.115", "2001:db8:a000:41::9", "2001:db8:100:3::1f",
    ];

    /// <summary>Sites and machines at home that something happens to: name, address, whose.</summary>
    public static readonly (string Host, string Address, string Ja, string En)[] Victims =
    [
        ("www.tsubame-shop.example", "192.0.2.98", "つばめ通販", "Tsubame Shop"), ("www.kamome-city.example", "192.0.2.114", "かもめ市", "Kamome City"), ("kouhou.kamome-city.example", "192.0.2.117", "かもめ市 広報", "Kamome City"),
        ("www.shinonome.example", "192.0.2.83", "東雲製作所", "Shinonome Works"), ("lib.keyaki-u.example", "198.51.100.36", "けやき大学 図書館", "Keyaki University Library"), ("lab3.minato.example", "198.51.100.19", "みなと大学 第3研究室", "Minato University, Lab 3"),
        ("www.sumire-pub.example", "192.0.2.171", "すみれ出版", "Sumire Publishing"), ("shop.izumi-foods.example", "192.0.2.176", "いずみ食品", "Izumi Foods"), ("blog.kusunoki-news.example", "192.0.2.182", "くすのき新聞", "Kusunoki News"),
        ("www.yurinoki-hospital.example", "198.51.100.58", "ゆりのき病院", "Yurinoki Hospital"), ("club.akatsuki-page.example", "192.0.2.195", "あかつきサーバの利用者", "a customer of Akatsuki Server"), ("sci.keyaki-u.example", "198.51.100.41", "けやき大学 理学部", "Keyaki University, Science"),
    ];

    public static Teller Citizen(Dice dice)
    {
        if (dice.Chance(0.35))
        {
            return Teller.Nobody("ja");
        }

        var name = dice.Of(Surnames) + " " + dice.Of(Given);
        var mail = $"{dice.Of((string[])["hana", "sora", "umi", "kaze", "yuki", "momiji", "tsuki", "mori"])}{dice.From(11, 989).ToString(CultureInfo.InvariantCulture)}@mail.example";
        return new(name, null, dice.Chance(0.8) ? mail : null, dice.Chance(0.15) ? "090-0000-" + dice.From(1000, 9999).ToString(CultureInfo.InvariantCulture) : null, "JP", "ja", (ReporterDisclosure)dice.Weighed(75, 0, 25));
    }

    public static Teller Home(Dice dice) => Of(dice.Of(HomeOrgs));

    /// <summary>An organisation's desk: always the same person, who always allows the same.</summary>
    public static Teller Of((string Name, string Domain, string Country) org)
    {
        var own = Named(org.Name);
        return org.Country == "JP"
            ? new(own.Of(Surnames) + " " + own.Of(Given), org.Name, "csirt@" + org.Domain, own.Chance(0.4) ? "050-0000-0" + Plain(own.From(200, 899)) : null, "JP", "ja", (ReporterDisclosure)own.Weighed(35, 45, 20))
            : new(own.Chance(0.6) ? own.Of(Western) : null, org.Name, "report@" + org.Domain, null, org.Country, "en", (ReporterDisclosure)own.Weighed(20, 60, 20));
    }

    private static Dice Named(string name)
    {
        var seed = 14695981039346656037UL;
        foreach (var c in name)
        {
            seed = (seed ^ c) * 1099511628211UL;
        }

        return new Dice(seed);
    }

    public static Teller Away(Dice dice) => Of(dice.Of(AwayOrgs));

    /// <summary>Whose name is misused: they want it said.</summary>
    public static Teller Brand(Brand brand)
    {
        var own = Named(brand.Ja);
        return new(own.Of(Surnames) + " " + own.Of(Given), brand.Ja, "security@" + brand.Domain, "050-0000-0" + Plain(own.From(200, 899)), "JP", "ja", own.Chance(0.8) ? ReporterDisclosure.Full : ReporterDisclosure.Organisation);
    }

    /// <summary>As people write it when they know better than to send a link, or do not.</summary>
    public static string Written(Dice dice, string value) => dice.Weighed(55, 15, 30) switch
    {
        0 when value.StartsWith("http", StringComparison.Ordinal) => "hxxp" + Dotted(value[4..], "[.]"),
        0 => Dotted(value, "[.]"),
        1 when value.StartsWith("http", StringComparison.Ordinal) => "hxxp" + Dotted(value[4..], "(.)"),
        1 => Dotted(value, "[.]"),
        _ => value,
    };

    /// <summary>The dots of the host only.</summary>
    private static string Dotted(string value, string dot)
    {
        var from = value.IndexOf("://", StringComparison.Ordinal) is var at and >= 0 ? at + 3 : 0;
        var to = value.IndexOf('/', from) is var slash and >= 0 ? slash : value.Length;
        return value[..from] + value[from..to].Replace(".", dot, StringComparison.Ordinal) + value[to..];
    }

    public static TimeSpan Jst { get; } = TimeSpan.FromHours(9);

    /// <summary><c>2026-11-24 05:10:42</c> at an offset of hours.</summary>
    public static string Iso(DateTimeOffset at, double hours = 9) => at.ToOffset(TimeSpan.FromHours(hours)).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    public static string Minute(DateTimeOffset at, double hours = 9) => at.ToOffset(TimeSpan.FromHours(hours)).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary><c>11月24日 5時10分ごろ</c>.</summary>
    public static string Ja(DateTimeOffset at) => at.ToOffset(Jst).ToString("M月d日 H時m分", CultureInfo.InvariantCulture) + "ごろ";

    public static string JaDay(DateTimeOffset at) => at.ToOffset(Jst).ToString("M月d日", CultureInfo.InvariantCulture);

    /// <summary><c>24/Nov/2026:05:10:42 +0900</c>, as web servers log.</summary>
    public static string Clf(DateTimeOffset at, int hours = 9) => at.ToOffset(TimeSpan.FromHours(hours)).ToString("dd/MMM/yyyy:HH:mm:ss", CultureInfo.InvariantCulture) + (hours < 0 ? " -" : " +") + Math.Abs(hours).ToString("00", CultureInfo.InvariantCulture) + "00";

    /// <summary><c>Nov 24 05:10:42</c>, as syslog writes it: no year, no zone.</summary>
    public static string Syslog(DateTimeOffset at, double hours = 9)
    {
        var local = at.ToOffset(TimeSpan.FromHours(hours));
        return local.ToString("MMM ", CultureInfo.InvariantCulture) + local.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2) + local.ToString(" HH:mm:ss", CultureInfo.InvariantCulture);
    }

    public static string Utc(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string Plain(int number) => number.ToString(CultureInfo.InvariantCulture);
}
