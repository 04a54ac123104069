using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Renkei.Geo;

/// <summary>What is wrong with a snapshot file or its folder, and at which byte (0 where the whole file is meant).</summary>
public sealed record GeoSnapshotError(string File, long Offset, string Reason);

/// <summary>
/// A snapshot as one file, all numbers little-endian:
/// <code>
/// magic "RKGEO", 0, format (2 bytes, now 1) · header length (4) · header, JSON: version, loadedAt, registries, sources
/// nine tables (announced, mmdb-asn, mmdb-country, delegated: each IPv4 then IPv6; AS blocks):
///     rows (4) · starts (4 or 16 each) · lengths (1 each) · values (4 each), sorted by start, then length
/// AS names: count (4) · each AS number (4), bytes (2), UTF-8
/// SHA-256 of all before (32)
/// </code>
/// Only the sorted networks are stored: the search structure is made from them in one pass when the file is read, so no byte of the file can
/// send a lookup astray.
/// </summary>
internal static class GeoSnapshotFile
{
    public const long MaxFile = 1L << 30;
    public const int MaxNameLength = 128;

    private const int HashLength = 32;

    private static readonly JsonSerializerOptions HeaderFormat = new(JsonSerializerDefaults.Web);

    private static ReadOnlySpan<byte> Magic => "RKGEO\0\u0001\0"u8;

    /// <summary>Writes and flushes to the disk. The caller gives a temporary name and renames.</summary>
    public static void Write(string path, GeoSnapshot snapshot)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        using var hash = SHA256.Create();
        using (var hashed = new CryptoStream(file, hash, CryptoStreamMode.Write, leaveOpen: true))
        using (var buffered = new BufferedStream(hashed, 128 * 1024))
        using (var writer = new BinaryWriter(buffered))
        {
            GeoTables tables = snapshot.Tables;
            byte[] header = JsonSerializer.SerializeToUtf8Bytes(
                new Header(snapshot.Version, snapshot.LoadedAt, tables.Registries, snapshot.Sources), HeaderFormat);
            writer.Write(Magic);
            writer.Write(header.Length);
            writer.Write(header);
            foreach (PrefixMap map in (ReadOnlySpan<PrefixMap>)[tables.Announced, tables.MmdbAsn, tables.MmdbCountry, tables.Delegated])
            {
                WriteTable(writer, map.IPv4.Rows, static (to, start) => to.Write(start));
                WriteTable(writer, map.IPv6.Rows, static (to, start) =>
                {
                    to.Write((ulong)start);
                    to.Write((ulong)(start >> 64));
                });
            }

            WriteTable(writer, tables.AsnCountry.Rows, static (to, start) => to.Write(start));
            writer.Write(tables.AsnNames.Count);
            foreach ((uint asn, string name) in tables.AsnNames)
            {
                byte[] text = Encoding.UTF8.GetBytes(name);
                writer.Write(asn);
                writer.Write((ushort)text.Length);
                writer.Write(text);
            }
        }

        file.Write(hash.Hash);
        file.Flush(flushToDisk: true);
    }

    public static bool TryRead(string path, [NotNullWhen(true)] out GeoSnapshot? snapshot, [NotNullWhen(false)] out GeoSnapshotError? error)
    {
        snapshot = null;
        string name = Path.GetFileName(path);
        byte[] bytes;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
            if (file.Length > MaxFile)
            {
                error = new GeoSnapshotError(name, 0, "snapshot is larger than 1 GiB");
                return false;
            }

            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            error = new GeoSnapshotError(name, 0, "snapshot cannot be read: " + exception.Message);
            return false;
        }

        return TryParse(name, bytes, out snapshot, out error);
    }

    private static bool TryParse(string name, byte[] bytes, [NotNullWhen(true)] out GeoSnapshot? snapshot, [NotNullWhen(false)] out GeoSnapshotError? error)
    {
        snapshot = null;
        if (!bytes.AsSpan().StartsWith(Magic) || bytes.Length < Magic.Length + HashLength)
        {
            error = new GeoSnapshotError(name, 0, "not a snapshot file of format 1");
            return false;
        }

        int end = bytes.Length - HashLength;
        if (!SHA256.HashData(bytes.AsSpan(0, end)).AsSpan().SequenceEqual(bytes.AsSpan(end)))
        {
            error = new GeoSnapshotError(name, end, "snapshot does not match its SHA-256: it was cut or changed");
            return false;
        }

        var cursor = new Cursor(bytes.AsSpan(0, end), Magic.Length);
        Header? header = cursor.Header();
        PrefixMap? announced = cursor.Map(), mmdbAsn = cursor.Map(), mmdbCountry = cursor.Map(), delegated = cursor.Map();
        IntervalTable<uint>? asnCountry = cursor.TableV4();
        Dictionary<uint, string>? names = cursor.Names();
        if (header is null || announced is null || mmdbAsn is null || mmdbCountry is null || delegated is null || asnCountry is null || names is null)
        {
            error = new GeoSnapshotError(name, cursor.At, cursor.Reason ?? "snapshot cannot be read");
            return false;
        }

        var tables = new GeoTables(announced, mmdbAsn, mmdbCountry, delegated, asnCountry, names, header.Registries);
        snapshot = new GeoSnapshot(header.Version, header.LoadedAt, header.Sources, tables);
        error = null;
        return true;
    }

    private static void WriteTable<TKey>(BinaryWriter writer, ReadOnlySpan<IntervalRow<TKey>> rows, Action<BinaryWriter, TKey> writeStart)
        where TKey : struct
    {
        writer.Write(rows.Length);
        foreach (ref readonly IntervalRow<TKey> row in rows)
        {
            writeStart(writer, row.Start);
        }

        foreach (ref readonly IntervalRow<TKey> row in rows)
        {
            writer.Write(row.Length);
        }

        foreach (ref readonly IntervalRow<TKey> row in rows)
        {
            writer.Write(row.Value);
        }
    }

    private sealed record Header(long Version, DateTimeOffset LoadedAt, IReadOnlyList<string> Registries, IReadOnlyList<GeoSource> Sources);

    /// <summary>Goes through the file once; after the first failure every further step fails too.</summary>
    private ref struct Cursor(ReadOnlySpan<byte> bytes, int at)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int At { get; private set; } = at;

        public string? Reason { get; private set; }

        public Header? Header()
        {
            int from = At;
            if (!Count(1, out int length))
            {
                return null;
            }

            try
            {
                Header? header = JsonSerializer.Deserialize<Header>(Take(length), HeaderFormat);
                if (header is { Registries: not null, Sources: not null, Version: > 0 } && header.Sources.All(source => source is { Sha256: not null, Tables: not null }))
                {
                    return header;
                }
            }
            catch (JsonException)
            {
                // Reported below with its place, like a header that is JSON but none of ours.
            }

            At = from;
            Reason ??= "snapshot header is not as written by this format";
            return null;
        }

        public PrefixMap? Map()
        {
            IntervalTable<uint>? ipv4 = TableV4();
            IntervalTable<UInt128>? ipv6 = TableV6();
            return ipv4 is null || ipv6 is null ? null : new PrefixMap(ipv4, ipv6);
        }

        public IntervalTable<uint>? TableV4()
        {
            int from = At;
            if (!Count(9, out int count))
            {
                return null;
            }

            ReadOnlySpan<byte> starts = Take(count * 4), lengths = Take(count), values = Take(count * 4);
            var rows = new IntervalRow<uint>[count];
            for (int i = 0; i < count; i++)
            {
                rows[i] = new IntervalRow<uint>(
                    BinaryPrimitives.ReadUInt32LittleEndian(starts[(i * 4)..]), lengths[i], BinaryPrimitives.ReadUInt32LittleEndian(values[(i * 4)..]));
            }

            return IntervalTable<uint>.FromSorted(rows) ?? Unsorted<IntervalTable<uint>>(from);
        }

        public Dictionary<uint, string>? Names()
        {
            if (!Count(6, out int count))
            {
                return null;
            }

            var names = new Dictionary<uint, string>(count);
            for (int i = 0; i < count; i++)
            {
                if (_bytes.Length - At < 6)
                {
                    Reason ??= "snapshot ends within the AS names";
                    return null;
                }

                ReadOnlySpan<byte> head = Take(6);
                int length = BinaryPrimitives.ReadUInt16LittleEndian(head[4..]);
                if (_bytes.Length - At < length)
                {
                    Reason ??= "snapshot ends within the AS names";
                    return null;
                }

                names[BinaryPrimitives.ReadUInt32LittleEndian(head)] = Encoding.UTF8.GetString(Take(length));
            }

            return names;
        }

        private IntervalTable<UInt128>? TableV6()
        {
            int from = At;
            if (!Count(21, out int count))
            {
                return null;
            }

            ReadOnlySpan<byte> starts = Take(count * 16), lengths = Take(count), values = Take(count * 4);
            var rows = new IntervalRow<UInt128>[count];
            for (int i = 0; i < count; i++)
            {
                rows[i] = new IntervalRow<UInt128>(
                    BinaryPrimitives.ReadUInt128LittleEndian(starts[(i * 16)..]), lengths[i], BinaryPrimitives.ReadUInt32LittleEndian(values[(i * 4)..]));
            }

            return IntervalTable<UInt128>.FromSorted(rows) ?? Unsorted<IntervalTable<UInt128>>(from);
        }

        /// <summary>A count of things of at least that many bytes each: refused before anything is allocated for it.</summary>
        private bool Count(int size, out int count)
        {
            count = 0;
            if (Reason is not null)
            {
                return false;
            }

            long stated = _bytes.Length - At < 4 ? long.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[At..]);
            if (stated > (_bytes.Length - At - 4) / size)
            {
                Reason = "snapshot is too short for what it says it holds";
                return false;
            }

            At += 4;
            count = (int)stated;
            return true;
        }

        private ReadOnlySpan<byte> Take(int length)
        {
            ReadOnlySpan<byte> taken = _bytes.Slice(At, length);
            At += length;
            return taken;
        }

        private T? Unsorted<T>(int from)
            where T : class
        {
            At = from;
            Reason ??= "snapshot table is not sorted networks";
            return null;
        }
    }
}
