using System.Net;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Node.Tests.Api;
using Renkei.Node.Tests.Triage;
using Renkei.Web;

namespace Renkei.Node.Tests.Security;

/// <summary>A NUL in what people and scripts send: PostgreSQL stores none and compares with none, so that each door has to see it first.</summary>
public partial class NulTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task What_is_looked_up_by_a_text_with_a_NUL_is_not_found_and_the_field_is_named(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        using var smith = await desk.Node.SignedInAsync("smith@aozora.example");
        using var listed = await smith.GetAsync("/incidents?Category=%00&sort=opened", Ct);
        Assert.Equal(HttpStatusCode.OK, listed.StatusCode);
        Assert.DoesNotContain(desk.Incident, await listed.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var counted = await smith.GetAsync("/incidents?Category=fraud%00", Ct);
        Assert.Equal(HttpStatusCode.OK, counted.StatusCode);
        await NamedAsync(await desk.Token.GetAsync("/api/v1/incidents?category=%00", Ct), "category");

        var (other, _) = await desk.ReportAsync("Another", "203.0.113.77");
        foreach (var (path, field, named) in new[]
        {
            ("/triage/duplicate", "number", "number"), ("/triage/duplicate", "of", "number"), ("/triage/accept", "incident", "incident"), ("/triage/split", "incident.A", "incident.A"), ("/triage/assign", "person", "person"),
        })
        {
            // as multipart: in the other encoding the framework itself refuses a NUL, without saying where
            using var answer = await DeskNode.UploadAsync(smith, path, [("pick", other), ("into", "existing"), (field, "INC-2026\0")]);
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{path} {field}: {(int)answer.StatusCode}");
            Assert.Contains($"id=\"{named}-err\"", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }

        using (var answer = await desk.Token.PostAsJsonAsync($"/api/v1/reports/{other}/duplicate", new { of = "R-2026\0" }, Ct))
        {
            await NamedAsync(answer, "of");
        }

        var page = await smith.GetStringAsync($"/incidents/{desk.Incident}/edit", Ct);
        foreach (var field in new[] { "label", "owner", "audience", "rsit", "severity", "tlp", "pap" })
        {
            using var answer = await DeskNode.UploadAsync(smith, $"/incidents/{desk.Incident}/edit", [.. Fields(page).Where(f => f.Name != field && f.Name != "csrf"), (field, field == "label" ? "0:x\0" : "a\0")]);
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"edit {field}: {(int)answer.StatusCode}");
            Assert.Contains($"href=\"#{field}\"", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }

        foreach (var (field, value, named) in new[] { ("label", "0:x\0", "label"), ("owner", "\0", "owner"), ("category", "fraud\0", "type"), ("type", "phishing\0", "type") })
        {
            using var read = await desk.Token.GetAsync($"/api/v1/incidents/{desk.Incident}", Ct);
            using var answer = await RestDesk.RawAsync(desk.Token, HttpMethod.Patch, $"/api/v1/incidents/{desk.Incident}", JsonSerializer.Serialize(new Dictionary<string, string> { [field] = value }), read.Headers.ETag!.ToString());
            await NamedAsync(answer, named);
        }

        static async Task NamedAsync(HttpResponseMessage answer, string field)
        {
            var text = await answer.Content.ReadAsStringAsync(Ct);
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{field}: {(int)answer.StatusCode} {text}");
            Assert.True(JsonSerializer.Deserialize<JsonElement>(text).GetProperty("errors").TryGetProperty(field, out _), text);
        }
    }

    [Fact]
    public async Task No_query_of_any_page_or_of_the_API_fails_on_a_NUL()
    {
        await using var desk = await RestDesk.StartAsync("postgres");
        using var tanaka = await desk.Node.SignedInAsync("tanaka@aozora.example");
        using var op = await desk.Node.SignedInAsync("operator@aozora.example");
        var failed = new List<string>();
        var asked = 0;
        foreach (var route in desk.Node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") == true && !e.RoutePattern.RawText!.Contains("events", StringComparison.Ordinal)))
        {
            var access = route.Metadata.GetRequiredMetadata<Access>();
            var client = access.Scope is not null ? desk.Token : access.Right == Kernel.Right.OperateNode ? op : tanaka;
            var path = Parameter().Replace(desk.Fill(route.RoutePattern.RawText!), m => m.Value.Contains("number", StringComparison.Ordinal) ? "1" : Guid.Empty.ToString());
            foreach (var name in Queries(route))
            {
                using var answer = await client.GetAsync($"{path}?{name}=a%00b", Ct);
                asked++;
                if ((int)answer.StatusCode >= 500)
                {
                    failed.Add($"{path}?{name}: {(int)answer.StatusCode}");
                }
            }
        }

        Assert.True(asked > 100, $"only {asked}");
        Assert.Empty(failed);
    }

    [Fact]
    public async Task No_field_of_any_form_fails_on_a_NUL()
    {
        await using var desk = await RestDesk.StartAsync("postgres");
        string entry;
        await using (var db = desk.Node.Databases.ForSystem())
        {
            var team = await TestDirectory.TeamAsync(db, desk.Node, "book", "名簿", "Book");
            entry = "/directory/" + team.Id;
            TestDirectory.Contact(db, desk.Node, team, "Desk", "desk@book.example");
            await db.SaveChangesAsync(Ct);
        }

        var (fresh, _) = await desk.ReportAsync("Another", "203.0.113.77");
        using var tanaka = await desk.Node.SignedInAsync("tanaka@aozora.example");
        string[] pages =
        [
            "/me", "/me/security", "/people/invite", "/settings/tokens", "/settings/labels", "/directory/new", entry + "/edit", entry + "/constituencies", entry + "/contacts/new", "/directory/import", "/reports/new", "/incidents/new",
            "/report/aozora", desk.StatusUrl, $"/reports/{fresh}", $"/triage/accept?into=new&pick={fresh}", $"/triage/accept?into=existing&pick={fresh}", $"/triage/split?pick={fresh}", $"/triage/duplicate?pick={fresh}", $"/triage/reject?pick={fresh}", $"/triage/assign?pick={fresh}",
            $"/incidents/{desk.Incident}", $"/incidents/{desk.Incident}/edit", $"/incidents/{desk.Incident}/assign", $"/incidents/{desk.Incident}/notes/new", $"/incidents/{desk.Incident}/targets/new", $"/incidents/{desk.Incident}/targets/{desk.Target}", $"/incidents/{desk.Incident}/attachments/new",
            $"/incidents/{desk.Incident}/requests/new", $"/requests/{desk.Request}", $"/incidents/{desk.Incident}/close",
        ];
        var (failed, done) = (new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var page in pages)
        {
            using var shown = await tanaka.GetAsync(page, Ct);
            Assert.True(shown.StatusCode == HttpStatusCode.OK, $"{page}: {(int)shown.StatusCode}");
            foreach (Match form in Form().Matches(await shown.Content.ReadAsStringAsync(Ct)))
            {
                var action = WebUtility.HtmlDecode(form.Groups[1].Value);
                var fields = Fields(form.Value).Where(f => f.Name != "csrf").ToList();
                foreach (var field in fields.Select(f => f.Name).Distinct(StringComparer.Ordinal).Where(n => action != "/sign-out" && done.Add(action + " " + n)))
                {
                    using var answer = await DeskNode.UploadAsync(tanaka, action, [.. fields.Where(f => f.Name != field), (field, fields.First(f => f.Name == field).Value + "\0x")]);
                    if ((int)answer.StatusCode >= 500)
                    {
                        failed.Add($"{action} {field}: {(int)answer.StatusCode}");
                    }
                }
            }
        }

        Assert.True(done.Count > 120, $"only {done.Count}");
        Assert.Empty(failed);
    }

    /// <summary>Names that a handler takes from the query: its own text parameters, those of its filter, and those it reads by hand.</summary>
    private static HashSet<string> Queries(RouteEndpoint route)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "pick", "back", "into", "after" };
        foreach (var parameter in route.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? [])
        {
            if (parameter.GetCustomAttribute<AsParametersAttribute>() is not null)
            {
                names.UnionWith(parameter.ParameterType.GetProperties().Where(p => p.PropertyType == typeof(string)).Select(p => p.Name));
            }
            else if (parameter.ParameterType == typeof(string))
            {
                names.Add(parameter.Name!);
            }
        }

        return names;
    }

    /// <summary>Names and values of a page's inputs, in order; unticked boxes are left out.</summary>
    private static List<(string Name, string Value)> Fields(string html)
    {
        var fields = new List<(string, string)>();
        foreach (Match tag in Input().Matches(html))
        {
            var name = Attribute(tag.Value, "name");
            if (name.Length == 0 || (Attribute(tag.Value, "type") is "radio" or "checkbox" && !tag.Value.Contains(" checked", StringComparison.Ordinal)) || Attribute(tag.Value, "type") is "file")
            {
                continue;
            }

            var value = tag.Value.StartsWith("<textarea", StringComparison.Ordinal) ? tag.Value[(tag.Value.IndexOf('>', StringComparison.Ordinal) + 1)..tag.Value.LastIndexOf('<')]
                : tag.Value.StartsWith("<select", StringComparison.Ordinal) ? Attribute(Selected().Match(tag.Value).Value, "value") : Attribute(tag.Value, "value");
            fields.Add((name, WebUtility.HtmlDecode(value)));
        }

        return fields;
    }

    private static string Attribute(string tag, string name) => Regex.Match(tag, $" {name}=\"([^\"]*)\"", RegexOptions.NonBacktracking).Groups[1].Value;

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Parameter();

    [GeneratedRegex("<form[^>]*method=\"post\"[^>]*action=\"([^\"]+)\".*?</form>", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Form();

    [GeneratedRegex("<input[^>]*>|<textarea.*?</textarea>|<select.*?</select>|<button[^>]* name=[^>]*>", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Input();

    [GeneratedRegex("<option[^>]* selected[^>]*>", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Selected();
}
