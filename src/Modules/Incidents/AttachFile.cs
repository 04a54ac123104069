using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/attachments/new, GET /incidents/{id}/attachments/{attachment}, and the same under /api/v1: files as grounds, stored sealed, given out as bytes only.</summary>
public static class AttachFile
{
    private const int MaxFiles = 20;
    private const long MaxRead = 120L * 1024 * 1024;

    public sealed record Model(Incident Incident, string What, long MaxBytes, FormErrors Errors);

    public sealed record Input(IReadOnlyList<FileIn?>? Attachments);

    /// <param name="What">logExcerpt, capture, analysis or other.</param>
    public sealed record FileIn(string? Name, string? MediaType, string? What, byte[]? ContentBase64);

    public sealed record Attached(IReadOnlyList<GetIncident.AttachmentOut> Items);

    private sealed record Incoming(string Name, string? MediaType, AttachmentKind What, byte[] Bytes);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/attachments/new", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        // more is read than is taken, so that too much is answered in words and not with a cut connection
        routes.MapPost("/incidents/{id:guid}/attachments/new", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription().WithMetadata(new RequestSizeLimitAttribute(MaxRead));
        routes.MapGet("/incidents/{id:guid}/attachments/{attachment:guid}", (IncidentId id, Guid attachment, NodeDb db, BlobStore blobs, TimeProvider clock, CancellationToken ct) => DownloadAsync(id, attachment, Exit.Page, db, blobs, clock, ct)).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents/{id}/attachments", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("addAttachments").WithMetadata(new RequestSizeLimitAttribute(MaxRead)).ProducesProblem(403).ProducesProblem(404).ProducesProblem(412).ProducesProblem(413);
        routes.MapGet("/api/v1/incidents/{id}/attachments/{attachment}", (IncidentId id, Guid attachment, NodeDb db, BlobStore blobs, TimeProvider clock, CancellationToken ct) => DownloadAsync(id, attachment, Exit.Api, db, blobs, clock, ct))
            .NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("downloadAttachment").Produces<byte[]>(200, "application/octet-stream").ProducesProblem(404);
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

        var incoming = new List<Incoming>();
        foreach (var file in files)
        {
            var bytes = new byte[file.Length];
            await using (var stream = file.OpenReadStream())
            {
                await stream.ReadExactlyAsync(bytes, ct);
            }

            incoming.Add(new(file.FileName, file.ContentType, what, bytes));
        }

        await SaveAsync(db, blobs, incident, incoming, clock.GetUtcNow(), ct);
        return IncidentAct.Done(id, "attached");
    }

    private static async Task<IReadOnlyList<IncidentAttachment>> SaveAsync(NodeDb db, BlobStore blobs, Incident incident, IReadOnlyList<Incoming> files, DateTimeOffset now, CancellationToken ct)
    {
        var stored = new List<IncidentAttachment>();
        foreach (var file in files)
        {
            var blob = await blobs.AddAsync(db, file.Bytes, ct);
            stored.Add(new IncidentAttachment { Id = Guid.CreateVersion7(now), Incident = incident.Id, Name = InertText.FileName(file.Name), MediaType = MediaType(file.MediaType), Sha256 = blob.Sha256, Size = blob.Size, What = file.What, AddedAt = now, AddedBy = db.Viewer.Person });
        }

        db.IncidentAttachments.AddRange(stored);
        Diary.SayList(db, incident, EntryKind.State, now, "diary.attached", stored.ConvertAll(a => a.Name));
        await db.SaveChangesAsync(ct);
        return stored;
    }

    private static async Task<Results<Created<Attached>, ValidationProblem, ProblemHttpResult>> ApiAsync(IncidentId id, Input input, HttpRequest http, NodeDb db, BlobStore blobs, IncidentsSettings settings, TimeProvider clock, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var problems = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var incoming = Read(input.Attachments ?? [], problems);
        if (problems.Count > 0)
        {
            return TypedResults.ValidationProblem(problems);
        }

        if (incoming.Sum(f => (long)f.Bytes.Length) is var total && total > settings.MaxReportBytes)
        {
            return TypedResults.Problem($"Together they are {total} bytes; {settings.MaxReportBytes} are taken at once. Send them in parts.", statusCode: StatusCodes.Status413PayloadTooLarge, title: "Too large");
        }

        return TypedResults.Created($"/api/v1/incidents/{id}/attachments", new Attached([.. (await SaveAsync(db, blobs, incident, incoming, clock.GetUtcNow(), ct)).Select(GetIncident.ToAttachment)]));
    }

    private static List<Incoming> Read(IReadOnlyList<FileIn?> files, Dictionary<string, string[]> problems)
    {
        var read = new List<Incoming>();
        if (files.Count is 0 or > MaxFiles)
        {
            problems["attachments"] = [$"1 to {MaxFiles} of {{name, mediaType, what, contentBase64}}."];
            return read;
        }

        for (var i = 0; i < files.Count; i++)
        {
            var file = files[i];
            if (string.IsNullOrWhiteSpace(file?.Name))
            {
                problems[$"attachments[{i}].name"] = ["A file name is needed."];
            }

            if (file?.ContentBase64 is not { Length: > 0 })
            {
                problems[$"attachments[{i}].contentBase64"] = ["The bytes as base64, at least one."];
            }

            if (!Enum.TryParse<AttachmentKind>(file?.What, ignoreCase: true, out var what) || !Enum.IsDefined(what))
            {
                problems[$"attachments[{i}].what"] = ["One of " + string.Join(", ", ApiQuery.Words<AttachmentKind>()) + "."];
            }

            if (problems.Count == 0)
            {
                read.Add(new(file!.Name!, file.MediaType, what, file.ContentBase64!));
            }
        }

        return read;
    }

    /// <summary>The bytes as they came, for whoever may know of the incident and its grounds; never as a type that a browser would open.</summary>
    private static async Task<IResult> DownloadAsync(IncidentId id, Guid attachment, Exit exit, NodeDb db, BlobStore blobs, TimeProvider clock, CancellationToken ct)
    {
        var incident = await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct);
        var found = await db.IncidentAttachments.AsNoTracking().FirstOrDefaultAsync(a => a.Id == attachment && a.Incident == id, ct);
        if (incident is null || found is null
            || !Rule.Decide(new Question(SharingAct.Read, exit, incident.Marking, Viewer: db.Viewer), new World(clock.GetUtcNow())).Shows(FieldClass.Grounds)
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
