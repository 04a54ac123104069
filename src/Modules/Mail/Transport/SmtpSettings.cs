using System.Security.Cryptography.X509Certificates;

namespace Renkei.Mail.Transport;

/// <summary>How the connection to the submission server is protected.</summary>
public enum SmtpSecurity
{
    /// <summary>Plain text: for a server on this machine. A password is then only sent to a loopback address.</summary>
    None,
    /// <summary>RFC 3207, usually port 587. A server that does not offer it gets nothing.</summary>
    StartTls,
    /// <summary>TLS from the first byte (RFC 8314), usually port 465.</summary>
    Tls,
}

/// <summary>Where mail is handed in (RFC 6409).</summary>
public sealed record SmtpSettings
{
    public required string Host { get; init; }

    public int Port { get; init; } = 587;

    public SmtpSecurity Security { get; init; } = SmtpSecurity.StartTls;

    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>The name this node gives in EHLO.</summary>
    public required string HeloName { get; init; }

    /// <summary>For each step: connecting, each reply as a whole, each 64 KiB sent.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For the reply to the message itself, which a server may give late after its checks (RFC 5321 §4.5.3.2.6).</summary>
    public TimeSpan FinalTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>SHA-256 of the server's certificate in hex: that certificate and no other is taken, whatever its name and issuer.</summary>
    public string? CertificateThumbprint { get; init; }

    /// <summary>The authority that signs the server's certificate, instead of the machine's list. The name is still checked.</summary>
    public X509Certificate2? CertificateAuthority { get; init; }

    /// <summary>Ask for notices of failure and delay where the server can (RFC 3461).</summary>
    public bool RequestNotices { get; init; }

    // the generated text would hold the password
    public override string ToString() => $"{Host}:{Port} {Security}";
}
