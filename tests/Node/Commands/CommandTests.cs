using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Geo;
using Renkei.Incidents;
using Renkei.Store;

namespace Renkei.Node.Tests.CommandLine;

/// <summary>The command line as a process of its own, and its exit codes: 0 done, 1 found a problem, 2 bad usage.</summary>
public class CommandTests
{
    private static readonly string Samples = Path.Combine(Repository.Root, "tests/Units/Fixtures/shadowserver");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Normalize_writes_one_object_an_event_and_says_by_its_code_how_it_went()
    {
        var file = Sample("scan_rdp");
        var good = await RunAsync("normalize", file);
        Assert.Equal(0, good.Exit);
        Assert.Equal(await File.ReadAllLinesAsync(Path.ChangeExtension(file, ".jsonl"), Ct), good.Lines);
        Assert.Contains("0 rejected", good.Errors, StringComparison.Ordinal);

        using var folder = new Scratch();
        var broken = Path.Combine(folder.Path, Path.GetFileName(file));
        await File.WriteAllTextAsync(broken, await File.ReadAllTextAsync(file, Ct) + "\"only one cell\"\n", Ct);
        var bad = await RunAsync("normalize", broken);
        Assert.Equal((1, good.Lines.Length), (bad.Exit, bad.Lines.Length));
        Assert.Contains("wrong-column-count", bad.Errors, StringComparison.Ordinal);

        await File.WriteAllTextAsync(Path.Combine(folder.Path, "notes.csv"), "a,b\n1,2\n", Ct);
        var unknown = await RunAsync("normalize", Path.Combine(folder.Path, "notes.csv"));
        Assert.Equal((1, 0), (unknown.Exit, unknown.Lines.Length));
        Assert.Contains("--feed", unknown.Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("normalize", Path.Combine(folder.Path, "nothing.csv"))).Exit);
        Assert.Equal(2, (await RunAsync("normalize")).Exit);
        Assert.Equal(2, (await RunAsync("nonsense")).Exit);
    }

    [Fact]
    public async Task A_setting_that_is_none_is_bad_usage_and_config_says_where_each_comes_from()
    {
        using var folder = new Scratch();
        var unknown = await RunAsync("config", "--data", folder.Path, "--set", "langauge=en");
        Assert.Equal(2, unknown.Exit);
        Assert.Contains("langauge", unknown.Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("config", "--data", folder.Path, "--set", "language")).Exit);
        var told = await RunAsync("config", "--data", folder.Path, "--set", "language=en", "--json");
        Assert.Equal(0, told.Exit);
        var language = JsonSerializer.Deserialize<JsonElement>(told.Output).GetProperty("language");
        Assert.Equal(("en", "--language"), (language.GetProperty("Value").GetString(), language.GetProperty("Source").GetString()));
    }

    [Fact]
    public async Task Import_reaches_a_running_node_through_its_folder()
    {
        await using var node = await TestNode.StartAsync();
        var file = Sample("scan_rdp");
        var several = await RunAsync("import", file, "--data", node.Folder);
        Assert.Equal(2, several.Exit);
        Assert.Contains("--team", several.Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("import", file, "--data", node.Folder, "--team", "nobody")).Exit);
        Assert.Equal(2, (await RunAsync("import", file + ".missing", "--data", node.Folder, "--team", "aozora")).Exit);

        var first = await RunAsync("import", file, "--data", node.Folder, "--team", "aozora");
        Assert.True(first.Exit == 0, first.Errors);
        await using var db = node.Databases.ForSystem();
        var report = await db.Reports.AsNoTracking().SingleAsync(Ct);
        Assert.Contains(report.Number, first.Output, StringComparison.Ordinal);
        Assert.Equal((Channel.Import, (await File.ReadAllLinesAsync(Path.ChangeExtension(file, ".jsonl"), Ct)).Length), (report.Channel, report.Items));
        var again = await RunAsync("import", file, "--data", node.Folder, "--team", "aozora", "--json");
        Assert.Equal(0, again.Exit);
        var said = JsonSerializer.Deserialize<JsonElement>(again.Output);
        Assert.True(said.GetProperty("alreadyThere").GetBoolean());
        Assert.Equal(report.Number, said.GetProperty("report").GetString());
        Assert.Equal(1, await db.Reports.CountAsync(Ct));

        // the door is the socket: the same address on the network is none
        using var outside = node.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/local/run") { Content = new StringContent("") };
        request.Headers.Add("X-Args", Uri.EscapeDataString("[\"user-list\"]"));
        using var refused = await outside.SendAsync(request, Ct);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(node.Folder));
    }

    [Fact]
    public async Task Teams_people_and_tokens_are_made_from_the_command_line_of_a_running_node()
    {
        await using var node = await TestNode.StartAsync();
        var team = await RunAsync("team", "add", "kita", "--name", "北CSIRT", "--data", node.Folder);
        Assert.True(team.Exit == 0, team.Errors);
        Assert.Equal(1, (await RunAsync("team", "add", "kita", "--name", "北CSIRT", "--data", node.Folder)).Exit);
        Assert.Equal(2, (await RunAsync("team", "add", "Not A Slug", "--name", "x", "--data", node.Folder)).Exit);
        var person = await RunAsync("user", "add", "kita@kita.example", "--name", "北 花子", "--team", "kita", "--roles", "lead,analyst", "--data", node.Folder);
        Assert.True(person.Exit == 0, person.Errors);
        Assert.StartsWith("http://localhost:7080/invitation/", person.Output, StringComparison.Ordinal);
        Assert.Contains("kita:lead", (await RunAsync("user", "list", "--data", node.Folder)).Output, StringComparison.Ordinal);
        var token = await RunAsync("token", "add", "kita", "--name", "script", "--data", node.Folder);
        Assert.True(token.Exit == 0, token.Errors);
        using var client = new HttpClient { BaseAddress = new Uri(node.Url) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Output.Trim());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/incidents", Ct)).StatusCode);
        var listed = (await RunAsync("token", "list", "--data", node.Folder)).Lines.Single(l => l.Contains("kita", StringComparison.Ordinal));
        Assert.Equal(0, (await RunAsync("token", "revoke", listed.Split('\t')[0], "--data", node.Folder)).Exit);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/api/v1/incidents", Ct)).StatusCode);
    }

    [Fact]
    public async Task Geo_load_gives_a_running_node_its_next_snapshot_and_a_bad_file_leaves_the_last()
    {
        await using var node = await TestNode.StartAsync();
        var geo = node.Services.GetRequiredService<GeoStore>();
        using var folder = new Scratch();
        var table = Path.Combine(folder.Path, "prefixes.dat");
        await File.WriteAllTextAsync(table, "203.0.113.0\t24\t64501\n198.51.100.0\t24\t64502\n", Ct);
        var loaded = await RunAsync("geo", "load", table, "--data", node.Folder);
        Assert.True(loaded.Exit == 0, loaded.Output + loaded.Errors);
        Assert.Equal(64501u, geo.Current.Lookup(IPAddress.Parse("203.0.113.9")).Asn);
        Assert.Contains("unchanged", (await RunAsync("geo", "load", table, "--data", node.Folder)).Output, StringComparison.Ordinal);
        var told = JsonSerializer.Deserialize<JsonElement>((await RunAsync("geo", "load", table, "--data", node.Folder, "--json")).Output);
        Assert.Equal((false, JsonValueKind.Null), (told.GetProperty("changed").GetBoolean(), told.GetProperty("fatal").ValueKind));
        Assert.Equal(Path.GetFileName(table), Path.GetFileName(told.GetProperty("files")[0].GetProperty("file").GetString()));
        var nonsense = Path.Combine(folder.Path, "nonsense.dat");
        await File.WriteAllTextAsync(nonsense, "this is no table\n", Ct);
        Assert.Equal(1, (await RunAsync("geo", "load", nonsense, "--data", node.Folder)).Exit);
        Assert.Equal(1, (await RunAsync("geo", "load", table + ".missing", "--data", node.Folder)).Exit);
        Assert.Equal(64501u, geo.Current.Lookup(IPAddress.Parse("203.0.113.9")).Asn);
        Assert.Equal(2, (await RunAsync("geo", "load", "--data", node.Folder)).Exit);
    }

    [Fact]
    public async Task Without_a_running_node_a_command_does_its_work_itself()
    {
        using var folder = new Scratch();
        var added = await RunAsync("team", "add", "kita", "--name", "北CSIRT", "--latin", "Kita CSIRT", "--data", folder.Path);
        Assert.True(added.Exit == 0, added.Errors);
        Assert.Equal(["kita\t北CSIRT\tJP\t0"], (await RunAsync("team", "list", "--data", folder.Path)).Lines);
    }

    private static string Sample(string type) => Directory.GetFiles(Samples, $"*-{type}-*.csv").Single();

    private sealed record Ran(int Exit, string Output, string Errors)
    {
        public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task<Ran> RunAsync(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Renkei.Node.dll"));
        foreach (var arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        foreach (var variable in start.Environment.Keys.Where(k => k.StartsWith("RENKEI_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(variable);
        }

        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return new(process.ExitCode, await output, await errors);
    }

    private sealed class Scratch : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("renkei-test-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
