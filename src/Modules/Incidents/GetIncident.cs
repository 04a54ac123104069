using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// GET /api/v1/incidents/{id}: one incident with its targets, timeline, attachments and links; ETag is its version. Its targets, timeline and
/// attachments also alone, under /targets, /timeline and /attachments.
/// </summary>
public static class GetIncident
{
    private const int MaxEntries = 1000;
    private const int MaxAttachments = 1000;

    /// <summary>A target; <c>value</c> is canonical and live, for machines.</summary>
    public sealed record TargetOut(Guid Id, ObservableType Type, string Value, TargetRole Role, string? Address, string? Prefix, long? Asn, string? AsName, string? Country, DateTimeOffset AddedAt, DateTimeOffset? RemovedAt);

    /// <summary>A line of the timeline: <c>text</c> as a person wrote it, or the node's own sentence in English.</summary>
    public sealed record EntryOut(Guid Id, EntryKind Kind, DateTimeOffset At, string? StatedTime, string? StatedZone, string Text);

    /// <summary>A file; <c>id</c> is what a request's <c>grounds</c> name and what the bytes are had by.</summary>
    public sealed record AttachmentOut(Guid Id, string Name, string MediaType, AttachmentKind What, long Size, string Sha256, DateTimeOffset AddedAt);

    public sealed record TargetList(IReadOnlyList<TargetOut> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public sealed record EntryList(IReadOnlyList<EntryOut> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public sealed record AttachmentList(IReadOnlyList<AttachmentOut> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public sealed record ReportOut(ReportId Id, string TrackingNumber, DateTimeOffset LinkedAt);

    public sealed record RequestOut(RequestId Id, string Number, string Recipient, RequestPurpose Purpose, RequestState State, RequestOutcome Outcome, DateTimeOffset DueAt);

    /// <summary>The incident with what belongs to it.</summary>
    public sealed record Detail : ListIncidents.Item
    {
        public Detail(ListIncidents.Item item) : base(item)
        {
        }

        public DateTimeOffset? OccurredAt { get; init; }

        public string? OccurredText { get; init; }

        public string? Timezone { get; init; }

        public string? ClockNote { get; init; }

        public required IReadOnlyList<TargetOut> Targets { get; init; }

        public required IReadOnlyList<EntryOut> Timeline { get; init; }

        public required IReadOnlyList<AttachmentOut> Attachments { get; init; }

        public required IReadOnlyList<ReportOut> Reports { get; init; }

        public required IReadOnlyList<RequestOut> Requests { get; init; }
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/incidents/{id}", GetAsync).NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("getIncident").ProducesProblem(404);
        routes.MapGet("/api/v1/incidents/{id}/targets", TargetsAsync).NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("listTargets").ProducesProblem(404);
        routes.MapGet("/api/v1/incidents/{id}/timeline", TimelineAsync).NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("listTimeline").ProducesProblem(404);
        routes.MapGet("/api/v1/incidents/{id}/attachments", AttachmentsAsync).NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("listAttachments").ProducesProblem(404);
    }

    public static string ETag(Incident incident) => EntityTag.Of(incident.Version);

    public static TargetOut ToTarget(IncidentTarget x) => new(x.Id, x.Type, x.Value, x.Role, x.Address, x.Prefix, x.Asn, x.AsName, x.Country, x.AddedAt, x.RemovedAt);

    /// <summary>A line in English, the language of the API.</summary>
    public static EntryOut ToEntry(TimelineEntry e, Texts english) => new(e.Id, e.What, e.At, e.AtText, e.AtZone, e.TextKey is null ? e.Text : english.Of(e.TextKey, ShowIncident.Parts(e.TextArgs)));

    public static AttachmentOut ToAttachment(IncidentAttachment a) => new(a.Id, a.Name, a.MediaType, a.What, a.Size, a.Sha256, a.AddedAt);

    /// <summary>The incident and what of it this token is shown; null where there is none to know of.</summary>
    private static async Task<(Incident Incident, Verdict Verdict)?> SeenAsync(NodeDb db, IncidentId id, DateTimeOffset now, CancellationToken ct) =>
        await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct) is { } incident
            ? (incident, Rule.Decide(new Question(SharingAct.Read, Exit.Api, incident.Marking, Viewer: db.Viewer), new World(now))) : null;

    private static async Task<List<TargetOut>> TargetsOfAsync(NodeDb db, IncidentId id, Verdict verdict, CancellationToken ct) =>
        verdict.Shows(FieldClass.Targets) ? (await db.IncidentTargets.AsNoTracking().Where(x => x.Incident == id).OrderBy(x => x.AddedAt).ThenBy(x => x.Id).ToListAsync(ct)).ConvertAll(ToTarget) : [];

    private static async Task<List<AttachmentOut>> AttachmentsOfAsync(NodeDb db, IncidentId id, Verdict verdict, CancellationToken ct) =>
        verdict.Shows(FieldClass.Grounds) ? (await db.IncidentAttachments.AsNoTracking().Where(a => a.Incident == id).OrderBy(a => a.AddedAt).ThenBy(a => a.Id).Take(MaxAttachments).ToListAsync(ct)).ConvertAll(ToAttachment) : [];

    private static async Task<Results<Ok<TargetList>, ProblemHttpResult>> TargetsAsync(IncidentId id, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        await SeenAsync(db, id, clock.GetUtcNow(), ct) is { } seen ? TypedResults.Ok(new TargetList(await TargetsOfAsync(db, id, seen.Verdict, ct), null)) : IncidentAct.NotFoundForApi();

    private static async Task<Results<Ok<AttachmentList>, ProblemHttpResult>> AttachmentsAsync(IncidentId id, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        await SeenAsync(db, id, clock.GetUtcNow(), ct) is { } seen ? TypedResults.Ok(new AttachmentList(await AttachmentsOfAsync(db, id, seen.Verdict, ct), null)) : IncidentAct.NotFoundForApi();

    /// <summary>Newest first; <paramref name="kind"/> one of <see cref="EntryKind"/>.</summary>
    private static async Task<Results<Ok<EntryList>, ValidationProblem, ProblemHttpResult>> TimelineAsync(IncidentId id, string? kind, string? after, int? limit, NodeDb db, TextBook book, TimeProvider clock, CancellationToken ct)
    {
        var wrong = ApiQuery.Limit(limit, out var take) ?? [];
        ApiQuery.OneOf<EntryKind>(wrong, "kind", kind);
        ListCursor? from = null;
        if (!string.IsNullOrEmpty(after))
        {
            from = ListCursor.TryParse(after, out var cursor) ? cursor : null;
            wrong = from is null ? ApiQuery.BadCursor : wrong;
        }

        if (wrong.Count > 0)
        {
            return TypedResults.ValidationProblem(wrong);
        }

        if (await SeenAsync(db, id, clock.GetUtcNow(), ct) is null)
        {
            return IncidentAct.NotFoundForApi();
        }

        var kinds = string.IsNullOrEmpty(kind) ? Enum.GetValues<EntryKind>() : [Enum.Parse<EntryKind>(kind, ignoreCase: true)];
        var lines = db.Timeline.AsNoTracking().Where(e => e.Incident == id && kinds.Contains(e.What));
        if (from is { } place)
        {
            // time and id of the last line seen
            var (at, last) = (Instant.FromMicros(place.Sort), place.Record);
            lines = lines.Where(e => e.At <= at && (e.At < at || e.Id.CompareTo(last) < 0));
        }

        var entries = await Diary.ReadAsync(db, lines, take + 1, ct);
        var english = new Texts(book, "en");
        return TypedResults.Ok(new EntryList([.. entries.Take(take).Select(e => ToEntry(e, english))], entries.Count > take ? new ListCursor(Instant.ToMicros(entries[take - 1].At), entries[take - 1].Id).ToString() : null));
    }

    private static async Task<Results<Ok<Detail>, ProblemHttpResult>> GetAsync(IncidentId id, HttpContext http, NodeDb db, TextBook book, TimeProvider clock, CancellationToken ct)
    {
        if (await SeenAsync(db, id, clock.GetUtcNow(), ct) is not var (incident, verdict))
        {
            return IncidentAct.NotFoundForApi();
        }

        http.Response.Headers.ETag = ETag(incident);
        var english = new Texts(book, "en");
        var entries = await Diary.ReadAsync(db, db.Timeline.AsNoTracking().Where(e => e.Incident == id), MaxEntries, ct);
        var links = await db.ReportLinks.AsNoTracking().Where(l => l.Incident == id && l.EndedAt == null).ToListAsync(ct);
        var linked = links.Select(l => l.Report).ToArray();
        var reports = await db.Reports.AsNoTracking().Where(r => linked.Contains(r.Id)).ToListAsync(ct);
        var requests = await db.Requests.AsNoTracking().Where(r => r.Incident == id).OrderBy(r => r.Number).ToListAsync(ct);
        return TypedResults.Ok(new Detail(ListIncidents.ToItem(incident))
        {
            OccurredAt = incident.OccurredAt,
            OccurredText = incident.OccurredText,
            Timezone = incident.OccurredZone,
            ClockNote = incident.ClockNote,
            Targets = await TargetsOfAsync(db, id, verdict, ct),
            Timeline = [.. entries.Select(e => ToEntry(e, english))],
            Attachments = await AttachmentsOfAsync(db, id, verdict, ct),
            Reports = [.. reports.Select(r => new ReportOut(r.Id, r.Number, links.First(l => l.Report == r.Id).LinkedAt))],
            Requests = requests.ConvertAll(r => new RequestOut(r.Id, r.Number, r.RecipientName, r.Purpose, r.State, r.Outcome, r.DueAt)),
        });
    }
}
