using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Node.Security;
using Renkei.Node.Tests.Triage;
using Renkei.Web;

namespace Renkei.Node.Tests.AccountRules;

/// <summary>/settings/tokens: shown once, stored as a hash, never for longer than a year.</summary>
public class ApiTokenTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_s_secret_is_shown_once_and_is_nowhere_in_what_the_node_keeps()
    {
        await using var node = await TestNode.StartAsync();
        using var tanaka = await node.SignedInAsync("tanaka@aozora.example");
        using var made = await CreateAsync(tanaka, Day(node, 30), Scopes.ReportsRead, Scopes.IncidentsRead);
        Assert.Equal(HttpStatusCode.OK, made.StatusCode);
        var secret = Assert.Single(Secrets(await made.Content.ReadAsStringAsync(Ct)));
        Assert.True(secret.Length > 40, secret);
        Assert.Empty(Secrets(await tanaka.GetStringAsync("/settings/tokens", Ct)));

        await using var db = node.Databases.ForSystem();
        var stored = await db.Tokens.AsNoTracking().SingleAsync(Ct);
        Assert.Equal(ViewerResolver.HashOf(secret), stored.Hash);
        Assert.Equal((Scopes.ReportsRead + " " + Scopes.IncidentsRead, (await node.TeamAsync("aozora")).Id), (stored.Scopes, stored.Team));
        // in no table, no log and no file beside: only its first letters, to tell it from others
        var needle = Encoding.UTF8.GetBytes(secret[8..]);
        foreach (var file in Directory.EnumerateFiles(node.Folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) is not ("renkei.lock" or "renkei.sock")))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, Ct);
            Assert.True(bytes.AsSpan().IndexOf(needle) < 0, file);
        }

        using var machine = new HttpClient { BaseAddress = new Uri(node.Url) };
        machine.DefaultRequestHeaders.Authorization = new("Bearer", secret);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (await StatusAsync(machine, "/api/v1/incidents"), await StatusAsync(machine, "/api/v1/requests")));
        using var revoked = await DeskNode.PostAsync(tanaka, $"/settings/tokens/{stored.Id}/revoke", ("confirm", "yes"));
        Assert.Equal(HttpStatusCode.SeeOther, revoked.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(machine, "/api/v1/incidents"));
        Assert.Equal(["token.created", "token.revoked"], await db.Audit.AsNoTracking().Where(a => a.Record == stored.Id && a.Action.StartsWith("token.")).OrderBy(a => a.Seq).Select(a => a.Action).ToListAsync(Ct));
    }

    [Fact]
    public async Task A_token_ends_within_365_days_and_what_the_form_says_wrong_is_pointed_at()
    {
        await using var node = await TestNode.StartAsync();
        using var tanaka = await node.SignedInAsync("tanaka@aozora.example");
        foreach (var (until, scopes, field) in new (string, string[], string)[]
        {
            (Day(node, 367), [Scopes.ReportsRead], "until"),
            (Day(node, 36_500), [Scopes.ReportsRead], "until"),
            (Day(node, -2), [Scopes.ReportsRead], "until"),
            ("", [Scopes.ReportsRead], "until"),
            ("tomorrow", [Scopes.ReportsRead], "until"),
            (Day(node, 30), [], "scope-0"),
            (Day(node, 30), [Scopes.ReportsRead, "everything:write"], "scope-0"),
        })
        {
            using var answer = await CreateAsync(tanaka, until, scopes);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            var page = await answer.Content.ReadAsStringAsync(Ct);
            Assert.Contains($"href=\"#{field}\"", page, StringComparison.Ordinal);
            Assert.Empty(Secrets(page));
        }

        await using var db = node.Databases.ForSystem();
        Assert.False(await db.Tokens.AnyAsync(Ct));
        using var longest = await CreateAsync(tanaka, Day(node, 365), Scopes.ReportsRead);
        Assert.Equal(HttpStatusCode.OK, longest.StatusCode);
        // the end of that day, where she is
        var ends = (await db.Tokens.AsNoTracking().SingleAsync(Ct)).ExpiresAt.ToOffset(TimeSpan.FromHours(9));
        Assert.Equal((Day(node, 365), "23:59:59"), (ends.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), ends.ToString("HH:mm:ss", CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Another_team_s_tokens_are_not_listed_and_not_revoked()
    {
        await using var node = await TestNode.StartAsync();
        using var machine = await node.WithTokenAsync("aozora");
        await using var db = node.Databases.ForSystem();
        var token = await db.Tokens.AsNoTracking().SingleAsync(Ct);
        await TestPeople.AddAsync(node, "lead@minato.example", ("minato", Kernel.Role.Lead));
        using var minato = await node.SignedInAsync("lead@minato.example");
        Assert.DoesNotContain(token.Id.ToString(), await minato.GetStringAsync("/settings/tokens", Ct), StringComparison.OrdinalIgnoreCase);
        using var revoke = await DeskNode.PostAsync(minato, $"/settings/tokens/{token.Id}/revoke", ("confirm", "yes"));
        Assert.Equal(HttpStatusCode.NotFound, revoke.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(machine, "/api/v1/incidents"));
    }

    /// <summary>A date that many days from now where the lead is, in Tokyo.</summary>
    private static string Day(TestNode node, int days) => node.Clock.GetUtcNow().ToOffset(TimeSpan.FromHours(9)).AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static Task<HttpResponseMessage> CreateAsync(HttpClient client, string until, params string[] scopes) =>
        DeskNode.PostAsync(client, "/settings/tokens", [("name", "script"), ("until", until), .. scopes.Select(s => ("scopes", s))]);

    private static List<string> Secrets(string page) => [.. Regex.Matches(page, "rk_[A-Za-z0-9_-]{20,}", RegexOptions.NonBacktracking).Select(m => m.Value).Distinct(StringComparer.Ordinal)];

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, Ct);
        return answer.StatusCode;
    }
}
