using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Renkei.Incidents.Pages;
using Renkei.Kernel;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>GET and POST /report and /report/{team}: the form for anyone, without an account and without script.</summary>
public static class ReportForm
{
    /// <summary>What was written, kept when the form comes back. Files cannot be kept: a browser gives none back.</summary>
    public sealed record Fields
    {
        public string Kind { get; init; } = "request";

        public string Summary { get; init; } = "";

        public string Description { get; init; } = "";

        public string When { get; init; } = "";

        public string Zone { get; init; } = "";

        public string Clock { get; init; } = "unknown";

        public string ClockError { get; init; } = "";

        /// <summary>Where it came from, one a line.</summary>
        public string Source { get; init; } = "";

        /// <summary>What it hit, one a line.</summary>
        public string Target { get; init; } = "";

        public string Name { get; init; } = "";

        public string Organisation { get; init; } = "";

        public string Email { get; init; } = "";

        public string Phone { get; init; } = "";

        public string Country { get; init; } = "";

        public string Disclosure { get; init; } = "none";

        public string Tlp { get; init; } = "AMBER";

        /// <summary>phone or fax; only on the desk's form.</summary>
        public string Channel { get; init; } = "phone";

        public string Reference { get; init; } = "";

        /// <summary>Made with the form: sent twice, it is one report.</summary>
        public string Once { get; init; } = "";

        public static Fields Of(IFormCollection form) => new()
        {
            Kind = form["kind"].ToString(),
            Summary = form["summary"].ToString(),
            Description = form["description"].ToString(),
            When = form["when"].ToString(),
            Zone = form["zone"].ToString(),
            Clock = form["clock"].ToString(),
            ClockError = form["clock-error"].ToString(),
            Source = form["source"].ToString(),
            Target = form["target"].ToString(),
            Name = form["name"].ToString(),
            Organisation = form["organisation"].ToString(),
            Email = form["email"].ToString(),
            Phone = form["phone"].ToString(),
            Country = form["country"].ToString(),
            Disclosure = form["disclosure"].ToString(),
            Tlp = form["tlp"].ToString(),
            Channel = form["channel"].ToString(),
            Reference = form["reference"].ToString(),
            Once = form["once"].ToString(),
        };

        public static Fields New(string zone) => new() { Zone = zone, Once = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)) };
    }

    /// <param name="Problem">Key of a sentence about the whole, such as too many requests; null when all is well or single fields are at fault.</param>
    public sealed record Model(ReceivingTeam Team, string Action, Fields Fields, FormErrors Errors, string? Problem, int MaxMegabytes);

    public sealed record TeamsModel(IReadOnlyList<ReceivingTeam> Teams);

    /// <summary>Zones offered by name; the text field of the time takes any offset.</summary>
    public static readonly IReadOnlyList<(string Id, string TextKey)> Zones =
    [
        ("Asia/Tokyo", "report_form.zone.tokyo"), ("UTC", "report_form.zone.utc"), ("Asia/Seoul", "report_form.zone.seoul"), ("Asia/Shanghai", "report_form.zone.shanghai"), ("Asia/Singapore", "report_form.zone.singapore"),
        ("Asia/Kolkata", "report_form.zone.kolkata"), ("Europe/London", "report_form.zone.london"), ("Europe/Berlin", "report_form.zone.berlin"), ("America/New_York", "report_form.zone.new_york"),
        ("America/Los_Angeles", "report_form.zone.los_angeles"), ("Australia/Sydney", "report_form.zone.sydney"),
    ];

    /// <summary>API name of a field: id of its input.</summary>
    private static readonly Dictionary<string, string> Ids = new(StringComparer.Ordinal)
    {
        ["type"] = "kind",
        ["summary"] = "summary",
        ["description"] = "description",
        ["source"] = "source",
        ["target"] = "target",
        ["occurredAt"] = "when",
        ["timezone"] = "zone",
        ["clock"] = "clock",
        ["clockErrorSeconds"] = "clock-error",
        ["attachments"] = "files",
        ["reporter.name"] = "name",
        ["reporter.organization"] = "organisation",
        ["reporter.email"] = "email",
        ["reporter.phone"] = "phone",
        ["reporter.country"] = "country",
        ["reporter.reference"] = "reference",
        ["mayDiscloseReporter"] = "disclosure",
        ["tlp"] = "tlp-details",
        ["channel"] = "channel",
    };

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/report", (HttpContext http, ReceivingTeams teams, IncidentsSettings settings, PageContext page, CancellationToken ct) => ShowAsync(null, http, teams, settings, page, ct)).OpenToAll().ExcludeFromDescription();
        routes.MapGet("/report/{team}", ShowAsync).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/report", (HttpContext http, ReceivingTeams teams, Intake intake, AddressRates rates, LargeBodies bodies, IncidentsSettings settings, PageContext page, Texts t, IAntiforgery forgery, TimeProvider clock) => SendAsync(null, http, teams, intake, rates, bodies, settings, page, t, forgery, clock)).OpenToAll().ExcludeFromDescription();
        routes.MapPost("/report/{team}", SendAsync).OpenToAll().ExcludeFromDescription();
    }

    private static async Task<IResult> ShowAsync(string? team, HttpContext http, ReceivingTeams teams, IncidentsSettings settings, PageContext page, CancellationToken ct)
    {
        if (await teams.FindAsync(team, ct) is { } receiver)
        {
            page.TeamName = receiver.NameIn(page.Lang);
            return Answers.Page<ReportFormPage>(new Model(receiver, Action(team), Fields.New(settings.Zone), FormErrors.None, null, settings.MaxReportBytes / (1024 * 1024)));
        }

        if (team is not null)
        {
            return Answers.NotFound();
        }

        page.TeamName = page.NodeName;
        return Answers.Page<ReportTeamsPage>(new TeamsModel(await teams.AllAsync(ct)));
    }

    private static async Task<IResult> SendAsync(string? team, HttpContext http, ReceivingTeams teams, Intake intake, AddressRates rates, LargeBodies bodies, IncidentsSettings settings, PageContext page, Texts t, IAntiforgery forgery, TimeProvider clock)
    {
        var ct = http.RequestAborted;
        if (await teams.FindAsync(team, ct) is not { } receiver)
        {
            return Answers.NotFound();
        }

        page.TeamName = receiver.NameIn(page.Lang);
        IResult Back(Fields fields, FormErrors errors, string? problem, int status) =>
            Answers.Page<ReportFormPage>(new Model(receiver, Action(team), fields, errors, problem, settings.MaxReportBytes / (1024 * 1024)), status);
        IResult Unread(int status, TimeSpan wait)
        {
            http.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
            return Back(Fields.New(settings.Zone), FormErrors.None, "report_form.problem.unread", status);
        }

        // before anything is read: whoever has used up their minute makes the node hold nothing large
        var wait = rates.Take("report", http.Connection.RemoteIpAddress, settings.ReportRate);
        if (wait is { } pause && LargeBodies.IsLarge(http.Request))
        {
            return Unread(StatusCodes.Status429TooManyRequests, pause);
        }

        using var place = bodies.For(http);
        if (LargeBodies.IsLarge(http.Request) && !place.TryEnter())
        {
            return Unread(StatusCodes.Status503ServiceUnavailable, TimeSpan.FromSeconds(10));
        }

        ReportFormBody? body;
        try
        {
            body = await ReadAsync(http, settings, place.Reading);
        }
        catch (OperationCanceledException) when (place.TookTooLong)
        {
            return Unread(StatusCodes.Status408RequestTimeout, TimeSpan.FromSeconds(10));
        }

        if (body is null)
        {
            return Back(Fields.New(settings.Zone), FormErrors.None, "report_form.problem.too_large", StatusCodes.Status413PayloadTooLarge);
        }

        var fields = Fields.Of(body.Form);
        if (wait is { } left)
        {
            // small enough to be read, so that what was written is still there
            http.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(left.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
            return Back(fields, FormErrors.None, "report_form.problem.rate", StatusCodes.Status429TooManyRequests);
        }

        if (!await forgery.IsRequestValidAsync(http))
        {
            return Back(fields, FormErrors.None, "report_form.problem.stale", StatusCodes.Status400BadRequest);
        }

        if (NotUtf8(body) is { Count: > 0 } broken)
        {
            return Back(fields, Errors(t, broken), null, StatusCodes.Status400BadRequest);
        }

        var incoming = ToIncoming(fields, body.Files, receiver.Id, Channel.Web, page.Lang, clock.GetUtcNow());
        var result = await intake.TakeAsync(incoming, ct);
        if (result is IntakeResult.KeyReused)
        {
            // sent once, then changed with the browser's back button and sent again: that is another report
            result = await intake.TakeAsync(incoming with { IdempotencyKey = null }, ct);
        }

        switch (result)
        {
            case IntakeResult.Accepted accepted:
                return Answers.Seen(StatusLinks.Path(accepted.StatusKey) + "?received=1");
            case IntakeResult.Refused refused:
                return Back(fields, Errors(t, refused.Faults), null, StatusCodes.Status400BadRequest);
            default:
                http.Response.Headers.RetryAfter = "30";
                return Back(fields, FormErrors.None, "report_form.problem.not_stored", StatusCodes.Status503ServiceUnavailable);
        }
    }

    /// <summary>The form and its files, or null when it is larger than a report may be. It is the request's form from then on.</summary>
    internal static async Task<ReportFormBody?> ReadAsync(HttpContext http, IncidentsSettings settings, CancellationToken ct)
    {
        var limit = settings.MaxReportBytes + (1024L * 1024);
        if (!http.Request.HasFormContentType)
        {
            return new();
        }

        if (http.Request.ContentLength > limit)
        {
            await DiscardAsync(http, limit, ct);
            return null;
        }

        AllowBody(http, limit);
        try
        {
            var body = await ReportFormBody.ReadAsync(http.Request, limit, ct);
            http.Request.Form = body?.Form ?? FormCollection.Empty;
            return body;
        }
        catch (Exception e) when (e is InvalidDataException or BadHttpRequestException)
        {
            return null;
        }
    }

    /// <summary>What came in other bytes than UTF-8, named like every other fault.</summary>
    internal static IReadOnlyList<FieldFault> NotUtf8(ReportFormBody body) =>
        [.. body.NotUtf8.Select(name => new FieldFault(Ids.FirstOrDefault(i => i.Value == name || i.Key == name).Key ?? "summary", "not_utf8"))];

    /// <summary>
    /// Reads a refused body and forgets it, up to twice the limit: an answer before the end of the body makes most clients show a broken
    /// connection and not the answer that says what was wrong.
    /// </summary>
    internal static async Task DiscardAsync(HttpContext http, long limit, CancellationToken ct)
    {
        if (http.Request.ContentLength > 2 * limit)
        {
            return;
        }

        AllowBody(http, 2 * limit);
        await http.Request.Body.CopyToAsync(Stream.Null, ct);
    }

    /// <summary>Every other route stays with the server's small limit.</summary>
    private static void AllowBody(HttpContext http, long bytes)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } max)
        {
            max.MaxRequestBodySize = bytes;
        }
    }

    internal static IncomingReport ToIncoming(Fields fields, IReadOnlyList<IncomingAttachment> files, TeamId team, Channel channel, string language, DateTimeOffset now) => new()
    {
        Team = team,
        Channel = channel,
        Kind = fields.Kind,
        Summary = fields.Summary,
        Description = fields.Description,
        OccurredText = fields.When,
        OccurredZone = fields.Zone,
        Clock = fields.Clock,
        ClockError = fields.ClockError,
        Sources = StatedParties.Lines(fields.Source),
        Targets = StatedParties.Lines(fields.Target),
        ReporterName = fields.Name,
        ReporterOrganisation = fields.Organisation,
        ReporterEmail = fields.Email,
        ReporterPhone = fields.Phone,
        ReporterCountry = fields.Country,
        ReporterReference = fields.Reference,
        Disclosure = fields.Disclosure,
        Tlp = fields.Tlp,
        Language = language,
        Attachments = files,
        Raw = RawOf(fields, files, language),
        IdempotencyKey = fields.Once.Length is > 0 and <= Intake.MaxKey ? fields.Once : null,
        ReceivedAt = now,
    };

    internal static FormErrors Errors(Texts t, IReadOnlyList<FieldFault> faults)
    {
        var errors = new FormErrors();
        // the order of the inputs, which the reader goes through
        var order = Ids.Values.ToList();
        foreach (var (fault, id) in faults.Select(f => (f, Ids.GetValueOrDefault(f.Field.Split('[')[0], "summary"))).OrderBy(f => order.IndexOf(f.Item2)))
        {
            errors.Add(id, t["report_form.label." + id.Replace('-', '_')], t.Of("report_form.error." + fault.Reason, fault.Args));
        }

        return errors;
    }

    private static string Action(string? team) => team is null ? "/report" : "/report/" + Uri.EscapeDataString(team);

    /// <summary>The fields as they were sent, before anything was cleaned, and the files by name, size and hash; the files are objects of their own.</summary>
    private static byte[] RawOf(Fields f, IReadOnlyList<IncomingAttachment> files, string language)
    {
        var json = new JsonObject
        {
            ["kind"] = f.Kind,
            ["summary"] = f.Summary,
            ["description"] = f.Description,
            ["when"] = f.When,
            ["zone"] = f.Zone,
            ["clock"] = f.Clock,
            ["clockError"] = f.ClockError,
            ["source"] = f.Source,
            ["target"] = f.Target,
            ["name"] = f.Name,
            ["organisation"] = f.Organisation,
            ["email"] = f.Email,
            ["phone"] = f.Phone,
            ["country"] = f.Country,
            ["reference"] = f.Reference,
            ["disclosure"] = f.Disclosure,
            ["tlp"] = f.Tlp,
            ["channel"] = f.Channel,
            ["language"] = language,
            ["files"] = new JsonArray([.. files.Select(file => new JsonObject { ["name"] = file.Name, ["mediaType"] = file.MediaType, ["size"] = file.Bytes.Length, ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(file.Bytes.Span)) })]),
        };
        return System.Text.Encoding.UTF8.GetBytes(json.ToJsonString(new System.Text.Json.JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }
}
