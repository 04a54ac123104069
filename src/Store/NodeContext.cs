using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>What a database context needs of its node: the clock, the model's parts, the node's id and who wants to hear of commits.</summary>
public sealed class NodeContext(TimeProvider clock, IEnumerable<IModelPart> parts)
{
    public TimeProvider Clock { get; } = clock;

    public IReadOnlyList<IModelPart> Parts { get; } = [.. parts];

    /// <summary>Set once at start, from the database's <see cref="NodeFact"/>.</summary>
    public NodeId Id { get; set; }

    /// <summary>The node's signing key; set once at start.</summary>
    public System.Security.Cryptography.ECDsa? Key { get; set; }

    /// <summary>Someone was known to have an account when this process started; false asks the database.</summary>
    public bool Inhabited { get; set; }

    public CommitSignals Signals { get; } = new();
}

/// <summary>Makes contexts, each for one viewer.</summary>
public sealed class NodeDbFactory(DbContextOptions<NodeDb> options, NodeContext node)
{
    public NodeDb For(Viewer viewer, string? actor = null) => new(options, viewer, node) { ActorName = actor };

    /// <summary>For the node's own work. Every caller is a job, an intake or a start-up step; a request's answer never comes from here unchecked.</summary>
    public NodeDb ForSystem(string actor = "system") => new(options, Viewer.System, node) { ActorName = actor };
}

/// <summary>Says within the process that something was committed, so that waiting work need not poll. Losing a signal only delays.</summary>
public sealed class CommitSignals
{
    private readonly Lock _gate = new();
    private readonly List<Action<IReadOnlyList<RecordRef>, bool>> _listeners = [];

    /// <summary>Calls back after each commit with the records it touched and whether it put something into the outbox.</summary>
    public IDisposable Subscribe(Action<IReadOnlyList<RecordRef>, bool> listener)
    {
        lock (_gate)
        {
            _listeners.Add(listener);
        }

        return new Subscription(this, listener);
    }

    internal void Committed(IReadOnlyList<RecordRef> records, bool outbox)
    {
        Action<IReadOnlyList<RecordRef>, bool>[] all;
        lock (_gate)
        {
            all = [.. _listeners];
        }

        foreach (var listener in all)
        {
            listener(records, outbox);
        }
    }

    private sealed class Subscription(CommitSignals signals, Action<IReadOnlyList<RecordRef>, bool> listener) : IDisposable
    {
        public void Dispose()
        {
            lock (signals._gate)
            {
                signals._listeners.Remove(listener);
            }
        }
    }
}
