using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.IncidentFiles;

/// <summary>A file's name is somebody else's text: it leads nowhere, starts nothing, and its bytes open in no browser.</summary>
public class AttachmentNameTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("../../../etc/cron.d/renkei", "renkei")]
    [InlineData("..\\..\\windows\\win.ini", "win.ini")]
    [InlineData("/etc/passwd", "passwd")]
    [InlineData("C:\\temp\\evil.html", "evil.html")]
    [InlineData("invoice\u202Efdp.exe", "invoicefdp.exe")]
    [InlineData("a\u2044b.txt", "a_b.txt")]
    [InlineData("=HYPERLINK(1).csv", null)]
    [InlineData("+cmd.csv", null)]
    [InlineData("@SUM(A1).csv", null)]
    [InlineData("ログ 11月.txt", "ログ 11月.txt")]
    public async Task A_name_becomes_a_plain_one_and_the_bytes_leave_as_a_download(string sent, string? stored)
    {
        await using var node = await TestNode.StartAsync();
        var incident = await IncidentAsync(node);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var attached = await AttachAsync(smith, incident, sent, "<script>alert(1)</script>");
        Assert.True(attached.StatusCode == HttpStatusCode.SeeOther, await attached.Content.ReadAsStringAsync(Ct));
        await using var db = node.Databases.ForSystem();
        var file = await db.IncidentAttachments.AsNoTracking().SingleAsync(Ct);
        Assert.True(stored is null || stored == file.Name, file.Name);
        Assert.False(file.Name.AsSpan().ContainsAny('/', '\\') || file.Name.StartsWith('.'), file.Name);

        using var answer = await smith.GetAsync($"/incidents/{incident}/attachments/{file.Id}", Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/octet-stream", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal(file.Name, answer.Content.Headers.ContentDisposition.FileNameStar);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("<script>alert(1)</script>", await answer.Content.ReadAsStringAsync(Ct));

        // whatever leaves as a table has no cell that a spreadsheet would run
        foreach (var csv in new[] { "/incidents.csv", "/audit.csv" })
        {
            using var lead = await node.SignedInAsync("tanaka@aozora.example");
            Assert.DoesNotMatch(new Regex("(^|,|\\n)\"?[=+@]", RegexOptions.NonBacktracking), await lead.GetStringAsync(csv, Ct));
        }
    }

    [Fact]
    public async Task A_file_of_one_incident_is_not_found_under_another()
    {
        await using var node = await TestNode.StartAsync();
        var (one, other) = (await IncidentAsync(node), await IncidentAsync(node));
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var attached = await AttachAsync(smith, one, "log.txt", "GET /");
        await using var db = node.Databases.ForSystem();
        var file = (await db.IncidentAttachments.AsNoTracking().SingleAsync(Ct)).Id;
        Assert.Equal(HttpStatusCode.OK, (await smith.GetAsync($"/incidents/{one}/attachments/{file}", Ct)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await smith.GetAsync($"/incidents/{other}/attachments/{file}", Ct)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await smith.GetAsync($"/incidents/{one}/attachments/{Guid.NewGuid()}", Ct)).StatusCode);
    }

    private static async Task<IncidentId> IncidentAsync(TestNode node)
    {
        await using var db = node.Databases.ForSystem();
        var incident = TestRecords.Incident(node, Marking.Own((await node.TeamAsync("aozora")).Id), "INC-" + Guid.NewGuid().ToString("N")[..6], "=1+1");
        db.Incidents.Add(incident);
        await db.SaveChangesAsync(Ct);
        return incident.Id;
    }

    private static async Task<HttpResponseMessage> AttachAsync(HttpClient client, IncidentId incident, string name, string content)
    {
        var path = $"/incidents/{incident}/attachments/new";
        var csrf = Regex.Match(await client.GetStringAsync(path, Ct), "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;
        // written out, since a client of .NET would mend the name
        var body = new MemoryStream();
        void Write(string text) => body.Write(Encoding.UTF8.GetBytes(text));
        Write($"--edge\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--edge\r\nContent-Disposition: form-data; name=\"what\"\r\n\r\nlogExcerpt\r\n");
        Write($"--edge\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name.Replace("\\", "\\\\", StringComparison.Ordinal)}\"\r\nContent-Type: text/html\r\n\r\n{content}\r\n--edge--\r\n");
        using var form = new ByteArrayContent(body.ToArray());
        form.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=edge");
        return await client.PostAsync(path, form, Ct);
    }
}
