using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Store.Sqlite;

namespace Renkei.Node.Tests.Architecture;

/// <summary>No row is readable by accident: every entity carries the read rule, is a child that does, or stands on this list with its reason.</summary>
public class EntityTests
{
    private static readonly Dictionary<string, string> Open = new(StringComparer.Ordinal)
    {
        ["Grant"] = "the rule's own table; holds ids only, asked through the store",
        ["Denial"] = "the rule's own table",
        ["Tombstone"] = "ids and hashes of what is gone; read by federation only",
        ["Lease"] = "names of jobs",
        ["Sequence"] = "counters; asked inside the store",
        ["IdempotencyEntry"] = "answers given before; asked by key inside intake",
        ["NodeFact"] = "the node's own settings",
        ["OutboxMessage"] = "effects to carry out; the screen shows ids to operators",
        ["BlobRow"] = "sealed bytes; reached only through a marked record's child",
        ["Session"] = "a person's own; asked by account",
        ["ApiToken"] = "hashes; asked by team for those who manage tokens",
        ["Account"] = "how people sign in; asked by id",
        ["Community"] = "names of associations",
        ["CommunityMember"] = "who is in an association, needed to build a viewer",
        ["GroupMember"] = "who is in a group, needed to build a viewer",
        ["CategoryLabel"] = "a team's words for kinds of incident; asked by team",
    };

    [Fact]
    public void Every_entity_carries_the_read_rule_or_stands_on_the_open_list()
    {
        using var db = Design();
        var bare = db.Model.GetEntityTypes()
            .Where(t => t.FindDeclaredQueryFilter(NodeDb.ReadRuleFilter) is null)
            .Select(t => t.ClrType)
            .Where(t => !Open.ContainsKey(t.Name) && t.Namespace?.StartsWith("Microsoft.AspNetCore.Identity", StringComparison.Ordinal) != true)
            .Select(t => t.Name).ToList();
        Assert.Empty(bare);
    }

    [Fact]
    public void Whatever_is_marked_or_a_child_is_filtered()
    {
        using var db = Design();
        var marked = db.Model.GetEntityTypes().Where(t => typeof(IMarked).IsAssignableFrom(t.ClrType) || typeof(IChild).IsAssignableFrom(t.ClrType)).ToList();
        Assert.True(marked.Count >= 10);
        Assert.All(marked, t => Assert.NotNull(t.FindDeclaredQueryFilter(NodeDb.ReadRuleFilter)));
        Assert.DoesNotContain(marked, t => Open.ContainsKey(t.ClrType.Name));
    }

    private static NodeDb Design() =>
        new NodeDbFactory((DbContextOptions<NodeDb>)new DbContextOptionsBuilder<NodeDb>().UseNodeSqlite("design.db").Options, new NodeContext(TimeProvider.System, [new DirectoryModel(), new IncidentsModel()])).For(Viewer.Public);
}
