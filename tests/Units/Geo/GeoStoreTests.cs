using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Renkei.Geo;
using Renkei.Units.Formats.Mmdb;

namespace Renkei.Units.Geo;

public sealed class GeoStoreTests : IDisposable
{
    private const string Apnic = """
        2|apnic|20260102|3|19830101|20260101|+1000
        apnic|JP|ipv4|192.0.2.0|768|20110414|assigned
        apnic|JP|asn|64496|3|20020801|allocated
        apnic|AU|ipv6|2001:db8::|32|20100101|allocated
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("renkei-geo-").FullName;
    private readonly SteppingClock _clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Snapshots => Path.Combine(_folder, "store");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_store_nobody_loaded_knows_nothing_and_says_so()
    {
        var store = new GeoStore(Snapshots, _clock);

        Assert.Equal(default, store.Current.Lookup(IPAddress.Parse("192.0.2.1")));
        Assert.Equal(0, (await store.OpenAsync(Cancellation)).Version);
        Assert.Equal(GeoState.Empty, store.Status.State);
        Assert.Null(store.Status.Error);
    }

    [Fact]
    public void Kinds_are_told_by_content_and_each_file_answers_for_what_it_knows()
    {
        var store = new GeoStore(Snapshots, _clock);

        GeoLoadResult result = store.Load([Text("a.mmdb", "192.0.2.0/24\t64496\n"), Text("b.csv", Apnic), AsnMmdb("c.txt"), CountryMmdb("d")], _clock, Cancellation);

        Assert.Equal("PrefixTable DelegatedStats Mmdb Mmdb", string.Join(' ', result.Files.Select(file => file.Kind)));
        Assert.All(result.Files, file => Assert.Null(file.Refused));
        Assert.Equal((1L, true, null), (result.Version, result.Changed, result.Error));
        GeoSnapshot geo = store.Current;
        Assert.Equal("192.0.2.0/24 64496 Example One DE", Facts(geo, "192.0.2.1"));
        Assert.Equal("192.0.2.0/24 64496 Example One JP", Facts(geo, "192.0.2.200"));
        Assert.Equal("192.0.2.0/24 64496 Example One DE", Facts(geo, "::ffff:192.0.2.1"));
        Assert.Equal("192.0.4.0/24   JP", Facts(geo, "192.0.4.255"));
        Assert.Equal("   ", Facts(geo, "192.0.5.0"));
        Assert.Equal("2001:db8::/33 64511 Example Six AU", Facts(geo, "2001:db8::1"));
        Assert.Equal("198.51.100.0/24 64500 Example Two ", Facts(geo, "198.51.100.9"));
        Assert.Equal(new AsnFacts(64498, null, "JP"), geo.Describe(64498));
        Assert.Equal(new AsnFacts(64499, null, null), geo.Describe(64499));
        Assert.Equal(new AsnFacts(64500, "Example Two", null), geo.Describe(64500));
    }

    [Fact]
    public void A_prefix_table_outranks_a_smaller_network_of_an_MMDB()
    {
        var store = new GeoStore(Snapshots, _clock);

        store.Load([AsnMmdb("asn"), Text("routes", "192.0.0.0/16 64505\n")], _clock, Cancellation);

        Assert.Equal("192.0.0.0/16 64505  ", Facts(store.Current, "192.0.2.1"));
    }

    [Fact]
    public void All_announced_networks_around_an_address_are_listed_most_specific_first()
    {
        var store = new GeoStore(Snapshots, _clock);

        store.Load([Text("routes", "192.0.2.0/24 64497\n192.0.0.0/16 64505\n192.0.2.0/25 64496\n")], _clock, Cancellation);

        Assert.Equal("192.0.2.0/25 64496, 192.0.2.0/24 64497, 192.0.0.0/16 64505",
            string.Join(", ", store.Current.Covering(IPAddress.Parse("192.0.2.1")).Select(found => $"{found.Prefix} {found.Asn}")));
        Assert.Empty(store.Current.Covering(IPAddress.Parse("198.51.100.1")));
    }

    [Fact]
    public async Task Another_store_on_the_same_folder_reads_what_was_written()
    {
        string routes = Text("routes", "192.0.2.0/24 64496\n2001:db8::/32 65536\n");
        new GeoStore(Snapshots, _clock).Load([routes, Text("apnic", Apnic), AsnMmdb("asn"), CountryMmdb("cc")], _clock, Cancellation);

        var store = new GeoStore(Snapshots, _clock);
        GeoSnapshot geo = await store.OpenAsync(Cancellation);

        Assert.Equal((GeoState.Ready, 1L), (store.Status.State, store.Status.Version));
        Assert.Equal("192.0.2.0/24 64496 Example One DE", Facts(geo, "192.0.2.1"));
        Assert.Equal("2001:db8::/32 65536  AU", Facts(geo, "2001:db8::1"));
        Assert.Equal("JP", geo.Describe(64497).Country);
        GeoSource source = geo.Sources.Single(source => source.Kind == GeoFileKind.DelegatedStats);
        Assert.Equal(("apnic", "20260102", new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 3L), (source.Name, source.Serial, source.Date, source.Rows));
        Assert.Equal("delegated/apnic", Assert.Single(source.Tables));
        GeoSource table = geo.Sources.Single(source => source.Kind == GeoFileKind.PrefixTable);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(routes, Cancellation))), table.Sha256);
        Assert.Equal("announced/ipv4 announced/ipv6", string.Join(' ', table.Tables));
        Assert.Equal(geo.LoadedAt, table.LoadedAt);
    }

    [Fact]
    public async Task Looking_never_waits_and_the_snapshot_comes_when_it_is_read()
    {
        new GeoStore(Snapshots, _clock).Load([Text("routes", "192.0.2.0/24 64496\n")], _clock, Cancellation);
        var store = new GeoStore(Snapshots, _clock);

        Assert.Equal(GeoState.Opening, store.Status.State);
        Assert.InRange(store.Current.Version, 0, 1);
        await Until(() => store.Current.Version == 1);

        Assert.Equal("192.0.2.0/24 64496  ", Facts(store.Current, "192.0.2.1"));
    }

    [Fact]
    public async Task A_newer_file_of_another_process_comes_into_force_while_the_old_snapshot_stays_whole()
    {
        var writer = new GeoStore(Snapshots, _clock);
        var reader = new GeoStore(Snapshots, _clock);
        writer.Load([Text("one", "192.0.2.0/24 64496\n")], _clock, Cancellation);
        GeoSnapshot old = await reader.OpenAsync(Cancellation);

        writer.Load([Text("two", "192.0.2.0/24 64497\n")], _clock, Cancellation);
        await Until(() =>
        {
            _clock.Step(TimeSpan.FromSeconds(11));
            return reader.Current.Version == 2;
        });

        Assert.Equal("192.0.2.0/24 64497  ", Facts(reader.Current, "192.0.2.1"));
        Assert.Equal("192.0.2.0/24 64496  ", Facts(old, "192.0.2.1"));
    }

    [Fact]
    public void A_later_prefix_table_replaces_its_address_family_wholesale_and_nothing_else()
    {
        var store = new GeoStore(Snapshots, _clock);
        store.Load([Text("both", "192.0.2.0/24 64496\n198.51.100.0/24 64497\n2001:db8::/32 65536\n"), Text("apnic", Apnic)], _clock, Cancellation);

        store.Load([Text("v4", "198.51.100.0/24 64499\n")], _clock, Cancellation);

        Assert.Equal("192.0.2.0/23   JP", Facts(store.Current, "192.0.2.1"));
        Assert.Equal("198.51.100.0/24 64499  ", Facts(store.Current, "198.51.100.1"));
        Assert.Equal("2001:db8::/32 65536  AU", Facts(store.Current, "2001:db8::1"));
        Assert.Equal("both announced/ipv6, apnic delegated/apnic, v4 announced/ipv4",
            string.Join(", ", store.Current.Sources.Select(source => source.Name + " " + string.Join(' ', source.Tables))));
    }

    [Fact]
    public void One_registry_file_replaces_the_rows_of_that_registry_alone()
    {
        var store = new GeoStore(Snapshots, _clock);
        store.Load([Text("apnic", Apnic), Text("ripe", "2|ripencc|1|2||20260101|+0000\nripencc|NL|ipv4|198.51.100.0|256||assigned\nripencc|NL|asn|64510|1||assigned\n")], _clock, Cancellation);

        store.Load([Text("apnic2", "2|apnic|20260103|1||20260102|+1000\napnic|NZ|ipv4|192.0.2.0|256||assigned\n")], _clock, Cancellation);

        Assert.Equal("192.0.2.0/24   NZ", Facts(store.Current, "192.0.2.1"));
        Assert.Equal("   ", Facts(store.Current, "192.0.3.1"));
        Assert.Equal("198.51.100.0/24   NL", Facts(store.Current, "198.51.100.1"));
        Assert.Equal((null, "NL"), (store.Current.Describe(64496).Country, store.Current.Describe(64510).Country));
        Assert.Equal("ripe apnic2", string.Join(' ', store.Current.Sources.Select(source => source.Name)));
    }

    [Fact]
    public void The_same_files_again_make_no_new_version()
    {
        var store = new GeoStore(Snapshots, _clock);
        string[] files = [Text("routes", "192.0.2.0/24 64496\n"), Text("apnic", Apnic)];
        store.Load(files, _clock, Cancellation);

        GeoLoadResult again = store.Load([files[1], files[0]], _clock, Cancellation);

        Assert.Equal((1L, false), (again.Version, again.Changed));
        Assert.Single(Directory.GetFiles(Snapshots, "*.rkgeo"));
    }

    [Fact]
    public void Three_versions_are_kept()
    {
        var store = new GeoStore(Snapshots, _clock);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(i + 1, store.Load([Text("routes", $"192.0.2.0/24 {64496 + i}\n")], _clock, Cancellation).Version);
        }

        Assert.Equal("geo-00000003.rkgeo geo-00000004.rkgeo geo-00000005.rkgeo",
            string.Join(' ', Directory.GetFiles(Snapshots, "geo-*").Select(Path.GetFileName).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Bad_rows_are_counted_and_the_first_twenty_told_with_line_and_reason()
    {
        var store = new GeoStore(Snapshots, _clock);
        string text = string.Concat(Enumerable.Range(0, 30).Select(i => $"192.0.2.{i}/32 64496\nnonsense {i}\n"));

        GeoFileResult file = Assert.Single(store.Load([Text("routes", text)], _clock, Cancellation).Files);

        Assert.Equal((60L, 30L, 30L, 20), (file.Rows, file.Accepted, file.Rejected, file.Errors.Count));
        Assert.Equal((2L, "column 1: not an IPv4 or IPv6 address"), (file.Errors[0].Line, file.Errors[0].Reason));
        Assert.Null(file.Refused);
    }

    [Fact]
    public void A_file_that_cannot_be_used_is_refused_with_its_reason_and_the_others_are_taken()
    {
        var store = new GeoStore(Snapshots, _clock);
        byte[] damaged = [.. new MmdbWriter(4, 24).Add("192.0.2.0/24", new (string, object)[] { ("country_code", "DE") }).ToArray()];
        damaged[^1] ^= 0xFF;
        damaged[0] = 0x7F;

        GeoLoadResult result = store.Load(
            [
                Path.Combine(_folder, "missing"),
                Text("letter", "Dear all,\n"),
                Text("empty", ""),
                Text("scraps", "192.0.2.0/24 64496\nx\ny\n"),
                Text("cut", "2|apnic|1|100||20260101|+1000\napnic|JP|ipv4|192.0.2.0|256||assigned\n"),
                Bytes("mmdb", damaged),
                Bytes("gzip", [0x1F, 0x8B, 8, 0, 1, 2, 3]),
                Bytes("nothing", new MmdbWriter(4, 24).Add("192.0.2.0/24", "text").ToArray()),
                Text("good", "192.0.2.0/24 64499\n"),
            ],
            _clock,
            Cancellation);

        Assert.All(result.Files.SkipLast(1), file => Assert.False(string.IsNullOrEmpty(file.Refused), file.Name));
        Assert.Equal("file is cut: it says it has 100 records, and 99 are missing", result.Files[4].Refused);
        Assert.Equal("more rows rejected than accepted", result.Files[3].Refused);
        Assert.Equal("192.0.2.0/24 64499  ", Facts(store.Current, "192.0.2.1"));
        Assert.Equal("good", Assert.Single(store.Current.Sources).Name);
    }

    [Fact]
    public void Nothing_taken_leaves_the_version_in_force()
    {
        var store = new GeoStore(Snapshots, _clock);
        store.Load([Text("good", "192.0.2.0/24 64499\n")], _clock, Cancellation);

        GeoLoadResult result = store.Load([Text("letter", "Dear all,\n")], _clock, Cancellation);

        Assert.Equal((1L, false), (result.Version, result.Changed));
        Assert.Equal("192.0.2.0/24 64499  ", Facts(store.Current, "192.0.2.1"));
    }

    [Fact]
    public void A_packed_file_is_read_as_the_plain_one()
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write("192.0.2.0/24 64499\n"u8);
        }

        var store = new GeoStore(Snapshots, _clock);
        store.Load([Bytes("routes.dat", packed.ToArray())], _clock, Cancellation);

        Assert.Equal("192.0.2.0/24 64499  ", Facts(store.Current, "192.0.2.1"));
    }

    [Fact]
    public void A_database_with_one_record_for_everything_answers_for_IPv4_too()
    {
        var store = new GeoStore(Snapshots, _clock);
        store.Load([Bytes("all", new MmdbWriter(6, 24).Add("::/1", new (string, object)[] { ("country_code", "JP"), ("asn", "AS64500"), ("as_name", "Example") }).ToArray())], _clock, Cancellation);

        Assert.Equal("0.0.0.0/0 64500 Example JP", Facts(store.Current, "203.0.113.1"));
    }

    [Fact]
    public async Task Every_changed_byte_of_a_snapshot_is_a_typed_error_and_the_node_goes_on_without_geo()
    {
        string path = LoadOne();
        byte[] good = await File.ReadAllBytesAsync(path, Cancellation);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x55;
            await AssertDamaged(path, bad);
        }
    }

    [Fact]
    public async Task A_snapshot_cut_anywhere_is_a_typed_error()
    {
        string path = LoadOne();
        byte[] good = await File.ReadAllBytesAsync(path, Cancellation);
        for (int length = 0; length < good.Length; length += 3)
        {
            await AssertDamaged(path, good[..length]);
        }
    }

    [Fact]
    public async Task A_snapshot_made_to_match_its_hash_still_cannot_make_the_reader_throw()
    {
        string path = LoadOne();
        byte[] good = await File.ReadAllBytesAsync(path, Cancellation);
        for (int at = 0; at < good.Length - 32; at++)
        {
            byte[] bad = [.. good];
            bad[at] ^= 0xFF;
            SHA256.HashData(bad.AsSpan(0, bad.Length - 32), bad.AsSpan(bad.Length - 32));
            await File.WriteAllBytesAsync(path, bad, Cancellation);
            var store = new GeoStore(Snapshots, _clock);

            GeoSnapshot geo = await store.OpenAsync(Cancellation);
            geo.Lookup(IPAddress.Parse("192.0.2.1"));
            geo.Lookup(IPAddress.Parse("2001:db8::1"));

            Assert.Equal(geo.Version > 0, store.Status.Error is null);
        }
    }

    [Fact]
    public async Task When_the_newest_snapshot_is_damaged_the_one_before_answers_and_the_error_is_shown()
    {
        LoadOne();
        new GeoStore(Snapshots, _clock).Load([Text("two", "192.0.2.0/24 64500\n")], _clock, Cancellation);
        await File.WriteAllTextAsync(Path.Combine(Snapshots, "geo-00000002.rkgeo"), "scrap", Cancellation);
        var store = new GeoStore(Snapshots, _clock);

        GeoSnapshot geo = await store.OpenAsync(Cancellation);

        Assert.Equal("192.0.2.0/24 64496 Example One DE", Facts(geo, "192.0.2.1"));
        Assert.Equal((GeoState.Ready, 1L, "geo-00000002.rkgeo"), (store.Status.State, store.Status.Version, store.Status.Error!.File));

        GeoLoadResult next = store.Load([Text("three", "192.0.2.0/24 64501\n")], _clock, Cancellation);

        Assert.Equal((3L, "geo-00000002.rkgeo"), (next.Version, next.Damaged!.File));
        Assert.Equal((GeoState.Ready, 3L, null), (store.Status.State, store.Status.Version, store.Status.Error));
    }

    [Fact]
    public void What_a_killed_load_left_behind_is_no_snapshot_and_is_cleared_away()
    {
        Directory.CreateDirectory(Snapshots);
        string half = Path.Combine(Snapshots, "geo-00000001.rkgeo.tmp");
        File.WriteAllText(half, "half");

        Assert.Equal(1, new GeoStore(Snapshots, _clock).Load([Text("routes", "192.0.2.0/24 64496\n")], _clock, Cancellation).Version);
        Assert.False(File.Exists(half));
    }

    [Fact]
    public void Two_loads_at_once_do_not_mix()
    {
        Directory.CreateDirectory(Snapshots);
        using var other = new FileStream(Path.Combine(Snapshots, "geo.lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);

        GeoLoadResult result = new GeoStore(Snapshots, _clock).Load([Text("routes", "192.0.2.0/24 64496\n")], _clock, Cancellation);

        Assert.False(result.Changed);
        Assert.Equal("geo.lock", result.Error?.File);
        Assert.Empty(Directory.GetFiles(Snapshots, "*.rkgeo"));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_a_typed_error()
    {
        string file = Text("file", "in the way");

        GeoLoadResult result = new GeoStore(file, _clock).Load([Text("routes", "192.0.2.0/24 64496\n")], _clock, Cancellation);

        Assert.False(result.Changed);
        Assert.NotNull(result.Error);
    }

    [Fact]
    public async Task Lookups_during_loads_see_one_whole_version()
    {
        var store = new GeoStore(Snapshots, _clock);
        store.Load([Text("routes", Routes(0))], _clock, Cancellation);
        using var stop = new CancellationTokenSource();
        Task<bool> looking = Task.Run(() =>
        {
            bool whole = true;
            while (!stop.IsCancellationRequested)
            {
                GeoSnapshot geo = store.Current;
                uint? first = geo.Lookup(IPAddress.Parse("192.0.2.1")).Asn;
                whole &= first is not null && first == geo.Lookup(IPAddress.Parse("198.51.100.1")).Asn;
            }

            return whole;
        }, Cancellation);

        for (int i = 1; i < 10; i++)
        {
            store.Load([Text("routes", Routes(i))], _clock, Cancellation);
        }

        await stop.CancelAsync();
        Assert.True(await looking);

        static string Routes(int i) => $"192.0.2.0/24 {64496 + i}\n198.51.100.0/24 {64496 + i}\n";
    }

    private async Task AssertDamaged(string path, byte[] bytes)
    {
        await File.WriteAllBytesAsync(path, bytes, Cancellation);
        var store = new GeoStore(Snapshots, _clock);

        GeoSnapshot geo = await store.OpenAsync(Cancellation);

        Assert.Equal(GeoState.Failed, store.Status.State);
        Assert.Equal("geo-00000001.rkgeo", store.Status.Error?.File);
        Assert.Equal(default, geo.Lookup(IPAddress.Parse("192.0.2.1")));
    }

    private string LoadOne()
    {
        GeoLoadResult result = new GeoStore(Snapshots, _clock).Load(
            [Text("routes", "192.0.2.0/24 64496\n2001:db8::/32 65536\n"), Text("apnic", Apnic), AsnMmdb("asn"), CountryMmdb("cc")], _clock, Cancellation);
        Assert.True(result.Changed);
        return Directory.GetFiles(Snapshots, "*.rkgeo").Single();
    }

    private string AsnMmdb(string name) => Bytes(name, new MmdbWriter(6, 28) { AliasIPv4 = true }
        .Add("192.0.2.0/25", new (string, object)[] { ("autonomous_system_number", 64496u), ("autonomous_system_organization", "Example One") })
        .Add("198.51.100.0/24", new (string, object)[] { ("autonomous_system_number", 64500u), ("autonomous_system_organization", "Example Two") })
        .Add("2001:db8::/33", new (string, object)[] { ("autonomous_system_number", 64511u), ("autonomous_system_organization", "Example Six") })
        .ToArray());

    private string CountryMmdb(string name) => Bytes(name, new MmdbWriter(4, 24)
        .Add("192.0.2.0/25", new (string, object)[] { ("country", new (string, object)[] { ("iso_code", "DE") }), ("registered_country", new (string, object)[] { ("iso_code", "FR") }) })
        .ToArray());

    private string Text(string name, string text) => Bytes(name, Encoding.UTF8.GetBytes(text));

    private string Bytes(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static string Facts(GeoSnapshot geo, string address)
    {
        GeoFacts facts = geo.Lookup(IPAddress.Parse(address));
        return $"{facts.Prefix} {facts.Asn} {facts.AsName} {facts.Country}";
    }

    private static async Task Until(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private sealed class SteppingClock : TimeProvider
    {
        private long _ticks = new DateTimeOffset(2026, 1, 5, 0, 0, 0, TimeSpan.Zero).UtcTicks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Step(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

        public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

        public override long GetTimestamp() => Interlocked.Read(ref _ticks);
    }
}
