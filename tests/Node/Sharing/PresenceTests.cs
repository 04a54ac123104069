using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;
using static Renkei.Node.Tests.Sharing.ViewerMatrix;

namespace Renkei.Node.Tests.Sharing;

/// <summary>
/// The screens that gather from everywhere, against <c>viewer-matrix.csv</c> and <c>viewer-exits.csv</c>: whoever may know of a record finds it
/// in search, among their notifications, in the overview's numbers and by name in the audit log; whoever may not finds it in none of them.
/// </summary>
public partial class PresenceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task What_may_be_known_is_found_on_every_screen_that_one_has_and_nothing_else(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var world = await MatrixWorld.BuildAsync(node);
        var exits = Table.ReadExits();
        var cases = await CasesAsync(node, world);
        var failures = new List<string>();
        foreach (var (name, client) in await world.ClientsAsync(node))
        {
            var known = cases.Where(c => c.Row.Cells[name]).ToList();
            await SearchAsync(name, client, exits["search"][name], cases, failures);
            await NotificationsAsync(name, client, exits["notifications"][name], cases, known.Count, failures);
            await CountsAsync(name, client, exits["counts"][name], exits["queue"][name], known.Count, failures);
            await AuditAsync(name, client, exits["audit"][name], cases, failures);
            client.Dispose();
        }

        Assert.True(failures.Count == 0, $"{failures.Count} disagreements\n" + string.Join("\n", failures.Take(40)));
    }

    [Fact]
    public async Task The_number_on_the_bell_goes_down_when_a_record_is_no_longer_to_be_known_of()
    {
        await using var node = await TestNode.StartAsync();
        var world = await MatrixWorld.BuildAsync(node);
        var row = Table.Read().Single(r => r is { Tlp: "AMBER", Audience: "team-other" });
        Incident incident;
        await using (var db = node.Databases.ForSystem())
        {
            incident = Add(db, node, world.Marking(row), row, out _, out _);
            Tell(db, node, world.People["other-analyst"], "incident.notify.assigned", incident.Number, "/incidents/" + incident.Id);
            Tell(db, node, world.People["other-analyst"], "incident.notify.assigned", "nowhere", "/directory");
            await db.SaveChangesAsync(Ct);
        }

        using var other = await node.SignedInAsync("other-analyst@matrix.example");
        Assert.Equal((2, 2), (BellOf(await other.GetStringAsync("/me", Ct)), await HeardAsync(other)));
        await using (var db = node.Databases.ForSystem())
        {
            MarkIncident.Set(db, db.Incidents.Single(i => i.Id == incident.Id), Marking.Own(world.Own));
            await db.SaveChangesAsync(Ct);
        }

        Assert.Equal((1, 1), (BellOf(await other.GetStringAsync("/me", Ct)), await HeardAsync(other)));
        var page = await other.GetStringAsync("/notifications", Ct);
        Assert.DoesNotContain(row.Canary, page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("nowhere", page, StringComparison.Ordinal);
    }

    private sealed record Case(Table.Row Row, Incident Incident, Report Report, CoordinationRequest Request, Guid Entry)
    {
        public string[] Hrefs => [$"/incidents/{Incident.Id}", $"/reports/{Report.Id}", $"/requests/{Request.Id}", $"/directory/{Entry}"];
    }

    /// <summary>For each row a record of each kind, whose request is overdue, and to each person a notification about each of the three.</summary>
    private static async Task<List<Case>> CasesAsync(TestNode node, MatrixWorld world)
    {
        var cases = new List<Case>();
        await using var db = node.Databases.ForSystem();
        foreach (var row in Table.Read().Where(r => !r.Refused))
        {
            var marking = world.Marking(row);
            var incident = Add(db, node, marking, row, out var report, out var request);
            request.DueAt = node.Clock.GetUtcNow().AddHours(-1);
            cases.Add(new(row, incident, report, request, AddEntry(db, node, marking, row).Id.Value));
            foreach (var person in world.People.Values)
            {
                // as if each had been told while they might still know
                Tell(db, node, person, "incident.notify.assigned", incident.Number, "/incidents/" + incident.Id);
                Tell(db, node, person, "report.notify.reporter_wrote", report.Number, $"/reports/{report.Id}#messages");
                Tell(db, node, person, "incident.notify.assigned", request.Number, "/requests/" + request.Id);
            }
        }

        await db.SaveChangesAsync(Ct);
        return cases;
    }

    private static void Tell(NodeDb db, TestNode node, PersonId person, string key, string number, string href) =>
        db.Notifications.Add(new Notification { Id = Guid.CreateVersion7(), Person = person, TextKey = key, Args = JsonSerializer.Serialize(new[] { number }), Href = href, At = node.Clock.GetUtcNow() });

    /// <summary>By a word that stands in the row's records only, and by the incident's number.</summary>
    private static async Task SearchAsync(string name, HttpClient client, string has, List<Case> cases, List<string> failures)
    {
        // a screen that is not theirs is not theirs for one record as for all
        foreach (var c in has == "n" ? cases.Take(1) : cases)
        {
            using var answer = await client.GetAsync("/search?q=" + c.Row.Canary, Ct);
            using var numbered = await client.GetAsync("/search?q=" + c.Incident.Number, Ct);
            var (page, byNumber) = (await answer.Content.ReadAsStringAsync(Ct), await numbered.Content.ReadAsStringAsync(Ct));
            if (has == "n")
            {
                Expect(failures, answer.StatusCode != HttpStatusCode.OK && numbered.StatusCode != HttpStatusCode.OK && numbered.Headers.Location?.ToString().Contains("/incidents/", StringComparison.Ordinal) != true, $"{name} searches");
                continue;
            }

            foreach (var href in c.Hrefs)
            {
                Expect(failures, page.Contains($"\"{href}\"", StringComparison.Ordinal) == c.Row.Cells[name], $"{name} search {c.Row.Name}: {href.Split('/')[1]} should {(c.Row.Cells[name] ? "" : "not ")}be found");
                Expect(failures, c.Row.Cells[name] || !byNumber.Contains(href, StringComparison.Ordinal), $"{name} search {c.Row.Name} by number leaks");
            }

            Expect(failures, c.Row.Cells[name] ? numbered.Headers.Location?.ToString() == c.Hrefs[0] : numbered.StatusCode == HttpStatusCode.OK, $"{name} search {c.Row.Name} by number: {(int)numbered.StatusCode}");
        }
    }

    private static async Task NotificationsAsync(string name, HttpClient client, string has, List<Case> cases, int known, List<string> failures)
    {
        if (has == "n")
        {
            using var closed = await client.GetAsync("/notifications", Ct);
            Expect(failures, closed.StatusCode != HttpStatusCode.OK, $"{name} has notifications");
            return;
        }

        var page = await WholeAsync(client, "/notifications");
        foreach (var c in cases)
        {
            foreach (var (href, number) in new[] { (c.Hrefs[0], c.Incident.Number), (c.Hrefs[1] + "#messages", c.Report.Number), (c.Hrefs[2], c.Request.Number) })
            {
                var shown = Regex.Count(page, $"href=\"{Regex.Escape(href)}\"");
                Expect(failures, shown == (c.Row.Cells[name] ? 1 : 0) && page.Contains(number, StringComparison.Ordinal) == c.Row.Cells[name], $"{name} notifications {c.Row.Name}: {href.Split('/')[1]} stands {shown} times");
            }
        }

        Expect(failures, BellOf(page) == known * 3, $"{name} bell: {BellOf(page)}, the table says {known * 3}");
    }

    private static async Task CountsAsync(string name, HttpClient client, string has, string queue, int known, List<string> failures)
    {
        using var answer = await client.GetAsync("/", Ct);
        var counts = CountsOf(await answer.Content.ReadAsStringAsync(Ct));
        if (has == "n")
        {
            Expect(failures, !counts.Keys.Any(k => k.StartsWith("/incidents", StringComparison.Ordinal) || k.StartsWith("/requests", StringComparison.Ordinal) || k == "/triage"), $"{name} has the overview's numbers");
            return;
        }

        Expect(failures, counts["/incidents?Waiting=us"] == known, $"{name} incidents: {counts["/incidents?Waiting=us"]}, the table says {known}");
        Expect(failures, counts["/requests?Due=overdue"] == known, $"{name} requests: {counts["/requests?Due=overdue"]}, the table says {known}");
        Expect(failures, counts["/triage"] == (queue == "y" ? known : 0), $"{name} queue: {counts["/triage"]}, the table says {(queue == "y" ? known : 0)}");
    }

    private static async Task AuditAsync(string name, HttpClient client, string has, List<Case> cases, List<string> failures)
    {
        foreach (var c in has == "n" ? cases.Take(1) : cases)
        {
            foreach (var (kind, id, number) in new[] { ("incident", c.Incident.Id.Value, c.Incident.Number), ("report", c.Report.Id.Value, c.Report.Number), ("request", c.Request.Id.Value, c.Request.Number) })
            {
                using var answer = await client.GetAsync($"/audit?Record={id}", Ct);
                var page = await answer.Content.ReadAsStringAsync(Ct);
                var named = page.Contains($">{number}</a>", StringComparison.Ordinal);
                if (has == "n")
                {
                    Expect(failures, answer.StatusCode != HttpStatusCode.OK && !named, $"{name} reads the audit log: {(int)answer.StatusCode}");
                    continue;
                }

                var entries = Regex.Count(page, "<tr data-row");
                Expect(failures, answer.StatusCode == HttpStatusCode.OK && entries == (has == "y" ? 1 : 0), $"{name} audit {c.Row.Name} {kind}: {entries} entries");
                Expect(failures, named == (has == "y" && c.Row.Cells[name]), $"{name} audit {c.Row.Name} {kind}: should {(c.Row.Cells[name] ? "" : "not ")}be named");
            }
        }
    }

    private static void Expect(List<string> failures, bool holds, string otherwise)
    {
        if (!holds)
        {
            failures.Add(otherwise);
        }
    }

    /// <summary>The overview's numbers by where they lead.</summary>
    internal static Dictionary<string, int> CountsOf(string overview) =>
        Needs().Matches(overview).Concat(Waits().Matches(overview)).GroupBy(m => WebUtility.HtmlDecode(m.Groups[1].Value), StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Select(m => int.Parse(m.Groups[2].Value.Replace(",", "", StringComparison.Ordinal))).Distinct().Single(), StringComparer.Ordinal);

    private static int BellOf(string page) => int.Parse(Bell().Match(page).Groups[1].Value);

    /// <summary>The number that the event stream says first.</summary>
    private static async Task<int> HeardAsync(HttpClient client)
    {
        using var stream = await client.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, Ct);
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(Ct));
        while (await reader.ReadLineAsync(Ct) is { } line)
        {
            if (line == "event: unread")
            {
                return int.Parse((await reader.ReadLineAsync(Ct))!["data: ".Length..]);
            }
        }

        throw new InvalidOperationException("The stream ended.");
    }

    [GeneratedRegex("href=\"([^\"]+)\"><span>[^<]*</span><b>([0-9,]+)</b>", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Needs();

    [GeneratedRegex("<li class=\"rk-row rk-between\"><span>[^<]*</span><a href=\"([^\"]+)\">([0-9,]+)[^<]*</a>", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Waits();

    [GeneratedRegex("class=\"rk-dot\"[^>]*>([0-9]+)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Bell();
}
