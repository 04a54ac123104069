using System.Globalization;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Renkei.Formats.Rsit;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>The team's own labels: found from the rail, filled from JPCERT/CC's categories, replaced under the next version without touching what was labelled before.</summary>
public class LabelTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_rail_leads_there_whoever_may_change_them_and_nobody_else()
    {
        using var lead = await desk.Node.SignedInAsync("tanaka@aozora.example");
        Assert.Contains("href=\"/settings/labels\"", await lead.GetStringAsync("/triage", Ct), StringComparison.Ordinal);
        Assert.DoesNotContain("href=\"/settings/labels\"", await desk.Smith.GetStringAsync("/triage", Ct), StringComparison.Ordinal);
        using var refused = await desk.Smith.GetAsync("/settings/labels", Ct);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("aria-current=\"page\"", await lead.GetStringAsync("/settings/labels", Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_categories_of_JPCERT_load_and_a_later_version_leaves_old_incidents_as_they_were()
    {
        using var lead = await desk.Node.SignedInAsync("tanaka@aozora.example");
        var team = (await desk.Node.TeamAsync("aozora")).Id;
        var version = await VersionAsync(team);
        using var loaded = await DeskNode.PostAsync(lead, "/settings/labels", ("version", Text(version)), ("preset", "jpcert"));
        Assert.Equal(HttpStatusCode.SeeOther, loaded.StatusCode);
        await using var db = desk.Node.Databases.ForSystem();
        var set = await db.CategoryLabels.AsNoTracking().Where(l => l.Team == team && l.Version == version + 1).OrderBy(l => l.Order).ToListAsync(Ct);
        Assert.Equal(JpcertCategories.All.Select(c => (c.Id, c.Japanese, c.English)), set.Select(l => (l.Code, l.NameJa, l.NameEn)));
        var phishing = set.Single(l => l.Code == "phishing-site");
        Assert.Equal("fraud/phishing", phishing.Rsit);
        Assert.Contains(phishing.NameJa, await DeskNode.PageAsync(lead, "/settings/labels"), StringComparison.Ordinal);

        var incident = await desk.IncidentAsync("Labelled under the first set");
        await using (var change = desk.Node.Databases.ForSystem())
        {
            var stored = await change.Incidents.SingleAsync(i => i.Id == incident.Id, Ct);
            (stored.Label, stored.LabelVersion) = (phishing.Code, phishing.Version);
            await change.SaveChangesAsync(Ct);
        }

        // the same code gets another name, and the others go
        using var next = await DeskNode.PostAsync(lead, "/settings/labels", ("version", Text(version + 1)), ("code", "phishing-site"), ("ja", "偽サイト"), ("en", "Renamed label"), ("rsit", "fraud/phishing"));
        Assert.Equal(HttpStatusCode.SeeOther, next.StatusCode);
        Assert.Equal(version + 2, await VersionAsync(team));
        var page = await DeskNode.PageAsync(desk.Smith, $"/incidents/{incident.Id}");
        Assert.Contains(phishing.NameEn, page, StringComparison.Ordinal);
        Assert.DoesNotContain("Renamed label", page, StringComparison.Ordinal);
        var after = await db.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident.Id, Ct);
        Assert.Equal((phishing.Code, version + 1), (after.Label, after.LabelVersion));
        // a new incident is offered the new set, and the labelled one keeps its own beside it
        Assert.Contains("Renamed label", await DeskNode.PageAsync(desk.Smith, "/incidents/new"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_told_by_row_and_a_set_saved_meanwhile_is_not_overwritten()
    {
        using var lead = await desk.Node.SignedInAsync("tanaka@aozora.example");
        var team = (await desk.Node.TeamAsync("aozora")).Id;
        var version = await VersionAsync(team);
        using var wrong = await DeskNode.PostAsync(lead, "/settings/labels", ("version", Text(version)), ("code", "Has Spaces"), ("ja", ""), ("en", "x"), ("rsit", "fraud/nothing"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        var page = await wrong.Content.ReadAsStringAsync(Ct);
        Assert.All(new[] { "code-0", "ja-0", "rsit-0" }, field => Assert.Contains($"href=\"#{field}\"", page, StringComparison.Ordinal));
        using var late = await DeskNode.PostAsync(lead, "/settings/labels", ("version", Text(version + 7)), ("code", "late"), ("ja", "遅れ"), ("en", "Late"), ("rsit", ""));
        Assert.Equal(HttpStatusCode.BadRequest, late.StatusCode);
        Assert.Equal(version, await VersionAsync(team));
    }

    private static string Text(int version) => version.ToString(CultureInfo.InvariantCulture);

    private async Task<int> VersionAsync(TeamId team)
    {
        await using var db = desk.Node.Databases.ForSystem();
        return await LabelSet.VersionAsync(db, team, Ct);
    }
}
