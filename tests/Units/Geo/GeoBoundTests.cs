using System.IO.Compression;
using System.Text;
using Renkei.Geo;

namespace Renkei.Units.Geo;

/// <summary>A file that unpacks to more than may be read is refused while it is unpacked, and nothing of it is taken.</summary>
public sealed class GeoBoundTests : IDisposable
{
    private const int Most = 1 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("renkei-geo-").FullName;

    [Fact]
    public void A_gzip_bomb_is_refused_before_it_fills_the_memory_and_the_last_snapshot_stays()
    {
        var store = new GeoStore(Path.Combine(_folder, "geo"), TimeProvider.System, Most);
        Assert.Null(Assert.Single(store.Load([Packed("good.gz", "192.0.2.0/24 64496\n", 1)], TimeProvider.System, TestContext.Current.CancellationToken).Files).Refused);
        // a table that could be read, forty times larger than allowed, in few bytes
        var bomb = Packed("bomb.gz", "198.51.100.0/24 64497\n", 2_000_000);
        Assert.True(new FileInfo(bomb).Length < Most);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = store.Load([bomb], TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 16 * Most, "it was unpacked");
        var file = Assert.Single(result.Files);
        Assert.Contains("when unpacked", file.Refused, StringComparison.Ordinal);
        Assert.Contains("1048576 bytes", file.Refused, StringComparison.Ordinal);
        Assert.Equal((0, false), (file.Accepted, result.Changed));
        Assert.Equal(64496u, store.Current.Lookup(System.Net.IPAddress.Parse("192.0.2.1")).Asn);
        Assert.Null(store.Current.Lookup(System.Net.IPAddress.Parse("198.51.100.1")).Asn);
    }

    [Fact]
    public void A_file_that_is_too_large_as_it_lies_there_is_not_read()
    {
        var path = Path.Combine(_folder, "large");
        File.WriteAllText(path, string.Concat(Enumerable.Repeat("192.0.2.0/24 64496\n", (Most / 19) + 1)));
        var file = Assert.Single(new GeoStore(Path.Combine(_folder, "geo"), TimeProvider.System, Most).Load([path], TimeProvider.System, TestContext.Current.CancellationToken).Files);
        Assert.Contains("larger than 1048576 bytes", file.Refused, StringComparison.Ordinal);
        Assert.Null(file.Sha256);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Packed(string name, string line, int times)
    {
        var path = Path.Combine(_folder, name);
        using var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        var piece = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(line, Math.Min(times, 10_000))));
        for (var i = 0; i < Math.Max(1, times / 10_000); i++)
        {
            gzip.Write(piece);
        }

        return path;
    }
}
