using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Demo;
using Renkei.Node.Security;
using Renkei.Store;

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
        var world = await World.BuildAsync(node);
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
        var world = await World.BuildAsync(node);
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
        var world = await World.BuildAsync(node);
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

    /// <summary>Attachments of a row's report and incident.</summary>
    private sealed record Files(Guid Report, Guid Incident);

    /// <summary>A list with all its pages.</summary>
    private static async Task<string> WholeAsync(HttpClient client, string list)
    {
        var whole = "";
        for (var (path, pages) = ((string?)list, 0); path is not null && pages < 20; pages++)
        {
            using var answer = await client.GetAsync(path, Ct);
            var body = await answer.Content.ReadAsStringAsync(Ct);
            whole += body;
            var next = System.Text.RegularExpressions.Regex.Match(body, "href=\"([^\"]+)\" rel=\"next\"|\"next\":\"([^\"]+)\"", System.Text.RegularExpressions.RegexOptions.NonBacktracking);
            path = !next.Success ? null : next.Groups[1].Success ? new Uri(new Uri(client.BaseAddress!, list), WebUtility.HtmlDecode(next.Groups[1].Value)).PathAndQuery
                : list + (list.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "after=" + Uri.EscapeDataString(next.Groups[2].Value);
        }

        return whole;
    }

    private static Team AddEntry(NodeDb db, TestNode node, Marking marking, Table.Row row)
    {
        var team = new Team { Id = TeamId.New(node.Clock), Marking = marking, Name = row.Canary, Slug = row.Canary, What = TeamKind.Company };
        db.Teams.Add(team);
        TestDirectory.Piece(db, node, team, TestDirectory.Contact(db, node, team, row.Canary, row.Canary + "@entry.example"), ConstituencyKind.Domain, row.Canary + ".example");
        return team;
    }

    private static Files AddFiles(NodeDb db, TestNode node, Incident incident, Report report, string sha256)
    {
        var files = new Files(Guid.CreateVersion7(), Guid.CreateVersion7());
        db.ReportAttachments.Add(new ReportAttachment { Id = files.Report, Report = report.Id, Name = "log.txt", MediaType = "text/plain", Sha256 = sha256, Size = 1 });
        db.IncidentAttachments.Add(new IncidentAttachment { Id = files.Incident, Incident = incident.Id, Name = "log.txt", MediaType = "text/plain", Sha256 = sha256, Size = 1, What = AttachmentKind.LogExcerpt, AddedAt = node.Clock.GetUtcNow() });
        return files;
    }

    private static Incident Add(NodeDb db, TestNode node, Marking marking, Table.Row row, out Report report, out CoordinationRequest request, string? sha256 = null)
    {
        var now = node.Clock.GetUtcNow();
        var incident = new Incident { Id = IncidentId.New(node.Clock), Marking = marking, Number = "INC-" + row.Canary, Title = "kanaria " + row.Canary, Category = "fraud", Type = "phishing", OpenedAt = now };
        report = new Report
        {
            Id = ReportId.New(node.Clock),
            Marking = marking,
            Number = "R-" + row.Canary,
            Channel = Channel.Web,
            Type = ReportKind.Request,
            ReceivedAt = now,
            DueAt = now.AddHours(4),
            Summary = "kanaria " + row.Canary,
            Language = "ja",
            RawSha256 = sha256 ?? new string('0', 64),
            StatusKeyHash = Guid.NewGuid().ToString("N"),
        };
        request = new CoordinationRequest
        {
            Id = RequestId.New(node.Clock),
            Marking = marking,
            Number = "REQ-" + row.Canary,
            Incident = incident.Id,
            RecipientName = "kanaria " + row.Canary,
            RecipientMail = "abuse@isp.example",
            Language = "ja",
            Purpose = RequestPurpose.Takedown,
            Why = "[]",
            State = RequestState.Sent,
            SentAt = now,
            DueAt = now.AddHours(24),
            Subject = row.Canary,
            MessageSha256 = sha256,
        };
        db.Incidents.Add(incident);
        db.Reports.Add(report);
        db.Requests.Add(request);
        db.Timeline.Add(new TimelineEntry { Id = Guid.CreateVersion7(), Incident = incident.Id, Team = marking.Origin, What = EntryKind.Event, At = now, Text = "kanaria " + row.Canary });
        db.ReportLinks.Add(new ReportLink { Id = Guid.CreateVersion7(), Report = report.Id, Incident = incident.Id, LinkedAt = now });
        return incident;
    }

    /// <summary>The table as data.</summary>
    private static class Table
    {
        public sealed record Row(string Tlp, string Audience, bool Refused, IReadOnlyDictionary<string, bool> Cells)
        {
            public string Name => Tlp + " " + Audience;

            /// <summary>A word that stands in this row's records only.</summary>
            public string Canary => "kn" + (Tlp + Audience).Replace("+", "x", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant() + "zz";
        }

        public static List<Row> Read()
        {
            var lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests/Node/Sharing/viewer-matrix.csv")).Where(l => !l.StartsWith('#')).Select(l => l.Split(',')).ToList();
            var rows = lines.Skip(1).Select(l => new Row(l[0], l[1], l[2] == "refused",
                l[2] == "refused" ? new Dictionary<string, bool>() : lines[0].Skip(2).Zip(l.Skip(2)).ToDictionary(p => p.First, p => p.Second == "y"))).ToList();
            Assert.True(rows.Count > 30);
            return rows;
        }
    }

    private sealed class World
    {
        private readonly List<(string Name, string? Email, string? Token)> _logins = [];

        public required TeamId Own { get; init; }

        public required TeamId Other { get; init; }

        public required TeamId Third { get; init; }

        public required CommunityId Community { get; init; }

        public GroupId Group { get; } = GroupId.New(TimeProvider.System);

        public Dictionary<string, PersonId> People { get; } = [];

        public List<(string Name, Viewer Viewer)> Viewers { get; } = [];

        public static async Task<World> BuildAsync(TestNode node)
        {
            await using var db = node.Databases.ForSystem();
            var own = await db.Teams.SingleAsync(t => t.Slug == "aozora", Ct);
            var other = await db.Teams.SingleAsync(t => t.Slug == "minato", Ct);
            var third = new Team { Id = TeamId.New(node.Clock), Marking = Kernel.Marking.Own(own.Id, Tlp.Clear), Name = "第三", Slug = "third", What = TeamKind.Csirt, Hosted = true };
            db.Teams.Add(third);
            await db.SaveChangesAsync(Ct);
            var world = new World { Own = own.Id, Other = other.Id, Third = third.Id, Community = await db.CommunityMembers.Where(c => c.Team == other.Id).Select(c => c.Community).FirstAsync(Ct) };
            (string Name, TeamId Team, Role Role)[] people =
            [
                ("own-analyst", own.Id, Role.Analyst), ("own-lead", own.Id, Role.Lead), ("own-manager", own.Id, Role.Manager), ("own-poc", own.Id, Role.PointOfContact),
                ("own-secretariat", own.Id, Role.Secretariat), ("own-operator", own.Id, Role.Operator), ("own-auditor", own.Id, Role.Auditor), ("own-constituent", own.Id, Role.Constituent),
                ("other-analyst", other.Id, Role.Analyst), ("other-operator", other.Id, Role.Operator), ("third-analyst", third.Id, Role.Analyst),
            ];
            await using var scope = node.Services.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<CurrentViewer>().Viewer = Viewer.System;
            var users = scope.ServiceProvider.GetRequiredService<UserManager<Account>>();
            foreach (var (name, team, role) in people)
            {
                var person = PersonId.New(node.Clock);
                world.People[name] = person;
                db.People.Add(new Person { Id = person, Name = name, ActsFor = team });
                db.Memberships.Add(new Membership { Person = person, Team = team, Role = role, Since = node.Clock.GetUtcNow() });
                Assert.True((await users.CreateAsync(new Account { Id = person.Value, UserName = name + "@matrix.example", Email = name + "@matrix.example", EmailConfirmed = true }, DemoTeams.Password)).Succeeded);
                world._logins.Add((name, name + "@matrix.example", null));
            }

            db.GroupMembers.Add(new GroupMember { Group = world.Group, Person = world.People["other-analyst"], Since = node.Clock.GetUtcNow() });
            await db.SaveChangesAsync(Ct);
            foreach (var (name, _, _) in people)
            {
                world.Viewers.Add((name, await ViewerResolver.ForPersonAsync(db, world.People[name], Ct)));
            }

            world.Viewers.Add(("public", Viewer.Public));
            world._logins.Add(("token-own", null, "aozora"));
            world._logins.Add(("token-other", null, "minato"));
            world._logins.Add(("public", null, null));
            return world;
        }

        public async Task<List<(string Name, HttpClient Client)>> ClientsAsync(TestNode node)
        {
            var clients = new List<(string, HttpClient)>();
            foreach (var (name, email, token) in _logins)
            {
                clients.Add((name, email is not null ? await node.SignedInAsync(email) : token is not null ? await node.WithTokenAsync(token) : node.Anonymous()));
            }

            return clients;
        }

        /// <summary>The row's audience in the world's ids.</summary>
        public Kernel.Marking Marking(Table.Row row)
        {
            Assert.True(Kernel.MarkingLabels.TryParseTlp(row.Tlp, out var tlp));
            var past = DateTimeOffset.Parse("2020-01-01T00:00:00Z");
            var future = DateTimeOffset.Parse("2099-01-01T00:00:00Z");
            Principal community = Principal.Of(Community), other = Principal.Of(Other);
            var (audience, exclusions, embargo, expires) = row.Audience switch
            {
                "none" => (Set(), Set(), (DateTimeOffset?)null, (DateTimeOffset?)null),
                "embargoed" => (Set(), Set(), future, null),
                "expired" => (Set(), Set(), null, past),
                "exclude-other" => (Set(), Set(other), null, null),
                "exclude-own" => (Set(), Set(Principal.Of(Own)), null, null),
                "community" => (Set(community), Set(), null, null),
                "community-exclude-other" => (Set(community), Set(other), null, null),
                "embargoed-community" => (Set(community), Set(), future, null),
                "expired-community" => (Set(community), Set(), null, past),
                "team-other" => (Set(other), Set(), null, null),
                "team-third" => (Set(Principal.Of(Third)), Set(), null, null),
                "analysts-of-other" => (Set(Principal.Of(Other, Role.Analyst)), Set(), null, null),
                "own-constituents" => (Set(Principal.Of(Own, Role.Constituent)), Set(), null, null),
                "own-operator-role" => (Set(Principal.Of(Own, Role.Operator)), Set(), null, null),
                "group" => (Set(Principal.Of(Group)), Set(), null, null),
                "person-other" => (Set(Principal.Of(People["other-analyst"])), Set(), null, null),
                "person-other-expired" => (Set(Principal.Of(People["other-analyst"])), Set(), null, past),
                "person-own-manager" => (Set(Principal.Of(People["own-manager"])), Set(), null, null),
                "team-other-exclude-person" => (Set(other), Set(Principal.Of(People["other-analyst"])), null, null),
                "team-other-exclude-team" => (Set(other), Set(other), null, null),
                "triage-role" => (Set(Principal.Of(Own, Role.Analyst), Principal.Of(Own, Role.Lead)), Set(), null, null),
                _ => throw new InvalidOperationException(row.Audience + " is unknown to the test"),
            };
            return new Kernel.Marking { Tlp = tlp, Pap = Pap.Amber, Origin = Own, Audience = audience, Exclusions = exclusions, Embargo = embargo, Expires = expires };
        }

        private static PrincipalSet Set(params Principal[] principals) => new(principals);
    }
}
