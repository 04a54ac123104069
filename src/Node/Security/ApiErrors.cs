using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;

namespace Renkei.Node.Security;

/// <summary>
/// The one place where an error without words gets them: what the framework refuses before a handler runs (a body that is no JSON, a value
/// of the wrong type, no such route) is problem+json under /api, with the field and the reason. Elsewhere only the status is set, and
/// <see cref="FriendlyErrors"/> makes the page.
/// </summary>
public static partial class ApiErrors
{
    private const string WrongValue = "Wrong value";
    private const string Unread = "The value cannot be read as what belongs here.";

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
            if (http.Response.StatusCode == StatusCodes.Status400BadRequest && Unreadable(http) is { Count: > 0 } fields)
            {
                await TypedResults.ValidationProblem(fields, title: WrongValue).ExecuteAsync(http);
                return;
            }

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
            return TypedResults.ValidationProblem(One(JsonNamingPolicy.CamelCase.ConvertName(bound.Groups["name"].Value), Unread), title: WrongValue);
        }

        return TypedResults.ValidationProblem(One("body", "A JSON body is needed."), title: "No body", detail: "/openapi/v1.json says what it holds. Nothing was changed.");

        static Dictionary<string, string[]> One(string field, string reason) => new(StringComparer.Ordinal) { [field] = [reason] };
    }

    /// <summary>Query parameters that hold a value of the wrong type: generated bindings refuse an optional one without saying which it was.</summary>
    private static Dictionary<string, string[]> Unreadable(HttpContext http) =>
        (http.GetEndpoint()?.Metadata.GetOrderedMetadata<IParameterBindingMetadata>() ?? [])
            .Where(p => p.HasTryParse && http.Request.Query.TryGetValue(p.Name, out var given) && given.ToString() is { Length: > 0 } text && !Reads(p.ParameterInfo.ParameterType, text))
            .GroupBy(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name), StringComparer.Ordinal)
            .ToDictionary(g => g.Key, _ => new[] { Unread }, StringComparer.Ordinal);

    private static bool Reads(Type type, string text)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum
            ? Enum.TryParse(plain, text, ignoreCase: true, out _)
            : plain.GetMethod("TryParse", [typeof(string), typeof(IFormatProvider), plain.MakeByRefType()]) is not { } read || (bool)read.Invoke(null, [text, CultureInfo.InvariantCulture, null])!;
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
