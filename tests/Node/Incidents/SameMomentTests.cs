using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Cases;

/// <summary>Two acts on one incident in the same moment: the second waits for the first and counts what it saved.</summary>
public class SameMomentTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Whose_turn_it_is_counts_both_of_two_acts(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, requests) = await AnsweredAsync(node, 2);
        using var token = await node.WithTokenAsync("aozora");
        // that a token was used is written down at its first call, which would wait outside
        using var first = await token.GetAsync("/api/v1/incidents", Ct);
        Task<HttpResponseMessage>? second = null;
        await using (var db = node.Databases.ForSystem())
        {
            await db.InTransactionAsync(async () =>
            {
                var held = await db.Incidents.SingleAsync(i => i.Id == incident, Ct);
                (await db.Requests.SingleAsync(r => r.Id == requests[0], Ct)).State = RequestState.Closed;
                await IncidentClock.SaveAsync(db, held, Ct);
                Assert.Equal(Waiting.Us, (await db.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident, Ct)).Waiting);
                second = Task.Run(() => token.PostAsJsonAsync($"/api/v1/requests/{requests[1]}/close", new { outcome = "done" }, Ct), Ct);
                await Task.Delay(1000, Ct);
                Assert.False(second.IsCompleted);
                return 0;
            }, Ct);
        }

        using var closed = await second!;
        Assert.True(closed.StatusCode == HttpStatusCode.OK, await closed.Content.ReadAsStringAsync(Ct));
        await using var after = node.Databases.ForSystem();
        var stored = await after.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident, Ct);
        Assert.Equal((Waiting.Nobody, null), (stored.Waiting, stored.DueAt));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task An_incident_is_not_closed_over_a_request_that_is_drafted_in_that_moment(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, _) = await AnsweredAsync(node, 0);
        using var token = await node.WithTokenAsync("aozora");
        using var first = await token.GetAsync("/api/v1/incidents", Ct);
        Task<HttpResponseMessage>? closing = null;
        await using (var db = node.Databases.ForSystem())
        {
            await db.InTransactionAsync(async () =>
            {
                var held = await MarkIncident.HoldAsync(db, incident, Ct);
                db.Requests.Add(TestRecords.Request(node, held!, state: RequestState.Draft));
                await db.SaveChangesAsync(Ct);
                closing = Task.Run(() => token.PostAsJsonAsync($"/api/v1/incidents/{incident}/close", new { outcome = "over" }, Ct), Ct);
                await Task.Delay(1000, Ct);
                Assert.False(closing.IsCompleted);
                return 0;
            }, Ct);
        }

        using var refused = await closing!;
        Assert.True(refused.StatusCode == HttpStatusCode.Conflict, await refused.Content.ReadAsStringAsync(Ct));
        await using var after = node.Databases.ForSystem();
        Assert.Equal(IncidentState.Open, (await after.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident, Ct)).State);
    }

    /// <summary>An open incident with that many answered requests.</summary>
    private static async Task<(IncidentId Incident, RequestId[] Requests)> AnsweredAsync(TestNode node, int count)
    {
        var marking = Marking.Own((await node.TeamAsync("aozora")).Id);
        await using var db = node.Databases.ForSystem();
        var incident = TestRecords.Incident(node, marking);
        db.Incidents.Add(incident);
        var requests = Enumerable.Range(0, count).Select(i => TestRecords.Request(node, incident, $"REQ-{i}", RequestState.Answered)).ToArray();
        foreach (var request in requests)
        {
            (request.Answer, request.AnsweredAt) = (RequestAnswer.Done, node.Clock.GetUtcNow());
        }

        db.Requests.AddRange(requests);
        await IncidentClock.RecomputeAsync(db, incident, Ct);
        await db.SaveChangesAsync(Ct);
        return (incident.Id, [.. requests.Select(r => r.Id)]);
    }
}
