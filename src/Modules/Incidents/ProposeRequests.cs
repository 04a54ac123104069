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

/// <summary>GET and POST /incidents/{id}/requests/new: which targets, then whom to ask about each, with why.</summary>
public static class ProposeRequests
{
    /// <summary>Chosen for a target: the address typed below, or nobody.</summary>
    public const string ByHand = "hand";
    public const string Nobody = "";

    /// <summary>A request in which the target was asked about and that was not taken back: an open one of any incident, or one of this incident that has its answer.</summary>
    public sealed record Asked(RequestId Id, string Number, ContactId? Contact, string RecipientName, DateTimeOffset At)
    {
        public bool Open { get; init; } = true;

        /// <summary>Of this incident.</summary>
        public bool Here { get; init; } = true;
    }

    /// <param name="Pick">Nobody was asked about it in this incident, and it is of a kind that is.</param>
    public sealed record TargetRow(IncidentTarget Target, IReadOnlyList<Asked> AskedIn, bool Pick);

    public sealed record Model(Incident Incident, IReadOnlyList<TargetRow> Targets, IReadOnlyCollection<Guid> Picked, RequestPurpose Purpose, FormErrors Errors);

    /// <param name="Chosen">A contact's id, <see cref="ByHand"/> or <see cref="Nobody"/>.</param>
    public sealed record ContactRow(IncidentTarget Target, IReadOnlyList<ContactMatch> Matches, IReadOnlyList<Asked> AskedIn, string Chosen)
    {
        /// <summary>Asked at the chosen contact already, and open.</summary>
        public Asked? Again => AskedIn.FirstOrDefault(a => a.Open && a.Contact is { } c && c.ToString() == Chosen);
    }

    public sealed record ContactsModel(Incident Incident, RequestPurpose Purpose, IReadOnlyList<ContactRow> Rows, IReadOnlyList<IncidentAttachment> Attachments, IReadOnlySet<Guid> Grounds, DateTimeOffset DueAt, IFormCollection? Form, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id}/requests/new", PageAsync).Needs(Right.SendRequests).ExcludeFromDescription();
        routes.MapPost("/incidents/{id}/requests/new", ProposeAsync).Needs(Right.SendRequests).ExcludeFromDescription();
    }

    private static async Task<IResult> PageAsync(IncidentId id, NodeDb db, CancellationToken ct)
    {
        if (await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct) is not { } incident)
        {
            return Answers.NotFound();
        }

        if (!db.Viewer.Has(incident.Marking.Origin, Right.SendRequests))
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        if (incident.State != IncidentState.Open)
        {
            return Closed(id);
        }

        var targets = await TargetsAsync(db, incident, ct);
        return Answers.Page<ProposePage>(new Model(incident, targets, [.. targets.Where(t => t.Pick).Select(t => t.Target.Id)], PurposeOf(incident), FormErrors.None));
    }

    private static async Task<IResult> ProposeAsync(IncidentId id, [FromForm] IFormCollection form, NodeDb db, ContactFinder finder, Dispatch dispatch, TimeProvider clock, Texts t, CancellationToken ct)
    {
        if (await db.Incidents.AsNoTracking().FirstOrDefaultAsync(i => i.Id == id, ct) is not { } incident)
        {
            return Answers.NotFound();
        }

        if (!db.Viewer.Has(incident.Marking.Origin, Right.SendRequests))
        {
            return TypedResults.StatusCode(StatusCodes.Status403Forbidden);
        }

        if (incident.State != IncidentState.Open)
        {
            return Closed(id);
        }

        var model = await ContactsAsync(db, finder, incident, form, clock.GetUtcNow(), dispatch.Zone, ct);
        if (model.Rows.Count == 0)
        {
            var targets = await TargetsAsync(db, incident, ct);
            return Answers.Page<ProposePage>(new Model(incident, targets, [], model.Purpose, new FormErrors().Add("targets", t["request.field.targets"], t["request.error.no_target"])), StatusCodes.Status400BadRequest);
        }

        if (model.Rows.Any(r => !Fits(model.Purpose, r.Target.Role)))
        {
            return Answers.Page<ProposePage>(await UnfitAsync(db, incident, model, t, ct), StatusCodes.Status400BadRequest);
        }

        return Answers.Page<ProposeContactsPage>(model);
    }

    /// <summary>The first step again: some of what was ticked is nothing to ask this about.</summary>
    internal static async Task<Model> UnfitAsync(NodeDb db, Incident incident, ContactsModel model, Texts t, CancellationToken ct) =>
        new(incident, await TargetsAsync(db, incident, ct), [.. model.Rows.Select(r => r.Target.Id)], model.Purpose, new FormErrors().Add("targets", t["request.field.targets"], t[model.Purpose == RequestPurpose.Takedown ? "request.error.victim" : "request.error.attacker"]));

    /// <summary>The incident's targets, and the requests in which each was asked about, of this incident or another that the viewer may know of.</summary>
    public static async Task<IReadOnlyList<TargetRow>> TargetsAsync(NodeDb db, Incident about, CancellationToken ct)
    {
        var incident = about.Id;
        var targets = await db.IncidentTargets.AsNoTracking().Where(t => t.Incident == incident && t.RemovedAt == null).OrderBy(t => t.AddedAt).Take(DraftRequests.MaxTargets).ToListAsync(ct);
        var values = targets.Select(t => t.Value).Distinct(StringComparer.Ordinal).ToArray();
        var asked = await (from t in db.RequestTargets
                           join r in db.Requests on t.Request equals r.Id
                           where values.Contains(t.Value) && (r.State != RequestState.Closed || (r.Incident == incident && r.Outcome != RequestOutcome.Withdrawn))
                           select new { t.Type, t.Value, r.Id, r.Number, r.Contact, r.RecipientName, At = r.SentAt ?? r.CreatedAt, Open = r.State != RequestState.Closed, Here = r.Incident == incident }).ToListAsync(ct);
        var byValue = asked.ToLookup(a => $"{a.Type}:{a.Value}", a => new Asked(a.Id, a.Number, a.Contact, a.RecipientName, a.At) { Open = a.Open, Here = a.Here }, StringComparer.Ordinal);
        return [.. targets.Select(t => (Target: t, Asked: byValue[$"{t.Type}:{t.Value}"].OrderByDescending(a => a.At).ToList())).Select(t => new TargetRow(t.Target, t.Asked, !t.Asked.Exists(a => a.Here) && IsToBeAsked(about, t.Target.Type, t.Target.Role)))];
    }

    /// <summary>The second step, from what was ticked, and from what was chosen when the form comes back.</summary>
    public static async Task<ContactsModel> ContactsAsync(NodeDb db, ContactFinder finder, Incident incident, IFormCollection form, DateTimeOffset now, TimeZoneInfo zone, CancellationToken ct)
    {
        var picked = form["target"].Select(v => Guid.TryParse(v, out var id) ? id : Guid.Empty).ToHashSet();
        var purpose = Enum.TryParse<RequestPurpose>(form["purpose"], ignoreCase: true, out var parsed) && Enum.IsDefined(parsed) ? parsed : PurposeOf(incident);
        var rows = new List<ContactRow>();
        foreach (var (target, asked, _) in (await TargetsAsync(db, incident, ct)).Where(t => picked.Contains(t.Target.Id)))
        {
            var matches = await MatchesAsync(finder, target, ct);
            var chosen = form.TryGetValue("contact." + target.Id.ToString("N"), out var given) ? given.ToString()
                : FirstToAsk(matches)?.Contact.Id.ToString() ?? Nobody;
            rows.Add(new(target, matches, asked, chosen));
        }

        var attachments = await db.IncidentAttachments.AsNoTracking().Where(a => a.Incident == incident.Id).OrderBy(a => a.AddedAt).ToListAsync(ct);
        var again = form.ContainsKey("step");
        var grounds = again ? form["ground"].Select(v => Guid.TryParse(v, out var id) ? id : Guid.Empty).ToHashSet() : [.. attachments.Where(a => a.What != AttachmentKind.Other).Select(a => a.Id)];
        return new(incident, purpose, rows, attachments, grounds, DueTimes.For(purpose, incident.Severity, now, zone), again ? form : null, FormErrors.None);
    }

    /// <summary>Contacts that answer for a target, most specific first.</summary>
    public static Task<IReadOnlyList<ContactMatch>> MatchesAsync(ContactFinder finder, IncidentTarget target, CancellationToken ct) =>
        finder.FindAsync(Locator.Whereabouts(new Observable(target.Type, target.Value), target.Address, new Location(target.Prefix, target.Asn, target.AsName, target.Country, target.Tld)), ct);

    /// <summary>The most specific one whose mail did not bounce; where all bounced, the most specific.</summary>
    public static ContactMatch? FirstToAsk(IReadOnlyList<ContactMatch> matches) => matches.FirstOrDefault(m => m.Contact.BouncedAt is null) ?? (matches.Count > 0 ? matches[0] : null);

    /// <summary>Nobody is asked about a closed incident: back to its page, which says so and offers to reopen it.</summary>
    public static IResult Closed(IncidentId id) => IncidentAct.Done(id, "not_open");

    /// <summary>Whether this can be asked about a target of that part: nobody takes a victim down, and nobody warns an attacker.</summary>
    public static bool Fits(RequestPurpose purpose, TargetRole role) => purpose switch
    {
        RequestPurpose.Takedown => role != TargetRole.Victim,
        RequestPurpose.NotifyVictim => role is not (TargetRole.Phishing or TargetRole.Distribution or TargetRole.DropSite or TargetRole.C2),
        _ => true,
    };

    /// <summary>Whether somebody is mostly asked about it in an incident of this class: until then it is our turn.</summary>
    public static bool IsToBeAsked(Incident incident, ObservableType type, TargetRole role) =>
        // a hash or a CVE lies nowhere: nobody answers for it
        type is not (ObservableType.Md5 or ObservableType.Sha1 or ObservableType.Sha256 or ObservableType.Cve) && Fits(PurposeOf(incident), role);

    /// <summary>A request in which a target counts as asked about: any of the incident's that was not taken back.</summary>
    public static bool Counts(CoordinationRequest request) => request.State != RequestState.Closed || request.Outcome != RequestOutcome.Withdrawn;

    /// <summary>What is mostly asked for in an incident of this class.</summary>
    private static RequestPurpose PurposeOf(Incident incident) => (incident.Category, incident.Type) switch
    {
        ("fraud", "phishing" or "masquerade") or ("malicious-code", "malware-distribution" or "c2-server" or "malware-configuration") => RequestPurpose.Takedown,
        ("vulnerable", _) => RequestPurpose.NotifyVictim,
        _ => RequestPurpose.Investigate,
    };
}
