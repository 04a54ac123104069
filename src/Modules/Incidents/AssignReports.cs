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

/// <summary>GET and POST /triage/assign, POST /api/v1/reports/{id}/assign: who sees to it. <c>person</c> is an id, on the page also <c>me</c>, or empty for nobody.</summary>
public static class AssignReports
{
    public sealed record Model(IReadOnlyList<Report> Reports, IReadOnlyList<Person> People, PersonId? Me, string? Error, string Back);

    public sealed record Input(string? Person);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/triage/assign", async (HttpRequest request, NodeDb db, CancellationToken ct) =>
        {
            var reports = await TriageDesk.PickedAsync(db, TriageDesk.Picks(request.Query["pick"]), ct);
            return reports.Count == 0 ? Answers.Seen("/triage") : Answers.Page<AssignReportsPage>(new Model(reports, await PeopleAsync(db, ct), db.Viewer.Person, null, TriageDesk.Back(request.Query["back"])));
        }).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/triage/assign", HandleAsync).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/api/v1/reports/{id}/assign", ApiAsync).NeedsScope(Scopes.IncidentsWrite).WithTags("reports").WithName("assignReport").ProducesProblem(403).ProducesProblem(404).ProducesProblem(412);
    }

    /// <summary>Those of the viewer's team whose role does triage.</summary>
    private static async Task<IReadOnlyList<Person>> PeopleAsync(NodeDb db, CancellationToken ct)
    {
        var team = db.Viewer.Team ?? default;
        var roles = Enum.GetValues<Role>().Where(r => Rights.Of(r).Contains(Right.Triage)).ToArray();
        var members = db.Memberships.Where(m => m.Team == team && roles.Contains(m.Role)).Select(m => m.Person);
        return await db.People.AsNoTracking().Where(p => members.Contains(p.Id)).OrderBy(p => p.Name).Take(500).ToListAsync(ct);
    }

    private static async Task<IResult> HandleAsync(IFormCollection form, HttpContext http, NodeDb db, TimeProvider clock, Texts t, CancellationToken ct)
    {
        var picks = TriageDesk.Picks(form["pick"]);
        var back = TriageDesk.Back(form["back"]);
        var chosen = form["person"].ToString();
        var people = await PeopleAsync(db, ct);
        var person = chosen == "me" ? db.Viewer.Person : PersonId.TryParse(chosen, null, out var id) ? id : (PersonId?)null;
        if (chosen.Length > 0 && !people.Any(p => p.Id == person))
        {
            return Answers.Page<AssignReportsPage>(new Model(await TriageDesk.PickedAsync(db, picks, ct), people, db.Viewer.Person, t["triage.assign.missing"], back), 400);
        }

        var outcomes = await AssignAsync(db, clock, picks, person, ct);
        return TriageDesk.Answer(http, outcomes, person is null ? "triage.did.unassigned" : "triage.did.assigned", back);
    }

    private static Task<IReadOnlyList<TriageOutcome>> AssignAsync(NodeDb db, TimeProvider clock, IReadOnlyList<ReportId> picks, PersonId? person, CancellationToken ct) =>
        TriageDesk.EachAsync(db, clock, TriageDid.Assigned, picks, step =>
        {
            step.Already = step.Report.Assignee == person;
            step.Report.Assignee = person;
            return Task.FromResult<Refusal?>(null);
        }, ct);

    private static async Task<Results<Ok<ListReports.Item>, ValidationProblem, ProblemHttpResult>> ApiAsync(ReportId id, Input input, HttpContext http, NodeDb db, TimeProvider clock, CancellationToken ct)
    {
        if (await TriageApi.PreconditionAsync(db, id, http.Request, ct) is { } stopped)
        {
            return stopped;
        }

        var person = PersonId.TryParse(input.Person, null, out var given) ? given : (PersonId?)null;
        if (input.Person is { Length: > 0 } && !(await PeopleAsync(db, ct)).Any(p => p.Id == person))
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["person"] = ["The id of somebody of the token's team who does triage, or null for nobody."] });
        }

        return await TriageApi.AnswerAsync(db, (await AssignAsync(db, clock, [id], person, ct))[0], http, clock, ct);
    }
}
