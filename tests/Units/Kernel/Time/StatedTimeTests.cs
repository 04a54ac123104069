using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Renkei.Kernel.Tests;

public sealed class StatedTimeTests
{
    private static readonly TimeProvider Clock = new Stopped(new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData("2026-11-24 05:10", "Asia/Tokyo", "2026-11-23T20:10:00.000Z", null)]
    [InlineData("2026-11-24T05:10:30", "JST", "2026-11-23T20:10:30.000Z", null)]
    [InlineData("2026-11-24 05:10:30.123", "UTC", "2026-11-24T05:10:30.123Z", null)]
    [InlineData("2026-11-24T05:10:30Z", null, "2026-11-24T05:10:30.000Z", null)]
    [InlineData("2026-11-24T05:10:30+09:00", "UTC", "2026-11-23T20:10:30.000Z", "zone-in-text")]
    [InlineData("2026-11-24 05:10 JST", null, "2026-11-23T20:10:00.000Z", null)]
    [InlineData("2026-11-24T05:10-0330", null, "2026-11-24T08:40:00.000Z", null)]
    [InlineData("2026/11/24 5:10", "+09:00", "2026-11-23T20:10:00.000Z", null)]
    [InlineData("2026年11月24日 5時10分", "JST", "2026-11-23T20:10:00.000Z", null)]
    [InlineData("２０２６年１１月２４日　午後５時１０分３０秒", "JST", "2026-11-24T08:10:30.000Z", null)]
    [InlineData("2026年11月24日午前0時", "JST", "2026-11-23T15:00:00.000Z", null)]
    [InlineData("11/24 05:10", "JST", "2026-11-23T20:10:00.000Z", "year-assumed")]
    [InlineData("12/31 23:50", "JST", "2025-12-31T14:50:00.000Z", "year-assumed")]
    [InlineData("2/29 12:00", "UTC", "2024-02-29T12:00:00.000Z", "year-assumed")]
    [InlineData("2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z", "in-gap")]
    [InlineData("2026-10-25 02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z", "ambiguous-earlier-taken")]
    [InlineData("2026-11-25 00:10", "UTC", "2026-11-25T00:10:00.000Z", null)]
    public void What_was_written_is_understood_and_kept(string written, string? zone, string utc, string? note)
    {
        Assert.True(StatedTime.TryParse(written, zone, Clock, out var stated, out var error), error.ToString());
        Assert.Equal(utc, stated.Utc!.Value.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        Assert.Equal(TimeSpan.Zero, stated.Utc.Value.Offset);
        Assert.Equal(written, stated.Original);
        Assert.Equal(note, stated.ClockNote);
        Assert.NotNull(stated.Zone);
    }

    [Theory]
    [InlineData("", "UTC", TimeErrorKind.Empty)]
    [InlineData("yesterday", "UTC", TimeErrorKind.NotATime)]
    [InlineData("2026-11-24", "UTC", TimeErrorKind.NoTimeOfDay)]
    [InlineData("2026-11-24 05:10", null, TimeErrorKind.NoZone)]
    [InlineData("2026-11-24 05:10", "Mars/Olympus", TimeErrorKind.UnknownZone)]
    [InlineData("2026-11-24 05:10", "IST", TimeErrorKind.UnknownZone)]
    [InlineData("2026-11-24 05:10", "../../etc/passwd", TimeErrorKind.UnknownZone)]
    [InlineData("2026-11-24 05:10", "/etc/localtime", TimeErrorKind.UnknownZone)]
    [InlineData("2026-11-24 05:10", "+15:00", TimeErrorKind.UnknownZone)]
    [InlineData("2026-11-24 05:10 PST", null, TimeErrorKind.UnknownZone)]
    [InlineData("2026-11-25 00:11", "UTC", TimeErrorKind.InTheFuture)]
    [InlineData("1969-12-31 23:59", "UTC", TimeErrorKind.TooEarly)]
    [InlineData("1970-01-01 08:59", "JST", TimeErrorKind.TooEarly)]
    [InlineData("2026-02-29 05:10", "UTC", TimeErrorKind.OutOfRange)]
    [InlineData("2026-13-01 05:10", "UTC", TimeErrorKind.OutOfRange)]
    [InlineData("2026-11-24 24:00", "UTC", TimeErrorKind.OutOfRange)]
    [InlineData("2026-11-24 23:59:60", "UTC", TimeErrorKind.OutOfRange)]
    [InlineData("2026-11/24 05:10", "UTC", TimeErrorKind.NotATime)]
    [InlineData("9999-12-31 23:59", "-14:00", TimeErrorKind.OutOfRange)]
    [InlineData("2026-11-24 05:10:30.1234567890", "UTC", TimeErrorKind.NotATime)]
    public void What_cannot_be_understood_is_kept_with_a_reason(string written, string? zone, TimeErrorKind kind)
    {
        Assert.False(StatedTime.TryParse(written, zone, Clock, out var stated, out var error));
        Assert.Equal(kind, error.Kind);
        Assert.Null(stated.Utc);
        Assert.Equal(written, stated.Original);
    }

    [Fact]
    public void An_over_long_time_is_cut_and_refused()
    {
        Assert.False(StatedTime.TryParse(new string('1', 1000), new string('Z', 1000), Clock, out var stated, out var error));
        Assert.Equal(TimeErrorKind.TooLong, error.Kind);
        Assert.Equal(64, stated.Original.Length);
        Assert.Equal(64, stated.Zone!.Length);
    }

    [Fact]
    public void Errors_say_where_in_the_text()
    {
        Assert.False(StatedTime.TryParse("2026-11-24 5x10", "UTC", Clock, out _, out var error));
        Assert.Equal(new TimeError(TimeErrorKind.NotATime, 12), error);
    }

    [Fact]
    public void Odd_text_never_throws() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(10_000), Prop.ForAll(
            Gen.Choose(0, 12).SelectMany(n => Gen.Elements("2026", "-", "/", "年", "11", "月", "24", "日", " ", "05", ":", "10", "Z", "+09:00", "T", ".", "9999", "0", "午後", "時", "分", "\ud800").ListOf(n)).Select(p => string.Concat(p)).ToArbitrary(),
            Gen.Elements<string?>(null, "UTC", "Asia/Tokyo", "+", "-14:00", "a/", "America/New_York", "\0/\0").ToArbitrary(),
            (text, zone) => StatedTime.TryParse(text, zone, Clock, out var stated, out _) == stated.Utc.HasValue));

    private sealed class Stopped(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
