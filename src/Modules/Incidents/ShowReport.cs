using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// GET /reports/{id} with its raw bytes and files, and POST /reports/{id}/answer, which the reporter reads on the private page. Files, raw bytes
/// and the words to and fro also under /api/v1/reports/{id}.
/// </summary>
public static class ShowReport
{
    /// <summary>Lines of an imported file on one page.</summary>
    public const int ItemsPage = 50;

    /// <summary>Observables shown; a report holds at most 1,200.</summary>
    private const int MaxShown = 200;

    public sealed record Seen(ReportObservable Row, Observable Observable, int OtherReports, int Incidents);

    public sealed record Word(bool FromReporter, string? Author, DateTimeOffset At, string Text);

    public sealed record Linked(Incident Incident, DateTimeOffset Since, DateTimeOffset? Ended);

    /// <param name="StatusUrl">The reporter's link, to read out to a caller: only right after taking the report.</param>
    public sealed record Model(Report Report, ReporterView Reporter, IReadOnlyList<Seen> Observables, int MoreObservables, IReadOnlyList<ReportAttachment> Files, IReadOnlyList<ReportItem> Items, int? NextLine,
        IReadOnlyList<Word> Words, IReadOnlyList<Linked> Incidents, Report? DuplicateOf, string? TakenBy, string? Assignee, bool MayAnswer, UndoTriage.Last? Undo, bool Taken, string? StatusUrl, string Draft, FormErrors Errors)
    {
        /// <summary>What is like it, and why, while nobody has decided on it.</summary>
        public Likenesses Like { get; init; } = Likenesses.None;
    }

    /// <summary>A word between the reporter and the team.</summary>
    public sealed record MessageItem(Guid Id, bool FromReporter, PersonId? Author, DateTimeOffset At, string Text);

    public sealed record MessageList(IReadOnlyList<MessageItem> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public sealed record MessageInput(string? Text);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/reports/{id}", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/reports/{id}/raw", RawAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/reports/{id}/files/{file}", FileAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapPost("/reports/{id}/answer", AnswerAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapGet("/api/v1/reports/{id}/raw", RawAsync).NeedsScope(Scopes.ReportsRead).WithTags("reports").WithName("downloadRaw").Produces<byte[]>(200, "application/octet-stream").ProducesProblem(404);
        routes.MapGet("/api/v1/reports/{id}/attachments/{file}", FileAsync).NeedsScope(Scopes.ReportsRead).WithTags("reports").WithName("downloadReportAttachment").Produces<byte[]>(200, "application/octet-stream").ProducesProblem(404);
        routes.MapGet("/api/v1/reports/{id}/messages", MessagesAsync).NeedsScope(Scopes.ReportsRead).WithTags("reports").WithName("listMessages").ProducesProblem(403).ProducesProblem(404);
        routes.MapPost("/api/v1/reports/{id}/messages", ApiAnswerAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("reports").WithName("writeToReporter").ProducesProblem(403).ProducesProblem(404).ProducesProblem(412);
    }

    private static async Task<IResult> PageAsync(ReportId id, int? line, string? taken, NodeDb db, KeyRing keys, IncidentsSettings settings, TimeProvider clock, Texts t, CancellationToken ct) =>
        await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct) is { } report
            ? Answers.Page<ReportPage>(await ModelAsync(db, report, line ?? 0, taken == "1", "", FormErrors.None, keys, settings, clock, t, ct))
            : Answers.NotFound();

    private static async Task<IResult> RawAsync(ReportId id, NodeDb db, BlobStore blobs, TimeProvider clock, HttpContext http, CancellationToken ct)
    {
        var report = await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct);
        // the raw bytes name the reporter: whoever may not see the reporter gets none
        return report is null || !ReporterView.Of(report, db.Viewer, ExitOf(http), clock.GetUtcNow()).IsOwn ? Answers.NotFound()
            : await DownloadAsync(db, blobs, report, report.RawSha256, report.Number + ".raw", http, ct);
    }

    private static async Task<IResult> FileAsync(ReportId id, Guid file, NodeDb db, BlobStore blobs, HttpContext http, CancellationToken ct)
    {
        var report = await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct);
        var found = report is null ? null : await db.ReportAttachments.AsNoTracking().FirstOrDefaultAsync(a => a.Id == file && a.Report == id, ct);
        return found is null ? Answers.NotFound() : await DownloadAsync(db, blobs, report!, found.Sha256, found.Name, http, ct);
    }

    /// <summary>The same bytes leave by the page and by the API; the rule is asked about the door that is used.</summary>
    private static Exit ExitOf(HttpContext http) => http.Request.Path.StartsWithSegments("/api") ? Exit.Api : Exit.Page;

    /// <summary>Never shown in the browser: a download of no type, whatever the sender called it.</summary>
    private static async Task<IResult> DownloadAsync(NodeDb db, BlobStore blobs, Report report, string sha256, string name, HttpContext http, CancellationToken ct)
    {
        if (await blobs.ReadAsync(db, sha256, ct) is not { } bytes)
        {
            return Answers.NotFound();
        }

        db.Note(new AuditNote("report.downloaded", report.Marking.Origin, report.Ref, new Dictionary<string, object?>(StringComparer.Ordinal) { ["sha256"] = sha256 }));
        await db.SaveChangesAsync(ct);
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        return TypedResults.File(bytes, "application/octet-stream", InertText.FileName(name));
    }

    private static async Task<IResult> AnswerAsync(ReportId id, [FromForm] string? text, NodeDb db, Viewer viewer, KeyRing keys, IncidentsSettings settings, TimeProvider clock, Texts t, CancellationToken ct)
    {
        if (await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct) is not { } report)
        {
            return Answers.NotFound();
        }

        if (!viewer.Has(report.Marking.Origin, Right.Triage))
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        var (clean, faults) = Check(text);
        if (faults.Count > 0)
        {
            var errors = new FormErrors();
            faults.ForEach(f => errors.Add("text", t["report.answer.label"], t.Of("report_form.error." + f.Reason, f.Args)));
            return Answers.Page<ReportPage>(await ModelAsync(db, report, 0, false, text ?? "", errors, keys, settings, clock, t, ct), StatusCodes.Status400BadRequest);
        }

        await SayAsync(db, report, clean, clock.GetUtcNow(), ct);
        return Answers.Seen($"/reports/{id}#messages");
    }

    private static (string Clean, List<FieldFault> Faults) Check(string? text)
    {
        var faults = new List<FieldFault>();
        var clean = new FieldCheck(faults).Text("text", text, ReportStatus.MaxMessage)?.Trim() ?? "";
        if (clean.Length == 0 && faults.Count == 0)
        {
            faults.Add(new("text", "required"));
        }

        return (clean, faults);
    }

    private static async Task<ReportMessage> SayAsync(NodeDb db, Report report, string text, DateTimeOffset now, CancellationToken ct)
    {
        var id = report.Id;
        var word = new ReportMessage { Id = Guid.CreateVersion7(now), Report = id, FromReporter = false, Author = db.Viewer.Person, At = now, Text = text };
        await db.InTransactionAsync(async () =>
        {
            db.ReportMessages.Add(word);
            ReporterNotice.Queue(db, report, "triage.told.answered");
            // first the word, so that the clock below counts it
            await db.SaveChangesAsync(ct);
            foreach (var incident in await ReportLinks.IncidentsAsync(db, id, ct))
            {
                if (incident.Marking.Origin == report.Marking.Origin)
                {
                    Diary.Say(db, incident, EntryKind.Message, now, "report.diary.team_answered", [report.Number], $"/reports/{id}");
                    await IncidentClock.SaveAsync(db, incident, ct);
                }
            }

            return await db.SaveChangesAsync(ct);
        }, ct);
        return word;
    }

    private static MessageItem ToItem(ReportMessage m) => new(m.Id, m.FromReporter, m.Author, m.At, m.Text);

    private static async Task<Results<Ok<MessageList>, ProblemHttpResult>> MessagesAsync(ReportId id, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct) is not { } report)
        {
            return TriageApi.Problem(Refusal.NotFound);
        }

        return ReporterView.Of(report, db.Viewer, Exit.Api, clock.GetUtcNow()).IsOwn ? TypedResults.Ok(new MessageList((await WordsAsync(db, id, ct)).ConvertAll(ToItem), null))
            : TypedResults.Problem("Only the team that received the report reads the words between it and the reporter.", statusCode: 403, title: "Not yours to read");
    }

    private static async Task<Results<Created<MessageItem>, ValidationProblem, ProblemHttpResult>> ApiAnswerAsync(ReportId id, MessageInput input, HttpRequest http, NodeDb db, TextBook book, TimeProvider clock, CancellationToken ct)
    {
        if (await TriageApi.PreconditionAsync(db, id, http, ct) is { } stopped)
        {
            return stopped;
        }

        var report = await db.Reports.AsNoTracking().FirstAsync(r => r.Id == id, ct);
        var (clean, faults) = Check(input.Text);
        var english = new Texts(book, "en");
        return faults.Count > 0 ? TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["text"] = [.. faults.Select(f => english.Of("report_form.error." + f.Reason, f.Args))] })
            : TypedResults.Created($"/api/v1/reports/{id}/messages", ToItem(await SayAsync(db, report, clean, clock.GetUtcNow(), ct)));
    }

    private static Task<List<ReportMessage>> WordsAsync(NodeDb db, ReportId id, CancellationToken ct) =>
        db.ReportMessages.AsNoTracking().Where(m => m.Report == id).OrderBy(m => m.At).ThenBy(m => m.Id).Take(1000).ToListAsync(ct);

    private static async Task<Model> ModelAsync(NodeDb db, Report report, int line, bool taken, string draft, FormErrors errors, KeyRing keys, IncidentsSettings settings, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var id = report.Id;
        var who = ReporterView.Of(report, db.Viewer, Exit.Page, clock.GetUtcNow());
        var (seen, more) = await ObservablesAsync(db, id, ct);
        var files = await db.ReportAttachments.AsNoTracking().Where(a => a.Report == id).OrderBy(a => a.Id).ToListAsync(ct);
        var items = report.Items == 0 ? [] : await db.ReportItems.AsNoTracking().Where(i => i.Report == id && i.Line > line).OrderBy(i => i.Line).Take(ItemsPage + 1).ToListAsync(ct);
        var words = who.IsOwn ? await WordsAsync(db, id, ct) : [];
        var people = words.Select(w => w.Author).Append(report.TakenBy).Append(report.Assignee).OfType<PersonId>().Distinct().ToArray();
        var names = await db.People.AsNoTracking().Where(p => people.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        string? NameOf(PersonId? person) => person is { } p ? names.GetValueOrDefault(p) : null;
        var links = await db.ReportLinks.AsNoTracking().Where(l => l.Report == id).OrderByDescending(l => l.LinkedAt).Take(100).ToListAsync(ct);
        var incidentIds = links.Select(l => l.Incident).Distinct().ToArray();
        var incidents = await db.Incidents.AsNoTracking().Where(i => incidentIds.Contains(i.Id)).ToDictionaryAsync(i => i.Id, ct);
        var duplicateOf = report.DuplicateOf is { } original ? await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == original, ct) : null;
        var mine = db.Viewer.Has(report.Marking.Origin, Right.Triage);
        return new(report, who, seen, more, files, [.. items.Take(ItemsPage)], items.Count > ItemsPage ? items[ItemsPage - 1].Line : null,
            [.. words.Select(w => new Word(w.FromReporter, NameOf(w.Author), w.At, w.Text))],
            [.. links.Where(l => incidents.ContainsKey(l.Incident)).Select(l => new Linked(incidents[l.Incident], l.LinkedAt, l.EndedAt))],
            duplicateOf, NameOf(report.TakenBy), NameOf(report.Assignee), mine, mine ? await UndoTriage.LastAboutAsync(db, id, clock.GetUtcNow(), ct) : null, taken && mine, taken && mine && StatusLinks.KeyOf(keys, report) is { } key ? StatusLinks.Url(settings, key) : null, draft, errors)
        { Like = report.State == ReportState.New ? (await Likeness.OfAsync(db, [id], clock.GetUtcNow(), ct)).GetValueOrDefault(id, Likenesses.None) : Likenesses.None };
    }

    /// <summary>With how many other reports and incidents that this viewer may know of share each.</summary>
    private static async Task<(IReadOnlyList<Seen> Seen, int More)> ObservablesAsync(NodeDb db, ReportId id, CancellationToken ct)
    {
        var rows = await db.ReportObservables.AsNoTracking().Where(o => o.Report == id).OrderByDescending(o => o.Stated).ThenBy(o => o.Id).Take(MaxShown).ToListAsync(ct);
        var total = rows.Count < MaxShown ? rows.Count : await db.ReportObservables.CountAsync(o => o.Report == id, ct);
        var values = rows.Select(r => r.Value).Distinct(StringComparer.Ordinal).ToArray();
        var reports = await db.ReportObservables.Where(o => values.Contains(o.Value) && o.Report != id).GroupBy(o => new { o.Type, o.Value })
            .Select(g => new { g.Key.Type, g.Key.Value, Count = g.Select(o => o.Report).Distinct().Count() }).ToDictionaryAsync(g => (g.Type, g.Value), g => g.Count, ct);
        var incidents = await db.IncidentTargets.Where(o => values.Contains(o.Value) && o.RemovedAt == null).GroupBy(o => new { o.Type, o.Value })
            .Select(g => new { g.Key.Type, g.Key.Value, Count = g.Select(o => o.Incident).Distinct().Count() }).ToDictionaryAsync(g => (g.Type, g.Value), g => g.Count, ct);
        return ([.. rows.Select(r => new Seen(r, new Observable(r.Type, r.Value), reports.GetValueOrDefault((r.Type, r.Value)), incidents.GetValueOrDefault((r.Type, r.Value))))], total - rows.Count);
    }

    /// <summary>One line of an imported file in few words: what, from where, when; the whole event stays in the raw file.</summary>
    public static (string What, string? Source, string? Destination) Brief(ReportItem item)
    {
        using var json = JsonDocument.Parse(item.Event);
        var root = json.RootElement;
        string? Of(string one, string two) => root.TryGetProperty(one, out var a) && a.TryGetProperty(two, out var b) ? b.ToString() : null;
        var port = Of("destination", "port");
        var destination = Of("destination", "ip") ?? Of("destination", "fqdn");
        return (string.Join(" / ", new[] { Of("classification", "type"), Of("classification", "identifier") }.Where(x => x is not null)), item.SourceIp ?? Of("source", "fqdn") ?? Of("source", "network"), destination is null ? null : port is null ? destination : $"{destination} {port}");
    }
}
