using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Browser;

/// <summary>What changes on an open page by itself, and what still works where no script runs at all.</summary>
public sealed class LiveTests(Browsers browsers)
{
    [Fact]
    public async Task The_bell_counts_a_new_notification_without_a_reload()
    {
        await using var node = await TestNode.StartAsync();
        await using var context = await browsers.NewContextAsync(node.Url);
        var watched = await Watched.OpenAsync(context);
        await watched.SignInAsync("sato@aozora.example");
        var page = watched.Page;
        await page.EvaluateAsync("() => { window.stayed = true; }");
        var dot = page.Locator("[data-bell] .rk-dot");
        await Assertions.Expect(dot).ToBeHiddenAsync();
        var sato = await node.ViewerOfAsync("sato@aozora.example");
        await using (var db = node.Databases.ForSystem())
        {
            db.Notifications.Add(new Notification { Id = Guid.CreateVersion7(node.Clock.GetUtcNow()), Person = sato.Person!.Value, TextKey = "report.notify.reporter_wrote", Args = "[\"R-1\"]", Href = "/triage", At = node.Clock.GetUtcNow() });
            await db.SaveChangesAsync(TestContext.Current.CancellationToken);
        }

        await Assertions.Expect(dot).ToHaveTextAsync("1");
        await Assertions.Expect(dot).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>("() => window.stayed === true"));
        await page.ClickAsync("[data-bell]");
        await page.WaitForURLAsync("**/notifications");
        await watched.LookAsync("notifications");
        watched.AssertNothingFound();
    }

    [Fact]
    public async Task An_open_triage_page_says_that_there_are_new_reports_and_pushes_nothing_away()
    {
        await using var node = await TestNode.StartAsync();
        await using var context = await browsers.NewContextAsync(node.Url);
        var watched = await Watched.OpenAsync(context);
        await watched.SignInAsync("sato@aozora.example");
        var page = watched.Page;
        await page.GotoAsync("/triage");
        var line = page.Locator("[data-live]");
        await Assertions.Expect(line).ToBeHiddenAsync();
        using var anyone = node.Anonymous();
        using var answer = await TestNode.PostFormAsync(anyone, "/report/aozora", "/report/aozora", new() { ["kind"] = "request", ["summary"] = "live", ["disclosure"] = "none" });
        await Assertions.Expect(line).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("[data-row]")).ToHaveCountAsync(0);
        await line.Locator("a").ClickAsync();
        await Assertions.Expect(page.Locator("[data-row]")).ToHaveCountAsync(1);
        watched.AssertNothingFound();
    }

    [Fact]
    public async Task Without_script_a_report_is_sent_seen_in_triage_and_accepted()
    {
        await using var node = await TestNode.StartAsync();
        await using var outside = await browsers.NewContextAsync(node.Url, "en", 1280, script: false);
        await using var inside = await browsers.NewContextAsync(node.Url, "en", 1280, script: false);
        var reporter = await Watched.OpenAsync(outside);
        await reporter.Page.GotoAsync("/report/aozora");
        await reporter.Page.FillAsync("#summary", "No script here");
        await reporter.Page.ClickAsync("form[action='/report/aozora'] button");
        await reporter.Page.WaitForURLAsync("**/*received=1");
        await reporter.LookWithoutScriptAsync("received without script");

        var analyst = await Watched.OpenAsync(inside);
        await analyst.SignInAsync("smith@aozora.example");
        await analyst.Page.GotoAsync("/triage");
        await analyst.LookWithoutScriptAsync("triage without script");
        await analyst.Page.CheckAsync("[data-row] input[name=pick]");
        await analyst.Page.ClickAsync(".rk-bulk button[value=new]");
        await analyst.Page.WaitForURLAsync("**/triage/accept?*");
        await analyst.Page.SelectOptionAsync("#class", "fraud/phishing");
        await analyst.Page.ClickAsync("form[action='/triage/accept'] .btn-primary");
        await analyst.Page.WaitForURLAsync("**/triage");
        await analyst.LookWithoutScriptAsync("accepted without script");
        await using var db = node.Databases.ForSystem();
        Assert.Equal("No script here", (await db.Incidents.SingleAsync(TestContext.Current.CancellationToken)).Title);
        Assert.Equal(ReportState.Accepted, (await db.Reports.SingleAsync(TestContext.Current.CancellationToken)).State);
        reporter.AssertNothingFound();
        analyst.AssertNothingFound();
    }
}
