using System.Globalization;

namespace Renkei.Web;

/// <summary>Who is signed in, as the top bar shows them.</summary>
/// <param name="Id">The person's id.</param>
/// <param name="DisplayName">佐藤 美咲, Misaki Sato</param>
/// <param name="ShortName">Two letters or a family name for the round mark.</param>
public sealed record SignedIn(Guid Id, string DisplayName, string ShortName);

/// <summary>One line of the rail.</summary>
/// <param name="Key">What <c>Shell Active</c> names.</param>
/// <param name="Href">Where it leads.</param>
/// <param name="Icon">Name of the icon.</param>
/// <param name="TextKey">Key of its text.</param>
/// <param name="Count">How much waits there; null or 0 shows nothing.</param>
/// <param name="GoKey">The letter after <c>g</c> that goes there.</param>
public sealed record NavItem(string Key, string Href, string Icon, string TextKey, long? Count = null, char? GoKey = null);

/// <summary>What was just done, said once at the bottom of the next page; never an error.</summary>
/// <param name="TextKey">Key of the sentence.</param>
/// <param name="Args">What fills its places.</param>
/// <param name="UndoUrl">Where a POST takes it back; null where it can't be.</param>
/// <param name="Link">The one record it is about.</param>
public sealed record Toast(string TextKey, IReadOnlyList<object?> Args, string? UndoUrl = null, ToastLink? Link = null);

/// <summary>Where a toast leads. <paramref name="Text"/> is a number people quote: where the sentence holds it, it is the link, else it stands after the sentence.</summary>
public sealed record ToastLink(string Href, string Text);

/// <summary>What every page needs besides its model. One per request; the host fills it before a page is rendered.</summary>
public sealed class PageContext
{
    /// <summary>"ja" or "en".</summary>
    public string Lang { get; set; } = "ja";

    /// <summary>"light" or "dark".</summary>
    public string Theme { get; set; } = "light";

    /// <summary>Single-key shortcuts, which a person can switch off (WCAG 2.1.4).</summary>
    public bool Keys { get; set; } = true;

    /// <summary>Null on public pages.</summary>
    public SignedIn? Person { get; set; }

    /// <summary>The team the person acts for; on public pages the team that receives.</summary>
    public string TeamName { get; set; } = "";

    /// <summary>Key of the role's name, shown beside the team.</summary>
    public string? RoleLabelKey { get; set; }

    /// <summary>The zone times are written in.</summary>
    public TimeZoneInfo Zone { get; set; } = TimeZoneInfo.Utc;

    /// <summary>The moment the page is made.</summary>
    public DateTimeOffset Now { get; set; }

    /// <summary>Name of the hidden field against forged posts.</summary>
    public string CsrfFieldName { get; set; } = "";

    /// <summary>Its value for this session.</summary>
    public string CsrfToken { get; set; } = "";

    /// <summary>Notifications not seen yet.</summary>
    public int Unread { get; set; }

    /// <summary>The rail, top to bottom.</summary>
    public IReadOnlyList<NavItem> Nav { get; set; } = [];

    /// <summary>Path and query of this page, for ways back.</summary>
    public string Path { get; set; } = "/";

    /// <summary>What was just done.</summary>
    public Toast? Toast { get; set; }

    /// <summary>The node's own name, in the title of the window.</summary>
    public string NodeName { get; set; } = "Renkei";

    /// <summary>Where live events come from; null where there are none.</summary>
    public string? EventsUrl { get; set; } = "/events";

    /// <summary>Added to the address of styles and scripts, so that a new build is not held back by a cache.</summary>
    public string AssetVersion { get; set; } = "";

    private bool Japanese => string.Equals(Lang, "ja", StringComparison.Ordinal);

    /// <summary>The instant in the reader's zone.</summary>
    public DateTimeOffset Local(DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, Zone);

    /// <summary><c>11/24 10:42 JST</c> (ja), <c>11-24 10:42 JST</c> (en); the year where it is not this one. Without the zone where a column head names it.</summary>
    public string Time(DateTimeOffset at, bool zone = true)
    {
        var local = Local(at);
        var format = (Japanese, local.Year == Local(Now).Year) switch
        {
            (true, true) => "MM'/'dd HH':'mm",
            (true, false) => "yyyy'/'MM'/'dd HH':'mm",
            (false, true) => "MM'-'dd HH':'mm",
            (false, false) => "yyyy'-'MM'-'dd HH':'mm",
        };
        var text = local.ToString(format, CultureInfo.InvariantCulture);
        return zone ? $"{text} {ZoneName(at)}" : text;
    }

    /// <summary>The time of day: <c>10:42 JST</c>.</summary>
    public string Clock(DateTimeOffset at, bool zone = true)
    {
        var text = Local(at).ToString("HH':'mm", CultureInfo.InvariantCulture);
        return zone ? $"{text} {ZoneName(at)}" : text;
    }

    /// <summary>A date to plan with: <c>2026年11月24日（火）</c>, <c>Tue 2026-11-24</c>.</summary>
    public string Day(DateTimeOffset at)
    {
        var local = Local(at);
        return Japanese
            ? local.ToString("yyyy年M月d日（ddd）", CultureInfo.GetCultureInfo("ja-JP"))
            : local.ToString("ddd yyyy'-'MM'-'dd", CultureInfo.InvariantCulture);
    }

    /// <summary>A date in a table or a form: <c>2026-11-24</c>.</summary>
    public string Date(DateTimeOffset at) => Local(at).ToString("yyyy'-'MM'-'dd", CultureInfo.InvariantCulture);

    /// <summary>For the machine: <c>2026-11-24T10:42+09:00</c>.</summary>
    public string Machine(DateTimeOffset at) => Local(at).ToString("yyyy'-'MM'-'dd'T'HH':'mmzzz", CultureInfo.InvariantCulture);

    /// <summary><c>JST</c>, <c>UTC</c>, else the offset at that instant: <c>+01:00</c>.</summary>
    public string ZoneName(DateTimeOffset at) => Zone.Id switch
    {
        "Asia/Tokyo" or "Japan" or "Tokyo Standard Time" => "JST",
        "UTC" or "Etc/UTC" or "Etc/GMT" or "GMT" => "UTC",
        _ => Local(at).ToString("zzz", CultureInfo.InvariantCulture),
    };
}
