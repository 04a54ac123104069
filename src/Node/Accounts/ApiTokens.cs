using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>/settings/tokens: secrets for the team's machines, with scopes and an end. Shown once, on the page that answers the form, never in an address.</summary>
public static class ApiTokens
{
    public const int MostDays = 365;

    public sealed record Row(ApiToken Token, string? OwnerName);

    public sealed record Form(string Name, IReadOnlyList<string> Scopes, string Until);

    public sealed record Model(IReadOnlyList<Row> Rows, Form Form, FormErrors Errors, string? Secret, string? SecretName, DateTimeOffset Now, bool Revoked);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/settings/tokens", Task<IResult> (bool? revoked, Desk desk, PageContext page) => PageAsync(desk, new("", [], page.Date(page.Now.AddDays(90))), FormErrors.None, revoked: revoked == true)).Needs(Right.ManageTokens).ExcludeFromDescription();
        routes.MapPost("/settings/tokens", CreateAsync).Needs(Right.ManageTokens).ExcludeFromDescription();
        routes.MapPost("/settings/tokens/{id}/revoke", RevokeAsync).Needs(Right.ManageTokens).ExcludeFromDescription();
    }

    /// <summary>Makes a token; the secret is in the answer and nowhere else.</summary>
    public static (ApiToken Token, string Secret) Make(TeamId team, string name, IEnumerable<string> scopes, DateTimeOffset until, PersonId? owner, TimeProvider clock)
    {
        var secret = "rk_" + SetupLink.NewSecret();
        return (new ApiToken
        {
            Id = Guid.CreateVersion7(clock.GetUtcNow()),
            Team = team,
            Name = name,
            Hash = ViewerResolver.HashOf(secret),
            Hint = secret[..8],
            Scopes = string.Join(' ', scopes),
            Owner = owner,
            CreatedAt = clock.GetUtcNow(),
            ExpiresAt = until,
        }, secret);
    }

    private static async Task<IResult> PageAsync(Desk desk, Form form, FormErrors errors, string? secret = null, string? secretName = null, bool revoked = false)
    {
        var team = desk.Viewer.Team!.Value;
        var tokens = await desk.Db.Tokens.AsNoTracking().Where(t => t.Team == team).OrderBy(t => t.RevokedAt != null).ThenByDescending(t => t.CreatedAt).Take(500).ToListAsync(desk.Ct);
        var owners = tokens.Select(t => t.Owner).OfType<PersonId>().Distinct().ToArray();
        var names = await desk.Db.People.AsNoTracking().Where(p => owners.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(desk.T.Lang), desk.Ct);
        return Answers.Page<TokensPage>(new Model([.. tokens.Select(t => new Row(t, t.Owner is { } o ? names.GetValueOrDefault(o) : null))], form, errors, secret, secretName, desk.Clock.GetUtcNow(), revoked),
            errors.Any ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    private static async Task<IResult> CreateAsync([FromForm] string? name, IFormCollection posted, [FromForm] string? until, Desk desk, PageContext page)
    {
        var t = desk.T;
        var scopes = posted["scopes"];
        var form = new Form(name?.Trim() ?? "", [.. Scopes.All.Intersect(scopes.OfType<string>(), StringComparer.Ordinal)], until?.Trim() ?? "");
        var errors = new FormErrors();
        if (TextCheck.Of(t, form.Name, 80) is { } badName)
        {
            errors.Add("name", t["tokens.name"], badName);
        }

        if (form.Scopes.Count == 0 || scopes.Count > form.Scopes.Count)
        {
            errors.Add("scope-0", t["tokens.scopes"], t["tokens.scopes_none"]);
        }

        var ends = DateTime.TryParseExact(form.Until, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? EndOf(day, page.Zone) : default;
        if (ends <= page.Now || ends > page.Now.AddDays(MostDays + 1))
        {
            errors.Add("until", t["tokens.until"], t.Of("tokens.until_bad", page.Date(page.Now.AddDays(MostDays))));
        }

        if (errors.Any)
        {
            return await PageAsync(desk, form, errors);
        }

        var (token, secret) = Make(desk.Viewer.Team!.Value, form.Name, form.Scopes, ends, desk.Viewer.Person, desk.Clock);
        desk.Db.Tokens.Add(token);
        desk.Db.Note(new AuditNote("token.created", token.Team, new RecordRef("token", token.Id), new Dictionary<string, object?>(StringComparer.Ordinal) { ["scopes"] = token.Scopes }));
        await desk.Db.SaveChangesAsync(desk.Ct);
        return await PageAsync(desk, new("", [], page.Date(page.Now.AddDays(90))), FormErrors.None, secret, token.Name);
    }

    /// <summary>The last moment of that day where the reader is.</summary>
    private static DateTimeOffset EndOf(DateTime day, TimeZoneInfo zone)
    {
        if (day.Year is < 2000 or > 2200)
        {
            return default;
        }

        var end = day.AddDays(1).AddSeconds(-1);
        return new DateTimeOffset(end, zone.GetUtcOffset(end)).ToUniversalTime();
    }

    private static async Task<IResult> RevokeAsync(Guid id, [FromForm] string? confirm, Desk desk)
    {
        var team = desk.Viewer.Team!.Value;
        if (await desk.Db.Tokens.FirstOrDefaultAsync(t => t.Id == id && t.Team == team, desk.Ct) is not { } token)
        {
            return Answers.NotFound();
        }

        if (token.RevokedAt is null)
        {
            token.RevokedAt = desk.Clock.GetUtcNow();
            desk.Db.Note(new AuditNote("token.revoked", team, new RecordRef("token", id)));
            await desk.Db.SaveChangesAsync(desk.Ct);
        }

        return Answers.Seen("/settings/tokens?revoked=true");
    }
}
