using System.Collections;
using System.Text;

namespace Renkei.Kernel;

/// <summary>
/// The scanner behind extraction and display: URLs first, then IPv6, then everything made of host characters. Each pass goes forward; what it
/// looks at again is bounded by the longest thing it could accept.
/// </summary>
internal sealed class ObservableScan(RefangedText refanged, int maxPerPass, bool distinct)
{
    private const int MaxAuthority = 1024;
    private const int MaxHost = 300;

    // Unlike ASCII names, international ones may cost an exception in the framework: so many and no more.
    private int internationalLeft = 1_000;

    private readonly string text = refanged.Text;
    private readonly BitArray covered = new(refanged.Text.Length);
    private readonly List<Find> finds = [];
    private readonly HashSet<Observable> inPass = [];
    private int countInPass;

    internal readonly record struct Find(Observable Observable, int Start, int End, bool Implied);

    internal List<Find> Run()
    {
        Urls();
        BeginPass();
        IPv6();
        BeginPass();
        Hosts();
        finds.Sort(static (a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : b.End.CompareTo(a.End));
        return finds;
    }

    internal static bool IsCjk(char c) =>
        c is >= '\u1100' and <= '\u11FF' or >= '\u2E80' and <= '\u9FFF' or >= '\uA960' and <= '\uA97F' or >= '\uAC00' and <= '\uD7FF'
            or >= '\uF900' and <= '\uFAFF' or >= '\uFE30' and <= '\uFE4F' or >= '\uFF00' and <= '\uFFEF';

    private static bool IsHostCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' || IsForeignLetter(c);

    private static bool IsForeignLetter(char c) => c >= '\u0080' && !IsCjk(c) && (char.IsLetter(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.NonSpacingMark);

    private bool Full => countInPass >= maxPerPass;

    private void BeginPass()
    {
        inPass.Clear();
        countInPass = 0;
    }

    private void Add(Observable observable, int start, int end, bool implied = false)
    {
        if (distinct && !inPass.Add(observable))
        {
            return;
        }

        countInPass++;
        finds.Add(new Find(observable, start, end, implied));
    }

    private void Cover(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            covered[i] = true;
        }
    }

    private void Urls()
    {
        var from = 0;
        while (!Full)
        {
            var mark = text.IndexOf("://", from, StringComparison.Ordinal);
            if (mark < 0)
            {
                return;
            }

            from = mark + 3;
            if (TrySchemeBefore(mark, out var start) && start >= 0 && TryUrl(start, mark + 3, out var end))
            {
                Cover(start, end);
                from = Math.Max(from, end);
            }
        }
    }

    private bool TrySchemeBefore(int mark, out int start)
    {
        start = -1;
        foreach (var scheme in (ReadOnlySpan<string>)["https", "http", "ftp"])
        {
            var at = mark - scheme.Length;
            if (at >= 0 && string.Compare(text, at, scheme, 0, scheme.Length, StringComparison.OrdinalIgnoreCase) == 0
                && (at == 0 || !char.IsAsciiLetterOrDigit(text[at - 1])))
            {
                start = at;
                return true;
            }
        }

        return false;
    }

    private bool TryUrl(int start, int authority, out int end)
    {
        end = authority;
        var limit = Math.Min(text.Length, authority + MaxAuthority);
        var foreign = false;
        while (end < limit)
        {
            var c = text[end];
            if (c is '/' or '?' or '#' or '\\')
            {
                break;
            }

            if (c == '[' && (end == authority || text[end - 1] == '@'))
            {
                var close = text.IndexOf(']', end, Math.Min(48, text.Length - end));
                if (close < 0)
                {
                    return false;
                }

                end = close + 1;
                continue;
            }

            if (IsForeignLetter(c))
            {
                foreign = true;
            }
            else if (!IsPathCharacter(c) || c is '[' or ']' or '(' or ')')
            {
                break;
            }

            end++;
        }

        end = WithoutProse(authority, end);
        if (end == authority || (foreign && internationalLeft-- <= 0))
        {
            return false;
        }

        var authorityEnd = end;
        if (!UrlForm.TryCanonical(string.Concat(text.AsSpan(start, end - start), "/"), out var bare, out var host, out _)
            || (foreign && !HasAsciiLastLabel(text.AsSpan(start, end - start))))
        {
            return false;
        }

        if (end < text.Length && text[end] is '/' or '?' or '#' or '\\')
        {
            end = WithoutProse(authorityEnd, PathEnd(end));
        }

        var (hostStart, hostLength) = UrlForm.HostSpan(text.AsSpan(start, authorityEnd - start));
        if (end - start <= UrlForm.MaxLength && UrlForm.TryCanonical(text[start..end], out var url, out _, out _))
        {
            Add(new Observable(ObservableType.Url, url), start, end);
        }
        else
        {
            // Too long to keep: its server is still a fact.
            Add(new Observable(ObservableType.Url, bare), start, authorityEnd);
        }

        if (hostLength > 0)
        {
            Add(host, start + hostStart, start + hostStart + hostLength, implied: true);
        }

        return true;
    }

    private int PathEnd(int at)
    {
        var round = 0;
        var square = 0;
        for (; at < text.Length && IsPathCharacter(text[at]); at++)
        {
            switch (text[at])
            {
                case '(':
                    round++;
                    break;
                case '[':
                    square++;
                    break;
                case ')' when round-- == 0:
                case ']' when square-- == 0:
                    return at;
            }
        }

        return at;
    }

    private int WithoutProse(int floor, int end)
    {
        while (end > floor && text[end - 1] is '.' or ',' or ';' or ':' or '!' or '?' or '\'')
        {
            end--;
        }

        return end;
    }

    private static bool IsPathCharacter(char c) => c is > ' ' and < '\u007f' and not ('<' or '>' or '"' or '`' or '{' or '}' or '|' or '^');

    private static bool HasAsciiLastLabel(ReadOnlySpan<char> name)
    {
        var host = name;
        var (start, length) = UrlForm.HostSpan(name);
        if (length > 0)
        {
            host = name.Slice(start, length);
        }

        host = host.TrimEnd('.');
        return Ascii.IsValid(host[(host.LastIndexOf('.') + 1)..]);
    }

    private void IPv6()
    {
        var i = 0;
        while (i < text.Length && !Full)
        {
            if (!IsAddressCharacter(i))
            {
                i++;
                continue;
            }

            var start = i;
            var colons = 0;
            while (i < text.Length && IsAddressCharacter(i))
            {
                colons += text[i] == ':' ? 1 : 0;
                i++;
            }

            if (colons >= 2 && i - start <= 64)
            {
                OneIPv6(start, i);
            }
        }
    }

    private bool IsAddressCharacter(int at) => (char.IsAsciiHexDigit(text[at]) || text[at] is ':' or '.') && !covered[at];

    private void OneIPv6(int start, int end)
    {
        if (start > 0 && IsWord(text[start - 1]))
        {
            // "src:2001:db8::1": the label's last letters may look hexadecimal.
            start = text.IndexOf(':', start) + 1;
            if (start < end && text[start] == ':')
            {
                return;
            }
        }
        else if (text[start] == ':' && text[start + 1] != ':')
        {
            start++;
        }

        if (end < text.Length && IsWord(text[end]))
        {
            return;
        }

        while (end > start && (text[end - 1] == '.' || (text[end - 1] == ':' && end - 2 >= start && text[end - 2] != ':')))
        {
            end--;
        }

        var span = text.AsSpan(start, end - start);
        if (span.Length < 3 || !AddressForm.TryReadIPv6(span, out _) || !LooksMeant(span))
        {
            return;
        }

        end = PrefixEnd(end, 3, out var isPrefix);
        var type = isPrefix ? ObservableType.IPv6Prefix : ObservableType.IPv6;
        if (Observable.TryParse(type, text[start..end], out var found, out _))
        {
            Add(found, start, end);
            Cover(start, end);
        }
    }

    // "abc::def" is more often code than an address.
    private static bool LooksMeant(ReadOnlySpan<char> address)
    {
        var colons = 0;
        var digit = false;
        foreach (var c in address)
        {
            colons += c == ':' ? 1 : 0;
            digit |= char.IsAsciiDigit(c);
        }

        return digit || colons > 3;
    }

    private int PrefixEnd(int end, int maxDigits, out bool isPrefix)
    {
        isPrefix = false;
        if (end >= text.Length || text[end] != '/')
        {
            return end;
        }

        var i = end + 1;
        while (i < text.Length && i - end <= maxDigits && char.IsAsciiDigit(text[i]))
        {
            i++;
        }

        if (i == end + 1 || (i < text.Length && (IsWord(text[i]) || text[i] is '/' || (text[i] == '.' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1])))))
        {
            return end;
        }

        isPrefix = int.Parse(text.AsSpan(end + 1, i - end - 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture) <= (maxDigits == 2 ? 32 : 128);
        return isPrefix ? i : end;
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private void Hosts()
    {
        var i = 0;
        while (i < text.Length && !Full)
        {
            if (covered[i] || !IsHostCharacter(text[i]))
            {
                i++;
                continue;
            }

            var start = i;
            while (i < text.Length && !covered[i] && IsHostCharacter(text[i]))
            {
                i++;
                if (text[i - 1] == '.' && i < text.Length && text[i] == '.')
                {
                    break;
                }
            }

            var end = i;
            while (start < end && text[start] is '.' or '-' or '_')
            {
                start++;
            }

            while (end > start && text[end - 1] is '.' or '-' or '_')
            {
                end--;
            }

            if (end - start is 0 or > MaxHost)
            {
                continue;
            }

            var isLocalPart = i < text.Length && text[i] == '@' && i + 1 < text.Length && char.IsLetterOrDigit(text[i + 1]);
            if (isLocalPart || (start > 0 && text[start - 1] == '@' && TryEmailAround(start, end)))
            {
                continue;
            }

            Classify(start, end);
        }
    }

    private bool TryEmailAround(int domainStart, int domainEnd)
    {
        var at = domainStart - 1;
        var start = at;
        while (start > 0 && at - start <= 65 && !covered[start - 1] && (text[start - 1] == '.' || Observable.IsAtomCharacter(text[start - 1])))
        {
            start--;
        }

        // Prose punctuation in front: 'user@..., =user@..., /user@...
        while (start < at && !char.IsAsciiLetterOrDigit(text[start]) && text[start] is not ('_' or '+'))
        {
            start++;
        }

        if (!Observable.IsLocalPart(text.AsSpan(start, at - start)) || !MayTryName(domainStart, domainEnd)
            || !Observable.TryParse(ObservableType.Email, text[start..domainEnd], out var email, out _))
        {
            return false;
        }

        Add(email, start, domainEnd);
        Add(email.Host!.Value, domainStart, domainEnd, implied: true);
        return true;
    }

    private bool MayTryName(int start, int end)
    {
        var name = text.AsSpan(start, end - start);
        return Ascii.IsValid(name) || (HasAsciiLastLabel(name) && internationalLeft-- > 0);
    }

    private void Classify(int start, int end)
    {
        var span = text.AsSpan(start, end - start);
        ObservableType? type = null;
        if (!span.Contains('.') && Observable.IsHex(span))
        {
            type = span.Length switch
            {
                32 => ObservableType.Md5,
                40 => ObservableType.Sha1,
                64 => ObservableType.Sha256,
                _ => null,
            };
        }
        else if (AddressForm.TryReadIPv4(span, out _))
        {
            end = PrefixEnd(end, 2, out var isPrefix);
            type = isPrefix ? ObservableType.IPv4Prefix : ObservableType.IPv4;
        }
        else if (Observable.IsCve(span))
        {
            type = ObservableType.Cve;
        }
        else if (span.StartsWith("AS", StringComparison.Ordinal) && span.Length is > 2 and <= 13 && char.IsAsciiDigit(span[2]))
        {
            type = ObservableType.Asn;
        }
        else if (IsDomainInProse(start, end) && MayTryName(start, end))
        {
            type = ObservableType.Domain;
        }

        if (type is { } known && Observable.TryParse(known, text[start..end], out var found, out _))
        {
            Add(found, start, end);
        }
    }

    private bool IsDomainInProse(int start, int end)
    {
        var name = text.AsSpan(start, end - start);
        var dot = name.LastIndexOf('.');
        if (dot < 0)
        {
            return false;
        }

        var last = name[(dot + 1)..];
        if (last.Length < 2)
        {
            return false;
        }

        // Somebody broke it on purpose: that is a statement that it is a name.
        if (refanged.EndOf(end - 1) - refanged.StartOf(start) > end - start)
        {
            return true;
        }

        if (start > 0 && text[start - 1] is '/' or '\\')
        {
            return false;
        }

        if (char.IsAsciiLetterUpper(last[0]) && last.ContainsAnyInRange('a', 'z'))
        {
            return false;
        }

        var ending = last.ToString().ToLowerInvariant();
        if (FileEndings.Never.Contains(ending))
        {
            return false;
        }

        return !FileEndings.Doubtful.Contains(ending) || name[..dot].Contains('.');
    }
}
