using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Sharing;

/// <summary>The database filter and <see cref="ReadRule.Allows"/> are one rule: held equal over random markings and viewers, on both engines.</summary>
public class ReadRuleTests
{
    private const int Records = 400;
    private const int Viewers = 60;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_filter_and_the_rule_agree_on_every_record_and_viewer(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var random = new Random(20261122);
        var world = new World(random);
        var records = new List<Incident>();
        await using (var db = node.Databases.ForSystem())
        {
            for (var i = 0; i < Records; i++)
            {
                var incident = TestRecords.Incident(node, world.Marking(node.Clock.GetUtcNow()), "INC-" + i, "事例 " + i + " 感染");
                records.Add(incident);
                db.Incidents.Add(incident);
                db.Timeline.Add(new TimelineEntry { Id = Guid.CreateVersion7(), Incident = incident.Id, Team = incident.Marking.Origin, What = EntryKind.Event, At = node.Clock.GetUtcNow(), Text = "漏洩" });
            }

            await db.SaveChangesAsync(TestContext.Current.CancellationToken);
        }

        var now = node.Clock.GetUtcNow();
        var seenByAnyone = 0;
        for (var v = 0; v < Viewers; v++)
        {
            var viewer = world.Viewer();
            var expected = records.Where(r => ReadRule.Allows(viewer, r.Marking, now)).Select(r => r.Id).Order(Comparer<IncidentId>.Create((a, b) => a.Value.CompareTo(b.Value))).ToList();
            seenByAnyone += expected.Count;
            await using var db = node.Databases.For(viewer);
            var ct = TestContext.Current.CancellationToken;
            Assert.Equal(expected.ToHashSet(), (await db.Incidents.Select(i => i.Id).ToListAsync(ct)).ToHashSet());
            Assert.Equal(expected.ToHashSet(), (await db.Timeline.Select(t => t.Incident).ToListAsync(ct)).ToHashSet());
            Assert.Equal(expected.Count, await db.CountAsync(Incident.Kind, [0], ct));
            var listed = await db.ListAsync(Incident.Kind, [0], ListCursor.Start, Records + 1, ct);
            var shown = listed.Select(l => new IncidentId(l.Record)).ToArray();
            // a list's ids are a promise of candidates; the rows come through the filter
            Assert.Equal(expected.ToHashSet(), (await db.Incidents.Where(i => shown.Contains(i.Id)).Select(i => i.Id).ToListAsync(ct)).ToHashSet());
            Assert.Equal(expected.ToHashSet(), (await db.SearchAsync("感染", Records + 1, ct)).Select(h => new IncidentId(h.Record.Id)).ToHashSet());
            Assert.Equal(expected.Count, await db.Incidents.CountAsync(ct));
        }

        Assert.InRange(seenByAnyone, Records, (Records * Viewers) - Records);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_changed_marking_and_a_changed_place_move_the_grants_in_the_same_save(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var ct = TestContext.Current.CancellationToken;
        TeamId mine = TeamId.New(node.Clock), theirs = TeamId.New(node.Clock);
        var incident = TestRecords.Incident(node, Marking.Own(mine) with { Audience = new([Principal.Of(theirs)]) }, title: "x");
        await using (var db = node.Databases.ForSystem())
        {
            db.Incidents.Add(incident);
            await db.SaveChangesAsync(ct);
        }

        var other = Viewer.ForTeam(theirs, [new(theirs, Role.Analyst)], []);
        Assert.Equal(1, await Seen(other));
        await using (var db = node.Databases.ForSystem())
        {
            var row = await db.Incidents.SingleAsync(ct);
            row.Marking = Marking.Own(mine);
            await db.SaveChangesAsync(ct);
        }

        Assert.Equal(0, await Seen(other));
        await using (var db = node.Databases.ForSystem())
        {
            var row = await db.Incidents.SingleAsync(ct);
            row.State = IncidentState.Resolved;
            await db.SaveChangesAsync(ct);
            Assert.Equal(0, await db.CountAsync(Incident.Kind, [(short)IncidentState.Open], ct));
            Assert.Equal(1, await db.CountAsync(Incident.Kind, [(short)IncidentState.Resolved], ct));
            Assert.Equal(3, row.Version);
        }

        async Task<int> Seen(Viewer viewer)
        {
            await using var db = node.Databases.For(viewer);
            return await db.Incidents.CountAsync(ct) + (await db.CountAsync(Incident.Kind, [0], ct)) == 2 ? 1 : 0;
        }
    }

    /// <summary>A small world of teams, people, groups and communities, so that random viewers and markings meet.</summary>
    private sealed class World(Random random)
    {
        private readonly TeamId[] _teams = [.. Enumerable.Range(0, 5).Select(_ => TeamId.New(TimeProvider.System))];
        private readonly PersonId[] _people = [.. Enumerable.Range(0, 5).Select(_ => PersonId.New(TimeProvider.System))];
        private readonly GroupId[] _groups = [.. Enumerable.Range(0, 3).Select(_ => GroupId.New(TimeProvider.System))];
        private readonly CommunityId[] _communities = [.. Enumerable.Range(0, 2).Select(_ => CommunityId.New(TimeProvider.System))];

        public Marking Marking(DateTimeOffset now)
        {
            while (true)
            {
                var marking = new Marking
                {
                    Tlp = Pick(Enum.GetValues<Tlp>()),
                    Pap = Pap.Amber,
                    Origin = Pick(_teams),
                    Audience = new(Enumerable.Range(0, random.Next(4)).Select(_ => Any())),
                    Exclusions = new(Enumerable.Range(0, random.Next(3) / 2).Select(_ => Any())),
                    Embargo = random.Next(6) == 0 ? now.AddDays(random.Next(2) == 0 ? 1 : -1) : null,
                    Expires = random.Next(6) == 0 ? now.AddDays(random.Next(2) == 0 ? 2 : -1).AddHours(1) : null,
                };
                if (marking.Fault() is null)
                {
                    return marking;
                }
            }
        }

        public Viewer Viewer()
        {
            switch (random.Next(12))
            {
                case 0: return Kernel.Viewer.Public;
                case 1: return Kernel.Viewer.ForPeer([Pick(_teams)], [Pick(_communities)]);
                case 2: return Kernel.Viewer.System;
                case 3:
                    var team = Pick(_teams);
                    return Kernel.Viewer.ForTeam(team, [new(team, Role.Analyst)], []);
                default:
                    var roles = Enumerable.Range(0, 1 + random.Next(2)).Select(_ => new TeamRole(Pick(_teams), Pick(Enum.GetValues<Role>()))).ToList();
                    return Kernel.Viewer.ForPerson(Pick(_people), roles[0].Team, roles, _groups.Where(_ => random.Next(3) == 0), _communities.Where(_ => random.Next(2) == 0));
            }
        }

        private Principal Any() => random.Next(5) switch
        {
            0 => Principal.Of(Pick(_teams)),
            1 => Principal.Of(Pick(_teams), Pick(Enum.GetValues<Role>())),
            2 => Principal.Of(Pick(_groups)),
            3 => Principal.Of(Pick(_communities)),
            _ => Principal.Of(Pick(_people)),
        };

        private T Pick<T>(T[] items) => items[random.Next(items.Length)];
    }
}
