using System.Text.Json;

namespace Renkei.Web;

/// <summary>What the lists of the API share: how many, from where, and words of a filter that are known. What is wrong is a validation problem by field.</summary>
public static class ApiQuery
{
    /// <summary>Items of a page where nothing is said, and at most.</summary>
    public const int UsualLimit = 50;

    public const int MaxLimit = 200;

    public static Dictionary<string, string[]> BadCursor => new(StringComparer.Ordinal) { ["after"] = ["No cursor that this node gave: take it from next."] };

    /// <summary>Null when all is well.</summary>
    public static Dictionary<string, string[]>? Limit(int? said, out int take)
    {
        take = said ?? UsualLimit;
        return take is >= 1 and <= MaxLimit ? null : new(StringComparer.Ordinal) { ["limit"] = [$"1 to {MaxLimit}."] };
    }

    /// <summary>Adds to <paramref name="wrong"/> when the filter says a word that is none of these; nothing said is no filter.</summary>
    public static void OneOf(Dictionary<string, string[]> wrong, string field, string? said, params ReadOnlySpan<string> words)
    {
        if (string.IsNullOrEmpty(said))
        {
            return;
        }

        foreach (var word in words)
        {
            if (string.Equals(word, said, StringComparison.OrdinalIgnoreCase))
            {
                return;
            }
        }

        wrong[field] = ["One of " + string.Join(", ", words.ToArray()) + "."];
    }

    /// <summary>As the other one, with the words of an enum.</summary>
    public static void OneOf<T>(Dictionary<string, string[]> wrong, string field, string? said) where T : struct, Enum => OneOf(wrong, field, said, Words<T>());

    /// <summary>An enum's values as JSON spells them.</summary>
    public static string[] Words<T>() where T : struct, Enum => [.. Enum.GetNames<T>().Select(JsonNamingPolicy.CamelCase.ConvertName)];
}
