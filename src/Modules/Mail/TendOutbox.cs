using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Kernel;
using Renkei.Mail.Pages;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Mail;

/// <summary>
/// GET /operations/outbox: what waits to leave the node and what is stuck; again or never. For those who run the node: team, number,
/// the recipient's domain, times and errors; no address, no name and no content.
/// </summary>
public static class TendOutbox
{
    private const int Shown = 100;

    /// <param name="Number">Of the request or report it is about.</param>
    /// <param name="Domain">Where a mail goes, without whom: whether one server fails or all do.</param>
    public sealed record Row(Guid Id, string Type, string? Team, string? Number, string? Domain, OutboxState State, DateTimeOffset CreatedAt, DateTimeOffset DueAt, int Attempts, string? LastError);

    public sealed record Model(int Waiting, int Stuck, int DoneToday, int Discarded, DateTimeOffset? Oldest, bool Spool, IReadOnlyList<Row> StuckRows, IReadOnlyList<Row> WaitingRows);

    public sealed record DiscardModel(Row Row, string? Reason, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/operations/outbox", PageAsync).Needs(Right.OperateNode).ExcludeFromDescription();
        routes.MapPost("/operations/outbox/{id:guid}/retry", RetryAsync).Needs(Right.OperateNode).ExcludeFromDescription();
        routes.MapGet("/operations/outbox/{id:guid}/discard", AskAsync).Needs(Right.OperateNode).ExcludeFromDescription();
        routes.MapPost("/operations/outbox/{id:guid}/discard", DiscardAsync).Needs(Right.OperateNode).ExcludeFromDescription();
    }

    public static async Task<long?> StuckAsync(NodeDb db, CancellationToken ct) => await db.Outbox.CountAsync(o => o.State == OutboxState.Stuck, ct);

    private static async Task<IResult> PageAsync(NodeDb db, IEnumerable<IRecordNumbers> numbers, MailSettings settings, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var day = clock.GetUtcNow() - TimeSpan.FromDays(1);
        var counts = await db.Outbox.Where(o => o.State != OutboxState.Done).GroupBy(o => o.State).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var done = await db.Outbox.CountAsync(o => o.State == OutboxState.Done && o.DoneAt > day, ct);
        var waiting = await RowsAsync(db, numbers, OutboxState.Waiting, t, ct);
        return Answers.Page<OutboxPage>(new Model(counts.GetValueOrDefault(OutboxState.Waiting), counts.GetValueOrDefault(OutboxState.Stuck), done, counts.GetValueOrDefault(OutboxState.Discarded),
            waiting.Count == 0 ? null : waiting.Min(w => w.CreatedAt), settings.SmtpHost.Length == 0, await RowsAsync(db, numbers, OutboxState.Stuck, t, ct), waiting));
    }

    private static async Task<IReadOnlyList<Row>> RowsAsync(NodeDb db, IEnumerable<IRecordNumbers> numbers, OutboxState state, Texts t, CancellationToken ct) =>
        await ToRowsAsync(db, numbers, await db.Outbox.AsNoTracking().Where(o => o.State == state).OrderBy(o => o.DueAt).Take(Shown).ToListAsync(ct), t, ct);

    private static async Task<IReadOnlyList<Row>> ToRowsAsync(NodeDb db, IEnumerable<IRecordNumbers> numbers, IReadOnlyList<OutboxMessage> rows, Texts t, CancellationToken ct)
    {
        var ids = rows.Select(r => r.Team).OfType<TeamId>().Distinct().ToArray();
        var teams = await db.Set<Directories.Team>().AsNoTracking().Where(x => ids.Contains(x.Id)).ToDictionaryAsync(x => x.Id, x => x.NameIn(t.Lang), ct);
        var records = rows.Select(RefOf).OfType<RecordRef>().Distinct().ToList();
        var named = new Dictionary<RecordRef, string>();
        foreach (var each in numbers)
        {
            foreach (var (record, number) in await each.NumbersAsync(records, ct))
            {
                named[record] = number;
            }
        }

        return [.. rows.Select(o => new Row(o.Id, o.Type, o.Team is { } team ? teams.GetValueOrDefault(team) : null, RefOf(o) is { } of ? named.GetValueOrDefault(of) : null, DomainOf(o), o.State, o.CreatedAt, o.DueAt, o.Attempts, o.LastError))];
    }

    /// <summary>The part of the recipient's address after its last <c>@</c>; null where the row is no mail.</summary>
    private static string? DomainOf(OutboxMessage row) =>
        string.Equals(row.Type, EventNames.MessageRequested, StringComparison.Ordinal) && SendMessage.Read(row.Payload)?.To is [var to, ..] && to.LastIndexOf('@') is var at and >= 0 ? InertText.Clean(to[(at + 1)..]) : null;

    private static async Task<IResult> RetryAsync(Guid id, [FromForm] string? back, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (await db.Outbox.FirstOrDefaultAsync(o => o.Id == id, ct) is not { } row)
        {
            return Answers.NotFound();
        }

        if (row.State is OutboxState.Stuck or OutboxState.Waiting)
        {
            // a claim that is held is left to its holder
            (row.State, row.DueAt, row.Attempts) = (OutboxState.Waiting, clock.GetUtcNow(), row.State == OutboxState.Stuck ? 0 : row.Attempts);
            db.Note(new AuditNote("outbox.retried", row.Team, RefOf(row), new Dictionary<string, object?>(StringComparer.Ordinal) { ["outbox"] = row.Id, ["type"] = row.Type }));
            await db.SaveChangesAsync(ct);
        }

        return Answers.Seen(back ?? "/operations/outbox");
    }

    private static async Task<IResult> AskAsync(Guid id, NodeDb db, IEnumerable<IRecordNumbers> numbers, Texts t, CancellationToken ct) =>
        await db.Outbox.AsNoTracking().FirstOrDefaultAsync(o => o.Id == id, ct) is { State: OutboxState.Stuck } row
            ? Answers.Page<OutboxDiscardPage>(new DiscardModel((await ToRowsAsync(db, numbers, [row], t, ct))[0], null, FormErrors.None)) : Answers.NotFound();

    private static async Task<IResult> DiscardAsync(Guid id, [FromForm] string? reason, NodeDb db, IEnumerable<IRecordNumbers> numbers, SendMessage send, Texts t, CancellationToken ct)
    {
        if (await db.Outbox.FirstOrDefaultAsync(o => o.Id == id, ct) is not { State: OutboxState.Stuck } row)
        {
            return Answers.NotFound();
        }

        var why = InertText.Clean(reason is { Length: > 2000 } ? reason[..2000] : reason ?? "").Trim();
        if (why.Length == 0)
        {
            return Answers.Page<OutboxDiscardPage>(new DiscardModel((await ToRowsAsync(db, numbers, [row], t, ct))[0], reason, new FormErrors().Add("reason", t["outbox.reason"], t["outbox.reason_missing"])), StatusCodes.Status400BadRequest);
        }

        row.State = OutboxState.Discarded;
        db.Note(new AuditNote("outbox.discarded", row.Team, RefOf(row), new Dictionary<string, object?>(StringComparer.Ordinal) { ["outbox"] = row.Id, ["type"] = row.Type, ["reason"] = why }));
        await db.SaveChangesAsync(ct);

        // whoever waits for it hears that it will not come; after a crash here a second discard is not possible, but its page still says "not delivered"
        if (string.Equals(row.Type, EventNames.MessageRequested, StringComparison.Ordinal) && SendMessage.Read(row.Payload) is { } mail)
        {
            await send.TellAsync(mail, accepted: false, why, refused: false, ct);
        }

        return Answers.Seen("/operations/outbox");
    }

    private static RecordRef? RefOf(OutboxMessage row) => row.RecordKind is null || row.Record is null ? null : new(row.RecordKind, row.Record.Value);
}
