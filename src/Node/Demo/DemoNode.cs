using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Geo;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Demo;

/// <summary>What <c>renkei demo</c> puts on a node: teams, networks, a year of work, tokens. A second start finds it there and leaves it.</summary>
public static class DemoNode
{
    /// <summary>Who may sign in, and the tokens' secrets, which are kept nowhere else. Readable by the owner of the data folder only.</summary>
    public const string FileName = "demo.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public sealed record Login(string Email, string Password, string Role, string Team);

    public sealed record TeamToken(string Team, string Token);

    public sealed record Sheet(string Url, IReadOnlyList<Login> Logins, IReadOnlyList<TeamToken> Tokens);

    /// <summary>Fills a new node; then writes <see cref="FileName"/> and prints the logins.</summary>
    public static async Task EnsureAsync(IServiceProvider services, NodeSettings settings, CancellationToken ct)
    {
        var clock = services.GetRequiredService<TimeProvider>();
        await DemoTeams.EnsureAsync(services, ct);
        await DemoGeo.EnsureAsync(services.GetRequiredService<GeoStore>(), clock, ct);
        await FillAsync(services, clock.GetUtcNow(), ct);
        var path = Path.Combine(settings.Data, FileName);
        var tokens = await TokensAsync(services, path, ct);
        var sheet = new Sheet(settings.PublicUrl, [.. DemoTeams.People.Select(p => new Login(p.Email, DemoTeams.Password, p.Role.Code(), p.Team))], tokens);
        await WriteAsync(path, sheet, ct);
        await PrintAsync(sheet, path);
    }

    private static async Task FillAsync(IServiceProvider services, DateTimeOffset now, CancellationToken ct)
    {
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("demo");
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        if (await db.Reports.AnyAsync(ct))
        {
            return;
        }

        var teams = await db.Teams.Where(t => t.Hosted).ToDictionaryAsync(t => t.Slug, t => t.Id, StringComparer.Ordinal, ct);
        var people = (await db.Users.Select(u => new { u.Email, u.Id }).ToListAsync(ct)).ToDictionary(u => u.Email!.Split('@')[0], u => new PersonId(u.Id), StringComparer.Ordinal);
        var community = await db.Communities.Select(c => c.Id).FirstAsync(ct);
        var drafts = await new DemoDesk(db, services.GetRequiredService<BlobStore>(), services.GetRequiredService<KeyRing>(), services.GetRequiredService<Locator>(), services.GetRequiredService<IncidentsSettings>(),
            new DemoCast(teams["aozora"], teams["minato"], community, people), now).FillAsync(ct);
        // real mail: written, judged and released as an analyst's, and carried out by the outbox when the node has started
        var sato = await ViewerResolver.ForPersonAsync(db, people["sato"], ct);
        await using var desk = services.GetRequiredService<NodeDbFactory>().For(sato);
        var dispatch = new Dispatch(desk, services.GetRequiredService<BlobStore>(), services.GetRequiredService<KeyRing>(), services.GetRequiredService<IncidentsSettings>(), services.GetRequiredService<TimeProvider>());
        await DemoDesk.SendDraftsAsync(desk, dispatch, drafts, ct);
    }

    /// <summary>One token per team with every scope. Where the file with the secrets is lost, new ones take the old ones' place.</summary>
    private static async Task<IReadOnlyList<TeamToken>> TokensAsync(IServiceProvider services, string path, CancellationToken ct)
    {
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("demo");
        var clock = services.GetRequiredService<TimeProvider>();
        var kept = await ReadAsync(path, ct);
        var tokens = new List<TeamToken>();
        foreach (var team in await db.Teams.Where(t => t.Hosted).OrderBy(t => t.Slug).Select(t => new { t.Id, t.Slug }).ToListAsync(ct))
        {
            var secret = kept?.Tokens.FirstOrDefault(t => t.Team == team.Slug)?.Token;
            var hash = secret is null ? null : ViewerResolver.HashOf(secret);
            if (hash is null || !await db.Tokens.AnyAsync(t => t.Hash == hash, ct))
            {
                secret = "rk_" + System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
                db.Tokens.Add(new ApiToken { Id = Guid.CreateVersion7(clock.GetUtcNow()), Team = team.Id, Name = "demo", Hash = ViewerResolver.HashOf(secret), Hint = secret[..8], Scopes = string.Join(' ', Scopes.All), CreatedAt = clock.GetUtcNow(), ExpiresAt = clock.GetUtcNow().AddYears(1) });
            }

            tokens.Add(new(team.Slug, secret!));
        }

        await db.SaveChangesAsync(ct);
        return tokens;
    }

    private static async Task<Sheet?> ReadAsync(string path, CancellationToken ct)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            await using var file = File.OpenRead(path);
            return await JsonSerializer.DeserializeAsync<Sheet>(file, Json, ct) is { Tokens: not null } sheet ? sheet : null;
        }
        catch (JsonException)
        {
            // edited by hand or cut off: new tokens are made
            return null;
        }
    }

    private static async Task WriteAsync(string path, Sheet sheet, CancellationToken ct)
    {
        var temporary = path + ".tmp";
        File.Delete(temporary);
        await using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            await JsonSerializer.SerializeAsync(file, sheet, Json, ct);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static async Task PrintAsync(Sheet sheet, string path)
    {
        await Console.Out.WriteLineAsync($"Sample data; everyone's password is: {DemoTeams.Password}");
        foreach (var login in sheet.Logins)
        {
            await Console.Out.WriteLineAsync($"  {login.Team,-8} {login.Role,-12} {login.Email}");
        }

        await Console.Out.WriteLineAsync($"Tokens for the API: {path}");
    }
}
