using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// GET and POST /incidents/{id}/targets/new: paste many, one a line, each with the address it was seen at if known. GET and POST
/// /api/v1/incidents/{id}/targets for scripts.
/// </summary>
public static class AddTargets
{
    public const int MaxLines = 500;
    private const int MaxText = 500 * 2200;

    public sealed record Model(Incident Incident, string Lines, string Role, IReadOnlyList<BadLine> Bad, FormErrors Errors);

    /// <summary>A line that is no observable, by its number in the box.</summary>
    public sealed record BadLine(int Line, string Shown, string Why);

    public sealed record Input(IReadOnlyList<CreateIncident.TargetIn>? Targets);

    /// <summary><paramref name="Items"/>: now targets of the incident; <paramref name="Known"/>: were so before, as they stand.</summary>
    public sealed record Added(IReadOnlyList<GetIncident.TargetOut> Items, IReadOnlyList<GetIncident.TargetOut> Known);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/targets/new", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/targets/new", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents/{id}/targets", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("addTargets").ProducesProblem(403).ProducesProblem(404).ProducesProblem(412);
    }

    /// <summary>Reads a role by name, any case.</summary>
    public static bool TryRole(string? text, out TargetRole role) => Enum.TryParse(text, ignoreCase: true, out role) && Enum.IsDefined(role) && !char.IsAsciiDigit(text![0]);

    /// <summary>An address in canonical form, or none.</summary>
    public static bool TryAddress(string? text, out string? address)
    {
        address = null;
        if (string.IsNullOrWhiteSpace(text))
        {
            return true;
        }

        if (Observable.TryParse(text, out var found, out _) && found.Type is ObservableType.IPv4 or ObservableType.IPv6)
        {
            address = found.Value;
            return true;
        }

        return false;
    }

    /// <summary>A target with where it lies now, from the node's own tables.</summary>
    public static IncidentTarget Located(Locator locator, IncidentId incident, Observable observable, TargetRole role, string? address, DateTimeOffset now)
    {
        var location = locator.Of(observable, address);
        return new IncidentTarget
        {
            Id = Guid.CreateVersion7(now),
            Incident = incident,
            Type = observable.Type,
            Value = observable.Value,
            Role = role,
            Address = address,
            Prefix = location.Prefix,
            Asn = location.Asn,
            AsName = location.AsName,
            Country = location.Country,
            Tld = location.Tld,
            AddedAt = now,
        };
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : Answers.Page<AddTargetsPage>(new Model(incident, "", incident.Type == "phishing" ? "phishing" : "", [], FormErrors.None));
    }

    private static async Task<IResult> PostAsync(IncidentId id, IFormCollection form, NodeDb db, Locator locator, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var text = form["lines"].ToString();
        var (errors, bad, found) = (new FormErrors(), new List<BadLine>(), new List<(Observable Observable, string? Address)>());
        if (!TryRole(form["role"], out var role))
        {
            errors.Add("role", t["incident.targets.role"], t["incident.fault.choose"]);
        }

        var lines = text.Length > MaxText ? [] : text.Split('\n');
        if (text.Length > MaxText || lines.Length > MaxLines)
        {
            errors.Add("lines", t["incident.targets.lines"], t.Of("incident.targets.many", MaxLines));
            text = text.Length > MaxText ? text[..MaxText] : text;
        }
        else
        {
            Read(lines, found, bad, t);
            if (bad.Count > 0)
            {
                errors.Add("lines", t["incident.targets.lines"], t.Of("incident.targets.bad", bad.Count));
            }
            else if (found.Count == 0)
            {
                errors.Add("lines", t["incident.targets.lines"], t["incident.targets.none"]);
            }
        }

        if (errors.Any)
        {
            return Answers.Page<AddTargetsPage>(new Model(incident, InertText.Clean(text), form["role"].ToString(), bad, errors), StatusCodes.Status400BadRequest);
        }

        var now = clock.GetUtcNow();
        var (added, _) = await SaveAsync(db, incident, found.Select(f => Located(locator, id, f.Observable, role, f.Address, now)), now, ct);
        return IncidentAct.Done(id, added.Count > 0 ? "targets" : "targets_known");
    }

    private static async Task<Results<Created<Added>, ValidationProblem, ProblemHttpResult>> ApiAsync(IncidentId id, Input input, HttpRequest http, NodeDb db, Locator locator, TimeProvider clock, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var problems = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var now = clock.GetUtcNow();
        var wanted = CreateIncident.Targets(input.Targets ?? [], problems, locator, now);
        if (wanted.Count == 0 && problems.Count == 0)
        {
            problems["targets"] = ["At least one {value, role, address}."];
        }

        if (problems.Count > 0)
        {
            return TypedResults.ValidationProblem(problems);
        }

        var (added, known) = await SaveAsync(db, incident, wanted.Select(make => make(id)), now, ct);
        return TypedResults.Created($"/api/v1/incidents/{id}/targets", new Added([.. added.Select(GetIncident.ToTarget)], [.. known.Select(GetIncident.ToTarget)]));
    }

    /// <summary>Adds those that are not there yet.</summary>
    private static async Task<(IReadOnlyList<IncidentTarget> Added, IReadOnlyList<IncidentTarget> Known)> SaveAsync(NodeDb db, Incident incident, IEnumerable<IncidentTarget> wanted, DateTimeOffset now, CancellationToken ct)
    {
        var id = incident.Id;
        var there = (await db.IncidentTargets.AsNoTracking().Where(x => x.Incident == id && x.RemovedAt == null).ToListAsync(ct)).GroupBy(x => new Observable(x.Type, x.Value)).ToDictionary(g => g.Key, g => g.First());
        var (added, known) = (new List<IncidentTarget>(), new List<IncidentTarget>());
        foreach (var target in wanted)
        {
            if (there.TryAdd(new(target.Type, target.Value), target))
            {
                added.Add(target);
            }
            else
            {
                known.Add(there[new(target.Type, target.Value)]);
            }
        }

        if (added.Count > 0)
        {
            db.IncidentTargets.AddRange(added);
            Diary.SayList(db, incident, EntryKind.State, now, "diary.targets_added", added.ConvertAll(x => new Observable(x.Type, x.Value).Defang()));
            await IncidentClock.SaveChangedAsync(db, incident, ct);
        }

        return (added, known);
    }

    private static void Read(string[] lines, List<(Observable Observable, string? Address)> found, List<BadLine> bad, Texts t)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            var parts = lines[i].Split([' ', '\t', '\r', '\u3000', ','], StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0)
            {
                continue;
            }

            var shown = TextRefang.DefangText(InertText.Clean(lines[i].Trim()));
            shown = shown.Length > 120 ? shown[..120] + "…" : shown;
            if (!Observable.TryParse(parts[0], out var observable, out var error))
            {
                // the parser's reasons are English; in Japanese the kinds that can be read are named instead
                bad.Add(new(i + 1, shown, t.Lang == "en" && error is not null ? error : t["incident.targets.not_observable"]));
            }
            else if (parts.Length > 2 || !TryAddress(parts.ElementAtOrDefault(1), out var address))
            {
                bad.Add(new(i + 1, shown, t["incident.targets.not_address"]));
            }
            else
            {
                found.Add((observable, address));
            }
        }
    }
}
