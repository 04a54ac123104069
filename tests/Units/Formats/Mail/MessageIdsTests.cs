using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.Mail;

namespace Renkei.Units.Formats.Mail;

public class MessageIdsTests
{
    private static readonly byte[] s_otherKey = [.. Letters.Key.Reverse()];

    [Fact]
    public void An_id_we_made_proves_its_request_and_attempt()
    {
        string id = MessageIds.Create("Node.example", "01k3f9", 12, Letters.Key);

        Assert.StartsWith("<c01k3f9.12.", id, StringComparison.Ordinal);
        Assert.EndsWith("@node.example>", id, StringComparison.Ordinal);
        Assert.True(MessageIds.TryVerify(id, Letters.Key, out VerifiedMessageId? verified));
        Assert.Equal(new VerifiedMessageId("01k3f9", 12, "node.example"), verified);
        Assert.True(MessageIds.TryVerify(" " + id[1..^1].ToUpperInvariant(), Letters.Key, out _));
    }

    [Fact]
    public void An_id_changed_in_any_place_proves_nothing()
    {
        string id = MessageIds.Create("node.example", "01k3f9", 12, Letters.Key);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Gen.Choose(1, id.Length - 2).Zip(Gen.Choose(0x21, 0x7e)).ToArbitrary(), change =>
        {
            char[] changed = id.ToCharArray();
            changed[change.Item1] = char.ToLowerInvariant((char)change.Item2);
            string forged = new(changed);
            return string.Equals(forged, id, StringComparison.Ordinal) || !MessageIds.TryVerify(forged, Letters.Key, out _);
        }));
        Assert.False(MessageIds.TryVerify(id, s_otherKey, out _));
        Assert.False(MessageIds.TryVerify(id.Replace("01k3f9", "01k3f8", StringComparison.Ordinal), Letters.Key, out _));
        Assert.False(MessageIds.TryVerify(id.Replace(".12.", ".012.", StringComparison.Ordinal), Letters.Key, out _));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("<>")]
    [InlineData("@")]
    [InlineData("<c1.2.3@>")]
    [InlineData("<c..@x>")]
    [InlineData("<c1.99999999999.00@x.example>")]
    public void Strange_ids_prove_nothing(string? id) => Assert.False(MessageIds.TryVerify(id, Letters.Key, out _));

    [Theory]
    [InlineData("<a@b>", true)]
    [InlineData("<\"quoted\"@[192.0.2.1]>", true)]
    [InlineData("a@b", false)]
    [InlineData("<a>", false)]
    [InlineData("<@b>", false)]
    [InlineData("<a@>", false)]
    [InlineData("<a b@c>", false)]
    [InlineData("<a@b><c@d>", false)]
    [InlineData("<ä@b>", false)]
    public void Only_an_id_that_fits_a_header_is_well_formed(string id, bool fits) => Assert.Equal(fits, MessageIds.IsWellFormed(id));

    [Fact]
    public void A_token_from_outside_the_alphabet_is_a_programming_error()
    {
        Assert.Throws<ArgumentException>(() => MessageIds.Create("node.example", "a.b", 1, Letters.Key));
        Assert.Throws<ArgumentException>(() => MessageIds.Create("node.example", "A", 1, Letters.Key));
        Assert.Throws<ArgumentException>(() => MessageIds.Create("no domain", "a", 1, Letters.Key));
        Assert.Throws<ArgumentException>(() => MessageIds.Create("node.example", "a", 1, "short"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => MessageIds.Create("node.example", "a", -1, Letters.Key));
    }

    [Fact]
    public void A_return_path_names_the_request_it_belongs_to()
    {
        string address = Verp.Address("bounce", "01k3f9q2w8x7c5v4", Letters.Key, "node.example");

        Assert.StartsWith("bounce+01k3f9q2w8x7c5v4-", address, StringComparison.Ordinal);
        Assert.True(Mailbox.TryCreate(address, null, out _, out _));
        Assert.True(Verp.TryParse($"<{address.ToUpperInvariant()}>", Letters.Key, out VerpToken? token));
        Assert.Equal(new VerpToken("bounce", "01k3f9q2w8x7c5v4", "node.example"), token);
    }

    [Fact]
    public void A_return_path_changed_in_any_place_names_nothing()
    {
        string address = Verp.Address("bounce", "42", Letters.Key, "node.example");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Gen.Choose(0, address.Length - 1).Zip(Gen.Choose(0x21, 0x7e)).ToArbitrary(), change =>
        {
            char[] changed = address.ToCharArray();
            changed[change.Item1] = char.ToLowerInvariant((char)change.Item2);
            string forged = new(changed);
            return string.Equals(forged, address, StringComparison.Ordinal) || !Verp.TryParse(forged, Letters.Key, out _);
        }));
        Assert.False(Verp.TryParse(address, s_otherKey, out _));
        Assert.False(Verp.TryParse("bounce@node.example", Letters.Key, out _));
        Assert.False(Verp.TryParse(null, Letters.Key, out _));
        Assert.Throws<ArgumentException>(() => Verp.Address(new string('b', 30), new string('t', 20), Letters.Key, "node.example"));
    }
}
