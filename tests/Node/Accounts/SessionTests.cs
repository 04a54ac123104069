using System.Net;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Node.Accounts;
using Renkei.Node.Demo;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.AccountRules;

/// <summary>Where a person is signed in, and what ends that.</summary>
public class SessionTests
{
    private const string Mail = "smith@aozora.example";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_s_sessions_are_listed_and_one_of_them_is_ended()
    {
        await using var node = await TestNode.StartAsync();
        using var here = await InAsync(node, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
        using var there = await InAsync(node, "Mozilla/5.0 (iPhone) Safari/605.1");
        using var third = await InAsync(node, "curl/8.0");
        using var sato = await node.SignedInAsync("sato@aozora.example");
        var page = WebUtility.HtmlDecode(await here.GetStringAsync("/me/security", Ct));
        foreach (var agent in new[] { "Firefox · Linux", "Safari · iOS", "curl" })
        {
            Assert.Contains($"<b>{agent}</b>", page, StringComparison.Ordinal);
        }

        // the one in use says so and has no button
        var ids = Ids(page);
        Assert.Equal(2, ids.Count);
        Assert.Matches("Firefox · Linux</b>\\s*<span class=\"rk-tag rk-tag-ok\">", page);
        Assert.DoesNotMatch("(Safari · iOS|curl)</b>\\s*<span class=\"rk-tag", page);
        // nor does anybody else's stand there, and nobody ends it
        await using var db = node.Databases.ForSystem();
        var others = (await db.Sessions.AsNoTracking().Where(s => s.UserAgent == "").ToListAsync(Ct)).Single().Id;
        Assert.DoesNotContain(others, page, StringComparison.Ordinal);
        using var foreign = await DeskNode.PostAsync(here, "/me/security/sessions/end", ("id", others));
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
        Assert.True(await IsInAsync(sato));

        var phone = (await db.Sessions.AsNoTracking().SingleAsync(s => s.UserAgent.Contains("iPhone"), Ct)).Id;
        Assert.Contains(phone, ids);
        using var ended = await DeskNode.PostAsync(here, "/me/security/sessions/end", ("id", phone));
        Assert.Equal(HttpStatusCode.SeeOther, ended.StatusCode);
        Assert.Equal((true, false, true), (await IsInAsync(here), await IsInAsync(there), await IsInAsync(third)));
        var after = WebUtility.HtmlDecode(await here.GetStringAsync("/me/security", Ct));
        Assert.DoesNotContain("Safari", after, StringComparison.Ordinal);
        Assert.Single(Ids(after));
        Assert.Equal(1, await db.Audit.CountAsync(a => a.Action == "account.sessions-ended", Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_new_password_ends_every_other_session_and_the_old_one_opens_nothing(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var here = await InAsync(node, "here");
        using var there = await InAsync(node, "there");
        using var wrong = await DeskNode.PostAsync(here, "/me/security/password", ("current", "not the password"), ("password", "a wholly new phrase"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("href=\"#current\"", await wrong.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var weak = await DeskNode.PostAsync(here, "/me/security/password", ("current", DemoTeams.Password), ("password", "short"));
        Assert.Contains("href=\"#password\"", await weak.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        Assert.True(await IsInAsync(there), "a change that did not happen ended a session");

        using var changed = await DeskNode.PostAsync(here, "/me/security/password", ("current", DemoTeams.Password), ("password", "a wholly new phrase"));
        Assert.Equal("/me/security?done=password", changed.Headers.Location?.ToString());
        Assert.Equal((true, false), (await IsInAsync(here), await IsInAsync(there)));
        using var next = node.Anonymous();
        Assert.Equal(HttpStatusCode.BadRequest, await SignInAsync(next, DemoTeams.Password));
        Assert.Equal(HttpStatusCode.SeeOther, await SignInAsync(next, "a wholly new phrase"));
        await using var db = node.Databases.ForSystem();
        var entry = await db.Audit.AsNoTracking().SingleAsync(a => a.Action == "account.password-changed", Ct);
        Assert.Contains("\"sessionsEnded\":1", entry.Detail.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eight_wrong_codes_lock_the_second_step_for_the_right_code_too_and_the_password_gives_no_new_tries()
    {
        await using var node = await TestNode.StartAsync();
        using var smith = await node.SignedInAsync(Mail);
        var app = await Authenticator.SetUpAsync(node, smith);
        using var thief = node.Anonymous();
        Assert.Equal(HttpStatusCode.SeeOther, await SignInAsync(thief, DemoTeams.Password));
        for (var i = 0; i < SignInLimits.Tries; i++)
        {
            if (i == SignInLimits.Tries / 2)
            {
                // the right password in between does not begin the counting anew
                Assert.Equal(HttpStatusCode.SeeOther, await SignInAsync(thief, DemoTeams.Password));
            }

            using var wrong = await CodeAsync(thief, i % 2 == 0 ? "12345" + i : "AAAAA-BBBB" + i);
            Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        }

        await using var db = node.Databases.ForSystem();
        var id = await TestPeople.IdOfAsync(node, Mail);
        Assert.True((await db.Users.AsNoTracking().SingleAsync(u => u.Id == id.Value, Ct)).LockoutEnd > node.Clock.GetUtcNow());
        using var right = await CodeAsync(thief, app.At(node.Clock.GetUtcNow().AddSeconds(30)));
        Assert.Equal(HttpStatusCode.BadRequest, right.StatusCode);
        Assert.False(await IsInAsync(thief));
        using var owner = node.Anonymous();
        Assert.Equal(HttpStatusCode.BadRequest, await SignInAsync(owner, DemoTeams.Password));
        Assert.True(await db.Audit.AnyAsync(a => a.Action == "account.locked" && a.Record == id.Value, Ct));
        // who was in stays in: a lock is no way to throw somebody out
        Assert.True(await IsInAsync(smith));

        // a quarter of an hour later
        await db.Users.Where(u => u.Id == id.Value).ExecuteUpdateAsync(s => s.SetProperty(u => u.LockoutEnd, node.Clock.GetUtcNow().AddSeconds(-1)), Ct);
        Assert.Equal(HttpStatusCode.SeeOther, await SignInAsync(owner, DemoTeams.Password));
        using var inside = await CodeAsync(owner, app.At(node.Clock.GetUtcNow().AddSeconds(30)));
        Assert.Equal(HttpStatusCode.SeeOther, inside.StatusCode);
        Assert.True(await IsInAsync(owner));
    }

    private static async Task<HttpClient> InAsync(TestNode node, string agent)
    {
        var client = node.Anonymous();
        client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", agent);
        Assert.Equal(HttpStatusCode.SeeOther, await SignInAsync(client, DemoTeams.Password));
        return client;
    }

    private static async Task<HttpStatusCode> SignInAsync(HttpClient client, string password)
    {
        using var answer = await TestNode.PostFormAsync(client, "/sign-in", "/sign-in", new() { ["email"] = Mail, ["password"] = password });
        return answer.StatusCode;
    }

    private static Task<HttpResponseMessage> CodeAsync(HttpClient client, string code) => TestNode.PostFormAsync(client, "/sign-in/code", "/sign-in/code", new() { ["code"] = code });

    private static async Task<bool> IsInAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("/me", Ct);
        return answer.StatusCode == HttpStatusCode.OK;
    }

    private static List<string> Ids(string page) => [.. Regex.Matches(page, "name=\"id\" value=\"([0-9a-f]{64})\"", RegexOptions.NonBacktracking).Select(m => m.Groups[1].Value)];
}
