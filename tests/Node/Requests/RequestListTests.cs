using System.Net;
using System.Text.RegularExpressions;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Requests;

/// <summary>The list of requests: the number that leads to it is its own, and a request stands there as it does on its page and its incident's.</summary>
public class RequestListTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_rail_counts_what_the_list_has_and_late_is_said_beside_the_state_everywhere()
    {
        await using var node = await TestNode.StartAsync();
        var incident = TestRecords.Incident(node, Marking.Own((await node.TeamAsync("aozora")).Id));
        var late = TestRecords.Request(node, incident, "REQ-1", RequestState.Delivered);
        late.DueAt = node.Clock.GetUtcNow().AddHours(-3);
        await using (var db = node.Databases.ForSystem())
        {
            db.AddRange(incident, late, TestRecords.Request(node, incident, "REQ-2", RequestState.Draft), TestRecords.Request(node, incident, "REQ-3", RequestState.Closed), TestRecords.Request(node, incident, "REQ-4"));
            await db.SaveChangesAsync(Ct);
        }

        using var smith = await node.SignedInAsync("smith@aozora.example");
        var list = WebUtility.HtmlDecode(await smith.GetStringAsync("/requests", Ct));
        Assert.Equal(3, Regex.Count(list, "<tr data-row", RegexOptions.NonBacktracking));
        Assert.Equal("3", Regex.Match(list, "href=\"/requests\".*?rk-count\">([0-9]+)<", RegexOptions.Singleline, TimeSpan.FromSeconds(5)).Groups[1].Value);
        foreach (var path in new[] { "/requests", $"/requests/{late.Id}", $"/incidents/{incident.Id}" })
        {
            Assert.Matches(new Regex("rk-state-wait\">(?:\\s*<[^>]+>)*\\s*Delivered</span> <span class=\"rk-state rk-state-over\">(?:\\s*<[^>]+>)*\\s*Overdue</span>", RegexOptions.None, TimeSpan.FromSeconds(5)), await smith.GetStringAsync(path, Ct));
        }
    }
}
