namespace Renkei.Kernel;

/// <summary>Why a marking cannot stand. Contradictions are refused, not warned about.</summary>
public enum MarkingFault
{
    /// <summary>RED names nobody: an empty audience is nobody, not even its author.</summary>
    RedNamesNobody,

    /// <summary>RED is for named persons, or at intake for a role of the receiving team; not for teams, groups or communities.</summary>
    RedIsForPersons,

    /// <summary>AMBER and AMBER+STRICT do not reach a whole community; that is GREEN.</summary>
    AmberIsNotForCommunities,

    /// <summary>AMBER+STRICT stays inside the audience teams: no constituents, no groups.</summary>
    StrictStaysInTheTeam,

    /// <summary>CLEAR is for anyone; it can exclude nobody.</summary>
    ClearExcludesNobody,

    /// <summary>The origin team cannot be excluded from what is its own.</summary>
    OriginExcluded,

    /// <summary>The expiry is not after the embargo.</summary>
    EndsBeforeItBegins,
}

/// <summary>
/// Who may know of a record and what they may do with it. TLP bounds the audience: RED named persons; AMBER+STRICT the audience teams;
/// AMBER those and the constituents named; GREEN communities too; CLEAR anyone. Immutable: a new marking replaces the old one whole.
/// </summary>
public sealed record Marking
{
    public required Tlp Tlp { get; init; }

    public required Pap Pap { get; init; }

    /// <summary>The team whose information this is. It always sees its own, except RED, which is for those named.</summary>
    public required TeamId Origin { get; init; }

    /// <summary>With whom it is shared beyond the origin team.</summary>
    public PrincipalSet Audience { get; init; } = PrincipalSet.Empty;

    /// <summary>Who may not know of it, whatever the audience says: deny wins.</summary>
    public PrincipalSet Exclusions { get; init; } = PrincipalSet.Empty;

    /// <summary>FIRST IEP 2.0 policy that adds terms, if any.</summary>
    public Guid? IepPolicy { get; init; }

    /// <summary>The drill this belongs to. Exercise material never reaches anyone outside the drill.</summary>
    public Guid? Exercise { get; init; }

    /// <summary>Until then only the origin team knows of it.</summary>
    public DateTimeOffset? Embargo { get; init; }

    /// <summary>From then on only the origin team knows of it.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>AMBER for the team itself: what a desk starts with.</summary>
    public static Marking Own(TeamId team, Tlp tlp = Tlp.Amber, Pap pap = Pap.Amber) => new() { Tlp = tlp, Pap = pap, Origin = team };

    /// <summary>RED at intake: those who do triage in the receiving team, nobody else.</summary>
    public static Marking RedAtIntake(TeamId team) => new()
    {
        Tlp = Tlp.Red,
        Pap = Pap.Red,
        Origin = team,
        Audience = new([.. Enum.GetValues<Role>().Where(r => r.DoesTriage()).Select(r => Principal.Of(team, r))]),
    };

    /// <summary>The first contradiction, or null when the marking can stand.</summary>
    public MarkingFault? Fault()
    {
        if (Exclusions.Contains(Principal.Of(Origin)))
        {
            return MarkingFault.OriginExcluded;
        }

        if (Embargo is { } from && Expires is { } until && until <= from)
        {
            return MarkingFault.EndsBeforeItBegins;
        }

        return Tlp switch
        {
            Tlp.Red when Audience.Count == 0 => MarkingFault.RedNamesNobody,
            Tlp.Red when Audience.Any(p => !p.IsPerson && !p.IsRole) => MarkingFault.RedIsForPersons,
            Tlp.Amber or Tlp.AmberStrict when Audience.Any(p => p.IsCommunity || p == Principal.Anyone) => MarkingFault.AmberIsNotForCommunities,
            Tlp.AmberStrict when Audience.Any(p => p.IsGroup || p.IsConstituentRole) => MarkingFault.StrictStaysInTheTeam,
            Tlp.Clear when Exclusions.Count > 0 => MarkingFault.ClearExcludesNobody,
            _ => null,
        };
    }

    /// <summary>
    /// Who may know of the record, and when: the rows of the grant table. The origin team's own grant has no window; everybody else's
    /// begins with the embargo's end and ends with the expiry.
    /// </summary>
    public IEnumerable<Granted> Grants()
    {
        var from = Embargo ?? DateTimeOffset.MinValue;
        var until = Expires ?? DateTimeOffset.MaxValue;
        if (Fault() is not null)
        {
            yield break;
        }

        if (Tlp != Tlp.Red)
        {
            yield return new(Principal.Of(Origin), DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        }

        if (Tlp == Tlp.Clear)
        {
            yield return new(Principal.Anyone, from, until);
        }

        foreach (var principal in Audience)
        {
            if (principal == Principal.Of(Origin) || (Tlp == Tlp.Clear && principal == Principal.Anyone))
            {
                continue;
            }

            // those named on a RED record are its only readers, the origin's own among them: for them an embargo has no meaning
            yield return Tlp == Tlp.Red ? new(principal, DateTimeOffset.MinValue, until) : new(principal, from, until);
        }
    }

    /// <summary>Strictest of both: for data derived from several sources. The audience is what both allow; an empty one is nobody else.</summary>
    public static Marking Strictest(Marking a, Marking b, TeamId origin) => new()
    {
        Tlp = a.Tlp > b.Tlp ? a.Tlp : b.Tlp,
        Pap = a.Pap > b.Pap ? a.Pap : b.Pap,
        Origin = origin,
        Audience = a.Tlp == Tlp.Clear ? b.Audience : b.Tlp == Tlp.Clear ? a.Audience : new(a.Audience.Intersect(b.Audience)),
        Exclusions = new(a.Exclusions.Union(b.Exclusions)),
        Exercise = a.Exercise ?? b.Exercise,
        Embargo = Later(a.Embargo, b.Embargo),
        Expires = Earlier(a.Expires, b.Expires),
    };

    private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => a is null ? b : b is null ? a : a > b ? a : b;

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null ? b : b is null ? a : a < b ? a : b;
}

/// <summary>One row of the grant table: this principal may know of the record from, until (UTC).</summary>
public readonly record struct Granted(Principal Principal, DateTimeOffset From, DateTimeOffset Until);

/// <summary>An ordered set of principals, equal by content, stored as one line of codes.</summary>
public sealed class PrincipalSet : IReadOnlyCollection<Principal>, IEquatable<PrincipalSet>
{
    private readonly Principal[] _items;

    public PrincipalSet(IEnumerable<Principal> items) => _items = [.. items.DistinctBy(p => p.Code, StringComparer.Ordinal).OrderBy(p => p.Code, StringComparer.Ordinal)];

    public static PrincipalSet Empty { get; } = new([]);

    public int Count => _items.Length;

    public bool Contains(Principal principal) => Array.IndexOf(_items, principal) >= 0;

    public string ToText() => string.Join(' ', _items.Select(p => p.Code));

    /// <summary>Reads <see cref="ToText"/>; an unknown code is dropped, which can only narrow an audience.</summary>
    public static PrincipalSet FromText(string text) =>
        text.Length == 0 ? Empty : new(text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(c => Principal.TryParse(c, out _)).Select(c => new Principal(c)));

    public IEnumerator<Principal> GetEnumerator() => ((IEnumerable<Principal>)_items).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => _items.GetEnumerator();

    public bool Equals(PrincipalSet? other) => other is not null && _items.AsSpan().SequenceEqual(other._items);

    public override bool Equals(object? obj) => Equals(obj as PrincipalSet);

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ToText());
}

/// <summary>A record that carries its own release terms. The store filters every one of them.</summary>
public interface IMarked
{
    Marking Marking { get; }

    /// <summary>The id as the grant table knows it.</summary>
    Guid RecordKey { get; }
}
