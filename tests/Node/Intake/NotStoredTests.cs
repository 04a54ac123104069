using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;

namespace Renkei.Node.Tests.IntakeBadInput;

/// <summary>A node that cannot write says so, acknowledges nothing, and loses nothing that it acknowledged.</summary>
public class NotStoredTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_a_locked_database_nothing_is_acknowledged_and_the_same_key_succeeds_once_after(bool token)
    {
        await using var node = await TestNode.StartAsync(adjust: b => TightSqlite.Use(b));
        using var client = token ? await node.WithTokenAsync("aozora") : node.Anonymous();
        await using var other = new SqliteConnection($"Data Source={Path.Combine(node.Folder, "renkei.db")};Pooling=False");
        await other.OpenAsync(Ct);
        var transaction = other.BeginTransaction(deferred: false);
        using (var locked = await PostAsync(client, "locked", new string('x', 10)))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, locked.StatusCode);
            Assert.NotNull(locked.Headers.RetryAfter);
            Assert.Equal("application/problem+json", locked.Content.Headers.ContentType?.MediaType);
        }

        // reading goes on
        using (var health = await client.GetAsync("/report/aozora", Ct))
        {
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }

        await transaction.RollbackAsync(Ct);
        await transaction.DisposeAsync();
        using var after = await PostAsync(client, "locked", new string('x', 10));
        using var again = await PostAsync(client, "locked", new string('x', 10));
        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (after.StatusCode, again.StatusCode));
        Assert.Equal(await after.Content.ReadAsStringAsync(Ct), await again.Content.ReadAsStringAsync(Ct));
        await using var db = node.Databases.ForSystem();
        Assert.Equal(1, await db.Reports.CountAsync(Ct));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(200_000)]
    public async Task With_a_full_disk_nothing_is_acknowledged_and_what_was_acknowledged_is_there(int size)
    {
        // a small disk of its own where this process may mount one, else a bound on the database's pages
        var disk = Directory.CreateTempSubdirectory("renkei-disk-").FullName;
        var mounted = await RunAsync("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk) == 0;
        Assert.SkipUnless(mounted, "no tmpfs may be mounted here; the database's own bound is tested instead");
        try
        {
            var acknowledged = new HashSet<string>(StringComparer.Ordinal);
            var folder = Path.Combine(disk, "data");
            await using (var node = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = folder }))
            {
                await FillAsync(node, size, acknowledged);
            }

            Assert.NotEmpty(acknowledged);
            Assert.Equal(0, await RunAsync("mount", "-o", "remount,size=64m", disk));
            await using var again = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = folder });
            await ThereAsync(again, acknowledged);
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            await RunAsync("umount", disk);
            Directory.Delete(disk, recursive: true);
        }
    }

    [Fact]
    public async Task With_a_full_database_nothing_is_acknowledged_and_what_was_acknowledged_is_there()
    {
        await using var node = await TestNode.StartAsync(adjust: b => TightSqlite.Use(b, 700));
        var acknowledged = new HashSet<string>(StringComparer.Ordinal);
        await FillAsync(node, 20_000, acknowledged);
        await ThereAsync(node, acknowledged);
    }

    /// <summary>Posts until the node says that it cannot store, and some more; notes what it acknowledged.</summary>
    private static async Task FillAsync(TestNode node, int size, HashSet<string> acknowledged)
    {
        using var client = node.Anonymous();
        var refused = 0;
        var random = new Random(11);
        for (var i = 0; i < 20_000 && refused < 3; i++)
        {
            var bytes = new byte[size];
            random.NextBytes(bytes);
            using var answer = await PostAsync(client, "fill" + i, Convert.ToBase64String(bytes));
            if (answer.StatusCode == HttpStatusCode.Accepted)
            {
                acknowledged.Add(JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct)).RootElement.GetProperty("trackingNumber").GetString()!);
                continue;
            }

            Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(Ct)}");
            Assert.NotNull(answer.Headers.RetryAfter);
            refused++;
        }

        Assert.Equal(3, refused);
    }

    private static async Task ThereAsync(TestNode node, HashSet<string> acknowledged)
    {
        await using var db = node.Databases.ForSystem();
        var stored = await db.Reports.AsNoTracking().Select(r => r.Number).ToListAsync(Ct);
        Assert.Empty(acknowledged.Except(stored));
        Assert.Equal(stored.Count, stored.Distinct(StringComparer.Ordinal).Count());
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string key, string content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports")
        {
            Content = new StringContent($$"""{"team":"aozora","type":"request","summary":"when it cannot be written","attachments":[{"name":"a.bin","contentBase64":"{{(content.Length % 4 == 0 ? content : "YQ==")}}"}]}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Idempotency-Key", key);
        return await client.SendAsync(request, Ct);
    }

    private static async Task<int> RunAsync(string command, params string[] arguments)
    {
        try
        {
            var start = new System.Diagnostics.ProcessStartInfo(command, arguments) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
            using var process = System.Diagnostics.Process.Start(start)!;
            await process.WaitForExitAsync(CancellationToken.None);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
