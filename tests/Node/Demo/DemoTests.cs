using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Directories;
using Renkei.Geo;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Demo;
using Renkei.Node.Tests.Demos;
using Renkei.Store;

[assembly: AssemblyFixture(typeof(SampleNode))]

namespace Renkei.Node.Tests.Demos;

/// <summary>A clock that stands.</summary>
internal sealed class StandingClock(DateTimeOffset at) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => at;
}

/// <summary>One running sample node for all questions about it: filled by the first that asks.</summary>
public sealed class SampleNode : IAsyncDisposable
{
    private readonly SemaphoreSlim _once = new(1, 1);
    private TestNode? _node;

    public async Task<TestNode> GetAsync()
    {
        await _once.WaitAsync();
        try
        {
            if (_node is null)
            {
                var node = await TestNode.StartAsync();
                await DemoNode.EnsureAsync(node.Services, node.Services.GetRequiredService<NodeSettings>(), CancellationToken.None);
                _node = node;
            }

            return _node;
        }
        finally
        {
            _once.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }

        _once.Dispose();
    }
}

/// <summary>What <c>renkei demo</c> shows: a year of a desk's work in every state, whatever the day it is made on.</summary>
public class DemoTests(SampleNode sample)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("2026-03-01T00:00:30Z")]
    [InlineData("2028-02-29T12:00:00Z")]
    [InlineData("2026-11-22T03:00:00Z")]
    [InlineData("2026-12-31T23:59:30Z")]
    [InlineData("2027-01-01T15:00:00Z")]
    [InlineData("2027-05-05T06:30:00Z")]
    public async Task Whatever_the_day_there_are_400_reports_over_a_year_and_every_state_and_outcome(string now)
    {
        var clock = new StandingClock(DateTimeOffset.Parse(now, CultureInfo.InvariantCulture));
        var folder = Directory.CreateTempSubdirectory("renkei-test-").FullName;
        try
        {
            var given = new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = folder, ["urls"] = "http://127.0.0.1:0" };
            await using var app = NodeHost.Build(NodeSettings.Load(given, _ => null), b => b.Services.AddSingleton<TimeProvider>(clock));
            await NodeHost.PrepareAsync(app.Services, Ct);
            await DemoNode.EnsureAsync(app.Services, app.Services.GetRequiredService<NodeSettings>(), Ct);
            await using var db = app.Services.GetRequiredService<NodeDbFactory>().ForSystem();
            await HasEverythingAsync(db, clock.GetUtcNow());
        }
        finally
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Today_it_has_them_too_in_both_languages_and_with_somebody_to_ask()
    {
        var node = await sample.GetAsync();
        await using var db = node.Databases.ForSystem();
        var now = node.Clock.GetUtcNow();
        await HasEverythingAsync(db, now, sent: false);
        Assert.Equal(["en", "ja"], (await db.Reports.Select(r => r.Language).Distinct().ToListAsync(Ct)).Order(StringComparer.Ordinal));
        Assert.Equal(["en", "ja"], (await db.Requests.Select(r => r.Language).Distinct().ToListAsync(Ct)).Order(StringComparer.Ordinal));
        Assert.Equal(["en", "ja"], (await db.People.Select(p => p.Language).Distinct().ToListAsync(Ct)).Order(StringComparer.Ordinal));
        var contacts = await db.Contacts.AsNoTracking().ToListAsync(Ct);
        var pieces = await db.Constituencies.AsNoTracking().ToListAsync(Ct);
        Assert.True(contacts.Count >= 20, contacts.Count + " contacts");
        Assert.All(Enum.GetValues<ConstituencyKind>(), kind => Assert.Contains(pieces, p => p.What == kind));
        Assert.All(pieces.Where(p => p.Contact is not null), p => Assert.Contains(contacts, c => c.Id == p.Contact && c.Team == p.Team));
        Assert.All(contacts, c => Assert.True(c.Mail.EndsWith(".example", StringComparison.Ordinal) && (c.WorkingHours is null || WorkingHours.TryParse(c.WorkingHours, out _)), $"{c.Mail} {c.WorkingHours}"));
        // the sample's own mail lies in the spool, each in its whole
        var spool = Path.Combine(node.Folder, "spool");
        for (var waited = 0; waited < 200 && (!Directory.Exists(spool) || Directory.GetFiles(spool, "*.eml").Length == 0); waited++)
        {
            await Task.Delay(100, Ct);
        }

        var mails = Directory.GetFiles(spool, "*.eml");
        Assert.NotEmpty(mails);
        Assert.All(mails, m => Assert.Contains(".example", File.ReadAllText(m), StringComparison.Ordinal));
        // and the networks of documentation lie somewhere
        Assert.Equal(GeoState.Ready, node.Services.GetRequiredService<GeoStore>().Status.State);
    }

    [Fact]
    public async Task Its_sheet_names_logins_and_tokens_that_work_and_only_the_owner_reads_it()
    {
        var node = await sample.GetAsync();
        var path = Path.Combine(node.Folder, DemoNode.FileName);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        using var sheet = JsonDocument.Parse(await File.ReadAllBytesAsync(path, Ct));
        Assert.Equal(["url", "logins", "tokens"], sheet.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal("http://localhost:7080", sheet.RootElement.GetProperty("url").GetString());
        var logins = sheet.RootElement.GetProperty("logins").EnumerateArray().ToList();
        Assert.All(logins, l => Assert.Equal(["email", "password", "role", "team"], l.EnumerateObject().Select(p => p.Name)));
        Assert.All(Enum.GetValues<Role>().Where(r => r is not (Role.PointOfContact or Role.Secretariat)), r => Assert.Contains(logins, l => l.GetProperty("role").GetString() == r.Code()));
        foreach (var login in logins)
        {
            using var client = node.Anonymous();
            using var answer = await TestNode.PostFormAsync(client, "/sign-in", "/sign-in", new() { ["email"] = login.GetProperty("email").GetString()!, ["password"] = login.GetProperty("password").GetString()! });
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
            using var home = await client.GetAsync("/", Ct);
            Assert.Equal(HttpStatusCode.OK, home.StatusCode);
        }

        var tokens = sheet.RootElement.GetProperty("tokens").EnumerateArray().ToList();
        Assert.Equal(["aozora", "minato"], tokens.Select(t => t.GetProperty("team").GetString()));
        foreach (var token in tokens)
        {
            Assert.Equal(["team", "token"], token.EnumerateObject().Select(p => p.Name));
            using var client = new HttpClient { BaseAddress = new Uri(node.Url) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", token.GetProperty("token").GetString());
            var list = JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync("/api/v1/incidents", Ct));
            Assert.NotEmpty(list.GetProperty("items").EnumerateArray());
        }
    }

    [Fact]
    public async Task A_second_start_changes_nothing()
    {
        var node = await sample.GetAsync();
        var path = Path.Combine(node.Folder, DemoNode.FileName);
        var before = (await CountsAsync(node), await File.ReadAllTextAsync(path, Ct));
        await DemoNode.EnsureAsync(node.Services, node.Services.GetRequiredService<NodeSettings>(), Ct);
        Assert.Equal(before, (await CountsAsync(node), await File.ReadAllTextAsync(path, Ct)));

        static async Task<string> CountsAsync(TestNode node)
        {
            await using var db = node.Databases.ForSystem();
            return $"{await db.Reports.CountAsync(Ct)} {await db.Incidents.CountAsync(Ct)} {await db.Requests.CountAsync(Ct)} {await db.RequestTargets.CountAsync(Ct)} {await db.Teams.CountAsync(Ct)} {await db.Contacts.CountAsync(Ct)} {await db.Constituencies.CountAsync(Ct)} "
                + $"{await db.Users.CountAsync(Ct)} {await db.Tokens.CountAsync(Ct)} {await db.Timeline.CountAsync(Ct)} {await db.Outbox.CountAsync(Ct)}";
        }
    }

    [Fact]
    public async Task Its_pages_open_in_both_languages()
    {
        var node = await sample.GetAsync();
        await using var db = node.Databases.ForSystem();
        var team = (await node.TeamAsync("aozora")).Id;
        var incidents = (await db.Incidents.AsNoTracking().ToListAsync(Ct)).Where(i => i.Marking.Origin == team && i.Marking.Tlp == Tlp.Amber).GroupBy(i => i.State).Select(g => "/incidents/" + g.First().Id);
        var requests = (await db.Requests.AsNoTracking().ToListAsync(Ct)).Where(r => r.Marking.Origin == team).GroupBy(r => r.State).Select(g => "/requests/" + g.First().Id);
        var reports = (await db.Reports.AsNoTracking().ToListAsync(Ct)).Where(r => r.Marking.Origin == team && r.Marking.Tlp == Tlp.Amber).GroupBy(r => (r.State, r.Channel)).Select(g => "/reports/" + g.First().Id);
        string[] pages = ["/", "/triage", "/incidents", "/requests", "/reports", "/directory", "/search?q=phishing", "/notifications", .. incidents, .. requests, .. reports];
        foreach (var who in new[] { "sato@aozora.example", "smith@aozora.example" })
        {
            using var client = await node.SignedInAsync(who);
            foreach (var page in pages)
            {
                using var answer = await client.GetAsync(page, Ct);
                var html = await answer.Content.ReadAsStringAsync(Ct);
                Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{who} {page}: {(int)answer.StatusCode}");
                Assert.DoesNotContain("⟦", html, StringComparison.Ordinal);
            }
        }
    }

    private static async Task HasEverythingAsync(NodeDb db, DateTimeOffset now, bool sent = true)
    {
        var reports = await db.Reports.AsNoTracking().ToListAsync(Ct);
        var incidents = await db.Incidents.AsNoTracking().ToListAsync(Ct);
        var requests = await db.Requests.AsNoTracking().ToListAsync(Ct);
        Assert.Equal(DemoDesk.ReportCount, reports.Count);
        Assert.Equal(400, reports.Count);
        Assert.All(reports, r => Assert.InRange(r.ReceivedAt, now.AddDays(-367), now));
        // no month of the last twelve is empty
        Assert.All(Enumerable.Range(0, 12), m => Assert.Contains(reports, r => r.ReceivedAt > now.AddDays(-30.4 * (m + 1)) && r.ReceivedAt <= now.AddDays(-30.4 * m)));
        Covers(reports.Select(r => r.State));
        Covers(reports.Select(r => r.Type));
        Covers(reports.Select(r => r.Channel));
        Covers(incidents.Select(i => i.State));
        Covers(incidents.Select(i => i.Waiting));
        Covers(incidents.Select(i => i.Marking.Tlp).Concat(reports.Select(r => r.Marking.Tlp)));
        // one that has just left may have been delivered by the node itself meanwhile
        Covers(requests.Select(r => r.State));
        Covers(requests.Select(r => r.Outcome));
        Covers(requests.Select(r => r.Answer));
        Assert.All(incidents, i => Assert.True(i.OpenedAt <= now && (i.ClosedAt is null) == (i.State == IncidentState.Open) && !(i.ClosedAt < i.OpenedAt) && !(i.ClosedAt > now), $"{i.Number}: {i.State}, {i.OpenedAt:u} to {i.ClosedAt:u}"));
        Assert.All(requests, r => Assert.True((r.Outcome == RequestOutcome.None) == (r.State != RequestState.Closed) && (r.SentAt is null) == (r.State == RequestState.Draft), $"{r.Number}: {r.State} {r.Outcome} {r.SentAt:u}"));
        Assert.All(requests, r => Assert.True(!(r.SentAt > now.AddSeconds(1)) && !(r.AcknowledgedAt < r.SentAt) && !(r.AnsweredAt < r.AcknowledgedAt) && !(r.ClosedAt < r.SentAt) && !(r.ClosedAt > now.AddSeconds(1)), $"{r.Number}: {r.SentAt:u} {r.AcknowledgedAt:u} {r.AnsweredAt:u} {r.ClosedAt:u}"));
        Assert.Contains(reports, r => r.State == ReportState.New && r.DueAt < now);
        Assert.Contains(requests, r => r.State is RequestState.Sent or RequestState.Delivered or RequestState.Acknowledged && r.DueAt < now);
        Assert.True(!sent || await db.Outbox.AnyAsync(o => o.State == OutboxState.Waiting, Ct));
        Assert.True(await db.Outbox.AnyAsync(o => o.State == OutboxState.Stuck, Ct));
        // numbers are told once
        Assert.Equal(reports.Count, reports.Select(r => (r.Marking.Origin, r.Number)).Distinct().Count());
        Assert.Equal(incidents.Count, incidents.Select(i => (i.Marking.Origin, i.Number)).Distinct().Count());
        Assert.Equal(requests.Count, requests.Select(r => (r.Marking.Origin, r.Number)).Distinct().Count());
        Assert.All(reports.Where(r => r.State == ReportState.Duplicate), r => Assert.Contains(reports, o => o.Id == r.DuplicateOf && o.Id != r.Id));
    }

    private static void Covers<T>(IEnumerable<T> found) where T : struct, Enum
    {
        var have = found.Distinct().ToHashSet();
        var missing = Enum.GetValues<T>().Where(v => !have.Contains(v)).ToList();
        Assert.True(missing.Count == 0, $"{typeof(T).Name}: no {string.Join(", ", missing)}");
    }
}
