using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>/directory/new, /directory/{id}/edit, /directory/{id}/delete: an organisation of the address book, or our own team.</summary>
public static class EditTeam
{
    /// <summary>Audience of an entry in the form: our own team, a community by id, or as it is (a marking that the form does not offer).</summary>
    public const string OwnTeam = "own";
    public const string AsItIs = "keep";

    public sealed record Model(Team? Team, Draft Draft, FormErrors Errors, IReadOnlyList<Choice> Shares);

    public sealed record DeleteModel(Team Team, int Contacts, int Constituencies);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/directory/new", NewAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/new", CreateAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapGet("/directory/{id:guid}/edit", EditAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/{id:guid}/edit", SaveAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapGet("/directory/{id:guid}/delete", AskAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/{id:guid}/delete", DeleteAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
    }

    /// <summary>The entry when this viewer may change it, else the answer that says why not.</summary>
    internal static async Task<(Team? Team, IResult Refusal)> FindOwnAsync(NodeDb db, Guid id, CancellationToken ct)
    {
        var key = new TeamId(id);
        var team = await db.Teams.FirstOrDefaultAsync(x => x.Id == key, ct);
        return team is null ? (null, Answers.NotFound())
            : db.Viewer.Has(team.Marking.Origin, Right.EditDirectory) ? (team, Answers.NotFound())
            : (null, TypedResults.StatusCode(StatusCodes.Status403Forbidden));
    }

    internal static long VersionOf(IFormCollection form) =>
        long.TryParse(form["version"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : -1;

    private static async Task<IResult> NewAsync(NodeDb db, Texts t, CancellationToken ct)
    {
        var draft = DraftOf(null);
        draft["country"] = "JP";
        return Answers.Page<EditTeamPage>(new Model(null, draft, FormErrors.None, await SharesAsync(db, null, t, ct)));
    }

    private static async Task<IResult> CreateAsync(IFormCollection form, NodeDb db, Texts t, TimeProvider clock, CancellationToken ct)
    {
        if (db.Viewer.Team is not { } owner)
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        var draft = Draft.Read(form, DraftOf(null));
        var shares = await SharesAsync(db, null, t, ct);
        var team = new Team { Id = TeamId.New(clock), Marking = Marking.Own(owner), Name = "", Slug = "", What = TeamKind.Other };
        var errors = Apply(draft, team, owner, shares, t);
        if (!errors.Any)
        {
            team.Slug = team.Slug.Length == 0 ? EntryFields.SlugFor(team.NameLatin ?? team.Name, team.Mail, team.Id) : team.Slug;
            db.Teams.Add(team);
            if (await TrySaveAsync(db, team, errors, t, ct))
            {
                return Answers.Seen($"/directory/{team.Id}?done=team");
            }
        }

        return Answers.Page<EditTeamPage>(new Model(null, draft, errors, shares), StatusCodes.Status400BadRequest);
    }

    private static async Task<IResult> EditAsync(Guid id, NodeDb db, Texts t, CancellationToken ct)
    {
        var (team, refusal) = await FindOwnAsync(db, id, ct);
        return team is null ? refusal : Answers.Page<EditTeamPage>(new Model(team, DraftOf(team), FormErrors.None, await SharesAsync(db, team, t, ct)));
    }

    private static async Task<IResult> SaveAsync(Guid id, IFormCollection form, NodeDb db, NodeDbFactory databases, DirectorySettings settings, Texts t, CancellationToken ct)
    {
        var (team, refusal) = await FindOwnAsync(db, id, ct);
        if (team is null)
        {
            return refusal;
        }

        var stored = DraftOf(team);
        var draft = Draft.Read(form, stored);
        var shares = await SharesAsync(db, team, t, ct);
        var version = VersionOf(form);
        if (version != team.Version)
        {
            return await ConflictAsync(db, team, version, draft, shares, t, ct);
        }

        var before = team.Marking;
        var errors = Apply(draft, team, team.Marking.Origin, shares, t);
        if (!errors.Any && await SenderAddress.ClashAsync(databases, settings.MailDomain, team, ct) is { } field)
        {
            errors.Add(field, t["directory.field." + field], t[field == "mail" ? "directory.bad.mail_taken" : "directory.bad.slug_taken"]);
        }

        if (errors.Any)
        {
            return Answers.Page<EditTeamPage>(new Model(team, draft, errors, shares), StatusCodes.Status400BadRequest);
        }

        if (before != team.Marking)
        {
            await MarkPartsAsync(db, team, ct);
        }

        try
        {
            return await TrySaveAsync(db, team, errors, t, ct) ? Answers.Seen($"/directory/{team.Id}?done=team")
                : Answers.Page<EditTeamPage>(new Model(team, draft, errors, shares), StatusCodes.Status400BadRequest);
        }
        catch (DbUpdateConcurrencyException)
        {
            db.ChangeTracker.Clear();
            (team, refusal) = await FindOwnAsync(db, id, ct);
            return team is null ? refusal : await ConflictAsync(db, team, version, draft, shares, t, ct);
        }
    }

    private static async Task<IResult> AskAsync(Guid id, NodeDb db, CancellationToken ct)
    {
        var (team, refusal) = await FindOwnAsync(db, id, ct);
        return team is null ? refusal : team.Hosted ? TypedResults.StatusCode(StatusCodes.Status403Forbidden)
            : Answers.Page<DeleteTeamPage>(new DeleteModel(team, await db.Contacts.CountAsync(c => c.Team == team.Id, ct), await db.Constituencies.CountAsync(c => c.Team == team.Id, ct)));
    }

    private static async Task<IResult> DeleteAsync(Guid id, IFormCollection form, NodeDb db, CancellationToken ct)
    {
        var (team, refusal) = await FindOwnAsync(db, id, ct);
        if (team is null)
        {
            return refusal;
        }

        if (team.Hosted)
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        if (VersionOf(form) != team.Version)
        {
            // what they saw is not what would go: ask again
            return Answers.Seen($"/directory/{team.Id}/delete");
        }

        db.Contacts.RemoveRange((await db.Contacts.Where(c => c.Team == team.Id).ToListAsync(ct)).Where(c => c.Marking.Origin == team.Marking.Origin));
        db.Constituencies.RemoveRange((await db.Constituencies.Where(c => c.Team == team.Id).ToListAsync(ct)).Where(c => c.Marking.Origin == team.Marking.Origin));
        db.Teams.Remove(team);
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateConcurrencyException)
        {
            return Answers.Seen($"/directory/{team.Id}/delete");
        }

        return Answers.Seen("/directory?done=deleted");
    }

    private static async Task<IResult> ConflictAsync(NodeDb db, Team team, long version, Draft mine, IReadOnlyList<Choice> shares, Texts t, CancellationToken ct)
    {
        var who = await db.Teams.AsNoTracking().Where(x => x.Id == team.Marking.Origin).FirstOrDefaultAsync(ct);
        var fields = Draft.Compare(DraftOf(team), mine, f => t["directory.field." + f], (f, v) => Shown(f, v, shares, t));
        return Answers.Page<ConflictPage>(new ConflictModel(team.NameIn(t.Lang), $"/directory/{team.Id}/edit", $"/directory/{team.Id}", who?.NameIn(t.Lang) ?? t["directory.unknown"], team.UpdatedAt, team.Version, version, fields), StatusCodes.Status409Conflict);
    }

    private static string Shown(string field, string value, IReadOnlyList<Choice> shares, Texts t) => field switch
    {
        "kind" when t.Has("directory.kind." + value) => t["directory.kind." + value],
        "share" => shares.FirstOrDefault(s => s.Value == value)?.Text ?? "",
        "takes_reports" => t[value == "true" ? "directory.yes" : "directory.no"],
        _ => value,
    };

    internal static string KindCode(TeamKind kind) => kind switch { TeamKind.NationalCsirt => "national_csirt", _ => kind.ToString().ToLowerInvariant() };

    internal static bool TryKind(string? code, out TeamKind kind)
    {
        kind = TeamKind.Other;
        foreach (var each in Enum.GetValues<TeamKind>())
        {
            if (string.Equals(KindCode(each), code, StringComparison.OrdinalIgnoreCase))
            {
                kind = each;
                return true;
            }
        }

        return false;
    }

    private static Draft DraftOf(Team? team)
    {
        var draft = new Draft
        {
            ["name"] = team?.Name ?? "",
            ["name_latin"] = team?.NameLatin ?? "",
            ["slug"] = team?.Slug ?? "",
            ["kind"] = KindCode(team?.What ?? TeamKind.Company),
            ["country"] = team?.Country ?? "",
            ["mail"] = team?.Mail ?? "",
            ["phone"] = team?.Phone ?? "",
            ["hours"] = team?.Hours ?? "",
            ["notes"] = team?.Notes ?? "",
            ["share"] = team is null ? OwnTeam : ShareOf(team.Marking),
        };
        if (team is { Hosted: true })
        {
            draft["takes_reports"] = team.TakesReports ? "true" : "";
        }

        return draft;
    }

    private static string ShareOf(Marking marking) => marking with { Origin = default } == Marking.Own(default) ? OwnTeam
        : marking is { Tlp: Tlp.Green, Audience.Count: 1 } && marking.Audience.First().IsCommunity && marking == Shared(marking.Origin, marking.Audience.First()) ? marking.Audience.First().Id.ToString("N")
        : AsItIs;

    private static Marking Shared(TeamId origin, Principal community) => new() { Tlp = Tlp.Green, Pap = Pap.Green, Origin = origin, Audience = new([community]) };

    private static async Task<IReadOnlyList<Choice>> SharesAsync(NodeDb db, Team? team, Texts t, CancellationToken ct)
    {
        var owner = team?.Marking.Origin ?? db.Viewer.Team ?? default;
        var mine = await db.CommunityMembers.Where(m => m.Team == owner).Select(m => m.Community).ToListAsync(ct);
        var communities = await db.Communities.AsNoTracking().Where(c => mine.Contains(c.Id)).OrderBy(c => c.Name).Take(50).ToListAsync(ct);
        var choices = new List<Choice> { new(OwnTeam, t["directory.share.own"], t["directory.share.own_help"]) };
        choices.AddRange(communities.Select(c => new Choice(c.Id.Value.ToString("N"), t.Of("directory.share.community", t.Lang == "ja" ? c.Name : c.NameLatin ?? c.Name), t["directory.share.community_help"])));
        if (team is not null && !choices.Exists(c => c.Value == ShareOf(team.Marking)))
        {
            choices.Add(new(AsItIs, t["directory.share.keep"], t["directory.share.keep_help"]));
        }

        return choices;
    }

    /// <summary>Checks the draft and writes it to the entry; with an error nothing of it is saved.</summary>
    private static FormErrors Apply(Draft draft, Team team, TeamId owner, IReadOnlyList<Choice> shares, Texts t)
    {
        var errors = new FormErrors();
        void Bad(string field, string? key, params object?[] args)
        {
            if (key is not null)
            {
                errors.Add(field, t["directory.field." + field], t.Of(key, args));
            }
        }

        var name = EntryFields.Line(draft["name"]);
        Bad("name", name.Length == 0 ? "directory.bad.empty" : EntryFields.TooLong(name, EntryFields.NameLength), EntryFields.NameLength);
        var latin = EntryFields.Line(draft["name_latin"]);
        Bad("name_latin", EntryFields.TooLong(latin, EntryFields.NameLength), EntryFields.NameLength);
        var slug = EntryFields.Line(draft["slug"]);
        if (slug.Length > 0 || team.Slug.Length > 0)
        {
            Bad("slug", EntryFields.Slug(slug, out slug));
        }

        Bad("kind", TryKind(draft["kind"], out var kind) ? null : "directory.bad.choice");
        Bad("country", EntryFields.Country(EntryFields.Line(draft["country"]), out var country));
        Bad("mail", EntryFields.Mail(EntryFields.Line(draft["mail"]), out var mail));
        Bad("phone", EntryFields.Phone(EntryFields.Line(draft["phone"]), out var phone));
        var hours = EntryFields.Line(draft["hours"]);
        Bad("hours", EntryFields.TooLong(hours, EntryFields.NameLength), EntryFields.NameLength);
        var notes = EntryFields.Block(draft["notes"]);
        Bad("notes", EntryFields.TooLong(notes, EntryFields.NotesLength), EntryFields.NotesLength);
        Bad("share", shares.Any(s => s.Value == draft["share"]) ? null : "directory.bad.choice");
        if (errors.Any)
        {
            return errors;
        }

        (team.Name, team.NameLatin, team.Slug, team.What, team.Country) = (name, NullIfEmpty(latin), slug, kind, NullIfEmpty(country));
        (team.Mail, team.Phone, team.Hours, team.Notes) = (NullIfEmpty(mail), NullIfEmpty(phone), NullIfEmpty(hours), NullIfEmpty(notes));
        var marking = draft["share"] switch
        {
            AsItIs => team.Marking,
            OwnTeam => Marking.Own(owner),
            var community => Shared(owner, Principal.Of(new CommunityId(Guid.ParseExact(community, "N")))),
        };
        if (marking != team.Marking)
        {
            team.Marking = marking;
        }

        if (team.Hosted)
        {
            team.TakesReports = draft["takes_reports"] == "true";
        }

        return errors;
    }

    internal static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    /// <summary>Contacts and constituencies are shared as their organisation is.</summary>
    private static async Task MarkPartsAsync(NodeDb db, Team team, CancellationToken ct)
    {
        foreach (var contact in (await db.Contacts.Where(c => c.Team == team.Id).ToListAsync(ct)).Where(c => c.Marking.Origin == team.Marking.Origin))
        {
            contact.Marking = team.Marking;
        }

        foreach (var piece in (await db.Constituencies.Where(c => c.Team == team.Id).ToListAsync(ct)).Where(c => c.Marking.Origin == team.Marking.Origin))
        {
            piece.Marking = team.Marking;
        }
    }

    private static async Task<bool> TrySaveAsync(NodeDb db, Team team, FormErrors errors, Texts t, CancellationToken ct)
    {
        if (!await db.Teams.AnyAsync(x => x.Slug == team.Slug && x.Id != team.Id, ct))
        {
            try
            {
                await db.SaveChangesAsync(ct);
                return true;
            }
            catch (DbUpdateException e) when (e is not DbUpdateConcurrencyException)
            {
                // the unique index also knows entries that this viewer may not: only the short name can collide
            }
        }

        errors.Add("slug", t["directory.field.slug"], t["directory.bad.slug_taken"]);
        return false;
    }
}
