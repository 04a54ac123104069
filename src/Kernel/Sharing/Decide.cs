namespace Renkei.Kernel;

/// <summary>What is about to happen with a record.</summary>
public enum SharingAct
{
    Read,
    Share,
    Ask,
    Export,
    Notify,
}

/// <summary>The door it happens at. The rule stands at every one.</summary>
public enum Exit
{
    Page,
    Api,
    Search,
    Count,
    Export,
    Feed,
    Mail,
    Log,
    Print,
    Federation,
    Drill,
}

/// <summary>How sure the node is of who is on the other side, weakest first.</summary>
public enum Assurance
{
    None,
    PlainMail,
    Session,
    SecondFactor,
    Encrypted,
    SignedPeer,
}

/// <summary>Classes of fields that can be treated apart from the record's other content (notes on victim and reporter identity).</summary>
public enum FieldClass
{
    Content,
    Targets,
    Grounds,
    ReporterName,
    ReporterOrganisation,
    ReporterAddress,
    VictimIdentity,
    InternalNotes,
}

public enum Treatment
{
    Show,
    Withhold,
}

/// <summary>How far the reporter lets the node name them.</summary>
public enum ReporterDisclosure
{
    None = 0,
    Organisation = 1,
    Full = 2,
}

/// <summary>One reason of a verdict: a text key and its arguments, so that the screen says it in the reader's language.</summary>
public sealed record Reason(string Key, params string[] Args);

/// <summary>
/// The recipient of something that leaves: who they are as principals (a contact of a team stands for the team and, if named, for
/// itself), and why they were chosen.
/// </summary>
public sealed record Recipient(TeamId? Team, PersonId? Person, bool AnswersForATarget)
{
    /// <summary>The communities and groups they are in. One they are in and that is excluded keeps them out, whatever names them.</summary>
    public IReadOnlyList<Principal> Through { get; init; } = [];

    /// <summary>Whether these principals name the recipient: their team, themself, or what they are in.</summary>
    public bool IsIn(PrincipalSet principals) =>
        (Team is { } team && principals.Contains(Principal.Of(team))) || (Person is { } person && principals.Contains(Principal.Of(person))) || Through.Any(principals.Contains);

    /// <summary>As <see cref="IsIn"/>, and a role in the recipient's team counts too: nobody knows who reads a team's mail.</summary>
    public bool IsKeptOutBy(PrincipalSet exclusions) => IsIn(exclusions) || (Team is { } team && exclusions.Any(p => p.IsRole && p.Id == team.Value));
}

/// <summary>One question to the rule. Exactly one of <paramref name="Viewer"/> and <paramref name="Recipient"/> is set.</summary>
public sealed record Question(
    SharingAct Act,
    Exit Exit,
    Marking Marking,
    Viewer? Viewer = null,
    Recipient? Recipient = null,
    Assurance Assurance = Assurance.None,
    ReporterDisclosure Disclosure = ReporterDisclosure.None);

/// <summary>What the rule may look at beside the question. Agreements and membership freshness join with the trust capability.</summary>
public sealed record World(DateTimeOffset Now, MailPolicy Mail = MailPolicy.AmberMayGoPlain);

public enum MailPolicy
{
    /// <summary>AMBER may leave by unencrypted mail to one who must act; the preview says that it does.</summary>
    AmberMayGoPlain,

    /// <summary>AMBER leaves encrypted only.</summary>
    AmberNeedsEncryption,
}

/// <summary>Fields and reasons, or a refusal and its reasons. A field class that is not listed is withheld.</summary>
public sealed record Verdict(bool Allowed, IReadOnlyDictionary<FieldClass, Treatment> Fields, IReadOnlyList<Reason> Why)
{
    public bool Shows(FieldClass field) => Allowed && Fields.TryGetValue(field, out var treatment) && treatment == Treatment.Show;
}

/// <summary>
/// What leaves, per field. Pure. Default deny: a question that no clause permits is refused; any clause that denies wins; an error is
/// a denial. Clauses are rows of a table, asked in order, so that the why screen can list them.
/// </summary>
public static class Rule
{
    public static Verdict Decide(Question question, World world)
    {
        if ((question.Viewer is null) == (question.Recipient is null))
        {
            return Refused(new Reason("why.no-subject"));
        }

        if (question.Marking.Fault() is { } fault)
        {
            return Refused(new Reason("why.contradiction", fault.ToString()));
        }

        return question.Viewer is { } viewer ? ForViewer(question, viewer, world) : ForRecipient(question, question.Recipient!, world);
    }

    private static Verdict ForViewer(Question question, Viewer viewer, World world)
    {
        var marking = question.Marking;
        if (!ReadRule.Allows(viewer, marking, world.Now))
        {
            // one reason for every denial: the reader must not learn which clause it was
            return Refused(new Reason("why.not-found"));
        }

        var own = viewer.IsStaffOf(marking.Origin) || viewer.IsSystem || (marking.Tlp == Tlp.Red && viewer.Roles.Any(r => r.Team == marking.Origin && r.Role.IsOfTheTeam()));
        var fields = Fields(own, question.Disclosure, victim: own);
        fields[FieldClass.InternalNotes] = own ? Treatment.Show : Treatment.Withhold;
        return new(true, fields, ReasonsToRead(viewer, marking));
    }

    private static Verdict ForRecipient(Question question, Recipient recipient, World world)
    {
        var marking = question.Marking;
        if (marking.Exercise is not null)
        {
            return Refused(new Reason("why.exercise"));
        }

        if (recipient.IsKeptOutBy(marking.Exclusions))
        {
            return Refused(new Reason("why.excluded"));
        }

        if (marking.Embargo is { } embargo && world.Now < embargo && !IsNamed(marking, recipient))
        {
            return Refused(new Reason("why.embargo"));
        }

        if (marking.Expires is { } expires && world.Now >= expires)
        {
            return Refused(new Reason("why.expired"));
        }

        Reason permit;
        switch (marking.Tlp)
        {
            case Tlp.Red when recipient.Person is { } person && marking.Audience.Contains(Principal.Of(person)):
                permit = new("why.named-person");
                break;
            case Tlp.Red:
                return Refused(new Reason("why.red-named-only"));
            case Tlp.AmberStrict when IsNamed(marking, recipient):
                permit = new("why.audience-team");
                break;
            case Tlp.AmberStrict:
                return Refused(new Reason("why.strict-team-only"));
            case Tlp.Amber when IsNamed(marking, recipient):
                permit = new("why.audience-team");
                break;
            case Tlp.Amber when question.Act == SharingAct.Ask && recipient.AnswersForATarget:
                permit = new("why.need-to-act");
                break;
            case Tlp.Amber:
                return Refused(new Reason("why.amber-need-to-know"));
            case Tlp.Green when IsNamed(marking, recipient) || (question.Act == SharingAct.Ask && recipient.AnswersForATarget):
                permit = new("why.green-community");
                break;
            case Tlp.Green:
                return Refused(new Reason("why.green-community-only"));
            default:
                permit = new("why.clear");
                break;
        }

        if (question.Exit == Exit.Mail && marking.Tlp >= Tlp.Amber && question.Assurance < Assurance.Encrypted)
        {
            if (marking.Tlp == Tlp.Red || world.Mail == MailPolicy.AmberNeedsEncryption)
            {
                return Refused(new Reason("why.needs-encryption", marking.Tlp.Label()));
            }

            return new(true, Fields(false, question.Disclosure, victim: true), [permit, new Reason("why.plain-mail", marking.Tlp.Label())]);
        }

        return new(true, Fields(false, question.Disclosure, victim: true), [permit]);
    }

    /// <summary>The origin and whom the audience names. A community counts only under GREEN: a stricter marking cannot name one.</summary>
    private static bool IsNamed(Marking marking, Recipient recipient) => (recipient.Team is { } team && team == marking.Origin) || recipient.IsIn(marking.Audience);

    private static Dictionary<FieldClass, Treatment> Fields(bool own, ReporterDisclosure disclosure, bool victim) => new()
    {
        [FieldClass.Content] = Treatment.Show,
        [FieldClass.Targets] = Treatment.Show,
        [FieldClass.Grounds] = Treatment.Show,
        [FieldClass.ReporterName] = own || disclosure == ReporterDisclosure.Full ? Treatment.Show : Treatment.Withhold,
        [FieldClass.ReporterOrganisation] = own || disclosure >= ReporterDisclosure.Organisation ? Treatment.Show : Treatment.Withhold,
        [FieldClass.ReporterAddress] = own ? Treatment.Show : Treatment.Withhold,
        [FieldClass.VictimIdentity] = victim ? Treatment.Show : Treatment.Withhold,
        [FieldClass.InternalNotes] = Treatment.Withhold,
    };

    private static List<Reason> ReasonsToRead(Viewer viewer, Marking marking)
    {
        var why = new List<Reason>();
        foreach (var granted in marking.Grants().Where(g => viewer.Principals.Contains(g.Principal.Code)))
        {
            var principal = granted.Principal;
            why.Add(principal switch
            {
                _ when principal == Principal.Anyone => new("why.clear"),
                _ when principal == Principal.Of(marking.Origin) => new("why.own-team", principal.Code),
                { IsTeam: true } => new("why.audience-team", principal.Code),
                { IsRole: true } => new("why.audience-role", principal.Code),
                { IsGroup: true } => new("why.audience-group", principal.Code),
                { IsCommunity: true } => new("why.audience-community", principal.Code),
                _ => new("why.named-person", principal.Code),
            });
        }

        if (viewer.IsSystem)
        {
            why.Add(new("why.system"));
        }

        return why;
    }

    private static Verdict Refused(Reason why) => new(false, System.Collections.Frozen.FrozenDictionary<FieldClass, Treatment>.Empty, [why]);
}
