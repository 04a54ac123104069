using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// POST /triage/undo: takes back this person's last act of the past day. Links end and targets are taken out, nothing is deleted; an
/// incident that the act opened and that holds nothing else is abandoned.
/// </summary>
public static class UndoTriage
{
    /// <summary>Older acts are corrected by a new act.</summary>
    public static TimeSpan Reach { get; } = TimeSpan.FromHours(24);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/triage/undo", HandleAsync).Needs(Right.Triage).ExcludeFromDescription();

    /// <summary>True when there is something to take back.</summary>
    public static Task<bool> AnyAsync(NodeDb db, DateTimeOffset now, CancellationToken ct)
    {
        var (me, since) = (db.Viewer.Person ?? default, now - Reach);
        return db.TriageActs.AnyAsync(a => a.Person == me && a.UndoneAt == null && a.At >= since, ct);
    }

    /// <summary>True when what would be taken back touched this report.</summary>
    public static async Task<bool> IsLastAboutAsync(NodeDb db, ReportId report, DateTimeOffset now, CancellationToken ct) =>
        await LastAsync(db, now, ct) is { } batch && await db.TriageActs.AnyAsync(a => a.Batch == batch && a.Report == report && a.UndoneAt == null, ct);

    private static Task<Guid?> LastAsync(NodeDb db, DateTimeOffset now, CancellationToken ct)
    {
        var (me, since) = (db.Viewer.Person ?? default, now - Reach);
        return db.TriageActs.Where(a => a.Person == me && a.UndoneAt == null && a.At >= since).OrderByDescending(a => a.At).Select(a => (Guid?)a.Batch).FirstOrDefaultAsync(ct);
    }

    private static async Task<IResult> HandleAsync(IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var back = TriageDesk.Back(form["back"]);
        var batch = await LastAsync(db, clock.GetUtcNow(), ct);
        var acts = batch is null ? [] : await db.TriageActs.AsNoTracking().Where(a => a.Batch == batch && a.UndoneAt == null).OrderByDescending(a => a.At).Select(a => a.Id).Take(TriageDesk.MaxPicks).ToListAsync(ct);
        var (done, not) = (0, 0);
        foreach (var id in acts)
        {
            try
            {
                var undone = await db.InTransactionAsync(() => OneAsync(db, clock, t, id, ct), ct);
                (done, not) = undone ? (done + 1, not) : (done, not + 1);
            }
            catch (DbUpdateConcurrencyException)
            {
                not++;
            }

            db.ChangeTracker.Clear();
        }

        Toasts.Say(http, acts.Count == 0 ? new Toast("triage.undo.nothing", []) : not == 0 ? new Toast("triage.undo.done", [done]) : new Toast("triage.undo.partly", [done, not]));
        return Answers.Seen(back);
    }

    private static async Task<bool> OneAsync(NodeDb db, TimeProvider clock, Texts t, Guid id, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var act = await db.TriageActs.FirstOrDefaultAsync(a => a.Id == id, ct);
        if (act is null || await db.Reports.FirstOrDefaultAsync(r => r.Id == act.Report, ct) is not { } report || !db.Viewer.Has(report.Marking.Origin, Right.Triage))
        {
            return false;
        }

        act.UndoneAt = now;
        if (report.State != act.StateAfter || report.Assignee != act.AssigneeAfter || JsonSerializer.Deserialize<TriageBefore>(act.Before) is not { } before)
        {
            // someone went on from there: taking it back would take back theirs
            await db.SaveChangesAsync(ct);
            return false;
        }

        report.State = before.State;
        report.RejectReason = before.RejectReason;
        report.DuplicateOf = before.DuplicateOf is { } of ? new ReportId(of) : null;
        report.Assignee = before.Assignee is { } assignee ? new PersonId(assignee) : null;
        var touched = new HashSet<IncidentId>();
        foreach (var link in await db.ReportLinks.Where(l => before.LinksMade.Contains(l.Id) && l.EndedAt == null).ToListAsync(ct))
        {
            (link.EndedAt, link.EndedBy) = (now, db.Viewer.Person);
            touched.Add(link.Incident);
        }

        foreach (var ended in await db.ReportLinks.Where(l => before.LinksEnded.Contains(l.Id)).ToListAsync(ct))
        {
            // a new link from now: the gap stays in the history
            db.ReportLinks.Add(new ReportLink { Id = Guid.CreateVersion7(now), Report = ended.Report, Incident = ended.Incident, LinkedAt = now, LinkedBy = db.Viewer.Person });
            touched.Add(ended.Incident);
        }

        foreach (var target in await db.IncidentTargets.Where(x => before.TargetsMade.Contains(x.Id) && x.RemovedAt == null).ToListAsync(ct))
        {
            target.RemovedAt = now;
        }

        await db.SaveChangesAsync(ct);
        foreach (var incidentId in touched)
        {
            if (await db.Incidents.FirstOrDefaultAsync(i => i.Id == incidentId, ct) is not { } incident)
            {
                continue;
            }

            Diary.Say(db, incident, EntryKind.Report, now, "triage.diary.undone", [report.Number], $"/reports/{report.Id}");
            if (before.IncidentsOpened.Contains(incidentId.Value) && incident.State == IncidentState.Open
                && !await db.ReportLinks.AnyAsync(l => l.Incident == incidentId && l.EndedAt == null, ct) && !await db.Requests.AnyAsync(r => r.Incident == incidentId, ct))
            {
                (incident.State, incident.ClosedAt, incident.Outcome) = (IncidentState.Abandoned, now, t["triage.undo.outcome"]);
            }

            await IncidentClock.SaveAsync(db, incident, ct);
        }

        return true;
    }
}
