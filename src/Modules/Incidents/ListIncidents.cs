using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /incidents and GET /api/v1/incidents: the team's incidents, the nearest due first.</summary>
public static class ListIncidents
{
    public const int PageSize = 50;

    /// <summary>The list's filters, all in the URL.</summary>
    public sealed record Filter(string? State, string? Waiting, string? Category, string? Owner, string? After);

    /// <summary>One row as the page shows it.</summary>
    public sealed record Row(Incident Incident, string? OwnerName, int OpenRequests, int Reports);

    public sealed record Model(IReadOnlyList<Row> Rows, Filter Filter, string? Next, int Total);

    /// <summary>An incident as scripts read it; times are UTC.</summary>
    public sealed record Item(IncidentId Id, string Number, string Title, string Summary, IncidentState State, string Category, string Type, string? Label, Severity Severity,
        string Tlp, string Pap, Waiting Waiting, DateTimeOffset? DueAt, PersonId? Owner, DateTimeOffset OpenedAt, DateTimeOffset? ClosedAt, string? Outcome, long Version);

    public sealed record ItemList(IReadOnlyList<Item> Items, string? Next);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/incidents", ApiAsync).NeedsScope(Scopes.IncidentsRead).WithTags("incidents").WithName("listIncidents");
    }

    public static Item ToItem(Incident i) => new(i.Id, i.Number, i.Title, i.Summary, i.State, i.Category, i.Type, i.Label, i.Severity,
        i.Marking.Tlp.Label(), i.Marking.Pap.Label(), i.Waiting, i.DueAt, i.Owner, i.OpenedAt, i.ClosedAt, i.Outcome, i.Version);

    private static async Task<IResult> PageAsync([AsParameters] Filter filter, NodeDb db, Texts t, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.BadRequest();
        }

        var (incidents, next) = await FetchAsync(db, filter, after, PageSize, ct);
        var ids = incidents.Select(i => i.Id).ToArray();
        var owners = incidents.Select(i => i.Owner).Distinct().ToArray();
        var names = await db.Set<Directories.Person>().Where(p => owners.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        var requests = await db.Requests.Where(r => ids.Contains(r.Incident) && r.State != RequestState.Closed && r.State != RequestState.Draft).GroupBy(r => r.Incident).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var reports = await db.ReportLinks.Where(l => ids.Contains(l.Incident) && l.EndedAt == null).GroupBy(l => l.Incident).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var rows = incidents.Select(i => new Row(i, i.Owner is { } o ? names.GetValueOrDefault(o) : null, requests.GetValueOrDefault(i.Id), reports.GetValueOrDefault(i.Id))).ToList();
        var total = await db.CountAsync(Incident.Kind, States(filter.State), ct);
        return Answers.Page<IncidentsPage>(new Model(rows, filter, next, total));
    }

    private static async Task<Results<Ok<ItemList>, ProblemHttpResult>> ApiAsync([AsParameters] Filter filter, NodeDb db, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.Problem("after is not a cursor that this node gave: take it from next", statusCode: 400, title: "Bad cursor");
        }

        var (incidents, next) = await FetchAsync(db, filter, after, PageSize, ct);
        return TypedResults.Ok(new ItemList([.. incidents.Select(ToItem)], next));
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
    private static async Task<(IReadOnlyList<Incident> Incidents, string? Next)> FetchAsync(NodeDb db, Filter filter, ListCursor after, int take, CancellationToken ct)
    {
        var wanted = new List<Incident>();
        var cursor = after;
        string? next = null;
        // filters thin a page out: look on until it is full, a bounded number of times
        for (var round = 0; round < 20 && wanted.Count < take; round++)
        {
            var places = await db.ListAsync(Incident.Kind, States(filter.State), cursor, take + 1, ct);
            var ids = places.Take(take).Select(p => new IncidentId(p.Record)).ToArray();
            var found = await db.Incidents.AsNoTracking().Where(i => ids.Contains(i.Id)).ToDictionaryAsync(i => i.Id, ct);
            foreach (var (record, place) in places.Take(take))
            {
                cursor = place;
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

    private static bool Matches(Incident incident, Filter filter, Viewer viewer) =>
        (string.IsNullOrEmpty(filter.Waiting) || string.Equals(incident.Waiting.ToString(), filter.Waiting, StringComparison.OrdinalIgnoreCase))
        && (string.IsNullOrEmpty(filter.Category) || string.Equals(incident.Category, filter.Category, StringComparison.Ordinal))
        && (string.IsNullOrEmpty(filter.Owner) || (filter.Owner == "me" ? incident.Owner == viewer.Person : filter.Owner == "nobody" && incident.Owner is null));
}
