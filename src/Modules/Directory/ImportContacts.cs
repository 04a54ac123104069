using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Renkei.Directories.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>/directory/import: a CSV file or pasted lines; first what would change, then the change.</summary>
public static class ImportContacts
{
    /// <summary>Rows shown of each preview; the counts are of all.</summary>
    public const int Shown = 200;

    /// <param name="Held">The file between preview and apply, sealed for this team; null when there is nothing to apply.</param>
    public sealed record Model(ContactImportResult? Result, string Pasted, string? Held, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/directory/import", () => Answers.Page<ImportPage>(new Model(null, "", null, FormErrors.None))).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/import", PreviewAsync).Needs(Right.EditDirectory).ExcludeFromDescription().WithFormOptions(valueLengthLimit: ContactImport.MaxBytes + 1024, multipartBodyLengthLimit: ContactImport.MaxBytes * 2).WithMetadata(new RequestSizeLimitAttribute(ContactImport.MaxBytes * 2));
        routes.MapPost("/directory/import/apply", ApplyAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
    }

    private static async Task<IResult> PreviewAsync(IFormCollection form, NodeDb db, ContactImport import, BlobStore blobs, HeldFile held, Texts t, CancellationToken ct)
    {
        if (db.Viewer.Team is not { } team)
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        var pasted = form["pasted"].ToString();
        byte[] bytes;
        if (form.Files.GetFile("file") is { Length: > 0 } file)
        {
            if (file.Length > ContactImport.MaxBytes)
            {
                return Refused(t.Of("directory.import.too_large", ContactImport.MaxBytes / 1024 / 1024), "file", "", t);
            }

            await using var upload = file.OpenReadStream();
            bytes = new byte[file.Length];
            await upload.ReadExactlyAsync(bytes, ct);
            pasted = "";
        }
        else
        {
            bytes = Encoding.UTF8.GetBytes(pasted);
        }

        if (bytes.Length == 0)
        {
            return Refused(t["directory.import.nothing"], "file", "", t);
        }

        var result = await import.RunAsync(db, team, new MemoryStream(bytes), apply: false, ct);
        if (result.Fault is { } fault)
        {
            return Refused(t.Of(fault.Key, [.. fault.Args]), pasted.Length > 0 ? "pasted" : "file", pasted, t);
        }

        if (result.Count(ImportState.New) + result.Count(ImportState.Changed) == 0)
        {
            return Answers.Page<ImportPage>(new Model(result, pasted, null, FormErrors.None));
        }

        var blob = await blobs.AddAsync(db, bytes, ct);
        await db.SaveChangesAsync(ct);
        return Answers.Page<ImportPage>(new Model(result, "", held.Seal(team, blob.Sha256), FormErrors.None));
    }

    private static async Task<IResult> ApplyAsync(IFormCollection form, NodeDb db, ContactImport import, BlobStore blobs, HeldFile held, Texts t, CancellationToken ct)
    {
        if (db.Viewer.Team is not { } team)
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        if (held.Open(team, form["held"].ToString()) is not { } sha || await blobs.ReadAsync(db, sha, ct) is not { } bytes)
        {
            return Refused(t["directory.import.gone"], "file", "", t);
        }

        var result = await import.RunAsync(db, team, new MemoryStream(bytes), apply: true, ct);
        return Answers.Page<ImportPage>(new Model(result, "", null, FormErrors.None));
    }

    private static IResult Refused(string message, string field, string pasted, Texts t) =>
        Answers.Page<ImportPage>(new Model(null, pasted, null, new FormErrors().Add(field, t["directory.field." + field], message)), StatusCodes.Status400BadRequest);
}
