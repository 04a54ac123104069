using Renkei.Kernel;
using Renkei.Web;

namespace Renkei.Node.Accounts;

/// <summary>What is wrong with one line that a person typed, in words; null when nothing is.</summary>
public static class TextCheck
{
    public const int PasswordMax = 200;

    /// <summary>One line of at most <paramref name="max"/> UTF-16 units without control, bidi or invisible characters.</summary>
    public static string? Of(Texts t, string? value, int max, bool required = true)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return required ? t["accounts.check.missing"] : null;
        }

        return value.Length > max ? t.Of("accounts.check.long", max)
            : value.AsSpan().ContainsAny('\n', '\r', '\t') || InertText.Clean(value) != value ? t["accounts.check.hidden"] : null;
    }

    /// <summary>A mail address (RFC 5321 lengths).</summary>
    public static string? Mail(Texts t, string? value) =>
        Of(t, value, 254) ?? (value!.Contains('@', StringComparison.Ordinal) && !value.Trim().Contains(' ', StringComparison.Ordinal) && Observable.TryParse(ObservableType.Email, value.Trim(), out _, out _) ? null : t["accounts.check.mail"]);

    /// <summary>A new password: long enough, not one letter over and over, not the person's own address. Spaces and any script are welcome.</summary>
    public static string? Password(Texts t, string? value, string? mail)
    {
        if (string.IsNullOrEmpty(value) || value.Length < AccountsModule.PasswordLength)
        {
            return t.Of("accounts.check.password_short", AccountsModule.PasswordLength);
        }

        if (value.Length > PasswordMax)
        {
            return t.Of("accounts.check.long", PasswordMax);
        }

        return value.Distinct().Count() < 5 || (mail is { Length: > 0 } && string.Equals(value, mail, StringComparison.OrdinalIgnoreCase)) ? t["accounts.check.password_simple"] : null;
    }

    /// <summary>A slug: what stands in addresses.</summary>
    public static string? Slug(Texts t, string? value) =>
        Of(t, value, 40) ?? (value is { Length: > 0 } && value.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-') && char.IsAsciiLetterLower(value[0]) && value[^1] != '-' ? null : t["accounts.check.slug"]);

    /// <summary>ISO 3166-1 alpha-2.</summary>
    public static string? Country(Texts t, string? value) =>
        Of(t, value, 2) ?? (value is { Length: 2 } && value.All(char.IsAsciiLetter) ? null : t["accounts.check.country"]);
}
