using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Renkei.Incidents;
using Renkei.Web;

namespace Renkei.Units.Incidents;

/// <summary>The form says the clock's error in words; what was not touched is saved as it stood.</summary>
public class ClockInWordsTests
{
    private static readonly TextBook Book = new([typeof(TextBook).Assembly, typeof(IncidentsModule).Assembly]);

    [Theory]
    [InlineData("ja", "時計が3分進んでいる")]
    [InlineData("en", "clock 3 min ahead")]
    public void Words_that_were_left_alone_are_the_note_itself(string language, string words)
    {
        Assert.Equal(words, ClockError.Say("clock-error:+180", new Texts(Book, language)));
        Assert.Equal("clock-error:+180", Read(words, words, "clock-error:+180"));
    }

    [Theory]
    [InlineData("reporter's clock, error ±2 min", "clock 3 min ahead", "clock-error:+180")]
    [InlineData("", "clock 3 min ahead", "clock-error:+180")]
    [InlineData("clock-error:+60", "", "")]
    public void What_someone_wrote_is_taken_as_it_is(string written, string words, string note) => Assert.Equal(written, Read(written, words, note));

    [Fact]
    public void A_list_names_three_and_counts_the_rest()
    {
        var (key, args) = Diary.OfList("diary.targets_added", ["a", "b", "c", "d"]);
        Assert.Equal("対象 4件を追加：a、b、c、ほか1件", new Texts(Book, "ja").Of(key, [.. args]));
        Assert.Equal("4 targets were added: a, b, c and 1 more", new Texts(Book, "en").Of(key, [.. args]));
        (key, args) = Diary.OfList("diary.attached", ["a"]);
        Assert.Equal("1 file was attached: a", new Texts(Book, "en").Of(key, [.. args]));
    }

    private static string Read(string clock, string words, string note) =>
        IncidentText.Read(new FormCollection(new Dictionary<string, StringValues>(StringComparer.Ordinal) { ["clock"] = clock, ["clock.words"] = words, ["clock.note"] = note })).Clock;
}
