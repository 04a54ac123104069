using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;

namespace Renkei.Store;

public sealed record SearchHit(RecordRef Record, string Part, string Title, DateTimeOffset UpdatedAt);

public sealed partial class NodeDb
{
    /// <summary>
    /// Records whose text holds every word of <paramref name="text"/>, newest first, which the viewer may know of. Words are cut as
    /// <see cref="SearchTokens"/> cuts them: 感染 is one bigram, 203.0.113.24 one token, defanged or not.
    /// </summary>
    public async Task<IReadOnlyList<SearchHit>> SearchAsync(string text, int take, CancellationToken ct)
    {
        List<string> tokens = SearchTokens.Query(text).Distinct(StringComparer.Ordinal).Take(24).ToList();
        if (tokens.Count == 0)
        {
            return [];
        }

        var quoted = tokens.Select(t => t.Replace("\"", "", StringComparison.Ordinal).Replace("'", "", StringComparison.Ordinal).Replace("\\", "", StringComparison.Ordinal)).Where(t => t.Length > 0).ToList();
        var matching = IsPostgres
            ? SearchEntries.FromSql($"""SELECT s.* FROM "SearchEntries" s WHERE array_to_tsvector(string_to_array(s."Tokens", ' ')) @@ {string.Join(" & ", quoted.Select(t => "'" + t + "'"))}::tsquery""")
            : SearchEntries.FromSql($"""SELECT s.* FROM "SearchEntries" s WHERE s."Id" IN (SELECT rowid FROM "SearchIndex" WHERE "SearchIndex" MATCH {string.Join(" ", quoted.Select(t => "\"" + t + "\""))})""");
        var mine = Viewer.IsSystem ? null : Viewer.Roles.Where(r => r.Role.IsOfTheTeam()).Select(r => r.Team).Distinct().ToArray();
        if (mine is not null)
        {
            // text of a masked class may not even be found by those who may not see it
            matching = matching.Where(s => s.Class == FieldClass.Content || mine.Contains(s.Team));
        }

        return await matching.AsNoTracking().OrderByDescending(s => s.UpdatedAt).ThenByDescending(s => s.Id).Take(take)
            .Select(s => new SearchHit(new RecordRef(s.Kind, s.Record), s.Part, s.Title, s.UpdatedAt)).ToListAsync(ct);
    }
}
