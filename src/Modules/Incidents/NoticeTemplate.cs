using System.Collections.Frozen;
using System.Reflection;
using System.Text;

namespace Renkei.Incidents;

/// <summary>What is wrong with a template file, and on which line (from 1).</summary>
public sealed record TemplateFault(int Line, string Message);

/// <summary>For whom a notice is worded: RSIT category and type of the incident, the recipient's role in lower case (<c>abusedesk</c>).</summary>
public sealed record Wording(string Category, string Type, string Role);

/// <summary>
/// Text in sections: <c>== name@category/type#role</c>, then its lines. A section fills the place <c>{name}</c> of another; of several
/// with one name the most specific one is taken. Lines that begin with # before the first section are comments. A place that is neither a section nor
/// one of the node's own <see cref="Places"/> is a fault, so that no notice leaves with a hole in it.
/// </summary>
public sealed class NoticeTemplate
{
    private const int MaxDepth = 6;

    /// <summary>What the node fills in.</summary>
    public static FrozenSet<string> Places { get; } = new[]
    {
        "recipient", "salutation", "team", "targets", "target_count", "grounds", "reporter", "due", "number", "tlp", "terms", "type", "reply_to",
        "sent_at", "subject_sent", "due_before", "which", "team_contact",
    }.ToFrozenSet(StringComparer.Ordinal);

    private readonly FrozenDictionary<string, string> _sections;

    private NoticeTemplate(FrozenDictionary<string, string> sections) => _sections = sections;

    /// <summary>Reads a file on top of a base, whose sections it may replace.</summary>
    public static bool TryParse(string text, NoticeTemplate? onTopOf, out NoticeTemplate? template, out TemplateFault? fault)
    {
        var sections = onTopOf is null ? new Dictionary<string, string>(StringComparer.Ordinal) : new Dictionary<string, string>(onTopOf._sections, StringComparer.Ordinal);
        var starts = new Dictionary<string, int>(StringComparer.Ordinal);
        (template, fault) = (null, null);
        string? key = null;
        var lines = new List<string>();
        var number = 0;
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n').Append("== end"))
        {
            number++;
            if (!line.StartsWith("== ", StringComparison.Ordinal))
            {
                if (key is not null)
                {
                    lines.Add(line.TrimEnd());
                }
                else if (line.Trim().Length > 0 && line[0] != '#')
                {
                    fault = new(number, "Text before the first section.");
                    return false;
                }

                continue;
            }

            if (key is not null)
            {
                sections[key] = string.Join('\n', lines).Trim('\n');
                starts[key] += lines.TakeWhile(l => l.Length == 0).Count();
            }

            key = line[3..].Trim();
            lines.Clear();
            if (NameOf(key).Length == 0 || !key.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-' or '@' or '/' or '#'))
            {
                fault = new(number, $"\"{key}\" is no section name: name@category/type#role in lower case.");
                return false;
            }

            if (!starts.TryAdd(key, number))
            {
                fault = new(number, $"The section {key} is given twice.");
                return false;
            }
        }

        var names = sections.Keys.Select(NameOf).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, start) in starts.Where(s => sections.ContainsKey(s.Key)))
        {
            foreach (var (place, offset) in PlacesIn(sections[name]))
            {
                if (place is null || !(Places.Contains(place) || names.Contains(place)))
                {
                    var line = start + 1 + sections[name].AsSpan(0, offset).Count('\n');
                    fault = new(line, place is null ? "A { that is never closed." : $"{{{place}}} is neither a section nor a place that the node fills.");
                    return false;
                }
            }
        }

        template = new(sections.ToFrozenDictionary(StringComparer.Ordinal));
        return true;
    }

    /// <summary>The section, filled. Values are inserted as they are: a { in them is text.</summary>
    /// <exception cref="InvalidOperationException">A section refers to itself, or a value is missing: a fault of the program, which tests hold impossible.</exception>
    public string Fill(string section, Wording wording, IReadOnlyDictionary<string, string> values) => Fill(section, wording, values, 0);

    private string Fill(string section, Wording wording, IReadOnlyDictionary<string, string> values, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new InvalidOperationException($"The template's section {section} contains itself.");
        }

        var text = Find(section, wording);
        var filled = new StringBuilder(text.Length * 2);
        var from = 0;
        foreach (var (place, offset) in PlacesIn(text))
        {
            filled.Append(text, from, offset - from);
            var value = values.TryGetValue(place!, out var known) ? known : Fill(place!, wording, values, depth + 1);
            filled.Append(value);
            from = offset + place!.Length + 2;
            // a place alone on its line takes the line with it when there is nothing to say
            if (value.Length == 0 && (offset == 0 || text[offset - 1] == '\n') && from < text.Length && text[from] == '\n')
            {
                from++;
            }
        }

        return filled.Append(text, from, text.Length - from).ToString();
    }

    private string Find(string name, Wording w)
    {
        foreach (var key in (ReadOnlySpan<string>)[$"{name}@{w.Category}/{w.Type}#{w.Role}", $"{name}@{w.Category}#{w.Role}", $"{name}@{w.Category}/{w.Type}", $"{name}@{w.Category}", $"{name}#{w.Role}", name])
        {
            if (_sections.TryGetValue(key, out var text))
            {
                return text;
            }
        }

        throw new InvalidOperationException($"No template section {name}.");
    }

    private static string NameOf(string key)
    {
        var end = key.IndexOfAny(['@', '#']);
        return end < 0 ? key : key[..end];
    }

    private static IEnumerable<(string? Place, int Offset)> PlacesIn(string text)
    {
        for (var at = text.IndexOf('{', StringComparison.Ordinal); at >= 0; at = text.IndexOf('{', at + 1))
        {
            var end = text.IndexOf('}', at);
            if (end < 0)
            {
                yield return (null, at);
                yield break;
            }

            yield return (text[(at + 1)..end], at);
            at = end;
        }
    }
}

/// <summary>The node's notices: a file for each purpose and language, on top of what all share.</summary>
public static class NoticeTemplates
{
    public const string Reminder = "remind";

    private static readonly FrozenDictionary<string, NoticeTemplate> All = Load();

    /// <summary>The template of a purpose in ja or en.</summary>
    public static NoticeTemplate For(RequestPurpose purpose, string language) => All[NameOf(purpose) + "." + Language(language)];

    /// <summary>The reminder of a request of that purpose: it asks again what was asked, in the same words.</summary>
    public static NoticeTemplate ForReminder(RequestPurpose purpose, string language) => All[Reminder + "." + NameOf(purpose) + "." + Language(language)];

    public static string NameOf(RequestPurpose purpose) => purpose switch
    {
        RequestPurpose.Takedown => "takedown",
        RequestPurpose.Investigate => "investigate",
        RequestPurpose.NotifyVictim => "notify-victim",
        RequestPurpose.ProvideLogs => "provide-logs",
        _ => "inform",
    };

    private static string Language(string language) => language is "ja" ? "ja" : "en";

    private static FrozenDictionary<string, NoticeTemplate> Load()
    {
        var all = new Dictionary<string, NoticeTemplate>(StringComparer.Ordinal);
        foreach (var language in (string[])["ja", "en"])
        {
            var common = Parse("common", language, null);
            foreach (var name in Enum.GetValues<RequestPurpose>().Select(NameOf))
            {
                var own = Parse(name, language, common);
                all[name + "." + language] = own;
                all[Reminder + "." + name + "." + language] = Parse(Reminder, language, own);
            }
        }

        return all.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static NoticeTemplate Parse(string name, string language, NoticeTemplate? common)
    {
        var file = $"{name}.{language}.txt";
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Renkei.Incidents.Templates." + file)!;
        using var reader = new StreamReader(stream);
        return NoticeTemplate.TryParse(reader.ReadToEnd(), common, out var template, out var fault) ? template! : throw new InvalidOperationException($"{file}, line {fault!.Line}: {fault.Message}");
    }
}
