using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Stores;

/// <summary>What a record carries so that another node can trust it: its origin, its marking under its hash, the same hash wherever it lies.</summary>
public class RecordTests
{
    private static readonly DateTimeOffset Moment = DateTimeOffset.Parse("2026-11-24T01:02:03.1234567Z", CultureInfo.InvariantCulture);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_record_names_the_node_it_came_from_and_its_hash_covers_its_marking(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var here = node.Services.GetRequiredService<NodeContext>().Id;
        Assert.NotEqual(Guid.Empty, here.Value);
        var (team, other) = (TeamId.New(node.Clock), TeamId.New(node.Clock));
        await using var db = node.Databases.ForSystem();
        var incident = Make(IncidentId.New(node.Clock), Marking.Own(team), node.Clock.GetUtcNow());
        db.Incidents.Add(incident);
        await db.SaveChangesAsync(Ct);
        Assert.Equal(here, (await db.Incidents.AsNoTracking().SingleAsync(Ct)).OriginNode);
        var seen = new HashSet<string>(StringComparer.Ordinal) { incident.ContentHash };
        foreach (var marking in new[]
        {
            Marking.Own(team, Tlp.Green, Pap.Green), Marking.Own(team, Tlp.AmberStrict), Marking.Own(team) with { Audience = new([Principal.Of(other)]) },
            Marking.Own(team, Tlp.Green, Pap.Green) with { Exclusions = new([Principal.Of(other)]) }, Marking.Own(team) with { Pap = Pap.Red },
        })
        {
            incident.Marking = marking;
            await db.SaveChangesAsync(Ct);
            Assert.True(seen.Add(incident.ContentHash), "the hash of another marking: " + marking);
        }

        incident.Marking = Marking.Own(team);
        await db.SaveChangesAsync(Ct);
        Assert.False(seen.Add(incident.ContentHash));
        Assert.Equal(here, incident.OriginNode);
    }

    [Fact]
    public async Task The_same_record_has_the_same_hash_on_both_engines_also_when_it_was_read_back()
    {
        var (id, team, origin) = (IncidentId.New(TimeProvider.System), TeamId.New(TimeProvider.System), NodeId.New(TimeProvider.System));
        var hashes = new List<string>();
        foreach (var engine in new[] { "sqlite", "postgres" })
        {
            await using var node = await TestNode.StartAsync(engine, people: false, adjust: b => b.Services.AddSingleton<TimeProvider>(new SetClock(Moment)));
            node.Services.GetRequiredService<NodeContext>().Id = origin;
            await using (var db = node.Databases.ForSystem())
            {
                var incident = Make(id, Marking.Own(team) with { Audience = new([Principal.Of(new TeamId(origin.Value)), Principal.Of(new PersonId(id.Value))]) }, Moment);
                db.Incidents.Add(incident);
                await db.SaveChangesAsync(Ct);
                hashes.Add(incident.ContentHash);
            }

            await using (var db = node.Databases.ForSystem())
            {
                // there and back: what the engine gave is hashed, and not what we once put in
                var incident = await db.Incidents.SingleAsync(Ct);
                incident.Title += "!";
                await db.SaveChangesAsync(Ct);
                incident.Title = incident.Title[..^1];
                await db.SaveChangesAsync(Ct);
                hashes.Add(incident.ContentHash);
            }
        }

        Assert.Single(hashes.Distinct(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_reported_time_is_kept_as_it_was_written_with_its_zone_beside_what_it_means(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var client = node.Anonymous();
        using var sent = await TestNode.PostFormAsync(client, "/report/aozora", "/report/aozora", new() { ["kind"] = "request", ["summary"] = "with its time", ["when"] = "2026/1/5 5:10", ["zone"] = "America/New_York", ["clock"] = "unknown", ["disclosure"] = "none" });
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        await using var db = node.Databases.ForSystem();
        var report = await db.Reports.AsNoTracking().SingleAsync(Ct);
        Assert.Equal(("2026/1/5 5:10", "America/New_York", DateTimeOffset.Parse("2026-01-05T10:10:00Z", CultureInfo.InvariantCulture)), (report.OccurredText, report.OccurredZone, report.OccurredAt));
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var page = WebUtility.HtmlDecode(await smith.GetStringAsync($"/reports/{report.Id}", Ct));
        Assert.Contains("2026/1/5 5:10 America/New_York", page, StringComparison.Ordinal);
        Assert.Contains("19:10", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SQLite_writes_ahead_and_waits_for_the_disk()
    {
        await using var node = await TestNode.StartAsync(people: false);
        await using var db = node.Databases.ForSystem();
        // as the node's own connections are, whoever opens one
        await db.Database.OpenConnectionAsync(Ct);
        Assert.Equal(("wal", "2"), (await AskAsync("PRAGMA journal_mode"), await AskAsync("PRAGMA synchronous")));
        Assert.True(File.Exists(Path.Combine(node.Folder, "renkei.db-wal")));

        async Task<string?> AskAsync(string pragma)
        {
#pragma warning disable RS0030 // asks the engine how it was opened, and no table
            await using var command = db.Database.GetDbConnection().CreateCommand();
#pragma warning restore RS0030
            command.CommandText = pragma;
            return Convert.ToString(await command.ExecuteScalarAsync(Ct), CultureInfo.InvariantCulture);
        }
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Each_object_has_a_key_of_its_own_and_destroying_one_leaves_the_others(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var (blobs, ring) = (node.Services.GetRequiredService<BlobStore>(), node.Services.GetRequiredService<KeyRing>());
        await using var db = node.Databases.ForSystem();
        byte[][] contents = [.. Enumerable.Range(0, 6).Select(i => RandomNumberGenerator.GetBytes(i < 3 ? 100 : BlobStore.InlineLimit + 1))];
        var shas = new List<string>();
        foreach (var content in contents)
        {
            shas.Add((await blobs.AddAsync(db, content, Ct)).Sha256);
        }

        await db.SaveChangesAsync(Ct);
        var rows = await db.Blobs.AsNoTracking().ToListAsync(Ct);
        var keys = rows.Select(r => Convert.ToHexStringLower(ring.Unwrap(r.WrappedKey!, r.Sha256))).ToList();
        Assert.Equal((6, 6), (rows.Count, keys.Distinct(StringComparer.Ordinal).Count()));
        Assert.All(keys, k => Assert.Equal(64, k.Length));
        // a key opens its own object and no other's
        Assert.ThrowsAny<CryptographicException>(() => ring.Unwrap(rows[0].WrappedKey!, rows[1].Sha256));
        await blobs.DestroyAsync(db, shas[0], Ct);
        await blobs.DestroyAsync(db, shas[3], Ct);
        await db.SaveChangesAsync(Ct);
        for (var i = 0; i < contents.Length; i++)
        {
            Assert.Equal(i is 0 or 3 ? null : contents[i], await blobs.ReadAsync(db, shas[i], Ct));
        }
    }

    private static Incident Make(IncidentId id, Marking marking, DateTimeOffset at) =>
        new() { Id = id, Marking = marking, Number = "INC-1", Title = "感染 and a phish", Summary = "é\n\"quoted\"", Category = "fraud", Type = "phishing", Severity = Severity.High, OpenedAt = at };
}
