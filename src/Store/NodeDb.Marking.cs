using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Renkei.Kernel;

namespace Renkei.Store;

public sealed partial class NodeDb
{
    private readonly List<(IRecord Leader, Func<NodeDb, CancellationToken, Task> Follow)> _following = [];

    /// <summary>
    /// Marks records anew in the transaction of the save that stores the marking of <paramref name="leader"/>, also those that this viewer may not
    /// know of: what follows another record's marking must follow it whoever changes that one. The node does it as itself, in a context of its own, and nothing of the records comes back
    /// to this one, so that nothing of them reaches an answer.
    /// </summary>
    public void Remark<T, TId>(IRecord leader, Expression<Func<T, bool>> which, Func<Marking, Marking> to) where T : Record<TId> where TId : struct, IRecordId<TId> =>
        _following.Add((leader, async (system, ct) =>
        {
            foreach (var record in await system.Set<T>().Where(which).ToListAsync(ct))
            {
                var marking = to(record.Marking);
                if (marking != record.Marking)
                {
                    record.Marking = marking;
                }
            }
        }
    ));

    /// <summary>Carries out what follows, on this context's connection and in its transaction; returns the records it touched.</summary>
    private async Task<IReadOnlyList<RecordRef>> FollowAsync(Func<NodeDb, CancellationToken, Task>[] following, CancellationToken ct)
    {
        if (following.Length == 0)
        {
            return [];
        }

        await using var system = await BesideAsync(ct);
        foreach (var follow in following)
        {
            await follow(system, ct);
        }

        await system.SaveChangesAsync(ct);
        return system._committed;
    }

    /// <summary>
    /// Asks as the node itself, on this context's connection and in its transaction: for what is one fact of a record whoever acts on it, such as
    /// whose turn it is. What the question loads stays in it; only the fact comes back.
    /// </summary>
    public async Task<T> AskAsNodeAsync<T>(Func<NodeDb, Task<T>> question, CancellationToken ct)
    {
        if (Viewer.IsSystem)
        {
            return await question(this);
        }

        await using var system = await BesideAsync(ct);
        return await question(system);
    }

    private async Task<NodeDb> BesideAsync(CancellationToken ct)
    {
        var system = new NodeDb(_options, Viewer.System, _node) { ActorName = Actor };
        system.Database.SetDbConnection(Database.GetDbConnection(), contextOwnsConnection: false);
        if (Database.CurrentTransaction is { } transaction)
        {
            await system.Database.UseTransactionAsync(transaction.GetDbTransaction(), ct);
        }

        return system;
    }
}
