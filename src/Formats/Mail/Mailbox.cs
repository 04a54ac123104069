using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Renkei.Formats.Mail;

/// <summary>One address with an optional display name (RFC 5322 §3.4, <c>mailbox</c>). It can only be made by
/// <see cref="TryCreate"/>, so one that exists is safe to put into a header or an SMTP command.</summary>
public sealed record Mailbox
{
    private Mailbox(string localPart, string domain, string? displayName) =>
        (LocalPart, Domain, DisplayName) = (localPart, domain, displayName);

    /// <summary>The part before the @: ASCII dot-atom, at most 64 bytes, case kept.</summary>
    public string LocalPart { get; }

    /// <summary>The domain in ASCII (IDN as punycode) and lower case.</summary>
    public string Domain { get; }

    public string? DisplayName { get; }

    /// <summary><c>local@domain</c>, ASCII, at most 254 bytes.</summary>
    public string Address => LocalPart + "@" + Domain;

    /// <summary>Checks an address and a display name. Quoted local parts, comments and domain literals are refused: the
    /// addresses of contacts do not need them, and filters disagree about them.</summary>
    public static bool TryCreate(
        string address,
        string? displayName,
        [NotNullWhen(true)] out Mailbox? mailbox,
        [NotNullWhen(false)] out MailFault? fault)
    {
        mailbox = null;
        if (address.Length > 320)
        {
            fault = new(MailFaultKind.TooLong, "address", 320, "An address has at most 254 characters.");
            return false;
        }

        fault = HeaderText.Check("address", address, 320);
        if (fault is not null)
            return false;

        int at = address.LastIndexOf('@');
        if (at <= 0 || at == address.Length - 1)
        {
            fault = new(MailFaultKind.InvalidAddress, "address", Math.Max(at, 0), "An address has the form local@domain.");
            return false;
        }

        fault = CheckLocalPart(address.AsSpan(0, at));
        if (fault is not null)
            return false;

        if (!TryDomain(address[(at + 1)..], out string? domain))
        {
            fault = new(MailFaultKind.InvalidDomain, "address", at + 1, "The part after @ is not a domain name.");
            return false;
        }

        if (at + 1 + domain.Length > 254)
        {
            fault = new(MailFaultKind.TooLong, "address", 254, "An address has at most 254 characters.");
            return false;
        }

        string? name = string.IsNullOrWhiteSpace(displayName) ? null : displayName.Trim();
        if (name is not null)
        {
            fault = HeaderText.Check("display name", name, MailLimits.DisplayName);
            if (fault is not null)
                return false;
        }

        mailbox = new(address[..at], domain, name);
        return true;
    }

    /// <summary>A domain name as ASCII in lower case; IDN labels become punycode (RFC 5891). At most 253 characters, labels of
    /// letters, digits and inner hyphens; an address such as 192.0.2.1 is no domain.</summary>
    public static bool TryDomain(string text, [NotNullWhen(true)] out string? ascii)
    {
        ascii = null;
        if (text.Length is 0 or > 253 || HeaderText.Check("domain", text, 253) is not null)
            return false;

        string candidate = text;
        if (!System.Text.Ascii.IsValid(text))
        {
            try
            {
                candidate = new IdnMapping { UseStd3AsciiRules = true, AllowUnassigned = false }.GetAscii(text);
            }
            catch (ArgumentException)
            {
                // the framework has no Try form; a bad label is an expected failure here
                return false;
            }
        }

        candidate = candidate.ToLowerInvariant();
        if (candidate.Length > 253)
            return false;

        bool lastIsNumber = false;
        foreach (Range range in candidate.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> label = candidate.AsSpan(range);
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
                return false;
            lastIsNumber = true;
            foreach (char c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                    return false;
                lastIsNumber &= char.IsAsciiDigit(c);
            }
        }

        if (lastIsNumber)
            return false;
        ascii = candidate;
        return true;
    }

    private static MailFault? CheckLocalPart(ReadOnlySpan<char> local)
    {
        for (int i = 0; i < local.Length; i++)
        {
            char c = local[i];
            if (c > 0x7f)
                return new(MailFaultKind.NonAsciiLocalPart, "address", i, "The part before @ has to be ASCII.");
            bool dot = c == '.';
            if (!dot && !HeaderText.IsAtomChar(c))
                return new(MailFaultKind.InvalidAddress, "address", i, "This character is not allowed before @.");
            if (dot && (i == 0 || i == local.Length - 1 || local[i - 1] == '.'))
                return new(MailFaultKind.InvalidAddress, "address", i, "A dot stands between two other characters.");
        }

        return local.Length > 64
            ? new(MailFaultKind.TooLong, "address", 64, "The part before @ has at most 64 characters.")
            : null;
    }
}
