using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.IntakeBadInput;

/// <summary>What a reporter can say apart from the text: where it came from, what it hit, their country and number, and how far their clock was off.</summary>
public class StatedFieldsTests(SmallNode small) : IClassFixture<SmallNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static Dictionary<string, string> Form(params (string Name, string Value)[] more)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["kind"] = "request", ["summary"] = "Log-in attempts", ["disclosure"] = "none", ["tlp"] = "AMBER", ["clock"] = "unknown" };
        foreach (var (name, value) in more)
        {
            fields[name] = value;
        }

        return fields;
    }

    [Fact]
    public async Task The_form_keeps_what_was_stated_and_the_desk_sees_it_in_fields_of_its_own()
    {
        using var anyone = small.Node.Anonymous();
        using var sent = await TestNode.PostFormAsync(anyone, "/report/aozora", "/report/aozora", Form(
            ("description", "Since this morning."), ("source", "hxxp://evil[.]example/x\r\nscanner 203.0.113.66"), ("target", "vpn.minato.example"), ("when", "2026-11-20 05:10"), ("zone", "Asia/Tokyo"),
            ("clock", "ahead"), ("clock-error", "1分30秒"), ("country", "de"), ("reference", "TICKET-77"), ("organisation", "Hafen GmbH")));
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        await using var db = small.Node.Databases.ForSystem();
        var report = await db.Reports.AsNoTracking().OrderByDescending(r => r.ReceivedAt).FirstAsync(r => r.ReporterReference == "TICKET-77", Ct);
        Assert.Equal(("DE", 90L), (report.ReporterCountry, ClockError.Of(report.ClockNote)!.Value));
        var stated = await db.ReportObservables.AsNoTracking().Where(o => o.Report == report.Id && o.Stated).Select(o => o.Value).ToListAsync(Ct);
        Assert.Equal(["203.0.113.66", "http://evil.example/x", "vpn.minato.example"], stated.Order(StringComparer.Ordinal));
        // the host of a stated URL is found, as in the text
        Assert.True(await db.ReportObservables.AnyAsync(o => o.Report == report.Id && !o.Stated && o.Value == "evil.example", Ct));

        using var sato = await small.Node.SignedInAsync("sato@aozora.example");
        var page = WebUtility.HtmlDecode(await sato.GetStringAsync($"/reports/{report.Id}", Ct));
        Assert.Contains("scanner 203.0.113[.]66", page, StringComparison.Ordinal);
        Assert.Contains("vpn.minato[.]example", page, StringComparison.Ordinal);
        Assert.Contains("被害を受けたシステム", page, StringComparison.Ordinal);
        Assert.Contains("TICKET-77", page, StringComparison.Ordinal);
        Assert.Contains("時計が1分30秒進んでいる", page, StringComparison.Ordinal);
        Assert.DoesNotContain("攻撃元: ", page, StringComparison.Ordinal);
        Assert.Contains("scanner 203.0.113[.]66", WebUtility.HtmlDecode(await sato.GetStringAsync($"/triage/{report.Id}/preview", Ct)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_country_makes_a_web_report_one_from_overseas()
    {
        using var anyone = small.Node.Anonymous();
        foreach (var (summary, country) in new[] { ("From Seoul", "KR"), ("From Tokyo", "JP"), ("From nowhere", "") })
        {
            using var sent = await TestNode.PostFormAsync(anyone, "/report/aozora", "/report/aozora", Form(("summary", summary), ("country", country), ("disclosure", "full")));
            Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        }

        using var sato = await small.Node.SignedInAsync("sato@aozora.example");
        var queue = await sato.GetStringAsync("/triage?View=overseas", Ct);
        Assert.Contains("From Seoul", queue, StringComparison.Ordinal);
        Assert.DoesNotContain("From Tokyo", queue, StringComparison.Ordinal);
        Assert.DoesNotContain("From nowhere", queue, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("source", "our old printer", "source")]
    [InlineData("target", "192.0.2.1\nnothing at all", "target")]
    [InlineData("clock-error", "a lot", "clock-error")]
    [InlineData("clock-error", "90", "clock")]
    [InlineData("country", "Japan", "country")]
    public async Task A_field_that_cannot_be_read_is_named_and_what_was_written_is_kept(string field, string value, string named)
    {
        var before = await small.CountAsync();
        using var anyone = small.Node.Anonymous();
        using var sent = await TestNode.PostFormAsync(anyone, "/report/aozora", "/report/aozora", Form((field, value)));
        Assert.Equal(HttpStatusCode.BadRequest, sent.StatusCode);
        var page = WebUtility.HtmlDecode(await sent.Content.ReadAsStringAsync(Ct));
        Assert.Contains($"href=\"#{named}\"", page, StringComparison.Ordinal);
        Assert.Contains(value.Split('\n')[^1], page, StringComparison.Ordinal);
        Assert.Equal(before, await small.CountAsync());
    }

    [Fact]
    public async Task The_clock_cannot_be_right_and_far_off_nor_ahead_and_behind()
    {
        using var anyone = small.Node.Anonymous();
        foreach (var (clock, error) in new[] { ("right", "+1 h"), ("ahead", "-5 min"), ("behind", "+5 min") })
        {
            using var sent = await TestNode.PostFormAsync(anyone, "/report/aozora", "/report/aozora", Form(("clock", clock), ("clock-error", error)));
            Assert.Equal(HttpStatusCode.BadRequest, sent.StatusCode);
            Assert.Contains("href=\"#clock-error\"", await sent.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_same_goes_by_rest_and_comes_back_apart_from_the_text()
    {
        var body = SmallNode.Body();
        body["description"] = "As sent.";
        body["source"] = new JsonArray("203.0.113.99", "hxxps://bad[.]example/");
        body["target"] = new JsonArray("198.51.100.99");
        body["clockErrorSeconds"] = -75;
        body["reporter"] = new JsonObject { ["country"] = "us", ["reference"] = "A-1" };
        using var sent = await small.PostAsync(body);
        var id = (await SmallNode.AcceptedAsync(sent)).GetProperty("id").GetString();
        using var machine = await small.Node.WithTokenAsync("aozora");
        var report = (await machine.GetFromJsonAsync<JsonElement>($"/api/v1/reports/{id}", Ct));
        Assert.Equal("As sent.", report.GetProperty("description").GetString());
        Assert.Equal(["203.0.113.99", "hxxps://bad[.]example/"], report.GetProperty("source").EnumerateArray().Select(s => s.GetString()));
        Assert.Equal(["198.51.100.99"], report.GetProperty("target").EnumerateArray().Select(s => s.GetString()));
        Assert.Equal(-75, report.GetProperty("clockErrorSeconds").GetInt64());
        Assert.Equal("A-1", report.GetProperty("reporter").GetProperty("reference").GetString());
    }

    [Fact]
    public async Task By_rest_too_every_wrong_field_is_named_with_its_place()
    {
        var before = await small.CountAsync();
        foreach (var (field, value, named) in new (string, JsonNode, string)[]
        {
            ("source", new JsonArray("192.0.2.1", "nothing"), "source[1]"),
            ("target", new JsonArray(7), "target[0]"),
            ("target", "192.0.2.1", "target"),
            ("source", new JsonArray([.. Enumerable.Range(0, 21).Select(i => (JsonNode)$"192.0.2.{i}")]), "source"),
            ("source", new JsonArray("192.0.2.1 " + new string('a', 2_000)), "source[0]"),
            ("clockErrorSeconds", "ninety", "clockErrorSeconds"),
            ("clockErrorSeconds", 1.5, "clockErrorSeconds"),
            ("clockErrorSeconds", 1e30, "clockErrorSeconds"),
            ("clockErrorSeconds", 400_000_000, "clockErrorSeconds"),
        })
        {
            var body = SmallNode.Body();
            body[field] = value;
            using var sent = await small.PostAsync(body);
            Assert.True((await SmallNode.ProblemAsync(sent, HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty(named, out _), named);
        }

        Assert.Equal(before, await small.CountAsync());
    }

    [Fact]
    public async Task What_was_named_as_hit_is_proposed_as_the_victim()
    {
        var body = SmallNode.Body("A scan of our addresses");
        body["source"] = new JsonArray("203.0.113.150");
        body["target"] = new JsonArray("198.51.100.150");
        using var sent = await small.PostAsync(body);
        var id = (await SmallNode.AcceptedAsync(sent)).GetProperty("id").GetString();
        using var machine = await small.Node.WithTokenAsync("aozora");
        using var accepted = await machine.PostAsJsonAsync($"/api/v1/reports/{id}/accept", new { category = "information-gathering", type = "scanner", title = "Scan" }, Ct);
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
        await using var db = small.Node.Databases.ForSystem();
        var roles = await db.IncidentTargets.AsNoTracking().Where(t => t.Value == "203.0.113.150" || t.Value == "198.51.100.150").ToDictionaryAsync(t => t.Value, t => t.Role, Ct);
        Assert.Equal((TargetRole.SteppingStone, TargetRole.Victim), (roles["203.0.113.150"], roles["198.51.100.150"]));
    }

    [Fact]
    public async Task A_report_taken_by_phone_states_the_same()
    {
        using var sato = await small.Node.SignedInAsync("sato@aozora.example");
        using var taken = await TestNode.PostFormAsync(sato, "/reports/new", "/reports/new", Form(("channel", "phone"), ("summary", "A caller"), ("source", "203.0.113.200"), ("country", "kr"), ("clock", "behind"), ("clock-error", "2:00")));
        Assert.Equal(HttpStatusCode.SeeOther, taken.StatusCode);
        await using var db = small.Node.Databases.ForSystem();
        var report = await db.Reports.AsNoTracking().SingleAsync(r => r.Summary == "A caller", Ct);
        Assert.Equal((Channel.Phone, "KR", -120L), (report.Channel, report.ReporterCountry, ClockError.Of(report.ClockNote)!.Value));
        Assert.NotNull(report.TakenBy);
        Assert.True(await db.ReportObservables.AnyAsync(o => o.Report == report.Id && o.Stated && o.Value == "203.0.113.200", Ct));
        var page = await sato.GetStringAsync(taken.Headers.Location!.ToString(), Ct);
        Assert.Contains(report.Number, page, StringComparison.Ordinal);
        Assert.Contains("/report/status/", page, StringComparison.Ordinal);
    }
}
