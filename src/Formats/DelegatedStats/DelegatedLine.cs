using Renkei.Formats.PrefixTable;

namespace Renkei.Formats.DelegatedStats;

/// <summary>
/// One line of a registry's statistics exchange file ("delegated" and "delegated-extended", RIR statistics exchange format 2.x).
/// <paramref name="Line"/> counts from 1.
/// </summary>
public abstract record DelegatedLine(long Line);

/// <summary>First line of a file. <paramref name="Records"/> is how many records the registry says follow, to tell a cut file by.</summary>
public sealed record DelegatedVersion(
    long Line, string Version, string Registry, string Serial, long Records, DateOnly? Start, DateOnly? End, string UtcOffset) : DelegatedLine(Line);

/// <summary>How many records of a type the file has, as its registry counts them.</summary>
public sealed record DelegatedSummary(long Line, string Registry, DelegatedType Type, long Count) : DelegatedLine(Line);

/// <summary>A line that says nothing usable, and why. <paramref name="Column"/> counts bytes from 1.</summary>
public sealed record DelegatedError(long Line, int Column, string Reason) : DelegatedLine(Line);

/// <summary>
/// A block of numbers and who holds it. <paramref name="Country"/> is two upper-case letters as the registry wrote them (ISO 3166 and
/// the registries' own EU, AP, ZZ), null where the field is empty or *. <paramref name="Date"/> is when it was handed out, null where unknown.
/// <paramref name="OpaqueId"/> joins the blocks of one holder in extended files and says nothing else.
/// </summary>
public abstract record DelegatedRecord(
    long Line, string Registry, string? Country, DateOnly? Date, DelegatedStatus Status, string? OpaqueId) : DelegatedLine(Line);

/// <summary><paramref name="Count"/> AS numbers from <paramref name="First"/> on.</summary>
public sealed record DelegatedAsn(
    long Line, string Registry, string? Country, uint First, ulong Count, DateOnly? Date, DelegatedStatus Status, string? OpaqueId)
    : DelegatedRecord(Line, Registry, Country, Date, Status, OpaqueId);

/// <summary><paramref name="Count"/> addresses from <paramref name="First"/> on; the count need not be a power of two.</summary>
public sealed record DelegatedIPv4(
    long Line, string Registry, string? Country, uint First, ulong Count, DateOnly? Date, DelegatedStatus Status, string? OpaqueId)
    : DelegatedRecord(Line, Registry, Country, Date, Status, OpaqueId)
{
    /// <summary>The fewest networks that are exactly this block.</summary>
    public IReadOnlyList<AddressPrefix> Prefixes() => AddressPrefix.CoverRange(First, Count);
}

/// <summary>One IPv6 network.</summary>
public sealed record DelegatedIPv6(
    long Line, string Registry, string? Country, AddressPrefix Prefix, DateOnly? Date, DelegatedStatus Status, string? OpaqueId)
    : DelegatedRecord(Line, Registry, Country, Date, Status, OpaqueId);

public enum DelegatedType
{
    Asn,
    IPv4,
    IPv6,
}

/// <summary>Only allocated and assigned blocks have a holder.</summary>
public enum DelegatedStatus
{
    Allocated,
    Assigned,
    Available,
    Reserved,
}
