using System.Collections.Frozen;

namespace Renkei.Kernel;

public enum ViewerKind
{
    Public,
    Person,
    Peer,
    System,
}

/// <summary>
/// Who is asking, as a set of principals; built once per request, job or federation call. There is no default viewer: without one
/// there is no database context.
/// </summary>
public sealed class Viewer
{
    private Viewer(ViewerKind kind, PersonId? person, TeamId? team, IReadOnlyList<TeamRole> roles, IEnumerable<Principal> principals, IEnumerable<Principal> standing)
    {
        Kind = kind;
        Person = person;
        Team = team;
        Roles = roles;
        Principals = principals.Select(p => p.Code).ToFrozenSet(StringComparer.Ordinal);
        Standing = standing.Select(p => p.Code).Concat(Principals).ToFrozenSet(StringComparer.Ordinal);
    }

    public ViewerKind Kind { get; }

    public bool IsSystem => Kind == ViewerKind.System;

    public PersonId? Person { get; }

    /// <summary>The team the person works for at this moment; a person of several teams chooses.</summary>
    public TeamId? Team { get; }

    public IReadOnlyList<TeamRole> Roles { get; }

    /// <summary>What a grant may name to let this viewer know of a record.</summary>
    public FrozenSet<string> Principals { get; }

    /// <summary>What an exclusion may name to keep this viewer out: every principal above and each team the person has any role in.</summary>
    public FrozenSet<string> Standing { get; }

    /// <summary>Someone without an account: may know of what is CLEAR.</summary>
    public static Viewer Public { get; } = new(ViewerKind.Public, null, null, [], [Principal.Anyone], []);

    /// <summary>The node itself, for work that is nobody's: jobs, intake, migration. Never built from a request's content.</summary>
    public static Viewer System { get; } = new(ViewerKind.System, null, null, [], [], []);

    public static Viewer ForPerson(PersonId person, TeamId? team, IReadOnlyList<TeamRole> roles, IEnumerable<GroupId> groups, IEnumerable<CommunityId> communities)
    {
        var mine = new List<Principal> { Principal.Anyone, Principal.Of(person) };
        mine.AddRange(roles.Select(r => Principal.Of(r.Team, r.Role)));
        var staff = roles.Where(r => r.Role.IsOfTheTeam()).Select(r => r.Team).Distinct().ToList();
        mine.AddRange(staff.Select(Principal.Of));
        mine.AddRange(groups.Select(Principal.Of));
        if (staff.Count > 0)
        {
            mine.AddRange(communities.Select(Principal.Of));
        }

        return new(ViewerKind.Person, person, team, roles, mine, roles.Select(r => Principal.Of(r.Team)));
    }

    /// <summary>
    /// A token that a team gave to a machine: it reads what is shared with that one team. It is no person and holds no role as a reader, so
    /// nothing RED reaches it; <paramref name="roles"/> say what it may do.
    /// </summary>
    public static Viewer ForTeam(TeamId team, IReadOnlyList<TeamRole> roles, IEnumerable<CommunityId> communities) =>
        new(ViewerKind.Person, null, team, roles, [Principal.Anyone, Principal.Of(team), .. communities.Select(Principal.Of)], [Principal.Of(team)]);

    /// <summary>Another node that acts for some teams.</summary>
    public static Viewer ForPeer(IEnumerable<TeamId> teams, IEnumerable<CommunityId> communities) =>
        new(ViewerKind.Peer, null, null, [], [Principal.Anyone, .. teams.Select(Principal.Of), .. communities.Select(Principal.Of)], []);

    public bool Has(TeamId team, Right right) => IsSystem || Roles.Any(r => r.Team == team && Rights.Of(r.Role).Contains(right));

    /// <summary>The right in the team the viewer works for now.</summary>
    public bool Has(Right right) => IsSystem || (Team is { } team && Has(team, right));

    /// <summary>The right in any team: for what belongs to the node and not to a team.</summary>
    public bool HasAnywhere(Right right) => IsSystem || Roles.Any(r => Rights.Of(r.Role).Contains(right));

    public bool IsStaffOf(TeamId team) => IsSystem || Principals.Contains(Principal.Of(team).Code);

    public IEnumerable<TeamId> TeamsWith(Right right) => Roles.Where(r => Rights.Of(r.Role).Contains(right)).Select(r => r.Team).Distinct();
}
