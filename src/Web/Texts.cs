using System.Globalization;

namespace Renkei.Web;

/// <summary>The texts in the language of the one who reads: of the request's <see cref="PageContext"/>, or a fixed one (mail, files).</summary>
public sealed class Texts
{
    private static readonly CultureInfo Japanese = CultureInfo.GetCultureInfo("ja-JP");
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en-GB");
    private readonly TextBook book;
    private readonly Func<string> language;

    /// <summary>Texts for a page. The language is read late: the host fills the context after this was made.</summary>
    public Texts(TextBook book, PageContext page)
    {
        this.book = book;
        language = () => page.Lang;
    }

    /// <summary>Texts in one language, "ja" or "en", for what is not a page.</summary>
    public Texts(TextBook book, string lang)
    {
        this.book = book;
        language = () => lang;
    }

    /// <summary>"ja" or "en".</summary>
    public string Lang => language();

    /// <summary>How numbers and dates are written.</summary>
    public CultureInfo Culture => string.Equals(Lang, "ja", StringComparison.Ordinal) ? Japanese : English;

    /// <summary>The text as it stands.</summary>
    public string this[string key] => book.Get(Lang, key);

    /// <summary>True where the key exists in this language.</summary>
    public bool Has(string key) => book.Find(Lang, key) is not null;

    /// <summary>The text with its places filled (<c>{0}</c>). Where the first number is 1 and <c>key.one</c> exists, that text.</summary>
    public string Of(string key, params object?[] args)
    {
        var one = IsOne(args) ? book.Find(Lang, key + TextBook.Singular) : null;
        return string.Format(Culture, one ?? book.Get(Lang, key), args);
    }

    /// <summary>A number with its groups: <c>1,214</c>.</summary>
    public string Number(long value) => value.ToString("N0", Culture);

    /// <summary>A number of things: <c>23件</c>, <c>23</c>.</summary>
    public string Count(long value) => Of("count.items", value);

    /// <summary>A bounded count: <c>10,000件超</c>, <c>more than 10,000</c> where there are more than the limit.</summary>
    public string Count(long value, long limit) => value > limit ? Of("count.more_than", limit) : Count(value);

    /// <summary>A size in bytes: <c>812 B</c>, <c>4.1 KB</c>, <c>1.2 MB</c> (steps of 1024).</summary>
    public string Bytes(long bytes)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB"];
        double size = bytes;
        var unit = 0;
        while (size >= 1024 && unit < units.Length - 1)
        {
            size /= 1024;
            unit++;
        }

        return unit == 0 || size >= 100 ? $"{size.ToString("N0", Culture)} {units[unit]}" : $"{size.ToString("0.#", Culture)} {units[unit]}";
    }

    /// <summary>A length of time in its two largest steps: <c>42分</c>, <c>1時間18分</c>, <c>2日と3時間</c>; <c>42 min</c>, <c>1 h 18 min</c>, <c>2 d 3 h</c>. The sign is dropped.</summary>
    public string Duration(TimeSpan time)
    {
        var minutes = (long)Math.Floor(time.Duration().TotalMinutes);
        var (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        return (days, hours, rest) switch
        {
            ( >= 3, _, _) or ( >= 1, 0, _) => Of("duration.days", days),
            ( >= 1, _, _) => Of("duration.days_hours", days, hours),
            (_, >= 1, 0) => Of("duration.hours", hours),
            (_, >= 1, _) => Of("duration.hours_minutes", hours, rest),
            _ => Of("duration.minutes", rest),
        };
    }

    /// <summary>Time left or over: <c>あと 1時間18分</c>, <c>3時間12分 超過</c>; <c>in 1 h 18 min</c>, <c>3 h 12 min over</c>.</summary>
    public string Left(TimeSpan left) => Of(left < TimeSpan.Zero ? "due.over" : "due.left", Duration(left));

    /// <summary>Time since: <c>42分前</c>, <c>42 min ago</c>. Always beside the absolute time.</summary>
    public string Ago(TimeSpan since) => Of("due.ago", Duration(since));

    private static bool IsOne(object?[] args)
    {
        foreach (var arg in args)
        {
            switch (arg)
            {
                case int number: return number == 1;
                case long number: return number == 1;
                default: continue;
            }
        }

        return false;
    }
}
