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
/// GET /operations/outbox: what waits to leave the node and what is stuck; again or never. For those who run the node: ids, times and
/// errors, no recipients and no content.
/// </summary>
public static class TendOutbox
{
    private const int Shown = 100;

    public sealed record Row(Guid Id, string Type, string? RecordKind, Guid? Record, string? Team, OutboxState State, DateTimeOffset CreatedAt, DateTimeOffset DueAt, int Attempts, string? LastError);

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

    private static async Task<IResult> PageAsync(NodeDb db, MailSettings settings, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var day = clock.GetUtcNow() - TimeSpan.FromDays(1);
        var counts = await db.Outbox.Where(o => o.State != OutboxState.Done).GroupBy(o => o.State).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var done = await db.Outbox.CountAsync(o => o.State == OutboxState.Done && o.DoneAt > day, ct);
        var waiting = await RowsAsync(db, OutboxState.Waiting, t, ct);
        return Answers.Page<OutboxPage>(new Model(counts.GetValueOrDefault(OutboxState.Waiting), counts.GetValueOrDefault(OutboxState.Stuck), done, counts.GetValueOrDefault(OutboxState.Discarded),
            waiting.Count == 0 ? null : waiting.Min(w => w.CreatedAt), settings.SmtpHost.Length == 0, await RowsAsync(db, OutboxState.Stuck, t, ct), waiting));
    }

    private static async Task<List<Row>> RowsAsync(NodeDb db, OutboxState state, Texts t, CancellationToken ct)
    {
        var rows = await db.Outbox.AsNoTracking().Where(o => o.State == state).OrderBy(o => o.DueAt).Take(Shown).ToListAsync(ct);
        var ids = rows.Select(r => r.Team).OfType<TeamId>().Distinct().ToArray();
        var teams = await db.Set<Directories.Team>().AsNoTracking().Where(x => ids.Contains(x.Id)).ToDictionaryAsync(x => x.Id, x => x.NameIn(t.Lang), ct);
        return [.. rows.Select(r => ToRow(r, r.Team is { } team ? teams.GetValueOrDefault(team) : null))];
    }

    private static Row ToRow(OutboxMessage o, string? team) => new(o.Id, o.Type, o.RecordKind, o.Record, team, o.State, o.CreatedAt, o.DueAt, o.Attempts, o.LastError);

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

    private static async Task<IResult> AskAsync(Guid id, NodeDb db, CancellationToken ct) =>
        await db.Outbox.AsNoTracking().FirstOrDefaultAsync(o => o.Id == id, ct) is { State: OutboxState.Stuck } row ? Answers.Page<OutboxDiscardPage>(new DiscardModel(ToRow(row, null), null, FormErrors.None)) : Answers.NotFound();

    private static async Task<IResult> DiscardAsync(Guid id, [FromForm] string? reason, NodeDb db, SendMessage send, Texts t, CancellationToken ct)
    {
        if (await db.Outbox.FirstOrDefaultAsync(o => o.Id == id, ct) is not { State: OutboxState.Stuck } row)
        {
            return Answers.NotFound();
        }

        var why = InertText.Clean(reason is { Length: > 2000 } ? reason[..2000] : reason ?? "").Trim();
        if (why.Length == 0)
        {
            return Answers.Page<OutboxDiscardPage>(new DiscardModel(ToRow(row, null), reason, new FormErrors().Add("reason", t["outbox.reason"], t["outbox.reason_missing"])), StatusCodes.Status400BadRequest);
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
