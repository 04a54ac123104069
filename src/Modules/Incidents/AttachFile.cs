using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/attachments/new, GET /incidents/{id}/attachments/{attachment}: files as grounds, stored sealed, given out as bytes only.</summary>
public static class AttachFile
{
    private const int MaxFiles = 20;
    private const long MaxRead = 120L * 1024 * 1024;

    public sealed record Model(Incident Incident, string What, long MaxBytes, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/attachments/new", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        // more is read than is taken, so that too much is answered in words and not with a cut connection
        routes.MapPost("/incidents/{id:guid}/attachments/new", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription().WithMetadata(new RequestSizeLimitAttribute(MaxRead));
        routes.MapGet("/incidents/{id:guid}/attachments/{attachment:guid}", DownloadAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, IncidentsSettings settings, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : Answers.Page<AttachFilePage>(new Model(incident, "", settings.MaxReportBytes, FormErrors.None));
    }

    private static async Task<IResult> PostAsync(IncidentId id, IFormCollection form, NodeDb db, BlobStore blobs, IncidentsSettings settings, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var (errors, status) = (new FormErrors(), StatusCodes.Status400BadRequest);
        var files = form.Files.Where(f => f.Length > 0).ToList();
        if (!Enum.TryParse<AttachmentKind>(form["what"], ignoreCase: true, out var what) || !Enum.IsDefined(what))
        {
            errors.Add("what", t["incident.attach.what"], t["incident.fault.choose"]);
        }

        if (files.Count is 0 or > MaxFiles)
        {
            errors.Add("files", t["incident.attach.files"], files.Count == 0 ? t["incident.attach.none"] : t.Of("incident.attach.many", MaxFiles));
        }
        else if (files.Sum(f => f.Length) is var total && total > settings.MaxReportBytes)
        {
            errors.Add("files", t["incident.attach.files"], t.Of("incident.attach.large", t.Bytes(total), t.Bytes(settings.MaxReportBytes)));
            status = StatusCodes.Status413PayloadTooLarge;
        }

        if (errors.Any)
        {
            return Answers.Page<AttachFilePage>(new Model(incident, form["what"].ToString(), settings.MaxReportBytes, errors), status);
        }

        var now = clock.GetUtcNow();
        var names = new List<string>();
        foreach (var file in files)
        {
            var bytes = new byte[file.Length];
            await using (var stream = file.OpenReadStream())
            {
                await stream.ReadExactlyAsync(bytes, ct);
            }

            var blob = await blobs.AddAsync(db, bytes, ct);
            var name = InertText.FileName(file.FileName);
            names.Add(name);
            db.IncidentAttachments.Add(new IncidentAttachment { Id = Guid.CreateVersion7(now), Incident = id, Name = name, MediaType = MediaType(file.ContentType), Sha256 = blob.Sha256, Size = blob.Size, What = what, AddedAt = now, AddedBy = db.Viewer.Person });
        }

        Diary.Say(db, incident, EntryKind.State, now, "diary.attached", [names.Count.ToString(CultureInfo.InvariantCulture), string.Join(", ", names.Take(3))]);
        await db.SaveChangesAsync(ct);
        return IncidentAct.Done(id, "attached");
    }

    /// <summary>The bytes as they came, for whoever may know of the incident and its grounds; never as a type that a browser would open.</summary>
    private static async Task<IResult> DownloadAsync(IncidentId id, Guid attachment, NodeDb db, BlobStore blobs, TimeProvider clock, CancellationToken ct)
    {
        var incident = await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct);
        var found = await db.IncidentAttachments.AsNoTracking().FirstOrDefaultAsync(a => a.Id == attachment && a.Incident == id, ct);
        if (incident is null || found is null
            || !Rule.Decide(new Question(SharingAct.Read, Exit.Page, incident.Marking, Viewer: db.Viewer), new World(clock.GetUtcNow())).Shows(FieldClass.Grounds)
            || await blobs.ReadAsync(db, found.Sha256, ct) is not { } bytes)
        {
            return Answers.NotFound();
        }

        db.Note(new AuditNote("incident.attachment.downloaded", incident.Marking.Origin, incident.Ref, new Dictionary<string, object?>(StringComparer.Ordinal) { ["sha256"] = found.Sha256 }));
        await db.SaveChangesAsync(ct);
        return TypedResults.File(bytes, "application/octet-stream", found.Name);
    }

    private static string MediaType(string? said) => said is { Length: > 0 and <= 100 } && said.All(c => c is > ' ' and < '\u007f') ? said : "application/octet-stream";
}
