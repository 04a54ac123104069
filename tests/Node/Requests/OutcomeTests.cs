using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Triage;
using Renkei.Store;

namespace Renkei.Node.Tests.Requests;

/// <summary>A node that knows whom to ask about phish.example; its outbox runs when the test says so.</summary>
public sealed class AskingNode : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private int _count;

    public TestNode Node { get; private set; } = null!;

    public HttpClient Token { get; private set; } = null!;

    public HttpClient Smith { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Node = await TestNode.StartAsync(adjust: b =>
        {
            foreach (var worker in b.Services.Where(s => s.ServiceType == typeof(IHostedService) && (s.ImplementationType == typeof(OutboxWorker) || s.ImplementationFactory?.Method.ReturnType == typeof(OutboxWorker))).ToList())
            {
                b.Services.Remove(worker);
            }
        });
        await using var db = Node.Databases.ForSystem();
        var book = await TestDirectory.TeamAsync(db, Node, "hosting", "星空ホスティング", "Hoshizora Hosting");
        TestDirectory.Piece(db, Node, book, TestDirectory.Contact(db, Node, book, "Abuse desk", "abuse@hosting.example"), ConstituencyKind.Domain, "phish.example");
        await db.SaveChangesAsync(Ct);
        Token = await Node.WithTokenAsync("aozora");
        Smith = await Node.SignedInAsync("smith@aozora.example");
    }

    public ValueTask DisposeAsync()
    {
        Token.Dispose();
        Smith.Dispose();
        return Node.DisposeAsync();
    }

    public async Task<CoordinationRequest> DraftAsync(string? reporterMail = null, string language = "en")
    {
        var host = $"site{Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture)}.phish.example";
        using var reported = await Token.PostAsJsonAsync("/api/v1/reports", new { type = "request", summary = $"Phishing at https://{host}/", language, reporter = reporterMail is null ? null : new { email = reporterMail } }, Ct);
        var report = (await reported.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString();
        using var accepted = await Token.PostAsJsonAsync($"/api/v1/reports/{report}/accept", new { category = "fraud", type = "phishing" }, Ct);
        var incident = (await accepted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("incidentId").GetString();
        using var drafted = await Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown" }, Ct);
        Assert.True(drafted.StatusCode == HttpStatusCode.Created, await drafted.Content.ReadAsStringAsync(Ct));
        return await RequestAsync(RequestId.Parse((await drafted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items")[0].GetProperty("id").GetString()!, null));
    }

    public async Task<CoordinationRequest> SentAsync(string? reporterMail = null, string language = "en")
    {
        var draft = await DraftAsync(reporterMail, language);
        using var sent = await Token.PostAsJsonAsync($"/api/v1/requests/{draft.Id}/send", new { }, Ct);
        Assert.True(sent.StatusCode == HttpStatusCode.OK, await sent.Content.ReadAsStringAsync(Ct));
        return await RequestAsync(draft.Id);
    }

    public async Task<CoordinationRequest> RequestAsync(RequestId id)
    {
        await using var db = Node.Databases.ForSystem();
        return await db.Requests.AsNoTracking().SingleAsync(r => r.Id == id, Ct);
    }

    public async Task ChangeAsync(Func<NodeDb, Task> change)
    {
        await using var db = Node.Databases.ForSystem();
        await change(db);
        await db.SaveChangesAsync(Ct);
    }

    public Task LateAsync(RequestId id) => ChangeAsync(async db => (await db.Requests.SingleAsync(r => r.Id == id, Ct)).DueAt = Node.Clock.GetUtcNow().AddMinutes(-5));

    /// <summary>What waits so that an act can be taken back is due now, and goes.</summary>
    public async Task AfterGraceAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            await ChangeAsync(db => db.Outbox.Where(o => o.State == OutboxState.Waiting).ForEachAsync(o => o.DueAt = Node.Clock.GetUtcNow(), Ct));
            await RunOutboxAsync();
        }
    }

    public Task RunOutboxAsync() => Node.Services.GetRequiredService<OutboxWorker>().RunDueAsync(Ct);

    public IReadOnlyList<string> Mails() => Directory.Exists(Path.Combine(Node.Folder, "spool")) ? [.. Directory.GetFiles(Path.Combine(Node.Folder, "spool"), "*.eml").Select(File.ReadAllText)] : [];
}

/// <summary>After it left: reminders, silence, taking it back, two who change one draft, and what the reporter hears at the end.</summary>
public class OutcomeTests(AskingNode asking) : IClassFixture<AskingNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reminder_is_previewed_leaves_in_the_same_thread_and_gives_new_time()
    {
        var request = await asking.SentAsync();
        await asking.RunOutboxAsync();
        await asking.LateAsync(request.Id);
        var page = await asking.Smith.GetStringAsync($"/requests/{request.Id}/remind", Ct);
        var (hash, date, due) = (Hidden(page, "sha256"), Hidden(page, "date"), Hidden(page, "due"));
        using var altered = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/remind", ("sha256", new string('a', 64)), ("date", date), ("due", due));
        Assert.Equal(HttpStatusCode.Conflict, altered.StatusCode);
        var before = asking.Mails().Count;
        using var reminded = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/remind", ("sha256", hash), ("date", date), ("due", due));
        Assert.Equal(HttpStatusCode.SeeOther, reminded.StatusCode);
        await asking.RunOutboxAsync();
        var reminder = Assert.Single(asking.Mails(), m => m.Contains("In-Reply-To:", StringComparison.Ordinal) && m.Replace("\r\n ", " ", StringComparison.Ordinal).Contains("In-Reply-To: " + request.MessageId, StringComparison.Ordinal));
        Assert.Equal(before + 1, asking.Mails().Count);
        Assert.Contains(request.Number, reminder, StringComparison.Ordinal);
        var after = await asking.RequestAsync(request.Id);
        Assert.True(after.DueAt > asking.Node.Clock.GetUtcNow());
        Assert.Equal(long.Parse(due, CultureInfo.InvariantCulture), after.DueAt.ToUnixTimeSeconds());
        await using var db = asking.Node.Databases.ForSystem();
        Assert.Equal(1, await db.RequestEvents.CountAsync(e => e.Request == request.Id && e.MessageId != null, Ct));
    }

    [Fact]
    public async Task What_is_not_out_or_answered_is_not_reminded_of()
    {
        var draft = await asking.DraftAsync();
        using var of = await asking.Smith.GetAsync($"/requests/{draft.Id}/remind", Ct);
        Assert.Equal((HttpStatusCode.SeeOther, $"/requests/{draft.Id}"), (of.StatusCode, of.Headers.Location!.ToString()));
        var sent = await asking.SentAsync();
        using var answered = await DeskNode.PostAsync(asking.Smith, $"/requests/{sent.Id}/answer", ("what", "done"), ("text", "It is gone."));
        using var late = await DeskNode.PostAsync(asking.Smith, $"/requests/{sent.Id}/remind", ("sha256", new string('a', 64)), ("date", "1"), ("due", "1"));
        Assert.Equal(HttpStatusCode.SeeOther, late.StatusCode);
        await using var db = asking.Node.Databases.ForSystem();
        Assert.False(await db.RequestEvents.AnyAsync(e => e.Request == sent.Id && e.MessageId != null, Ct));
    }

    [Fact]
    public async Task Silent_is_an_outcome_only_after_the_time_to_answer_and_is_not_counted_with_answers()
    {
        var request = await asking.SentAsync();
        using var early = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/close", ("outcome", "silent"));
        Assert.Equal(HttpStatusCode.BadRequest, early.StatusCode);
        Assert.Contains("href=\"#outcome\"", await early.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        await asking.LateAsync(request.Id);
        using var closed = await DeskNode.PostAsync(asking.Smith, $"/requests/{request.Id}/close", ("outcome", "silent"), ("text", "Two reminders, no word."));
        Assert.Equal(HttpStatusCode.SeeOther, closed.StatusCode);
        var after = await asking.RequestAsync(request.Id);
        Assert.Equal((RequestState.Closed, RequestOutcome.Silent, RequestAnswer.None), (after.State, after.Outcome, after.Answer));
        Assert.Contains("rk-state-silent", await asking.Smith.GetStringAsync($"/requests/{request.Id}", Ct), StringComparison.Ordinal);
        // whoever answered was not silent, however late
        var other = await asking.SentAsync();
        using var answered = await DeskNode.PostAsync(asking.Smith, $"/requests/{other.Id}/answer", ("what", "refused"), ("text", "No."));
        await asking.LateAsync(other.Id);
        using var wrong = await DeskNode.PostAsync(asking.Smith, $"/requests/{other.Id}/close", ("outcome", "silent"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal(RequestState.Answered, (await asking.RequestAsync(other.Id)).State);
    }

    [Fact]
    public async Task A_draft_is_withdrawn_without_leaving_and_a_sent_one_ends_as_withdrawn()
    {
        var draft = await asking.DraftAsync();
        using var stale = await DeskNode.PostAsync(asking.Smith, $"/requests/{draft.Id}/withdraw", ("version", "999"));
        Assert.Equal(RequestState.Draft, (await asking.RequestAsync(draft.Id)).State);
        using var withdrawn = await DeskNode.PostAsync(asking.Smith, $"/requests/{draft.Id}/withdraw", ("version", draft.Version.ToString(CultureInfo.InvariantCulture)));
        Assert.Equal($"/incidents/{draft.Incident}", withdrawn.Headers.Location!.ToString());
        var after = await asking.RequestAsync(draft.Id);
        Assert.Equal((RequestState.Closed, RequestOutcome.Withdrawn, null), (after.State, after.Outcome, after.SentAt));
        await using var db = asking.Node.Databases.ForSystem();
        Assert.False(await db.Outbox.AnyAsync(o => o.Record == draft.Id.Value, Ct));
        var sent = await asking.SentAsync();
        using var closed = await DeskNode.PostAsync(asking.Smith, $"/requests/{sent.Id}/close", ("outcome", "withdrawn"));
        Assert.Equal((RequestState.Closed, RequestOutcome.Withdrawn), ((await asking.RequestAsync(sent.Id)).State, (await asking.RequestAsync(sent.Id)).Outcome));
    }

    [Fact]
    public async Task Two_who_change_one_draft_see_both_field_by_field_and_choose()
    {
        var draft = await asking.DraftAsync();
        using var sato = await asking.Node.SignedInAsync("sato@aozora.example");
        (string, string)[] Mine(string subject, string body) => [("version", draft.Version.ToString(CultureInfo.InvariantCulture)), ("subject", subject), ("body", body), ("mail", draft.RecipientMail), ("language", draft.Language)];
        using var first = await DeskNode.PostAsync(sato, $"/requests/{draft.Id}", Mine("Sato's subject", draft.Body));
        Assert.Equal(HttpStatusCode.SeeOther, first.StatusCode);
        using var second = await DeskNode.PostAsync(asking.Smith, $"/requests/{draft.Id}", Mine("Smith's subject", draft.Body + "\nSmith's line."));
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        var page = WebUtility.HtmlDecode(await second.Content.ReadAsStringAsync(Ct));
        Assert.All(new[] { "Sato's subject", "Smith's subject", "Smith's line." }, words => Assert.Contains(words, page, StringComparison.Ordinal));
        var stored = await asking.RequestAsync(draft.Id);
        Assert.Equal("Sato's subject", stored.Subject);
        Assert.DoesNotContain("Smith's line.", stored.Body, StringComparison.Ordinal);
        // theirs for the subject, mine for the letter
        using var chosen = await DeskNode.PostAsync(asking.Smith, $"/requests/{draft.Id}", ("version", Hidden(page, "version")), ("take.subject", "theirs"), ("mine.subject", "Smith's subject"), ("take.body", "mine"), ("mine.body", draft.Body + "\nSmith's line."));
        Assert.Equal(HttpStatusCode.SeeOther, chosen.StatusCode);
        var after = await asking.RequestAsync(draft.Id);
        Assert.Equal("Sato's subject", after.Subject);
        Assert.EndsWith("Smith's line.", after.Body, StringComparison.Ordinal);
        Assert.Equal((draft.RecipientMail, draft.Language), (after.RecipientMail, after.Language));
    }

    [Theory]
    [InlineData("resolved", "en", "finished handling")]
    [InlineData("abandoned", "ja", "終了")]
    public async Task Closing_tells_the_reporter_by_mail_in_their_language_and_nothing_internal(string state, string language, string words)
    {
        var reporter = $"reporter-{state}@informant.example";
        var request = await asking.SentAsync(reporter, language);
        var path = $"/incidents/{request.Incident}/close";
        using var open = await DeskNode.PostAsync(asking.Smith, path, ("state", state), ("outcome", "INTERNAL-OUTCOME"));
        Assert.Equal(HttpStatusCode.BadRequest, open.StatusCode);
        using var closed = await DeskNode.PostAsync(asking.Smith, path, ("state", state), ("outcome", "INTERNAL-OUTCOME"), ("request-" + request.Id, "withdrawn"));
        Assert.Equal(HttpStatusCode.SeeOther, closed.StatusCode);
        Assert.Equal(RequestOutcome.Withdrawn, (await asking.RequestAsync(request.Id)).Outcome);
        await asking.RunOutboxAsync();
        Assert.DoesNotContain(asking.Mails().Where(m => m.Contains($"To: {reporter}", StringComparison.Ordinal)).Select(Readable), m => m.Contains(words, StringComparison.Ordinal));
        await asking.AfterGraceAsync();
        var mails = asking.Mails().Where(m => m.Contains($"To: {reporter}", StringComparison.Ordinal)).Select(Readable).ToList();
        var mail = Assert.Single(mails, m => m.Contains(words, StringComparison.Ordinal));
        Assert.Contains("Auto-Submitted: auto-generated", mail, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERNAL-OUTCOME", mail, StringComparison.Ordinal);
        Assert.DoesNotContain("hosting.example", mail, StringComparison.Ordinal);
        Assert.DoesNotContain("{0}", mail, StringComparison.Ordinal);
        // behind the private link it stands, too
        await using var db = asking.Node.Databases.ForSystem();
        var report = await db.Reports.AsNoTracking().SingleAsync(r => r.ReporterEmail == reporter, Ct);
        Assert.Equal(1, await db.ReportMessages.CountAsync(m => m.Report == report.Id && !m.FromReporter, Ct));
        Assert.Contains(report.Number, mail, StringComparison.Ordinal);
        using var anyone = asking.Node.Anonymous();
        var status = await anyone.GetStringAsync(LinkIn(mail), Ct);
        var stands = Regex.Match(WebUtility.HtmlDecode(status), "id=\"state\".*?</section>", RegexOptions.Singleline, TimeSpan.FromSeconds(5)).Value;
        Assert.Contains(state == "resolved" ? "対応完了" : "これ以上の対応が難しいため", stands, StringComparison.Ordinal);
        Assert.Equal(state == "resolved", stands.Contains("対応完了", StringComparison.Ordinal));
        // run again, nothing is said twice
        var before = asking.Mails().Count;
        await asking.RunOutboxAsync();
        Assert.Equal(before, asking.Mails().Count);
    }

    [Fact]
    public async Task An_incident_that_is_reopened_in_time_tells_the_reporter_nothing_by_mail()
    {
        const string reporter = "reporter-reopened@informant.example";
        var request = await asking.SentAsync(reporter);
        using var closed = await DeskNode.PostAsync(asking.Smith, $"/incidents/{request.Incident}/close", ("state", "resolved"), ("outcome", "gone"), ("request-" + request.Id, "withdrawn"));
        using var reopened = await asking.Token.PostAsJsonAsync($"/api/v1/incidents/{request.Incident}/reopen", new { reason = "It is back." }, Ct);
        Assert.Equal((HttpStatusCode.SeeOther, HttpStatusCode.OK), (closed.StatusCode, reopened.StatusCode));
        await asking.AfterGraceAsync();
        Assert.DoesNotContain(asking.Mails().Where(m => m.Contains($"To: {reporter}", StringComparison.Ordinal)).Select(Readable), m => m.Contains("finished handling", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_the_team_writes_to_a_reporter_is_announced_by_mail_with_their_link_and_not_said_there()
    {
        const string reporter = "reporter-answered@informant.example";
        var request = await asking.SentAsync(reporter);
        await using var db = asking.Node.Databases.ForSystem();
        var report = await db.Reports.AsNoTracking().SingleAsync(r => r.ReporterEmail == reporter, Ct);
        using var said = await DeskNode.PostAsync(asking.Smith, $"/reports/{report.Id}/answer", ("text", "CONFIDENTIAL-WORDS"));
        Assert.Equal(HttpStatusCode.SeeOther, said.StatusCode);
        await asking.AfterGraceAsync();
        var mail = Assert.Single(asking.Mails().Where(m => m.Contains($"To: {reporter}", StringComparison.Ordinal)).Select(Readable), m => m.Contains("The team has written to you", StringComparison.Ordinal));
        Assert.DoesNotContain("CONFIDENTIAL-WORDS", mail, StringComparison.Ordinal);
        using var anyone = asking.Node.Anonymous();
        Assert.Contains("CONFIDENTIAL-WORDS", await anyone.GetStringAsync(LinkIn(mail), Ct), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Hanako Yamada", "Dear Hanako Yamada,")]
    [InlineData("confirm at https://evil.example/x", "Dear reporter,")]
    [InlineData("your account is locked, go to evil.example", "Dear reporter,")]
    [InlineData("call +81 50 0000 0000 now", "Dear reporter,")]
    public async Task What_a_stranger_gives_as_a_name_is_said_back_only_where_it_is_one(string name, string greeting)
    {
        var mail = $"greeted-{Guid.NewGuid():N}@informant.example";
        using var reported = await asking.Token.PostAsJsonAsync("/api/v1/reports", new { type = "request", summary = "no incident", language = "en", reporter = new { name, email = mail } }, Ct);
        var report = (await reported.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString();
        using var rejected = await asking.Token.PostAsJsonAsync($"/api/v1/reports/{report}/reject", new { reason = "Out of scope." }, Ct);
        Assert.True(rejected.IsSuccessStatusCode, await rejected.Content.ReadAsStringAsync(Ct));
        await asking.AfterGraceAsync();
        var said = Assert.Single(asking.Mails().Where(m => m.Contains($"To: {mail}", StringComparison.Ordinal)).Select(Readable));
        Assert.Contains(greeting, said, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", said, StringComparison.Ordinal);
    }

    /// <summary>The path of the private link that a mail gives its reader.</summary>
    private static string LinkIn(string mail) => Regex.Match(mail, "/report/status/[A-Za-z0-9_-]+", RegexOptions.NonBacktracking).Value;

    private static string Hidden(string page, string name) => Regex.Match(page, $"name=\"{name}\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;

    /// <summary>The mail with its body decoded, whichever way it was encoded.</summary>
    private static string Readable(string mail)
    {
        var at = mail.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var (head, body) = (mail[..at], mail[(at + 4)..]);
        if (head.Contains("base64", StringComparison.OrdinalIgnoreCase))
        {
            body = Encoding.UTF8.GetString(Convert.FromBase64String(body.Replace("\r\n", "", StringComparison.Ordinal)));
        }
        else if (head.Contains("quoted-printable", StringComparison.OrdinalIgnoreCase))
        {
            var bytes = new List<byte>();
            var soft = body.Replace("=\r\n", "", StringComparison.Ordinal);
            for (var i = 0; i < soft.Length; i++)
            {
                if (soft[i] == '=' && i + 2 < soft.Length)
                {
                    bytes.Add(Convert.ToByte(soft.Substring(i + 1, 2), 16));
                    i += 2;
                }
                else
                {
                    bytes.Add((byte)soft[i]);
                }
            }

            body = Encoding.UTF8.GetString([.. bytes]);
        }

        return head + "\r\n\r\n" + body;
    }
}
