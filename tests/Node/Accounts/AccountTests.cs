using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Accounts;
using Renkei.Node.Demo;
using Renkei.Web;

namespace Renkei.Node.Tests.AccountRules;

/// <summary>Who gets in, who stays in, and who cannot make more of themselves.</summary>
public partial class AccountTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_wrong_password_and_an_unknown_name_hear_the_same()
    {
        await using var node = await TestNode.StartAsync();
        using var client = node.Anonymous();
        using var wrong = await SignInAsync(client, "sato@aozora.example", "not the password");
        using var unknown = await SignInAsync(client, "nobody@aozora.example", "not the password");
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (wrong.StatusCode, unknown.StatusCode));
        Assert.Equal(Neutral(await wrong.Content.ReadAsStringAsync(Ct)), Neutral(await unknown.Content.ReadAsStringAsync(Ct)));
        Assert.DoesNotContain(wrong.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [], c => c.StartsWith("renkei=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Eight_wrong_passwords_lock_the_account_for_the_right_one_too()
    {
        await using var node = await TestNode.StartAsync();
        using var client = node.Anonymous();
        for (var i = 0; i < SignInLimits.Tries; i++)
        {
            using var wrong = await SignInAsync(client, "sato@aozora.example", "wrong " + i);
            Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        }

        using var right = await SignInAsync(client, "sato@aozora.example", DemoTeams.Password);
        Assert.Equal(HttpStatusCode.BadRequest, right.StatusCode);
        // the others are not locked with it
        using var other = await SignInAsync(client, "tanaka@aozora.example", DemoTeams.Password);
        Assert.Equal(HttpStatusCode.SeeOther, other.StatusCode);
        // a name without an account hears the same after as many tries
        var heard = Neutral(await right.Content.ReadAsStringAsync(Ct));
        using var fresh = node.Anonymous();
        for (var i = 0; i < SignInLimits.Tries; i++)
        {
            using var wrong = await SignInAsync(fresh, "nobody@aozora.example", "wrong " + i);
        }

        using var nobody = await SignInAsync(fresh, "nobody@aozora.example", DemoTeams.Password);
        Assert.Equal(heard, Neutral(await nobody.Content.ReadAsStringAsync(Ct)));
    }

    [Fact]
    public void A_name_without_an_account_is_locked_as_one_with_an_account()
    {
        var clock = new SetClock(DateTimeOffset.Parse("2026-11-25T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        var limits = new SignInLimits(clock);
        for (var i = 0; i < SignInLimits.Tries - 1; i++)
        {
            Assert.False(limits.Fail("nobody@aozora.example"));
        }

        // an account's count waits for its eighth, however long that takes
        clock.Now += SignInLimits.LockedFor * 2;
        Assert.True(limits.Fail("nobody@aozora.example"));
        clock.Now += SignInLimits.LockedFor - TimeSpan.FromSeconds(1);
        Assert.True(limits.IsLocked("nobody@aozora.example"));
        clock.Now += TimeSpan.FromSeconds(2);
        Assert.False(limits.IsLocked("nobody@aozora.example"));
        // and after it counting begins again
        Assert.False(limits.Fail("nobody@aozora.example"));
    }

    [Fact]
    public void A_flood_of_names_does_not_open_the_newest_lock()
    {
        var limits = new SignInLimits(new SetClock(DateTimeOffset.Parse("2026-11-25T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture)));
        for (var i = 0; i < 19_995; i++)
        {
            limits.Fail("name" + i);
        }

        for (var i = 0; i < SignInLimits.Tries; i++)
        {
            limits.Fail("nobody@aozora.example");
        }

        for (var i = 0; i < 100; i++)
        {
            limits.Fail("more" + i);
        }

        Assert.True(limits.IsLocked("nobody@aozora.example"));
    }

    [Fact]
    public async Task A_deactivated_account_hears_what_a_name_without_one_hears()
    {
        await using var node = await TestNode.StartAsync();
        await using (var db = node.Databases.ForSystem())
        {
            (await db.Users.SingleAsync(u => u.Email == "sato@aozora.example", Ct)).LockoutEnd = DateTimeOffset.MaxValue;
            await db.SaveChangesAsync(Ct);
        }

        using var client = node.Anonymous();
        for (var i = 0; i <= SignInLimits.Tries; i++)
        {
            using var gone = await SignInAsync(client, "sato@aozora.example", DemoTeams.Password);
            using var unknown = await SignInAsync(client, "nobody@aozora.example", DemoTeams.Password);
            Assert.Equal(Neutral(await unknown.Content.ReadAsStringAsync(Ct)), Neutral(await gone.Content.ReadAsStringAsync(Ct)));
        }
    }

    [Fact]
    public async Task A_passkey_is_taken_away_with_the_password_only_and_is_no_second_factor_of_the_password()
    {
        await using var node = await TestNode.StartAsync();
        await using (var scope = node.Services.CreateAsyncScope())
        {
            scope.ServiceProvider.GetRequiredService<Renkei.Node.Security.CurrentViewer>().Viewer = Viewer.System;
            var users = scope.ServiceProvider.GetRequiredService<Microsoft.AspNetCore.Identity.UserManager<Renkei.Store.Account>>();
            var account = (await users.FindByEmailAsync("sato@aozora.example"))!;
            Assert.True((await users.AddOrUpdatePasskeyAsync(account, new([1, 2, 3], [4], node.Clock.GetUtcNow(), 0, null, true, false, false, [5], [6]) { Name = "key" })).Succeeded);
        }

        using var tanaka = await node.SignedInAsync("tanaka@aozora.example");
        var texts = new Texts(node.Services.GetRequiredService<TextBook>(), "ja");
        Assert.Contains(texts["people.factor_passkey"], WebUtility.HtmlDecode(await tanaka.GetStringAsync("/people", Ct)), StringComparison.Ordinal);
        using var sato = await node.SignedInAsync("sato@aozora.example");
        var id = System.Buffers.Text.Base64Url.EncodeToString([1, 2, 3]);
        using var without = await TestNode.PostFormAsync(sato, "/me/security", "/me/security/passkeys/remove", new() { ["id"] = id });
        Assert.Equal(HttpStatusCode.BadRequest, without.StatusCode);
        using var wrong = await TestNode.PostFormAsync(sato, "/me/security", "/me/security/passkeys/remove", new() { ["id"] = id, ["password"] = "not the password" });
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        using var right = await TestNode.PostFormAsync(sato, "/me/security", "/me/security/passkeys/remove", new() { ["id"] = id, ["password"] = DemoTeams.Password });
        Assert.Equal(HttpStatusCode.SeeOther, right.StatusCode);
    }

    [Fact]
    public void What_was_shown_once_more_holds_for_a_quarter_of_an_hour_and_for_its_session()
    {
        var clock = new SetClock(DateTimeOffset.Parse("2026-11-25T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        var http = new Microsoft.AspNetCore.Http.HttpContextAccessor { HttpContext = new Microsoft.AspNetCore.Http.DefaultHttpContext() };
        var who = new Renkei.Node.Security.CurrentViewer { SessionId = "one" };
        var stepUp = new StepUp(new Microsoft.AspNetCore.DataProtection.EphemeralDataProtectionProvider(), clock, http, who);
        Assert.False(stepUp.IsFresh);
        stepUp.Remember("one");
        var cookie = http.HttpContext.Response.Headers.SetCookie.ToString();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        http.HttpContext.Request.Headers.Cookie = cookie.Split(';')[0];
        Assert.True(stepUp.IsFresh);
        who.SessionId = "two";
        Assert.False(stepUp.IsFresh);
        who.SessionId = "one";
        clock.Now += StepUp.Holds;
        Assert.False(stepUp.IsFresh);
        http.HttpContext.Request.Headers.Cookie = StepUp.Cookie + "=made-up";
        Assert.False(stepUp.IsFresh);
    }

    [Fact]
    public async Task An_address_that_fails_too_often_has_to_wait()
    {
        await using var node = await TestNode.StartAsync();
        using var client = node.Anonymous();
        var answers = await Task.WhenAll(Enumerable.Range(0, SignInLimits.FailuresPerMinute + 3).Select(async i =>
        {
            using var own = node.Anonymous();
            using var answer = await SignInAsync(own, $"guess{i}@aozora.example", "guess");
            return answer.StatusCode;
        }));
        Assert.Equal(3, answers.Count(a => a == HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task Ending_a_session_signs_out_at_once()
    {
        await using var node = await TestNode.StartAsync();
        using var here = await node.SignedInAsync("sato@aozora.example");
        using var there = await node.SignedInAsync("sato@aozora.example");
        Assert.Equal(HttpStatusCode.OK, (await there.GetAsync("/me", Ct)).StatusCode);
        using var ended = await TestNode.PostFormAsync(here, "/me/security", "/me/security/sessions/end-others", new() { ["password"] = DemoTeams.Password, ["confirm"] = "true" });
        Assert.Equal(HttpStatusCode.SeeOther, ended.StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, (await there.GetAsync("/me", Ct)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await here.GetAsync("/me", Ct)).StatusCode);
        // and the cookie of someone who signed out opens nothing when it is used again
        var cookie = (await StolenCookieAsync(node)).Cookie;
        using var thief = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(node.Url) };
        thief.DefaultRequestHeaders.Add("Cookie", cookie);
        Assert.Equal(HttpStatusCode.Redirect, (await thief.GetAsync("/me", Ct)).StatusCode);
    }

    [Fact]
    public async Task The_session_cookie_is_out_of_reach_of_scripts_and_other_sites()
    {
        await using var node = await TestNode.StartAsync();
        using var client = node.Anonymous();
        using var page = await client.GetAsync("/sign-in", Ct);
        var csrf = page.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("renkei-csrf=", StringComparison.Ordinal));
        Assert.Contains("samesite=strict", csrf, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("httponly", csrf, StringComparison.OrdinalIgnoreCase);
        using var inside = await SignInAsync(client, "sato@aozora.example", DemoTeams.Password);
        var session = inside.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("renkei=", StringComparison.Ordinal));
        Assert.Contains("httponly", session, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", session, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secure", session, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Without_proxies_nobody_says_who_they_are_or_that_they_speak_TLS()
    {
        await using var node = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["report-rate"] = "1" });
        using var client = node.Anonymous();
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        using var page = await client.GetAsync("/sign-in", Ct);
        Assert.False(page.Headers.Contains("Strict-Transport-Security"), "a header of the visitor made the node believe in TLS");
        Assert.All(page.Headers.GetValues("Set-Cookie"), c => Assert.DoesNotContain("secure", c, StringComparison.OrdinalIgnoreCase));
        // an address made up for each try would step around the limits
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 3; i++)
        {
            using var form = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json") };
            form.Headers.Add("X-Forwarded-For", "203.0.113." + i);
            using var answer = await client.SendAsync(form, Ct);
            answers.Add(answer.StatusCode);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, answers[^1]);
        // and the audit log names the real peer
        using var forged = node.Anonymous();
        forged.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.99");
        using var wrong = await SignInAsync(forged, "sato@aozora.example", "not the password");
        await using var db = node.Databases.ForSystem();
        var failed = await db.Audit.SingleAsync(a => a.Action == "account.sign-in-failed", Ct);
        Assert.Contains("127.0.0.1", failed.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("203.0.113.99", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Behind_a_proxy_that_speaks_TLS_the_cookies_are_for_TLS_only()
    {
        await using var node = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["proxies"] = "127.0.0.1" });
        using var client = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(node.Url) };
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.7");
        using var page = await client.GetAsync("/sign-in", Ct);
        Assert.Contains("max-age", page.Headers.GetValues("Strict-Transport-Security").Single(), StringComparison.Ordinal);
        var csrf = page.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("renkei-csrf=", StringComparison.Ordinal));
        using var form = new HttpRequestMessage(HttpMethod.Post, "/sign-in")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["email"] = "sato@aozora.example", ["password"] = DemoTeams.Password, ["csrf"] = CsrfOf(await page.Content.ReadAsStringAsync(Ct)) }),
        };
        form.Headers.Add("Cookie", csrf.Split(';')[0]);
        using var inside = await client.SendAsync(form, Ct);
        Assert.Contains("secure", inside.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("renkei=", StringComparison.Ordinal)), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("\t//evil.example")]
    [InlineData("/\t/evil.example")]
    [InlineData("/%0d%0aLocation:%20//evil.example")]
    public async Task The_way_back_never_leads_off_this_node(string back)
    {
        await using var node = await TestNode.StartAsync();
        using var client = node.Anonymous();
        var html = await client.GetStringAsync("/sign-in?back=" + Uri.EscapeDataString(back), Ct);
        using var answer = await client.PostAsync("/sign-in", new FormUrlEncodedContent(new Dictionary<string, string> { ["email"] = "sato@aozora.example", ["password"] = DemoTeams.Password, ["back"] = back, ["csrf"] = CsrfOf(html) }), Ct);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Stays(answer);
        using var language = await TestNode.PostFormAsync(client, "/me", "/me/language", new() { ["lang"] = "en", ["language"] = "en", ["back"] = back });
        Stays(language);
        using var out_ = await TestNode.PostFormAsync(client, "/me", "/sign-out", new() { ["back"] = back });
        Stays(out_);

        static void Stays(HttpResponseMessage answer)
        {
            if (answer.Headers.TryGetValues("Location", out var where))
            {
                Assert.Matches(@"^/($|[^/\\\t])", where.Single());
            }
        }
    }

    [Fact]
    public async Task Every_form_needs_the_token_against_forged_requests()
    {
        await using var node = await TestNode.StartAsync();
        using var client = await node.SignedInAsync("tanaka@aozora.example");
        using var anonymous = node.Anonymous();
        var posts = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("POST") == true && e.Metadata.GetMetadata<Access>() is { Scope: null, Local: false } && !e.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal)).ToList();
        Assert.True(posts.Count > 40);
        var open = new List<string>();
        foreach (var post in posts)
        {
            var path = Parameter().Replace(post.RoutePattern.RawText!, m => m.Value.Contains("number", StringComparison.Ordinal) ? "1" : Guid.Empty.ToString()).Replace("/report/" + Guid.Empty, "/report/aozora", StringComparison.Ordinal);
            foreach (var who in new[] { client, anonymous })
            {
                using var answer = await who.PostAsync(path, new FormUrlEncodedContent(new Dictionary<string, string> { ["text"] = "x", ["version"] = "1" }), Ct);
                if ((int)answer.StatusCode is < 400 or >= 500)
                {
                    open.Add($"{path}: {(int)answer.StatusCode}");
                }
            }
        }

        Assert.Empty(open);
    }

    [Fact]
    public async Task Every_page_tells_the_browser_to_trust_nothing_from_elsewhere()
    {
        await using var node = await TestNode.StartAsync();
        using var client = await node.SignedInAsync("tanaka@aozora.example");
        var pages = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") == true && !e.RoutePattern.RawText!.Contains("events", StringComparison.Ordinal) && e.Metadata.GetMetadata<Access>() is { Local: false })
            .Select(e => Parameter().Replace(e.RoutePattern.RawText!, Guid.Empty.ToString())).Append("/no/such/page").Append("/renkei.css").ToList();
        Assert.True(pages.Count > 40);
        foreach (var page in pages)
        {
            using var answer = await client.GetAsync(page, HttpCompletionOption.ResponseHeadersRead, Ct);
            Assert.True((int)answer.StatusCode < 500, $"{page}: {(int)answer.StatusCode}");
            string Header(string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "";
            Assert.Contains("default-src 'none'", Header("Content-Security-Policy"), StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", Header("Content-Security-Policy"), StringComparison.Ordinal);
            Assert.Equal("nosniff", Header("X-Content-Type-Options"));
            Assert.Equal("no-referrer", Header("Referrer-Policy"));
            Assert.Equal("same-origin", Header("Cross-Origin-Opener-Policy"));
            Assert.Equal("", Header("Server"));
            if (page != "/renkei.css")
            {
                Assert.True(answer.Headers.CacheControl?.NoStore == true, page + " may stay in a cache");
            }
        }
    }

    [Fact]
    public async Task A_failure_inside_tells_nothing_and_keeps_the_headers()
    {
        await using var node = await TestNode.StartAsync();
        using var client = await node.SignedInAsync("tanaka@aozora.example");
        // the database is gone under the running node
        await using (var other = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(node.Folder, "renkei.db")}"))
        {
            await other.OpenAsync(Ct);
            await using var command = other.CreateCommand();
            command.CommandText = "ALTER TABLE \"Incidents\" RENAME TO gone";
            await command.ExecuteNonQueryAsync(Ct);
        }

        using var answer = await client.GetAsync("/incidents", Ct);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        var body = await answer.Content.ReadAsStringAsync(Ct);
        Assert.DoesNotContain("Sqlite", body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("at Renkei", body, StringComparison.OrdinalIgnoreCase);
        Assert.True(answer.Headers.TryGetValues("Content-Security-Policy", out var csp) && csp.Single().Contains("default-src 'none'", StringComparison.Ordinal), "an error page without its policy");
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task A_token_that_ran_out_or_was_revoked_opens_nothing()
    {
        await using var node = await TestNode.StartAsync();
        using var good = await node.WithTokenAsync("aozora");
        Assert.Equal(HttpStatusCode.OK, (await good.GetAsync("/api/v1/reports", Ct)).StatusCode);
        await ChangeAsync(node, expires: node.Clock.GetUtcNow().AddSeconds(-1), revoked: null);
        Assert.Equal(HttpStatusCode.Unauthorized, (await good.GetAsync("/api/v1/reports", Ct)).StatusCode);
        await ChangeAsync(node, node.Clock.GetUtcNow().AddDays(1), revoked: node.Clock.GetUtcNow());
        Assert.Equal(HttpStatusCode.Unauthorized, (await good.GetAsync("/api/v1/reports", Ct)).StatusCode);
        // nor does it report, although anyone may: whoever sends a token means to be that team
        using var report = await good.PostAsync("/api/v1/reports", new StringContent("""{"type":"request","summary":"x"}""", System.Text.Encoding.UTF8, "application/json"), Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, report.StatusCode);
        await ChangeAsync(node, node.Clock.GetUtcNow().AddDays(1), revoked: null);
        Assert.Equal(HttpStatusCode.OK, (await good.GetAsync("/api/v1/reports", Ct)).StatusCode);
        // a token is no session and a session no token
        Assert.Equal(HttpStatusCode.Redirect, (await good.GetAsync("/incidents", Ct)).StatusCode);
        using var person = await node.SignedInAsync("sato@aozora.example");
        Assert.Equal(HttpStatusCode.Unauthorized, (await person.GetAsync("/api/v1/reports", Ct)).StatusCode);

        static async Task ChangeAsync(TestNode node, DateTimeOffset expires, DateTimeOffset? revoked)
        {
            await using var db = node.Databases.ForSystem();
            Assert.Equal(1, await db.Tokens.ExecuteUpdateAsync(s => s.SetProperty(t => t.ExpiresAt, expires).SetProperty(t => t.RevokedAt, revoked), Ct));
        }
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_set_up_link_works_once(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var first = new Uri((await SetupLink.EnsureAsync(node.Services, Ct))!).AbsolutePath;
        var link = new Uri((await SetupLink.EnsureAsync(node.Services, Ct))!).AbsolutePath;
        using var client = node.Anonymous();
        // a newer link takes the place of the older
        using var older = await client.GetAsync(first, Ct);
        Assert.NotEqual(HttpStatusCode.OK, older.StatusCode);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["teamName"] = "星空CERT",
            ["teamNameLatin"] = "Hoshizora CERT",
            ["slug"] = "hoshizora",
            ["country"] = "JP",
            ["name"] = "First Person",
            ["email"] = "first@hoshizora.example",
            ["password"] = "a long enough phrase",
        };
        using var weak = await TestNode.PostFormAsync(client, link, link, new(fields) { ["password"] = "short" });
        Assert.Equal(HttpStatusCode.BadRequest, weak.StatusCode);
        using var second = node.Anonymous();
        var token = CsrfOf(await second.GetStringAsync(link, Ct));
        using var used = await TestNode.PostFormAsync(client, link, link, fields);
        Assert.Equal(HttpStatusCode.SeeOther, used.StatusCode);
        using var again = await second.PostAsync(link, new FormUrlEncodedContent(new Dictionary<string, string>(fields) { ["slug"] = "other", ["email"] = "second@hoshizora.example", ["csrf"] = token }), Ct);
        Assert.True((int)again.StatusCode is >= 400 and < 500, again.StatusCode.ToString());
        Assert.Null(await SetupLink.EnsureAsync(node.Services, Ct));
        await using var db = node.Databases.ForSystem();
        Assert.Equal(1, await db.Users.CountAsync(Ct));
        Assert.Equal(1, await db.Teams.CountAsync(Ct));
    }

    [Fact]
    public async Task An_app_s_code_is_asked_for_after_the_password_and_works_once()
    {
        await using var node = await TestNode.StartAsync();
        using var sato = await node.SignedInAsync("sato@aozora.example");
        var html = await sato.GetStringAsync("/me/security/totp", Ct);
        var key = Key().Match(html).Groups[1].Value.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
        Assert.Equal(32, key.Length);
        using var wrong = await TestNode.PostFormAsync(sato, "/me/security/totp", "/me/security/totp", new() { ["code"] = "000000", ["password"] = DemoTeams.Password });
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        using var on = await TestNode.PostFormAsync(sato, "/me/security/totp", "/me/security/totp", new() { ["code"] = Totp(key, node.Clock.GetUtcNow()), ["password"] = DemoTeams.Password });
        Assert.Equal(HttpStatusCode.OK, on.StatusCode);
        var codes = Recovery().Matches(await on.Content.ReadAsStringAsync(Ct)).Select(m => m.Value).Distinct(StringComparer.Ordinal).ToList();
        Assert.Equal(10, codes.Count);
        // a copy of the database without the node's key is no help in trying codes
        await using (var db = node.Databases.ForSystem())
        {
            var user = (await db.Users.SingleAsync(u => u.Email == "sato@aozora.example", Ct)).Id;
            var stored = await db.UserTokens.Where(t => t.UserId == user).Select(t => t.Value).ToListAsync(Ct);
            Assert.All(codes, c => Assert.All(stored, s => Assert.DoesNotContain(Renkei.Node.Security.ViewerResolver.HashOf(user.ToString("N") + c), s, StringComparison.Ordinal)));
        }

        // the key is never shown again
        Assert.DoesNotContain(key[..8], (await sato.GetStringAsync("/me/security", Ct)).Replace(" ", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
        using var next = node.Anonymous();
        using var password = await SignInAsync(next, "sato@aozora.example", DemoTeams.Password);
        Assert.StartsWith("/sign-in/code", password.Headers.Location!.ToString(), StringComparison.Ordinal);
        // with the password alone nothing opens
        Assert.Equal(HttpStatusCode.Redirect, (await next.GetAsync("/incidents", Ct)).StatusCode);
        var code = Totp(key, node.Clock.GetUtcNow().AddSeconds(30));
        using var inside = await TestNode.PostFormAsync(next, "/sign-in/code", "/sign-in/code", new() { ["code"] = code });
        Assert.Equal(HttpStatusCode.SeeOther, inside.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await next.GetAsync("/incidents", Ct)).StatusCode);
        // before AMBER leaves, too, it is the second factor that is asked for
        using var onlyPassword = await TestNode.PostFormAsync(next, "/me/confirm", "/me/confirm", new() { ["secret"] = DemoTeams.Password });
        Assert.Equal(HttpStatusCode.BadRequest, onlyPassword.StatusCode);
        using var again = await TestNode.PostFormAsync(next, "/me/confirm", "/me/confirm", new() { ["secret"] = code });
        Assert.Equal(HttpStatusCode.BadRequest, again.StatusCode);
        using var confirmed = await TestNode.PostFormAsync(next, "/me/confirm", "/me/confirm", new() { ["secret"] = codes[1] });
        Assert.Equal(HttpStatusCode.SeeOther, confirmed.StatusCode);
        using var replay = node.Anonymous();
        (await SignInAsync(replay, "sato@aozora.example", DemoTeams.Password)).Dispose();
        using var same = await TestNode.PostFormAsync(replay, "/sign-in/code", "/sign-in/code", new() { ["code"] = code });
        Assert.Equal(HttpStatusCode.BadRequest, same.StatusCode);
        using var recovered = await TestNode.PostFormAsync(replay, "/sign-in/code", "/sign-in/code", new() { ["code"] = codes[0] });
        Assert.Equal(HttpStatusCode.SeeOther, recovered.StatusCode);
        using var spent = node.Anonymous();
        (await SignInAsync(spent, "sato@aozora.example", DemoTeams.Password)).Dispose();
        using var twice = await TestNode.PostFormAsync(spent, "/sign-in/code", "/sign-in/code", new() { ["code"] = codes[0] });
        Assert.Equal(HttpStatusCode.BadRequest, twice.StatusCode);
    }

    [Theory]
    [InlineData("sato@aozora.example")]
    [InlineData("yamamoto@aozora.example")]
    [InlineData("operator@aozora.example")]
    [InlineData("auditor@aozora.example")]
    [InlineData("constituent@aozora.example")]
    [InlineData("tanaka@aozora.example")]
    public async Task Nobody_gives_themselves_a_role(string email)
    {
        await using var node = await TestNode.StartAsync();
        using var client = await node.SignedInAsync(email);
        await using var db = node.Databases.ForSystem();
        var id = (await db.Users.SingleAsync(u => u.Email == email, Ct)).Id;
        var before = await RolesAsync();
        var token = CsrfOf(await client.GetStringAsync("/me", Ct));
        var fields = Enum.GetValues<Role>().Select(r => new KeyValuePair<string, string>("roles", r.Code())).Concat(Enum.GetValues<Role>().Select(r => new KeyValuePair<string, string>("role", r.Code()))).Append(new("csrf", token));
        using var answer = await client.PostAsync($"/people/{id}/roles", new FormUrlEncodedContent(fields), Ct);
        Assert.True((int)answer.StatusCode is 400 or 403, ((int)answer.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(before, await RolesAsync());

        async Task<string> RolesAsync() => string.Join(',', (await db.Memberships.AsNoTracking().Where(m => m.Person == new PersonId(id)).ToListAsync(Ct)).Select(m => m.Team + ":" + m.Role).Order(StringComparer.Ordinal));
    }

    private sealed class SetClock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static async Task<(string Cookie, HttpStatusCode Out)> StolenCookieAsync(TestNode node)
    {
        using var client = node.Anonymous();
        using var inside = await SignInAsync(client, "smith@aozora.example", DemoTeams.Password);
        var cookie = inside.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("renkei=", StringComparison.Ordinal)).Split(';')[0];
        using var signedOut = await TestNode.PostFormAsync(client, "/me", "/sign-out", []);
        Assert.Equal(HttpStatusCode.SeeOther, signedOut.StatusCode);
        return (cookie, signedOut.StatusCode);
    }

    private static Task<HttpResponseMessage> SignInAsync(HttpClient client, string email, string password) =>
        TestNode.PostFormAsync(client, "/sign-in", "/sign-in", new() { ["email"] = email, ["password"] = password });

    private static string CsrfOf(string html) => Csrf().Match(html).Groups[1].Value;

    /// <summary>A page without what differs by its nature: the token and the name that was typed.</summary>
    private static string Neutral(string html) => Names().Replace(Sealed().Replace(html, ""), "");

    /// <summary>RFC 6238 with SHA-1, 30 seconds and six digits, as the apps do it.</summary>
    private static string Totp(string base32, DateTimeOffset at)
    {
        var bits = string.Concat(base32.Select(c => Convert.ToString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        var key = Enumerable.Range(0, bits.Length / 8).Select(i => Convert.ToByte(bits.Substring(i * 8, 8), 2)).ToArray();
        Span<byte> step = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(step, at.ToUnixTimeSeconds() / 30);
#pragma warning disable CA5350 // what authenticator apps speak
        var hash = HMACSHA1.HashData(key, step);
#pragma warning restore CA5350
        var number = BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(hash[^1] & 15)) & int.MaxValue;
        return (number % 1_000_000).ToString("D6", System.Globalization.CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Csrf();

    [GeneratedRegex("CfDJ8[A-Za-z0-9_-]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Sealed();

    [GeneratedRegex("(sato|nobody)@aozora.example", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Names();

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Parameter();

    [GeneratedRegex("<code>([a-z2-7 ]+)</code>", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Key();

    [GeneratedRegex(@"\b[A-Z0-9]{5}-[A-Z0-9]{5}\b", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Recovery();
}
