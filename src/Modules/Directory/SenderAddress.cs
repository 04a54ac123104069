using Microsoft.EntityFrameworkCore;
using Renkei.Store;

namespace Renkei.Directories;

/// <summary>
/// Messages leave from a team's mail address where that is in the node's mail domain, else from its short name there. So an address in that
/// domain is one team's, or the node's own: nobody writes in another's name.
/// </summary>
public static class SenderAddress
{
    /// <summary>Where reports come in, answers come back and bounces land.</summary>
    private static readonly string[] OfTheNode = ["report", "reply", "bounce"];

    /// <summary>The field that claims what is another's, <c>mail</c> or <c>slug</c>; null when both are free. Asks as the node: a team that is not to be known of has its address all the same.</summary>
    public static async Task<string?> ClashAsync(NodeDbFactory databases, string domain, Team team, CancellationToken ct)
    {
        if (!team.Hosted)
        {
            return null;
        }

        await using var system = databases.ForSystem("sender");
        var id = team.Id;
        var others = await system.Teams.AsNoTracking().Where(t => t.Hosted && t.Id != id).Select(t => new { t.Slug, t.Mail }).ToListAsync(ct);
        var taken = others.Select(t => t.Slug).Concat(others.Select(t => Local(t.Mail, domain)).OfType<string>()).Concat(OfTheNode).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return Local(team.Mail, domain) is { } local && taken.Contains(local) ? "mail" : taken.Contains(team.Slug) ? "slug" : null;
    }

    /// <summary>What stands before the @ of an address in this domain, without a subaddress (RFC 5233), which reaches the same mailbox.</summary>
    private static string? Local(string? mail, string domain) =>
        mail?.EndsWith("@" + domain, StringComparison.OrdinalIgnoreCase) == true ? mail[..mail.IndexOf('@', StringComparison.Ordinal)].Split('+')[0] : null;
}
