using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Formats.Rsit;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>A team's own labels beside RSIT: the set in force is the one of the highest version.</summary>
public static class LabelSet
{
    /// <summary>0 while the team has none.</summary>
    public static async Task<int> VersionAsync(NodeDb db, TeamId team, CancellationToken ct) =>
        await db.CategoryLabels.Where(l => l.Team == team).MaxAsync(l => (int?)l.Version, ct) ?? 0;

    public static string NameOf(CategoryLabel label, string language) => language == "ja" ? label.NameJa : label.NameEn;

    /// <summary>The name of an incident's label, from the version it was given under; null without one.</summary>
    public static async Task<string?> NameAsync(NodeDb db, Incident incident, string language, CancellationToken ct)
    {
        if (incident is not { Label: { } code, LabelVersion: { } version })
        {
            return null;
        }

        var team = incident.Marking.Origin;
        var label = await db.CategoryLabels.AsNoTracking().FirstOrDefaultAsync(l => l.Team == team && l.Version == version && l.Code == code, ct);
        return label is null ? code : NameOf(label, language);
    }
}

/// <summary>GET and POST /settings/labels: the team's set is replaced as a whole under the next version; old incidents keep theirs.</summary>
public static class Labels
{
    public const int MaxLabels = 60;

    public sealed record Row(string Code, string Ja, string En, string Rsit);

    public sealed record Model(int Version, IReadOnlyList<Row> Rows, IReadOnlyList<Choice> Rsit, FormErrors Errors, bool Saved);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/settings/labels", GetAsync).Needs(Right.ManagePeople).ExcludeFromDescription();
        routes.MapPost("/settings/labels", PostAsync).Needs(Right.ManagePeople).ExcludeFromDescription();
    }

    private static async Task<IResult> GetAsync(NodeDb db, Texts t, string? saved, CancellationToken ct)
    {
        var team = db.Viewer.Team!.Value;
        var version = await LabelSet.VersionAsync(db, team, ct);
        var rows = await db.CategoryLabels.AsNoTracking().Where(l => l.Team == team && l.Version == version).OrderBy(l => l.Order).Select(l => new Row(l.Code, l.NameJa, l.NameEn, l.Rsit ?? "")).ToListAsync(ct);
        return Answers.Page<LabelsPage>(new Model(version, rows, Rsit(t), FormErrors.None, saved is not null));
    }

    private static async Task<IResult> PostAsync(IFormCollection form, NodeDb db, Texts t, CancellationToken ct)
    {
        var team = db.Viewer.Team!.Value;
        var version = await LabelSet.VersionAsync(db, team, ct);
        var rows = form["preset"] == "jpcert" ? Preset() : Read(form);
        var errors = Check(rows, t);
        if (form["version"] != version.ToString(CultureInfo.InvariantCulture))
        {
            errors.Add("code-0", t["incident.labels.title"], t.Of("incident.labels.changed", version));
        }

        if (errors.Any)
        {
            return Answers.Page<LabelsPage>(new Model(version, rows, Rsit(t), errors, false), StatusCodes.Status400BadRequest);
        }

        var order = 0;
        foreach (var row in rows)
        {
            db.CategoryLabels.Add(new CategoryLabel { Team = team, Version = version + 1, Code = row.Code, NameJa = row.Ja, NameEn = row.En, Rsit = row.Rsit.Length == 0 ? null : row.Rsit, Order = order++ });
        }

        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException)
        {
            // someone else took this version at the same moment
            errors.Add("code-0", t["incident.labels.title"], t.Of("incident.labels.changed", version + 1));
            return Answers.Page<LabelsPage>(new Model(version + 1, rows, Rsit(t), errors, false), StatusCodes.Status409Conflict);
        }

        return Answers.Seen("/settings/labels?saved=1");
    }

    private static IReadOnlyList<Row> Read(IFormCollection form)
    {
        var (codes, ja, en, rsit) = (form["code"], form["ja"], form["en"], form["rsit"]);
        return [.. Enumerable.Range(0, Math.Min(codes.Count, MaxLabels * 2)).Select(i => new Row(IncidentAct.CleanLine(codes[i]), IncidentAct.CleanLine(At(ja, i)), IncidentAct.CleanLine(At(en, i)), At(rsit, i)))
            .Where(r => r.Code.Length + r.Ja.Length + r.En.Length > 0)];
    }

    private static string At(Microsoft.Extensions.Primitives.StringValues values, int index) => index < values.Count ? values[index] ?? "" : "";

    private static FormErrors Check(IReadOnlyList<Row> rows, Texts t)
    {
        var errors = new FormErrors();
        if (rows.Count is 0 or > MaxLabels)
        {
            errors.Add("code-0", t["incident.labels.title"], t.Of("incident.labels.count", MaxLabels));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            if (row.Code.Length is 0 or > 40 || !row.Code.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-'))
            {
                errors.Add($"code-{i}", t["incident.labels.code"], t["incident.labels.code_bad"]);
            }
            else if (!seen.Add(row.Code))
            {
                errors.Add($"code-{i}", t["incident.labels.code"], t.Of("incident.labels.twice", row.Code));
            }

            if (row.Ja.Length is 0 or > 80)
            {
                errors.Add($"ja-{i}", t["incident.labels.ja"], t.Of("incident.labels.name_bad", 80));
            }

            if (row.En.Length is 0 or > 80)
            {
                errors.Add($"en-{i}", t["incident.labels.en"], t.Of("incident.labels.name_bad", 80));
            }

            if (row.Rsit.Length > 0 && (row.Rsit.Split('/') is not [var category, var type] || RsitTaxonomy.Find(category, type) is null))
            {
                errors.Add($"rsit-{i}", t["incident.labels.rsit"], t["incident.fault.rsit"]);
            }
        }

        return errors;
    }

    /// <summary>JPCERT/CC's categories, each beside the RSIT type that it is counted from first.</summary>
    private static IReadOnlyList<Row> Preset() => [.. JpcertCategories.All.Select(c => new Row(c.Id, c.Japanese, c.English, c.Id switch
    {
        "phishing-site" => "fraud/phishing",
        "website-defacement" => "information-content-security/unauthorised-information-modification",
        "malware-site" => "malicious-code/malware-distribution",
        "scan" => "information-gathering/scanner",
        "dos-ddos" => "availability/ddos",
        _ => "",
    }))];

    private static IReadOnlyList<Choice> Rsit(Texts t) =>
        [.. RsitTaxonomy.Categories.SelectMany(c => c.Types).Select(x => new Choice(x.ToString(), IncidentChoices.RsitName(x.Category, x.Id, t.Lang)))];
}
