using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// POST /incidents/{id}/attachments/take: a file of a linked report becomes one of the incident's, so that it can be grounds of a request. The
/// bytes are the same stored object; where they came from stays in the timeline. Only ever a person's act: a reporter's file may name the reporter.
/// </summary>
public static class TakeOverFile
{
    private const int Shown = 100;

    /// <summary>A file of a linked report that the incident does not have yet.</summary>
    public sealed record Offer(ReportAttachment File, Report Report);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/incidents/{id:guid}/attachments/take", HandleAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();

    /// <summary>What linked reports have to offer, and which of the incident's files came from which of them.</summary>
    public static async Task<(IReadOnlyList<Offer> Offers, IReadOnlyDictionary<string, Report> From)> OffersAsync(NodeDb db, IReadOnlyList<Report> reports, IReadOnlyList<IncidentAttachment> attachments, CancellationToken ct)
    {
        var ids = reports.Select(r => r.Id).ToArray();
        var byId = reports.ToDictionary(r => r.Id);
        var files = await db.ReportAttachments.AsNoTracking().Where(a => ids.Contains(a.Report)).OrderBy(a => a.Id).Take(Shown).ToListAsync(ct);
        var has = attachments.Select(a => a.Sha256).ToHashSet(StringComparer.Ordinal);
        var from = new Dictionary<string, Report>(StringComparer.Ordinal);
        foreach (var file in files.Where(f => has.Contains(f.Sha256)))
        {
            from.TryAdd(file.Sha256, byId[file.Report]);
        }

        return ([.. files.Where(f => !has.Contains(f.Sha256)).DistinctBy(f => f.Sha256, StringComparer.Ordinal).Select(f => new Offer(f, byId[f.Report]))], from);
    }

    /// <summary>What a file most likely shows, by its name and type; it changes nothing about how it is handled.</summary>
    public static AttachmentKind KindOf(string name, string mediaType) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".log" or ".csv" or ".tsv" or ".jsonl" or ".evtx" => AttachmentKind.LogExcerpt,
        ".pcap" or ".pcapng" or ".har" or ".png" or ".jpg" or ".jpeg" or ".webp" or ".gif" or ".bmp" => AttachmentKind.Capture,
        _ when mediaType.StartsWith("image/", StringComparison.Ordinal) => AttachmentKind.Capture,
        ".txt" => AttachmentKind.LogExcerpt,
        _ => AttachmentKind.Other,
    };

    private static async Task<IResult> HandleAsync(IncidentId id, IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        // asked through the read rule: a report this person may not know of has no files for them
        var wanted = Guid.TryParse(form["file"], out var parsed) ? parsed : Guid.Empty;
        var file = await db.ReportAttachments.AsNoTracking().FirstOrDefaultAsync(a => a.Id == wanted, ct);
        var report = file is null ? null : await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == file.Report, ct);
        if (file is null || report is null
            || !await db.ReportLinks.AnyAsync(l => l.Report == report.Id && l.Incident == id && l.EndedAt == null, ct)
            || !await db.Blobs.AnyAsync(b => b.Sha256 == file.Sha256 && b.WrappedKey != null, ct))
        {
            return Answers.NotFound();
        }

        if (await db.IncidentAttachments.AnyAsync(a => a.Incident == id && a.Sha256 == file.Sha256, ct))
        {
            return IncidentAct.Done(id, "took_known");
        }

        // what is made from a source is as strict as the source, also when the marking was changed since the report came in
        if (TriageDesk.Combined(incident.Marking, report.Marking) is not { } marking)
        {
            return Answers.Page<ActSummaryPage>(new ActSummaryPage.View([new(report.Id, report.Number, Refusal.Marking)], IncidentAct.Href(id)), StatusCodes.Status409Conflict);
        }

        var now = clock.GetUtcNow();
        if (marking != incident.Marking)
        {
            incident.Marking = marking;
            Diary.Say(db, incident, EntryKind.State, now, "triage.diary.marking", [marking.Tlp.Label(), marking.Pap.Label(), report.Number], $"/reports/{report.Id}");
        }

        db.IncidentAttachments.Add(new IncidentAttachment { Id = Guid.CreateVersion7(now), Incident = id, Name = file.Name, MediaType = file.MediaType, Sha256 = file.Sha256, Size = file.Size, What = KindOf(file.Name, file.MediaType), AddedAt = now, AddedBy = db.Viewer.Person });
        Diary.Say(db, incident, EntryKind.Report, now, "diary.took_over", [file.Name, report.Number], $"/reports/{report.Id}");
        db.Note(new AuditNote("incident.attachment.taken_over", incident.Marking.Origin, incident.Ref, new Dictionary<string, object?>(StringComparer.Ordinal) { ["sha256"] = file.Sha256, ["report"] = report.Id.ToString() }));
        return await IncidentAct.TrySaveAsync(db, ct) ? IncidentAct.Done(id, "took_over") : Answers.Seen(IncidentAct.Href(id) + "#attachments");
    }
}
