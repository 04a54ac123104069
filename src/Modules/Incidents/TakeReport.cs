using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /reports/new: an analyst takes a report by phone or fax; it waits in triage like any other.</summary>
public static class TakeReport
{
    public sealed record Model(ReportForm.Fields Fields, FormErrors Errors, string? Problem, int MaxMegabytes);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/reports/new", (IncidentsSettings settings) => Page(ReportForm.Fields.New(settings.Zone), FormErrors.None, null, settings, StatusCodes.Status200OK)).Needs(Right.Triage).ExcludeFromDescription();
        routes.MapPost("/reports/new", HandleAsync).Needs(Right.Triage).ExcludeFromDescription();
    }

    private static async Task<IResult> HandleAsync(HttpContext http, Intake intake, IncidentsSettings settings, Viewer viewer, PageContext page, Texts t, IAntiforgery forgery, TimeProvider clock)
    {
        var ct = http.RequestAborted;
        if (await ReportForm.ReadAsync(http, settings, ct) is not { } body)
        {
            return Page(ReportForm.Fields.New(settings.Zone), FormErrors.None, "report_form.problem.too_large", settings, StatusCodes.Status413PayloadTooLarge);
        }

        var fields = ReportForm.Fields.Of(body.Form);
        if (!await forgery.IsRequestValidAsync(http))
        {
            return Page(fields, FormErrors.None, "report_form.problem.stale", settings, StatusCodes.Status400BadRequest);
        }

        if (ReportForm.NotUtf8(body) is { Count: > 0 } broken)
        {
            return Page(fields, ReportForm.Errors(t, broken), null, settings, StatusCodes.Status400BadRequest);
        }

        Channel? channel = fields.Channel switch { "phone" => Channel.Phone, "fax" => Channel.Fax, _ => null };
        if (channel is not { } by || viewer.Team is not { } team)
        {
            return Page(fields, ReportForm.Errors(t, [new("channel", "one_of", "phone, fax")]), null, settings, StatusCodes.Status400BadRequest);
        }

        var incoming = ReportForm.ToIncoming(fields, body.Files, team, by, page.Lang, clock.GetUtcNow()) with { TakenBy = viewer.Person, Actor = "person:" + viewer.Person };
        var result = await intake.TakeAsync(incoming, ct);
        if (result is IntakeResult.KeyReused)
        {
            result = await intake.TakeAsync(incoming with { IdempotencyKey = null }, ct);
        }

        switch (result)
        {
            case IntakeResult.Accepted accepted:
                return Answers.Seen($"/reports/{accepted.Id}?taken=1");
            case IntakeResult.Refused refused:
                return Page(fields, ReportForm.Errors(t, refused.Faults), null, settings, StatusCodes.Status400BadRequest);
            default:
                http.Response.Headers.RetryAfter = "30";
                return Page(fields, FormErrors.None, "report_form.problem.not_stored", settings, StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static IResult Page(ReportForm.Fields fields, FormErrors errors, string? problem, IncidentsSettings settings, int status) =>
        Answers.Page<TakeReportPage>(new Model(fields, errors, problem, settings.MaxReportBytes / (1024 * 1024)), status);
}
