using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Node.Accounts;
using Renkei.Node.Demo;

namespace Renkei.Node.Tests.CommandLine;

/// <summary>What a node that was just started says, and for how long it is true.</summary>
public class ProcessTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Serve_prints_one_set_up_link_and_none_once_somebody_has_an_account()
    {
        var folder = Directory.CreateTempSubdirectory("renkei-test-").FullName;
        try
        {
            await using (var first = await ChildNode.StartAsync("serve", folder))
            {
                var link = Assert.Single(first.Lines, l => l.Contains("/setup/", StringComparison.Ordinal));
                Assert.Matches($"^http://localhost:{first.Port}/setup/[A-Za-z0-9_-]{{43}}$", link);
                Assert.Equal($"ready http://localhost:{first.Port}", first.Lines[^1]);
                // nobody who reads the folder finds the link again
                var secret = System.Text.Encoding.ASCII.GetBytes(link.Split('/')[^1]);
                foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) is not ("renkei.lock" or "renkei.sock")))
                {
                    Assert.True((await ReadAsync(file)).AsSpan().IndexOf(secret) < 0, file);
                }

                using var browser = first.Browser();
                using var used = await TestNode.PostFormAsync(browser, new Uri(link).AbsolutePath, new Uri(link).AbsolutePath, new()
                {
                    ["teamName"] = "星空CERT",
                    ["teamNameLatin"] = "Hoshizora CERT",
                    ["slug"] = "hoshizora",
                    ["country"] = "JP",
                    ["name"] = "First Person",
                    ["email"] = "first@hoshizora.example",
                    ["password"] = "a long enough phrase",
                });
                Assert.Equal(HttpStatusCode.SeeOther, used.StatusCode);
                Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/me/security", Ct)).StatusCode);
            }

            await using var second = await ChildNode.StartAsync("serve", folder);
            Assert.Equal([$"ready http://localhost:{second.Port}"], second.Lines);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Demo_says_the_logins_and_last_of_all_where_it_is_ready()
    {
        var folder = Directory.CreateTempSubdirectory("renkei-test-").FullName;
        try
        {
            await using var demo = await ChildNode.StartAsync("demo", folder);
            Assert.Equal($"ready http://localhost:{demo.Port}", demo.Lines[^1]);
            Assert.Contains(demo.Lines, l => l.Contains(DemoTeams.People[0].Email, StringComparison.Ordinal));
            Assert.Contains(demo.Lines, l => l.Contains(DemoTeams.Password, StringComparison.Ordinal));
            Assert.DoesNotContain(demo.Lines, l => l.Contains("/setup/", StringComparison.Ordinal));
            // and it is true: one of the logins opens the desk
            using var browser = demo.Browser();
            using var inside = await TestNode.PostFormAsync(browser, "/sign-in", "/sign-in", new() { ["email"] = DemoTeams.People[0].Email, ["password"] = DemoTeams.Password });
            Assert.Equal(HttpStatusCode.SeeOther, inside.StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/triage", Ct)).StatusCode);
            Assert.Equal($"ready http://localhost:{demo.Port}", demo.Lines[^1]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_set_up_link_ends_after_a_day()
    {
        var clock = new SetClock(TimeProvider.System.GetUtcNow());
        await using var node = await TestNode.StartAsync(people: false, adjust: b => b.Services.AddSingleton<TimeProvider>(clock));
        var link = new Uri((await SetupLink.EnsureAsync(node.Services, Ct))!).AbsolutePath;
        using var client = node.Anonymous();
        clock.Now += TimeSpan.FromHours(24) - TimeSpan.FromMinutes(1);
        var page = await client.GetStringAsync(link, Ct);
        var csrf = Regex.Match(page, "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;
        clock.Now += TimeSpan.FromMinutes(2);
        using var late = await client.GetAsync(link, Ct);
        Assert.Equal(HttpStatusCode.NotFound, late.StatusCode);
        // nor does a page that was opened in time
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["csrf"] = csrf, ["teamName"] = "x", ["slug"] = "x", ["country"] = "JP", ["name"] = "x", ["email"] = "x@x.example", ["password"] = "a long enough phrase" });
        using var posted = await client.PostAsync(link, form, Ct);
        Assert.Equal(HttpStatusCode.NotFound, posted.StatusCode);
        // the next start prints another
        var next = new Uri((await SetupLink.EnsureAsync(node.Services, Ct))!).AbsolutePath;
        Assert.NotEqual(link, next);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(next, Ct)).StatusCode);
    }

    private static async Task<byte[]> ReadAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, Ct);
        return bytes;
    }
}
