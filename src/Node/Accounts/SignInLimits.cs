using System.Net;
using System.Net.Sockets;
using Renkei.Node.Security;

namespace Renkei.Node.Accounts;

/// <summary>
/// How often one address may fail to sign in, and a lockout for names that have no account, so that both kinds of name hear the same: as
/// with an account, the count waits for its eighth however long that takes, the lock lasts from the eighth, and then counting begins again.
/// Kept in memory and bounded, the oldest forgotten first: what is forgotten, also at a restart, only gives a few more tries.
/// </summary>
public sealed class SignInLimits(TimeProvider clock)
{
    /// <summary>Wrong passwords in a row before an account is locked.</summary>
    public const int Tries = 8;

    /// <summary>Failures from one address (of IPv6: one /64) a minute.</summary>
    public const int FailuresPerMinute = 20;

    private const int Kept = 20_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Counted> _counts = new(StringComparer.Ordinal);

    public static TimeSpan LockedFor { get; } = TimeSpan.FromMinutes(15);

    /// <summary>A failed try takes this long whatever the reason, so that the time tells nothing.</summary>
    public static TimeSpan FailureTakes { get; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Takes one of the address's failures in advance; false when there is none left. Give it back when the try succeeds.</summary>
    public bool Take(IPAddress? address)
    {
        lock (_gate)
        {
            var now = clock.GetUtcNow();
            var key = "a:" + NetOf(address);
            var next = _counts.TryGetValue(key, out var entry) && entry.Until > now ? entry with { Count = entry.Count + 1 } : new(1, now + TimeSpan.FromMinutes(1), now);
            Keep(key, next);
            return next.Count <= FailuresPerMinute;
        }
    }

    public void GiveBack(IPAddress? address)
    {
        lock (_gate)
        {
            var key = "a:" + NetOf(address);
            if (_counts.TryGetValue(key, out var entry) && entry.Count > 0)
            {
                _counts[key] = entry with { Count = entry.Count - 1 };
            }
        }
    }

    /// <summary>Counts a failure for a name without an account; true when that name now counts as locked.</summary>
    public bool Fail(string name)
    {
        lock (_gate)
        {
            var now = clock.GetUtcNow();
            var key = KeyOf(name);
            var count = (_counts.TryGetValue(key, out var entry) && (entry.Count < Tries || entry.Until > now) ? entry.Count : 0) + 1;
            Keep(key, new(count, count >= Tries ? now + LockedFor : DateTimeOffset.MaxValue, now));
            return count >= Tries;
        }
    }

    public bool IsLocked(string name)
    {
        lock (_gate)
        {
            return _counts.TryGetValue(KeyOf(name), out var entry) && entry.Count >= Tries && entry.Until > clock.GetUtcNow();
        }
    }

    /// <summary>Holds a failure back until <see cref="FailureTakes"/> has passed since <paramref name="started"/>.</summary>
    public Task SettleAsync(long started, CancellationToken ct)
    {
        var left = FailureTakes - clock.GetElapsedTime(started);
        return left > TimeSpan.Zero ? Task.Delay(left, clock, ct) : Task.CompletedTask;
    }

    private void Keep(string key, Counted next)
    {
        if (_counts.Count >= Kept && !_counts.ContainsKey(key))
        {
            // a tenth at once, so that a flood does not sort for each of its names
            foreach (var old in _counts.OrderBy(c => c.Value.At).ThenBy(c => c.Value.Count).Take(Kept / 10).Select(c => c.Key).ToList())
            {
                _counts.Remove(old);
            }
        }

        _counts[key] = next;
    }

    private static string KeyOf(string name) => "n:" + ViewerResolver.HashOf(name.ToUpperInvariant());

    private static string NetOf(IPAddress? address)
    {
        if (address is null)
        {
            return "";
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily == AddressFamily.InterNetwork ? plain.ToString() : Convert.ToHexString(plain.GetAddressBytes().AsSpan(0, 8));
    }

    /// <param name="Until">End of an address's minute or of a name's lock.</param>
    /// <param name="At">Of the last failure.</param>
    private readonly record struct Counted(int Count, DateTimeOffset Until, DateTimeOffset At);
}
