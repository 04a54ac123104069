using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.Stores;

/// <summary>What the store promises, on both engines.</summary>
public class StoreTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_row_of_the_outbox_stays_claimed_for_as_long_as_its_handler_works(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        await using var db = node.Databases.ForSystem();
        db.Send("slow.v1", "slow:1", new { });
        await db.SaveChangesAsync(Ct);
        var slow = new SlowHandler();
        var worker = new OutboxWorker(node.Databases, node.Services.GetRequiredService<NodeContext>(), new HurriedClock(), [slow], NullLogger<OutboxWorker>.Instance);
        var running = worker.RunDueAsync(Ct);
        await slow.Begun.Task.WaitAsync(TimeSpan.FromSeconds(20), Ct);
        var claimed = await ClaimAsync();
        // a claim is five minutes and a server's last word may take ten: it is renewed before it runs out
        for (var i = 0; i < 200 && await ClaimAsync() == claimed; i++)
        {
            await Task.Delay(50, Ct);
        }

        Assert.True(await ClaimAsync() > claimed);
        slow.Finish.SetResult();
        Assert.Equal(1, await running);
        Assert.Null(await ClaimAsync());

        async Task<DateTimeOffset?> ClaimAsync() => await db.Outbox.AsNoTracking().Where(o => o.Key == "slow:1").Select(o => o.ClaimedUntil).SingleAsync(Ct);
    }

    private sealed class SlowHandler : IOutboxHandler
    {
        public string Type => "slow.v1";

        public TaskCompletionSource Begun { get; } = new();

        public TaskCompletionSource Finish { get; } = new();

        public async Task<OutboxOutcome> HandleAsync(OutboxMessage message, CancellationToken ct)
        {
            Begun.SetResult();
            await Finish.Task.WaitAsync(ct);
            return new OutboxOutcome.Done();
        }
    }

    /// <summary>Its timers run out a thousand times sooner.</summary>
    private sealed class HurriedClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 1000 : dueTime, period);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Two_who_change_the_same_version_do_not_overwrite_each_other(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var id = (await AddIncidentAsync(node)).Id;
        await using var one = node.Databases.ForSystem();
        await using var two = node.Databases.ForSystem();
        var first = await one.Incidents.SingleAsync(i => i.Id == id, Ct);
        var second = await two.Incidents.SingleAsync(i => i.Id == id, Ct);
        first.Title = "first";
        await one.SaveChangesAsync(Ct);
        second.Title = "second";
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => two.SaveChangesAsync(Ct));
        await using var later = node.Databases.ForSystem();
        var stored = await later.Incidents.SingleAsync(i => i.Id == id, Ct);
        Assert.Equal(("first", 2L), (stored.Title, stored.Version));
        // the refused save left no audit line of a change that did not happen
        Assert.Equal(1, await later.Audit.CountAsync(a => a.Record == id.Value && a.Action == "incident.changed", Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_content_hash_changes_with_the_content_and_only_with_it(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var id = (await AddIncidentAsync(node)).Id;
        await using var db = node.Databases.ForSystem();
        var incident = await db.Incidents.SingleAsync(i => i.Id == id, Ct);
        var before = incident.ContentHash;
        Assert.Matches("^[0-9a-f]{64}$", before);
        incident.Title = "changed";
        await db.SaveChangesAsync(Ct);
        Assert.NotEqual(before, incident.ContentHash);
        incident.Title = "a phish";
        await db.SaveChangesAsync(Ct);
        Assert.Equal(before, incident.ContentHash);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_delete_leaves_a_tombstone_and_takes_grants_and_search_text_along(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var incident = await AddIncidentAsync(node);
        await using var db = node.Databases.ForSystem();
        db.Incidents.Remove(await db.Incidents.SingleAsync(i => i.Id == incident.Id, Ct));
        await db.SaveChangesAsync(Ct);
        var stone = await db.Tombstones.SingleAsync(Ct);
        Assert.Equal((incident.Id.Value, "incident", 2L, incident.ContentHash), (stone.Record, stone.Kind, stone.Version, stone.ContentHash));
        Assert.False(await db.Grants.AnyAsync(g => g.Record == incident.Id.Value, Ct));
        Assert.Empty(await db.SearchAsync("phish", 10, Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_audit_log_can_neither_be_changed_nor_deleted(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        await AddIncidentAsync(node);
        await using var db = node.Databases.ForSystem();
        Assert.True(await db.Audit.AnyAsync(a => a.Action == "incident.created", Ct));
        await Assert.ThrowsAnyAsync<Exception>(() => db.Audit.ExecuteDeleteAsync(Ct));
        await Assert.ThrowsAnyAsync<Exception>(() => db.Audit.ExecuteUpdateAsync(s => s.SetProperty(a => a.Actor, "nobody"), Ct));
        db.Audit.Remove(await db.Audit.FirstAsync(Ct));
        await Assert.ThrowsAsync<InvalidOperationException>(() => db.SaveChangesAsync(Ct));
        await using var later = node.Databases.ForSystem();
        Assert.False(await later.Audit.AnyAsync(a => a.Actor == "nobody", Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_lease_is_held_by_one_process_and_runs_out(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var clock = new StoppedClock(node.Clock.GetUtcNow());
        Leases one = new(node.Databases, clock), two = new(node.Databases, clock);
        Assert.True(await one.TryTakeAsync("job", TimeSpan.FromMinutes(1), Ct));
        Assert.False(await two.TryTakeAsync("job", TimeSpan.FromMinutes(1), Ct));
        Assert.True(await one.TryTakeAsync("job", TimeSpan.FromMinutes(1), Ct));
        clock.Now += TimeSpan.FromMinutes(2);
        Assert.True(await two.TryTakeAsync("job", TimeSpan.FromMinutes(1), Ct));
        Assert.False(await one.TryTakeAsync("job", TimeSpan.FromMinutes(1), Ct));
        await two.ReleaseAsync("job", Ct);
        Assert.True(await one.TryTakeAsync("job", TimeSpan.FromMinutes(1), Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Twenty_who_race_for_a_lease_get_it_once(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var taken = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => new Leases(node.Databases, node.Clock).TryTakeAsync("race", TimeSpan.FromMinutes(1), Ct), Ct)));
        Assert.Single(taken, t => t);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Housekeeping_runs_in_one_process_and_takes_only_what_is_over(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        var clock = new StoppedClock(node.Clock.GetUtcNow());
        Housekeeping one = new(node.Databases, new Leases(node.Databases, clock), clock, NullLogger<Housekeeping>.Instance), two = new(node.Databases, new Leases(node.Databases, clock), clock, NullLogger<Housekeeping>.Instance);
        await using (var db = node.Databases.ForSystem())
        {
            db.Idempotency.Add(new IdempotencyEntry { Key = "old", RequestHash = "", Response = "", At = clock.Now - Housekeeping.KeysLast - TimeSpan.FromMinutes(1) });
            db.Idempotency.Add(new IdempotencyEntry { Key = "new", RequestHash = "", Response = "", At = clock.Now - Housekeeping.KeysLast + TimeSpan.FromMinutes(1) });
            await db.SaveChangesAsync(Ct);
        }

        Assert.Equal(1, await one.SweepAsync(Ct));
        Assert.Null(await two.SweepAsync(Ct));
        await using var after = node.Databases.ForSystem();
        Assert.Equal(["new"], await after.Idempotency.Select(i => i.Key).ToListAsync(Ct));
        clock.Now += TimeSpan.FromHours(1);
        Assert.Equal(1, await two.SweepAsync(Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_node_knows_its_own_database_again_and_no_other(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var (settings, keys, context) = (node.Services.GetRequiredService<NodeSettings>(), node.Services.GetRequiredService<KeyRing>(), node.Services.GetRequiredService<NodeContext>());
        var migrations = engine == "sqlite" ? typeof(Store.Sqlite.SqliteStore).Assembly : typeof(Store.Postgres.PostgresStore).Assembly;
        var known = await ReadAsync();
        Assert.Equal((context.Id, true), (known!.Id, known.Inhabited));
        Assert.Equal(context.Key!.ExportSubjectPublicKeyInfo(), known.Key.ExportSubjectPublicKeyInfo());
        await DoAsync("""DELETE FROM "AspNetUsers" """);
        Assert.False((await ReadAsync())!.Inhabited);
        // another version's database, or one without its node's facts, takes the long way
        await DoAsync("""UPDATE "__EFMigrationsHistory" SET "MigrationId" = '29991231235959_Later'""");
        Assert.Null(await ReadAsync());
        await DoAsync("""DROP TABLE "__EFMigrationsHistory" """);
        Assert.Null(await ReadAsync());

        System.Data.Common.DbConnection Connect() => engine == "sqlite" ? Store.Sqlite.SqliteStore.Connect(Path.Combine(node.Folder, "renkei.db")) : Store.Postgres.PostgresStore.Connect(settings.Db);

        async Task<KnownNode?> ReadAsync()
        {
            await using var connection = Connect();
            return await KnownNode.ReadAsync(connection, migrations, keys, Ct);
        }

        async Task DoAsync(string sql)
        {
            await using var connection = Connect();
            await connection.OpenAsync(Ct);
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            await command.ExecuteNonQueryAsync(Ct);
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(BlobStore.InlineLimit)]
    [InlineData(BlobStore.InlineLimit + 1)]
    [InlineData((3 * 1024 * 1024) + 17)]
    public async Task A_blob_comes_back_and_its_stored_form_shows_nothing(int size)
    {
        await using var node = await TestNode.StartAsync(people: false);
        var blobs = node.Services.GetRequiredService<BlobStore>();
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        "CANARY-IN-THE-BLOB"u8[..Math.Min(18, size)].CopyTo(bytes);
        await using var db = node.Databases.ForSystem();
        var blob = await blobs.AddAsync(db, bytes, Ct);
        await db.SaveChangesAsync(Ct);
        Assert.Equal((await blobs.AddAsync(db, bytes, Ct)).Sha256, blob.Sha256);
        Assert.Equal(bytes, await blobs.ReadAsync(db, blob.Sha256, Ct));
        if (size >= 18)
        {
            foreach (var file in Directory.EnumerateFiles(node.Folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) is not ("renkei.lock" or "renkei.sock")))
            {
                Assert.True((await ReadSharedAsync(file)).AsSpan().IndexOf("CANARY-IN-THE-BLOB"u8) < 0, file);
            }
        }

        await blobs.DestroyAsync(db, blob.Sha256, Ct);
        await db.SaveChangesAsync(Ct);
        Assert.Null(await blobs.ReadAsync(db, blob.Sha256, Ct));
    }

    [Fact]
    public async Task A_changed_byte_of_a_stored_blob_is_noticed()
    {
        await using var node = await TestNode.StartAsync(people: false);
        var blobs = node.Services.GetRequiredService<BlobStore>();
        await using var db = node.Databases.ForSystem();
        var blob = await blobs.AddAsync(db, new byte[200_000], Ct);
        await db.SaveChangesAsync(Ct);
        var file = Directory.EnumerateFiles(Path.Combine(node.Folder, "blobs"), "*", SearchOption.AllDirectories).Single();
        var stored = await File.ReadAllBytesAsync(file, Ct);
        stored[1000] ^= 1;
        await File.WriteAllBytesAsync(file, stored, Ct);
        await Assert.ThrowsAnyAsync<CryptographicException>(() => blobs.ReadAsync(db, blob.Sha256, Ct));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_same_effect_never_enters_the_outbox_twice(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        await using var db = node.Databases.ForSystem();
        db.Send("test.v1", "same-key", new { n = 1 });
        await db.SaveChangesAsync(Ct);
        await using var again = node.Databases.ForSystem();
        again.Send("test.v1", "same-key", new { n = 1 });
        await Assert.ThrowsAsync<DbUpdateException>(() => again.SaveChangesAsync(Ct));
    }

    [Fact]
    public void Back_off_doubles_and_is_bounded() =>
        Assert.Equal([10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600], Enumerable.Range(1, 11).Select(n => (int)OutboxWorker.BackOff(n).TotalSeconds));

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task A_failing_effect_is_tried_again_then_stuck_and_a_crashed_claim_runs_out(string engine)
    {
        var handler = new Flaky();
        var clock = new StoppedClock(DateTimeOffset.Parse("2026-11-24T00:00:00Z"));
        await using var node = await TestNode.StartAsync(engine, people: false);
        var worker = new OutboxWorker(node.Databases, node.Services.GetRequiredService<NodeContext>(), clock, [handler], NullLogger<OutboxWorker>.Instance);
        await using (var db = node.Databases.ForSystem())
        {
            db.Send("flaky.v1", "one", new { }, due: clock.Now);
            await db.SaveChangesAsync(Ct);
        }

        // a handler that gives up by cancelling itself is a failure like any other, and does not end the worker
        handler.Outcome = () => throw (clock.Now.Hour % 4 == 0 ? new TaskCanceledException() : new TimeoutException());
        for (var attempt = 1; attempt <= OutboxWorker.MaxAttempts; attempt++)
        {
            Assert.Equal(1, await worker.RunDueAsync(Ct));
            Assert.Equal(0, await worker.RunDueAsync(Ct));
            clock.Now += TimeSpan.FromHours(2);
        }

        await using (var db = node.Databases.ForSystem())
        {
            var row = await db.Outbox.SingleAsync(o => o.Key == "one", Ct);
            Assert.Equal((OutboxState.Stuck, OutboxWorker.MaxAttempts), (row.State, row.Attempts));
            Assert.True(await db.Audit.AnyAsync(a => a.Action == "outbox.stuck", Ct));
            db.Send("flaky.v1", "two", new { }, due: clock.Now);
            await db.SaveChangesAsync(Ct);
            // as a process leaves it that was killed between claim and mark
            var until = clock.Now + TimeSpan.FromMinutes(5);
            await db.Outbox.Where(o => o.Key == "two").ExecuteUpdateAsync(s => s.SetProperty(o => o.ClaimedUntil, until), Ct);
        }

        handler.Outcome = () => new OutboxOutcome.Done();
        Assert.Equal(0, await worker.RunDueAsync(Ct));
        clock.Now += TimeSpan.FromMinutes(6);
        Assert.Equal(1, await worker.RunDueAsync(Ct));
        await using var after = node.Databases.ForSystem();
        Assert.Equal(OutboxState.Done, (await after.Outbox.SingleAsync(o => o.Key == "two", Ct)).State);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Search_finds_two_character_words_and_defanged_addresses(string engine)
    {
        await using var node = await TestNode.StartAsync(engine, people: false);
        await AddIncidentAsync(node, "社内端末の感染と情報漏洩", "hxxps://login-hoshizora[.]example/v/1 at 203.0.113[.]24, ﾃｽﾄ");
        await using var db = node.Databases.ForSystem();
        foreach (var found in new[] { "感染", "漏洩", "情報漏洩", "203.0.113.24", "203.0.113[.]24", "login-hoshizora.example", "テスト", "INC-1", "hoshizora" })
        {
            Assert.True((await db.SearchAsync(found, 10, Ct)).Count == 1, found);
        }

        foreach (var missed in new[] { "感冒", "198.51.100.1", "漏電", "\" OR 1=1", "感染 改ざん" })
        {
            Assert.True((await db.SearchAsync(missed, 10, Ct)).Count == 0, missed);
        }
    }

    [Fact]
    public async Task The_key_encryption_key_lies_outside_the_database_for_its_owner_only()
    {
        await using var node = await TestNode.StartAsync(people: false);
        var blobs = node.Services.GetRequiredService<BlobStore>();
        Assert.NotNull(blobs);
        var kek = Path.Combine(node.Folder, "keys", "kek");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(kek));
        Assert.Equal(32, Convert.FromBase64String((await File.ReadAllTextAsync(kek, Ct)).Trim()).Length);
        using var other = new KeyRing(RandomNumberGenerator.GetBytes(32));
        using var ring = KeyRing.Open(node.Folder, null);
        Assert.ThrowsAny<CryptographicException>(() => other.Unwrap(ring.Wrap(new byte[32], "a"), "a"));
        Assert.ThrowsAny<CryptographicException>(() => ring.Unwrap(ring.Wrap(new byte[32], "a"), "b"));
    }

    [Fact]
    public async Task A_context_cannot_be_made_before_it_is_known_who_asks()
    {
        await using var node = await TestNode.StartAsync(people: false);
        await using var scope = node.Services.CreateAsyncScope();
        Assert.Throws<InvalidOperationException>(() => scope.ServiceProvider.GetRequiredService<NodeDb>());
        Assert.DoesNotContain(typeof(NodeDb).GetConstructors(), c => c.IsPublic);
    }

    private static async Task<Incident> AddIncidentAsync(TestNode node, string title = "a phish", string summary = "")
    {
        await using var db = node.Databases.ForSystem();
        var incident = TestRecords.Incident(node, Marking.Own(TeamId.New(node.Clock)), title: title);
        incident.Summary = summary;
        db.Incidents.Add(incident);
        await db.SaveChangesAsync(Ct);
        return incident;
    }

    private static async Task<byte[]> ReadSharedAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, Ct);
        return bytes;
    }

    private sealed class Flaky : IOutboxHandler
    {
        public Func<OutboxOutcome> Outcome { get; set; } = () => new OutboxOutcome.Done();

        public string Type => "flaky.v1";

        public Task<OutboxOutcome> HandleAsync(OutboxMessage message, CancellationToken ct) => Task.FromResult(Outcome());
    }
}

/// <summary>A clock that a test moves.</summary>
public sealed class StoppedClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}
