using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>The fields of an incident that people change, as text: what the form shows, the conflict page compares and PATCH overlays.</summary>
public sealed record IncidentText
{
    public string Title { get; init; } = "";

    public string Summary { get; init; } = "";

    /// <summary>RSIT <c>category/type</c>.</summary>
    public string Rsit { get; init; } = "";

    /// <summary><c>VERSION:CODE</c> of a label of the team's own set, or empty.</summary>
    public string Label { get; init; } = "";

    public string Severity { get; init; } = "medium";

    public string Tlp { get; init; } = "AMBER";

    public string Pap { get; init; } = "AMBER";

    /// <summary>Codes of principals, as <see cref="PrincipalSet.ToText"/> writes them.</summary>
    public string Audience { get; init; } = "";

    public string Occurred { get; init; } = "";

    public string Zone { get; init; } = "";

    public string Clock { get; init; } = "";

    /// <summary>A person's id, or empty.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Names and values in the order of the form.</summary>
    public IReadOnlyList<(string Name, string Value)> Fields =>
    [
        ("title", Title), ("summary", Summary), ("rsit", Rsit), ("label", Label), ("severity", Severity), ("occurred", Occurred), ("zone", Zone), ("clock", Clock),
        ("owner", Owner), ("tlp", Tlp), ("pap", Pap), ("audience", Audience),
    ];

    /// <summary>Tells whether any of these fields changed, whatever else the record's version counted.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\u001f', Fields.Select(f => f.Value)))))[..16];

    public static IncidentText Of(Incident incident) => new()
    {
        Title = incident.Title,
        Summary = incident.Summary,
        Rsit = incident.Category + "/" + incident.Type,
        Label = incident.Label is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{incident.LabelVersion ?? 0}:{incident.Label}"),
        Severity = incident.Severity.ToString().ToLowerInvariant(),
        Tlp = incident.Marking.Tlp.Label()[4..],
        Pap = incident.Marking.Pap.Label()[4..],
        Audience = incident.Marking.Audience.ToText(),
        Occurred = incident.OccurredText ?? incident.OccurredAt?.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "",
        Zone = incident.OccurredZone ?? (incident.OccurredText is null && incident.OccurredAt is not null ? "UTC" : ""),
        Clock = incident.ClockNote ?? "",
        Owner = incident.Owner?.ToString() ?? "",
    };

    public static IncidentText Read(IFormCollection form) => new()
    {
        Title = IncidentAct.CleanLine(form["title"]),
        Summary = IncidentAct.Clean(form["summary"]),
        Rsit = form["rsit"].ToString(),
        Label = form["label"].ToString(),
        Severity = form["severity"].ToString(),
        Tlp = form["tlp"].ToString(),
        Pap = form["pap"].ToString(),
        Audience = AudienceOf(form["audience"]),
        Occurred = IncidentAct.CleanLine(form["occurred"]),
        Zone = IncidentAct.CleanLine(form["zone"]),
        Clock = ClockOf(form),
        Owner = form["owner"].ToString(),
    };

    /// <summary>The form shows the note in words and carries both; words left alone mean the note itself.</summary>
    private static string ClockOf(IFormCollection form)
    {
        var words = IncidentAct.CleanLine(form["clock"]);
        return words.Length > 0 && words == IncidentAct.CleanLine(form["clock.words"]) ? IncidentAct.CleanLine(form["clock.note"]) : words;
    }

    /// <summary>What a person chose on the conflict page: stored, except where they took their own.</summary>
    public static IncidentText Choose(IncidentText stored, IFormCollection form)
    {
        var chosen = stored;
        foreach (var (name, _) in stored.Fields)
        {
            if (form["take." + name] == "mine")
            {
                chosen = chosen.With(name, form["mine." + name].ToString());
            }
        }

        return chosen;
    }

    public IncidentText With(string name, string value) => name switch
    {
        "title" => this with { Title = IncidentAct.CleanLine(value) },
        "summary" => this with { Summary = IncidentAct.Clean(value) },
        "rsit" => this with { Rsit = value },
        "label" => this with { Label = value },
        "severity" => this with { Severity = value },
        "tlp" => this with { Tlp = value },
        "pap" => this with { Pap = value },
        "audience" => this with { Audience = AudienceOf(value.Split(' ')) },
        "occurred" => this with { Occurred = IncidentAct.CleanLine(value) },
        "zone" => this with { Zone = IncidentAct.CleanLine(value) },
        "clock" => this with { Clock = IncidentAct.CleanLine(value) },
        "owner" => this with { Owner = value },
        _ => this,
    };

    // what is no principal is kept as written, so that the check can refuse it by name
    private static string AudienceOf(IEnumerable<string?> codes) => string.Join(' ', codes.Where(c => !string.IsNullOrWhiteSpace(c)).Select(c => c!.Trim()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(200));
}
