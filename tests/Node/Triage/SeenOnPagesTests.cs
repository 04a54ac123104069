using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Geo;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Api;

namespace Renkei.Node.Tests.Triage;

/// <summary>What the desk sees of a report without asking: by when it is due, where its addresses lie, what is like it and why; and the label it gives.</summary>
public class SeenOnPagesTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("request", ReportKind.Request, "Request")]
    [InlineData("consultation", ReportKind.Consultation, "Consultation")]
    [InlineData("information", ReportKind.Information, "Information")]
    public async Task Each_kind_comes_in_by_API_and_form_with_its_time_and_its_word(string word, ReportKind kind, string shown)
    {
        var byApi = await desk.ReportAsync($"a {word} by API", more: new() { ["type"] = word });
        using var client = desk.Node.Anonymous();
        using var sent = await TestNode.PostFormAsync(client, "/report/aozora", "/report/aozora", new() { ["kind"] = word, ["summary"] = $"a {word} by form", ["clock"] = "unknown", ["disclosure"] = "none" });
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        await using var db = desk.Node.Databases.ForSystem();
        var byForm = await db.Reports.AsNoTracking().SingleAsync(r => r.Summary == $"a {word} by form", Ct);
        foreach (var report in new[] { await desk.StateAsync(byApi), byForm })
        {
            Assert.Equal((kind, ReportDue.Of(kind, report.ReceivedAt, TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo"))), (report.Type, report.DueAt));
            var due = report.DueAt.ToOffset(TimeSpan.FromHours(9)).ToString("HH:mm", CultureInfo.InvariantCulture);
            var page = await DeskNode.PageAsync(desk.Smith, $"/reports/{report.Id}");
            Assert.Contains(shown, page, StringComparison.OrdinalIgnoreCase);
            Assert.Contains(due, page, StringComparison.Ordinal);
        }

        // and the reporter is told by when somebody reads it, without a time of night that nobody works at
        Assert.Contains("1営業日以内に担当者が内容を読みます", WebUtility.HtmlDecode(await client.GetStringAsync(sent.Headers.Location, Ct)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_tables_were_loaded_an_observable_says_its_AS_its_country_and_its_network()
    {
        var before = await desk.ReportAsync("before the tables", "198.51.100.40");
        var folder = Directory.CreateTempSubdirectory("renkei-test-").FullName;
        try
        {
            var routes = Path.Combine(folder, "routes");
            await File.WriteAllTextAsync(routes, "198.51.100.0/25 64501\n", Ct);
            var registry = Path.Combine(folder, "delegated-apnic-latest");
            await File.WriteAllTextAsync(registry, "2|apnic|20260101|1|19830101|20260101|+1000\napnic|*|ipv4|*|1|summary\napnic|JP|ipv4|198.51.100.0|256|20110101|allocated\n", Ct);
            var loaded = desk.Node.Services.GetRequiredService<GeoStore>().Load([routes, registry], desk.Node.Clock, Ct);
            Assert.True(loaded.Changed, string.Join("; ", loaded.Files.Select(f => f.Refused)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        var report = await desk.ReportAsync("after the tables", "From 198.51.100.40 this morning.");
        var page = await DeskNode.PageAsync(desk.Smith, $"/reports/{report}");
        foreach (var shown in new[] { "AS64501", "JP", "198.51.100[.]0/25" })
        {
            Assert.Contains(shown, page, StringComparison.Ordinal);
        }

        var preview = await DeskNode.PageAsync(desk.Smith, $"/triage/{report}/preview");
        Assert.Contains("AS64501", preview, StringComparison.Ordinal);
        using var token = await desk.Node.WithTokenAsync("aozora");
        var observable = (await token.GetFromJsonAsync<JsonElement>($"/api/v1/reports/{report}", Ct)).GetProperty("observables")[0];
        Assert.Equal((64501, "JP", "198.51.100.0/25"), (observable.GetProperty("asn").GetInt32(), observable.GetProperty("country").GetString(), observable.GetProperty("prefix").GetString()));
        // a target that is made of it knows it too; what came before the tables says nothing and is not invented
        var incident = await desk.AcceptAsync(report, "After the tables");
        await using var db = desk.Node.Databases.ForSystem();
        var target = await db.IncidentTargets.AsNoTracking().SingleAsync(t => t.Incident == incident.Id, Ct);
        Assert.Equal((64501, "JP"), (target.Asn, target.Country));
        Assert.DoesNotContain("AS64501", await DeskNode.PageAsync(desk.Smith, $"/reports/{before}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_like_a_report_is_said_with_the_reason_in_the_queue_beside_it_and_where_it_is_accepted()
    {
        var first = await desk.ReportAsync("bank page, first", "https://login.kanariya-bank.example/v/1");
        var incident = await desk.AcceptAsync(first, "Kanariya bank");
        var second = await desk.ReportAsync("bank page, second", "https://login.kanariya-bank.example/v/1");
        var third = await desk.ReportAsync("bank page, third", "https://login.kanariya-bank.example/v/1?id=4");
        var queue = await DeskNode.PageAsync(desk.Smith, "/triage");
        Assert.Contains("Duplicate 80 %", queue, StringComparison.Ordinal);
        Assert.Contains("same URL but for its query", queue, StringComparison.Ordinal);
        Assert.Contains(incident.Number, queue, StringComparison.Ordinal);
        var preview = await DeskNode.PageAsync(desk.Smith, $"/triage/{second}/preview");
        Assert.Contains($"{incident.Number} is where it belongs most naturally.", preview, StringComparison.Ordinal);
        Assert.Contains("same URL", preview, StringComparison.Ordinal);
        Assert.Contains((await desk.StateAsync(first)).Number, preview, StringComparison.Ordinal);
        Assert.Contains("same URL", await DeskNode.PageAsync(desk.Smith, $"/triage/accept?into=existing&pick={second}"), StringComparison.Ordinal);
        Assert.Contains("same URL but for its query", await DeskNode.PageAsync(desk.Smith, $"/triage/duplicate?pick={third}"), StringComparison.Ordinal);
        // on the report's own page, too, and who has decided on it is not asked again
        Assert.Matches(new Regex("id=\"like\".*" + Regex.Escape(incident.Number) + ".*same URL", RegexOptions.Singleline, TimeSpan.FromSeconds(5)), await DeskNode.PageAsync(desk.Smith, $"/reports/{third}"));
        Assert.DoesNotContain("id=\"like\"", await DeskNode.PageAsync(desk.Smith, $"/reports/{first}"), StringComparison.Ordinal);
        // there each observable says in how many others it was seen
        Assert.Matches("href=\"/search\\?q=https%3A%2F%2Flogin\\.kanariya-bank\\.example%2Fv%2F1\"", await desk.Smith.GetStringAsync($"/reports/{second}", Ct));
    }

    [Fact]
    public async Task A_label_of_the_team_is_set_by_form_and_by_PATCH_and_taken_away_again()
    {
        using var lead = await desk.Node.SignedInAsync("tanaka@aozora.example");
        using var saved = await DeskNode.PostAsync(lead, "/settings/labels", ("version", "0"), ("code", "phishing-bank"), ("ja", "銀行フィッシング"), ("en", "Bank phishing"), ("rsit", "fraud/phishing"));
        Assert.Equal(HttpStatusCode.SeeOther, saved.StatusCode);
        var incident = await desk.IncidentAsync("To be labelled");
        (string, string)[] fields = [("version", Text(incident.Version)), ("title", incident.Title), ("summary", ""), ("rsit", "fraud/phishing"), ("severity", "medium"), ("tlp", "AMBER"), ("pap", "AMBER"), ("occurred", ""), ("zone", ""), ("clock", ""), ("owner", "")];
        using var unknown = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/edit", [.. fields, ("label", "1:no-such")]);
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
        Assert.Contains("href=\"#label\"", await unknown.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var set = await DeskNode.PostAsync(desk.Smith, $"/incidents/{incident.Id}/edit", [.. fields, ("label", "1:phishing-bank")]);
        Assert.True(set.StatusCode == HttpStatusCode.SeeOther, await set.Content.ReadAsStringAsync(Ct));
        Assert.Equal(("phishing-bank", 1), await LabelAsync(incident.Id));
        Assert.Contains("Bank phishing", await DeskNode.PageAsync(desk.Smith, $"/incidents/{incident.Id}"), StringComparison.Ordinal);

        using var token = await desk.Node.WithTokenAsync("aozora");
        Assert.Equal(HttpStatusCode.OK, await PatchAsync(token, incident.Id, """{"label":null}"""));
        Assert.Equal((null, null), await LabelAsync(incident.Id));
        Assert.Equal(HttpStatusCode.BadRequest, await PatchAsync(token, incident.Id, """{"label":"2:phishing-bank"}"""));
        Assert.Equal(HttpStatusCode.OK, await PatchAsync(token, incident.Id, """{"label":"1:phishing-bank"}"""));
        Assert.Equal(("phishing-bank", 1), await LabelAsync(incident.Id));
        Assert.Equal("phishing-bank", (await token.GetFromJsonAsync<JsonElement>($"/api/v1/incidents/{incident.Id}", Ct)).GetProperty("label").GetString());
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<HttpStatusCode> PatchAsync(HttpClient token, IncidentId id, string patch)
    {
        using var read = await token.GetAsync($"/api/v1/incidents/{id}", Ct);
        using var answer = await RestDesk.RawAsync(token, HttpMethod.Patch, $"/api/v1/incidents/{id}", patch, read.Headers.ETag!.ToString());
        return answer.StatusCode;
    }

    private async Task<(string? Label, int? Version)> LabelAsync(IncidentId id)
    {
        await using var db = desk.Node.Databases.ForSystem();
        var stored = await db.Incidents.AsNoTracking().SingleAsync(i => i.Id == id, Ct);
        return (stored.Label, stored.LabelVersion);
    }
}
