using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Browser;

/// <summary>Two people change one incident in two windows.</summary>
public sealed class ConflictTests(Browsers browsers)
{
    [Fact]
    public async Task The_second_to_save_sees_both_texts_takes_the_own_one_and_it_is_saved()
    {
        await using var node = await TestNode.StartAsync();
        var path = await NewIncidentAsync(node);
        await using var first = await browsers.NewContextAsync(node.Url);
        await using var second = await browsers.NewContextAsync(node.Url);
        var sato = await EditingAsync(first, "sato@aozora.example", path);
        var tanaka = await EditingAsync(second, "tanaka@aozora.example", path);

        await sato.Page.FillAsync("#title", "佐藤の題名");
        await sato.Page.ClickAsync("main form .btn-primary");
        await sato.Page.WaitForURLAsync("**" + path + "?said=edited");
        await tanaka.Page.FillAsync("#title", "田中の題名");
        tanaka.Expected = 409;
        await tanaka.Page.ClickAsync("main form .btn-primary");
        await tanaka.Page.WaitForSelectorAsync("input[name='take.title']");
        await tanaka.LookAsync("conflict");
        var table = await tanaka.Page.Locator("main table").InnerTextAsync();
        Assert.Contains("佐藤の題名", table, StringComparison.Ordinal);
        Assert.Contains("田中の題名", table, StringComparison.Ordinal);
        // theirs is chosen until a person chooses otherwise
        Assert.True(await tanaka.Page.IsCheckedAsync("input[name='take.title'][value=theirs]"));
        Assert.Equal("佐藤の題名", await TitleAsync(node));

        await tanaka.Page.CheckAsync("input[name='take.title'][value=mine]");
        tanaka.Expected = 200;
        await tanaka.Page.ClickAsync("main form .btn-primary");
        await tanaka.Page.WaitForURLAsync("**" + path + "?said=edited");
        await Assertions.Expect(tanaka.Page.Locator("h1")).ToHaveTextAsync("田中の題名");
        Assert.Equal("田中の題名", await TitleAsync(node));
        sato.AssertNothingFound();
        tanaka.AssertNothingFound();
    }

    private static async Task<Watched> EditingAsync(IBrowserContext context, string email, string path)
    {
        var watched = await Watched.OpenAsync(context);
        await watched.SignInAsync(email);
        await watched.Page.GotoAsync(path + "/edit");
        await watched.LookAsync("edit");
        return watched;
    }

    private static async Task<string> TitleAsync(TestNode node)
    {
        await using var db = node.Databases.ForSystem();
        return (await db.Incidents.SingleAsync()).Title;
    }

    private static async Task<string> NewIncidentAsync(TestNode node)
    {
        await using var db = node.Databases.ForSystem();
        var incident = TestRecords.Incident(node, Marking.Own((await node.TeamAsync("aozora")).Id), title: "題名");
        db.Incidents.Add(incident);
        await db.SaveChangesAsync();
        return "/incidents/" + incident.Id;
    }
}
