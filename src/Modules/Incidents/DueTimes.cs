using System.Globalization;

namespace Renkei.Incidents;

/// <summary>By when an answer is asked for, unless a person says otherwise: hours by purpose (rows) and severity (columns), on working days unless it is critical.</summary>
public static class DueTimes
{
    private static readonly Dictionary<RequestPurpose, int[]> Hours = new()
    {
        [RequestPurpose.Takedown] = [48, 24, 24, 12],
        [RequestPurpose.Investigate] = [120, 72, 48, 24],
        [RequestPurpose.NotifyVictim] = [120, 72, 48, 24],
        [RequestPurpose.ProvideLogs] = [120, 72, 48, 24],
        [RequestPurpose.Inform] = [168, 168, 120, 72],
    };

    /// <summary>Rounded up to the full hour, and to noon of our next working day where that is at night or at a weekend: then nobody here acts on silence. What is critical waits for no day.</summary>
    public static DateTimeOffset For(RequestPurpose purpose, Severity severity, DateTimeOffset now, TimeZoneInfo zone)
    {
        var due = now.ToUniversalTime() + TimeSpan.FromHours(Hours[purpose][(int)severity]);
        var over = due.Ticks % TimeSpan.TicksPerHour;
        due = over == 0 ? due : due.AddTicks(TimeSpan.TicksPerHour - over);
        return severity == Severity.Critical ? due : Working(due, zone);
    }

    /// <summary>Weekdays from nine to six stay; holidays join with the calendars.</summary>
    private static DateTimeOffset Working(DateTimeOffset due, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(due, zone).DateTime;
        if (IsWeekday(local) && local.TimeOfDay >= TimeSpan.FromHours(9) && local.TimeOfDay <= TimeSpan.FromHours(18))
        {
            return due;
        }

        var day = local.TimeOfDay > TimeSpan.FromHours(18) ? local.Date.AddDays(1) : local.Date;
        while (!IsWeekday(day))
        {
            day = day.AddDays(1);
        }

        var noon = day.AddHours(12);
        return new DateTimeOffset(noon, zone.GetUtcOffset(noon)).ToUniversalTime();
    }

    private static bool IsWeekday(DateTime day) => day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday);

    /// <summary>A reminder gives half of what the request gave at first, at least four hours.</summary>
    public static DateTimeOffset ForReminder(RequestPurpose purpose, Severity severity, DateTimeOffset now, TimeZoneInfo zone) =>
        For(purpose, severity, now - TimeSpan.FromHours(Math.Min(Hours[purpose][(int)severity] / 2.0, Hours[purpose][(int)severity] - 4)), zone);

    /// <summary>Reads <c>2026-11-25T12:00</c> of a form in the reader's zone; null when it is no time.</summary>
    public static DateTimeOffset? Read(string? text, TimeZoneInfo zone)
    {
        if (!DateTime.TryParseExact(text?.Trim(), ["yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var local) || zone.IsInvalidTime(local))
        {
            return null;
        }

        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }

    /// <summary>As <see cref="Read"/>, and after now, within a year.</summary>
    public static DateTimeOffset? ReadAhead(string? text, TimeZoneInfo zone, DateTimeOffset now) =>
        Read(text, zone) is { } due && due > now && due < now.AddYears(1) ? due : null;
}
