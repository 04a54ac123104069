using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.Requests;

/// <summary>What is asked about which target by default, what is not asked at all, and what a letter says of those who reported and of when it was seen.</summary>
public class AskingRulesTests(AskingNode asking) : IClassFixture<AskingNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_victim_is_not_ticked_for_a_takedown_and_not_taken_down()
    {
        var incident = await IncidentAsync(("one.phish.example", "phishing"), ("victim.phish.example", "victim"));
        var targets = await TargetsAsync(incident);
        var victim = targets.Single(t => t.Role == TargetRole.Victim);
        Assert.Equal([targets.Single(t => t.Role == TargetRole.Phishing).Id], await TickedAsync(incident));
        // by hand it is refused, at both steps
        using var first = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/requests/new", ("purpose", "takedown"), ("target", victim.Id.ToString()));
        using var second = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/requests", ("purpose", "takedown"), ("target", victim.Id.ToString()), ("step", "2"), ("due", "2099-01-01T10:00"));
        foreach (var refused in new[] { first, second })
        {
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("not to be taken down", WebUtility.HtmlDecode(await refused.Content.ReadAsStringAsync(Ct)), StringComparison.Ordinal);
        }

        using var named = await DraftAsync(incident, new { purpose = "takedown", targets = new[] { victim.Id } });
        Assert.Equal(HttpStatusCode.BadRequest, named.StatusCode);
        Assert.True((await named.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("errors").TryGetProperty("targets", out _));
        // who was hit is told, not taken down; a script that names no target asks about the others
        using var told = await DraftAsync(incident, new { purpose = "notifyVictim", targets = new[] { victim.Id } });
        Assert.Equal(HttpStatusCode.Created, told.StatusCode);
        using var all = await DraftAsync(incident, new { purpose = "takedown" });
        Assert.Equal(HttpStatusCode.Created, all.StatusCode);
        await using var db = asking.Node.Databases.ForSystem();
        var takedown = await db.Requests.AsNoTracking().SingleAsync(r => r.Incident == incident && r.Purpose == RequestPurpose.Takedown, Ct);
        Assert.DoesNotContain("victim.phish", takedown.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_counts_as_asked_about_by_the_incidents_own_requests_until_they_are_taken_back()
    {
        var incident = await IncidentAsync(("asked.phish.example", "phishing"));
        var other = await IncidentAsync(("asked.phish.example", "phishing"));
        var target = (await TargetsAsync(incident)).Single().Id;
        Assert.Equal(Waiting.Us, (await StateAsync(incident)).Waiting);
        using var drafted = await DraftAsync(other, new { purpose = "takedown" });
        // another incident's request is said and takes nothing away
        Assert.Equal([target], await TickedAsync(incident));
        Assert.Contains("(another incident)", await DeskNode.PageAsync(asking.Smith, $"/incidents/{incident}/requests/new"), StringComparison.Ordinal);
        using var own = await DraftAsync(incident, new { purpose = "takedown" });
        var request = (await own.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items")[0].GetProperty("id").GetString();
        Assert.Empty(await TickedAsync(incident));
        using var withdrawn = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{request}/withdraw", new { }, Ct);
        Assert.Equal(HttpStatusCode.OK, withdrawn.StatusCode);
        Assert.Equal([target], await TickedAsync(incident));
        Assert.Contains("Nobody asked yet", await DeskNode.PageAsync(asking.Smith, $"/incidents/{incident}"), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(Waiting.Us, (await StateAsync(incident)).Waiting);
        Assert.Contains("asked.phish[.]example", await DeskNode.PageAsync(asking.Smith, $"/incidents/{incident}/close"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_target_is_our_turn_and_one_that_is_removed_is_nobodys()
    {
        var incident = await IncidentAsync();
        Assert.Equal((Waiting.Nobody, null), ((await StateAsync(incident)).Waiting, (await StateAsync(incident)).DueAt));
        using var added = await asking.Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/targets", new { targets = new[] { new { value = "turn.phish.example", role = "phishing" } } }, Ct);
        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        var target = (await TargetsAsync(incident)).Single();
        Assert.Equal((Waiting.Us, target.AddedAt + IncidentClock.OurTurn), ((await StateAsync(incident)).Waiting, (await StateAsync(incident)).DueAt));
        using var hit = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/targets/{target.Id}", ("role", "victim"));
        Assert.Equal(Waiting.Nobody, (await StateAsync(incident)).Waiting);
        using var back = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/targets/{target.Id}", ("role", "phishing"));
        Assert.Equal(Waiting.Us, (await StateAsync(incident)).Waiting);
        using var removed = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/targets/{target.Id}/remove", ("reason", ""));
        Assert.Equal(HttpStatusCode.SeeOther, removed.StatusCode);
        Assert.Equal((Waiting.Nobody, null), ((await StateAsync(incident)).Waiting, (await StateAsync(incident)).DueAt));
    }

    [Fact]
    public async Task Where_a_name_was_seen_is_written_down_later_and_who_answers_there_is_asked()
    {
        await asking.ChangeAsync(async db =>
        {
            var team = await TestDirectory.TeamAsync(db, asking.Node, "seen-net", "Seen Net", "Seen Net");
            TestDirectory.Piece(db, asking.Node, team, TestDirectory.Contact(db, asking.Node, team, "desk", "abuse@seen-net.example"), ConstituencyKind.Prefix, "192.0.2.192/26");
        });
        var incident = await IncidentAsync(("https://nobody-answers.example/login", "phishing"));
        var target = (await TargetsAsync(incident)).Single().Id;
        var path = $"/incidents/{incident}/targets/{target}";
        using var bad = await DeskNode.PostAsync(asking.Smith, path, ("role", "phishing"), ("address", "192.0.2.300"));
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        Assert.Contains("href=\"#address\"", await bad.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var saved = await DeskNode.PostAsync(asking.Smith, path, ("role", "dropsite"), ("address", "192.0.2[.]200"));
        Assert.Equal(HttpStatusCode.SeeOther, saved.StatusCode);
        Assert.Equal(("192.0.2.200", TargetRole.DropSite), ((await TargetsAsync(incident)).Single().Address, (await TargetsAsync(incident)).Single().Role));
        Assert.Contains("was seen at 192.0.2[.]200", await DeskNode.PageAsync(asking.Smith, $"/incidents/{incident}"), StringComparison.Ordinal);
        using var drafted = await DraftAsync(incident, new { purpose = "takedown" });
        Assert.Equal("abuse@seen-net.example", (await drafted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items")[0].GetProperty("recipientMail").GetString());
        // by REST: absent stays, empty takes it away, an address has none
        using var role = await asking.Token.PatchAsJsonAsync($"/api/v1{path}", new { role = "phishing" }, Ct);
        Assert.Equal("192.0.2.200", (await role.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("address").GetString());
        using var gone = await asking.Token.PatchAsJsonAsync($"/api/v1{path}", new { address = "" }, Ct);
        Assert.Equal(HttpStatusCode.OK, gone.StatusCode);
        Assert.Equal((null, TargetRole.Phishing), ((await TargetsAsync(incident)).Single().Address, (await TargetsAsync(incident)).Single().Role));
        using var neither = await asking.Token.PatchAsJsonAsync($"/api/v1{path}", new { }, Ct);
        using var wrong = await asking.Token.PatchAsJsonAsync($"/api/v1{path}", new { address = "nowhere" }, Ct);
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (neither.StatusCode, wrong.StatusCode));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("2026-03-02T10:15:00+09:00", "seen 2026-03-02 01:15 UTC (clock off by +180 s)")]
    public async Task A_letter_says_the_time_that_the_reporter_stated_with_their_clocks_error_and_no_other(string? occurred, string? said)
    {
        var host = $"seen{(occurred is null ? 0 : 1).ToString(CultureInfo.InvariantCulture)}.phish.example";
        var draft = await ReportedAsync(new() { ["type"] = "request", ["summary"] = $"Phishing at https://{host}/", ["language"] = "en", ["occurredAt"] = occurred, ["clockErrorSeconds"] = occurred is null ? null : 180 });
        Assert.Equal(said is not null, draft.Body.Contains("seen 2", StringComparison.Ordinal));
        Assert.Contains(said ?? host.Replace(".example", "[.]example", StringComparison.Ordinal), draft.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_came_later_has_no_time_that_nobody_stated_for_it_and_a_hash_is_nobodys_to_act_on()
    {
        var draft = await ReportedAsync(new() { ["type"] = "request", ["summary"] = "Phishing at https://timed.phish.example/", ["language"] = "en", ["occurredAt"] = "2026-03-02T10:15:00+09:00" });
        Assert.Contains("seen 2026-03-02", draft.Body, StringComparison.Ordinal);
        using var added = await asking.Token.PostAsJsonAsync($"/api/v1/incidents/{draft.Incident}/targets", new { targets = new[] { new { value = "later.phish.example", role = "phishing" }, new { value = new string('a', 64), role = "other" } } }, Ct);
        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        using var second = await DraftAsync(draft.Incident, new { purpose = "takedown" });
        var next = await asking.RequestAsync(RequestId.Parse((await second.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items")[0].GetProperty("id").GetString()!, null));
        Assert.Contains("later.phish[.]example", next.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("seen 2026", next.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(new string('a', 64), next.Body, StringComparison.Ordinal);
        // with both drafts withdrawn or sent nothing but the hash is left, which is nobody's turn
        foreach (var request in new[] { draft, next })
        {
            using var sent = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/send", new { }, Ct);
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        }

        Assert.Equal(Waiting.Them, (await StateAsync(draft.Incident)).Waiting);
    }

    [Fact]
    public async Task A_letter_names_an_organisation_that_allows_it_never_a_person_and_warns_of_a_hidden_reporters_domain()
    {
        var full = await ReportedAsync(new() { ["type"] = "request", ["summary"] = "Phishing at https://named.phish.example/", ["language"] = "en", ["mayDiscloseReporter"] = "full", ["reporter"] = new { name = "Hanako Tsubakuro", organization = "Example Museum", email = "hanako@museum.example" } });
        Assert.Contains("Example Museum", full.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Tsubakuro", full.Body, StringComparison.Ordinal);
        var hidden = await ReportedAsync(new() { ["type"] = "request", ["summary"] = "Phishing at https://hidden.phish.example/", ["language"] = "en", ["mayDiscloseReporter"] = false, ["reporter"] = new { email = "soc@hidden-bank.example" } });
        Assert.DoesNotContain("domain of the mail address", await DeskNode.PageAsync(asking.Smith, $"/requests/{hidden.Id}"), StringComparison.Ordinal);
        await asking.ChangeAsync(async db => (await db.Requests.SingleAsync(r => r.Id == hidden.Id, Ct)).Body += "\nCompare with www.hidden-bank[.]example.");
        Assert.Contains("domain of the mail address", await DeskNode.PageAsync(asking.Smith, $"/requests/{hidden.Id}"), StringComparison.Ordinal);
    }

    private async Task<CoordinationRequest> ReportedAsync(Dictionary<string, object?> report)
    {
        using var reported = await asking.Token.PostAsJsonAsync("/api/v1/reports", report.Where(f => f.Value is not null).ToDictionary(), Ct);
        Assert.True(reported.StatusCode == HttpStatusCode.Accepted, await reported.Content.ReadAsStringAsync(Ct));
        var id = (await reported.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString();
        using var accepted = await asking.Token.PostAsJsonAsync($"/api/v1/reports/{id}/accept", new { category = "fraud", type = "phishing" }, Ct);
        var incident = IncidentId.Parse((await accepted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("incidentId").GetString()!, null);
        Assert.Equal(Severity.Medium, (await StateAsync(incident)).Severity);
        using var drafted = await DraftAsync(incident, new { purpose = "takedown" });
        Assert.True(drafted.StatusCode == HttpStatusCode.Created, await drafted.Content.ReadAsStringAsync(Ct));
        return await asking.RequestAsync(RequestId.Parse((await drafted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items")[0].GetProperty("id").GetString()!, null));
    }

    private Task<HttpResponseMessage> DraftAsync(IncidentId incident, object body) => asking.Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", body, Ct);

    private async Task<IncidentId> IncidentAsync(params (string Value, string Role)[] targets)
    {
        using var made = await asking.Token.PostAsJsonAsync("/api/v1/incidents", new { title = "asking", category = "fraud", type = "phishing", targets = targets.Select(t => new { value = t.Value, role = t.Role }) }, Ct);
        Assert.True(made.StatusCode == HttpStatusCode.Created, await made.Content.ReadAsStringAsync(Ct));
        return IncidentId.Parse((await made.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString()!, null);
    }

    private async Task<Guid[]> TickedAsync(IncidentId incident) =>
        [.. Regex.Matches(await asking.Smith.GetStringAsync($"/incidents/{incident}/requests/new", Ct), "<input[^>]*name=\"target\"[^>]*>").Select(m => m.Value).Where(i => i.Contains(" checked", StringComparison.Ordinal)).Select(i => Guid.Parse(Regex.Match(i, "value=\"([^\"]+)\"").Groups[1].Value))];

    private async Task<List<IncidentTarget>> TargetsAsync(IncidentId incident)
    {
        await using var db = asking.Node.Databases.ForSystem();
        return await db.IncidentTargets.AsNoTracking().Where(t => t.Incident == incident).ToListAsync(Ct);
    }

    private async Task<Incident> StateAsync(IncidentId incident)
    {
        await using var db = asking.Node.Databases.ForSystem();
        return await db.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident, Ct);
    }
}
