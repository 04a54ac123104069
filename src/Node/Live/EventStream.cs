using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Live;

/// <summary>How many streams each person has open.</summary>
public sealed class Streams
{
    public const int MostPerPerson = 6;

    private readonly ConcurrentDictionary<Guid, int> _open = new();

    /// <summary>Takes a place, or null when all are taken. Disposing it gives it back.</summary>
    public IDisposable? Open(Guid person)
    {
        if (_open.AddOrUpdate(person, 1, (_, n) => n + 1) <= MostPerPerson)
        {
            return new Place(this, person);
        }

        Close(person);
        return null;
    }

    private void Close(Guid person)
    {
        while (_open.TryGetValue(person, out var n))
        {
            if (n <= 1 ? _open.TryRemove(new(person, n)) : _open.TryUpdate(person, n - 1, n))
            {
                return;
            }
        }
    }

    private sealed class Place(Streams streams, Guid person) : IDisposable
    {
        public void Dispose() => streams.Close(person);
    }
}

/// <summary>
/// GET /events (text/event-stream, WHATWG HTML §9.2): <c>unread</c> with a number on connect and when it changes, <c>changed</c> with a kind
/// of record once for each change that the viewer may know of, and a comment every 20 s. It carries no content and no ids; it ends with the session.
/// </summary>
public static class EventStream
{
    private const int Waiting = 512;
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(500);
    private static readonly HashSet<string> Topics = new(StringComparer.Ordinal) { "report", "incident", "request" };

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/events", RunAsync).SignedIn().ExcludeFromDescription();

    private static async Task<IResult> RunAsync(HttpContext http, CurrentViewer who, NodeDbFactory databases, NodeContext node, Streams streams, TimeProvider clock, IHostApplicationLifetime host)
    {
        var person = who.Viewer.Person!.Value;
        using var place = streams.Open(person.Value);
        if (place is null)
        {
            return TypedResults.StatusCode(StatusCodes.Status429TooManyRequests);
        }

        http.Response.ContentType = "text/event-stream; charset=utf-8";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, host.ApplicationStopping);
        // what nobody has read yet may be dropped: the next one says the same, "something changed"
        var changes = Channel.CreateBounded<RecordRef?>(new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        using var subscription = node.Signals.Subscribe((records, _) =>
        {
            foreach (var record in records.Where(r => Topics.Contains(r.Kind)))
            {
                changes.Writer.TryWrite(record);
            }

            // a commit may also have brought a notification
            changes.Writer.TryWrite(null);
        });
        try
        {
            await LoopAsync(http.Response, person, who.SessionId, databases, changes.Reader, clock, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // the browser went, or the node stops
        }

        return Results.Empty;
    }

    private static async Task LoopAsync(HttpResponse response, PersonId person, string? session, NodeDbFactory databases, ChannelReader<RecordRef?> changes, TimeProvider clock, CancellationToken ct)
    {
        var unread = -1;
        var checkedAt = clock.GetUtcNow();
        Viewer? viewer = null;
        await response.WriteAsync("retry: 5000\n\n", ct);
        while (true)
        {
            await using (var system = databases.ForSystem("live"))
            {
                var now = clock.GetUtcNow();
                if (viewer is null || now - checkedAt >= Beat)
                {
                    checkedAt = now;
                    if (session is null || !await system.Sessions.AnyAsync(s => s.Id == session && s.EndedAt == null && s.Until > now, ct))
                    {
                        return;
                    }

                    viewer = await ViewerResolver.ForPersonAsync(system, person, ct);
                }
            }

            var gathered = new List<RecordRef>();
            while (changes.TryRead(out var change))
            {
                if (change is { } record)
                {
                    gathered.Add(record);
                }
            }

            await using (var db = databases.For(viewer))
            {
                var text = new StringBuilder();
                // one for each of these records that the viewer may know of at this moment
                foreach (var kind in (await db.KnownAsync([.. gathered.Select(r => r.Id)], ct)).Values)
                {
                    text.Append("event: changed\ndata: ").Append(kind).Append("\n\n");
                }

                var count = await Notifications.UnreadAsync(db, person, ct);
                if (count != unread)
                {
                    unread = count;
                    text.Append("event: unread\ndata: ").Append(count.ToString(CultureInfo.InvariantCulture)).Append("\n\n");
                }

                await response.WriteAsync(text.Length > 0 ? text.ToString() : ": still here\n\n", ct);
                await response.Body.FlushAsync(ct);
            }

            await WaitAsync(changes, clock, ct);
            // several commits in a row become one look at the database
            await Task.Delay(Gather, clock, ct);
        }
    }

    private static async Task WaitAsync(ChannelReader<RecordRef?> changes, TimeProvider clock, CancellationToken ct)
    {
        using var beat = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var timer = Task.Delay(Beat, clock, beat.Token);
        await Task.WhenAny(changes.WaitToReadAsync(beat.Token).AsTask(), timer);
        await beat.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }
}
