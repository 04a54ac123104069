using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>
/// Identity's store on a context of its own: the cookie is checked before it is known who asks, and the request's context must not be
/// made before that. The account tables hold nothing marked. What would let a reader of the database sign in is not in it as such:
/// the authenticator's key is sealed with the node's key, recovery codes are hashes under a key derived from it.
/// </summary>
public sealed class AccountStore(AccountDb db, IdentityErrorDescriber describer, KeyRing keys) : UserOnlyStore<Account, NodeDb, Guid>(db.Context, describer)
{
    public override Task SetAuthenticatorKeyAsync(Account user, string key, CancellationToken cancellationToken) =>
        base.SetAuthenticatorKeyAsync(user, Convert.ToBase64String(keys.Wrap(Encoding.UTF8.GetBytes(key), Purpose(user))), cancellationToken);

    public override async Task<string?> GetAuthenticatorKeyAsync(Account user, CancellationToken cancellationToken) =>
        await base.GetAuthenticatorKeyAsync(user, cancellationToken) is { } sealedKey ? Encoding.UTF8.GetString(keys.Unwrap(Convert.FromBase64String(sealedKey), Purpose(user))) : null;

    /// <summary>Takes new codes, and the hashes that are left when one was used: Identity writes those back this way too, and a hash of a hash opens nothing.</summary>
    public override Task ReplaceCodesAsync(Account user, IEnumerable<string> recoveryCodes, CancellationToken cancellationToken) =>
        base.ReplaceCodesAsync(user, recoveryCodes.Select(code => code.Length == HashLength ? code : HashOf(user, code)).ToList(), cancellationToken);

    public override Task<bool> RedeemCodeAsync(Account user, string code, CancellationToken cancellationToken) =>
        base.RedeemCodeAsync(user, HashOf(user, code), cancellationToken);

    /// <summary>SHA-256 as hex: a code is much shorter.</summary>
    private const int HashLength = 64;

    private static string Purpose(Account user) => "authenticator:" + user.Id.ToString("N");

    /// <summary>Under a key that is not in the database: a code is short enough to be found by trying, once its plain hash is known.</summary>
    private string HashOf(Account user, string code) => Convert.ToHexStringLower(HMACSHA256.HashData(keys.Derive("recovery-code"), Encoding.UTF8.GetBytes(user.Id.ToString("N") + code)));
}

/// <summary>The context of <see cref="AccountStore"/>, one per request.</summary>
public sealed class AccountDb(NodeDbFactory databases) : IAsyncDisposable, IDisposable
{
    public NodeDb Context { get; } = databases.ForSystem("account");

    public ValueTask DisposeAsync() => Context.DisposeAsync();

    public void Dispose() => Context.Dispose();
}
