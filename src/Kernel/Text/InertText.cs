using System.Globalization;
using System.Text;

namespace Renkei.Kernel;

/// <summary>Makes text from outside harmless to read: nothing in it moves the cursor, reverses the line or hides.</summary>
public static class InertText
{
    private const int MaxFileName = 120;
    private const int MaxEnding = 16;

    private static readonly string[] DeviceNames =
    [
        "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$",
        "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "COM¹", "COM²", "COM³",
        "LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9", "LPT¹", "LPT²", "LPT³",
    ];

    /// <summary>
    /// Newlines become \n; NUL and C0/C1 controls other than \n and \t go; bidi controls and zero-width characters show as ⟦U+202E⟧; half surrogate
    /// pairs become U+FFFD. Cleaning twice changes nothing. The result has at most 8 times the characters of the text.
    /// </summary>
    public static string Clean(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var built = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '\r':
                    built.Append('\n');
                    i += i + 1 < text.Length && text[i + 1] == '\n' ? 1 : 0;
                    break;
                case '\u0085' or '\u2028' or '\u2029':
                    built.Append('\n');
                    break;
                case '\n' or '\t':
                    built.Append(c);
                    break;
                case < ' ' or (>= '\u007f' and <= '\u009f'):
                    break;
                default:
                    if (RefangedText.IsInvisible(c))
                    {
                        built.Append(CultureInfo.InvariantCulture, $"⟦U+{(int)c:X4}⟧");
                    }
                    else if (!char.IsSurrogate(c))
                    {
                        built.Append(c);
                    }
                    else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                    {
                        built.Append(c).Append(text[++i]);
                    }
                    else
                    {
                        built.Append('\uFFFD');
                    }

                    break;
            }
        }

        return built.ToString();
    }

    /// <summary>
    /// A name for showing and downloading: the last part of a path, without separators, controls, bidi or invisible characters, characters Windows forbids, leading dots
    /// and trailing dots or spaces; a device name gets a "_" in front; 120 UTF-16 units at most with the ending kept; "file" when nothing is left.
    /// </summary>
    public static string FileName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var last = name.AsSpan(name.LastIndexOfAny(['/', '\\']) + 1);
        var built = new StringBuilder(Math.Min(last.Length, 1024));
        for (var i = 0; i < last.Length && built.Length < 4096; i++)
        {
            var c = last[i];
            if (char.IsControl(c) || RefangedText.IsInvisible(c) || c is '\u2028' or '\u2029')
            {
                continue;
            }

            if (char.IsSurrogate(c))
            {
                if (char.IsHighSurrogate(c) && i + 1 < last.Length && char.IsLowSurrogate(last[i + 1]))
                {
                    built.Append(c).Append(last[++i]);
                }

                continue;
            }

            // U+2044 and friends look like separators; some file systems fold full-width ones into real ones.
            built.Append(c is '<' or '>' or ':' or '"' or '|' or '?' or '*' or '\u2044' or '\u2215' or '\u29F8' or '\uFF0F' or '\uFF3C' or '\u2216' or '\u29F5' ? '_' : c);
        }

        var clean = built.ToString().TrimStart('.', ' ', '\u3000').TrimEnd('.', ' ', '\u3000');
        if (clean.Length > MaxFileName)
        {
            var dot = clean.LastIndexOf('.');
            var ending = dot > 0 && clean.Length - dot <= MaxEnding ? clean[dot..] : "";
            var keep = MaxFileName - ending.Length;
            keep -= char.IsHighSurrogate(clean[keep - 1]) ? 1 : 0;
            clean = clean[..keep].TrimEnd('.', ' ', '\u3000') + ending;
        }

        if (clean.Length == 0)
        {
            return "file";
        }

        var first = clean.IndexOf('.', StringComparison.Ordinal);
        var stem = (first < 0 ? clean : clean[..first]).TrimEnd(' ');
        if (Array.Exists(DeviceNames, d => string.Equals(d, stem, StringComparison.OrdinalIgnoreCase)))
        {
            clean = "_" + (clean.Length == MaxFileName ? clean[..^1] : clean);
        }

        return clean;
    }
}
