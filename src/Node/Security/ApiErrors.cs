using System.Text.Json;
using System.Text.RegularExpressions;

namespace Renkei.Node.Security;

/// <summary>
/// The one place where an error without words gets them: what the framework refuses before a handler runs (a body that is no JSON, a value
/// of the wrong type, no such route) is problem+json under /api, with the field and the reason. Elsewhere only the status is set, and
/// <see cref="FriendlyErrors"/> makes the page.
/// </summary>
public static partial class ApiErrors
{
    public static IApplicationBuilder UseApiErrors(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        try
        {
            await next();
        }
        catch (BadHttpRequestException e) when (!http.Response.HasStarted)
        {
            http.Response.Clear();
            http.Response.StatusCode = e.StatusCode;
            if (IsApi(http) && e.StatusCode == StatusCodes.Status400BadRequest)
            {
                await Bad(e).ExecuteAsync(http);
            }
        }

        if (IsApi(http) && http.Response is { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null or 0 })
        {
            var (title, detail) = Words(http.Response.StatusCode, http);
            await Problems.WriteAsync(http, http.Response.StatusCode, title, detail);
        }
    });

    private static bool IsApi(HttpContext http) => http.Request.Path.StartsWithSegments("/api");

    /// <summary>What is wrong with which field, without names of types that only the code knows.</summary>
    private static IResult Bad(BadHttpRequestException e)
    {
        if (e.InnerException is JsonException json)
        {
            var place = $"line {(json.LineNumber ?? 0) + 1}, byte {json.BytePositionInLine ?? 0} of that line";
            var field = json.Path is { Length: > 1 } path ? path.TrimStart('$', '.') : "body";
            // the reader's own exception lies inside when it is no JSON at all; a converter's says that the value does not fit
            return json.InnerException is JsonException
                ? TypedResults.ValidationProblem(One(field, $"The body is not valid JSON at {place}."), title: "Not JSON", detail: "Send one JSON object as UTF-8. Nothing was changed.")
                : TypedResults.ValidationProblem(One(field, $"The value has the wrong type or is no word that is known here, at {place}."), title: "Wrong type", detail: "/openapi/v1.json says what each field takes. Nothing was changed.");
        }

        if (Parameter().Match(e.Message) is { Success: true } bound)
        {
            return TypedResults.ValidationProblem(One(JsonNamingPolicy.CamelCase.ConvertName(bound.Groups["name"].Value), "The value cannot be read as what belongs here."), title: "Wrong value");
        }

        return TypedResults.ValidationProblem(One("body", "A JSON body is needed."), title: "No body", detail: "/openapi/v1.json says what it holds. Nothing was changed.");

        static Dictionary<string, string[]> One(string field, string reason) => new(StringComparer.Ordinal) { [field] = [reason] };
    }

    private static (string Title, string? Detail) Words(int status, HttpContext http) => status switch
    {
        400 => ("Bad request", "The request cannot be read. /openapi/v1.json describes this route."),
        401 => ("A token is needed", "Send Authorization: Bearer TOKEN."),
        403 => ("Not allowed", "The token may not do this to this record."),
        404 => ("Not found", "There is no such route, or no record of this id that the token may know of."),
        405 => ("Method not allowed", $"{http.Request.Method} is not for this route; the Allow header says what is."),
        409 => ("Not in this state", "The state of the record does not allow it: read it again."),
        413 => ("Too large", "The body is larger than this route takes. Send it in parts."),
        415 => ("Not JSON", "Send the body with Content-Type: application/json."),
        _ => (status >= 500 ? "Failed" : "Refused", null),
    };

    /// <summary>How the framework names what it could not bind: <c>Failed to bind parameter "Nullable&lt;Guid&gt; Incident" from "x".</c></summary>
    [GeneratedRegex("^Failed to bind parameter \".* (?<name>[A-Za-z0-9_]+)\" from ", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Parameter();
}
