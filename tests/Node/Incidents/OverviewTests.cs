using System.Text.RegularExpressions;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Sharing;
using Renkei.Store;

namespace Renkei.Node.Tests.IncidentLists;

/// <summary>A number on the overview is the number of rows that the list behind it shows, to each viewer.</summary>
public class OverviewTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Each_number_leads_to_as_many_rows(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        await FillAsync(node);
        var numbers = new Dictionary<string, Dictionary<string, int>>();
        foreach (var email in new[] { "smith@aozora.example", "sato@aozora.example", "tanaka@aozora.example", "yamamoto@aozora.example", "minato@minato.example", "operator@aozora.example" })
        {
            using var client = await node.SignedInAsync(email);
            var counts = numbers[email] = PresenceTests.CountsOf(await client.GetStringAsync("/", Ct));
            Assert.NotEmpty(counts);
            foreach (var (href, count) in counts)
            {
                var rows = Regex.Count(await ViewerMatrix.WholeAsync(client, href), "<tr data-row");
                Assert.True(rows == count, $"{email} {href}: {count} on the overview, {rows} rows");
            }
        }

        // the numbers are not all the same number, some go over a page, and each viewer has their own
        var (smith, sato, minato) = (numbers["smith@aozora.example"], numbers["sato@aozora.example"], numbers["minato@minato.example"]);
        Assert.Equal(["/incidents?Owner=me", "/incidents?Waiting=nobody", "/incidents?Waiting=them", "/incidents?Waiting=us", "/requests?Due=overdue", "/requests?State=ours", "/triage"], sato.Keys.Order(StringComparer.Ordinal));
        Assert.True(sato["/triage"] > TriageQueue.PageSize * 2 && sato["/incidents?Waiting=us"] > ListIncidents.PageSize);
        Assert.All(sato.Keys.Where(k => k != "/incidents?Owner=me"), k => Assert.True(sato[k] > smith[k] && smith[k] > 0, k));
        Assert.True(smith["/incidents?Owner=me"] > 0 && sato["/incidents?Owner=me"] == 0);
        // shared reports are read in the list of reports; the queue is the team's own
        Assert.Equal(0, minato["/triage"]);
        Assert.True(minato["/incidents?Waiting=them"] > 0 && minato["/requests?Due=overdue"] > 0 && minato["/requests?Due=overdue"] < sato["/requests?Due=overdue"]);
        Assert.Equal(3, numbers["operator@aozora.example"]["/operations/outbox"]);
    }

    [Fact]
    public async Task What_is_due_next_names_the_reports_that_its_reader_has_to_decide_on()
    {
        await using var node = await TestNode.StartAsync();
        var (own, other) = ((await node.TeamAsync("aozora")).Id, (await node.TeamAsync("minato")).Id);
        await using (var db = node.Databases.ForSystem())
        {
            db.Reports.Add(TestRecords.Report(node, Marking.Own(own) with { Audience = new([Principal.Of(other)]) }, "R-1", "Report 1"));
            await db.SaveChangesAsync(Ct);
        }

        foreach (var (email, due) in new[] { ("smith@aozora.example", true), ("minato@minato.example", false) })
        {
            using var client = await node.SignedInAsync(email);
            var page = await client.GetStringAsync("/", Ct);
            var card = page[page.IndexOf("id=\"due\"", StringComparison.Ordinal)..page.IndexOf("id=\"months\"", StringComparison.Ordinal)];
            Assert.Equal(due, card.Contains("Report 1<", StringComparison.Ordinal));
            Assert.Contains("Report 1<", await client.GetStringAsync("/reports", Ct), StringComparison.Ordinal);
        }
    }

    /// <summary>Incidents of every turn, reports and requests of many states: own, shared with the other team, and hidden from one colleague.</summary>
    private static async Task FillAsync(TestNode node)
    {
        var (own, other) = ((await node.TeamAsync("aozora")).Id, (await node.TeamAsync("minato")).Id);
        var smith = (await node.ViewerOfAsync("smith@aozora.example")).Person!.Value;
        var now = node.Clock.GetUtcNow();
        await using var db = node.Databases.ForSystem();
        for (var i = 0; i < 240; i++)
        {
            var marking = (i % 3) switch
            {
                0 => Marking.Own(own),
                1 => Marking.Own(own) with { Audience = new([Principal.Of(other)]) },
                _ => Marking.Own(own) with { Audience = new([Principal.Of(other)]), Exclusions = new([Principal.Of(smith)]) },
            };
            var incident = TestRecords.Incident(node, marking, $"INC-2026-{i:0000}", $"Case {i}");
            (incident.State, incident.Owner) = (i % 7 == 0 ? IncidentState.Resolved : IncidentState.Open, i % 5 == 0 ? smith : null);
            db.Incidents.Add(incident);
            if (RequestOf(node, incident, i, now) is { } request)
            {
                db.Requests.Add(request);
            }

            var report = TestRecords.Report(node, marking, $"R-2026-11-{i:0000}", $"Report {i}", state: i % 6 == 0 ? ReportState.Rejected : ReportState.New);
            report.DueAt = now.AddHours(i);
            db.Reports.Add(report);
            await IncidentClock.RecomputeAsync(db, incident, Ct);
        }

        for (var i = 0; i < 3; i++)
        {
            db.Outbox.Add(new OutboxMessage { Id = Guid.CreateVersion7(), Type = "message.requested.v1", Key = $"stuck {i}", Payload = "{}", CreatedAt = now, DueAt = now, State = OutboxState.Stuck });
        }

        await db.SaveChangesAsync(Ct);
    }

    private static CoordinationRequest? RequestOf(TestNode node, Incident incident, int i, DateTimeOffset now)
    {
        RequestState? state = (i % 8) switch { 0 => RequestState.Sent, 1 => RequestState.Draft, 2 => RequestState.Answered, 3 => RequestState.Delivered, 4 => RequestState.Bounced, 5 => RequestState.Acknowledged, 6 => RequestState.Closed, _ => null };
        if (state is not { } stands)
        {
            return null;
        }

        var request = TestRecords.Request(node, incident, $"REQ-{i}", stands);
        // some are known less widely than their incident
        request.Marking = i % 11 == 0 ? Marking.Own(incident.Marking.Origin) : incident.Marking;
        (request.SentAt, request.DueAt) = (now.AddDays(-2), now.AddHours(i % 2 == 0 ? -5 : i % 3 == 0 ? -1 : 5));
        (request.AnsweredAt, request.ClosedAt) = (stands == RequestState.Answered ? now.AddHours(-1) : null, stands == RequestState.Closed ? now : null);
        return request;
    }
}
