using System.Net;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Directories;

/// <summary>
/// The address book of the sample node: organisations that do not exist, on domains and networks that are kept for documentation (RFC 2606,
/// RFC 5737, RFC 3849, RFC 5398). Every address of those networks has someone who answers for it.
/// </summary>
public static class DemoBook
{
    /// <summary>Who announces a documentation prefix on the sample node. Larger networks come first.</summary>
    public sealed record Network(string Prefix, uint Asn, string AsName, string Country);

    public static IReadOnlyList<Network> Networks { get; } =
    [
        new("192.0.2.0/24", 64496, "AOI-TELECOM Aoi Telecom Co., Ltd.", "JP"),
        new("198.51.100.0/26", 64496, "AOI-TELECOM Aoi Telecom Co., Ltd.", "JP"),
        new("203.0.113.0/25", 64501, "MIZUHARA-NET Mizuhara Net K.K.", "JP"),
        new("192.0.2.128/25", 64499, "AKATSUKI-SERVER Akatsuki Server Inc.", "JP"),
        new("198.51.100.64/26", 64510, "KESTREL-HOSTING Kestrel Hosting LLC", "US"),
        new("198.51.100.128/26", 64506, "NORDLYS Nordlys Hosting AS", "NO"),
        new("198.51.100.192/26", 64507, "HARBOUR-DATA Harbour Data Pte. Ltd.", "SG"),
        new("198.51.100.0/27", 64500, "MINATO-U Minato University", "JP"),
        new("203.0.113.64/27", 64502, "OOZORA-VPS Oozora VPS G.K.", "JP"),
        new("203.0.113.128/27", 65536, "BLAUWASSER Blauwasser Netz GmbH", "DE"),
        new("203.0.113.160/27", 65537, "VELOZ Veloz Telecom Ltda.", "BR"),
        new("203.0.113.192/27", 65538, "BARAM-NET Baram Networks Inc.", "KR"),
        new("203.0.113.224/27", 64508, "ROWAN-CLOUD Rowan Cloud B.V.", "NL"),
        new("192.0.2.64/28", 64497, "HOSHIZORA-BANK Hoshizora Bank, Ltd.", "JP"),
        new("192.0.2.112/28", 64503, "KAMOME-CITY Kamome City", "JP"),
        new("198.51.100.32/28", 64505, "KEYAKI-U Keyaki University", "JP"),
        new("2001:db8:100::/40", 64501, "MIZUHARA-NET Mizuhara Net K.K.", "JP"),
        new("2001:db8:200::/40", 64496, "AOI-TELECOM Aoi Telecom Co., Ltd.", "JP"),
        new("2001:db8:4900::/40", 64499, "AKATSUKI-SERVER Akatsuki Server Inc.", "JP"),
        new("2001:db8:5100::/40", 64510, "KESTREL-HOSTING Kestrel Hosting LLC", "US"),
        new("2001:db8:a000::/36", 65536, "BLAUWASSER Blauwasser Netz GmbH", "DE"),
    ];

    /// <summary>A contact of the book that answers for something, as the contact finder would find it.</summary>
    public sealed record Answer(Contact Contact, Team Team, ConstituencyKind Kind, string Value);

    private sealed record Desk(ContactRole Role, string Name, string Mail, string Languages, string? Hours, AsksFor Wants = AsksFor.Text, string Zone = "Asia/Tokyo", string? Phone = null, string? Pgp = null, bool Bounced = false);

    private sealed record Entry(string Slug, string Ja, string En, TeamKind What, string Country, Desk[] Desks, string[] Pieces, string? Notes = null, bool ForCommunity = false, bool Hosted = false);

    private const string Weekdays = "平日 9:00–18:00";

    private const string Always = "24時間";

    private static readonly Entry[] Aozora =
    [
        new("mizuhara-net", "みずはらネット", "Mizuhara Net", TeamKind.Isp, "JP",
            [new(ContactRole.AbuseDesk, "不正利用窓口", "abuse@mizuhara-net.example", "ja en", Weekdays), new(ContactRole.Csirt, "CSIRT", "csirt@mizuhara-net.example", "ja en", Always, AsksFor.Xarf, Phone: "050-0000-0101", Pgp: "5C1E7A0B93D24F68A1B0C2D3E4F5061728394A5B"), new(ContactRole.Administrator, "ネットワーク運用センター", "noc@mizuhara-net.example", "ja en", Always, Phone: "050-0000-0100")],
            ["203.0.113.0/25", "2001:db8:100::/40", "AS64501", "mizuhara-net.example"], "閉鎖依頼は不正利用窓口へ。夜間に急ぐものはCSIRTへ電話。"),
        new("aoi-telecom", "あおい通信", "Aoi Telecom", TeamKind.Isp, "JP",
            [new(ContactRole.AbuseDesk, "インターネット不正利用対応", "abuse@aoi-telecom.example", "ja", Weekdays), new(ContactRole.Upstream, "接続事業者窓口", "peering@aoi-telecom.example", "ja en", Weekdays)],
            ["192.0.2.0/24", "198.51.100.0/26", "2001:db8:200::/40", "AS64496", "aoi-telecom.example"]),
        new("akatsuki-server", "あかつきサーバ", "Akatsuki Server", TeamKind.Hoster, "JP",
            [new(ContactRole.AbuseDesk, "不正利用対応窓口", "abuse@akatsuki-server.example", "ja", "毎日 9:00–21:00", AsksFor.Csv, Phone: "050-0000-0120"), new(ContactRole.Management, "運用部長 暁 健司", "akatsuki.k@akatsuki-server.example", "ja", Weekdays)],
            ["192.0.2.128/25", "2001:db8:4900::/40", "AS64499", "akatsuki-server.example", "akatsuki-page.example"], "利用者のページは akatsuki-page.example の下。停止まで平均 4時間。"),
        new("oozora-vps", "おおぞらVPS", "Oozora VPS", TeamKind.Hoster, "JP",
            [new(ContactRole.AbuseDesk, "サポート", "support@oozora-vps.example", "ja en", "平日 10:00–19:00")],
            ["203.0.113.64/27", "AS64502", "oozora-vps.example"], "上位は みずはらネット。"),
        new("kestrel-hosting", "Kestrel Hosting", "Kestrel Hosting", TeamKind.Hoster, "US",
            [new(ContactRole.AbuseDesk, "Abuse desk", "abuse@kestrel-hosting.example", "en", "24/7", AsksFor.Xarf, "America/New_York"), new(ContactRole.Csirt, "Trust and Safety", "trust@kestrel-hosting.example", "en", "Mon-Fri 9:00-17:00", AsksFor.Text, "America/New_York", Pgp: "7D0E22B190AC4F41F6A8B7C6D5E4F30213243546")],
            ["198.51.100.64/26", "2001:db8:5100::/40", "AS64510", "kestrel-hosting.example"], "Reads X-ARF and closes such tickets within a day."),
        new("linden-web", "Linden Web", "Linden Web", TeamKind.Hoster, "US",
            [new(ContactRole.AbuseDesk, "Support team", "abuse@linden-web.example", "en", "Mon-Fri 9:00-17:00", AsksFor.Text, "America/Chicago")],
            ["198.51.100.96/28", "linden-web.example"], "Reseller within Kestrel Hosting."),
        new("nordlys-hosting", "Nordlys Hosting", "Nordlys Hosting", TeamKind.Hoster, "NO",
            [new(ContactRole.AbuseDesk, "Abuse", "abuse@nordlys-hosting.example", "en", "Mon-Fri 8:00-16:00", AsksFor.Xarf, "Europe/Oslo")],
            ["198.51.100.128/26", "AS64506", "nordlys-hosting.example"]),
        new("harbour-data", "Harbour Data", "Harbour Data", TeamKind.Hoster, "SG",
            [new(ContactRole.AbuseDesk, "Network abuse", "abuse@harbour-data.example", "en", "24/7", AsksFor.Csv, "Asia/Singapore")],
            ["198.51.100.192/26", "AS64507", "harbour-data.example"]),
        new("rowan-cloud", "Rowan Cloud", "Rowan Cloud", TeamKind.Hoster, "NL",
            [new(ContactRole.AbuseDesk, "Abuse team", "abuse@rowan-cloud.example", "en", "24/7", AsksFor.Xarf, "Europe/Amsterdam")],
            ["203.0.113.224/27", "AS64508", "rowan-cloud.example"]),
        new("blauwasser-netz", "Blauwasser Netz", "Blauwasser Netz", TeamKind.Isp, "DE",
            [new(ContactRole.AbuseDesk, "Abuse-Team", "abuse@blauwasser-netz.example", "en", "Mon-Fri 9:00-17:00", AsksFor.Xarf, "Europe/Berlin")],
            ["203.0.113.128/27", "2001:db8:a000::/36", "AS65536", "blauwasser-netz.example"]),
        new("veloz-telecom", "Veloz Telecom", "Veloz Telecom", TeamKind.Isp, "BR",
            [new(ContactRole.AbuseDesk, "Security desk", "abuse@veloz-telecom.example", "en", "Mon-Fri 9:00-18:00", AsksFor.Text, "America/Sao_Paulo", Bounced: true), new(ContactRole.Administrator, "NOC", "noc@veloz-telecom.example", "en", "24/7", AsksFor.Text, "America/Sao_Paulo")],
            ["203.0.113.160/27", "AS65537", "veloz-telecom.example"], "abuse@ bounced in autumn: mailbox full. Try the NOC."),
        new("baram-networks", "Baram Networks", "Baram Networks", TeamKind.Isp, "KR",
            [new(ContactRole.AbuseDesk, "Abuse response", "abuse@baram-net.example", "en ja", "Mon-Fri 9:00-18:00", AsksFor.Text, "Asia/Seoul")],
            ["203.0.113.192/27", "AS65538", "baram-net.example"]),
        new("hinata-domains", "ひなたドメイン", "Hinata Domains", TeamKind.Registrar, "JP",
            [new(ContactRole.Registrar, "ドメイン不正利用窓口", "abuse@hinata-domains.example", "ja en", Weekdays)],
            ["hinata-domains.example", "hoshi-mail.example", "verify-center.example", "hoshizora-card.example"]),
        new("quill-names", "Quill Names", "Quill Names", TeamKind.Registrar, "CA",
            [new(ContactRole.Registrar, "Registrar abuse desk", "abuse@quill-names.example", "en", "Mon-Fri 9:00-17:00", AsksFor.Text, "America/Toronto")],
            ["quill-names.example", "secure-id.example", "parcel-info.example"]),
        new("example-registry", "Example Registry", "Example Registry", TeamKind.Registrar, "US",
            [new(ContactRole.Registrar, "Registry services", "abuse@registry.example", "en", "24/7", AsksFor.Csv, "UTC")],
            ["example"], "Registry of .example. Acts on court order or on phishing confirmed by two CSIRTs."),
        new("cert-freedonia", "CERT-Freedonia", "CERT-Freedonia", TeamKind.NationalCsirt, "US",
            [new(ContactRole.Csirt, "Incident response", "incidents@cert-freedonia.example", "en", "24/7", AsksFor.Xarf, "America/New_York", "+1 555 0100", "3B7C10A4D2E85F6190A1B2C3D4E5F60718299E21")], ["US"], null, true),
        new("cert-sylvania", "CERT-Sylvania", "CERT-Sylvania", TeamKind.NationalCsirt, "DE",
            [new(ContactRole.Csirt, "Coordination", "cert@cert-sylvania.example", "en", "Mon-Fri 8:00-18:00", AsksFor.Xarf, "Europe/Berlin")], ["DE"], null, true),
        new("cert-veldia", "CERT-Veldia", "CERT-Veldia", TeamKind.NationalCsirt, "NL",
            [new(ContactRole.Csirt, "Duty officer", "duty@cert-veldia.example", "en", "24/7", AsksFor.Text, "Europe/Amsterdam")], ["NL"], null, true),
        new("cert-lumeria", "CERT-Lumeria", "CERT-Lumeria", TeamKind.NationalCsirt, "BR",
            [new(ContactRole.Csirt, "Incident handling", "cert@cert-lumeria.example", "en", "Mon-Fri 9:00-18:00", AsksFor.Csv, "America/Sao_Paulo")], ["BR"], null, true),
        new("cert-tavara", "CERT-Tavara", "CERT-Tavara", TeamKind.NationalCsirt, "KR",
            [new(ContactRole.Csirt, "International cooperation", "first@cert-tavara.example", "en ja", "Mon-Fri 9:00-18:00", AsksFor.Text, "Asia/Seoul")], ["KR"], "日本語で書いてもよい。", true),
        new("cert-marenia", "CERT-Marenia", "CERT-Marenia", TeamKind.NationalCsirt, "SG",
            [new(ContactRole.Csirt, "Operations centre", "soc@cert-marenia.example", "en", "24/7", AsksFor.Xarf, "Asia/Singapore")], ["SG"], null, true),
        new("cert-ruritania", "CERT-Ruritania", "CERT-Ruritania", TeamKind.NationalCsirt, "NO",
            [new(ContactRole.Csirt, "Incident desk", "desk@cert-ruritania.example", "en", "Mon-Fri 8:00-16:00", AsksFor.Text, "Europe/Oslo")], ["NO"], null, true),
        new("hoshizora-bank", "ほしぞら銀行", "Hoshizora Bank", TeamKind.Csirt, "JP",
            [new(ContactRole.Csirt, "CSIRT", "csirt@hoshizora-bank.example", "ja en", Weekdays, AsksFor.Text, Phone: "050-0000-0140", Pgp: "9A41F6D3B2C1E07856473829100F1E2D3C4B5A69")],
            ["192.0.2.64/28", "AS64497", "hoshizora-bank.example"]),
        new("shirakaba-shinkin", "しらかば信用金庫", "Shirakaba Shinkin", TeamKind.Company, "JP",
            [new(ContactRole.Administrator, "事務管理部 システム課", "system@shirakaba-shinkin.example", "ja", "平日 9:00–17:00")], ["shirakaba-shinkin.example"]),
        new("shinonome-works", "東雲製作所", "Shinonome Works", TeamKind.Csirt, "JP",
            [new(ContactRole.Csirt, "CSIRT", "csirt@shinonome.example", "ja en", Weekdays)], ["192.0.2.80/28", "shinonome.example"]),
        new("tsubame-shop", "つばめ通販", "Tsubame Shop", TeamKind.Company, "JP",
            [new(ContactRole.Administrator, "情報システム部", "it@tsubame-shop.example", "ja", Weekdays)], ["192.0.2.96/28", "tsubame-shop.example"]),
        new("kamome-city", "かもめ市", "Kamome City", TeamKind.Company, "JP",
            [new(ContactRole.Administrator, "情報政策課", "joho@kamome-city.example", "ja", "平日 8:30–17:15")], ["192.0.2.112/28", "AS64503", "kamome-city.example"]),
        new("minato", "", "", TeamKind.Csirt, "JP",
            [new(ContactRole.Csirt, "インシデント対応", "csirt@minato.example", "ja en", Weekdays)], ["198.51.100.0/27", "AS64500", "minato.example"], Hosted: true),
        new("aozora", "", "", TeamKind.NationalCsirt, "JP",
            [new(ContactRole.Csirt, "調整窓口", "coordination@aozora.example", "ja en", Weekdays, Phone: "050-0000-0000")], [], Hosted: true),
        new("keyaki-u", "けやき大学", "Keyaki University", TeamKind.Csirt, "JP",
            [new(ContactRole.Csirt, "情報基盤センター", "cert@keyaki-u.example", "ja en", Weekdays)], ["198.51.100.32/28", "AS64505", "keyaki-u.example"]),
        new("tokiwa-water", "ときわ水道企業団", "Tokiwa Water Authority", TeamKind.Company, "JP",
            [new(ContactRole.Administrator, "浄水課 電気計装係", "keisou@tokiwa-water.example", "ja", Weekdays, Phone: "050-0000-0160")], ["198.51.100.48/29", "tokiwa-water.example"], "制御系は電話を先に。"),
        new("yurinoki-hospital", "ゆりのき病院", "Yurinoki Hospital", TeamKind.Company, "JP",
            [new(ContactRole.Administrator, "医療情報管理室", "iryo-joho@yurinoki-hospital.example", "ja", "平日 8:30–17:00", Phone: "050-0000-0170")], ["198.51.100.56/29", "yurinoki-hospital.example"]),
        new("mitsuba-denki", "みつば電機 PSIRT", "Mitsuba Denki PSIRT", TeamKind.Vendor, "JP",
            [new(ContactRole.Csirt, "PSIRT", "psirt@mitsuba-denki.example", "ja en", Weekdays, Pgp: "41F6A8B7C6D5E4F302132435465768798A9BACBD")], ["mitsuba-denki.example"]),
    ];

    private static readonly Entry[] Minato =
    [
        new("aozora", "", "", TeamKind.NationalCsirt, "JP",
            [new(ContactRole.Csirt, "調整窓口", "coordination@aozora.example", "ja en", Weekdays, Phone: "050-0000-0000")], ["JP"], Hosted: true),
        new("minato-aoi", "あおい通信（大学担当）", "Aoi Telecom (universities)", TeamKind.Isp, "JP",
            [new(ContactRole.Upstream, "大学・研究機関担当", "academic@aoi-telecom.example", "ja", Weekdays)], ["192.0.2.0/24", "AS64496"]),
        new("minato-kestrel", "Kestrel Hosting", "Kestrel Hosting", TeamKind.Hoster, "US",
            [new(ContactRole.AbuseDesk, "Abuse desk", "abuse@kestrel-hosting.example", "en", "24/7", AsksFor.Xarf, "America/New_York")], ["198.51.100.64/26", "AS64510"]),
        new("minato-wakaba", "わかば情報サービス", "Wakaba Information Services", TeamKind.Vendor, "JP",
            [new(ContactRole.Administrator, "大学情報システム 保守担当", "support@wakaba-info.example", "ja", "平日 9:00–17:30")], ["198.51.100.0/27", "minato.example"]),
    ];

    /// <summary>What answers for what, of one team's book.</summary>
    public sealed class Book
    {
        private readonly List<(Constituency Piece, IReadOnlyList<Contact> Contacts, Team Team)> _pieces = [];

        internal void Add(Constituency piece, IReadOnlyList<Contact> contacts, Team team) => _pieces.Add((piece, contacts, team));

        /// <summary>In the finder's order: prefix by length, AS number, domain, TLD, country; each contact once, as the book stood <paramref name="at"/> that time.</summary>
        public IReadOnlyList<Answer> Find(Whereabouts where, DateTimeOffset at)
        {
            var key = where.Address is { } address ? ContactFinder.AddressKey(address) : null;
            return [.. _pieces.Select(p => (p, Rank: RankOf(p.Piece, where, key))).Where(p => p.Rank >= 0).OrderBy(p => p.Rank)
                .Select(p => new Answer(p.p.Contacts.FirstOrDefault(c => c.BouncedAt is null || c.BouncedAt > at) ?? p.p.Contacts[0], p.p.Team, p.p.Piece.What, p.p.Piece.Value)).DistinctBy(a => a.Contact.Id)];
        }

        private static int RankOf(Constituency piece, Whereabouts where, string? key) => piece.What switch
        {
            ConstituencyKind.Prefix when key is not null && string.CompareOrdinal(piece.From, key) <= 0 && string.CompareOrdinal(piece.To, key) >= 0 => 128 - piece.Length,
            ConstituencyKind.Asn when where.Asn is { } asn && piece.Value == "AS" + asn.ToString(System.Globalization.CultureInfo.InvariantCulture) => 200,
            ConstituencyKind.Domain when where.Domain is { } d && (d == piece.Value || d.EndsWith("." + piece.Value, StringComparison.Ordinal)) => 300 - piece.Value.Count(c => c == '.'),
            ConstituencyKind.Tld when where.Domain is { } d && d.EndsWith("." + piece.Value, StringComparison.Ordinal) => 400,
            ConstituencyKind.Country when where.Country == piece.Value => 500,
            _ => -1,
        };
    }

    /// <summary>Adds both teams' books to <paramref name="db"/>; the caller saves. <paramref name="id"/> makes the ids, so that a seed repeats them.</summary>
    /// <param name="hosted">The node's own teams by slug: contacts of theirs are of these.</param>
    public static (Book Aozora, Book Minato) Add(NodeDb db, IReadOnlyDictionary<string, Team> hosted, CommunityId community, DateTimeOffset at, Func<DateTimeOffset, Guid> id)
    {
        var own = new Marking { Tlp = Tlp.Green, Pap = Pap.Green, Origin = hosted["aozora"].Id };
        var minato = own with { Origin = hosted["minato"].Id };
        return (Add(db, Aozora, hosted, own, own with { Audience = new([Principal.Of(community)]) }, at, id), Add(db, Minato, hosted, minato, minato, at, id));
    }

    private static Book Add(NodeDb db, Entry[] entries, IReadOnlyDictionary<string, Team> hosted, Marking own, Marking shared, DateTimeOffset at, Func<DateTimeOffset, Guid> id)
    {
        var book = new Book();
        foreach (var entry in entries)
        {
            var marking = entry.ForCommunity ? shared : own;
            var team = entry.Hosted ? hosted[entry.Slug] : new Team { Id = TeamId.From(id(at)), Marking = marking, Name = entry.Ja, NameLatin = entry.En, Slug = entry.Slug, What = entry.What, Country = entry.Country, Mail = entry.Desks[0].Mail, Phone = entry.Desks[0].Phone, Hours = entry.Desks[0].Hours, Notes = entry.Notes };
            if (!entry.Hosted)
            {
                db.Teams.Add(team);
            }

            var contacts = new List<Contact>();
            foreach (var desk in entry.Desks)
            {
                var contact = new Contact { Id = ContactId.From(id(at)), Marking = marking, Team = team.Id, Name = desk.Name, Role = desk.Role, Mail = desk.Mail, Phone = desk.Phone, Languages = desk.Languages, WorkingHours = desk.Hours, Zone = desk.Zone, AsksFor = desk.Wants, OpenPgpFingerprint = desk.Pgp, BouncedAt = desk.Bounced ? at.AddDays(290) : null };
                db.Contacts.Add(contact);
                contacts.Add(contact);
            }

            foreach (var text in entry.Pieces)
            {
                var what = KindOf(text);
                var range = what == ConstituencyKind.Prefix ? ContactFinder.Range(text) : ("", "", 0);
                var piece = new Constituency { Id = ConstituencyId.From(id(at)), Marking = marking, Team = team.Id, Contact = contacts[0].Id, What = what, Value = text, From = range.Item1, To = range.Item2, Length = range.Item3 };
                db.Constituencies.Add(piece);
                book.Add(piece, contacts, team);
            }
        }

        return book;
    }

    private static ConstituencyKind KindOf(string text) => text.Contains('/', StringComparison.Ordinal) ? ConstituencyKind.Prefix
        : text.StartsWith("AS", StringComparison.Ordinal) && text.Length > 2 ? ConstituencyKind.Asn
        : text.Length == 2 && char.IsAsciiLetterUpper(text[0]) ? ConstituencyKind.Country
        : text.Contains('.', StringComparison.Ordinal) ? ConstituencyKind.Domain
        : ConstituencyKind.Tld;
}
