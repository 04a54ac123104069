using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Sharing;

/// <summary>Who may no longer know of an incident knows nothing of what was asked about it either.</summary>
public class NarrowingTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Taking_a_team_out_of_an_incident_takes_its_requests_from_them_too(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, requests) = await SharedAsync(node);
        using var minato = await node.SignedInAsync("minato@minato.example");
        foreach (var request in requests)
        {
            Assert.Equal(HttpStatusCode.OK, (await minato.GetAsync($"/requests/{request}", Ct)).StatusCode);
        }

        using var sato = await node.SignedInAsync("smith@aozora.example");
        await EditAsync(sato, incident, audience: null);
        foreach (var request in requests)
        {
            Assert.Equal(HttpStatusCode.NotFound, (await minato.GetAsync($"/requests/{request}", Ct)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await sato.GetAsync($"/requests/{request}", Ct)).StatusCode);
        }

        foreach (var list in new[] { "/requests", "/requests.csv", "/search?q=tsubakuro", "/" })
        {
            // the search page says again what was asked for
            Assert.DoesNotContain("REQ-", await minato.GetStringAsync(list, Ct), StringComparison.Ordinal);
        }

        // the search text is there once, and found by those who still may
        Assert.Contains("REQ-two", await sato.GetStringAsync("/search?q=tsubakuro", Ct), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_request_that_the_editor_may_not_know_of_follows_as_well(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, requests) = await SharedAsync(node);
        var editor = Principal.Of((await node.ViewerOfAsync("smith@aozora.example")).Person!.Value);
        await using (var db = node.Databases.ForSystem())
        {
            var hidden = await db.Requests.SingleAsync(r => r.Id == requests[0], Ct);
            hidden.Marking = hidden.Marking with { Exclusions = new([editor]) };
            await db.SaveChangesAsync(Ct);
        }

        using var smith = await node.SignedInAsync("smith@aozora.example");
        Assert.Equal(HttpStatusCode.NotFound, (await smith.GetAsync($"/requests/{requests[0]}", Ct)).StatusCode);
        await EditAsync(smith, incident, audience: null);
        Assert.Empty(await KnownAsync(node, "minato@minato.example"));
        // and it is not shown to the editor by that
        Assert.Equal(HttpStatusCode.NotFound, (await smith.GetAsync($"/requests/{requests[0]}", Ct)).StatusCode);
        Assert.DoesNotContain("tsubakuro one", await smith.GetStringAsync("/search?q=tsubakuro", Ct), StringComparison.OrdinalIgnoreCase);
        using var tanaka = await node.SignedInAsync("tanaka@aozora.example");
        Assert.Equal(HttpStatusCode.OK, (await tanaka.GetAsync($"/requests/{requests[0]}", Ct)).StatusCode);
    }

    [Fact]
    public async Task Sharing_an_incident_wider_does_not_share_what_was_asked_before()
    {
        await using var node = await TestNode.StartAsync();
        var (incident, requests) = await SharedAsync(node, shared: false);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        await EditAsync(smith, incident, audience: Principal.Of((await node.TeamAsync("minato")).Id).Code);
        using var minato = await node.SignedInAsync("minato@minato.example");
        Assert.Equal(HttpStatusCode.OK, (await minato.GetAsync($"/incidents/{incident}", Ct)).StatusCode);
        foreach (var request in requests)
        {
            Assert.Equal(HttpStatusCode.NotFound, (await minato.GetAsync($"/requests/{request}", Ct)).StatusCode);
        }
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_report_that_makes_an_incident_stricter_makes_its_requests_stricter(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, requests) = await SharedAsync(node);
        using var machine = await node.WithTokenAsync("aozora");
        using var reported = await machine.PostAsJsonAsync("/api/v1/reports", new { type = "request", summary = "Phishing", description = "hxxps://phish[.]example/x", language = "en", tlp = "TLP:AMBER+STRICT", reporter = new { name = "A", email = "a@reporter.example" } }, Ct);
        var report = (await reported.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString();
        using var accepted = await machine.PostAsJsonAsync($"/api/v1/reports/{report}/accept", new { incidentId = incident.ToString() }, Ct);
        Assert.True(accepted.StatusCode == HttpStatusCode.OK, await accepted.Content.ReadAsStringAsync(Ct));
        using var minato = await node.SignedInAsync("minato@minato.example");
        Assert.Equal(HttpStatusCode.NotFound, (await minato.GetAsync($"/incidents/{incident}", Ct)).StatusCode);
        Assert.Empty(await KnownAsync(node, "minato@minato.example"));
        Assert.Equal(requests.OrderBy(r => r.Value), await KnownAsync(node, "sato@aozora.example"));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_line_about_what_a_reader_may_not_know_of_stands_nowhere(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, requests) = await SharedAsync(node);
        var now = node.Clock.GetUtcNow();
        await using (var db = node.Databases.ForSystem())
        {
            var shared = await db.Incidents.SingleAsync(i => i.Id == incident, Ct);
            var own = await db.Requests.SingleAsync(r => r.Id == requests[0], Ct);
            own.Marking = Marking.Own(shared.Marking.Origin);
            var report = new Report
            {
                Id = ReportId.New(node.Clock),
                Marking = Marking.Own(shared.Marking.Origin),
                Number = "R-HIDDEN-7",
                Channel = Channel.Web,
                Type = ReportKind.Request,
                ReceivedAt = now,
                DueAt = now.AddHours(4),
                Summary = "hidden",
                Language = "ja",
                RawSha256 = new string('0', 64),
                StatusKeyHash = Guid.NewGuid().ToString("N"),
            };
            db.Reports.Add(report);
            await db.SaveChangesAsync(Ct);
            Diary.Say(db, shared, EntryKind.Request, now, "request.diary.sent", ["REQ-HIDDEN-7", "Canary Hosting"], "/requests/" + requests[0]);
            Diary.Say(db, shared, EntryKind.Request, now, "request.diary.sent", ["REQ-SHOWN-8", "Known Hosting"], "/requests/" + requests[1]);
            Diary.Say(db, shared, EntryKind.State, now, "triage.diary.opened", ["R-HIDDEN-7"], "/reports/" + report.Id);
            Diary.Say(db, shared, EntryKind.State, now, "triage.diary.marking", ["TLP:AMBER", "PAP:AMBER", "R-HIDDEN-7"], "/reports/" + report.Id);
            Diary.Say(db, shared, EntryKind.Message, now, "diary.reporters_told", ["R-HIDDEN-7"]);
            await db.SaveChangesAsync(Ct);
        }

        using var minato = await node.SignedInAsync("minato@minato.example");
        using var machine = await node.WithTokenAsync("minato");
        foreach (var (client, page) in new[] { (minato, "/"), (minato, $"/incidents/{incident}"), (machine, $"/api/v1/incidents/{incident}") })
        {
            var body = await client.GetStringAsync(page, Ct);
            Assert.DoesNotContain("HIDDEN-7", body, StringComparison.Ordinal);
            Assert.DoesNotContain("Canary Hosting", body, StringComparison.Ordinal);
            Assert.Contains("Known Hosting", body, StringComparison.Ordinal);
        }

        using var smith = await node.SignedInAsync("smith@aozora.example");
        foreach (var page in new[] { "/", $"/incidents/{incident}" })
        {
            var body = await smith.GetStringAsync(page, Ct);
            Assert.Contains("R-HIDDEN-7", body, StringComparison.Ordinal);
            Assert.Contains("Canary Hosting", body, StringComparison.Ordinal);
        }
    }

    /// <summary>An AMBER incident of Aozora, shared with Minato, with a draft and a request that has left.</summary>
    private static async Task<(IncidentId Incident, RequestId[] Requests)> SharedAsync(TestNode node, bool shared = true)
    {
        var (own, other) = ((await node.TeamAsync("aozora")).Id, (await node.TeamAsync("minato")).Id);
        var now = node.Clock.GetUtcNow();
        var marking = Marking.Own(own) with { Audience = shared ? new([Principal.Of(other)]) : PrincipalSet.Empty };
        await using var db = node.Databases.ForSystem();
        var incident = new Incident { Id = IncidentId.New(node.Clock), Marking = marking, Number = "INC-1", Title = "Shared", Category = "fraud", Type = "phishing", OpenedAt = now };
        db.Incidents.Add(incident);
        var requests = new[] { ("one", RequestState.Draft), ("two", RequestState.Sent) }.Select(r => new CoordinationRequest
        {
            Id = RequestId.New(node.Clock),
            Marking = marking,
            Number = "REQ-" + r.Item1,
            Incident = incident.Id,
            RecipientName = "Tsubakuro " + r.Item1,
            RecipientMail = "abuse@isp.example",
            Language = "en",
            Purpose = RequestPurpose.Takedown,
            Why = "[\"request.why.by_hand\",\"known\"]",
            State = r.Item2,
            SentAt = r.Item2 == RequestState.Sent ? now : null,
            DueAt = now.AddHours(24),
            Subject = "tsubakuro " + r.Item1,
            Body = "tsubakuro",
        }).ToArray();
        db.Requests.AddRange(requests);
        await db.SaveChangesAsync(Ct);
        return (incident.Id, [.. requests.Select(r => r.Id)]);
    }

    /// <summary>The requests that the read rule lets someone know of, whatever a page would make of it.</summary>
    private static async Task<RequestId[]> KnownAsync(TestNode node, string email)
    {
        await using var db = node.Databases.For(await node.ViewerOfAsync(email));
        return [.. (await db.Requests.Select(r => r.Id).ToListAsync(Ct)).OrderBy(r => r.Value)];
    }

    private static async Task EditAsync(HttpClient client, IncidentId incident, string? audience)
    {
        var html = await client.GetStringAsync($"/incidents/{incident}/edit", Ct);
        string Hidden(string name) => Regex.Match(html, $"name=\"{name}\" value=\"([^\"]*)\"", RegexOptions.NonBacktracking).Groups[1].Value;
        var fields = new Dictionary<string, string> { ["version"] = Hidden("version"), ["base"] = Hidden("base"), ["title"] = "Shared", ["rsit"] = "fraud/phishing", ["severity"] = "medium", ["tlp"] = "AMBER", ["pap"] = "AMBER" };
        if (audience is not null)
        {
            fields["audience"] = audience;
        }

        using var saved = await TestNode.PostFormAsync(client, $"/incidents/{incident}/edit", $"/incidents/{incident}/edit", fields);
        Assert.True(saved.StatusCode == HttpStatusCode.SeeOther, WebUtility.HtmlDecode(await saved.Content.ReadAsStringAsync(Ct)));
    }
}
