using System.Net;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.AccountRules;

/// <summary>One person's way through a team: invited, at work, with other roles, gone.</summary>
public class MembershipWalkTests
{
    private const string Mail = "suzuki@aozora.example";
    private const string Password = "seven quiet rivers";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_person_is_invited_works_is_given_other_roles_and_is_out_at_once_when_deactivated(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var tanaka = await node.SignedInAsync("tanaka@aozora.example");
        using var invited = await DeskNode.PostAsync(tanaka, "/people/invite", ("email", Mail), ("name", "鈴木 次郎"), ("language", "ja"), ("roles", "analyst"));
        Assert.Equal(HttpStatusCode.OK, invited.StatusCode);
        var link = Regex.Match(await invited.Content.ReadAsStringAsync(Ct), "http://localhost:7080(/invitation/[A-Za-z0-9_-]+)", RegexOptions.NonBacktracking).Groups[1].Value;
        Assert.True(link.Length > 40, link);
        using var suzuki = node.Anonymous();
        Assert.Equal(HttpStatusCode.BadRequest, await SignInAsync(suzuki));

        // the link: a weak password does not use it up, a good one does
        using var weak = await TestNode.PostFormAsync(suzuki, link, link, new() { ["password"] = "short" });
        Assert.Equal(HttpStatusCode.BadRequest, weak.StatusCode);
        using var chosen = await TestNode.PostFormAsync(suzuki, link, link, new() { ["password"] = Password });
        Assert.Equal((HttpStatusCode.SeeOther, "/me/security"), (chosen.StatusCode, chosen.Headers.Location!.ToString()));
        using var stranger = node.Anonymous();
        using var again = await stranger.GetAsync(link, Ct);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);

        // an analyst's work, in this browser and in a second one
        using var second = node.Anonymous();
        Assert.Equal(HttpStatusCode.SeeOther, await SignInAsync(second));
        foreach (var browser in new[] { suzuki, second })
        {
            using var triage = await browser.GetAsync("/triage", Ct);
            Assert.Equal(HttpStatusCode.OK, triage.StatusCode);
        }

        // other roles count from the next request on, without signing in again
        var id = await TestPeople.IdOfAsync(node, Mail);
        using var refused = await DeskNode.PostAsync(tanaka, $"/people/{id}/roles", ("roles", "manager"), ("roles", "operator"));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal([Role.Analyst], await RolesAsync(node, id));
        using var changed = await DeskNode.PostAsync(tanaka, $"/people/{id}/roles", ("roles", "manager"));
        Assert.Equal(HttpStatusCode.SeeOther, changed.StatusCode);
        Assert.Equal([Role.Manager], await RolesAsync(node, id));
        using var work = await DeskNode.PostAsync(suzuki, "/triage/reject", ("pick", Guid.Empty.ToString()), ("reason", "x"));
        Assert.Equal(HttpStatusCode.Forbidden, work.StatusCode);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await StatusAsync(suzuki, "/incidents"), await StatusAsync(suzuki, "/audit")));

        // deactivated: every session is over, and the password opens nothing until the account is switched on again
        using var off = await DeskNode.PostAsync(tanaka, $"/people/{id}/deactivate", ("confirm", "yes"));
        Assert.Equal(HttpStatusCode.SeeOther, off.StatusCode);
        foreach (var browser in new[] { suzuki, second })
        {
            using var page = await browser.GetAsync("/incidents", Ct);
            Assert.StartsWith("/sign-in", page.Headers.Location?.ToString(), StringComparison.Ordinal);
        }

        using var back = node.Anonymous();
        Assert.Equal(HttpStatusCode.BadRequest, await SignInAsync(back));
        using var on = await DeskNode.PostAsync(tanaka, $"/people/{id}/activate", ("confirm", "yes"));
        Assert.Equal(HttpStatusCode.SeeOther, on.StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, await SignInAsync(back));
        Assert.Equal(HttpStatusCode.Redirect, await StatusAsync(suzuki, "/incidents"));

        await using var db = node.Databases.ForSystem();
        var told = await db.Audit.AsNoTracking().Where(a => a.Action == "account.invited" || a.Record == id.Value).OrderBy(a => a.Seq).Select(a => a.Action).ToListAsync(Ct);
        string[] expected = ["account.invited", "account.invitation-used", "roles.changed", "account.deactivated", "account.activated"];
        Assert.Equal(expected, told.Where(expected.Contains));
    }

    [Fact]
    public async Task Nobody_switches_off_themselves_the_last_lead_or_whom_another_team_has_too()
    {
        await using var node = await TestNode.StartAsync();
        using var tanaka = await node.SignedInAsync("tanaka@aozora.example");
        var both = await TestPeople.AddAsync(node, "both@aozora.example", ("aozora", Role.Analyst), ("minato", Role.Analyst));
        using var op = await node.SignedInAsync("operator@aozora.example");
        var lead = await TestPeople.IdOfAsync(node, "tanaka@aozora.example");
        foreach (var (who, id) in new[] { (tanaka, lead), (tanaka, both), (op, lead) })
        {
            using var off = await DeskNode.PostAsync(who, $"/people/{id}/deactivate", ("confirm", "yes"));
            Assert.Equal(HttpStatusCode.BadRequest, off.StatusCode);
        }

        await using var db = node.Databases.ForSystem();
        Assert.False(await db.Users.AnyAsync(u => u.LockoutEnd != null, Ct));
        // refused for whose account it is: that is told; that a team keeps a lead is only good order
        Assert.Equal(2, await db.Audit.CountAsync(a => a.Action == "account.change-refused", Ct));
    }

    private static async Task<HttpStatusCode> SignInAsync(HttpClient client)
    {
        using var answer = await TestNode.PostFormAsync(client, "/sign-in", "/sign-in", new() { ["email"] = Mail, ["password"] = Password });
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, Ct);
        return answer.StatusCode;
    }

    private static async Task<List<Role>> RolesAsync(TestNode node, PersonId id)
    {
        await using var db = node.Databases.ForSystem();
        return await db.Memberships.AsNoTracking().Where(m => m.Person == id).Select(m => m.Role).ToListAsync(Ct);
    }
}
