namespace Renkei.Web;

/// <summary>Families of states: what shape stands before the word.</summary>
public enum StateKind
{
    /// <summary>Draft, sent, unread.</summary>
    Open,

    /// <summary>Awaiting somebody.</summary>
    Wait,

    /// <summary>Acknowledged, under investigation.</summary>
    Work,

    /// <summary>Done, not affected, mitigated, confirmed down.</summary>
    Done,

    /// <summary>Refused, not ours, bounced.</summary>
    Stop,

    /// <summary>Silent: never counted with "not affected".</summary>
    Silent,

    /// <summary>Overdue, affected, up again.</summary>
    Over,
}
