using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Renkei.Node.Tests.Triage;

/// <summary>A search for an observable: each record once, and the addresses within a prefix.</summary>
public class SearchTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_record_is_listed_once_and_a_prefix_finds_the_addresses_within(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var named = await ReportAsync(node, "Seen at login.twice.example today.");
        var words = await SearchAsync(smith, "login.twice.example");
        Assert.Equal(1, Count(words, named));
        Assert.Contains("1 record", words, StringComparison.Ordinal);

        var (low, high, next) = (await ReportAsync(node, "198.51.100.7"), await ReportAsync(node, "198.51.100.200"), await ReportAsync(node, "198.51.101.7"));
        var whole = await SearchAsync(smith, "198.51.100.0/24");
        Assert.Equal((1, 1, 0), (Count(whole, low), Count(whole, high), Count(whole, next)));
        var half = await SearchAsync(smith, "198.51.100[.]0/25");
        Assert.Equal((1, 0, 0), (Count(half, low), Count(half, high), Count(half, next)));

        var (inside, outside) = (await ReportAsync(node, "From 2001:db8:7::5 today."), await ReportAsync(node, "From 2001:db8:70::5 today."));
        var six = await SearchAsync(smith, "2001:db8:7::/48");
        Assert.Equal((1, 0), (Count(six, inside), Count(six, outside)));
        // a group of zeros may be written as "::"
        var zero = await ReportAsync(node, "From 2001:db8::25 today.");
        var zeros = await SearchAsync(smith, "2001:db8:0::/48");
        Assert.Equal((1, 0), (Count(zeros, zero), Count(zeros, inside)));
    }

    private static async Task<string> SearchAsync(HttpClient client, string query) => await client.GetStringAsync("/search?q=" + Uri.EscapeDataString(query), Ct);

    private static int Count(string page, string report) => Regex.Count(page, $"href=\"/reports/{report}\"", RegexOptions.NonBacktracking);

    private static async Task<string> ReportAsync(TestNode node, string description)
    {
        using var client = node.Anonymous();
        using var answer = await client.PostAsJsonAsync("/api/v1/reports", new { team = "aozora", type = "request", summary = "to be found", description, language = "en" }, Ct);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Ct));
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString()!;
    }
}
