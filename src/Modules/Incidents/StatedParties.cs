using System.Text;
using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>
/// Where an attack came from and what it hit, line by line as the reporter named them. They stand as labelled lines before the report's text,
/// so that whoever reads, searches or shares the text has them, and are read back from there.
/// </summary>
public sealed record StatedParties(IReadOnlyList<string> Sources, IReadOnlyList<string> Targets)
{
    public const int MaxLines = 20;
    public const int MaxLine = 2_000;

    public static readonly StatedParties None = new([], []);

    private static readonly ExtractLimits OfLine = new(5, MaxLine);

    /// <summary>Labels by language. What was written once is read for good: add, never change.</summary>
    private static readonly (string Language, string Source, string Target)[] Labels = [("ja", "攻撃元: ", "被害側: "), ("en", "Source: ", "Affected: ")];

    public bool Any => Sources.Count + Targets.Count > 0;

    /// <summary>The lines of a form's field.</summary>
    public static IReadOnlyList<string> Lines(string? text) => (text ?? "").Split(['\n', '\r'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What one line names on the network: addresses, prefixes, AS numbers, names, URLs and mail addresses. Empty: nothing.</summary>
    public static IReadOnlyList<Observable> Named(string line)
    {
        // a line that is one observable is just that; the host of its URL is found, but was not named apart
        if (Observable.TryParse(line, out var whole, out _))
        {
            return IsParty(whole) ? [whole] : [];
        }

        return [.. ObservableExtractor.Extract(line, OfLine).Select(o => o.Observable).Where(IsParty)];
    }

    /// <summary>The report's text with the labelled lines before it.</summary>
    public string Before(string description, string language)
    {
        if (!Any)
        {
            return description;
        }

        var (_, source, target) = Array.Find(Labels, l => l.Language == language) is { Source: not null } known ? known : Labels[0];
        var text = new StringBuilder();
        foreach (var (label, lines) in new[] { (source, Sources), (target, Targets) })
        {
            foreach (var line in lines)
            {
                text.Append(label).Append(line).Append('\n');
            }
        }

        return description.Length == 0 ? text.ToString().TrimEnd('\n') : text.Append('\n').Append(description).ToString();
    }

    /// <summary>The parties that stand before a text, and the text itself. A reporter who writes such lines by hand is read the same way.</summary>
    public static (StatedParties Parties, string Text) Read(string text)
    {
        var (sources, targets) = (new List<string>(), new List<string>());
        var at = 0;
        while (at < text.Length && sources.Count + targets.Count < MaxLines * 2)
        {
            var end = text.IndexOf('\n', at);
            var line = end < 0 ? text[at..] : text[at..end];
            if (Array.Find(Labels, l => line.StartsWith(l.Source, StringComparison.Ordinal)) is { Source: { } source })
            {
                sources.Add(line[source.Length..]);
            }
            else if (Array.Find(Labels, l => line.StartsWith(l.Target, StringComparison.Ordinal)) is { Target: { } target })
            {
                targets.Add(line[target.Length..]);
            }
            else
            {
                break;
            }

            at = end < 0 ? text.Length : end + 1;
        }

        return sources.Count + targets.Count == 0 ? (None, text) : (new(sources, targets), text[at..].TrimStart('\n'));
    }

    /// <summary>What was named as hit and not as where it came from.</summary>
    public IReadOnlySet<Observable> Hit() => Targets.SelectMany(Named).Except(Sources.SelectMany(Named)).ToHashSet();

    private static bool IsParty(Observable o) =>
        o.Type is ObservableType.IPv4 or ObservableType.IPv4Prefix or ObservableType.IPv6 or ObservableType.IPv6Prefix or ObservableType.Asn or ObservableType.Domain or ObservableType.Url or ObservableType.Email;
}
