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

    /// <summary>What would be taken back: which acts, on how many reports, and the number where it is one.</summary>
    /// <param name="ActKey">Key of the act's name.</param>
    public sealed record Last(Guid Batch, string ActKey, int Count, string? Number)
    {
        /// <summary>「R-2026-11-0093 の分割を取り消す」</summary>
        public string Label(Texts t) => t.Of("triage.undo.label", Count, Number ?? "", t[ActKey]);
    }

    /// <summary>This person's last act that can be taken back; null where there is none.</summary>
    public static async Task<Last?> LastAsync(NodeDb db, DateTimeOffset now, CancellationToken ct)
    {
        if (await LastBatchAsync(db, now, ct) is not { } batch)
        {
            return null;
        }

        var acts = await db.TriageActs.AsNoTracking().Where(a => a.Batch == batch && a.UndoneAt == null).Take(TriageDesk.MaxPicks).Select(a => new { a.Report, a.What, a.Before }).ToListAsync(ct);
        if (acts.Count == 0)
        {
            return null;
        }

        var report = acts[0].Report;
        var number = acts.Count > 1 ? null : await db.Reports.Where(r => r.Id == report).Select(r => r.Number).FirstOrDefaultAsync(ct);
        // a report that went into several incidents at once was split
        var split = acts[0].What == TriageDid.Accepted && acts.Count == 1 && JsonSerializer.Deserialize<TriageBefore>(acts[0].Before) is { LinksMade.Count: > 1 };
        return new(batch, "triage.undo.act." + (split ? "split" : acts[0].What.ToString().ToLowerInvariant()), acts.Count, number);
    }

    /// <summary>The last act where it touched this report, for its page.</summary>
    public static async Task<Last?> LastAboutAsync(NodeDb db, ReportId report, DateTimeOffset now, CancellationToken ct) =>
        await LastAsync(db, now, ct) is { } last && await db.TriageActs.AnyAsync(a => a.Batch == last.Batch && a.Report == report && a.UndoneAt == null, ct) ? last : null;

    private static Task<Guid?> LastBatchAsync(NodeDb db, DateTimeOffset now, CancellationToken ct)
    {
        var (me, since) = (db.Viewer.Person ?? default, now - Reach);
        return db.TriageActs.Where(a => a.Person == me && a.UndoneAt == null && a.At >= since).OrderByDescending(a => a.At).Select(a => (Guid?)a.Batch).FirstOrDefaultAsync(ct);
    }

    private static async Task<IResult> HandleAsync(IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var back = TriageDesk.Back(form["back"]);
        var last = await LastAsync(db, clock.GetUtcNow(), ct);
        if (last is not null && Guid.TryParse(form.TryGetValue("batch", out var named) ? named : http.Request.Query["batch"], out var shown) && shown != last.Batch)
        {
            // the button named another act: one was done or taken back since, in another window
            Toasts.Say(http, new Toast("triage.undo.other", []));
            return Answers.Seen(back);
        }

        var batch = last?.Batch;
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

        Toasts.Say(http, last is null ? new Toast("triage.undo.nothing", [])
            : not == 0 ? new Toast("triage.undo.done", [done, last.Number ?? "", t[last.ActKey]])
            : last.Number is { } number ? new Toast("triage.undo.changed", [number, t[last.ActKey]])
            : new Toast("triage.undo.partly", [done, not, t[last.ActKey]]));
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
        // in one order, so that two such acts wait for each other and do not block each other
        var inOrder = touched.OrderBy(i => i.Value).ToList();
        foreach (var incidentId in inOrder)
        {
            await MarkIncident.TakeAsync(db, incidentId, ct);
        }

        foreach (var incidentId in inOrder)
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
