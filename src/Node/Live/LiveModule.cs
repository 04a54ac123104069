namespace Renkei.Node.Live;

/// <summary>What reaches a person while they work: events on the open page, notifications.</summary>
public static class LiveModule
{
    public static IServiceCollection AddLive(this IServiceCollection services) => services.AddSingleton<Streams>();

    public static void MapLive(this IEndpointRouteBuilder routes)
    {
        EventStream.Map(routes);
        Notifications.Map(routes);
    }
}
