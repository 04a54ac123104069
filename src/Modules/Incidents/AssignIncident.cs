using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /incidents/{id}/assign: who of the team looks after it.</summary>
public static class AssignIncident
{
    public sealed record Model(Incident Incident, IReadOnlyList<Choice> Owners, string Owner, bool Mine, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/assign", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/assign", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
    }

    /// <summary>Says the incident's owner in the timeline, and tells the person when it was someone else who did it.</summary>
    public static async Task TellAsync(NodeDb db, Incident incident, DateTimeOffset now, CancellationToken ct)
    {
        if (incident.Owner is not { } owner)
        {
            Diary.Say(db, incident, EntryKind.State, now, "diary.unassigned", []);
            return;
        }

        var person = await db.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == owner, ct);
        Diary.Say(db, incident, EntryKind.State, now, "diary.assigned", [person?.Name ?? "", person?.NameLatin ?? person?.Name ?? ""]);
        if (owner != db.Viewer.Person)
        {
            db.Notifications.Add(new Notification { Id = Guid.CreateVersion7(now), Person = owner, TextKey = "incident.notify.assigned", Args = JsonSerializer.Serialize(new[] { incident.Number }), Href = IncidentAct.Href(incident.Id), At = now });
        }
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        return incident is null ? refusal! : Answers.Page<AssignPage>(await ModelAsync(db, incident, incident.Owner?.ToString() ?? "", t, FormErrors.None, ct));
    }

    private static async Task<IResult> PostAsync(IncidentId id, IFormCollection form, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return refusal!;
        }

        var wanted = form["owner"].ToString();
        PersonId? owner = null;
        if (wanted.Length > 0)
        {
            if (!PersonId.TryParse(wanted, null, out var person) || !(await IncidentFields.OwnersAsync(db, incident.Marking.Origin, ct)).Contains(person))
            {
                return Answers.Page<AssignPage>(await ModelAsync(db, incident, "", t, new FormErrors().Add("owner", t["incident.field.owner"], t["incident.fault.owner"]), ct), StatusCodes.Status400BadRequest);
            }

            owner = person;
        }

        if (incident.Owner != owner)
        {
            incident.Owner = owner;
            await TellAsync(db, incident, clock.GetUtcNow(), ct);
            if (!await IncidentAct.TrySaveAsync(db, ct))
            {
                (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
                return incident is null ? refusal! : Answers.Page<AssignPage>(await ModelAsync(db, incident, wanted, t, new FormErrors().Add("owner", t["incident.field.owner"], t["incident.changed_meanwhile"]), ct), StatusCodes.Status409Conflict);
            }
        }

        return IncidentAct.Done(id, "assigned");
    }

    private static async Task<Model> ModelAsync(NodeDb db, Incident incident, string owner, Texts t, FormErrors errors, CancellationToken ct)
    {
        var owners = await IncidentFields.OwnersAsync(db, incident.Marking.Origin, ct);
        var people = await db.People.AsNoTracking().OrderBy(p => p.Name).ToListAsync(ct);
        return new(incident, [.. people.Where(p => owners.Contains(p.Id)).Select(p => new Choice(p.Id.ToString(), p.NameIn(t.Lang)))], owner, db.Viewer.Person is { } me && owners.Contains(me) && incident.Owner != me, errors);
    }
}
