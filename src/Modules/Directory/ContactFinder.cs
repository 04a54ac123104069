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

    /// <summary>Another team than the viewer's says so: nobody of ours has looked at it.</summary>
    public bool Foreign { get; init; }

    /// <summary>Who says so when it is <see cref="Foreign"/>; null too when the viewer may not know of them.</summary>
    public Team? KeptBy { get; init; }
}

/// <summary>
/// Proposes whom to ask: the most specific constituency wins (prefix, ASN, domain, then the country's national CSIRT), the covering ones
/// follow. What the viewer's own team maintains comes before all that others share with it: a claim to a single address, shared by
/// whoever wants the mail about it, is more specific than anything true. Sees what the viewer may know of.
/// </summary>
public sealed class ContactFinder(NodeDb db)
{
    /// <summary>At most so many constituencies of one kind are looked at: more than that answer for nothing in particular.</summary>
    private const int PerKind = 20;

    /// <summary>Contacts that answer for it, the own team's first, of each the most specific first; each contact once. One whose mail bounced comes after its colleagues.</summary>
    public async Task<IReadOnlyList<ContactMatch>> FindAsync(Whereabouts where, CancellationToken ct)
    {
        var own = db.Viewer.Team ?? default;
        var matched = new List<(Constituency Piece, int Rank)>();
        if (where.Address is { } address)
        {
            // every prefix around an address starts at one of these: an index look-up each instead of a walk over half the table
            var key = AddressKey(address);
            var starts = Starts(address);
#pragma warning disable CA1309 // becomes SQL; hex digits order the same in every collation
            var pieces = await Pieces(ConstituencyKind.Prefix).Where(c => starts.Contains(c.From) && string.Compare(c.To, key) >= 0).OrderBy(c => c.Marking.Origin != own).ThenByDescending(c => c.Length).ThenBy(c => c.Id).Take(PerKind).ToListAsync(ct);
#pragma warning restore CA1309
            matched.AddRange(pieces.Select(p => (p, 128 - p.Length)));
        }

        if (where.Asn is { } asn)
        {
            matched.AddRange(await ExactAsync(own, ConstituencyKind.Asn, "AS" + asn.ToString(CultureInfo.InvariantCulture), 200, ct));
        }

        if (where.Domain is { } domain)
        {
            var parents = Parents(domain).ToArray();
            matched.AddRange((await Pieces(ConstituencyKind.Domain).Where(c => parents.Contains(c.Value)).OrderBy(c => c.Marking.Origin != own).ThenByDescending(c => c.Value.Length).ThenBy(c => c.Id).Take(PerKind).ToListAsync(ct)).Select(p => (p, 300 - p.Value.Count(ch => ch == '.'))));
            matched.AddRange(await ExactAsync(own, ConstituencyKind.Tld, parents[^1], 400, ct));
        }

        if (where.Country is { } country)
        {
            matched.AddRange(await ExactAsync(own, ConstituencyKind.Country, country, 500, ct));
        }

        if (matched.Count == 0)
        {
            return [];
        }

        var teamIds = matched.Select(m => m.Piece.Team).Distinct().ToArray();
        var teams = await db.Teams.AsNoTracking().Where(t => teamIds.Contains(t.Id)).ToDictionaryAsync(t => t.Id, ct);
        var contacts = (await db.Contacts.AsNoTracking().Where(c => teamIds.Contains(c.Team)).OrderBy(c => c.Marking.Origin != own).ThenBy(c => c.BouncedAt != null).ThenBy(c => c.Role).ThenBy(c => c.Id).Take(2000).ToListAsync(ct)).ToLookup(c => c.Team);
        var found = new List<ContactMatch>();
        var taken = new HashSet<ContactId>();
        var keepers = new Dictionary<ContactId, TeamId>();
        foreach (var (piece, rank) in matched.OrderBy(m => m.Piece.Marking.Origin != own).ThenBy(m => m.Rank).ThenBy(m => m.Piece.Value, StringComparer.Ordinal))
        {
            if (!teams.TryGetValue(piece.Team, out var team))
            {
                continue;
            }

            // the named contact, unless its mail bounces and a colleague's does not; one that is gone or hidden leaves it to the colleagues
            var all = contacts[piece.Team];
            var contact = all.FirstOrDefault(c => c.Id == piece.Contact && c.BouncedAt is null) ?? all.FirstOrDefault(c => c.BouncedAt is null) ?? all.FirstOrDefault(c => c.Id == piece.Contact) ?? all.FirstOrDefault();
            if (contact is not null && taken.Add(contact.Id))
            {
                // claim, address and organisation: each may be another team's word
                TeamId[] origins = [piece.Marking.Origin, contact.Marking.Origin, team.Marking.Origin];
                found.Add(new ContactMatch(contact, team, piece.What, piece.Value) { Rank = rank, Foreign = origins.Any(o => o != own) });
                if (origins.FirstOrDefault(o => o != own) is var other && other != default)
                {
                    keepers[contact.Id] = other;
                }
            }
        }

        // an own claim whose only contact is another team's stands behind those that are our own word throughout
        return await WithKeepersAsync([.. found.OrderBy(m => m.Foreign)], keepers, ct);
    }

    private async Task<IReadOnlyList<ContactMatch>> WithKeepersAsync(List<ContactMatch> found, Dictionary<ContactId, TeamId> keepers, CancellationToken ct)
    {
        if (keepers.Count == 0)
        {
            return found;
        }

        var ids = keepers.Values.Distinct().ToArray();
        var teams = await db.Teams.AsNoTracking().Where(t => ids.Contains(t.Id)).ToDictionaryAsync(t => t.Id, ct);
        return found.ConvertAll(m => keepers.TryGetValue(m.Contact.Id, out var keeper) ? m with { KeptBy = teams.GetValueOrDefault(keeper) } : m);
    }

    private IQueryable<Constituency> Pieces(ConstituencyKind kind) => db.Constituencies.AsNoTracking().Where(c => c.What == kind);

    private async Task<IEnumerable<(Constituency Piece, int Rank)>> ExactAsync(TeamId own, ConstituencyKind kind, string value, int rank, CancellationToken ct) =>
        (await Pieces(kind).Where(c => c.Value == value).OrderBy(c => c.Marking.Origin != own).ThenBy(c => c.Id).Take(PerKind).ToListAsync(ct)).Select(p => (p, rank));

    /// <summary>First addresses, as keys, of all prefixes around an address: 33 at most for IPv4, 129 for IPv6.</summary>
    private static string[] Starts(IPAddress address)
    {
        var bytes = (address.AddressFamily == AddressFamily.InterNetwork ? address.MapToIPv6() : address).GetAddressBytes();
        var starts = new HashSet<string>(StringComparer.Ordinal) { Convert.ToHexString(bytes) };
        for (var bit = 127; bit >= (address.AddressFamily == AddressFamily.InterNetwork ? 96 : 0); bit--)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            starts.Add(Convert.ToHexString(bytes));
        }

        return [.. starts];
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
