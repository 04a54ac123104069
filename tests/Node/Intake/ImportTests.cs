using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Imports;

/// <summary>Feed files through the whole door: one report for a file, its lines as items, the same file once.</summary>
public class ImportTests
{
    private static readonly string Samples = Path.Combine(Repository.Root, "tests/Units/Fixtures/shadowserver");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task All_ten_report_types_become_reports_with_as_many_items_as_they_have_lines(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var files = Directory.GetFiles(Samples, "*.csv").Order(StringComparer.Ordinal).ToList();
        Assert.True(files.Count >= 10);
        foreach (var file in files)
        {
            var result = await ImportAsync(node, Path.GetFileName(file), await File.ReadAllBytesAsync(file, Ct));
            Assert.True(result.Fatal is null, file + ": " + result.Fatal);
            var lines = await File.ReadAllLinesAsync(Path.ChangeExtension(file, ".jsonl"), Ct);
            Assert.Equal(result.Rows, result.Accepted + result.Duplicates + result.Rejected);
            Assert.Equal(lines.Length, result.Accepted);
            await using var db = node.Databases.ForSystem();
            var report = await db.Reports.AsNoTracking().SingleAsync(r => r.Id == result.Report, Ct);
            Assert.Equal((Channel.Import, lines.Length), (report.Channel, report.Items));
            Assert.Equal(lines.Length, await db.ReportItems.CountAsync(i => i.Report == result.Report, Ct));
        }

        await using var all = node.Databases.ForSystem();
        Assert.Equal(10, (await all.Reports.Select(r => r.Feed).Distinct().ToListAsync(Ct)).Count);
        var raw = (await all.Reports.AsNoTracking().FirstAsync(r => r.Feed == "shadowserver:phish_url", Ct)).RawSha256;
        var bytes = await node.Services.GetRequiredService<Store.BlobStore>().ReadAsync(all, raw, Ct);
        Assert.Equal(await File.ReadAllBytesAsync(files.Single(f => f.Contains("phish_url", StringComparison.Ordinal)), Ct), bytes);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_same_file_twice_or_twice_at_once_changes_nothing(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (name, bytes) = await SampleAsync("scan_rdp");
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ImportAsync(node, name, bytes)));
        Assert.Single(results, r => !r.AlreadyThere);
        Assert.Single(results.Select(r => r.Report).Distinct());
        var again = await ImportAsync(node, "renamed-" + name, bytes);
        Assert.True(again.AlreadyThere);
        Assert.Equal(results[0].Number, again.Number);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(1, await db.Reports.CountAsync(Ct));
        Assert.Equal(results.Single(r => !r.AlreadyThere).Accepted, await db.ReportItems.CountAsync(Ct));
        // for another team it is a report of its own
        var other = await ImportAsync(node, name, bytes, "minato");
        Assert.False(other.AlreadyThere);
    }

    [Fact]
    public async Task Bad_rows_are_told_by_line_and_column_and_the_rest_goes_on()
    {
        await using var node = await TestNode.StartAsync();
        var (name, bytes) = await SampleAsync("scan_rdp");
        var lines = Encoding.UTF8.GetString(bytes).TrimEnd('\n').Split('\n').ToList();
        var header = lines[0].TrimEnd('\r').Split(',').Select(h => h.Trim('"')).ToList();
        var cells = lines[1].TrimEnd('\r').Split(',');
        var ip = header.IndexOf("ip");
        Assert.True(ip >= 0);
        cells[ip] = "\"999.1.2.3\"";
        lines.Insert(1, string.Join(',', cells));
        lines.Add("\"only one cell\"");
        var result = await ImportAsync(node, name, Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
        var whole = await ImportAsync(node, name, bytes);
        Assert.Equal((null, 2L, whole.Accepted), (result.Fatal, result.Rejected, result.Accepted));
        Assert.Equal([2, lines.Count], result.Errors.Select(e => (int)e.Line).Order());
        Assert.Equal("ip", result.Errors.Single(e => e.Line == 2).Column);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no header that anyone knows\n1,2,3\n")]
    [InlineData("\0\0\0\0")]
    public async Task What_is_no_feed_is_refused_whole_and_leaves_nothing(string content)
    {
        await using var node = await TestNode.StartAsync();
        var result = await ImportAsync(node, "something.csv", Encoding.UTF8.GetBytes(content));
        Assert.NotNull(result.Fatal);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(0, await db.Reports.CountAsync(Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task An_imported_report_is_found_by_its_name_and_opens(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (name, bytes) = await SampleAsync("phish_url");
        var result = await ImportAsync(node, name, bytes);
        using var sato = await node.SignedInAsync("sato@aozora.example");
        var found = await sato.GetStringAsync("/search?q=phish_url", Ct);
        Assert.Contains(result.Number!, found, StringComparison.Ordinal);
        var page = await sato.GetStringAsync($"/reports/{result.Report}", Ct);
        Assert.Contains(result.Accepted.ToString(CultureInfo.InvariantCulture), page, StringComparison.Ordinal);
        using var stranger = await node.SignedInAsync("minato@minato.example");
        Assert.DoesNotContain(result.Number!, await stranger.GetStringAsync("/search?q=phish_url", Ct), StringComparison.Ordinal);
    }

    private static async Task<(string Name, byte[] Bytes)> SampleAsync(string type)
    {
        var file = Directory.GetFiles(Samples, $"*-{type}-*.csv").Single();
        return (Path.GetFileName(file), await File.ReadAllBytesAsync(file, Ct));
    }

    private static async Task<ImportResult> ImportAsync(TestNode node, string name, byte[] bytes, string team = "aozora")
    {
        using var stream = new MemoryStream(bytes);
        return await node.Services.GetRequiredService<ImportFeed>().RunAsync(stream, name, null, (await node.TeamAsync(team)).Id, "system", Ct);
    }
}
