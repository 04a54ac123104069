using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/notes/new, POST /api/v1/incidents/{id}/timeline: a note, which never leaves the team, or an event at a stated time, which goes with the incident.</summary>
public static class AddNote
{
    public const int MaxText = 20_000;

    public sealed record Model(Incident Incident, string What, string Text, string At, string Zone, FormErrors Errors);

    /// <param name="What">note or event.</param>
    /// <param name="At">When it happened, for an event, as <see cref="StatedTime"/> reads it; <paramref name="Timezone"/> where the text names none.</param>
    public sealed record Input(string? What, string? Text, string? At, string? Timezone);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/notes/new", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/notes/new", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents/{id}/timeline", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("addTimelineEntry").ProducesProblem(403).ProducesProblem(404).ProducesProblem(412);
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, PageContext page, string? what, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : Answers.Page<AddNotePage>(new Model(incident, what == "event" ? "event" : "note", "", "", page.Zone.Id, FormErrors.None));
    }

    private static async Task<IResult> PostAsync(IncidentId id, IFormCollection form, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var (text, isEvent) = (IncidentAct.Clean(form["text"]), form["what"] == "event");
        var (stated, faults) = Check(text, isEvent, form["at"], form["zone"], clock);
        if (faults.Count > 0)
        {
            var errors = new FormErrors();
            faults.ForEach(f => errors.Add(f.Field, t[f.Field == "zone" ? "incident.field.zone" : "incident.note." + f.Field], t.Of(f.TextKey, f.Args)));
            return Answers.Page<AddNotePage>(new Model(incident, isEvent ? "event" : "note", text, IncidentAct.CleanLine(form["at"]), IncidentAct.CleanLine(form["zone"]), errors), StatusCodes.Status400BadRequest);
        }

        await SaveAsync(db, incident, text, isEvent, stated, clock.GetUtcNow(), ct);
        return IncidentAct.Done(id, isEvent ? "event" : "note");
    }

    private static (StatedTime? Stated, List<IncidentFault> Faults) Check(string text, bool isEvent, string? at, string? zone, TimeProvider clock)
    {
        var (stated, faults) = ((StatedTime?)null, new List<IncidentFault>());
        if (text.Length is 0 or > MaxText)
        {
            faults.Add(text.Length == 0 ? new("text", "incident.fault.empty") : new("text", "incident.fault.long", MaxText));
        }

        if (isEvent && !StatedTime.TryParse(at ?? "", zone, clock, out stated, out var error))
        {
            faults.Add(new(error.Kind is TimeErrorKind.NoZone or TimeErrorKind.UnknownZone ? "zone" : "at", "incident.time." + error.Kind.ToString().ToLowerInvariant()));
        }

        return (stated, faults);
    }

    private static async Task<TimelineEntry> SaveAsync(NodeDb db, Incident incident, string text, bool isEvent, StatedTime? stated, DateTimeOffset now, CancellationToken ct)
    {
        var entry = new TimelineEntry
        {
            Id = Guid.CreateVersion7(now),
            Incident = incident.Id,
            Team = incident.Marking.Origin,
            What = isEvent ? EntryKind.Event : EntryKind.Note,
            At = stated?.Utc ?? now,
            AtText = isEvent ? stated?.Original : null,
            AtZone = isEvent ? stated?.Zone : null,
            Author = db.Viewer.Person,
            Text = text,
        };
        db.Timeline.Add(entry);
        await db.SaveChangesAsync(ct);
        return entry;
    }

    private static async Task<Results<Created<GetIncident.EntryOut>, ValidationProblem, ProblemHttpResult>> ApiAsync(IncidentId id, Input input, HttpRequest http, NodeDb db, TextBook book, TimeProvider clock, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var (text, isEvent) = (IncidentAct.Clean(input.Text), input.What == "event");
        var (stated, faults) = Check(text, isEvent, input.At, input.Timezone, clock);
        var problems = IncidentFault.ToProblem(faults, book, CreateIncident.ApiName);
        if (input.What is not ("note" or "event"))
        {
            problems["what"] = ["One of note, event."];
        }

        return problems.Count > 0 ? TypedResults.ValidationProblem(problems)
            : TypedResults.Created($"/api/v1/incidents/{id}/timeline", GetIncident.ToEntry(await SaveAsync(db, incident, text, isEvent, stated, clock.GetUtcNow(), ct), new Texts(book, "en")));
    }
}
