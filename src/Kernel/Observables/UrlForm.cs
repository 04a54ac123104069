using System.Buffers;
using System.Globalization;
using System.Text;

namespace Renkei.Kernel;

/// <summary>The one writing of a URL (RFC 3986 §6.2.2 and §6.2.3; backslashes and the last '@' as browsers read them).</summary>
internal static class UrlForm
{
    internal const int MaxLength = 4096;

    private static readonly SearchValues<char> AuthorityEnd = SearchValues.Create("/?#\\");

    internal static bool TryCanonical(string text, out string value, out Observable host, out string? error)
    {
        value = "";
        host = default;
        error = null;
        if (text.Length > MaxLength)
        {
            return Fail("A URL has at most 4096 characters.", out error);
        }

        foreach (var c in text)
        {
            if (c is <= ' ' or '\u007f')
            {
                return Fail("A URL has no spaces or control characters.", out error);
            }
        }

        var colon = text.IndexOf("://", StringComparison.Ordinal);
        var scheme = colon < 0 ? "" : text[..colon].ToLowerInvariant();
        if (scheme is not ("http" or "https" or "ftp"))
        {
            return Fail("A URL starts with http://, https:// or ftp://.", out error);
        }

        var rest = text.AsSpan(colon + 3);
        var end = rest.IndexOfAny(AuthorityEnd);
        var authority = end < 0 ? rest : rest[..end];
        var tail = end < 0 ? [] : rest[end..];

        var at = authority.LastIndexOf('@');
        var userInfo = at < 0 ? [] : authority[..at];
        var hostAndPort = authority[(at + 1)..];
        if (!TryHost(hostAndPort, scheme, out host, out var port, out error))
        {
            return false;
        }

        var built = new StringBuilder(text.Length + 8);
        built.Append(scheme).Append("://");
        if (userInfo.Length > 0)
        {
            if (!Normalise(userInfo, ":", built))
            {
                return Fail("The URL has half a surrogate pair.", out error);
            }

            built.Append('@');
        }

        if (host.Type == ObservableType.IPv6)
        {
            built.Append('[').Append(host.Value).Append(']');
        }
        else
        {
            built.Append(host.Value);
        }

        built.Append(port);

        var hash = tail.IndexOf('#');
        if (hash >= 0)
        {
            tail = tail[..hash];
        }

        var mark = tail.IndexOf('?');
        var path = mark < 0 ? tail : tail[..mark];
        var cleaned = new StringBuilder(path.Length + 1);
        if (path.Length == 0)
        {
            cleaned.Append('/');
        }

        if (!Normalise(path.ToString().Replace('\\', '/'), "!$&'()*+,;=:@/", cleaned))
        {
            return Fail("The URL has half a surrogate pair.", out error);
        }

        built.Append(WithoutDotSegments(cleaned.ToString()));
        if (mark >= 0)
        {
            built.Append('?');
            if (!Normalise(tail[(mark + 1)..], "!$&'()*+,;=:@/?", built))
            {
                return Fail("The URL has half a surrogate pair.", out error);
            }
        }

        if (built.Length > MaxLength)
        {
            return Fail("A URL has at most 4096 characters once encoded.", out error);
        }

        value = built.ToString();
        return true;
    }

    /// <summary>Where the host stands in a URL as written: start and length, brackets of an IPv6 literal and the port left out.</summary>
    internal static (int Start, int Length) HostSpan(ReadOnlySpan<char> url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal);
        if (start < 0)
        {
            return (0, 0);
        }

        start += 3;
        var end = url[start..].IndexOfAny(AuthorityEnd);
        end = end < 0 ? url.Length : start + end;
        var at = url[start..end].LastIndexOf('@');
        start += at + 1;
        if (start < end && url[start] == '[')
        {
            var close = url[start..end].IndexOf(']');
            return close < 0 ? (start, end - start) : (start + 1, close - 1);
        }

        var port = url[start..end].IndexOf(':');
        return (start, port < 0 ? end - start : port);
    }

    internal static bool HasUserInfo(ReadOnlySpan<char> canonical)
    {
        var start = canonical.IndexOf("://", StringComparison.Ordinal) + 3;
        var slash = canonical[start..].IndexOf('/');
        return canonical.Slice(start, slash).Contains('@');
    }

    private static bool TryHost(ReadOnlySpan<char> text, string scheme, out Observable host, out string port, out string? error)
    {
        host = default;
        port = "";
        error = null;
        ReadOnlySpan<char> name;
        ReadOnlySpan<char> portText = [];
        if (text.StartsWith("[", StringComparison.Ordinal))
        {
            var close = text.IndexOf(']');
            if (close < 0 || !AddressForm.TryReadIPv6(text[1..close], out var six))
            {
                return Fail("The URL's host is not an IPv6 address.", out error);
            }

            host = AddressForm.IsMapped(six)
                ? new Observable(ObservableType.IPv4, AddressForm.Write((uint)six))
                : new Observable(ObservableType.IPv6, AddressForm.Write(six));
            var after = text[(close + 1)..];
            if (after.Length > 0 && after[0] != ':')
            {
                return Fail("Only a port may follow the URL's host.", out error);
            }

            portText = after.Length > 0 ? after[1..] : [];
        }
        else
        {
            var colon = text.IndexOf(':');
            name = colon < 0 ? text : text[..colon];
            portText = colon < 0 ? [] : text[(colon + 1)..];
            var decoded = name.ToString();
            if (name.Contains('%') && !TryDecode(name, out decoded))
            {
                return Fail("The URL's host is not UTF-8 once decoded.", out error);
            }

            var bare = decoded.EndsWith('.') ? decoded[..^1] : decoded;
            if (AddressForm.TryReadIPv4(bare, out var four))
            {
                host = new Observable(ObservableType.IPv4, AddressForm.Write(four));
            }
            else if (DomainForm.TryCanonical(decoded, out var domain, out error))
            {
                host = new Observable(ObservableType.Domain, domain);
            }
            else
            {
                return false;
            }
        }

        if (portText.Length == 0)
        {
            return true;
        }

        if (portText.Length > 8 || !int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535)
        {
            return Fail("The URL's port is not a number from 1 to 65535.", out error);
        }

        var known = scheme switch { "http" => 80, "https" => 443, _ => 21 };
        port = number == known ? "" : string.Create(CultureInfo.InvariantCulture, $":{number}");
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> name, out string decoded)
    {
        decoded = "";
        if (name.Length > 1024 || !Ascii.IsValid(name))
        {
            return false;
        }

        var bytes = new byte[name.Length];
        var count = 0;
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] == '%')
            {
                if (!TryHexPair(name, i, out var b))
                {
                    return false;
                }

                bytes[count++] = b;
                i += 2;
            }
            else
            {
                bytes[count++] = (byte)name[i];
            }
        }

        return BoundedUtf8.TryDecode(bytes.AsSpan(0, count), 1024, out decoded, out _);
    }

    private static bool TryHexPair(ReadOnlySpan<char> text, int percent, out byte value)
    {
        value = 0;
        return percent + 2 < text.Length
            && char.IsAsciiHexDigit(text[percent + 1])
            && char.IsAsciiHexDigit(text[percent + 2])
            && byte.TryParse(text.Slice(percent + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    // RFC 3986 §6.2.2: unreserved characters are never encoded, everything else outside `allowed` always is, hex digits in upper case;
    // a stray '%' becomes %25 so that reading the result again changes nothing.
    private static bool Normalise(ReadOnlySpan<char> text, string allowed, StringBuilder into)
    {
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%')
            {
                if (TryHexPair(text, i, out var b))
                {
                    if (IsUnreserved((char)b))
                    {
                        into.Append((char)b);
                    }
                    else
                    {
                        AppendEncoded(b, into);
                    }

                    i += 2;
                }
                else
                {
                    into.Append("%25");
                }
            }
            else if (IsUnreserved(c) || allowed.Contains(c))
            {
                into.Append(c);
            }
            else
            {
                if (Rune.DecodeFromUtf16(text[i..], out var rune, out var used) != OperationStatus.Done)
                {
                    return false;
                }

                var count = rune.EncodeToUtf8(utf8);
                for (var b = 0; b < count; b++)
                {
                    AppendEncoded(utf8[b], into);
                }

                i += used - 1;
            }
        }

        return true;
    }

    private static bool IsUnreserved(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~';

    private static void AppendEncoded(byte b, StringBuilder into) => into.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));

    // RFC 3986 §5.2.4
    private static string WithoutDotSegments(string path)
    {
        var segments = path.Split('/');
        var kept = new List<string>(segments.Length);
        for (var i = 1; i < segments.Length; i++)
        {
            var last = i == segments.Length - 1;
            switch (segments[i])
            {
                case ".":
                    break;
                case "..":
                    if (kept.Count > 0)
                    {
                        kept.RemoveAt(kept.Count - 1);
                    }

                    break;
                default:
                    kept.Add(segments[i]);
                    continue;
            }

            if (last)
            {
                kept.Add("");
            }
        }

        return "/" + string.Join('/', kept);
    }

    private static bool Fail(string message, out string? error)
    {
        error = message;
        return false;
    }
}
