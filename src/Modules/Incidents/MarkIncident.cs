using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>
/// The one place that changes who may know of an incident. What was asked about it, drafts and sent alike, follows in the same save: no
/// request may be known more widely than its incident. A request only narrows; when the incident is shared wider later, what was asked
/// before stays as it was.
/// </summary>
public static class MarkIncident
{
    public static void Set(NodeDb db, Incident incident, Marking marking)
    {
        if (incident.Marking == marking)
        {
            return;
        }

        incident.Marking = marking;
        var id = incident.Id;
        // where both contradict each other, such as two RED ones that name different people, the incident's readers remain: somebody must be able to close the request
        db.Remark<CoordinationRequest, RequestId>(incident, r => r.Incident == id, before => TriageDesk.Combined(before, marking) ?? marking);
    }

    /// <summary>
    /// The incident as it is marked now, for a transaction that puts something beside it under that marking. Until it ends nobody changes the
    /// marking; whoever waits to do so finds what was put there, and it follows. Null when the incident is not, or no longer, to be known of.
    /// </summary>
    public static async Task<Incident?> HoldAsync(NodeDb db, IncidentId id, CancellationToken ct)
    {
        // what was read before the transaction may be old
        db.ChangeTracker.Clear();
        // its readers may have changed while this waited: then what stands now is asked, some times, since they may change again
        for (var tries = 0; tries < 5 && !await TakeAsync(db, id, ct); tries++)
        {
        }

        return await db.Incidents.FirstOrDefaultAsync(i => i.Id == id, ct);
    }

    /// <summary>Writes nothing new: it takes the row, where the engine locks rows.</summary>
    internal static async Task<bool> TakeAsync(NodeDb db, IncidentId id, CancellationToken ct) =>
        await db.Incidents.Where(i => i.Id == id).ExecuteUpdateAsync(s => s.SetProperty(i => i.Title, i => i.Title), ct) > 0;
}
