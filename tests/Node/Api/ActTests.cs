using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Api;

/// <summary>The acts that the walk of the guide does not take, done by a script to their end.</summary>
public class ActTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_report_is_split_over_an_incident_that_is_there_and_a_new_one(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        var (report, _) = await desk.ReportAsync("Two things", "A page at hxxps://two[.]example/b and a server at 198.51.100.8.");
        var read = await desk.GetAsync($"/api/v1/reports/{report}");
        string Id(string value) => read.GetProperty("observables").EnumerateArray().Single(o => o.GetProperty("value").GetString() == value).GetProperty("id").GetString()!;
        var before = Values(await desk.GetAsync($"/api/v1/incidents/{desk.Incident}/targets"));
        var number = (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}")).GetProperty("number").GetString();
        var split = await desk.PostAsync($"/api/v1/reports/{report}/split", new
        {
            parts = new object[]
            {
                new { incident = number, observables = new[] { new { id = Id("https://two.example/b") } } },
                new { title = "A command server", category = "malicious-code", type = "c2-server", observables = new[] { new { id = Id("198.51.100.8"), role = "c2" } } },
            },
        });
        var went = split.GetProperty("incidents").EnumerateArray().Select(i => i.GetProperty("incidentId").GetString()!).ToList();
        Assert.Equal((2, desk.Incident), (went.Count, went[0]));
        Assert.Equal(before.Append("https://two.example/b").Order(StringComparer.Ordinal), Values(await desk.GetAsync($"/api/v1/incidents/{went[0]}/targets")).Order(StringComparer.Ordinal));
        var opened = await desk.GetAsync($"/api/v1/incidents/{went[1]}");
        Assert.Equal(("A command server", "malicious-code", "c2-server"), (opened.GetProperty("title").GetString(), opened.GetProperty("category").GetString(), opened.GetProperty("type").GetString()));
        var target = Assert.Single(opened.GetProperty("targets").EnumerateArray());
        Assert.Equal(("198.51.100.8", "c2"), (target.GetProperty("value").GetString(), target.GetProperty("role").GetString()));
        read = await desk.GetAsync($"/api/v1/reports/{report}");
        Assert.Equal("accepted", read.GetProperty("state").GetString());
        Assert.Equal(went.Order(StringComparer.Ordinal), read.GetProperty("incidents").EnumerateArray().Where(l => !l.TryGetProperty("endedAt", out _)).Select(l => l.GetProperty("id").GetString()!).Order(StringComparer.Ordinal));
        foreach (var incident in went)
        {
            Assert.Contains(report, (await desk.GetAsync($"/api/v1/incidents/{incident}")).GetProperty("reports").ToString(), StringComparison.Ordinal);
        }

        // it is decided on: splitting again is not possible, and leaves no half of it behind
        var incidents = await desk.AskAsync(db => db.Incidents.CountAsync(Ct));
        await desk.PostAsync($"/api/v1/reports/{report}/split", new { parts = new object[] { new { title = "One", category = "fraud", type = "phishing" }, new { title = "Two", category = "fraud", type = "phishing" } } }, HttpStatusCode.Conflict);
        Assert.Equal(incidents, await desk.AskAsync(db => db.Incidents.CountAsync(Ct)));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_duplicate_points_to_the_first_and_can_be_opened_again(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        var (second, _) = await desk.ReportAsync("The same", "hxxps://one[.]example/a");
        var (third, _) = await desk.ReportAsync("The same again", "hxxps://one[.]example/a");
        var first = (await desk.GetAsync($"/api/v1/reports/{desk.Report}")).GetProperty("trackingNumber").GetString();
        var marked = await desk.PostAsync($"/api/v1/reports/{second}/duplicate", new { of = first });
        Assert.Equal(("duplicate", desk.Report), (marked.GetProperty("state").GetString(), marked.GetProperty("duplicateOf").GetString()));
        // of a duplicate: of what that one is the same as
        marked = await desk.PostAsync($"/api/v1/reports/{third}/duplicate", new { of = second });
        Assert.Equal(desk.Report, marked.GetProperty("duplicateOf").GetString());
        // never in a circle, not even of one
        var (one, _) = await desk.ReportAsync("One", "203.0.113.7");
        var (two, _) = await desk.ReportAsync("Two", "203.0.113.7");
        await desk.PostAsync($"/api/v1/reports/{one}/duplicate", new { of = one }, HttpStatusCode.Conflict);
        await desk.PostAsync($"/api/v1/reports/{one}/duplicate", new { of = two });
        await desk.PostAsync($"/api/v1/reports/{two}/duplicate", new { of = one }, HttpStatusCode.Conflict);
        Assert.Equal((ReportState.New, (ReportId?)null), ((await desk.StoredAsync(two)).State, (await desk.StoredAsync(two)).DuplicateOf));
        // the first stands as it was
        Assert.Equal(ReportState.Accepted, (await desk.StoredAsync(desk.Report)).State);

        var again = await desk.PostAsync($"/api/v1/reports/{second}/reopen", null);
        Assert.Equal("new", again.GetProperty("state").GetString());
        Assert.False(again.TryGetProperty("duplicateOf", out _));
        Assert.Contains(second, (await desk.GetAsync("/api/v1/reports?state=new")).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_report_is_given_to_somebody_who_does_triage_and_taken_back(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        var (report, _) = await desk.ReportAsync("Whose", "203.0.113.7");
        var sato = (await desk.Node.ViewerOfAsync("sato@aozora.example")).Person!.Value.ToString();
        var given = await desk.PostAsync($"/api/v1/reports/{report}/assign", new { person = sato });
        Assert.Equal(sato, given.GetProperty("assignee").GetString());
        foreach (var nobody in new[] { "yamamoto@aozora.example", "minato@minato.example" })
        {
            var wrong = await desk.PostAsync($"/api/v1/reports/{report}/assign", new { person = (await desk.Node.ViewerOfAsync(nobody)).Person!.Value.ToString() }, HttpStatusCode.BadRequest);
            Assert.True(wrong.GetProperty("errors").TryGetProperty("person", out _));
        }

        Assert.Equal(sato, (await desk.GetAsync($"/api/v1/reports/{report}")).GetProperty("assignee").GetString());
        var taken = await desk.PostAsync($"/api/v1/reports/{report}/assign", new { person = (string?)null });
        Assert.False(taken.TryGetProperty("assignee", out _));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_rejected_report_and_a_closed_incident_are_opened_again_and_what_was_said_stays(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        var (report, status) = await desk.ReportAsync("Rejected", "203.0.113.7");
        await desk.PostAsync($"/api/v1/reports/{report}/reject", new { reason = "Not in our scope." });
        var again = await desk.PostAsync($"/api/v1/reports/{report}/reopen", null);
        Assert.Equal("new", again.GetProperty("state").GetString());
        Assert.False(again.TryGetProperty("rejectReason", out _));
        using var anyone = desk.Node.Anonymous();
        Assert.DoesNotContain("Not in our scope.", await anyone.GetStringAsync(status, Ct), StringComparison.Ordinal);
        // one that an incident came of is not opened by that
        await desk.PostAsync($"/api/v1/reports/{desk.Report}/reopen", null, HttpStatusCode.Conflict);

        await desk.PostAsync($"/api/v1/requests/{desk.Request}/withdraw", null);
        await desk.PostAsync($"/api/v1/incidents/{desk.Incident}/close", new { outcome = "The page is gone." });
        var open = await desk.PostAsync($"/api/v1/incidents/{desk.Incident}/reopen", new { reason = "It came back." });
        Assert.Equal("open", open.GetProperty("state").GetString());
        Assert.False(open.TryGetProperty("closedAt", out _));
        var timeline = (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}/timeline")).ToString();
        Assert.Contains("The page is gone.", timeline, StringComparison.Ordinal);
        Assert.Contains("It came back.", timeline, StringComparison.Ordinal);
        await desk.PostAsync($"/api/v1/incidents/{desk.Incident}/reopen", new { reason = "Again." }, HttpStatusCode.Conflict);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Unlinking_dates_the_link_and_loses_nothing(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        var targets = Values(await desk.GetAsync($"/api/v1/incidents/{desk.Incident}/targets"));
        var lines = (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}/timeline")).GetProperty("items").GetArrayLength();
        var unlinked = await desk.PostAsync($"/api/v1/incidents/{desk.Incident}/reports/{desk.Report}/unlink", null);
        // without an incident it waits in the queue again
        Assert.Equal("new", unlinked.GetProperty("state").GetString());
        var link = Assert.Single((await desk.GetAsync($"/api/v1/reports/{desk.Report}")).GetProperty("incidents").EnumerateArray());
        var (from, until) = (link.GetProperty("linkedAt").GetDateTimeOffset(), link.GetProperty("endedAt").GetDateTimeOffset());
        Assert.True(from < until && until <= desk.Node.Clock.GetUtcNow());
        var incident = await desk.GetAsync($"/api/v1/incidents/{desk.Incident}");
        Assert.Empty(incident.GetProperty("reports").EnumerateArray());
        Assert.Equal(targets, Values(await desk.GetAsync($"/api/v1/incidents/{desk.Incident}/targets")));
        Assert.Equal(lines + 1, incident.GetProperty("timeline").GetArrayLength());
        Assert.Equal(1, (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}/attachments")).GetProperty("items").GetArrayLength());

        // once more changes nothing; put in again it has a second link beside the dated one
        await desk.PostAsync($"/api/v1/incidents/{desk.Incident}/reports/{desk.Report}/unlink", null);
        Assert.Equal(lines + 1, (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}/timeline")).GetProperty("items").GetArrayLength());
        await desk.PostAsync($"/api/v1/reports/{desk.Report}/accept", new { incidentId = desk.Incident });
        var links = (await desk.GetAsync($"/api/v1/reports/{desk.Report}")).GetProperty("incidents").EnumerateArray().ToList();
        Assert.Equal(until, links[0].GetProperty("endedAt").GetDateTimeOffset());
        Assert.False(links[1].TryGetProperty("endedAt", out _));
        Assert.Equal(2, links.Count);

        // out of one of two incidents, it stays accepted
        var (report, _) = await desk.ReportAsync("Two things", "203.0.113.7");
        var split = await desk.PostAsync($"/api/v1/reports/{report}/split", new { parts = new object[] { new { incident = desk.Incident }, new { title = "Two", category = "fraud", type = "phishing" } } });
        Assert.Equal(2, split.GetProperty("incidents").GetArrayLength());
        Assert.Equal("accepted", (await desk.PostAsync($"/api/v1/incidents/{desk.Incident}/reports/{report}/unlink", null)).GetProperty("state").GetString());
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_draft_is_withdrawn_and_nothing_of_it_leaves(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        Assert.Equal("us", (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}")).GetProperty("waiting").GetString());
        var withdrawn = await desk.PostAsync($"/api/v1/requests/{desk.Request}/withdraw", null);
        Assert.Equal(("closed", "withdrawn"), (withdrawn.GetProperty("state").GetString(), withdrawn.GetProperty("outcome").GetString()));
        Assert.False(withdrawn.TryGetProperty("sentAt", out _));
        var read = await desk.GetAsync($"/api/v1/requests/{desk.Request}");
        Assert.NotEmpty(read.GetProperty("body").GetString()!);
        Assert.Equal("closed", Assert.Single((await desk.GetAsync($"/api/v1/requests/{desk.Request}/events")).GetProperty("items").EnumerateArray()).GetProperty("state").GetString());
        // its target may be asked about again, and that is our turn
        Assert.Equal("us", (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}")).GetProperty("waiting").GetString());
        await desk.PostAsync($"/api/v1/requests/{desk.Request}/withdraw", null, HttpStatusCode.Conflict);
        await desk.PostAsync($"/api/v1/requests/{desk.Request}/send", new { }, HttpStatusCode.Conflict);
        var next = await desk.DraftAsync(new { purpose = "takedown", recipient = RestDesk.Recipient });
        await desk.PostAsync($"/api/v1/requests/{next}/send", new { });
        await desk.PostAsync($"/api/v1/requests/{next}/withdraw", null, HttpStatusCode.Conflict);
        var draft = new RequestId(Guid.Parse(desk.Request)).Value;
        Assert.False(await desk.AskAsync(db => db.Outbox.AnyAsync(o => o.Record == draft, Ct)));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_report_is_had_byte_for_byte_as_it_was_received(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        const string body = "{ \"type\" : \"request\",\t\"language\":\"ja\", \"summary\":\"フィッシング \\u30da\\u30fc\\u30b8\",\r\n  \"description\":\"hxxps://raw[.]example/<b>x</b>\" }\n";
        using var sent = await RestDesk.RawAsync(desk.Token, HttpMethod.Post, "/api/v1/reports", body);
        Assert.Equal(HttpStatusCode.Accepted, sent.StatusCode);
        using var accepted = JsonDocument.Parse(await sent.Content.ReadAsStringAsync(Ct));
        var id = accepted.RootElement.GetProperty("id").GetString()!;
        using var raw = await desk.Token.GetAsync($"/api/v1/reports/{id}/raw", Ct);
        Assert.Equal(HttpStatusCode.OK, raw.StatusCode);
        Assert.Equal(Encoding.UTF8.GetBytes(body), await raw.Content.ReadAsByteArrayAsync(Ct));
        Assert.Equal(("application/octet-stream", "attachment"), (raw.Content.Headers.ContentType!.MediaType, raw.Content.Headers.ContentDisposition!.DispositionType));
        Assert.Equal(accepted.RootElement.GetProperty("trackingNumber").GetString() + ".raw", raw.Content.Headers.ContentDisposition.FileNameStar ?? raw.Content.Headers.ContentDisposition.FileName);
        Assert.Contains("sandbox", raw.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var record = Guid.Parse(id);
        Assert.Equal(1, await desk.AskAsync(db => db.Audit.CountAsync(a => a.Record == record && a.Action == "report.downloaded", Ct)));
    }

    private static List<string> Values(JsonElement targets) => [.. targets.GetProperty("items").EnumerateArray().Select(t => t.GetProperty("value").GetString()!)];
}
