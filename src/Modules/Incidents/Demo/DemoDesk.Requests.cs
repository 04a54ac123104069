using Renkei.Directories;
using Renkei.Incidents.Demo;
using Renkei.Kernel;

namespace Renkei.Incidents;

public sealed partial class DemoDesk
{
    /// <summary>One ask before it is a record.</summary>
    private sealed record Ask(Affair Affair, DemoBook.Answer To, List<IncidentTarget> Targets, RequestPurpose Purpose, DateTimeOffset At)
    {
        public RequestState State { get; set; } = RequestState.Closed;

        /// <summary>Sent by the node itself when it has started, so that real mail lies in the spool.</summary>
        public bool Now { get; set; }
    }

    private async Task AddRequestsAsync(DemoBook.Book own, DemoBook.Book minato, CancellationToken ct)
    {
        var asks = _affairs.SelectMany(a => Asks(a, a.Team == cast.Aozora ? own : minato)).OrderBy(a => a.At).ToList();
        Turns(asks);
        foreach (var ask in asks)
        {
            await AddRequestAsync(ask, ct);
        }
    }

    private IEnumerable<Ask> Asks(Affair affair, DemoBook.Book book)
    {
        var (plot, incident) = (affair.Plot, affair.Record!);
        // RED, STRICT and what is held back do not leave by mail; some incidents need nobody asked
        if (incident.Marking.Tlp is Tlp.Red or Tlp.AmberStrict || incident.Marking.Embargo is not null || (affair.State == IncidentState.Open && affair.Turn == Waiting.Nobody && _dice.Chance(0.5)))
        {
            return [];
        }

        var at = Earlier(incident.OpenedAt.AddMinutes(_dice.From(20, 150)), now.AddMinutes(-15));
        var found = affair.Targets.Select(t => (Target: t, Answers: book.Find(Locator.Whereabouts(new Observable(t.Type, t.Value), t.Address, new Location(t.Prefix, t.Asn, t.AsName, t.Country, t.Tld)), at))).Where(f => f.Answers.Count > 0).ToList();
        var asks = found.GroupBy(f => f.Answers[0].Contact.Id).Select(g => new Ask(affair, g.First().Answers[0], [.. g.Select(f => f.Target)], plot.Purpose, at)).Take(4).ToList();
        if (found.Count > 0 && plot.Type is "phishing" or "c2-server" or "malware-distribution" or "brute-force" && _dice.Chance(0.22))
        {
            // beside the operator: the domain's registrar, or the country's CSIRT for its information
            var others = found[0].Answers.Where(a => a.Kind is ConstituencyKind.Country or ConstituencyKind.Domain && asks.TrueForAll(x => x.To.Contact.Id != a.Contact.Id)).ToList();
            if (others.Count > 0)
            {
                asks.Add(new Ask(affair, others[^1], [.. found.Where(f => f.Answers.Any(x => x.Contact.Id == others[^1].Contact.Id)).Select(f => f.Target)], others[^1].Kind == ConstituencyKind.Country ? RequestPurpose.Inform : plot.Purpose, at.AddMinutes(6)));
            }
        }

        return asks;
    }

    /// <summary>Which are still open, and how, so that every state and outcome is there.</summary>
    private static void Turns(List<Ask> asks)
    {
        var us = 0;
        var them = 0;
        foreach (var group in asks.Where(a => a.Affair.State == IncidentState.Open).GroupBy(a => a.Affair))
        {
            var all = group.ToList();
            for (var i = 0; i < all.Count; i++)
            {
                all[i].State = group.Key.Turn switch
                {
                    Waiting.Us when i == 0 => ((RequestState[])[RequestState.Draft, RequestState.Answered, RequestState.Bounced, RequestState.Answered, RequestState.Draft, RequestState.Answered])[us++ % 6],
                    Waiting.Nobody => RequestState.Closed,
                    _ => ((RequestState[])[RequestState.Delivered, RequestState.Acknowledged, RequestState.Sent, RequestState.Delivered, RequestState.Acknowledged, RequestState.Closed])[them++ % 6],
                };
            }
        }
    }

    private async Task AddRequestAsync(Ask ask, CancellationToken ct)
    {
        var (affair, incident, contact) = (ask.Affair, ask.Affair.Record!, ask.To.Contact);
        var hand = affair.Owner ?? (affair.Team == cast.Aozora ? Tanaka : MinatoAnalyst);
        // an open one of an old incident is its second round: asked lately
        var created = ask.State == RequestState.Closed ? ask.At : ask.At > now.AddHours(-40) ? ask.At : now.AddHours(-_dice.From(4, 60));
        var sent = Earlier(created.AddMinutes(_dice.From(6, 50)), now.AddMinutes(-12));
        var language = contact.Language;
        var (grounds, papers) = ask.Purpose == RequestPurpose.Inform || affair.Team == cast.Minato ? ([], []) : (affair.Attachments.Take(2).ToList(), affair.Papers.Take(2).ToList());
        var request = new CoordinationRequest
        {
            Id = RequestId.From(_dice.Id(created)),
            Marking = incident.Marking,
            Number = await Numbers.RequestAsync(db, affair.Team, ct),
            Incident = incident.Id,
            Contact = contact.Id,
            RecipientTeam = contact.Team,
            RecipientName = NameFor(ask.To, language),
            RecipientMail = contact.Mail,
            Language = language,
            RecipientRole = contact.Role.ToString(),
            AsksFor = contact.AsksFor.ToString(),
            Purpose = ask.Purpose,
            Why = System.Text.Json.JsonSerializer.Serialize(new[] { "request.why." + ask.To.Kind.ToString().ToLowerInvariant(), ask.To.Value }),
            State = ask.State,
            DueAt = Due(ask.Purpose, incident.Severity, sent),
            NoGrounds = grounds.Count == 0,
            Author = hand,
        };
        var index = 0;
        foreach (var target in ask.Targets)
        {
            db.RequestTargets.Add(new RequestTarget { Id = _dice.Id(created.AddMilliseconds(index++)), Request = request.Id, Target = target.Id, Type = target.Type, Value = target.Value, Role = target.Role, Address = target.Address });
        }

        db.RequestGrounds.AddRange(grounds.Select(g => new RequestGround { Request = request.Id, Attachment = g.Id }));
        (request.Subject, request.Body) = Write(request, incident, ask, papers);
        Add(request, created);
        affair.Requests.Add(request);
        _requests.Add(request);
        Say(incident, EntryKind.Request, created, hand, "request.diary.drafted", [request.Number, request.RecipientName], "/requests/" + request.Id);
        if (ask.State != RequestState.Draft)
        {
            Send(ask, request, sent, hand);
            Live(ask, request, sent, hand);
        }
    }

    /// <summary>From sending to where it stands.</summary>
    private void Live(Ask ask, CoordinationRequest request, DateTimeOffset sent, PersonId hand)
    {
        var incident = ask.Affair.Record!;
        if (ask.State == RequestState.Sent)
        {
            return;
        }

        if (ask.State == RequestState.Bounced)
        {
            Event(request, RequestState.Bounced, RequestAnswer.None, sent.AddMinutes(1), null, "552 5.2.2 Mailbox full");
            Say(incident, EntryKind.Message, sent.AddMinutes(1), null, "request.diary.bounced", [request.Number, request.RecipientName], "/requests/" + request.Id);
            return;
        }

        request.DeliveredAt = sent.AddSeconds(_dice.From(2, 40));
        Event(request, RequestState.Delivered, RequestAnswer.None, request.DeliveredAt.Value, null, "250 2.0.0 Ok: queued as " + _dice.Hex(10).ToUpperInvariant());
        if (ask.State == RequestState.Delivered)
        {
            return;
        }

        var outcome = ask.State == RequestState.Closed ? (RequestOutcome)(_dice.Weighed(0, 70, 6, 8, 12, 4)) : RequestOutcome.None;
        var silent = outcome is RequestOutcome.Silent or RequestOutcome.Withdrawn;
        var closed = ask.Affair.State == IncidentState.Open && ask.State == RequestState.Closed;
        var limit = closed || ask.State != RequestState.Closed ? now.AddMinutes(-9) : DateTimeOffset.MaxValue;
        var at = Earlier(sent.AddMinutes(_dice.From(25, 900)), limit);
        if (!silent)
        {
            request.AcknowledgedAt = at;
            Event(request, RequestState.Acknowledged, RequestAnswer.None, at, hand, request.Language is "ja" ? "受け付けました。担当で確認します。" : _dice.Of((string[])["We have opened a ticket and are investigating.", "Thank you, forwarded to our customer.", "Ticket received."]));
            Say(incident, EntryKind.Answer, at, hand, "request.diary.acknowledged", [request.Number, request.RecipientName], "/requests/" + request.Id);
        }

        if (ask.State == RequestState.Acknowledged)
        {
            return;
        }

        var answer = outcome switch
        {
            RequestOutcome.Done => RequestAnswer.Done,
            RequestOutcome.Refused => RequestAnswer.Refused,
            RequestOutcome.NotOurs => RequestAnswer.NotOurs,
            _ => ((RequestAnswer[])[RequestAnswer.NeedInfo, RequestAnswer.Done, RequestAnswer.NotOurs, RequestAnswer.NeedInfo, RequestAnswer.Refused])[_requests.Count % 5],
        };
        if (!silent)
        {
            at = Earlier(at.AddMinutes(_dice.From(20, 1500)), limit);
            (request.Answer, request.AnsweredAt) = (answer, at);
            Event(request, RequestState.Answered, answer, at, hand, Words(answer, request.Language));
            Say(incident, EntryKind.Answer, at, hand, "request.diary.answer_" + answer.ToString().ToLowerInvariant(), [request.Number, request.RecipientName], "/requests/" + request.Id);
        }

        if (ask.State != RequestState.Closed)
        {
            return;
        }

        at = silent ? Earlier(outcome == RequestOutcome.Silent ? request.DueAt.AddHours(_dice.From(1, 90)) : at, limit) : Earlier(at.AddMinutes(_dice.From(5, 240)), limit);
        (request.Outcome, request.ClosedAt) = (outcome, at);
        Event(request, RequestState.Closed, RequestAnswer.None, at, hand, outcome == RequestOutcome.Withdrawn ? "対象が先に停止したため取り下げ。" : "");
        Say(incident, EntryKind.Request, at, hand, "request.diary.closed_" + outcome.ToString().ToLowerInvariant(), [request.Number, request.RecipientName], "/requests/" + request.Id);
    }

    private string Words(RequestAnswer answer, string language) => (answer, language) switch
    {
        (RequestAnswer.Done, "ja") => _dice.Of((string[])["対象のページを削除しました。", "契約者の利用を停止しました。", "契約者に連絡し、対処の完了を確認しました。", "該当の端末を特定し、駆除しました。"]),
        (RequestAnswer.Done, _) => _dice.Of((string[])["The site has been removed.", "We suspended the account.", "Our customer cleaned the machine.", "Null-routed, ticket closed."]),
        (RequestAnswer.Refused, "ja") => "契約者の同意が得られないため、当社では対応できません。",
        (RequestAnswer.Refused, _) => "We act on a court order only.",
        (RequestAnswer.NotOurs, "ja") => "当該アドレスは再販先に割り当てています。再販先へお問い合わせください。",
        (RequestAnswer.NotOurs, _) => "This prefix is used by a reseller. Please ask them.",
        (_, "ja") => "確認した日時（秒まで）と、送信元のポート番号を教えてください。",
        _ => "Please send full log lines with time zone, and a screenshot.",
    };

    private void Event(CoordinationRequest request, RequestState state, RequestAnswer answer, DateTimeOffset at, PersonId? author, string text) =>
        db.RequestEvents.Add(new RequestEvent { Id = _dice.Id(at), Request = request.Id, Team = request.Marking.Origin, State = state, Answer = answer, At = at, Author = author, Text = text });

    /// <summary>As the desk names a recipient: organisation and desk, in the letter's language.</summary>
    private static string NameFor(DemoBook.Answer to, string language)
    {
        var organisation = to.Team.NameIn(language);
        return string.Equals(to.Contact.Name, organisation, StringComparison.Ordinal) || (language is not "ja" && !System.Text.Ascii.IsValid(to.Contact.Name)) ? organisation : organisation + (language is "ja" ? " " : ", ") + to.Contact.Name;
    }

    private static DateTimeOffset Due(RequestPurpose purpose, Severity severity, DateTimeOffset sent)
    {
        var hours = purpose switch { RequestPurpose.Takedown => 24, RequestPurpose.Inform => 168, _ => 72 };
        return sent.AddHours(severity is Severity.Critical ? hours / 2.0 : hours);
    }

    private void Send(Ask ask, CoordinationRequest request, DateTimeOffset sent, PersonId hand)
    {
        request.SentAt = sent;
        request.MessageId = Formats.Mail.MessageIds.Create(settings.MailDomain, request.Id.Value.ToString("N"), 0, keys.Derive("message-id"));
        Event(request, RequestState.Sent, RequestAnswer.None, sent, hand, "");
        Say(ask.Affair.Record!, EntryKind.Request, sent, hand, "request.diary.sent", [request.Number, request.RecipientName], "/requests/" + request.Id);
    }

    private static (string Subject, string Body) Write(CoordinationRequest request, Incident incident, Ask ask, IReadOnlyList<Paper> papers)
    {
        var list = string.Join('\n', ask.Targets.Select((t, i) => $"{Stage.Plain(i + 1)}. {new Observable(t.Type, t.Value).Defang()}"));
        return request.Language is "ja"
            ? ($"【対応依頼】{incident.Title}", $"{request.RecipientName} 御中\n\n青空CERTです。次の対象について、調査と対応をお願いいたします。\n\n{list}\n\n根拠: {(papers.Count == 0 ? "添付なし" : string.Join('、', papers.Select(p => p.Name)))}\n回答期限: {Stage.Minute(request.DueAt)} JST\n")
            : ($"Request: {incident.Title}", $"Dear {request.RecipientName},\n\nthis is Aozora CERT. Please look into the following:\n\n{list}\n\nPlease answer by {Stage.Utc(request.DueAt)}.\n");
    }
}
