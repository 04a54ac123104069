using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Formats.Csv;
using Renkei.Kernel;
using Renkei.Node.Accounts;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Pages;

/// <summary>GET /audit and /audit.csv: who did what to which record, newest first. What a viewer sees of it is the store's filter: the teams whose log they read, and the node's own for operators.</summary>
public static class AuditLog
{
    public const int PageSize = 50;

    /// <summary>A CSV file holds no more rows than this; the filters make it smaller.</summary>
    public const int MostRows = 100_000;

    /// <summary>All in the address. <c>Action</c> is the beginning of a stable name, <c>Record</c> a number or an id, <c>From</c> and <c>To</c> dates in the reader's zone.</summary>
    public sealed record Filter
    {
        public string? Action { get; init; }

        public string? Record { get; init; }

        public string? Person { get; init; }

        public string? From { get; init; }

        public string? To { get; init; }

        public string? After { get; init; }
    }

    /// <summary>An entry as the page shows it; names only of what the viewer may know of.</summary>
    public sealed record Row(AuditEntry Entry, string Actor, SeenRecord? Record, string Detail);

    public sealed record Model(IReadOnlyList<Row> Rows, Filter Filter, IReadOnlyList<Choice> People, string? Next, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/audit", PageAsync).SignedIn().ExcludeFromDescription();
        routes.MapGet("/audit.csv", CsvAsync).SignedIn().ExcludeFromDescription();
    }

    private static bool MayRead(Viewer viewer) => viewer.HasAnywhere(Right.ReadAudit) || viewer.HasAnywhere(Right.OperateNode);

    private static async Task<IResult> PageAsync([AsParameters] Filter filter, NodeDb db, IEnumerable<IRecordNames> names, Texts t, PageContext page, CancellationToken ct)
    {
        if (!MayRead(db.Viewer))
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        var all = names.ToList();
        var (query, errors) = await AskAsync(filter, db, all, t, page, ct);
        var entries = errors.Any ? [] : await query.OrderByDescending(a => a.Seq).Take(PageSize + 1).ToListAsync(ct);
        var rows = await RowsAsync(entries.Take(PageSize).ToList(), db, all, t, ct);
        var people = (await db.People.AsNoTracking().OrderBy(p => p.Name).Take(500).ToListAsync(ct)).Select(p => new Choice(p.Id.ToString(), p.NameIn(t.Lang)));
        var next = entries.Count > PageSize ? entries[PageSize - 1].Seq.ToString(CultureInfo.InvariantCulture) : null;
        return Answers.Page<AuditPage>(new Model(rows, filter, [.. people, new("system", t["audit.actor.system"]), new("public", t["audit.actor.public"])], next, errors), errors.Any ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK);
    }

    /// <summary>The entries asked for, or what cannot be asked.</summary>
    private static async Task<(IQueryable<AuditEntry> Query, FormErrors Errors)> AskAsync(Filter filter, NodeDb db, IReadOnlyList<IRecordNames> names, Texts t, PageContext page, CancellationToken ct)
    {
        var errors = new FormErrors();
        var query = db.Audit.AsNoTracking();
        if (filter.Action is { Length: > 0 } action)
        {
            if (action.Length > 80 || !action.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-'))
            {
                errors.Add("action", t["audit.field.action"], t["audit.bad.action"]);
            }

            query = query.Where(a => a.Action.StartsWith(action));
        }

        if (filter.Record?.Trim() is { Length: > 0 } record)
        {
            if (Guid.TryParse(record, out var id))
            {
                query = query.Where(a => a.Record == id);
            }
            else
            {
                var ids = new List<Guid?>();
                foreach (var each in TextCheck.Of(t, record, 60) is null ? names : [])
                {
                    ids.AddRange((await each.WithNumberAsync(record, ct)).Select(r => (Guid?)r.Record.Id));
                }

                if (ids.Count == 0)
                {
                    errors.Add("record", t["audit.field.record"], t["audit.bad.record"]);
                }

                query = query.Where(a => ids.Contains(a.Record));
            }
        }

        if (filter.Person is { Length: > 0 } person)
        {
            var actor = person is "system" or "public" ? person : PersonId.TryParse(person, null, out var who) ? "person:" + who : null;
            if (actor is null)
            {
                errors.Add("person", t["audit.field.person"], t["audit.bad.person"]);
            }

            query = query.Where(a => a.Actor == actor);
        }

        if (filter.From is { Length: > 0 })
        {
            var from = Day("from", filter.From, 0);
            query = query.Where(a => a.At >= from);
        }

        if (filter.To is { Length: > 0 })
        {
            var to = Day("to", filter.To, 1);
            query = query.Where(a => a.At < to);
        }

        if (filter.After is { Length: > 0 })
        {
            if (!long.TryParse(filter.After, NumberStyles.None, CultureInfo.InvariantCulture, out var seq))
            {
                errors.Add("action", t["audit.title"], t["audit.bad.after"]);
            }

            query = query.Where(a => a.Seq < seq);
        }

        return (query, errors);

        DateTimeOffset Day(string field, string text, int days)
        {
            if (!DateTime.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) || day.Year is < 1990 or > 2200)
            {
                errors.Add(field, t["audit.field." + field], t["audit.bad.date"]);
                return default;
            }

            var start = day.AddDays(days);
            return new DateTimeOffset(start, page.Zone.GetUtcOffset(start)).ToUniversalTime();
        }
    }

    private static async Task<IReadOnlyList<Row>> RowsAsync(List<AuditEntry> entries, NodeDb db, IReadOnlyList<IRecordNames> names, Texts t, CancellationToken ct)
    {
        var records = entries.Where(e => e.Record is not null && e.RecordKind is not null).Select(e => new RecordRef(e.RecordKind!, e.Record!.Value)).Distinct().ToList();
        var known = new Dictionary<RecordRef, SeenRecord>();
        foreach (var each in names)
        {
            foreach (var named in await each.NamesAsync(records, ct))
            {
                known[named.Record] = named;
            }
        }

        var people = entries.Select(e => e.Actor).Where(a => a.StartsWith("person:", StringComparison.Ordinal)).Select(a => a[7..])
            .Concat(records.Where(r => r.Kind == "person").Select(r => r.Id.ToString()))
            .Distinct(StringComparer.Ordinal).Select(a => PersonId.TryParse(a, null, out var id) ? id : default).ToArray();
        var personNames = await db.People.AsNoTracking().Where(p => people.Contains(p.Id)).ToDictionaryAsync(p => p.Id.ToString(), p => p.NameIn(t.Lang), StringComparer.Ordinal, ct);
        var teams = db.Viewer.Roles.Select(r => r.Team).Distinct().ToArray();
        var tokenIds = entries.Where(e => e.Actor.StartsWith("token:", StringComparison.Ordinal)).Select(e => Guid.TryParse(e.Actor.AsSpan(6), out var id) ? id : default)
            .Concat(records.Where(r => r.Kind is "token" or "apiToken").Select(r => r.Id)).Distinct().ToArray();
        var tokens = await db.Tokens.AsNoTracking().Where(x => tokenIds.Contains(x.Id) && teams.Contains(x.Team)).ToDictionaryAsync(x => x.Id, x => x.Name, ct);
        foreach (var record in records)
        {
            if (record.Kind == "person" && personNames.TryGetValue(record.Id.ToString(), out var person))
            {
                known[record] = new(record, person, "", "", default);
            }
            else if (record.Kind is "token" or "apiToken" && tokens.TryGetValue(record.Id, out var token))
            {
                known[record] = new(record, token, "", "", default);
            }
        }

        return [.. entries.Select(e => new Row(e, ActorName(e.Actor, personNames, tokens, t), e.Record is { } id && known.TryGetValue(new(e.RecordKind ?? "", id), out var named) ? named : null, DetailText(e, t)))];
    }

    private static string ActorName(string actor, Dictionary<string, string> people, Dictionary<Guid, string> tokens, Texts t)
    {
        var colon = actor.IndexOf(':', StringComparison.Ordinal);
        var (kind, id) = colon < 0 ? (actor, "") : (actor[..colon], actor[(colon + 1)..]);
        return kind switch
        {
            "person" => people.GetValueOrDefault(id) ?? t["audit.actor.someone"],
            "token" => t.Of("audit.actor.token", Guid.TryParse(id, out var token) && tokens.TryGetValue(token, out var name) ? name : id.Length > 8 ? id[^8..] : id),
            "team" or "system" or "public" or "account" or "cli" or "demo" or "intake" => t["audit.actor." + kind],
            "job" when t.Has("audit.job." + id) => t["audit.job." + id],
            _ => actor,
        };
    }

    /// <summary>Field names, counts and reasons in one line; never content, since the log holds none.</summary>
    private static string DetailText(AuditEntry entry, Texts t)
    {
        var parts = new List<string>();
        try
        {
            using var json = JsonDocument.Parse(entry.Detail);
            foreach (var property in json.RootElement.EnumerateObject())
            {
                var value = property.Value.ValueKind switch
                {
                    JsonValueKind.Array => string.Join(t["keys.comma"], property.Value.EnumerateArray().Select(v => ValueText(property.Name, v.ToString(), t))),
                    JsonValueKind.Null => "",
                    JsonValueKind.True => t["audit.yes"],
                    JsonValueKind.False => t["audit.no"],
                    _ => ValueText(property.Name, property.Value.ToString(), t),
                };
                if (value.Length > 0)
                {
                    parts.Add(t.Of("audit.detail", t.Has("audit.detail_name." + property.Name) ? t["audit.detail_name." + property.Name] : property.Name, value));
                }
            }
        }
        catch (JsonException)
        {
            return entry.Detail;
        }

        return string.Join(t["audit.detail_and"], parts);
    }

    /// <summary>Roles, ways to sign in, columns, reasons of the rule and what was withheld have words; anything else stands as it is.</summary>
    private static string ValueText(string name, string value, Texts t) => name switch
    {
        "how" when t.Has("audit.how." + value) => t["audit.how." + value],
        "roles" or "added" or "removed" when t.Has("role." + value) => t["role." + value],
        "fields" when t.Has("audit.column." + value.ToLowerInvariant()) => t["audit.column." + value.ToLowerInvariant()],
        "withheld" when t.Has("audit.class." + value.ToLowerInvariant()) => t["audit.class." + value.ToLowerInvariant()],
        "why" when t.Has("audit.reason." + ReasonKey(value)) => t["audit.reason." + ReasonKey(value)],
        _ => value,
    };

    /// <summary><c>why.need-to-act</c> is need-to-act, <c>request.leak.name</c> is leak-name.</summary>
    private static string ReasonKey(string value) => value.Replace("why.", "", StringComparison.Ordinal).Replace("request.leak.", "leak-", StringComparison.Ordinal);

    private static async Task<IResult> CsvAsync([AsParameters] Filter filter, NodeDb db, IEnumerable<IRecordNames> names, Texts t, PageContext page, CancellationToken ct)
    {
        if (!MayRead(db.Viewer))
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        var (query, errors) = await AskAsync(filter with { After = null }, db, names.ToList(), t, page, ct);
        if (errors.Any)
        {
            return TypedResults.ValidationProblem(errors.All.GroupBy(e => e.Field, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Select(e => e.Message).ToArray(), StringComparer.Ordinal));
        }

        // carrying the log out of the house is itself an act
        db.Note(new AuditNote("audit.exported", db.Viewer.Team));
        await db.SaveChangesAsync(ct);
        return Results.Stream(async stream =>
        {
            using var buffer = new MemoryStream();
            using (var csv = new CsvWriter(buffer, byteOrderMark: true, leaveOpen: true))
            {
                csv.Row("seq", "at", "actor", "team", "action", "kind", "record", "version", "detail");
                await foreach (var e in query.OrderByDescending(a => a.Seq).Take(MostRows).AsAsyncEnumerable().WithCancellation(ct))
                {
                    csv.Row(e.Seq.ToString(CultureInfo.InvariantCulture), e.At.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture), e.Actor, e.Team?.ToString(), e.Action, e.RecordKind, e.Record?.ToString(), e.Version?.ToString(CultureInfo.InvariantCulture), e.Detail);
                    if (buffer.Length > 1 << 16)
                    {
                        await DrainAsync(buffer, stream, ct);
                    }
                }
            }

            await DrainAsync(buffer, stream, ct);
        }, "text/csv; charset=utf-8", "audit.csv");
    }

    private static async Task DrainAsync(MemoryStream buffer, Stream stream, CancellationToken ct)
    {
        await stream.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), ct);
        buffer.SetLength(0);
    }
}
