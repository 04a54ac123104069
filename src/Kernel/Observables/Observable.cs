using System.Globalization;

namespace Renkei.Kernel;

/// <summary>
/// One technical fact in its one canonical form, so that equal facts are equal values. Build it with <see cref="TryParse(string, out Observable, out string?)"/>;
/// the constructor takes a value that already is canonical (read back from the store).
/// </summary>
/// <remarks>
/// Canonical forms: IPv4 dotted decimal without leading zeros · IPv6 by RFC 5952, IPv4-mapped becomes IPv4 · prefixes with host bits cleared (a /32 or
/// /128 stays a prefix: a route is not a host) · "AS64501" (RFC 5396 asplain) · domain as lower-case A-labels without trailing dot · URL with lower-case
/// scheme, canonical host, no default port, no fragment, RFC 3986 §6.2.2 percent-encoding · e-mail with its local part as written and a canonical domain ·
/// hashes in lower case · "CVE-2026-12345".
/// </remarks>
public readonly record struct Observable(ObservableType Type, string Value)
{
    private const int MaxInput = 8192;

    /// <summary>Reads one observable of any type, defanged or not. The error says what is wrong with it, for people.</summary>
    public static bool TryParse(string text, out Observable observable, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        observable = default;
        if (!TryPrepare(text, out var clean, out error))
        {
            return false;
        }

        return TryParseClean(Guess(clean), clean, out observable, out error);
    }

    /// <summary>
    /// Reads one observable of a known type, defanged or not. An IPv4-mapped IPv6 address or prefix comes back as IPv4. An AS number may also
    /// be written without "AS" and in asdot here.
    /// </summary>
    public static bool TryParse(ObservableType type, string text, out Observable observable, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        observable = default;
        return TryPrepare(text, out var clean, out error) && TryParseClean(type, clean, out observable, out error);
    }

    /// <summary>Reads a value that is known to be good, such as one in our own code; anything else belongs in TryParse.</summary>
    /// <exception cref="FormatException">The text is not of that type.</exception>
    public static Observable Parse(ObservableType type, string text) =>
        TryParse(type, text, out var observable, out var error) ? observable : throw new FormatException(error);

    /// <summary>The host of a URL or the domain of an e-mail address; the observable itself for addresses and domains; otherwise null.</summary>
    public Observable? Host
    {
        get
        {
            switch (Type)
            {
                case ObservableType.IPv4 or ObservableType.IPv6 or ObservableType.Domain:
                    return this;
                case ObservableType.Email:
                    return new Observable(ObservableType.Domain, Value[(Value.LastIndexOf('@') + 1)..]);
                case ObservableType.Url:
                    var (start, length) = UrlForm.HostSpan(Value);
                    var host = Value.Substring(start, length);
                    var type = host.Contains(':', StringComparison.Ordinal) ? ObservableType.IPv6
                        : AddressForm.TryReadIPv4(host, out _) ? ObservableType.IPv4
                        : ObservableType.Domain;
                    return new Observable(type, host);
                default:
                    return null;
            }
        }
    }

    /// <summary>The last label of the domain, URL host or e-mail domain, as an A-label; null where there is none.</summary>
    public string? Tld => Host is { Type: ObservableType.Domain } host ? host.Value[(host.Value.LastIndexOf('.') + 1)..] : null;

    /// <summary>True for a URL that carries a user name or password: often a disguise, sometimes somebody's secret. Ask before sharing it.</summary>
    public bool HasUserInfo => Type == ObservableType.Url && UrlForm.HasUserInfo(Value);

    /// <summary>
    /// The form for display, mail and print that nothing turns into a link: hxxps://login[.]example/v/1, 203.0.113[.]24, user[@]example[.]jp,
    /// 2001[:]db8::1. <see cref="Refang"/> gives the canonical form back exactly. Hashes, AS numbers and CVE ids stay as they are.
    /// </summary>
    public string Defang() => DefangForm.Of(Type, Value);

    /// <summary>
    /// Undoes the usual defanging: hxxp, hxxps, hxtp, htxp, h**p, fxp; [.] (.) {.} [dot] (dot) [at] (at) [@] [:] [://] [/]; full-width letters, digits
    /// and ．：／＠－＿; zero-width and bidi characters are removed. Inside the path of a URL only square brackets count, because round ones are
    /// legal there. Other characters are left as they are.
    /// </summary>
    public static string Refang(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return RefangedText.Of(text).Text;
    }

    public override string ToString() => Value ?? "";

    private static bool TryPrepare(string text, out string clean, out string? error)
    {
        error = null;
        clean = "";
        if (text.Length > MaxInput)
        {
            error = "The text is longer than any observable (8192 characters).";
            return false;
        }

        clean = RefangedText.Of(text).Text.Trim();
        if (clean.Length == 0)
        {
            error = "There is no text.";
            return false;
        }

        return true;
    }

    private static ObservableType Guess(string text)
    {
        if (text.StartsWith("CVE-", StringComparison.OrdinalIgnoreCase))
        {
            return ObservableType.Cve;
        }

        if (text.Contains("://", StringComparison.Ordinal))
        {
            return ObservableType.Url;
        }

        if (text.Contains('@', StringComparison.Ordinal))
        {
            return ObservableType.Email;
        }

        if (text.Length > 2 && text.StartsWith("AS", StringComparison.OrdinalIgnoreCase) && char.IsAsciiDigit(text[2])
            && text.AsSpan(2).IndexOfAnyExceptInRange('.', '9') < 0)
        {
            return ObservableType.Asn;
        }

        var six = text.Contains(':', StringComparison.Ordinal);
        if (text.Contains('/', StringComparison.Ordinal))
        {
            return six ? ObservableType.IPv6Prefix : ObservableType.IPv4Prefix;
        }

        if (six)
        {
            return ObservableType.IPv6;
        }

        if (IsHex(text) && !text.Contains('.', StringComparison.Ordinal))
        {
            switch (text.Length)
            {
                case 32: return ObservableType.Md5;
                case 40: return ObservableType.Sha1;
                case 64: return ObservableType.Sha256;
            }
        }

        // Digits and dots can only be meant as an address: the last label of a domain is letters.
        return char.IsAsciiDigit(text[^1]) && text.AsSpan().IndexOfAnyExceptInRange('.', '9') < 0 ? ObservableType.IPv4 : ObservableType.Domain;
    }

    private static bool TryParseClean(ObservableType type, string text, out Observable observable, out string? error)
    {
        observable = default;
        error = null;
        switch (type)
        {
            case ObservableType.IPv4:
                if (!AddressForm.TryReadIPv4(text, out var four))
                {
                    error = "An IPv4 address is four numbers from 0 to 255 without leading zeros.";
                    return false;
                }

                observable = new Observable(type, AddressForm.Write(four));
                return true;

            case ObservableType.IPv6:
                if (!AddressForm.TryReadIPv6(text, out var six))
                {
                    error = "This is not an IPv6 address (RFC 4291), without zone and port.";
                    return false;
                }

                observable = AddressForm.IsMapped(six)
                    ? new Observable(ObservableType.IPv4, AddressForm.Write((uint)six))
                    : new Observable(type, AddressForm.Write(six));
                return true;

            case ObservableType.IPv4Prefix or ObservableType.IPv6Prefix:
                return TryPrefix(type, text, out observable, out error);

            case ObservableType.Asn:
                if (!TryAsn(text, out var number))
                {
                    error = "An AS number is AS and a number from 0 to 4294967295, or asdot.";
                    return false;
                }

                observable = new Observable(type, string.Create(CultureInfo.InvariantCulture, $"AS{number}"));
                return true;

            case ObservableType.Domain:
                if (!DomainForm.TryCanonical(text, out var domain, out error))
                {
                    return false;
                }

                observable = new Observable(type, domain);
                return true;

            case ObservableType.Url:
                if (!UrlForm.TryCanonical(text, out var url, out _, out error))
                {
                    return false;
                }

                observable = new Observable(type, url);
                return true;

            case ObservableType.Email:
                return TryEmail(text, out observable, out error);

            case ObservableType.Md5 or ObservableType.Sha1 or ObservableType.Sha256:
                var length = type switch { ObservableType.Md5 => 32, ObservableType.Sha1 => 40, _ => 64 };
                if (text.Length != length || !IsHex(text))
                {
                    error = string.Create(CultureInfo.InvariantCulture, $"This hash has {length} hexadecimal digits.");
                    return false;
                }

                observable = new Observable(type, text.ToLowerInvariant());
                return true;

            case ObservableType.Cve:
                if (!IsCve(text))
                {
                    error = "A CVE id is CVE-, four digits of the year, - and 4 to 19 digits.";
                    return false;
                }

                observable = new Observable(type, text.ToUpperInvariant());
                return true;

            default:
                error = "Unknown type of observable.";
                return false;
        }
    }

    private static bool TryPrefix(ObservableType type, string text, out Observable observable, out string? error)
    {
        observable = default;
        error = "A prefix is an address, / and its length.";
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || text.Length - slash is < 2 or > 4
            || (text[slash + 1] == '0' && text.Length - slash > 2)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
        {
            return false;
        }

        var address = text.AsSpan(0, slash);
        if (type == ObservableType.IPv6Prefix)
        {
            if (!AddressForm.TryReadIPv6(address, out var six) || bits > 128)
            {
                return false;
            }

            error = null;
            observable = AddressForm.IsMapped(six) && bits >= 96
                ? FourPrefix((uint)six, bits - 96)
                : new Observable(type, string.Create(CultureInfo.InvariantCulture, $"{AddressForm.Write(AddressForm.Mask(six, bits))}/{bits}"));
            return true;
        }

        if (!AddressForm.TryReadIPv4(address, out var four) || bits > 32)
        {
            return false;
        }

        error = null;
        observable = FourPrefix(four, bits);
        return true;

        static Observable FourPrefix(uint address, int bits) =>
            new(ObservableType.IPv4Prefix, string.Create(CultureInfo.InvariantCulture, $"{AddressForm.Write(AddressForm.Mask(address, bits))}/{bits}"));
    }

    private static bool TryAsn(string text, out uint number)
    {
        number = 0;
        var digits = text.AsSpan();
        if (digits.StartsWith("AS", StringComparison.OrdinalIgnoreCase))
        {
            digits = digits[2..];
        }

        if (digits.Length > 11)
        {
            return false;
        }

        var dot = digits.IndexOf('.');
        if (dot < 0)
        {
            return uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        }

        if (!ushort.TryParse(digits[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out var high)
            || !ushort.TryParse(digits[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var low))
        {
            return false;
        }

        number = ((uint)high << 16) | low;
        return true;
    }

    // RFC 5321 §4.5.3.1.1 length, RFC 5322 §3.2.3 dot-atom. Quoted local parts and non-ASCII ones are refused; so are braces, which defanging uses.
    private static bool TryEmail(string text, out Observable observable, out string? error)
    {
        observable = default;
        var at = text.LastIndexOf('@');
        if (at < 0 || !IsLocalPart(text.AsSpan(0, at)))
        {
            error = "An e-mail address is a plain local part of up to 64 characters, @ and a domain.";
            return false;
        }

        if (!DomainForm.TryCanonical(text[(at + 1)..], out var domain, out error))
        {
            return false;
        }

        observable = new Observable(ObservableType.Email, string.Concat(text.AsSpan(0, at + 1), domain));
        return true;
    }

    internal static bool IsLocalPart(ReadOnlySpan<char> local)
    {
        if (local.Length is 0 or > 64 || local[0] == '.' || local[^1] == '.' || local.IndexOf("..", StringComparison.Ordinal) >= 0)
        {
            return false;
        }

        foreach (var c in local)
        {
            if (c != '.' && !IsAtomCharacter(c))
            {
                return false;
            }
        }

        return true;
    }

    internal static bool IsAtomCharacter(char c) => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-/=?^_`|~".Contains(c, StringComparison.Ordinal);

    internal static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }
        }

        return text.Length > 0;
    }

    internal static bool IsCve(ReadOnlySpan<char> text)
    {
        if (text.Length is < 13 or > 28 || !text.StartsWith("CVE-", StringComparison.OrdinalIgnoreCase) || text[8] != '-')
        {
            return false;
        }

        for (var i = 4; i < text.Length; i++)
        {
            if (i != 8 && !char.IsAsciiDigit(text[i]))
            {
                return false;
            }
        }

        return true;
    }
}
