using Microsoft.AspNetCore.Http;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>What stands in a form, field by field, as text: what a person wrote is kept whatever is wrong with it.</summary>
public sealed class Draft
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public string this[string field]
    {
        get => _values.GetValueOrDefault(field, "");
        set => _values[field] = value;
    }

    public IEnumerable<string> Fields => _values.Keys;

    /// <summary>
    /// The posted form. One that comes from the conflict page has for each field both values and a choice; <paramref name="theirs"/> is
    /// what is stored.
    /// </summary>
    public static Draft Read(IFormCollection form, Draft theirs)
    {
        var draft = new Draft();
        foreach (var field in theirs.Fields)
        {
            draft[field] = !form.TryGetValue("mine." + field, out var mine) ? form[field].ToString()
                : string.Equals(form["take." + field].ToString(), "theirs", StringComparison.Ordinal) ? theirs[field] : mine.ToString();
        }

        return draft;
    }

    /// <summary>Both, field by field, for the conflict page.</summary>
    public static IReadOnlyList<ConflictField> Compare(Draft theirs, Draft mine, Func<string, string> label, Func<string, string, string> shown) =>
        [.. theirs.Fields.Select(f => new ConflictField(f, label(f), shown(f, theirs[f]), shown(f, mine[f]), mine[f]))];
}

/// <summary>Someone else saved in between: what <c>Conflict</c> shows.</summary>
public sealed record ConflictModel(string Title, string Action, string DropHref, string Who, DateTimeOffset At, long Stored, long Mine, IReadOnlyList<ConflictField> Fields);
