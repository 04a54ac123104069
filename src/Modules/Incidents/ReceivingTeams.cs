using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>A team that takes reports, as the public form names it.</summary>
public sealed record ReceivingTeam(TeamId Id, string Slug, string Name, string? NameLatin, string? Phone, string? Hours, string? Mail)
{
    public string NameIn(string language) => language == "ja" ? Name : NameLatin ?? Name;

    public string? HoursIn(string language) => WorkingHours.Say(Hours, language);
}

/// <summary>
/// The node's teams that take reports. That they do is public, whatever the directory entry's marking says: the form names them. Kept for a few
/// seconds, since every report asks.
/// </summary>
public sealed class ReceivingTeams(NodeDbFactory databases, TimeProvider clock)
{
    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(5);
    private volatile Known _known = new([], long.MinValue);

    public async Task<IReadOnlyList<ReceivingTeam>> AllAsync(CancellationToken ct)
    {
        var known = _known;
        var now = clock.GetTimestamp();
        if (known.At != long.MinValue && clock.GetElapsedTime(known.At, now) < Keep)
        {
            return known.Teams;
        }

        await using var db = databases.ForSystem("intake");
        var teams = await db.Teams.AsNoTracking().Where(t => t.Hosted && t.TakesReports).OrderBy(t => t.Slug)
            .Select(t => new ReceivingTeam(t.Id, t.Slug, t.Name, t.NameLatin, t.Phone, t.Hours, t.Mail)).ToListAsync(ct);
        _known = new(teams, now);
        return teams;
    }

    /// <summary>The team of that slug; without one, the only team there is.</summary>
    public async Task<ReceivingTeam?> FindAsync(string? slug, CancellationToken ct)
    {
        var teams = await AllAsync(ct);
        return string.IsNullOrEmpty(slug) ? (teams.Count == 1 ? teams[0] : null) : teams.FirstOrDefault(t => string.Equals(t.Slug, slug, StringComparison.OrdinalIgnoreCase));
    }

    private sealed record Known(IReadOnlyList<ReceivingTeam> Teams, long At);
}
