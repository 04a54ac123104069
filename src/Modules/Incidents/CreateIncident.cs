using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/new, POST /api/v1/incidents: an incident that no report brought.</summary>
public static class CreateIncident
{
    public sealed record Model(IncidentText Text, IncidentChoices Choices, FormErrors Errors);

    /// <summary>A target as scripts send it: <paramref name="Value"/> defanged or not, where it was seen at in <paramref name="Address"/>.</summary>
    public sealed record TargetIn(string? Value, string? Role, string? Address);

    /// <param name="Category">RSIT category, such as <c>fraud</c>; <paramref name="Type"/> its type, such as <c>phishing</c>.</param>
    /// <param name="OccurredAt">As <see cref="StatedTime"/> reads it; <paramref name="Timezone"/> where the text names none.</param>
    public sealed record Request(string? Title, string? Summary, string? Category, string? Type, string? Severity, string? Tlp, string? Pap, string? OccurredAt, string? Timezone, IReadOnlyList<TargetIn>? Targets);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/new", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/new", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("createIncident");
    }

    private static async Task<IResult> GetAsync(NodeDb db, Texts t, IncidentsSettings settings, CancellationToken ct)
    {
        var team = db.Viewer.Team!.Value;
        return Answers.Page<CreateIncidentPage>(new Model(new() { Zone = settings.Zone, Owner = db.Viewer.Person?.ToString() ?? "" }, await IncidentChoices.LoadAsync(db, t, team, null, ct), FormErrors.None));
    }

    private static async Task<IResult> PostAsync(IFormCollection form, NodeDb db, NodeDbFactory databases, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var team = db.Viewer.Team!.Value;
        var text = IncidentText.Read(form);
        var (values, faults) = await new IncidentFields(db, databases, clock).ReadAsync(text, team, null, ct);
        if (values is null)
        {
            return Answers.Page<CreateIncidentPage>(new Model(text, await IncidentChoices.LoadAsync(db, t, team, null, ct), IncidentFault.ToErrors(faults, t)), StatusCodes.Status400BadRequest);
        }

        var incident = await StoreAsync(db, team, values, [], clock.GetUtcNow(), ct);
        return Answers.Seen(IncidentAct.Href(incident.Id));
    }

    private static async Task<Results<Created<ListIncidents.Item>, ValidationProblem>> ApiAsync(Request request, HttpContext http, NodeDb db, NodeDbFactory databases, TimeProvider clock, Locator locator, IncidentsSettings settings, TextBook book, CancellationToken ct)
    {
        var team = db.Viewer.Team!.Value;
        var text = new IncidentText
        {
            Title = IncidentAct.CleanLine(request.Title),
            Summary = IncidentAct.Clean(request.Summary),
            Rsit = request.Category is null && request.Type is null ? "" : request.Category + "/" + request.Type,
            Severity = request.Severity ?? "medium",
            Tlp = request.Tlp ?? "AMBER",
            Pap = request.Pap ?? "AMBER",
            Occurred = IncidentAct.CleanLine(request.OccurredAt),
            Zone = IncidentAct.CleanLine(request.Timezone),
        };
        var (values, faults) = await new IncidentFields(db, databases, clock).ReadAsync(text, team, null, ct);
        var problems = IncidentFault.ToProblem(faults, book, ApiName);
        var targets = Targets(request.Targets ?? [], problems, locator, clock.GetUtcNow());
        if (values is null || problems.Count > 0)
        {
            return TypedResults.ValidationProblem(problems);
        }

        var incident = await StoreAsync(db, team, values, targets, clock.GetUtcNow(), ct);
        http.Response.Headers.ETag = GetIncident.ETag(incident);
        return TypedResults.Created("/api/v1/incidents/" + incident.Id, ListIncidents.ToItem(incident));
    }

    /// <summary>What a field of the form is called in JSON.</summary>
    public static string ApiName(string field) => field switch { "rsit" => "type", "occurred" => "occurredAt", "zone" => "timezone", "clock" => "clockNote", _ => field };

    /// <summary>Reads targets as scripts send them, each observable once; what is wrong is added to <paramref name="problems"/>.</summary>
    internal static List<Func<IncidentId, IncidentTarget>> Targets(IReadOnlyList<TargetIn> targets, Dictionary<string, string[]> problems, Locator locator, DateTimeOffset now)
    {
        var read = new List<Func<IncidentId, IncidentTarget>>();
        var seen = new HashSet<Observable>();
        if (targets.Count > AddTargets.MaxLines)
        {
            problems["targets"] = [$"At most {AddTargets.MaxLines} at once."];
            return read;
        }

        for (var i = 0; i < targets.Count; i++)
        {
            var target = targets[i];
            if (!Observable.TryParse(target.Value ?? "", out var observable, out var error))
            {
                problems[$"targets[{i}].value"] = [error ?? "Not an observable."];
                continue;
            }

            if (!AddTargets.TryRole(target.Role ?? "other", out var role))
            {
                problems[$"targets[{i}].role"] = ["Unknown role: " + string.Join(", ", Enum.GetValues<TargetRole>().Select(r => JsonNamingPolicy.CamelCase.ConvertName(r.ToString()))) + "."];
                continue;
            }

            if (!AddTargets.TryAddress(target.Address, out var address))
            {
                problems[$"targets[{i}].address"] = ["An IPv4 or IPv6 address."];
                continue;
            }

            if (seen.Add(observable))
            {
                read.Add(id => AddTargets.Located(locator, id, observable, role, address, now));
            }
        }

        return read;
    }

    private static Task<Incident> StoreAsync(NodeDb db, TeamId team, IncidentFields.Values values, IReadOnlyList<Func<IncidentId, IncidentTarget>> targets, DateTimeOffset now, CancellationToken ct) =>
        db.InTransactionAsync(async () =>
        {
            var incident = new Incident
            {
                Id = IncidentId.From(Guid.CreateVersion7(now)),
                Marking = values.Marking,
                Number = await Numbers.IncidentAsync(db, team, now, ct),
                Title = values.Title,
                Category = values.Rsit.Category,
                Type = values.Rsit.Id,
                OpenedAt = now,
            };
            values.WriteTo(incident);
            db.Incidents.Add(incident);
            db.IncidentTargets.AddRange(targets.Select(t => t(incident.Id)));
            Diary.Say(db, incident, EntryKind.State, now, "diary.opened", [incident.Number]);
            await db.SaveChangesAsync(ct);
            // its targets are in the database only now, and the clock asks the database
            await IncidentClock.RecomputeAsync(db, incident, ct);
            await db.SaveChangesAsync(ct);
            return incident;
        }, ct);
}
