using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;
using static Renkei.Node.Tests.Sharing.ViewerMatrix;

namespace Renkei.Node.Tests.Sharing;

/// <summary>
/// Roles × TLP × audience × every exit, against <c>viewer-matrix.csv</c>, which people wrote from the standard: no canary of a record
/// shows at any exit to a viewer whose cell says n, and the record shows where it says y and the role has the desk.
/// </summary>
public class ViewerMatrixTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Every_exit_agrees_with_the_table(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var world = await MatrixWorld.BuildAsync(node);
        var rows = Table.Read();
        var cases = new List<(Table.Row Row, Incident Incident, Report Report, CoordinationRequest Request, Team Entry, Files Files)>();
        await using (var db = node.Databases.ForSystem())
        {
            var blobs = node.Services.GetRequiredService<BlobStore>();
            foreach (var row in rows)
            {
                var marking = world.Marking(row);
                Assert.True((marking.Fault() is not null) == row.Refused, $"{row.Name}: fault {marking.Fault()}");
                if (row.Refused)
                {
                    continue;
                }

                var canary = (await blobs.AddAsync(db, System.Text.Encoding.UTF8.GetBytes("From: " + row.Canary + "@elsewhere.example\r\n\r\n" + row.Canary), Ct)).Sha256;
                var incident = Add(db, node, marking, row, out var report, out var request, canary);
                cases.Add((row, incident, report, request, AddEntry(db, node, marking, row), AddFiles(db, node, incident, report, canary)));
            }

            await db.SaveChangesAsync(Ct);
        }

        var failures = new List<string>();
        foreach (var (name, viewer) in world.Viewers)
        {
            var expected = cases.ToDictionary(c => c.Incident.Id, c => c.Row.Cells[name]);
            await using var db = node.Databases.For(viewer);
            Check("rows", (await db.Incidents.Select(i => i.Id).ToListAsync(Ct)).Contains);
            Check("children", (await db.Timeline.Select(t => t.Incident).Distinct().ToListAsync(Ct)).Contains);
            var counted = await db.CountAsync(Incident.Kind, [0], Ct);
            if (counted != expected.Count(e => e.Value))
            {
                failures.Add($"{name} count: {counted}, the table says {expected.Count(e => e.Value)}");
            }

            var listed = (await db.ListAsync(Incident.Kind, [0], ListCursor.Start, 1000, Ct)).Select(l => new IncidentId(l.Record)).ToArray();
            Check("list", (await db.Incidents.Where(i => listed.Contains(i.Id)).Select(i => i.Id).ToListAsync(Ct)).Contains);
            Check("search", (await db.SearchAsync("kanaria", 1000, Ct)).Where(h => h.Record.Kind == Incident.Kind).Select(h => new IncidentId(h.Record.Id)).ToList().Contains);

            void Check(string exit, Func<IncidentId, bool> shows)
            {
                foreach (var c in cases.Where(c => shows(c.Incident.Id) != expected[c.Incident.Id]))
                {
                    failures.Add($"{name} {exit}: {c.Row.Name} should be {(expected[c.Incident.Id] ? "seen" : "unknown")}");
                }
            }
        }

        foreach (var (name, client) in await world.ClientsAsync(node))
        {
            var desk = name is not ("own-operator" or "own-auditor" or "own-constituent" or "other-operator" or "public");
            var api = name.StartsWith("token", StringComparison.Ordinal);
            // each list, and whether all that the viewer may know of stands in it (of the queue: their own team's), or only nothing else
            (string Path, Holds Holds)[] lists = api
                ? [("/api/v1/incidents", Holds.All), ("/api/v1/reports?state=all", Holds.All), ("/api/v1/requests", Holds.All), ("/api/v1/directory/teams", Holds.All)]
                : [("/incidents?State=all", Holds.All), ("/incidents.csv?State=all", Holds.All), ("/requests", Holds.All), ("/requests.csv", Holds.All), ("/reports", Holds.All), ("/reports.csv", Holds.All), ("/triage", Holds.Own),
                   ("/directory", Holds.All), ("/directory/export", Holds.All), ("/search?q=kanaria", Holds.Some), ("/", Holds.Some), ("/notifications", Holds.Some), ("/audit", Holds.Some), ("/audit.csv", Holds.Some)];
            var seen = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (list, _) in lists)
            {
                seen[list] = await WholeAsync(client, list);
            }

            foreach (var c in cases)
            {
                var may = c.Row.Cells[name] && desk;
                foreach (var (list, holds) in lists)
                {
                    var shown = seen[list].Contains(c.Row.Canary, StringComparison.OrdinalIgnoreCase);
                    if (shown && !c.Row.Cells[name])
                    {
                        failures.Add($"{name} {list} leaks {c.Row.Name}");
                    }
                    else if (!shown && may && (holds == Holds.All || (holds == Holds.Own && name.StartsWith("own-", StringComparison.Ordinal))))
                    {
                        failures.Add($"{name} {list} lacks {c.Row.Name}");
                    }
                }

                // the raw bytes name the reporter: they are the receiving team's only
                var own = may && name.StartsWith("own-", StringComparison.Ordinal);
                var (i, r, q) = (c.Incident.Id, c.Report.Id, c.Request.Id);
                (string Path, bool? Shows)[] items = api
                    ? [($"/api/v1/incidents/{i}", may), ($"/api/v1/reports/{r}", may), ($"/api/v1/requests/{q}", may), ($"/api/v1/directory/teams/{c.Entry.Id}", may), ($"/api/v1/requests/{q}/preview", null)]
                    : [($"/incidents/{i}", may), ($"/reports/{r}", may), ($"/requests/{q}", may), ($"/triage/{r}/preview", may), ($"/incidents/{i}/who", null), ($"/directory/{c.Entry.Id}", may),
                       ($"/reports/{r}/raw", own), ($"/reports/{r}/files/{c.Files.Report}", may), ($"/incidents/{i}/attachments/{c.Files.Incident}", may), ($"/requests/{q}/message", may), ($"/requests/{q}/files/1", null)];
                foreach (var (item, shows) in items)
                {
                    using var answer = await client.GetAsync(item, Ct);
                    var body = await answer.Content.ReadAsStringAsync(Ct);
                    var shown = answer.StatusCode == HttpStatusCode.OK && body.Contains(c.Row.Canary, StringComparison.OrdinalIgnoreCase);
                    if (shows is { } wanted ? shown != wanted : shown && !may)
                    {
                        failures.Add($"{name} {item.Split('/')[1]}/{item.Split('/')[^1]}: {c.Row.Name} {(int)answer.StatusCode}, should {(shows == true ? "" : "not ")}show");
                    }

                    if ((int)answer.StatusCode >= 500)
                    {
                        failures.Add($"{name} {item}: {(int)answer.StatusCode}");
                    }

                    if (!c.Row.Cells[name] && desk && answer.StatusCode != HttpStatusCode.NotFound)
                    {
                        failures.Add($"{name} {item}: {(int)answer.StatusCode}, a hidden record must answer 404 as if it did not exist");
                    }
                }
            }

            client.Dispose();
        }

        Assert.True(failures.Count == 0, $"{failures.Count} disagreements\n" + string.Join("\n", failures.Take(40)));
    }

    [Fact]
    public async Task The_event_stream_tells_of_a_record_only_to_those_who_may_know_of_it()
    {
        await using var node = await TestNode.StartAsync();
        var world = await MatrixWorld.BuildAsync(node);
        string[] names = ["AMBER none", "AMBER team-other", "AMBER team-third", "AMBER team-other-exclude-person", "GREEN community", "GREEN embargoed-community", "AMBER+STRICT team-other", "RED triage-role", "RED person-own-manager"];
        var rows = Table.Read().Where(r => names.Contains(r.Name, StringComparer.Ordinal)).ToList();
        Assert.Equal(names.Length, rows.Count);
        var incidents = new List<Incident>();
        await using (var db = node.Databases.ForSystem())
        {
            incidents.AddRange(rows.Select(row => Add(db, node, world.Marking(row), row, out _, out _)));
            await db.SaveChangesAsync(Ct);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var heard = new List<(string Name, Heard Heard)>();
        foreach (var (name, client) in (await world.ClientsAsync(node)).Where(c => c.Name is "own-analyst" or "own-manager" or "own-auditor" or "other-analyst" or "third-analyst"))
        {
            var stream = await client.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, stop.Token);
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
            var listener = new Heard();
            heard.Add((name, listener));
            _ = listener.ListenAsync(stream, stop.Token);
        }

        // each is heard once it is connected: unread is said first
        await UntilAsync(() => heard.TrueForAll(h => h.Heard.All.Contains("event: unread", StringComparison.Ordinal)));
        foreach (var (row, incident) in rows.Zip(incidents))
        {
            var before = heard.ToDictionary(h => h.Name, h => h.Heard.Changes);
            await using (var db = node.Databases.ForSystem())
            {
                (await db.Incidents.SingleAsync(x => x.Id == incident.Id, Ct)).Summary += "x";
                await db.SaveChangesAsync(Ct);
            }

            await UntilAsync(() => heard.TrueForAll(h => !row.Cells[h.Name] || h.Heard.Changes > before[h.Name]));
            // whoever hears it hears it within the half second in which changes are gathered: the others were given longer
            await Task.Delay(1200, Ct);
            Assert.All(heard, h => Assert.True(h.Heard.Changes > before[h.Name] == row.Cells[h.Name], $"{h.Name}: {row.Name}"));
        }

        // a kind of record and a number is all it ever says
        Assert.All(heard, h => Assert.DoesNotContain("kn", h.Heard.All, StringComparison.OrdinalIgnoreCase));
        Assert.All(heard, h => Assert.All(incidents, i => Assert.DoesNotContain(i.Id.ToString(), h.Heard.All, StringComparison.Ordinal)));
        await stop.CancelAsync();

        static async Task UntilAsync(Func<bool> done)
        {
            for (var waited = 0; waited < 200 && !done(); waited++)
            {
                await Task.Delay(100, Ct);
            }
        }
    }

    [Fact]
    public async Task The_audit_log_leaves_as_acts_and_ids_only_and_to_those_who_read_it()
    {
        await using var node = await TestNode.StartAsync();
        var world = await MatrixWorld.BuildAsync(node);
        var row = Table.Read().Single(r => r is { Tlp: "AMBER", Audience: "none" });
        Incident incident;
        await using (var db = node.Databases.ForSystem())
        {
            incident = Add(db, node, world.Marking(row), row, out _, out _);
            await db.SaveChangesAsync(Ct);
        }

        foreach (var (name, client) in await world.ClientsAsync(node))
        {
            using var answer = await client.GetAsync("/audit.csv", Ct);
            var csv = await answer.Content.ReadAsStringAsync(Ct);
            var reads = name is "own-lead" or "own-manager" or "own-auditor" or "own-operator" or "other-operator";
            Assert.True((answer.StatusCode == HttpStatusCode.OK) == reads, $"{name}: {(int)answer.StatusCode}");
            Assert.True(csv.Contains(incident.Id.ToString(), StringComparison.Ordinal) == name is "own-lead" or "own-manager" or "own-auditor", name);
            Assert.DoesNotContain(row.Canary, csv, StringComparison.OrdinalIgnoreCase);
            client.Dispose();
        }

        await using var after = node.Databases.ForSystem();
        Assert.Equal(5, await after.Audit.CountAsync(a => a.Action == "audit.exported", Ct));
    }

    /// <summary>What one stream said so far.</summary>
    private sealed class Heard
    {
        private readonly System.Text.StringBuilder _all = new();
        private int _changes;

        public int Changes => Volatile.Read(ref _changes);

        public string All
        {
            get
            {
                lock (_all)
                {
                    return _all.ToString();
                }
            }
        }

        public async Task ListenAsync(HttpResponseMessage stream, CancellationToken ct)
        {
            using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(ct));
            try
            {
                while (await reader.ReadLineAsync(ct) is { } line)
                {
                    lock (_all)
                    {
                        _all.AppendLine(line);
                    }

                    if (line == "event: changed")
                    {
                        Interlocked.Increment(ref _changes);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // the test is over
            }

            stream.Dispose();
        }
    }

    /// <summary>What a list holds of what a viewer may know of.</summary>
    private enum Holds
    {
        All,
        Own,
        Some,
    }
}
