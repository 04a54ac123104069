using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Live;

/// <summary>GET /notifications: what someone should look at, newest first; POST /notifications/read marks all as read.</summary>
public static class Notifications
{
    public const int PageSize = 50;

    public sealed record Row(Notification Notification, string Text);

    public sealed record Model(IReadOnlyList<Row> Rows, int Unread, string? Next, bool First);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/notifications", PageAsync).SignedIn().ExcludeFromDescription();
        routes.MapPost("/notifications/read", async ([FromForm] string? upTo, Viewer viewer, NodeDb db, TimeProvider clock, CancellationToken ct) =>
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
        var query = db.Notifications.AsNoTracking().Where(n => n.Person == me);
        if (cursor != ListCursor.Start)
        {
            var (at, id) = (DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(cursor.Sort, 0, 253_402_300_799_000_000) * 10), cursor.Record);
            query = query.Where(n => n.At < at || (n.At == at && n.Id.CompareTo(id) < 0));
        }

        var found = await query.OrderByDescending(n => n.At).ThenByDescending(n => n.Id).Take(PageSize + 1).ToListAsync(ct);
        var unread = await db.Notifications.CountAsync(n => n.Person == me && n.ReadAt == null, ct);
        return Answers.Page<NotificationsPage>(new Model([.. found.Take(PageSize).Select(n => new Row(n, TextOf(n, t)))], unread, found.Count > PageSize ? CursorOf(found[PageSize - 1]) : null, cursor == ListCursor.Start));
    }

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
