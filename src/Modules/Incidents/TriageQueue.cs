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

/// <summary>GET /triage: reports that nobody has decided on, the nearest due first, each with what is like it and why; GET /triage/{id}/preview: one of them, as a fragment.</summary>
public static class TriageQueue
{
    public const int PageSize = 25;

    /// <summary>The queue's filters, all in the URL. View: empty, <c>mine</c>, <c>nobody</c> or <c>overseas</c>.</summary>
    public sealed record Filter
    {
        public string? View { get; init; }

        public string? Kind { get; init; }

        public string? Channel { get; init; }

        public string? After { get; init; }
    }

    public sealed record Row(Report Report, Reporting By, Likenesses Like, string? Assignee);

    public sealed record Model(IReadOnlyList<Row> Rows, Filter Filter, string? Next, int Total, bool MayAct, UndoTriage.Last? Undo, Preview? First);

    /// <summary>What the rule lets this viewer read of who reported: a withheld field is null whether it holds a value or not.</summary>
    /// <param name="Overseas">Null when the country is unknown or withheld.</param>
    public sealed record Reporting(bool ShowsOrganisation, string? Organisation, bool ShowsName, string? Name, string? Country, bool? Overseas, bool Person)
    {
        public static Reporting Of(Report report, Viewer viewer, string? home, DateTimeOffset now)
        {
            var verdict = Rule.Decide(new Question(SharingAct.Read, Exit.Page, report.Marking, Viewer: viewer, Disclosure: report.Disclosure), new World(now));
            var (organisation, name) = (verdict.Shows(FieldClass.ReporterOrganisation), verdict.Shows(FieldClass.ReporterName));
            return new(organisation, organisation ? report.ReporterOrganisation : null, name, name ? report.ReporterName : null, organisation ? report.ReporterCountry : null,
                organisation && report.ReporterCountry is { } country && home is not null ? !string.Equals(country, home, StringComparison.OrdinalIgnoreCase) : null,
                name && report.ReporterName is not null);
        }
    }

    /// <summary>One report beside the queue.</summary>
    public sealed record Preview(Report Report, Reporting By, IReadOnlyList<ReportObservable> Observables, int MoreObservables, IReadOnlyDictionary<Observable, SeenCount> Seen, IReadOnlyList<ReportAttachment> Attachments, Likenesses Like, LikeIncident? Proposal, RsitType? Class, string? Assignee, bool MayAct);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/triage", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/triage/{id}/preview", async (ReportId id, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct) =>
            await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct) is { } report
                ? Answers.Page<PreviewPart>(await PreviewAsync(db, report, await HomeAsync(db, ct), null, t, clock.GetUtcNow(), ct))
                : Answers.NotFound()).Needs(Right.ReadDesk).ExcludeFromDescription();
    }

    private static async Task<IResult> PageAsync([AsParameters] Filter filter, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        if (!ListCursor.TryParse(filter.After, out var after))
        {
            return TypedResults.BadRequest();
        }

        var now = clock.GetUtcNow();
        var home = await HomeAsync(db, ct);
        var (reports, next) = await FetchAsync(db, filter, after, home, now, ct);
        var like = await Likeness.OfAsync(db, [.. reports.Select(r => r.Id)], now, ct);
        var assignees = reports.Select(r => r.Assignee).OfType<PersonId>().Distinct().ToArray();
        var names = await db.People.AsNoTracking().Where(p => assignees.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(t.Lang), ct);
        var rows = reports.Select(r => new Row(r, Reporting.Of(r, db.Viewer, home, now), like.GetValueOrDefault(r.Id, Likenesses.None), r.Assignee is { } a ? names.GetValueOrDefault(a) : null)).ToList();
        var first = reports.Count == 0 ? null : await PreviewAsync(db, reports[0], home, rows[0].Like, t, now, ct);
        var total = await TotalAsync(db, filter, home, ct);
        return Answers.Page<TriagePage>(new Model(rows, filter, next, total, db.Viewer.Has(Right.Triage), await UndoTriage.LastAsync(db, now, ct), first));
    }

    /// <summary>What waits in the queue: new reports of the teams at whose desk the viewer sits. One that another team shares is theirs to decide on.</summary>
    public static IQueryable<Report> Waiting(NodeDb db)
    {
        var (teams, mine) = (db.Viewer.TeamsWith(Right.ReadDesk).ToArray(), db.Viewer.Principals.ToArray());
        // from the grants, as every long list: there are many reports, and few are new
        var fresh = db.Grants.Where(g => g.Kind == Report.Kind && g.State == (short)ReportState.New && mine.Contains(g.Principal)).Select(g => g.Record);
        return db.Reports.AsNoTracking().Where(r => fresh.Contains((Guid)(object)r.Id) && r.State == ReportState.New && teams.Contains(r.Marking.Origin));
    }

    /// <summary>How many wait, bounded: the number that leads to the queue, wherever it stands.</summary>
    public static Task<int> CountAsync(NodeDb db, CancellationToken ct) => Waiting(db).Take(NodeDb.CountBound + 1).CountAsync(ct);

    /// <summary>How many rows the filter has, bounded.</summary>
    private static async Task<int> TotalAsync(NodeDb db, Filter filter, string? home, CancellationToken ct)
    {
        var rows = Waiting(db);
        var me = db.Viewer.Person;
        rows = filter.View switch
        {
            "mine" => rows.Where(r => r.Assignee != null && r.Assignee == me),
            "nobody" => rows.Where(r => r.Assignee == null),
            "overseas" => rows.Where(r => r.ReporterCountry != null && home != null && r.ReporterCountry != home),
            _ => rows,
        };
        if (Enum.TryParse<ReportKind>(filter.Kind, ignoreCase: true, out var kind))
        {
            rows = rows.Where(r => r.Type == kind);
        }

        if (Enum.TryParse<Channel>(filter.Channel, ignoreCase: true, out var channel))
        {
            rows = rows.Where(r => r.Channel == channel);
        }

        return await rows.Take(NodeDb.CountBound + 1).CountAsync(ct);
    }

    /// <summary>The country of the viewer's team: what is overseas from there.</summary>
    private static async Task<string?> HomeAsync(NodeDb db, CancellationToken ct)
    {
        var team = db.Viewer.Team ?? default;
        return await db.Teams.Where(x => x.Id == team).Select(x => x.Country).FirstOrDefaultAsync(ct);
    }

    private static async Task<Preview> PreviewAsync(NodeDb db, Report report, string? home, Likenesses? like, Texts t, DateTimeOffset now, CancellationToken ct)
    {
        const int shown = 10;
        var id = report.Id;
        like ??= (await Likeness.OfAsync(db, [id], now, ct)).GetValueOrDefault(id, Likenesses.None);
        var all = await db.ReportObservables.AsNoTracking().Where(o => o.Report == id).OrderByDescending(o => o.Stated).ThenBy(o => o.Id).Take(1_001).ToListAsync(ct);
        var hosts = all.Where(o => o.Type == ObservableType.Url).Select(o => new Observable(o.Type, o.Value).Host?.Value).ToHashSet(StringComparer.Ordinal);
        var own = all.Where(o => o.Type != ObservableType.Domain || !hosts.Contains(o.Value)).ToList();
        var observables = own.Take(shown).ToList();
        var seen = await Likeness.SeenAsync(db, [.. observables.Select(o => new Observable(o.Type, o.Value)).Distinct()], ct);
        var attachments = await db.ReportAttachments.AsNoTracking().Where(a => a.Report == id).Take(20).ToListAsync(ct);
        var assignee = report.Assignee is { } a ? (await db.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == a, ct))?.NameIn(t.Lang) : null;
        var mayAct = db.Viewer.Has(report.Marking.Origin, Right.Triage) && report.State == ReportState.New;
        return new(report, Reporting.Of(report, db.Viewer, home, now), observables, own.Count - observables.Count, seen, attachments, like, AcceptReports.Proposal(like, db), Classify.Suggest(report), assignee, mayAct);
    }

    /// <summary>Starts from the grants; filters look through the read rule, a bounded number of rounds.</summary>
    private static async Task<(IReadOnlyList<Report> Reports, string? Next)> FetchAsync(NodeDb db, Filter filter, ListCursor after, string? home, DateTimeOffset now, CancellationToken ct)
    {
        var wanted = new List<Report>();
        var cursor = after;
        string? next = null;
        for (var round = 0; round < 40 && wanted.Count < PageSize; round++)
        {
            var places = await db.ListAsync(Report.Kind, [(short)ReportState.New], cursor, PageSize + 1, ct);
            var ids = places.Take(PageSize).Select(p => new ReportId(p.Record)).ToArray();
            var found = await db.Reports.AsNoTracking().Where(r => ids.Contains(r.Id)).ToDictionaryAsync(r => r.Id, ct);
            foreach (var (record, place) in places.Take(PageSize))
            {
                cursor = place;
                if (found.TryGetValue(new(record), out var report) && Matches(report, filter, db.Viewer, home, now))
                {
                    wanted.Add(report);
                    if (wanted.Count == PageSize)
                    {
                        break;
                    }
                }
            }

            next = places.Count > PageSize || (wanted.Count == PageSize && cursor != places[^1].Cursor) ? cursor.ToString() : null;
            if (next is null)
            {
                break;
            }
        }

        return (wanted, next);
    }

    private static bool Matches(Report report, Filter filter, Viewer viewer, string? home, DateTimeOffset now) =>
        viewer.Has(report.Marking.Origin, Right.ReadDesk)
        && (filter.View switch
        {
            "mine" => report.Assignee is not null && report.Assignee == viewer.Person,
            "nobody" => report.Assignee is null,
            "overseas" => Reporting.Of(report, viewer, home, now).Overseas == true,
            _ => true,
        })
        && (string.IsNullOrEmpty(filter.Kind) || string.Equals(report.Type.ToString(), filter.Kind, StringComparison.OrdinalIgnoreCase))
        && (string.IsNullOrEmpty(filter.Channel) || string.Equals(report.Channel.ToString(), filter.Channel, StringComparison.OrdinalIgnoreCase));
}
