using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories.Pages;
using Renkei.Formats.Csv;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>GET /directory, /directory/export and /api/v1/directory/teams: the organisations the viewer may know of, by name.</summary>
public static class ListTeams
{
    public const int PageSize = 50;

    /// <summary>An export is the whole list that the filter leaves, up to here.</summary>
    private const int ExportSize = 10_000;

    /// <summary>The list's filters, all in the URL. Words are looked for in names, addresses and constituencies; every one must be found.</summary>
    public sealed record Filter
    {
        public string? Kind { get; init; }

        public string? Country { get; init; }

        public string? Words { get; init; }

        public string? After { get; init; }

        public string? Done { get; init; }
    }

    public sealed record Row(Team Team, IReadOnlyList<Contact> Contacts, IReadOnlyList<Constituency> Pieces, int PieceCount)
    {
        public bool Bounced => Contacts.Any(c => c.BouncedAt is not null);
    }

    public sealed record Model(IReadOnlyList<Row> Rows, Filter Filter, string? Next, int Total, IReadOnlyList<string> Countries, bool MayEdit);

    /// <summary>An organisation as scripts read it.</summary>
    public sealed record Item(TeamId Id, string Slug, string Name, string? NameLatin, TeamKind Kind, string? Country, bool Hosted, string Tlp, int Contacts, int Constituencies, int Bounced, long Version);

    public sealed record ItemList(IReadOnlyList<Item> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/directory", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/directory/export", ExportAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/directory/teams", ApiAsync).NeedsScope(Scopes.DirectoryRead).WithTags("directory").WithName("listTeams");
    }

    private static async Task<IResult> PageAsync([AsParameters] Filter filter, NodeDb db, CancellationToken ct)
    {
        if (!TryCursor(filter.After, out var after))
        {
            return TypedResults.BadRequest();
        }

        var (teams, next) = await FetchAsync(db, filter, after, PageSize, ct);
        var countries = await db.Teams.Where(x => x.Country != null).Select(x => x.Country!).Distinct().OrderBy(c => c).Take(300).ToListAsync(ct);
        var total = await Matching(db, filter).Take(NodeDb.CountBound + 1).CountAsync(ct);
        return Answers.Page<DirectoryPage>(new Model(await RowsAsync(db, teams, ct), filter, next, total, countries, db.Viewer.Has(Right.EditDirectory)));
    }

    private static async Task<Results<Ok<ItemList>, ValidationProblem>> ApiAsync([FromQuery] string? kind, [FromQuery] string? country, [FromQuery] string? words, [FromQuery] string? after, [FromQuery] int? limit, NodeDb db, CancellationToken ct)
    {
        if (!TryCursor(after, out var cursor))
        {
            return TypedResults.ValidationProblem(ApiQuery.BadCursor);
        }

        if (ApiQuery.Limit(limit, out var take) is { } wrong)
        {
            return TypedResults.ValidationProblem(wrong);
        }

        if (!string.IsNullOrEmpty(kind) && !EditTeam.TryKind(kind, out _) && !Enum.TryParse<TeamKind>(kind, ignoreCase: true, out _))
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["kind"] = ["One of csirt, nationalCsirt, isp, hoster, registrar, vendor, company, other."] });
        }

        var (teams, next) = await FetchAsync(db, new Filter { Kind = kind, Country = country, Words = words, After = after }, cursor, take, ct);
        var ids = teams.Select(x => x.Id).ToArray();
        var contacts = await db.Contacts.Where(c => ids.Contains(c.Team)).GroupBy(c => c.Team).Select(g => new { g.Key, Count = g.Count(), Bounced = g.Count(c => c.BouncedAt != null) }).ToDictionaryAsync(g => g.Key, ct);
        var pieces = await db.Constituencies.Where(c => ids.Contains(c.Team)).GroupBy(c => c.Team).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        return TypedResults.Ok(new ItemList([.. teams.Select(x => new Item(x.Id, x.Slug, x.Name, x.NameLatin, x.What, x.Country, x.Hosted, x.Marking.Tlp.Label(),
            contacts.GetValueOrDefault(x.Id)?.Count ?? 0, pieces.GetValueOrDefault(x.Id), contacts.GetValueOrDefault(x.Id)?.Bounced ?? 0, x.Version))], next));
    }

    /// <summary>One row a contact, in the columns that the import reads: what goes out comes in again unchanged.</summary>
    private static async Task<IResult> ExportAsync([AsParameters] Filter filter, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (teams, _) = await FetchAsync(db, filter, null, ExportSize, ct);
        var rows = new List<Row>();
        foreach (var part in teams.Chunk(200))
        {
            rows.AddRange(await RowsAsync(db, part, ct, all: true));
        }

        var buffer = new MemoryStream();
        using (var csv = new CsvWriter(buffer, byteOrderMark: true, leaveOpen: true))
        {
            csv.Row([.. ContactImport.Columns]);
            foreach (var row in rows)
            {
                foreach (var contact in row.Contacts.Count == 0 ? [null] : row.Contacts.Cast<Contact?>())
                {
                    var mine = row.Pieces.Where(p => contact is null || p.Contact is null || p.Contact == contact.Id).ToList();
                    string Of(ConstituencyKind kind) => string.Join(' ', mine.Where(p => p.What == kind).Select(p => p.Value));
                    csv.Row(row.Team.Name, row.Team.NameLatin, EditTeam.KindCode(row.Team.What), row.Team.Country,
                        contact?.Name, contact is null ? null : EditContact.RoleCode(contact.Role), contact?.Mail, contact?.Phone, contact?.Languages, contact?.WorkingHours, contact?.Zone, contact?.OpenPgpFingerprint,
                        contact?.AsksFor.ToString().ToLowerInvariant(), Of(ConstituencyKind.Prefix), Of(ConstituencyKind.Asn), Of(ConstituencyKind.Domain), Of(ConstituencyKind.Country), Of(ConstituencyKind.Tld));
                }
            }
        }

        db.Note(new AuditNote("directory.exported", db.Viewer.Team, null, new Dictionary<string, object?>(StringComparer.Ordinal) { ["format"] = "csv", ["rows"] = rows.Count }));
        await db.SaveChangesAsync(ct);
        return TypedResults.File(buffer.ToArray(), "application/octet-stream", "directory-" + clock.GetUtcNow().ToString("yyyyMMdd", CultureInfo.InvariantCulture) + ".csv");
    }

    private static async Task<List<Row>> RowsAsync(NodeDb db, IReadOnlyList<Team> teams, CancellationToken ct, bool all = false)
    {
        var ids = teams.Select(x => x.Id).ToArray();
        var contacts = (await db.Contacts.AsNoTracking().Where(c => ids.Contains(c.Team)).OrderBy(c => c.Role).ThenBy(c => c.Name).ThenBy(c => c.Id).ToListAsync(ct)).ToLookup(c => c.Team);
        var counts = await db.Constituencies.Where(c => ids.Contains(c.Team)).GroupBy(c => c.Team).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var pieces = (await db.Constituencies.AsNoTracking().Where(c => ids.Contains(c.Team)).OrderBy(c => c.What).ThenBy(c => c.From).ThenBy(c => c.Value).ThenBy(c => c.Id).Take(all ? 1_000_000 : 5000).ToListAsync(ct)).ToLookup(c => c.Team);
        return [.. teams.Select(x => new Row(x, [.. contacts[x.Id]], [.. all ? pieces[x.Id] : pieces[x.Id].Take(3)], counts.GetValueOrDefault(x.Id)))];
    }

    private static IQueryable<Team> Matching(NodeDb db, Filter filter)
    {
        var teams = db.Teams.AsNoTracking();
        var (contacts, pieces) = (db.Contacts, db.Constituencies);
        if (EditTeam.TryKind(filter.Kind, out var kind) || (filter.Kind?.Length > 2 && Enum.TryParse(filter.Kind, ignoreCase: true, out kind)))
        {
            teams = teams.Where(x => x.What == kind);
        }

        if (filter.Country is { Length: > 0 } country && EntryFields.Country(country, out var code) is null)
        {
            teams = teams.Where(x => x.Country == code);
        }

#pragma warning disable CA1304, CA1311, CA1862, MA0011 // becomes SQL
        foreach (var raw in EntryFields.Line(filter.Words).Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(5))
        {
            var plain = Observable.Refang(raw);
            var word = plain.ToLowerInvariant();
            var folded = plain.Normalize(NormalizationForm.FormKC).ToLowerInvariant();
            teams = teams.Where(x => x.Name.ToLower().Contains(word) || x.Name.ToLower().Contains(folded) || (x.NameLatin != null && x.NameLatin.ToLower().Contains(folded)) || x.Slug.Contains(folded) || (x.Mail != null && x.Mail.ToLower().Contains(folded))
                || contacts.Any(c => c.Team == x.Id && (c.Name.ToLower().Contains(folded) || c.Mail.ToLower().Contains(folded)))
                || pieces.Any(c => c.Team == x.Id && c.Value.ToLower().Contains(folded)));
        }
#pragma warning restore CA1304, CA1311, CA1862, MA0011
        return teams;
    }

    private static async Task<(IReadOnlyList<Team> Teams, string? Next)> FetchAsync(NodeDb db, Filter filter, (string Name, string Slug)? after, int take, CancellationToken ct)
    {
        var teams = Matching(db, filter);
        if (after is { } place)
        {
            var (name, slug) = place;
#pragma warning disable CA1309 // becomes SQL, where the database's own order is what the list is sorted by
            teams = teams.Where(x => string.Compare(x.Name, name) > 0 || (x.Name == name && string.Compare(x.Slug, slug) > 0));
#pragma warning restore CA1309
        }

        // the short name is unique on the node: with it the order is total
        var found = await teams.OrderBy(x => x.Name).ThenBy(x => x.Slug).Take(take + 1).ToListAsync(ct);
        return found.Count > take ? (found[..take], Cursor(found[take - 1])) : (found, null);
    }

    private static string Cursor(Team team) => System.Buffers.Text.Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new[] { team.Name, team.Slug }));

    private static bool TryCursor(string? text, out (string Name, string Slug)? after)
    {
        after = null;
        if (string.IsNullOrEmpty(text))
        {
            return true;
        }

        if (text.Length > 2000 || !System.Buffers.Text.Base64Url.IsValid(text))
        {
            return false;
        }

        try
        {
            if (JsonSerializer.Deserialize<string[]>(System.Buffers.Text.Base64Url.DecodeFromChars(text)) is [{ } name, { } slug] && !name.Contains('\0', StringComparison.Ordinal) && !slug.Contains('\0', StringComparison.Ordinal))
            {
                after = (name, slug);
                return true;
            }
        }
        catch (JsonException)
        {
            // a cursor of somebody's own making
        }

        return false;
    }
}
