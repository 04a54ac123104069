namespace Renkei.Node.Live;

/// <summary>Server-sent events.</summary>
public static class LiveModule
{
    public static IServiceCollection AddLive(this IServiceCollection services) => services;

    public static void MapLive(this IEndpointRouteBuilder routes)
    {
    }
}
