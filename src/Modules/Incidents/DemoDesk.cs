using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Demo;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>Teams and people of the sample node that the samples belong to.</summary>
/// <param name="People">By the part of their address before the @.</param>
public sealed record DemoCast(TeamId Aozora, TeamId Minato, CommunityId Community, IReadOnlyDictionary<string, PersonId> People);

/// <summary>
/// A year of a national CSIRT's desk, invented and always the same but for the day it is made on: reports, incidents and requests in every
/// state. It writes what the slices write, in their words, so that every page and count has something true to show.
/// </summary>
public sealed partial class DemoDesk(NodeDb db, BlobStore blobs, KeyRing keys, Locator locator, IncidentsSettings settings, DemoCast cast, DateTimeOffset now)
{
    public const int ReportCount = 400;
    private const int RejectedCount = 45;
    private const int DuplicateCount = 36;
    private const int OpenCount = 38;
    private const int MostVoices = 9;

    private readonly Dice _dice = new(0x52656E6B6569);
    private readonly HashSet<string> _sealed = new(StringComparer.Ordinal);
    private readonly List<Filed> _filed = [];
    private readonly List<Affair> _affairs = [];
    private readonly List<CoordinationRequest> _requests = [];
    private readonly List<RequestId> _drafts = [];

    /// <summary>A report of a plot on its way to become a record.</summary>
    private sealed class Filed(Told told, TeamId team, DateTimeOffset at)
    {
        public Told Told { get; } = told;

        public TeamId Team { get; } = team;

        public DateTimeOffset At { get; } = at;

        public ReportState State { get; set; } = ReportState.Accepted;

        public string? Reason { get; set; }

        public Filed? Of { get; set; }

        public Affair? Affair { get; set; }

        public DateTimeOffset? DueAt { get; set; }

        public PersonId? Assignee { get; set; }

        public Report? Record { get; set; }
    }

    /// <summary>A plot on its way to become an incident.</summary>
    private sealed class Affair(Plot plot, TeamId team)
    {
        public Plot Plot { get; } = plot;

        public TeamId Team { get; } = team;

        public List<Filed> Reports { get; } = [];

        public IncidentState State { get; set; } = IncidentState.Resolved;

        public Marking? Marking { get; set; }

        public PersonId? Owner { get; set; }

        public Incident? Record { get; set; }

        public List<CoordinationRequest> Requests { get; } = [];

        public List<IncidentTarget> Targets { get; } = [];

        public HashSet<Guid> Asked { get; } = [];

        public List<IncidentAttachment> Attachments { get; } = [];

        public List<Paper> Papers { get; } = [];

        /// <summary>What an open one waits for.</summary>
        public Waiting Turn { get; set; }

        public DateTimeOffset? Word { get; set; }
    }

    private PersonId Sato => cast.People["sato"];

    private PersonId Tanaka => cast.People["tanaka"];

    private PersonId Smith => cast.People["smith"];

    private PersonId MinatoAnalyst => cast.People["minato"];

    /// <summary>Writes everything in one transaction. Gives back the drafts that the node should send itself.</summary>
    public async Task<IReadOnlyList<RequestId>> FillAsync(CancellationToken ct)
    {
        Plan();
        await db.InTransactionAsync(async () =>
        {
            await SealAsync(ct);
            var (own, minato) = DemoBook.Add(db, await db.Teams.AsNoTracking().Where(t => t.Hosted).ToDictionaryAsync(t => t.Slug, StringComparer.Ordinal, ct), cast.Community, now.AddDays(-366), _dice.Id);
            AddLabels();
            await AddReportsAsync(ct);
            await AddIncidentsAsync(ct);
            await AddRequestsAsync(own, minato, ct);
            AddHistory();
            AddNotifications();
            await db.SaveChangesAsync(ct);
            return 0;
        }, ct);
        return _drafts;
    }

    private void Plan()
    {
        foreach (var start in Starts(118))
        {
            _affairs.Add(new Affair(Kind(start), cast.Aozora));
        }

        _affairs.Add(new Affair(Showcase(), cast.Aozora));
        foreach (var (days, plot) in new (double, Func<Dice, DateTimeOffset, Plot>)[] { (2.2, Affairs.Account), (9, Affairs.Scan), (31, Affairs.Infected), (74, Affairs.Exposed), (140, Affairs.Spam) })
        {
            _affairs.Add(new Affair(plot(_dice, now.AddDays(-days)), cast.Minato));
        }

        foreach (var affair in _affairs)
        {
            foreach (var told in affair.Plot.Tellings)
            {
                File(affair, told);
            }
        }

        // months' machine reports, each one incident's or put aside
        foreach (var (days, type) in new (double, string)[] { (12, "event4_sinkhole"), (26, "scan_rdp"), (40, "scan_exchange"), (58, "event4_sinkhole"), (90, "scan_rdp"), (121, "event4_sinkhole"), (150, "scan_exchange"), (188, "scan_rdp"), (230, "event4_sinkhole") })
        {
            var at = now.AddDays(-days);
            var affair = _affairs.Where(a => a.Team == cast.Aozora && a.Plot.Type == (type == "event4_sinkhole" ? "infected-system" : "vulnerable-system") && a.Plot.Label == "other").MinBy(a => Math.Abs((a.Plot.Start - at).TotalHours))!;
            var filed = new Filed(Affairs.Feed(_dice, at, type), cast.Aozora, at < affair.Plot.Start ? affair.Plot.Start.AddHours(3) : at) { Affair = affair };
            affair.Reports.Add(filed);
            _filed.Add(filed);
        }

        foreach (var start in Starts(RejectedCount))
        {
            var (told, reason) = Affairs.Rejected(_dice, start);
            _filed.Add(new Filed(told, cast.Aozora, start) { State = ReportState.Rejected, Reason = reason });
        }

        var phishing = _affairs.Where(a => a.Plot.More is not null).OrderByDescending(a => a.Plot.Start).ToList();
        while (_filed.Count < ReportCount - 23 - 2)
        {
            var affair = _dice.Of(phishing);
            if (affair.Reports.Count < MostVoices)
            {
                File(affair, affair.Plot.More!() with { After = TimeSpan.FromHours(_dice.From(1, 70)) });
            }
        }

        var duplicates = _affairs.Where(a => a.Reports.Count > 1).SelectMany(a => a.Reports.Skip(1).Where(r => r.Told.Feed is null)).ToList();
        for (var made = 0; made < DuplicateCount && duplicates.Count > 0;)
        {
            var pick = duplicates[_dice.Below(duplicates.Count)];
            duplicates.Remove(pick);
            if (pick.Affair!.Reports.MinBy(r => r.At) is { } first && first != pick)
            {
                (pick.State, pick.Of) = (ReportState.Duplicate, first);
                made++;
            }
        }

        foreach (var row in WaitingReports.All(_dice, now))
        {
            var due = now.AddHours(row.Hours);
            var received = row.Told.Kind switch { ReportKind.Request => due - ReportDue.Request, ReportKind.Information => due - ReportDue.Information, _ => now.AddHours(Math.Min(-0.4, row.Hours - 24)) };
            _filed.Add(new Filed(row.Told, cast.Aozora, received) { State = ReportState.New, DueAt = due, Assignee = _dice.Weighed(70, 15, 15) switch { 1 => Sato, 2 => Smith, _ => null } });
        }

        _filed.Add(new Filed(new(new Teller("学籍 番子", null, "student@minato.example", null, "JP", "ja", ReporterDisclosure.None), Channel.Web, ReportKind.Request, "大学のメールを騙るフィッシング", "学生に「メールボックスの容量が上限に達しました」というメールが届いています。\nhxxps://minato-u-webmail[.]example/webmail/"), cast.Minato, now.AddHours(-2.2)) { State = ReportState.New });
        _filed.Add(new Filed(new(new Teller(null, "けやき大学 情報基盤センター", "cert@keyaki-u.example", null, "JP", "ja", ReporterDisclosure.Organisation), Channel.Mail, ReportKind.Information, "貴学の端末からのスキャン（情報提供）", $"{Stage.Minute(now.AddHours(-9))} JST から、198.51.100.12 より 445/TCP のスキャンを観測しました。"), cast.Minato, now.AddHours(-6)) { State = ReportState.New });
        Decide();
    }

    private void File(Affair affair, Told told)
    {
        var at = affair.Plot.Start + (told.After > TimeSpan.Zero ? told.After : TimeSpan.FromMinutes(affair.Reports.Count == 0 ? _dice.From(15, 140) : _dice.From(60, 2600)));
        if (at.ToOffset(Stage.Jst).DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday && at < now.AddDays(-4) && _dice.Chance(0.55))
        {
            // who meets it at the weekend writes on Monday
            at = at.AddDays(at.ToOffset(Stage.Jst).DayOfWeek == DayOfWeek.Saturday ? 2 : 1);
        }

        at = at > now.AddMinutes(-45) ? now.AddMinutes(-_dice.From(45, 200)) : at;
        var filed = new Filed(told, affair.Team, at) { Affair = affair };
        affair.Reports.Add(filed);
        _filed.Add(filed);
    }

    private Plot Kind(DateTimeOffset start) => _dice.Weighed(44, 9, 9, 15, 3, 3, 6, 10, 9, 5, 3) switch
    {
        0 => Frauds.Phishing(_dice, start),
        1 => Affairs.Defacement(_dice, start),
        2 => Affairs.Malware(_dice, start),
        3 => Affairs.Scan(_dice, start),
        4 => Affairs.Flood(_dice, start),
        5 => Affairs.Control(_dice, start),
        6 => Affairs.Targeted(_dice, start),
        7 => Affairs.Infected(_dice, start),
        8 => Affairs.Account(_dice, start),
        9 => Affairs.Exposed(_dice, start),
        _ => Affairs.Spam(_dice, start),
    };

    /// <summary>The wave of this morning, which the waiting reports are about as well.</summary>
    private Plot Showcase()
    {
        var start = now.AddHours(-30);
        var plot = new Plot(start, "fraud", "phishing", "phishing-site", "銀行をかたるフィッシングサイト（ほしぞら銀行）", "SMS で誘導し、IDと暗証番号、ワンタイムパスワードを入力させる。入力された情報は別のサーバに送られている。", Severity.High, RequestPurpose.Takedown);
        plot.Aims.AddRange([Frauds.Site("https://login-hoshizora.example/v/1", TargetRole.Phishing, "203.0.113.24"), Frauds.Site("https://hoshizora-bank.verify-center.example/", TargetRole.Phishing, "198.51.100.77"), new(ObservableType.Domain, "drop.hoshi-mail.example", TargetRole.DropSite, "198.51.100.80"), Frauds.Site("http://hoshizora-card.example/", TargetRole.Phishing, "192.0.2.150")]);
        var bank = new Teller("空野 守", "ほしぞら銀行", "security@hoshizora-bank.example", "050-0000-0140", "JP", "ja", ReporterDisclosure.Full);
        plot.Tellings.Add(new(bank, Channel.Mail, ReportKind.Request, "【閉鎖依頼】弊行を騙るフィッシングサイトについて", $"青空CERT ご担当者様\n\nほしぞら銀行の空野です。弊行を騙る下記のサイトを確認しました。閉鎖の調整をお願いいたします。\n\nhxxps://login-hoshizora[.]example/v/1\n203.0.113[.]24（{Stage.Minute(start)} JST に確認）\n\nSMS の文面:\n「お客さまの口座のご利用を一時停止しました。ご本人確認をお願いします」") { OccurredText = Stage.Minute(start), Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start), Reference = "SEC-4468", Stated = ["https://login-hoshizora.example/v/1"], Papers = [new("sms.txt", AttachmentKind.LogExcerpt, "【ほしぞら銀行】お客さまの口座のご利用を一時停止しました。ご本人確認をお願いします https://login-hoshizora.example/v/1\n")] });
        plot.Tellings.Add(new(Stage.Citizen(_dice), Channel.Web, ReportKind.Request, "ほしぞら銀行からのSMSが怪しい", "ほしぞら銀行を名乗るSMSが届きました。口座は持っていません。\nhttps://hoshizora-bank.verify-center.example/") { After = TimeSpan.FromHours(2) });
        plot.Tellings.Add(new(Stage.Of(Stage.AwayOrgs[7]), Channel.Api, ReportKind.Request, "Phishing: Hoshizora Bank, 2 URLs", $"brand: Hoshizora Bank\nurl: hxxps://hoshizora-bank.verify-center[.]example/\nurl: hxxp://hoshizora-card[.]example/\nip: 198.51.100.77, 192.0.2.150\nfirst_seen: {Stage.Utc(start.AddHours(1))}") { After = TimeSpan.FromHours(4), Stated = ["http://hoshizora-card.example/"], OccurredText = Stage.Utc(start.AddHours(1)), Zone = "UTC", OccurredAt = Frauds.Whole(start.AddHours(1), 1) });
        plot.Tellings.Add(new(Stage.Home(_dice), Channel.Mail, ReportKind.Information, "情報の送付先（ドロップ）について", "フィッシングサイトの post.php が drop.hoshi-mail[.]example（198.51.100[.]80）に転送しています。先月の別の銀行のキットと同じ送付先です。") { After = TimeSpan.FromHours(7) });
        plot.Papers.AddRange([new("sms.txt", AttachmentKind.LogExcerpt, $"受信 {Stage.Minute(start.AddMinutes(-30))} JST\n【ほしぞら銀行】お客さまの口座のご利用を一時停止しました。ご本人確認をお願いします https://login-hoshizora.example/v/1\n"), new("http-response.txt", AttachmentKind.Capture, $"$ curl -sSi https://login-hoshizora.example/v/1\n# {Stage.Iso(start.AddHours(1))} JST\nHTTP/1.1 200 OK\nServer: nginx\nContent-Type: text/html; charset=utf-8\n\n<title>ほしぞら銀行｜ログイン</title>\n"), new("access.log", AttachmentKind.LogExcerpt, string.Concat(Enumerable.Range(0, 14).Select(i => $"198.51.100.{Stage.Plain(200 + i)} - - [{Stage.Clf(start.AddSeconds(42 + (i * 9)))}] \"{(i % 3 == 1 ? "POST" : "GET")} /v/1 HTTP/1.1\" {(i % 3 == 1 ? "302" : "200")} {Stage.Plain(812 + (i * 37))}\n")))]);
        plot.Notes.AddRange(["SMS の送信元は 2系統。文面は先月のインシデントと同じ雛形。", "ドロップは停止を急がず、ログの保全を先に頼む。"]);
        return plot;
    }

    /// <summary>Moments over the last year: more of late, on weekdays and in office hours.</summary>
    private IEnumerable<DateTimeOffset> Starts(int count)
    {
        for (var i = 0; i < count;)
        {
            var day = now.AddDays(-1.3 - (362 * Math.Pow(_dice.Unit(), 1.35)));
            var local = day.ToOffset(Stage.Jst);
            if (local.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday && _dice.Chance(0.6))
            {
                continue;
            }

            var hour = _dice.Weighed(2, 2, 1, 1, 1, 2, 3, 5, 8, 14, 16, 13, 9, 12, 13, 12, 11, 9, 7, 6, 5, 4, 4, 3);
            var at = new DateTimeOffset(local.Year, local.Month, local.Day, hour, _dice.Below(60), _dice.Below(60), Stage.Jst).ToUniversalTime();
            if (at < now.AddHours(-26))
            {
                i++;
                yield return at;
            }
        }
    }

    /// <summary>Which are open, whose turn it is, who looks after them, and who may know.</summary>
    private void Decide()
    {
        var mine = _affairs.Where(a => a.Team == cast.Aozora).OrderByDescending(a => a.Plot.Start).ToList();
        var open = 0;
        for (var i = 0; i < mine.Count; i++)
        {
            var affair = mine[i];
            var strict = affair.Reports.Exists(r => r.Told.Strict && r.State == ReportState.Accepted);
            var red = affair.Reports.Exists(r => r.Told.Red && r.State == ReportState.Accepted);
            affair.Marking = red ? Marking.RedAtIntake(cast.Aozora) : strict ? Marking.Own(cast.Aozora, Tlp.AmberStrict) : Marking.Own(cast.Aozora);
            affair.State = open < OpenCount && _dice.Chance(affair.Plot.Start > now.AddDays(-21) ? 0.9 : affair.Plot.Start > now.AddDays(-80) ? 0.6 : 0.03) ? IncidentState.Open : _dice.Chance(0.9) ? IncidentState.Resolved : IncidentState.Abandoned;
            if (affair.State == IncidentState.Open)
            {
                open++;
                affair.Turn = (Waiting)_dice.Weighed(14, 38, 48);
            }

            affair.Owner = affair.Plot.English ? Smith : _dice.Weighed(45, 30, 20, affair.State == IncidentState.Open ? 8 : 0) switch { 0 => Sato, 1 => Tanaka, 2 => Smith, _ => null };
        }

        var wave = mine.First(a => a.Plot.Title.Contains("（ほしぞら銀行）", StringComparison.Ordinal) && a.Plot.Start > now.AddHours(-31));
        (wave.State, wave.Turn, wave.Owner, wave.Marking) = (IncidentState.Open, Waiting.Them, Sato, Marking.Own(cast.Aozora));

        // with whom some are shared, so that sharing shows
        var own = mine.Where(a => a.Marking!.Tlp == Tlp.Amber && a != wave).ToList();
        var minato = Principal.Of(cast.Minato);
        foreach (var affair in own.Where(a => a.Plot.Aims.Exists(x => x.Address?.StartsWith("198.51.100.", StringComparison.Ordinal) == true && x.Role == TargetRole.Victim)).Take(3).Concat(own.Skip(2).Take(1)))
        {
            affair.Marking = affair.Marking! with { Audience = new([minato]) };
        }

        foreach (var affair in own.Where(a => a.Plot.Label == "scan").Take(5))
        {
            affair.Marking = new Marking { Tlp = Tlp.Green, Pap = Pap.Green, Origin = cast.Aozora, Audience = new([Principal.Of(cast.Community)]) };
        }

        if (own.Find(a => a.Plot.Label == "phishing-site" && a.State == IncidentState.Resolved) is { } known)
        {
            known.Marking = new Marking { Tlp = Tlp.Clear, Pap = Pap.Clear, Origin = cast.Aozora };
        }

        if (own.Find(a => a.Plot.Type == "vulnerable-system" && a.Marking!.Audience.Count == 0) is { } held)
        {
            held.Marking = held.Marking! with { Audience = new([minato]), Embargo = now.AddDays(6) };
        }

        if (own.FindLast(a => a.Marking!.Audience.Count == 0 && a.State == IncidentState.Resolved) is { } gone)
        {
            gone.Marking = gone.Marking! with { Audience = new([minato]), Expires = now.AddDays(-30) };
        }

        var theirs = _affairs.Where(a => a.Team == cast.Minato).OrderByDescending(a => a.Plot.Start).ToList();
        for (var i = 0; i < theirs.Count; i++)
        {
            (theirs[i].Owner, theirs[i].State, theirs[i].Turn) = (MinatoAnalyst, i < 3 ? IncidentState.Open : IncidentState.Resolved, i == 0 ? Waiting.Us : Waiting.Them);
            theirs[i].Marking = i switch
            {
                1 => Marking.Own(cast.Minato) with { Audience = new([Principal.Of(cast.Aozora)]) },
                2 => new Marking { Tlp = Tlp.Green, Pap = Pap.Green, Origin = cast.Minato, Audience = new([Principal.Of(cast.Community)]) },
                _ => Marking.Own(cast.Minato),
            };
        }
    }
}
