using System.Globalization;
using System.Net;
using Renkei.Kernel;

namespace Renkei.Directories;

/// <summary>
/// A constituency as people write it: a prefix or address, an AS number, a domain, <c>.tld</c> or a two-letter country. Canonical, so that
/// equal pieces are equal values.
/// </summary>
public readonly record struct Piece(ConstituencyKind Kind, string Value)
{
    /// <summary>Reads one; the key says what is wrong with it (<c>directory.bad.*</c>).</summary>
    public static string? Read(string text, out Piece piece)
    {
        piece = default;
        var trimmed = text.Trim();
        if (trimmed.Length is 0 or > 300)
        {
            return "directory.bad.piece";
        }

        if (trimmed.Length == 2 && char.IsAsciiLetter(trimmed[0]) && char.IsAsciiLetter(trimmed[1]))
        {
            var bad = EntryFields.Country(trimmed, out var country);
            piece = new(ConstituencyKind.Country, country);
            return bad;
        }

        if (trimmed[0] == '.' && !trimmed.AsSpan(1).Contains('.'))
        {
            return Tld(trimmed[1..], out piece);
        }

        // "*.hosting.example" means the domain and all below it, which a domain means here anyway
        var plain = trimmed.StartsWith("*.", StringComparison.Ordinal) ? trimmed[2..] : trimmed;
        if (!Observable.TryParse(plain, out var seen, out _))
        {
            return plain.Contains('/', StringComparison.Ordinal) ? "directory.bad.prefix" : "directory.bad.piece";
        }

        switch (seen.Type)
        {
            case ObservableType.IPv4Prefix or ObservableType.IPv6Prefix:
                piece = new(ConstituencyKind.Prefix, seen.Value);
                return seen.Value.EndsWith("/0", StringComparison.Ordinal) ? "directory.bad.prefix_all" : null;
            case ObservableType.IPv4:
                piece = new(ConstituencyKind.Prefix, seen.Value + "/32");
                return null;
            case ObservableType.IPv6:
                piece = new(ConstituencyKind.Prefix, seen.Value + "/128");
                return null;
            case ObservableType.Asn:
                piece = new(ConstituencyKind.Asn, seen.Value);
                return null;
            case ObservableType.Domain:
                piece = new(ConstituencyKind.Domain, seen.Value);
                return null;
            default:
                return "directory.bad.piece";
        }
    }

    /// <summary>As a line of the edit box, and as it is shown: what someone answers for is no indicator, so it is not defanged.</summary>
    public string Written => Kind == ConstituencyKind.Tld ? "." + Value : Value;

    public static Piece Of(Constituency constituency) => new(constituency.What, constituency.Value);

    /// <summary>The record for it, marked as the organisation's entry is.</summary>
    public Constituency ToRecord(Team team, ContactId? contact, TimeProvider clock)
    {
        var (from, to, length) = Kind == ConstituencyKind.Prefix ? ContactFinder.Range(Value) : ("", "", 0);
        return new Constituency { Id = ConstituencyId.New(clock), Marking = team.Marking, Team = team.Id, Contact = contact, What = Kind, Value = Value, From = from, To = to, Length = length };
    }

    private static string? Tld(string text, out Piece piece)
    {
        // a TLD alone is no domain for Observable: give it a label to stand under
        piece = default;
        if (!Observable.TryParse(ObservableType.Domain, "a." + text, out var domain, out _) || domain.Value.Count(c => c == '.') != 1)
        {
            return "directory.bad.tld";
        }

        piece = new(ConstituencyKind.Tld, domain.Value[2..]);
        return null;
    }

    /// <summary>An AS number of its canonical form.</summary>
    internal static long AsnOf(string value) => long.Parse(value.AsSpan(2), CultureInfo.InvariantCulture);

    /// <summary>The first address of a canonical prefix.</summary>
    internal static IPAddress Base(string prefix) => IPAddress.Parse(prefix.AsSpan(0, prefix.IndexOf('/', StringComparison.Ordinal)));
}
