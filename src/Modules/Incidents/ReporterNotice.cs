using System.Buffers;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Formats.Mail;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>Tells the reporter how their report stands, by mail where they gave an address; the status page says it anyway. Nothing internal goes along.</summary>
public static class ReporterNotice
{
    /// <summary>An act of triage can be taken back: so long the word to the reporter waits.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromMinutes(2);

    /// <summary>What the keys of words about an end begin with.</summary>
    internal const string Closing = "incident.told.";

    /// <summary>How a report ended: well where any of its incidents did, as its status page says.</summary>
    internal static string ClosingKey(IEnumerable<Incident> incidents) => Closing + (incidents.Any(i => i.State == IncidentState.Resolved) ? "resolved" : "abandoned");

    /// <summary>What the outbox keeps.</summary>
    /// <param name="State">The report's state the word is about: where it is another by then, the word is not said.</param>
    public sealed record Payload(ReportId Report, string TextKey, ReportState State);

    /// <summary>
    /// Puts a word to the reporter into the outbox with the next save; <paramref name="textKey"/> is a sentence of the text files, without
    /// arguments (<c>triage.told.accepted</c>).
    /// </summary>
    public static void Queue(NodeDb db, Report report, string textKey, DateTimeOffset? due = null)
    {
        if (!string.IsNullOrEmpty(report.ReporterEmail))
        {
            // the time makes the key: the same word may be true twice, and each saying of it is in one transaction
            db.Send(EventNames.ReporterTold, $"reporter:{report.Id}:{textKey}:{Guid.NewGuid():N}", new Payload(report.Id, textKey, report.State), report.Marking.Origin, report.Ref, due);
        }
    }
}

/// <summary>Composes the notice and hands it to the mail module. Running twice sends once: the mail's key is this message's.</summary>
public sealed class ReporterNoticeHandler(NodeDbFactory databases, BlobStore blobs, KeyRing keys, TextBook book, IncidentsSettings settings, TimeProvider clock) : IOutboxHandler
{
    public string Type => EventNames.ReporterTold;

    public async Task<OutboxOutcome> HandleAsync(OutboxMessage message, CancellationToken ct)
    {
        if (JsonSerializer.Deserialize<ReporterNotice.Payload>(message.Payload, JsonSerializerOptions.Web) is not { } payload)
        {
            return new OutboxOutcome.Never("payload unreadable");
        }

        await using var db = databases.ForSystem("job:reporter-notice");
        var key = "reporter-mail:" + message.Id.ToString("N");
        if (await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == payload.Report, ct) is not { ReporterEmail: { Length: > 0 } address } report
            || report.State != payload.State || await db.Outbox.AnyAsync(o => o.Key == key, ct))
        {
            return new OutboxOutcome.Done();
        }

        // accepted, taken back, accepted again: the same word waits several times, and the last of them is said
        var same = $"reporter:{report.Id}:{(IsClosing(payload) ? ReporterNotice.Closing : payload.TextKey + ":")}";
        if (await db.Outbox.AnyAsync(o => o.Type == EventNames.ReporterTold && o.Record == payload.Report.Value && o.CreatedAt > message.CreatedAt && o.Key.StartsWith(same), ct))
        {
            return new OutboxOutcome.Done();
        }

        var said = payload.TextKey;
        if (IsClosing(payload))
        {
            var incidents = await ReportLinks.IncidentsAsync(db, report.Id, ct);
            if (incidents.Any(i => i.State == IncidentState.Open))
            {
                // reopened meanwhile, or one of several that is not over: the last of them says it
                return new OutboxOutcome.Done();
            }

            said = ReporterNotice.ClosingKey(incidents);
        }

        var team = await db.Teams.AsNoTracking().FirstOrDefaultAsync(t => t.Id == report.Marking.Origin, ct);
        var t = new Texts(book, report.Language is "en" ? "en" : "ja");
        var name = team?.NameIn(t.Lang) ?? "";
        if (!Mailbox.TryCreate(address, null, out var to, out var fault) || !Mailbox.TryCreate($"report@{settings.MailDomain}", name, out var from, out fault))
        {
            return new OutboxOutcome.Never(fault.Message);
        }

        var replyTo = team?.Mail is { } mail && Mailbox.TryCreate(mail, name, out var box, out _) ? box : null;
        var told = report.State == ReportState.Rejected && report.RejectReason is { Length: > 0 } reason ? t[said] + "\n\n" + reason : t[said];
        var id = MessageIds.Create(settings.MailDomain, message.Id.ToString("N"), 0, keys.Derive("message-id"));
        var letter = new OutgoingMessage
        {
            From = from,
            To = [to],
            ReplyTo = replyTo,
            Subject = t.Of("triage.told.subject", report.Number),
            MessageId = id,
            Date = message.CreatedAt,
            AutoSubmitted = AutoSubmitted.AutoGenerated,
            Language = t.Lang,
            Text = t.Of("triage.told.body", report.Number, told, name, Greeting(report, t), report.Marking.Tlp != Tlp.Red && StatusLinks.KeyOf(keys, report) is { } link ? StatusLinks.Url(settings, link) : t["triage.told.link_lost"]),
        };
        var bytes = new ArrayBufferWriter<byte>();
        if (MessageWriter.Write(letter, bytes) is WriteOutcome.Refused refused)
        {
            return new OutboxOutcome.Never(refused.Fault.Message);
        }

        var blob = await blobs.AddAsync(db, bytes.WrittenMemory, ct);
        db.Send(EventNames.MessageRequested, key, new MessageRequested(report.Ref, id, from.Address, [to.Address], blob.Sha256, report.Marking.Origin), report.Marking.Origin, report.Ref, clock.GetUtcNow());
        await db.SaveChangesAsync(ct);
        return new OutboxOutcome.Done();
    }

    private static bool IsClosing(ReporterNotice.Payload payload) => payload.TextKey.StartsWith(ReporterNotice.Closing, StringComparison.Ordinal);

    private const int MaxGreeting = 60;

    /// <summary>The reporter by the name they gave, where it is one.</summary>
    private static string Greeting(Report report, Texts t)
    {
        var named = string.Join(t.Lang == "ja" ? " " : ", ", new[] { t.Lang == "ja" ? report.ReporterOrganisation : report.ReporterName, t.Lang == "ja" ? report.ReporterName : report.ReporterOrganisation }.Where(n => !string.IsNullOrWhiteSpace(n)));
        var line = InertText.Clean(named).Replace('\n', ' ');
        // anyone may have written it, and to anyone's address: only what reads as a name is said back
        var name = line.Length is > 0 and <= MaxGreeting && line.All(c => char.IsLetter(c) || c is ' ' or '.' or ',' or '\'' or '-' or '・' or '　' or 'ー') && TextRefang.DefangText(line) == line;
        return name ? t.Of("triage.told.dear", line) : t["triage.told.reporter"];
    }
}
