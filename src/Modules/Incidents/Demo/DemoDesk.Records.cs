using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Renkei.Directories;
using Renkei.Formats.Feeds;
using Renkei.Formats.Rsit;
using Renkei.Formats.Shadowserver;
using Renkei.Incidents.Demo;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

public sealed partial class DemoDesk
{
    private const int LabelVersion = 1;

    private readonly Dictionary<Filed, BlobRef> _raw = [];
    private readonly Dictionary<Paper, BlobRef> _papers = [];

    private TimeZoneInfo Zone { get; } = TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo");

    /// <summary>Objects first, while the context tracks nothing else.</summary>
    private async Task SealAsync(CancellationToken ct)
    {
        _filed.Sort((a, b) => a.At.CompareTo(b.At));
        foreach (var filed in _filed)
        {
            _raw[filed] = await blobs.AddAsync(db, RawText.Of(filed.Told, filed.At, _dice.Hex(24)), ct);
            foreach (var paper in filed.Told.Papers)
            {
                _papers[paper] = await blobs.AddAsync(db, Encoding.UTF8.GetBytes(paper.Text), ct);
            }
        }

        foreach (var paper in _affairs.SelectMany(a => a.Plot.Papers))
        {
            _papers[paper] = await blobs.AddAsync(db, Encoding.UTF8.GetBytes(paper.Text), ct);
        }
    }

    private void AddLabels()
    {
        var order = 0;
        foreach (var category in JpcertCategories.All)
        {
            var rsit = RsitTaxonomy.Categories.SelectMany(c => c.Types).FirstOrDefault(t => JpcertCategories.For(t) == category && category != JpcertCategories.Other);
            db.CategoryLabels.Add(new CategoryLabel { Team = cast.Aozora, Version = LabelVersion, Code = category.Id, NameJa = category.Japanese, NameEn = category.English, Rsit = rsit?.ToString(), Order = order++ });
        }
    }

    private async Task AddReportsAsync(CancellationToken ct)
    {
        foreach (var month in _filed.GroupBy(f => (f.Team, Month: f.At.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture))))
        {
            var all = month.ToList();
            var number = await db.NextAsync($"report:{month.Key.Team}:{month.Key.Month}", ct, all.Count);
            foreach (var filed in all)
            {
                AddReport(filed, Numbers.Report(month.Key.Month, number++));
            }
        }

        foreach (var filed in _filed.Where(f => f.Of is not null))
        {
            filed.Record!.DuplicateOf = filed.Of!.Record!.Id;
        }
    }

    private void AddReport(Filed filed, string number)
    {
        var (told, at) = (filed.Told, filed.At);
        var id = ReportId.From(_dice.Id(at));
        var secret = RandomNumberGenerator.GetBytes(32);
        var report = new Report
        {
            Id = id,
            Marking = told.Red ? Marking.RedAtIntake(filed.Team) : told.Strict ? Marking.Own(filed.Team, Tlp.AmberStrict) : Marking.Own(filed.Team),
            Number = number,
            Channel = told.Channel,
            Type = told.Kind,
            State = filed.State,
            RejectReason = filed.Reason,
            ReceivedAt = at,
            DueAt = filed.DueAt ?? ReportDue.Of(told.Kind, at, Zone),
            Assignee = filed.Assignee ?? filed.Affair?.Owner,
            Summary = told.Summary,
            Description = told.Feed is null ? told.Text : "",
            ReporterName = told.By.Name,
            ReporterEmail = told.By.Email,
            ReporterOrganisation = told.By.Organisation,
            ReporterPhone = told.By.Phone,
            ReporterCountry = told.By.Country,
            ReporterReference = told.Reference,
            Disclosure = told.By.Disclosure,
            OccurredText = told.OccurredText,
            OccurredZone = told.Zone,
            OccurredAt = told.OccurredAt,
            ClockNote = told.ClockNote,
            Language = told.By.Language,
            RawSha256 = _raw[filed].Sha256,
            StatusKeyHash = Intake.Hash(System.Buffers.Text.Base64Url.EncodeToString(secret)),
            StatusKeyWrapped = keys.Wrap(secret, "report-status:" + id),
            TakenBy = told.Channel is Channel.Phone or Channel.Fax ? Sato : null,
            Feed = told.Feed is null ? null : "shadowserver:" + told.Feed,
        };
        filed.Record = report;
        Add(report, at);
        foreach (var paper in told.Papers)
        {
            db.ReportAttachments.Add(new ReportAttachment { Id = _dice.Id(at), Report = id, Name = paper.Name, MediaType = paper.MediaType, Sha256 = _papers[paper].Sha256, Size = _papers[paper].Size });
        }

        var stated = told.Feed is null ? told.Stated.Select(s => Observable.TryParse(s, out var o, out _) ? o : (Observable?)null).OfType<Observable>().Distinct().ToList() : AddItems(report, told);
        var found = told.Feed is null ? ObservableExtractor.Extract(told.Summary + "\n" + told.Text, ExtractLimits.Default).Select(o => o.Observable).Except(stated).ToList() : [];
        foreach (var (observable, named) in stated.Select(o => (o, true)).Concat(found.Select(o => (o, false))))
        {
            var where = locator.Of(observable);
            db.ReportObservables.Add(new ReportObservable { Id = _dice.Id(at), Report = id, Type = observable.Type, Value = observable.Value, Stated = named, Prefix = where.Prefix, Asn = where.Asn, AsName = where.AsName, Country = where.Country, Tld = where.Tld });
        }
    }

    /// <summary>The lines of a machine report, read with the reader that reads real ones.</summary>
    private List<Observable> AddItems(Report report, Told told)
    {
        var sources = new List<Observable>();
        using var reader = ShadowserverFormat.Instance.Open(new MemoryStream(Encoding.UTF8.GetBytes(told.Text)), new FeedOptions { Type = told.Feed });
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(2048);
        for (var read = reader.Read(); read != FeedRead.End; read = reader.Read())
        {
            if (read == FeedRead.Error)
            {
                throw new InvalidOperationException("A sample file has a bad row: " + reader.Error!.Code);
            }

            buffer.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                reader.Event.WriteJson(json);
            }

            var ip = reader.Event.Source.IpText.ToString();
            report.Items++;
            db.ReportItems.Add(new ReportItem { Report = report.Id, Line = (int)reader.Event.Line, Key = reader.Event.RowKey.ToString("x32", CultureInfo.InvariantCulture), At = reader.Event.SourceTime, SourceIp = ip, SourceAsn = reader.Event.Source.Asn, Event = Encoding.UTF8.GetString(buffer.WrittenSpan) });
            if (Observable.TryParse(ip, out var source, out _) && !sources.Contains(source))
            {
                sources.Add(source);
            }
        }

        return sources;
    }

    private async Task AddIncidentsAsync(CancellationToken ct)
    {
        foreach (var affair in _affairs)
        {
            affair.Reports.RemoveAll(r => r.State != ReportState.Accepted);
            affair.Reports.Sort((a, b) => a.At.CompareTo(b.At));
        }

        foreach (var affair in _affairs.OrderBy(Opened))
        {
            await AddIncidentAsync(affair, ct);
        }
    }

    private static DateTimeOffset Opened(Affair affair) => affair.Reports[0].At.AddMinutes(12 + (affair.Plot.Start.Minute * 2));

    private async Task AddIncidentAsync(Affair affair, CancellationToken ct)
    {
        var (plot, opened) = (affair.Plot, Opened(affair));
        opened = opened > now.AddMinutes(-20) ? now.AddMinutes(-20) : opened;
        var first = affair.Reports[0].Record!;
        var incident = new Incident
        {
            Id = IncidentId.From(_dice.Id(opened)),
            Marking = affair.Marking!,
            Number = await Numbers.IncidentAsync(db, affair.Team, opened, ct),
            Title = plot.Title,
            Summary = plot.Summary,
            Category = plot.Category,
            Type = plot.Type,
            Label = affair.Team == cast.Aozora ? plot.Label : null,
            LabelVersion = affair.Team == cast.Aozora ? LabelVersion : null,
            Severity = plot.Severity,
            State = affair.State,
            Owner = affair.Owner,
            OpenedAt = opened,
            OccurredText = first.OccurredText,
            OccurredZone = first.OccurredZone,
            OccurredAt = first.OccurredAt,
            ClockNote = first.ClockNote,
        };
        affair.Record = incident;
        Add(incident, opened);
        var hand = affair.Owner ?? (affair.Team == cast.Aozora ? Tanaka : MinatoAnalyst);
        Say(incident, EntryKind.State, opened, hand, "triage.diary.opened", [first.Number], $"/reports/{first.Id}");
        if (affair.Owner is { } owner)
        {
            var (ja, en) = NameOf(owner);
            Say(incident, EntryKind.State, opened.AddMinutes(2), Tanaka == owner ? owner : affair.Team == cast.Aozora ? Tanaka : owner, "diary.assigned", [ja, en]);
        }

        foreach (var filed in affair.Reports)
        {
            var at = filed.At.AddMinutes(25) > opened ? Earlier(filed.At.AddMinutes(25), now.AddMinutes(-5)) : opened;
            var link = new ReportLink { Id = _dice.Id(at), Report = filed.Record!.Id, Incident = incident.Id, LinkedAt = at, LinkedBy = hand };
            db.ReportLinks.Add(link);
            Act(filed, TriageDid.Accepted, at, hand, link.Id, filed == affair.Reports[0] ? incident.Id.Value : null);
            if (filed != affair.Reports[0])
            {
                Say(incident, EntryKind.Report, at, hand, "triage.diary.added", [filed.Record.Number], $"/reports/{filed.Record.Id}");
            }
        }

        var added = opened;
        foreach (var aim in plot.Aims)
        {
            var where = locator.Of(new Observable(aim.Type, aim.Value), aim.Address);
            var target = new IncidentTarget { Id = _dice.Id(opened.AddMilliseconds(affair.Targets.Count)), Incident = incident.Id, Type = aim.Type, Value = aim.Value, Role = aim.Role, Address = aim.Type is ObservableType.IPv4 or ObservableType.IPv6 ? null : aim.Address, Prefix = where.Prefix, Asn = where.Asn, AsName = where.AsName, Country = where.Country, Tld = where.Tld, AddedAt = added };
            db.IncidentTargets.Add(target);
            affair.Targets.Add(target);
        }

        if (plot.Aims.Count > 1)
        {
            SayList(incident, opened.AddMinutes(4), hand, "diary.targets_added", [.. plot.Aims.Select(a => new Observable(a.Type, a.Value).Defang())]);
        }

        foreach (var paper in plot.Papers)
        {
            added = added.AddMinutes(3);
            var attachment = new IncidentAttachment { Id = _dice.Id(added), Incident = incident.Id, Name = paper.Name, MediaType = paper.MediaType, Sha256 = _papers[paper].Sha256, Size = _papers[paper].Size, What = paper.What, AddedAt = added, AddedBy = hand };
            db.IncidentAttachments.Add(attachment);
            affair.Attachments.Add(attachment);
            affair.Papers.Add(paper);
        }

        if (plot.Papers.Count > 0)
        {
            SayList(incident, opened.AddMinutes(4), hand, "diary.attached", [.. plot.Papers.Select(p => p.Name)]);
        }

        var noted = added;
        foreach (var note in plot.Notes)
        {
            noted = Earlier(noted.AddMinutes(_dice.From(20, 300)), now.AddMinutes(-3));
            db.Timeline.Add(new TimelineEntry { Id = _dice.Id(noted), Incident = incident.Id, Team = affair.Team, What = EntryKind.Note, At = noted, Author = affair.Team == cast.Aozora ? _dice.Of([Sato, Tanaka, hand]) : hand, Text = note });
        }

        if (plot.Category == "fraud" && plot.Type == "phishing" && affair.Reports[0].Told is { OccurredAt: { } seen, OccurredText: { } text, Zone: { } zone })
        {
            db.Timeline.Add(new TimelineEntry { Id = _dice.Id(seen), Incident = incident.Id, Team = affair.Team, What = EntryKind.Event, At = seen, AtText = text, AtZone = zone, Author = hand, Text = plot.English ? "The page was seen for the first time." : "報告者が最初に確認した時刻。" });
        }
    }

    private (string Ja, string En) NameOf(PersonId person) => person == Sato ? ("佐藤 美咲", "Misaki Sato") : person == Tanaka ? ("田中 健", "Ken Tanaka") : person == Smith ? ("アレックス スミス", "Alex Smith") : ("港 一郎", "Ichiro Minato");

    /// <summary>Triage of what became no incident, words with reporters, and what closed incidents came to.</summary>
    private void AddHistory()
    {
        foreach (var filed in _filed.Where(f => f.State is ReportState.Rejected or ReportState.Duplicate))
        {
            Act(filed, filed.State == ReportState.Rejected ? TriageDid.Rejected : TriageDid.Duplicate, Earlier(filed.At.AddMinutes(_dice.From(9, 400)), now.AddMinutes(-5)), filed.Team == cast.Aozora ? _dice.Of([Sato, Tanaka, Smith]) : MinatoAnalyst, null, null);
        }

        foreach (var affair in _affairs)
        {
            Settle(affair);
            Talk(affair);
            Close(affair);
            (affair.Record!.Waiting, affair.Record.DueAt) = IncidentClock.Of(affair.State, affair.Requests, affair.Word is { } word ? [word] : [], [.. Unasked(affair).Select(t => t.AddedAt)]);
        }
    }

    private static List<IncidentTarget> Unasked(Affair affair) => [.. affair.Targets.Where(t => !affair.Asked.Contains(t.Id) && ProposeRequests.IsToBeAsked(affair.Record!, t.Type, t.Role))];

    /// <summary>A desk that works leaves nothing old undone: where nobody was asked the matter is over, and a target that nobody answers for was put aside.</summary>
    private void Settle(Affair affair)
    {
        if (affair.State != IncidentState.Open || affair.Record!.OpenedAt > now.AddDays(-2) || Unasked(affair) is not { Count: > 0 } left)
        {
            return;
        }

        if (affair.Requests.Count == 0)
        {
            affair.State = affair.Record.State = IncidentState.Resolved;
            return;
        }

        foreach (var target in left)
        {
            target.RemovedAt = target.AddedAt.AddHours(5);
        }
    }

    private void Talk(Affair affair)
    {
        var wanted = affair.State == IncidentState.Open && affair.Turn == Waiting.Us && affair.Requests.TrueForAll(r => r.State is not (RequestState.Draft or RequestState.Bounced or RequestState.Answered));
        if (affair.Reports.Find(r => r.Told.By.Email is not null && r.Told.Feed is null) is not { } filed || !(wanted || _dice.Chance(0.3)))
        {
            return;
        }

        var ja = filed.Told.By.Language is "ja";
        var person = affair.Owner ?? (affair.Team == cast.Aozora ? Sato : MinatoAnalyst);
        var at = Earlier(affair.Record!.OpenedAt.AddMinutes(_dice.From(30, 200)), now.AddHours(-1));
        db.ReportMessages.Add(new ReportMessage { Id = _dice.Id(at), Report = filed.Record!.Id, FromReporter = false, Author = person, At = at, Text = ja ? "ご報告ありがとうございます。内容を確認し、関係する組織への連絡を進めています。アクセスログが残っていましたら、お送りいただけますか。" : "Thank you for your report. We are asking the operators concerned. Could you send us the log lines, if you still have them?" });
        Say(affair.Record, EntryKind.Message, at, person, "report.diary.team_answered", [filed.Record.Number], $"/reports/{filed.Record.Id}");
        if (!wanted && _dice.Chance(0.5))
        {
            return;
        }

        var back = wanted ? now.AddHours(-_dice.From(2, 30)) : at.AddHours(_dice.From(1, 30));
        back = back <= at ? at.AddMinutes(20) : Earlier(back, now.AddMinutes(-10));
        db.ReportMessages.Add(new ReportMessage { Id = _dice.Id(back), Report = filed.Record.Id, FromReporter = true, At = back, Text = ja ? _dice.Of((string[])["ログを確認しました。同じアドレスから、前日にも 3回アクセスがありました。必要であれば全体をお送りします。", "その後、サイトは表示されなくなったようです。ありがとうございました。", "社内で確認したところ、ほかに 2名が同じメールを受け取っていました。"]) : "Here are two more lines from our proxy. The page was up again an hour ago." });
        Say(affair.Record, EntryKind.Message, back, null, "report.diary.reporter_wrote", [filed.Record.Number], $"/reports/{filed.Record.Id}");
        if (wanted)
        {
            affair.Word = back;
            return;
        }

        if (affair.State == IncidentState.Open)
        {
            var thanks = Earlier(back.AddMinutes(40), now.AddMinutes(-2));
            db.ReportMessages.Add(new ReportMessage { Id = _dice.Id(thanks), Report = filed.Record.Id, FromReporter = false, Author = person, At = thanks, Text = ja ? "ご連絡ありがとうございます。記録に加えました。" : "Thank you, we added it." });
        }
    }

    private void Close(Affair affair)
    {
        if (affair.State == IncidentState.Open)
        {
            return;
        }

        var incident = affair.Record!;
        var last = affair.Requests.Select(r => r.ClosedAt).Concat(affair.Reports.Select(r => (DateTimeOffset?)r.At.AddHours(2))).Max() ?? incident.OpenedAt;
        incident.ClosedAt = Earlier(last.AddHours(_dice.From(2, 60)), now.AddHours(-2));
        var done = affair.Requests.Exists(r => r.Outcome == RequestOutcome.Done);
        incident.Outcome = affair.State == IncidentState.Abandoned ? _dice.Of((string[])["相手からの回答がなく、対象も応答しないため打ち切り。", "報告者からの追加の情報が得られず、特定できなかった。"])
            : affair.Plot.English ? (done ? "The operator confirmed that the content is gone." : "The target does not answer any more.")
            : affair.Plot.Label switch
            {
                "phishing-site" => done ? "閉鎖を確認した。" : "対象が応答しないことを複数の回線から確認した。",
                "website-defacement" => "復旧と原因の対処を確認した。",
                "scan" => "発信元の管理者が対処した。以後の観測はない。",
                "malware-site" => "停止を確認した。",
                "ics" => "外部からの接続を閉じたことを確認した。",
                _ => "必要な連絡を終え、対処の完了を確認した。",
            };
        var hand = affair.Owner ?? Tanaka;
        Say(incident, EntryKind.State, incident.ClosedAt.Value, hand, affair.State == IncidentState.Resolved ? "diary.resolved" : "diary.abandoned", [incident.Outcome]);
        Say(incident, EntryKind.Message, incident.ClosedAt.Value.AddSeconds(1), hand, "diary.reporters_told", [string.Join(", ", affair.Reports.Select(r => r.Record!.Number).Take(10))]);
    }

    private void AddNotifications()
    {
        foreach (var affair in _affairs.Where(a => a.State == IncidentState.Open && a.Owner is not null).OrderByDescending(a => a.Record!.OpenedAt).Take(14))
        {
            var at = affair.Record!.OpenedAt.AddMinutes(2);
            Notify(affair.Owner!.Value, "incident.notify.assigned", affair.Record.Number, $"/incidents/{affair.Record.Id}", at, now - at > TimeSpan.FromHours(60));
        }

        foreach (var affair in _affairs.Where(a => a.Word is not null && a.Owner is not null))
        {
            var filed = affair.Reports.Find(r => r.Told.By.Email is not null && r.Told.Feed is null)!;
            Notify(affair.Owner!.Value, "report.notify.reporter_wrote", filed.Record!.Number, $"/reports/{filed.Record.Id}#messages", affair.Word!.Value, false);
        }
    }

    private void Notify(PersonId person, string key, string number, string href, DateTimeOffset at, bool read) =>
        db.Notifications.Add(new Notification { Id = _dice.Id(at), Person = person, TextKey = key, Args = JsonSerializer.Serialize(new[] { number }), Href = href, At = at, ReadAt = read ? at.AddHours(3) : null });

    private void Act(Filed filed, TriageDid what, DateTimeOffset at, PersonId person, Guid? link, Guid? opened)
    {
        var before = new TriageBefore(ReportState.New, null, null, filed.Record!.Assignee?.Value);
        if (link is { } made)
        {
            before.LinksMade.Add(made);
        }

        if (opened is { } incident)
        {
            before.IncidentsOpened.Add(incident);
        }

        db.TriageActs.Add(new TriageAct { Id = _dice.Id(at), Batch = _dice.Id(at), Report = filed.Record.Id, Person = person, At = at, What = what, StateAfter = filed.State, AssigneeAfter = filed.Record.Assignee, Before = JsonSerializer.Serialize(before) });
    }

    private void SayList(Incident incident, DateTimeOffset at, PersonId? author, string textKey, IReadOnlyList<string> names)
    {
        var (key, args) = Diary.OfList(textKey, names);
        Say(incident, EntryKind.State, at, author, key, args);
    }

    private void Say(Incident incident, EntryKind what, DateTimeOffset at, PersonId? author, string key, string[] args, string? href = null) =>
        db.Timeline.Add(new TimelineEntry { Id = _dice.Id(at), Incident = incident.Id, Team = incident.Marking.Origin, What = what, At = at, Author = author, TextKey = key, TextArgs = JsonSerializer.Serialize(args), Href = href });

    /// <summary>A record as of its own time: the store sets the time of writing only where none is set.</summary>
    private void Add<T>(T record, DateTimeOffset at) where T : class, IRecord => db.Entry(Added(record)).Property("CreatedAt").CurrentValue = at;

    private T Added<T>(T record) where T : class
    {
        db.Add(record);
        return record;
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
