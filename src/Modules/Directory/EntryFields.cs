using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Renkei.Formats.Mail;
using Renkei.Kernel;

namespace Renkei.Directories;

/// <summary>
/// What the fields of a directory entry may hold, for forms and import alike. Each check gives the value as it is stored, or the
/// text key of what is wrong (<c>directory.bad.*</c>). Empty text passes as empty; the caller knows what is required.
/// </summary>
public static class EntryFields
{
    public const int NameLength = 200;
    public const int NotesLength = 4000;
    public const int PhoneLength = 60;

    /// <summary>ISO 3166-1 alpha-2, the 249 that are assigned.</summary>
    private static readonly FrozenSet<string> CountryCodes = Words(
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ "
        + "DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT "
        + "JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ "
        + "NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ "
        + "TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW");

    /// <summary>ISO 639-1 codes that contacts are likely to have.</summary>
    private static readonly FrozenSet<string> LanguageCodes = Words(
        "ja en af ar az be bg bn bs ca cs cy da de el es et eu fa fi fr ga gl he hi hr hu hy id is it ka kk km ko ky lo lt lv mk mn ms my nb ne nl nn no pl pt ro ru si sk sl sq sr sv sw ta te tg th tk tl tr uk ur uz vi zh");

    /// <summary>All country codes, in order, for a list to choose from.</summary>
    public static IReadOnlyList<string> Countries { get; } = [.. CountryCodes.Order(StringComparer.Ordinal)];

    /// <summary>One line: inert, white space folded, ends trimmed.</summary>
    public static string Line(string? text)
    {
        var clean = InertText.Clean(text ?? "");
        return string.Join(' ', clean.Split([' ', '\t', '\n', '\u3000'], StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Several lines, inert.</summary>
    public static string Block(string? text) => InertText.Clean(text ?? "").Trim();

    /// <summary>Longer than the field? The key that says so; the bound is its argument.</summary>
    public static string? TooLong(string value, int max) => value.Length > max ? "directory.bad.long" : null;

    /// <summary>2 to 40 of a-z, 0-9 and hyphen; a hyphen stands inside.</summary>
    public static string? Slug(string text, out string value)
    {
        value = text.ToLowerInvariant();
        return value.Length is >= 2 and <= 40 && value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && value[0] != '-' && value[^1] != '-' ? null : "directory.bad.slug";
    }

    /// <summary>Local part in ASCII as written, domain as lower-case A-labels (RFC 5321 §4.1.2, RFC 5891).</summary>
    public static string? Mail(string text, out string value)
    {
        value = text;
        if (text.Length == 0)
        {
            return null;
        }

        if (!Mailbox.TryCreate(text, null, out var mailbox, out var fault))
        {
            return fault.Kind == MailFaultKind.NonAsciiLocalPart ? "directory.bad.mail_ascii" : "directory.bad.mail";
        }

        value = mailbox.Address;
        return null;
    }

    /// <summary>A number as people write it, with extension: digits and + ( ) - . / # * , ; space, "ext".</summary>
    public static string? Phone(string text, out string value)
    {
        value = text.Normalize(NormalizationForm.FormKC);
        var digits = value.Count(char.IsAsciiDigit);
        var rest = value.Replace("ext", "", StringComparison.OrdinalIgnoreCase).Replace("内線", "", StringComparison.Ordinal);
        return value.Length == 0 || (value.Length <= PhoneLength && digits >= 3 && rest.All(c => char.IsAsciiDigit(c) || "+()-./#*,; x".Contains(c, StringComparison.Ordinal))) ? null : "directory.bad.phone";
    }

    /// <summary>40 (version 4) or 64 (version 6, RFC 9580 §5.5.4) hex digits, spaces and colons allowed between.</summary>
    public static string? Fingerprint(string text, out string value)
    {
        value = new string([.. text.Where(c => c is not (' ' or ':' or '\u00a0'))]).ToUpperInvariant();
        value = value.StartsWith("0X", StringComparison.Ordinal) ? value[2..] : value;
        if (value.Length == 0 || (value.Length is 40 or 64 && value.All(char.IsAsciiHexDigit)))
        {
            return null;
        }

        value = text;
        return "directory.bad.fingerprint";
    }

    /// <summary>A fingerprint in groups of four for the eye.</summary>
    public static string Grouped(string fingerprint) => string.Join(' ', fingerprint.Chunk(4).Select(c => new string(c)));

    /// <summary>ISO 639-1 codes, best first, separated by anything people write between them; at most eight.</summary>
    public static string? Languages(string text, out string value)
    {
        var codes = text.ToLowerInvariant().Split([' ', ',', ';', '/', '、', '，'], StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToArray();
        value = codes.Length <= 8 && codes.All(LanguageCodes.Contains) ? string.Join(' ', codes) : text;
        return codes.Length is > 0 and <= 8 && codes.All(LanguageCodes.Contains) ? null : text.Length == 0 ? null : "directory.bad.languages";
    }

    /// <summary>An IANA zone; a Windows name becomes the IANA one.</summary>
    public static string? Zone(string text, out string value)
    {
        value = text;
        if (text.Length == 0)
        {
            return null;
        }

        if (text.Length > 64 || !TimeZoneInfo.TryFindSystemTimeZoneById(text, out var zone))
        {
            return "directory.bad.zone";
        }

        if (!zone.HasIanaId)
        {
            return TimeZoneInfo.TryConvertWindowsIdToIanaId(text, out var iana) && (value = iana) is not null ? null : "directory.bad.zone";
        }

        // "asia/tokyo" is found on some systems and not on others
        value = zone.Id;
        return null;
    }

    /// <summary>ISO 3166-1 alpha-2.</summary>
    public static string? Country(string text, out string value)
    {
        value = text.ToUpperInvariant();
        return value.Length == 0 || CountryCodes.Contains(value) ? null : "directory.bad.country";
    }

    /// <summary>A short name from what is there: for entries of an address book, whose short name nobody types.</summary>
    public static string SlugFor(string? latin, string? mail, TeamId id)
    {
        var made = new StringBuilder(40);
        var source = string.IsNullOrEmpty(latin) ? mail is { } m && m.Contains('@', StringComparison.Ordinal) ? m[(m.LastIndexOf('@') + 1)..] : "org" : latin;
        foreach (var c in source.ToLowerInvariant().Normalize(NormalizationForm.FormKD))
        {
            if (char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c))
            {
                made.Append(c);
            }
            else if (made.Length > 0 && made[^1] != '-' && !CharUnicodeInfo.GetUnicodeCategory(c).Equals(UnicodeCategory.NonSpacingMark))
            {
                made.Append('-');
            }
        }

        // the end of the id keeps it unique on the node without asking for names that this viewer may not know of
        var stem = made.ToString(0, Math.Min(made.Length, 31)).Trim('-');
        return (stem.Length == 0 ? "org" : stem) + "-" + id.Value.ToString("N")[24..];
    }

    private static FrozenSet<string> Words(string text) => text.Split(' ').ToFrozenSet(StringComparer.Ordinal);
}
