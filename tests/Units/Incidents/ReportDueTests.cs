using System.Globalization;
using Renkei.Incidents;

namespace Renkei.Units.Incidents;

/// <summary>By when someone should have read a report: four hours, three days, one business day.</summary>
public class ReportDueTests
{
    [Theory]
    // 2026-11-20 is a Friday
    [InlineData(ReportKind.Request, "Asia/Tokyo", "2026-11-20T23:30+09:00", "2026-11-21T03:30+09:00")]
    [InlineData(ReportKind.Information, "Asia/Tokyo", "2026-11-20T23:30+09:00", "2026-11-23T23:30+09:00")]
    [InlineData(ReportKind.Consultation, "Asia/Tokyo", "2026-11-19T15:00+09:00", "2026-11-20T15:00+09:00")]
    [InlineData(ReportKind.Consultation, "Asia/Tokyo", "2026-11-20T15:00+09:00", "2026-11-23T15:00+09:00")]
    [InlineData(ReportKind.Consultation, "Asia/Tokyo", "2026-11-21T15:00+09:00", "2026-11-23T15:00+09:00")]
    [InlineData(ReportKind.Consultation, "Asia/Tokyo", "2026-11-22T15:00+09:00", "2026-11-23T15:00+09:00")]
    // Friday in Tokyo is still Thursday in UTC: whose day it is, the zone says
    [InlineData(ReportKind.Consultation, "Asia/Tokyo", "2026-11-19T20:00Z", "2026-11-22T20:00Z")]
    [InlineData(ReportKind.Consultation, "UTC", "2026-11-19T20:00Z", "2026-11-20T20:00Z")]
    public void Each_kind_has_its_time(ReportKind kind, string zone, string received, string due) =>
        Assert.Equal(At(due), ReportDue.Of(kind, At(received), TimeZoneInfo.FindSystemTimeZoneById(zone)));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).ToUniversalTime();
}
