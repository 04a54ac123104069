using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Renkei.Store;

/// <summary>What the store brings: contexts, leases, blobs, outbox.</summary>
public static class StoreModule
{
    /// <summary>
    /// <paramref name="configure"/> chooses the database (Store.Sqlite or Store.Postgres). The scoped <see cref="NodeDb"/> takes the
    /// scoped <see cref="Kernel.Viewer"/>, which the host must provide.
    /// </summary>
    public static IServiceCollection AddStore(this IServiceCollection services, string dataFolder, string? kekFile, Action<DbContextOptionsBuilder> configure)
    {
        var options = new DbContextOptionsBuilder<NodeDb>();
        configure(options);
        services.AddSingleton(options.Options);
        services.AddSingleton<NodeContext>();
        services.AddSingleton<NodeDbFactory>();
        services.AddSingleton<Leases>();
        services.AddSingleton(_ => KeyRing.Open(dataFolder, kekFile));
        services.AddSingleton(sp => new BlobStore(Path.Combine(dataFolder, "blobs"), sp.GetRequiredService<KeyRing>(), sp.GetRequiredService<TimeProvider>()));
        services.AddScoped(sp => sp.GetRequiredService<NodeDbFactory>().For(sp.GetRequiredService<Kernel.Viewer>(), sp.GetService<ActorName>()?.Value));
        services.AddSingleton<OutboxWorker>();
        services.AddHostedService(sp => sp.GetRequiredService<OutboxWorker>());
        services.AddSingleton<Housekeeping>();
        services.AddHostedService(sp => sp.GetRequiredService<Housekeeping>());
        return services;
    }
}

/// <summary>Names who acts in the audit log when it is not the viewer's person, such as <c>token:ID</c>.</summary>
public sealed class ActorName
{
    public string? Value { get; set; }
}
