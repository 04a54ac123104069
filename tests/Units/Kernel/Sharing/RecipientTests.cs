using FsCheck;
using FsCheck.Fluent;

namespace Renkei.Kernel.Tests;

/// <summary>What may leave, and to whom: the recipient's branch of the rule, one row a case, as docs/dev/read-rule.md has it.</summary>
public sealed class RecipientTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-11-25T03:00:00Z", System.Globalization.CultureInfo.InvariantCulture);
    private static readonly TeamId Origin = new(Guid.Parse("01900000-0000-7000-8000-000000000001"));
    private static readonly TeamId Named = new(Guid.Parse("01900000-0000-7000-8000-000000000002"));
    private static readonly TeamId Stranger = new(Guid.Parse("01900000-0000-7000-8000-000000000003"));
    private static readonly PersonId Someone = new(Guid.Parse("01900000-0000-7000-8000-000000000004"));
    private static readonly CommunityId Club = new(Guid.Parse("01900000-0000-7000-8000-000000000005"));

    [Theory]
    // who: origin, named, person (named in the audience), answers (for a target), stranger
    [InlineData(Tlp.Clear, "stranger", SharingAct.Share, "why.clear", true)]
    [InlineData(Tlp.Clear, "answers", SharingAct.Ask, "why.clear", true)]
    [InlineData(Tlp.Green, "named", SharingAct.Share, "why.green-community", true)]
    [InlineData(Tlp.Green, "answers", SharingAct.Ask, "why.green-community", true)]
    [InlineData(Tlp.Green, "answers", SharingAct.Share, "why.green-community-only", false)]
    [InlineData(Tlp.Green, "stranger", SharingAct.Ask, "why.green-community-only", false)]
    [InlineData(Tlp.Amber, "named", SharingAct.Share, "why.audience-team", true)]
    [InlineData(Tlp.Amber, "person", SharingAct.Share, "why.audience-team", true)]
    [InlineData(Tlp.Amber, "origin", SharingAct.Notify, "why.audience-team", true)]
    [InlineData(Tlp.Amber, "answers", SharingAct.Ask, "why.need-to-act", true)]
    [InlineData(Tlp.Amber, "answers", SharingAct.Share, "why.amber-need-to-know", false)]
    [InlineData(Tlp.Amber, "answers", SharingAct.Notify, "why.amber-need-to-know", false)]
    [InlineData(Tlp.Amber, "stranger", SharingAct.Ask, "why.amber-need-to-know", false)]
    [InlineData(Tlp.AmberStrict, "named", SharingAct.Share, "why.audience-team", true)]
    [InlineData(Tlp.AmberStrict, "answers", SharingAct.Ask, "why.strict-team-only", false)]
    [InlineData(Tlp.AmberStrict, "stranger", SharingAct.Share, "why.strict-team-only", false)]
    [InlineData(Tlp.Red, "person", SharingAct.Share, "why.named-person", true)]
    [InlineData(Tlp.Red, "origin", SharingAct.Share, "why.red-named-only", false)]
    [InlineData(Tlp.Red, "named", SharingAct.Share, "why.red-named-only", false)]
    [InlineData(Tlp.Red, "answers", SharingAct.Ask, "why.red-named-only", false)]
    public void Each_label_leaves_to_those_it_names_and_to_nobody_else(Tlp tlp, string who, SharingAct act, string why, bool allowed)
    {
        var verdict = Decide(MarkingOf(tlp), RecipientOf(who), act, Assurance.Encrypted);
        Assert.Equal((allowed, why), (verdict.Allowed, verdict.Why[0].Key));
        Assert.Equal(allowed, verdict.Shows(FieldClass.Content));
        Assert.False(verdict.Shows(FieldClass.InternalNotes));
        Assert.False(verdict.Shows(FieldClass.ReporterAddress));
    }

    [Theory]
    [InlineData(Tlp.Green, MailPolicy.AmberNeedsEncryption, true, null)]
    [InlineData(Tlp.Amber, MailPolicy.AmberMayGoPlain, true, "why.plain-mail")]
    [InlineData(Tlp.Amber, MailPolicy.AmberNeedsEncryption, false, "why.needs-encryption")]
    [InlineData(Tlp.AmberStrict, MailPolicy.AmberMayGoPlain, true, "why.plain-mail")]
    [InlineData(Tlp.AmberStrict, MailPolicy.AmberNeedsEncryption, false, "why.needs-encryption")]
    [InlineData(Tlp.Red, MailPolicy.AmberMayGoPlain, false, "why.needs-encryption")]
    public void Unencrypted_mail_carries_what_the_node_lets_it_and_never_RED(Tlp tlp, MailPolicy policy, bool allowed, string? says)
    {
        var marking = MarkingOf(tlp);
        var recipient = new Recipient(Named, Someone, AnswersForATarget: true);
        foreach (var assurance in new[] { Assurance.None, Assurance.PlainMail, Assurance.SecondFactor })
        {
            var verdict = Rule.Decide(new Question(SharingAct.Ask, Exit.Mail, marking, Recipient: recipient, Assurance: assurance), new World(Now, policy));
            Assert.Equal(allowed, verdict.Allowed);
            Assert.Equal(says is not null, verdict.Why.Any(w => w.Key == says));
        }

        // encrypted, or by a door that is none, the policy has nothing to say
        Assert.True(Rule.Decide(new Question(SharingAct.Ask, Exit.Mail, marking, Recipient: recipient, Assurance: Assurance.Encrypted), new World(Now, policy)).Allowed);
        Assert.True(Rule.Decide(new Question(SharingAct.Ask, Exit.Federation, marking, Recipient: recipient), new World(Now, policy)).Allowed);
    }

    [Theory]
    [InlineData(Tlp.Green)]
    [InlineData(Tlp.Amber)]
    [InlineData(Tlp.AmberStrict)]
    public void An_excluded_team_or_person_gets_nothing_whatever_else_speaks_for_them(Tlp tlp)
    {
        var open = MarkingOf(tlp);
        Refused("why.excluded", open with { Exclusions = new([Principal.Of(Named)]) }, new(Named, null, true));
        Refused("why.excluded", open with { Exclusions = new([Principal.Of(Someone)]) }, new(Named, Someone, true));
        Assert.True(Decide(open with { Exclusions = new([Principal.Of(Stranger)]) }, new(Named, null, true), SharingAct.Ask, Assurance.Encrypted).Allowed);
    }

    [Fact]
    public void Whoever_is_in_an_excluded_community_group_or_role_gets_nothing()
    {
        var (community, group) = (Principal.Of(new CommunityId(Guid.NewGuid())), Principal.Of(new GroupId(Guid.NewGuid())));
        foreach (var tlp in new[] { Tlp.Green, Tlp.Amber, Tlp.AmberStrict })
        {
            foreach (var kept in new[] { community, group })
            {
                var marking = MarkingOf(tlp) with { Exclusions = new([kept]) };
                Refused("why.excluded", marking, new(Named, null, true) { Through = [kept] });
                Assert.True(Decide(marking, new(Named, null, true), SharingAct.Ask, Assurance.Encrypted).Allowed);
            }

            Refused("why.excluded", MarkingOf(tlp) with { Exclusions = new([Principal.Of(Named, Role.Analyst)]) }, new(Named, null, true));
        }
    }

    [Fact]
    public void A_member_team_of_a_GREEN_community_and_a_member_of_an_AMBER_group_are_named()
    {
        var (community, group) = (Principal.Of(new CommunityId(Guid.NewGuid())), Principal.Of(new GroupId(Guid.NewGuid())));
        var green = MarkingOf(Tlp.Green) with { Audience = new([community]) };
        Assert.True(Decide(green, new(Stranger, null, false) { Through = [community] }, SharingAct.Share, Assurance.Encrypted).Allowed);
        Refused("why.green-community-only", green, new(Stranger, null, false), SharingAct.Share);
        var amber = MarkingOf(Tlp.Amber) with { Audience = new([group]) };
        Assert.True(Decide(amber, new(null, Someone, false) { Through = [group] }, SharingAct.Share, Assurance.Encrypted).Allowed);
        Refused("why.amber-need-to-know", amber, new(null, Someone, false), SharingAct.Share);
        // RED is for persons, whatever they are in
        Refused("why.red-named-only", MarkingOf(Tlp.Red), new(Stranger, null, true) { Through = [community, group] });
    }

    [Theory]
    [InlineData(Tlp.Clear)]
    [InlineData(Tlp.Green)]
    [InlineData(Tlp.Amber)]
    public void Before_the_end_of_an_embargo_only_those_named_get_it(Tlp tlp)
    {
        var held = MarkingOf(tlp) with { Embargo = Now.AddTicks(10) };
        Refused("why.embargo", held, new(Stranger, null, true));
        Assert.True(Decide(held, new(Named, null, false), SharingAct.Share, Assurance.Encrypted).Allowed);
        Assert.True(Decide(held, new(Origin, null, false), SharingAct.Share, Assurance.Encrypted).Allowed);
        // at its end it is over
        Assert.True(Decide(held with { Embargo = Now }, new(Stranger, null, true), SharingAct.Ask, Assurance.Encrypted).Allowed);
    }

    [Theory]
    [InlineData(Tlp.Clear)]
    [InlineData(Tlp.Green)]
    [InlineData(Tlp.Amber)]
    [InlineData(Tlp.AmberStrict)]
    [InlineData(Tlp.Red)]
    public void After_the_expiry_and_from_an_exercise_nothing_leaves(Tlp tlp)
    {
        var recipient = new Recipient(Named, Someone, true);
        Refused("why.expired", MarkingOf(tlp) with { Expires = Now }, recipient);
        Assert.True(Decide(MarkingOf(tlp) with { Expires = Now.AddTicks(10) }, recipient, SharingAct.Ask, Assurance.Encrypted).Allowed);
        Refused("why.exercise", MarkingOf(tlp) with { Exercise = Guid.NewGuid() }, recipient);
        Refused("why.exercise", MarkingOf(tlp) with { Exercise = Guid.NewGuid() }, new(Origin, null, true));
    }

    [Fact]
    public void A_question_without_a_subject_or_with_a_contradiction_is_refused()
    {
        var marking = MarkingOf(Tlp.Clear);
        Assert.False(Rule.Decide(new Question(SharingAct.Read, Exit.Page, marking), new World(Now)).Allowed);
        Assert.False(Rule.Decide(new Question(SharingAct.Read, Exit.Page, marking, Viewer.System, new(Named, null, true)), new World(Now)).Allowed);
        Refused("why.contradiction", MarkingOf(Tlp.Red) with { Audience = PrincipalSet.Empty }, new(Named, Someone, true));
        Refused("why.contradiction", MarkingOf(Tlp.Clear) with { Exclusions = new([Principal.Of(Stranger)]) }, new(Named, Someone, true));
    }

    [Theory]
    [InlineData(ReporterDisclosure.None, false, false)]
    [InlineData(ReporterDisclosure.Organisation, true, false)]
    [InlineData(ReporterDisclosure.Full, true, true)]
    public void Of_the_reporter_a_recipient_learns_what_they_allowed(ReporterDisclosure disclosure, bool organisation, bool name)
    {
        var verdict = Rule.Decide(new Question(SharingAct.Ask, Exit.Mail, MarkingOf(Tlp.Amber), Recipient: new(Named, null, true), Disclosure: disclosure), new World(Now));
        Assert.Equal((organisation, name, false), (verdict.Shows(FieldClass.ReporterOrganisation), verdict.Shows(FieldClass.ReporterName), verdict.Shows(FieldClass.ReporterAddress)));
        Assert.True(verdict.Shows(FieldClass.VictimIdentity));
    }

    [Fact]
    public void Deny_wins_a_further_exclusion_never_lets_anyone_in() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll(Cases().ToArbitrary(), c =>
    {
        var more = c.Marking with { Exclusions = new([.. c.Marking.Exclusions, c.Extra]) };
        var (before, after) = (Rule.Decide(c.Question, new World(Now, c.Policy)), Rule.Decide(c.Question with { Marking = more }, new World(Now, c.Policy)));
        return (!after.Allowed || before.Allowed) && Enum.GetValues<FieldClass>().All(f => !after.Shows(f) || before.Shows(f));
    }));

    [Fact]
    public void A_stricter_label_a_later_embargo_and_an_earlier_expiry_never_let_anyone_in() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll(Cases().ToArbitrary(), c =>
    {
        var open = Rule.Decide(c.Question, new World(Now, c.Policy)).Allowed;
        var held = c.Marking with { Embargo = c.Marking.Embargo is { } e && e > Now ? e : Now.AddDays(1), Expires = c.Marking.Expires is { } x && x > Now.AddDays(1) ? x : null };
        var gone = c.Marking with { Embargo = null, Expires = Now.AddDays(-1) };
        return (!Decided(held) || open || c.Marking.Expires <= Now) && !Decided(gone) && !Decided(c.Marking with { Exercise = Guid.NewGuid() });

        bool Decided(Marking marking) => Rule.Decide(c.Question with { Marking = marking }, new World(Now, c.Policy)).Allowed;
    }));

    private sealed record Case(Marking Marking, Question Question, Principal Extra, MailPolicy Policy);

    private static Gen<Case> Cases()
    {
        Principal[] anyone = [Principal.Of(Origin), Principal.Of(Named), Principal.Of(Stranger), Principal.Of(Someone), Principal.Of(Club), Principal.Of(Named, Role.Analyst)];
        return from tlp in Gen.Elements(Enum.GetValues<Tlp>())
               from audience in Gen.SubListOf(anyone)
               from exclusions in Gen.SubListOf(anyone)
               from extra in Gen.Elements(anyone)
               from embargo in Gen.Elements<DateTimeOffset?>(null, Now.AddDays(-1), Now.AddDays(1))
               from expires in Gen.Elements<DateTimeOffset?>(null, Now.AddDays(-1), Now.AddDays(2))
               from team in Gen.Elements<TeamId?>(null, Origin, Named, Stranger)
               from person in Gen.Elements<PersonId?>(null, Someone)
               from answers in Gen.Elements(true, false)
               from act in Gen.Elements(Enum.GetValues<SharingAct>())
               from exit in Gen.Elements(Exit.Mail, Exit.Export, Exit.Federation)
               from assurance in Gen.Elements(Enum.GetValues<Assurance>())
               from policy in Gen.Elements(Enum.GetValues<MailPolicy>())
               let marking = new Marking { Tlp = tlp, Pap = Pap.Amber, Origin = Origin, Audience = new(audience), Exclusions = new(exclusions), Embargo = embargo, Expires = expires }
               select new Case(marking, new Question(act, exit, marking, Recipient: new(team, person, answers), Assurance: assurance, Disclosure: ReporterDisclosure.Full), extra, policy);
    }

    private static Marking MarkingOf(Tlp tlp) => new()
    {
        Tlp = tlp,
        Pap = Pap.Amber,
        Origin = Origin,
        Audience = tlp == Tlp.Red ? new([Principal.Of(Someone)]) : new([Principal.Of(Named), .. tlp == Tlp.AmberStrict ? Array.Empty<Principal>() : [Principal.Of(Someone)]]),
    };

    private static Recipient RecipientOf(string who) => who switch
    {
        "origin" => new(Origin, null, false),
        "named" => new(Named, null, false),
        "person" => new(null, Someone, false),
        "answers" => new(Stranger, null, true),
        _ => new(Stranger, null, false),
    };

    private static Verdict Decide(Marking marking, Recipient recipient, SharingAct act, Assurance assurance) =>
        Rule.Decide(new Question(act, Exit.Mail, marking, Recipient: recipient, Assurance: assurance), new World(Now, MailPolicy.AmberNeedsEncryption));

    private static void Refused(string why, Marking marking, Recipient recipient, SharingAct act = SharingAct.Ask)
    {
        var verdict = Decide(marking, recipient, act, Assurance.Encrypted);
        Assert.False(verdict.Allowed);
        Assert.Equal([why], verdict.Why.Select(w => w.Key));
        Assert.All(Enum.GetValues<FieldClass>(), f => Assert.False(verdict.Shows(f)));
    }
}
