using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Renkei.Directories.Pages;
using Renkei.Geo;
using Renkei.Kernel;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>GET /directory/who and /api/v1/directory/lookup: who answers for an address, prefix, AS number, domain, URL or mail address, and why.</summary>
public static class WhoAnswers
{
    private const int MaxQuery = 2000;

    /// <summary>What is known of where the observable lies, from the node's own tables: nobody outside is asked.</summary>
    public sealed record Place(Observable Observable, Whereabouts Where, string? Prefix, string? AsName);

    /// <param name="Q">As typed.</param>
    /// <param name="Problem">Why it could not be read; null when it was, or when nothing was asked yet.</param>
    /// <param name="GeoKnown">False while no geo tables answer: AS number and country are then unknown.</param>
    public sealed record Model(string Q, Place? Place, string? Problem, IReadOnlyList<ContactMatch> Matches, bool GeoKnown, DateTimeOffset Now, bool MayEdit);

    /// <summary>One contact that answers. <c>Constituency</c> is the piece that matched, <c>Specificity</c> its place: 1 is the most specific.</summary>
    public sealed record Item(int Specificity, TeamId Team, string TeamName, ShowTeam.ContactItem Contact, ShowTeam.PieceItem Constituency);

    public sealed record Answer(string Observable, ObservableType Type, string? Prefix, long? Asn, string? AsName, string? Country, IReadOnlyList<Item> Items);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/directory/who", PageAsync).Needs(Right.ReadDesk).ExcludeFromDescription();
        routes.MapGet("/api/v1/directory/lookup", ApiAsync).NeedsScope(Scopes.DirectoryRead).WithTags("directory").WithName("lookUpContacts");
    }

    private static async Task<IResult> PageAsync(string? q, ContactFinder finder, GeoStore geo, Texts t, Viewer viewer, TimeProvider clock, CancellationToken ct)
    {
        var typed = EntryFields.Line(q is { Length: > MaxQuery } ? q[..MaxQuery] : q);
        var may = viewer.Has(Right.EditDirectory);
        var snapshot = geo.Current;
        if (typed.Length == 0)
        {
            return Answers.Page<WhoPage>(new Model("", null, null, [], true, clock.GetUtcNow(), may));
        }

        if (Locate(typed, snapshot) is not { } place)
        {
            return Answers.Page<WhoPage>(new Model(typed, null, t["directory.who.bad"], [], true, clock.GetUtcNow(), may), StatusCodes.Status400BadRequest);
        }

        return Answers.Page<WhoPage>(new Model(typed, place, null, await MatchesAsync(finder, place, ct), snapshot.Networks > 0, clock.GetUtcNow(), may));
    }

    private static async Task<Results<Ok<Answer>, ValidationProblem>> ApiAsync(string? q, ContactFinder finder, GeoStore geo, TimeProvider clock, CancellationToken ct)
    {
        var typed = EntryFields.Line(q is { Length: > MaxQuery } ? "" : q);
        if (Locate(typed, geo.Current) is not { } place)
        {
            return TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["q"] = ["An address, prefix, AS number, domain, URL or mail address."] });
        }

        var matches = await MatchesAsync(finder, place, ct);
        var now = clock.GetUtcNow();
        return TypedResults.Ok(new Answer(place.Observable.Value, place.Observable.Type, place.Prefix, place.Where.Asn, place.AsName, place.Where.Country,
            [.. matches.Select((m, i) => new Item(i + 1, m.Team.Id, m.Team.Name, ShowTeam.ToItem(m.Contact, now), new(m.Kind, m.Value, null)))]));
    }

    /// <summary>Reads what was typed, defanged or not, and places it. A country-code TLD stands in for an unknown country.</summary>
    public static Place? Locate(string text, GeoSnapshot geo)
    {
        if (!Observable.TryParse(text, out var seen, out _) || seen.Type is ObservableType.Md5 or ObservableType.Sha1 or ObservableType.Sha256 or ObservableType.Cve)
        {
            return null;
        }

        IPAddress? address = seen.Type switch
        {
            ObservableType.IPv4Prefix or ObservableType.IPv6Prefix => Piece.Base(seen.Value),
            _ => seen.Host is { Type: ObservableType.IPv4 or ObservableType.IPv6 } host ? IPAddress.Parse(host.Value) : null,
        };
        if (address is not null)
        {
            var facts = geo.Lookup(address);
            return new(seen, new(address, facts.Asn, null, facts.Country), facts.Prefix?.ToString(), facts.AsName);
        }

        if (seen.Type == ObservableType.Asn)
        {
            var number = Piece.AsnOf(seen.Value);
            var facts = geo.Describe((uint)number);
            return new(seen, new(null, number, null, facts.Country), null, facts.Name);
        }

        var country = seen.Tld is { Length: 2 } tld && EntryFields.Country(tld, out var code) is null ? code : null;
        return new(seen, new(null, null, seen.Host?.Value, country), null, null);
    }

    private static async Task<IReadOnlyList<ContactMatch>> MatchesAsync(ContactFinder finder, Place place, CancellationToken ct)
    {
        var found = await finder.FindAsync(place.Where, ct);
        if (place.Observable.Type is not (ObservableType.IPv4Prefix or ObservableType.IPv6Prefix))
        {
            return found;
        }

        // who answers for a small part of the asked network does not answer for the network
        var length = int.Parse(place.Observable.Value.AsSpan(place.Observable.Value.IndexOf('/', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture) + (place.Observable.Type == ObservableType.IPv4Prefix ? 96 : 0);
        return [.. found.Where(m => m.Kind != ConstituencyKind.Prefix || m.Rank >= 128 - length)];
    }
}
