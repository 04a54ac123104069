using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>What an analyst does to an incident by hand: targets, notes, events, files, owner. Each leaves its line in the timeline.</summary>
public class IncidentActsTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Targets_are_added_defanged_or_not_once_each()
    {
        var incident = await desk.IncidentAsync("Adding targets");
        var path = $"/incidents/{incident.Id}/targets/new";
        using var added = await DeskNode.PostAsync(desk.Smith, path, ("role", "phishing"), ("lines", "hxxps://login[.]added[.]example/a 203.0.113.61\r\n198.51.100.61\n\nhttps://login.added.example/a"));
        Assert.Equal($"/incidents/{incident.Id}?said=targets", added.Headers.Location!.ToString());
        var targets = await TargetsAsync(incident);
        Assert.Equal(("203.0.113.61", TargetRole.Phishing), (targets["https://login.added.example/a"].Address, targets["https://login.added.example/a"].Role));
        Assert.True(targets.ContainsKey("198.51.100.61"));
        using var again = await DeskNode.PostAsync(desk.Smith, path, ("role", "c2"), ("lines", "198.51.100[.]61"));
        Assert.Equal($"/incidents/{incident.Id}?said=targets_known", again.Headers.Location!.ToString());
        Assert.Equal(targets.Count, (await TargetsAsync(incident)).Count);
        Assert.Contains("198.51.100[.]61", await DeskNode.PageAsync(desk.Smith, $"/incidents/{incident.Id}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_that_are_no_targets_are_told_by_number_and_nothing_is_added()
    {
        var incident = await desk.IncidentAsync("Bad targets");
        var before = (await TargetsAsync(incident)).Count;
        using var bad = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/targets/new", ("role", ""), ("lines", "198.51.100.62\nour printer\n192.0.2.1 not-an-address"));
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        var page = WebUtility.HtmlDecode(await bad.Content.ReadAsStringAsync(Ct));
        Assert.Contains("our printer", page, StringComparison.Ordinal);
        Assert.Contains("href=\"#role\"", page, StringComparison.Ordinal);
        Assert.Equal(before, (await TargetsAsync(incident)).Count);
    }

    [Fact]
    public async Task A_target_gets_another_role_and_is_taken_out_without_being_deleted()
    {
        var incident = await desk.IncidentAsync("Changing a target");
        using var added = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/targets/new", ("role", "victim"), ("lines", "198.51.100.63"));
        var target = (await TargetsAsync(incident))["198.51.100.63"];
        var path = $"/incidents/{incident.Id}/targets/{target.Id}";
        using var wrong = await DeskNode.PostAsync(desk.Smith, path, ("role", "hero"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        using var changed = await TestNode.PostFormAsync(desk.Smith, path, path, new() { ["role"] = "steppingstone" });
        Assert.Equal(HttpStatusCode.SeeOther, changed.StatusCode);
        Assert.Equal(TargetRole.SteppingStone, (await TargetsAsync(incident))["198.51.100.63"].Role);
        using var removed = await DeskNode.PostAsync(desk.Smith, path + "/remove", ("reason", "It was ours, see 198.51.100.63"));
        Assert.Equal(HttpStatusCode.SeeOther, removed.StatusCode);
        Assert.False((await TargetsAsync(incident)).ContainsKey("198.51.100.63"));
        await using var db = desk.Node.Databases.ForSystem();
        Assert.NotNull((await db.IncidentTargets.AsNoTracking().SingleAsync(t => t.Id == target.Id, Ct)).RemovedAt);
        var page = await DeskNode.PageAsync(desk.Smith, $"/incidents/{incident.Id}");
        Assert.Contains("It was ours, see 198.51.100[.]63", page, StringComparison.Ordinal);
        Assert.Contains("The role of 198.51.100[.]63 was changed to: stepping stone", page, StringComparison.Ordinal);
        using var twice = await DeskNode.PostAsync(desk.Smith, path + "/remove");
        Assert.Equal(HttpStatusCode.NotFound, twice.StatusCode);
    }

    [Fact]
    public async Task A_note_stays_in_the_team_and_an_event_keeps_its_time_as_stated()
    {
        var incident = await desk.IncidentAsync("Notes and events");
        var path = $"/incidents/{incident.Id}/notes/new";
        using var note = await DeskNode.PostAsync(desk.Smith, path, ("what", "note"), ("text", "The hoster never answers on Fridays."));
        using var happened = await DeskNode.PostAsync(desk.Smith, path, ("what", "event"), ("text", "The page came up again."), ("at", "2026-11-20 05:10"), ("zone", "Asia/Tokyo"));
        Assert.Equal((HttpStatusCode.SeeOther, HttpStatusCode.SeeOther), (note.StatusCode, happened.StatusCode));
        await using var db = desk.Node.Databases.ForSystem();
        var entries = await db.Timeline.AsNoTracking().Where(e => e.Incident == incident.Id && e.Text != "").ToDictionaryAsync(e => e.What, Ct);
        Assert.Equal("The hoster never answers on Fridays.", entries[EntryKind.Note].Text);
        Assert.Equal((new DateTimeOffset(2026, 11, 19, 20, 10, 0, TimeSpan.Zero), "2026-11-20 05:10", "Asia/Tokyo"), (entries[EntryKind.Event].At, entries[EntryKind.Event].AtText, entries[EntryKind.Event].AtZone));

        // shared to read with another team: the event is seen, the note is not
        var minatoTeam = (await desk.Node.TeamAsync("minato")).Id;
        await using (var change = desk.Node.Databases.ForSystem())
        {
            var stored = await change.Incidents.SingleAsync(i => i.Id == incident.Id, Ct);
            stored.Marking = stored.Marking with { Audience = new([Principal.Of(minatoTeam)]) };
            await change.SaveChangesAsync(Ct);
        }

        using var minato = await desk.Node.SignedInAsync("minato@minato.example");
        var page = await DeskNode.PageAsync(minato, $"/incidents/{incident.Id}");
        Assert.Contains("The page came up again.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Fridays", page, StringComparison.Ordinal);
        using var refused = await DeskNode.PostAsync(minato, path, ("what", "note"), ("text", "Mine"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Theory]
    [InlineData("note", "", "", "text")]
    [InlineData("event", "Happened", "yesterday at noon", "at")]
    [InlineData("event", "Happened", "2099-01-01 00:00", "at")]
    public async Task A_note_or_event_that_cannot_be_kept_says_which_field(string what, string text, string at, string field)
    {
        var incident = await desk.IncidentAsync($"Bad {what} with {field}, {at.Length} long");
        using var bad = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/notes/new", ("what", what), ("text", text), ("at", at), ("zone", "Asia/Tokyo"));
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        Assert.Contains($"href=\"#{field}\"", await bad.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_are_attached_sealed_and_come_back_as_bytes_only()
    {
        var incident = await desk.IncidentAsync("With files");
        var path = $"/incidents/{incident.Id}/attachments/new";
        var page = Encoding.UTF8.GetBytes("<script>alert(1)</script>");
        using var attached = await DeskNode.UploadAsync(desk.Smith, path, [("what", "capture")], ("../../page.html", "text/html", page));
        Assert.Equal(HttpStatusCode.SeeOther, attached.StatusCode);
        await using var db = desk.Node.Databases.ForSystem();
        var file = await db.IncidentAttachments.AsNoTracking().SingleAsync(a => a.Incident == incident.Id, Ct);
        Assert.Equal(AttachmentKind.Capture, file.What);
        Assert.DoesNotContain("/", file.Name, StringComparison.Ordinal);
        using var back = await desk.Smith.GetAsync($"/incidents/{incident.Id}/attachments/{file.Id}", Ct);
        Assert.Equal("application/octet-stream", back.Content.Headers.ContentType!.MediaType);
        Assert.Equal(page, await back.Content.ReadAsByteArrayAsync(Ct));
        using var minato = await desk.Node.SignedInAsync("minato@minato.example");
        Assert.Equal(HttpStatusCode.NotFound, (await minato.GetAsync($"/incidents/{incident.Id}/attachments/{file.Id}", Ct)).StatusCode);
        using var none = await DeskNode.UploadAsync(desk.Smith, path, [("what", "")]);
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
        var told = await none.Content.ReadAsStringAsync(Ct);
        Assert.All(new[] { "what", "files" }, field => Assert.Contains($"href=\"#{field}\"", told, StringComparison.Ordinal));
        Assert.Equal(1, await db.IncidentAttachments.CountAsync(a => a.Incident == incident.Id, Ct));
    }

    [Fact]
    public async Task The_owner_is_one_who_works_incidents_in_the_team_and_hears_of_it()
    {
        var incident = await desk.IncidentAsync("Whose is it");
        var sato = (await desk.Node.ViewerOfAsync("sato@aozora.example")).Person!.Value;
        var manager = (await desk.Node.ViewerOfAsync("yamamoto@aozora.example")).Person!.Value;
        var path = $"/incidents/{incident.Id}/assign";
        using var refused = await DeskNode.PostAsync(desk.Smith, path, ("owner", manager.ToString()));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        using var assigned = await DeskNode.PostAsync(desk.Smith, path, ("owner", sato.ToString()));
        Assert.Equal(HttpStatusCode.SeeOther, assigned.StatusCode);
        await using var db = desk.Node.Databases.ForSystem();
        Assert.Equal(sato, (await db.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident.Id, Ct)).Owner);
        Assert.True(await db.Notifications.AnyAsync(n => n.Person == sato && n.Href == "/incidents/" + incident.Id, Ct));
        Assert.Contains("佐藤 美咲", await DeskNode.PageAsync(desk.Sato, $"/incidents/{incident.Id}"), StringComparison.Ordinal);
        using var nobody = await DeskNode.PostAsync(desk.Smith, path, ("owner", ""));
        Assert.Null((await db.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident.Id, Ct)).Owner);
    }

    private async Task<Dictionary<string, IncidentTarget>> TargetsAsync(Incident incident)
    {
        await using var db = desk.Node.Databases.ForSystem();
        return await db.IncidentTargets.AsNoTracking().Where(t => t.Incident == incident.Id && t.RemovedAt == null).ToDictionaryAsync(t => t.Value, StringComparer.Ordinal, Ct);
    }
}
