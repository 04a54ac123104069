using Renkei.Formats.Mail;

namespace Renkei.Units.Formats.Mail;

public class MailboxTests
{
    [Theory]
    [InlineData("abuse@hoster.example", "abuse@hoster.example")]
    [InlineData("Abuse.Desk+x@HOSTER.example", "Abuse.Desk+x@hoster.example")]
    [InlineData("窓口@例え.example", null)]
    [InlineData("info@日本語.example", "info@xn--wgv71a119e.example")]
    [InlineData("info@サンプル。example", "info@xn--vck8cuc4a.example")]
    [InlineData("root@localhost", "root@localhost")]
    public void An_address_is_kept_in_ascii(string address, string? expected)
    {
        bool fine = Mailbox.TryCreate(address, null, out Mailbox? mailbox, out MailFault? fault);

        Assert.Equal(expected is not null, fine);
        Assert.Equal(expected, mailbox?.Address);
        if (!fine)
            Assert.Equal((MailFaultKind.NonAsciiLocalPart, 0), (fault!.Kind, fault.Offset));
    }

    [Theory]
    [InlineData("", MailFaultKind.InvalidAddress)]
    [InlineData("abuse", MailFaultKind.InvalidAddress)]
    [InlineData("@hoster.example", MailFaultKind.InvalidAddress)]
    [InlineData("abuse@", MailFaultKind.InvalidAddress)]
    [InlineData("a@b@hoster.example", MailFaultKind.InvalidAddress)]
    [InlineData("a..b@hoster.example", MailFaultKind.InvalidAddress)]
    [InlineData(".a@hoster.example", MailFaultKind.InvalidAddress)]
    [InlineData("a.@hoster.example", MailFaultKind.InvalidAddress)]
    [InlineData("a b@hoster.example", MailFaultKind.InvalidAddress)]
    [InlineData("\"a\"@hoster.example", MailFaultKind.InvalidAddress)]
    [InlineData("<a@hoster.example>", MailFaultKind.InvalidAddress)]
    [InlineData("a@[192.0.2.1]", MailFaultKind.InvalidDomain)]
    [InlineData("a@192.0.2.1", MailFaultKind.InvalidDomain)]
    [InlineData("a@-x.example", MailFaultKind.InvalidDomain)]
    [InlineData("a@x..example", MailFaultKind.InvalidDomain)]
    [InlineData("a@under_score.example", MailFaultKind.InvalidDomain)]
    [InlineData("a@x.example>", MailFaultKind.InvalidDomain)]
    [InlineData("a@x.example\r\nRCPT TO:<b@x.example>", MailFaultKind.ControlCharacter)]
    public void What_is_no_address_is_refused(string address, MailFaultKind kind)
    {
        Assert.False(Mailbox.TryCreate(address, null, out _, out MailFault? fault));
        Assert.Equal(kind, fault.Kind);
    }

    [Fact]
    public void Lengths_are_bounded()
    {
        string label = new('d', 63);
        Assert.True(Mailbox.TryCreate(new string('a', 64) + "@x.example", null, out _, out _));
        Assert.False(Mailbox.TryCreate(new string('a', 65) + "@x.example", null, out _, out _));
        Assert.False(Mailbox.TryCreate("a@d" + label + ".example", null, out _, out _));
        Assert.False(Mailbox.TryCreate($"{new string('a', 64)}@{label}.{label}.{label}.example", null, out _, out _));
        Assert.False(Mailbox.TryCreate("a@x.example", new string('n', MailLimits.DisplayName + 1), out _, out _));
    }
}
