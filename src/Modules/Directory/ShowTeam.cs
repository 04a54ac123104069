using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>GET /directory/{id} and /api/v1/directory/teams/{id}: one organisation with its contacts and what it answers for.</summary>
public static class ShowTeam
{
    /// <summary>Shown on the page; the API gives as many and says how many there are.</summary>
    public const int MaxPieces = 2000;

    /// <param name="AtWork">Now; null where the hours do not say.</param>
    public sealed record ContactRow(Contact Contact, bool? AtWork, int Pieces);

    public sealed record Model(Team Team, IReadOnlyList<ContactRow> Contacts, IReadOnlyList<Constituency> Pieces, int PieceCount, Team? Maintainer, IReadOnlyList<string> Why, bool MayEdit, string? Done);

    public sealed record ContactItem(ContactId Id, string Name, ContactRole Role, string Mail, string? Phone, IReadOnlyList<string> Languages, string? WorkingHours, string Timezone, bool? AtWork, string? OpenPgpFingerprint, AsksFor AsksFor, DateTimeOffset? BouncedAt, long Version);

    public sealed record PieceItem(ConstituencyKind Kind, string Value, ContactId? Contact);

    /// <summary>An organisation as scripts read it; times are UTC.</summary>
    public sealed record Item(TeamId Id, string Slug, string Name, string? NameLatin, TeamKind Kind, string? Country, bool Hosted, string? Mail, string? Phone, string? Hours, string Tlp, string Pap, TeamId Origin,
        IReadOnlyList<ContactItem> Contacts, IReadOnlyList<PieceItem> Constituencies, int ConstituencyCount, DateTimeOffset UpdatedAt, long Version);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/directory/{id:guid}", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/directory/teams/{id:guid}", ApiAsync).NeedsScope(Scopes.DirectoryRead).WithTags("directory").WithName("getTeam");
    }

    private static async Task<IResult> PageAsync(Guid id, string? done, NodeDb db, Texts t, TimeProvider clock, CancellationToken ct)
    {
        var key = new TeamId(id);
        var team = await db.Teams.AsNoTracking().FirstOrDefaultAsync(x => x.Id == key, ct);
        if (team is null)
        {
            return Answers.NotFound();
        }

        var now = clock.GetUtcNow();
        var contacts = await ContactsAsync(db, team.Id, ct);
        var pieces = await PiecesAsync(db, team.Id, ct);
        var count = await db.Constituencies.CountAsync(c => c.Team == team.Id, ct);
        var maintainer = team.Marking.Origin == team.Id ? team : await db.Teams.AsNoTracking().FirstOrDefaultAsync(x => x.Id == team.Marking.Origin, ct);
        var verdict = Rule.Decide(new Question(SharingAct.Read, Exit.Page, team.Marking, Viewer: db.Viewer), new World(now));
        var why = new List<string>();
        foreach (var reason in verdict.Why)
        {
            why.Add(await SayAsync(db, reason, t, ct));
        }

        return Answers.Page<TeamPage>(new Model(team, [.. contacts.Select(c => new ContactRow(c, WorkingHours.IsOpen(c.WorkingHours, c.Zone, now), pieces.Count(p => p.Contact == c.Id)))], pieces, count, maintainer, why,
            db.Viewer.Has(team.Marking.Origin, Right.EditDirectory), done));
    }

    private static async Task<Results<Ok<Item>, NotFound, StatusCodeHttpResult>> ApiAsync(Guid id, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var key = new TeamId(id);
        var team = await db.Teams.AsNoTracking().FirstOrDefaultAsync(x => x.Id == key, ct);
        if (team is null)
        {
            return TypedResults.NotFound();
        }

        var now = clock.GetUtcNow();
        var contacts = await ContactsAsync(db, team.Id, ct);
        var pieces = await PiecesAsync(db, team.Id, ct);
        var count = await db.Constituencies.CountAsync(c => c.Team == team.Id, ct);
        http.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{team.Version}\"");
        return TypedResults.Ok(new Item(team.Id, team.Slug, team.Name, team.NameLatin, team.What, team.Country, team.Hosted, team.Mail, team.Phone, team.Hours, team.Marking.Tlp.Label(), team.Marking.Pap.Label(), team.Marking.Origin,
            [.. contacts.Select(c => ToItem(c, now))], [.. pieces.Select(p => new PieceItem(p.What, p.Value, p.Contact))], count, team.UpdatedAt, team.Version));
    }

    internal static ContactItem ToItem(Contact c, DateTimeOffset now) => new(c.Id, c.Name, c.Role, c.Mail, c.Phone, c.Languages.Split(' ', StringSplitOptions.RemoveEmptyEntries), c.WorkingHours, c.Zone,
        WorkingHours.IsOpen(c.WorkingHours, c.Zone, now), c.OpenPgpFingerprint, c.AsksFor, c.BouncedAt, c.Version);

    private static Task<List<Contact>> ContactsAsync(NodeDb db, TeamId team, CancellationToken ct) =>
        db.Contacts.AsNoTracking().Where(c => c.Team == team).OrderBy(c => c.Role).ThenBy(c => c.Name).ThenBy(c => c.Id).Take(500).ToListAsync(ct);

    private static Task<List<Constituency>> PiecesAsync(NodeDb db, TeamId team, CancellationToken ct) =>
        db.Constituencies.AsNoTracking().Where(c => c.Team == team).OrderBy(c => c.What).ThenBy(c => c.From).ThenBy(c => c.Length).ThenBy(c => c.Value).ThenBy(c => c.Id).Take(MaxPieces).ToListAsync(ct);

    /// <summary>A reason in the reader's words; teams and communities by name.</summary>
    private static async Task<string> SayAsync(NodeDb db, Reason reason, Texts t, CancellationToken ct)
    {
        var name = t["directory.unknown"];
        if (reason.Args is [var code, ..] && Principal.TryParse(code, out var principal))
        {
            var team = new TeamId(principal.Id);
            var community = new CommunityId(principal.Id);
            name = principal switch
            {
                { IsTeam: true } or { IsRole: true } => (await db.Teams.AsNoTracking().FirstOrDefaultAsync(x => x.Id == team, ct))?.NameIn(t.Lang) ?? name,
                { IsCommunity: true } => await db.Communities.AsNoTracking().FirstOrDefaultAsync(c => c.Id == community, ct) is { } c ? t.Lang == "ja" ? c.Name : c.NameLatin ?? c.Name : name,
                _ => name,
            };
        }

        var key = "directory.why." + reason.Key.Replace("why.", "", StringComparison.Ordinal).Replace('-', '_');
        return t.Of(t.Has(key) ? key : "directory.why.other", name);
    }
}
