using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET /incidents/{id}/targets/{target}, POST there and at …/remove: its role, or its end. A removed target stays, dated.</summary>
public static class ChangeTarget
{
    public sealed record Model(Incident Incident, IncidentTarget Target, int OpenRequests, FormErrors Errors);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/incidents/{id:guid}/targets/{target:guid}", GetAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/targets/{target:guid}", PostAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
        routes.MapPost("/incidents/{id:guid}/targets/{target:guid}/remove", RemoveAsync).Needs(Right.WorkIncidents).ExcludeFromDescription();
    }

    private static async Task<IResult> GetAsync(IncidentId id, Guid target, NodeDb db, CancellationToken ct)
    {
        var (model, refusal) = await OpenAsync(db, id, target, ct);
        return model is null ? refusal! : Answers.Page<ChangeTargetPage>(model);
    }

    private static async Task<IResult> PostAsync(IncidentId id, Guid target, IFormCollection form, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
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

        if (model.Target.Role != role)
        {
            model.Target.Role = role;
            Diary.Say(db, model.Incident, EntryKind.State, clock.GetUtcNow(), "diary.target_role_" + role.ToString().ToLowerInvariant(), [Defanged(model.Target)]);
            await db.SaveChangesAsync(ct);
        }

        return IncidentAct.Done(id, "target");
    }

    private static async Task<IResult> RemoveAsync(IncidentId id, Guid target, IFormCollection form, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        var (model, refusal) = await OpenAsync(db, id, target, ct);
        if (model is null)
        {
            return refusal!;
        }

        var now = clock.GetUtcNow();
        model.Target.RemovedAt = now;
        var reason = IncidentAct.CleanLine(form["reason"]);
        reason = reason.Length > 2000 ? reason[..2000] : reason;
        Diary.Say(db, model.Incident, EntryKind.State, now, reason.Length == 0 ? "diary.target_removed" : "diary.target_removed_why", [Defanged(model.Target), TextRefang.DefangText(reason)]);
        await db.SaveChangesAsync(ct);
        return IncidentAct.Done(id, "target_removed");
    }

    private static string Defanged(IncidentTarget target) => new Observable(target.Type, target.Value).Defang();

    private static async Task<(Model? Model, IResult? Refusal)> OpenAsync(NodeDb db, IncidentId id, Guid target, CancellationToken ct)
    {
        var (incident, refusal) = await IncidentAct.OpenAsync(db, id, ct);
        if (incident is null)
        {
            return (null, refusal);
        }

        var found = await db.IncidentTargets.FirstOrDefaultAsync(x => x.Id == target && x.Incident == id && x.RemovedAt == null, ct);
        if (found is null)
        {
            return (null, Answers.NotFound());
        }

        var requests = await db.RequestTargets.Where(x => x.Target == target).Select(x => x.Request).ToArrayAsync(ct);
        var open = await db.Requests.CountAsync(r => requests.Contains(r.Id) && r.State != RequestState.Closed, ct);
        return (new(incident, found, open, FormErrors.None), null);
    }
}
