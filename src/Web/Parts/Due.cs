namespace Renkei.Web;

/// <summary>How near an end is, for the colour of a clock or of a fact.</summary>
public static class Due
{
    /// <summary>"rk-due-over" when past, "rk-due-soon" within four hours or on the reader's today, else null.</summary>
    public static string? Class(PageContext page, DateTimeOffset? due) => due switch
    {
        null => null,
        { } at when at < page.Now => "rk-due-over",
        { } at when at - page.Now < TimeSpan.FromHours(4) || page.Local(at).Date == page.Local(page.Now).Date => "rk-due-soon",
        _ => null,
    };
}
