using System.Globalization;

namespace Renkei.Incidents;

/// <summary>By when an answer is asked for, unless a person says otherwise: hours by purpose (rows) and severity (columns).</summary>
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

    /// <summary>Rounded up to the full hour.</summary>
    public static DateTimeOffset For(RequestPurpose purpose, Severity severity, DateTimeOffset now)
    {
        var due = now.ToUniversalTime() + TimeSpan.FromHours(Hours[purpose][(int)severity]);
        var over = due.Ticks % TimeSpan.TicksPerHour;
        return over == 0 ? due : due.AddTicks(TimeSpan.TicksPerHour - over);
    }

    /// <summary>A reminder gives half of what the request gave at first, at least four hours.</summary>
    public static DateTimeOffset ForReminder(RequestPurpose purpose, Severity severity, DateTimeOffset now) =>
        For(purpose, severity, now - TimeSpan.FromHours(Math.Min(Hours[purpose][(int)severity] / 2.0, Hours[purpose][(int)severity] - 4)));

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
