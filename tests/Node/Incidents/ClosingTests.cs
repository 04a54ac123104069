using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Cases;

/// <summary>Whoever closes an incident, all its reporters hear of it.</summary>
public class ClosingTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_reporter_whose_report_the_closer_may_not_know_of_is_told_and_not_named(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var token = await node.WithTokenAsync("aozora");
        using var created = await token.PostAsJsonAsync("/api/v1/incidents", new { title = "closing", category = "fraud", type = "phishing", tlp = "AMBER" }, Ct);
        Assert.True(created.IsSuccessStatusCode, await created.Content.ReadAsStringAsync(Ct));
        var incident = IncidentId.Parse((await created.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString()!, null);
        var (open, red) = (await ReportAsync(node, "for everybody", null), await ReportAsync(node, "for triage alone", "RED"));
        await using (var db = node.Databases.ForSystem())
        {
            foreach (var report in new[] { open, red })
            {
                db.ReportLinks.Add(new ReportLink { Id = Guid.CreateVersion7(), Report = report, Incident = incident, LinkedAt = node.Clock.GetUtcNow() });
            }

            await db.SaveChangesAsync(Ct);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await token.GetAsync($"/api/v1/reports/{red}", Ct)).StatusCode);
        using var closed = await token.PostAsJsonAsync($"/api/v1/incidents/{incident}/close", new { state = "resolved", outcome = "taken down" }, Ct);
        Assert.True(closed.IsSuccessStatusCode, await closed.Content.ReadAsStringAsync(Ct));
        await using var after = node.Databases.ForSystem();
        Assert.Equal(new[] { open, red }.OrderBy(r => r.Value), (await after.ReportMessages.Where(m => !m.FromReporter).Select(m => m.Report).ToListAsync(Ct)).OrderBy(r => r.Value));
        var hidden = (await after.Reports.SingleAsync(r => r.Id == red, Ct)).Number;
        Assert.DoesNotContain(await after.Timeline.Where(t => t.Incident == incident).ToListAsync(Ct), t => (t.Text + t.TextArgs).Contains(hidden, StringComparison.Ordinal));
    }

    private static async Task<ReportId> ReportAsync(TestNode node, string summary, string? tlp)
    {
        using var client = node.Anonymous();
        using var answer = await client.PostAsJsonAsync("/api/v1/reports", new { team = "aozora", type = "request", summary, language = "en", tlp }, Ct);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Ct));
        await using var db = node.Databases.ForSystem();
        return (await db.Reports.SingleAsync(r => r.Summary == summary, Ct)).Id;
    }
}
