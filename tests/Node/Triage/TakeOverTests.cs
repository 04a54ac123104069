using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>What came attached to a report becomes grounds of its incident by one act of an analyst, as the same stored bytes.</summary>
public class TakeOverTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private async Task<(ReportId Report, Incident Incident, ReportAttachment File)> WithFileAsync(string title, string text, string tlp = "AMBER")
    {
        var report = await desk.ReportAsync(title, more: new(StringComparer.Ordinal) { ["attachments"] = new[] { DeskNode.File("access.log", text) }, ["tlp"] = tlp });
        var incident = await desk.AcceptAsync(report, title);
        await using var db = desk.Node.Databases.ForSystem();
        return (report, incident, await db.ReportAttachments.AsNoTracking().SingleAsync(a => a.Report == report, Ct));
    }

    [Fact]
    public async Task One_click_takes_it_over_and_says_where_it_came_from()
    {
        var (report, incident, file) = await WithFileAsync("With a log", "203.0.113.5 GET /");
        var number = (await desk.StateAsync(report)).Number;
        var page = await DeskNode.PageAsync(desk.Smith, $"/incidents/{incident.Id}");
        Assert.Contains($"name=\"file\" value=\"{file.Id}\"", page, StringComparison.Ordinal);
        await using var db = desk.Node.Databases.ForSystem();
        Assert.False(await db.IncidentAttachments.AnyAsync(a => a.Incident == incident.Id, Ct), "nothing is taken over by itself");
        var blobs = await db.Blobs.CountAsync(Ct);
        using var taken = await TestNode.PostFormAsync(desk.Smith, $"/incidents/{incident.Id}", $"/incidents/{incident.Id}/attachments/take", new() { ["file"] = file.Id.ToString() });
        Assert.Equal(HttpStatusCode.SeeOther, taken.StatusCode);
        var attached = await db.IncidentAttachments.AsNoTracking().SingleAsync(a => a.Incident == incident.Id, Ct);
        Assert.Equal((file.Sha256, "access.log", file.Size, AttachmentKind.LogExcerpt), (attached.Sha256, attached.Name, attached.Size, attached.What));
        Assert.NotNull(attached.AddedBy);
        Assert.Equal(blobs, await db.Blobs.CountAsync(Ct));
        Assert.Equal("203.0.113.5 GET /", Encoding.UTF8.GetString(await desk.Smith.GetByteArrayAsync($"/incidents/{incident.Id}/attachments/{attached.Id}", Ct)));
        var after = await DeskNode.PageAsync(desk.Smith, $"/incidents/{incident.Id}?show=traffic");
        Assert.Contains("from " + number, after, StringComparison.Ordinal);
        Assert.Contains($"access.log was taken over from report {number}", after, StringComparison.Ordinal);
        Assert.DoesNotContain($"name=\"file\" value=\"{file.Id}\"", after, StringComparison.Ordinal);
        Assert.True(await db.Audit.AnyAsync(a => a.Action == "incident.attachment.taken_over", Ct));
        // it can go along with a request now
        var target = await db.IncidentTargets.AsNoTracking().FirstAsync(t => t.Incident == incident.Id, Ct);
        using var asking = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/requests/new", ("target", target.Id.ToString()), ("purpose", "investigate"));
        Assert.Contains($"value=\"{attached.Id}\"", await asking.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        // a second click changes nothing
        using var twice = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/attachments/take", ("file", file.Id.ToString()));
        Assert.Equal(1, await db.IncidentAttachments.CountAsync(a => a.Incident == incident.Id, Ct));
    }

    [Fact]
    public async Task The_incident_becomes_as_strict_as_what_it_took_over()
    {
        var (_, incident, file) = await WithFileAsync("Strict source", "secret", "AMBER+STRICT");
        // someone's other path made the incident looser than its source
        await using (var db = desk.Node.Databases.ForSystem())
        {
            var stored = await db.Incidents.SingleAsync(i => i.Id == incident.Id, Ct);
            stored.Marking = Marking.Own(stored.Marking.Origin);
            await db.SaveChangesAsync(Ct);
        }

        using var taken = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/attachments/take", ("file", file.Id.ToString()));
        Assert.Equal(HttpStatusCode.SeeOther, taken.StatusCode);
        await using var after = desk.Node.Databases.ForSystem();
        Assert.Equal(Tlp.AmberStrict, (await after.Incidents.AsNoTracking().SingleAsync(i => i.Id == incident.Id, Ct)).Marking.Tlp);
    }

    [Fact]
    public async Task Only_a_file_of_a_report_that_is_linked_now_is_taken_and_only_by_the_own_team()
    {
        var (report, incident, file) = await WithFileAsync("Ours alone", "ours");
        var (_, _, unlinked) = await WithFileAsync("Another incident's", "theirs");
        using var foreign = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/attachments/take", ("file", unlinked.Id.ToString()));
        using var nothing = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/attachments/take", ("file", "x"));
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (foreign.StatusCode, nothing.StatusCode));
        using var minato = await desk.Node.SignedInAsync("minato@minato.example");
        using var stranger = await DeskNode.PostAsync(minato, $"/incidents/{incident.Id}/attachments/take", ("file", file.Id.ToString()));
        Assert.Contains(stranger.StatusCode, new[] { HttpStatusCode.NotFound, HttpStatusCode.Forbidden });
        using var yamamoto = await desk.Node.SignedInAsync("yamamoto@aozora.example");
        using var reader = await DeskNode.PostAsync(yamamoto, $"/incidents/{incident.Id}/attachments/take", ("file", file.Id.ToString()));
        Assert.Equal(HttpStatusCode.Forbidden, reader.StatusCode);
        Assert.DoesNotContain("attachments/take", await DeskNode.PageAsync(yamamoto, $"/incidents/{incident.Id}"), StringComparison.Ordinal);
        using var ended = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/reports/{report}/unlink");
        using var late = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/attachments/take", ("file", file.Id.ToString()));
        Assert.Equal(HttpStatusCode.NotFound, late.StatusCode);
        await using var db = desk.Node.Databases.ForSystem();
        Assert.False(await db.IncidentAttachments.AnyAsync(a => a.Incident == incident.Id, Ct));
    }
}
