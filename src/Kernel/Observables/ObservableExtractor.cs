using System.Runtime.InteropServices;

namespace Renkei.Kernel;

/// <summary>Bounds of one extraction. Text beyond <paramref name="MaxLength"/> UTF-16 units is not read.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ExtractLimits(int MaxCount, int MaxLength)
{
    /// <summary>1,000 observables from the first 1 Mi characters.</summary>
    public static ExtractLimits Default { get; } = new(1_000, 1 << 20);
}

/// <summary>One observable found in a text: its place in the original text (UTF-16 units) and what stands there.</summary>
public sealed record ExtractedObservable(Observable Observable, int Offset, int Length, string AsWritten);

/// <summary>
/// Finds observables in reports, mail and pastes, defanged or not, in time linear in the text. What counts:
/// <list type="bullet">
/// <item>A URL ends at white space, quotes, angle or curly brackets, an unbalanced ) or ], and at the first non-ASCII character of its path, so Japanese
/// punctuation and prose may follow directly; a path in Japanese counts when it is percent-encoded. Trailing . , ; : ! ? ' are prose. A URL inside another's
/// query is not reported by itself.</item>
/// <item>In host names Latin, Greek, Cyrillic and other letters count (homographs), Han, Kana and Hangul end the name: "example.jpを" is example.jp.
/// The last label must be ASCII.</item>
/// <item>A URL also gives its host, an e-mail address its domain.</item>
/// <item>A bare name that looks like a file (report.pdf), a type (System.Text), or a missing space (end.Next) is no domain, unless it is defanged. Last labels that
/// are both file endings and top-level domains (.zip, .mov, .py, .sh, .md ...) count when defanged or with three labels, .zip and .mov only when defanged or in a URL.</item>
/// <item>Numbers such as 1.2.3.4 count as addresses even where a version may be meant: a person decides.</item>
/// </list>
/// </summary>
public static class ObservableExtractor
{
    /// <summary>Each observable once, where it stands first, in the order of the text.</summary>
    public static IReadOnlyList<ExtractedObservable> Extract(string text, ExtractLimits limits)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (limits.MaxCount <= 0 || limits.MaxLength <= 0)
        {
            return [];
        }

        var read = text.Length > limits.MaxLength ? text[..limits.MaxLength] : text;
        var refanged = RefangedText.Of(read);
        var found = new ObservableScan(refanged, limits.MaxCount, distinct: true).Run();
        var seen = new HashSet<Observable>();
        var result = new List<ExtractedObservable>();
        foreach (var (observable, start, end, _) in found)
        {
            if (!seen.Add(observable))
            {
                continue;
            }

            var from = refanged.StartOf(start);
            var to = refanged.EndOf(end - 1);
            result.Add(new ExtractedObservable(observable, from, to - from, read[from..to]));
            if (result.Count == limits.MaxCount)
            {
                break;
            }
        }

        return result;
    }
}
