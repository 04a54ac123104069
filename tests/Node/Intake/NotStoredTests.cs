using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Incidents;
using Renkei.Store;

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
    [InlineData(200, false)]
    [InlineData(200_000, false)]
    [InlineData(2_000, true)]
    public async Task With_a_full_disk_nothing_is_acknowledged_and_what_was_acknowledged_is_there(int size, bool bounded)
    {
        // a small disk of its own where this process may mount one, else files that may not grow
        var disk = Directory.CreateTempSubdirectory("renkei-disk-").FullName;
        var mounted = !bounded && await RunAsync("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk) == 0;
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = Path.Combine(disk, "data") };
        try
        {
            var acknowledged = new List<Taken>();
            if (mounted)
            {
                await using var node = await TestNode.StartAsync(settings: settings);
                using var client = node.Anonymous();
                await FillAsync(client, size, acknowledged);
            }
            else
            {
                await using (await TestNode.StartAsync(settings: settings))
                {
                    // its teams
                }

                // and ended without warning, as a process on a full disk may be
                await using var child = await ChildNode.StartAsync("serve", settings["data"], 2048, "--set", "report-rate=100000");
                using var client = child.Browser();
                await FillAsync(client, size, acknowledged);
            }

            Assert.Contains(acknowledged, a => a.Raw is null);
            Assert.Contains(acknowledged, a => a.Raw is not null);
            if (mounted)
            {
                Assert.Equal(0, await RunAsync("mount", "-o", "remount,size=64m", disk));
            }

            await using var again = await TestNode.StartAsync(settings: settings);
            await ThereAsync(again, acknowledged);
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            if (mounted)
            {
                await RunAsync("umount", disk);
            }

            Directory.Delete(disk, recursive: true);
        }
    }

    [Fact]
    public async Task With_a_full_database_nothing_is_acknowledged_and_what_was_acknowledged_is_there()
    {
        await using var node = await TestNode.StartAsync(adjust: b => TightSqlite.Use(b, 700));
        var acknowledged = new List<Taken>();
        using var client = node.Anonymous();
        await FillAsync(client, 20_000, acknowledged);
        await ThereAsync(node, acknowledged);
    }

    /// <summary>A report that was acknowledged: its private link's key, the body as it was sent (null by the form), its summary and its file.</summary>
    private sealed record Taken(string Key, byte[]? Raw, string Summary, byte[] File);

    /// <summary>Reports by API and by form in turn until the node says that it cannot store, and some more; notes what it acknowledged.</summary>
    private static async Task FillAsync(HttpClient client, int size, List<Taken> acknowledged)
    {
        var csrf = Regex.Match(await client.GetStringAsync("/report/aozora", Ct), "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;
        var refused = 0;
        var random = new Random(11);
        for (var i = 0; i < 20_000 && refused < 4; i++)
        {
            var bytes = new byte[size];
            random.NextBytes(bytes);
            var summary = $"when it cannot be written {i}";
            var raw = Encoding.UTF8.GetBytes($$"""{"team":"aozora","type":"request","summary":"{{summary}}","attachments":[{"name":"a.bin","contentBase64":"{{Convert.ToBase64String(bytes)}}"}]}""");
            using HttpContent content = i % 2 == 0
                ? new ByteArrayContent(raw) { Headers = { ContentType = new("application/json") } }
                : new MultipartFormDataContent { { new StringContent("request"), "kind" }, { new StringContent(summary), "summary" }, { new StringContent("unknown"), "clock" }, { new StringContent("none"), "disclosure" }, { new StringContent(csrf), "csrf" }, { new ByteArrayContent(bytes), "files", "a.bin" } };
            using var answer = await client.PostAsync(i % 2 == 0 ? "/api/v1/reports" : "/report/aozora", content, Ct);
            if (answer.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.SeeOther)
            {
                var link = i % 2 == 0 ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct)).RootElement.GetProperty("statusUrl").GetString()! : answer.Headers.Location!.ToString();
                acknowledged.Add(new(link.Split('?')[0].Split('/')[^1], i % 2 == 0 ? raw : null, summary, bytes));
                continue;
            }

            var said = await answer.Content.ReadAsStringAsync(Ct);
            Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{(int)answer.StatusCode}: {said}");
            Assert.NotNull(answer.Headers.RetryAfter);
            if (i % 2 == 1)
            {
                // what was written is still in the form
                Assert.Contains(summary, said, StringComparison.Ordinal);
            }

            refused++;
        }

        Assert.Equal(4, refused);
    }

    /// <summary>Each that was acknowledged is there once, to the byte.</summary>
    private static async Task ThereAsync(TestNode node, List<Taken> acknowledged)
    {
        await using var db = node.Databases.ForSystem();
        var blobs = node.Services.GetRequiredService<BlobStore>();
        var stored = await db.Reports.AsNoTracking().ToListAsync(Ct);
        Assert.Equal(stored.Count, stored.Select(r => r.Number).Distinct(StringComparer.Ordinal).Count());
        var byKey = stored.ToDictionary(r => r.StatusKeyHash, StringComparer.Ordinal);
        var files = (await db.ReportAttachments.AsNoTracking().ToListAsync(Ct)).ToLookup(a => a.Report);
        foreach (var (key, raw, summary, file) in acknowledged)
        {
            Assert.True(byKey.TryGetValue(Intake.Hash(key), out var report), summary + " was acknowledged and is not there");
            Assert.Equal(summary, report.Summary);
            var kept = await blobs.ReadAsync(db, report.RawSha256, Ct);
            Assert.NotNull(kept);
            if (raw is not null)
            {
                Assert.True(raw.AsSpan().SequenceEqual(kept), summary + ": other raw bytes");
            }
            else
            {
                Assert.Equal(summary, JsonDocument.Parse(kept).RootElement.GetProperty("summary").GetString());
            }

            var attachment = Assert.Single(files[report.Id]);
            var stillThere = await blobs.ReadAsync(db, attachment.Sha256, Ct);
            Assert.True(file.AsSpan().SequenceEqual(stillThere), summary + ": another file");
        }
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
