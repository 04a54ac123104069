using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Triage;

/// <summary>What is like a report, how likely, and why: a table that can be checked by hand, read through the viewer's filter.</summary>
public class LikenessTests
{
    private const string Page = "https://login.bank-check.example/v/1";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(80, SignKind.Url)]
    [InlineData(75, SignKind.UrlButQuery)]
    [InlineData(75, SignKind.Attachment)]
    [InlineData(60, SignKind.Hash)]
    [InlineData(45, SignKind.Email)]
    [InlineData(45, SignKind.Domain)]
    [InlineData(40, SignKind.Address)]
    [InlineData(67, SignKind.Domain, SignKind.Address)]
    [InlineData(80, SignKind.Url, SignKind.Url)]
    [InlineData(95, SignKind.Url, SignKind.Attachment)]
    [InlineData(99, SignKind.Url, SignKind.UrlButQuery, SignKind.Attachment, SignKind.Hash, SignKind.Email, SignKind.Domain, SignKind.Address)]
    [InlineData(0)]
    public void Each_kind_of_sign_counts_once_by_the_table(int percent, params SignKind[] kinds) => Assert.Equal(percent, Likeness.Score(kinds.Select((k, i) => new Sign(k, "sign " + i))));

    [Fact]
    public void The_weightiest_reason_comes_first_and_several_of_a_kind_are_one()
    {
        var reasons = Likeness.Reasons([new(SignKind.Address, "203.0.113[.]5"), new(SignKind.Domain, "b[.]example"), new(SignKind.Domain, "a[.]example"), new(SignKind.Url, "hxxps://c[.]example/"), new(SignKind.Url, "hxxps://c[.]example/")]);
        Assert.Equal(["triage.why.url hxxps://c[.]example/", "triage.why.domain_more a[.]example 1", "triage.why.address 203.0.113[.]5"], reasons.Select(r => $"{r.Key} {string.Join(' ', r.Args)}"));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_report_is_like_those_that_name_the_same_the_likeliest_first_with_the_reason(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var asked = desk.Report("asked", [Page, "login.bank-check.example", "198.51.100.9"], file: "a1");
        var same = desk.Report("same page", [Page, "login.bank-check.example"]);
        var query = desk.Report("but for the query", [Page + "?id=7", "login.bank-check.example"]);
        var file = desk.Report("same file", [], file: "a1");
        var address = desk.Report("same address only", ["198.51.100.9"]);
        var old = desk.Report("long ago", [Page], received: desk.Now.AddDays(-91));
        var other = desk.Report("something else", ["https://elsewhere.example/"]);
        await desk.SaveAsync();
        var like = (await desk.LikeAsync(asked.Id))!;
        Assert.Equal([(same.Number, 80), (query.Number, 75), (file.Number, 75)], like.Duplicates.Select(d => (d.Number, d.Percent)).OrderByDescending(d => d.Percent).ThenBy(d => d.Number, StringComparer.Ordinal));
        // the domain of a page that matched is no second sign
        Assert.Equal(["triage.why.url"], like.Duplicates.Single(d => d.Id == same.Id).Why.Select(w => w.Key));
        Assert.Equal(["triage.why.urlbutquery"], like.Duplicates.Single(d => d.Id == query.Id).Why.Select(w => w.Key));
        Assert.Equal(["triage.why.attachment"], like.Duplicates.Single(d => d.Id == file.Id).Why.Select(w => w.Key));
        Assert.All(like.Duplicates.SelectMany(d => d.Why).SelectMany(w => w.Args), a => Assert.DoesNotContain("https://", a, StringComparison.Ordinal));
        Assert.Null(await desk.LikeAsync(other.Id));
        Assert.DoesNotContain(like.Duplicates, d => d.Id == address.Id || d.Id == old.Id);
        // every reason has its words
        var book = desk.Node.Services.GetRequiredService<Renkei.Web.TextBook>();
        Assert.All(Enum.GetValues<SignKind>().SelectMany(k => new[] { "triage.why." + k.ToString().ToLowerInvariant(), "triage.why." + k.ToString().ToLowerInvariant() + "_more" }), key => Assert.All(Renkei.Web.TextBook.Languages, lang => Assert.NotNull(book.Find(lang, key))));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task What_stands_in_very_many_records_tells_nothing(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var reports = Enumerable.Range(0, Likeness.CommonBound).Select(i => desk.Report("many " + i, [Page])).ToList();
        await desk.SaveAsync();
        Assert.NotNull(await desk.LikeAsync(reports[0].Id));
        desk.Report("one more", [Page]);
        await desk.SaveAsync();
        Assert.Null(await desk.LikeAsync(reports[0].Id));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task What_one_may_not_know_of_is_neither_named_nor_counted(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var asked = desk.Report("asked", [Page]);
        desk.Report("theirs", [Page], marking: Marking.Own(desk.Other));
        desk.Incident("theirs", [Page], marking: Marking.Own(desk.Other));
        foreach (var i in Enumerable.Range(0, Likeness.CommonBound))
        {
            desk.Report("theirs too " + i, [Page], marking: Marking.Own(desk.Other));
        }

        await desk.SaveAsync();
        Assert.Null(await desk.LikeAsync(asked.Id));
        var ours = desk.Report("ours", [Page]);
        await desk.SaveAsync();
        Assert.Equal([ours.Id], (await desk.LikeAsync(asked.Id))!.Duplicates.Select(d => d.Id));
        await using var db = await desk.OpenAsync();
        var page = Observable.Parse(ObservableType.Url, Page);
        Assert.Equal(new SeenCount(2, 0), (await Likeness.SeenAsync(db, [page], Ct))[page]);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Incidents_are_proposed_by_their_targets_and_reports_the_open_ones_first(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var asked = desk.Report("asked", [Page, "login.bank-check.example"]);
        var resolved = desk.Incident("resolved", [Page], state: IncidentState.Resolved);
        var open = desk.Incident("open", ["login.bank-check.example"]);
        var removed = desk.Incident("the target was a mistake", [Page], removed: true);
        var byReport = desk.Incident("by its report", []);
        desk.Link(desk.Report("linked", [Page]), byReport);
        var ended = desk.Incident("no longer by its report", []);
        desk.Link(desk.Report("was linked", [Page]), ended, ended: true);
        await desk.SaveAsync();
        var like = (await desk.LikeAsync(asked.Id))!;
        Assert.Equal([(byReport.Id, 80), (open.Id, 45), (resolved.Id, 80)], like.Incidents.Select(i => (i.Id, i.Percent)));
        Assert.DoesNotContain(like.Incidents, i => i.Id == removed.Id || i.Id == ended.Id);
        // one that it belongs to already is not proposed again
        desk.Link(asked, byReport);
        await desk.SaveAsync();
        Assert.DoesNotContain((await desk.LikeAsync(asked.Id))!.Incidents, i => i.Id == byReport.Id);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task An_incident_is_related_by_targets_reports_and_what_still_waits_of_what_one_may_know(string engine)
    {
        await using var desk = await Desk.StartAsync(engine);
        var ours = desk.Incident("ours", [Page, "198.51.100.9"]);
        var report = desk.Report("of both", ["198.51.100.77"], state: ReportState.Accepted);
        desk.Link(report, ours);
        var sameReport = desk.Incident("same report", []);
        desk.Link(report, sameReport);
        var byTarget = desk.Incident("by target", [Page, "198.51.100.9"]);
        var byReport = desk.Incident("by its report", []);
        desk.Link(desk.Report("accepted", ["198.51.100.77"], state: ReportState.Accepted), byReport);
        var waiting = desk.Report("waits", [Page]);
        desk.Report("rejected", [Page], state: ReportState.Rejected);
        desk.Incident("hidden", [Page], marking: Marking.Own(desk.Other));
        desk.Report("hidden", [Page], marking: Marking.Own(desk.Other));
        desk.Incident("the target was a mistake", [Page], removed: true);
        desk.Incident("unrelated", ["https://elsewhere.example/"]);
        await desk.SaveAsync();
        await using var db = await desk.OpenAsync();
        var related = await RelatedIncidents.FindAsync(db, ours.Id, Ct);
        Assert.Equal([sameReport.Number, byTarget.Number, byReport.Number, waiting.Number], related.Select(r => r.Number));
        Assert.Equal([true, false, false, false], related.Select(r => r.SameReport));
        Assert.Equal([Page, "198.51.100.9"], related[1].Shared.Select(s => s.Value).OrderDescending(StringComparer.Ordinal));
        Assert.Equal((null, "/reports/" + waiting.Id), (related[3].State, related[3].Href));
        // a target that was taken off here relates nothing either
        await using (var write = desk.Node.Databases.ForSystem())
        {
            foreach (var target in await write.IncidentTargets.Where(t => t.Incident == ours.Id).ToListAsync(Ct))
            {
                target.RemovedAt = desk.Now;
            }

            await write.SaveChangesAsync(Ct);
        }

        await using var after = await desk.OpenAsync();
        Assert.Equal([sameReport.Number, byReport.Number], (await RelatedIncidents.FindAsync(after, ours.Id, Ct)).Select(r => r.Number));
    }

    /// <summary>Records of a desk, put in without its pages.</summary>
    private sealed class Desk : IAsyncDisposable
    {
        private readonly List<object> _made = [];
        private int _number;

        public required TestNode Node { get; init; }

        public required TeamId Own { get; init; }

        public required TeamId Other { get; init; }

        public required DateTimeOffset Now { get; init; }

        public static async Task<Desk> StartAsync(string engine)
        {
            var node = await TestNode.StartAsync(engine);
            return new() { Node = node, Own = (await node.TeamAsync("aozora")).Id, Other = (await node.TeamAsync("minato")).Id, Now = node.Clock.GetUtcNow() };
        }

        public Report Report(string summary, string[] names, string? file = null, DateTimeOffset? received = null, Marking? marking = null, ReportState state = ReportState.New)
        {
            var report = new Report
            {
                Id = ReportId.New(Node.Clock),
                Marking = marking ?? Marking.Own(Own),
                Number = $"R-{++_number:000}",
                Channel = Channel.Web,
                Type = ReportKind.Request,
                State = state,
                ReceivedAt = received ?? Now.AddMinutes(_number - 1000),
                DueAt = Now.AddHours(4),
                Summary = summary,
                Language = "en",
                RawSha256 = new string('0', 64),
                StatusKeyHash = Guid.NewGuid().ToString("N"),
            };
            _made.Add(report);
            _made.AddRange(names.Select(n => Seen(n)).Select(o => new ReportObservable { Id = Guid.CreateVersion7(), Report = report.Id, Type = o.Type, Value = o.Value }));
            if (file is not null)
            {
                _made.Add(new ReportAttachment { Id = Guid.CreateVersion7(), Report = report.Id, Name = "kit.zip", MediaType = "application/zip", Sha256 = file.PadRight(64, '0'), Size = 1 });
            }

            return report;
        }

        public Incident Incident(string title, string[] names, IncidentState state = IncidentState.Open, Marking? marking = null, bool removed = false)
        {
            var incident = new Incident { Id = IncidentId.New(Node.Clock), Marking = marking ?? Marking.Own(Own), Number = $"INC-{++_number:000}", Title = title, Category = "fraud", Type = "phishing", State = state, OpenedAt = Now.AddMinutes(_number - 1000) };
            _made.Add(incident);
            _made.AddRange(names.Select(n => Seen(n)).Select(o => new IncidentTarget { Id = Guid.CreateVersion7(), Incident = incident.Id, Type = o.Type, Value = o.Value, Role = TargetRole.Phishing, AddedAt = Now, RemovedAt = removed ? Now : null }));
            return incident;
        }

        public void Link(Report report, Incident incident, bool ended = false) => _made.Add(new ReportLink { Id = Guid.CreateVersion7(), Report = report.Id, Incident = incident.Id, LinkedAt = Now, EndedAt = ended ? Now : null });

        public async Task SaveAsync()
        {
            await using var db = Node.Databases.ForSystem();
            db.AddRange(_made);
            await db.SaveChangesAsync(Ct);
            _made.Clear();
        }

        public async Task<NodeDb> OpenAsync() => Node.Databases.For(await Node.ViewerOfAsync("smith@aozora.example"));

        public async Task<Likenesses?> LikeAsync(ReportId report)
        {
            await using var db = await OpenAsync();
            return (await Likeness.OfAsync(db, [report], Now, Ct)).GetValueOrDefault(report);
        }

        public ValueTask DisposeAsync() => Node.DisposeAsync();

        private static Observable Seen(string text) => Observable.TryParse(text, out var found, out _) ? found : throw new ArgumentException(text + " is no observable.", nameof(text));
    }
}
