using FsCheck;
using FsCheck.Fluent;

namespace Renkei.Kernel.Tests;

public sealed class InstantTests
{
    [Fact]
    public void Microseconds_come_back_and_finer_parts_are_cut_towards_the_past()
    {
        Assert.Equal(0, Instant.ToMicros(DateTimeOffset.UnixEpoch.AddTicks(9)));
        Assert.Equal(-1, Instant.ToMicros(DateTimeOffset.UnixEpoch.AddTicks(-1)));
        Assert.Equal(-1, Instant.ToMicros(DateTimeOffset.UnixEpoch.AddTicks(-10)));
        Assert.Equal(1_000_000, Instant.ToMicros(new DateTimeOffset(1970, 1, 1, 9, 0, 1, TimeSpan.FromHours(9))));
        Assert.Equal(DateTimeOffset.MaxValue.Year, Instant.FromMicros(Instant.ToMicros(DateTimeOffset.MaxValue)).Year);
        Assert.Equal(DateTimeOffset.MinValue, Instant.FromMicros(Instant.ToMicros(DateTimeOffset.MinValue)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Instant.FromMicros(long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => Instant.FromMicros(long.MinValue));
    }

    [Fact]
    public void Order_is_kept() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(ArbMap.Default.ArbFor<DateTimeOffset>(), ArbMap.Default.ArbFor<DateTimeOffset>(), (a, b) =>
            a <= b ? Instant.ToMicros(a) <= Instant.ToMicros(b) : Instant.ToMicros(a) >= Instant.ToMicros(b)));
}
