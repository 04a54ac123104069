using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Mail.Transport;
using Renkei.Store;

namespace Renkei.Node.Tests.Requests;

/// <summary>A transport that does what the test says, and keeps what it was handed.</summary>
public sealed class SaidTransport(Func<DeliveryResult> answer) : IMailTransport
{
    public List<(Envelope Envelope, byte[] Message)> Sent { get; } = [];

    public Task<DeliveryResult> SendAsync(Envelope envelope, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        Sent.Add((envelope, message.ToArray()));
        return Task.FromResult(answer());
    }
}

/// <summary>What leaves the house: what the rule lets go, exactly as previewed, once.</summary>
public class SendTests
{
    private const string CanaryName = "Kanariya Tsubame";
    private const string CanaryMail = "tsubame.kanariya@informant.example";
    private const string CanaryPhone = "+81 3 5550 7788";
    private const string CanaryOrganisation = "Tsubame Trading";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Tlp.Red)]
    [InlineData(Tlp.AmberStrict)]
    public async Task What_is_stricter_than_AMBER_does_not_go_to_a_stranger_and_the_page_says_why(Tlp level)
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync();
        await desk.ChangeAsync(async db =>
        {
            var incident = await db.Incidents.SingleAsync(i => i.Id == request.Incident, Ct);
            // RED for the desk's people, so that they see it at all
            incident.Marking = level == Tlp.Red ? Marking.RedAtIntake(incident.Marking.Origin) with { Audience = new([Principal.Of(incident.Marking.Origin, Role.Analyst)]) } : Marking.Own(incident.Marking.Origin, level);
        });
        using var sato = await desk.Node.SignedInAsync("smith@aozora.example");
        var (hash, date, html) = await PreviewAsync(sato, request.Id);
        using var sent = await TestNode.PostFormAsync(sato, $"/requests/{request.Id}", $"/requests/{request.Id}/send", new() { ["sha256"] = hash ?? new string('0', 64), ["date"] = date ?? "0" });
        Assert.Equal(HttpStatusCode.Conflict, sent.StatusCode);
        var texts = new Renkei.Web.Texts(desk.Node.Services.GetRequiredService<Renkei.Web.TextBook>(), "en");
        Assert.Contains(texts[level == Tlp.Red ? "request.rule.red-named-only" : "request.rule.strict-team-only"], WebUtility.HtmlDecode(await sent.Content.ReadAsStringAsync(Ct)), StringComparison.Ordinal);
        Assert.Contains("rk-note", html, StringComparison.Ordinal);
        await desk.NothingLeftAsync(request.Id);
        await using var db = desk.Node.Databases.ForSystem();
        Assert.True(await db.Audit.AnyAsync(a => a.Action == "request.refused", Ct), "the refusal is not in the audit log");
    }

    [Theory]
    [InlineData(Tlp.Red)]
    [InlineData(Tlp.AmberStrict)]
    public async Task A_token_hears_the_refusal_with_its_reasons(Tlp level)
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync();
        await desk.ChangeAsync(async db =>
        {
            var incident = await db.Incidents.SingleAsync(i => i.Id == request.Incident, Ct);
            incident.Marking = level == Tlp.Red ? Marking.RedAtIntake(incident.Marking.Origin) : Marking.Own(incident.Marking.Origin, level);
        });
        using var answer = await desk.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/send", new { }, Ct);
        if (level == Tlp.Red)
        {
            // nothing RED reaches a token: for it the incident, and what would be said about it, are not there
            Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict, answer.StatusCode.ToString());
        }
        else
        {
            Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
            Assert.Contains("why.strict-team-only", problem.GetProperty("why").EnumerateArray().Select(w => w.GetString()));
        }

        await desk.NothingLeftAsync(request.Id);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task AMBER_goes_to_the_contact_who_answers_for_the_target_and_the_outbox_run_twice_writes_it_once(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var request = await desk.DraftAsync();
        Assert.Equal("abuse@hosting.example", request.RecipientMail);
        await desk.SendAsync(request.Id);
        await desk.RunOutboxAsync();
        Assert.Single(Directory.GetFiles(Path.Combine(desk.Node.Folder, "spool"), "*.eml"));
        // the process died after the effect and before the mark: the row is due again
        await desk.ChangeAsync(async db =>
        {
            var row = await db.Outbox.SingleAsync(o => o.Record == request.Id.Value, Ct);
            (row.State, row.DoneAt, row.DueAt, row.ClaimedUntil) = (OutboxState.Waiting, null, desk.Node.Clock.GetUtcNow(), null);
        });
        await desk.RunOutboxAsync();
        Assert.Single(Directory.GetFiles(Path.Combine(desk.Node.Folder, "spool"), "*.eml"));
        await using var after = desk.Node.Databases.ForSystem();
        var stored = await after.Requests.SingleAsync(r => r.Id == request.Id, Ct);
        Assert.Equal(RequestState.Delivered, stored.State);
        Assert.Equal(1, await after.RequestEvents.CountAsync(e => e.Request == request.Id && e.State == RequestState.Delivered, Ct));
        var mail = await File.ReadAllBytesAsync(Directory.GetFiles(Path.Combine(desk.Node.Folder, "spool"), "*.eml")[0], Ct);
        Assert.Equal(stored.MessageSha256, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(mail)));
    }

    [Fact]
    public async Task What_was_previewed_leaves_or_nothing_does()
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync();
        var preview = await desk.Token.GetFromJsonAsync<JsonElement>($"/api/v1/requests/{request.Id}/preview", Ct);
        Assert.True(preview.GetProperty("mayLeave").GetBoolean());
        await desk.ChangeAsync(async db => (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).Body += "\nOne more line.");
        using var changed = await desk.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/send", new { sha256 = preview.GetProperty("sha256").GetString(), date = preview.GetProperty("date").GetString() }, Ct);
        Assert.Equal(HttpStatusCode.Conflict, changed.StatusCode);
        await desk.NothingLeftAsync(request.Id);
        // and the same in the browser
        using var smith = await desk.Node.SignedInAsync("smith@aozora.example");
        using var page = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", $"/requests/{request.Id}/send", new() { ["sha256"] = new string('a', 64), ["date"] = desk.Node.Clock.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture) });
        Assert.Equal(HttpStatusCode.Conflict, page.StatusCode);
        await desk.NothingLeftAsync(request.Id);
        // looked at again, it leaves as seen
        var again = await desk.Token.GetFromJsonAsync<JsonElement>($"/api/v1/requests/{request.Id}/preview", Ct);
        using var sent = await desk.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/send", new { sha256 = again.GetProperty("sha256").GetString(), date = again.GetProperty("date").GetString() }, Ct);
        Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        // and sending it twice is refused: it is no draft any more
        using var twice = await desk.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/send", new { }, Ct);
        Assert.Equal(HttpStatusCode.Conflict, twice.StatusCode);
        await using var db = desk.Node.Databases.ForSystem();
        Assert.Equal(1, await db.Outbox.CountAsync(o => o.Record == request.Id.Value, Ct));
    }

    [Theory]
    [InlineData("none", false)]
    [InlineData("organization", true)]
    [InlineData("full", true)]
    public async Task The_reporter_stays_unnamed_unless_they_said_otherwise_and_a_person_is_named_by_a_person_only(string disclosure, bool organisation)
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync(disclosure);
        await desk.SendAsync(request.Id);
        await desk.RunOutboxAsync();
        var mail = Readable(await File.ReadAllBytesAsync(Directory.GetFiles(Path.Combine(desk.Node.Folder, "spool"), "*.eml")[0], Ct));
        Assert.Contains("phish[.]example", mail, StringComparison.Ordinal);
        Assert.Equal(organisation, mail.Contains(CanaryOrganisation, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(CanaryName, mail, StringComparison.OrdinalIgnoreCase);
        // however much may be said of who reported, the way to reach them may not
        Assert.DoesNotContain("tsubame.kanariya", mail, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("informant", mail, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("5550 7788", mail, StringComparison.Ordinal);
        Assert.DoesNotContain("REF-CANARY", mail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CanaryName, "request.leak.name")]
    [InlineData(CanaryMail, "request.leak.mail")]
    [InlineData("tsubame[.]kanariya[@]informant[.]example", "request.leak.mail")]
    [InlineData(CanaryPhone, "request.leak.phone")]
    public async Task A_reporter_who_may_not_be_named_stops_the_message_that_names_them(string written, string leak)
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync();
        await desk.ChangeAsync(async db => (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).Body += "\nReported by " + written);
        using var answer = await desk.Token.PostAsJsonAsync($"/api/v1/requests/{request.Id}/send", new { }, Ct);
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Contains(leak, (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("why").EnumerateArray().Select(w => w.GetString()));
        await desk.NothingLeftAsync(request.Id);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Another_address_is_another_recipient_and_needs_a_reason_of_its_own(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var request = await desk.DraftAsync();
        // AMBER+STRICT goes to teams of the audience: the team behind the directory's contact is one
        await desk.ChangeAsync(async db =>
        {
            var incident = await db.Incidents.SingleAsync(i => i.Id == request.Incident, Ct);
            incident.Marking = Marking.Own(incident.Marking.Origin, Tlp.AmberStrict) with { Audience = new([Principal.Of(request.RecipientTeam!.Value)]) };
        });
        Assert.True((await desk.Token.GetFromJsonAsync<JsonElement>($"/api/v1/requests/{request.Id}/preview", Ct)).GetProperty("mayLeave").GetBoolean());
        using var smith = await desk.Node.SignedInAsync("smith@aozora.example");
        var fields = new Dictionary<string, string> { ["version"] = request.Version.ToString(System.Globalization.CultureInfo.InvariantCulture), ["mail"] = "someone@elsewhere.example" };
        using var without = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", $"/requests/{request.Id}", fields);
        Assert.Equal(HttpStatusCode.BadRequest, without.StatusCode);
        Assert.Contains("href=\"#why\"", await without.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        await using (var db = desk.Node.Databases.ForSystem())
        {
            Assert.Equal("abuse@hosting.example", (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).RecipientMail);
        }

        using var with = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", $"/requests/{request.Id}", new(fields) { ["why"] = "named in WHOIS" });
        Assert.Equal(HttpStatusCode.SeeOther, with.StatusCode);
        await using (var db = desk.Node.Databases.ForSystem())
        {
            var stored = await db.Requests.SingleAsync(r => r.Id == request.Id, Ct);
            Assert.Equal(("someone@elsewhere.example", (ContactId?)null, (TeamId?)null), (stored.RecipientMail, stored.Contact, stored.RecipientTeam));
            Assert.Contains("named in WHOIS", stored.Why, StringComparison.Ordinal);
        }

        // and the rule, asked about the stranger, refuses
        var preview = await desk.Token.GetFromJsonAsync<JsonElement>($"/api/v1/requests/{request.Id}/preview", Ct);
        Assert.False(preview.GetProperty("mayLeave").GetBoolean());
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Another_team_s_claim_to_a_target_draws_no_mail_that_nobody_looked_at(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var request = await desk.DraftAsync();
        await desk.ChangeAsync(async db => await ClaimAsync(db, desk.Node, "203.0.113.24/32"));
        // where our own directory knows someone, a claim of another team to the single address changes nothing
        using var again = await desk.Token.PostAsJsonAsync($"/api/v1/incidents/{request.Incident}/requests", new { purpose = "takedown", targets = await desk.TargetsAsync(request.Incident), send = true }, Ct);
        var sent = await again.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.All(sent.GetProperty("items").EnumerateArray(), i => Assert.DoesNotContain("Claimant", i.GetProperty("recipientName").GetString(), StringComparison.Ordinal));
        await desk.ChangeAsync(async db =>
        {
            db.Constituencies.RemoveRange(await db.Constituencies.Where(c => c.Value != "203.0.113.24/32").ToListAsync(Ct));
            await ClaimAsync(db, desk.Node, "phish.example", "second");
        });
        // where only others claim it, it is drafted and waits for a person
        using var held = await desk.Token.PostAsJsonAsync($"/api/v1/incidents/{request.Incident}/requests", new { purpose = "takedown", targets = await desk.TargetsAsync(request.Incident), send = true }, Ct);
        Assert.Equal(HttpStatusCode.Created, held.StatusCode);
        var answer = await held.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.All(answer.GetProperty("items").EnumerateArray(), i => Assert.Equal("draft", i.GetProperty("state").GetString()));
        Assert.Equal(answer.GetProperty("items").GetArrayLength(), answer.GetProperty("held").GetArrayLength());
        await using (var db = desk.Node.Databases.ForSystem())
        {
            Assert.False(await db.Outbox.AnyAsync(o => o.Payload.Contains("claimant.example"), Ct));
        }

        // and the page says whose word it is
        using var smith = await desk.Node.SignedInAsync("smith@aozora.example");
        using var proposed = await TestNode.PostFormAsync(smith, $"/incidents/{request.Incident}/requests/new", $"/incidents/{request.Incident}/requests/new", new() { ["target"] = (await desk.TargetsAsync(request.Incident))[0].ToString(), ["purpose"] = "takedown" });
        Assert.Contains("Maintained by Minato University CSIRT, not by us", WebUtility.HtmlDecode(await proposed.Content.ReadAsStringAsync(Ct)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Closing_says_that_requests_are_open_and_not_how_many()
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync();
        // one that a token may not know of
        await desk.ChangeAsync(async db => (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).Marking = Marking.RedAtIntake(request.Marking.Origin));
        using var closed = await desk.Token.PostAsJsonAsync($"/api/v1/incidents/{request.Incident}/close", new { state = "resolved", outcome = "done" }, Ct);
        Assert.Equal(HttpStatusCode.Conflict, closed.StatusCode);
        Assert.DoesNotMatch("[0-9]", (await closed.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("detail").GetString()!.Replace("/api/v1/", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AMBER_is_released_by_a_person_who_has_just_shown_that_it_is_they()
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync();
        var jar = new CookieContainer();
        using var smith = await BrowserAsync(desk.Node, jar);
        // a quarter of an hour later
        var shown = Forget(jar);
        var (hash, date, _) = await PreviewAsync(smith, request.Id);
        using var asked = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", $"/requests/{request.Id}/send", new() { ["sha256"] = hash!, ["date"] = date! });
        Assert.Equal($"/me/confirm?back=%2Frequests%2F{request.Id}", asked.Headers.Location?.ToString());
        using var several = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", "/requests/send", new() { ["item"] = $"{request.Id}:{hash}", ["date"] = date! });
        Assert.StartsWith("/me/confirm", several.Headers.Location?.ToString(), StringComparison.Ordinal);
        // what another session has shown says nothing about this one
        var otherJar = new CookieContainer();
        using var other = await BrowserAsync(desk.Node, otherJar);
        Forget(otherJar);
        otherJar.Add(new Uri(desk.Node.Url), new Cookie("renkei-confirmed", shown) { Path = "/" });
        using var borrowed = await TestNode.PostFormAsync(other, $"/requests/{request.Id}", $"/requests/{request.Id}/send", new() { ["sha256"] = hash!, ["date"] = date! });
        Assert.StartsWith("/me/confirm", borrowed.Headers.Location?.ToString(), StringComparison.Ordinal);
        await desk.NothingLeftAsync(request.Id);
        var page = asked.Headers.Location!.ToString();
        using var wrong = await TestNode.PostFormAsync(smith, page, "/me/confirm", new() { ["secret"] = "not the password", ["back"] = $"/requests/{request.Id}" });
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        using var right = await TestNode.PostFormAsync(smith, page, "/me/confirm", new() { ["secret"] = Demo.DemoTeams.Password, ["back"] = $"/requests/{request.Id}" });
        Assert.Equal($"/requests/{request.Id}", right.Headers.Location?.ToString());
        using var sent = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", $"/requests/{request.Id}/send", new() { ["sha256"] = hash!, ["date"] = date! });
        Assert.Equal($"/requests/{request.Id}", sent.Headers.Location?.ToString());
        await using var db = desk.Node.Databases.ForSystem();
        Assert.Equal(RequestState.Sent, (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).State);
        // a reminder tells the same again
        Forget(jar);
        using var reminded = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", $"/requests/{request.Id}/remind", new() { ["sha256"] = hash!, ["date"] = date!, ["due"] = date! });
        Assert.Equal($"/me/confirm?back=%2Frequests%2F{request.Id}%2Fremind", reminded.Headers.Location?.ToString());
    }

    [Fact]
    public async Task GREEN_leaves_without_being_asked_again()
    {
        await using var desk = await Desk.StartAsync();
        var request = await desk.DraftAsync();
        await desk.ChangeAsync(async db =>
        {
            var incident = await db.Incidents.SingleAsync(i => i.Id == request.Incident, Ct);
            incident.Marking = Marking.Own(incident.Marking.Origin, Tlp.Green, Pap.Green);
        });
        var jar = new CookieContainer();
        using var smith = await BrowserAsync(desk.Node, jar);
        Forget(jar);
        var (hash, date, _) = await PreviewAsync(smith, request.Id);
        using var sent = await TestNode.PostFormAsync(smith, $"/requests/{request.Id}", $"/requests/{request.Id}/send", new() { ["sha256"] = hash!, ["date"] = date! });
        Assert.Equal($"/requests/{request.Id}", sent.Headers.Location?.ToString());
        await using var db = desk.Node.Databases.ForSystem();
        Assert.Equal(RequestState.Sent, (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).State);
    }

    private static async Task<HttpClient> BrowserAsync(TestNode node, CookieContainer jar)
    {
        var client = new HttpClient(new HttpClientHandler { CookieContainer = jar, AllowAutoRedirect = false }) { BaseAddress = new Uri(node.Url) };
        using var answer = await TestNode.PostFormAsync(client, "/sign-in", "/sign-in", new() { ["email"] = "smith@aozora.example", ["password"] = Demo.DemoTeams.Password });
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        return client;
    }

    /// <summary>Takes the cookie that says what was shown out of the browser; returns it.</summary>
    private static string Forget(CookieContainer jar)
    {
        var cookie = jar.GetAllCookies().Single(c => c.Name == "renkei-confirmed" && !c.Expired);
        cookie.Expired = true;
        return cookie.Value;
    }

    /// <summary>Minato says in an entry that it shares with everybody on the node that it answers for this.</summary>
    private static async Task ClaimAsync(NodeDb db, TestNode node, string value, string slug = "claimant")
    {
        var minato = await db.Teams.SingleAsync(t => t.Slug == "minato", Ct);
        var team = new Team { Id = TeamId.New(node.Clock), Marking = minato.Marking, Name = "Claimant", NameLatin = "Claimant", Slug = slug, What = TeamKind.Company };
        db.Teams.Add(team);
        var contact = TestDirectory.Contact(db, node, team, "desk", slug + "@claimant.example");
        TestDirectory.Piece(db, node, team, contact, value.Contains('/', StringComparison.Ordinal) ? ConstituencyKind.Prefix : ConstituencyKind.Domain, value);
    }

    [Fact]
    public async Task A_mailbox_that_is_refused_marks_the_request_bounced_and_the_contact()
    {
        var transport = new SaidTransport(() => new DeliveryResult.Rejected(550, "5.1.1 <abuse@hosting.example>: no such user"));
        await using var desk = await Desk.StartAsync(adjust: b => b.Services.AddSingleton<IMailTransport>(transport));
        var request = await desk.DraftAsync();
        await desk.SendAsync(request.Id);
        await desk.RunOutboxAsync();
        await desk.RunOutboxAsync();
        Assert.Single(transport.Sent);
        await using var db = desk.Node.Databases.ForSystem();
        Assert.Equal(RequestState.Bounced, (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).State);
        Assert.NotNull((await db.Contacts.SingleAsync(c => c.Id == request.Contact, Ct)).BouncedAt);
        Assert.Equal(Waiting.Us, (await db.Incidents.SingleAsync(i => i.Id == request.Incident, Ct)).Waiting);
        var row = await db.Outbox.SingleAsync(o => o.Record == request.Id.Value, Ct);
        Assert.Equal(OutboxState.Stuck, row.State);
        Assert.DoesNotContain("abuse@hosting.example", row.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_away_is_tried_again_with_the_same_message()
    {
        var tries = 0;
        var transport = new SaidTransport(() => ++tries == 1 ? new DeliveryResult.Deferred("451 come back later") : new DeliveryResult.Accepted("250 ok"));
        await using var desk = await Desk.StartAsync(adjust: b => b.Services.AddSingleton<IMailTransport>(transport));
        var request = await desk.DraftAsync();
        await desk.SendAsync(request.Id);
        await desk.RunOutboxAsync();
        await using (var db = desk.Node.Databases.ForSystem())
        {
            var row = await db.Outbox.SingleAsync(o => o.Record == request.Id.Value, Ct);
            Assert.Equal(OutboxState.Waiting, row.State);
            Assert.True(row.DueAt > desk.Node.Clock.GetUtcNow());
            Assert.Equal(RequestState.Sent, (await db.Requests.SingleAsync(r => r.Id == request.Id, Ct)).State);
        }

        await desk.ChangeAsync(async db => (await db.Outbox.SingleAsync(o => o.Record == request.Id.Value, Ct)).DueAt = desk.Node.Clock.GetUtcNow());
        await desk.RunOutboxAsync();
        Assert.Equal(2, transport.Sent.Count);
        Assert.Equal(transport.Sent[0].Message, transport.Sent[1].Message);
        await using var after = desk.Node.Databases.ForSystem();
        Assert.Equal(RequestState.Delivered, (await after.Requests.SingleAsync(r => r.Id == request.Id, Ct)).State);
    }

    /// <summary>A mail as text: base64 and quoted-printable parts decoded, headers with encoded words too, beside the raw bytes.</summary>
    private static string Readable(byte[] mail)
    {
        var raw = Encoding.Latin1.GetString(mail);
        var text = new StringBuilder(raw);
        foreach (var part in raw.Split("\r\n\r\n").Skip(1))
        {
            var body = part.Split("\r\n--")[0];
            var joined = body.Replace("\r\n", "", StringComparison.Ordinal);
            if (joined.Length > 0 && joined.Length % 4 == 0 && joined.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/' or '='))
            {
                text.Append('\n').Append(Encoding.UTF8.GetString(Convert.FromBase64String(joined)));
            }

            var soft = body.Replace("=\r\n", "", StringComparison.Ordinal);
            text.Append('\n').Append(System.Text.RegularExpressions.Regex.Replace(soft, "=([0-9A-F]{2})", m => ((char)Convert.ToByte(m.Groups[1].Value, 16)).ToString(), System.Text.RegularExpressions.RegexOptions.NonBacktracking));
        }

        foreach (System.Text.RegularExpressions.Match word in System.Text.RegularExpressions.Regex.Matches(raw, @"=\?[^?]+\?[Bb]\?([^?]*)\?=", System.Text.RegularExpressions.RegexOptions.NonBacktracking))
        {
            text.Append('\n').Append(Encoding.UTF8.GetString(Convert.FromBase64String(word.Groups[1].Value)));
        }

        return text.ToString();
    }

    private static async Task<(string? Hash, string? Date, string Html)> PreviewAsync(HttpClient client, RequestId id)
    {
        var html = await client.GetStringAsync($"/requests/{id}", Ct);
        var hash = System.Text.RegularExpressions.Regex.Match(html, "name=\"sha256\" value=\"([0-9a-f]+)\"", System.Text.RegularExpressions.RegexOptions.NonBacktracking);
        var date = System.Text.RegularExpressions.Regex.Match(html, "name=\"date\" value=\"([0-9]+)\"", System.Text.RegularExpressions.RegexOptions.NonBacktracking);
        return (hash.Success ? hash.Groups[1].Value : null, date.Success ? date.Groups[1].Value : null, html);
    }

    /// <summary>A node whose directory knows who answers for the walk's target, and a report that became an incident.</summary>
    private sealed class Desk : IAsyncDisposable
    {
        public required TestNode Node { get; init; }

        public required HttpClient Token { get; init; }

        public static async Task<Desk> StartAsync(string engine = "sqlite", Action<WebApplicationBuilder>? adjust = null)
        {
            // the outbox runs when the test says so
            var node = await TestNode.StartAsync(engine, adjust: b =>
            {
                foreach (var worker in b.Services.Where(s => s.ServiceType == typeof(IHostedService) && (s.ImplementationType == typeof(OutboxWorker) || s.ImplementationFactory?.Method.ReturnType == typeof(OutboxWorker))).ToList())
                {
                    b.Services.Remove(worker);
                }

                adjust?.Invoke(b);
            });
            await using var db = node.Databases.ForSystem();
            var book = await TestDirectory.TeamAsync(db, node, "hosting", "星空ホスティング", "Hoshizora Hosting");
            var contact = TestDirectory.Contact(db, node, book, "Abuse desk", "abuse@hosting.example");
            TestDirectory.Piece(db, node, book, contact, ConstituencyKind.Domain, "phish.example");
            TestDirectory.Piece(db, node, book, contact, ConstituencyKind.Prefix, "203.0.113.0/24");
            await db.SaveChangesAsync(Ct);
            return new Desk { Node = node, Token = await node.WithTokenAsync("aozora") };
        }

        /// <summary>One report of the canary, accepted, and one draft to the contact that answers for its targets.</summary>
        public async Task<CoordinationRequest> DraftAsync(string disclosure = "none")
        {
            object may = disclosure switch { "full" => true, "none" => false, _ => disclosure };
            using var reported = await Token.PostAsJsonAsync("/api/v1/reports", new
            {
                type = "request",
                summary = "Phishing at hxxps://login[.]phish[.]example/verify",
                description = "On 203.0.113.24.",
                language = "en",
                mayDiscloseReporter = may,
                reporter = new { name = CanaryName, email = CanaryMail, phone = CanaryPhone, organization = CanaryOrganisation, reference = "REF-CANARY" },
            }, Ct);
            var report = (await reported.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString();
            using var accepted = await Token.PostAsJsonAsync($"/api/v1/reports/{report}/accept", new { category = "fraud", type = "phishing" }, Ct);
            Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
            var incident = (await accepted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("incidentId").GetString();
            using var drafted = await Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown" }, Ct);
            Assert.True(drafted.StatusCode == HttpStatusCode.Created, await drafted.Content.ReadAsStringAsync(Ct));
            var items = (await drafted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items");
            Assert.Equal(1, items.GetArrayLength());
            var id = RequestId.Parse(items[0].GetProperty("id").GetString()!, null);
            await using var db = Node.Databases.ForSystem();
            return await db.Requests.AsNoTracking().SingleAsync(r => r.Id == id, Ct);
        }

        public async Task<Guid[]> TargetsAsync(IncidentId incident)
        {
            await using var db = Node.Databases.ForSystem();
            return await db.IncidentTargets.Where(t => t.Incident == incident && t.RemovedAt == null).Select(t => t.Id).ToArrayAsync(Ct);
        }

        public async Task SendAsync(RequestId id)
        {
            using var sent = await Token.PostAsJsonAsync($"/api/v1/requests/{id}/send", new { }, Ct);
            Assert.True(sent.StatusCode == HttpStatusCode.OK, await sent.Content.ReadAsStringAsync(Ct));
        }

        public async Task RunOutboxAsync()
        {
            var worker = Node.Services.GetRequiredService<OutboxWorker>();
            await worker.RunDueAsync(Ct);
        }

        public async Task ChangeAsync(Func<NodeDb, Task> change)
        {
            await using var db = Node.Databases.ForSystem();
            await change(db);
            await db.SaveChangesAsync(Ct);
        }

        public async Task NothingLeftAsync(RequestId id)
        {
            await using var db = Node.Databases.ForSystem();
            Assert.Equal(RequestState.Draft, (await db.Requests.SingleAsync(r => r.Id == id, Ct)).State);
            Assert.False(await db.Outbox.AnyAsync(o => o.Record == id.Value, Ct));
        }

        public ValueTask DisposeAsync()
        {
            Token.Dispose();
            return Node.DisposeAsync();
        }
    }
}
