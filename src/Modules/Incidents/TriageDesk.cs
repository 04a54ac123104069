using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Primitives;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>Why an act left a report as it was.</summary>
public enum Refusal
{
    /// <summary>Not there, or not to be known of: the same answer.</summary>
    NotFound,

    /// <summary>Another team's: shared to read.</summary>
    NotYours,

    /// <summary>Someone else changed it meanwhile.</summary>
    Changed,

    /// <summary>Its state does not allow it.</summary>
    State,

    /// <summary>The markings of both contradict each other.</summary>
    Marking,

    /// <summary>It would be a duplicate of itself.</summary>
    Itself,
}

/// <summary>What became of one report of an act. <paramref name="Why"/> is null when done; <paramref name="Already"/> when it was so before; <paramref name="Split"/> when it went into several incidents, of which the last is named.</summary>
public sealed record TriageOutcome(ReportId Report, string? Number, Refusal? Why, bool Already = false, IncidentId? Incident = null, string? IncidentNumber = null, bool Split = false)
{
    /// <summary>The act it was part of, by which it is taken back.</summary>
    public Guid Batch { get; init; }
}

/// <summary>What all acts of triage share: which reports, one transaction each, the record of the act, the answer.</summary>
internal static class TriageDesk
{
    /// <summary>More are not taken at once: two pages of the queue.</summary>
    public const int MaxPicks = 100;

    /// <summary>The ids of field <c>pick</c>, each once.</summary>
    public static IReadOnlyList<ReportId> Picks(StringValues values) =>
        [.. values.Take(MaxPicks * 2).Select(v => ReportId.TryParse(v, null, out var id) ? id : (ReportId?)null).OfType<ReportId>().Distinct().Take(MaxPicks)];

    /// <summary>Where to go after: a path of this node, else the queue.</summary>
    public static string Back(string? back) => Answers.IsLocal(back) ? back! : "/triage";

    /// <summary>An incident is named by its number or chosen among the likely ones: what was typed is what was meant last.</summary>
    public static string Chosen(StringValues typed, StringValues likely) => typed.ToString().Trim() is { Length: > 0 } number ? number : likely.ToString().Trim();

    /// <summary>The act's report and the record that will take it back.</summary>
    public sealed class Step(Report report, DateTimeOffset now)
    {
        public Report Report { get; } = report;

        public DateTimeOffset Now { get; } = now;

        public TriageBefore Before { get; } = new(report.State, report.RejectReason, report.DuplicateOf?.Value, report.Assignee?.Value);

        public bool Already { get; set; }

        public Incident? Incident { get; set; }
    }

    /// <summary>Does an act to each report, in a transaction of its own, so that one that fails holds up no other.</summary>
    public static async Task<IReadOnlyList<TriageOutcome>> EachAsync(NodeDb db, TimeProvider clock, TriageDid what, IReadOnlyCollection<ReportId> picks, Func<Step, Task<Refusal?>> act, CancellationToken ct)
    {
        var batch = Guid.CreateVersion7(clock.GetUtcNow());
        var outcomes = new List<TriageOutcome>();
        foreach (var id in picks)
        {
            TriageOutcome outcome;
            try
            {
                outcome = await db.InTransactionAsync(() => OneAsync(db, clock, what, batch, id, act, ct), ct);
            }
            catch (DbUpdateConcurrencyException)
            {
                outcome = new(id, null, Refusal.Changed);
            }

            db.ChangeTracker.Clear();
            outcomes.Add(outcome with { Batch = batch });
        }

        return outcomes;
    }

    private static async Task<TriageOutcome> OneAsync(NodeDb db, TimeProvider clock, TriageDid what, Guid batch, ReportId id, Func<Step, Task<Refusal?>> act, CancellationToken ct)
    {
        if (await db.Reports.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } report)
        {
            return new(id, null, Refusal.NotFound);
        }

        if (!db.Viewer.Has(report.Marking.Origin, Right.Triage))
        {
            return new(id, report.Number, Refusal.NotYours);
        }

        var step = new Step(report, clock.GetUtcNow());
        if (await act(step) is { } why)
        {
            return new(id, report.Number, why);
        }

        if (!step.Already)
        {
            if (db.Viewer.Person is { } person)
            {
                db.TriageActs.Add(new TriageAct
                {
                    Id = Guid.CreateVersion7(step.Now),
                    Batch = batch,
                    Report = id,
                    Person = person,
                    At = step.Now,
                    What = what,
                    StateAfter = report.State,
                    AssigneeAfter = report.Assignee,
                    Before = JsonSerializer.Serialize(step.Before),
                });
            }

            await db.SaveChangesAsync(ct);
            if (step.Incident is { } incident)
            {
                // the links are in the database only now, and the clock asks the database
                await IncidentClock.SaveAsync(db, incident, ct);
            }
        }

        return new(id, report.Number, null, step.Already, step.Incident?.Id, step.Incident?.Number, step.Before.LinksMade.Count > 1);
    }

    /// <summary>All done: on with a word and a way back. Some not: a page that says which and why.</summary>
    public static IResult Answer(HttpContext http, IReadOnlyList<TriageOutcome> outcomes, string doneKey, string back)
    {
        var done = outcomes.Where(o => o.Why is null).ToList();
        var fresh = done.Count(o => !o.Already);
        if (done.Count == outcomes.Count && outcomes.Count > 0)
        {
            var went = done.Where(o => !o.Already && o.Incident is not null).DistinctBy(o => o.Incident).ToList();
            // of several it would be any one of them
            var link = went is [{ Split: false, IncidentNumber: { } number } one] ? new ToastLink($"/incidents/{one.Incident}", number) : null;
            Toasts.Say(http, fresh == 0 ? new Toast("triage.did.nothing", []) : new Toast(doneKey, [fresh, done.Find(o => !o.Already)?.IncidentNumber ?? ""], "/triage/undo?batch=" + done[^1].Batch, link));
            return Answers.Seen(back);
        }

        return Answers.Page<ActSummaryPage>(new ActSummaryPage.View(outcomes, back), outcomes.Count == 0 ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    /// <summary>The reports picked that the viewer may act on, in queue order, for the page before an act.</summary>
    public static async Task<List<Report>> PickedAsync(NodeDb db, IReadOnlyList<ReportId> picks, CancellationToken ct)
    {
        var ids = picks.ToArray();
        var reports = await db.Reports.AsNoTracking().Where(r => ids.Contains(r.Id)).OrderBy(r => r.DueAt).ToListAsync(ct);
        reports.RemoveAll(r => !db.Viewer.Has(r.Marking.Origin, Right.Triage));
        return reports;
    }

    /// <summary>An open incident of the viewer's team by number or id; null where there is none that they may add to.</summary>
    public static async Task<Incident?> OpenIncidentAsync(NodeDb db, string? text, CancellationToken ct)
    {
        var wanted = (text ?? "").Trim();
        var number = wanted.ToUpperInvariant();
        var found = IncidentId.TryParse(wanted, null, out var id)
            ? await db.Incidents.Where(i => i.Id == id).ToListAsync(ct)
            : !Numbers.CanBe(number) ? [] : await db.Incidents.Where(i => i.Number == number).Take(20).ToListAsync(ct);
        return found.Find(i => i.State == IncidentState.Open && db.Viewer.Has(i.Marking.Origin, Right.Triage));
    }

    /// <summary>
    /// Strictest of an incident's marking and a report's, both of one team. RED names readers where AMBER leaves it to the team, so the names
    /// of the RED one stand. Null when they contradict each other.
    /// </summary>
    public static Marking? Combined(Marking a, Marking b)
    {
        if (a.Origin != b.Origin)
        {
            return null;
        }

        var both = Marking.Strictest(a, b, a.Origin);
        if (both.Tlp == Tlp.Red && (a.Tlp == Tlp.Red) != (b.Tlp == Tlp.Red))
        {
            both = both with { Audience = a.Tlp == Tlp.Red ? a.Audience : b.Audience };
        }

        if (both.Fault() is MarkingFault.StrictStaysInTheTeam or MarkingFault.AmberIsNotForCommunities)
        {
            // what the stricter label does not reach falls away: an audience may only narrow
            both = both with { Audience = PrincipalSet.Empty };
        }

        return both.Fault() is null ? both : null;
    }
}
