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

/// <summary>The table of viewers and records as data, the people and tokens it names, and a record of each kind for a row.</summary>
internal static class ViewerMatrix
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Attachments of a row's report and incident.</summary>
    internal sealed record Files(Guid Report, Guid Incident);

    /// <summary>A list with all its pages.</summary>
    public static async Task<string> WholeAsync(HttpClient client, string list)
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

    public static Team AddEntry(NodeDb db, TestNode node, Marking marking, Table.Row row)
    {
        var team = new Team { Id = TeamId.New(node.Clock), Marking = marking, Name = row.Canary, Slug = row.Canary, What = TeamKind.Company };
        db.Teams.Add(team);
        TestDirectory.Piece(db, node, team, TestDirectory.Contact(db, node, team, row.Canary, row.Canary + "@entry.example"), ConstituencyKind.Domain, row.Canary + ".example");
        return team;
    }

    public static Files AddFiles(NodeDb db, TestNode node, Incident incident, Report report, string sha256)
    {
        var files = new Files(Guid.CreateVersion7(), Guid.CreateVersion7());
        db.ReportAttachments.Add(new ReportAttachment { Id = files.Report, Report = report.Id, Name = "log.txt", MediaType = "text/plain", Sha256 = sha256, Size = 1 });
        db.IncidentAttachments.Add(new IncidentAttachment { Id = files.Incident, Incident = incident.Id, Name = "log.txt", MediaType = "text/plain", Sha256 = sha256, Size = 1, What = AttachmentKind.LogExcerpt, AddedAt = node.Clock.GetUtcNow() });
        return files;
    }

    public static Incident Add(NodeDb db, TestNode node, Marking marking, Table.Row row, out Report report, out CoordinationRequest request, string? sha256 = null)
    {
        var now = node.Clock.GetUtcNow();
        var incident = TestRecords.Incident(node, marking, "INC-" + row.Canary.ToUpperInvariant(), "kanaria " + row.Canary);
        report = TestRecords.Report(node, marking, "R-" + row.Canary.ToUpperInvariant(), "kanaria " + row.Canary, "ja", sha256: sha256);
        request = TestRecords.Request(node, incident, "REQ-" + row.Canary.ToUpperInvariant(), name: "kanaria " + row.Canary, language: "ja");
        (request.Subject, request.MessageSha256) = (row.Canary, sha256);
        db.Incidents.Add(incident);
        db.Reports.Add(report);
        db.Requests.Add(request);
        db.Timeline.Add(new TimelineEntry { Id = Guid.CreateVersion7(), Incident = incident.Id, Team = marking.Origin, What = EntryKind.Event, At = now, Text = "kanaria " + row.Canary });
        db.ReportLinks.Add(new ReportLink { Id = Guid.CreateVersion7(), Report = report.Id, Incident = incident.Id, LinkedAt = now });
        return incident;
    }

    /// <summary>The table as data.</summary>
    internal static class Table
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

        /// <summary>The screens by name, and what each viewer has of them.</summary>
        public static Dictionary<string, Dictionary<string, string>> ReadExits()
        {
            var lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests/Node/Sharing/viewer-exits.csv")).Where(l => !l.StartsWith('#')).Select(l => l.Split(',')).ToList();
            Assert.All(lines, l => Assert.Equal(lines[0].Length, l.Length));
            return lines.Skip(1).ToDictionary(l => l[0], l => lines[0].Skip(1).Zip(l.Skip(1)).ToDictionary(p => p.First, p => p.Second));
        }
    }

    internal sealed class MatrixWorld
    {
        private readonly List<(string Name, string? Email, string? Token)> _logins = [];

        public required TeamId Own { get; init; }

        public required TeamId Other { get; init; }

        public required TeamId Third { get; init; }

        public required CommunityId Community { get; init; }

        public GroupId Group { get; } = GroupId.New(TimeProvider.System);

        public Dictionary<string, PersonId> People { get; } = [];

        public List<(string Name, Viewer Viewer)> Viewers { get; } = [];

        public static async Task<MatrixWorld> BuildAsync(TestNode node)
        {
            await using var db = node.Databases.ForSystem();
            var own = await db.Teams.SingleAsync(t => t.Slug == "aozora", Ct);
            var other = await db.Teams.SingleAsync(t => t.Slug == "minato", Ct);
            var third = new Team { Id = TeamId.New(node.Clock), Marking = Kernel.Marking.Own(own.Id, Tlp.Clear), Name = "第三", Slug = "third", What = TeamKind.Csirt, Hosted = true };
            db.Teams.Add(third);
            await db.SaveChangesAsync(Ct);
            var world = new MatrixWorld { Own = own.Id, Other = other.Id, Third = third.Id, Community = await db.CommunityMembers.Where(c => c.Team == other.Id).Select(c => c.Community).FirstAsync(Ct) };
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
