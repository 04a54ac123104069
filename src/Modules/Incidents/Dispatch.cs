using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Formats.Mail;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>A message of a request before it leaves: its bytes, what the rule says of it, and what stands in its way.</summary>
/// <param name="Message">Null when it cannot be written; <paramref name="Fault"/> says why.</param>
/// <param name="Verdict">Of the incident's marking for this recipient, asked now.</param>
/// <param name="Leaks">Text keys of what a person wrote into it that must not leave; while there are any, it does not.</param>
/// <param name="Warnings">Text keys of what a person should look at.</param>
public sealed record Outgoing(CoordinationRequest Request, Incident Incident, ComposedMessage? Message, MailFault? Fault, Verdict Verdict, IReadOnlyList<string> Leaks, IReadOnlyList<string> Warnings)
{
    public bool MayLeave => Message is not null && Verdict.Allowed && Leaks.Count == 0;
}

/// <summary>Why a message was not sent.</summary>
public enum SendFault
{
    None,

    /// <summary>It is no draft any more.</summary>
    NotADraft,

    /// <summary>The rule refuses, a leak stands in the text, or it cannot be written.</summary>
    Refused,

    /// <summary>What would leave is not what was looked at.</summary>
    Changed,
}

/// <summary>Prepares the messages of requests, and lets them out: the mail exit of the desk. The rule is asked each time anew.</summary>
public sealed class Dispatch(NodeDb db, BlobStore blobs, KeyRing keys, IncidentsSettings settings, TimeProvider clock)
{
    /// <summary>A preview older than this is looked at again before it leaves: its bytes carry its date.</summary>
    public static TimeSpan PreviewHolds { get; } = TimeSpan.FromHours(12);

    private readonly MessageKeys _keys = new(keys.Derive("message-id"), keys.Derive("return-path"));

    /// <summary>The zone of the node's working days.</summary>
    public TimeZoneInfo Zone => TimeZoneInfo.FindSystemTimeZoneById(settings.Zone);

    public DateTimeOffset NowToTheSecond => new(clock.GetUtcNow().UtcTicks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, TimeSpan.Zero);

    /// <summary>The request's own message as it would leave with this date; null when its incident is not to be seen.</summary>
    public async Task<Outgoing?> PrepareAsync(CoordinationRequest request, DateTimeOffset date, CancellationToken ct)
    {
        if (await db.Incidents.FirstOrDefaultAsync(i => i.Id == request.Incident, ct) is not { } incident)
        {
            return null;
        }

        var (from, address) = await SenderAsync(incident.Marking.Origin, request.Language, ct);
        var grounds = await GroundsAsync(request.Id, ct);
        var parts = grounds.Select(g => new OutgoingAttachment(g.Name, SafeType(g.MediaType), g.Bytes)).ToList();
        if (Mailbox.TryCreate(address, from, out var sender, out _))
        {
            var targets = await TargetsAsync(request.Id, incident, ct);
            if (request.AsksFor == nameof(Directories.AsksFor.Xarf) && targets.Count <= MachineParts.XarfFiles)
            {
                targets = await Sightings.AddAsync(db, incident, targets, grounds, ct);
            }

            parts.InsertRange(0, MachineParts.Write(request.AsksFor, request, incident, targets, incident.Marking.Tlp, sender));
        }

        return await JudgeAsync(request, incident, request.Subject, request.Body, RequestMessage.FirstAttempt, [], from, address, Distinct(parts), date, ct);
    }

    /// <summary>A reminder in the thread of what was sent.</summary>
    public async Task<Outgoing?> PrepareReminderAsync(CoordinationRequest request, string text, DateTimeOffset date, CancellationToken ct)
    {
        if (request.MessageId is not { } first || await db.Incidents.FirstOrDefaultAsync(i => i.Id == request.Incident, ct) is not { } incident)
        {
            return null;
        }

        var earlier = await db.RequestEvents.Where(e => e.Request == request.Id && e.MessageId != null).OrderBy(e => e.At).Select(e => e.MessageId!).ToListAsync(ct);
        var (from, address) = await SenderAsync(incident.Marking.Origin, request.Language, ct);
        var subject = (request.Language is "ja" ? "【再度のお願い】" : "Reminder: ") + request.Subject;
        return await JudgeAsync(request, incident, subject, text, earlier.Count + 1, [first, .. earlier], from, address, [], date, ct);
    }

    /// <summary>Changes the draft into a sent request; the caller saves with <see cref="IncidentClock.SaveAsync"/>.</summary>
    public async Task<SendFault> ReleaseAsync(CoordinationRequest request, DateTimeOffset date, string sha256, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (request.State != RequestState.Draft || await PrepareAsync(request, date, ct) is not { } outgoing)
        {
            return SendFault.NotADraft;
        }

        if (!outgoing.MayLeave)
        {
            NoteRefusal(request, outgoing);
            return SendFault.Refused;
        }

        var message = outgoing.Message!;
        if (date > now + TimeSpan.FromMinutes(1) || now - date > PreviewHolds || !string.Equals(message.Sha256, sha256, StringComparison.Ordinal))
        {
            return SendFault.Changed;
        }

        request.State = RequestState.Sent;
        request.SentAt = now;
        request.MessageId = message.MessageId;
        request.MessageSha256 = message.Sha256;
        // what left was marked as the incident is now
        request.Marking = outgoing.Incident.Marking;
        db.RequestEvents.Add(new RequestEvent { Id = Guid.CreateVersion7(now), Request = request.Id, Team = request.Marking.Origin, State = RequestState.Sent, At = now, Author = db.Viewer.Person });
        Diary.Say(db, outgoing.Incident, EntryKind.Request, now, "request.diary.sent", [request.Number, request.RecipientName], "/requests/" + request.Id);
        await LetOutAsync(outgoing, ct);
        return SendFault.None;
    }

    /// <summary>Lets a reminder out; as <see cref="ReleaseAsync"/>.</summary>
    public async Task<SendFault> ReleaseReminderAsync(CoordinationRequest request, string text, DateTimeOffset date, string sha256, DateTimeOffset due, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (!RemindRequest.CanBeReminded(request) || await PrepareReminderAsync(request, text, date, ct) is not { } outgoing)
        {
            return SendFault.NotADraft;
        }

        if (!outgoing.MayLeave)
        {
            NoteRefusal(request, outgoing);
            return SendFault.Refused;
        }

        var message = outgoing.Message!;
        if (date > now + TimeSpan.FromMinutes(1) || now - date > PreviewHolds || !string.Equals(message.Sha256, sha256, StringComparison.Ordinal))
        {
            return SendFault.Changed;
        }

        request.DueAt = due;
        db.RequestEvents.Add(new RequestEvent { Id = Guid.CreateVersion7(now), Request = request.Id, Team = request.Marking.Origin, State = request.State, At = now, Author = db.Viewer.Person, MessageId = message.MessageId, MessageSha256 = message.Sha256 });
        Diary.Say(db, outgoing.Incident, EntryKind.Request, now, "request.diary.reminded", [request.Number, request.RecipientName], "/requests/" + request.Id);
        await LetOutAsync(outgoing, ct);
        return SendFault.None;
    }

    /// <summary>The targets of a request as its message names them, in the order they were added.</summary>
    public async Task<IReadOnlyList<NoticeTarget>> TargetsAsync(RequestId request, Incident incident, CancellationToken ct)
    {
        var asked = await db.RequestTargets.AsNoTracking().Where(t => t.Request == request).OrderBy(t => t.Id).ToListAsync(ct);
        var ids = asked.Select(t => t.Target).ToArray();
        var targets = await db.IncidentTargets.AsNoTracking().Where(t => ids.Contains(t.Id)).ToDictionaryAsync(t => t.Id, ct);
        return [.. asked.Select(t => Named(t, targets.GetValueOrDefault(t.Target), incident))];
    }

    /// <summary>As a notice names it.</summary>
    public static NoticeTarget Named(RequestTarget asked, IncidentTarget? target, Incident incident)
    {
        // where it lies goes with the address it was asked about, which may have been changed since
        var there = asked.Address is null || asked.Address == target?.Address;
        return Seen(new(asked.Type, asked.Value, asked.Role, asked.Address ?? target?.Address, there ? target?.Asn : null, there ? target?.Country : null, target?.AddedAt ?? incident.OpenedAt), incident);
    }

    public static NoticeTarget Named(IncidentTarget target, Incident incident) =>
        Seen(new(target.Type, target.Value, target.Role, target.Address, target.Asn, target.Country, target.AddedAt), incident);

    /// <summary>The incident's stated time is that of the targets it was opened with: one that came later, from another report or by hand, was seen at another time that nobody stated.</summary>
    private static NoticeTarget Seen(NoticeTarget target, Incident incident) =>
        target.AddedAt == incident.OpenedAt ? target with { SeenAt = incident.OccurredAt, ClockError = ClockError.Of(incident.ClockNote) ?? 0 } : target;

    /// <summary>The attachments chosen as grounds, with their bytes.</summary>
    public async Task<IReadOnlyList<NoticeGround>> GroundsAsync(RequestId request, CancellationToken ct)
    {
        var chosen = await db.RequestGrounds.AsNoTracking().Where(g => g.Request == request).Select(g => g.Attachment).ToListAsync(ct);
        return await GroundsAsync(await db.IncidentAttachments.AsNoTracking().Where(a => chosen.Contains(a.Id)).OrderBy(a => a.AddedAt).ThenBy(a => a.Id).ToListAsync(ct), ct);
    }

    public async Task<IReadOnlyList<NoticeGround>> GroundsAsync(IReadOnlyList<IncidentAttachment> attachments, CancellationToken ct)
    {
        var grounds = new List<NoticeGround>();
        foreach (var attachment in attachments)
        {
            if (await blobs.ReadAsync(db, attachment.Sha256, ct) is { } bytes)
            {
                grounds.Add(new(InertText.FileName(attachment.Name), attachment.What, attachment.MediaType, bytes));
            }
        }

        return grounds;
    }

    /// <summary>What the rule lets be said of who reported: the organisations of linked reports, as far as each allows; null is nobody. A person is named by a person only, who writes it; a name that a reader of the letter's language cannot read says nothing there.</summary>
    public async Task<string?> ReporterAsync(Incident incident, string language, CancellationToken ct)
    {
        var reports = await ReportsAsync(incident.Id, ct);
        var named = reports.Select(r => Ask(incident, AnyRecipient, r.Disclosure) is var verdict && verdict.Shows(FieldClass.ReporterOrganisation) && r.ReporterOrganisation is { Length: > 0 } organisation
            ? Readable(organisation, language) : null).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        return named.Count == 0 ? null : string.Join(", ", named);
    }

    internal static string? Readable(string organisation, string language) => language is "ja" || System.Text.Ascii.IsValid(organisation) ? organisation : null;

    public string ReplyAddress(RequestId request) => RequestMessage.ReplyAddress(request, _keys, settings.MailDomain);

    /// <summary>Name and address a team's messages come from: its own mail address when that is in the node's mail domain, else its short name there.</summary>
    public async Task<(string Name, string Address)> SenderAsync(TeamId origin, string language, CancellationToken ct)
    {
        // a letter names its sender to whoever may read it, also where the directory shows them no entry of that team
        var team = await db.AskAsNodeAsync(node => node.Teams.AsNoTracking().FirstAsync(t => t.Id == origin, ct), ct);
        var own = team.Mail is { } mail && mail.EndsWith("@" + settings.MailDomain, StringComparison.OrdinalIgnoreCase) ? mail : team.Slug + "@" + settings.MailDomain;
        return (team.NameIn(language), own);
    }

    /// <summary>How the team is reached by those it writes to. Its hours are by the node's clock.</summary>
    public Task<TeamContact> ContactAsync(TeamId origin, CancellationToken ct) => ContactAsync(db, origin, Zone, ct);

    public static async Task<TeamContact> ContactAsync(NodeDb db, TeamId origin, TimeZoneInfo zone, CancellationToken ct)
    {
        var team = await db.AskAsNodeAsync(node => node.Teams.AsNoTracking().FirstAsync(t => t.Id == origin, ct), ct);
        return new(team.Phone, team.Hours, team.Country, zone);
    }

    /// <summary>The zone a notice states its times in: the node's for Japanese, UTC for everyone else.</summary>
    public TimeZoneInfo ZoneFor(string language) => language is "ja" ? Zone : TimeZoneInfo.Utc;

    private static Recipient AnyRecipient { get; } = new(null, null, AnswersForATarget: true);

    private Verdict Ask(Incident incident, Recipient recipient, ReporterDisclosure disclosure) =>
        Rule.Decide(new Question(SharingAct.Ask, Exit.Mail, incident.Marking, Recipient: recipient, Assurance: Assurance.PlainMail, Disclosure: disclosure), new World(clock.GetUtcNow(), settings.MailPolicy));

    /// <summary>Every request has a reason why its recipient answers for its targets: a constituency, or what the analyst wrote.</summary>
    private async Task<Recipient> RecipientAsync(CoordinationRequest request, CancellationToken ct)
    {
        var team = request.RecipientTeam;
        var communities = team is null ? [] : await db.CommunityMembers.AsNoTracking().Where(m => m.Team == team).Select(m => m.Community).ToListAsync(ct);
        return new(team, null, AnswersForATarget: request.Why.Length > 2) { Through = [.. communities.Select(Principal.Of)] };
    }

    private async Task<List<Report>> ReportsAsync(IncidentId incident, CancellationToken ct)
    {
        var ids = await db.ReportLinks.Where(l => l.Incident == incident && l.EndedAt == null).Select(l => l.Report).ToListAsync(ct);
        return await db.Reports.AsNoTracking().Where(r => ids.Contains(r.Id)).Take(200).ToListAsync(ct);
    }

    private async Task<Outgoing> JudgeAsync(CoordinationRequest request, Incident incident, string subject, string text, int attempt, IReadOnlyList<string> inReplyTo, string fromName, string fromAddress, IReadOnlyList<OutgoingAttachment> parts, DateTimeOffset date, CancellationToken ct)
    {
        var message = RequestMessage.Compose(request, subject, text, attempt, inReplyTo, incident.Marking, fromName, fromAddress, settings.MailDomain, parts, date, _keys, out var fault);
        var recipient = await RecipientAsync(request, ct);
        var verdict = Ask(incident, recipient, ReporterDisclosure.None);
        var leaks = new List<string>();
        var warnings = new List<string>();
        if (message is not null)
        {
            foreach (var report in await ReportsAsync(incident.Id, ct))
            {
                Look(report, Ask(incident, recipient, report.Disclosure), message, leaks, warnings);
            }

            if (message.Fallback is not null)
            {
                warnings.Add("request.warning.charset");
            }
        }

        if (request.Contact is { } contact && await db.Contacts.AnyAsync(c => c.Id == contact && c.BouncedAt != null, ct))
        {
            warnings.Add("request.warning.bounced");
        }

        // under RED nothing may be done that the attacker can notice, and a letter to whoever runs their servers may be that. AMBER is what everything begins as: a warning on each request is read on none
        if (incident.Marking.Pap == Pap.Red)
        {
            warnings.Add("request.warning.pap_red");
        }

        return new(request, incident, message, fault, verdict, [.. leaks.Distinct(StringComparer.Ordinal)], [.. warnings.Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>
    /// A person edits the text, so the rule looks at what is written, too. Names and addresses of a reporter who may not be named stop the message;
    /// an organisation's name only warns, since it may be the victim that the message is about. In files they warn: a log is evidence.
    /// </summary>
    private static void Look(Report report, Verdict verdict, ComposedMessage message, List<string> leaks, List<string> warnings)
    {
        var written = message.Subject + "\n" + message.Text;
        // whichever way a person defanged it, here it is written ours
        var defanged = TextRefang.DefangText(written);
        Find(FieldClass.ReporterName, report.ReporterName, 3, leaks, "request.leak.name");
        Find(FieldClass.ReporterAddress, report.ReporterEmail, 5, leaks, "request.leak.mail");
        Find(FieldClass.ReporterAddress, report.ReporterPhone, 7, leaks, "request.leak.phone");
        Find(FieldClass.ReporterOrganisation, report.ReporterOrganisation, 3, warnings, "request.warning.organisation");
        Find(FieldClass.ReporterOrganisation, report.ReporterEmail?.Split('@')[^1], 4, warnings, "request.warning.domain");

        void Find(FieldClass field, string? value, int least, List<string> found, string key)
        {
            if (value is null || value.Trim().Length < least || verdict.Shows(field))
            {
                return;
            }

            var plain = value.Trim();
            if (written.Contains(plain, StringComparison.OrdinalIgnoreCase) || defanged.Contains(TextRefang.DefangText(plain), StringComparison.OrdinalIgnoreCase))
            {
                found.Add(key);
            }

            var bytes = Encoding.UTF8.GetBytes(plain);
            if (message.Parts.Any(p => p.Bytes.Span.IndexOf(bytes) >= 0))
            {
                warnings.Add("request.warning.in_file");
            }
        }
    }

    private async Task LetOutAsync(Outgoing outgoing, CancellationToken ct)
    {
        var (request, message) = (outgoing.Request, outgoing.Message!);
        var blob = await blobs.AddAsync(db, message.Bytes, ct);
        db.Send(EventNames.MessageRequested, "message:" + message.MessageId, new MessageRequested(request.Ref, message.MessageId, message.ReturnPath, [message.To.Address], blob.Sha256, request.Marking.Origin), request.Marking.Origin, request.Ref);
        db.Note(new AuditNote("request.released", request.Marking.Origin, request.Ref, new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["sha256"] = blob.Sha256,
            ["bytes"] = blob.Size,
            ["tlp"] = outgoing.Incident.Marking.Tlp.Label(),
            ["why"] = outgoing.Verdict.Why.Select(w => w.Key).ToArray(),
            ["withheld"] = outgoing.Verdict.Fields.Where(f => f.Value == Treatment.Withhold).Select(f => f.Key.ToString()).ToArray(),
        }));
    }

    private void NoteRefusal(CoordinationRequest request, Outgoing outgoing) =>
        db.Note(new AuditNote("request.refused", request.Marking.Origin, request.Ref, new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["why"] = outgoing.Verdict.Why.Select(w => w.Key).Concat(outgoing.Leaks).ToArray(),
        }));

    /// <summary>Types that a message may not carry as base64, or that are no types, leave as plain bytes (RFC 2046 §5.2.1).</summary>
    private static string SafeType(string mediaType) =>
        System.Net.Http.Headers.MediaTypeHeaderValue.TryParse(mediaType, out var type) && type.MediaType is { } name && !name.StartsWith("message/", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase)
            ? name.ToLowerInvariant() : "application/octet-stream";

    private static List<OutgoingAttachment> Distinct(List<OutgoingAttachment> parts)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < parts.Count; i++)
        {
            for (var n = 2; !seen.Add(parts[i].Name); n++)
            {
                parts[i] = parts[i] with { Name = $"{n}-{parts[i].Name}" };
            }
        }

        return parts;
    }

    /// <summary>The stored reason why: a text key and its arguments.</summary>
    public static string WhyOf(string key, params string[] args) => JsonSerializer.Serialize((string[])[key, .. args]);

    public static Reason ReadWhy(string why)
    {
        var parts = JsonSerializer.Deserialize<string[]>(why) ?? [];
        return parts.Length == 0 ? new Reason("request.why.none") : new Reason(parts[0], parts[1..]);
    }
}
