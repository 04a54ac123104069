using Microsoft.AspNetCore.Http;

namespace Renkei.Incidents;

/// <summary>
/// Places for large bodies of people without an account: few at once, fewer from one address, each for a limited time. What they send is
/// held in memory, and a minute's reports of one address would otherwise be gigabytes. A small body, which nearly every report is, needs no place.
/// </summary>
public sealed class LargeBodies(TimeProvider clock)
{
    /// <summary>Up to so many bytes a body is small.</summary>
    public const int Small = 256 * 1024;

    public const int Places = 8;

    public const int PerAddress = 2;

    private readonly TimeProvider _clock = clock;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
    private int _all;

    /// <summary>A body that has not come whole after that is given up.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>True for a body that says it is large, or does not say how long it is.</summary>
    public static bool IsLarge(HttpRequest request) => request.ContentLength is not (>= 0 and <= Small);

    /// <summary>The place that the request's body may come to need; it is left when this is disposed of.</summary>
    public Place For(HttpContext http) => new(this, http);

    private bool TryEnter(string key)
    {
        lock (_gate)
        {
            var mine = _held.GetValueOrDefault(key);
            if (_all >= Places || mine >= PerAddress)
            {
                return false;
            }

            (_all, _held[key]) = (_all + 1, mine + 1);
            return true;
        }
    }

    private void Leave(string key)
    {
        lock (_gate)
        {
            _all--;
            if (--_held[key] == 0)
            {
                _held.Remove(key);
            }
        }
    }

    /// <summary>One body's place.</summary>
    public sealed class Place : IDisposable
    {
        private readonly LargeBodies _bodies;
        private readonly string _key;
        private readonly CancellationToken _aborted;
        private CancellationTokenSource? _time;
        private CancellationTokenSource? _both;

        internal Place(LargeBodies bodies, HttpContext http) => (_bodies, _key, _aborted) = (bodies, AddressRates.KeyOf(http.Connection.RemoteIpAddress), http.RequestAborted);

        /// <summary>Cancelled when the body takes too long or its sender is gone.</summary>
        public CancellationToken Reading => _both?.Token ?? _aborted;

        public bool TookTooLong => _time?.IsCancellationRequested == true;

        /// <summary>Takes the place; false when all are taken.</summary>
        public bool TryEnter()
        {
            if (_time is not null)
            {
                return true;
            }

            if (!_bodies.TryEnter(_key))
            {
                return false;
            }

            _time = new CancellationTokenSource(_bodies.Longest, _bodies._clock);
            _both = CancellationTokenSource.CreateLinkedTokenSource(_time.Token, _aborted);
            return true;
        }

        public void Dispose()
        {
            if (_time is not null)
            {
                _both!.Dispose();
                _time.Dispose();
                _bodies.Leave(_key);
            }
        }
    }
}
