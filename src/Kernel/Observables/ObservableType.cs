namespace Renkei.Kernel;

/// <summary>The kinds of technical fact that reports, feeds and searches are matched by.</summary>
public enum ObservableType
{
    IPv4,
    IPv4Prefix,
    IPv6,
    IPv6Prefix,
    Asn,
    Domain,
    Url,
    Email,
    Md5,
    Sha1,
    Sha256,
    Cve,
}
