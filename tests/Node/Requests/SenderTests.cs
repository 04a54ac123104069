using System.Net;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;

namespace Renkei.Node.Tests.Requests;

/// <summary>Messages come from the team that sends them: an address in the node's mail domain is one team's.</summary>
public class SenderTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("aozora@renkei.example")]
    [InlineData("AOZORA@Renkei.example")]
    [InlineData("desk@renkei.example")]
    [InlineData("report@renkei.example")]
    [InlineData("reply@renkei.example")]
    [InlineData("bounce@renkei.example")]
    [InlineData("bounce+x@renkei.example")]
    public async Task A_team_cannot_take_another_team_s_address_nor_the_node_s_own(string mail)
    {
        await using var node = await TestNode.StartAsync();
        await using (var db = node.Databases.ForSystem())
        {
            (await db.Teams.SingleAsync(t => t.Slug == "aozora", Ct)).Mail = "desk@renkei.example";
            await db.SaveChangesAsync(Ct);
        }

        using var minato = await node.SignedInAsync("minato@minato.example");
        using var answer = await EditAsync(node, minato, mail, "minato");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("href=\"#mail\"", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        Assert.Equal("report@minato.example", (await node.TeamAsync("minato")).Mail);
        using var own = await EditAsync(node, minato, "minato@renkei.example", "minato");
        Assert.Equal(HttpStatusCode.SeeOther, own.StatusCode);
    }

    [Theory]
    [InlineData("desk")]
    [InlineData("bounce")]
    public async Task Nor_by_its_short_name(string slug)
    {
        await using var node = await TestNode.StartAsync();
        await using (var db = node.Databases.ForSystem())
        {
            (await db.Teams.SingleAsync(t => t.Slug == "aozora", Ct)).Mail = "desk@renkei.example";
            await db.SaveChangesAsync(Ct);
        }

        using var minato = await node.SignedInAsync("minato@minato.example");
        using var answer = await EditAsync(node, minato, "csirt@minato.example", slug);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("href=\"#slug\"", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> EditAsync(TestNode node, HttpClient client, string mail, string slug)
    {
        Team team;
        await using (var db = node.Databases.ForSystem())
        {
            team = await db.Teams.AsNoTracking().SingleAsync(t => t.Mail == "report@minato.example", Ct);
        }

        return await TestNode.PostFormAsync(client, $"/directory/{team.Id}/edit", $"/directory/{team.Id}/edit", new()
        {
            ["version"] = team.Version.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["name"] = team.Name,
            ["name_latin"] = team.NameLatin!,
            ["slug"] = slug,
            ["kind"] = "csirt",
            ["country"] = "JP",
            ["mail"] = mail,
            ["share"] = team.Marking.Audience.First().Id.ToString("N"),
            ["takes_reports"] = "true",
        });
    }
}
