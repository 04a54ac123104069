using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents;

namespace Renkei.Node.Tests.IntakeBadInput;

/// <summary>The form for anyone, as a browser sends it.</summary>
public class PublicFormTests
{
    private static readonly Dictionary<string, string> Usual = new(StringComparer.Ordinal)
    {
        ["kind"] = "request",
        ["summary"] = "A page that asks for passwords",
        ["description"] = "Seen this morning.",
        ["when"] = "",
        ["zone"] = "Asia/Tokyo",
        ["clock"] = "unknown",
        ["name"] = "山田 花子",
        ["organisation"] = "架空商事",
        ["email"] = "hanako@kaisha.example",
        ["disclosure"] = "none",
        ["tlp"] = "AMBER",
    };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_file_that_was_sent_is_found_again_byte_for_byte(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var client = node.Anonymous();
        // text of lines of all kinds, every byte, and nearly nothing
        var files = new (string Name, string Type, byte[] Bytes)[]
        {
            ("アクセス.log", "text/plain", "a\r\nb\nc\rd\u0085\uFEFF"u8.ToArray()),
            ("all.bin", "application/octet-stream", [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7 / 3))]),
            ("one.bin", "image/png", [0]),
        };
        using var sent = await SendAsync(client, "/report/aozora", Usual, files);
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        // the reporter's page says the number, and it is the report's
        var status = await client.GetStringAsync(sent.Headers.Location, Ct);
        await using var db = node.Databases.ForSystem();
        var report = await db.Reports.AsNoTracking().SingleAsync(Ct);
        Assert.Contains(report.Number, status, StringComparison.Ordinal);
        Assert.Equal(("A page that asks for passwords", "山田 花子", Channel.Web), (report.Summary, report.ReporterName, report.Channel));
        var stored = await db.ReportAttachments.AsNoTracking().Where(a => a.Report == report.Id).ToListAsync(Ct);
        Assert.Equal(files.Select(f => f.Name).Order(StringComparer.Ordinal), stored.Select(a => a.Name).Order(StringComparer.Ordinal));
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var token = await node.WithTokenAsync("aozora");
        foreach (var file in stored)
        {
            var (_, _, bytes) = files.Single(f => f.Name == file.Name);
            Assert.Equal(bytes.Length, file.Size);
            Assert.Equal(bytes, await smith.GetByteArrayAsync($"/reports/{report.Id}/files/{file.Id}", Ct));
            Assert.Equal(bytes, await token.GetByteArrayAsync($"/api/v1/reports/{report.Id}/attachments/{file.Id}", Ct));
        }
    }

    [Fact]
    public async Task Without_a_team_s_name_the_form_is_the_only_team_s_or_asks_which()
    {
        await using var node = await TestNode.StartAsync();
        using var client = node.Anonymous();
        client.DefaultRequestHeaders.AcceptLanguage.ParseAdd("en");
        var asked = await client.GetStringAsync("/report", Ct);
        foreach (var team in new[] { "aozora", "minato" })
        {
            Assert.Contains($"href=\"/report/{team}\"", asked, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("name=\"summary\"", asked, StringComparison.Ordinal);
        using var nobody = await SendAsync(client, "/report", Usual, form: "/report/aozora");
        Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
        using var unknown = await client.GetAsync("/report/nowhere", Ct);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);

        // one that takes no reports is not offered; what teams take them is known for some seconds, so on a node that has not been asked yet
        await using var again = await TestNode.StartAsync();
        await using (var db = again.Databases.ForSystem())
        {
            (await db.Teams.SingleAsync(t => t.Slug == "minato", Ct)).TakesReports = false;
            await db.SaveChangesAsync(Ct);
        }

        using var other = again.Anonymous();
        other.DefaultRequestHeaders.AcceptLanguage.ParseAdd("en");
        var form = await other.GetStringAsync("/report", Ct);
        Assert.Contains("name=\"summary\"", form, StringComparison.Ordinal);
        Assert.Contains("Aozora CERT", form, StringComparison.Ordinal);
        using var sent = await SendAsync(other, "/report", Usual);
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        using var closed = await SendAsync(other, "/report/minato", Usual, form: "/report");
        Assert.Equal(HttpStatusCode.NotFound, closed.StatusCode);
        await using var check = again.Databases.ForSystem();
        var aozora = (await again.TeamAsync("aozora")).Id;
        Assert.Equal(aozora, (await check.Reports.AsNoTracking().SingleAsync(Ct)).Marking.Origin);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task NUL_and_an_unknown_zone_bring_the_form_back_with_the_field_named_and_what_was_written(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var client = node.Anonymous();
        client.DefaultRequestHeaders.AcceptLanguage.ParseAdd("en");
        foreach (var field in new[] { "summary", "description", "name", "organisation", "email", "phone", "country", "reference", "when", "zone", "source", "target", "clock-error", "kind", "clock", "disclosure" })
        {
            foreach (var multipart in new[] { true, false })
            {
                var fields = new Dictionary<string, string>(Usual, StringComparer.Ordinal) { ["when"] = "2026-01-05 05:10" };
                fields[field] = fields.GetValueOrDefault(field, "") + "\0x";
                using var answer = multipart ? await SendAsync(client, "/report/aozora", fields) : await TestNode.PostFormAsync(client, "/report/aozora", "/report/aozora", fields);
                var page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(Ct));
                Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{field}: {(int)answer.StatusCode}");
                Assert.Contains($"href=\"#{field}\"", page, StringComparison.Ordinal);
                foreach (var kept in new[] { "A page that asks for passwords", "Seen this morning.", "架空商事", "hanako@kaisha.example" })
                {
                    Assert.Contains(kept, page, StringComparison.Ordinal);
                }
            }
        }

        using var nowhere = await SendAsync(client, "/report/aozora", new(Usual) { ["when"] = "2026-01-05 05:10", ["zone"] = "Mars/Olympus_Mons" });
        Assert.Equal(HttpStatusCode.BadRequest, nowhere.StatusCode);
        var back = WebUtility.HtmlDecode(await nowhere.Content.ReadAsStringAsync(Ct));
        Assert.Contains("href=\"#zone\"", back, StringComparison.Ordinal);
        Assert.Contains("Unknown time zone", back, StringComparison.Ordinal);
        foreach (var kept in new[] { "Mars/Olympus_Mons", "2026-01-05 05:10", "Seen this morning." })
        {
            Assert.Contains(kept, back, StringComparison.Ordinal);
        }

        await using var db = node.Databases.ForSystem();
        Assert.False(await db.Reports.AnyAsync(Ct));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Bytes_that_are_no_UTF_8_are_refused_with_the_field_named_and_the_rest_kept(bool multipart)
    {
        await using var node = await TestNode.StartAsync();
        using var client = node.Anonymous();
        client.DefaultRequestHeaders.AcceptLanguage.ParseAdd("en");
        var csrf = Regex.Match(await client.GetStringAsync("/report/aozora", Ct), "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;
        // Shift_JIS, as a script that never heard of UTF-8 sends it
        byte[] wrong = [0x83, 0x74, 0x83, 0x42, 0xff];
        HttpContent content;
        if (multipart)
        {
            var parts = new MultipartFormDataContent();
            foreach (var (name, value) in Usual.Where(f => f.Key != "description").Append(new("csrf", csrf)))
            {
                parts.Add(new StringContent(value), name);
            }

            parts.Add(new ByteArrayContent(wrong), "description");
            content = parts;
        }
        else
        {
            var fields = string.Join('&', Usual.Where(f => f.Key != "description").Append(new("csrf", csrf)).Select(f => f.Key + "=" + Uri.EscapeDataString(f.Value)));
            content = new ByteArrayContent([.. Encoding.ASCII.GetBytes(fields + "&description="), .. wrong]);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        }

        using var answer = await client.PostAsync("/report/aozora", content, Ct);
        content.Dispose();
        var page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("href=\"#description\"", page, StringComparison.Ordinal);
        Assert.Contains("A page that asks for passwords", page, StringComparison.Ordinal);
        await using var db = node.Databases.ForSystem();
        Assert.False(await db.Reports.AnyAsync(Ct));
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string action, Dictionary<string, string> fields, (string Name, string Type, byte[] Bytes)[]? files = null, string? form = null)
    {
        var html = await client.GetStringAsync(form ?? action, Ct);
        using var content = new MultipartFormDataContent();
        foreach (var (name, value) in fields.Append(new("csrf", Regex.Match(html, "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value)))
        {
            content.Add(new StringContent(value), name);
        }

        foreach (var (name, type, bytes) in files ?? [])
        {
            var part = new ByteArrayContent(bytes);
            part.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            content.Add(part, "files", name);
        }

        return await client.PostAsync(action, content, Ct);
    }
}
