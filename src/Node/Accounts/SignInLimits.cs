using System.Net;
using System.Net.Sockets;
using Renkei.Node.Security;

namespace Renkei.Node.Accounts;

/// <summary>
/// How often one address may fail to sign in, and a lockout for names that have no account, so that both kinds of name hear the same.
/// Kept in memory and bounded: what is forgotten at a restart only gives a few more tries.
/// </summary>
public sealed class SignInLimits(TimeProvider clock)
{
    /// <summary>Wrong passwords in a row before an account is locked.</summary>
    public const int Tries = 8;

    /// <summary>Failures from one address (of IPv6: one /64) a minute.</summary>
    public const int FailuresPerMinute = 20;

    private const int Kept = 20_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (DateTimeOffset Until, int Count)> _counts = new(StringComparer.Ordinal);

    public static TimeSpan LockedFor { get; } = TimeSpan.FromMinutes(15);

    /// <summary>A failed try takes this long whatever the reason, so that the time tells nothing.</summary>
    public static TimeSpan FailureTakes { get; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Takes one of the address's failures in advance; false when there is none left. Give it back when the try succeeds.</summary>
    public bool Take(IPAddress? address) => Add("a:" + NetOf(address), TimeSpan.FromMinutes(1)) <= FailuresPerMinute;

    public void GiveBack(IPAddress? address) => Remove("a:" + NetOf(address));

    /// <summary>Counts a failure for a name without an account; true when that name now counts as locked.</summary>
    public bool Fail(string name) => Add("n:" + ViewerResolver.HashOf(name.ToUpperInvariant()), LockedFor) >= Tries;

    public bool IsLocked(string name)
    {
        lock (_gate)
        {
            return _counts.TryGetValue("n:" + ViewerResolver.HashOf(name.ToUpperInvariant()), out var entry) && entry.Until > clock.GetUtcNow() && entry.Count >= Tries;
        }
    }

    /// <summary>Holds a failure back until <see cref="FailureTakes"/> has passed since <paramref name="started"/>.</summary>
    public Task SettleAsync(long started, CancellationToken ct)
    {
        var left = FailureTakes - clock.GetElapsedTime(started);
        return left > TimeSpan.Zero ? Task.Delay(left, clock, ct) : Task.CompletedTask;
    }

    private int Add(string key, TimeSpan window)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            if (_counts.Count >= Kept)
            {
                foreach (var old in _counts.Where(c => c.Value.Until <= now).Select(c => c.Key).ToList())
                {
                    _counts.Remove(old);
                }

                if (_counts.Count >= Kept)
                {
                    _counts.Clear();
                }
            }

            var next = _counts.TryGetValue(key, out var entry) && entry.Until > now ? (entry.Until, entry.Count + 1) : (now + window, 1);
            _counts[key] = next;
            return next.Item2;
        }
    }

    private void Remove(string key)
    {
        lock (_gate)
        {
            if (_counts.TryGetValue(key, out var entry) && entry.Count > 0)
            {
                _counts[key] = (entry.Until, entry.Count - 1);
            }
        }
    }

    private static string NetOf(IPAddress? address)
    {
        if (address is null)
        {
            return "";
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily == AddressFamily.InterNetwork ? plain.ToString() : Convert.ToHexString(plain.GetAddressBytes().AsSpan(0, 8));
    }
}
