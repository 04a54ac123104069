using System.IO.Compression;
using System.Security.Cryptography;
using Renkei.Formats.DelegatedStats;
using Renkei.Formats.Mmdb;
using Renkei.Formats.PrefixTable;

namespace Renkei.Geo;

/// <summary>A row that was not taken. <paramref name="Line"/> is the line number, in an MMDB the byte offset.</summary>
public sealed record GeoRowError(long Line, string Reason);

/// <summary>
/// What became of one file. <paramref name="Rows"/> = accepted + rejected; <paramref name="Errors"/> are the first 20 rejections.
/// <paramref name="Refused"/> says why nothing of the file was taken, null where it was.
/// </summary>
public sealed record GeoFileResult(
    string Name, GeoFileKind? Kind, string? Sha256, long Rows, long Accepted, long Rejected, IReadOnlyList<GeoRowError> Errors, string? Refused);

/// <summary>
/// Turns one file into rows for the tables. What a file is, its bytes say: names are whatever a download left behind. gzip is unpacked.
/// </summary>
/// <param name="maxFile">Largest file read in bytes, packed and unpacked: a small gzip may hold any number of zeros.</param>
internal sealed class GeoImport(List<string> registries, long maxFile = GeoImport.MaxFile)
{
    public const int MaxFile = 1 << 30;

    private const int MaxErrors = 20;

    private string Largest => maxFile == MaxFile ? "1 GiB" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{maxFile} bytes");

    private readonly List<GeoRowError> _errors = [];
    private long _accepted;
    private long _rejected;

    public PrefixRows Announced { get; } = new();

    public PrefixRows MmdbAsn { get; } = new();

    public PrefixRows MmdbCountry { get; } = new();

    public PrefixRows Delegated { get; } = new();

    public List<IntervalRow<uint>> AsnCountry { get; } = [];

    public Dictionary<uint, string> AsnNames { get; } = [];

    /// <summary>Tables this file has a say in, and replaces wholesale.</summary>
    public SortedSet<string> Tables { get; } = new(StringComparer.Ordinal);

    public string? Serial { get; private set; }

    public DateTimeOffset? Date { get; private set; }

    public GeoFileResult Read(string path, CancellationToken cancellation)
    {
        string name = Path.GetFileName(path);
        byte[] bytes;
        string sha256;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (file.Length > maxFile)
            {
                return Refuse(name, null, null, $"file is larger than {Largest}");
            }

            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
            if (bytes is [0x1F, 0x8B, ..] && !TryUnpack(ref bytes, maxFile))
            {
                return Refuse(name, null, sha256, $"file is larger than {Largest} when unpacked");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return Refuse(name, null, null, "file cannot be read: " + exception.Message);
        }

        ReadOnlySpan<byte> head = bytes.AsSpan(0, Math.Min(bytes.Length, 64 * 1024));
        GeoFileKind? kind = MmdbReader.LooksLike(bytes) ? GeoFileKind.Mmdb
            : DelegatedReader.LooksLike(head) ? GeoFileKind.DelegatedStats
            : PrefixTableReader.LooksLike(head) ? GeoFileKind.PrefixTable
            : null;
        string? refused = kind switch
        {
            GeoFileKind.Mmdb => ReadMmdb(bytes, cancellation),
            GeoFileKind.DelegatedStats => ReadDelegated(bytes, cancellation),
            GeoFileKind.PrefixTable => ReadPrefixTable(bytes, cancellation),
            _ => "neither an MMDB, nor registry statistics, nor a prefix table",
        };

        // More bad rows than good ones: this is some other file, and would replace a good table by scraps.
        refused ??= _accepted == 0 ? "no usable row" : _rejected > _accepted ? "more rows rejected than accepted" : null;
        refused ??= Tables.Count == 0 ? "says nothing of AS numbers or countries" : null;
        return refused is null
            ? new GeoFileResult(name, kind, sha256, _accepted + _rejected, _accepted, _rejected, _errors, Refused: null)
            : Refuse(name, kind, sha256, refused);
    }

    private GeoFileResult Refuse(string name, GeoFileKind? kind, string? sha256, string reason) =>
        new(name, kind, sha256, _accepted + _rejected, _accepted, _rejected, _errors, reason);

    private void Reject(long line, string reason)
    {
        _rejected++;
        if (_errors.Count < MaxErrors)
        {
            _errors.Add(new GeoRowError(line, reason));
        }
    }

    private string? ReadPrefixTable(byte[] bytes, CancellationToken cancellation)
    {
        foreach (PrefixTableLine line in PrefixTableReader.Read(new MemoryStream(bytes, writable: false)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (line.Error is { } error)
            {
                Reject(error.Line, $"column {error.Column}: {error.Reason}");
                continue;
            }

            _accepted++;
            Announced.Add(line.Prefix, line.Asn);
        }

        Feed("announced", Announced);
        return null;
    }

    private string? ReadDelegated(byte[] bytes, CancellationToken cancellation)
    {
        long stated = 0;
        foreach (DelegatedLine line in DelegatedReader.Read(new MemoryStream(bytes, writable: false)))
        {
            cancellation.ThrowIfCancellationRequested();
            switch (line)
            {
                case DelegatedError error:
                    Reject(error.Line, $"column {error.Column}: {error.Reason}");
                    break;
                case DelegatedVersion version:
                    stated += version.Records;
                    Serial ??= version.Serial;
                    Date ??= version.End is { } end ? new DateTimeOffset(end.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero) : null;
                    break;
                case DelegatedRecord record:
                    AddDelegated(record);
                    break;
            }
        }

        // A download that broke off would quietly take whole countries away. Registries miscount by a few, so not to the last row.
        long missing = stated - _accepted - _rejected;
        return missing > stated / 10 ? $"file is cut: it says it has {stated} records, and {missing} are missing" : null;
    }

    private void AddDelegated(DelegatedRecord record)
    {
        int registry = registries.IndexOf(record.Registry);
        if (registry < 0)
        {
            if (registries.Count == 255)
            {
                Reject(record.Line, "more than 255 registries");
                return;
            }

            registry = registries.Count;
            registries.Add(record.Registry);
        }

        _accepted++;
        Tables.Add("delegated/" + record.Registry);
        if (record.Status is not (DelegatedStatus.Allocated or DelegatedStatus.Assigned) || !CountryCode.TryPack(record.Country, out uint value))
        {
            return;
        }

        value |= (uint)registry << 16;
        switch (record)
        {
            case DelegatedIPv4 ipv4:
                foreach (AddressPrefix prefix in ipv4.Prefixes())
                {
                    Delegated.Add(prefix, value);
                }

                break;
            case DelegatedIPv6 ipv6:
                Delegated.Add(ipv6.Prefix, value);
                break;
            case DelegatedAsn asn:
                foreach (AddressPrefix block in AddressPrefix.CoverRange(asn.First, asn.Count))
                {
                    AsnCountry.Add(new IntervalRow<uint>((uint)block.Start, block.Length, value));
                }

                break;
        }
    }

    private string? ReadMmdb(byte[] bytes, CancellationToken cancellation)
    {
        if (!MmdbReader.TryOpen(bytes, out MmdbReader? reader, out MmdbError? error))
        {
            return Say(error);
        }

        Serial = reader.Metadata.DatabaseType;
        Date = reader.Metadata.BuiltAt;
        var known = new Dictionary<int, MmdbFacts>();
        MmdbNetworks networks = reader.Networks();
        while (networks.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            if (!known.TryGetValue(networks.DataOffset, out MmdbFacts? facts))
            {
                // A record that cannot be read means bytes have changed, and nobody knows which others did.
                if (!reader.TryRead(networks.DataOffset, out MmdbValue? value, out error))
                {
                    return Say(error);
                }

                known[networks.DataOffset] = facts = MmdbFacts.From(value);
            }

            _accepted++;
            AddMmdb(networks.Current, facts);
        }

        Feed("mmdb-asn", MmdbAsn);
        Feed("mmdb-country", MmdbCountry);
        return networks.Error is null ? null : Say(networks.Error);

        static string Say(MmdbError error) => $"MMDB is damaged at byte {error.Offset}: {error.Reason}";
    }

    private void AddMmdb(AddressPrefix network, MmdbFacts facts)
    {
        if (facts.Asn is { } asn)
        {
            MmdbAsn.Add(network, asn);
            if (facts.AsName is { Length: > 0 } name)
            {
                AsnNames[asn] = name;
            }
        }

        if (facts.Country is { } country)
        {
            MmdbCountry.Add(network, country);
        }

        // One record for ::/95 or larger speaks for all of IPv4 as well, as it would in a lookup.
        if (!network.IsIPv4 && network.Start == 0 && network.Length < 96)
        {
            AddMmdb(AddressPrefix.V4(0, 0), facts);
        }
    }

    private void Feed(string table, PrefixRows rows)
    {
        if (rows.IPv4.Count > 0)
        {
            Tables.Add(table + "/ipv4");
        }

        if (rows.IPv6.Count > 0)
        {
            Tables.Add(table + "/ipv6");
        }
    }

    private static bool TryUnpack(ref byte[] bytes, long maxFile)
    {
        using var gzip = new GZipStream(new MemoryStream(bytes, writable: false), CompressionMode.Decompress);
        using var unpacked = new MemoryStream();
        var buffer = new byte[128 * 1024];
        int read;
        while ((read = gzip.Read(buffer)) > 0)
        {
            if (unpacked.Length + read > maxFile)
            {
                return false;
            }

            unpacked.Write(buffer, 0, read);
        }

        bytes = unpacked.ToArray();
        return true;
    }

    /// <summary>
    /// The few fields we take, in the layouts of the databases people have: nested (country.iso_code; registered_country where the network
    /// has no place of its own) with autonomous_system_*, or flat (country_code, asn "AS64500", as_name).
    /// </summary>
    private sealed record MmdbFacts(uint? Asn, string? AsName, uint? Country)
    {
        public static MmdbFacts From(MmdbValue value)
        {
            ulong? number = value.At("autonomous_system_number")?.AsNumber() ?? value.At("asn")?.AsNumber();
            if (number is null && value.At("asn")?.AsText() is { } text)
            {
                string digits = text.StartsWith("AS", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
                number = uint.TryParse(digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out uint parsed) ? parsed : null;
            }

            string? name = value.At("autonomous_system_organization")?.AsText() ?? value.At("as_name")?.AsText();
            if (name is { Length: > GeoSnapshotFile.MaxNameLength })
            {
                int length = char.IsHighSurrogate(name[GeoSnapshotFile.MaxNameLength - 1]) ? GeoSnapshotFile.MaxNameLength - 1 : GeoSnapshotFile.MaxNameLength;
                name = name[..length];
            }

            string? country = value.At("country", "iso_code")?.AsText()
                ?? value.At("registered_country", "iso_code")?.AsText()
                ?? value.At("country_code")?.AsText()
                ?? value.At("country")?.AsText();
            return new MmdbFacts(
                number <= uint.MaxValue ? (uint)number : null,
                name,
                CountryCode.TryPack(country, out uint packed) ? packed : null);
        }
    }
}
