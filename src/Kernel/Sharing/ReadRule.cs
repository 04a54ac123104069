namespace Renkei.Kernel;

/// <summary>
/// Which rows a viewer may know of. The database filter is this rule in SQL over the grant table; a property test holds the two equal.
/// </summary>
public static class ReadRule
{
    public static bool Allows(Viewer viewer, Marking marking, DateTimeOffset now)
    {
        if (viewer.IsSystem)
        {
            return true;
        }

        if (marking.Exclusions.Any(p => viewer.Standing.Contains(p.Code)))
        {
            return false;
        }

        return marking.Grants().Any(g => viewer.Principals.Contains(g.Principal.Code) && g.From <= now && now < g.Until);
    }
}
