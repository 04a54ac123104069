using System.Net.Mime;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /requests/{id}: what leaves while it is a draft, what left and came back after. GET /api/v1/requests/{id} and its /events.</summary>
public static class ReadRequest
{
    /// <summary>What waits in the outbox for this request.</summary>
    public sealed record Waiting(int Attempts, string? LastError, DateTimeOffset NextAt, bool Stuck);

    public sealed record EventRow(RequestEvent Event, string? Author);

    /// <param name="Sent">The text of the bytes that left; null when their key was destroyed or they never left.</param>
    public sealed record Model(CoordinationRequest Request, Incident Incident, IReadOnlyList<NoticeTarget> Targets, IReadOnlyList<EventRow> Events, SentMessage? Sent, string? AuthorName, Waiting? Waits, bool MayAct, bool MayRemind,
        IReadOnlyList<ContactMatch> NextContacts, FormErrors Errors)
    {
        /// <summary>What was typed into a form that comes back with errors.</summary>
        public Typed Typed { get; init; } = new();
    }

    public sealed record Typed(string? What = null, string? Referral = null, string? Text = null, string? At = null, string? Outcome = null, string? Note = null);

    public sealed record TargetItem(Guid Id, string Type, string Value, TargetRole Role, string? Address, long? Asn, string? Country);

    public sealed record EventItem(Guid Id, RequestState State, RequestAnswer? Answer, DateTimeOffset At, string Text, string? MessageSha256);

    /// <summary>One request with its targets and what happened.</summary>
    public sealed record Detail : ListRequests.Item
    {
        public Detail(ListRequests.Item item) : base(item)
        {
        }

        public required string Subject { get; init; }

        public required string Body { get; init; }

        public required IReadOnlyList<TargetItem> Targets { get; init; }

        /// <summary>Ids of the incident's attachments that go along.</summary>
        public required IReadOnlyList<Guid> Grounds { get; init; }

        public required IReadOnlyList<EventItem> Events { get; init; }
    }

    public sealed record EventList(IReadOnlyList<EventItem> Items, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/requests/{id}", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/requests/{id}/message", SourceAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/requests/{id}", ApiAsync).NeedsScope(Scopes.RequestsRead).WithTags("requests").WithName("getRequest").ProducesProblem(404);
        routes.MapGet("/api/v1/requests/{id}/events", EventsAsync).NeedsScope(Scopes.RequestsRead).WithTags("requests").WithName("listRequestEvents").ProducesProblem(404);
    }

    public static async Task<Model> SentAsync(NodeDb db, BlobStore blobs, Dispatch dispatch, ContactFinder finder, CoordinationRequest request, Incident incident, TimeProvider clock, string language, FormErrors errors, CancellationToken ct)
    {
        var events = await db.RequestEvents.AsNoTracking().Where(e => e.Request == request.Id).OrderByDescending(e => e.At).ToListAsync(ct);
        var people = events.Select(e => e.Author).Append(request.Author).Distinct().ToArray();
        var names = await db.People.AsNoTracking().Where(p => people.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.NameIn(language), ct);
        var bytes = request.MessageSha256 is { } sha ? await blobs.ReadAsync(db, sha, ct) : null;
        var key = request.Id.Value;
        var waits = await db.Outbox.AsNoTracking().Where(o => o.Record == key && (o.State == OutboxState.Waiting || o.State == OutboxState.Stuck)).OrderByDescending(o => o.CreatedAt)
            .Select(o => new Waiting(o.Attempts, o.LastError, o.DueAt, o.State == OutboxState.Stuck)).FirstOrDefaultAsync(ct);
        var mayAct = db.Viewer.Has(request.Marking.Origin, Right.SendRequests);
        return new(request, incident, await dispatch.TargetsAsync(request.Id, incident, ct), [.. events.Select(e => new EventRow(e, e.Author is { } a ? names.GetValueOrDefault(a) : null))],
            bytes is null ? null : SentMessage.Read(bytes), request.Author is { } author ? names.GetValueOrDefault(author) : null, waits, mayAct, mayAct && RemindRequest.CanBeReminded(request),
            mayAct && NeedsAnother(request, clock.GetUtcNow()) ? await NextContactsAsync(db, finder, request, ct) : [], errors);
    }

    private static bool NeedsAnother(CoordinationRequest request, DateTimeOffset now) =>
        request.State == RequestState.Bounced || request is { State: RequestState.Answered, Answer: RequestAnswer.NotOurs } || (request.IsOpen && request.State != RequestState.Answered && request.DueAt < now);

    /// <summary>Who else answers for these targets: for a bounce, for silence and for "not ours".</summary>
    private static async Task<IReadOnlyList<ContactMatch>> NextContactsAsync(NodeDb db, ContactFinder finder, CoordinationRequest request, CancellationToken ct)
    {
        var ids = await db.RequestTargets.Where(t => t.Request == request.Id).Select(t => t.Target).Take(20).ToListAsync(ct);
        var found = new List<ContactMatch>();
        foreach (var target in await db.IncidentTargets.AsNoTracking().Where(t => ids.Contains(t.Id)).ToListAsync(ct))
        {
            found.AddRange((await ProposeRequests.MatchesAsync(finder, target, ct)).Where(m => m.Contact.Id != request.Contact && m.Contact.BouncedAt is null));
        }

        return [.. found.OrderBy(m => m.Rank).DistinctBy(m => m.Contact.Id).Take(5)];
    }

    private static async Task<IResult> PageAsync(RequestId id, NodeDb db, BlobStore blobs, Dispatch dispatch, ContactFinder finder, TimeProvider clock, Texts t, CancellationToken ct)
    {
        if (await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request || await db.Incidents.FirstOrDefaultAsync(i => i.Id == request.Incident, ct) is not { } incident)
        {
            return Answers.NotFound();
        }

        return request.State == RequestState.Draft
            ? Answers.Page<RequestPreviewPage>(await PreviewRequest.ModelAsync(db, dispatch, request, incident, FormErrors.None, ct))
            : Answers.Page<RequestPage>(await SentAsync(db, blobs, dispatch, finder, request, incident, clock, t.Lang, FormErrors.None, ct));
    }

    /// <summary>The bytes themselves, as a file: of a draft as they would leave now.</summary>
    private static async Task<IResult> SourceAsync(RequestId id, string? sha256, NodeDb db, BlobStore blobs, Dispatch dispatch, CancellationToken ct)
    {
        if (await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request)
        {
            return Answers.NotFound();
        }

        ReadOnlyMemory<byte>? bytes;
        if (request.State == RequestState.Draft)
        {
            bytes = (await dispatch.PrepareAsync(request, dispatch.NowToTheSecond, ct))?.Message?.Bytes;
        }
        else
        {
            // a reminder's bytes, when they are this request's; any other hash is answered as unknown
            var wanted = sha256 is null || sha256 == request.MessageSha256 ? request.MessageSha256 : await db.RequestEvents.Where(e => e.Request == id && e.MessageSha256 == sha256).Select(e => e.MessageSha256).FirstOrDefaultAsync(ct);
            bytes = wanted is null ? null : await blobs.ReadAsync(db, wanted, ct);
        }

        return bytes is { Length: > 0 } whole ? TypedResults.Bytes(whole, MediaTypeNames.Application.Octet, request.Number + ".eml") : Answers.NotFound();
    }

    private static async Task<Results<Ok<Detail>, ProblemHttpResult>> ApiAsync(RequestId id, NodeDb db, HttpContext http, CancellationToken ct)
    {
        if (await db.Requests.AsNoTracking().FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request)
        {
            return RequestApi.NotFound();
        }

        http.Response.Headers.ETag = EntityTag.Of(request.Version);
        return TypedResults.Ok(await DetailAsync(db, request, ct));
    }

    private static async Task<Results<Ok<EventList>, ProblemHttpResult>> EventsAsync(RequestId id, NodeDb db, CancellationToken ct) =>
        await db.Requests.AnyAsync(r => r.Id == id, ct) ? TypedResults.Ok(new EventList(await EventsOfAsync(db, id, ct), null)) : RequestApi.NotFound();

    private static async Task<List<EventItem>> EventsOfAsync(NodeDb db, RequestId id, CancellationToken ct) =>
        (await db.RequestEvents.AsNoTracking().Where(e => e.Request == id).OrderBy(e => e.At).ThenBy(e => e.Id).ToListAsync(ct)).ConvertAll(e => new EventItem(e.Id, e.State, e.Answer == RequestAnswer.None ? null : e.Answer, e.At, e.Text, e.MessageSha256));

    private static async Task<Detail> DetailAsync(NodeDb db, CoordinationRequest request, CancellationToken ct)
    {
        var asked = await db.RequestTargets.AsNoTracking().Where(x => x.Request == request.Id).OrderBy(x => x.Id).ToListAsync(ct);
        var ids = asked.Select(a => a.Target).ToArray();
        var targets = await db.IncidentTargets.AsNoTracking().Where(x => ids.Contains(x.Id)).ToDictionaryAsync(x => x.Id, ct);
        return new(ListRequests.ToItem(request))
        {
            Subject = request.Subject,
            Body = request.Body,
            Targets = [.. asked.Select(a => (a, of: targets.GetValueOrDefault(a.Target))).Select(p => new TargetItem(p.a.Target, p.a.Type.ToString().ToLowerInvariant(), p.a.Value, p.a.Role, p.a.Address ?? p.of?.Address, p.of?.Asn, p.of?.Country))],
            Grounds = await db.RequestGrounds.AsNoTracking().Where(g => g.Request == request.Id).Select(g => g.Attachment).OrderBy(a => a).ToListAsync(ct),
            Events = await EventsOfAsync(db, request.Id, ct),
        };
    }
}

/// <summary>Reads the text back out of bytes that <see cref="RequestMessage"/> made: nothing else, so no MIME reader is needed.</summary>
/// <param name="Text">The plain text of the message.</param>
/// <param name="Bytes">Size of the whole.</param>
/// <param name="Files">Names of the attachments.</param>
public sealed record SentMessage(string Text, long Bytes)
{
    public static SentMessage Read(byte[] message)
    {
        var text = Encoding.ASCII.GetString(message);
        var (headers, body) = Split(text);
        if (Header(headers, "Content-Type").StartsWith("multipart/", StringComparison.OrdinalIgnoreCase))
        {
            var boundary = "--" + Header(headers, "Content-Type").Split("boundary=\"", 2)[^1].Split('"')[0];
            var part = body.Split(boundary, 3) is { Length: > 1 } parts ? parts[1] : "";
            (headers, body) = Split(part.TrimStart('\r', '\n'));
        }

        var charset = Header(headers, "Content-Type").Contains("iso-2022-jp", StringComparison.OrdinalIgnoreCase) ? CodePagesEncodingProvider.Instance.GetEncoding("iso-2022-jp")! : Encoding.UTF8;
        var plain = Header(headers, "Content-Transfer-Encoding").ToLowerInvariant() switch
        {
            "base64" => charset.GetString(Convert.FromBase64String(body.Split("\r\n--", 2)[0].Trim())),
            "quoted-printable" => charset.GetString(Unquote(body)),
            _ => charset.GetString(Encoding.ASCII.GetBytes(body)),
        };
        return new(plain.ReplaceLineEndings("\n").TrimEnd('\n'), message.Length);
    }

    private static (string Headers, string Body) Split(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return end < 0 ? (text, "") : (text[..end].Replace("\r\n ", " ", StringComparison.Ordinal).Replace("\r\n\t", " ", StringComparison.Ordinal), text[(end + 4)..]);
    }

    private static string Header(string headers, string name) =>
        headers.Split("\r\n").FirstOrDefault(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)) is { } line ? line[(name.Length + 1)..].Trim() : "";

    private static byte[] Unquote(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '=')
            {
                bytes.Add((byte)text[i]);
            }
            else if (i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
            {
                bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 2;
            }
            else
            {
                // a soft line break
                i += i + 1 < text.Length && text[i + 1] == '\r' ? 2 : 0;
            }
        }

        return [.. bytes];
    }
}
