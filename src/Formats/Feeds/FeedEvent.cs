using System.Globalization;
using System.Text.Json;
using Renkei.Formats.Csv;
using Renkei.Formats.Rsit;

namespace Renkei.Formats.Feeds;

/// <summary>One side of an event. Texts are canonical: host names lower case without trailing dot, country upper-case alpha-2.</summary>
public sealed class FeedEndpoint
{
    public FeedAddress? Ip { get; internal set; }

    /// <summary>The address in canonical text (RFC 5952 for IPv6).</summary>
    public Utf8Text IpText { get; internal set; }

    public ushort? Port { get; internal set; }

    public uint? Asn { get; internal set; }

    public Utf8Text AsName { get; internal set; }

    public Utf8Text Country { get; internal set; }

    public Utf8Text Region { get; internal set; }

    public Utf8Text City { get; internal set; }

    public Utf8Text Fqdn { get; internal set; }

    public Utf8Text Url { get; internal set; }

    public Utf8Text ReverseDns { get; internal set; }

    /// <summary>A prefix such as 192.0.2.0/24, host bits cleared.</summary>
    public Utf8Text Network { get; internal set; }

    internal void Clear()
    {
        Ip = null;
        Port = null;
        Asn = null;
        IpText = AsName = Country = Region = City = Fqdn = Url = ReverseDns = Network = default;
    }

    internal void WriteJson(Utf8JsonWriter writer, JsonEncodedText name)
    {
        if (Ip is null && Port is null && Asn is null && AsName.IsEmpty && Country.IsEmpty && Region.IsEmpty && City.IsEmpty
            && Fqdn.IsEmpty && Url.IsEmpty && ReverseDns.IsEmpty && Network.IsEmpty)
        {
            return;
        }
        writer.WriteStartObject(name);
        FeedEventNames.Write(writer, FeedEventNames.Ip, IpText);
        if (Port is { } port)
        {
            writer.WriteNumber(FeedEventNames.Port, (uint)port);
        }
        if (Asn is { } asn)
        {
            writer.WriteNumber(FeedEventNames.Asn, asn);
        }
        FeedEventNames.Write(writer, FeedEventNames.AsName, AsName);
        FeedEventNames.Write(writer, FeedEventNames.Country, Country);
        FeedEventNames.Write(writer, FeedEventNames.Region, Region);
        FeedEventNames.Write(writer, FeedEventNames.City, City);
        FeedEventNames.Write(writer, FeedEventNames.Fqdn, Fqdn);
        FeedEventNames.Write(writer, FeedEventNames.Url, Url);
        FeedEventNames.Write(writer, FeedEventNames.ReverseDns, ReverseDns);
        FeedEventNames.Write(writer, FeedEventNames.Network, Network);
        writer.WriteEndObject();
    }
}

/// <summary>A column of the report that has no field of its own, or whose value did not fit its field.</summary>
public readonly record struct FeedExtra(string Name, Utf8Text Value);

/// <summary>
/// One row of a machine report in the common shape. The reader owns it and fills it anew for every row: texts are valid until
/// the reader's next Read, and whoever keeps one calls ToString. Empty text means absent.
/// </summary>
public sealed class FeedEvent
{
    private readonly List<Utf8Text> _vulnerabilities = [];
    private readonly List<FeedExtra> _extra = [];
    private readonly List<JsonEncodedText> _extraNames = [];
    private byte[] _canonical = new byte[1024];
    private int _canonicalUsed;

    internal FeedEvent(string feed, string report)
    {
        Feed = feed;
        Report = report;
        Class = RsitTaxonomy.Get("other", "undetermined");
    }

    /// <summary>The format's name, "shadowserver".</summary>
    public string Feed { get; }

    /// <summary>The report's type, "event4_sinkhole".</summary>
    public string Report { get; }

    /// <summary>Physical line on which the row starts, from 1 (the header's).</summary>
    public long Line { get; internal set; }

    /// <summary>
    /// Content key for duplicates: the first 128 bits of SHA-256 over feed, report type, column names and the row's bytes without
    /// its newline. The same row of the same report has the same key in whatever file and on whatever line it comes.
    /// </summary>
    public UInt128 RowKey { get; internal set; }

    /// <summary>When it happened, UTC.</summary>
    public DateTimeOffset SourceTime { get; internal set; }

    /// <summary>When it was reported, UTC.</summary>
    public DateTimeOffset? ObservationTime { get; internal set; }

    public RsitType Class { get; internal set; }

    /// <summary>What exactly, in the feed's own word: a malware family, a tag, a service.</summary>
    public Utf8Text Identifier { get; internal set; }

    public FeedEndpoint Source { get; } = new();

    public FeedEndpoint Destination { get; } = new();

    public Utf8Text Transport { get; internal set; }

    public Utf8Text Application { get; internal set; }

    public Utf8Text MalwareName { get; internal set; }

    /// <summary>Lower-case hexadecimal, as the other hashes.</summary>
    public Utf8Text Md5 { get; internal set; }

    public Utf8Text Sha1 { get; internal set; }

    public Utf8Text Sha256 { get; internal set; }

    /// <summary>critical, high, medium, low or info.</summary>
    public Utf8Text Severity { get; internal set; }

    /// <summary>CVE identifiers, upper case, each once.</summary>
    public IReadOnlyList<Utf8Text> Vulnerabilities => _vulnerabilities;

    public Utf8Text ProductVendor { get; internal set; }

    public Utf8Text ProductName { get; internal set; }

    public Utf8Text ProductVersion { get; internal set; }

    public IReadOnlyList<FeedExtra> Extra => _extra;

    /// <summary>
    /// Writes the event as one JSON object: feed, report, line, time{source, observation}, classification{taxonomy, type,
    /// identifier}, source{ip, port, asn, asName, country, region, city, fqdn, url, reverseDns, network}, destination{same},
    /// protocol{transport, application}, malware{name, md5, sha1, sha256}, severity, vulnerabilities[], product{vendor, name,
    /// version}, extra{}. Times are ISO 8601 with Z. What is absent is left out, never null or empty.
    /// </summary>
    public void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString(FeedEventNames.Feed, Feed);
        writer.WriteString(FeedEventNames.Report, Report);
        writer.WriteNumber(FeedEventNames.Line, Line);
        writer.WriteStartObject(FeedEventNames.Time);
        FeedEventNames.Write(writer, FeedEventNames.Source, SourceTime);
        if (ObservationTime is { } observation)
        {
            FeedEventNames.Write(writer, FeedEventNames.Observation, observation);
        }
        writer.WriteEndObject();
        writer.WriteStartObject(FeedEventNames.Classification);
        writer.WriteString(FeedEventNames.Taxonomy, Class.Category);
        writer.WriteString(FeedEventNames.Type, Class.Id);
        FeedEventNames.Write(writer, FeedEventNames.Identifier, Identifier);
        writer.WriteEndObject();
        Source.WriteJson(writer, FeedEventNames.Source);
        Destination.WriteJson(writer, FeedEventNames.Destination);
        if (!Transport.IsEmpty || !Application.IsEmpty)
        {
            writer.WriteStartObject(FeedEventNames.Protocol);
            FeedEventNames.Write(writer, FeedEventNames.Transport, Transport);
            FeedEventNames.Write(writer, FeedEventNames.Application, Application);
            writer.WriteEndObject();
        }
        if (!MalwareName.IsEmpty || !Md5.IsEmpty || !Sha1.IsEmpty || !Sha256.IsEmpty)
        {
            writer.WriteStartObject(FeedEventNames.Malware);
            FeedEventNames.Write(writer, FeedEventNames.Name, MalwareName);
            FeedEventNames.Write(writer, FeedEventNames.Md5, Md5);
            FeedEventNames.Write(writer, FeedEventNames.Sha1, Sha1);
            FeedEventNames.Write(writer, FeedEventNames.Sha256, Sha256);
            writer.WriteEndObject();
        }
        FeedEventNames.Write(writer, FeedEventNames.Severity, Severity);
        if (_vulnerabilities.Count > 0)
        {
            writer.WriteStartArray(FeedEventNames.Vulnerabilities);
            foreach (var vulnerability in _vulnerabilities)
            {
                writer.WriteStringValue(vulnerability.Span);
            }
            writer.WriteEndArray();
        }
        if (!ProductVendor.IsEmpty || !ProductName.IsEmpty || !ProductVersion.IsEmpty)
        {
            writer.WriteStartObject(FeedEventNames.Product);
            FeedEventNames.Write(writer, FeedEventNames.Vendor, ProductVendor);
            FeedEventNames.Write(writer, FeedEventNames.Name, ProductName);
            FeedEventNames.Write(writer, FeedEventNames.Version, ProductVersion);
            writer.WriteEndObject();
        }
        if (_extra.Count > 0)
        {
            writer.WriteStartObject(FeedEventNames.Extra);
            for (var i = 0; i < _extra.Count; i++)
            {
                writer.WriteString(_extraNames[i], _extra[i].Value.Span);
            }
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    internal void Clear()
    {
        _vulnerabilities.Clear();
        _extra.Clear();
        _extraNames.Clear();
        _canonicalUsed = 0;
        Source.Clear();
        Destination.Clear();
        Identifier = Transport = Application = MalwareName = Md5 = Sha1 = Sha256 = Severity = ProductVendor = ProductName = ProductVersion = default;
    }

    internal void AddExtra(string name, JsonEncodedText encoded, Utf8Text value)
    {
        _extra.Add(new FeedExtra(name, value));
        _extraNames.Add(encoded);
    }

    internal void AddVulnerability(Utf8Text cve)
    {
        if (!_vulnerabilities.Contains(cve))
        {
            _vulnerabilities.Add(cve);
        }
    }

    /// <summary>Room for a canonical form that differs from the row's bytes; <see cref="Keep"/> says how much of it was used.</summary>
    internal Span<byte> Room(int bytes)
    {
        if (_canonical.Length - _canonicalUsed < bytes)
        {
            // texts that were kept hold on to the array they are in
            _canonical = new byte[Math.Max(_canonical.Length * 2, bytes)];
            _canonicalUsed = 0;
        }
        return _canonical.AsSpan(_canonicalUsed, bytes);
    }

    internal Utf8Text Keep(int bytes)
    {
        var text = new Utf8Text(_canonical, _canonicalUsed, bytes);
        _canonicalUsed += bytes;
        return text;
    }
}

/// <summary>The names in an event's JSON, encoded once.</summary>
internal static class FeedEventNames
{
    public static readonly JsonEncodedText Feed = JsonEncodedText.Encode("feed");
    public static readonly JsonEncodedText Report = JsonEncodedText.Encode("report");
    public static readonly JsonEncodedText Line = JsonEncodedText.Encode("line");
    public static readonly JsonEncodedText Time = JsonEncodedText.Encode("time");
    public static readonly JsonEncodedText Source = JsonEncodedText.Encode("source");
    public static readonly JsonEncodedText Observation = JsonEncodedText.Encode("observation");
    public static readonly JsonEncodedText Classification = JsonEncodedText.Encode("classification");
    public static readonly JsonEncodedText Taxonomy = JsonEncodedText.Encode("taxonomy");
    public static readonly JsonEncodedText Type = JsonEncodedText.Encode("type");
    public static readonly JsonEncodedText Identifier = JsonEncodedText.Encode("identifier");
    public static readonly JsonEncodedText Destination = JsonEncodedText.Encode("destination");
    public static readonly JsonEncodedText Ip = JsonEncodedText.Encode("ip");
    public static readonly JsonEncodedText Port = JsonEncodedText.Encode("port");
    public static readonly JsonEncodedText Asn = JsonEncodedText.Encode("asn");
    public static readonly JsonEncodedText AsName = JsonEncodedText.Encode("asName");
    public static readonly JsonEncodedText Country = JsonEncodedText.Encode("country");
    public static readonly JsonEncodedText Region = JsonEncodedText.Encode("region");
    public static readonly JsonEncodedText City = JsonEncodedText.Encode("city");
    public static readonly JsonEncodedText Fqdn = JsonEncodedText.Encode("fqdn");
    public static readonly JsonEncodedText Url = JsonEncodedText.Encode("url");
    public static readonly JsonEncodedText ReverseDns = JsonEncodedText.Encode("reverseDns");
    public static readonly JsonEncodedText Network = JsonEncodedText.Encode("network");
    public static readonly JsonEncodedText Protocol = JsonEncodedText.Encode("protocol");
    public static readonly JsonEncodedText Transport = JsonEncodedText.Encode("transport");
    public static readonly JsonEncodedText Application = JsonEncodedText.Encode("application");
    public static readonly JsonEncodedText Malware = JsonEncodedText.Encode("malware");
    public static readonly JsonEncodedText Name = JsonEncodedText.Encode("name");
    public static readonly JsonEncodedText Md5 = JsonEncodedText.Encode("md5");
    public static readonly JsonEncodedText Sha1 = JsonEncodedText.Encode("sha1");
    public static readonly JsonEncodedText Sha256 = JsonEncodedText.Encode("sha256");
    public static readonly JsonEncodedText Severity = JsonEncodedText.Encode("severity");
    public static readonly JsonEncodedText Vulnerabilities = JsonEncodedText.Encode("vulnerabilities");
    public static readonly JsonEncodedText Product = JsonEncodedText.Encode("product");
    public static readonly JsonEncodedText Vendor = JsonEncodedText.Encode("vendor");
    public static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
    public static readonly JsonEncodedText Extra = JsonEncodedText.Encode("extra");

    public static void Write(Utf8JsonWriter writer, JsonEncodedText name, Utf8Text value)
    {
        if (!value.IsEmpty)
        {
            writer.WriteString(name, value.Span);
        }
    }

    public static void Write(Utf8JsonWriter writer, JsonEncodedText name, DateTimeOffset time)
    {
        Span<byte> text = stackalloc byte[32];
        var format = time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";
        time.UtcDateTime.TryFormat(text, out var written, format, CultureInfo.InvariantCulture);
        writer.WriteString(name, text[..written]);
    }
}
