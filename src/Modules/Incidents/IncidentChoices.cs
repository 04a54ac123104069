using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Formats.Rsit;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>What the form of an incident offers, in the reader's language.</summary>
public sealed record IncidentChoices(IReadOnlyList<Choice> Rsit, IReadOnlyList<Choice> Labels, IReadOnlyList<Choice> Severities, IReadOnlyList<Choice> Tlps, IReadOnlyList<Choice> Paps, IReadOnlyList<Choice> Audience, IReadOnlyList<Choice> Owners)
{
    public static async Task<IncidentChoices> LoadAsync(NodeDb db, Texts t, TeamId team, Incident? before, CancellationToken ct)
    {
        var version = await LabelSet.VersionAsync(db, team, ct);
        var labels = (await db.CategoryLabels.AsNoTracking().Where(l => l.Team == team && l.Version == version).OrderBy(l => l.Order).ToListAsync(ct))
            .ConvertAll(l => new Choice(string.Create(CultureInfo.InvariantCulture, $"{l.Version}:{l.Code}"), LabelSet.NameOf(l, t.Lang)));
        if (before is { Label: { } code, LabelVersion: { } kept } && kept != version)
        {
            var old = await db.CategoryLabels.AsNoTracking().FirstOrDefaultAsync(l => l.Team == team && l.Version == kept && l.Code == code, ct);
            labels.Insert(0, new(string.Create(CultureInfo.InvariantCulture, $"{kept}:{code}"), t.Of("incident.label_old", old is null ? code : LabelSet.NameOf(old, t.Lang), kept)));
        }

        var owners = await IncidentFields.OwnersAsync(db, team, ct);
        var people = await db.People.AsNoTracking().OrderBy(p => p.Name).ToListAsync(ct);
        var teams = await db.Teams.AsNoTracking().Where(x => x.Hosted && x.Id != team).OrderBy(x => x.Name).Take(200).ToListAsync(ct);
        var audience = teams.Select(x => new Choice(Principal.Of(x.Id).Code, x.NameIn(t.Lang))).Concat(people.Select(p => new Choice(Principal.Of(p.Id).Code, t.Of("incident.who.person", p.NameIn(t.Lang))))).ToList();
        if (before is not null)
        {
            // what stands in the audience can always be kept or taken out, also where its name is not ours to know
            var others = before.Marking.Audience.Where(p => audience.TrueForAll(a => a.Value != p.Code)).ToList();
            var names = await PrincipalNames.LoadAsync(db, t, others, ct);
            audience.AddRange(others.Select(p => new Choice(p.Code, names[p])));
        }

        return new(
            [.. RsitTaxonomy.Categories.SelectMany(c => c.Types.Select(x => new Choice(x.ToString(), RsitName(c, x, t.Lang))))],
            labels,
            [.. Enum.GetValues<Severity>().Select(s => s.ToString().ToLowerInvariant()).Select(s => new Choice(s, t["incidents.severity." + s]))],
            [.. Enum.GetValues<Tlp>().Select(x => x.Label()[4..]).Select(x => new Choice(x, "TLP:" + x))],
            [.. Enum.GetValues<Pap>().Select(x => x.Label()[4..]).Select(x => new Choice(x, "PAP:" + x))],
            audience,
            [.. people.Where(p => owners.Contains(p.Id)).Select(p => new Choice(p.Id.ToString(), p.NameIn(t.Lang)))]);
    }

    public static string RsitName(string category, string type, string language)
    {
        var (c, x) = (RsitTaxonomy.FindCategory(category), RsitTaxonomy.Find(category, type));
        return c is null || x is null ? category + "/" + type : RsitName(c, x, language);
    }

    /// <summary>Type alone where it says what the category says, else both.</summary>
    private static string RsitName(RsitCategory category, RsitType type, string language)
    {
        var (c, x) = language == "ja" ? (category.Japanese, type.Japanese) : (category.English, type.English);
        return c == x ? x : language == "ja" ? $"{c}：{x}" : $"{c}: {x}";
    }
}
