using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>Where a page of a list ended: the next page begins after it.</summary>
public readonly record struct ListCursor(long Sort, Guid Record)
{
    public static ListCursor Start { get; } = new(long.MinValue, Guid.Empty);

    public override string ToString() => Sort.ToString(System.Globalization.CultureInfo.InvariantCulture) + "." + Record.ToString("N");

    public static bool TryParse(string? text, out ListCursor cursor)
    {
        cursor = Start;
        if (string.IsNullOrEmpty(text))
        {
            return true;
        }

        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot < 1 || !long.TryParse(text.AsSpan(0, dot), System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out var sort)
            || !Guid.TryParseExact(text.AsSpan(dot + 1), "N", out var record))
        {
            return false;
        }

        cursor = new(sort, record);
        return true;
    }
}

/// <summary>Long lists and counts start from the grants: per principal an ordered take, united (notes on the read rule, design D).</summary>
public sealed partial class NodeDb
{
    /// <summary>No count is asked beyond this; a page then says "more than".</summary>
    public const int CountBound = 10_000;

    /// <summary>Above so many principals the union costs more than one IN.</summary>
    private const int UnionBound = 40;

    /// <summary>
    /// Ids of the next <paramref name="take"/> records of a kind in one of the states, in list order, which the viewer may know of.
    /// The caller fetches the rows through the filter, so a denial or a stale grant still shows nothing.
    /// </summary>
    public async Task<IReadOnlyList<(Guid Record, ListCursor Cursor)>> ListAsync(string kind, IReadOnlyList<short> states, ListCursor after, int take, CancellationToken ct)
    {
        // a record has one grant per principal: a viewer who matches several would see it several times
        var found = new Dictionary<Guid, long>();
        foreach (var part in ListParts(kind, states, after))
        {
            foreach (var row in await part.Select(g => new { g.Sort, g.Record }).Distinct().OrderBy(g => g.Sort).ThenBy(g => g.Record).Take(take).ToListAsync(ct))
            {
                found.TryAdd(row.Record, row.Sort);
            }
        }

        return [.. found.OrderBy(f => f.Value).ThenBy(f => f.Key.ToString(), StringComparer.Ordinal).Take(take).Select(f => (f.Key, new ListCursor(f.Value, f.Key)))];
    }

    /// <summary>How many records of a kind in one of the states the viewer may know of; <see cref="CountBound"/> + 1 means more.</summary>
    public async Task<int> CountAsync(string kind, IReadOnlyList<short> states, CancellationToken ct)
    {
        var now = Now;
        var wanted = states.ToArray();
        var grants = Grants.Where(g => g.Kind == kind && wanted.Contains(g.State));
        if (!Viewer.IsSystem)
        {
            var mine = Principals;
            var standing = Standing;
            grants = grants.Where(g => mine.Contains(g.Principal) && g.From <= now && g.Until > now && !Denials.Any(d => d.Record == g.Record && standing.Contains(d.Principal)));
        }

        return await grants.Select(g => g.Record).Distinct().Take(CountBound + 1).CountAsync(ct);
    }

    /// <summary>Of these records, those that the viewer may know of at this moment, each with its kind: the grants decide, as for every list.</summary>
    public async Task<IReadOnlyDictionary<Guid, string>> KnownAsync(IReadOnlyCollection<Guid> records, CancellationToken ct)
    {
        if (records.Count == 0)
        {
            return new Dictionary<Guid, string>();
        }

        var (now, ids, mine, standing) = (Now, records.Distinct().ToArray(), Principals, Standing);
        return await Grants.AsNoTracking().Where(g => ids.Contains(g.Record) && mine.Contains(g.Principal) && g.From <= now && g.Until > now && !Denials.Any(d => d.Record == g.Record && standing.Contains(d.Principal)))
            .Select(g => new { g.Record, g.Kind }).Distinct().ToDictionaryAsync(g => g.Record, g => g.Kind, ct);
    }

    private IEnumerable<IQueryable<Grant>> ListParts(string kind, IReadOnlyList<short> states, ListCursor after)
    {
        var now = Now;
        foreach (var state in states)
        {
            // written so that PostgreSQL can drive it from the index: the plain comparison first, the tie after
            var place = Grants.AsNoTracking().Where(g => g.Kind == kind && g.State == state && g.Sort >= after.Sort && (g.Sort > after.Sort || g.Record.CompareTo(after.Record) > 0));
            if (Viewer.IsSystem)
            {
                yield return place;
                continue;
            }

            var open = place.Where(g => g.From <= now && g.Until > now);
            if (Principals.Length > UnionBound)
            {
                var mine = Principals;
                yield return open.Where(g => mine.Contains(g.Principal));
                continue;
            }

            foreach (var principal in Principals)
            {
                yield return open.Where(g => g.Principal == principal);
            }
        }
    }
}
