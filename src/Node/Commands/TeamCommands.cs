using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Node.Accounts;
using Renkei.Store;

namespace Renkei.Node.Commands;

/// <summary>renkei team list|add. Exit codes: 0 done, 1 found a problem, 2 bad usage.</summary>
public static class TeamCommands
{
    /// <summary>One line a hosted team: slug, name, country, number of people; tabs between.</summary>
    public static async Task<int> ListAsync(IServiceProvider services, TextWriter output, CancellationToken ct)
    {
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("cli");
        var people = await db.Memberships.AsNoTracking().GroupBy(m => m.Team).Select(g => new { g.Key, Count = g.Select(m => m.Person).Distinct().Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        foreach (var team in await db.Teams.AsNoTracking().Where(t => t.Hosted).OrderBy(t => t.Slug).ToListAsync(ct))
        {
            await output.WriteLineAsync($"{team.Slug}\t{team.Name}\t{team.Country}\t{people.GetValueOrDefault(team.Id)}");
        }

        return 0;
    }

    public static async Task<int> AddAsync(IServiceProvider services, TextWriter output, TextWriter error, string slug, string name, string? nameLatin, string? country, CancellationToken ct)
    {
        var slugOk = slug.Length is > 0 and <= 40 && slug.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-') && char.IsAsciiLetterLower(slug[0]) && slug[^1] != '-';
        if (!slugOk || !UserCommands.IsPlain(name, 120) || (nameLatin is not null && !UserCommands.IsPlain(nameLatin, 120)) || (country is not null && !(country.Length == 2 && country.All(char.IsAsciiLetter))))
        {
            await error.WriteLineAsync("The slug is lower-case letters, digits and hyphens, at most 40; names have at most 120 characters; the country is two letters such as JP.");
            return 2;
        }

        var clock = services.GetRequiredService<TimeProvider>();
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("cli");
        if (await db.Teams.AnyAsync(t => t.Slug == slug, ct))
        {
            await error.WriteLineAsync($"The slug {slug} is taken.");
            return 1;
        }

        var team = await TeamSetup.AddAsync(db, clock, new(name, nameLatin, slug, country?.ToUpperInvariant()), ct);
        await db.SaveChangesAsync(ct);
        await output.WriteLineAsync($"{team.Slug}\t{team.Id}");
        return 0;
    }
}
