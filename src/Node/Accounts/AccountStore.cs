using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>
/// Identity's store on a context of its own: the cookie is checked before it is known who asks, and the request's context must not be
/// made before that. The account tables hold nothing marked.
/// </summary>
public sealed class AccountStore(AccountDb db, IdentityErrorDescriber describer) : UserOnlyStore<Account, NodeDb, Guid>(db.Context, describer);

/// <summary>The context of <see cref="AccountStore"/>, one per request.</summary>
public sealed class AccountDb(NodeDbFactory databases) : IAsyncDisposable, IDisposable
{
    public NodeDb Context { get; } = databases.ForSystem("account");

    public ValueTask DisposeAsync() => Context.DisposeAsync();

    public void Dispose() => Context.Dispose();
}
