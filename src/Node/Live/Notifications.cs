using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Live;

/// <summary>
/// GET /notifications: what someone should look at, newest first; POST /notifications/read marks all as read. A notification names its record: it is
/// shown, and counted, while the person may know of that one.
/// </summary>
public static class Notifications
{
    public const int PageSize = 50;

    /// <summary>Records looked up for the bell's number, and pages for one page: beyond, somebody has not looked for long.</summary>
    private const int MostRecords = 1_000;
    private const int MostPages = 20;

    public sealed record Row(Notification Notification, string Text);

    public sealed record Model(IReadOnlyList<Row> Rows, int Unread, string? Next, bool First);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/notifications", PageAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/notifications/read", async Task<IResult> ([FromForm] string? upTo, Viewer viewer, NodeDb db, TimeProvider clock, CancellationToken ct) =>
        {
            // what came while the page was open stays unread
            var me = viewer.Person!.Value;
            var now = clock.GetUtcNow();
            var until = ListCursor.TryParse(upTo, out var cursor) && cursor != ListCursor.Start ? DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(cursor.Sort, 0, 253_402_300_799_000_000) * 10) : now;
            await db.Notifications.Where(n => n.Person == me && n.ReadAt == null && n.At <= until).ExecuteUpdateAsync(s => s.SetProperty(n => n.ReadAt, now), ct);
            return Answers.Seen("/notifications");
        }).SignedIn().ExcludeFromDescription();
    }

    public static string CursorOf(Notification notification) => new ListCursor((notification.At.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / 10, notification.Id).ToString();

    private static async Task<IResult> PageAsync(string? after, Viewer viewer, NodeDb db, Texts t, CancellationToken ct)
    {
        if (!ListCursor.TryParse(after, out var cursor))
        {
            return TypedResults.BadRequest();
        }

        var me = viewer.Person!.Value;
        var found = await FindAsync(db, me, cursor, ct);
        var unread = await UnreadAsync(db, me, ct);
        return Answers.Page<NotificationsPage>(new Model([.. found.Take(PageSize).Select(n => new Row(n, TextOf(n, t)))], unread, found.Count > PageSize ? CursorOf(found[PageSize - 1]) : null, cursor == ListCursor.Start));
    }

    /// <summary>How many someone has not seen yet: the number on the bell, wherever it stands.</summary>
    public static async Task<int> UnreadAsync(NodeDb db, PersonId person, CancellationToken ct)
    {
        var unread = await db.Notifications.Where(n => n.Person == person && n.ReadAt == null).GroupBy(n => n.Href).Select(g => new { Href = g.Key, Count = g.Count() }).OrderBy(u => u.Href).Take(MostRecords).ToListAsync(ct);
        var known = await db.KnownAsync([.. unread.Select(u => RecordOf(u.Href)).OfType<Guid>()], ct);
        return unread.Where(u => RecordOf(u.Href) is not { } record || known.ContainsKey(record)).Sum(u => u.Count);
    }

    /// <summary>A page and one more, on from the cursor, without what the person may not know of any more.</summary>
    private static async Task<List<Notification>> FindAsync(NodeDb db, PersonId person, ListCursor cursor, CancellationToken ct)
    {
        var found = new List<Notification>();
        for (var round = 0; round < MostPages && found.Count <= PageSize; round++)
        {
            var query = db.Notifications.AsNoTracking().Where(n => n.Person == person);
            if (cursor != ListCursor.Start)
            {
                var (at, id) = (DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(cursor.Sort, 0, 253_402_300_799_000_000) * 10), cursor.Record);
                query = query.Where(n => n.At < at || (n.At == at && n.Id.CompareTo(id) < 0));
            }

            var some = await query.OrderByDescending(n => n.At).ThenByDescending(n => n.Id).Take(PageSize + 1).ToListAsync(ct);
            var known = await db.KnownAsync([.. some.Select(n => RecordOf(n.Href)).OfType<Guid>()], ct);
            found.AddRange(some.Where(n => RecordOf(n.Href) is not { } record || known.ContainsKey(record)));
            if (some.Count <= PageSize)
            {
                break;
            }

            cursor = new((some[^1].At.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / 10, some[^1].Id);
        }

        return found;
    }

    /// <summary>The id in <c>/incidents/ID</c>, <c>/reports/ID#messages</c> and the like; null for a place that is no record's.</summary>
    private static Guid? RecordOf(string href) =>
        href.Split('/', '#', '?') is ["", "incidents" or "reports" or "requests", var id, ..] && Guid.TryParse(id, out var record) ? record : null;

    private static string TextOf(Notification notification, Texts t)
    {
        try
        {
            var args = JsonSerializer.Deserialize<JsonElement[]>(notification.Args) ?? [];
            return t.Of(notification.TextKey, [.. args.Select(a => (object?)(a.ValueKind == JsonValueKind.Number && a.TryGetInt64(out var number) ? number : a.ToString()))]);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return t[notification.TextKey];
        }
    }
}
