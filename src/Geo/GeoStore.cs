using System.Globalization;

namespace Renkei.Geo;

/// <summary>
/// What a load did. <paramref name="Version"/> is the version now in force, 0 where there is none. <paramref name="Changed"/> is false when
/// no file was taken, or the files were in force already. <paramref name="Error"/>: the store could not be written, or is being written by
/// another process. <paramref name="Damaged"/>: the newest snapshot on disk was damaged, and its tables are missing from the new one.
/// </summary>
public sealed record GeoLoadResult(
    long Version, bool Changed, IReadOnlyList<GeoFileResult> Files, GeoSnapshotError? Error, GeoSnapshotError? Damaged);

public enum GeoState
{
    /// <summary>Nobody asked yet, or the first snapshot is still being read: lookups know nothing.</summary>
    Opening,

    /// <summary>No snapshot was ever loaded.</summary>
    Empty,

    /// <summary>A snapshot answers.</summary>
    Ready,

    /// <summary>There are snapshots, and none can be read: lookups know nothing.</summary>
    Failed,
}

/// <summary><paramref name="Error"/> may be set while Ready: the newest file is damaged, and an older one answers.</summary>
public sealed record GeoStatus(GeoState State, long Version, GeoSnapshotError? Error);

/// <summary>
/// The folder of snapshots: <c>geo-00000001.rkgeo</c> and so on, the newest three. Opening it reads nothing; the first look at
/// <see cref="Current"/> starts reading in the background, and lookups know nothing until that is done (about a second for a full Internet
/// table). A newer file, from this process or another, is found within ten seconds of use. Safe for many threads.
/// </summary>
/// <param name="maxFile">Largest file that <see cref="Load"/> reads, in bytes, packed and unpacked.</param>
public sealed class GeoStore(string folder, TimeProvider? clock = null, long maxFile = GeoImport.MaxFile)
{
    private const int KeptSnapshots = 3;
    private const string Prefix = "geo-";
    private const string Suffix = ".rkgeo";
    private const string Temporary = ".tmp";

    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Length, DateTime Written, GeoSnapshotError Error)> _damaged = new(StringComparer.Ordinal);
    private GeoSnapshot _current = GeoSnapshot.Empty;
    private GeoStatus _status = new(GeoState.Opening, 0, Error: null);
    private long _checkedAt = long.MinValue;
    private int _checking;

    /// <summary>The snapshot in force, or <see cref="GeoSnapshot.Empty"/>. Never waits. Take it once per batch, so that one batch has one version.</summary>
    public GeoSnapshot Current
    {
        get
        {
            CheckInBackground();
            return Volatile.Read(ref _current);
        }
    }

    public GeoStatus Status => Volatile.Read(ref _status);

    /// <summary>Looks for a newer snapshot now, reads it, and gives what is then in force.</summary>
    public async Task<GeoSnapshot> OpenAsync(CancellationToken cancellation = default)
    {
        await Task.Run(Refresh, cancellation);
        return Volatile.Read(ref _current);
    }

    /// <summary>
    /// Reads the files (MMDB, registry statistics, prefix tables; gzip or plain; the kind is told by content) and writes a new snapshot in which they replace
    /// what fed the same tables before: prefix tables and MMDBs per address family, registry statistics per registry. Files that feed the
    /// same table in one call are taken together, the later ones on top. All or nothing: the new version is complete on disk, or the old one stays.
    /// </summary>
    public GeoLoadResult Load(IReadOnlyList<string> files, TimeProvider clock, CancellationToken cancellation = default)
    {
        try
        {
            Directory.CreateDirectory(folder);
            using FileStream? held = TryHold();
            return held is null
                ? new GeoLoadResult(Volatile.Read(ref _current).Version, Changed: false, [], new GeoSnapshotError(Path.GetFileName(LockPath), 0, "another load is running: try again when it is done"), Damaged: null)
                : LoadHeld(files, clock, cancellation);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var error = new GeoSnapshotError(Path.GetFileName(folder), 0, "snapshot cannot be written: " + exception.Message);
            return new GeoLoadResult(Volatile.Read(ref _current).Version, Changed: false, [], error, Damaged: null);
        }
    }

    private string LockPath => Path.Combine(folder, "geo.lock");

    private GeoLoadResult LoadHeld(IReadOnlyList<string> files, TimeProvider clock, CancellationToken cancellation)
    {
        Refresh();
        GeoSnapshot before = Volatile.Read(ref _current);
        GeoSnapshotError? damaged = Status.Error;
        DateTimeOffset now = clock.GetUtcNow();
        var registries = before.Tables.Registries.ToList();
        var results = new List<GeoFileResult>(files.Count);
        var imports = new List<GeoImport>(files.Count);
        var sources = new List<GeoSource>();
        foreach (string file in files)
        {
            var import = new GeoImport(registries, maxFile);
            GeoFileResult result = import.Read(file, cancellation);
            results.Add(result);
            if (result.Refused is null)
            {
                imports.Add(import);
                sources.Add(new GeoSource(result.Name, result.Kind!.Value, result.Sha256!, import.Serial, import.Date, now, result.Accepted, [.. import.Tables]));
            }
        }

        IReadOnlyList<GeoSource> merged = MergeSources(before.Sources, sources);
        if (sources.Count == 0 || SameFiles(before.Sources, merged))
        {
            return new GeoLoadResult(before.Version, Changed: false, results, Error: null, damaged);
        }

        List<(long Version, string Path)> existing = Snapshots();
        long version = Math.Max(before.Version, existing.Count == 0 ? 0 : existing[0].Version) + 1;
        var snapshot = new GeoSnapshot(version, now, merged, MergeTables(before.Tables, imports, registries));
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{version:D8}{Suffix}"));
        string temporary = path + Temporary;
        File.Delete(temporary);
        GeoSnapshotFile.Write(temporary, snapshot);

        // The rename is what makes the version exist. Should a power cut undo it, the version before is whole, and the load can be repeated.
        File.Move(temporary, path);
        Prune();
        lock (_gate)
        {
            PutInForce(snapshot, error: null);
        }

        return new GeoLoadResult(version, Changed: true, results, Error: null, damaged);
    }

    private static GeoTables MergeTables(GeoTables old, List<GeoImport> imports, List<string> registries)
    {
        var tables = imports.SelectMany(import => import.Tables).ToHashSet(StringComparer.Ordinal);
        bool[] renewed = [.. registries.Select(registry => tables.Contains("delegated/" + registry))];

        Dictionary<uint, string> names = old.AsnNames;
        if (imports.Exists(import => import.AsnNames.Count > 0))
        {
            // The names come with the numbers: both families renewed means all the old names are past.
            bool keep = !(tables.Contains("mmdb-asn/ipv4") && tables.Contains("mmdb-asn/ipv6"));
            names = keep ? new Dictionary<uint, string>(old.AsnNames) : [];
            foreach ((uint asn, string name) in imports.SelectMany(import => import.AsnNames))
            {
                names[asn] = name;
            }
        }

        bool anyRegistry = renewed.Contains(true);
        return new GeoTables(
            MergeMap("announced", old.Announced, import => import.Announced),
            MergeMap("mmdb-asn", old.MmdbAsn, import => import.MmdbAsn),
            MergeMap("mmdb-country", old.MmdbCountry, import => import.MmdbCountry),
            anyRegistry
                ? new PrefixMap(
                    KeepOthers(old.Delegated.IPv4, imports.SelectMany(import => import.Delegated.IPv4)),
                    KeepOthers(old.Delegated.IPv6, imports.SelectMany(import => import.Delegated.IPv6)))
                : old.Delegated,
            anyRegistry ? KeepOthers(old.AsnCountry, imports.SelectMany(import => import.AsnCountry)) : old.AsnCountry,
            names,
            registries);

        PrefixMap MergeMap(string table, PrefixMap before, Func<GeoImport, PrefixRows> rows) => new(
            tables.Contains(table + "/ipv4") ? IntervalTable<uint>.Build([.. imports.SelectMany(import => rows(import).IPv4)]) : before.IPv4,
            tables.Contains(table + "/ipv6") ? IntervalTable<UInt128>.Build([.. imports.SelectMany(import => rows(import).IPv6)]) : before.IPv6);

        IntervalTable<TKey> KeepOthers<TKey>(IntervalTable<TKey> before, IEnumerable<IntervalRow<TKey>> added)
            where TKey : unmanaged, System.Numerics.IBinaryInteger<TKey>, System.Numerics.IUnsignedNumber<TKey>, System.Numerics.IMinMaxValue<TKey>
        {
            var rows = new List<IntervalRow<TKey>>(before.Count);
            foreach (ref readonly IntervalRow<TKey> row in before.Rows)
            {
                uint registry = row.Value >> 16;
                if (registry >= renewed.Length || !renewed[registry])
                {
                    rows.Add(row);
                }
            }

            rows.AddRange(added);
            return IntervalTable<TKey>.Build(rows);
        }
    }

    /// <summary>An old file stays named as a source as long as one table still rests on it.</summary>
    private static List<GeoSource> MergeSources(IReadOnlyList<GeoSource> old, List<GeoSource> added)
    {
        var renewed = added.SelectMany(source => source.Tables).ToHashSet(StringComparer.Ordinal);
        var merged = new List<GeoSource>();
        foreach (GeoSource source in old)
        {
            string[] left = [.. source.Tables.Where(table => !renewed.Contains(table))];
            if (left.Length > 0)
            {
                merged.Add(source with { Tables = left });
            }
        }

        merged.AddRange(added);
        return merged;
    }

    private static bool SameFiles(IReadOnlyList<GeoSource> before, IReadOnlyList<GeoSource> after)
    {
        return Keys(before).SequenceEqual(Keys(after), StringComparer.Ordinal);

        static IEnumerable<string> Keys(IReadOnlyList<GeoSource> sources) =>
            sources.Select(source => source.Sha256 + " " + string.Join(' ', source.Tables)).Order(StringComparer.Ordinal);
    }

    private void CheckInBackground()
    {
        long last = Volatile.Read(ref _checkedAt);
        bool due = last == long.MinValue || _clock.GetElapsedTime(last) >= CheckEvery;
        if (due && Interlocked.CompareExchange(ref _checking, 1, 0) == 0)
        {
            _ = Task.Run(() =>
            {
                try
                {
                    Refresh();
                }
                finally
                {
                    Volatile.Write(ref _checking, 0);
                }
            });
        }
    }

    private void Refresh()
    {
        lock (_gate)
        {
            Volatile.Write(ref _checkedAt, _clock.GetTimestamp());
            GeoSnapshotError? error = null;
            List<(long Version, string Path)> snapshots;
            try
            {
                snapshots = Directory.Exists(folder) ? Snapshots() : [];
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                snapshots = [];
                error = new GeoSnapshotError(Path.GetFileName(folder), 0, "folder cannot be read: " + exception.Message);
            }

            foreach ((long version, string path) in snapshots)
            {
                if (version <= _current.Version)
                {
                    break;
                }

                if (TryRead(version, path, out GeoSnapshot? snapshot, out GeoSnapshotError? damage))
                {
                    PutInForce(snapshot, error);
                    return;
                }

                error ??= damage;
            }

            PutInForce(_current, error);
        }
    }

    /// <summary>Files never change once named, so a damaged one is read again only when somebody has put another in its place.</summary>
    private bool TryRead(long version, string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out GeoSnapshot? snapshot, out GeoSnapshotError? error)
    {
        snapshot = null;
        var file = new FileInfo(path);
        (long Length, DateTime Written) stamp = file.Exists ? (file.Length, file.LastWriteTimeUtc) : default;
        if (_damaged.TryGetValue(path, out (long Length, DateTime Written, GeoSnapshotError Error) known) && (known.Length, known.Written) == stamp)
        {
            error = known.Error;
            return false;
        }

        if (GeoSnapshotFile.TryRead(path, out snapshot, out error) && snapshot.Version != version)
        {
            error = new GeoSnapshotError(file.Name, 0, string.Create(CultureInfo.InvariantCulture, $"file holds version {snapshot.Version}, not the one it is named for"));
            snapshot = null;
        }

        if (snapshot is null)
        {
            _damaged[path] = (stamp.Length, stamp.Written, error!);
            return false;
        }

        return true;
    }

    private void PutInForce(GeoSnapshot snapshot, GeoSnapshotError? error)
    {
        Volatile.Write(ref _current, snapshot);
        GeoState state = snapshot.Version > 0 ? GeoState.Ready : error is null ? GeoState.Empty : GeoState.Failed;
        Volatile.Write(ref _status, new GeoStatus(state, snapshot.Version, error));
    }

    /// <summary>Newest first.</summary>
    private List<(long Version, string Path)> Snapshots()
    {
        var found = new List<(long Version, string Path)>();
        foreach (string path in Directory.EnumerateFiles(folder, Prefix + "*" + Suffix))
        {
            ReadOnlySpan<char> name = Path.GetFileName(path.AsSpan());
            if (long.TryParse(name[Prefix.Length..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out long version))
            {
                found.Add((version, path));
            }
        }

        found.Sort(static (a, b) => b.Version.CompareTo(a.Version));
        return found;
    }

    /// <summary>Old versions, and what a killed load left half written. The new version stands already: what cannot be deleted now is tried next time.</summary>
    private void Prune()
    {
        List<(long Version, string Path)> snapshots = Snapshots();
        IEnumerable<string> old = snapshots.Skip(KeptSnapshots).Select(snapshot => snapshot.Path);
        foreach (string path in old.Concat(Directory.EnumerateFiles(folder, Prefix + "*" + Temporary)))
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                continue;
            }
        }
    }

    private FileStream? TryHold()
    {
        try
        {
            return new FileStream(LockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
