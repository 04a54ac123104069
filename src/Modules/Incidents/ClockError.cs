using System.Globalization;
using System.Text.RegularExpressions;
using Renkei.Web;

namespace Renkei.Incidents;

/// <summary>
/// By how much the clock that wrote a report's times was off, in seconds: plus is ahead, minus behind. Kept as one word among those of the
/// report's clock note (<c>clock-error:+90</c>); the times themselves stay as stated.
/// </summary>
public static partial class ClockError
{
    /// <summary>Ten years: a clock that lost its battery starts at its making.</summary>
    public const long Most = 315_360_000;

    public const int MaxText = 40;

    private const string Prefix = "clock-error:";

    /// <summary>Reads <c>90</c>, <c>+90 s</c>, <c>-3 min</c>, <c>1 h 5 min</c>, <c>3分20秒</c>, <c>0:01:30</c>. Sign is 0 where none is written.</summary>
    public static bool TryRead(string text, out int sign, out long seconds)
    {
        (sign, seconds) = (0, 0);
        var rest = text.Trim().Normalize(System.Text.NormalizationForm.FormKC);
        if (rest.Length == 0 || rest.Length > MaxText)
        {
            return false;
        }

        if (rest[0] is '+' or '-' or '\u2212')
        {
            sign = rest[0] == '+' ? 1 : -1;
            rest = rest[1..].TrimStart();
        }

        if (ClockForm().Match(rest) is { Success: true } clock)
        {
            seconds = (Number(clock.Groups["h"]) * 3600) + (Number(clock.Groups["m"]) * 60) + Number(clock.Groups["s"]);
            return seconds <= Most;
        }

        if (AmountForm().Match(rest) is not { Success: true } match || match.Length == 0)
        {
            return false;
        }

        seconds = (Number(match.Groups["d"]) * 86_400) + (Number(match.Groups["h"]) * 3600) + (Number(match.Groups["m"]) * 60) + Number(match.Groups["s"]);
        return seconds <= Most;
    }

    public static string Word(long seconds) => Prefix + seconds.ToString("+0;-0;0", CultureInfo.InvariantCulture);

    /// <summary>The seconds in a clock note; null where it states none.</summary>
    public static long? Of(string? note) =>
        (note ?? "").Split(' ').FirstOrDefault(w => w.StartsWith(Prefix, StringComparison.Ordinal)) is { } word && TrySeconds(word, out var seconds) ? seconds : null;

    private static bool TrySeconds(string word, out long seconds) =>
        long.TryParse(word.AsSpan(Prefix.Length), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out seconds) && seconds is >= -Most and <= Most;

    /// <summary>The words of a clock note for people; a note that someone wrote by hand stays as it is.</summary>
    public static string Say(string? note, Texts t)
    {
        if (string.IsNullOrEmpty(note))
        {
            return "";
        }

        var said = new List<string>();
        foreach (var word in note.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(w => w is not "zone-in-text"))
        {
            if (word.StartsWith(Prefix, StringComparison.Ordinal) && TrySeconds(word, out var seconds))
            {
                said.Add(seconds == 0 ? t["report.clock.clock_right"] : t.Of(seconds > 0 ? "report.clock.ahead" : "report.clock.behind", Amount(Math.Abs(seconds), t)));
            }
            else if (t.Has("report.clock." + word.Replace('-', '_')))
            {
                said.Add(t["report.clock." + word.Replace('-', '_')]);
            }
            else
            {
                return note;
            }
        }

        return string.Join(t["mid_dot"], said);
    }

    private static string Amount(long seconds, Texts t)
    {
        var parts = new List<string>();
        foreach (var (key, count) in new[] { ("days", seconds / 86_400), ("hours", seconds / 3600 % 24), ("minutes", seconds / 60 % 60), ("seconds", seconds % 60) })
        {
            if (count > 0)
            {
                parts.Add(t.Of("report.clock." + key, count));
            }
        }

        return string.Join(t["report.clock.and"], parts);
    }

    // bounded by the groups: at most nine digits
    private static long Number(Group group) => group.Success ? long.Parse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"^(?:(?<d>[0-9]{1,9})\s*(?:days?|d|日)\s*)?(?:(?<h>[0-9]{1,9})\s*(?:hours?|hrs?|h|時間)\s*)?(?:(?<m>[0-9]{1,9})\s*(?:minutes?|mins?|m|分)\s*)?(?:(?<s>[0-9]{1,9})\s*(?:seconds?|secs?|s|秒)?)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex AmountForm();

    [GeneratedRegex(@"^(?:(?<h>[0-9]{1,5}):)?(?<m>[0-9]{1,2}):(?<s>[0-9]{2})$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ClockForm();
}
