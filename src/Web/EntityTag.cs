using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Renkei.Web;

/// <summary>A record's version as a strong entity tag (RFC 9110 §8.8.3), and what <c>If-Match</c> asks of it (§13.1.1).</summary>
public static class EntityTag
{
    public static string Of(long version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    /// <summary>Null when the caller named no version or the stored one; else 412 with the version that stands.</summary>
    public static ProblemHttpResult? Outdated(HttpRequest request, long version)
    {
        var wanted = request.Headers.IfMatch.ToString().Trim();
        return wanted.Length == 0 || wanted == "*" || wanted.Split(',', StringSplitOptions.TrimEntries).Contains(Of(version), StringComparer.Ordinal) ? null : Outdated(version);
    }

    public static ProblemHttpResult Outdated(long version) =>
        TypedResults.Problem(string.Create(CultureInfo.InvariantCulture, $"It is at version {version} now: read it again, then decide."), statusCode: StatusCodes.Status412PreconditionFailed, title: "Changed since you read it",
            extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["version"] = version });
}
