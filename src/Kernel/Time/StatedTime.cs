using System.Globalization;
using System.Runtime.InteropServices;

namespace Renkei.Kernel;

/// <summary>Why a stated time was not understood.</summary>
public enum TimeErrorKind
{
    Empty,
    TooLong,
    NotATime,

    /// <summary>A date alone: the time of day is missing.</summary>
    NoTimeOfDay,

    /// <summary>The day or time of day does not exist.</summary>
    OutOfRange,

    /// <summary>Neither the text nor the zone field says which zone is meant.</summary>
    NoZone,
    UnknownZone,

    /// <summary>More than ten minutes ahead of our clock.</summary>
    InTheFuture,

    /// <summary>Before 1970.</summary>
    TooEarly,
}

/// <summary>What is wrong, and at which character of the text as written (0 when it is the whole).</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TimeError(TimeErrorKind Kind, int Offset);

/// <summary>Stable words for <see cref="StatedTime.ClockNote"/>; pages translate them. Several are joined by a space.</summary>
public static class ClockNotes
{
    /// <summary>No year was written: the latest one that is not in the future was taken.</summary>
    public const string YearAssumed = "year-assumed";

    /// <summary>The local time does not exist (clocks went forward): read with the offset before the change, so it comes out later on the clock.</summary>
    public const string InGap = "in-gap";

    /// <summary>The local time exists twice (clocks went back): the earlier moment was taken.</summary>
    public const string Ambiguous = "ambiguous-earlier-taken";

    /// <summary>The text itself names an offset, which won over the zone field.</summary>
    public const string ZoneInText = "zone-in-text";
}

/// <summary>
/// What a reporter wrote, kept beside what we understood. <paramref name="Utc"/> is null when it was not understood; <paramref name="Zone"/> is the zone as stated
/// (field or text); <paramref name="ClockNote"/> holds words of <see cref="ClockNotes"/> or null.
/// </summary>
public sealed record StatedTime(DateTimeOffset? Utc, string Original, string? Zone, string? ClockNote)
{
    private const int MaxLength = 64;
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Reads 2026-11-24 05:10[:30[.123]] (also with T, with Z, UTC, GMT, JST or an offset), 2026/11/24 5:10, 11/24 05:10 (year assumed) and
    /// 2026年11月24日 5時10分[30秒] (午前/午後 allowed), full-width digits too. The zone is an IANA id, JST, UTC, GMT, Z or ±HH:MM; other abbreviations mean different
    /// zones to different people and are refused. Also on failure <paramref name="stated"/> keeps what was written.
    /// </summary>
    public static bool TryParse(string original, string? zone, TimeProvider clock, out StatedTime stated, out TimeError error)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(clock);
        var field = string.IsNullOrWhiteSpace(zone) ? null : zone.Trim();
        stated = new StatedTime(null, original.Length > MaxLength ? original[..MaxLength] : original, field is { Length: > MaxLength } ? field[..MaxLength] : field, null);
        if (original.Length > MaxLength)
        {
            return Fail(TimeErrorKind.TooLong, MaxLength, out error);
        }

        var reader = new Reader(original);
        if (reader.AtEnd)
        {
            return Fail(TimeErrorKind.Empty, 0, out error);
        }

        if (!reader.TryRead(out var parts, out error))
        {
            return false;
        }

        var notes = new List<string>();
        var zoneText = parts.Zone ?? field;
        if (zoneText is null)
        {
            return Fail(TimeErrorKind.NoZone, 0, out error);
        }

        if (!TryZone(zoneText, out var rules))
        {
            return Fail(TimeErrorKind.UnknownZone, parts.Zone is null ? 0 : parts.ZoneAt, out error);
        }

        if (parts.Zone is not null && field is not null)
        {
            notes.Add(ClockNotes.ZoneInText);
        }

        var now = clock.GetUtcNow();
        DateTimeOffset utc;
        if (parts.Year is { } year)
        {
            if (!TryUtc(year, parts, rules, notes, out utc))
            {
                return Fail(year is > 0 and < 1970 ? TimeErrorKind.TooEarly : TimeErrorKind.OutOfRange, 0, out error);
            }
        }
        else
        {
            notes.Add(ClockNotes.YearAssumed);
            var latest = TimeZoneInfo.ConvertTime(now, rules).Year;
            var found = false;
            utc = default;

            // Eight years back reach a leap day across a century; the future is tried first for zones ahead of ours.
            for (var y = latest + 1; y >= latest - 8 && !found; y--)
            {
                var trial = new List<string>();
                if (y <= 9999 && TryUtc(y, parts, rules, trial, out utc) && utc <= now + Ahead)
                {
                    notes.AddRange(trial);
                    found = true;
                }
            }

            if (!found)
            {
                return Fail(TimeErrorKind.OutOfRange, 0, out error);
            }
        }

        if (utc > now + Ahead)
        {
            return Fail(TimeErrorKind.InTheFuture, 0, out error);
        }

        if (utc < DateTimeOffset.UnixEpoch)
        {
            return Fail(TimeErrorKind.TooEarly, 0, out error);
        }

        stated = new StatedTime(utc, original, zoneText, notes.Count == 0 ? null : string.Join(' ', notes));
        error = default;
        return true;
    }

    private static bool Fail(TimeErrorKind kind, int offset, out TimeError error)
    {
        error = new TimeError(kind, offset);
        return false;
    }

    private static bool TryUtc(int year, Parts parts, TimeZoneInfo rules, List<string> notes, out DateTimeOffset utc)
    {
        utc = default;
        if (year is < 2 or > 9998 || parts.Month is < 1 or > 12 || parts.Day < 1 || parts.Day > DateTime.DaysInMonth(year, parts.Month)
            || parts.Hour > 23 || parts.Minute > 59 || parts.Second > 59)
        {
            return false;
        }

        var local = new DateTime(year, parts.Month, parts.Day, parts.Hour, parts.Minute, parts.Second, DateTimeKind.Unspecified).AddTicks(parts.Ticks);
        TimeSpan offset;
        if (rules.IsInvalidTime(local))
        {
            notes.Add(ClockNotes.InGap);
            offset = rules.GetUtcOffset(local.AddDays(-1));
        }
        else if (rules.IsAmbiguousTime(local))
        {
            notes.Add(ClockNotes.Ambiguous);

            // The larger offset is the one before the clocks went back: the earlier moment.
            offset = rules.GetAmbiguousTimeOffsets(local).Max();
        }
        else
        {
            offset = rules.GetUtcOffset(local);
        }

        // Historic local mean times have seconds, which DateTimeOffset cannot carry: go through ticks.
        utc = new DateTimeOffset(local.Ticks - offset.Ticks, TimeSpan.Zero);
        return true;
    }

    private static bool TryZone(string text, out TimeZoneInfo rules)
    {
        rules = TimeZoneInfo.Utc;
        if (text is "Z" or "z" || text.Equals("UTC", StringComparison.OrdinalIgnoreCase) || text.Equals("GMT", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        if (text.Equals("JST", StringComparison.OrdinalIgnoreCase))
        {
            rules = Fixed(TimeSpan.FromHours(9));
            return true;
        }

        if (text[0] is '+' or '-')
        {
            var digits = text[1..].Replace(":", "", StringComparison.Ordinal);
            if (text.Length is not (3 or 5 or 6) || (text.Length == 6 && text[3] != ':') || digits.Length is not (2 or 4)
                || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            var (hours, minutes) = digits.Length == 2 ? (number, 0) : (number / 100, number % 100);
            if (minutes > 59 || hours * 60 + minutes > 14 * 60)
            {
                return false;
            }

            var offset = new TimeSpan(hours, minutes, 0);
            rules = Fixed(text[0] == '-' ? -offset : offset);
            return true;
        }

        // Ids are names of files below the zone database: Area/City only, nothing that climbs.
        if (!text.Contains('/', StringComparison.Ordinal) || text[0] == '/' || text.Contains("//", StringComparison.Ordinal) || text.EndsWith('/')
            || text.Length > 40 || !text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+'))
        {
            return false;
        }

        if (TimeZoneInfo.TryFindSystemTimeZoneById(text, out var found))
        {
            rules = found;
            return true;
        }

        return false;

        static TimeZoneInfo Fixed(TimeSpan offset) =>
            offset == TimeSpan.Zero ? TimeZoneInfo.Utc : TimeZoneInfo.CreateCustomTimeZone("stated", offset, "stated", "stated");
    }

    private readonly record struct Parts(int? Year, int Month, int Day, int Hour, int Minute, int Second, long Ticks, string? Zone, int ZoneAt);

    private sealed class Reader
    {
        private readonly string s;
        private int i;

        internal Reader(string original)
        {
            // Full-width forms one by one, so that places in the error are places in the text as written.
            s = string.Create(original.Length, original, static (span, source) =>
            {
                for (var n = 0; n < span.Length; n++)
                {
                    span[n] = source[n] switch
                    {
                        >= '\uFF01' and <= '\uFF5E' => (char)(source[n] - 0xFEE0),
                        '\u3000' or '\u00A0' => ' ',
                        _ => source[n],
                    };
                }
            });
            Spaces();
        }

        internal bool AtEnd => i >= s.Length;

        internal bool TryRead(out Parts parts, out TimeError error)
        {
            parts = default;
            error = default;
            int? year = null;
            int month, day, hour, minute;
            int second = 0;
            long ticks = 0;
            if (!Number(4, out var first, out var firstDigits))
            {
                return Bad(out error);
            }

            if (firstDigits == 4)
            {
                year = first;
                var separator = Next();
                if (separator is not ('-' or '/' or '年'))
                {
                    return Bad(out error);
                }

                i++;
                SpacesIf(separator == '年');
                var second2 = separator == '年' ? '月' : separator;
                if (!Number(2, out month, out _) || Next() != second2)
                {
                    return Bad(out error);
                }

                i++;
                SpacesIf(separator == '年');
                if (!Number(2, out day, out _) || !DayEnd(separator == '年'))
                {
                    return Bad(out error);
                }
            }
            else
            {
                month = first;
                var separator = Next();
                if (firstDigits > 2 || separator is not ('/' or '月'))
                {
                    return Bad(out error);
                }

                i++;
                if (!Number(2, out day, out _) || !DayEnd(separator == '月'))
                {
                    return Bad(out error);
                }
            }

            if (Next() is 'T' or 't')
            {
                i++;
            }
            else
            {
                Spaces();
            }

            if (AtEnd)
            {
                error = new TimeError(TimeErrorKind.NoTimeOfDay, s.Length);
                return false;
            }

            var half = 0;
            if (Take("午前"))
            {
                half = 1;
            }
            else if (Take("午後"))
            {
                half = 2;
            }

            Spaces();
            var hourAt = i;
            if (!Number(2, out hour, out _))
            {
                return Bad(out error);
            }

            if (half > 0)
            {
                if (hour > 12)
                {
                    error = new TimeError(TimeErrorKind.OutOfRange, hourAt);
                    return false;
                }

                hour = hour % 12 + (half == 2 ? 12 : 0);
            }

            if (Next() == '時')
            {
                i++;
                minute = 0;
                if (char.IsAsciiDigit(Next()))
                {
                    if (!Number(2, out minute, out _) || Next() != '分')
                    {
                        return Bad(out error);
                    }

                    i++;
                    if (char.IsAsciiDigit(Next()))
                    {
                        if (!Number(2, out second, out _) || Next() != '秒')
                        {
                            return Bad(out error);
                        }

                        i++;
                    }
                }
            }
            else
            {
                if (Next() != ':')
                {
                    return Bad(out error);
                }

                i++;
                if (!Number(2, out minute, out var minuteDigits) || minuteDigits != 2)
                {
                    return Bad(out error);
                }

                if (Next() == ':')
                {
                    i++;
                    if (!Number(2, out second, out var secondDigits) || secondDigits != 2)
                    {
                        return Bad(out error);
                    }

                    if (Next() is '.' or ',')
                    {
                        i++;
                        var scale = TimeSpan.TicksPerSecond / 10;
                        var start = i;
                        for (; char.IsAsciiDigit(Next()); i++, scale /= 10)
                        {
                            ticks += (s[i] - '0') * scale;
                        }

                        if (i == start || i - start > 9)
                        {
                            return Bad(out error);
                        }
                    }
                }
            }

            Spaces();
            var zoneAt = i;
            var zone = AtEnd ? null : s[i..].TrimEnd();
            if (zone is not null && zone[0] is not ('Z' or 'z' or '+' or '-') && !char.IsAsciiLetter(zone[0]))
            {
                return Bad(out error);
            }

            parts = new Parts(year, month, day, hour, minute, second, ticks, zone, zoneAt);
            return true;
        }

        private bool Bad(out TimeError error)
        {
            error = new TimeError(TimeErrorKind.NotATime, i);
            return false;
        }

        private char Next() => i < s.Length ? s[i] : '\0';

        private bool DayEnd(bool japanese)
        {
            if (!japanese)
            {
                return true;
            }

            if (Next() != '日')
            {
                return false;
            }

            i++;
            return true;
        }

        private bool Take(string word)
        {
            if (string.CompareOrdinal(s, i, word, 0, word.Length) != 0)
            {
                return false;
            }

            i += word.Length;
            return true;
        }

        private void SpacesIf(bool allowed)
        {
            if (allowed)
            {
                Spaces();
            }
        }

        private void Spaces()
        {
            while (Next() is ' ' or '\t')
            {
                i++;
            }
        }

        private bool Number(int maxDigits, out int value, out int digits)
        {
            value = 0;
            var start = i;
            while (i - start < maxDigits && char.IsAsciiDigit(Next()))
            {
                value = value * 10 + (s[i++] - '0');
            }

            digits = i - start;
            return digits > 0 && !char.IsAsciiDigit(Next());
        }
    }
}
