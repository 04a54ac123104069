using System.Text;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Formats.Mail;
using Renkei.Incidents.Demo;
using Renkei.Kernel;
using Renkei.Store;

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

    private int _answered;
    private int _closed;

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
        // RED, STRICT and what is held back do not leave by mail
        if (incident.Marking.Tlp is Tlp.Red or Tlp.AmberStrict || incident.Marking.Embargo is not null)
        {
            return [];
        }

        var at = Earlier(incident.OpenedAt.AddMinutes(_dice.From(20, 150)), now.AddMinutes(-15));
        var found = affair.Targets.Where(t => ProposeRequests.Fits(plot.Purpose, t.Role)).Select(t => (Target: t, Answers: book.Find(Locator.Whereabouts(new Observable(t.Type, t.Value), t.Address, new Location(t.Prefix, t.Asn, t.AsName, t.Country, t.Tld)), at))).Where(f => f.Answers.Count > 0).ToList();
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
        var sent = 0;
        foreach (var group in asks.Where(a => a.Affair.State == IncidentState.Open).GroupBy(a => a.Affair))
        {
            var all = group.ToList();
            for (var i = 0; i < all.Count; i++)
            {
                all[i].State = group.Key.Turn switch
                {
                    Waiting.Us when i == 0 => ((RequestState[])[RequestState.Draft, RequestState.Answered, RequestState.Bounced, RequestState.Answered])[us++ % 4],
                    Waiting.Nobody => RequestState.Closed,
                    _ => ((RequestState[])[RequestState.Delivered, RequestState.Acknowledged, RequestState.Sent, RequestState.Delivered, RequestState.Acknowledged, RequestState.Closed])[them++ % 6],
                };
                // a message is on its way for seconds: two are held up, the others leave when the node starts, and so does every second of those delivered
                all[i].Now = all[i].State == RequestState.Sent ? sent++ > 1 : all[i].State == RequestState.Delivered && them % 6 == 1 && all[i].To.Contact.BouncedAt is null;
            }
        }
    }

    private async Task AddRequestAsync(Ask ask, CancellationToken ct)
    {
        var (affair, incident, contact) = (ask.Affair, ask.Affair.Record!, ask.To.Contact);
        var hand = affair.Owner ?? (affair.Team == cast.Aozora ? Tanaka : MinatoAnalyst);
        var late = ask.State is RequestState.Delivered or RequestState.Acknowledged && !ask.Now && _requests.Count % 2 == 0;
        // an open one of an old incident is its second round: asked lately
        var created = ask.State == RequestState.Closed ? ask.At : ask.At > now.AddHours(-40) && !late ? ask.At : Later(ask.At, now.AddHours(-(late ? _dice.From(50, 126) : _dice.From(3, 22))));
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
            Why = Dispatch.WhyOf("request.why." + ask.To.Kind.ToString().ToLowerInvariant(), ask.To.Value),
            State = ask.Now ? RequestState.Draft : ask.State,
            DueAt = DueTimes.For(ask.Purpose, incident.Severity, ask.Now ? now : sent, Zone),
            NoGrounds = grounds.Count == 0,
            Author = hand,
        };
        var named = new List<NoticeTarget>();
        foreach (var target in ask.Targets)
        {
            var asked = new RequestTarget { Id = _dice.Id(created.AddMilliseconds(named.Count)), Request = request.Id, Target = target.Id, Type = target.Type, Value = target.Value, Role = target.Role, Address = target.Address };
            db.RequestTargets.Add(asked);
            named.Add(Dispatch.Named(asked, target, incident));
            affair.Asked.Add(target.Id);
        }

        db.RequestGrounds.AddRange(grounds.Select(g => new RequestGround { Request = request.Id, Attachment = g.Id }));
        var files = grounds.Zip(papers, (g, p) => new NoticeGround(g.Name, g.What, g.MediaType, Encoding.UTF8.GetBytes(p.Text))).ToList();
        (request.Subject, request.Body) = Write(request, affair, named, files, await Dispatch.ContactAsync(db, affair.Team, Zone, ct));
        Add(request, created);
        affair.Requests.Add(request);
        _requests.Add(request);
        Say(incident, EntryKind.Request, created, hand, "request.diary.drafted", [request.Number, request.RecipientName], "/requests/" + request.Id);
        if (ask.Now)
        {
            _drafts.Add(request.Id);
        }
        else if (ask.State != RequestState.Draft)
        {
            await SendAsync(ask, request, sent, hand, named, files, ct);
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
            ask.To.Contact.BouncedAt ??= sent.AddMinutes(1);
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

        var outcome = ask.State == RequestState.Closed ? Outcome(_dice.Weighed(0, 70, 6, 8, 12, 4)) : RequestOutcome.None;
        var silent = outcome is RequestOutcome.Silent or RequestOutcome.Withdrawn;
        // nothing has happened later than now, whatever the due time of one that stayed silent
        var limit = now.AddMinutes(-9);
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
            RequestOutcome.Silent or RequestOutcome.Withdrawn => RequestAnswer.None,
            _ => ((RequestAnswer[])[RequestAnswer.NeedInfo, RequestAnswer.Done, RequestAnswer.NotOurs, RequestAnswer.NeedInfo, RequestAnswer.Refused])[_answered++ % 5],
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

    /// <summary>The first of them end in each way once, so that every outcome is there whatever the dice say.</summary>
    private RequestOutcome Outcome(int rolled) => (RequestOutcome)(++_closed <= (int)RequestOutcome.Withdrawn ? _closed : rolled);

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

    /// <summary>What left, to the byte, as it would leave today: the message is composed and kept, and only its sending lies in the past.</summary>
    private async Task SendAsync(Ask ask, CoordinationRequest request, DateTimeOffset sent, PersonId hand, IReadOnlyList<NoticeTarget> targets, IReadOnlyList<NoticeGround> grounds, CancellationToken ct)
    {
        var date = Frauds.Whole(sent, 1);
        var (name, address) = Sender(ask.Affair.Team, request.Language);
        var parts = grounds.Select(g => new OutgoingAttachment(g.Name, g.MediaType, g.Bytes)).ToList();
        if (Mailbox.TryCreate(address, name, out var box, out _))
        {
            parts.InsertRange(0, MachineParts.Write(request.AsksFor, request, ask.Affair.Record!, targets, request.Marking.Tlp, box));
        }

        var message = RequestMessage.Compose(request, request.Subject, request.Body, RequestMessage.FirstAttempt, [], request.Marking, name, address, settings.MailDomain, parts, date, Keys, out var fault)
            ?? throw new InvalidOperationException("A sample message cannot be written: " + fault?.Message);
        (request.SentAt, request.MessageId, request.MessageSha256) = (sent, message.MessageId, (await blobs.AddAsync(db, message.Bytes, ct)).Sha256);
        Event(request, RequestState.Sent, RequestAnswer.None, sent, hand, "");
        Say(ask.Affair.Record!, EntryKind.Request, sent, hand, "request.diary.sent", [request.Number, request.RecipientName], "/requests/" + request.Id);
        if (ask.State is RequestState.Bounced or RequestState.Sent)
        {
            // what the operator's screen shows: one that waits for a greylisting server, and what was refused for good
            var refused = ask.State == RequestState.Bounced;
            db.Outbox.Add(new OutboxMessage
            {
                Id = _dice.Id(sent),
                Type = EventNames.MessageRequested,
                Key = "message:" + message.MessageId,
                Payload = System.Text.Json.JsonSerializer.Serialize(new MessageRequested(request.Ref, message.MessageId, message.ReturnPath, [message.To.Address], message.Sha256, request.Marking.Origin), System.Text.Json.JsonSerializerOptions.Web),
                Team = request.Marking.Origin,
                RecordKind = CoordinationRequest.Kind,
                Record = request.Id.Value,
                CreatedAt = sent,
                DueAt = refused ? sent : now.AddMinutes(35),
                Attempts = refused ? 1 : 4,
                State = refused ? OutboxState.Stuck : OutboxState.Waiting,
                LastError = refused ? "Refused (552): 5.2.2 Mailbox full" : "450 4.2.0 Greylisted, try again later",
            });
        }
    }

    private MessageKeys Keys => field ??= new(keys.Derive("message-id"), keys.Derive("return-path"));

    private (string Name, string Address) Sender(TeamId team, string language)
    {
        var aozora = team == cast.Aozora;
        return (language is "ja" ? aozora ? "青空CERT" : "みなと大学 CSIRT" : aozora ? "Aozora CERT" : "Minato University CSIRT", (aozora ? "aozora@" : "minato@") + settings.MailDomain);
    }

    private (string Subject, string Body) Write(CoordinationRequest request, Affair affair, IReadOnlyList<NoticeTarget> targets, IReadOnlyList<NoticeGround> grounds, TeamContact contact)
    {
        var incident = affair.Record!;
        var named = affair.Reports.Select(r => r.Record!).Where(r => r.Disclosure != ReporterDisclosure.None && r.ReporterOrganisation is not null)
            .Select(r => Dispatch.Readable(r.ReporterOrganisation!, request.Language)).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        return NoticeText.Write(new NoticeFacts(request.Purpose, request.Language, request.RecipientName, request.RecipientRole, Sender(affair.Team, request.Language).Name, request.Number, RequestMessage.ReplyAddress(request.Id, Keys, settings.MailDomain), incident.Category, incident.Type,
            incident.Marking.Tlp, request.DueAt, request.Language is "ja" ? Zone : TimeZoneInfo.Utc, incident.OccurredZone, named.Count == 0 ? null : string.Join(", ", named), targets, grounds, contact));
    }

    /// <summary>Lets the drafts go that are to leave by this node's own hand: their mail is in the outbox when this is done.</summary>
    public static async Task SendDraftsAsync(NodeDb db, Dispatch dispatch, IReadOnlyList<RequestId> drafts, CancellationToken ct)
    {
        foreach (var id in drafts)
        {
            var request = await db.Requests.FirstAsync(r => r.Id == id, ct);
            if (await dispatch.PrepareAsync(request, dispatch.NowToTheSecond, ct) is { MayLeave: true, Message: { } message } outgoing)
            {
                await dispatch.ReleaseAsync(request, message.Date, message.Sha256, ct);
                await IncidentClock.SaveAsync(db, outgoing.Incident, ct);
            }
        }
    }
}
