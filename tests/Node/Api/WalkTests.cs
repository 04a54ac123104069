using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;

namespace Renkei.Node.Tests.Api;

/// <summary>The walk of docs/guide/api.md runs as it is written.</summary>
public partial class WalkTests
{
    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_walk_in_the_guide_runs_as_written(string engine)
    {
        var ct = TestContext.Current.CancellationToken;
        var blocks = Blocks().Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs/guide/api.md"), ct)).Select(m => m.Groups[1].Value).ToList();
        Assert.True(blocks.Count >= 9, "the guide lost its runnable blocks");
        await using var node = await TestNode.StartAsync(engine);
        using var client = await node.WithTokenAsync("aozora");
        var (code, output) = await BashAsync(string.Concat(blocks), node.Url, client.DefaultRequestHeaders.Authorization!.Parameter!, ct);
        Assert.True(code == 0, output);
        await using var db = node.Databases.ForSystem();
        var request = await db.Requests.SingleAsync(ct);
        Assert.Equal((RequestState.Closed, RequestAnswer.Done, RequestOutcome.Done), (request.State, request.Answer, request.Outcome));
        Assert.Equal(IncidentState.Resolved, (await db.Incidents.SingleAsync(ct)).State);
        Assert.Equal(1, await db.Reports.CountAsync(ct));
        Assert.Single(Directory.GetFiles(Path.Combine(node.Folder, "spool"), "*.eml"), f => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f))) == request.MessageSha256);
    }

    [Fact]
    public async Task Every_route_the_guide_lists_is_there_and_none_is_left_out()
    {
        await using var node = await TestNode.StartAsync(people: false);
        var guide = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs/guide/api.md"), TestContext.Current.CancellationToken);
        var listed = Routes().Matches(guide[guide.IndexOf("## All routes", StringComparison.Ordinal)..]).Select(m => m.Groups[1].Value + " " + m.Groups[2].Value.Replace("/ID", "/{id}", StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(OpenApiTests.PublicRoutes(node), listed.Where(l => l.Contains("/api/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    private static async Task<(int Code, string Output)> BashAsync(string script, string url, string token, CancellationToken ct)
    {
        var start = new ProcessStartInfo("bash") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["URL"] = url;
        start.Environment["TOKEN"] = token;
        using var bash = Process.Start(start)!;
        var output = new StringBuilder();
        var reading = Task.WhenAll(ReadAsync(bash.StandardOutput, output, ct), ReadAsync(bash.StandardError, output, ct));
        await bash.StandardInput.WriteAsync(script.AsMemory(), ct);
        bash.StandardInput.Close();
        await bash.WaitForExitAsync(ct);
        await reading;
        return (bash.ExitCode, output.ToString());
    }

    private static async Task ReadAsync(StreamReader from, StringBuilder into, CancellationToken ct)
    {
        while (await from.ReadLineAsync(ct) is { } line)
        {
            lock (into)
            {
                into.AppendLine(line);
            }
        }
    }

    [GeneratedRegex("<!-- run -->\\n```console\\n(.*?)```", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Blocks();

    [GeneratedRegex("`(GET|POST|PATCH|PUT|DELETE) (/[^` ?]+)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Routes();
}
