using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Api;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.Requests;

/// <summary>What is longer than its field takes is refused by that field's name, and never cut; what was typed comes back.</summary>
public class TooLongTests
{
    private static readonly string Text = new('語', 20_001);
    private static readonly string Note = new('n', 2_001);
    private static readonly string Line = new('w', 501);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task By_REST_each_field_is_named()
    {
        await using var desk = await RestDesk.StartAsync();
        await desk.PostAsync($"/api/v1/requests/{desk.Request}/send", new { });
        (string Path, object Body, string Field)[] calls =
        [
            ($"/api/v1/requests/{desk.Request}/answer", new { what = "done", text = Text }, "text"),
            ($"/api/v1/requests/{desk.Request}/close", new { outcome = "done", text = Note }, "text"),
            ($"/api/v1/incidents/{desk.Incident}/targets/{desk.Target}/end", new { reason = Note }, "reason"),
            ($"/api/v1/incidents/{desk.Incident}/requests", new { purpose = "takedown", targets = new[] { desk.Target }, recipient = new { name = Line, mail = "a@b.example", why = Line } }, "recipient.name"),
            ($"/api/v1/incidents/{desk.Incident}/requests", new { purpose = "takedown", targets = new[] { desk.Target }, recipient = new { name = "A", mail = "a@b.example", why = Line } }, "recipient.why"),
        ];
        foreach (var (path, body, field) in calls)
        {
            using var answer = await desk.Token.PostAsJsonAsync(path, body, Ct);
            var problem = await ApiErrorTests.ProblemAsync(answer, HttpStatusCode.BadRequest, path);
            Assert.Contains(field, problem.GetProperty("errors").EnumerateObject().Select(e => e.Name));
        }

        Assert.Contains((await desk.GetAsync($"/api/v1/requests/{desk.Request}")).GetProperty("state").GetString(), new[] { "sent", "delivered" });
    }

    [Fact]
    public async Task By_form_the_page_comes_back_with_what_was_typed()
    {
        await using var desk = await RestDesk.StartAsync();
        using var smith = await desk.Node.SignedInAsync("smith@aozora.example");
        var draft = desk.Request;
        using var edited = await DeskNode.PostAsync(smith, "/requests/" + draft, ("version", await VersionAsync(desk)), ("subject", Line), ("body", "the body"), ("mail", "abuse@hosting.example"));
        Assert.Equal(HttpStatusCode.BadRequest, edited.StatusCode);
        Assert.Contains(Line, await edited.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        await desk.PostAsync($"/api/v1/requests/{draft}/send", new { });
        using var answered = await DeskNode.PostAsync(smith, $"/requests/{draft}/answer", ("what", "notOurs"), ("text", "ask their " + new string('u', 20_000)), ("referral", "upstream@net.example"));
        Assert.Equal(HttpStatusCode.BadRequest, answered.StatusCode);
        var page = await answered.Content.ReadAsStringAsync(Ct);
        Assert.Contains("ask their uuu", page, StringComparison.Ordinal);
        Assert.Contains("upstream@net.example", page, StringComparison.Ordinal);
        Assert.Matches("value=\"notOurs\" checked", page);
        using var closed = await DeskNode.PostAsync(smith, $"/requests/{draft}/close", ("outcome", "done"), ("text", Note));
        Assert.Equal(HttpStatusCode.BadRequest, closed.StatusCode);
        Assert.Contains(Note, await closed.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var removed = await DeskNode.PostAsync(smith, $"/incidents/{desk.Incident}/targets/{desk.Target}/remove", ("reason", Note));
        Assert.Equal(HttpStatusCode.BadRequest, removed.StatusCode);
        Assert.Contains(Note, await removed.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        // a wrong time loses nothing either
        using var later = await DeskNode.PostAsync(smith, $"/requests/{draft}/answer", ("what", "done"), ("text", "they took it down"), ("at", "2099-01-01T00:00"));
        Assert.Contains("they took it down", await later.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    private static async Task<string> VersionAsync(RestDesk desk)
    {
        await using var db = desk.Node.Databases.ForSystem();
        var id = Guid.Parse(desk.Request);
        return (await db.Requests.SingleAsync(r => r.Id == new RequestId(id), Ct)).Version.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
