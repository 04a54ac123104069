using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Tests.Browser;

/// <summary>The whole way of a report, as the people on it go it: written, taken in, asked about, answered, closed; each page looked at on the way.</summary>
public sealed class WalkTests(Browsers browsers)
{
    private const string Reporter = "Hanako Reporter";
    private const string ReporterMail = "hanako@reporter.example";
    private const string Evil = "https://login.mizuhara-net.example/account/verify";

    [Theory]
    [InlineData("ja", 1280)]
    [InlineData("ja", 390)]
    [InlineData("en", 1280)]
    [InlineData("en", 390)]
    public async Task A_report_goes_from_the_public_form_to_a_closed_incident_by_clicking(string lang, int width)
    {
        await using var node = await TestNode.StartAsync();
        await AddContactAsync(node, lang);
        var t = new Texts(node.Services.GetRequiredService<TextBook>(), lang);
        await using var outside = await browsers.NewContextAsync(node.Url, lang, width);
        await using var inside = await browsers.NewContextAsync(node.Url, lang, width);
        var reporter = await Watched.OpenAsync(outside);
        var analyst = await Watched.OpenAsync(inside);
        var summary = lang == "ja" ? "口座の確認をよそおう偽サイト" : "A fake site that asks to confirm the account";

        try
        {
            var link = await ReportAsync(reporter, t, summary);
            await analyst.SignInAsync(lang == "ja" ? "sato@aozora.example" : "smith@aozora.example", look: true);
            await analyst.LookAsync("overview at first");
            var incident = await AcceptAsync(analyst, t, summary, width);
            await AskAsync(analyst, t, node, incident);
            await AnswerAndCloseAsync(analyst, t, node, incident);
            await ReadBackAsync(reporter, analyst, t, link);
        }
        catch (PlaywrightException e)
        {
            // what was found before the walk stopped mostly says why it did
            analyst.Fault("the walk stopped: " + e);
        }

        reporter.AssertNothingFound();
        analyst.AssertNothingFound();
        Assert.Empty(node.Services.GetRequiredService<TextBook>().Missing);
    }

    /// <summary>The public form: once wrong, then right, then the private page, where the reporter writes again.</summary>
    private static async Task<string> ReportAsync(Watched reporter, Texts t, string summary)
    {
        var page = reporter.Page;
        await page.GotoAsync("/report/aozora");
        await reporter.LookAsync("report form");
        await page.FillAsync("#summary", summary);
        await page.FillAsync("#description", $"{summary}\nhxxps://login.mizuhara-net[.]example/account/verify\n203.0.113.10\n");
        await page.FillAsync("#when", "2099-01-01 10:00");
        await page.FillAsync("#name", Reporter);
        await page.FillAsync("#email", "no mail address");
        reporter.Expected = 400;
        await page.ClickAsync("form[action='/report/aozora'] button");
        await page.WaitForSelectorAsync("#errors");
        await reporter.LookAsync("report form with errors");
        Assert.Equal(2, await page.Locator("#errors li").CountAsync());
        Assert.Equal(["email", "when"], (await Task.WhenAll((await page.Locator("[aria-invalid=true]").AllAsync()).Select(e => e.GetAttributeAsync("id")))).Order(StringComparer.Ordinal));
        Assert.Equal(summary, await page.InputValueAsync("#summary"));
        Assert.Equal(Reporter, await page.InputValueAsync("#name"));
        Assert.Equal("no mail address", await page.InputValueAsync("#email"));
        Assert.Equal("errors", await page.EvaluateAsync<string>("() => document.activeElement.id"));
        await page.FillAsync("#when", "");
        await page.FillAsync("#email", ReporterMail);
        reporter.Expected = 200;
        await page.ClickAsync("form[action='/report/aozora'] button");
        await page.WaitForURLAsync("**/*received=1");
        await reporter.LookAsync("report received");
        var number = await page.Locator("b.rk-id").First.InnerTextAsync();
        Assert.NotEmpty(number);
        // the link that is shown, not the one the browser was sent to
        var shown = await page.Locator("span.rk-obs.text-break").InnerTextAsync();
        var link = new Uri(shown).PathAndQuery;
        await page.GotoAsync(link);
        await reporter.LookAsync("report status");
        Assert.Contains(number, await page.Locator("h1").InnerTextAsync(), StringComparison.Ordinal);
        Assert.Contains(t["report_form.status.state_new"], await page.Locator("main").InnerTextAsync(), StringComparison.Ordinal);
        await page.FillAsync("#text", "one more line");
        await page.ClickAsync("main form button");
        await page.WaitForSelectorAsync("pre.rk-plain");
        Assert.Equal("one more line", await page.Locator("pre.rk-plain").InnerTextAsync());
        await reporter.LookAsync("report status with a word");
        return link;
    }

    /// <summary>Triage: by keys on a wide screen, by links on a phone. The path of the new incident.</summary>
    private static async Task<string> AcceptAsync(Watched analyst, Texts t, string summary, int width)
    {
        var page = analyst.Page;
        if (width > 1000)
        {
            await page.Keyboard.PressAsync("g");
            await page.Keyboard.PressAsync("t");
            await page.WaitForURLAsync("**/triage");
            await analyst.LookAsync("triage");
            var preview = page.Locator("#preview");
            await Assertions.Expect(preview).ToContainTextAsync("hxxps://login.mizuhara-net[.]example/account/verify");
            await Assertions.Expect(preview).ToContainTextAsync("203.0.113[.]10");
            await page.Keyboard.PressAsync("j");
            Assert.Equal(summary, await page.EvaluateAsync<string>("() => document.activeElement.textContent"));
            await page.Keyboard.PressAsync("x");
            await Assertions.Expect(page.Locator(".rk-bulk output")).ToHaveTextAsync(t["table.bulk"].Replace("{n}", "1", StringComparison.Ordinal));
            await analyst.LookAsync("triage with one ticked");
            await page.Keyboard.PressAsync("n");
        }
        else
        {
            await page.ClickAsync(".rk-needs a[href='/triage']");
            await page.WaitForURLAsync("**/triage");
            await analyst.LookAsync("triage");
            await page.ClickAsync($"text={summary}");
            await page.WaitForURLAsync("**/reports/*");
            await analyst.LookAsync("report");
            await Assertions.Expect(page.Locator("main")).ToContainTextAsync("203.0.113[.]10");
            await page.ClickAsync(".rk-acts .btn-primary");
        }

        await page.WaitForURLAsync("**/triage/accept?*");
        await analyst.LookAsync("accept");
        Assert.Equal(summary, await page.InputValueAsync("#title"));
        await page.SelectOptionAsync("#class", "fraud/phishing");
        await page.ClickAsync("form[action='/triage/accept'] .btn-primary");
        await page.WaitForSelectorAsync(".rk-toast");
        await analyst.LookAsync("after accepting");
        await page.GotoAsync("/incidents");
        await analyst.LookAsync("incidents");
        await page.ClickAsync($"main table >> text={summary}");
        await page.WaitForURLAsync("**/incidents/*");
        await analyst.LookAsync("incident");
        await Assertions.Expect(page.Locator("#targets")).ToContainTextAsync("hxxps://login.mizuhara-net[.]example/account/verify");
        return new Uri(page.Url).AbsolutePath;
    }

    /// <summary>A request: which targets, whom, exactly what; then it leaves, and it is this that has left.</summary>
    private static async Task AskAsync(Watched analyst, Texts t, TestNode node, string incident)
    {
        var page = analyst.Page;
        await page.ClickAsync($"a.btn-primary[href='{incident}/requests/new']");
        await page.WaitForURLAsync("**/requests/new");
        await analyst.LookAsync("request: targets");
        await page.ClickAsync("#purpose-card .btn-primary");
        await page.WaitForSelectorAsync("#contacts");
        await analyst.LookAsync("request: contacts");
        await Assertions.Expect(page.Locator("#contacts select").First).ToContainTextAsync("Abuse desk");
        await page.ClickAsync("main form .btn-primary");
        await page.WaitForURLAsync("**/requests/*");
        await page.WaitForSelectorAsync("#send");
        await analyst.LookAsync("request: preview");
        var text = await page.Locator("pre.rk-out").InnerTextAsync();
        Assert.Contains("hxxps://login.mizuhara-net[.]example/account/verify", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Evil, text, StringComparison.Ordinal);
        var whole = await page.Locator("#out").InnerTextAsync();
        Assert.Contains("abuse@mizuhara-net.example", whole, StringComparison.Ordinal);
        Assert.DoesNotContain(Reporter, await page.Locator("main").InnerTextAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(ReporterMail, await page.Locator("main").InnerTextAsync(), StringComparison.Ordinal);
        var subject = await page.InputValueAsync("#subject");
        var sha256 = await page.Locator("form[action$='/send'] input[name=sha256]").InputValueAsync();
        Assert.Empty(Spooled(node));
        var source = await page.APIRequest.GetAsync(new Uri(page.Url).AbsolutePath + "/message");
        var previewed = MessageId(await source.BodyAsync());

        await page.ClickAsync("form[action$='/send'] .btn-primary");
        await page.WaitForSelectorAsync("#answer");
        await analyst.LookAsync("request: sent");
        await DeliveredAsync(node);
        await page.ReloadAsync();
        await analyst.LookAsync("request: delivered");
        Assert.Contains(t["request.state.delivered"], await page.Locator(".rk-head").InnerTextAsync(), StringComparison.Ordinal);
        var left = Assert.Single(Spooled(node));
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(left)));
        Assert.Equal(previewed, MessageId(left));
        Assert.Contains(subject, Header(left, "Subject"), StringComparison.Ordinal);
        Assert.DoesNotContain(Reporter, Encoding.UTF8.GetString(left), StringComparison.Ordinal);
    }

    private static async Task AnswerAndCloseAsync(Watched analyst, Texts t, TestNode node, string incident)
    {
        var page = analyst.Page;
        await page.CheckAsync("#answer input[value=done]");
        await page.FillAsync("#answer textarea", "gone");
        await page.ClickAsync("#answer button");
        await Assertions.Expect(page.Locator(".rk-head")).ToContainTextAsync(t["request.answer.done"]);
        await analyst.LookAsync("request: answered");
        await page.ClickAsync("#close button");
        await page.WaitForSelectorAsync("#close", new() { State = WaitForSelectorState.Detached });
        await analyst.LookAsync("request: closed");
        await page.ClickAsync($".rk-crumb a[href='{incident}']");
        await page.WaitForURLAsync("**" + incident);
        await analyst.LookAsync("incident after the answer");
        await page.ClickAsync($".rk-acts a[href='{incident}/close']");
        await page.WaitForURLAsync("**/close");
        await analyst.LookAsync("close incident");
        await page.CheckAsync("input[name=state][value=resolved]");
        await page.FillAsync("textarea#outcome", t.Lang == "ja" ? "事業者が閉鎖した。" : "The operator took it down.");
        await page.ClickAsync("main form .btn-danger");
        await page.WaitForURLAsync("**" + incident + "?said=*");
        await analyst.LookAsync("incident closed");
        Assert.Contains(t["incidents.state.resolved"], await page.Locator(".rk-head").InnerTextAsync(), StringComparison.Ordinal);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(IncidentState.Resolved, (await db.Incidents.SingleAsync()).State);
    }

    private static async Task ReadBackAsync(Watched reporter, Watched analyst, Texts t, string link)
    {
        await reporter.Page.GotoAsync(link);
        await reporter.LookAsync("report status at the end");
        Assert.Contains(t["report_form.status.state_resolved"], await reporter.Page.Locator("#state-h, #state, main .card").First.InnerTextAsync(), StringComparison.Ordinal);

        var page = analyst.Page;
        await page.GotoAsync("/");
        await analyst.LookAsync("overview at the end");
        foreach (var href in await page.Locator(".rk-needs a").EvaluateAllAsync<string[]>("all => all.map(a => a.getAttribute('href'))"))
        {
            var answer = await page.APIRequest.GetAsync(href);
            Assert.True(answer.Ok, href);
        }

        Assert.Equal(1, await page.Locator("[data-chart][data-table=months-t] canvas").CountAsync());
        await page.ClickAsync("#months summary");
        Assert.True(await page.Locator("#months-t tbody tr").CountAsync() > 0);
        await analyst.LookAsync("overview with the chart's table");
    }

    private static async Task AddContactAsync(TestNode node, string lang)
    {
        var own = Marking.Own((await node.TeamAsync("aozora")).Id);
        await using var db = node.Databases.ForSystem();
        var team = new Team { Id = TeamId.New(node.Clock), Marking = own, Name = "みずはらネット", NameLatin = "Mizuhara Net", Slug = "mizuhara-net", What = TeamKind.Isp, Country = "JP" };
        var contact = new Contact { Id = ContactId.New(node.Clock), Marking = own, Team = team.Id, Name = "Abuse desk", Role = ContactRole.AbuseDesk, Mail = "abuse@mizuhara-net.example", Languages = lang };
        var (from, to, length) = ContactFinder.Range("203.0.113.0/25");
        db.AddRange(
            team,
            contact,
            new Constituency { Id = ConstituencyId.New(node.Clock), Marking = own, Team = team.Id, Contact = contact.Id, What = ConstituencyKind.Prefix, Value = "203.0.113.0/25", From = from, To = to, Length = length },
            new Constituency { Id = ConstituencyId.New(node.Clock), Marking = own, Team = team.Id, Contact = contact.Id, What = ConstituencyKind.Domain, Value = "mizuhara-net.example" });
        await db.SaveChangesAsync();
    }

    /// <summary>Waits for the outbox: half a minute at most.</summary>
    private static async Task DeliveredAsync(TestNode node)
    {
        for (var i = 0; i < 150; i++)
        {
            await using var db = node.Databases.ForSystem();
            if (await db.Requests.AnyAsync(r => r.State == RequestState.Delivered))
            {
                return;
            }

            await Task.Delay(200);
        }

        Assert.Fail("The request was not delivered within 30 s.");
    }

    private static List<byte[]> Spooled(TestNode node)
    {
        var spool = Path.Combine(node.Folder, "spool");
        return Directory.Exists(spool) ? [.. Directory.EnumerateFiles(spool, "*.eml").Select(File.ReadAllBytes)] : [];
    }

    private static string MessageId(byte[] message) => Header(message, "Message-ID");

    /// <summary>A header's text: unfolded, its encoded words (RFC 2047) read by code of the test's own.</summary>
    private static string Header(byte[] message, string name)
    {
        var head = Encoding.ASCII.GetString(message).Split("\r\n\r\n")[0].Replace("\r\n ", " ", StringComparison.Ordinal);
        var value = head.Split("\r\n").Single(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))[(name.Length + 1)..].Trim();
        // the space between two encoded words is none (RFC 2047 §6.2)
        value = Regex.Replace(value, @"\?=\s+=\?", "?==?", RegexOptions.NonBacktracking);
        return Regex.Replace(value, @"=\?utf-8\?(?<kind>[bq])\?(?<text>[^?]*)\?=", m => Word(m.Groups["kind"].Value, m.Groups["text"].Value), RegexOptions.IgnoreCase | RegexOptions.NonBacktracking);
    }

    private static string Word(string kind, string text)
    {
        if (kind is "b" or "B")
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(text));
        }

        return Encoding.UTF8.GetString([.. Regex.Matches(text, "=([0-9A-F]{2})|.", RegexOptions.NonBacktracking).Select(m => m.Groups[1].Success ? Convert.ToByte(m.Groups[1].Value, 16) : (byte)(m.Value == "_" ? ' ' : m.Value[0]))]);
    }
}
