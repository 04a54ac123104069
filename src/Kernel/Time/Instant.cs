namespace Renkei.Kernel;

/// <summary>Moments as stored: microseconds of UTC since 1970-01-01, leap seconds not counted.</summary>
public static class Instant
{
    /// <summary>Microseconds since the epoch; what is finer is cut off towards the past, also before 1970.</summary>
    public static long ToMicros(DateTimeOffset time)
    {
        var ticks = time.UtcTicks - DateTime.UnixEpoch.Ticks;
        var micros = ticks / TimeSpan.TicksPerMicrosecond;
        return ticks % TimeSpan.TicksPerMicrosecond < 0 ? micros - 1 : micros;
    }

    /// <summary>The moment in UTC.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside the years 1 to 9999.</exception>
    public static DateTimeOffset FromMicros(long micros)
    {
        const long Min = -62135596800L * 1_000_000;
        const long Max = 253402300800L * 1_000_000;
        ArgumentOutOfRangeException.ThrowIfLessThan(micros, Min);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(micros, Max);
        return new DateTimeOffset(DateTime.UnixEpoch.Ticks + micros * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
    }
}
