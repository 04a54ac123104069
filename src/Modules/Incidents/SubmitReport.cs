using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>POST /api/v1/reports: anyone reports; a team's token with reports:write may do it more often and needs to name no team.</summary>
public static class SubmitReport
{
    /// <summary>Reports a minute with a token.</summary>
    public const int TokenRate = 60_000;

    /// <summary>What was accepted, durable when this is read. <paramref name="StatusUrl"/> is the reporter's secret.</summary>
    public sealed record Answer(ReportId Id, string TrackingNumber, string StatusUrl);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/api/v1/reports", HandleAsync).OpenToAll().WithTags("reports").WithName("submitReport")
            .Accepts<Body>("application/json", "*/*").Produces<Answer>(StatusCodes.Status202Accepted).ProducesValidationProblem()
            .ProducesProblem(401).ProducesProblem(403).ProducesProblem(408).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429).ProducesProblem(503)
            .WithSummary("Send an incident report").WithDescription("Idempotency-Key (at most 200 characters) makes a repeated call safe: the same key with the same body gets the same answer, with another body 422.");

    private static async Task<IResult> HandleAsync(HttpContext http, Intake intake, ReceivingTeams teams, AddressRates rates, LargeBodies bodies, IncidentsSettings settings, TextBook book, Viewer viewer, ActorName actor, TimeProvider clock)
    {
        var ct = http.RequestAborted;
        var scopes = http.Features.Get<TokenScopes>()?.Scopes;
        if (Refusal(http, scopes) is { } refusal)
        {
            return refusal;
        }

        var token = scopes is not null;
        var wait = token ? rates.Take("token " + actor.Value, TokenRate) : rates.Take("report", http.Connection.RemoteIpAddress, settings.ReportRate);
        if (wait is { } pause)
        {
            return TooMany(http, pause, "This address has sent as many reports as it may in a minute. Wait, or use a token with the scope reports:write.");
        }

        using var place = bodies.For(http);
        var limit = BodyLimit(settings);
        var full = false;
        ReadOnlyMemory<byte>? read;
        try
        {
            // many clients state no length for a small body: the place is taken once it turns out to be large
            read = await ReadBodyAsync(http.Request, limit, ct, token ? null : () => (full = !place.TryEnter()) ? null : place.Reading);
        }
        catch (Exception e) when (e is OperationCanceledException ? place.TookTooLong : e is BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout })
        {
            return TypedResults.Problem("The body did not come whole in time. Nothing was stored.", statusCode: 408, title: "Too slow");
        }

        if (full)
        {
            http.Response.Headers.RetryAfter = "10";
            return TypedResults.Problem("As many large reports are being received as the node takes at once. Nothing of this one was stored: send it again after Retry-After, or use a token with the scope reports:write.", statusCode: 503, title: "Busy");
        }

        if (read is not { } body)
        {
            return TypedResults.Problem($"The body is larger than {limit} bytes. Send fewer attachments, or in several reports.", statusCode: 413, title: "Too large");
        }

        var (json, fault) = ReportJson.Read(body);
        if (json is null)
        {
            return TypedResults.Problem(fault!.Detail, statusCode: 400, title: fault.Title);
        }

        if (json.Faults.Count > 0)
        {
            return Invalid(book, json.Faults);
        }

        var (team, unknown) = await TeamAsync(teams, json.Team, token ? viewer.Team : null, ct);
        if (team is not { } receiver)
        {
            return TypedResults.Problem(unknown, statusCode: 422, title: "Which team?");
        }

        var keys = http.Request.Headers["Idempotency-Key"];
        var result = await intake.TakeAsync(new IncomingReport
        {
            Team = receiver,
            Channel = Channel.Api,
            Kind = json.Type,
            Summary = json.Summary,
            Description = json.Description,
            ReporterName = json.Name,
            ReporterEmail = json.Email,
            ReporterOrganisation = json.Organization,
            ReporterCountry = json.Country,
            ReporterPhone = json.Phone,
            ReporterReference = json.Reference,
            OccurredText = json.OccurredAt,
            OccurredZone = json.Timezone,
            Clock = json.Clock,
            ClockError = json.ClockError,
            Sources = json.Sources,
            Targets = json.Targets,
            Observables = json.Observables,
            Attachments = json.Attachments,
            Disclosure = json.MayDisclose,
            Language = json.Language,
            Tlp = json.Tlp,
            Raw = body,
            IdempotencyKey = keys.Count == 0 ? null : keys.ToString(),
            ReceivedAt = clock.GetUtcNow(),
            Actor = token ? actor.Value ?? "token" : "public",
        }, ct);
        return ToAnswer(http, book, settings, result);
    }

    /// <summary>The outcome as scripts read it.</summary>
    private static IResult ToAnswer(HttpContext http, TextBook book, IncidentsSettings settings, IntakeResult result)
    {
        switch (result)
        {
            case IntakeResult.Accepted accepted:
                var url = StatusLinks.Url(settings, accepted.StatusKey);
                return TypedResults.Accepted(url, new Answer(accepted.Id, accepted.Number, url));
            case IntakeResult.Refused refused:
                return Invalid(book, refused.Faults);
            case IntakeResult.KeyReused:
                return TypedResults.Problem("This Idempotency-Key came with another body before. Use a new key for a new report.", statusCode: 422, title: "Key used before");
            case IntakeResult.Busy:
                http.Response.Headers.RetryAfter = "2";
                return TypedResults.Problem("More reports wait than this node can write. Nothing of this one was stored: send it again after Retry-After.", statusCode: 503, title: "Busy");
            default:
                http.Response.Headers.RetryAfter = "30";
                return TypedResults.Problem("The report was not stored: the node's disk is full or its database cannot be written. Send it again after Retry-After.", statusCode: 503, title: "Not stored");
        }
    }

    private static IResult? Refusal(HttpContext http, IReadOnlySet<string>? scopes)
    {
        if (scopes is not null && !scopes.Contains(Scopes.ReportsWrite))
        {
            return TypedResults.Problem($"The token lacks the scope {Scopes.ReportsWrite}. Without a token anyone may report.", statusCode: 403, title: "The token may not do this");
        }

        if (scopes is null && http.Request.Headers.Authorization.Count > 0)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
            return TypedResults.Problem("The token is unknown, expired or revoked. Without a token anyone may report.", statusCode: 401, title: "The token is not valid");
        }

        return http.Request.HasJsonContentType() ? null : TypedResults.Problem("Send Content-Type: application/json.", statusCode: 415, title: "Not JSON");
    }

    private static async Task<(TeamId? Team, string Unknown)> TeamAsync(ReceivingTeams teams, string? slug, TeamId? own, CancellationToken ct)
    {
        if (string.IsNullOrEmpty(slug) && own is not null)
        {
            return (own, "");
        }

        if (await teams.FindAsync(slug, ct) is { } team)
        {
            return (team.Id, "");
        }

        var known = string.Join(", ", (await teams.AllAsync(ct)).Select(t => t.Slug));
        return (null, string.IsNullOrEmpty(slug)
            ? known.Length == 0 ? "No team of this node takes reports." : $"Several teams of this node take reports: name one as team. Known: {known}."
            : $"No team of that name takes reports here. Known: {known}.");
    }

    internal static ProblemHttpResult TooMany(HttpContext http, TimeSpan wait, string detail)
    {
        http.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return TypedResults.Problem(detail, statusCode: 429, title: "Too many requests");
    }

    /// <summary>Attachments grow by a third in base64, and the text takes some room.</summary>
    internal static long BodyLimit(IncidentsSettings settings) => (settings.MaxReportBytes / 3 * 4L) + (1024 * 1024);

    /// <summary>The whole body, or null when it is larger than <paramref name="limit"/>, or when <paramref name="large"/>, asked once the body is more than small, says null and not how to read on.</summary>
    internal static async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpRequest request, long limit, CancellationToken ct, Func<CancellationToken?>? large = null)
    {
        if (request.ContentLength > limit)
        {
            await ReportForm.DiscardAsync(request.HttpContext, limit, ct);
            return null;
        }

        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } max)
        {
            max.MaxRequestBodySize = limit;
        }

        try
        {
            // grown as bytes come: a length that was only promised takes no memory
            var stream = new MemoryStream((int)Math.Min(request.ContentLength ?? 4096, 64 * 1024));
            var piece = new byte[64 * 1024];
            for (var asked = large is null; ;)
            {
                if (!asked && (request.ContentLength ?? stream.Length) > LargeBodies.Small)
                {
                    asked = true;
                    if (large!() is not { } on)
                    {
                        return null;
                    }

                    ct = on;
                }

                var read = await request.Body.ReadAsync(piece, ct);
                if (read == 0)
                {
                    return stream.GetBuffer().AsMemory(0, (int)stream.Length);
                }

                stream.Write(piece, 0, read);
            }
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return null;
        }
    }

    private static ValidationProblem Invalid(TextBook book, IReadOnlyList<FieldFault> faults)
    {
        var english = new Texts(book, "en");
        return TypedResults.ValidationProblem(faults.GroupBy(f => f.Field, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Select(f => english.Of("report_form.error." + f.Reason, f.Args)).ToArray(), StringComparer.Ordinal),
            title: "The report was not accepted", detail: "Correct the named fields and send it again; nothing was stored.");
    }

    /// <summary>The body's shape, for the API's document; the handler reads the raw bytes itself.</summary>
    public sealed record Body(string? Team, Person? Reporter, string Type, string Summary, string? Description, string? OccurredAt, string? Timezone, string? Clock, long? ClockErrorSeconds,
        IReadOnlyList<string>? Source, IReadOnlyList<string>? Target, IReadOnlyList<string>? Observables, IReadOnlyList<File>? Attachments, object? MayDiscloseReporter, string? Language, string? Tlp);

    public sealed record Person(string? Name, string? Email, string? Organization, string? Country, string? Phone, string? Reference);

    public sealed record File(string Name, string? MediaType, string ContentBase64);
}
