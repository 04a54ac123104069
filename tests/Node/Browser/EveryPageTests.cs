using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Demos;
using Renkei.Web;

namespace Renkei.Node.Tests.Browser;

/// <summary>Every page of the sample node, looked at as the walk's pages are: accessibility, texts, width. Its reports are in two languages, so that language is the walk's to look at.</summary>
public sealed class EveryPageTests(Browsers browsers, SampleNode sample)
{
    /// <summary>What answers GET with something else than a page: files, streams, fragments; and pages that need what the walk has and the sample has not.</summary>
    private static readonly string[] NotLookedAt =
    [
        "/audit.csv", "/incidents.csv", "/reports.csv", "/requests.csv", "/directory/export", "/events", "/healthz", "/me/security/totp.svg", "/triage/{id}/preview",
        "/incidents/{id:guid}/attachments/{attachment:guid}", "/reports/{id}/files/{file}", "/reports/{id}/raw", "/requests/{id}/files/{number:int}", "/requests/{id}/message", "/report/status/{key}", "/invitation/{secret}", "/setup/{secret}", "/sign-in/code", "/me/confirm",
        "/operations/outbox/{id:guid}/discard", "/incidents/{id:guid}/reopen", "/.well-known/security.txt",
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    // the walk has light pages under axe; here all are dark, and once is enough for what does not depend on the width
    [InlineData("dark", "ja", 1280, true)]
    [InlineData("dark", "en", 390, false)]
    public async Task Every_page_is_sound(string theme, string lang, int width, bool accessibility)
    {
        var node = await sample.GetAsync();
        var paths = await PathsAsync(node);
        await using var context = await browsers.NewContextAsync(node.Url, lang, width);
        var watched = await Watched.OpenAsync(context);
        foreach (var (path, _) in paths.Where(p => p.Who is null))
        {
            await LookAsync(watched, path, accessibility);
        }

        foreach (var who in new[] { "tanaka@aozora.example", "operator@aozora.example" })
        {
            await context.ClearCookiesAsync();
            await watched.SignInAsync(who);
            // the person's own settings say theme and language; they are given back at the end
            var person = await AdjustAsync(node, who, theme, lang);
            try
            {
                foreach (var (path, _) in paths.Where(p => p.Who == who))
                {
                    await LookAsync(watched, path, accessibility);
                    Assert.Equal((theme, lang), (await watched.Page.GetAttributeAsync("html", "data-bs-theme"), await watched.Page.GetAttributeAsync("html", "lang")));
                }
            }
            finally
            {
                await AdjustAsync(node, who, person.Theme, person.Language);
            }
        }

        watched.AssertNothingFound();
    }

    [Fact]
    public async Task No_page_is_left_out()
    {
        var node = await sample.GetAsync();
        var looked = (await PathsAsync(node)).Select(p => p.Path.Split('?')[0]).ToList();
        var pages = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>() is { } m && m.HttpMethods.Contains("GET") && e.Metadata.GetMetadata<Access>() is { Scope: null, Local: false })
            .Select(e => e.RoutePattern.RawText!).Where(r => !r.StartsWith("/api/", StringComparison.Ordinal) && !r.StartsWith("/openapi", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(pages.Count > 50);
        var missed = pages.Except(NotLookedAt, StringComparer.Ordinal).Where(route => !looked.Exists(path => Regex.IsMatch(path, "^" + Regex.Replace(route, @"\{[^}]+\}", "[^/]+") + "$", RegexOptions.None, TimeSpan.FromSeconds(1)))).ToList();
        Assert.Empty(missed);
    }

    [Fact]
    public async Task On_paper_an_incident_has_its_marking_and_nothing_to_press()
    {
        var node = await sample.GetAsync();
        var incident = (await PathsAsync(node)).First(p => Regex.IsMatch(p.Path, "^/incidents/[0-9a-f-]{36}$", RegexOptions.None, TimeSpan.FromSeconds(1))).Path;
        await using var context = await browsers.NewContextAsync(node.Url, "en");
        var watched = await Watched.OpenAsync(context);
        await watched.SignInAsync("smith@aozora.example");
        await watched.Page.GotoAsync(incident);
        await watched.Page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.Equal("", await watched.Page.EvaluateAsync<string>("() => [...document.querySelectorAll('nav, button, .btn, input, select')].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 80)).join('\\n')"));
        Assert.Equal("", await watched.Page.EvaluateAsync<string>("() => [...document.querySelectorAll('main .card')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.id).join(' ')"));
        await Assertions.Expect(watched.Page.Locator("main h1")).ToBeVisibleAsync();
        var sheet = await watched.Page.EvaluateAsync<string>("() => getComputedStyle(document.querySelector('[class*=rk-sheet-]')).page");
        Assert.Matches("^rk-(red|strict|amber|green|clear)$", sheet);
        // the folded reasons are on paper too
        Assert.Equal(0, await watched.Page.Locator("main details:not([open])").EvaluateAllAsync<int>("all => all.filter(d => [...d.children].slice(1).some(c => !c.checkVisibility())).length"));
        watched.AssertNothingFound();
    }

    private static async Task LookAsync(Watched watched, string path, bool accessibility)
    {
        var answer = await watched.Page.GotoAsync(path);
        if (answer?.Status != 200)
        {
            watched.Fault($"{path}: {answer?.Status}");
            return;
        }

        await watched.LookAsync(path, accessibility, oneLanguage: false);
    }

    private static async Task<(string Theme, string Language)> AdjustAsync(TestNode node, string email, string theme, string lang)
    {
        await using var db = node.Databases.ForSystem();
        var account = await db.Users.AsNoTracking().SingleAsync(a => a.Email == email, Ct);
        var person = await db.People.SingleAsync(p => p.Id == new PersonId(account.Id), Ct);
        var before = (person.Theme, person.Language);
        (person.Theme, person.Language) = (theme, lang);
        await db.SaveChangesAsync(Ct);
        return before;
    }

    /// <summary>One address for every page, and who looks at it; null is someone without an account.</summary>
    private static async Task<IReadOnlyList<(string Path, string? Who)>> PathsAsync(TestNode node)
    {
        await using var db = node.Databases.ForSystem();
        var team = await db.Teams.AsNoTracking().SingleAsync(t => t.Slug == "aozora", Ct);
        var waiting = await db.Reports.AsNoTracking().Where(r => r.Marking.Origin == team.Id && r.State == ReportState.New && r.Marking.Tlp == Tlp.Amber).OrderBy(r => r.ReceivedAt).FirstAsync(Ct);
        var request = await db.Requests.AsNoTracking().Where(r => r.State == RequestState.Sent && r.Marking.Tlp == Tlp.Amber && r.Marking.Origin == team.Id).OrderBy(r => r.Id).FirstAsync(Ct);
        var draft = await db.Requests.AsNoTracking().Where(r => r.State == RequestState.Draft && r.Marking.Origin == team.Id).OrderBy(r => r.Id).FirstOrDefaultAsync(Ct);
        var target = await db.IncidentTargets.AsNoTracking().Where(t => t.Incident == request.Incident).OrderBy(t => t.Id).FirstAsync(Ct);
        var contact = await db.Contacts.AsNoTracking().OrderBy(c => c.Id).FirstAsync(c => c.Marking.Origin == team.Id, Ct);
        var person = await db.People.AsNoTracking().OrderBy(p => p.Id).FirstAsync(Ct);
        var (incident, entry) = ($"/incidents/{request.Incident}", $"/directory/{contact.Team}");
        string[] desk =
        [
            "/", "/triage", "/reports", "/reports/new", $"/reports/{waiting.Id}", "/incidents", "/incidents/new", incident, incident + "/assign", incident + "/attachments/new", incident + "/close", incident + "/edit", incident + "/notes/new",
            incident + "/targets/new", $"{incident}/targets/{target.Id}", incident + "/who", incident + "/requests/new", "/requests", $"/requests/{request.Id}", $"/requests/{request.Id}/remind", "/search?q=203.0.113.24", "/search?q=感染",
            $"/triage/accept?into=new&pick={waiting.Id}", $"/triage/accept?into=existing&pick={waiting.Id}", $"/triage/split?pick={waiting.Id}", $"/triage/duplicate?pick={waiting.Id}", $"/triage/reject?pick={waiting.Id}", $"/triage/assign?pick={waiting.Id}",
            "/directory", "/directory/import", "/directory/new", "/directory/who?q=203.0.113.24", entry, entry + "/constituencies", entry + "/contacts/new", $"{entry}/contacts/{contact.Id}", $"{entry}/contacts/{contact.Id}/delete", entry + "/delete", entry + "/edit",
            "/notifications", "/audit", "/settings/labels", "/settings/tokens", "/people", "/people/invite", $"/people/{person.Id}", "/me", "/me/security", "/me/security/totp",
        ];
        return
        [
            .. new[] { "/sign-in", "/report", "/report/aozora" }.Select(p => (p, (string?)null)),
            .. desk.Concat(draft is null ? [] : [$"/requests/{draft.Id}"]).Select(p => (p, (string?)"tanaka@aozora.example")),
            ("/operations/outbox", "operator@aozora.example"), ("/people", "operator@aozora.example"),
        ];
    }
}
