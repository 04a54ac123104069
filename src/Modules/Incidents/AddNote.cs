using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/notes/new: a note, which never leaves the team, or an event at a stated time, which goes with the incident.</summary>
public static class AddNote
{
    public const int MaxText = 20_000;

    public sealed record Model(Incident Incident, string What, string Text, string At, string Zone, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/notes/new", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/notes/new", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
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

        var (text, errors, now) = (IncidentAct.Clean(form["text"]), new FormErrors(), clock.GetUtcNow());
        var (isEvent, stated) = (form["what"] == "event", (StatedTime?)null);
        if (text.Length is 0 or > MaxText)
        {
            errors.Add("text", t["incident.note.text"], text.Length == 0 ? t["incident.fault.empty"] : t.Of("incident.fault.long", MaxText));
        }

        if (isEvent && !StatedTime.TryParse(form["at"].ToString(), form["zone"], clock, out stated, out var error))
        {
            var zone = error.Kind is TimeErrorKind.NoZone or TimeErrorKind.UnknownZone;
            errors.Add(zone ? "zone" : "at", t[zone ? "incident.field.zone" : "incident.note.at"], t["incident.time." + error.Kind.ToString().ToLowerInvariant()]);
        }

        if (errors.Any)
        {
            return Answers.Page<AddNotePage>(new Model(incident, isEvent ? "event" : "note", text, IncidentAct.CleanLine(form["at"]), IncidentAct.CleanLine(form["zone"]), errors), StatusCodes.Status400BadRequest);
        }

        db.Timeline.Add(new TimelineEntry
        {
            Id = Guid.CreateVersion7(now),
            Incident = id,
            Team = incident.Marking.Origin,
            What = isEvent ? EntryKind.Event : EntryKind.Note,
            At = stated?.Utc ?? now,
            AtText = isEvent ? stated?.Original : null,
            AtZone = isEvent ? stated?.Zone : null,
            Author = db.Viewer.Person,
            Text = text,
        });
        await db.SaveChangesAsync(ct);
        return IncidentAct.Done(id, isEvent ? "event" : "note");
    }
}
