using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET and POST /me: a person's name, and how they like their pages.</summary>
public static class MyPage
{
    public sealed record Model(Person Person, string Mail, IReadOnlyList<(TeamId Id, string Name, IReadOnlyList<Role> Roles)> Teams, TeamId? Acts, IReadOnlyList<string> Zones, FormErrors Errors, bool Saved);

    /// <summary>Zones as the IANA names them, those with a place.</summary>
    private static IReadOnlyList<string> Zones { get; } = [.. TimeZoneInfo.GetSystemTimeZones().Select(z => z.Id).Where(id => id is "UTC" || (id.Contains('/', StringComparison.Ordinal) && !id.StartsWith("Etc/", StringComparison.Ordinal))).Order(StringComparer.Ordinal)];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/me", async Task<IResult> (bool? saved, Viewer viewer, NodeDb db, Texts t, CancellationToken ct) => await PageAsync(viewer, db, t, null, FormErrors.None, saved == true, ct)).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me", HandleAsync).SignedIn().ExcludeFromDescription();
    }

    private static async Task<IResult> PageAsync(Viewer viewer, NodeDb db, Texts t, Person? typed, FormErrors errors, bool saved, CancellationToken ct)
    {
        var me = viewer.Person!.Value;
        if (await db.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == me, ct) is not { } person)
        {
            return Answers.NotFound();
        }

        var ids = viewer.Roles.Select(r => r.Team).Distinct().ToArray();
        var names = (await db.Teams.AsNoTracking().Where(x => ids.Contains(x.Id)).ToListAsync(ct)).ToDictionary(x => x.Id, x => x.NameIn(t.Lang));
        // someone who is only a constituent may not know of the team's entry; the place where they belong still has a name for them
        var teams = ids.Select(id => (id, names.GetValueOrDefault(id) ?? t["accounts.me.team_unnamed"], (IReadOnlyList<Role>)[.. viewer.Roles.Where(r => r.Team == id).Select(r => r.Role)])).ToList();
        var mail = await db.Users.AsNoTracking().Where(u => u.Id == me.Value).Select(u => u.Email).FirstOrDefaultAsync(ct);
        return Answers.Page<MePage>(new Model(typed ?? person, mail ?? "", teams, typed?.ActsFor ?? viewer.Team, Zones, errors, saved), errors.Any ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    private static async Task<IResult> HandleAsync([FromForm] string? name, [FromForm] string? nameLatin, [FromForm] string? language, [FromForm] string? zone, [FromForm] string? theme, [FromForm] string? keys, [FromForm] string? team,
        Viewer viewer, NodeDb db, Texts t, CancellationToken ct)
    {
        var me = viewer.Person!.Value;
        if (await db.People.FirstOrDefaultAsync(p => p.Id == me, ct) is not { } person)
        {
            return Answers.NotFound();
        }

        var typed = new Person
        {
            Id = me,
            Name = name?.Trim() ?? "",
            NameLatin = nameLatin?.Trim() is { Length: > 0 } latin ? latin : null,
            Language = language is "en" ? "en" : "ja",
            Zone = zone?.Trim() ?? "",
            Theme = theme is "dark" ? "dark" : "light",
            Keys = keys is "true",
            ActsFor = TeamId.TryParse(team, null, out var chosen) ? chosen : person.ActsFor,
        };
        var errors = new FormErrors();
        if (TextCheck.Of(t, typed.Name, 120) is { } badName)
        {
            errors.Add("name", t["accounts.me.name"], badName);
        }

        if (TextCheck.Of(t, typed.NameLatin, 120, required: false) is { } badLatin)
        {
            errors.Add("nameLatin", t["accounts.me.name_latin"], badLatin);
        }

        if (typed.Zone.Length > 60 || !Zones.Contains(typed.Zone, StringComparer.Ordinal))
        {
            errors.Add("zone", t["accounts.me.zone"], t["accounts.me.zone_unknown"]);
        }

        if (typed.ActsFor is { } acts && viewer.Roles.All(r => r.Team != acts))
        {
            errors.Add("team", t["accounts.me.team"], t["accounts.me.team_not_yours"]);
        }

        if (errors.Any)
        {
            return await PageAsync(viewer, db, t, typed, errors, false, ct);
        }

        (person.Name, person.NameLatin, person.Language, person.Zone, person.Theme, person.Keys, person.ActsFor) = (typed.Name, typed.NameLatin, typed.Language, typed.Zone, typed.Theme, typed.Keys, typed.ActsFor);
        await db.SaveChangesAsync(ct);
        return Answers.Seen("/me?saved=true");
    }
}
