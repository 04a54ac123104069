using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Formats.Mail;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>Whom a draft goes to, and why them.</summary>
public sealed record Addressee(ContactId? Contact, TeamId? Team, string Name, string Mail, string Language, ContactRole Role, AsksFor AsksFor, string Why)
{
    /// <summary>On another team's word alone.</summary>
    public bool Foreign { get; init; }

    /// <summary>From the directory, in the contact's own language.</summary>
    public static Addressee Of(ContactMatch match)
    {
        var (contact, team) = (match.Contact, match.Team);
        var language = contact.Language;
        var organisation = team.NameIn(language);
        // a desk's name is written once in the directory: in a letter in English a Japanese one says nothing
        var desk = string.Equals(contact.Name, organisation, StringComparison.Ordinal) || (language is not "ja" && !System.Text.Ascii.IsValid(contact.Name)) ? null : contact.Name;
        return new(contact.Id, contact.Team, desk is null ? organisation : organisation + (language is "ja" ? " " : ", ") + desk, contact.Mail, language, contact.Role, contact.AsksFor, WhyOf(match)) { Foreign = match.Foreign };
    }

    public static string WhyOf(ContactMatch match) => Dispatch.WhyOf("request.why." + match.Kind.ToString().ToLowerInvariant(), match.Value);
}

/// <summary>POST /incidents/{id}/requests and POST /api/v1/incidents/{id}/requests: one draft for each recipient, with many targets in it.</summary>
public static class DraftRequests
{
    public const int MaxTargets = 1000;

    public const int MaxName = 200;

    public const int MaxWhy = 500;

    /// <summary>
    /// What a script asks for. Without <paramref name="Targets"/> all that nobody was asked about; without <paramref name="Recipient"/> the most
    /// specific contact of each whose mail did not bounce.
    /// </summary>
    /// <param name="Purpose">takedown, investigate, notifyVictim, provideLogs or inform.</param>
    /// <param name="Grounds">Ids of the incident's attachments.</param>
    /// <param name="Send">Send them at once, where the rule lets them go and the contact is our own directory's or named here.</param>
    public sealed record Input(string? Purpose, IReadOnlyList<Guid>? Targets, IReadOnlyList<Guid>? Grounds, RecipientInput? Recipient, DateTimeOffset? DueAt, bool Send = false);

    /// <summary>A recipient that is not in the directory. <paramref name="Why"/> says why they answer for the targets.</summary>
    public sealed record RecipientInput(string? Name, string? Mail, string? Language, string? Role, string? Why);

    /// <summary><paramref name="WithoutContact"/>: targets that no contact answers for; add one to the directory or name a recipient.</summary>
    /// <param name="Held">Numbers of requests that stayed drafts though <c>send</c> was asked for: another team maintains the contact, so look at it, then send.</param>
    public sealed record Drafted(IReadOnlyList<ListRequests.Item> Items, IReadOnlyList<Guid> WithoutContact, IReadOnlyList<string> Refused, IReadOnlyList<string> Held);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/incidents/{id}/requests", FormAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/api/v1/incidents/{id}/requests", ApiAsync).NeedsScope(Scopes.RequestsWrite).WithTags("requests").WithName("draftRequests");
    }

    /// <summary>Writes the drafts of one incident in one transaction, marked as it is marked in that moment; null when it is closed or no longer to be known of.</summary>
    public static Task<List<CoordinationRequest>?> DraftAsync(
        NodeDb db, Dispatch dispatch, TimeProvider clock, IncidentId id, RequestPurpose purpose, IReadOnlyList<(Addressee To, IReadOnlyList<IncidentTarget> Targets)> letters, IReadOnlyList<IncidentAttachment> grounds, DateTimeOffset due, CancellationToken ct) =>
        db.InTransactionAsync(async () =>
        {
            if (await MarkIncident.HoldAsync(db, id, ct) is not { State: IncidentState.Open } incident)
            {
                return null;
            }

            var now = clock.GetUtcNow();
            var files = await dispatch.GroundsAsync(grounds, ct);
            var drafts = new List<CoordinationRequest>();
            foreach (var (to, targets) in letters)
            {
                var request = new CoordinationRequest
                {
                    Id = RequestId.New(clock),
                    Marking = incident.Marking,
                    Number = await Numbers.RequestAsync(db, incident.Marking.Origin, ct),
                    Incident = incident.Id,
                    Contact = to.Contact,
                    RecipientTeam = to.Team,
                    RecipientName = to.Name,
                    RecipientMail = to.Mail,
                    Language = to.Language,
                    RecipientRole = to.Role.ToString(),
                    AsksFor = to.AsksFor.ToString(),
                    Purpose = purpose,
                    Why = to.Why,
                    DueAt = due,
                    NoGrounds = files.Count == 0,
                    Author = db.Viewer.Person,
                };
                // ids in the order of the letter, so that xarf-1.json is about its line 1
                db.RequestTargets.AddRange(targets.OrderBy(t => t.AddedAt).Select((t, i) => new RequestTarget { Id = Guid.CreateVersion7(now.AddMilliseconds(i)), Request = request.Id, Target = t.Id, Type = t.Type, Value = t.Value, Role = t.Role, Address = t.Address }));
                db.RequestGrounds.AddRange(grounds.Select(g => new RequestGround { Request = request.Id, Attachment = g.Id }));
                var reporter = await dispatch.ReporterAsync(incident, to.Language, ct);
                var named = targets.OrderBy(t => t.AddedAt).Select(t => Dispatch.Named(t, incident)).ToList();
                (request.Subject, request.Body) = await WriteAsync(db, dispatch, request, incident, named, files, reporter, ct);
                db.Requests.Add(request);
                Diary.Say(db, incident, EntryKind.Request, now, "request.diary.drafted", [request.Number, request.RecipientName], "/requests/" + request.Id);
                drafts.Add(request);
            }

            await db.SaveChangesAsync(ct);
            await IncidentClock.RecomputeAsync(db, incident, ct);
            await db.SaveChangesAsync(ct);
            return drafts;
        }, ct);

    /// <summary>The words of a request from its template: at first, and again when a draft's language changes.</summary>
    public static async Task<(string Subject, string Body)> WriteAsync(NodeDb db, Dispatch dispatch, CoordinationRequest request, Incident incident, IReadOnlyList<NoticeTarget> targets, IReadOnlyList<NoticeGround> grounds, string? reporter, CancellationToken ct) =>
        NoticeText.Write(await FactsAsync(dispatch, request, incident, targets, grounds, reporter, ct));

    public static async Task<NoticeFacts> FactsAsync(Dispatch dispatch, CoordinationRequest request, Incident incident, IReadOnlyList<NoticeTarget> targets, IReadOnlyList<NoticeGround> grounds, string? reporter, CancellationToken ct)
    {
        var (team, _) = await dispatch.SenderAsync(incident.Marking.Origin, request.Language, ct);
        return new(request.Purpose, request.Language, request.RecipientName, request.RecipientRole, team, request.Number, dispatch.ReplyAddress(request.Id), incident.Category, incident.Type,
            incident.Marking.Tlp, request.DueAt, dispatch.ZoneFor(request.Language), incident.OccurredZone, reporter, targets, grounds, await dispatch.ContactAsync(incident.Marking.Origin, ct));
    }

    private static async Task<IResult> FormAsync(IncidentId id, [FromForm] IFormCollection form, NodeDb db, ContactFinder finder, Dispatch dispatch, TimeProvider clock, PageContext page, Texts t, CancellationToken ct)
    {
        if (await db.Incidents.FirstOrDefaultAsync(i => i.Id == id, ct) is not { } incident)
        {
            return Answers.NotFound();
        }

        if (!db.Viewer.Has(incident.Marking.Origin, Right.SendRequests))
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        if (incident.State != IncidentState.Open)
        {
            return ProposeRequests.Closed(incident.Id);
        }

        var model = await ProposeRequests.ContactsAsync(db, finder, incident, form, clock.GetUtcNow(), dispatch.Zone, ct);
        if (model.Rows.Any(r => !ProposeRequests.Fits(model.Purpose, r.Target.Role)))
        {
            return Answers.Page<Pages.ProposePage>(await ProposeRequests.UnfitAsync(db, incident, model, t, ct), StatusCodes.Status400BadRequest);
        }

        var errors = new FormErrors();
        var hand = ByHand(form, model, errors, t);
        var due = DueTimes.ReadAhead(form["due"], page.Zone, clock.GetUtcNow());
        if (due is null)
        {
            errors.Add("due", t["request.field.due"], t["request.error.due"]);
        }

        var letters = Group(model, hand);
        if (letters.Count == 0 && !errors.Any)
        {
            errors.Add("contacts", t["request.field.contact"], t["request.error.no_contact"]);
        }

        if (errors.Any)
        {
            return Answers.Page<Pages.ProposeContactsPage>(model with { Errors = errors }, StatusCodes.Status400BadRequest);
        }

        return await DraftAsync(db, dispatch, clock, id, model.Purpose, letters, model.Attachments.Where(a => model.Grounds.Contains(a.Id)).ToList(), due!.Value, ct) is { } drafts
            ? Answers.Seen("/requests/" + drafts[0].Id)
            // closed in this moment; or hidden, which the page it leads to says
            : ProposeRequests.Closed(id);
    }

    /// <summary>One letter for each recipient, in the order of the targets.</summary>
    private static List<(Addressee To, IReadOnlyList<IncidentTarget> Targets)> Group(ProposeRequests.ContactsModel model, Addressee? hand) =>
        [.. model.Rows.Select(r => (To: r.Chosen == ProposeRequests.ByHand ? hand : r.Matches.FirstOrDefault(m => m.Contact.Id.ToString() == r.Chosen) is { } match ? Addressee.Of(match) : null, r.Target))
            .Where(p => p.To is not null).GroupBy(p => p.To!.Contact?.ToString() ?? ProposeRequests.ByHand, StringComparer.Ordinal)
            .Select(g => (g.First().To!, (IReadOnlyList<IncidentTarget>)[.. g.Select(p => p.Target)]))];

    private static Addressee? ByHand(IFormCollection form, ProposeRequests.ContactsModel model, FormErrors errors, Texts t)
    {
        if (!model.Rows.Any(r => r.Chosen == ProposeRequests.ByHand))
        {
            return null;
        }

        var (name, mail, why) = (Line(form["hand_name"]), Line(form["hand_mail"]), Line(form["hand_why"]));
        TooLong.Look(errors, t, ("hand_name", "request.hand.name", name, MaxName), ("hand_why", "request.hand.why", why, MaxWhy));
        if (name.Length == 0)
        {
            errors.Add("hand_name", t["request.hand.name"], t["request.error.hand_name"]);
        }

        if (!Mailbox.TryCreate(mail, null, out _, out _))
        {
            errors.Add("hand_mail", t["request.hand.mail"], t["request.error.hand_mail"]);
        }

        if (why.Length == 0)
        {
            errors.Add("hand_why", t["request.hand.why"], t["request.error.hand_why"]);
        }

        var role = Enum.TryParse<ContactRole>(form["hand_role"], out var parsed) && Enum.IsDefined(parsed) ? parsed : ContactRole.Other;
        return new(null, null, name, mail, form["hand_language"] == "en" ? "en" : "ja", role, AsksFor.Text, Dispatch.WhyOf("request.why.by_hand", why));
    }

    /// <summary>One line of text from outside, inert.</summary>
    internal static string Line(string? text) => InertText.Clean(text ?? "").Replace('\n', ' ').Trim();

    private static async Task<Results<Created<Drafted>, ValidationProblem, ProblemHttpResult>> ApiAsync(IncidentId id, Input input, HttpRequest http, NodeDb db, ContactFinder finder, Dispatch dispatch, TimeProvider clock, CancellationToken ct)
    {
        if (await db.Incidents.FirstOrDefaultAsync(i => i.Id == id, ct) is not { } incident)
        {
            return IncidentAct.NotFoundForApi();
        }

        if (!db.Viewer.Has(incident.Marking.Origin, Right.SendRequests))
        {
            return TypedResults.Problem("This incident is another team's: only they send requests about it.", statusCode: 403, title: "Not your incident");
        }

        if (EntityTag.Outdated(http, incident.Version) is { } outdated)
        {
            return outdated;
        }

        if (incident.State != IncidentState.Open)
        {
            return Closed();
        }

        var wrong = new Dictionary<string, string[]>(StringComparer.Ordinal);
        // a word and not an enum, so that a wrong one is answered with its field and what is right
        if (!Enum.TryParse<RequestPurpose>(input.Purpose, ignoreCase: true, out var purpose) || !Enum.IsDefined(purpose))
        {
            wrong["purpose"] = ["One of takedown, investigate, notifyVictim, provideLogs, inform."];
        }

        if (input.Targets is { Count: > MaxTargets })
        {
            wrong["targets"] = [$"At most {MaxTargets}."];
        }

        var now = clock.GetUtcNow();
        if (input.DueAt is { } at && (at <= now || at > now.AddYears(1)))
        {
            wrong["dueAt"] = ["After now and within a year."];
        }

        var hand = input.Recipient is { } raw ? Recipient(raw, wrong) : null;
        var all = await ProposeRequests.TargetsAsync(db, incident, ct);
        var picked = input.Targets is { } ids ? all.Where(t => ids.Contains(t.Target.Id)).ToList() : all.Where(t => t.Pick && ProposeRequests.Fits(purpose, t.Target.Role)).ToList();
        if (wrong.Count == 0 && (picked.Count == 0 || (input.Targets is { } wanted && picked.Count != wanted.Distinct().Count())))
        {
            wrong["targets"] = [input.Targets is null ? "The incident has no target that nobody was asked about and that fits the purpose." : "Some are no targets of this incident."];
        }

        if (wrong.Count == 0 && picked.Exists(t => !ProposeRequests.Fits(purpose, t.Target.Role)))
        {
            wrong["targets"] = [purpose == RequestPurpose.Takedown ? "A victim's system is not to be taken down: use notifyVictim or investigate, or leave it out." : "notifyVictim is about systems that were hit, not about those of the attacker."];
        }

        var attachments = await db.IncidentAttachments.AsNoTracking().Where(a => a.Incident == incident.Id).ToListAsync(ct);
        var grounds = attachments.Where(a => input.Grounds?.Contains(a.Id) == true).ToList();
        if (grounds.Count != (input.Grounds?.Distinct().Count() ?? 0))
        {
            wrong["grounds"] = ["Some are no attachments of this incident."];
        }

        if (wrong.Count > 0)
        {
            return TypedResults.ValidationProblem(wrong);
        }

        var without = new List<Guid>();
        var letters = new List<(Addressee To, IncidentTarget Target)>();
        foreach (var target in picked.Select(p => p.Target))
        {
            var to = hand ?? (ProposeRequests.FirstToAsk(await ProposeRequests.MatchesAsync(finder, target, ct)) is { } match ? Addressee.Of(match) : null);
            if (to is null)
            {
                without.Add(target.Id);
            }
            else
            {
                letters.Add((to, target));
            }
        }

        var grouped = letters.GroupBy(l => l.To.Contact?.ToString() ?? ProposeRequests.ByHand, StringComparer.Ordinal).Select(g => (g.First().To, (IReadOnlyList<IncidentTarget>)[.. g.Select(p => p.Target)])).ToList();
        if (grouped.Count == 0)
        {
            return TypedResults.Problem("No contact answers for these targets. Add one to the directory or give a recipient {name, mail, why}.", statusCode: 409, title: "Nobody to ask", extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["withoutContact"] = without });
        }

        if (await DraftAsync(db, dispatch, clock, id, purpose, grouped, grounds, input.DueAt?.ToUniversalTime() ?? DueTimes.For(purpose, incident.Severity, now, dispatch.Zone), ct) is not { } drafts)
        {
            return await db.Incidents.AnyAsync(i => i.Id == id, ct) ? Closed() : IncidentAct.NotFoundForApi();
        }

        var refused = new List<string>();
        var held = new List<string>();
        foreach (var (draft, to) in input.Send ? drafts.Zip(grouped, (d, g) => (d, g.To)) : [])
        {
            // need to act is claimed by another team, perhaps about itself: a person looks before something leaves
            if (to.Foreign)
            {
                held.Add(draft.Number);
                continue;
            }

            var outgoing = await dispatch.PrepareAsync(draft, dispatch.NowToTheSecond, ct);
            if (outgoing?.Message is not { } message || await dispatch.ReleaseAsync(draft, message.Date, message.Sha256, ct) != SendFault.None)
            {
                refused.Add(draft.Number);
            }

            // a refusal is saved, too: the audit log tells it
            await IncidentClock.SaveAsync(db, outgoing?.Incident ?? incident, ct, outgoing?.Incident.Marking);
        }

        return TypedResults.Created($"/api/v1/requests/{drafts[0].Id}", new Drafted([.. drafts.Select(ListRequests.ToItem)], without, refused, held));
    }

    private static ProblemHttpResult Closed() => TypedResults.Problem("The incident is closed. Reopen it first: POST /api/v1/incidents/{id}/reopen.", statusCode: 409, title: "Not open");

    private static Addressee? Recipient(RecipientInput raw, Dictionary<string, string[]> wrong)
    {
        var (name, why) = (Line(raw.Name), Line(raw.Why));
        if (name.Length == 0)
        {
            wrong["recipient.name"] = ["The organisation's name."];
        }
        else if (name.Length > MaxName)
        {
            wrong["recipient.name"] = [$"At most {MaxName} characters."];
        }

        if (why.Length == 0)
        {
            wrong["recipient.why"] = ["Say why they answer for these targets."];
        }
        else if (why.Length > MaxWhy)
        {
            wrong["recipient.why"] = [$"At most {MaxWhy} characters."];
        }

        if (!Mailbox.TryCreate(raw.Mail ?? "", null, out _, out var fault))
        {
            wrong["recipient.mail"] = [fault.Message];
        }

        return new(null, null, name, raw.Mail ?? "", raw.Language is "ja" ? "ja" : "en", Enum.TryParse<ContactRole>(raw.Role, ignoreCase: true, out var role) && Enum.IsDefined(role) ? role : ContactRole.Other, AsksFor.Text, Dispatch.WhyOf("request.why.by_hand", why));
    }
}
