using System.Globalization;
using System.Net.Mime;
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

/// <summary>GET /requests, /requests.csv and /api/v1/requests: what is asked of others, the nearest due first.</summary>
public static class ListRequests
{
    public const int PageSize = 50;
    private const int CsvRows = 10_000;

    public sealed record Filter
    {
        /// <summary>draft, out, bounced, answered, ours (answered or bounced: ours to decide on), closed, all; without it all that is not closed.</summary>
        public string? State { get; init; }

        /// <summary>overdue: past due and without an answer.</summary>
        public string? Due { get; init; }

        /// <summary>me: written by me.</summary>
        public string? Mine { get; init; }

        /// <summary>Of one incident.</summary>
        public Guid? Incident { get; init; }

        public string? After { get; init; }
    }

    public sealed record Row(CoordinationRequest Request, string? IncidentNumber, string? IncidentTitle, int Targets);

    public sealed record Model(IReadOnlyList<Row> Rows, Filter Filter, string? Next, int Total);

    /// <summary>A request as scripts read it; times are UTC.</summary>
    public record Item(RequestId Id, string Number, IncidentId Incident, RequestPurpose Purpose, RequestState State, RequestAnswer? Answer, RequestOutcome? Outcome, string Tlp, string RecipientName, string RecipientMail, string Language,
        DateTimeOffset DueAt, DateTimeOffset? SentAt, DateTimeOffset? DeliveredAt, DateTimeOffset? AcknowledgedAt, DateTimeOffset? AnsweredAt, DateTimeOffset? ClosedAt, string? MessageId, string? MessageSha256, long Version);

    public sealed record ItemList(IReadOnlyList<Item> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/requests", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/requests.csv", CsvAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/requests", ApiAsync).NeedsScope(Scopes.RequestsRead).WithTags("requests").WithName("listRequests");
    }

    /// <summary>How many the list has without a filter, for the number that leads to it.</summary>
    public static Task<int> CountAsync(NodeDb db, CancellationToken ct) => db.CountAsync(CoordinationRequest.Kind, States(null), ct);

    public static Item ToItem(CoordinationRequest r) => new(r.Id, r.Number, r.Incident, r.Purpose, r.State, r.Answer == RequestAnswer.None ? null : r.Answer, r.Outcome == RequestOutcome.None ? null : r.Outcome, r.Marking.Tlp.Label(),
        r.RecipientName, r.RecipientMail, r.Language, r.DueAt, r.SentAt, r.DeliveredAt, r.AcknowledgedAt, r.AnsweredAt, r.ClosedAt, r.MessageId, r.MessageSha256, r.Version);

    private static async Task<IResult> PageAsync([AsParameters] Filter filter, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.BadRequest();
        }

        var (requests, next) = await FetchAsync(db, filter, after, PageSize, clock.GetUtcNow(), ct);
        return Answers.Page<RequestsPage>(new Model(await RowsAsync(db, requests, ct), filter, next, await TotalAsync(db, filter, clock.GetUtcNow(), ct)));
    }

    /// <summary>How many rows the filter has, so that a count and the list it leads to agree: by state from the grants, else through the read rule, bounded.</summary>
    private static async Task<int> TotalAsync(NodeDb db, Filter filter, DateTimeOffset now, CancellationToken ct)
    {
        if (filter.Due != "overdue" && filter.Mine != "me" && filter.Incident is null)
        {
            return await db.CountAsync(CoordinationRequest.Kind, States(filter.State), ct);
        }

        var states = States(filter.State).Select(s => (RequestState)s).ToArray();
        var rows = db.Requests.AsNoTracking().Where(r => states.Contains(r.State));
        if (filter.Due == "overdue")
        {
            rows = rows.Where(CoordinationRequest.Overdue(now));
        }

        if (filter.Mine == "me")
        {
            var me = db.Viewer.Person;
            rows = rows.Where(r => r.Author == me);
        }

        if (filter.Incident is { } of)
        {
            var incident = new IncidentId(of);
            rows = rows.Where(r => r.Incident == incident);
        }

        return await rows.Take(NodeDb.CountBound + 1).CountAsync(ct);
    }

    private static async Task<List<Row>> RowsAsync(NodeDb db, IReadOnlyList<CoordinationRequest> requests, CancellationToken ct)
    {
        var ids = requests.Select(r => r.Id).ToArray();
        var of = requests.Select(r => r.Incident).Distinct().ToArray();
        var incidents = await db.Incidents.AsNoTracking().Where(i => of.Contains(i.Id)).ToDictionaryAsync(i => i.Id, ct);
        var targets = await db.RequestTargets.Where(t => ids.Contains(t.Request)).GroupBy(t => t.Request).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        return [.. requests.Select(r => new Row(r, incidents.GetValueOrDefault(r.Incident)?.Number, incidents.GetValueOrDefault(r.Incident)?.Title, targets.GetValueOrDefault(r.Id)))];
    }

    private static async Task<IResult> CsvAsync([AsParameters] Filter filter, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.BadRequest();
        }

        using var bytes = new MemoryStream();
        var written = 0;
        using (var csv = new CsvWriter(bytes, byteOrderMark: true, leaveOpen: true))
        {
            csv.Row("number", "incident", "purpose", "state", "answer", "outcome", "tlp", "recipient", "targets", "due_utc", "sent_utc", "answered_utc", "closed_utc");
            string? next = after.ToString();
            for (var rows = 0; ListCursor.TryParse(next, out var from) && next is not null && rows < CsvRows; rows += 500)
            {
                (var requests, next) = await FetchAsync(db, filter, from, 500, clock.GetUtcNow(), ct);
                foreach (var (r, incident, _, targets) in await RowsAsync(db, requests, ct))
                {
                    csv.Row(r.Number, incident, r.Purpose.ToString(), r.State.ToString(), r.Answer.ToString(), r.Outcome.ToString(), r.Marking.Tlp.Label(), r.RecipientName, targets.ToString(CultureInfo.InvariantCulture), Utc(r.DueAt), Utc(r.SentAt), Utc(r.AnsweredAt), Utc(r.ClosedAt));
                    written++;
                }
            }
        }

        db.Note(new AuditNote("requests.exported", db.Viewer.Team, null, new Dictionary<string, object?>(StringComparer.Ordinal) { ["format"] = "csv", ["rows"] = written }));
        await db.SaveChangesAsync(ct);
        return TypedResults.Bytes(bytes.ToArray(), MediaTypeNames.Application.Octet, "requests.csv");
    }

    private static string? Utc(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static async Task<Results<Ok<ItemList>, ValidationProblem>> ApiAsync([AsParameters] Filter filter, int? limit, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.ValidationProblem(ApiQuery.BadCursor);
        }

        var wrong = ApiQuery.Limit(limit, out var take) ?? [];
        ApiQuery.OneOf(wrong, "state", filter.State, "draft", "out", "bounced", "answered", "closed", "all");
        ApiQuery.OneOf(wrong, "due", filter.Due, "overdue");
        ApiQuery.OneOf(wrong, "mine", filter.Mine, "me");
        if (wrong.Count > 0)
        {
            return TypedResults.ValidationProblem(wrong);
        }

        var (requests, next) = await FetchAsync(db, filter, after, take, clock.GetUtcNow(), ct);
        return TypedResults.Ok(new ItemList([.. requests.Select(ToItem)], next));
    }

    private static short[] States(string? state) => state switch
    {
        "draft" => [(short)RequestState.Draft],
        "out" => [(short)RequestState.Sent, (short)RequestState.Delivered, (short)RequestState.Acknowledged],
        "bounced" => [(short)RequestState.Bounced],
        "answered" => [(short)RequestState.Answered],
        "ours" => [(short)RequestState.Answered, (short)RequestState.Bounced],
        "closed" => [(short)RequestState.Closed],
        "all" => [.. Enum.GetValues<RequestState>().Select(s => (short)s)],
        _ => [.. Enum.GetValues<RequestState>().Where(s => s != RequestState.Closed).Select(s => (short)s)],
    };

    /// <summary>As <see cref="ListIncidents"/>: from the grants, then through the read rule, on until the page is full.</summary>
    private static async Task<(IReadOnlyList<CoordinationRequest> Requests, string? Next)> FetchAsync(NodeDb db, Filter filter, ListCursor after, int take, DateTimeOffset now, CancellationToken ct)
    {
        var wanted = new List<CoordinationRequest>();
        var cursor = after;
        for (var round = 0; round < 20; round++)
        {
            var places = await db.ListAsync(CoordinationRequest.Kind, States(filter.State), cursor, take + 1, ct);
            var ids = places.Take(take).Select(p => new RequestId(p.Record)).ToArray();
            var found = await db.Requests.AsNoTracking().Where(r => ids.Contains(r.Id)).ToDictionaryAsync(r => r.Id, ct);
            foreach (var (record, place) in places.Take(take))
            {
                cursor = place;
                if (found.TryGetValue(new(record), out var request) && Matches(request, filter, db.Viewer, now))
                {
                    wanted.Add(request);
                    if (wanted.Count == take)
                    {
                        return (wanted, places[^1].Cursor == cursor ? null : cursor.ToString());
                    }
                }
            }

            if (places.Count <= take)
            {
                return (wanted, null);
            }
        }

        return (wanted, cursor.ToString());
    }

    private static bool Matches(CoordinationRequest request, Filter filter, Viewer viewer, DateTimeOffset now) =>
        (filter.Due != "overdue" || request.IsOverdue(now))
        && (filter.Mine != "me" || (viewer.Person is { } me && request.Author == me))
        && (filter.Incident is not { } incident || request.Incident.Value == incident);
}
