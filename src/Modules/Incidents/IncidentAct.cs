using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>How every act on an incident begins and ends.</summary>
public static class IncidentAct
{
    /// <summary>An incident that is another team's: it can be read, not changed.</summary>
    public sealed record ReadOnly(string Title, string Team, string BackHref);

    /// <summary>The incident to work on, or the refusal: 404 for what is not there or not to be known of, 403 in words for another team's.</summary>
    public static async Task<(Incident? Incident, IResult? Refusal)> OpenAsync(NodeDb db, IncidentId id, CancellationToken ct, Right right = Right.WorkIncidents)
    {
        var incident = await db.Incidents.FirstOrDefaultAsync(i => i.Id == id, ct);
        if (incident is null)
        {
            return (null, Answers.NotFound());
        }

        if (!db.Viewer.Has(incident.Marking.Origin, right))
        {
            var origin = incident.Marking.Origin;
            var team = await db.Teams.AsNoTracking().FirstOrDefaultAsync(t => t.Id == origin, ct);
            return (null, Answers.Page<ReadOnlyPage>(new ReadOnly(incident.Number, team?.Name ?? "", Href(id)), StatusCodes.Status403Forbidden));
        }

        return (incident, null);
    }

    /// <summary>As <see cref="OpenAsync"/> for scripts: the refusal is problem+json, and <c>If-Match</c> is compared where it is given (412).</summary>
    public static async Task<(Incident? Incident, ProblemHttpResult? Refusal)> OpenForApiAsync(NodeDb db, IncidentId id, HttpRequest request, CancellationToken ct)
    {
        if (await db.Incidents.FirstOrDefaultAsync(i => i.Id == id, ct) is not { } incident)
        {
            return (null, NotFoundForApi());
        }

        if (!db.Viewer.Has(incident.Marking.Origin, Right.WorkIncidents))
        {
            return (null, TypedResults.Problem("The incident is another team's: it can be read, not changed.", statusCode: 403, title: "Not yours to change"));
        }

        return EntityTag.Outdated(request, incident.Version) is { } outdated ? (null, outdated) : (incident, null);
    }

    public static ProblemHttpResult NotFoundForApi() => TypedResults.Problem("No incident of this id that the token may know of.", statusCode: 404, title: "Not found");

    /// <summary>Saves; false when someone else saved the same record in between. The context then holds nothing of the attempt.</summary>
    public static async Task<bool> TrySaveAsync(NodeDb db, CancellationToken ct)
    {
        try
        {
            await db.SaveChangesAsync(ct);
            return true;
        }
        catch (DbUpdateConcurrencyException)
        {
            db.ChangeTracker.Clear();
            return false;
        }
    }

    public static string Href(IncidentId id) => "/incidents/" + id;

    /// <summary>The page again, saying what was done.</summary>
    public static IResult Done(IncidentId id, string said) => Answers.Seen($"/incidents/{id}?said={said}");

    /// <summary>One line or text from a form: inert, without space around it.</summary>
    public static string Clean(string? text) => InertText.Clean(text ?? "").Trim();

    public static string CleanLine(string? text) => Clean(text).Replace('\n', ' ').Replace('\t', ' ');
}

/// <summary>What is wrong with one field, as a text key, so that a page says it in the reader's language and the API in English.</summary>
public sealed record IncidentFault(string Field, string TextKey, params object?[] Args)
{
    public static FormErrors ToErrors(IEnumerable<IncidentFault> faults, Texts t)
    {
        var errors = new FormErrors();
        foreach (var fault in faults)
        {
            errors.Add(fault.Field, t["incident.field." + fault.Field], t.Of(fault.TextKey, fault.Args));
        }

        return errors;
    }

    /// <summary>For a validation problem (RFC 9457): field, reasons in English.</summary>
    public static Dictionary<string, string[]> ToProblem(IEnumerable<IncidentFault> faults, TextBook book, Func<string, string> apiName)
    {
        var english = new Texts(book, "en");
        return faults.GroupBy(f => apiName(f.Field), StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Select(f => english.Of(f.TextKey, f.Args)).ToArray(), StringComparer.Ordinal);
    }
}
