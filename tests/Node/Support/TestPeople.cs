using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Accounts;
using Renkei.Node.Demo;
using Renkei.Node.Security;
using Renkei.Store;

namespace Renkei.Node.Tests;

/// <summary>People beside those of <see cref="DemoTeams.People"/>, with the same password.</summary>
internal static class TestPeople
{
    public static async Task<PersonId> AddAsync(TestNode node, string mail, params (string Team, Role Role)[] roles)
    {
        await using var scope = node.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CurrentViewer>().Viewer = Viewer.System;
        var db = scope.ServiceProvider.GetRequiredService<NodeDb>();
        var id = PersonId.New(node.Clock);
        var first = (await node.TeamAsync(roles[0].Team)).Id;
        TeamSetup.AddPerson(db, node.Clock, id, mail.Split('@')[0], null, "en", "Asia/Tokyo", first, roles.Where(r => r.Team == roles[0].Team).Select(r => r.Role));
        foreach (var (team, role) in roles.Where(r => r.Team != roles[0].Team))
        {
            db.Memberships.Add(new Membership { Person = id, Team = (await node.TeamAsync(team)).Id, Role = role, Since = node.Clock.GetUtcNow() });
        }

        var made = await scope.ServiceProvider.GetRequiredService<UserManager<Account>>().CreateAsync(TeamSetup.AccountFor(id, mail, node.Clock), DemoTeams.Password);
        Assert.True(made.Succeeded, string.Join("; ", made.Errors.Select(e => e.Description)));
        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
        return id;
    }

    public static async Task<PersonId> IdOfAsync(TestNode node, string mail)
    {
        await using var db = node.Databases.ForSystem();
        return new(db.Users.Single(u => u.Email == mail).Id);
    }
}
