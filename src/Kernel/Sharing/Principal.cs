using System.Diagnostics.CodeAnalysis;

namespace Renkei.Kernel;

/// <summary>What a person does for a team. One person may hold several, in several teams.</summary>
public enum Role
{
    Analyst,
    Lead,
    Manager,
    PointOfContact,
    Secretariat,
    Operator,
    Auditor,
    Constituent,
}

public sealed record TeamRole(TeamId Team, Role Role);

public static class Roles
{
    public static string Code(this Role role) => role switch
    {
        Role.Analyst => "analyst",
        Role.Lead => "lead",
        Role.Manager => "manager",
        Role.PointOfContact => "poc",
        Role.Secretariat => "secretariat",
        Role.Operator => "operator",
        Role.Auditor => "auditor",
        _ => "constituent",
    };

    public static bool TryParse(string? text, out Role role)
    {
        foreach (var each in Enum.GetValues<Role>())
        {
            if (string.Equals(each.Code(), text, StringComparison.OrdinalIgnoreCase))
            {
                role = each;
                return true;
            }
        }

        role = Role.Constituent;
        return false;
    }

    /// <summary>
    /// Who counts as the team when something is shared with the team. An operator runs the machine, an auditor reads the audit log
    /// and a constituent is served by the team: none of them reads the team's records for that alone.
    /// </summary>
    public static bool IsOfTheTeam(this Role role) => role is not (Role.Operator or Role.Auditor or Role.Constituent);

    /// <summary>Who does triage; a report marked RED at intake is for them only.</summary>
    public static bool DoesTriage(this Role role) => role is Role.Analyst or Role.Lead;
}

/// <summary>
/// Someone a grant can name, as short stable text: <c>*</c> anyone, <c>t:</c> team, <c>r:</c> role in a team, <c>g:</c> group,
/// <c>c:</c> community, <c>p:</c> person. The text is what the grant table stores.
/// </summary>
public readonly record struct Principal(string Code)
{
    public static Principal Anyone { get; } = new("*");

    public static Principal Of(TeamId team) => new("t:" + team.Value.ToString("N"));

    public static Principal Of(TeamId team, Role role) => new("r:" + team.Value.ToString("N") + ":" + role.Code());

    public static Principal Of(GroupId group) => new("g:" + group.Value.ToString("N"));

    public static Principal Of(CommunityId community) => new("c:" + community.Value.ToString("N"));

    public static Principal Of(PersonId person) => new("p:" + person.Value.ToString("N"));

    public bool IsTeam => Code.StartsWith("t:", StringComparison.Ordinal);

    public bool IsRole => Code.StartsWith("r:", StringComparison.Ordinal);

    public bool IsGroup => Code.StartsWith("g:", StringComparison.Ordinal);

    public bool IsCommunity => Code.StartsWith("c:", StringComparison.Ordinal);

    public bool IsPerson => Code.StartsWith("p:", StringComparison.Ordinal);

    public bool IsConstituentRole => IsRole && Code.EndsWith(":constituent", StringComparison.Ordinal);

    /// <summary>The id after the prefix: of the team for a role.</summary>
    public Guid Id => Code.Length >= 34 ? Guid.ParseExact(Code.AsSpan(2, 32), "N") : Guid.Empty;

    /// <summary>Reads a code; anything that is not exactly one of the forms above is refused.</summary>
    public static bool TryParse([NotNullWhen(true)] string? code, out Principal principal)
    {
        principal = new(code ?? "");
        if (code is "*")
        {
            return true;
        }

        if (code is null || code.Length < 34 || code[1] != ':' || !Guid.TryParseExact(code.AsSpan(2, 32), "N", out _))
        {
            return false;
        }

        return code[0] switch
        {
            't' or 'g' or 'c' or 'p' => code.Length == 34,
            'r' => code.Length > 35 && code[34] == ':' && Roles.TryParse(code[35..], out _),
            _ => false,
        };
    }

    public override string ToString() => Code;
}
