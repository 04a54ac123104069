using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.Requests;

/// <summary>What came back, written down by hand, and what a person does next about it; who is asked when two answer for one incident.</summary>
public class AnswerTests(AskingNode asking) : IClassFixture<AskingNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("acknowledged", RequestState.Acknowledged, RequestAnswer.None, "Acknowledged")]
    [InlineData("needInfo", RequestState.Answered, RequestAnswer.NeedInfo, "More information needed")]
    [InlineData("refused", RequestState.Answered, RequestAnswer.Refused, "Refused")]
    [InlineData("done", RequestState.Answered, RequestAnswer.Done, "Resolved")]
    public async Task An_answer_is_recorded_with_its_words_and_its_time_by_form_and_by_REST(string what, RequestState state, RequestAnswer answer, string shown)
    {
        foreach (var byForm in new[] { true, false })
        {
            var request = await asking.SentAsync();
            var words = $"They wrote {what} {byForm}.";
            if (byForm)
            {
                using var recorded = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/answer", ("what", what), ("text", words));
                Assert.Equal($"/requests/{request.Id}", recorded.Headers.Location?.ToString());
            }
            else
            {
                using var recorded = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/answer", new { what, text = words }, Ct);
                Assert.True(recorded.StatusCode == HttpStatusCode.OK, await recorded.Content.ReadAsStringAsync(Ct));
            }

            var after = await asking.RequestAsync(request.Id);
            Assert.Equal((state, answer), (after.State, after.Answer));
            Assert.NotNull(after.AcknowledgedAt);
            Assert.Equal(state == RequestState.Answered, after.AnsweredAt is not null);
            await using var db = asking.Node.Databases.ForSystem();
            var told = await db.RequestEvents.AsNoTracking().SingleAsync(e => e.Request == request.Id && e.State == state, Ct);
            Assert.Equal((answer, words), (told.Answer, told.Text));
            var page = await DeskNode.PageAsync(asking.Smith, $"/requests/{request.Id}");
            Assert.Contains(words, page, StringComparison.Ordinal);
            Assert.Contains(shown, Section(page, "steps"), StringComparison.Ordinal);
            Assert.Contains(request.Number, await DeskNode.PageAsync(asking.Smith, $"/incidents/{request.Incident}"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Not_ours_keeps_whom_they_refer_to_and_the_page_names_who_else_answers()
    {
        await OtherAsync("registry", "Example Registry", "abuse@registry.example", ConstituencyKind.Tld, "example");
        var request = await asking.SentAsync();
        Assert.DoesNotContain("Example Registry", await DeskNode.PageAsync(asking.Smith, $"/requests/{request.Id}"), StringComparison.Ordinal);
        using var recorded = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/answer", ("what", "notOurs"), ("referral", "NOC of Example Net, noc@example-net.example"), ("text", "We only lease the address."));
        Assert.Equal(HttpStatusCode.SeeOther, recorded.StatusCode);
        Assert.Equal((RequestState.Answered, RequestAnswer.NotOurs), ((await asking.RequestAsync(request.Id)).State, (await asking.RequestAsync(request.Id)).Answer));
        await using var db = asking.Node.Databases.ForSystem();
        var told = await db.RequestEvents.AsNoTracking().SingleAsync(e => e.Request == request.Id && e.Answer == RequestAnswer.NotOurs, Ct);
        Assert.Equal("Refers to: NOC of Example Net, noc@example-net.example\nWe only lease the address.", told.Text);
        var page = await DeskNode.PageAsync(asking.Smith, $"/requests/{request.Id}");
        Assert.Contains("Refers to: NOC of Example Net", page, StringComparison.Ordinal);
        Assert.Contains("Example Registry", Section(page, "next"), StringComparison.Ordinal);
        Assert.Contains("TLD: .example", Section(page, "next"), StringComparison.Ordinal);
        Assert.DoesNotContain("Hoshizora Hosting", Section(page, "next"), StringComparison.Ordinal);
        Assert.Contains($"/incidents/{request.Incident}/requests/new", Section(page, "next"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bounce_written_down_by_hand_marks_the_contact_until_somebody_mends_it()
    {
        await OtherAsync("bouncing", "Bouncing Net", "gone@bouncing.example", ConstituencyKind.Domain, "bounce.phish.example");
        var request = await SentToAsync("page.bounce.phish.example");
        Assert.Equal("gone@bouncing.example", request.RecipientMail);
        using var recorded = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/answer", ("what", "bounced"), ("text", "550 5.1.1"));
        Assert.Equal(HttpStatusCode.SeeOther, recorded.StatusCode);
        await using var db = asking.Node.Databases.ForSystem();
        Assert.Equal(RequestState.Bounced, (await asking.RequestAsync(request.Id)).State);
        Assert.NotNull((await db.Contacts.AsNoTracking().SingleAsync(c => c.Id == request.Contact, Ct)).BouncedAt);
        Assert.Equal(Waiting.Us, (await db.Incidents.AsNoTracking().SingleAsync(i => i.Id == request.Incident, Ct)).Waiting);
        // the covering network is proposed instead, here and for the next incident
        Assert.Contains("Hoshizora Hosting", Section(await DeskNode.PageAsync(asking.Smith, $"/requests/{request.Id}"), "next"), StringComparison.Ordinal);
        Assert.Equal("Hoshizora Hosting", await ProposedAsync("second.bounce.phish.example"));
        Assert.Equal("abuse@hosting.example", (await asking.DraftToAsync("fourth.bounce.phish.example")).RecipientMail);
        await asking.ChangeAsync(async d => (await d.Contacts.SingleAsync(c => c.Id == request.Contact, Ct)).BouncedAt = null);
        Assert.Equal("Bouncing Net", await ProposedAsync("third.bounce.phish.example"));
    }

    [Fact]
    public async Task A_word_that_is_no_answer_and_a_time_before_it_left_are_refused_by_field()
    {
        var request = await asking.SentAsync();
        using var nothing = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/answer", ("what", "perhaps"));
        Assert.Equal(HttpStatusCode.BadRequest, nothing.StatusCode);
        Assert.Contains("href=\"#what\"", await nothing.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var early = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/answer", ("what", "done"), ("at", "2020-01-01T10:00"));
        Assert.Contains("href=\"#at\"", await early.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var ahead = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/answer", new { what = "done", at = asking.Node.Clock.GetUtcNow().AddDays(1) }, Ct);
        Assert.Equal(HttpStatusCode.BadRequest, ahead.StatusCode);
        Assert.True((await ahead.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("errors").TryGetProperty("at", out _));
        Assert.Equal(RequestState.Sent, (await asking.RequestAsync(request.Id)).State);
    }

    [Fact]
    public async Task Two_contacts_for_one_incident_are_two_drafts_each_with_why_in_words()
    {
        await OtherAsync("isp", "Aoba Net", "abuse@aoba.example", ConstituencyKind.Prefix, "198.51.100.0/24");
        var incident = await IncidentAsync("two.phish.example", "198.51.100.7");
        await using var db = asking.Node.Databases.ForSystem();
        var targets = await db.IncidentTargets.AsNoTracking().Where(t => t.Incident == incident).ToListAsync(Ct);
        Assert.Equal(2, targets.Count);
        (string, string)[] picked = [("purpose", "takedown"), .. targets.Select(t => ("target", t.Id.ToString()))];
        using var proposed = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/requests/new", picked);
        var page = WebUtility.HtmlDecode(await proposed.Content.ReadAsStringAsync(Ct));
        Assert.Contains("Match: phish.example", page, StringComparison.Ordinal);
        Assert.Contains("Most specific match: 198.51.100.0/24", page, StringComparison.Ordinal);
        var chosen = Regex.Matches(page, "<select[^>]*name=\"(contact\\.[0-9a-f]+)\"[^>]*>.*?<option value=\"([^\"]+)\" selected", RegexOptions.Singleline).Select(m => (m.Groups[1].Value, m.Groups[2].Value)).ToList();
        Assert.Equal(2, chosen.Count);
        using var drafted = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/requests", [.. picked, ("step", "2"), .. chosen, ("due", asking.Node.Clock.GetUtcNow().AddDays(3).ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture))]);
        Assert.True(drafted.StatusCode == HttpStatusCode.SeeOther, await drafted.Content.ReadAsStringAsync(Ct));
        var drafts = await db.Requests.AsNoTracking().Where(r => r.Incident == incident).OrderBy(r => r.RecipientMail).ToListAsync(Ct);
        Assert.Equal(["abuse@aoba.example", "abuse@hosting.example"], drafts.Select(d => d.RecipientMail));
        Assert.NotEqual(drafts[0].Number, drafts[1].Number);
        foreach (var (draft, target, why) in new[] { (drafts[0], "198.51.100[.]7", "Most specific match: 198.51.100.0/24"), (drafts[1], "two.phish[.]example", "Match: phish.example") })
        {
            var preview = await DeskNode.PageAsync(asking.Smith, $"/requests/{draft.Id}");
            Assert.Contains(why, preview, StringComparison.Ordinal);
            Assert.Contains(target, draft.Body, StringComparison.Ordinal);
            // each asks only about what its recipient answers for
            Assert.Single(await db.RequestTargets.AsNoTracking().Where(t => t.Request == draft.Id).ToListAsync(Ct));
        }
    }

    private async Task OtherAsync(string slug, string name, string mail, ConstituencyKind kind, string value)
    {
        await asking.ChangeAsync(async db =>
        {
            var team = await TestDirectory.TeamAsync(db, asking.Node, slug, name, name);
            TestDirectory.Piece(db, asking.Node, team, TestDirectory.Contact(db, asking.Node, team, "desk", mail), kind, value);
        });
    }

    /// <summary>Whom the page proposes for a new incident about that host.</summary>
    private async Task<string> ProposedAsync(string host)
    {
        var incident = await IncidentAsync(host);
        await using var db = asking.Node.Databases.ForSystem();
        var target = await db.IncidentTargets.AsNoTracking().SingleAsync(t => t.Incident == incident, Ct);
        using var proposed = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/requests/new", ("purpose", "takedown"), ("target", target.Id.ToString()));
        return Regex.Match(WebUtility.HtmlDecode(await proposed.Content.ReadAsStringAsync(Ct)), "<option[^>]* selected[^>]*>(Hoshizora Hosting|Bouncing Net)", RegexOptions.NonBacktracking).Groups[1].Value;
    }

    private async Task<CoordinationRequest> SentToAsync(string host)
    {
        var draft = await asking.DraftToAsync(host);
        using var sent = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{draft.Id}/send", new { }, Ct);
        Assert.True(sent.StatusCode == HttpStatusCode.OK, await sent.Content.ReadAsStringAsync(Ct));
        return await asking.RequestAsync(draft.Id);
    }

    private async Task<Kernel.IncidentId> IncidentAsync(params string[] targets)
    {
        using var made = await asking.Token.PostAsJsonAsync("/api/v1/incidents", new { title = targets[0], category = "fraud", type = "phishing", targets = targets.Select(t => new { value = t, role = "phishing" }) }, Ct);
        Assert.True(made.StatusCode == HttpStatusCode.Created, await made.Content.ReadAsStringAsync(Ct));
        return Kernel.IncidentId.Parse((await made.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString()!, null);
    }

    /// <summary>The card of that id.</summary>
    private static string Section(string page, string id)
    {
        var at = page.IndexOf($"id=\"{id}\"", StringComparison.Ordinal);
        Assert.True(at >= 0, $"no card {id}");
        var end = page.IndexOf("</section>", at, StringComparison.Ordinal);
        return page[at..(end < 0 ? page.Length : end)];
    }
}

internal static class AskingMore
{
    /// <summary>A draft about an incident with that one host.</summary>
    public static async Task<CoordinationRequest> DraftToAsync(this AskingNode asking, string host)
    {
        var ct = TestContext.Current.CancellationToken;
        using var made = await asking.Token.PostAsJsonAsync("/api/v1/incidents", new { title = host, category = "fraud", type = "phishing", targets = new[] { new { value = host, role = "phishing" } } }, ct);
        Assert.True(made.StatusCode == HttpStatusCode.Created, await made.Content.ReadAsStringAsync(ct));
        var incident = (await made.Content.ReadFromJsonAsync<JsonElement>(ct)).GetProperty("id").GetString();
        using var drafted = await asking.Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown" }, ct);
        Assert.True(drafted.StatusCode == HttpStatusCode.Created, await drafted.Content.ReadAsStringAsync(ct));
        return await asking.RequestAsync(Kernel.RequestId.Parse((await drafted.Content.ReadFromJsonAsync<JsonElement>(ct)).GetProperty("items")[0].GetProperty("id").GetString()!, null));
    }
}
