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
            var report = TestRecords.Report(node, Marking.Own(shared.Marking.Origin), "R-HIDDEN-7", "hidden");
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

    [Fact]
    public async Task However_many_lines_are_others_business_the_one_behind_them_is_found()
    {
        await using var node = await TestNode.StartAsync();
        var (incident, requests) = await SharedAsync(node);
        var now = node.Clock.GetUtcNow();
        await using (var db = node.Databases.ForSystem())
        {
            var shared = await db.Incidents.SingleAsync(i => i.Id == incident, Ct);
            (await db.Requests.SingleAsync(r => r.Id == requests[0], Ct)).Marking = Marking.Own(shared.Marking.Origin);
            Diary.Say(db, shared, EntryKind.Request, now.AddMinutes(-1), "request.diary.sent", ["REQ-SHOWN-8", "Known Hosting"], "/requests/" + requests[1]);
            for (var i = 0; i < 5_300; i++)
            {
                Diary.Say(db, shared, EntryKind.Request, now, "request.diary.sent", ["REQ-HIDDEN-7", "Canary Hosting"], "/requests/" + requests[0]);
            }

            await db.SaveChangesAsync(Ct);
        }

        using var minato = await node.SignedInAsync("minato@minato.example");
        Assert.Contains("Known Hosting", await minato.GetStringAsync($"/incidents/{incident}", Ct), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_draft_that_is_written_while_its_incident_is_narrowed_is_marked_as_that_is_then(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, _) = await SharedAsync(node);
        await using (var db = node.Databases.ForSystem())
        {
            db.IncidentTargets.Add(new IncidentTarget { Id = Guid.CreateVersion7(), Incident = incident, Type = ObservableType.IPv4, Value = "203.0.113.44", Role = TargetRole.Other, AddedAt = node.Clock.GetUtcNow() });
            await db.SaveChangesAsync(Ct);
        }

        using var machine = await node.WithTokenAsync("aozora");
        // that a token was used is written down at its first call, which would wait outside
        using var first = await machine.GetAsync("/api/v1/incidents", Ct);
        Task<HttpResponseMessage>? drafting = null;
        await using (var editor = node.Databases.ForSystem())
        {
            await editor.InTransactionAsync(async () =>
            {
                var narrowed = await editor.Incidents.SingleAsync(i => i.Id == incident, Ct);
                MarkIncident.Set(editor, narrowed, Marking.Own(narrowed.Marking.Origin));
                await editor.SaveChangesAsync(Ct);
                // it reads the incident as it still stands for everyone, and then wants to write
                drafting = machine.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown", recipient = new { name = "Tsubakuro three", mail = "abuse@isp.example", language = "en", why = "known" } }, Ct);
                await Task.Delay(1500, Ct);
                return 0;
            }, Ct);
        }

        using var drafted = await drafting!;
        Assert.True(drafted.StatusCode == HttpStatusCode.Created, await drafted.Content.ReadAsStringAsync(Ct));
        Assert.Empty(await KnownAsync(node, "minato@minato.example"));
        Assert.Equal(3, (await KnownAsync(node, "sato@aozora.example")).Length);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Who_narrows_an_incident_while_a_draft_is_written_waits_and_takes_it_along(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, requests) = await SharedAsync(node);
        Task? narrowing = null;
        await using (var db = node.Databases.For(await node.ViewerOfAsync("sato@aozora.example")))
        {
            await db.InTransactionAsync(async () =>
            {
                var held = await MarkIncident.HoldAsync(db, incident, Ct);
                db.Requests.Add(TestRecords.Request(node, held!, "REQ-three", RequestState.Draft, "Tsubakuro three"));
                await db.SaveChangesAsync(Ct);
                narrowing = Task.Run(() => NarrowAsync(node, incident), Ct);
                await Task.Delay(1000, Ct);
                Assert.False(narrowing.IsCompleted);
                return 0;
            }, Ct);
        }

        await narrowing!;
        Assert.Empty(await KnownAsync(node, "minato@minato.example"));
        Assert.Equal(requests.Length + 1, (await KnownAsync(node, "sato@aozora.example")).Length);
    }

    [Fact]
    public async Task An_incident_that_was_taken_from_its_reader_is_not_held()
    {
        await using var node = await TestNode.StartAsync();
        var (incident, _) = await SharedAsync(node);
        await NarrowAsync(node, incident);
        await using var db = node.Databases.For(await node.ViewerOfAsync("minato@minato.example"));
        Assert.Null(await db.InTransactionAsync(() => MarkIncident.HoldAsync(db, incident, Ct), Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Whose_turn_it_is_is_one_fact_whoever_acts(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (incident, requests) = await SharedAsync(node);
        var smith = Principal.Of((await node.ViewerOfAsync("smith@aozora.example")).Person!.Value);
        DateTimeOffset due;
        await using (var db = node.Databases.ForSystem())
        {
            foreach (var request in await db.Requests.ToListAsync(Ct))
            {
                request.Marking = request.Marking with { Exclusions = new([smith]) };
            }

            await db.SaveChangesAsync(Ct);
            due = await db.Requests.Where(r => r.Id == requests[0]).Select(r => r.DueAt).SingleAsync(Ct);
        }

        // she may not know of either request, and what she saves still tells that there is something to wait for
        using var client = await node.SignedInAsync("smith@aozora.example");
        await EditAsync(client, incident, Principal.Of((await node.TeamAsync("minato")).Id).Code);
        foreach (var team in new[] { "aozora", "minato" })
        {
            using var machine = await node.WithTokenAsync(team);
            var read = await machine.GetFromJsonAsync<JsonElement>($"/api/v1/incidents/{incident}", Ct);
            Assert.Equal(("us", due), (read.GetProperty("waiting").GetString(), read.GetProperty("dueAt").GetDateTimeOffset()));
        }

        // what is changed here and not saved yet stands before what is stored
        await using (var db = node.Databases.For(await node.ViewerOfAsync("sato@aozora.example")))
        {
            (await db.Requests.SingleAsync(r => r.Id == requests[0], Ct)).State = RequestState.Closed;
            var stored = await db.Incidents.SingleAsync(i => i.Id == incident, Ct);
            await IncidentClock.RecomputeAsync(db, stored, Ct);
            Assert.Equal(Waiting.Them, stored.Waiting);
        }
    }

    private static async Task NarrowAsync(TestNode node, IncidentId incident)
    {
        await using var editor = node.Databases.ForSystem();
        var narrowed = await editor.Incidents.SingleAsync(i => i.Id == incident, Ct);
        MarkIncident.Set(editor, narrowed, Marking.Own(narrowed.Marking.Origin));
        await editor.SaveChangesAsync(Ct);
    }

    /// <summary>An AMBER incident of Aozora, shared with Minato, with a draft and a request that has left.</summary>
    private static async Task<(IncidentId Incident, RequestId[] Requests)> SharedAsync(TestNode node, bool shared = true)
    {
        var (own, other) = ((await node.TeamAsync("aozora")).Id, (await node.TeamAsync("minato")).Id);
        var marking = Marking.Own(own) with { Audience = shared ? new([Principal.Of(other)]) : PrincipalSet.Empty };
        await using var db = node.Databases.ForSystem();
        var incident = TestRecords.Incident(node, marking, title: "Shared");
        db.Incidents.Add(incident);
        var requests = new[] { ("one", RequestState.Draft), ("two", RequestState.Sent) }.Select(r => TestRecords.Request(node, incident, "REQ-" + r.Item1, r.Item2, "Tsubakuro " + r.Item1)).ToArray();
        foreach (var request in requests)
        {
            (request.Why, request.Subject, request.Body) = ("[\"request.why.by_hand\",\"known\"]", request.RecipientName.ToLowerInvariant(), "tsubakuro");
        }

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
