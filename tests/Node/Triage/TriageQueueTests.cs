using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Geo;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>The queue: what nobody has decided on, the nearest due first, and what its filters leave.</summary>
public class TriageQueueTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_nearest_due_comes_first_decided_ones_are_gone_and_filters_leave_what_they_say(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var smith = (await node.ViewerOfAsync("smith@aozora.example")).Person;
        var sato = (await node.ViewerOfAsync("sato@aozora.example")).Person;
        var (own, other) = (Marking.Own((await node.TeamAsync("aozora")).Id), Marking.Own((await node.TeamAsync("minato")).Id));
        await using (var db = node.Databases.ForSystem())
        {
            db.AddRange(
                Report(node, own, "later", 5),
                Report(node, own, "overdue", -3, assignee: smith, country: "US"),
                Report(node, own, "soon", 1, assignee: sato, country: "JP"),
                Report(node, own, "advice", 30, type: ReportKind.Consultation, channel: Channel.Phone, country: "DE"),
                Report(node, own, "decided", -9, state: ReportState.Accepted),
                Report(node, own, "rejected", -8, state: ReportState.Rejected),
                Report(node, other, "theirs", -7),
                // shared with us, but not our desk's to decide
                Report(node, other with { Audience = new([Principal.Of(own.Origin)]) }, "theirs shared", -6),
                Report(node, Marking.RedAtIntake(own.Origin), "red", 2));
            await db.SaveChangesAsync(Ct);
        }

        using var client = await node.SignedInAsync("smith@aozora.example");
        Assert.Equal(["overdue", "soon", "red", "later", "advice"], await ListAsync(client, ""));
        Assert.Equal(["overdue"], await ListAsync(client, "View=mine"));
        Assert.Equal(["red", "later", "advice"], await ListAsync(client, "View=nobody"));
        Assert.Equal(["overdue", "advice"], await ListAsync(client, "View=overseas"));
        Assert.Equal(["advice"], await ListAsync(client, "Kind=consultation"));
        Assert.Equal(["advice"], await ListAsync(client, "Channel=phone&View=overseas"));
        Assert.Empty(await ListAsync(client, "Channel=fax"));
        using var bad = await client.GetAsync("/triage?After=nonsense", Ct);
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        using var manager = await node.SignedInAsync("yamamoto@aozora.example");
        Assert.Equal(["overdue", "soon", "later", "advice"], await ListAsync(manager, ""));
    }

    [Fact]
    public async Task Page_by_page_each_comes_once_and_in_order()
    {
        await using var node = await TestNode.StartAsync();
        var own = Marking.Own((await node.TeamAsync("aozora")).Id);
        var count = (TriageQueue.PageSize * 2) + 3;
        await using (var db = node.Databases.ForSystem())
        {
            // two and two are due at the same moment
            db.AddRange(Enumerable.Range(0, count).Select(i => Report(node, own, $"n{i:000}", i / 2, channel: i % 3 == 0 ? Channel.Mail : Channel.Web)));
            await db.SaveChangesAsync(Ct);
        }

        using var client = await node.SignedInAsync("smith@aozora.example");
        foreach (var (query, expected) in new[] { ("", count), ("Channel=mail", (count + 2) / 3) })
        {
            var seen = new List<string>();
            for (var path = "/triage?" + query; path.Length > 0;)
            {
                var html = await client.GetStringAsync(path, Ct);
                var page = Rows(html);
                Assert.InRange(page.Count, 1, TriageQueue.PageSize);
                seen.AddRange(page);
                var next = Regex.Match(html, "href=\"([^\"]+)\" rel=\"next\"", RegexOptions.NonBacktracking).Groups[1].Value;
                path = next.Length == 0 ? "" : new Uri(new Uri("http://node/triage"), WebUtility.HtmlDecode(next)).PathAndQuery;
            }

            Assert.Equal(expected, seen.Count);
            Assert.Equal(expected, seen.Distinct().Count());
            Assert.Equal(seen.Select(s => int.Parse(s.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture) / 2), seen.Select(s => int.Parse(s.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture) / 2).Order());
        }
    }

    [Fact]
    public async Task Where_something_lies_is_told_from_the_node_s_own_tables_and_a_country_from_the_name_at_need()
    {
        await using var node = await TestNode.StartAsync();
        var table = Path.Combine(node.Folder, "prefixes.dat");
        await File.WriteAllTextAsync(table, "203.0.113.0\t24\t64501\n2001:db8:77::\t48\t64502\n", Ct);
        Assert.Null(node.Services.GetRequiredService<GeoStore>().Load([table], node.Clock, Ct).Error);
        var locator = node.Services.GetRequiredService<Locator>();
        Assert.Equal(("203.0.113.0/24", 64501L), Short(locator.Of(Seen("203.0.113.9"))));
        Assert.Equal(("2001:db8:77::/48", 64502L), Short(locator.Of(Seen("2001:db8:77::9"))));
        Assert.Equal(("203.0.113.0/24", 64501L), Short(locator.Of(Seen("http://203.0.113.9:8080/x"))));
        Assert.Equal(("203.0.113.0/24", 64501L), Short(locator.Of(Seen("https://shop.example.jp/"), "203.0.113.9")));
        Assert.Equal((null, null), Short(locator.Of(Seen("https://shop.example.jp/"))));
        Assert.Equal((null, 64501L), Short(locator.Of(Seen("AS64501"))));
        Assert.Equal(Location.Unknown, locator.Of(Seen("198.51.100.1")));
        Assert.Equal("jp", locator.Of(Seen("shop.example.jp")).Tld);
        Assert.Equal(Location.Unknown, locator.Of(Seen("d41d8cd98f00b204e9800998ecf8427e")));

        Assert.Equal(new(IPAddress.Parse("203.0.113.9"), 64501, null, null), Where("203.0.113.9", null));
        Assert.Equal(new(null, null, "shop.example.jp", "JP"), Where("https://shop.example.jp/a", null));
        Assert.Equal(new(IPAddress.Parse("203.0.113.9"), 64501, "shop.example.jp", "JP"), Where("https://shop.example.jp/a", "203.0.113.9"));
        Assert.Equal(new(IPAddress.Parse("203.0.113.9"), 64501, null, null), Where("http://203.0.113.9/a", null));
        Assert.Equal(new(null, null, "mail.example", null), Where("someone@mail.example", null));
        Assert.Equal(new(null, null, "shop.example.uk", "GB"), Where("shop.example.uk", null));
        Assert.Equal(new(null, null, "shop.example.eu", null), Where("shop.example.eu", null));

        Renkei.Directories.Whereabouts Where(string text, string? address) => Locator.Whereabouts(Seen(text), address, locator.Of(Seen(text), address));

        static (string?, long?) Short(Location l) => (l.Prefix, l.Asn);

        static Observable Seen(string text) => Observable.TryParse(text, out var found, out _) ? found : throw new ArgumentException(text, nameof(text));
    }

    private static Report Report(TestNode node, Marking marking, string summary, double hours, ReportState state = ReportState.New, PersonId? assignee = null, string? country = null, ReportKind type = ReportKind.Request, Channel channel = Channel.Web)
    {
        var now = node.Clock.GetUtcNow();
        return new Report
        {
            Id = ReportId.New(node.Clock),
            Marking = marking,
            Number = "R-" + Guid.NewGuid().ToString("N")[..8],
            Channel = channel,
            Type = type,
            State = state,
            ReceivedAt = now.AddHours(-12),
            DueAt = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero).AddHours(hours),
            Assignee = assignee,
            ReporterCountry = country,
            Summary = $"[{summary}]",
            Language = "en",
            RawSha256 = new string('0', 64),
            StatusKeyHash = Guid.NewGuid().ToString("N"),
        };
    }

    private static async Task<List<string>> ListAsync(HttpClient client, string query) => Rows(await client.GetStringAsync("/triage?" + query, Ct));

    /// <summary>Summaries of the rows, in order; the preview beside them and labels of check boxes say them again.</summary>
    private static List<string> Rows(string html) =>
        [.. Regex.Matches(html, "<tr[^>]*data-row.*?</tr>", RegexOptions.Singleline | RegexOptions.NonBacktracking).Select(m => Regex.Match(m.Value, "\\[([a-z0-9 ]+)\\]", RegexOptions.NonBacktracking).Groups[1].Value)];
}
