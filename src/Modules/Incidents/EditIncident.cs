using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/edit, PATCH /api/v1/incidents/{id}: change what is written about it, who owns it and who may know of it.</summary>
public static class EditIncident
{
    /// <summary><paramref name="Base"/> tells on return whether these fields changed meanwhile; the version alone also counts what the node derives.</summary>
    public sealed record Model(Incident Incident, IncidentText Text, long Version, string Base, IncidentChoices Choices, FormErrors Errors, Tlp StrictestSource);

    public sealed record ConflictModel(Incident Incident, string Who, DateTimeOffset At, long MyVersion, IReadOnlyList<ConflictField> Fields, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/edit", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/edit", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPatch("/api/v1/incidents/{id}", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("changeIncident")
            .WithSummary("Change fields of an incident").WithDescription("A JSON merge patch (RFC 7396) over title, summary, category, type, label, severity, tlp, pap, occurredAt, timezone, clockNote and owner. If-Match carries the ETag that was read: 428 without, 412 when someone changed the incident since.");
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, NodeDbFactory databases, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var text = IncidentText.Of(incident);
        return Answers.Page<EditIncidentPage>(await ModelAsync(db, databases, clock, incident, text, text.Fingerprint, t, FormErrors.None, ct));
    }

    private static async Task<IResult> PostAsync(IncidentId id, IFormCollection form, NodeDb db, NodeDbFactory databases, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var stored = IncidentText.Of(incident);
        var chosen = form.Keys.Any(k => k.StartsWith("mine.", StringComparison.Ordinal));
        var mine = chosen ? IncidentText.Choose(stored, form) : IncidentText.Read(form);
        _ = long.TryParse(form["version"], NumberStyles.None, CultureInfo.InvariantCulture, out var version);
        if (version != incident.Version && form["base"] != stored.Fingerprint)
        {
            return await ConflictAsync(db, databases, incident, mine, version, t, FormErrors.None, StatusCodes.Status409Conflict, ct);
        }

        var (values, faults) = await new IncidentFields(db, databases, clock).ReadAsync(mine, incident.Marking.Origin, incident, ct);
        if (values is null)
        {
            return Answers.Page<EditIncidentPage>(await ModelAsync(db, databases, clock, incident, mine, stored.Fingerprint, t, IncidentFault.ToErrors(faults, t), ct), StatusCodes.Status400BadRequest);
        }

        await WriteAsync(db, incident, values, clock.GetUtcNow(), ct);
        if (await IncidentAct.TrySaveAsync(db, ct))
        {
            return IncidentAct.Done(id, "edited");
        }

        (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : await ConflictAsync(db, databases, incident, mine, version, t, FormErrors.None, StatusCodes.Status409Conflict, ct);
    }

    private static async Task<Results<Ok<ListIncidents.Item>, ValidationProblem, ProblemHttpResult>> ApiAsync(IncidentId id, JsonObject patch, HttpContext http, NodeDb db, NodeDbFactory databases, TimeProvider clock, TextBook book, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http.Request, ct);
        if (incident is null)
        {
            return refusal!;
        }

        if (http.Request.Headers.IfMatch.Count == 0)
        {
            return TypedResults.Problem("Send If-Match with the ETag that you read, so that nobody's change is lost.", statusCode: 428, title: "If-Match is needed");
        }

        var problems = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var text = Overlay(IncidentText.Of(incident), patch, problems);
        var (values, faults) = await new IncidentFields(db, databases, clock).ReadAsync(text, incident.Marking.Origin, incident, ct);
        foreach (var (field, reasons) in IncidentFault.ToProblem(faults, book, CreateIncident.ApiName))
        {
            problems.TryAdd(field, reasons);
        }

        if (values is null || problems.Count > 0)
        {
            return TypedResults.ValidationProblem(problems);
        }

        await WriteAsync(db, incident, values, clock.GetUtcNow(), ct);
        if (!await IncidentAct.TrySaveAsync(db, ct))
        {
            return await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct) is { } now ? EntityTag.Outdated(now.Version) : TypedResults.Problem(statusCode: 404, title: "Not found");
        }

        http.Response.Headers.ETag = GetIncident.ETag(incident);
        return TypedResults.Ok(ListIncidents.ToItem(incident));
    }

    private static IncidentText Overlay(IncidentText text, JsonObject patch, Dictionary<string, string[]> problems)
    {
        foreach (var (name, node) in patch)
        {
            if (node is not null && node.GetValueKind() != JsonValueKind.String)
            {
                problems[name] = ["A string or null is expected."];
                continue;
            }

            var value = node?.GetValue<string>() ?? "";
            (text, var known) = name switch
            {
                "category" => (text with { Rsit = value + text.Rsit[text.Rsit.IndexOf('/', StringComparison.Ordinal)..] }, true),
                "type" => (text with { Rsit = text.Rsit[..(text.Rsit.IndexOf('/', StringComparison.Ordinal) + 1)] + value }, true),
                "title" or "summary" or "label" or "severity" or "tlp" or "pap" or "owner" => (text.With(name, value), true),
                "occurredAt" => (text.With("occurred", value), true),
                "timezone" => (text.With("zone", value), true),
                "clockNote" => (text.With("clock", value), true),
                _ => (text, false),
            };
            if (!known)
            {
                problems[name] = ["There is no such field to change."];
            }
        }

        return text;
    }

    private static async Task WriteAsync(NodeDb db, Incident incident, IncidentFields.Values values, DateTimeOffset now, CancellationToken ct)
    {
        var before = IncidentText.Of(incident);
        var (marking, owner) = (incident.Marking, incident.Owner);
        values.WriteTo(incident);
        MarkIncident.Set(db, incident, values.Marking);
        if (marking != incident.Marking)
        {
            Diary.Say(db, incident, EntryKind.State, now, "diary.marking", [marking.Tlp.Label(), incident.Marking.Tlp.Label(), incident.Marking.Audience.Count.ToString(CultureInfo.InvariantCulture)], IncidentAct.Href(incident.Id) + "/who");
        }

        if (owner != incident.Owner)
        {
            await AssignIncident.TellAsync(db, incident, now, ct);
        }

        if (before.Severity != IncidentText.Of(incident).Severity)
        {
            Diary.Say(db, incident, EntryKind.State, now, "diary.severity_" + incident.Severity.ToString().ToLowerInvariant(), []);
        }

        await IncidentClock.RecomputeAsync(db, incident, ct);
    }

    private static async Task<Model> ModelAsync(NodeDb db, NodeDbFactory databases, TimeProvider clock, Incident incident, IncidentText text, string fingerprint, Texts t, FormErrors errors, CancellationToken ct) =>
        new(incident, text, incident.Version, fingerprint, await IncidentChoices.LoadAsync(db, t, incident.Marking.Origin, incident, ct), errors, (await new IncidentFields(db, databases, clock).StrictestSourceAsync(incident.Id, ct)).Tlp);

    private static async Task<IResult> ConflictAsync(NodeDb db, NodeDbFactory databases, Incident incident, IncidentText mine, long myVersion, Texts t, FormErrors errors, int status, CancellationToken ct)
    {
        var stored = IncidentText.Of(incident);
        var choices = await IncidentChoices.LoadAsync(db, t, incident.Marking.Origin, incident, ct);
        var names = await PrincipalNames.LoadAsync(db, t, Codes(stored).Concat(Codes(mine)), ct);
        var fields = stored.Fields.Zip(mine.Fields, (theirs, my) => new ConflictField(theirs.Name, t["incident.field." + theirs.Name], Shown(theirs.Name, theirs.Value), Shown(my.Name, my.Value), my.Value)).ToList();
        return Answers.Page<ConflictPage>(new ConflictModel(incident, await WhoSavedAsync(db, databases, incident, t, ct), incident.UpdatedAt, myVersion, fields, errors), status);

        string Shown(string name, string value) => name switch
        {
            "rsit" => Named(choices.Rsit, value),
            "label" => Named(choices.Labels, value),
            "severity" => Named(choices.Severities, value),
            "owner" => Named(choices.Owners, value),
            "tlp" => "TLP:" + value,
            "pap" => "PAP:" + value,
            "audience" => names.List(PrincipalSet.FromText(value)),
            "title" or "summary" => TextRefang.DefangText(value),
            "clock" => ClockError.Say(value, t),
            _ => value,
        };

        static string Named(IReadOnlyList<Choice> choices, string value) => choices.FirstOrDefault(c => c.Value == value)?.Text ?? value;

        static IEnumerable<Principal> Codes(IncidentText text) => PrincipalSet.FromText(text.Audience);
    }

    /// <summary>Who saved the version that stands. The audit log is asked as the node, since it is not this reader's; the name only of someone they may know of.</summary>
    private static async Task<string> WhoSavedAsync(NodeDb db, NodeDbFactory databases, Incident incident, Texts t, CancellationToken ct)
    {
        var record = incident.Id.Value;
        await using var system = databases.ForSystem("conflict");
        var actor = await system.Audit.AsNoTracking().Where(a => a.Record == record && a.Action == "incident.changed").OrderByDescending(a => a.Seq).Select(a => a.Actor).FirstOrDefaultAsync(ct);
        if (actor is not null && actor.StartsWith("person:", StringComparison.Ordinal) && PersonId.TryParse(actor[7..], CultureInfo.InvariantCulture, out var person)
            && await db.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == person, ct) is { } found)
        {
            return found.NameIn(t.Lang);
        }

        return t["incident.someone"];
    }
}
