using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Web;

namespace Renkei.Node.Tests.Api;

/// <summary>Each route that takes an id, from the table <see cref="IdRoutes"/>: who may not know of it, who may only read, who lacks the scope, and who read an older version.</summary>
public class IdRouteTests
{
    [Fact]
    public async Task Every_route_that_takes_an_id_stands_in_the_table()
    {
        await using var node = await TestNode.StartAsync(people: false);
        Assert.Equal(OpenApiTests.PublicRoutes(node).Where(r => r.Contains('{', StringComparison.Ordinal)), IdRoutes.All.Select(r => r.Route).Order(StringComparer.Ordinal));
        var scopes = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(e => e.Metadata.GetMetadata<Access>() is { Scope: not null })
            .ToDictionary(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0] + " " + e.RoutePattern.RawText!.Replace(":guid}", "}", StringComparison.Ordinal), e => e.Metadata.GetMetadata<Access>()!.Scope);
        Assert.All(IdRoutes.All, row => Assert.Equal(row.Scope, scopes[row.Route]));
        Assert.All(IdRoutes.All, row => Assert.Equal(row.Changes, row.IfMatch != IfMatch.None));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Another_team_hears_of_nothing_as_if_it_did_not_exist(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        using var other = await desk.Node.WithTokenAsync("minato");
        var places = new Dictionary<Given, Place>();
        foreach (var given in Enum.GetValues<Given>())
        {
            places[given] = await Place.MakeAsync(desk, given);
        }

        var before = await StandAsync(places.Values);
        foreach (var row in IdRoutes.All)
        {
            var hidden = await places[row.Given].CallAsync(other, row);
            var unknown = await places[row.Given].CallAsync(other, row, unknown: true);
            Assert.True(hidden.Status == HttpStatusCode.NotFound, $"{row.Route}: {(int)hidden.Status} {hidden.Body}");
            Assert.True(unknown.Status == HttpStatusCode.NotFound && Told(hidden.Body) == Told(unknown.Body), $"{row.Route} tells a hidden record from none: {hidden.Body} {unknown.Body}");
            // a version that is not right must not tell either
            var guessed = await places[row.Given].CallAsync(other, row, "\"999\"");
            Assert.True(guessed.Status == HttpStatusCode.NotFound, $"{row.Route} with If-Match: {(int)guessed.Status}");
        }

        Assert.Equal(before, await StandAsync(places.Values));
    }

    [Fact]
    public async Task A_part_of_another_teams_record_is_not_had_through_ones_own()
    {
        await using var desk = await RestDesk.StartAsync();
        using var other = await desk.Node.WithTokenAsync("minato");
        using var made = await RestDesk.RawAsync(other, HttpMethod.Post, "/api/v1/incidents", """{"title":"Theirs","category":"fraud","type":"phishing"}""");
        var own = JsonDocument.Parse(await made.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("id").GetString();
        using var sent = await RestDesk.RawAsync(other, HttpMethod.Post, "/api/v1/reports", """{"type":"request","summary":"Theirs","description":"203.0.113.9","language":"en"}""");
        var report = JsonDocument.Parse(await sent.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("id").GetString();
        foreach (var (method, path, body) in new (string, string, string?)[]
        {
            ("GET", $"/api/v1/incidents/{own}/attachments/{desk.Attachment}", null), ("PATCH", $"/api/v1/incidents/{own}/targets/{desk.Target}", """{"role":"c2"}"""),
            ("POST", $"/api/v1/incidents/{own}/targets/{desk.Target}/end", "{}"), ("POST", $"/api/v1/incidents/{own}/reports/{desk.Report}/unlink", null), ("GET", $"/api/v1/reports/{report}/attachments/{desk.File}", null),
        })
        {
            using var answer = await RestDesk.RawAsync(other, new HttpMethod(method), path, body);
            Assert.True(answer.StatusCode == HttpStatusCode.NotFound, $"{method} {path}: {(int)answer.StatusCode}");
        }

        // named in a body it is as unknown as what is not there
        foreach (var (path, hidden, unknown) in new[]
        {
            ($"/api/v1/reports/{report}/accept", $$"""{"incidentId":"{{desk.Incident}}"}""", $$"""{"incidentId":"{{Guid.NewGuid()}}"}"""),
            ($"/api/v1/reports/{report}/duplicate", $$"""{"of":"{{desk.Report}}"}""", $$"""{"of":"{{Guid.NewGuid()}}"}"""),
            ($"/api/v1/incidents/{own}/requests", $$"""{"purpose":"takedown","targets":["{{desk.Target}}"]}""", $$"""{"purpose":"takedown","targets":["{{Guid.NewGuid()}}"]}"""),
            ($"/api/v1/incidents/{own}/requests", $$"""{"purpose":"takedown","grounds":["{{desk.Attachment}}"]}""", $$"""{"purpose":"takedown","grounds":["{{Guid.NewGuid()}}"]}"""),
        })
        {
            using var one = await RestDesk.RawAsync(other, HttpMethod.Post, path, hidden);
            using var none = await RestDesk.RawAsync(other, HttpMethod.Post, path, unknown);
            Assert.Equal(HttpStatusCode.BadRequest, one.StatusCode);
            Assert.Equal(Told(await none.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)), Told(await one.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
        }

        using var found = await other.GetAsync($"/api/v1/requests?incident={desk.Incident}", TestContext.Current.CancellationToken);
        Assert.Equal("""{"items":[],"next":null}""", await found.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Whoever_may_only_read_changes_nothing()
    {
        await using var desk = await RestDesk.StartAsync();
        using var other = await desk.Node.WithTokenAsync("minato");
        var team = (await desk.Node.TeamAsync("minato")).Id;
        foreach (var row in IdRoutes.All.Where(r => r.Changes))
        {
            var place = await Place.MakeAsync(desk, row.Given);
            await place.ShareAsync(team);
            var before = await place.StandsAsync();
            var (status, body) = await place.CallAsync(other, row);
            Assert.True(status == HttpStatusCode.Forbidden, $"{row.Route}: {(int)status} {body}");
            Assert.Equal(before, await place.StandsAsync());
        }
    }

    [Fact]
    public async Task Without_its_scope_a_token_does_nothing_even_to_its_own_teams_records()
    {
        await using var desk = await RestDesk.StartAsync();
        foreach (var given in Enum.GetValues<Given>())
        {
            var place = await Place.MakeAsync(desk, given);
            var before = await place.StandsAsync();
            foreach (var row in IdRoutes.All.Where(r => r.Given == given))
            {
                using var lacking = await desk.Node.WithTokenAsync("aozora", [.. Scopes.All.Where(s => s != row.Scope)]);
                var (status, body) = await place.CallAsync(lacking, row);
                Assert.True(status == HttpStatusCode.Forbidden && body.Contains(row.Scope, StringComparison.Ordinal), $"{row.Route}: {(int)status} {body}");
            }

            Assert.Equal(before, await place.StandsAsync());
        }
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_version_that_is_not_the_stored_one_changes_nothing_and_the_stored_one_does(string engine)
    {
        await using var desk = await RestDesk.StartAsync(engine);
        foreach (var row in IdRoutes.All.Where(r => r.Changes))
        {
            var place = await Place.MakeAsync(desk, row.Given);
            var stale = await place.TagAsync(row);
            await place.TouchAsync(row);
            var current = await place.TagAsync(row);
            Assert.NotEqual(stale, current);
            var before = await place.StandsAsync();
            var refused = await place.CallAsync(desk.Token, row, stale);
            Assert.True(refused.Status == HttpStatusCode.PreconditionFailed, $"{row.Route}: {(int)refused.Status} {refused.Body}");
            Assert.Equal(before, await place.StandsAsync());
            var done = await place.CallAsync(desk.Token, row, current);
            Assert.True(done.Status == row.Done, $"{row.Route} with the stored version: {(int)done.Status} {done.Body}");
            Assert.NotEqual(before, await place.StandsAsync());
        }
    }

    [Fact]
    public async Task Without_a_version_an_act_is_done_and_a_change_of_fields_is_not()
    {
        await using var desk = await RestDesk.StartAsync();
        foreach (var row in IdRoutes.All.Where(r => r.Changes))
        {
            var place = await Place.MakeAsync(desk, row.Given);
            var before = await place.StandsAsync();
            var (status, body) = await place.CallAsync(desk.Token, row);
            Assert.True(status == (row.IfMatch == IfMatch.Needed ? HttpStatusCode.PreconditionRequired : row.Done), $"{row.Route}: {(int)status} {body}");
            Assert.True(before == await place.StandsAsync() == (row.IfMatch == IfMatch.Needed), row.Route);
        }
    }

    private static async Task<string> StandAsync(IEnumerable<Place> places)
    {
        var all = new List<string>();
        foreach (var place in places)
        {
            all.Add(await place.StandsAsync());
        }

        return string.Join("\n", all);
    }

    /// <summary>What an answer says, without the request's own number in it.</summary>
    private static string Told(string body)
    {
        if (body.Length == 0)
        {
            return "";
        }

        var json = JsonNode.Parse(body)!.AsObject();
        json.Remove("traceId");
        return json.ToJsonString();
    }
}
