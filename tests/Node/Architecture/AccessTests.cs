using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Web;

namespace Renkei.Node.Tests.Architecture;

/// <summary>One visible answer to "who may call this" for every route.</summary>
public class AccessTests
{
    [Fact]
    public async Task Every_route_says_who_may_call_it()
    {
        await using var node = await TestNode.StartAsync(people: false);
        var endpoints = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        Assert.True(endpoints.Count > 10);
        var silent = endpoints.Where(e => e.Metadata.GetOrderedMetadata<Access>().Count != 1).Select(e => e.RoutePattern.RawText).ToList();
        Assert.Empty(silent);
    }

    /// <summary>What is open to anyone is short, and listed here on purpose.</summary>
    [Fact]
    public async Task Only_these_routes_are_open_to_anyone()
    {
        string[] open = ["/healthz", "/me/language", "/openapi", "/report", "/sign-in", "/sign-out", "/setup", "/invitation", "/api/v1/reports", "/.well-known"];
        await using var node = await TestNode.StartAsync(people: false);
        var unexpected = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<Access>() is { Open: true })
            .Select(e => e.RoutePattern.RawText!)
            .Where(route => !open.Any(o => route == o || route.StartsWith(o + "/", StringComparison.Ordinal) || route.StartsWith(o[1..], StringComparison.Ordinal)))
            .ToList();
        Assert.Empty(unexpected);
    }
}
