using System.Text.RegularExpressions;

namespace Renkei.Kernel;

/// <summary>Makes one observable inert, whether in canonical form or as somebody wrote it: schemes and one separator of the host change, nothing else.</summary>
internal static partial class DefangForm
{
    internal static string Of(ObservableType type, string text)
    {
        switch (type)
        {
            case ObservableType.IPv4 or ObservableType.IPv4Prefix or ObservableType.Domain:
                return BreakHost(text, 0, text.Length);
            case ObservableType.IPv6 or ObservableType.IPv6Prefix:
                return BreakHost(text, 0, text.Length);
            case ObservableType.Email:
                var at = text.LastIndexOf('@');
                return string.Concat(text.AsSpan(0, at), "[@]", BreakHost(text[(at + 1)..], 0, text.Length - at - 1));
            case ObservableType.Url:
                var (start, length) = UrlForm.HostSpan(text);
                return InertSchemes(BreakHost(text, start, length));
            default:
                return text;
        }
    }

    /// <summary>Every scheme in the text that a mail program would make a link of: also those in a URL's path, and of what is no observable (localhost, http://2130706433/).</summary>
    internal static string InertSchemes(string text) => LiveScheme().Replace(text, static m => Scheme(m.Value));

    [GeneratedRegex("\\b(https?|ftp)://", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 2000)]
    private static partial Regex LiveScheme();

    /// <summary>http to hxxp, https to hxxps, ftp to fxp; the text starts with a scheme.</summary>
    private static string Scheme(string url)
    {
        if (url.StartsWith("http", StringComparison.OrdinalIgnoreCase))
        {
            return string.Concat("hxxp", url.AsSpan(4));
        }

        return url.StartsWith("ftp", StringComparison.OrdinalIgnoreCase) ? string.Concat("fxp", url.AsSpan(3)) : url;
    }

    private static string BreakHost(string text, int start, int length)
    {
        var host = text.AsSpan(start, length);
        var colon = host.IndexOf(':');
        var place = colon >= 0 ? colon : LastUsefulDot(host);
        if (place < 0)
        {
            return text;
        }

        place += start;
        return string.Concat(text.AsSpan(0, place), text[place] == ':' ? "[:]" : "[.]", text.AsSpan(place + 1));
    }

    private static int LastUsefulDot(ReadOnlySpan<char> host)
    {
        // A trailing root dot protects nothing.
        var end = host.Length;
        while (end > 0 && host[end - 1] == '.')
        {
            end--;
        }

        return host[..end].LastIndexOf('.');
    }
}
