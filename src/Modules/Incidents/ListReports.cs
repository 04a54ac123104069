using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Formats.Csv;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /reports (page and CSV), GET /api/v1/reports and /api/v1/reports/{id}: every report the viewer may know of, in any state.</summary>
public static class ListReports
{
    public const int PageSize = 50;

    /// <summary>Rows of one CSV export; the file says so when there are more.</summary>
    public const int CsvRows = 10_000;

    public sealed record Filter
    {
        public string? State { get; init; }

        public string? Type { get; init; }

        public string? Channel { get; init; }

        public string? After { get; init; }
    }

    /// <summary>A report and what of its reporter this viewer may see.</summary>
    public sealed record Row(Report Report, ReporterView Reporter);

    public sealed record Model(IReadOnlyList<Row> Rows, Filter Filter, string? Next, int Total);

    /// <summary>A report as scripts read it; times are UTC. Fields named in <paramref name="Withheld"/> are absent whether they hold a value or not.</summary>
    public record Item(ReportId Id, string TrackingNumber, ReportState State, ReportKind Type, Channel Channel, DateTimeOffset ReceivedAt, DateTimeOffset DueAt, string Summary, string Description,
        Person Reporter, IReadOnlyList<string> Withheld, IReadOnlyList<string>? Source, IReadOnlyList<string>? Target, string? OccurredAt, string? Timezone, DateTimeOffset? OccurredAtUtc, long? ClockErrorSeconds, string Tlp, string Pap, string Language, ReportId? DuplicateOf, string? RejectReason, PersonId? Assignee, string? Feed, int Items, long Version);

    public sealed record Person(string? Name, string? Email, string? Organization, string? Country, string? Reference);

    /// <summary>The report with what belongs to it.</summary>
    public sealed record Detail : Item
    {
        public Detail(Item item) : base(item)
        {
        }

        public required IReadOnlyList<ObservableItem> Observables { get; init; }

        public required IReadOnlyList<FileItem> Attachments { get; init; }

        /// <summary>Incidents it belongs to or did, as far as the token may know of them.</summary>
        public required IReadOnlyList<LinkItem> Incidents { get; init; }
    }

    public sealed record LinkItem(IncidentId Id, string Number, DateTimeOffset LinkedAt, DateTimeOffset? EndedAt);

    /// <summary><paramref name="Id"/> is what splitting names it by.</summary>
    public sealed record ObservableItem(Guid Id, ObservableType Type, string Value, bool Stated, long? Asn, string? AsName, string? Country, string? Prefix);

    public sealed record FileItem(Guid Id, string Name, string MediaType, long Size, string Sha256);

    public sealed record ItemList(IReadOnlyList<Item> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/reports", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/reports.csv", CsvAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/reports", ApiAsync).NeedsScope(Scopes.ReportsRead).WithTags("reports").WithName("listReports");
        routes.MapGet("/api/v1/reports/{id}", OneAsync).NeedsScope(Scopes.ReportsRead).WithTags("reports").WithName("getReport");
    }

    private static async Task<IResult> PageAsync([AsParameters] Filter filter, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.BadRequest();
        }

        var (reports, next) = await FetchAsync(db, filter, after, PageSize, 20, ct);
        var now = clock.GetUtcNow();
        var total = await db.CountAsync(Report.Kind, States(filter.State), ct);
        return Answers.Page<ReportsPage>(new Model([.. reports.Select(r => new Row(r, ReporterView.Of(r, db.Viewer, Exit.Page, now)))], filter, next, total));
    }

    private static async Task<IResult> CsvAsync([AsParameters] Filter filter, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var (reports, _) = await FetchAsync(db, filter with { After = null }, ListCursor.Start, CsvRows, 400, ct);
        using var stream = new MemoryStream();
        using (var csv = new CsvWriter(stream, byteOrderMark: true, leaveOpen: true))
        {
            csv.Row(t["report.field.number"], t["report.field.state"], t["report.field.type"], t["report.field.channel"], t["report.field.received"], t["report.field.due"], t["report.field.summary"],
                t["report.field.reporter_name"], t["report.field.reporter_organisation"], t["report.field.reporter_email"], t["report.field.tlp"]);
            foreach (var r in reports)
            {
                var who = ReporterView.Of(r, db.Viewer, Exit.Export, now);
                csv.Row(r.Number, t["report.state." + Word(r.State)], t["report.type." + Word(r.Type)], t["report.channel." + Word(r.Channel)], Iso(r.ReceivedAt), Iso(r.DueAt), TextRefang.DefangText(r.Summary),
                    who.Name, who.Organisation, who.Email, r.Marking.Tlp.Label());
            }
        }

        db.Note(new AuditNote("report.exported", db.Viewer.Team, null, new Dictionary<string, object?>(StringComparer.Ordinal) { ["rows"] = reports.Count }));
        await db.SaveChangesAsync(ct);
        return TypedResults.File(stream.ToArray(), "text/csv; charset=utf-8", "reports.csv");
    }

    private static async Task<Results<Ok<ItemList>, ValidationProblem>> ApiAsync([AsParameters] Filter filter, int? limit, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.ValidationProblem(ApiQuery.BadCursor);
        }

        var wrong = ApiQuery.Limit(limit, out var take) ?? [];
        ApiQuery.OneOf(wrong, "state", filter.State, "new", "accepted", "rejected", "duplicate", "all");
        ApiQuery.OneOf<ReportKind>(wrong, "type", filter.Type);
        ApiQuery.OneOf<Channel>(wrong, "channel", filter.Channel);
        if (wrong.Count > 0)
        {
            return TypedResults.ValidationProblem(wrong);
        }

        var (reports, next) = await FetchAsync(db, filter, after, take, 20, ct);
        var now = clock.GetUtcNow();
        return TypedResults.Ok(new ItemList([.. reports.Select(r => ToItem(r, ReporterView.Of(r, db.Viewer, Exit.Api, now)))], next));
    }

    private static async Task<Results<Ok<Detail>, ProblemHttpResult, StatusCodeHttpResult>> OneAsync(ReportId id, NodeDb db, TimeProvider clock, HttpContext http, CancellationToken ct)
    {
        if (await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct) is not { } report)
        {
            return TriageApi.Problem(Refusal.NotFound);
        }

        var tag = EntityTag.Of(report.Version);
        http.Response.Headers.ETag = tag;
        if (http.Request.Headers.IfNoneMatch == tag)
        {
            return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        }

        var observables = await db.ReportObservables.AsNoTracking().Where(o => o.Report == id).OrderBy(o => o.Id).ToListAsync(ct);
        var files = await db.ReportAttachments.AsNoTracking().Where(a => a.Report == id).OrderBy(a => a.Id).ToListAsync(ct);
        var links = await db.ReportLinks.AsNoTracking().Where(l => l.Report == id).OrderBy(l => l.LinkedAt).ToListAsync(ct);
        var linked = links.Select(l => l.Incident).Distinct().ToArray();
        var numbers = await db.Incidents.AsNoTracking().Where(i => linked.Contains(i.Id)).ToDictionaryAsync(i => i.Id, i => i.Number, ct);
        return TypedResults.Ok(new Detail(ToItem(report, ReporterView.Of(report, db.Viewer, Exit.Api, clock.GetUtcNow())))
        {
            Observables = [.. observables.Select(o => new ObservableItem(o.Id, o.Type, o.Value, o.Stated, o.Asn, o.AsName, o.Country, o.Prefix))],
            Attachments = [.. files.Select(f => new FileItem(f.Id, f.Name, f.MediaType, f.Size, f.Sha256))],
            Incidents = [.. links.Where(l => numbers.ContainsKey(l.Incident)).Select(l => new LinkItem(l.Incident, numbers[l.Incident], l.LinkedAt, l.EndedAt))],
        });
    }

    public static Item ToItem(Report r, ReporterView who)
    {
        var (parties, description) = StatedParties.Read(r.Description);
        return new(r.Id, r.Number, r.State, r.Type, r.Channel, r.ReceivedAt, r.DueAt, r.Summary, description,
            new(who.Name, who.Email, who.Organisation, who.Country, who.Reference), who.Withheld, parties.Sources.Count == 0 ? null : parties.Sources, parties.Targets.Count == 0 ? null : parties.Targets,
            r.OccurredText, r.OccurredZone, r.OccurredAt, ClockError.Of(r.ClockNote), r.Marking.Tlp.Label(), r.Marking.Pap.Label(), r.Language, r.DuplicateOf, r.RejectReason, r.Assignee, r.Feed, r.Items, r.Version);
    }

    internal static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static short[] States(string? state) => state?.ToLowerInvariant() switch
    {
        "new" => [(short)ReportState.New],
        "accepted" => [(short)ReportState.Accepted],
        "rejected" => [(short)ReportState.Rejected],
        "duplicate" => [(short)ReportState.Duplicate],
        _ => [(short)ReportState.New, (short)ReportState.Accepted, (short)ReportState.Rejected, (short)ReportState.Duplicate],
    };

    /// <summary>From the grants, in list order; filters thin a page out, so it looks on until it is full, a bounded number of times.</summary>
    private static async Task<(IReadOnlyList<Report> Reports, string? Next)> FetchAsync(NodeDb db, Filter filter, ListCursor after, int take, int rounds, CancellationToken ct)
    {
        var wanted = new List<Report>();
        var cursor = after;
        string? next = null;
        // where a filter thins pages out, look further at once
        var step = string.IsNullOrEmpty(filter.Type) && string.IsNullOrEmpty(filter.Channel) ? Math.Min(take, 500) : 500;
        for (var round = 0; round < rounds && wanted.Count < take; round++)
        {
            var places = await db.ListAsync(Report.Kind, States(filter.State), cursor, step + 1, ct);
            var ids = places.Take(step).Select(p => new ReportId(p.Record)).ToArray();
            var found = await db.Reports.AsNoTracking().Where(r => ids.Contains(r.Id)).ToDictionaryAsync(r => r.Id, ct);
            foreach (var (record, place) in places.Take(step))
            {
                cursor = place;
                if (found.TryGetValue(new(record), out var report) && Matches(report, filter))
                {
                    wanted.Add(report);
                    if (wanted.Count == take)
                    {
                        break;
                    }
                }
            }

            next = places.Count > step || (wanted.Count == take && cursor != places[^1].Cursor) ? cursor.ToString() : null;
            if (next is null)
            {
                break;
            }
        }

        return (wanted, next);
    }

    private static bool Matches(Report report, Filter filter) =>
        (string.IsNullOrEmpty(filter.Type) || string.Equals(report.Type.ToString(), filter.Type, StringComparison.OrdinalIgnoreCase))
        && (string.IsNullOrEmpty(filter.Channel) || string.Equals(report.Channel.ToString(), filter.Channel, StringComparison.OrdinalIgnoreCase));
}

/// <summary>What of a report's reporter one viewer sees at one exit: the rule decides, once, for every page, list and export.</summary>
public sealed record ReporterView(string? Name, string? Organisation, string? Email, string? Phone, string? Country, string? Reference, bool SeesName, bool SeesOrganisation, bool SeesAddress, bool IsOwn, IReadOnlyList<Reason> Why)
{
    /// <summary>API names of what is withheld, whether it holds a value or not.</summary>
    public IReadOnlyList<string> Withheld => [.. SeesName ? [] : new[] { "reporter.name", "reporter.reference" }, .. SeesAddress ? [] : new[] { "reporter.email" }, .. SeesOrganisation ? [] : new[] { "reporter.organization", "reporter.country" }];

    public static ReporterView Of(Report report, Viewer viewer, Exit exit, DateTimeOffset now)
    {
        var verdict = Rule.Decide(new Question(exit == Exit.Export ? SharingAct.Export : SharingAct.Read, exit, report.Marking, Viewer: viewer, Disclosure: report.Disclosure), new World(now));
        var (name, organisation, address) = (verdict.Shows(FieldClass.ReporterName), verdict.Shows(FieldClass.ReporterOrganisation), verdict.Shows(FieldClass.ReporterAddress));
        return new(name ? report.ReporterName : null, organisation ? report.ReporterOrganisation : null, address ? report.ReporterEmail : null, address ? report.ReporterPhone : null,
            organisation ? report.ReporterCountry : null, name ? report.ReporterReference : null, name, organisation, address, verdict.Shows(FieldClass.InternalNotes), verdict.Why);
    }
}
