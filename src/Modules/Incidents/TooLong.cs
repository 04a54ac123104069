using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>Refuses what is longer than its field takes, and names the field: cutting would lose what someone wrote.</summary>
internal static class TooLong
{
    /// <summary>The answer of REST, or null when all fit.</summary>
    public static ValidationProblem? Problem(params ReadOnlySpan<(string Field, string? Value, int Max)> fields)
    {
        var wrong = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var (field, value, max) in fields)
        {
            if (value?.Length > max)
            {
                wrong[field] = [$"At most {max} characters."];
            }
        }

        return wrong.Count == 0 ? null : TypedResults.ValidationProblem(wrong);
    }

    /// <summary>Adds to the errors of a form, with the label that each field has there.</summary>
    public static void Look(FormErrors errors, Texts t, params ReadOnlySpan<(string Field, string Label, string? Value, int Max)> fields)
    {
        foreach (var (field, label, value, max) in fields)
        {
            if (value?.Length > max)
            {
                errors.Add(field, t[label], t.Of("incident.fault.long", max));
            }
        }
    }
}
