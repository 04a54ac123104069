using System.Globalization;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;

namespace Renkei.Store;

public sealed partial class NodeDb
{
    /// <summary>
    /// Brings the schema to this version. Several processes may start at once: one migrates, the others wait. Where nothing is pending EF's
    /// migrator is left alone: it would build the model a second time, from the snapshot, to compare (CI asks that question once for all).
    /// </summary>
    public async Task MigrateAsync(CancellationToken ct)
    {
        if ((await Database.GetPendingMigrationsAsync(ct)).Any())
        {
            await Database.MigrateAsync(ct);
        }
    }

    /// <summary>Makes the model now, so that nobody who asks something waits for it.</summary>
    public void Warm() => _ = Model;

    /// <summary>
    /// A process killed while it migrated leaves EF's lock row behind, and the next start would wait for it for ever. Only for a database
    /// that this process alone has open.
    /// </summary>
    public async Task ClearStaleMigrationLockAsync(CancellationToken ct)
    {
        if (await Database.SqlQuery<int>($"""SELECT count(*) AS "Value" FROM sqlite_master WHERE name = '__EFMigrationsLock'""").SingleAsync(ct) > 0)
        {
            await Database.ExecuteSqlAsync($"""DELETE FROM "__EFMigrationsLock" """, ct);
        }
    }

    /// <summary>
    /// The node's signing key (ECDSA P-256), made at first start: the public half in plain (SubjectPublicKeyInfo, base64), the private half
    /// wrapped under the key-encryption key. Who restores the database without that key has no node key.
    /// </summary>
    public async Task<ECDsa> NodeKeyAsync(KeyRing keys, CancellationToken ct)
    {
        var fact = await NodeFacts.FirstOrDefaultAsync(f => f.Name == "node-key", ct);
        if (fact is not null)
        {
            return KnownNode.KeyOf(fact.Value, keys);
        }

        var key = ECDsa.Create();
        key.GenerateKey(ECCurve.NamedCurves.nistP256);
        NodeFacts.Add(new NodeFact { Name = "node-key", Value = Convert.ToBase64String(keys.Wrap(key.ExportPkcs8PrivateKey(), "node-key")) });
        NodeFacts.Add(new NodeFact { Name = "node-key-public", Value = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()) });
        await SaveChangesAsync(ct);
        return key;
    }

    /// <summary>The node's own id, made at first start.</summary>
    public async Task<NodeId> NodeIdAsync(CancellationToken ct)
    {
        var fact = await NodeFacts.FirstOrDefaultAsync(f => f.Name == "node-id", ct);
        if (fact is null)
        {
            fact = new NodeFact { Name = "node-id", Value = NodeId.New(_node.Clock).ToString() };
            NodeFacts.Add(fact);
            await SaveChangesAsync(ct);
        }

        return new(Guid.Parse(fact.Value, CultureInfo.InvariantCulture));
    }

    /// <summary>The next number of a sequence, from 1. Inside a transaction, so that a number is neither used twice nor skipped by a failure.</summary>
    public async Task<long> NextAsync(string sequence, CancellationToken ct, int count = 1)
    {
        if (Database.CurrentTransaction is null)
        {
            throw new InvalidOperationException("Take a number inside the transaction that uses it.");
        }

        var taken = await Sequences.Where(s => s.Name == sequence).ExecuteUpdateAsync(s => s.SetProperty(x => x.Value, x => x.Value + count), ct);
        if (taken == 0)
        {
            await Database.ExecuteSqlAsync(IsPostgres
                ? (FormattableString)$"""INSERT INTO "Sequences" ("Name", "Value") VALUES ({sequence}, 0) ON CONFLICT DO NOTHING"""
                : $"""INSERT OR IGNORE INTO "Sequences" ("Name", "Value") VALUES ({sequence}, 0)""", ct);
            await Sequences.Where(s => s.Name == sequence).ExecuteUpdateAsync(s => s.SetProperty(x => x.Value, x => x.Value + count), ct);
        }

        return await Sequences.Where(s => s.Name == sequence).Select(s => s.Value).FirstAsync(ct) - count + 1;
    }

    /// <summary>Runs <paramref name="work"/> in one transaction; commits when it ends well.</summary>
    public async Task<T> InTransactionAsync<T>(Func<Task<T>> work, CancellationToken ct)
    {
        await using var transaction = await Database.BeginTransactionAsync(ct);
        var result = await work();
        await transaction.CommitAsync(ct);
        _node.Signals.Committed(_committed, _committedOutbox);
        _committed = [];
        _committedOutbox = false;
        return result;
    }

    private List<RecordRef> _committed = [];
    private bool _committedOutbox;
}
