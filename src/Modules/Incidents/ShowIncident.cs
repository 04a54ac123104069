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

/// <summary>GET /incidents/{id}: everything about one incident, and what to do next.</summary>
public static class ShowIncident
{
    private const int TimelineShown = 50;
    private const int TimelineMost = 1000;

    /// <summary>The act that leads on. Exactly one is the page's primary button.</summary>
    public enum NextAct
    {
        Nothing,
        AddTargets,
        Ask,
        FinishDraft,
        ReadAnswer,
        Remind,
        Close,
        Reopen,
    }

    public sealed record TargetRow(IncidentTarget Target, IReadOnlyList<CoordinationRequest> Asked)
    {
        public string Shown => new Observable(Target.Type, Target.Value).Defang();
    }

    public sealed record RequestRow(CoordinationRequest Request, int Targets, string Why);

    public sealed record EntryRow(TimelineEntry Entry, string? Author);

    /// <param name="Reporter">Null when withheld, whether there is a value or not.</param>
    public sealed record ReportRow(Report Report, string? Reporter);

    public sealed record ReportCounts(int All, int National, int Overseas, int Unknown);

    public sealed record Model(
        Incident Incident, string TeamName, bool CanWork, bool CanSend, NextAct Next, CoordinationRequest? NextRequest, int Unasked, string? LabelName, string? OwnerName, string Audience, ReportCounts Counts,
        IReadOnlyList<TargetRow> Targets, IReadOnlyList<IncidentTarget> Removed, IReadOnlyList<RequestRow> Requests, IReadOnlyList<EntryRow> Timeline, bool MoreTimeline, string Show,
        IReadOnlyList<RelatedItem> Related, IReadOnlyList<ReportRow> Reports, IReadOnlyList<IncidentAttachment> Attachments, IReadOnlyList<string> Why, IReadOnlyList<FieldClass> Withheld)
    {
        /// <summary>Files of the linked reports that can be taken over.</summary>
        public IReadOnlyList<TakeOverFile.Offer> Offers { get; init; } = [];

        /// <summary>By SHA-256: the linked report that one of the incident's files came with.</summary>
        public IReadOnlyDictionary<string, Report> From { get; init; } = new Dictionary<string, Report>(StringComparer.Ordinal);
    }

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/incidents/{id:guid}", GetAsync).Needs(Right.ReadDesk).ExcludeFromDescription();

    /// <summary>Field classes of an incident that this verdict keeps back. They read the same whether they hold a value or not.</summary>
    public static IReadOnlyList<FieldClass> Withheld(Verdict verdict) =>
        [.. new[] { FieldClass.Targets, FieldClass.Grounds, FieldClass.VictimIdentity, FieldClass.ReporterName, FieldClass.ReporterOrganisation, FieldClass.ReporterAddress, FieldClass.InternalNotes }.Where(f => !verdict.Shows(f))];

    /// <summary>With whom it is shared, as a sentence.</summary>
    public static string AudienceInWords(Marking marking, PrincipalNames names, Texts t)
    {
        var origin = names[Principal.Of(marking.Origin)];
        var others = names.List(marking.Audience.Where(p => p != Principal.Of(marking.Origin)));
        return marking.Tlp switch
        {
            Tlp.Clear => t["incident.audience.clear"],
            Tlp.Red => t.Of("incident.audience.red", others),
            _ when others.Length == 0 => t.Of("incident.audience.own", origin),
            _ => t.Of("incident.audience.shared", origin, others),
        };
    }

    private static async Task<IResult> GetAsync(IncidentId id, NodeDb db, TimeProvider clock, Texts t, PageContext page, string? show, string? all, string? said, CancellationToken ct)
    {
        var incident = await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct);
        if (incident is null)
        {
            return Answers.NotFound();
        }

        if (said is { Length: < 20 } && t.Has("incident.said." + said))
        {
            page.Toast = new Toast("incident.said." + said, [incident.Number]);
        }

        return Answers.Page<IncidentPage>(await LoadAsync(db, incident, clock.GetUtcNow(), t, show is "notes" or "traffic" ? show : "all", all is not null, ct));
    }

    private static async Task<Model> LoadAsync(NodeDb db, Incident incident, DateTimeOffset now, Texts t, string show, bool all, CancellationToken ct)
    {
        var (id, origin, viewer) = (incident.Id, incident.Marking.Origin, db.Viewer);
        var verdict = Rule.Decide(new Question(SharingAct.Read, Exit.Page, incident.Marking, Viewer: viewer), new World(now));
        var targets = verdict.Shows(FieldClass.Targets) ? await db.IncidentTargets.AsNoTracking().Where(x => x.Incident == id).OrderBy(x => x.AddedAt).ThenBy(x => x.Id).Take(AddTargets.MaxLines * 4).ToListAsync(ct) : [];
        var requests = await db.Requests.AsNoTracking().Where(r => r.Incident == id).OrderBy(r => r.Number).ToListAsync(ct);
        var requestIds = requests.Select(r => r.Id).ToArray();
        // by value: what was removed and added again was asked about
        var asked = (await db.RequestTargets.AsNoTracking().Where(x => requestIds.Contains(x.Request)).Select(x => new { x.Request, x.Type, x.Value }).ToListAsync(ct)).ToLookup(x => (x.Type, x.Value), x => x.Request);
        var perRequest = asked.SelectMany(a => a).GroupBy(r => r).ToDictionary(g => g.Key, g => g.Count());
        var targetRows = targets.Where(x => x.RemovedAt is null).Select(x => new TargetRow(x, [.. requests.Where(r => ProposeRequests.Counts(r) && asked[(x.Type, x.Value)].Contains(r.Id))])).ToList();
        var unasked = targetRows.Count(r => r.Asked.Count == 0 && ProposeRequests.IsToBeAsked(incident, r.Target.Type, r.Target.Role));
        var links = await db.ReportLinks.AsNoTracking().Where(l => l.Incident == id && l.EndedAt == null).OrderBy(l => l.LinkedAt).Select(l => l.Report).ToArrayAsync(ct);
        var reports = (await db.Reports.AsNoTracking().Where(r => links.Contains(r.Id)).ToListAsync(ct)).OrderBy(r => Array.IndexOf(links, r.Id)).ToList();
        var team = await db.Teams.AsNoTracking().FirstOrDefaultAsync(x => x.Id == origin, ct);
        var canWork = viewer.Has(origin, Right.WorkIncidents);
        var canSend = viewer.Has(origin, Right.SendRequests);
        var (next, nextRequest) = Next(incident, targetRows.Count, unasked, requests, now);
        var names = await PrincipalNames.LoadAsync(db, t, incident.Marking.Audience.Append(Principal.Of(origin)).Concat(verdict.Why.SelectMany(w => w.Args).Where(a => Principal.TryParse(a, out _)).Select(a => new Principal(a))), ct);
        var attachments = verdict.Shows(FieldClass.Grounds) ? await db.IncidentAttachments.AsNoTracking().Where(a => a.Incident == id).OrderBy(a => a.AddedAt).Take(200).ToListAsync(ct) : [];
        var (offers, from) = await TakeOverFile.OffersAsync(db, reports, attachments, ct);
        var (timeline, more) = await TimelineAsync(db, id, show, all, t, ct);
        return new(incident, team?.NameIn(t.Lang) ?? "", canWork, canSend, next, nextRequest, unasked, await LabelSet.NameAsync(db, incident, t.Lang, ct), await OwnerAsync(db, incident, t, ct),
            AudienceInWords(incident.Marking, names, t), Count(reports, team?.Country), targetRows, [.. targets.Where(x => x.RemovedAt is not null)], [.. requests.Select(r => new RequestRow(r, perRequest.GetValueOrDefault(r.Id), WhyOf(r, t)))],
            timeline, more, show, await RelatedIncidents.FindAsync(db, id, ct), [.. reports.Select(r => new ReportRow(r, ReporterOf(r, viewer, now, t)))],
            attachments, [.. verdict.Why.Select(names.Say).Distinct(StringComparer.Ordinal)], Withheld(verdict))
        { Offers = canWork ? offers : [], From = from };
    }

    /// <summary>What leads on: pure, so that a table of cases can test it.</summary>
    public static (NextAct Act, CoordinationRequest? Request) Next(Incident incident, int targets, int unasked, IReadOnlyList<CoordinationRequest> requests, DateTimeOffset now)
    {
        if (incident.State != IncidentState.Open)
        {
            return (NextAct.Reopen, null);
        }

        if (requests.Where(r => r.State is RequestState.Answered or RequestState.Bounced).MinBy(r => r.DueAt) is { } answered)
        {
            return (NextAct.ReadAnswer, answered);
        }

        if (requests.Where(r => r.State is RequestState.Sent or RequestState.Delivered or RequestState.Acknowledged && r.DueAt < now).MinBy(r => r.DueAt) is { } late)
        {
            return (NextAct.Remind, late);
        }

        if (requests.Where(r => r.State == RequestState.Draft).MinBy(r => r.DueAt) is { } draft)
        {
            return (NextAct.FinishDraft, draft);
        }

        return (targets == 0 ? NextAct.AddTargets : unasked > 0 ? NextAct.Ask : requests.All(r => r.State == RequestState.Closed) ? NextAct.Close : NextAct.Nothing, null);
    }

    private static ReportCounts Count(List<Report> reports, string? country) => new(reports.Count,
        reports.Count(r => r.ReporterCountry is { } c && c == country), reports.Count(r => r.ReporterCountry is { } c && c != country), reports.Count(r => r.ReporterCountry is null));

    private static string? ReporterOf(Report report, Viewer viewer, DateTimeOffset now, Texts t)
    {
        var verdict = Rule.Decide(new Question(SharingAct.Read, Exit.Page, report.Marking, Viewer: viewer, Disclosure: report.Disclosure), new World(now));
        if (!verdict.Shows(FieldClass.ReporterName) && !verdict.Shows(FieldClass.ReporterOrganisation))
        {
            return null;
        }

        var named = new[] { verdict.Shows(FieldClass.ReporterOrganisation) ? report.ReporterOrganisation : null, verdict.Shows(FieldClass.ReporterName) ? report.ReporterName : null }.Where(n => !string.IsNullOrEmpty(n));
        return string.Join(" ", named) is { Length: > 0 } text ? TextRefang.DefangText(text) : t["incident.reports.unnamed"];
    }

    private static async Task<string?> OwnerAsync(NodeDb db, Incident incident, Texts t, CancellationToken ct) =>
        incident.Owner is { } owner ? (await db.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == owner, ct))?.NameIn(t.Lang) ?? t["incident.who.other_person"] : null;

    private static string WhyOf(CoordinationRequest request, Texts t)
    {
        var parts = Parts(request.Why);
        return parts.Length > 0 && t.Has(parts[0]) ? t.Of(parts[0], [.. parts.Skip(1)]) : "";
    }

    /// <summary>A JSON array of strings; anything else is nothing.</summary>
    public static string[] Parts(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<string[]>(json) ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static async Task<(IReadOnlyList<EntryRow> Rows, bool More)> TimelineAsync(NodeDb db, IncidentId id, string show, bool all, Texts t, CancellationToken ct)
    {
        EntryKind[] kinds = show switch
        {
            "notes" => [EntryKind.Note],
            "traffic" => [EntryKind.Request, EntryKind.Answer, EntryKind.Message, EntryKind.Report],
            _ => Enum.GetValues<EntryKind>(),
        };
        var take = all ? TimelineMost : TimelineShown;
        var entries = await Diary.ReadAsync(db, db.Timeline.AsNoTracking().Where(e => e.Incident == id && kinds.Contains(e.What)), take + 1, ct);
        var authors = entries.Select(e => e.Author).OfType<PersonId>().Distinct().ToArray();
        var people = await db.People.AsNoTracking().Where(p => authors.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        return ([.. entries.Take(take).Select(e => new EntryRow(e, e.Author is { } a ? people.GetValueOrDefault(a) ?? t["incident.who.other_person"] : null))], entries.Count > take);
    }
}
