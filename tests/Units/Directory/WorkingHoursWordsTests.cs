namespace Renkei.Directories.Tests;

public sealed class WorkingHoursWordsTests
{
    [Theory]
    [InlineData("平日 9:00-18:00", "平日 9:00–18:00", "weekdays 9:00–18:00")]
    [InlineData("Mon-Fri 09:00 to 18:00", "平日 9:00–18:00", "weekdays 9:00–18:00")]
    [InlineData("月～金　9時〜17時30分", "平日 9:00–17:30", "weekdays 9:00–17:30")]
    [InlineData("平日 9:00–18:00 JST", "平日 9:00–18:00 JST", "weekdays 9:00–18:00 JST")]
    [InlineData("月～金 9:00〜12:00, 13:00〜17:30", "平日 9:00–12:00、13:00–17:30", "weekdays 9:00–12:00, 13:00–17:30")]
    [InlineData("Mon-Thu 8:00-17:00; Fri 8:00-15:00", "月–木 8:00–17:00、金 8:00–15:00", "Mon–Thu 8:00–17:00, Fri 8:00–15:00")]
    [InlineData("土日 24時間", "土日 24時間", "weekends 24 hours")]
    [InlineData("daily 22:00-6:00", "毎日 22:00–6:00", "daily 22:00–6:00")]
    [InlineData("24/7", "24時間365日", "24/7")]
    [InlineData("24時間365日", "24時間365日", "24/7")]
    public void Hours_that_are_understood_are_told_in_the_readers_language(string written, string japanese, string english)
    {
        Assert.Equal((japanese, english), (WorkingHours.Say(written, "ja"), WorkingHours.Say(written, "en")));
    }

    [Theory]
    [InlineData("平日の日中（祝日を除く）")]
    [InlineData("by appointment")]
    [InlineData(null)]
    public void Hours_that_are_not_understood_are_told_as_they_were_written(string? written)
    {
        Assert.Equal(written, WorkingHours.Say(written, "ja"));
        Assert.Equal(written, WorkingHours.Say(written, "en"));
    }

    [Theory]
    [InlineData("平日 9:00-18:00", "weekdays 9:00–18:00 UTC")]
    [InlineData("平日 9:00-18:00 JST", "weekdays 9:00–18:00 JST")]
    [InlineData("24/7", "24/7")]
    public void A_zone_is_named_where_the_hours_name_none_and_the_clock_matters(string written, string told) =>
        Assert.Equal(told, WorkingHours.Say(written, "en", "UTC"));

    /// <summary>What is told can be written into the field again and means the same: openness at each half hour of a week.</summary>
    [Theory]
    [InlineData("Mon-Thu 8:00-17:00; Fri 8:00-15:00")]
    [InlineData("Fri-Mon 22:00-6:30")]
    [InlineData("平日 24時間、土 9:00-12:00")]
    public void What_is_told_reads_back_as_the_same_hours(string written)
    {
        var monday = new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);
        foreach (var language in (string[])["ja", "en"])
        {
            var told = WorkingHours.Say(written, language);
            Assert.All(Enumerable.Range(0, 7 * 48), half => Assert.Equal(WorkingHours.IsOpen(written, "UTC", monday.AddMinutes(half * 30)), WorkingHours.IsOpen(told, "UTC", monday.AddMinutes(half * 30))));
        }
    }
}
