using System.Text;
using Deque.AxeCore.Commons;
using Microsoft.Playwright;
using Renkei.Node.Demo;

[assembly: AssemblyFixture(typeof(Renkei.Node.Tests.Browser.Browsers))]

namespace Renkei.Node.Tests.Browser;

/// <summary>One Chromium for all browser tests, started by the first that asks. Every test has contexts of its own.</summary>
public sealed class Browsers : IAsyncDisposable
{
    private static readonly string[] Flags =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    ];

    private readonly SemaphoreSlim _once = new(1, 1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>A window of that language and width. <paramref name="script"/> false: a browser that runs none.</summary>
    public async Task<IBrowserContext> NewContextAsync(string url, string lang = "ja", int width = 1280, bool script = true)
    {
        await _once.WaitAsync();
        try
        {
            _playwright ??= await Playwright.CreateAsync();
            _browser ??= await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium(), Headless = true, Args = Flags });
        }
        finally
        {
            _once.Release();
        }

        var context = await _browser.NewContextAsync(new()
        {
            BaseURL = url,
            Locale = lang == "ja" ? "ja-JP" : "en-GB",
            TimezoneId = "Asia/Tokyo",
            ViewportSize = new() { Width = width, Height = width < 600 ? 844 : 900 },
            JavaScriptEnabled = script,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(30_000);
        return context;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        _once.Dispose();
    }

    /// <summary>The system's Chromium, the one without windows first: it is the faster; null where there is none: then the one that Playwright installs.</summary>
    private static string? Chromium() =>
        new[] { "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome" }
            .SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}

/// <summary>One open page and everything wrong that was seen on it: gathered over a walk, told at its end.</summary>
public sealed class Watched
{
    /// <summary>Text in kana or kanji on an English page that no <c>lang</c> explains.</summary>
    private const string JapaneseInEnglish = """
        () => { const found = []; const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let n; (n = walker.nextNode());) { const e = n.parentElement; if (/[\u3040-\u30ff\u4e00-\u9fff]/.test(n.data) && e.closest('[lang]').lang !== 'ja' && e.checkVisibility() && !e.closest('[data-any-language]')) found.push(n.data.trim().slice(0, 60)); }
          return found; }
        """;

    private const string TooWide = """
        () => { const root = document.documentElement, name = e => e.tagName.toLowerCase() + '.' + e.className;
          const cards = [...document.querySelectorAll('.card')].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map(e => 'card #' + e.id + ' ' + (e.querySelector('h2')?.textContent ?? '') + ': ' + e.scrollWidth + ' > ' + e.clientWidth);
          if (root.scrollWidth <= root.clientWidth) return cards;
          return [root.scrollWidth + ' > ' + root.clientWidth, ...[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 && e.checkVisibility()).slice(0, 4).map(name), ...cards]; }
        """;

    /// <summary>
    /// What axe finds, a line each. It runs in the page itself, which has no frames: the call of Deque's own binding opens a second page for each
    /// look, and that costs more than the look.
    /// </summary>
    private const string Violations = """
        async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map(v => `axe ${v.id} (${v.impact}): ${v.help}: ` + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | '))
        """;

    private static readonly Lazy<string> Axe = new(() => new BundledAxeScriptProvider().GetScript());

    private readonly List<string> _found = [];
    private string _where = "";

    private Watched(IPage page) => Page = page;

    public IPage Page { get; }

    /// <summary>Statuses that this step is to get, so that the browser's line about them is no fault.</summary>
    public int Expected { get; set; } = 200;

    public static async Task<Watched> OpenAsync(IBrowserContext context)
    {
        var watched = new Watched(await context.NewPageAsync());
        watched.Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning" && !message.Text.Contains($"status of {watched.Expected} ", StringComparison.Ordinal))
            {
                watched.Fault($"console {message.Type}: {message.Text}");
            }
        };
        watched.Page.PageError += (_, error) => watched.Fault("script: " + error);
        watched.Page.Response += (_, response) =>
        {
            if (response.Status >= 400 && response.Status != watched.Expected)
            {
                watched.Fault($"answer {response.Status} to {response.Request.Method} {response.Url}");
            }
        };
        return watched;
    }

    public void Fault(string what) => _found.Add($"{_where}: {what}");

    /// <summary>Looks at the page as it stands: accessibility, which takes most of the time, missing texts, width, and language, where what people wrote is in one.</summary>
    public async Task LookAsync(string name, bool accessibility = true, bool oneLanguage = true)
    {
        _where = name;
        await Page.WaitForLoadStateAsync(LoadState.Load);
        if (!await Page.EvaluateAsync<bool>("() => getComputedStyle(document.body).getPropertyValue('--rk-text').trim().length > 0"))
        {
            Fault("no styles");
        }

        if (accessibility)
        {
            await Page.EvaluateAsync(Axe.Value);
            foreach (var violation in await Page.EvaluateAsync<string[]>(Violations))
            {
                Fault(violation);
            }
        }

        await LookWithoutScriptAsync(name);
        foreach (var wide in await Page.EvaluateAsync<string[]>(TooWide))
        {
            Fault("too wide: " + wide);
        }

        if (oneLanguage && await Page.EvaluateAsync<string>("() => document.documentElement.lang") == "en")
        {
            foreach (var text in await Page.EvaluateAsync<string[]>(JapaneseInEnglish))
            {
                Fault("Japanese on an English page: " + text);
            }
        }
    }

    /// <summary>What can be looked at where no script runs.</summary>
    public async Task LookWithoutScriptAsync(string name)
    {
        _where = name;
        var html = await Page.ContentAsync();
        for (var at = html.IndexOf('⟦', StringComparison.Ordinal); at >= 0; at = html.IndexOf('⟦', at + 1))
        {
            Fault($"missing text: {html.AsSpan(at, Math.Min(60, html.Length - at))}");
        }
    }

    /// <summary>Fails with everything that was found, one a line.</summary>
    public void AssertNothingFound()
    {
        var text = new StringBuilder();
        foreach (var line in _found.Distinct(StringComparer.Ordinal))
        {
            text.AppendLine(line);
        }

        Assert.True(text.Length == 0, text.ToString());
    }

    public async Task SignInAsync(string email, bool look = false)
    {
        await Page.GotoAsync("/sign-in");
        if (look)
        {
            await LookAsync("sign-in");
        }

        await Page.FillAsync("#email", email);
        await Page.FillAsync("#password", DemoTeams.Password);
        await Page.ClickAsync("form[action='/sign-in'] button");
        await Page.WaitForURLAsync(url => !url.Contains("sign-in", StringComparison.Ordinal));
    }
}
