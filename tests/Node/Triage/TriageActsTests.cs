using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>Triage loses nothing: splitting, un-merging and taking back end links, they delete none.</summary>
public class TriageActsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Un_merging_ends_the_link_and_keeps_report_incident_and_targets(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var first = await ReportAsync(node, "first", "hxxps://one[.]example/a");
        var second = await ReportAsync(node, "second", "hxxps://two[.]example/b");
        using var merged = await PostAsync(smith, "/triage/accept", ("pick", first), ("pick", second), ("into", "new"), ("title", "Merged"), ("class", "fraud/phishing"));
        Assert.Equal(HttpStatusCode.SeeOther, merged.StatusCode);
        await using var db = node.Databases.ForSystem();
        var incident = await db.Incidents.AsNoTracking().SingleAsync(Ct);
        Assert.Equal(2, await db.ReportLinks.CountAsync(l => l.Incident == incident.Id && l.EndedAt == null, Ct));
        var targets = await db.IncidentTargets.CountAsync(Ct);
        using var unlinked = await PostAsync(smith, $"/incidents/{incident.Id}/reports/{second}/unlink");
        Assert.Equal(HttpStatusCode.SeeOther, unlinked.StatusCode);
        var link = await db.ReportLinks.AsNoTracking().SingleAsync(l => l.Report == ReportId.Parse(second, null), Ct);
        Assert.NotNull(link.EndedAt);
        Assert.Equal(1, await db.ReportLinks.CountAsync(l => l.Incident == incident.Id && l.EndedAt == null, Ct));
        Assert.Equal((1, 2, targets), (await db.Incidents.CountAsync(Ct), await db.Reports.CountAsync(Ct), await db.IncidentTargets.CountAsync(Ct)));
        // the report waits in the queue again
        Assert.Equal(ReportState.New, (await StateAsync(node, second)).State);
        // a second time changes nothing
        using var twice = await PostAsync(smith, $"/incidents/{incident.Id}/reports/{second}/unlink");
        Assert.Equal(link.EndedAt, (await db.ReportLinks.AsNoTracking().SingleAsync(l => l.Report == ReportId.Parse(second, null), Ct)).EndedAt);
        // and it can be put back: the gap stays in the history
        using var back = await PostAsync(smith, "/triage/accept", ("pick", second), ("into", "existing"), ("incident", incident.Number));
        Assert.Equal(2, await db.ReportLinks.CountAsync(l => l.Report == ReportId.Parse(second, null), Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_report_of_two_things_is_split_over_two_incidents_and_taken_back_whole(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var report = await ReportAsync(node, "two things", "hxxps://one[.]example/a and also 203.0.113.77");
        await using var db = node.Databases.ForSystem();
        var id = ReportId.Parse(report, null);
        var observables = await db.ReportObservables.AsNoTracking().Where(o => o.Report == id).ToListAsync(Ct);
        var address = observables.Single(o => o.Value == "203.0.113.77");
        var fields = observables.Select(o => ("part." + o.Id.ToString("N"), o.Id == address.Id ? "B" : "A"))
            .Concat([("pick", report), ("title.A", "The page"), ("class.A", "fraud/phishing"), ("title.B", "The address"), ("class.B", "intrusion-attempts/ids-alert")]).ToArray();
        using var split = await PostAsync(smith, "/triage/split", fields);
        Assert.True(split.StatusCode == HttpStatusCode.SeeOther, await split.Content.ReadAsStringAsync(Ct));
        var incidents = await db.Incidents.AsNoTracking().OrderBy(i => i.Number).ToListAsync(Ct);
        Assert.Equal(["The address", "The page"], incidents.Select(i => i.Title).Order(StringComparer.Ordinal));
        Assert.Equal(2, await db.ReportLinks.CountAsync(l => l.Report == id && l.EndedAt == null, Ct));
        var lone = await db.IncidentTargets.AsNoTracking().SingleAsync(t => t.Value == "203.0.113.77", Ct);
        Assert.Equal("The address", incidents.Single(i => i.Id == lone.Incident).Title);
        Assert.Equal(ReportState.Accepted, (await StateAsync(node, report)).State);
        using var undone = await PostAsync(smith, "/triage/undo");
        Assert.Equal(HttpStatusCode.SeeOther, undone.StatusCode);
        Assert.Equal(ReportState.New, (await StateAsync(node, report)).State);
        Assert.Equal(0, await db.ReportLinks.CountAsync(l => l.EndedAt == null, Ct));
        // nothing is gone: links, incidents and targets are ended, not deleted
        Assert.Equal((2, 2), (await db.ReportLinks.CountAsync(Ct), await db.Incidents.CountAsync(i => i.State == IncidentState.Abandoned, Ct)));
        Assert.False(await db.IncidentTargets.AnyAsync(t => t.RemovedAt == null, Ct));
        Assert.True(await db.IncidentTargets.AnyAsync(Ct));
    }

    [Fact]
    public async Task What_someone_built_on_is_not_taken_back()
    {
        await using var node = await TestNode.StartAsync();
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var sato = await node.SignedInAsync("sato@aozora.example");
        var report = await ReportAsync(node, "rejected, then taken up", "203.0.113.5");
        using var rejected = await PostAsync(smith, "/triage/reject", ("pick", report), ("reason", "Not in our scope."));
        Assert.Equal(ReportState.Rejected, (await StateAsync(node, report)).State);
        using var reopened = await PostAsync(sato, $"/reports/{report}/reopen");
        using var accepted = await PostAsync(sato, "/triage/accept", ("pick", report), ("into", "new"), ("title", "Taken up"), ("class", "fraud/phishing"));
        Assert.Equal(ReportState.Accepted, (await StateAsync(node, report)).State);
        using var undone = await PostAsync(smith, "/triage/undo");
        Assert.Equal(ReportState.Accepted, (await StateAsync(node, report)).State);
    }

    [Fact]
    public async Task Each_takes_back_only_their_own_acts()
    {
        await using var node = await TestNode.StartAsync();
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var sato = await node.SignedInAsync("sato@aozora.example");
        var report = await ReportAsync(node, "smith's", "203.0.113.5");
        using var rejected = await PostAsync(smith, "/triage/reject", ("pick", report), ("reason", "Not in our scope."));
        using var undone = await PostAsync(sato, "/triage/undo");
        Assert.Equal(ReportState.Rejected, (await StateAsync(node, report)).State);
    }

    [Theory]
    [InlineData("auditor@aozora.example")]
    [InlineData("constituent@aozora.example")]
    [InlineData("minato@minato.example")]
    public async Task Others_decide_nothing(string email)
    {
        await using var node = await TestNode.StartAsync();
        var report = await ReportAsync(node, "ours", "203.0.113.5");
        using var other = await node.SignedInAsync(email);
        using var rejected = await PostAsync(other, "/triage/reject", ("pick", report), ("reason", "Away with it."));
        using var accepted = await PostAsync(other, "/triage/accept", ("pick", report), ("into", "new"), ("title", "Mine now"), ("class", "fraud/phishing"));
        Assert.Equal(ReportState.New, (await StateAsync(node, report)).State);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(0, await db.Incidents.CountAsync(Ct));
    }

    private static async Task<Report> StateAsync(TestNode node, string report)
    {
        await using var db = node.Databases.ForSystem();
        return await db.Reports.AsNoTracking().SingleAsync(r => r.Id == ReportId.Parse(report, null), Ct);
    }

    private static async Task<string> ReportAsync(TestNode node, string summary, string description)
    {
        using var client = node.Anonymous();
        using var answer = await client.PostAsJsonAsync("/api/v1/reports", new { team = "aozora", type = "request", summary, description, language = "en" }, Ct);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString()!;
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, params (string Name, string Value)[] fields)
    {
        var html = await client.GetStringAsync("/me", Ct);
        var token = System.Text.RegularExpressions.Regex.Match(html, "name=\"csrf\" value=\"([^\"]+)\"", System.Text.RegularExpressions.RegexOptions.NonBacktracking).Groups[1].Value;
        using var content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)).Append(new("csrf", token)));
        return await client.PostAsync(path, content, Ct);
    }
}
