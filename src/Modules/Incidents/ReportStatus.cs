using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// GET and POST /report/status/{key}: the reporter's private page. The key is the whole right: it shows this report's state and the words
/// between reporter and team, and nothing else.
/// </summary>
public static class ReportStatus
{
    public const int MaxMessage = 5000;

    /// <summary>Words of one reporter on one report; whoever needs more should call.</summary>
    private const int MaxMessages = 200;

    /// <summary>Words a minute from one address.</summary>
    private const int MessageRate = 10;

    public sealed record Word(bool FromReporter, DateTimeOffset At, string Text);

    /// <param name="State">new, open, resolved, abandoned, rejected or duplicate: as the reporter should read it.</param>
    /// <param name="Url">The private link in full, to copy.</param>
    public sealed record Model(string Number, string State, string? RejectReason, DateTimeOffset ReceivedAt, DateTimeOffset DueAt, ReportKind Kind, IReadOnlyList<Word> Words, string Url, string Action, bool Received, string Draft, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/report/status/{key}", ShowAsync).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/report/status/{key}", WriteAsync).OpenToAll().ExcludeFromDescription();
    }

    private static async Task<IResult> ShowAsync(string key, string? received, HttpContext http, NodeDbFactory databases, IncidentsSettings settings, ReceivingTeams teams, PageContext page, CancellationToken ct)
    {
        NoIndex(http);
        await using var db = databases.ForSystem("public");
        return await FindAsync(db, key, ct) is { } report
            ? Answers.Page<ReportStatusPage>(await ModelAsync(db, report, key, received == "1", "", FormErrors.None, settings, teams, page, ct))
            : Answers.NotFound();
    }

    private static async Task<IResult> WriteAsync(string key, [FromForm] string? text, HttpContext http, NodeDbFactory databases, IncidentsSettings settings, ReceivingTeams teams, AddressRates rates, PageContext page, Texts t, TimeProvider clock, CancellationToken ct)
    {
        NoIndex(http);
        await using var db = databases.ForSystem("public");
        if (await FindAsync(db, key, ct) is not { } report)
        {
            return Answers.NotFound();
        }

        var faults = new List<FieldFault>();
        var clean = new FieldCheck(faults).Text("text", text, MaxMessage)?.Trim();
        if (string.IsNullOrEmpty(clean) && faults.Count == 0)
        {
            faults.Add(new("text", "required"));
        }

        var status = StatusCodes.Status400BadRequest;
        if (faults.Count == 0 && (rates.Take("message", http.Connection.RemoteIpAddress, MessageRate) is not null || await db.ReportMessages.CountAsync(m => m.Report == report.Id && m.FromReporter, ct) >= MaxMessages))
        {
            http.Response.Headers.RetryAfter = "60";
            faults.Add(new("text", "too_often"));
            status = StatusCodes.Status429TooManyRequests;
        }

        if (faults.Count > 0)
        {
            var errors = new FormErrors();
            faults.ForEach(f => errors.Add("text", t["report_form.status.write_label"], t.Of("report_form.error." + f.Reason, f.Args)));
            return Answers.Page<ReportStatusPage>(await ModelAsync(db, report, key, false, text ?? "", errors, settings, teams, page, ct), status);
        }

        await SaveAsync(db, report, clean!, clock.GetUtcNow(), ct);
        return Answers.Seen(StatusLinks.Path(key) + "#messages");
    }

    private static async Task SaveAsync(NodeDb db, Report report, string text, DateTimeOffset now, CancellationToken ct)
    {
        await db.InTransactionAsync(async () =>
        {
            db.ReportMessages.Add(new ReportMessage { Id = Guid.CreateVersion7(now), Report = report.Id, FromReporter = true, At = now, Text = text });
            // first the word, so that the clock below counts it
            await db.SaveChangesAsync(ct);
            var incidents = await ReportLinks.IncidentsAsync(db, report.Id, ct);
            foreach (var incident in incidents)
            {
                Diary.Say(db, incident, EntryKind.Message, now, "report.diary.reporter_wrote", [report.Number], $"/reports/{report.Id}");
                await IncidentClock.SaveAsync(db, incident, ct);
            }

            foreach (var person in await ReadersAsync(db, report, ct))
            {
                db.Notifications.Add(new Notification { Id = Guid.CreateVersion7(now), Person = person, TextKey = "report.notify.reporter_wrote", Args = JsonSerializer.Serialize(new[] { report.Number }), Href = $"/reports/{report.Id}#messages", At = now });
            }

            return await db.SaveChangesAsync(ct);
        }, ct);
    }

    /// <summary>Who should read the word: the one who has the report, else everyone who does triage in the team.</summary>
    private static async Task<IReadOnlyList<PersonId>> ReadersAsync(NodeDb db, Report report, CancellationToken ct)
    {
        if (report.Assignee is { } assignee)
        {
            return [assignee];
        }

        var team = report.Marking.Origin;
        var roles = Enum.GetValues<Role>().Where(r => Rights.Of(r).Contains(Right.Triage)).ToArray();
        return await db.Memberships.AsNoTracking().Where(m => m.Team == team && roles.Contains(m.Role)).Select(m => m.Person).Distinct().Take(200).ToListAsync(ct);
    }

    /// <summary>Found by the hash of 256 random bits, which tells nothing by its timing; compared whole all the same.</summary>
    private static async Task<Report?> FindAsync(NodeDb db, string key, CancellationToken ct)
    {
        if (key.Length is < 40 or > 50)
        {
            return null;
        }

        var hash = Intake.Hash(key);
        var report = await db.Reports.AsNoTracking().FirstOrDefaultAsync(r => r.StatusKeyHash == hash, ct);
        return report is not null && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(report.StatusKeyHash), Encoding.ASCII.GetBytes(hash)) ? report : null;
    }

    private static async Task<Model> ModelAsync(NodeDb db, Report report, string key, bool received, string draft, FormErrors errors, IncidentsSettings settings, ReceivingTeams teams, PageContext page, CancellationToken ct)
    {
        page.TeamName = (await teams.AllAsync(ct)).FirstOrDefault(t => t.Id == report.Marking.Origin)?.NameIn(page.Lang) ?? page.NodeName;
        var words = await db.ReportMessages.AsNoTracking().Where(m => m.Report == report.Id).OrderBy(m => m.At).ThenBy(m => m.Id).Select(m => new Word(m.FromReporter, m.At, m.Text)).Take(1000).ToListAsync(ct);
        var state = report.State switch
        {
            ReportState.New => "new",
            ReportState.Rejected => "rejected",
            ReportState.Duplicate => "duplicate",
            _ => (await ReportLinks.IncidentsAsync(db, report.Id, ct)) is { Count: > 0 } linked && linked.All(i => i.State != IncidentState.Open) ? linked.Any(i => i.State == IncidentState.Resolved) ? "resolved" : "abandoned" : "open",
        };
        return new(report.Number, state, report.State == ReportState.Rejected ? report.RejectReason : null, report.ReceivedAt, report.DueAt, report.Type, words, StatusLinks.Url(settings, key), StatusLinks.Path(key), received, draft, errors);
    }

    private static void NoIndex(HttpContext http) => http.Response.Headers["X-Robots-Tag"] = "noindex, nofollow, noarchive";
}

/// <summary>The incidents a report belongs to now.</summary>
public static class ReportLinks
{
    public static async Task<IReadOnlyList<Incident>> IncidentsAsync(NodeDb db, ReportId report, CancellationToken ct)
    {
        var ids = await db.ReportLinks.Where(l => l.Report == report && l.EndedAt == null).Select(l => l.Incident).Distinct().Take(100).ToListAsync(ct);
        return await db.Incidents.Where(i => ids.Contains(i.Id)).OrderBy(i => i.Id).ToListAsync(ct);
    }
}
