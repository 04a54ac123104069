using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Store.Sqlite;
using Renkei.Web;

namespace Renkei.Node.Tests.Architecture;

/// <summary>Who reads the audit log reads words: each act, each column and each job that can stand in it has them in both languages.</summary>
public partial class AuditWordsTests
{
    private static readonly TextBook Book = new([typeof(TextBook).Assembly, typeof(NodeHost).Assembly]);

    [Fact]
    public void Every_act_that_is_noted_has_words()
    {
        var acts = Sources().SelectMany(text => Noted().Matches(text)).SelectMany(m => Names().Matches(m.Value)).Select(m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("incident.attachment.taken_over", acts);
        Assert.Contains("account.deactivated", acts);
        Assert.Contains("write.refused", acts);
        Assert.Equal([], Wordless("audit.action.", acts));
    }

    [Fact]
    public void Every_job_has_a_name()
    {
        var jobs = Sources().SelectMany(text => Jobs().Matches(text)).Select(m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("mail", jobs);
        Assert.Equal([], Wordless("audit.job.", jobs.Append("housekeeping")));
    }

    [Fact]
    public void Every_change_of_a_record_has_words()
    {
        using var db = Design();
        var records = db.Model.GetEntityTypes().Where(t => typeof(IRecord).IsAssignableFrom(t.ClrType)).ToList();
        var columns = records.Concat(db.Model.GetEntityTypes().Where(t => typeof(IChild).IsAssignableFrom(t.ClrType)))
            .SelectMany(t => t.GetProperties().Cast<IPropertyBase>().Concat(t.GetComplexProperties()))
            // what the node writes at each save is not told, and what is set once never changes
            .Where(p => p.PropertyInfo?.SetMethod is { IsPublic: true } set && !set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit)))
            .Select(p => p.Name.ToLowerInvariant()).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("outcome", columns);
        Assert.Equal([], Wordless("audit.column.", columns));
    }

    [Fact]
    public void What_the_rule_withholds_has_words() =>
        Assert.Equal([], Wordless("audit.class.", Enum.GetNames<FieldClass>().Select(name => name.ToLowerInvariant())));

    private static IEnumerable<string> Wordless(string prefix, IEnumerable<string> names) =>
        names.SelectMany(name => TextBook.Languages.Where(lang => Book.Find(lang, prefix + name) is null).Select(lang => $"{lang}: {prefix}{name}")).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Sources() => Repository.Files("src", "*.cs").Select(File.ReadAllText);

    private static NodeDb Design() =>
        new NodeDbFactory((DbContextOptions<NodeDb>)new DbContextOptionsBuilder<NodeDb>().UseNodeSqlite("design.db").Options, new NodeContext(TimeProvider.System, [new DirectoryModel(), new IncidentsModel()])).For(Viewer.Public);

    [GeneratedRegex("""(?:new AuditNote\(|NoteAsync\(|NoteByOwnerAsync\(|DoneAsync\(desk, account,)[^;\n]*""")]
    private static partial Regex Noted();

    [GeneratedRegex("\"([a-z]+(?:\\.[a-z_-]+)+)\"")]
    private static partial Regex Names();

    [GeneratedRegex("ForSystem\\(\"job:([a-z-]+)\"")]
    private static partial Regex Jobs();
}
