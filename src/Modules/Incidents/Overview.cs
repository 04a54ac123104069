using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Formats.Rsit;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /: what needs this person now. Everything bounded, everything through the read rule.</summary>
public static class Overview
{
    public const int DueShown = 8;
    public const int ActivityShown = 8;

    /// <summary>More reports than this in twelve months are not drawn; the caption says so.</summary>
    public const int ChartBound = 50_000;

    public enum DueKind
    {
        Report,
        Incident,
        Request,
    }

    /// <summary>One line of what is due. <paramref name="NextKey"/> says what to do, <paramref name="NextArg"/> with whom.</summary>
    public sealed record DueRow(DueKind What, DateTimeOffset At, string Href, string Title, string Number, string NextKey, string NextArg, string? Owner);

    /// <summary>One thing that happened: a sentence by key, or words of a person.</summary>
    public sealed record Happened(DateTimeOffset At, string? TextKey, IReadOnlyList<string> Args, string Href, string Number, string? Who);

    public sealed record Counts(int OverdueRequests, TimeSpan? LongestOver, int NewReports, int DueToday, int WaitingUs, int WaitingThem, int WaitingNobody, int Answered, int Mine, int? Stuck);

    /// <summary>Reports of one month by category; the key of a category is JPCERT/CC's, or <c>unassigned</c>.</summary>
    public sealed record Month(int Year, int Number, IReadOnlyDictionary<string, int> ByCategory);

    public sealed record Model(Counts Counts, IReadOnlyList<DueRow> Due, IReadOnlyList<Month> Months, bool ChartCut, IReadOnlyList<Happened> Activity, bool MayTriage);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/", HandleAsync).SignedIn().ExcludeFromDescription();

    private static async Task<IResult> HandleAsync(NodeDb db, TimeProvider clock, Texts t, PageContext page, CancellationToken ct)
    {
        if (!db.Viewer.Has(Right.ReadDesk))
        {
            return Answers.Page<StartPage>(new StartPage.View(db.Viewer.HasAnywhere(Right.OperateNode) ? await db.Outbox.CountAsync(o => o.State == OutboxState.Stuck, ct) : null));
        }

        var now = clock.GetUtcNow();
        var (months, cut) = await MonthsAsync(db, page, now, ct);
        return Answers.Page<OverviewPage>(new Model(await CountsAsync(db, page, now, ct), await DueAsync(db, t, now, ct), months, cut, await ActivityAsync(db, t, now, ct), db.Viewer.Has(Right.Triage)));
    }

    private static async Task<Counts> CountsAsync(NodeDb db, PageContext page, DateTimeOffset now, CancellationToken ct)
    {
        const int bound = NodeDb.CountBound + 1;
        var local = page.Local(now);
        var tomorrow = new DateTimeOffset(local.Date.AddDays(1), local.Offset).ToUniversalTime();
        var overdue = db.Requests.AsNoTracking().Where(CoordinationRequest.Overdue(now));
        var longest = await overdue.OrderBy(r => r.DueAt).Select(r => (DateTimeOffset?)r.DueAt).FirstOrDefaultAsync(ct);
        var waits = await db.Incidents.Where(i => i.State == IncidentState.Open).GroupBy(i => i.Waiting).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var me = db.Viewer.Person;
        return new Counts(
            await overdue.Take(bound).CountAsync(ct),
            longest is { } since ? now - since : null,
            await TriageQueue.CountAsync(db, ct),
            await TriageQueue.Waiting(db).Where(r => r.DueAt < tomorrow).Take(bound).CountAsync(ct),
            waits.GetValueOrDefault(Waiting.Us), waits.GetValueOrDefault(Waiting.Them), waits.GetValueOrDefault(Waiting.Nobody),
            await db.Requests.Where(r => r.State == RequestState.Answered || r.State == RequestState.Bounced).Take(bound).CountAsync(ct),
            await db.Incidents.Where(i => i.State == IncidentState.Open && i.Owner == me).Take(bound).CountAsync(ct),
            db.Viewer.HasAnywhere(Right.OperateNode) ? await db.Outbox.Where(o => o.State == OutboxState.Stuck).Take(bound).CountAsync(ct) : null);
    }

    private static async Task<IReadOnlyList<DueRow>> DueAsync(NodeDb db, Texts t, DateTimeOffset now, CancellationToken ct)
    {
        // what its count counts: another team's new reports are theirs to decide on
        var reports = await TriageQueue.Waiting(db).OrderBy(r => r.DueAt).ThenBy(r => r.Id).Take(DueShown).ToListAsync(ct);
        var requestIds = Ids(await db.ListAsync(CoordinationRequest.Kind, [(short)RequestState.Draft, (short)RequestState.Sent, (short)RequestState.Delivered, (short)RequestState.Bounced, (short)RequestState.Acknowledged, (short)RequestState.Answered], ListCursor.Start, DueShown, ct)).Select(g => new RequestId(g)).ToArray();
        var requests = await db.Requests.AsNoTracking().Where(r => requestIds.Contains(r.Id)).ToListAsync(ct);
        var incidentIds = Ids(await db.ListAsync(Incident.Kind, [(short)IncidentState.Open], ListCursor.Start, DueShown * 2, ct)).Select(g => new IncidentId(g)).Concat(requests.Select(r => r.Incident)).Distinct().ToArray();
        var incidents = await db.Incidents.AsNoTracking().Where(i => incidentIds.Contains(i.Id)).ToDictionaryAsync(i => i.Id, ct);
        var people = reports.Select(r => r.Assignee).Concat(incidents.Values.Select(i => i.Owner)).OfType<PersonId>().Distinct().ToArray();
        var names = await db.People.AsNoTracking().Where(p => people.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        string? Name(PersonId? id) => id is { } p ? names.GetValueOrDefault(p) : null;
        var rows = reports.Select(r => new DueRow(DueKind.Report, r.DueAt, $"/reports/{r.Id}", r.Summary, r.Number, "overview.next.triage", "", Name(r.Assignee))).ToList();
        rows.AddRange(requests.Select(r =>
        {
            var incident = incidents.GetValueOrDefault(r.Incident);
            return new DueRow(DueKind.Request, r.DueAt, $"/requests/{r.Id}", incident?.Title ?? r.Subject, r.Number, NextOf(r, now), r.RecipientName, Name(incident?.Owner));
        }));
        // an incident's due time may be that of a request, which stands above already, of a reporter's word or of a target that nobody was asked about
        rows.AddRange(incidents.Values.Where(i => i is { State: IncidentState.Open, Waiting: Waiting.Us, DueAt: not null } && requests.TrueForAll(r => r.Incident != i.Id || r.DueAt > i.DueAt))
            .Select(i => new DueRow(DueKind.Incident, i.DueAt!.Value, $"/incidents/{i.Id}", i.Title, i.Number, "overview.next.answer", "", Name(i.Owner))));
        return [.. rows.OrderBy(r => r.At).Take(DueShown)];
    }

    private static string NextOf(CoordinationRequest request, DateTimeOffset now) => request.State switch
    {
        RequestState.Draft => "overview.next.send",
        RequestState.Bounced => "overview.next.bounced",
        RequestState.Answered => "overview.next.decide",
        _ when request.DueAt < now => "overview.next.remind",
        _ => "overview.next.wait",
    };

    private static IEnumerable<Guid> Ids(IReadOnlyList<(Guid Record, ListCursor Cursor)> places) => places.Select(p => p.Record);

    /// <summary>Reports of twelve months by the category of the first incident each went into.</summary>
    private static async Task<(IReadOnlyList<Month> Months, bool Cut)> MonthsAsync(NodeDb db, PageContext page, DateTimeOffset now, CancellationToken ct)
    {
        var local = page.Local(now);
        var firstMonth = new DateTime(local.Year, local.Month, 1, 0, 0, 0, DateTimeKind.Unspecified).AddMonths(-11);
        var since = new DateTimeOffset(firstMonth, page.Zone.GetUtcOffset(firstMonth)).ToUniversalTime();
        var reports = await db.Reports.AsNoTracking().Where(r => r.ReceivedAt >= since).OrderByDescending(r => r.ReceivedAt).Select(r => new { r.Id, r.ReceivedAt }).Take(ChartBound + 1).ToListAsync(ct);
        // a link is no older than its report
        var links = await db.ReportLinks.AsNoTracking().Where(l => l.EndedAt == null && l.LinkedAt >= since)
            .Join(db.Incidents, l => l.Incident, i => i.Id, (l, i) => new { l.Report, l.LinkedAt, i.Category, i.Type }).Take(ChartBound * 2).ToListAsync(ct);
        var categories = links.GroupBy(l => l.Report).ToDictionary(g => g.Key, g =>
        {
            var earliest = g.MinBy(l => l.LinkedAt)!;
            return RsitTaxonomy.Find(earliest.Category, earliest.Type) is { } type ? JpcertCategories.For(type).Id : JpcertCategories.Other.Id;
        });
        var counted = reports.GroupBy(r => { var at = page.Local(r.ReceivedAt); return (at.Year, at.Month); })
            .ToDictionary(g => g.Key, g => g.GroupBy(r => categories.GetValueOrDefault(r.Id, "unassigned"), StringComparer.Ordinal).ToDictionary(c => c.Key, c => c.Count(), StringComparer.Ordinal));
        var months = Enumerable.Range(0, 12).Select(firstMonth.AddMonths).Select(m => new Month(m.Year, m.Month, counted.GetValueOrDefault((m.Year, m.Month)) ?? [])).ToList();
        return (months, reports.Count > ChartBound);
    }

    /// <summary>The newest of timelines and triage. What a note says stays in its incident.</summary>
    private static async Task<IReadOnlyList<Happened>> ActivityAsync(NodeDb db, Texts t, DateTimeOffset now, CancellationToken ct)
    {
        var entries = await Diary.ReadAsync(db, db.Timeline.AsNoTracking().Where(e => e.At <= now && e.What != EntryKind.Event), ActivityShown, ct);
        var incidentIds = entries.Select(e => e.Incident).Distinct().ToArray();
        var incidents = await db.Incidents.AsNoTracking().Where(i => incidentIds.Contains(i.Id)).Select(i => new { i.Id, i.Number }).ToDictionaryAsync(i => i.Id, ct);
        var acts = await db.TriageActs.AsNoTracking().Where(a => a.UndoneAt == null && (a.What == TriageDid.Rejected || a.What == TriageDid.Duplicate)).OrderByDescending(a => a.At).Take(ActivityShown).ToListAsync(ct);
        var fresh = await db.Reports.AsNoTracking().Where(r => r.ReceivedAt <= now).OrderByDescending(r => r.ReceivedAt).Take(ActivityShown).Select(r => new { r.Id, r.Number, r.ReceivedAt, r.Channel }).ToListAsync(ct);
        var reportIds = acts.Select(a => a.Report).Distinct().ToArray();
        var numbers = await db.Reports.AsNoTracking().Where(r => reportIds.Contains(r.Id)).ToDictionaryAsync(r => r.Id, r => r.Number, ct);
        var people = entries.Select(e => e.Author).OfType<PersonId>().Concat(acts.Select(a => a.Person)).Distinct().ToArray();
        var names = await db.People.AsNoTracking().Where(p => people.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        var all = new List<Happened>();
        foreach (var e in entries)
        {
            if (incidents.TryGetValue(e.Incident, out var incident))
            {
                var who = e.Author is { } author ? names.GetValueOrDefault(author) : null;
                all.Add(e.TextKey is { } key ? new(e.At, key, Args(e.TextArgs), $"/incidents/{e.Incident}", incident.Number, who) : new(e.At, "overview.did." + e.What.ToString().ToLowerInvariant(), [], $"/incidents/{e.Incident}", incident.Number, who));
            }
        }

        all.AddRange(acts.Where(a => numbers.ContainsKey(a.Report)).Select(a => new Happened(a.At, a.What == TriageDid.Rejected ? "overview.did.rejected" : "overview.did.duplicate", [], $"/reports/{a.Report}", numbers[a.Report], names.GetValueOrDefault(a.Person))));
        all.AddRange(fresh.Select(r => new Happened(r.ReceivedAt, "overview.did.received", [t["triage.channel." + r.Channel.ToString().ToLowerInvariant()]], $"/reports/{r.Id}", r.Number, null)));
        return [.. all.OrderByDescending(h => h.At).Take(ActivityShown)];
    }

    private static IReadOnlyList<string> Args(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<List<string>>(json) ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
