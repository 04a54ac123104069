using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// GET /incidents/{id}/targets/{target}, POST there and at …/remove: its role and the address it was seen at, or its end. PATCH /api/v1/incidents/{id}/targets/{target} and
/// POST …/end for scripts. A removed target stays, dated.
/// </summary>
public static class ChangeTarget
{
    public sealed record Model(Incident Incident, IncidentTarget Target, int OpenRequests, FormErrors Errors, string Reason = "")
    {
        /// <summary>The address as it was typed, when the form comes back.</summary>
        public string? Typed { get; init; }
    }

    public const int MaxReason = 2000;

    /// <param name="Role">phishing, distribution, dropSite, c2, steppingStone, victim or other; stays when absent.</param>
    /// <param name="Address">IPv4 or IPv6 at which a name or URL was seen; empty takes it away, and it stays when absent.</param>
    public sealed record Patch(string? Role, string? Address);

    public sealed record Ending(string? Reason);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/targets/{target:guid}", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/targets/{target:guid}", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/targets/{target:guid}/remove", RemoveAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPatch("/api/v1/incidents/{id}/targets/{target}", ApiChangeAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("changeTarget").ProducesProblem(403).ProducesProblem(404).ProducesProblem(412);
        routes.MapPost("/api/v1/incidents/{id}/targets/{target}/end", ApiEndAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("incidents").WithName("endTarget").ProducesProblem(403).ProducesProblem(404).ProducesProblem(412);
    }

    private static async Task<IResult> GetAsync(IncidentId id, Guid target, NodeDb db, CancellationToken ct)
    {
        var (model, refusal) = await OpenAsync(db, id, target, ct);
        return model is null ? refusal! : Answers.Page<ChangeTargetPage>(model);
    }

    private static async Task<IResult> PostAsync(IncidentId id, Guid target, IFormCollection form, NodeDb db, Locator locator, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (model, refusal) = await OpenAsync(db, id, target, ct);
        if (model is null)
        {
            return refusal!;
        }

        if (!AddTargets.TryRole(form["role"], out var role))
        {
            return Answers.Page<ChangeTargetPage>(model with { Errors = new FormErrors().Add("role", t["incident.targets.role"], t["incident.fault.choose"]) }, StatusCodes.Status400BadRequest);
        }

        var typed = form.TryGetValue("address", out var given) ? given.ToString() : null;
        if (!AddTargets.TryAddress(typed, out var address))
        {
            return Answers.Page<ChangeTargetPage>(model with { Typed = IncidentAct.CleanLine(typed), Errors = new FormErrors().Add("address", t["incident.target.address"], t["incident.target.bad_address"]) }, StatusCodes.Status400BadRequest);
        }

        SetAddress(db, locator, model.Incident, model.Target, typed is null ? model.Target.Address : address, clock.GetUtcNow());
        await SetRoleAsync(db, model.Incident, model.Target, role, clock.GetUtcNow(), ct);
        return IncidentAct.Done(id, "target");
    }

    /// <summary>A name or URL was seen somewhere; an address, a hash or a number is what it is.</summary>
    public static bool HasAddress(IncidentTarget target) => target.Type is ObservableType.Url or ObservableType.Domain or ObservableType.Email;

    private static void SetAddress(NodeDb db, Locator locator, Incident incident, IncidentTarget target, string? address, DateTimeOffset now)
    {
        if (!HasAddress(target) || target.Address == address)
        {
            return;
        }

        var place = locator.Of(new Observable(target.Type, target.Value), address);
        (target.Address, target.Prefix, target.Asn, target.AsName, target.Country) = (address, place.Prefix, place.Asn, place.AsName, place.Country);
        Diary.Say(db, incident, EntryKind.State, now, address is null ? "diary.target_address_gone" : "diary.target_address", [Defanged(target), TextRefang.DefangText(address ?? "")]);
    }

    private static async Task SetRoleAsync(NodeDb db, Incident incident, IncidentTarget target, TargetRole role, DateTimeOffset now, CancellationToken ct)
    {
        if (target.Role != role)
        {
            target.Role = role;
            Diary.Say(db, incident, EntryKind.State, now, "diary.target_role_" + role.ToString().ToLowerInvariant(), [Defanged(target)]);
        }

        if (db.ChangeTracker.HasChanges())
        {
            await IncidentClock.SaveChangedAsync(db, incident, ct);
        }
    }

    private static async Task<IResult> RemoveAsync(IncidentId id, Guid target, IFormCollection form, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var (model, refusal) = await OpenAsync(db, id, target, ct);
        if (model is null)
        {
            return refusal!;
        }

        var reason = IncidentAct.CleanLine(form["reason"]);
        if (reason.Length > MaxReason)
        {
            return Answers.Page<ChangeTargetPage>(model with { Errors = new FormErrors().Add("reason", t["incident.reason"], t.Of("incident.fault.long", MaxReason)), Reason = reason }, StatusCodes.Status400BadRequest);
        }

        await EndAsync(db, model.Incident, model.Target, reason, clock.GetUtcNow(), ct);
        return IncidentAct.Done(id, "target_removed");
    }

    private static async Task EndAsync(NodeDb db, Incident incident, IncidentTarget target, string reason, DateTimeOffset now, CancellationToken ct)
    {
        target.RemovedAt = now;
        Diary.Say(db, incident, EntryKind.State, now, reason.Length == 0 ? "diary.target_removed" : "diary.target_removed_why", [Defanged(target), TextRefang.DefangText(reason)]);
        await IncidentClock.SaveChangedAsync(db, incident, ct);
    }

    private static async Task<Results<Ok<GetIncident.TargetOut>, ValidationProblem, ProblemHttpResult>> ApiChangeAsync(IncidentId id, Guid target, Patch input, HttpRequest http, NodeDb db, Locator locator, TimeProvider clock, CancellationToken ct)
    {
        var (incident, found, refusal) = await OpenForApiAsync(db, id, target, http, ct);
        if (found is null)
        {
            return refusal!;
        }

        var role = found.Role;
        if (!(input.Role is null && input.Address is not null) && !AddTargets.TryRole(input.Role, out role))
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["role"] = ["One of " + string.Join(", ", ApiQuery.Words<TargetRole>()) + "."] });
        }

        if (!AddTargets.TryAddress(input.Address, out var address) || (address is not null && !HasAddress(found)))
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["address"] = [HasAddress(found) ? "One IPv4 or IPv6 address, or empty." : "Only a URL, a domain or a mail address was seen at an address."] });
        }

        SetAddress(db, locator, incident!, found, input.Address is null ? found.Address : address, clock.GetUtcNow());
        await SetRoleAsync(db, incident!, found, role, clock.GetUtcNow(), ct);
        return TypedResults.Ok(GetIncident.ToTarget(found));
    }

    private static async Task<Results<Ok<GetIncident.TargetOut>, ValidationProblem, ProblemHttpResult>> ApiEndAsync(IncidentId id, Guid target, Ending? input, HttpRequest http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (incident, found, refusal) = await OpenForApiAsync(db, id, target, http, ct);
        if (found is null)
        {
            return refusal!;
        }

        var reason = IncidentAct.CleanLine(input?.Reason);
        if (reason.Length > MaxReason)
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["reason"] = [$"At most {MaxReason} characters."] });
        }

        await EndAsync(db, incident!, found, reason, clock.GetUtcNow(), ct);
        return TypedResults.Ok(GetIncident.ToTarget(found));
    }

    private static async Task<(Incident? Incident, IncidentTarget? Target, ProblemHttpResult? Refusal)> OpenForApiAsync(NodeDb db, IncidentId id, Guid target, HttpRequest http, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenForApiAsync(db, id, http, ct);
        var found = incident is null ? null : await FindAsync(db, id, target, ct);
        return (incident, found, refusal ?? (found is null ? TypedResults.Problem("The incident has no target of this id that stands.", statusCode: 404, title: "Not found") : null));
    }

    private static Task<IncidentTarget?> FindAsync(NodeDb db, IncidentId id, Guid target, CancellationToken ct) =>
        db.IncidentTargets.FirstOrDefaultAsync(x => x.Id == target && x.Incident == id && x.RemovedAt == null, ct);

    private static string Defanged(IncidentTarget target) => new Observable(target.Type, target.Value).Defang();

    private static async Task<(Model? Model, IResult? Refusal)> OpenAsync(NodeDb db, IncidentId id, Guid target, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return (null, refusal);
        }

        if (await FindAsync(db, id, target, ct) is not { } found)
        {
            return (null, Answers.NotFound());
        }

        var requests = await db.RequestTargets.Where(x => x.Target == target).Select(x => x.Request).ToArrayAsync(ct);
        var open = await db.Requests.CountAsync(r => requests.Contains(r.Id) && r.State != RequestState.Closed, ct);
        return (new(incident, found, open, FormErrors.None), null);
    }
}
