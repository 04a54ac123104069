using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>GET and POST /setup/{secret}: the first team and the first person of a node that has nobody yet. The link works once, for a day; only its hash is stored.</summary>
public static class SetupLink
{
    private const string Fact = "setup-link";

    public sealed record Form(string TeamName, string TeamNameLatin, string Slug, string Country, string Name, string Email);

    public sealed record Model(string Secret, Form Form, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/setup/{secret}", async Task<IResult> (string secret, AccountDb accounts, TimeProvider clock, CancellationToken ct) =>
            await OpenAsync(accounts.Context, secret, clock, ct) is null ? LinkGonePage.Answer("accounts.setup")
                : Answers.Page<SetupPage>(new Model(secret, new("", "", "", "JP", "", ""), FormErrors.None))).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/setup/{secret}", HandleAsync).OpenToAll().ExcludeFromDescription();
    }

    /// <summary>A link for a node without accounts, as it should be printed; null when there are accounts. A new one replaces the old one.</summary>
    public static async Task<string?> EnsureAsync(IServiceProvider services, CancellationToken ct = default)
    {
        var clock = services.GetRequiredService<TimeProvider>();
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem();
        if (await db.Users.AnyAsync(ct))
        {
            return null;
        }

        var secret = NewSecret();
        var value = ViewerResolver.HashOf(secret) + " " + clock.GetUtcNow().AddDays(1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        if (await db.NodeFacts.FirstOrDefaultAsync(f => f.Name == Fact, ct) is { } fact)
        {
            fact.Value = value;
        }
        else
        {
            db.NodeFacts.Add(new NodeFact { Name = Fact, Value = value });
        }

        await db.SaveChangesAsync(ct);
        return $"{services.GetRequiredService<NodeSettings>().PublicUrl}/setup/{secret}";
    }

    /// <summary>256 random bits for a link.</summary>
    public static string NewSecret() => System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private static async Task<NodeFact?> OpenAsync(NodeDb db, string secret, TimeProvider clock, CancellationToken ct)
    {
        var fact = await db.NodeFacts.AsNoTracking().FirstOrDefaultAsync(f => f.Name == Fact, ct);
        return fact?.Value.Split(' ') is [var hash, var until] && secret.Length < 200
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes(ViewerResolver.HashOf(secret)))
            && long.Parse(until, CultureInfo.InvariantCulture) > clock.GetUtcNow().ToUnixTimeSeconds() && !await db.Users.AnyAsync(ct) ? fact : null;
    }

    private static async Task<IResult> HandleAsync(string secret, [FromForm] string? teamName, [FromForm] string? teamNameLatin, [FromForm] string? slug, [FromForm] string? country, [FromForm] string? name,
        [FromForm] string? email, [FromForm] string? password, AccountDb accounts, UserManager<Account> users, SignInManager<Account> signIn, TimeProvider clock, NodeSettings settings, Texts t, CancellationToken ct)
    {
        var db = accounts.Context;
        if (await OpenAsync(db, secret, clock, ct) is not { } fact)
        {
            return LinkGonePage.Answer("accounts.setup");
        }

        var form = new Form(teamName?.Trim() ?? "", teamNameLatin?.Trim() ?? "", slug?.Trim() ?? "", country?.Trim().ToUpperInvariant() ?? "", name?.Trim() ?? "", email?.Trim() ?? "");
        var errors = new FormErrors();
        Check("teamName", TextCheck.Of(t, form.TeamName, 120));
        Check("teamNameLatin", TextCheck.Of(t, form.TeamNameLatin, 120, required: false));
        Check("slug", TextCheck.Slug(t, form.Slug));
        Check("country", TextCheck.Country(t, form.Country));
        Check("name", TextCheck.Of(t, form.Name, 120));
        Check("email", TextCheck.Mail(t, form.Email));
        Check("password", TextCheck.Password(t, password, form.Email));
        if (errors.Any)
        {
            return Answers.Page<SetupPage>(new Model(secret, form, errors), StatusCodes.Status400BadRequest);
        }

        // the link is taken inside the transaction: of two who use it at once, one finds it gone
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        if (await db.NodeFacts.Where(f => f.Name == Fact && f.Value == fact.Value).ExecuteDeleteAsync(ct) == 0)
        {
            return LinkGonePage.Answer("accounts.setup");
        }

        var team = await TeamSetup.AddAsync(db, clock, new(form.TeamName, form.TeamNameLatin is { Length: > 0 } latin ? latin : null, form.Slug, form.Country), ct);
        var person = PersonId.New(clock);
        TeamSetup.AddPerson(db, clock, person, form.Name, null, t.Lang, settings["zone"], team.Id, [Role.Lead, Role.Operator]);
        db.Note(new AuditNote("node.set-up", team.Id, AccountAudit.Of(person.Value)));
        var account = TeamSetup.AccountFor(person, form.Email, clock);
        var created = await users.CreateAsync(account, password!);
        if (!created.Succeeded)
        {
            return Answers.Page<SetupPage>(new Model(secret, form, errors.Add("email", t["accounts.setup.email"], created.Errors.First().Description)), StatusCodes.Status400BadRequest);
        }

        await transaction.CommitAsync(ct);
        await signIn.SignInWithClaimsAsync(account, isPersistent: true, [new Claim("amr", "pwd")]);
        return Answers.Seen("/me/security");

        void Check(string field, string? fault)
        {
            if (fault is not null)
            {
                errors.Add(field, t["accounts.setup." + field], fault);
            }
        }
    }
}
