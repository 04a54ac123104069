namespace Renkei.Web;

/// <summary>How a TLP label ("RED", "AMBER+STRICT", "TLP:GREEN") is drawn. The words are never translated (TLP 2.0).</summary>
public static class TlpLook
{
    /// <summary>The label without its prefix.</summary>
    public static string Bare(string label) => label.StartsWith("TLP:", StringComparison.Ordinal) ? label[4..] : label;

    /// <summary>Colour class: STRICT is amber. A label nobody knows is drawn as red, the strictest.</summary>
    public static string Colour(string label) => Bare(label) switch
    {
        "AMBER" or "AMBER+STRICT" => "amber",
        "GREEN" => "green",
        "CLEAR" => "clear",
        _ => "red",
    };

    /// <summary>Name of the printed page.</summary>
    public static string Page(string label) => Bare(label) is "AMBER+STRICT" ? "strict" : Colour(label);
}
