using System.Globalization;
using System.Text;

namespace Renkei.Bench;

/// <summary>
/// A synthetic Shadowserver event4_sinkhole report and the prefix table its sources come from. The same seed gives the same
/// bytes on every machine and runtime. Nothing in it is real: prefixes and AS numbers are drawn at random, names are .example.
/// </summary>
public static class ShadowserverWorkload
{
    /// <summary>A name under which the report's type and date are recognised.</summary>
    public const string FileName = "2026-01-15-event4_sinkhole-bench.csv";

    private const int DefaultPrefixes = 200_000;
    private const int RecentRows = 1500;
    private const int SecondsPerDay = 86_400;

    private static readonly DateTime FirstDay = new(2026, 1, 14, 0, 0, 0, DateTimeKind.Utc);

    // cumulative percentages of prefix lengths, near to those of the Internet's table
    private static readonly (int Length, int UpTo)[] PrefixLengths =
        [(24, 59), (23, 68), (22, 80), (21, 86), (20, 91), (19, 95), (18, 97), (17, 98), (16, 100)];

    private static readonly string[] Columns =
    [
        "timestamp", "severity", "protocol", "src_ip", "src_port", "src_asn", "src_geo", "src_region", "src_city", "src_hostname", "src_naics", "src_sector",
        "device_vendor", "device_type", "device_model", "dst_ip", "dst_port", "dst_asn", "dst_geo", "dst_region", "dst_city", "dst_hostname", "dst_naics", "dst_sector",
        "public_source", "infection", "family", "tag", "application", "version", "event_id", "ssl_cipher", "ssl_servername",
    ];

    private static readonly string[] Families =
        ["mirai", "conficker", "sality", "virut", "necurs", "gamut", "ramnit", "nymaim", "tinba", "andromeda", "qsnatch", "m0yv", "avalanche-nymaim", "android.bakdoor", "victorygate.a"];

    private static readonly (string Country, string Region, string City)[] Places =
    [
        ("JP", "TOKYO", "TOKYO"), ("JP", "OSAKA", "OSAKA"), ("DE", "BAYERN", "NUREMBERG"), ("BR", "RIO DE JANEIRO", "RIO DE JANEIRO"), ("FR", "ILE-DE-FRANCE", "PARIS"),
        ("IN", "MAHARASHTRA", "MUMBAI"), ("VN", "HA NOI", "HANOI"), ("US", "CALIFORNIA", "SAN FRANCISCO"),
    ];

    private static readonly int[] SinkholePorts = [80, 443, 8080, 4455];

    private const string Sector = "Communications, Service Provider, and Hosting Service";

    /// <summary>Writes a header and as many rows, of which about that percentage are byte-identical repeats of earlier rows.</summary>
    /// <returns>How many rows were repeats.</returns>
    public static int Write(Stream stream, int rows, double duplicatePercent = 5, int seed = 42)
    {
        var prefixes = Prefixes(DefaultPrefixes, seed);
        var random = new SplitMix((ulong)seed ^ 0x5AD0_5E47_E4C0_FFEE);
        var recent = new byte[Math.Min(RecentRows, Math.Max(rows, 1))][];
        var (known, repeats) = (0, 0);
        var line = new StringBuilder(512);
        stream.Write(Encoding.ASCII.GetBytes(string.Join(',', Columns.Select(column => $"\"{column}\"")) + "\n"));
        for (var row = 0; row < rows; row++)
        {
            if (known > 0 && random.Below(1_000_000) < duplicatePercent * 10_000)
            {
                stream.Write(recent[random.Below(known)]);
                repeats++;
                continue;
            }
            var (network, length, asn) = prefixes[random.Below(prefixes.Length)];
            var address = network + 1 + (uint)random.Below((1 << (32 - length)) - 2);
            var place = Places[random.Below(Places.Length)];
            var family = Families[random.Below(Families.Length)];
            var ip = Dotted(address);
            var hasSector = random.Below(10) < 7;
            line.Clear();
            Cell(line, FirstDay.AddSeconds((long)row * SecondsPerDay / rows).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
            Cell(line, "critical");
            Cell(line, random.Below(10) == 0 ? "udp" : "tcp");
            Cell(line, ip);
            Cell(line, Text(1024 + random.Below(64_512)));
            Cell(line, Text(asn));
            Cell(line, place.Country);
            Cell(line, place.Region);
            Cell(line, place.City);
            Cell(line, random.Below(5) < 3 ? $"host-{ip.Replace('.', '-')}.as{Text(asn)}.example" : "");
            Cell(line, hasSector ? "517311" : "");
            Cell(line, hasSector ? Sector : "");
            Cells(line, 3);
            Cell(line, Dotted(0xCB00_7100 + (uint)random.Below(256)));
            Cell(line, Text(SinkholePorts[random.Below(SinkholePorts.Length)]));
            Cell(line, "64500");
            Cell(line, "DE");
            Cell(line, "HESSEN");
            Cell(line, "FRANKFURT AM MAIN");
            Cell(line, "");
            Cell(line, "518210");
            Cell(line, Sector);
            Cell(line, random.Below(10) < 3 ? "partner" : "");
            Cell(line, family);
            Cell(line, family);
            Cell(line, random.Below(2) == 0 ? "http" : "");
            Cells(line, 5);
            line[^1] = '\n';
            var bytes = Encoding.ASCII.GetBytes(line.ToString());
            stream.Write(bytes);
            recent[known < recent.Length ? known++ : random.Below(known)] = bytes;
        }
        return repeats;
    }

    /// <summary>Writes the prefix table, "prefix TAB asn" a line in the order of addresses; with the defaults it is the one the rows' sources lie in.</summary>
    public static void WriteIpAsn(TextWriter writer, int prefixes = DefaultPrefixes, int seed = 42)
    {
        writer.Write("; synthetic table for benchmarks, not routing data\n");
        foreach (var (network, length, asn) in Prefixes(prefixes, seed))
        {
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"{Dotted(network)}/{length}\t{asn}\n"));
        }
    }

    private static (uint Network, int Length, int Asn)[] Prefixes(int count, int seed)
    {
        var random = new SplitMix((ulong)seed);
        var table = new Dictionary<(uint Network, int Length), int>(count);
        while (table.Count < count)
        {
            var percent = random.Below(100);
            var length = PrefixLengths.First(entry => percent < entry.UpTo).Length;
            var first = 1 + random.Below(223);
            var rest = (uint)random.Below(1 << 24);
            if (first is 10 or 127)
            {
                continue;
            }
            var network = (((uint)first << 24) | rest) >> (32 - length) << (32 - length);
            table.TryAdd((network, length), 1 + random.Below(64_494));
        }
        return [.. table.Select(entry => (entry.Key.Network, entry.Key.Length, entry.Value)).OrderBy(entry => entry.Network).ThenBy(entry => entry.Length)];
    }

    private static void Cell(StringBuilder line, string text)
    {
        if (text.Length > 0)
        {
            line.Append('"').Append(text).Append('"');
        }
        line.Append(',');
    }

    /// <summary>Empty cells; the last comma of the row becomes its newline.</summary>
    private static void Cells(StringBuilder line, int count) => line.Append(',', count);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Dotted(uint address) =>
        string.Create(CultureInfo.InvariantCulture, $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}");

    /// <summary>SplitMix64: System.Random promises no stable sequence across runtimes.</summary>
    private sealed class SplitMix(ulong seed)
    {
        private ulong _state = seed;

        public int Below(int limit)
        {
            _state += 0x9E37_79B9_7F4A_7C15;
            var z = _state;
            z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
            z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
            z ^= z >> 31;
            return (int)Math.BigMul(z, (ulong)limit, out _);
        }
    }
}
