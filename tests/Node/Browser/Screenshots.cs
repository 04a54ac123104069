using Microsoft.Playwright;

namespace Renkei.Node.Tests.Browser;

/// <summary>
/// The pictures of the guide, from a running sample node: no test, and skipped unless asked for. <c>tools/screenshots.sh</c> runs it with
/// <c>RENKEI_SCREENSHOTS</c> (the folder they go to) and <c>RENKEI_SCREENSHOT_URL</c> (the node).
/// </summary>
public sealed class Screenshots(Browsers browsers)
{
    private static readonly string[] Languages = ["ja", "en"];
    private static readonly int[] Widths = [1280, 390];

    [Fact]
    public async Task Pictures_of_the_sample_node_for_the_guide()
    {
        var folder = Environment.GetEnvironmentVariable("RENKEI_SCREENSHOTS") ?? "";
        var url = Environment.GetEnvironmentVariable("RENKEI_SCREENSHOT_URL") ?? "";
        Assert.SkipUnless(folder.Length > 0, "RENKEI_SCREENSHOTS names no folder");
        Directory.CreateDirectory(folder);
        foreach (var lang in Languages)
        {
            foreach (var width in Widths)
            {
                await TakeAsync(url, folder, lang, width);
            }
        }
    }

    private async Task TakeAsync(string url, string folder, string lang, int width)
    {
        await using var context = await browsers.NewContextAsync(url, lang, width);
        var watched = await Watched.OpenAsync(context);
        var page = watched.Page;
        async Task SnapAsync(string name, string path)
        {
            await page.GotoAsync(path);
            await page.WaitForLoadStateAsync(LoadState.Load);
            // the live line, the chart and the fonts settle
            await page.WaitForTimeoutAsync(400);
            await page.EvaluateAsync("() => document.activeElement?.blur()");
            // what is on the screen first; a whole phone page would be a ribbon
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{lang}-{width}.png"), Animations = ScreenshotAnimations.Disabled });
        }

        await SnapAsync("report", "/report/aozora");
        await SnapAsync("sign-in", "/sign-in");
        await watched.SignInAsync(lang == "ja" ? "sato@aozora.example" : "smith@aozora.example");
        await SnapAsync("overview", "/");
        await SnapAsync("triage", "/triage");
        await SnapAsync("directory", "/directory");
        await SnapAsync("incident", await BusiestAsync(page));
        await SnapAsync("request-preview", await DraftAsync(page));
    }

    /// <summary>The incident with the most requests, of those whose time is nearest.</summary>
    private static async Task<string> BusiestAsync(IPage page)
    {
        await page.GotoAsync("/incidents?Waiting=them");
        var (best, most) = ("", -1);
        foreach (var href in (await page.Locator("main table a[href^='/incidents/']").EvaluateAllAsync<string[]>("all => all.map(a => a.getAttribute('href'))")).Distinct(StringComparer.Ordinal).Take(8))
        {
            await page.GotoAsync(href);
            var requests = await page.Locator("#requests tbody tr").CountAsync();
            if (requests > most)
            {
                (best, most) = (href, requests);
            }
        }

        return best;
    }

    /// <summary>A draft there is, or one made for the first incident that still has someone to ask.</summary>
    private static async Task<string> DraftAsync(IPage page)
    {
        await page.GotoAsync("/requests?state=draft");
        var draft = page.Locator("main table a[href^='/requests/']");
        if (await draft.CountAsync() > 0)
        {
            return (await draft.First.GetAttributeAsync("href"))!;
        }

        await page.GotoAsync("/incidents?Waiting=us");
        foreach (var href in await page.Locator("main table a[href^='/incidents/']").EvaluateAllAsync<string[]>("all => all.map(a => a.getAttribute('href'))"))
        {
            await page.GotoAsync(href + "/requests/new");
            if (await page.Locator("#purpose-card .btn-primary").CountAsync() == 0)
            {
                continue;
            }

            await page.ClickAsync("#purpose-card .btn-primary");
            await page.WaitForLoadStateAsync(LoadState.Load);
            if (await page.Locator("#contacts select option[selected]:not([value=''])").CountAsync() == 0)
            {
                continue;
            }

            await page.ClickAsync("main form .btn-primary");
            await page.WaitForSelectorAsync("#send, #errors");
            if (await page.Locator("#send").CountAsync() > 0)
            {
                return new Uri(page.Url).AbsolutePath;
            }
        }

        throw new InvalidOperationException("The sample node has no incident that a request can be drafted for.");
    }
}
