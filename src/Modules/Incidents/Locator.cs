using System.Globalization;
using System.Net;
using Renkei.Directories;
using Renkei.Geo;
using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>Where an observable lies as far as the node's own tables say: never asks the network.</summary>
public sealed record Location(string? Prefix, long? Asn, string? AsName, string? Country, string? Tld)
{
    public static Location Unknown { get; } = new(null, null, null, null, null);
}

/// <summary>Locates observables with the geo snapshot.</summary>
public sealed class Locator(GeoStore geo)
{
    /// <summary><paramref name="address"/> is where a name or URL was seen, when someone told.</summary>
    public Location Of(Observable observable, string? address = null)
    {
        var host = observable.Type is ObservableType.IPv4 or ObservableType.IPv6 ? observable.Value
            : address ?? (observable.Host is { } h && IPAddress.TryParse(h.Value, out _) ? h.Value : null);
        if (host is not null && IPAddress.TryParse(host, out var ip))
        {
            var facts = geo.Current.Lookup(ip);
            return new(facts.Prefix?.ToString(), facts.Asn, facts.AsName, facts.Country, observable.Tld);
        }

        if (observable.Type == ObservableType.Asn && uint.TryParse(observable.Value.AsSpan(2), CultureInfo.InvariantCulture, out var asn))
        {
            var facts = geo.Current.Describe(asn);
            return new(null, asn, facts.Name, facts.Country, null);
        }

        return Location.Unknown with { Tld = observable.Tld };
    }

    /// <summary>What the contact finder matches with; a country-code TLD stands in for an unknown country.</summary>
    public static Whereabouts Whereabouts(Observable observable, string? address, Location location)
    {
        var host = observable.Host is { } h ? h.Value : observable.Value;
        var ip = IPAddress.TryParse(address ?? host, out var parsed) ? parsed : null;
        var domain = observable.Type is ObservableType.Domain or ObservableType.Url or ObservableType.Email && !IPAddress.TryParse(host, out _) ? host : null;
        // .uk is the one country-code TLD in wide use that is not its country's ISO 3166 code; .eu and .su are no country's
        var country = location.Country ?? location.Tld?.ToUpperInvariant() switch { "UK" => "GB", "EU" or "SU" => null, { Length: 2 } code => code, _ => null };
        return new(ip, location.Asn, domain, country);
    }
}
