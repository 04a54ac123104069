using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.IntakeBadInput;

/// <summary>What outsiders write does nothing on any page, in any download or export: it is only text.</summary>
public partial class InertPagesTests(SmallNode small) : IClassFixture<SmallNode>
{
    private const string Hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)><svg/onload=alert(3)>{{7*7}}</title></textarea>javascript:alert(4)";
    private const string Bidi = "invoice\u202Efdp.exe \u2066hidden\u2069 zero\u200Bwidth";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hostile_HTML_in_every_field_is_inert_on_every_page_it_reaches()
    {
        using var token = await small.Node.WithTokenAsync("aozora");
        using var posted = await token.PostAsJsonAsync("/api/v1/reports", new
        {
            type = "request",
            summary = Hostile + Bidi,
            description = Hostile + "\n" + Bidi + "\nhttp://bad.example/<script>alert(5)</script> 203.0.113.5",
            reporter = new { name = Hostile, email = "a@b.example", organization = Hostile, phone = "<script>alert(6)</script>", reference = "<script>alert(7)</script>" },
            observables = new[] { "http://bad.example/\"><script>alert(8)</script>" },
            attachments = new[] { new { name = Hostile, mediaType = "text/html", contentBase64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(Hostile)) } },
            mayDiscloseReporter = true,
            language = "en",
        }, Ct);
        var accepted = await SmallNode.AcceptedAsync(posted);
        var id = accepted.GetProperty("id").GetString();
        var status = new Uri(accepted.GetProperty("statusUrl").GetString()!).AbsolutePath;
        using var anonymous = small.Node.Anonymous();
        using var wrote = await TestNode.PostFormAsync(anonymous, status, status, new() { ["text"] = Hostile + Bidi });
        Assert.Equal(HttpStatusCode.SeeOther, wrote.StatusCode);
        using var smith = await small.Node.SignedInAsync("smith@aozora.example");
        var pages = new List<(string Name, string Html)>
        {
            ("status", await anonymous.GetStringAsync(status, Ct)),
            ("report", await smith.GetStringAsync($"/reports/{id}", Ct)),
            ("reports", await smith.GetStringAsync("/reports", Ct)),
            ("triage", await smith.GetStringAsync("/triage", Ct)),
            ("triage pick", await smith.GetStringAsync($"/triage?pick={id}", Ct)),
            ("accept", await smith.GetStringAsync($"/triage/accept?pick={id}", Ct)),
            ("split", await smith.GetStringAsync($"/triage/split?pick={id}", Ct)),
            ("search", await smith.GetStringAsync("/search?q=" + Uri.EscapeDataString("<script>alert(1)</script>"), Ct)),
        };
        using var answer = await token.PostAsJsonAsync($"/api/v1/reports/{id}/accept", new { title = Hostile, category = "fraud", type = "phishing" }, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var incident = (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("incidentId").GetString();
        using var drafted = await token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown", recipient = new { name = Hostile, mail = "abuse@hosting.example", language = "en", role = "abuseDesk", why = Hostile } }, Ct);
        Assert.Equal(HttpStatusCode.Created, drafted.StatusCode);
        var request = (await drafted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items")[0].GetProperty("id").GetString();
        foreach (var page in new[] { "/", "/incidents", $"/incidents/{incident}", $"/incidents/{incident}/edit", "/requests", $"/requests/{request}", "/notifications" })
        {
            using var shown = await smith.GetAsync(page, Ct);
            pages.Add((page, await shown.Content.ReadAsStringAsync(Ct)));
        }

        foreach (var (name, html) in pages)
        {
            Assert.DoesNotMatch(Live(), html);
            Assert.False(html.Any(c => c is '\u202E' or '\u2066' or '\u200B'), $"{name}: an invisible character is on the page");
            Assert.DoesNotContain("href=\"http://bad", html, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Contains("⟦U+202E⟧", WebUtility.HtmlDecode(pages[1].Html), StringComparison.Ordinal);
        Assert.Contains("&lt;script", pages[1].Html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("⟦U+202E⟧", WebUtility.HtmlDecode(pages[0].Html), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_with_wrong_fields_comes_back_with_what_was_written_and_a_list_of_what_is_wrong()
    {
        using var client = small.Node.Anonymous();
        client.DefaultRequestHeaders.AcceptLanguage.ParseAdd("en");
        var before = await small.CountAsync();
        using var answer = await TestNode.PostFormAsync(client, "/report/aozora", "/report/aozora", new()
        {
            ["kind"] = "request",
            ["summary"] = "kept <b>summary</b>",
            ["description"] = "kept description",
            ["when"] = "2999-01-01 00:00",
            ["zone"] = "Asia/Tokyo",
            ["clock"] = "unknown",
            ["name"] = new string('n', 201),
            ["organisation"] = "kept organisation",
            ["email"] = "no address",
            ["phone"] = "050-0000-0000",
            ["country"] = "JP",
            ["disclosure"] = "none",
            ["tlp"] = "AMBER",
            ["once"] = "abc",
        });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var html = await answer.Content.ReadAsStringAsync(Ct);
        foreach (var kept in new[] { "kept &lt;b&gt;summary&lt;/b&gt;", "kept description", "2999-01-01 00:00", "kept organisation", "no address", "050-0000-0000" })
        {
            Assert.Contains(kept, html, StringComparison.Ordinal);
        }

        // the list leads to each field
        foreach (var field in new[] { "when", "name", "email" })
        {
            Assert.Contains($"href=\"#{field}\"", html, StringComparison.Ordinal);
        }

        Assert.Equal(before, await small.CountAsync());
    }

    [Theory]
    [InlineData("summary", 301)]
    [InlineData("description", 200_001)]
    [InlineData("name", 201)]
    [InlineData("organisation", 201)]
    [InlineData("email", 255)]
    [InlineData("phone", 51)]
    public async Task A_form_s_field_that_is_too_long_is_pointed_at(string field, int length)
    {
        using var client = small.Node.Anonymous();
        var fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["kind"] = "request", ["summary"] = "short", ["clock"] = "unknown" };
        fields[field] = new string('x', length);
        using var answer = await TestNode.PostFormAsync(client, "/report/aozora", "/report/aozora", fields);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains($"href=\"#{field}\"", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_over_the_form_s_limit_are_413_with_a_page_that_says_so()
    {
        using var client = small.Node.Anonymous();
        client.DefaultRequestHeaders.AcceptLanguage.ParseAdd("en");
        var csrf = Csrf().Match(await client.GetStringAsync("/report/aozora", Ct)).Groups[1].Value;
        using var form = new MultipartFormDataContent { { new StringContent(csrf), "csrf" }, { new StringContent("request"), "kind" }, { new StringContent("big"), "summary" }, { new ByteArrayContent(new byte[3 * 1024 * 1024]), "files", "big.bin" } };
        using var answer = await client.PostAsync("/report/aozora", form, Ct);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        var html = await answer.Content.ReadAsStringAsync(Ct);
        Assert.Contains("too large", html, StringComparison.Ordinal);
        Assert.Contains("<form", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("..\\..\\windows\\win.ini")]
    [InlineData("/etc/cron.d/evil")]
    [InlineData("a\r\nSet-Cookie: x=1")]
    [InlineData("\"; filename=\"evil.html")]
    [InlineData("page.html\u202Egnp.")]
    [InlineData("CON")]
    [InlineData("漏洩.log")]
    public async Task A_hostile_file_name_is_a_plain_name_in_the_download(string name)
    {
        var body = SmallNode.Body("names");
        body["attachments"] = new JsonArray(new JsonObject { ["name"] = name, ["mediaType"] = "text/html", ["contentBase64"] = Convert.ToBase64String("<script>1</script>"u8) });
        using var posted = await small.PostAsync(body);
        var id = ReportId.Parse((await SmallNode.AcceptedAsync(posted)).GetProperty("id").GetString()!, null);
        await using var db = small.Node.Databases.ForSystem();
        var file = await db.ReportAttachments.SingleAsync(a => a.Report == id, Ct);
        using var sato = await small.Node.SignedInAsync("sato@aozora.example");
        using var download = await sato.GetAsync($"/reports/{id}/files/{file.Id}", Ct);
        Assert.Equal(HttpStatusCode.OK, download.StatusCode);
        Assert.Equal("application/octet-stream", download.Content.Headers.ContentType?.MediaType);
        Assert.Equal("nosniff", download.Headers.GetValues("X-Content-Type-Options").Single());
        var disposition = download.Content.Headers.ContentDisposition!;
        Assert.Equal("attachment", disposition.DispositionType);
        foreach (var said in new[] { disposition.FileName?.Trim('"'), disposition.FileNameStar }.OfType<string>())
        {
            Assert.DoesNotMatch("[/\\\\\r\n\"\u202E]|^\\.\\.|^CON$", said);
        }

        Assert.False(download.Headers.Contains("Set-Cookie") && download.Headers.GetValues("Set-Cookie").Any(c => c.StartsWith("x=", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task No_export_hands_a_spreadsheet_a_formula()
    {
        string[] formulas = ["=HYPERLINK(\"http://evil.example\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "＝1+1"];
        using var token = await small.Node.WithTokenAsync("aozora");
        foreach (var formula in formulas)
        {
            using var posted = await token.PostAsJsonAsync("/api/v1/reports", new { type = "request", summary = formula, description = $"http://page{Array.IndexOf(formulas, formula)}.example/x", reporter = new { name = formula, organization = formula }, language = "en" }, Ct);
            var id = (await SmallNode.AcceptedAsync(posted)).GetProperty("id").GetString();
            using var accepted = await token.PostAsJsonAsync($"/api/v1/reports/{id}/accept", new { title = formula }, Ct);
            Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
            var incident = (await accepted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("incidentId").GetString();
            using var drafted = await token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown", recipient = new { name = formula, mail = "abuse@hosting.example", language = "en", role = "abuseDesk", why = "test" } }, Ct);
            Assert.True(drafted.StatusCode == HttpStatusCode.Created, formula + ": " + await drafted.Content.ReadAsStringAsync(Ct));
        }

        await using (var db = small.Node.Databases.ForSystem())
        {
            var i = 0;
            foreach (var formula in formulas)
            {
                var team = await TestDirectory.TeamAsync(db, small.Node, "formula" + i++, formula, formula);
                TestDirectory.Contact(db, small.Node, team, formula, "formula@contact.example");
            }

            await db.SaveChangesAsync(Ct);
        }

        using var tanaka = await small.Node.SignedInAsync("tanaka@aozora.example");
        foreach (var export in new[] { "/reports.csv", "/incidents.csv", "/requests.csv", "/directory/export" })
        {
            using var answer = await tanaka.GetAsync(export, Ct);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{export}: {(int)answer.StatusCode}");
            Assert.Equal("attachment", answer.Content.Headers.ContentDisposition?.DispositionType);
            var cells = Cells(await answer.Content.ReadAsStringAsync(Ct));
            Assert.Contains(cells, c => c.Contains("SUM", StringComparison.Ordinal));
            Assert.DoesNotContain(cells, c => c.Length > 1 && "=+-@\t\r＝＋－＠".Contains(c[0], StringComparison.Ordinal));
        }
    }

    /// <summary>The cells as a spreadsheet sees them (RFC 4180).</summary>
    private static List<string> Cells(string csv)
    {
        var (cells, cell, quoted) = (new List<string>(), new StringBuilder(), false);
        var text = csv.TrimStart('\uFEFF');
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"' when quoted && i + 1 < text.Length && text[i + 1] == '"':
                    cell.Append('"');
                    i++;
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case ',' or '\n' when !quoted:
                    cells.Add(cell.ToString());
                    cell.Clear();
                    break;
                case '\r' when !quoted:
                    break;
                default:
                    cell.Append(text[i]);
                    break;
            }
        }

        return cells;
    }

    [GeneratedRegex("<script(?![^>]*src=\"/)|<img[^>]+onerror|<svg/onload|<svg[^>]+onload", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Live();

    [GeneratedRegex("name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Csrf();
}
