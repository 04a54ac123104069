using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Web;

namespace Renkei.Node.Tests.Api;

/// <summary>The node's own description: whole, and the same as the one in the guide, so that a change of the contract is seen in review.</summary>
public class OpenApiTests
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_description_in_the_guide_is_the_node_s_own()
    {
        var described = (await DescribedAsync()).ToJsonString(Readable) + "\n";
        var path = Path.Combine(Repository.Root, "docs/guide/openapi.json");
        if (Environment.GetEnvironmentVariable("RENKEI_UPDATE") is not null)
        {
            await File.WriteAllTextAsync(path, described, TestContext.Current.CancellationToken);
        }

        Assert.True(File.Exists(path) && await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken) == described,
            "docs/guide/openapi.json is not what the node answers. If the change of the contract is meant: RENKEI_UPDATE=1 and run this test again.");
    }

    [Fact]
    public async Task Every_public_route_is_described_and_nothing_else()
    {
        await using var node = await TestNode.StartAsync(people: false);
        using var client = node.Anonymous();
        var paths = JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken))!["paths"]!.AsObject();
        var described = paths.SelectMany(p => p.Value!.AsObject().Where(m => m.Key != "parameters").Select(m => m.Key.ToUpperInvariant() + " " + p.Key)).ToList();
        Assert.Equal(PublicRoutes(node), described.Where(d => d.Contains("/api/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(described, d => !d.Contains("/api/v1/", StringComparison.Ordinal) && !d.EndsWith("/healthz", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_token_every_route_but_reporting_is_401_and_without_its_scope_403()
    {
        await using var node = await TestNode.StartAsync();
        using var anonymous = node.Anonymous();
        var seen = 0;
        foreach (var route in node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            if (route.Metadata.GetMetadata<Access>() is not { Scope: { } scope })
            {
                continue;
            }

            seen++;
            var method = route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0];
            var path = System.Text.RegularExpressions.Regex.Replace("/" + route.RoutePattern.RawText!.TrimStart('/'), @"\{[^}]+\}", Guid.Empty.ToString(), System.Text.RegularExpressions.RegexOptions.NonBacktracking);
            using var closed = await anonymous.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), TestContext.Current.CancellationToken);
            Assert.True(closed.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path}: {(int)closed.StatusCode}");
            Assert.Equal("Bearer", closed.Headers.WwwAuthenticate.Single().Scheme);
            using var token = await node.WithTokenAsync("aozora", [.. Scopes.All.Where(s => s != scope)]);
            using var lacking = await token.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), TestContext.Current.CancellationToken);
            Assert.True(lacking.StatusCode == HttpStatusCode.Forbidden, $"{method} {path}: {(int)lacking.StatusCode}");
            Assert.Contains(scope, await lacking.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        Assert.True(seen >= 15);
    }

    /// <summary>Method and path of every route under /api, from the routes themselves.</summary>
    internal static IEnumerable<string> PublicRoutes(TestNode node) =>
        node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal) && e.Metadata.GetMetadata<Access>() is not { Local: true })
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(m => m + " " + e.RoutePattern.RawText!.Replace(":guid}", "}", StringComparison.Ordinal))).Order(StringComparer.Ordinal);

    /// <summary>As the node answers it, but for the address it listens on.</summary>
    private static async Task<JsonNode> DescribedAsync()
    {
        await using var node = await TestNode.StartAsync(people: false);
        using var client = node.Anonymous();
        var json = JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken))!;
        json.AsObject().Remove("servers");
        return json;
    }
}
