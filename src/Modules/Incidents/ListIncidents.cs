using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Formats.Csv;
using Renkei.Formats.Rsit;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /incidents, /incidents.csv and /api/v1/incidents: the team's incidents, the nearest due first unless another order is asked for.</summary>
public static class ListIncidents
{
    public const int PageSize = 50;

    /// <summary>No export or sorted list goes further.</summary>
    private const int MaxRows = 10_000;

    /// <summary>The list's filters, all in the URL.</summary>
    public sealed record Filter
    {
        public string? State { get; init; }

        public string? Waiting { get; init; }

        public string? Category { get; init; }

        public string? Owner { get; init; }

        public string? After { get; init; }

        public string? Severity { get; init; }

        public string? Sort { get; init; }
    }

    /// <summary>One row as the page shows it.</summary>
    public sealed record Row(Incident Incident, string? OwnerName, int OpenRequests, int Reports);

    public sealed record Model(IReadOnlyList<Row> Rows, Filter Filter, string? Next, int Total);

    /// <summary>An incident as scripts read it; times are UTC.</summary>
    public record Item(IncidentId Id, string Number, string Title, string Summary, IncidentState State, string Category, string Type, string? Label, Severity Severity,
        string Tlp, string Pap, Waiting Waiting, DateTimeOffset? DueAt, PersonId? Owner, DateTimeOffset OpenedAt, DateTimeOffset? ClosedAt, string? Outcome, long Version);

    public sealed record ItemList(IReadOnlyList<Item> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/incidents.csv", CsvAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/incidents", ApiAsync).NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("listIncidents");
    }

    public static Item ToItem(Incident i) => new(i.Id, i.Number, i.Title, i.Summary, i.State, i.Category, i.Type, i.Label, i.Severity,
        i.Marking.Tlp.Label(), i.Marking.Pap.Label(), i.Waiting, i.DueAt, i.Owner, i.OpenedAt, i.ClosedAt, i.Outcome, i.Version);

    private static async Task<IResult> PageAsync([AsParameters] Filter filter, NodeDb db, Texts t, CancellationToken ct)
    {
        if (!TryAfter(filter, out var after, out var place))
        {
            return TypedResults.BadRequest();
        }

        var (incidents, next) = await FetchAsync(db, filter, after, place, PageSize, ct);
        var ids = incidents.Select(i => i.Id).ToArray();
        var owners = incidents.Select(i => i.Owner).Distinct().ToArray();
        var names = await db.Set<Directories.Person>().Where(p => owners.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        var requests = await db.Requests.Where(r => ids.Contains(r.Incident) && r.State != RequestState.Closed && r.State != RequestState.Draft).GroupBy(r => r.Incident).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var reports = await db.ReportLinks.Where(l => ids.Contains(l.Incident) && l.EndedAt == null).GroupBy(l => l.Incident).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var rows = incidents.Select(i => new Row(i, i.Owner is { } o ? names.GetValueOrDefault(o) : null, requests.GetValueOrDefault(i.Id), reports.GetValueOrDefault(i.Id))).ToList();
        // by state alone from the grants, else through the read rule, so that a count and the list it leads to agree
        var total = string.IsNullOrEmpty(filter.Waiting + filter.Category + filter.Severity + filter.Owner)
            ? await db.CountAsync(Incident.Kind, States(filter.State), ct)
            : await Filtered(db, filter).Take(NodeDb.CountBound + 1).CountAsync(ct);
        return Answers.Page<IncidentsPage>(new Model(rows, filter, next, total));
    }

    private static async Task<Results<Ok<ItemList>, ValidationProblem>> ApiAsync([AsParameters] Filter filter, int? limit, NodeDb db, CancellationToken ct)
    {
        if (!TryAfter(filter, out var after, out var place))
        {
            return TypedResults.ValidationProblem(ApiQuery.BadCursor);
        }

        var wrong = ApiQuery.Limit(limit, out var take) ?? [];
        ApiQuery.OneOf(wrong, "state", filter.State, "open", "resolved", "abandoned", "closed", "all");
        ApiQuery.OneOf<Waiting>(wrong, "waiting", filter.Waiting);
        ApiQuery.OneOf<Severity>(wrong, "severity", filter.Severity);
        ApiQuery.OneOf(wrong, "owner", filter.Owner, "me", "nobody");
        ApiQuery.OneOf(wrong, "sort", filter.Sort, "due", "opened", "-opened", "severity", "-severity");
        if (!string.IsNullOrEmpty(filter.Category) && RsitTaxonomy.FindCategory(filter.Category) is null)
        {
            wrong["category"] = ["No RSIT category, such as fraud."];
        }

        if (wrong.Count > 0)
        {
            return TypedResults.ValidationProblem(wrong);
        }

        var (incidents, next) = await FetchAsync(db, filter, after, place, take, ct);
        return TypedResults.Ok(new ItemList([.. incidents.Select(ToItem)], next));
    }

    /// <summary>The same rows as the list with the same filters, as CSV with its TLP in a column; an export is told to the audit log.</summary>
    private static async Task<IResult> CsvAsync([AsParameters] Filter filter, NodeDb db, Texts t, TimeProvider clock, CancellationToken ct)
    {
        var rows = new List<Incident>();
        var (after, place) = (ListCursor.Start, (SortedPlace?)null);
        for (string? next = ""; next is not null && rows.Count < MaxRows;)
        {
            (var page, next) = await FetchAsync(db, filter, after, place, 500, ct);
            rows.AddRange(page);
            if (!TryAfter(filter with { After = next }, out after, out place))
            {
                break;
            }
        }

        var owners = rows.Select(i => i.Owner).Distinct().ToArray();
        var names = await db.Set<Directories.Person>().Where(p => owners.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        using var bytes = new MemoryStream();
        using (var csv = new CsvWriter(bytes, byteOrderMark: true, leaveOpen: true))
        {
            csv.Row("number", "title", "state", "category", "type", "label", "severity", "tlp", "pap", "waiting_for", "due_utc", "owner", "opened_utc", "closed_utc", "outcome");
            foreach (var i in rows)
            {
                csv.Row(i.Number, TextRefang.DefangText(i.Title), Lower(i.State), i.Category, i.Type, i.Label, Lower(i.Severity), i.Marking.Tlp.Label(), i.Marking.Pap.Label(), Lower(i.Waiting), Utc(i.DueAt),
                    i.Owner is { } owner ? names.GetValueOrDefault(owner) : null, Utc(i.OpenedAt), Utc(i.ClosedAt), TextRefang.DefangText(i.Outcome ?? ""));
            }
        }

        db.Note(new AuditNote("incidents.exported", db.Viewer.Team, null, new Dictionary<string, object?>(StringComparer.Ordinal) { ["format"] = "csv", ["rows"] = rows.Count }));
        await db.SaveChangesAsync(ct);
        return TypedResults.File(bytes.ToArray(), "text/csv; charset=utf-8", "incidents-" + clock.GetUtcNow().ToString("yyyyMMdd-HHmm", CultureInfo.InvariantCulture) + "Z.csv");

        static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

        static string? Utc(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>Where a page of another order than by due time ended. Numbers are a team's own: they part what was opened in the same moment.</summary>
    private sealed record SortedPlace(Severity Severity, DateTimeOffset Opened, string Number)
    {
        public static SortedPlace Of(Incident last) => new(last.Severity, last.OpenedAt, last.Number);

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"at.{(int)Severity}.{Instant.ToMicros(Opened)}.{Number}");

        public static SortedPlace? Parse(string text) =>
            text.Split('.', 4) is ["at", var severity, var opened, { Length: > 0 and <= 40 } number]
            && int.TryParse(severity, NumberStyles.None, CultureInfo.InvariantCulture, out var s) && Enum.IsDefined((Severity)s)
            && long.TryParse(opened, NumberStyles.None, CultureInfo.InvariantCulture, out var micros) && micros < Instant.ToMicros(DateTimeOffset.MaxValue)
                ? new((Severity)s, Instant.FromMicros(micros), number) : null;
    }

    private static bool IsSorted(string? sort) => sort is "opened" or "-opened" or "severity" or "-severity";

    /// <summary>A cursor of the due order, or the place in the other one that is asked for.</summary>
    private static bool TryAfter(Filter filter, out ListCursor after, out SortedPlace? place)
    {
        (after, place) = (ListCursor.Start, null);
        if (!IsSorted(filter.Sort) || string.IsNullOrEmpty(filter.After))
        {
            return ListCursor.TryParse(filter.After, out after);
        }

        place = SortedPlace.Parse(filter.After);
        return place is not null;
    }

    private static short[] States(string? state) => state switch
    {
        "resolved" => [(short)IncidentState.Resolved],
        "abandoned" => [(short)IncidentState.Abandoned],
        "closed" => [(short)IncidentState.Resolved, (short)IncidentState.Abandoned],
        "all" => [(short)IncidentState.Open, (short)IncidentState.Resolved, (short)IncidentState.Abandoned],
        _ => [(short)IncidentState.Open],
    };

    /// <summary>An unfiltered list starts from the grants; a filter looks through the read rule.</summary>
    private static async Task<(IReadOnlyList<Incident> Incidents, string? Next)> FetchAsync(NodeDb db, Filter filter, ListCursor after, SortedPlace? place, int take, CancellationToken ct)
    {
        if (IsSorted(filter.Sort))
        {
            return await SortedAsync(db, filter, place, take, ct);
        }

        var wanted = new List<Incident>();
        var cursor = after;
        string? next = null;
        // filters thin a page out: look on until it is full, a bounded number of times
        for (var round = 0; round < 20 && wanted.Count < take; round++)
        {
            var places = await db.ListAsync(Incident.Kind, States(filter.State), cursor, take + 1, ct);
            var ids = places.Take(take).Select(p => new IncidentId(p.Record)).ToArray();
            var found = await db.Incidents.AsNoTracking().Where(i => ids.Contains(i.Id)).ToDictionaryAsync(i => i.Id, ct);
            foreach (var (record, at) in places.Take(take))
            {
                cursor = at;
                if (found.TryGetValue(new(record), out var incident) && Matches(incident, filter, db.Viewer))
                {
                    wanted.Add(incident);
                    if (wanted.Count == take)
                    {
                        break;
                    }
                }
            }

            next = places.Count > take || (wanted.Count == take && cursor != places[^1].Cursor) ? cursor.ToString() : null;
            if (next is null)
            {
                break;
            }
        }

        return (wanted, next);
    }

    /// <summary>Another order than by due time: asked of the rows, and on from the last one shown, so that what comes or goes meanwhile moves nothing.</summary>
    private static async Task<(IReadOnlyList<Incident> Incidents, string? Next)> SortedAsync(NodeDb db, Filter filter, SortedPlace? place, int take, CancellationToken ct)
    {
        var rows = Filtered(db, filter);
        if (place is var (severity, opened, number))
        {
            rows = filter.Sort switch
            {
                "opened" => rows.Where(i => i.OpenedAt >= opened && (i.OpenedAt > opened || i.Number.CompareTo(number) > 0)),
                "-opened" => rows.Where(i => i.OpenedAt <= opened && (i.OpenedAt < opened || i.Number.CompareTo(number) > 0)),
                "severity" => rows.Where(i => i.Severity > severity || (i.Severity == severity && (i.OpenedAt < opened || (i.OpenedAt == opened && i.Number.CompareTo(number) > 0)))),
                _ => rows.Where(i => i.Severity < severity || (i.Severity == severity && (i.OpenedAt < opened || (i.OpenedAt == opened && i.Number.CompareTo(number) > 0)))),
            };
        }

        var sorted = filter.Sort switch
        {
            "opened" => rows.OrderBy(i => i.OpenedAt),
            "-opened" => rows.OrderByDescending(i => i.OpenedAt),
            "severity" => rows.OrderBy(i => i.Severity).ThenByDescending(i => i.OpenedAt),
            _ => rows.OrderByDescending(i => i.Severity).ThenByDescending(i => i.OpenedAt),
        };
        var page = await sorted.ThenBy(i => i.Number).Take(take + 1).ToListAsync(ct);
        return (page.Take(take).ToList(), page.Count > take ? SortedPlace.Of(page[take - 1]).ToString() : null);
    }

    private static IQueryable<Incident> Filtered(NodeDb db, Filter filter)
    {
        var states = States(filter.State).Select(s => (IncidentState)s).ToArray();
        var rows = db.Incidents.AsNoTracking().Where(i => states.Contains(i.State));
        if (Enum.TryParse<Waiting>(filter.Waiting, ignoreCase: true, out var waiting))
        {
            rows = rows.Where(i => i.Waiting == waiting);
        }

        if (!string.IsNullOrEmpty(filter.Category))
        {
            // what is no category has no rows, and is not asked of the database: PostgreSQL knows no NUL
            var known = RsitTaxonomy.FindCategory(filter.Category) is not null;
            rows = known ? rows.Where(i => i.Category == filter.Category) : rows.Where(i => false);
        }

        if (Enum.TryParse<Severity>(filter.Severity, ignoreCase: true, out var severity))
        {
            rows = rows.Where(i => i.Severity == severity);
        }

        if (filter.Owner is "me" or "nobody")
        {
            var owner = filter.Owner == "me" ? db.Viewer.Person : null;
            rows = rows.Where(i => i.Owner == owner);
        }

        return rows;
    }

    private static bool Matches(Incident incident, Filter filter, Viewer viewer) =>
        (string.IsNullOrEmpty(filter.Waiting) || string.Equals(incident.Waiting.ToString(), filter.Waiting, StringComparison.OrdinalIgnoreCase))
        && (string.IsNullOrEmpty(filter.Category) || string.Equals(incident.Category, filter.Category, StringComparison.Ordinal))
        && (string.IsNullOrEmpty(filter.Severity) || string.Equals(incident.Severity.ToString(), filter.Severity, StringComparison.OrdinalIgnoreCase))
        && (string.IsNullOrEmpty(filter.Owner) || (filter.Owner == "me" ? incident.Owner == viewer.Person : filter.Owner == "nobody" && incident.Owner is null));
}
