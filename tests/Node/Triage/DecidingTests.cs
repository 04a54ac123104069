using System.Net;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>What a person reads and is offered while deciding: which act undo takes back, which incident is likely, who reads a reason.</summary>
public class DecidingTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Undo_names_the_act_and_the_report_before_and_after()
    {
        var (split, rejected) = (await desk.ReportAsync("two things"), await desk.ReportAsync("not ours"));
        var (first, second) = ((await desk.StateAsync(split)).Number, (await desk.StateAsync(rejected)).Number);
        using var parted = await DeskNode.PostAsync(desk.Smith, "/triage/split", ("pick", split.ToString()), ("title.A", "One thing"), ("class.A", "fraud/phishing"), ("title.B", "Another thing"), ("class.B", "fraud/phishing"));
        Assert.Equal(HttpStatusCode.SeeOther, parted.StatusCode);
        using var away = await DeskNode.PostAsync(desk.Smith, "/triage/reject", ("pick", rejected.ToString()), ("reason", "Not in our scope."));
        var queue = await DeskNode.PageAsync(desk.Smith, "/triage");
        Assert.Contains($"Undo the rejection of {second} <kbd>", queue, StringComparison.Ordinal);
        Assert.Contains($"Undo the rejection of {second} <kbd>", await DeskNode.PageAsync(desk.Smith, $"/reports/{rejected}"), StringComparison.Ordinal);
        var named = ("batch", Regex.Match(queue, "name=\"batch\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value);

        using var undone = await DeskNode.PostAsync(desk.Smith, "/triage/undo", named);
        queue = await DeskNode.PageAsync(desk.Smith, "/triage");
        Assert.Contains($"The rejection of {second} is undone.", queue, StringComparison.Ordinal);
        Assert.Contains($"Undo the split of {first} <kbd>", queue, StringComparison.Ordinal);
        // the button of the page before named the rejection: pressed again it does not take back the split
        using var twice = await DeskNode.PostAsync(desk.Smith, "/triage/undo", named);
        Assert.Equal((ReportState.New, ReportState.Accepted), ((await desk.StateAsync(rejected)).State, (await desk.StateAsync(split)).State));
        Assert.Contains("Not undone: something else was done since.", await DeskNode.PageAsync(desk.Smith, "/triage"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Undo_of_several_says_how_many_and_speaks_the_readers_language()
    {
        var reports = new[] { await desk.ReportAsync("bulk one"), await desk.ReportAsync("bulk two") };
        using var away = await DeskNode.PostAsync(desk.Sato, "/triage/reject", ("pick", reports[0].ToString()), ("pick", reports[1].ToString()), ("reason", "Not in our scope."));
        Assert.Contains("2件の対象外の判断を取り消す <kbd>", await DeskNode.PageAsync(desk.Sato, "/triage"), StringComparison.Ordinal);
        using var undone = await DeskNode.PostAsync(desk.Sato, "/triage/undo");
        Assert.Contains("2件の対象外の判断を取り消しました。", await DeskNode.PageAsync(desk.Sato, "/triage"), StringComparison.Ordinal);
        using var mine = await DeskNode.PostAsync(desk.Sato, "/triage/assign", ("pick", reports[0].ToString()), ("person", "me"));
        Assert.Contains($"{(await desk.StateAsync(reports[0])).Number} の担当の変更を取り消す <kbd>", await DeskNode.PageAsync(desk.Sato, "/triage"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_likely_incident_is_chosen_without_typing_its_number_and_the_toast_leads_there()
    {
        const string same = "https://likely.kanariya-bank.example/v/1";
        var incident = await desk.AcceptAsync(await desk.ReportAsync("likely, first", same), "Likely one");
        var (second, third) = (await desk.ReportAsync("likely, second", same), await desk.ReportAsync("likely, third", same));
        var page = await DeskNode.PageAsync(desk.Smith, $"/triage/accept?into=existing&pick={second}");
        Assert.Contains($"name=\"like\" id=\"like-0\" value=\"{incident.Number}\"", page, StringComparison.Ordinal);
        Assert.Contains($"{incident.Number} Likely one", page, StringComparison.Ordinal);
        Assert.Contains("id=\"like-1\"", page, StringComparison.Ordinal);
        Assert.Contains("name=\"incident\"", page, StringComparison.Ordinal);
        using var chosen = await DeskNode.PostAsync(desk.Smith, "/triage/accept", ("pick", second.ToString()), ("into", "existing"), ("like", incident.Number), ("incident", ""));
        Assert.Equal(HttpStatusCode.SeeOther, chosen.StatusCode);
        Assert.Equal(incident.Id, Assert.Single(await IncidentsOfAsync(second)));
        Assert.Contains($"The report is in <a href=\"/incidents/{incident.Id}\">{incident.Number}</a> now.", await DeskNode.PageAsync(desk.Smith, "/triage"), StringComparison.Ordinal);

        // a number that was typed is meant, whatever was chosen above it before
        var other = await desk.IncidentAsync("Not the likely one");
        using var typed = await DeskNode.PostAsync(desk.Smith, "/triage/accept", ("pick", third.ToString()), ("into", "existing"), ("like", incident.Number), ("incident", other.Number));
        Assert.Equal(other.Id, Assert.Single(await IncidentsOfAsync(third)));
        // "another" without its number is told at the number
        using var neither = await DeskNode.PostAsync(desk.Smith, "/triage/accept", ("pick", (await desk.ReportAsync("likely, fourth", same)).ToString()), ("into", "existing"), ("like", ""), ("incident", ""));
        Assert.Equal(HttpStatusCode.BadRequest, neither.StatusCode);
        Assert.Contains("href=\"#incident\"", await neither.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_part_of_a_split_goes_to_a_likely_incident_and_the_toast_picks_none_of_the_two()
    {
        const string same = "https://parted.kanariya-bank.example/v/1";
        var incident = await desk.AcceptAsync(await desk.ReportAsync("parted, first", same), "Parted one");
        var report = await desk.ReportAsync("parted, second", same);
        Assert.Contains($"name=\"like.A\" id=\"like.A-0\" value=\"{incident.Number}\"", await DeskNode.PageAsync(desk.Smith, $"/triage/split?pick={report}"), StringComparison.Ordinal);
        using var split = await DeskNode.PostAsync(desk.Smith, "/triage/split", ("pick", report.ToString()), ("like.A", incident.Number), ("incident.A", ""), ("title.B", "The other part"), ("class.B", "fraud/phishing"));
        Assert.True(split.StatusCode == HttpStatusCode.SeeOther, await split.Content.ReadAsStringAsync(Ct));
        var into = await IncidentsOfAsync(report);
        Assert.Equal((2, true), (into.Count, into.Contains(incident.Id)));
        Assert.Contains("<span>The report is split and accepted.</span>", await DeskNode.PageAsync(desk.Smith, "/triage"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_reason_that_a_reporter_reads_has_room_and_says_in_which_language_they_read()
    {
        var report = await desk.ReportAsync("out of scope");
        var page = await DeskNode.PageAsync(desk.Smith, $"/triage/reject?pick={report}");
        Assert.Matches("<textarea class=\"form-control\" rows=\"4\"[^>]*name=\"reason\"", page);
        Assert.Contains("The reporter's language: English", page, StringComparison.Ordinal);
        using var away = await DeskNode.PostAsync(desk.Smith, "/triage/reject", ("pick", report.ToString()), ("reason", "Not ours.\r\nPlease ask your provider."));
        Assert.Equal("Not ours.\nPlease ask your provider.", (await desk.StateAsync(report)).RejectReason);
    }

    private async Task<List<IncidentId>> IncidentsOfAsync(ReportId report)
    {
        await using var db = desk.Node.Databases.ForSystem();
        return await db.ReportLinks.AsNoTracking().Where(l => l.Report == report && l.EndedAt == null).Select(l => l.Incident).ToListAsync(Ct);
    }
}
