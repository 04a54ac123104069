using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Renkei.Incidents;

/// <summary>
/// How often one address, or one token, may do something: a bucket that holds a minute's worth and refills evenly. An IPv6 address
/// counts by its /64, since a household has one. Bounded: full buckets are forgotten.
/// </summary>
public sealed class AddressRates(TimeProvider clock)
{
    private const int MaxBuckets = 50_000;
    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);
    private long _sweptAt;

    /// <summary>Takes one; null when allowed, else how long to wait.</summary>
    public TimeSpan? Take(string what, IPAddress? address, int perMinute) => Take(what + " " + KeyOf(address), perMinute);

    /// <summary>Takes one of a named bucket, such as a token's.</summary>
    public TimeSpan? Take(string key, int perMinute)
    {
        var now = clock.GetTimestamp();
        if (_buckets.Count > MaxBuckets)
        {
            Sweep(now);
        }

        return _buckets.GetOrAdd(key, _ => new Bucket(perMinute, now)).Take(clock, now, perMinute);
    }

    internal static string KeyOf(IPAddress? address)
    {
        if (address is null)
        {
            return "unknown";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4().ToString();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }

    private void Sweep(long now)
    {
        if (clock.GetElapsedTime(Interlocked.Read(ref _sweptAt), now) < TimeSpan.FromSeconds(1))
        {
            return;
        }

        Interlocked.Exchange(ref _sweptAt, now);
        foreach (var (key, bucket) in _buckets)
        {
            if (bucket.IsIdle(clock, now))
            {
                _buckets.TryRemove(key, out _);
            }
        }
    }

    private sealed class Bucket(int full, long now)
    {
        private readonly Lock _gate = new();
        private double _left = full;
        private long _at = now;

        public TimeSpan? Take(TimeProvider clock, long now, int perMinute)
        {
            lock (_gate)
            {
                var since = clock.GetElapsedTime(_at, now).TotalMinutes;
                if (since > 0)
                {
                    _left = Math.Min(perMinute, _left + (since * perMinute));
                    _at = now;
                }

                if (_left >= 1)
                {
                    _left--;
                    return null;
                }

                return TimeSpan.FromMinutes((1 - _left) / perMinute);
            }
        }

        public bool IsIdle(TimeProvider clock, long now)
        {
            lock (_gate)
            {
                return clock.GetElapsedTime(_at, now) > TimeSpan.FromMinutes(1);
            }
        }
    }
}
