using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /api/v1/incidents/{id}: one incident with its targets, timeline and links; ETag is its version.</summary>
public static class GetIncident
{
    private const int MaxEntries = 1000;

    /// <summary>A target; <c>value</c> is canonical and live, for machines.</summary>
    public sealed record TargetOut(Guid Id, ObservableType Type, string Value, TargetRole Role, string? Address, string? Prefix, long? Asn, string? AsName, string? Country, DateTimeOffset AddedAt, DateTimeOffset? RemovedAt);

    /// <summary>A line of the timeline: <c>text</c> as a person wrote it, or the node's own sentence in English.</summary>
    public sealed record EntryOut(Guid Id, EntryKind Kind, DateTimeOffset At, string? StatedTime, string? StatedZone, string Text);

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

        public required IReadOnlyList<ReportOut> Reports { get; init; }

        public required IReadOnlyList<RequestOut> Requests { get; init; }
    }

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/api/v1/incidents/{id:guid}", GetAsync).NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("getIncident");

    /// <summary>A strong entity tag (RFC 9110 §8.8.3).</summary>
    public static string ETag(Incident incident) => string.Create(CultureInfo.InvariantCulture, $"\"{incident.Version}\"");

    private static async Task<Results<Ok<Detail>, ProblemHttpResult, StatusCodeHttpResult>> GetAsync(IncidentId id, HttpContext http, NodeDb db, TextBook book, TimeProvider clock, CancellationToken ct)
    {
        var incident = await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct);
        if (incident is null)
        {
            return TypedResults.Problem("No incident of this id that the token may know of.", statusCode: 404, title: "Not found");
        }

        http.Response.Headers.ETag = ETag(incident);
        var verdict = Rule.Decide(new Question(SharingAct.Read, Exit.Api, incident.Marking, Viewer: db.Viewer), new World(clock.GetUtcNow()));
        var english = new Texts(book, "en");
        var targets = verdict.Shows(FieldClass.Targets) ? await db.IncidentTargets.AsNoTracking().Where(x => x.Incident == id).OrderBy(x => x.AddedAt).ThenBy(x => x.Id).ToListAsync(ct) : [];
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
            Targets = targets.ConvertAll(x => new TargetOut(x.Id, x.Type, x.Value, x.Role, x.Address, x.Prefix, x.Asn, x.AsName, x.Country, x.AddedAt, x.RemovedAt)),
            Timeline = [.. entries.Select(e => new EntryOut(e.Id, e.What, e.At, e.AtText, e.AtZone, e.TextKey is null ? e.Text : english.Of(e.TextKey, ShowIncident.Parts(e.TextArgs))))],
            Reports = [.. reports.Select(r => new ReportOut(r.Id, r.Number, links.First(l => l.Report == r.Id).LinkedAt))],
            Requests = requests.ConvertAll(r => new RequestOut(r.Id, r.Number, r.RecipientName, r.Purpose, r.State, r.Outcome, r.DueAt)),
        });
    }
}
