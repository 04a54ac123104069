using System.Net;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>A narrow screen has no preview beside the queue: the report's own page offers every act of triage, and each does what it says.</summary>
public class ReportPageTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_report_offers_all_that_can_be_decided()
    {
        var report = await desk.ReportAsync("undecided");
        var page = await DeskNode.PageAsync(desk.Smith, $"/reports/{report}");
        foreach (var act in new[] { "accept?into=new", "accept?into=existing", "split?", "duplicate?", "reject?", "assign?" })
        {
            Assert.Contains($"href=\"/triage/{act}", page, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("/reopen", page, StringComparison.Ordinal);
        // the button; a toast about an act on another report may offer undo as well
        Assert.DoesNotContain("class=\"btn\" data-key=\"u\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_may_only_read_is_offered_nothing()
    {
        var report = await desk.ReportAsync("only to read");
        using var manager = await desk.Node.SignedInAsync("yamamoto@aozora.example");
        var page = await DeskNode.PageAsync(manager, $"/reports/{report}");
        Assert.Contains("only to read", page, StringComparison.Ordinal);
        Assert.DoesNotContain("/triage/", page[page.IndexOf("<main", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rejected")]
    [InlineData("duplicate")]
    public async Task What_was_put_aside_is_reopened_from_its_page(string how)
    {
        var report = await desk.ReportAsync("put aside: " + how, "192.0.2.44");
        var other = await desk.ReportAsync("the first of them: " + how, "192.0.2.45");
        using var aside = how == "rejected"
            ? await DeskNode.PostAsync(desk.Smith, "/triage/reject", ("pick", report.ToString()), ("reason", "Not in our scope."))
            : await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", ("pick", report.ToString()), ("number", (await desk.StateAsync(other)).Number));
        Assert.Equal(HttpStatusCode.SeeOther, aside.StatusCode);
        var before = await desk.StateAsync(report);
        Assert.Equal(how == "rejected" ? ReportState.Rejected : ReportState.Duplicate, before.State);
        Assert.Equal(how == "rejected" ? null : other, before.DuplicateOf);
        Assert.Contains($"action=\"/reports/{report}/reopen\"", await DeskNode.PageAsync(desk.Smith, $"/reports/{report}"), StringComparison.Ordinal);
        using var reopened = await TestNode.PostFormAsync(desk.Smith, $"/reports/{report}", $"/reports/{report}/reopen", []);
        Assert.Equal((HttpStatusCode.SeeOther, $"/reports/{report}"), (reopened.StatusCode, reopened.Headers.Location!.ToString()));
        var after = await desk.StateAsync(report);
        Assert.Equal((ReportState.New, null, null), (after.State, after.RejectReason, after.DuplicateOf));
    }

    [Fact]
    public async Task An_accepted_report_is_added_to_another_incident_too_and_comes_back_to_its_page()
    {
        var report = await desk.ReportAsync("tells of two", "hxxps://two[.]example/x");
        var first = await desk.AcceptAsync(report, "Two: first");
        var second = await desk.IncidentAsync("Two: second");
        var page = await DeskNode.PageAsync(desk.Smith, $"/reports/{report}");
        Assert.Contains($"/triage/accept?into=existing&pick={report}&back=/reports/{report}", page, StringComparison.Ordinal);
        // the incident it is in is not proposed again, though it holds the very same URL
        Assert.DoesNotContain(first.Number, await DeskNode.PageAsync(desk.Smith, $"/triage/accept?into=existing&pick={report}&back=/reports/{report}"), StringComparison.Ordinal);
        using var added = await DeskNode.PostAsync(desk.Smith, "/triage/accept", ("pick", report.ToString()), ("into", "existing"), ("incident", second.Number), ("back", $"/reports/{report}"));
        Assert.Equal((HttpStatusCode.SeeOther, $"/reports/{report}"), (added.StatusCode, added.Headers.Location!.ToString()));
        await using var db = desk.Node.Databases.ForSystem();
        var links = await db.ReportLinks.AsNoTracking().Where(l => l.Report == report && l.EndedAt == null).Select(l => l.Incident).ToListAsync(Ct);
        Assert.Equal(new[] { first.Id, second.Id }.OrderBy(i => i.Value), links.OrderBy(i => i.Value));
        Assert.Contains(second.Number, await DeskNode.PageAsync(desk.Smith, $"/reports/{report}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_act_is_taken_back_where_it_was_done()
    {
        var report = await desk.ReportAsync("assigned by mistake");
        await using var db = desk.Node.Databases.ForSystem();
        var sato = (await desk.Node.ViewerOfAsync("sato@aozora.example")).Person!.Value;
        using var assigned = await DeskNode.PostAsync(desk.Smith, "/triage/assign", ("pick", report.ToString()), ("person", sato.ToString()), ("back", $"/reports/{report}"));
        Assert.Equal($"/reports/{report}", assigned.Headers.Location!.ToString());
        Assert.Equal(sato, (await desk.StateAsync(report)).Assignee);
        var page = await DeskNode.PageAsync(desk.Smith, $"/reports/{report}");
        Assert.Contains("action=\"/triage/undo\"", page, StringComparison.Ordinal);
        // it is Smith's act, so her colleague is not offered to take it back
        Assert.DoesNotContain("action=\"/triage/undo\"", await DeskNode.PageAsync(desk.Sato, $"/reports/{report}"), StringComparison.Ordinal);
        using var undone = await DeskNode.PostAsync(desk.Smith, "/triage/undo", ("back", $"/reports/{report}"));
        Assert.Equal($"/reports/{report}", undone.Headers.Location!.ToString());
        Assert.Null((await desk.StateAsync(report)).Assignee);
    }

    [Fact]
    public async Task The_queue_has_its_undo_on_every_width()
    {
        var report = await desk.ReportAsync("to take back");
        using var mine = await DeskNode.PostAsync(desk.Smith, "/triage/assign", ("pick", report.ToString()), ("person", "me"));
        var queue = await DeskNode.PageAsync(desk.Smith, "/triage");
        Assert.Contains("<form method=\"post\" action=\"/triage/undo\">", queue, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Assigning_takes_only_those_who_do_triage_in_the_team()
    {
        var report = await desk.ReportAsync("for nobody else");
        var stranger = (await desk.Node.ViewerOfAsync("minato@minato.example")).Person!.Value;
        using var refused = await DeskNode.PostAsync(desk.Smith, "/triage/assign", ("pick", report.ToString()), ("person", stranger.ToString()));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Null((await desk.StateAsync(report)).Assignee);
        using var mine = await DeskNode.PostAsync(desk.Smith, "/triage/assign", ("pick", report.ToString()), ("person", "me"));
        Assert.NotNull((await desk.StateAsync(report)).Assignee);
        using var nobody = await DeskNode.PostAsync(desk.Smith, "/triage/assign", ("pick", report.ToString()), ("person", ""));
        Assert.Null((await desk.StateAsync(report)).Assignee);
    }

    [Fact]
    public async Task A_report_is_no_duplicate_of_itself_nor_of_what_is_not_there()
    {
        var report = await desk.ReportAsync("its own double");
        var number = (await desk.StateAsync(report)).Number;
        using var itself = await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", ("pick", report.ToString()), ("number", number));
        Assert.Equal(HttpStatusCode.OK, itself.StatusCode);
        using var nowhere = await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", ("pick", report.ToString()), ("number", "R-1999-01-0001"));
        Assert.Equal(HttpStatusCode.BadRequest, nowhere.StatusCode);
        Assert.Equal(ReportState.New, (await desk.StateAsync(report)).State);
    }

    [Fact]
    public async Task A_duplicate_of_a_duplicate_points_to_the_first()
    {
        var first = await desk.ReportAsync("chain 1", "192.0.2.71");
        var second = await desk.ReportAsync("chain 2", "192.0.2.72");
        var third = await desk.ReportAsync("chain 3", "192.0.2.73");
        using var one = await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", ("pick", second.ToString()), ("number", (await desk.StateAsync(first)).Number));
        using var two = await DeskNode.PostAsync(desk.Smith, "/triage/duplicate", ("pick", third.ToString()), ("number", (await desk.StateAsync(second)).Number));
        Assert.Equal(first, (await desk.StateAsync(third)).DuplicateOf);
    }

    [Fact]
    public async Task A_split_needs_two_parts_and_tells_by_field_what_is_missing()
    {
        var report = await desk.ReportAsync("one part only", "192.0.2.80");
        using var split = await DeskNode.PostAsync(desk.Smith, "/triage/split", ("pick", report.ToString()), ("title.A", "Part"), ("class.A", "fraud/phishing"), ("incident.B", "INC-1999-0001"));
        Assert.Equal(HttpStatusCode.BadRequest, split.StatusCode);
        Assert.Contains("href=\"#incident.B\"", await split.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        Assert.Equal(ReportState.New, (await desk.StateAsync(report)).State);
    }
}
