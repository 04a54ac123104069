namespace Renkei.Kernel;

/// <summary>Traffic Light Protocol 2.0 (FIRST, 2022): least to most restrictive. Labels are never translated.</summary>
public enum Tlp
{
    Clear = 0,
    Green = 1,
    Amber = 2,
    AmberStrict = 3,
    Red = 4,
}

/// <summary>Permissible Actions Protocol: what may be done with the information, least to most restrictive.</summary>
public enum Pap
{
    Clear = 0,
    Green = 1,
    Amber = 2,
    Red = 3,
}

public static class MarkingLabels
{
    /// <summary>The label as TLP 2.0 writes it, such as <c>TLP:AMBER+STRICT</c>.</summary>
    public static string Label(this Tlp tlp) => tlp switch
    {
        Tlp.Clear => "TLP:CLEAR",
        Tlp.Green => "TLP:GREEN",
        Tlp.Amber => "TLP:AMBER",
        Tlp.AmberStrict => "TLP:AMBER+STRICT",
        _ => "TLP:RED",
    };

    public static string Label(this Pap pap) => pap switch
    {
        Pap.Clear => "PAP:CLEAR",
        Pap.Green => "PAP:GREEN",
        Pap.Amber => "PAP:AMBER",
        _ => "PAP:RED",
    };

    /// <summary>Reads a label with or without the prefix, any case; TLP 1.0's WHITE reads as CLEAR.</summary>
    public static bool TryParseTlp(string? text, out Tlp tlp)
    {
        var bare = Bare(text, "TLP:");
        (tlp, var known) = bare switch
        {
            "CLEAR" or "WHITE" => (Tlp.Clear, true),
            "GREEN" => (Tlp.Green, true),
            "AMBER" => (Tlp.Amber, true),
            "AMBER+STRICT" or "AMBERSTRICT" => (Tlp.AmberStrict, true),
            "RED" => (Tlp.Red, true),
            _ => (Tlp.Red, false),
        };
        return known;
    }

    public static bool TryParsePap(string? text, out Pap pap)
    {
        var bare = Bare(text, "PAP:");
        (pap, var known) = bare switch
        {
            "CLEAR" or "WHITE" => (Pap.Clear, true),
            "GREEN" => (Pap.Green, true),
            "AMBER" => (Pap.Amber, true),
            "RED" => (Pap.Red, true),
            _ => (Pap.Red, false),
        };
        return known;
    }

    private static string Bare(string? text, string prefix)
    {
        var upper = (text ?? "").Trim().ToUpperInvariant();
        return upper.StartsWith(prefix, StringComparison.Ordinal) ? upper[prefix.Length..] : upper;
    }
}
