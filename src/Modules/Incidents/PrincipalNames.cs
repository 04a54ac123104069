using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>Principals in words, as far as the viewer may know the names; a name they may not know is said by its kind.</summary>
public sealed class PrincipalNames
{
    private readonly Dictionary<string, string> _names;
    private readonly Texts _texts;

    private PrincipalNames(Dictionary<string, string> names, Texts texts) => (_names, _texts) = (names, texts);

    public static async Task<PrincipalNames> LoadAsync(NodeDb db, Texts t, IEnumerable<Principal> principals, CancellationToken ct)
    {
        var all = principals.Distinct().ToList();
        var teamIds = all.Where(p => p.IsTeam || p.IsRole).Select(p => new TeamId(p.Id)).Distinct().ToArray();
        var personIds = all.Where(p => p.IsPerson).Select(p => new PersonId(p.Id)).Distinct().ToArray();
        var communityIds = all.Where(p => p.IsCommunity).Select(p => new CommunityId(p.Id)).Distinct().ToArray();
        var teams = await db.Teams.AsNoTracking().Where(x => teamIds.Contains(x.Id)).ToDictionaryAsync(x => x.Id.Value, x => x.NameIn(t.Lang), ct);
        var people = await db.People.AsNoTracking().Where(x => personIds.Contains(x.Id)).ToDictionaryAsync(x => x.Id.Value, x => x.NameIn(t.Lang), ct);
        var communities = await db.Communities.AsNoTracking().Where(x => communityIds.Contains(x.Id)).ToListAsync(ct);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var principal in all)
        {
            names[principal.Code] = principal switch
            {
                { IsTeam: true } => teams.GetValueOrDefault(principal.Id, t["incident.who.other_team"]),
                { IsRole: true } => t.Of("incident.who.role_of", teams.GetValueOrDefault(principal.Id, t["incident.who.other_team"]), t["role." + principal.Code[35..]]),
                { IsPerson: true } => people.GetValueOrDefault(principal.Id, t["incident.who.other_person"]),
                { IsCommunity: true } => communities.FirstOrDefault(c => c.Id.Value == principal.Id) is { } c ? (t.Lang == "ja" ? c.Name : c.NameLatin ?? c.Name) : t["incident.who.community"],
                { IsGroup: true } => t["incident.who.group"],
                _ => t["incident.who.anyone"],
            };
        }

        return new(names, t);
    }

    public string this[Principal principal] => _names.GetValueOrDefault(principal.Code, _texts["incident.who.other_team"]);

    public string List(IEnumerable<Principal> principals) => string.Join(_texts["incident.list_comma"], principals.Select(p => this[p]));

    /// <summary>A reason of the rule as a sentence to the one it is about.</summary>
    public string Say(Reason reason) => Say("incident.why.", reason);

    /// <summary>The same about somebody else.</summary>
    public string SayOfOthers(Reason reason) => Say("incident.whysees.", reason);

    private string Say(string prefix, Reason reason) =>
        _texts.Of(prefix + reason.Key[(reason.Key.IndexOf('.', StringComparison.Ordinal) + 1)..].Replace('-', '_'),
            reason.Args.Select(a => Principal.TryParse(a, out var p) ? (object)this[p] : a).ToArray());
}
