using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Accounts;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Pages;

/// <summary>GET /search: a number leads to its record; an observable to whatever holds it; words to the records with all of them. Everything through the read rule, and counts are of what is shown.</summary>
public static class Search
{
    public const int Longest = 400;

    /// <summary>Hits looked at; where there are more the page says so.</summary>
    public const int Most = 100;

    public sealed record Hit(string Kind, string Title, string Href, DateTimeOffset At, string? Number);

    public sealed record Group(string Kind, IReadOnlyList<Hit> Hits);

    public sealed record Model(string Query, string? Observable, string? ObservableType, IReadOnlyList<SeenRecord> Seen, bool MoreSeen, IReadOnlyList<Group> Groups, int Count, bool More, FormErrors Errors);

    /// <summary>Order of the groups; kinds that nobody links to are not shown.</summary>
    private static readonly string[] Kinds = ["incident", "report", "request", "team", "contact"];

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/search", PageAsync).SignedIn().ExcludeFromDescription();

    private static async Task<IResult> PageAsync(string? q, NodeDb db, IEnumerable<ISeenBefore> seenBefore, IEnumerable<IRecordNames> names, Texts t, CancellationToken ct)
    {
        var query = q?.Trim() ?? "";
        if (query.Length == 0)
        {
            return Answers.Page<SearchPage>(new Model("", null, null, [], false, [], 0, false, FormErrors.None));
        }

        if (TextCheck.Of(t, query, Longest) is { } fault)
        {
            return Answers.Page<SearchPage>(new Model(query.Length > Longest ? query[..Longest] : InertText.Clean(query), null, null, [], false, [], 0, false, new FormErrors().Add("q", t["search.title"], fault)), StatusCodes.Status400BadRequest);
        }

        var numbered = new List<SeenRecord>();
        foreach (var each in names)
        {
            numbered.AddRange(await each.WithNumberAsync(query.Normalize(System.Text.NormalizationForm.FormKC), ct));
        }

        if (numbered is [var only])
        {
            return Answers.Seen(only.Href);
        }

        var seen = new List<SeenRecord>();
        Observable? observable = Observable.TryParse(query, out var parsed, out _) ? parsed : null;
        if (observable is { } wanted)
        {
            foreach (var each in seenBefore)
            {
                seen.AddRange(await each.FindAsync(wanted, Most + 1, ct));
            }
        }

        var hits = await db.SearchAsync(query, Most + 1, ct);
        var records = hits.Select(h => h.Record).Distinct().ToList();
        var found = new Dictionary<RecordRef, Hit>();
        foreach (var each in names)
        {
            foreach (var named in await each.NamesAsync(records, ct))
            {
                found[named.Record] = new(named.Record.Kind, named.Title, named.Href, named.At, named.Number);
            }
        }

        foreach (var hit in await DirectoryHitsAsync(db, records, t, ct))
        {
            found[hit.Record] = hit.Hit;
        }

        foreach (var number in numbered)
        {
            found[number.Record] = new(number.Record.Kind, number.Title, number.Href, number.At, number.Number);
        }

        // what stands among the observations is not told a second time as text
        List<SeenRecord> shown = [.. seen.OrderByDescending(s => s.At).Take(Most)];
        var told = shown.Select(s => s.Record).ToHashSet();
        var order = records.Concat(numbered.Select(n => n.Record)).Distinct().Where(r => found.ContainsKey(r) && !told.Contains(r)).Select(r => found[r]).ToList();
        var groups = Kinds.Select(k => new Group(k, [.. order.Where(h => h.Kind == k)])).Where(g => g.Hits.Count > 0).ToList();
        return Answers.Page<SearchPage>(new Model(query, observable?.Defang(), observable?.Type.ToString().ToLowerInvariant(), shown, seen.Count > Most, groups, told.Count + groups.Sum(g => g.Hits.Count), hits.Count > Most, FormErrors.None));
    }

    private static async Task<IReadOnlyList<(RecordRef Record, Hit Hit)>> DirectoryHitsAsync(NodeDb db, List<RecordRef> records, Texts t, CancellationToken ct)
    {
        var teamIds = records.Where(r => r.Kind == Team.Kind).Select(r => new TeamId(r.Id)).ToArray();
        var contactIds = records.Where(r => r.Kind == Contact.Kind).Select(r => new ContactId(r.Id)).ToArray();
        var found = new List<(RecordRef, Hit)>();
        if (teamIds.Length > 0)
        {
            found.AddRange((await db.Teams.AsNoTracking().Where(x => teamIds.Contains(x.Id)).ToListAsync(ct)).Select(x => (new RecordRef(Team.Kind, x.Id.Value), new Hit(Team.Kind, x.NameIn(t.Lang), "/directory/" + x.Id, x.UpdatedAt, null))));
        }

        if (contactIds.Length > 0)
        {
            found.AddRange((await db.Contacts.AsNoTracking().Where(x => contactIds.Contains(x.Id)).ToListAsync(ct)).Select(x => (new RecordRef(Contact.Kind, x.Id.Value), new Hit(Contact.Kind, x.Name + " " + TextRefang.DefangText(x.Mail), "/directory/" + x.Team, x.UpdatedAt, null))));
        }

        return found;
    }
}
