namespace Renkei.Formats.Mail;

/// <summary>What is wrong with a message that was not written.</summary>
public enum MailFaultKind
{
    /// <summary>A line break, NUL or other control character where one would change the message's structure (header injection).</summary>
    ControlCharacter,
    /// <summary>A lone surrogate: the string is not Unicode text.</summary>
    NotText,
    TooLong,
    TooMany,
    InvalidAddress,
    /// <summary>A local part outside ASCII would need SMTPUTF8 (RFC 6531) at every hop; it is refused.</summary>
    NonAsciiLocalPart,
    InvalidDomain,
    NoRecipient,
    InvalidMessageId,
    InvalidHeaderName,
    /// <summary>The header is one the writer itself writes, or one only a mail server may add.</summary>
    ReservedHeader,
    InvalidMediaType,
    InvalidFileName,
    InvalidLanguage,
    InvalidDate,
}

/// <summary>Why a message or an address was refused. <paramref name="Where"/> names the field (<c>Subject</c>, <c>To[2]</c>),
/// <paramref name="Offset"/> is the UTF-16 offset of the offending character in it, or -1 when the field as a whole is at fault.</summary>
public sealed record MailFault(MailFaultKind Kind, string Where, int Offset, string Message);

/// <summary>Bounds of what the writer takes. Lengths are UTF-16 units unless they say bytes.</summary>
public static class MailLimits
{
    public const int HeaderValue = 4000;
    public const int HeaderName = 40;
    public const int DisplayName = 256;
    public const int FileName = 200;
    public const int Recipients = 100;
    public const int ExtraHeaders = 50;
    public const int Attachments = 50;
    public const int BodyText = 2 * 1024 * 1024;
    /// <summary>Bytes of all attachments together, before base64.</summary>
    public const long AttachmentBytes = 25L * 1024 * 1024;
    /// <summary>Characters of one Message-ID, angle brackets included.</summary>
    public const int MessageId = 250;
    /// <summary>The References header keeps the first id and this many of the last (RFC 5322 §3.6.4 leaves it open).</summary>
    public const int LastReferences = 20;
    /// <summary>RFC 5322 §2.1.1: no line longer than this, CRLF not counted.</summary>
    public const int LineBytes = 998;
}
