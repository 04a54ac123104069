using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>
/// Whose turn it is and by when, from the requests, the reporters' unread words and the targets that nobody was asked about; the one place that sets
/// <see cref="Incident.Waiting"/> and <see cref="Incident.DueAt"/>. Ours: a draft to send, a bounce, an answer to act on, a word from a
/// reporter, a target that nobody was asked about. Theirs: a request that is out. Nobody's: neither. One fact for all readers of the incident: everything counts, also what
/// whoever acts may not know of.
/// </summary>
public static class IncidentClock
{
    /// <summary>How long we have for a reporter's word, an answer that needs us, or a new target.</summary>
    public static TimeSpan OurTurn { get; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Saves an act on what belongs to an incident, and whose turn it is after it, in one transaction that holds the incident: of two acts at
    /// the same moment the second counts what the first saved. An incident that somebody else saved meanwhile is read anew, unless it is
    /// changed here, too.
    /// </summary>
    /// <param name="judged">The marking under which the rule let something leave: where it is another by now, nothing does.</param>
    /// <exception cref="DbUpdateConcurrencyException">What is changed here was saved by somebody else, or may no longer be known of. Nothing was written.</exception>
    public static Task SaveAsync(NodeDb db, Incident incident, CancellationToken ct, Marking? judged = null) =>
        db.Database.CurrentTransaction is null ? db.InTransactionAsync(() => SettleAsync(db, incident, judged, ct), ct) : SettleAsync(db, incident, judged, ct);

    /// <summary>As <see cref="SaveAsync"/>, for changes that the clock reads from the database: they are saved first, in the same transaction.</summary>
    public static Task SaveChangedAsync(NodeDb db, Incident incident, CancellationToken ct) =>
        db.InTransactionAsync(async () =>
        {
            await db.SaveChangesAsync(ct);
            return await SettleAsync(db, incident, null, ct);
        }, ct);

    private static async Task<int> SettleAsync(NodeDb db, Incident incident, Marking? judged, CancellationToken ct)
    {
        await MarkIncident.TakeAsync(db, incident.Id, ct);
        if (db.Entry(incident) is { State: EntityState.Unchanged or EntityState.Detached } read)
        {
            read.State = EntityState.Detached;
            incident = await db.Incidents.FirstOrDefaultAsync(i => i.Id == incident.Id, ct) ?? throw new DbUpdateConcurrencyException("Who may know of the incident changed meanwhile.");
        }

        if (judged is not null && incident.Marking != judged)
        {
            throw new DbUpdateConcurrencyException("Who may know of the incident changed while something was to leave.");
        }

        await RecomputeAsync(db, incident, ct);
        return await db.SaveChangesAsync(ct);
    }

    /// <summary>For a caller that writes the incident itself, or holds it, and saves.</summary>
    public static async Task RecomputeAsync(NodeDb db, Incident incident, CancellationToken ct)
    {
        var id = incident.Id;
        // what is changed here and not saved yet stands before what is stored
        var changed = db.Requests.Local.Where(r => r.Incident == id).ToList();
        (incident.Waiting, incident.DueAt) = await db.AskAsNodeAsync(async node =>
        {
            var stored = await node.Requests.AsNoTracking().Where(r => r.Incident == id).ToListAsync(ct);
            var reports = await node.ReportLinks.Where(l => l.Incident == id && l.EndedAt == null).Select(l => l.Report).ToListAsync(ct);
            var words = await node.ReportMessages.Where(m => reports.Contains(m.Report)).GroupBy(m => m.Report).Select(g => g.OrderByDescending(m => m.At).First()).ToListAsync(ct);
            CoordinationRequest[] requests = [.. stored.Where(r => changed.TrueForAll(c => c.Id != r.Id)), .. changed];
            var counting = requests.Where(ProposeRequests.Counts).Select(r => r.Id).ToArray();
            // by value: what was removed and added again was asked about
            var asked = node.RequestTargets.Where(t => counting.Contains(t.Request));
            var targets = await node.IncidentTargets.Where(t => t.Incident == id && t.RemovedAt == null && !asked.Any(a => a.Type == t.Type && a.Value == t.Value)).Select(t => new { t.Type, t.Role, t.AddedAt }).ToListAsync(ct);
            return Of(incident.State, requests, [.. words.Where(w => w.FromReporter).Select(w => w.At)], [.. targets.Where(t => ProposeRequests.IsToBeAsked(incident, t.Type, t.Role)).Select(t => t.AddedAt)]);
        }, ct);
    }

    /// <summary>The rule itself: pure, so that a table of cases can test it. Words by when they came, targets by when they were written down.</summary>
    public static (Waiting Waiting, DateTimeOffset? DueAt) Of(IncidentState state, IReadOnlyCollection<CoordinationRequest> requests, IReadOnlyCollection<DateTimeOffset> unansweredWords, IReadOnlyCollection<DateTimeOffset> unaskedTargets)
    {
        if (state != IncidentState.Open)
        {
            return (Waiting.Nobody, null);
        }

        var ours = requests.Where(IsOurs).Select(r => r.State == RequestState.Draft ? r.DueAt : (r.AnsweredAt ?? r.DueAt) + OurTurn)
            .Concat(unansweredWords.Select(w => w + OurTurn)).Concat(unaskedTargets.Select(added => added + OurTurn)).ToList();
        var theirs = requests.Where(IsTheirs).Select(r => r.DueAt).ToList();
        var due = ours.Concat(theirs).OrderBy(d => d).Select(d => (DateTimeOffset?)d).FirstOrDefault();
        return (ours.Count > 0 ? Waiting.Us : theirs.Count > 0 ? Waiting.Them : Waiting.Nobody, due);
    }

    private static bool IsOurs(CoordinationRequest request) => request.State is RequestState.Draft or RequestState.Bounced or RequestState.Answered;

    private static bool IsTheirs(CoordinationRequest request) => request.State is RequestState.Sent or RequestState.Delivered or RequestState.Acknowledged;
}
