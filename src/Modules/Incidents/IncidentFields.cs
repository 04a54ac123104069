using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Formats.Rsit;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>Reads an <see cref="IncidentText"/>: every field bounded and known, the marking without contradiction, nothing looser than its sources.</summary>
public sealed class IncidentFields(NodeDb db, NodeDbFactory databases, TimeProvider clock)
{
    public const int MaxTitle = 200;
    public const int MaxSummary = 20_000;
    public const int MaxClock = 200;

    /// <summary>What the text means, when nothing is wrong with it.</summary>
    public sealed record Values(string Title, string Summary, RsitType Rsit, string? Label, int? LabelVersion, Severity Severity, Marking Marking, StatedTime? Occurred, string? ClockNote, PersonId? Owner)
    {
        /// <summary>All but the marking, which <see cref="MarkIncident"/> writes.</summary>
        public void WriteTo(Incident incident)
        {
            (incident.Title, incident.Summary, incident.Category, incident.Type) = (Title, Summary, Rsit.Category, Rsit.Id);
            (incident.Label, incident.LabelVersion, incident.Severity, incident.Owner, incident.ClockNote) = (Label, LabelVersion, Severity, Owner, ClockNote);
            (incident.OccurredText, incident.OccurredZone, incident.OccurredAt) = (Occurred?.Original, Occurred?.Zone, Occurred?.Utc);
        }
    }

    /// <summary>Values, or what is wrong. <paramref name="before"/> is the incident that changes; null for a new one of <paramref name="team"/>.</summary>
    public async Task<(Values? Values, IReadOnlyList<IncidentFault> Faults)> ReadAsync(IncidentText text, TeamId team, Incident? before, CancellationToken ct)
    {
        var faults = new List<IncidentFault>();
        if (text.Title.Length is 0 or > MaxTitle)
        {
            faults.Add(text.Title.Length == 0 ? new("title", "incident.fault.empty") : new("title", "incident.fault.long", MaxTitle));
        }

        if (text.Summary.Length > MaxSummary)
        {
            faults.Add(new("summary", "incident.fault.long", MaxSummary));
        }

        var slash = text.Rsit.IndexOf('/', StringComparison.Ordinal);
        var rsit = slash > 0 ? RsitTaxonomy.Find(text.Rsit[..slash], text.Rsit[(slash + 1)..]) : null;
        if (rsit is null)
        {
            faults.Add(new("rsit", text.Rsit.Length == 0 ? "incident.fault.choose" : "incident.fault.rsit"));
        }

        var (label, labelVersion) = await LabelAsync(text.Label, team, before, faults, ct);
        if (!TrySeverity(text.Severity, out var severity))
        {
            faults.Add(new("severity", "incident.fault.severity"));
        }

        var occurred = Occurred(text, before, faults);
        if (text.Clock.Length > MaxClock)
        {
            faults.Add(new("clock", "incident.fault.long", MaxClock));
        }

        var owner = await OwnerAsync(text.Owner, team, before, faults, ct);
        var marking = await MarkingAsync(text, team, before, faults, ct);
        return faults.Count > 0 ? (null, faults)
            : (new(text.Title, text.Summary, rsit!, label, labelVersion, severity, marking!, occurred, text.Clock.Length == 0 ? null : text.Clock, owner), faults);
    }

    /// <summary>The strictest TLP and PAP of the reports linked now. Asked as the node: a source counts also when this viewer may not know of it.</summary>
    public async Task<(Tlp Tlp, Pap Pap)> StrictestSourceAsync(IncidentId incident, CancellationToken ct)
    {
        await using var system = databases.ForSystem("marking");
        var reports = await system.ReportLinks.Where(l => l.Incident == incident && l.EndedAt == null).Select(l => l.Report).ToArrayAsync(ct);
        var markings = (await system.Reports.AsNoTracking().Where(r => reports.Contains(r.Id)).ToListAsync(ct)).ConvertAll(r => r.Marking);
        return markings.Count == 0 ? (Tlp.Clear, Pap.Clear) : (markings.Max(m => m.Tlp), markings.Max(m => m.Pap));
    }

    public static bool TrySeverity(string? text, out Severity severity)
    {
        (severity, var known) = (text ?? "").ToLowerInvariant() switch
        {
            "low" => (Severity.Low, true),
            "medium" => (Severity.Medium, true),
            "high" => (Severity.High, true),
            "critical" => (Severity.Critical, true),
            _ => (Severity.Medium, false),
        };
        return known;
    }

    private async Task<(string? Label, int? Version)> LabelAsync(string text, TeamId team, Incident? before, List<IncidentFault> faults, CancellationToken ct)
    {
        if (text.Length == 0)
        {
            return (null, null);
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        // PostgreSQL knows no NUL, and no code holds one
        if (colon > 0 && !text.Contains('\0', StringComparison.Ordinal) && int.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            var code = text[(colon + 1)..];
            // an old incident keeps its version; a new choice is of the set in force
            if (before is not null && before.Label == code && before.LabelVersion == version)
            {
                return (code, version);
            }

            if (version == await LabelSet.VersionAsync(db, team, ct) && await db.CategoryLabels.AnyAsync(l => l.Team == team && l.Version == version && l.Code == code, ct))
            {
                return (code, version);
            }
        }

        faults.Add(new("label", "incident.fault.label"));
        return (null, null);
    }

    private StatedTime? Occurred(IncidentText text, Incident? before, List<IncidentFault> faults)
    {
        if (text.Occurred.Length == 0)
        {
            return null;
        }

        if (before is not null && before.OccurredAt is { } at && IncidentText.Of(before) is var old && old.Occurred == text.Occurred && old.Zone == text.Zone)
        {
            // not touched: keep what was understood then (a year that was assumed stays)
            return new StatedTime(at, text.Occurred, text.Zone, null);
        }

        if (StatedTime.TryParse(text.Occurred, text.Zone, clock, out var stated, out var error))
        {
            return stated;
        }

        faults.Add(new(error.Kind is TimeErrorKind.NoZone or TimeErrorKind.UnknownZone ? "zone" : "occurred", "incident.time." + error.Kind.ToString().ToLowerInvariant()));
        return null;
    }

    private async Task<PersonId?> OwnerAsync(string text, TeamId team, Incident? before, List<IncidentFault> faults, CancellationToken ct)
    {
        if (text.Length == 0)
        {
            return null;
        }

        if (PersonId.TryParse(text, CultureInfo.InvariantCulture, out var person) && (before?.Owner == person || (await OwnersAsync(db, team, ct)).Contains(person)))
        {
            return person;
        }

        faults.Add(new("owner", "incident.fault.owner"));
        return null;
    }

    /// <summary>Who can own an incident of the team: those whose role may work on it.</summary>
    public static async Task<IReadOnlySet<PersonId>> OwnersAsync(NodeDb db, TeamId team, CancellationToken ct) =>
        (await db.Memberships.AsNoTracking().Where(m => m.Team == team).ToListAsync(ct)).Where(m => Rights.Of(m.Role).Contains(Right.WorkIncidents)).Select(m => m.Person).ToHashSet();

    private async Task<Marking?> MarkingAsync(IncidentText text, TeamId team, Incident? before, List<IncidentFault> faults, CancellationToken ct)
    {
        if (!MarkingLabels.TryParseTlp(text.Tlp, out var tlp))
        {
            faults.Add(new("tlp", "incident.fault.tlp"));
            return null;
        }

        if (!MarkingLabels.TryParsePap(text.Pap, out var pap))
        {
            faults.Add(new("pap", "incident.fault.pap"));
            return null;
        }

        var old = before?.Marking ?? Marking.Own(team);
        var audience = new List<Principal>();
        foreach (var code in text.Audience.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Principal.TryParse(code, out var principal) || (!old.Audience.Contains(principal) && !await CanNameAsync(principal, team, ct)))
            {
                faults.Add(new("audience", "incident.fault.audience"));
                return null;
            }

            audience.Add(principal);
        }

        var marking = old with { Tlp = tlp, Pap = pap, Audience = new(audience) };
        if (marking == old)
        {
            return old;
        }

        if (marking.Fault() is { } fault)
        {
            faults.Add(new(fault is MarkingFault.ClearExcludesNobody or MarkingFault.EndsBeforeItBegins ? "tlp" : "audience", "incident.fault." + fault.ToString().ToLowerInvariant()));
            return null;
        }

        if (before is not null && (tlp < old.Tlp || pap < old.Pap))
        {
            var (strictestTlp, strictestPap) = await StrictestSourceAsync(before.Id, ct);
            if (tlp < old.Tlp && tlp < strictestTlp)
            {
                faults.Add(new("tlp", "incident.fault.strictest_source", strictestTlp.Label(), tlp.Label()));
            }

            if (pap < old.Pap && pap < strictestPap)
            {
                faults.Add(new("pap", "incident.fault.strictest_source", strictestPap.Label(), pap.Label()));
            }
        }

        if (!ReadRule.Allows(db.Viewer, marking, clock.GetUtcNow()))
        {
            faults.Add(new("audience", "incident.fault.locks_you_out"));
        }

        return marking;
    }

    /// <summary>Teams of this node that the viewer knows, and the people they work with.</summary>
    private async Task<bool> CanNameAsync(Principal principal, TeamId team, CancellationToken ct)
    {
        if (principal.IsTeam)
        {
            var other = new TeamId(principal.Id);
            return other != team && await db.Teams.AnyAsync(t => t.Id == other && t.Hosted, ct);
        }

        if (principal.IsPerson)
        {
            var person = new PersonId(principal.Id);
            return await db.People.AnyAsync(p => p.Id == person, ct);
        }

        return false;
    }
}
