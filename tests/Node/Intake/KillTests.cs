using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Bench;
using Renkei.Incidents;
using Renkei.Store;

namespace Renkei.Node.Tests.IntakeDurability;

/// <summary>Promise 1: what was acknowledged survives kill -9, and doing it twice has the effect of once.</summary>
public class KillTests
{
    /// <summary>10 times here, 100 times with <c>./test --soak</c>.</summary>
    private static int Rounds => Environment.GetEnvironmentVariable("RENKEI_SOAK") is null ? 10 : 100;

    [Fact]
    public async Task Kill_9_during_intake_loses_no_acknowledged_report_and_doubles_none()
    {
        var ct = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("renkei-kill-").FullName;
        try
        {
            await NodeProcess.PrepareAsync(folder);
            var random = new Random(7);
            var acknowledged = new Dictionary<string, string>(StringComparer.Ordinal);
            for (var round = 0; round < Rounds; round++)
            {
                var load = new IntakeLoad("k" + round);
                using (var node = await NodeProcess.StartAsync(folder))
                {
                    using var stop = new CancellationTokenSource();
                    var running = load.RunAsync(node.Url, 8, TimeSpan.FromSeconds(20), 100_000, stop.Token);
                    // somewhere in the middle of the load, once it flows
                    while (load.Acknowledged.Count < 20)
                    {
                        await Task.Delay(10, ct);
                    }

                    await Task.Delay(random.Next(50, 500), ct);
                    node.Kill();
                    await stop.CancelAsync();
                    await running;
                }

                Assert.True(load.Acknowledged.Count >= 20);
                // the reporter's program tries again what was not answered: same key, same report
                using (var node = await NodeProcess.StartAsync(folder))
                using (var client = new HttpClient { BaseAddress = new Uri(node.Url) })
                {
                    foreach (var key in load.Unanswered.Keys.Concat(load.Acknowledged.Keys.Take(10)).ToList())
                    {
                        var before = load.Acknowledged.GetValueOrDefault(key);
                        Assert.True(await load.SendAsync(client, key, ct));
                        Assert.True(before is null || before == load.Acknowledged[key], "the same key got another number");
                    }
                }

                foreach (var (key, number) in load.Acknowledged)
                {
                    acknowledged.Add(key, number);
                }
            }

            var stored = await StoredAsync(folder, ct);
            var lost = acknowledged.Where(a => !stored.Contains((a.Value, a.Key))).ToList();
            Assert.Empty(lost);
            Assert.Equal(stored.Count, stored.Select(s => s.Key).Distinct(StringComparer.Ordinal).Count());
            Assert.Equal(stored.Count, stored.Select(s => s.Number).Distinct(StringComparer.Ordinal).Count());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<HashSet<(string Number, string Key)>> StoredAsync(string folder, CancellationToken ct)
    {
        var settings = NodeSettings.Load(new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = folder }, _ => null);
        await using var app = NodeHost.Build(settings);
        await NodeHost.PrepareAsync(app.Services, ct);
        await using var db = app.Services.GetRequiredService<NodeDbFactory>().ForSystem();
        var rows = await db.Reports.Select(r => new { r.Number, r.Summary, r.RawSha256 }).ToListAsync(ct);
        var blobs = app.Services.GetRequiredService<BlobStore>();
        foreach (var row in rows.Take(50))
        {
            Assert.NotNull(await blobs.ReadAsync(db, row.RawSha256, ct));
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        // as a list first: a report stored twice must not hide in a set
        var all = rows.Select(r => (r.Number, Key: r.Summary.Split(' ')[^1])).ToList();
        Assert.Equal(all.Count, all.Distinct().Count());
        return [.. all];
    }
}
