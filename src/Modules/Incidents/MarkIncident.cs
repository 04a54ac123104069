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
}
