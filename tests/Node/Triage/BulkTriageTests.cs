using System.Net;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>Several reports at once: each is decided for itself, and what could not be done is told by its number.</summary>
public class BulkTriageTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Several_are_rejected_with_one_reason_and_those_decided_before_stay_as_they_were()
    {
        var reports = await ThreeAsync("reject");
        using var nothing = await DeskNode.PostAsync(desk.Smith, "/triage/reject", [.. Picks(reports), ("reason", "  ")]);
        Assert.Equal(HttpStatusCode.BadRequest, nothing.StatusCode);
        Assert.Contains("id=\"reason-err\"", await nothing.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var all = await DeskNode.PostAsync(desk.Smith, "/triage/reject", [.. Picks(reports), ("reason", "Not in our constituency.")]);
        Assert.Equal((HttpStatusCode.SeeOther, "/triage"), (all.StatusCode, all.Headers.Location!.ToString()));
        foreach (var report in reports)
        {
            var stored = await desk.StateAsync(report);
            Assert.Equal((ReportState.Rejected, "Not in our constituency."), (stored.State, stored.RejectReason));
        }

        // one is accepted by now: it stays, the other is done, and the page says which and why
        var (accepted, fresh) = (await desk.ReportAsync("accepted before"), await desk.ReportAsync("fresh"));
        await desk.AcceptAsync(accepted, "Accepted before");
        using var mixed = await DeskNode.PostAsync(desk.Smith, "/triage/reject", ("pick", accepted.ToString()), ("pick", fresh.ToString()), ("reason", "No."));
        Assert.Equal(HttpStatusCode.OK, mixed.StatusCode);
        var page = WebUtility.HtmlDecode(await mixed.Content.ReadAsStringAsync(Ct));
        Assert.Contains((await desk.StateAsync(accepted)).Number, page, StringComparison.Ordinal);
        Assert.Contains("Its state does not allow it", page, StringComparison.Ordinal);
        Assert.Equal((ReportState.Accepted, ReportState.Rejected), ((await desk.StateAsync(accepted)).State, (await desk.StateAsync(fresh)).State));
        // taking it back takes back all of one act and nothing of the one before
        using var undone = await DeskNode.PostAsync(desk.Smith, "/triage/undo");
        Assert.Equal((ReportState.New, ReportState.Rejected), ((await desk.StateAsync(fresh)).State, (await desk.StateAsync(reports[0])).State));
    }

    [Fact]
    public async Task Several_are_duplicates_of_one_and_never_of_a_duplicate()
    {
        var reports = await ThreeAsync("duplicate");
        var original = await desk.ReportAsync("the original");
        var number = (await desk.StateAsync(original)).Number;
        using var marked = await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", [.. Picks(reports), ("number", number)]);
        Assert.Equal(HttpStatusCode.SeeOther, marked.StatusCode);
        foreach (var report in reports)
        {
            var stored = await desk.StateAsync(report);
            Assert.Equal((ReportState.Duplicate, (ReportId?)original), (stored.State, stored.DuplicateOf));
        }

        // a duplicate named as the original stands for what it is a duplicate of
        var later = await desk.ReportAsync("comes later");
        using var chained = await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", ("pick", later.ToString()), ("number", (await desk.StateAsync(reports[1])).Number.ToLowerInvariant()));
        Assert.Equal(HttpStatusCode.SeeOther, chained.StatusCode);
        Assert.Equal(original, (await desk.StateAsync(later)).DuplicateOf);
        Assert.Contains(number, await DeskNode.PageAsync(desk.Smith, $"/reports/{later}"), StringComparison.Ordinal);
        using var missing = await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", ("pick", original.ToString()), ("number", "R-1999-01-0001"));
        Assert.Equal(HttpStatusCode.BadRequest, missing.StatusCode);
        Assert.Equal(ReportState.New, (await desk.StateAsync(original)).State);
    }

    [Fact]
    public async Task Several_are_assigned_and_unassigned_together_and_one_act_back_is_all_of_them()
    {
        var reports = await ThreeAsync("assign");
        var sato = await TestPeople.IdOfAsync(desk.Node, "sato@aozora.example");
        using var assigned = await DeskNode.PostAsync(desk.Smith, "/triage/assign", [.. Picks(reports), ("person", sato.ToString())]);
        Assert.Equal(HttpStatusCode.SeeOther, assigned.StatusCode);
        Assert.All(await StatesAsync(reports), r => Assert.Equal(sato, r.Assignee));
        var smith = await TestPeople.IdOfAsync(desk.Node, "smith@aozora.example");
        using var mine = await DeskNode.PostAsync(desk.Smith, "/triage/assign", [.. Picks(reports), ("person", "me")]);
        Assert.All(await StatesAsync(reports), r => Assert.Equal(smith, r.Assignee));
        using var undone = await DeskNode.PostAsync(desk.Smith, "/triage/undo");
        Assert.All(await StatesAsync(reports), r => Assert.Equal(sato, r.Assignee));
        using var nobody = await DeskNode.PostAsync(desk.Smith, "/triage/assign", [.. Picks(reports), ("person", "")]);
        Assert.All(await StatesAsync(reports), r => Assert.Null(r.Assignee));
        using var none = await DeskNode.PostAsync(desk.Smith, "/triage/assign", ("person", "me"));
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
    }

    private static IEnumerable<(string, string)> Picks(IEnumerable<ReportId> reports) => reports.Select(r => ("pick", r.ToString()));

    private async Task<ReportId[]> ThreeAsync(string what) => [await desk.ReportAsync(what + " 1"), await desk.ReportAsync(what + " 2"), await desk.ReportAsync(what + " 3")];

    private async Task<List<Report>> StatesAsync(ReportId[] reports)
    {
        await using var db = desk.Node.Databases.ForSystem();
        return await db.Reports.AsNoTracking().Where(r => reports.Contains(r.Id)).ToListAsync(Ct);
    }
}
