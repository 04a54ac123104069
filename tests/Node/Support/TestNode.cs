using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Demo;
using Renkei.Node.Security;
using Renkei.Store;

namespace Renkei.Node.Tests;

/// <summary>The two engines that every store test runs on.</summary>
public static class Engines
{
    public static TheoryData<string> All => ["sqlite", "postgres"];

    /// <summary>A fresh, empty database of that engine: the value of the setting <c>db</c>.</summary>
    public static async Task<string> NewDatabaseAsync(string engine)
    {
        if (engine == "sqlite")
        {
            return "";
        }

        var server = Environment.GetEnvironmentVariable("RENKEI_TEST_POSTGRES")
            ?? throw new InvalidOperationException("RENKEI_TEST_POSTGRES is not set: run the tests through ./test, which starts a PostgreSQL.");
        var name = "renkei_" + Guid.NewGuid().ToString("N");
        await using var connection = new NpgsqlConnection(Store.Postgres.PostgresStore.ConnectionString(server));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return server[..(server.LastIndexOf('/') + 1)] + name;
    }
}

/// <summary>A real node in this process: its own data folder and database, Kestrel on a free loopback port.</summary>
public sealed class TestNode : IAsyncDisposable
{
    private TestNode(WebApplication app, string folder, string url)
    {
        App = app;
        Folder = folder;
        Url = url;
    }

    public WebApplication App { get; }

    public string Folder { get; }

    public string Url { get; }

    public IServiceProvider Services => App.Services;

    public NodeDbFactory Databases => Services.GetRequiredService<NodeDbFactory>();

    public TimeProvider Clock => Services.GetRequiredService<TimeProvider>();

    /// <summary>Starts a node with the sample teams and people of <see cref="DemoTeams"/>.</summary>
    public static async Task<TestNode> StartAsync(string engine = "sqlite", IReadOnlyDictionary<string, string>? settings = null, bool people = true, Action<WebApplicationBuilder>? adjust = null)
    {
        var folder = Directory.CreateTempSubdirectory("renkei-test-").FullName;
        var given = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["data"] = folder,
            ["urls"] = "http://127.0.0.1:0",
            ["public-url"] = "http://localhost:7080",
            ["db"] = await Engines.NewDatabaseAsync(engine),
            ["report-rate"] = "100000",
        };
        foreach (var (name, value) in settings ?? new Dictionary<string, string>())
        {
            given[name] = value;
        }

        var app = NodeHost.Build(NodeSettings.Load(given, _ => null), adjust);
        await NodeHost.PrepareAsync(app.Services, TestContext.Current.CancellationToken);
        if (people)
        {
            await DemoTeams.EnsureAsync(app.Services, TestContext.Current.CancellationToken);
        }

        await app.StartAsync(TestContext.Current.CancellationToken);
        var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First(a => a.StartsWith("http://127", StringComparison.Ordinal));
        return new TestNode(app, folder, url);
    }

    /// <summary>A browser-like client without a session; redirects are not followed.</summary>
    public HttpClient Anonymous()
    {
        var client = new HttpClient(new HttpClientHandler { CookieContainer = new CookieContainer(), AllowAutoRedirect = false }) { BaseAddress = new Uri(Url) };
        client.DefaultRequestHeaders.Add("Accept", "text/html,application/json");
        return client;
    }

    /// <summary>A client signed in as one of <see cref="DemoTeams.People"/>.</summary>
    public async Task<HttpClient> SignedInAsync(string email)
    {
        var client = Anonymous();
        using var answer = await PostFormAsync(client, "/sign-in", "/sign-in", new() { ["email"] = email, ["password"] = DemoTeams.Password });
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        return client;
    }

    /// <summary>Posts a form as a browser does: first the page with the anti-forgery token, then the fields.</summary>
    public static async Task<HttpResponseMessage> PostFormAsync(HttpClient client, string page, string action, Dictionary<string, string> fields)
    {
        var html = await client.GetStringAsync(page);
        var token = Regex.Match(html, "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;
        using var content = new FormUrlEncodedContent(fields.Append(new("csrf", token)));
        return await client.PostAsync(action, content);
    }

    /// <summary>A client with a token of the team that has all scopes, or those given.</summary>
    public async Task<HttpClient> WithTokenAsync(string team, params string[] scopes)
    {
        await using var db = Databases.ForSystem();
        var owner = (await TeamAsync(team)).Id;
        var secret = "rk_" + Guid.NewGuid().ToString("N");
        db.Tokens.Add(new ApiToken
        {
            Id = Guid.CreateVersion7(),
            Team = owner,
            Name = "test",
            Hash = ViewerResolver.HashOf(secret),
            Hint = "rk_",
            Scopes = string.Join(' ', scopes.Length > 0 ? scopes : [.. Renkei.Web.Scopes.All]),
            CreatedAt = Clock.GetUtcNow(),
            ExpiresAt = Clock.GetUtcNow().AddDays(1),
        });
        await db.SaveChangesAsync();
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(Url) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", secret);
        return client;
    }

    public async Task<Team> TeamAsync(string slug)
    {
        await using var db = Databases.ForSystem();
        return db.Teams.Single(t => t.Slug == slug);
    }

    public async Task<Viewer> ViewerOfAsync(string email)
    {
        await using var db = Databases.ForSystem();
        var account = db.Users.Single(u => u.Email == email);
        return await ViewerResolver.ForPersonAsync(db, new PersonId(account.Id), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(Folder, recursive: true);
    }
}
