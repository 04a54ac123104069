using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>
/// How a team begins to work on this node: at set-up, from the command line, in the sample data. Its entry is GREEN for "teams of this
/// node", the community that every hosted team is in. Adds to the context; the caller saves.
/// </summary>
public static class TeamSetup
{
    private const string CommunityFact = "node-community";

    public sealed record NewTeam(string Name, string? NameLatin, string Slug, string? Country, TeamKind What = TeamKind.Csirt, string? Mail = null, string? Phone = null, string? Hours = null);

    /// <summary>The community of all hosted teams, made when there is none.</summary>
    public static async Task<CommunityId> CommunityAsync(NodeDb system, TimeProvider clock, CancellationToken ct)
    {
        if (await system.NodeFacts.FindAsync([CommunityFact], ct) is { } fact)
        {
            return new(Guid.Parse(fact.Value));
        }

        var community = new Community { Id = CommunityId.New(clock), Name = "このノードのチーム", NameLatin = "Teams of this node" };
        system.Communities.Add(community);
        system.NodeFacts.Add(new NodeFact { Name = CommunityFact, Value = community.Id.ToString() });
        return community.Id;
    }

    public static async Task<Team> AddAsync(NodeDb system, TimeProvider clock, NewTeam wanted, CancellationToken ct)
    {
        var community = await CommunityAsync(system, clock, ct);
        var id = TeamId.New(clock);
        var team = new Team
        {
            Id = id,
            Marking = new Marking { Tlp = Tlp.Green, Pap = Pap.Green, Origin = id, Audience = new([Principal.Of(community)]) },
            Name = wanted.Name,
            NameLatin = wanted.NameLatin,
            Slug = wanted.Slug,
            What = wanted.What,
            Country = wanted.Country,
            Hosted = true,
            TakesReports = true,
            Mail = wanted.Mail,
            Phone = wanted.Phone,
            Hours = wanted.Hours,
        };
        system.Teams.Add(team);
        system.CommunityMembers.Add(new CommunityMember { Community = community, Team = id, Since = clock.GetUtcNow() });
        return team;
    }

    /// <summary>A person with roles in one team; the account with the same id is made beside it.</summary>
    public static Person AddPerson(NodeDb system, TimeProvider clock, PersonId id, string name, string? nameLatin, string language, string zone, TeamId team, IEnumerable<Role> roles)
    {
        var person = new Person { Id = id, Name = name, NameLatin = nameLatin, Language = language, Zone = zone, ActsFor = team };
        system.People.Add(person);
        foreach (var role in roles.Distinct())
        {
            system.Memberships.Add(new Membership { Person = id, Team = team, Role = role, Since = clock.GetUtcNow() });
        }

        return person;
    }

    public static Account AccountFor(PersonId person, string mail, TimeProvider clock) =>
        new() { Id = person.Value, UserName = mail, Email = mail, EmailConfirmed = true, CreatedAt = clock.GetUtcNow() };
}
