using System.Globalization;
using System.Text;

namespace Renkei.Directories;

/// <summary>
/// Working hours that people write in words, understood where they are plain: <c>Mon-Fri 9:00-18:00</c>, <c>平日 9:00–18:00</c>,
/// <c>月～金 9:00〜12:00, 13:00〜17:30</c>, <c>24/7</c>. Anything else is shown as written and answers nothing. Public holidays are not known here.
/// </summary>
public sealed class WorkingHours
{
    private static readonly (string Word, int From, int To)[] DayWords =
    [
        ("weekdays", 1, 5), ("weekends", 6, 7), ("weekend", 6, 7), ("everyday", 1, 7), ("every day", 1, 7), ("daily", 1, 7), ("平日", 1, 5), ("土日", 6, 7), ("週末", 6, 7), ("毎日", 1, 7), ("年中無休", 1, 7),
    ];

    private static readonly string[][] DayNames =
    [
        ["monday", "mon", "月曜日", "月曜", "月"], ["tuesday", "tue", "火曜日", "火曜", "火"], ["wednesday", "wed", "水曜日", "水曜", "水"], ["thursday", "thu", "木曜日", "木曜", "木"],
        ["friday", "fri", "金曜日", "金曜", "金"], ["saturday", "sat", "土曜日", "土曜", "土"], ["sunday", "sun", "日曜日", "日曜", "日"],
    ];

    private static readonly (string Japanese, string English)[] ShortDays = [("月", "Mon"), ("火", "Tue"), ("水", "Wed"), ("木", "Thu"), ("金", "Fri"), ("土", "Sat"), ("日", "Sun")];

    private const int WholeDay = 1440;
    private readonly List<(int FromDay, int ToDay, int FromMinute, int ToMinute)> _spans = [];
    private string? _zone;

    private WorkingHours()
    {
    }

    /// <summary>Reads them; false where the words are not plain enough to be sure.</summary>
    public static bool TryParse(string? text, out WorkingHours hours)
    {
        hours = new WorkingHours();
        if (string.IsNullOrWhiteSpace(text) || text.Length > 200)
        {
            return false;
        }

        var rest = Plain(text);
        if (rest.Contains(" jst", StringComparison.Ordinal))
        {
            hours._zone = "JST";
            rest = rest.Replace(" jst", "", StringComparison.Ordinal).Trim();
        }

        if (rest is "24/7" or "24h" or "24時間" or "24時間365日" or "24 hours")
        {
            hours._spans.Add((1, 7, 0, WholeDay));
            return true;
        }

        var days = (From: 0, To: 0);
        foreach (var part in rest.Split([',', ';', '、'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var left = part;
            if (TryDays(ref left, out var found))
            {
                days = found;
            }

            // hours without days before them could mean any: not plain
            if (days.From == 0 || !TryTimes(left.Trim(), out var from, out var to))
            {
                return false;
            }

            hours._spans.Add((days.From, days.To, from, to));
        }

        return hours._spans.Count > 0;
    }

    /// <summary>Are they at work at this instant, in their zone?</summary>
    public bool Open(DateTimeOffset at, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone);
        var day = local.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)local.DayOfWeek;
        var before = day == 1 ? 7 : day - 1;
        var minute = (local.Hour * 60) + local.Minute;
        return _spans.Exists(s => s.FromMinute < s.ToMinute
            ? On(s, day) && minute >= s.FromMinute && minute < s.ToMinute
            : (On(s, day) && minute >= s.FromMinute) || (On(s, before) && minute < s.ToMinute));

        static bool On((int FromDay, int ToDay, int FromMinute, int ToMinute) s, int day) => s.FromDay <= s.ToDay ? day >= s.FromDay && day <= s.ToDay : day >= s.FromDay || day <= s.ToDay;
    }

    /// <summary>Whether a contact is at work now; null where hours or zone cannot be told.</summary>
    public static bool? IsOpen(string? text, string zone, DateTimeOffset now) =>
        TryParse(text, out var hours) && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found) ? hours.Open(now, found) : null;

    /// <summary>The hours in the reader's language where they are understood, else as they were written: <c>平日 9:00–18:00</c>, <c>weekdays 9:00–18:00</c>.</summary>
    public static string? Say(string? text, string language, string? zone = null) => TryParse(text, out var hours) ? hours.In(language, zone) : text;

    /// <summary>These hours in ja or en. <paramref name="zone"/> is named where the hours do not name their own and the clock matters.</summary>
    public string In(string language, string? zone = null)
    {
        var ja = language is "ja";
        if (_spans is [(1, 7, 0, WholeDay)])
        {
            return ja ? "24時間365日" : "24/7";
        }

        var words = new StringBuilder();
        var days = (From: 0, To: 0);
        foreach (var span in _spans)
        {
            words.Append(words.Length == 0 ? "" : ja ? "、" : ", ");
            if (days != (span.FromDay, span.ToDay))
            {
                days = (span.FromDay, span.ToDay);
                words.Append(Days(days.From, days.To, ja)).Append(' ');
            }

            words.Append((span.FromMinute, span.ToMinute) is (0, WholeDay) ? ja ? "24時間" : "24 hours" : Clock(span.FromMinute) + "–" + Clock(span.ToMinute));
        }

        return (_zone ?? zone) is { } named ? words.Append(' ').Append(named).ToString() : words.ToString();
    }

    private static string Days(int from, int to, bool ja) => (from, to) switch
    {
        (1, 5) => ja ? "平日" : "weekdays",
        (6, 7) => ja ? "土日" : "weekends",
        (1, 7) => ja ? "毎日" : "daily",
        _ when from == to => Day(from, ja),
        _ => Day(from, ja) + "–" + Day(to, ja),
    };

    private static string Day(int day, bool ja) => ja ? ShortDays[day - 1].Japanese : ShortDays[day - 1].English;

    private static string Clock(int minute) => string.Create(CultureInfo.InvariantCulture, $"{minute / 60}:{minute % 60:00}");

    private static string Plain(string text)
    {
        var folded = new StringBuilder(text.Normalize(NormalizationForm.FormKC).ToLowerInvariant());
        foreach (var dash in (ReadOnlySpan<char>)['–', '—', '−', '~', '〜', '～', 'ー'])
        {
            folded.Replace(dash, '-');
        }

        folded.Replace("から", "-").Replace(" to ", "-").Replace("\u3000", " ");
        return folded.ToString().Trim();
    }

    private static bool TryDays(ref string text, out (int From, int To) days)
    {
        foreach (var (word, from, to) in DayWords)
        {
            if (text.StartsWith(word, StringComparison.Ordinal))
            {
                (text, days) = (text[word.Length..], (from, to));
                return true;
            }
        }

        days = default;
        if (!TryDay(ref text, out days.From))
        {
            return false;
        }

        days.To = days.From;
        var after = text.TrimStart();
        if (after.StartsWith('-'))
        {
            after = after[1..].TrimStart();
            if (TryDay(ref after, out var last))
            {
                (text, days.To) = (after, last);
            }
        }

        return true;
    }

    private static bool TryDay(ref string text, out int day)
    {
        for (var i = 0; i < DayNames.Length; i++)
        {
            foreach (var name in DayNames[i])
            {
                if (text.StartsWith(name, StringComparison.Ordinal))
                {
                    (text, day) = (text[name.Length..], i + 1);
                    return true;
                }
            }
        }

        day = 0;
        return false;
    }

    private static bool TryTimes(string text, out int from, out int to)
    {
        from = to = 0;
        if (text is "24h" or "24時間" or "24 hours")
        {
            to = WholeDay;
            return true;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && TryTime(text.AsSpan(0, dash).Trim(), out from) && TryTime(text.AsSpan(dash + 1).Trim(), out to) && from != to;
    }

    private static bool TryTime(ReadOnlySpan<char> text, out int minute)
    {
        minute = 0;
        var colon = text.IndexOfAny(':', '時');
        var hours = colon < 0 ? text : text[..colon];
        var minutes = colon < 0 ? "0" : text[(colon + 1)..].TrimEnd('分');
        if (!int.TryParse(hours, NumberStyles.None, CultureInfo.InvariantCulture, out var h) || !int.TryParse(minutes.IsEmpty ? "0" : minutes, NumberStyles.None, CultureInfo.InvariantCulture, out var m) || h > 24 || m > 59 || (h == 24 && m > 0))
        {
            return false;
        }

        minute = (h * 60) + m;
        return true;
    }
}
