using System.Globalization;
using Renkei.Directories;

namespace Renkei.Directories.Tests;

/// <summary>Hours in words: understood where they are plain, else only shown.</summary>
public sealed class WorkingHoursTests
{
    /// <param name="open">Local times that are in; 2026-11-23 is a Monday.</param>
    /// <param name="shut">And some that are not.</param>
    [Theory]
    [InlineData("Mon-Fri 9:00-18:00", "11-23 09:00|11-27 17:59", "11-23 08:59|11-23 18:00|11-28 12:00")]
    [InlineData("平日 9:00–18:00", "11-25 12:00", "11-28 12:00|11-29 12:00")]
    [InlineData("平日 9:00–18:00 JST", "11-25 12:00", "11-25 18:00")]
    [InlineData("月～金 9:00〜12:00, 13:00〜17:30", "11-24 11:59|11-24 13:00", "11-24 12:00|11-24 12:59|11-24 17:30")]
    [InlineData("月曜日から金曜日 9時から18時", "11-24 09:00", "11-24 18:00")]
    [InlineData("９：００－１８：００ ", "", "")]
    [InlineData("平日　９：００～１７：３０", "11-24 17:29", "11-24 17:30")]
    [InlineData("Weekdays 8:30 to 17:00", "11-24 08:30", "11-24 17:00")]
    [InlineData("24/7", "11-29 03:00|11-23 00:00", "")]
    [InlineData("24時間365日", "11-29 03:00", "")]
    [InlineData("daily 24h", "11-29 23:59", "")]
    [InlineData("Sat-Mon 10:00-12:00", "11-28 10:00|11-29 11:00|11-23 10:00", "11-24 10:00|11-27 11:00")]
    [InlineData("Mon-Fri 22:00-6:00", "11-23 22:00|11-24 05:59|11-28 05:00", "11-23 05:00|11-24 06:00|11-28 22:00|11-29 05:00")]
    [InlineData("Mon-Fri 0:00-24:00", "11-23 00:00|11-27 23:59", "11-28 00:00")]
    public void Plain_words_tell_when_somebody_is_there(string text, string open, string shut)
    {
        var plain = open.Length + shut.Length > 0;
        Assert.Equal(plain, WorkingHours.TryParse(text, out var hours));
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo");
        Assert.All(Moments(open), at => Assert.True(hours.Open(at, zone), at.ToString("u", CultureInfo.InvariantCulture)));
        Assert.All(Moments(shut), at => Assert.False(hours.Open(at, zone), at.ToString("u", CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("9:00-18:00")]
    [InlineData("営業日の日中")]
    [InlineData("土日祝 9:00-18:00")]
    [InlineData("Mon, Wed 9:00-17:00")]
    [InlineData("Mon-Fri 9:00-25:00")]
    [InlineData("Mon-Fri 9:60-18:00")]
    [InlineData("Mon-Fri 9:00-9:00")]
    [InlineData("monthly 9:00-18:00")]
    [InlineData("call first")]
    public void Where_words_are_not_plain_nothing_is_claimed(string? text)
    {
        Assert.False(WorkingHours.TryParse(text, out _));
        Assert.Null(WorkingHours.IsOpen(text, "Asia/Tokyo", DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public void The_zone_decides_and_an_unknown_one_claims_nothing()
    {
        var noonInTokyo = DateTimeOffset.Parse("2026-11-25T03:00:00Z", CultureInfo.InvariantCulture);
        Assert.True(WorkingHours.IsOpen("Mon-Fri 9:00-18:00", "Asia/Tokyo", noonInTokyo));
        Assert.False(WorkingHours.IsOpen("Mon-Fri 9:00-18:00", "UTC", noonInTokyo));
        Assert.Null(WorkingHours.IsOpen("Mon-Fri 9:00-18:00", "Nowhere/Land", noonInTokyo));
        Assert.Null(WorkingHours.IsOpen(new string('9', 201), "UTC", noonInTokyo));
    }

    private static IEnumerable<DateTimeOffset> Moments(string list) => list.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(m => DateTimeOffset.Parse($"2026-{m}:30+09:00", CultureInfo.InvariantCulture));
}
