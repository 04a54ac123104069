using System.Net;
using System.Text.Json;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Api;

/// <summary>A list is walked to its end while others write: what was there when the walk began is met once each, in order.</summary>
public class PagingTests
{
    private const int Many = 130;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static DateTimeOffset Noon { get; } = new(2026, 10, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Reports(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var token = await node.WithTokenAsync("aozora");
        var own = Marking.Own((await node.TeamAsync("aozora")).Id);
        // three of each time: pages end in the middle of them
        var fresh = await PutAsync(node, Enumerable.Range(0, Many).Select(i => ReportOf(own, ReportState.New, Noon.AddMinutes(i / 3))));
        var decided = await PutAsync(node, Enumerable.Range(0, Many).Select(i => ReportOf(own, ReportState.Rejected, Noon.AddMinutes(i / 3))));

        // by due time: one that is due earlier is passed already, one that is due later is still met
        var (early, late) = (ReportOf(own, ReportState.New, Noon.AddHours(-1)), ReportOf(own, ReportState.New, Noon.AddDays(1)));
        var seen = await WalkAsync(token, "/api/v1/reports?state=new&limit=50", page => page == 0 ? PutAsync(node, [early, late]) : Task.CompletedTask);
        Once(fresh.OrderBy(r => r.DueAt).ToList(), r => r.Id.ToString(), r => r.DueAt, seen);
        Assert.Equal((0, 1), (seen.Count(s => s == early.Id.ToString()), seen.Count(s => s == late.Id.ToString())));

        // newest first: what comes in while one reads moves nothing
        seen = await WalkAsync(token, "/api/v1/reports?state=rejected&limit=50", page => PutAsync(node, [ReportOf(own, ReportState.Rejected, Noon.AddDays(1 + page)), ReportOf(own, ReportState.Rejected, Noon.AddDays(-1 - page))]));
        Once(decided.OrderByDescending(r => r.ReceivedAt).ToList(), r => r.Id.ToString(), r => -Instant.ToMicros(r.ReceivedAt), seen);
        seen = await WalkAsync(token, "/api/v1/reports?state=all&limit=50", page => PutAsync(node, [ReportOf(own, ReportState.Rejected, Noon.AddDays(9 + page)), ReportOf(own, ReportState.New, Noon.AddDays(-9 - page))]));
        Assert.All(fresh.Concat(decided), r => Assert.Equal(1, seen.Count(s => s == r.Id.ToString())));
        // a filter that leaves out most rows of a page fills it from further on
        seen = await WalkAsync(token, "/api/v1/reports?state=new&type=information&limit=7", _ => Task.CompletedTask);
        Assert.Equal(fresh.Append(late).Append(early).Count(r => r.Type == ReportKind.Information), seen.Distinct(StringComparer.Ordinal).Count(s => fresh.Append(late).Append(early).Any(r => r.Id.ToString() == s)));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Incidents(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var token = await node.WithTokenAsync("aozora");
        var own = Marking.Own((await node.TeamAsync("aozora")).Id);
        var number = 0;
        Incident New(DateTimeOffset opened, IncidentState state = IncidentState.Open) => IncidentOf(own, ++number, opened, state);
        var open = await PutAsync(node, Enumerable.Range(0, Many).Select(i => New(Noon.AddMinutes(i / 3))));
        await using (var db = node.Databases.ForSystem())
        {
            // half of them are due, two at a time; the others have no time and come last
            foreach (var (incident, i) in open.Take(Many / 2).Select((x, i) => (x, i)))
            {
                var stored = db.Incidents.Single(x => x.Id == incident.Id);
                db.Requests.Add(RequestOf(stored, 1000 + i, RequestState.Draft, Noon.AddMinutes(i / 2)));
                await IncidentClock.RecomputeAsync(db, stored, Ct);
            }

            await db.SaveChangesAsync(Ct);
            open = [.. db.Incidents.Where(x => x.State == IncidentState.Open)];
        }

        var closed = await PutAsync(node, Enumerable.Range(0, Many).Select(i => New(Noon.AddMinutes(-i / 3), IncidentState.Resolved)));
        Task Between(int page) => PutAsync(node, [New(Noon.AddDays(1 + page)), New(Noon.AddDays(-1 - page)), New(Noon.AddDays(1 + page), IncidentState.Resolved)]);

        var seen = await WalkAsync(token, "/api/v1/incidents?limit=50", Between);
        Once(open.OrderBy(i => i.DueAt ?? DateTimeOffset.MaxValue).ToList(), i => i.Id.ToString(), i => i.DueAt ?? DateTimeOffset.MaxValue, seen);
        seen = await WalkAsync(token, "/api/v1/incidents?state=closed&limit=50", Between);
        Once(closed.OrderByDescending(i => i.ClosedAt).ToList(), i => i.Id.ToString(), i => -Instant.ToMicros(i.ClosedAt!.Value), seen);
        foreach (var (sort, key) in new (string, Func<Incident, (long, long)>)[]
        {
            ("opened", i => (0, Instant.ToMicros(i.OpenedAt))), ("-opened", i => (0, -Instant.ToMicros(i.OpenedAt))),
            ("severity", i => ((long)i.Severity, -Instant.ToMicros(i.OpenedAt))), ("-severity", i => (-(long)i.Severity, -Instant.ToMicros(i.OpenedAt))),
        })
        {
            seen = await WalkAsync(token, $"/api/v1/incidents?sort={sort}&limit=50", Between);
            Once(open.OrderBy(key).ToList(), i => i.Id.ToString(), key, seen);
        }

        // a cursor of one order is none of another
        foreach (var wrong in new[] { "sort=opened&after=5.00000000000000000000000000000001", "after=at.1.5.INC-1", "sort=severity&after=at.9.5.INC-1", "sort=severity&after=at.1.99999999999999999999.INC-1" })
        {
            using var answer = await token.GetAsync("/api/v1/incidents?" + wrong, Ct);
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{wrong}: {(int)answer.StatusCode}");
        }
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Requests(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var token = await node.WithTokenAsync("aozora");
        var incident = (await PutAsync(node, [IncidentOf(Marking.Own((await node.TeamAsync("aozora")).Id), 1, Noon, IncidentState.Open)]))[0];
        var number = 0;
        CoordinationRequest New(RequestState state, DateTimeOffset at) => RequestOf(incident, ++number, state, at);
        var open = await PutAsync(node, Enumerable.Range(0, Many).Select(i => New(i % 2 == 0 ? RequestState.Sent : RequestState.Draft, Noon.AddMinutes(i / 3))));
        var closed = await PutAsync(node, Enumerable.Range(0, Many).Select(i => New(RequestState.Closed, Noon.AddMinutes(i / 3))));

        var late = New(RequestState.Answered, Noon.AddDays(2));
        var seen = await WalkAsync(token, $"/api/v1/requests?incident={incident.Id}&limit=50", page => page == 0 ? PutAsync(node, [New(RequestState.Draft, Noon.AddDays(-1)), late]) : Task.CompletedTask);
        Once(open.OrderBy(r => r.DueAt).ToList(), r => r.Id.ToString(), r => r.DueAt, seen);
        Assert.Equal(1, seen.Count(s => s == late.Id.ToString()));
        seen = await WalkAsync(token, "/api/v1/requests?state=closed&limit=50", page => PutAsync(node, [New(RequestState.Closed, Noon.AddDays(1 + page))]));
        Once(closed.OrderByDescending(r => r.ClosedAt).ToList(), r => r.Id.ToString(), r => -Instant.ToMicros(r.ClosedAt!.Value), seen);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_timeline(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (own, other) = ((await node.TeamAsync("aozora")).Id, (await node.TeamAsync("minato")).Id);
        var incident = (await PutAsync(node, [IncidentOf(Marking.Own(own) with { Audience = new([Principal.Of(other)]) }, 1, Noon, IncidentState.Open)]))[0];
        var hidden = RequestOf(incident, 7, RequestState.Sent, Noon);
        hidden.Marking = Marking.Own(own);
        await PutAsync(node, [hidden]);
        TimelineEntry Line(DateTimeOffset at, EntryKind what = EntryKind.Event) =>
            new() { Id = Guid.NewGuid(), Incident = incident.Id, Team = own, What = what, At = at, Text = what == EntryKind.Request ? "" : "line", TextKey = what == EntryKind.Request ? "request.diary.sent" : null, TextArgs = """["REQ-7","Example Hosting"]""", Href = what == EntryKind.Request ? "/requests/" + hidden.Id : null };
        // every other line is one that the other team does not read; four lines in each moment
        var lines = await PutAsync(node, Enumerable.Range(0, Many * 2).Select(i => Line(Noon.AddMinutes(i / 4), (i % 4) switch { 1 => EntryKind.Request, 3 => EntryKind.Note, _ => EntryKind.Event })));
        Task Between(int page) => PutAsync(node, [Line(Noon.AddDays(1 + page)), Line(Noon.AddDays(-1 - page)), Line(Noon.AddDays(1 + page), EntryKind.Note)]);
        foreach (var (team, reads) in new (string, Func<TimelineEntry, bool>)[] { ("aozora", _ => true), ("minato", l => l.What == EntryKind.Event) })
        {
            using var token = await node.WithTokenAsync(team);
            var seen = await WalkAsync(token, $"/api/v1/incidents/{incident.Id}/timeline?limit=50", Between);
            Once(lines.Where(reads).OrderByDescending(l => l.At).ToList(), l => l.Id.ToString(), l => -Instant.ToMicros(l.At), seen);
            Assert.All(lines.Where(l => !reads(l)), l => Assert.DoesNotContain(l.Id.ToString(), seen));
        }
    }

    private static Report ReportOf(Marking marking, ReportState state, DateTimeOffset at) => new()
    {
        Id = new ReportId(Guid.NewGuid()),
        Marking = marking,
        Number = "R-" + Guid.NewGuid().ToString("N")[..12],
        Channel = Channel.Web,
        Type = at.Minute % 4 == 0 ? ReportKind.Information : ReportKind.Request,
        State = state,
        ReceivedAt = at,
        DueAt = at,
        Summary = "One of many",
        Language = "en",
        RawSha256 = new string('0', 64),
        StatusKeyHash = Guid.NewGuid().ToString("N"),
    };

    private static Incident IncidentOf(Marking marking, int number, DateTimeOffset at, IncidentState state) => new()
    {
        Id = new IncidentId(Guid.NewGuid()),
        Marking = marking,
        Number = $"INC-2026-{number:0000}",
        Title = "One of many",
        Category = "fraud",
        Type = "phishing",
        OpenedAt = at,
        Severity = (Severity)(number % 4),
        State = state,
        ClosedAt = state == IncidentState.Open ? null : at,
    };

    private static CoordinationRequest RequestOf(Incident incident, int number, RequestState state, DateTimeOffset at) => new()
    {
        Id = new RequestId(Guid.NewGuid()),
        Marking = incident.Marking,
        Number = $"REQ-{number}",
        Incident = incident.Id,
        RecipientName = "Example Hosting",
        RecipientMail = "abuse@hosting.example",
        Language = "en",
        Purpose = RequestPurpose.Takedown,
        Why = "[]",
        State = state,
        DueAt = at,
        SentAt = state is RequestState.Draft ? null : at.AddDays(-3),
        ClosedAt = state == RequestState.Closed ? at : null,
    };

    private static async Task<List<T>> PutAsync<T>(TestNode node, IEnumerable<T> rows) where T : class
    {
        await using var db = node.Databases.ForSystem();
        var all = rows.ToList();
        db.Set<T>().AddRange(all);
        await db.SaveChangesAsync(Ct);
        return all;
    }

    /// <summary>The ids of every page in turn; <paramref name="between"/> happens after each one.</summary>
    private static async Task<List<string>> WalkAsync(HttpClient token, string list, Func<int, Task> between)
    {
        var (seen, pages) = (new List<string>(), 0);
        for (string? after = ""; after is not null; pages++)
        {
            using var answer = await token.GetAsync(list + (after.Length == 0 ? "" : "&after=" + Uri.EscapeDataString(after)), Ct);
            var text = await answer.Content.ReadAsStringAsync(Ct);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{list}: {(int)answer.StatusCode} {text}");
            using var json = JsonDocument.Parse(text);
            seen.AddRange(json.RootElement.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()!));
            after = json.RootElement.GetProperty("next").GetString();
            await between(pages);
            Assert.True(pages < 60, list + " does not end");
        }

        Assert.True(pages > 2, $"{list}: {pages} pages");
        return seen;
    }

    /// <summary>Each of the rows that were there stands once, none stands twice, and their order is the list's.</summary>
    private static void Once<T, TKey>(List<T> expected, Func<T, string> id, Func<T, TKey> key, List<string> seen)
    {
        Assert.Equal(seen.Count, seen.Distinct(StringComparer.Ordinal).Count());
        var byId = expected.ToDictionary(id, StringComparer.Ordinal);
        var met = seen.Where(byId.ContainsKey).Select(s => byId[s]).ToList();
        Assert.Equal(expected.Count, met.Count);
        Assert.Equal(expected.Select(key), met.Select(key));
    }
}
