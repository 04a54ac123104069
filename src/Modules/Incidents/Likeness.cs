using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>What two records can have in common.</summary>
public enum SignKind
{
    Url,
    UrlButQuery,
    Attachment,
    Hash,
    Email,
    Domain,
    Address,
}

/// <summary>One thing in common; <paramref name="Shown"/> is defanged.</summary>
public readonly record struct Sign(SignKind Kind, string Shown);

/// <summary>A report that may be about the same thing, how likely in percent, and why.</summary>
public sealed record LikeReport(ReportId Id, string Number, string Summary, ReportState State, DateTimeOffset ReceivedAt, int Percent, IReadOnlyList<Reason> Why);

/// <summary>An incident that shares observables with a report, by its targets or its linked reports.</summary>
public sealed record LikeIncident(IncidentId Id, string Number, string Title, IncidentState State, TeamId Origin, int Percent, IReadOnlyList<Reason> Why)
{
    /// <summary>To choose from: number and title, and below them why.</summary>
    public static IEnumerable<Choice> Choices(IEnumerable<LikeIncident> alike, Texts t) =>
        alike.Select(i => new Choice(i.Number, t.Of("triage.accept.to", i.Number, i.Title), string.Join(t["mid_dot"], i.Why.Select(r => t.Of(r.Key, [.. r.Args]))), "/incidents/" + i.Id));
}

/// <summary>What is like one report, the likeliest first.</summary>
public sealed record Likenesses(IReadOnlyList<LikeReport> Duplicates, IReadOnlyList<LikeIncident> Incidents)
{
    public static Likenesses None { get; } = new([], []);
}

/// <summary>In how many other records the viewer may know of an observable stands.</summary>
public readonly record struct SeenCount(int Reports, int Incidents)
{
    public int All => Reports + Incidents;
}

/// <summary>
/// Likely duplicates of reports and the incidents they may belong to, with the reason. A fixed table of weights, no learning: an analyst
/// can check every number. Each kind of sign counts once and independently, so <c>p = 1 - Π(1 - weight)</c>.
/// <code>
/// same URL                    80 %    URL differs in its query only   75 %
/// same attachment (SHA-256)   75 %    same hash named                 60 %
/// same e-mail address         45 %    same domain                     45 %    same IP address   40 %
/// </code>
/// The domain of a URL that matched is no second sign. An observable in more than <see cref="CommonBound"/> records tells nothing and does
/// not count. Reads through the viewer's filter only: a record one may not know of is neither named nor counted.
/// </summary>
public static class Likeness
{
    /// <summary>From here on a report is called a likely duplicate.</summary>
    public const int DuplicateFrom = 60;

    /// <summary>In more records than this an observable is common.</summary>
    public const int CommonBound = 50;

    /// <summary>How many are shown of each.</summary>
    public const int Shown = 3;

    private const int MaxReports = 100;
    private const int MaxObservables = 10_000;
    private const int MaxCandidates = 1_000;
    private const int Chunk = 400;

    /// <summary>How far back duplicates are looked for.</summary>
    public static TimeSpan Window { get; } = TimeSpan.FromDays(90);

    private static readonly ObservableType[] Telling =
    [
        ObservableType.Url, ObservableType.Domain, ObservableType.IPv4, ObservableType.IPv6, ObservableType.Email, ObservableType.Md5, ObservableType.Sha1, ObservableType.Sha256,
    ];

    /// <summary>The table.</summary>
    public static int Weight(SignKind kind) => kind switch
    {
        SignKind.Url => 80,
        SignKind.UrlButQuery or SignKind.Attachment => 75,
        SignKind.Hash => 60,
        SignKind.Email or SignKind.Domain => 45,
        _ => 40,
    };

    /// <summary>How likely signs make it that two records are about the same, in percent; never 100.</summary>
    public static int Score(IEnumerable<Sign> signs)
    {
        var against = 1.0;
        foreach (var kind in signs.Select(s => s.Kind).Distinct())
        {
            against *= 1 - (Weight(kind) / 100.0);
        }

        return Math.Min(99, (int)Math.Round((1 - against) * 100));
    }

    /// <summary>Signs as reasons, the weightiest first; several of one kind are one reason.</summary>
    public static IReadOnlyList<Reason> Reasons(IEnumerable<Sign> signs) =>
    [
        .. signs.Distinct().GroupBy(s => s.Kind).OrderByDescending(g => Weight(g.Key)).ThenBy(g => g.Key).Select(g =>
        {
            var key = "triage.why." + g.Key.ToString().ToLowerInvariant();
            var shown = g.Select(s => s.Shown).Order(StringComparer.Ordinal).ToList();
            return shown.Count == 1 ? new Reason(key, shown[0]) : new Reason(key + "_more", shown[0], (shown.Count - 1).ToString(System.Globalization.CultureInfo.InvariantCulture));
        }),
    ];

    /// <summary>For a page of reports at once; a report with nothing alike has no entry.</summary>
    public static async Task<IReadOnlyDictionary<ReportId, Likenesses>> OfAsync(NodeDb db, IReadOnlyCollection<ReportId> reports, DateTimeOffset now, CancellationToken ct)
    {
        var ids = reports.Distinct().Take(MaxReports).ToArray();
        var since = now - Window;
        var mine = await db.ReportObservables.AsNoTracking().Where(o => ids.Contains(o.Report) && Telling.Contains(o.Type))
            .OrderByDescending(o => o.Stated).ThenBy(o => o.Id).Take(MaxObservables).Select(o => new { o.Report, o.Type, o.Value }).ToListAsync(ct);
        var files = await db.ReportAttachments.AsNoTracking().Where(a => ids.Contains(a.Report)).Select(a => new { a.Report, a.Sha256, a.Name }).Take(MaxObservables).ToListAsync(ct);
        var facts = mine.Select(m => new Observable(m.Type, m.Value)).Distinct().ToList();
        var seen = await SeenAsync(db, facts, ct);
        var telling = facts.Where(f => seen.TryGetValue(f, out var n) && n.All is > 1 and <= CommonBound).ToList();

        var inReports = new Dictionary<Observable, List<ReportId>>();
        var inIncidents = new Dictionary<Observable, List<IncidentId>>();
        foreach (var (type, values) in Chunks(telling))
        {
            foreach (var row in await db.ReportObservables.AsNoTracking().Where(o => o.Type == type && values.Contains(o.Value)).Select(o => new { o.Value, o.Report }).Distinct().ToListAsync(ct))
            {
                Add(inReports, new(type, row.Value), row.Report);
            }

            foreach (var row in await db.IncidentTargets.AsNoTracking().Where(t => t.Type == type && values.Contains(t.Value) && t.RemovedAt == null).Select(t => new { t.Value, t.Incident }).Distinct().ToListAsync(ct))
            {
                Add(inIncidents, new(type, row.Value), row.Incident);
            }
        }

        var byFile = new Dictionary<string, List<ReportId>>(StringComparer.Ordinal);
        foreach (var hashes in files.Select(f => f.Sha256).Distinct(StringComparer.Ordinal).Chunk(Chunk))
        {
            foreach (var row in await db.ReportAttachments.AsNoTracking().Where(a => hashes.Contains(a.Sha256)).Select(a => new { a.Sha256, a.Report }).Distinct().Take(MaxObservables).ToListAsync(ct))
            {
                Add(byFile, row.Sha256, row.Report);
            }
        }

        // the reports that share something, those of the window only
        var candidateIds = inReports.Values.SelectMany(r => r).Concat(byFile.Values.Where(r => r.Count <= CommonBound).SelectMany(r => r)).Distinct().Take(MaxCandidates).ToArray();
        var candidates = await db.Reports.AsNoTracking().Where(r => candidateIds.Contains(r.Id) && r.ReceivedAt >= since)
            .Select(r => new { r.Id, r.Number, r.Summary, r.State, r.ReceivedAt }).ToDictionaryAsync(r => r.Id, ct);
        candidateIds = [.. candidates.Keys];
        var urls = (await db.ReportObservables.AsNoTracking().Where(o => candidateIds.Contains(o.Report) && o.Type == ObservableType.Url).Select(o => new { o.Report, o.Value }).Take(MaxObservables).ToListAsync(ct))
            .ToLookup(o => o.Report, o => o.Value);
        var links = (await db.ReportLinks.AsNoTracking().Where(l => candidateIds.Contains(l.Report) && l.EndedAt == null).Select(l => new { l.Report, l.Incident }).ToListAsync(ct)).ToLookup(l => l.Report, l => l.Incident);

        var found = new Dictionary<ReportId, (Dictionary<ReportId, List<Sign>> Reports, Dictionary<IncidentId, List<Sign>> Incidents)>();
        foreach (var report in ids)
        {
            var likeReports = new Dictionary<ReportId, List<Sign>>();
            var likeIncidents = new Dictionary<IncidentId, List<Sign>>();
            foreach (var fact in mine.Where(m => m.Report == report).Select(m => new Observable(m.Type, m.Value)).Distinct())
            {
                var sign = new Sign(KindOf(fact.Type), fact.Defang());
                foreach (var other in inReports.GetValueOrDefault(fact, []).Where(o => o != report && candidates.ContainsKey(o)))
                {
                    Add(likeReports, other, sign);
                }

                foreach (var incident in inIncidents.GetValueOrDefault(fact, []))
                {
                    Add(likeIncidents, incident, sign);
                }
            }

            foreach (var file in files.Where(f => f.Report == report))
            {
                foreach (var other in byFile.GetValueOrDefault(file.Sha256, []).Where(o => o != report && candidates.ContainsKey(o)))
                {
                    Add(likeReports, other, new Sign(SignKind.Attachment, file.Name));
                }
            }

            var ownUrls = mine.Where(m => m.Report == report && m.Type == ObservableType.Url).Select(m => m.Value).ToList();
            foreach (var (other, signs) in likeReports)
            {
                if (ownUrls.Find(mineUrl => urls[other].Any(theirs => !string.Equals(theirs, mineUrl, StringComparison.Ordinal) && string.Equals(WithoutQuery(theirs), WithoutQuery(mineUrl), StringComparison.Ordinal))) is { } nearly
                    && !signs.Exists(s => s.Kind == SignKind.Url))
                {
                    signs.Add(new Sign(SignKind.UrlButQuery, Observable.Parse(ObservableType.Url, nearly).Defang()));
                }

                DropHosts(signs);
                foreach (var incident in links[other])
                {
                    foreach (var sign in signs)
                    {
                        Add(likeIncidents, incident, sign);
                    }
                }
            }

            foreach (var signs in likeIncidents.Values)
            {
                DropHosts(signs);
            }

            found[report] = (likeReports, likeIncidents);
        }

        var own = (await db.ReportLinks.AsNoTracking().Where(l => ids.Contains(l.Report) && l.EndedAt == null).Select(l => new { l.Report, l.Incident }).ToListAsync(ct)).Select(l => (l.Report, l.Incident)).ToHashSet();
        var incidentIds = found.Values.SelectMany(f => f.Incidents.Keys).Distinct().Take(MaxCandidates).ToArray();
        var incidents = await db.Incidents.AsNoTracking().Where(i => incidentIds.Contains(i.Id)).Select(i => new { i.Id, i.Number, i.Title, i.State, i.OpenedAt, i.Marking.Origin }).ToDictionaryAsync(i => i.Id, ct);
        var answer = new Dictionary<ReportId, Likenesses>();
        foreach (var (report, (likeReports, likeIncidents)) in found)
        {
            var duplicates = likeReports.Select(p => (Candidate: candidates[p.Key], Percent: Score(p.Value), Signs: p.Value)).Where(p => p.Percent >= DuplicateFrom)
                .OrderByDescending(p => p.Percent).ThenBy(p => p.Candidate.ReceivedAt).Take(Shown)
                .Select(p => new LikeReport(p.Candidate.Id, p.Candidate.Number, p.Candidate.Summary, p.Candidate.State, p.Candidate.ReceivedAt, p.Percent, Reasons(p.Signs))).ToList();
            var related = likeIncidents.Where(p => incidents.ContainsKey(p.Key) && !own.Contains((report, p.Key))).Select(p => (Incident: incidents[p.Key], Percent: Score(p.Value), Signs: p.Value))
                .OrderBy(p => p.Incident.State == IncidentState.Open ? 0 : 1).ThenByDescending(p => p.Percent).ThenByDescending(p => p.Incident.OpenedAt).Take(Shown)
                .Select(p => new LikeIncident(p.Incident.Id, p.Incident.Number, p.Incident.Title, p.Incident.State, p.Incident.Origin, p.Percent, Reasons(p.Signs))).ToList();
            if (duplicates.Count + related.Count > 0)
            {
                answer[report] = new(duplicates, related);
            }
        }

        return answer;
    }

    /// <summary>In how many reports and incidents each stands, of those the viewer may know of.</summary>
    public static async Task<IReadOnlyDictionary<Observable, SeenCount>> SeenAsync(NodeDb db, IReadOnlyCollection<Observable> observables, CancellationToken ct)
    {
        var seen = new Dictionary<Observable, SeenCount>();
        foreach (var (type, values) in Chunks(observables))
        {
            foreach (var row in await db.ReportObservables.AsNoTracking().Where(o => o.Type == type && values.Contains(o.Value)).GroupBy(o => o.Value).Select(g => new { g.Key, Count = g.Select(o => o.Report).Distinct().Count() }).ToListAsync(ct))
            {
                seen[new(type, row.Key)] = new(row.Count, 0);
            }

            foreach (var row in await db.IncidentTargets.AsNoTracking().Where(t => t.Type == type && values.Contains(t.Value) && t.RemovedAt == null).GroupBy(t => t.Value).Select(g => new { g.Key, Count = g.Select(t => t.Incident).Distinct().Count() }).ToListAsync(ct))
            {
                seen[new(type, row.Key)] = seen.GetValueOrDefault(new(type, row.Key)) with { Incidents = row.Count };
            }
        }

        return seen;
    }

    private static SignKind KindOf(ObservableType type) => type switch
    {
        ObservableType.Url => SignKind.Url,
        ObservableType.Domain => SignKind.Domain,
        ObservableType.Email => SignKind.Email,
        ObservableType.Md5 or ObservableType.Sha1 or ObservableType.Sha256 => SignKind.Hash,
        _ => SignKind.Address,
    };

    /// <summary>A URL that matched brings its host with it: the host is no second sign.</summary>
    private static void DropHosts(List<Sign> signs)
    {
        var hosts = signs.Where(s => s.Kind is SignKind.Url or SignKind.UrlButQuery)
            .Select(s => Observable.TryParse(ObservableType.Url, s.Shown, out var url, out _) && url.Host is { } host ? host.Defang() : null).Where(h => h is not null).ToHashSet(StringComparer.Ordinal);
        signs.RemoveAll(s => s.Kind is SignKind.Domain or SignKind.Address && hosts.Contains(s.Shown));
    }

    private static string WithoutQuery(string url) => url.IndexOf('?', StringComparison.Ordinal) is var at and >= 0 ? url[..at] : url;

    private static IEnumerable<(ObservableType Type, string[] Values)> Chunks(IEnumerable<Observable> observables) =>
        observables.GroupBy(o => o.Type).SelectMany(g => g.Select(o => o.Value).Distinct(StringComparer.Ordinal).Chunk(Chunk).Select(values => (g.Key, values)));

    private static void Add<TKey, TValue>(Dictionary<TKey, List<TValue>> map, TKey key, TValue value) where TKey : notnull
    {
        if (!map.TryGetValue(key, out var list))
        {
            map[key] = list = [];
        }

        list.Add(value);
    }
}
