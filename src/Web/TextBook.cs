using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;

namespace Renkei.Web;

/// <summary>
/// Every sentence the pages show, in both languages, read once from the embedded files
/// <c>Texts/*.en.json</c> and <c>Texts/*.ja.json</c> of the given assemblies. Nested objects become dotted keys
/// (<c>shell.search</c>); a key ending in <c>.one</c> is the singular of the key before it.
/// </summary>
public sealed class TextBook
{
    /// <summary>The languages, the default first.</summary>
    public static readonly IReadOnlyList<string> Languages = ["ja", "en"];

    /// <summary>Ending of a key that holds the singular.</summary>
    internal const string Singular = ".one";

    /// <summary>More missing keys than this are not worth remembering.</summary>
    private const int MissingKept = 1000;

    private readonly Dictionary<string, Dictionary<string, string>> books =
        Languages.ToDictionary(lang => lang, _ => new Dictionary<string, string>(StringComparer.Ordinal), StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, byte> missing = new(StringComparer.Ordinal);

    /// <summary>Reads the texts of these assemblies. A key given twice, or a value that is no string, is a bug: it throws.</summary>
    public TextBook(IEnumerable<Assembly> assemblies)
    {
        foreach (var assembly in assemblies.Distinct())
        {
            foreach (var name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
            {
                foreach (var lang in Languages)
                {
                    if (!name.Contains(".Texts.", StringComparison.Ordinal) || !name.EndsWith($".{lang}.json", StringComparison.Ordinal))
                    {
                        continue;
                    }

                    using var stream = assembly.GetManifestResourceStream(name)!;
                    using var json = JsonDocument.Parse(stream);
                    Read(name, books[lang], "", json.RootElement);
                }
            }
        }
    }

    /// <summary>Keys that were asked for and are in no file, as <c>lang:key</c>.</summary>
    public IReadOnlyCollection<string> Missing => [.. missing.Keys.Order(StringComparer.Ordinal)];

    /// <summary>All keys of a language, without singular forms (which a language may lack).</summary>
    public IReadOnlySet<string> Keys(string lang) =>
        books[lang].Keys.Where(key => !key.EndsWith(Singular, StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);

    /// <summary>The text, or null without noting it as missing.</summary>
    public string? Find(string lang, string key) =>
        books.TryGetValue(lang, out var book) && book.TryGetValue(key, out var text) ? text : null;

    /// <summary>The text; where there is none, the key in <c>⟦ ⟧</c>, so that it is seen on the page and in <see cref="Missing"/>.</summary>
    public string Get(string lang, string key)
    {
        if (Find(lang, key) is { } text)
        {
            return text;
        }

        if (missing.Count < MissingKept)
        {
            missing.TryAdd($"{lang}:{key}", 0);
        }

        return $"⟦{key}⟧";
    }

    private static void Read(string file, Dictionary<string, string> book, string prefix, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in value.EnumerateObject())
            {
                Read(file, book, prefix.Length == 0 ? property.Name : $"{prefix}.{property.Name}", property.Value);
            }
        }
        else if (value.ValueKind != JsonValueKind.String || !book.TryAdd(prefix, value.GetString()!))
        {
            throw new InvalidOperationException($"{file}: {prefix} is given twice or is no string");
        }
    }
}
