using System.Globalization;
using System.Text;

namespace Renkei.Kernel;

/// <summary>The one writing of a domain name: lower-case A-labels, no trailing dot (RFC 5890, RFC 1123 §2.1, UTS #46 mapping by the framework).</summary>
internal static class DomainForm
{
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true, AllowUnassigned = false };

    /// <summary>
    /// At least two labels of 1 to 63, 253 in all. An underscore may stand in any label but the last (service labels are real);
    /// the last label is letters only or an A-label. A-labels written as such are taken as they are: DNS answers them whether or not they decode.
    /// </summary>
    internal static bool TryCanonical(string text, out string value, out string? error)
    {
        value = "";
        error = null;
        if (text.Length is 0 or > 1024)
        {
            error = "A domain name has 1 to 253 characters.";
            return false;
        }

        var name = text;
        if (!Ascii.IsValid(name))
        {
            if (!TryToAscii(name, out name))
            {
                error = "The domain name has characters that internationalised names do not allow (UTS #46).";
                return false;
            }
        }

        if (name.EndsWith('.'))
        {
            name = name[..^1];
        }

        if (name.Length is 0 or > 253)
        {
            error = "A domain name has 1 to 253 characters.";
            return false;
        }

        name = name.ToLowerInvariant();
        var labels = 0;
        var start = 0;
        while (start <= name.Length)
        {
            var end = name.IndexOf('.', start);
            var last = end < 0;
            var label = last ? name.AsSpan(start) : name.AsSpan(start, end - start);
            if (!IsLabel(label, last))
            {
                error = string.Create(CultureInfo.InvariantCulture, $"The label at character {start} is not a domain name label.");
                return false;
            }

            labels++;
            if (last)
            {
                break;
            }

            start = end + 1;
        }

        if (labels < 2)
        {
            error = "A domain name needs a top-level label.";
            return false;
        }

        value = name;
        return true;
    }

    private static bool IsLabel(ReadOnlySpan<char> label, bool last)
    {
        if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
        {
            return false;
        }

        var punycode = label.StartsWith("xn--", StringComparison.Ordinal);
        if (last && (label.Length < 2 || (punycode && label.Length < 5)))
        {
            return false;
        }

        foreach (var c in label)
        {
            var good = char.IsAsciiLetterLower(c)
                || ((!last || punycode) && (char.IsAsciiDigit(c) || c == '-'))
                || (!last && c == '_');
            if (!good)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryToAscii(string text, out string ascii)
    {
        ascii = "";
        if (HasLoneSurrogate(text))
        {
            return false;
        }

        // NFKC first: compatibility full stops must become label separators before the labels are cut, not after.
        var normal = text.Normalize(NormalizationForm.FormKC).Replace('\u3002', '.');
        var built = new StringBuilder(normal.Length);
        foreach (var label in normal.Split('.'))
        {
            if (built.Length > 0)
            {
                built.Append('.');
            }

            if (Ascii.IsValid(label))
            {
                built.Append(label);
                continue;
            }

            if (label.Length > 63)
            {
                return false;
            }

            try
            {
                built.Append(Idn.GetAscii(label));
            }
            catch (ArgumentException)
            {
                // The framework has no answer-as-value door for UTS #46; a refused label is an expected answer here.
                return false;
            }
        }

        ascii = built.ToString();
        return Ascii.IsValid(ascii);
    }

    internal static bool HasLoneSurrogate(ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
            {
                return true;
            }

            i++;
        }

        return false;
    }
}
