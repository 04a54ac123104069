using System.Collections.Frozen;

namespace Renkei.Kernel;

/// <summary>What a role lets a person do. Reading is the read rule's; these are acts. Each is one sentence on the roles page.</summary>
public enum Right
{
    /// <summary>See the desk of the team: reports, incidents, requests that the read rule shows.</summary>
    ReadDesk,

    /// <summary>Accept, reject, split and link reports; take a report by phone.</summary>
    Triage,

    /// <summary>Change incidents, targets, notes and attachments.</summary>
    WorkIncidents,

    /// <summary>Write coordination requests and send them.</summary>
    SendRequests,

    /// <summary>Change teams' contacts and constituencies in the directory.</summary>
    EditDirectory,

    /// <summary>Invite people and give roles in the team.</summary>
    ManagePeople,

    /// <summary>Create API tokens of the team.</summary>
    ManageTokens,

    /// <summary>Read the team's audit log.</summary>
    ReadAudit,

    /// <summary>Run the node: outbox, settings, geo data, every team's existence.</summary>
    OperateNode,
}

public static class Rights
{
    /// <summary>The one table: role, rights. What is not in it is closed.</summary>
    public static FrozenDictionary<Role, FrozenSet<Right>> Table { get; } = new Dictionary<Role, FrozenSet<Right>>
    {
        [Role.Analyst] = Set(Right.ReadDesk, Right.Triage, Right.WorkIncidents, Right.SendRequests, Right.EditDirectory),
        [Role.Lead] = Set(Right.ReadDesk, Right.Triage, Right.WorkIncidents, Right.SendRequests, Right.EditDirectory, Right.ManagePeople, Right.ManageTokens, Right.ReadAudit),
        [Role.Manager] = Set(Right.ReadDesk, Right.ReadAudit),
        [Role.PointOfContact] = Set(Right.ReadDesk, Right.EditDirectory),
        [Role.Secretariat] = Set(Right.ReadDesk, Right.EditDirectory, Right.ManagePeople),
        [Role.Operator] = Set(Right.OperateNode, Right.ManagePeople),
        [Role.Auditor] = Set(Right.ReadAudit),
        [Role.Constituent] = Set(),
    }.ToFrozenDictionary();

    public static FrozenSet<Right> Of(Role role) => Table[role];

    private static FrozenSet<Right> Set(params Right[] rights) => rights.ToFrozenSet();
}
