using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Geo;
using Renkei.Incidents;
using Renkei.Mail;
using Renkei.Node.Accounts;
using Renkei.Node.Commands;
using Renkei.Node.Live;
using Renkei.Node.Pages;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Store.Postgres;
using Renkei.Store.Sqlite;
using Renkei.Web;

namespace Renkei.Node;

/// <summary>Composes the one executable: settings, store, modules, pages. It decides nothing.</summary>
public static class NodeHost
{
    public static WebApplication Build(NodeSettings settings, Action<WebApplicationBuilder>? adjust = null)
    {
        Close(settings.Data);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = typeof(NodeHost).Assembly.GetName().Name, ContentRootPath = AppContext.BaseDirectory, WebRootPath = Path.Combine(AppContext.BaseDirectory, "wwwroot") });
        builder.Logging.AddSimpleConsole(o => { o.SingleLine = true; o.TimestampFormat = "HH:mm:ss "; });
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Antiforgery", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.AddServerHeader = false;
            // what carries files says so at its route
            k.Limits.MaxRequestBodySize = 1024 * 1024;
            k.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        });
        builder.WebHost.UseUrls([.. settings.Urls.Split(';'), .. LocalDoor.Url(settings)]);
        var services = builder.Services;
        services.AddSingleton(settings);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IModelPart, DirectoryModel>();
        services.AddSingleton<IModelPart, IncidentsModel>();
        services.AddStore(settings.Data, settings.KekFile, o => Database(o, settings));
        services.AddScoped<CurrentViewer>();
        services.AddScoped<ActorName>();
        services.AddScoped(sp => sp.GetRequiredService<CurrentViewer>().Viewer);
        services.AddDataProtection().SetApplicationName("renkei").PersistKeysToFileSystem(new DirectoryInfo(Path.Combine(settings.Data, "keys", "cookies")));
        services.AddAntiforgery(o =>
        {
            o.FormFieldName = "csrf";
            o.HeaderName = "X-CSRF";
            o.Cookie.Name = "renkei-csrf";
            o.Cookie.SameSite = SameSiteMode.Strict;
            o.SuppressXFrameOptionsHeader = true;
        });
        services.AddProblemDetails();
        // what cannot be bound is thrown, so that ApiErrors can say which field it was
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.AddExceptionHandler<FaultAnswers>();
        services.AddSingleton<FolderLock>();
        services.AddApiDescription();
        services.AddHttpContextAccessor();
        services.Configure<ForwardedHeadersOptions>(o =>
        {
            o.KnownProxies.Clear();
            o.KnownIPNetworks.Clear();
            foreach (var proxy in settings["proxies"].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                o.KnownProxies.Add(System.Net.IPAddress.Parse(proxy));
            }

            // the middleware takes an empty list of proxies for "anyone": without proxies it may look at no header at all
            o.ForwardedHeaders = o.KnownProxies.Count > 0 ? ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto : ForwardedHeaders.None;
        });
        services.ConfigureHttpJsonOptions(o =>
        {
            o.SerializerOptions.Converters.Add(new System.Text.Json.Serialization.JsonStringEnumConverter(System.Text.Json.JsonNamingPolicy.CamelCase));
            o.SerializerOptions.DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull;
        });
        services.AddWebParts(typeof(NodeHost).Assembly, typeof(DirectoryModule).Assembly, typeof(MailModule).Assembly, typeof(IncidentsModule).Assembly);
        services.AddAccounts(settings);
        services.AddLive();
        services.AddShellPages();
        services.AddDirectory(new DirectorySettings(settings["mail-domain"]));
        services.AddMail(MailSettingsOf(settings));
        services.AddIncidents(new IncidentsSettings(settings.PublicUrl, settings["mail-domain"], settings["mail-amber"] == "encrypted" ? Kernel.MailPolicy.AmberNeedsEncryption : Kernel.MailPolicy.AmberMayGoPlain, settings.Number("report-rate", 1, 100_000), settings.Number("max-report-mb", 1, 1000) * 1024 * 1024, settings["zone"]));
        services.AddSingleton(sp => new GeoStore(Path.Combine(settings.Data, "geo")));
        adjust?.Invoke(builder);
        var app = builder.Build();
        Map(app);
        return app;
    }

    /// <summary>
    /// Makes the data folder its owner's alone, also one that was there before with more rights: what is in it is readable to whoever may
    /// enter. One that is not ours stays as it is, since only its owner may change its mode; nor is a folder everybody writes in, such as /tmp, taken from them.
    /// </summary>
    private static void Close(string folder)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            if (File.GetUnixFileMode(folder) is var mode && (mode & others) != UnixFileMode.None && !mode.HasFlag(UnixFileMode.StickyBit))
            {
                File.SetUnixFileMode(folder, mode & ~others);
            }
        }
        catch (UnauthorizedAccessException)
        {
            // another's: an operator gave it to us with the rights they chose
        }
    }

    /// <summary>Chooses the engine by <c>db</c>.</summary>
    public static void Database(DbContextOptionsBuilder options, NodeSettings settings)
    {
        if (settings.Db.Length == 0)
        {
            options.UseNodeSqlite(Path.Combine(settings.Data, "renkei.db"));
        }
        else
        {
            options.UseNodePostgres(settings.Db);
        }
    }

    /// <summary>Brings the database to this version and gives the node its id: before it listens.</summary>
    public static async Task PrepareAsync(IServiceProvider services, CancellationToken ct)
    {
        var node = services.GetRequiredService<NodeContext>();
        var settings = services.GetRequiredService<NodeSettings>();
        if (settings.Db.Length == 0)
        {
            services.GetRequiredService<FolderLock>().Take();
        }

        var keys = services.GetRequiredService<KeyRing>();
        if (await KnownAsync(settings, keys, ct) is { } known)
        {
            (node.Id, node.Key, node.Inhabited) = (known.Id, known.Key, known.Inhabited);
            return;
        }

        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem();
        if (settings.Db.Length == 0)
        {
            await db.ClearStaleMigrationLockAsync(ct);
        }

        await db.MigrateAsync(ct);
        node.Id = await db.NodeIdAsync(ct);
        node.Key = await db.NodeKeyAsync(keys, ct);
    }

    private static async Task<KnownNode?> KnownAsync(NodeSettings settings, KeyRing keys, CancellationToken ct)
    {
        var sqlite = Path.Combine(settings.Data, "renkei.db");
        if (settings.Db.Length == 0 && !File.Exists(sqlite))
        {
            return null;
        }

        await using var connection = settings.Db.Length == 0 ? SqliteStore.Connect(sqlite) : PostgresStore.Connect(settings.Db);
        return await KnownNode.ReadAsync(connection, settings.Db.Length == 0 ? typeof(SqliteStore).Assembly : typeof(PostgresStore).Assembly, keys, ct);
    }

    private static MailSettings MailSettingsOf(NodeSettings settings) => new(
        settings["smtp-host"], settings.Number("smtp-port", 1, 65535), settings["smtp-security"], settings["smtp-user"],
        settings["smtp-password-file"] is { Length: > 0 } file ? File.ReadAllText(file).Trim() : "", settings["smtp-ca-file"], settings["mail-domain"], Path.Combine(settings.Data, "spool"));

    private static void Map(WebApplication app)
    {
        app.UseForwardedHeaders();
        app.UseSecurityHeaders();
        app.UseExceptionHandler();
        app.UseWhen(http => !http.Request.Path.StartsWithSegments("/api"), pages => pages.UseFriendlyErrors());
        app.UseStoreFaults();
        app.UseApiErrors();
        app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = file.Context.Request.Query.ContainsKey("v") ? "public, max-age=31536000, immutable" : "public, max-age=300" });
        app.UseAuthentication();
        app.UseViewer();
        app.UseRouting();
        app.UsePageContext();
        app.UseAccessGate();
        app.UseAntiforgery();
        app.UseForgeryRefusal();
        app.MapOpenApi().OpenToAll();
        app.MapHealth();
        app.MapLocalDoor();
        app.MapAccounts();
        app.MapLive();
        app.MapShellPages();
        app.MapDirectory();
        app.MapMail();
        app.MapIncidents();
    }
}
