using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>Another incident or an unread report that names the same thing; the reason is what they share.</summary>
public sealed record RelatedItem(string Href, string Number, string Title, IncidentState? State, IReadOnlyList<Observable> Shared, bool SameReport);

/// <summary>Finds what is related by a shared observable or report, among what the viewer may know of.</summary>
public static class RelatedIncidents
{
    private const int MaxValues = 200;
    private const int MaxItems = 5;

    public static async Task<IReadOnlyList<RelatedItem>> FindAsync(NodeDb db, IncidentId incident, CancellationToken ct)
    {
        var targets = await db.IncidentTargets.AsNoTracking().Where(t => t.Incident == incident && t.RemovedAt == null).Select(t => new { t.Value, t.Address }).Take(MaxValues).ToListAsync(ct);
        var linked = await db.ReportLinks.AsNoTracking().Where(l => l.Incident == incident && l.EndedAt == null).Select(l => l.Report).ToArrayAsync(ct);
        var reported = await db.ReportObservables.AsNoTracking().Where(o => linked.Contains(o.Report)).Select(o => o.Value).Take(MaxValues).ToListAsync(ct);
        var values = targets.Select(t => t.Value).Concat(targets.Select(t => t.Address).OfType<string>()).Concat(reported).Distinct(StringComparer.Ordinal).Take(MaxValues).ToArray();
        var shared = new Dictionary<IncidentId, HashSet<Observable>>();
        foreach (var hit in await db.IncidentTargets.AsNoTracking().Where(t => t.Incident != incident && t.RemovedAt == null && values.Contains(t.Value)).Select(t => new { t.Incident, t.Type, t.Value }).Take(1000).ToListAsync(ct))
        {
            Add(hit.Incident, new(hit.Type, hit.Value));
        }

        var inReports = await db.ReportObservables.AsNoTracking().Where(o => !linked.Contains(o.Report) && values.Contains(o.Value)).Select(o => new { o.Report, o.Type, o.Value }).Take(1000).ToListAsync(ct);
        var otherReports = inReports.Select(o => o.Report).Distinct().ToArray();
        var otherLinks = await db.ReportLinks.AsNoTracking().Where(l => l.EndedAt == null && l.Incident != incident && (otherReports.Contains(l.Report) || linked.Contains(l.Report))).Select(l => new { l.Report, l.Incident }).ToListAsync(ct);
        var sameReport = otherLinks.Where(l => linked.Contains(l.Report)).Select(l => l.Incident).ToHashSet();
        foreach (var link in otherLinks)
        {
            foreach (var hit in inReports.Where(o => o.Report == link.Report))
            {
                Add(link.Incident, new(hit.Type, hit.Value));
            }
        }

        var ids = shared.Keys.Concat(sameReport).Distinct().ToArray();
        var found = await db.Incidents.AsNoTracking().Where(i => ids.Contains(i.Id)).OrderByDescending(i => i.OpenedAt).Take(200).ToListAsync(ct);
        var items = found.Select(i => new RelatedItem(IncidentAct.Href(i.Id), i.Number, i.Title, i.State, [.. shared.GetValueOrDefault(i.Id, [])], sameReport.Contains(i.Id)))
            .OrderByDescending(r => r.SameReport).ThenByDescending(r => r.Shared.Count).Take(MaxItems).ToList();
        var unread = await db.Reports.AsNoTracking().Where(r => otherReports.Contains(r.Id) && r.State == ReportState.New).OrderByDescending(r => r.ReceivedAt).Take(MaxItems).ToListAsync(ct);
        items.AddRange(unread.Select(r => new RelatedItem("/reports/" + r.Id, r.Number, r.Summary, null, [.. inReports.Where(o => o.Report == r.Id).Select(o => new Observable(o.Type, o.Value)).Distinct()], false)));
        return items;

        void Add(IncidentId id, Observable observable)
        {
            if (!shared.TryGetValue(id, out var set))
            {
                shared[id] = set = [];
            }

            set.Add(observable);
        }
    }
}
