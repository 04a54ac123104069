using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Web;

namespace Renkei.Node.Tests.Api;

/// <summary>Every error of the API is problem+json that names what is wrong; a person's browser gets a page. Who is refused is told to the audit log.</summary>
public class ApiErrorTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_route_that_takes_JSON_says_what_is_wrong_with_it()
    {
        await using var desk = await RestDesk.StartAsync();
        var seen = 0;
        foreach (var route in Routes(desk).Where(r => r.Metadata.GetMetadata<IAcceptsMetadata>() is not null && r.RoutePattern.RawText != "/api/v1/reports"))
        {
            seen++;
            var (method, path) = (new HttpMethod(route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]), desk.Fill(route.RoutePattern.RawText!));
            using var cut = await RestDesk.RawAsync(desk.Token, method, path, "{\"text\":", "*");
            var problem = await ProblemAsync(cut, HttpStatusCode.BadRequest, path);
            Assert.Equal("Not JSON", problem.GetProperty("title").GetString());
            Assert.NotEmpty(problem.GetProperty("errors").EnumerateObject());
            using var list = await RestDesk.RawAsync(desk.Token, method, path, "[1]", "*");
            problem = await ProblemAsync(list, HttpStatusCode.BadRequest, path);
            Assert.NotEmpty(problem.GetProperty("errors").EnumerateObject());
            Assert.DoesNotContain("System.", problem.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("Renkei.", problem.ToString(), StringComparison.Ordinal);
            using var text = new HttpRequestMessage(method, path) { Content = new StringContent("reason=x") };
            using var form = await desk.Token.SendAsync(text, Ct);
            await ProblemAsync(form, HttpStatusCode.UnsupportedMediaType, path);
        }

        Assert.True(seen >= 18, $"only {seen} routes take JSON");
    }

    [Theory]
    [InlineData("POST", "/api/v1/reports/{id}/accept", "{\"incidentId\":5}", "incidentId")]
    [InlineData("POST", "/api/v1/reports/{id}/accept", "{\"category\":[]}", "category")]
    [InlineData("POST", "/api/v1/reports/{id}/split", "{\"parts\":[{\"observables\":[{\"id\":\"x\"}]}]}", "parts[0].observables[0].id")]
    [InlineData("POST", "/api/v1/incidents/{id}/targets", "{\"targets\":[{\"value\":5}]}", "targets[0].value")]
    [InlineData("POST", "/api/v1/incidents/{id}/targets", "{\"targets\":[{\"value\":\"no observable\"}]}", "targets[0].value")]
    [InlineData("POST", "/api/v1/incidents/{id}/attachments", "{\"attachments\":[{\"name\":\"a\",\"what\":\"other\",\"contentBase64\":\"%%%\"}]}", "attachments[0].contentBase64")]
    [InlineData("POST", "/api/v1/incidents/{id}/timeline", "{\"what\":\"event\",\"text\":\"x\",\"at\":\"soon\",\"timezone\":\"UTC\"}", "at")]
    [InlineData("POST", "/api/v1/incidents/{id}/requests", "{\"purpose\":\"takedown\",\"dueAt\":\"soon\"}", "dueAt")]
    [InlineData("POST", "/api/v1/requests/{id}/send", "{\"date\":true}", "date")]
    [InlineData("POST", "/api/v1/incidents/not-an-id/close", "{}", "id")]
    [InlineData("POST", "/api/v1/reports/{id}/messages", "", "body")]
    [InlineData("GET", "/api/v1/reports?state=nonsense", null, "state")]
    [InlineData("GET", "/api/v1/reports?channel=pigeon", null, "channel")]
    [InlineData("GET", "/api/v1/reports?limit=many", null, "limit")]
    [InlineData("GET", "/api/v1/reports?limit=0", null, "limit")]
    [InlineData("GET", "/api/v1/incidents?severity=awful", null, "severity")]
    [InlineData("GET", "/api/v1/incidents?after=elsewhere", null, "after")]
    [InlineData("GET", "/api/v1/requests?incident=x", null, "incident")]
    [InlineData("GET", "/api/v1/requests/x", null, "id")]
    [InlineData("GET", "/api/v1/incidents/{id}/timeline?kind=gossip", null, "kind")]
    [InlineData("GET", "/api/v1/incidents/{id}/attachments/x", null, "attachment")]
    [InlineData("GET", "/api/v1/directory/lookup", null, "q")]
    public async Task The_wrong_field_is_named(string method, string path, string? body, string field)
    {
        await using var desk = await RestDesk.StartAsync();
        using var answer = await RestDesk.RawAsync(desk.Token, new HttpMethod(method), desk.Fill(path), body);
        var problem = await ProblemAsync(answer, HttpStatusCode.BadRequest, path);
        var errors = problem.GetProperty("errors");
        Assert.True(errors.TryGetProperty(field, out var reasons), problem.ToString());
        Assert.False(string.IsNullOrWhiteSpace(reasons[0].GetString()));
    }

    [Fact]
    public async Task What_is_no_route_or_no_method_of_one_is_problem_json_too()
    {
        await using var node = await TestNode.StartAsync();
        using var token = await node.WithTokenAsync("aozora");
        using var nowhere = await token.GetAsync("/api/v1/nothing/here", Ct);
        await ProblemAsync(nowhere, HttpStatusCode.NotFound, "nowhere");
        using var put = await token.PutAsJsonAsync("/api/v1/reports", new { }, Ct);
        await ProblemAsync(put, HttpStatusCode.MethodNotAllowed, "put");
        Assert.Contains("GET", put.Content.Headers.Allow);
        using var unknown = await token.GetAsync($"/api/v1/reports/{Guid.NewGuid()}", Ct);
        await ProblemAsync(unknown, HttpStatusCode.NotFound, "unknown");
    }

    [Theory]
    [InlineData("auditor@aozora.example", "/incidents", "この役割ではできません")]
    [InlineData("smith@aozora.example", "/people", "Your role may not do this")]
    public async Task A_person_whose_role_may_not_gets_a_page_in_their_language_and_the_audit_log_tells_it(string email, string path, string words)
    {
        await using var node = await TestNode.StartAsync();
        using var person = await node.SignedInAsync(email);
        using var answer = await person.GetAsync(path, Ct);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains(words, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(Ct)), StringComparison.Ordinal);
        await using var db = node.Databases.ForSystem();
        var entry = await db.Audit.SingleAsync(a => a.Action == "read.refused", Ct);
        Assert.StartsWith("person:", entry.Actor, StringComparison.Ordinal);
        Assert.Equal((await node.TeamAsync("aozora")).Id, entry.Team);
        Assert.Contains("GET " + path, entry.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_without_the_scope_leaves_one_entry_and_one_without_a_token_none()
    {
        await using var node = await TestNode.StartAsync();
        using var token = await node.WithTokenAsync("aozora", Scopes.ReportsRead);
        using var anonymous = node.Anonymous();
        using var open = await anonymous.GetAsync("/api/v1/incidents", Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, open.StatusCode);
        using var refused = await token.PostAsJsonAsync($"/api/v1/incidents/{Guid.NewGuid()}/close", new { }, Ct);
        await ProblemAsync(refused, HttpStatusCode.Forbidden, "close");
        await using var db = node.Databases.ForSystem();
        var entry = await db.Audit.SingleAsync(a => a.Action.EndsWith(".refused"), Ct);
        Assert.Equal("write.refused", entry.Action);
        Assert.StartsWith("token:", entry.Actor, StringComparison.Ordinal);
        Assert.Contains(Scopes.IncidentsWrite, entry.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/requests.csv", "requests.exported")]
    [InlineData("/directory/export", "directory.exported")]
    public async Task An_export_leaves_an_entry_with_its_rows(string path, string action)
    {
        await using var desk = await RestDesk.StartAsync();
        using var smith = await desk.Node.SignedInAsync("smith@aozora.example");
        using var file = await smith.GetAsync(path, Ct);
        Assert.Equal(HttpStatusCode.OK, file.StatusCode);
        var entry = await desk.AskAsync(db => db.Audit.SingleAsync(a => a.Action == action, Ct));
        using var detail = JsonDocument.Parse(entry.Detail);
        Assert.True(detail.RootElement.GetProperty("rows").GetInt32() >= 1);
        Assert.StartsWith("person:", entry.Actor, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_says_that_all_is_well_and_which_version_it_is()
    {
        await using var node = await TestNode.StartAsync(people: false);
        using var client = node.Anonymous();
        var health = await client.GetFromJsonAsync<JsonElement>("/healthz", Ct);
        Assert.Equal("ok", health.GetProperty("status").GetString());
        Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+$", health.GetProperty("version").GetString());
    }

    internal static IEnumerable<RouteEndpoint> Routes(RestDesk desk) =>
        desk.Node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(r => r.RoutePattern.RawText!.StartsWith("/api/v1/", StringComparison.Ordinal));

    internal static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer, HttpStatusCode expected, string what)
    {
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True(answer.StatusCode == expected, $"{what}: {(int)answer.StatusCode} {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        using var json = JsonDocument.Parse(text);
        Assert.False(string.IsNullOrWhiteSpace(json.RootElement.GetProperty("title").GetString()));
        return json.RootElement.Clone();
    }
}
