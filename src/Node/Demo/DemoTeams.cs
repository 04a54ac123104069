using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Accounts;
using Renkei.Store;

namespace Renkei.Node.Demo;

/// <summary>The teams and people of the sample node. All invented; addresses end in .example.</summary>
public static class DemoTeams
{
    /// <summary>Everyone's password on a sample node; never on a real one.</summary>
    public const string Password = "renkei demo 2026";

    public static readonly (string Slug, string Ja, string En, TeamKind Kind)[] Teams =
    [
        ("aozora", "青空CERT", "Aozora CERT", TeamKind.NationalCsirt),
        ("minato", "みなと大学 CSIRT", "Minato University CSIRT", TeamKind.Csirt),
    ];

    public static readonly (string Email, string Ja, string En, string Team, Role Role, string Language)[] People =
    [
        ("sato@aozora.example", "佐藤 美咲", "Misaki Sato", "aozora", Role.Analyst, "ja"),
        ("tanaka@aozora.example", "田中 健", "Ken Tanaka", "aozora", Role.Lead, "ja"),
        ("smith@aozora.example", "アレックス スミス", "Alex Smith", "aozora", Role.Analyst, "en"),
        ("yamamoto@aozora.example", "山本 亮", "Ryo Yamamoto", "aozora", Role.Manager, "ja"),
        ("operator@aozora.example", "運用 太郎", "Taro Unyo", "aozora", Role.Operator, "ja"),
        ("auditor@aozora.example", "監査 花子", "Hanako Kansa", "aozora", Role.Auditor, "ja"),
        ("constituent@aozora.example", "東雲 次郎", "Jiro Shinonome", "aozora", Role.Constituent, "ja"),
        ("minato@minato.example", "港 一郎", "Ichiro Minato", "minato", Role.Analyst, "ja"),
    ];

    /// <summary>Creates them once; a node that has the first team already is left alone.</summary>
    public static async Task EnsureAsync(IServiceProvider services, CancellationToken ct)
    {
        await using var scope = services.CreateAsyncScope();
        var clock = scope.ServiceProvider.GetRequiredService<TimeProvider>();
        scope.ServiceProvider.GetRequiredService<Security.CurrentViewer>().Viewer = Viewer.System;
        var db = scope.ServiceProvider.GetRequiredService<NodeDb>();
        if (await db.Teams.AnyAsync(t => t.Slug == Teams[0].Slug, ct))
        {
            return;
        }

        var ids = new Dictionary<string, TeamId>(StringComparer.Ordinal);
        foreach (var (slug, ja, en, kind) in Teams)
        {
            ids[slug] = (await TeamSetup.AddAsync(db, clock, new(ja, en, slug, "JP", kind, $"report@{slug}.example", "050-0000-0000", "平日 9:00–18:00 JST"), ct)).Id;
        }

        await db.SaveChangesAsync(ct);
        var users = scope.ServiceProvider.GetRequiredService<UserManager<Account>>();
        foreach (var (email, ja, en, team, role, language) in People)
        {
            var person = PersonId.New(clock);
            TeamSetup.AddPerson(db, clock, person, ja, en, language, "Asia/Tokyo", ids[team], [role]);
            var created = await users.CreateAsync(TeamSetup.AccountFor(person, email, clock), Password);
            if (!created.Succeeded)
            {
                throw new InvalidOperationException(string.Join("; ", created.Errors.Select(e => e.Description)));
            }
        }

        await db.SaveChangesAsync(ct);
    }
}
