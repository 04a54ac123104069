using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Renkei.Formats.Mail;

/// <summary>A Message-ID that is proven to be one of ours.</summary>
public sealed record VerifiedMessageId(string RequestToken, int Attempt, string Domain);

/// <summary>Message-IDs that prove a reply descends from a mail we sent: <c>&lt;c{request}.{attempt}.{mac}@domain&gt;</c>. The MAC is
/// HMAC-SHA256 cut to 128 bits over domain, request and attempt, so an id can neither be guessed nor moved to another request.</summary>
public static class MessageIds
{
    private const int MacBytes = 16;

    /// <summary>Makes the id for one attempt at sending one request.</summary>
    /// <param name="domain">An ASCII domain of this node.</param>
    /// <param name="requestToken">1 to 40 of a-z and 0-9.</param>
    /// <param name="attempt">0 to 999999.</param>
    /// <param name="macKey">The node's key, at least 16 bytes.</param>
    /// <exception cref="ArgumentException">An argument breaks the above: a programming error, no input of strangers comes here.</exception>
    public static string Create(string domain, string requestToken, int attempt, ReadOnlySpan<byte> macKey)
    {
        string ascii = MailTokens.RequireDomain(domain);
        MailTokens.RequireToken(requestToken);
        ArgumentOutOfRangeException.ThrowIfNegative(attempt);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(attempt, 999_999);
        string mac = MailTokens.Mac(macKey, MacBytes, "message-id", ascii, requestToken, attempt.ToString(CultureInfo.InvariantCulture));
        return string.Create(CultureInfo.InvariantCulture, $"<c{requestToken}.{attempt}.{mac}@{ascii}>");
    }

    /// <summary>Reads an id as it comes back, with or without angle brackets. False for anything that is not ours, whatever it looks like.</summary>
    public static bool TryVerify(string? messageId, ReadOnlySpan<byte> macKey, [NotNullWhen(true)] out VerifiedMessageId? verified)
    {
        verified = null;
        if (messageId is null || messageId.Length > MailLimits.MessageId)
            return false;
        string id = messageId.Trim();
        if (id.StartsWith('<') && id.EndsWith('>'))
            id = id[1..^1];

        // hosts are sometimes written back in another case
        id = id.ToLowerInvariant();
        int at = id.IndexOf('@', StringComparison.Ordinal);
        if (at < 0 || id[0] != 'c' || !Mailbox.TryDomain(id[(at + 1)..], out string? domain))
            return false;
        string[] parts = id[1..at].Split('.');
        if (parts.Length != 3 || !MailTokens.IsToken(parts[0]) || parts[1].Length > 6
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int attempt)
            || (parts[1].Length > 1 && parts[1][0] == '0'))
            return false;
        if (!MailTokens.MacMatches(parts[2], MailTokens.Mac(macKey, MacBytes, "message-id", domain, parts[0], parts[1])))
            return false;
        verified = new(parts[0], attempt, domain);
        return true;
    }

    /// <summary>Whether an id can be written into a header: <c>&lt;left@right&gt;</c>, printable ASCII without blanks or further
    /// brackets, at most <see cref="MailLimits.MessageId"/> characters. Wider than RFC 5322's msg-id, since replies must name ids that exist.</summary>
    public static bool IsWellFormed(string id)
    {
        if (id.Length is < 5 or > MailLimits.MessageId || id[0] != '<' || id[^1] != '>')
            return false;
        ReadOnlySpan<char> inner = id.AsSpan(1, id.Length - 2);
        foreach (char c in inner)
        {
            if (c is <= ' ' or > '~' or '<' or '>')
                return false;
        }

        int at = inner.LastIndexOf('@');
        return at > 0 && at < inner.Length - 1;
    }
}

/// <summary>What a VERP address says once it is proven to be ours.</summary>
public sealed record VerpToken(string LocalPart, string Token, string Domain);

/// <summary>Variable envelope return paths: <c>local+{token}-{mac}@domain</c>. A bounce that comes back to such an address names
/// the request it belongs to, whatever its body looks like. The MAC is HMAC-SHA256 cut to 80 bits.</summary>
public static class Verp
{
    private const int MacBytes = 10;

    /// <summary>Makes the return path. The part before @ stays within 64 characters, so <paramref name="localPart"/> and
    /// <paramref name="token"/> have 42 together.</summary>
    /// <exception cref="ArgumentException">An argument is malformed or too long.</exception>
    public static string Address(string localPart, string token, ReadOnlySpan<byte> macKey, string domain)
    {
        string ascii = MailTokens.RequireDomain(domain);
        MailTokens.RequireToken(token);
        string local = localPart.ToLowerInvariant();
        string mac = MailTokens.Mac(macKey, MacBytes, "verp", ascii, local, token);
        string address = $"{local}+{token}-{mac}@{ascii}";
        if (local.Contains('+', StringComparison.Ordinal) || !Mailbox.TryCreate(address, null, out _, out _))
            throw new ArgumentException("The local part is malformed or too long for a return path.", nameof(localPart));
        return address;
    }

    /// <summary>Reads an address a mail came to, with or without angle brackets, in any case. False for anything not ours.</summary>
    public static bool TryParse(string? address, ReadOnlySpan<byte> macKey, [NotNullWhen(true)] out VerpToken? token)
    {
        token = null;
        if (address is null || address.Length > 320)
            return false;
        string text = address.Trim().ToLowerInvariant();
        if (text.StartsWith('<') && text.EndsWith('>'))
            text = text[1..^1];
        if (!Mailbox.TryCreate(text, null, out Mailbox? mailbox, out _))
            return false;
        int plus = mailbox.LocalPart.IndexOf('+', StringComparison.Ordinal);
        int dash = mailbox.LocalPart.LastIndexOf('-');
        if (plus <= 0 || dash < plus)
            return false;
        string local = mailbox.LocalPart[..plus];
        string carried = mailbox.LocalPart[(plus + 1)..dash];
        if (!MailTokens.IsToken(carried)
            || !MailTokens.MacMatches(mailbox.LocalPart[(dash + 1)..], MailTokens.Mac(macKey, MacBytes, "verp", mailbox.Domain, local, carried)))
            return false;
        token = new(local, carried, mailbox.Domain);
        return true;
    }
}

/// <summary>What <see cref="MessageIds"/> and <see cref="Verp"/> share. Lower case only: mail systems change the case of addresses.</summary>
internal static class MailTokens
{
    public static bool IsToken(string text) =>
        text.Length is > 0 and <= 40 && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c));

    public static void RequireToken(string token)
    {
        if (!IsToken(token))
            throw new ArgumentException("A token is 1 to 40 characters of a-z and 0-9.", nameof(token));
    }

    public static string RequireDomain(string domain) =>
        Mailbox.TryDomain(domain, out string? ascii) ? ascii : throw new ArgumentException("Not a domain name.", nameof(domain));

    /// <summary>Lower-case hex. The first part names the use, so that a MAC of one kind is none of the other; parts hold no NUL.</summary>
    public static string Mac(ReadOnlySpan<byte> key, int bytes, params ReadOnlySpan<string> parts)
    {
        if (key.Length < 16)
            throw new ArgumentException("The key has at least 16 bytes.", nameof(key));
        byte[] full = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(string.Join('\0', parts)));
        return Convert.ToHexStringLower(full.AsSpan(0, bytes));
    }

    public static bool MacMatches(string given, string right) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(right));
}
