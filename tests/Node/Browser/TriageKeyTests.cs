using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.Browser;

/// <summary>A day's triage without a mouse: each letter does what the key list says, with what is ticked or with the row that is selected.</summary>
public sealed class TriageKeyTests(Browsers browsers, DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_letter_leads_from_the_ticked_reports_to_its_page()
    {
        var reports = new[] { await desk.ReportAsync("ticked one"), await desk.ReportAsync("ticked two", "198.51.100.9") };
        await using var context = await browsers.NewContextAsync(desk.Node.Url, "en", 1400);
        var page = await SignedInAsync(context);
        foreach (var (key, path) in new[] { ("a", "/triage/accept?into=proposed"), ("l", "/triage/accept?into=existing"), ("n", "/triage/accept?into=new"), ("d", "/triage/duplicate"), ("r", "/triage/reject"), ("s", "/triage/assign") })
        {
            await page.GotoAsync("/triage");
            await Assertions.Expect(page.Locator("[data-bulk]")).ToBeHiddenAsync();
            foreach (var report in reports)
            {
                await page.Locator($"tr[data-row]:has(input[value='{report}'])").ClickAsync(new() { Position = new() { X = 300, Y = 4 } });
                await page.Keyboard.PressAsync("x");
            }

            await Assertions.Expect(page.Locator("[data-bulk]")).ToBeVisibleAsync();
            await page.Keyboard.PressAsync(key);
            await page.WaitForURLAsync(url => new Uri(url).AbsolutePath == path.Split('?')[0]);
            foreach (var report in reports)
            {
                Assert.Contains("pick=" + report, page.Url, StringComparison.Ordinal);
            }

            if (path.Contains('?', StringComparison.Ordinal))
            {
                Assert.Contains(path.Split('?')[1], page.Url, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Without_a_tick_the_letters_act_on_the_report_beside_the_queue_and_u_takes_the_last_act_back()
    {
        var report = await desk.ReportAsync("beside the queue", "203.0.113.99");
        await using var context = await browsers.NewContextAsync(desk.Node.Url, "en", 1400);
        var page = await SignedInAsync(context);
        foreach (var (key, path) in new[] { ("p", "/triage/split"), ("r", "/triage/reject"), ("d", "/triage/duplicate"), ("l", "/triage/accept") })
        {
            await SelectAsync(page, report);
            await page.Keyboard.PressAsync(key);
            await page.WaitForURLAsync(url => new Uri(url).AbsolutePath == path && url.Contains("pick=" + report, StringComparison.Ordinal));
        }

        // s: hers now
        await SelectAsync(page, report);
        await ActAsync(page, "s");
        var smith = await TestPeople.IdOfAsync(desk.Node, "smith@aozora.example");
        Assert.Equal(smith, (await desk.StateAsync(report)).Assignee);
        // u: nobody's again
        await ActAsync(page, "u");
        Assert.Null((await desk.StateAsync(report)).Assignee);
        // r, a reason, and it is gone from the queue; u brings it back
        await SelectAsync(page, report);
        await page.Keyboard.PressAsync("r");
        await page.WaitForURLAsync("**/triage/reject**");
        await page.FillAsync("#reason", "Not ours to handle.");
        await page.ClickAsync("form[action='/triage/reject'] button.btn-danger, form[action='/triage/reject'] button.btn-primary");
        await page.WaitForURLAsync("**/triage");
        await page.WaitForLoadStateAsync();
        Assert.Equal((ReportState.Rejected, "Not ours to handle."), ((await desk.StateAsync(report)).State, (await desk.StateAsync(report)).RejectReason));
        await Assertions.Expect(page.Locator($"tr[data-row]:has(input[value='{report}'])")).ToHaveCountAsync(0);
        await ActAsync(page, "u");
        await Assertions.Expect(page.Locator($"tr[data-row]:has(input[value='{report}'])")).ToHaveCountAsync(1);
        Assert.Equal(ReportState.New, (await desk.StateAsync(report)).State);
        // a: as the class that was proposed, or on to choose one
        await SelectAsync(page, report);
        await page.Keyboard.PressAsync("a");
        await page.WaitForURLAsync(url => new Uri(url).AbsolutePath == "/triage/accept" && url.Contains("pick=" + report, StringComparison.Ordinal));
        await using var db = desk.Node.Databases.ForSystem();
        Assert.False(await db.ReportLinks.AnyAsync(l => l.Report == report, Ct));
    }

    /// <summary>Selects the report's row and waits until it stands beside the queue.</summary>
    private static async Task SelectAsync(IPage page, ReportId report)
    {
        await page.GotoAsync("/triage");
        var row = page.Locator($"tr[data-row]:has(input[value='{report}'])");
        await row.ClickAsync(new() { Position = new() { X = 300, Y = 4 } });
        await Assertions.Expect(row).ToHaveAttributeAsync("aria-selected", "true");
        await Assertions.Expect(page.Locator($"#preview a[href='/triage/split?pick={report}']")).ToBeVisibleAsync();
    }

    /// <summary>Presses a key that does something at once, and waits for the page that follows: it has the address of the one before.</summary>
    private static async Task ActAsync(IPage page, string key)
    {
        await page.EvaluateAsync("() => { window.before = true; }");
        await page.Keyboard.PressAsync(key);
        await page.WaitForFunctionAsync("() => !window.before && document.readyState === 'complete'");
        Assert.Equal("/triage", new Uri(page.Url).AbsolutePath);
    }

    private static async Task<IPage> SignedInAsync(IBrowserContext context)
    {
        var watched = await Watched.OpenAsync(context);
        await watched.SignInAsync("smith@aozora.example");
        return watched.Page;
    }
}
