using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /incidents/{id}/who: the read rule asked for every team of the node, every role in it, and the people the reader works with.</summary>
public static class WhoSees
{
    public sealed record Model(Incident Incident, string Audience, string Exclusions, IReadOnlyList<TeamAnswer> Teams, IReadOnlyList<Answer> People);

    public sealed record TeamAnswer(string Team, bool Own, IReadOnlyList<Answer> Roles);

    /// <param name="Withheld">Field classes that this one does not see although they see the incident.</param>
    public sealed record Answer(string Who, bool Sees, string Why, IReadOnlyList<FieldClass> Withheld);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/incidents/{id:guid}/who", GetAsync).Needs(Right.ReadDesk).ExcludeFromDescription();

    /// <summary>Why someone may not know of it, as a text key's last part. For those who may: the reader of this page sees the marking anyway.</summary>
    public static string WhyNot(Viewer viewer, Marking marking, IReadOnlyCollection<TeamRole> roles, DateTimeOffset now)
    {
        if (marking.Exclusions.Any(p => viewer.Standing.Contains(p.Code)))
        {
            return "excluded";
        }

        if (marking.Grants().Any(g => viewer.Principals.Contains(g.Principal.Code)))
        {
            return marking.Embargo is { } from && now < from ? "embargo" : "expired";
        }

        if (marking.Tlp == Tlp.Red)
        {
            return "red";
        }

        return roles.All(r => !r.Role.IsOfTheTeam()) && roles.Any(r => r.Team == marking.Origin || marking.Audience.Contains(Principal.Of(r.Team))) ? "role" : "not_in_audience";
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var incident = await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct);
        if (incident is null)
        {
            return Answers.NotFound();
        }

        var (marking, now) = (incident.Marking, clock.GetUtcNow());
        var teams = await db.Teams.AsNoTracking().Where(x => x.Hosted).OrderBy(x => x.Name).Take(100).ToListAsync(ct);
        var members = await db.CommunityMembers.AsNoTracking().ToListAsync(ct);
        var memberships = await db.Memberships.AsNoTracking().ToListAsync(ct);
        var people = await db.People.AsNoTracking().OrderBy(p => p.Name).Take(500).ToListAsync(ct);
        var groups = (await db.GroupMembers.AsNoTracking().ToListAsync(ct)).ToLookup(g => g.Person, g => g.Group);
        var names = await PrincipalNames.LoadAsync(db, t, marking.Audience.Concat(marking.Exclusions).Concat(teams.SelectMany(x => Enum.GetValues<Role>().Select(r => Principal.Of(x.Id, r)).Append(Principal.Of(x.Id))))
            .Concat(members.Select(m => Principal.Of(m.Community))).Concat(people.Select(p => Principal.Of(p.Id))).Append(Principal.Of(marking.Origin)), ct);

        var byTeam = teams.OrderByDescending(team => team.Id == marking.Origin).Select(team => new TeamAnswer(team.NameIn(t.Lang), team.Id == marking.Origin, [.. Enum.GetValues<Role>().Select(role =>
            Ask(t["role." + role.Code()], new PersonId(Guid.Empty), [new(team.Id, role)], []))])).ToList();
        var persons = people.Select(p => (Person: p, Roles: memberships.Where(m => m.Person == p.Id).Select(m => new TeamRole(m.Team, m.Role)).ToList())).Where(p => p.Roles.Count > 0)
            .Select(p => Ask(p.Person.NameIn(t.Lang), p.Person.Id, p.Roles, groups[p.Person.Id])).ToList();
        return Answers.Page<WhoSeesPage>(new Model(incident, ShowIncident.AudienceInWords(marking, names, t), names.List(marking.Exclusions), byTeam, persons));

        Answer Ask(string who, PersonId person, IReadOnlyList<TeamRole> roles, IEnumerable<GroupId> inGroups)
        {
            var staff = roles.Where(r => r.Role.IsOfTheTeam()).Select(r => r.Team).ToHashSet();
            var viewer = Viewer.ForPerson(person, roles[0].Team, roles, inGroups, members.Where(m => staff.Contains(m.Team)).Select(m => m.Community).Distinct());
            var verdict = Rule.Decide(new Question(SharingAct.Read, Exit.Page, marking, Viewer: viewer), new World(now));
            return verdict.Allowed
                ? new(who, true, string.Join(t["incident.list_comma"], verdict.Why.Select(names.SayOfOthers).Distinct(StringComparer.Ordinal)), ShowIncident.Withheld(verdict))
                : new(who, false, t["incident.whynot." + WhyNot(viewer, marking, roles, now)], []);
        }
    }
}
