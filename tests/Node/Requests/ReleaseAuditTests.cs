using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Triage;
using Renkei.Store;

namespace Renkei.Node.Tests.Requests;

/// <summary>What the audit log tells of a message that left, and of one that was refused.</summary>
public class ReleaseAuditTests(AskingNode asking) : IClassFixture<AskingNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_left_stands_in_the_audit_log_with_its_hash_its_marking_and_who_let_it_go(bool byForm)
    {
        var draft = await asking.DraftAsync($"someone{byForm}@informant.example");
        Assert.Empty(await EntriesAsync(draft, "request.released"));
        if (byForm)
        {
            var page = await asking.Smith.GetStringAsync($"/requests/{draft.Id}", Ct);
            using var sent = await DeskNode.PostAsync(asking.Smith, $"/requests/{draft.Id}/send", ("sha256", Hidden(page, "sha256")), ("date", Hidden(page, "date")));
            Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        }
        else
        {
            using var sent = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{draft.Id}/send", new { }, Ct);
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        }

        await asking.RunOutboxAsync();
        var request = await asking.RequestAsync(draft.Id);
        var entry = Assert.Single(await EntriesAsync(draft, "request.released"));
        var smith = await TestPeople.IdOfAsync(asking.Node, "smith@aozora.example");
        Assert.Matches(byForm ? "^person:" + smith + "$" : "^token:", entry.Actor);
        Assert.Equal((request.Marking.Origin, (Guid?)request.Id.Value), (entry.Team!.Value, entry.Record));
        var detail = JsonSerializer.Deserialize<JsonElement>(entry.Detail);
        Assert.Equal(request.MessageSha256, detail.GetProperty("sha256").GetString());
        var mail = Assert.Single(Directory.GetFiles(Path.Combine(asking.Node.Folder, "spool"), "*.eml").Select(File.ReadAllBytes), m => Convert.ToHexStringLower(SHA256.HashData(m)) == request.MessageSha256);
        Assert.Equal(mail.Length, detail.GetProperty("bytes").GetInt32());
        Assert.Equal("TLP:AMBER", detail.GetProperty("tlp").GetString());
        Assert.NotEmpty(detail.GetProperty("why").EnumerateArray());
        Assert.Contains(nameof(FieldClass.ReporterName), detail.GetProperty("withheld").EnumerateArray().Select(w => w.GetString()));
        // ids and names of fields, never content
        foreach (var content in new[] { request.RecipientMail, request.Subject, "informant.example", "phish.example" })
        {
            Assert.DoesNotContain(content, entry.Detail, StringComparison.Ordinal);
        }

        // and the lead reads it
        using var tanaka = await asking.Node.SignedInAsync("tanaka@aozora.example");
        Assert.Contains(request.Number, await tanaka.GetStringAsync("/audit?action=request.released", Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reminder_is_a_release_of_its_own()
    {
        var request = await asking.SentAsync();
        await asking.LateAsync(request.Id);
        using var reminded = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/remind", new { }, Ct);
        Assert.True(reminded.StatusCode == HttpStatusCode.OK, await reminded.Content.ReadAsStringAsync(Ct));
        var hashes = (await EntriesAsync(request, "request.released")).Select(e => JsonSerializer.Deserialize<JsonElement>(e.Detail).GetProperty("sha256").GetString()).ToList();
        Assert.Equal(2, hashes.Count);
        await using var db = asking.Node.Databases.ForSystem();
        var reminder = await db.RequestEvents.AsNoTracking().SingleAsync(e => e.Request == request.Id && e.MessageId != null, Ct);
        Assert.Equal([request.MessageSha256, reminder.MessageSha256], hashes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_refused_stands_there_with_why_and_is_no_release(bool byForm)
    {
        var reporter = $"refused{byForm}@informant.example";
        var draft = await asking.DraftAsync(reporter);
        await asking.ChangeAsync(async db => (await db.Requests.SingleAsync(r => r.Id == draft.Id, Ct)).Body += "\nReported by " + reporter);
        using var answer = byForm
            ? await DeskNode.PostAsync(asking.Smith, $"/requests/{draft.Id}/send", ("sha256", new string('0', 64)), ("date", asking.Node.Clock.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture)))
            : await asking.Token.PostAsJsonAsync($"/api/v1/requests/{draft.Id}/send", new { }, Ct);
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Empty(await EntriesAsync(draft, "request.released"));
        var entry = Assert.Single(await EntriesAsync(draft, "request.refused"));
        Assert.StartsWith(byForm ? "person:" : "token:", entry.Actor, StringComparison.Ordinal);
        Assert.Contains("request.leak.mail", JsonSerializer.Deserialize<JsonElement>(entry.Detail).GetProperty("why").EnumerateArray().Select(w => w.GetString()));
        Assert.DoesNotContain("informant", entry.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reminder_that_the_rule_stops_is_refused_with_why()
    {
        var request = await asking.SentAsync();
        await asking.LateAsync(request.Id);
        var page = await asking.Smith.GetStringAsync($"/requests/{request.Id}/remind", Ct);
        await asking.ChangeAsync(async db =>
        {
            var incident = await db.Incidents.SingleAsync(i => i.Id == request.Incident, Ct);
            incident.Marking = Marking.Own(incident.Marking.Origin, Tlp.AmberStrict);
        });
        using var stopped = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/remind", ("sha256", Hidden(page, "sha256")), ("date", Hidden(page, "date")), ("due", Hidden(page, "due")));
        Assert.Equal(HttpStatusCode.Conflict, stopped.StatusCode);
        Assert.Single(await EntriesAsync(request, "request.released"));
        var entry = Assert.Single(await EntriesAsync(request, "request.refused"));
        Assert.Contains("why.strict-team-only", JsonSerializer.Deserialize<JsonElement>(entry.Detail).GetProperty("why").EnumerateArray().Select(w => w.GetString()));
    }

    private async Task<List<AuditEntry>> EntriesAsync(CoordinationRequest request, string action)
    {
        await using var db = asking.Node.Databases.ForSystem();
        return await db.Audit.AsNoTracking().Where(a => a.Action == action && a.Record == request.Id.Value).OrderBy(a => a.Seq).ToListAsync(Ct);
    }

    private static string Hidden(string page, string name) => Regex.Match(page, $"name=\"{name}\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;
}
