using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Formats.Mail;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>Before it leaves the house: exactly what leaves, who receives it and who does not; POST /requests/{id} changes the draft, …/withdraw ends it.</summary>
public static class PreviewRequest
{
    /// <summary>Drafts of one incident that are looked at together.</summary>
    public const int Together = 25;

    public const int MaxSubject = 300;

    public const int MaxBody = 100_000;

    /// <param name="Drafts">The drafts of the incident, this one first.</param>
    /// <param name="Again">Open requests that ask the same contact about one of these targets already.</param>
    public sealed record Model(Outgoing This, IReadOnlyList<Outgoing> Drafts, IReadOnlyDictionary<RequestId, int> TargetCounts, IReadOnlyList<ProposeRequests.Asked> Again, Person? Author, bool MaySend, FormErrors Errors)
    {
        /// <summary>What was written as the reason for another address, kept when the form comes back.</summary>
        public string MailWhy { get; init; } = "";
    }

    public sealed record ConflictModel(CoordinationRequest Stored, long MyVersion, string Who, IReadOnlyList<ConflictField> Fields);

    /// <summary>What would leave now, for scripts: send with this hash and date, and it is this that leaves.</summary>
    /// <param name="Warnings">Keys of what a person should look at before, such as <c>request.warning.bounced</c>.</param>
    public record Preview(bool MayLeave, IReadOnlyList<string> Why, string? From, string? To, string? Subject, string? Text, long Bytes, string? Sha256, DateTimeOffset Date, IReadOnlyList<string> Files, IReadOnlyList<string> Warnings);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/requests/{id}", EditAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/requests/{id}/withdraw", WithdrawAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapGet("/requests/{id}/files/{number:int}", FileAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapPost("/api/v1/requests/{id}/withdraw", ApiWithdrawAsync).NeedsScope(Scopes.RequestsWrite).WithTags("requests").WithName("withdrawRequest").ProducesProblem(403).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
        routes.MapGet("/api/v1/requests/{id}/preview", ApiAsync).NeedsScope(Scopes.RequestsRead).WithTags("requests").WithName("previewRequest");
    }

    public static async Task<Model> ModelAsync(NodeDb db, Dispatch dispatch, CoordinationRequest request, Incident incident, FormErrors errors, CancellationToken ct)
    {
        var date = dispatch.NowToTheSecond;
        var others = await db.Requests.Where(r => r.Incident == incident.Id && r.State == RequestState.Draft && r.Id != request.Id).OrderBy(r => r.Number).Take(Together - 1).ToListAsync(ct);
        var drafts = new List<Outgoing>();
        foreach (var draft in others.Prepend(request))
        {
            if (await dispatch.PrepareAsync(draft, date, ct) is { } outgoing)
            {
                drafts.Add(outgoing);
            }
        }

        var ids = drafts.Select(d => d.Request.Id).ToArray();
        var counts = await db.RequestTargets.Where(t => ids.Contains(t.Request)).GroupBy(t => t.Request).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, ct);
        var values = await db.RequestTargets.Where(t => t.Request == request.Id).Select(t => t.Value).ToListAsync(ct);
        var again = await (from t in db.RequestTargets
                           join r in db.Requests on t.Request equals r.Id
                           where values.Contains(t.Value) && r.Id != request.Id && r.RecipientMail == request.RecipientMail && r.State != RequestState.Closed && r.State != RequestState.Draft
                           select r).Distinct().Take(10).ToListAsync(ct);
        var author = request.Author is { } person ? await db.People.AsNoTracking().FirstOrDefaultAsync(p => p.Id == person, ct) : null;
        return new(drafts[0], drafts, counts, [.. again.Select(r => new ProposeRequests.Asked(r.Id, r.Number, r.Contact, r.RecipientName, r.SentAt ?? r.CreatedAt))], author, db.Viewer.Has(request.Marking.Origin, Right.SendRequests), errors);
    }

    private static async Task<IResult> EditAsync(RequestId id, [FromForm] IFormCollection form, NodeDb db, Dispatch dispatch, TimeProvider clock, PageContext page, Texts t, CancellationToken ct)
    {
        var (request, incident, refused) = await DraftAsync(db, id, ct);
        if (refused is not null)
        {
            return refused;
        }

        var edit = Edit.Read(form, request!, page.Zone);
        if (edit.Version != request!.Version)
        {
            return Conflict(request, edit, page, t);
        }

        var errors = new FormErrors();
        TooLong.Look(errors, t, ("subject", "request.field.subject", edit.Subject, MaxSubject), ("body", "request.field.body", edit.Body, MaxBody), ("why", "request.hand.why", edit.Why, DraftRequests.MaxWhy));
        if (edit.Subject.Length == 0)
        {
            errors.Add("subject", t["request.field.subject"], t["request.error.subject"]);
        }

        if (edit.Body.Length == 0)
        {
            errors.Add("body", t["request.field.body"], t["request.error.body"]);
        }

        if (!Mailbox.TryCreate(edit.Mail, null, out _, out _))
        {
            errors.Add("mail", t["request.field.to"], t["request.error.hand_mail"]);
        }

        if (edit.Due is not { } due || due <= clock.GetUtcNow() || due > clock.GetUtcNow().AddYears(1))
        {
            errors.Add("due", t["request.field.due"], t["request.error.due"]);
            due = request.DueAt;
        }

        // the rule judged the team behind the directory's contact: another address is another recipient, and a person says why they answer
        var elsewhere = !string.Equals(edit.Mail, request.RecipientMail, StringComparison.Ordinal);
        if (elsewhere && edit.Why.Length == 0)
        {
            errors.Add("why", t["request.hand.why"], t["request.error.mail_why"]);
        }

        var (oldDue, oldLanguage) = (request.DueAt, request.Language);
        (request.Subject, request.Body, request.RecipientMail, request.Language, request.DueAt, request.Iso2022Jp) = (edit.Subject, edit.Body, edit.Mail, edit.Language, due, edit.Iso2022Jp && edit.Language == "ja");
        if (errors.Any)
        {
            return Answers.Page<RequestPreviewPage>(await ModelAsync(db, dispatch, request, incident!, errors, ct) with { MailWhy = edit.Why }, StatusCodes.Status400BadRequest);
        }

        if (elsewhere)
        {
            (request.Contact, request.RecipientTeam, request.Why) = (null, null, Dispatch.WhyOf("request.why.by_hand", edit.Why));
        }

        if (oldLanguage != request.Language)
        {
            (request.Subject, request.Body) = await DraftRequests.WriteAsync(db, dispatch, request, incident!, await dispatch.TargetsAsync(id, incident!, ct), await dispatch.GroundsAsync(id, ct), await dispatch.ReporterAsync(incident!, request.Language, ct), ct);
        }
        else if (oldDue != due)
        {
            // the letter names the time: it follows the field
            var zone = dispatch.ZoneFor(request.Language);
            request.Body = request.Body.Replace(NoticeText.Time(oldDue, zone, request.Language), NoticeText.Time(due, zone, request.Language), StringComparison.Ordinal);
        }

        try
        {
            await IncidentClock.SaveAsync(db, incident!, ct);
        }
        catch (DbUpdateConcurrencyException)
        {
            db.ChangeTracker.Clear();
            return await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is { } stored ? Conflict(stored, edit, page, t) : Answers.NotFound();
        }

        return Answers.Seen("/requests/" + id);
    }

    private static async Task<IResult> WithdrawAsync(RequestId id, [FromForm] long version, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (request, incident, refused) = await DraftAsync(db, id, ct);
        if (refused is not null)
        {
            return refused;
        }

        if (version != request!.Version)
        {
            return Answers.Seen("/requests/" + id);
        }

        await DiscardAsync(db, request, incident!, clock.GetUtcNow(), ct);
        return Answers.Seen("/incidents/" + incident!.Id);
    }

    private static async Task DiscardAsync(NodeDb db, CoordinationRequest request, Incident incident, DateTimeOffset now, CancellationToken ct)
    {
        (request.State, request.Outcome, request.ClosedAt) = (RequestState.Closed, RequestOutcome.Withdrawn, now);
        db.RequestEvents.Add(new RequestEvent { Id = Guid.CreateVersion7(now), Request = request.Id, Team = request.Marking.Origin, State = RequestState.Closed, At = now, Author = db.Viewer.Person });
        Diary.Say(db, incident, EntryKind.Request, now, "request.diary.withdrawn", [request.Number, request.RecipientName], "/requests/" + request.Id);
        await IncidentClock.SaveAsync(db, incident, ct);
    }

    private static async Task<Results<Ok<ListRequests.Item>, ProblemHttpResult>> ApiWithdrawAsync(RequestId id, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (request, incident, refused) = await RequestApi.DraftAsync(db, id, http.Request, ct);
        if (request is null || incident is null)
        {
            return refused!;
        }

        await DiscardAsync(db, request, incident, clock.GetUtcNow(), ct);
        return RequestApi.Answer(request, http);
    }

    /// <summary>One file of the draft's message, numbered from 1 as in the preview.</summary>
    private static async Task<IResult> FileAsync(RequestId id, int number, NodeDb db, Dispatch dispatch, CancellationToken ct)
    {
        if (await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request)
        {
            return Answers.NotFound();
        }

        var message = (await dispatch.PrepareAsync(request, request.SentAt ?? dispatch.NowToTheSecond, ct))?.Message;
        return message is not null && number >= 1 && number <= message.Parts.Count
            ? TypedResults.Bytes(message.Parts[number - 1].Bytes, MediaTypeNames.Application.Octet, message.Parts[number - 1].Name) : Answers.NotFound();
    }

    private static async Task<Results<Ok<Preview>, ProblemHttpResult>> ApiAsync(RequestId id, NodeDb db, Dispatch dispatch, CancellationToken ct)
    {
        if (await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request || await dispatch.PrepareAsync(request, dispatch.NowToTheSecond, ct) is not { } outgoing)
        {
            return RequestApi.NotFound();
        }

        if (request.State != RequestState.Draft)
        {
            return TypedResults.Problem("It has left: GET the request shows what was sent.", statusCode: 409, title: "No draft");
        }

        return TypedResults.Ok(ToPreview(outgoing, dispatch.NowToTheSecond));
    }

    public static Preview ToPreview(Outgoing outgoing, DateTimeOffset now)
    {
        var m = outgoing.Message;
        return new(outgoing.MayLeave, SendRequest.Reasons(outgoing), m?.From.Address, m?.To.Address, m?.Subject, m?.Text, m?.Bytes.Length ?? 0, m?.Sha256, m?.Date ?? now, [.. (m?.Parts ?? []).Select(p => p.Name)], outgoing.Warnings);
    }

    /// <summary>The draft, or why it cannot be changed: not seen, another team's, sent already.</summary>
    internal static async Task<(CoordinationRequest? Request, Incident? Incident, IResult? Refused)> DraftAsync(NodeDb db, RequestId id, CancellationToken ct)
    {
        if (await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request || await db.Incidents.FirstOrDefaultAsync(i => i.Id == request.Incident, ct) is not { } incident)
        {
            return (null, null, Answers.NotFound());
        }

        if (!db.Viewer.Has(request.Marking.Origin, Right.SendRequests))
        {
            return (null, null, TypedResults.StatusCode(StatusCodes.Status403Forbidden));
        }

        // sent meanwhile, by a colleague: the page shows it
        return request.State == RequestState.Draft ? (request, incident, null) : (null, null, Answers.Seen("/requests/" + id));
    }

    private static IResult Conflict(CoordinationRequest stored, Edit mine, PageContext page, Texts t) =>
        Answers.Page<RequestConflictPage>(new ConflictModel(stored, mine.Version, t["request.conflict.colleague"],
        [
            new("subject", t["request.field.subject"], stored.Subject, mine.Subject),
            new("body", t["request.field.body"], stored.Body, mine.Body),
            new("mail", t["request.field.to"], stored.RecipientMail, mine.Mail),
            new("language", t["request.field.language"], t["request.language." + stored.Language], t["request.language." + mine.Language], mine.Language),
            new("due", t["request.field.due"], Local(stored.DueAt, page), mine.Due is { } due ? Local(due, page) : "", mine.Due is { } at ? Local(at, page) : ""),
            .. mine.Why.Length == 0 ? (ConflictField[])[] : [new("why", t["request.hand.why"], "", mine.Why)],
        ]), StatusCodes.Status409Conflict);

    private static string Local(DateTimeOffset at, PageContext page) => page.Local(at).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>What the form says, or the conflict page: there, theirs where theirs was taken.</summary>
    private sealed record Edit(long Version, string Subject, string Body, string Mail, string Why, string Language, DateTimeOffset? Due, bool Iso2022Jp)
    {
        public static Edit Read(IFormCollection form, CoordinationRequest stored, TimeZoneInfo zone)
        {
            var due = Taken(form, "due", null);
            return new(
                long.TryParse(form["version"], CultureInfo.InvariantCulture, out var version) ? version : 0,
                DraftRequests.Line(Taken(form, "subject", stored.Subject)),
                Text(Taken(form, "body", stored.Body)),
                DraftRequests.Line(Taken(form, "mail", stored.RecipientMail)),
                DraftRequests.Line(Taken(form, "why", "")),
                Taken(form, "language", stored.Language) == "en" ? "en" : "ja",
                due is null ? stored.DueAt : DueTimes.Read(due, zone),
                form.ContainsKey("charset") ? form["charset"] == "iso-2022-jp" : form.ContainsKey("mine.subject") && stored.Iso2022Jp);
        }

        private static string? Taken(IFormCollection form, string name, string? stored) =>
            form["take." + name] == "theirs" ? stored : form.TryGetValue("mine." + name, out var mine) ? mine.ToString() : form.TryGetValue(name, out var plain) ? plain.ToString() : stored;

        private static string Text(string? text) => InertText.Clean(text ?? "").Trim('\n');
    }
}
