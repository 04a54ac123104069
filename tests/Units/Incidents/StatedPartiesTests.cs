using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Units.Incidents;

public class StatedPartiesTests
{
    [Theory]
    [InlineData("ja")]
    [InlineData("en")]
    public void What_was_named_is_read_back_in_its_order_with_the_text_as_it_was(string language)
    {
        var parties = new StatedParties(["203.0.113.5", "hxxps://login[.]example/a"], ["mail server 198.51.100.7 (Postfix)"]);
        foreach (var text in new[] { "", "Two lines\n\nof text", "Source of it all", "\tindented" })
        {
            var (read, rest) = StatedParties.Read(parties.Before(text, language));
            Assert.Equal(parties.Sources, read.Sources);
            Assert.Equal(parties.Targets, read.Targets);
            Assert.Equal(text, rest);
        }
    }

    [Fact]
    public void A_text_that_names_nobody_is_left_alone()
    {
        const string text = "\nIt says Source: 203.0.113.5 in the middle";
        Assert.Equal(text, StatedParties.None.Before(text, "en"));
        Assert.Equal((StatedParties.None, text), StatedParties.Read(text));
    }

    [Fact]
    public void A_line_names_addresses_names_and_urls_and_nothing_else()
    {
        Assert.Equal([new Observable(ObservableType.IPv4, "198.51.100.7")], StatedParties.Named("mail server 198.51.100.7 (Postfix)"));
        Assert.Equal([new Observable(ObservableType.Url, "https://login.example/a")], StatedParties.Named("hxxps://login[.]example/a"));
        Assert.Equal([new Observable(ObservableType.Asn, "AS64501")], StatedParties.Named("AS64501"));
        Assert.Empty(StatedParties.Named("CVE-2026-12345"));
        Assert.Empty(StatedParties.Named("our old printer"));
    }

    [Fact]
    public void What_is_named_on_both_sides_is_not_only_hit() =>
        Assert.Equal([new Observable(ObservableType.IPv4, "198.51.100.8")], new StatedParties(["198.51.100.7"], ["198.51.100.7", "198.51.100.8"]).Hit());
}

public class ClockErrorTests
{
    [Theory]
    [InlineData("90", 0, 90)]
    [InlineData("+90 s", 1, 90)]
    [InlineData("-3 min", -1, 180)]
    [InlineData("−3分20秒", -1, 200)]
    [InlineData("1 h 5 min", 0, 3900)]
    [InlineData("１時間５分", 0, 3900)]
    [InlineData("2 days", 0, 172_800)]
    [InlineData("1:30", 0, 90)]
    [InlineData("1:01:30", 0, 3690)]
    [InlineData("0", 0, 0)]
    public void Amounts_are_read_in_both_languages(string text, int sign, long seconds)
    {
        Assert.True(ClockError.TryRead(text, out var way, out var read));
        Assert.Equal((sign, seconds), (way, read));
    }

    [Theory]
    [InlineData("")]
    [InlineData("+")]
    [InlineData("soon")]
    [InlineData("5 lightyears")]
    [InlineData("9999 days")]
    [InlineData("999999999999999999999")]
    [InlineData("1.5 min")]
    [InlineData("--3")]
    public void Anything_else_is_no_amount(string text) => Assert.False(ClockError.TryRead(text, out _, out _));

    [Theory]
    [InlineData(90)]
    [InlineData(-315_360_000)]
    [InlineData(0)]
    public void The_seconds_come_back_out_of_the_note(long seconds) => Assert.Equal(seconds, ClockError.Of("zone-in-text " + ClockError.Word(seconds)));

    [Theory]
    [InlineData("clock-right")]
    [InlineData("clock-error:a lot")]
    [InlineData("clock-error:+99999999999")]
    [InlineData(null)]
    public void A_note_without_an_amount_gives_none(string? note) => Assert.Null(ClockError.Of(note));
}
