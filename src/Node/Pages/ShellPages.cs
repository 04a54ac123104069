using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Security;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Pages;

/// <summary>What surrounds the modules' pages: the page context, language and theme, errors, health.</summary>
public static class ShellPages
{
    private const string LanguageCookie = "renkei-lang";

    public static IApplicationBuilder UsePageContext(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<Access>() is { Scope: null } && !http.Request.Path.StartsWithSegments("/api"))
        {
            await FillAsync(http);
        }

        await next();
    });

    public static IServiceCollection AddShellPages(this IServiceCollection services) =>
        services.AddSingleton(new NavEntry(90, "audit", "/audit", "shield-check", "nav.audit", null, Right.ReadAudit, OrRight: Right.OperateNode));

    public static void MapHealth(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/healthz", async Task<IResult> (NodeDbFactory databases, CancellationToken ct) =>
        {
            await using var db = databases.ForSystem();
            var version = typeof(ShellPages).Assembly.GetName().Version!.ToString(3);
            return await db.Database.CanConnectAsync(ct) ? Results.Ok(new { status = "ok", version }) : Results.Json(new { status = "database unreachable", version }, statusCode: 503);
        }).OpenToAll().WithTags("node");

    public static void MapShellPages(this IEndpointRouteBuilder routes)
    {
        AuditLog.Map(routes);
        Search.Map(routes);
        routes.MapPost("/me/language", async Task<IResult> ([FromForm] string lang, [FromForm] string? back, Viewer viewer, NodeDb db, HttpContext http) =>
        {
            var chosen = lang is "en" ? "en" : "ja";
            http.Response.Cookies.Append(LanguageCookie, chosen, new CookieOptions { MaxAge = TimeSpan.FromDays(365), HttpOnly = true, SameSite = SameSiteMode.Lax });
            return await ChangeAsync(viewer, db, p => p.Language = chosen, back);
        }).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/me/theme", Task<IResult> ([FromForm] string theme, [FromForm] string? back, Viewer viewer, NodeDb db) =>
            ChangeAsync(viewer, db, p => p.Theme = theme is "dark" ? "dark" : "light", back)).SignedIn().ExcludeFromDescription();
        routes.MapPost("/me/keys", Task<IResult> ([FromForm] string keys, [FromForm] string? back, Viewer viewer, NodeDb db) =>
            ChangeAsync(viewer, db, p => p.Keys = keys is not "off", back)).SignedIn().ExcludeFromDescription();
    }

    private static async Task<IResult> ChangeAsync(Viewer viewer, NodeDb db, Action<Person> change, string? back)
    {
        if (viewer.Person is { } id && await db.People.FirstOrDefaultAsync(p => p.Id == id) is { } person)
        {
            change(person);
            await db.SaveChangesAsync();
        }

        return Answers.Seen(back ?? "/");
    }

    private static async Task FillAsync(HttpContext http)
    {
        var services = http.RequestServices;
        var page = services.GetRequiredService<PageContext>();
        var settings = services.GetRequiredService<NodeSettings>();
        var who = services.GetRequiredService<CurrentViewer>();
        var ct = http.RequestAborted;
        page.NodeName = settings["name"];
        page.Now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        page.Path = http.Request.Path + http.Request.QueryString;
        page.Lang = LanguageOf(http, settings);
        page.Zone = TimeZoneInfo.FindSystemTimeZoneById(settings["zone"]);
        page.AssetVersion = "?v=" + AssetVersion;
        var tokens = services.GetRequiredService<IAntiforgery>().GetAndStoreTokens(http);
        (page.CsrfFieldName, page.CsrfToken) = (tokens.FormFieldName, tokens.RequestToken ?? "");
        if (who.Viewer.Person is not { } id)
        {
            page.EventsUrl = null;
            page.TeamName = page.NodeName;
            return;
        }

        var db = services.GetRequiredService<NodeDb>();
        if (await db.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == id, ct) is not { } person)
        {
            return;
        }

        (page.Lang, page.Theme, page.Keys) = (person.Language, person.Theme, person.Keys);
        if (TimeZoneInfo.TryFindSystemTimeZoneById(person.Zone, out var zone))
        {
            page.Zone = zone;
        }

        var name = person.NameIn(page.Lang);
        page.Toast = Toasts.Take(http);
        page.Person = new SignedIn(id.Value, name, Short(name));
        if (who.Viewer.Team is { } acts && await db.Teams.AsNoTracking().FirstOrDefaultAsync(t => t.Id == acts, ct) is { } team)
        {
            page.TeamName = team.NameIn(page.Lang);
            page.RoleLabelKey = "role." + who.Viewer.Roles.First(r => r.Team == acts).Role.Code();
        }

        page.Unread = await Live.Notifications.UnreadAsync(db, id, ct);
        var nav = new List<NavItem>();
        foreach (var entry in services.GetServices<NavEntry>().OrderBy(n => n.Order).Where(n => Shows(who.Viewer, n.Right) || (n.OrRight is { } other && Shows(who.Viewer, other))))
        {
            nav.Add(new NavItem(entry.Key, entry.Href, entry.Icon, entry.TextKey, entry.Count is null ? null : await entry.Count(services, ct), entry.GoKey));
        }

        page.Nav = nav;
    }

    private static bool Shows(Viewer viewer, Right right) => right == Right.OperateNode ? viewer.HasAnywhere(right) : viewer.Has(right);

    private static string AssetVersion { get; } = typeof(ShellPages).Assembly.ManifestModule.ModuleVersionId.ToString("N")[..8];

    private static string LanguageOf(HttpContext http, NodeSettings settings)
    {
        if (http.Request.Query["lang"].ToString() is "ja" or "en")
        {
            return http.Request.Query["lang"].ToString();
        }

        if (http.Request.Cookies[LanguageCookie] is "ja" or "en")
        {
            return http.Request.Cookies[LanguageCookie]!;
        }

        foreach (var language in http.Request.GetTypedHeaders().AcceptLanguage.OrderByDescending(l => l.Quality ?? 1))
        {
            var code = language.Value.ToString();
            if (code.StartsWith("ja", StringComparison.OrdinalIgnoreCase))
            {
                return "ja";
            }

            if (code.StartsWith("en", StringComparison.OrdinalIgnoreCase))
            {
                return "en";
            }
        }

        return settings["language"];
    }

    private static string Short(string name)
    {
        var parts = name.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 0 ? "?" : parts[0][0] > 0x2E80 ? parts[0] : string.Concat(parts.Take(2).Select(p => p[..1]));
    }
}
