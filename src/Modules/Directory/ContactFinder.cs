using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Directories;

/// <summary>Where a target lies, as far as it is known: what contacts are matched with.</summary>
public sealed record Whereabouts(IPAddress? Address, long? Asn, string? Domain, string? Country);

/// <summary>A contact that answers for a target, and why: the constituency that matched.</summary>
public sealed record ContactMatch(Contact Contact, Team Team, ConstituencyKind Kind, string Value)
{
    /// <summary>Smaller is more specific: prefix by length, then ASN, domain, TLD, country.</summary>
    public required int Rank { get; init; }
}

/// <summary>
/// Proposes whom to ask: the most specific constituency wins (prefix, ASN, domain, then the country's national CSIRT), the covering ones
/// follow. Sees what the viewer may know of.
/// </summary>
public sealed class ContactFinder(NodeDb db)
{
    /// <summary>Contacts that answer for it, most specific first; each contact once.</summary>
    public async Task<IReadOnlyList<ContactMatch>> FindAsync(Whereabouts where, CancellationToken ct)
    {
        var matched = new List<(Constituency Piece, int Rank)>();
        if (where.Address is { } address)
        {
            var key = AddressKey(address);
#pragma warning disable CA1309 // becomes SQL; hex digits order the same in every collation
            var pieces = await db.Constituencies.AsNoTracking().Where(c => c.What == ConstituencyKind.Prefix && string.Compare(c.From, key) <= 0 && string.Compare(c.To, key) >= 0).OrderByDescending(c => c.Length).Take(20).ToListAsync(ct);
#pragma warning restore CA1309
            matched.AddRange(pieces.Select(p => (p, 128 - p.Length)));
        }

        if (where.Asn is { } asn)
        {
            var value = "AS" + asn.ToString(CultureInfo.InvariantCulture);
            matched.AddRange((await db.Constituencies.AsNoTracking().Where(c => c.What == ConstituencyKind.Asn && c.Value == value).Take(20).ToListAsync(ct)).Select(p => (p, 200)));
        }

        if (where.Domain is { } domain)
        {
            var parents = Parents(domain).ToArray();
            matched.AddRange((await db.Constituencies.AsNoTracking().Where(c => c.What == ConstituencyKind.Domain && parents.Contains(c.Value)).Take(20).ToListAsync(ct)).Select(p => (p, 300 - p.Value.Count(ch => ch == '.'))));
            var tld = parents[^1];
            matched.AddRange((await db.Constituencies.AsNoTracking().Where(c => c.What == ConstituencyKind.Tld && c.Value == tld).Take(20).ToListAsync(ct)).Select(p => (p, 400)));
        }

        if (where.Country is { } country)
        {
            matched.AddRange((await db.Constituencies.AsNoTracking().Where(c => c.What == ConstituencyKind.Country && c.Value == country).Take(20).ToListAsync(ct)).Select(p => (p, 500)));
        }

        var found = new List<ContactMatch>();
        foreach (var (piece, rank) in matched.OrderBy(m => m.Rank).ThenBy(m => m.Piece.Value, StringComparer.Ordinal))
        {
            var team = await db.Teams.AsNoTracking().FirstOrDefaultAsync(t => t.Id == piece.Team, ct);
            var contact = piece.Contact is { } named
                ? await db.Contacts.AsNoTracking().FirstOrDefaultAsync(c => c.Id == named, ct)
                : await db.Contacts.AsNoTracking().Where(c => c.Team == piece.Team).OrderBy(c => c.BouncedAt != null).ThenBy(c => c.Role).FirstOrDefaultAsync(ct);
            if (team is not null && contact is not null && found.TrueForAll(f => f.Contact.Id != contact.Id))
            {
                found.Add(new ContactMatch(contact, team, piece.What, piece.Value) { Rank = rank });
            }
        }

        return found;
    }

    /// <summary>An address as 32 upper-case hex digits, IPv4 mapped into IPv6: ordered as text.</summary>
    public static string AddressKey(IPAddress address) => Convert.ToHexString((address.AddressFamily == AddressFamily.InterNetwork ? address.MapToIPv6() : address).GetAddressBytes());

    /// <summary>First and last address of a canonical prefix as keys, and its length in the IPv6 form.</summary>
    public static (string From, string To, int Length) Range(string prefix)
    {
        var slash = prefix.IndexOf('/', StringComparison.Ordinal);
        var address = IPAddress.Parse(prefix.AsSpan(0, slash));
        var length = int.Parse(prefix.AsSpan(slash + 1), CultureInfo.InvariantCulture) + (address.AddressFamily == AddressFamily.InterNetwork ? 96 : 0);
        var from = (address.AddressFamily == AddressFamily.InterNetwork ? address.MapToIPv6() : address).GetAddressBytes();
        var to = (byte[])from.Clone();
        for (var bit = length; bit < 128; bit++)
        {
            from[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            to[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        return (Convert.ToHexString(from), Convert.ToHexString(to), length);
    }

    /// <summary>A domain and its parents up to the TLD: most specific first.</summary>
    private static IEnumerable<string> Parents(string domain)
    {
        for (var rest = domain; ; rest = rest[(rest.IndexOf('.', StringComparison.Ordinal) + 1)..])
        {
            yield return rest;
            if (!rest.Contains('.', StringComparison.Ordinal))
            {
                yield break;
            }
        }
    }
}
