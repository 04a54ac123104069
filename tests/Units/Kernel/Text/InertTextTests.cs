using FsCheck;
using FsCheck.Fluent;

namespace Renkei.Kernel.Tests;

public sealed class InertTextTests
{
    [Theory]
    [InlineData("a\r\nb\rc\nd\u2028e", "a\nb\nc\nd\ne")]
    [InlineData("a\0b\u001b[31mc\u009bd\te", "ab[31mcd\te")]
    [InlineData("invoice\u202Efdp.exe", "invoice⟦U+202E⟧fdp.exe")]
    [InlineData("a\u200Bb\u061Cc\uFEFFd", "a⟦U+200B⟧b⟦U+061C⟧c⟦U+FEFF⟧d")]
    [InlineData("日本語はそのまま。", "日本語はそのまま。")]
    public void Text_from_outside_cannot_hide_or_move_anything(string text, string clean) => Assert.Equal(clean, InertText.Clean(text));

    [Fact]
    public void Half_a_surrogate_pair_becomes_the_replacement_character() => Assert.Equal("x\uFFFDy\uFFFDz😀", InertText.Clean("x\ud800y\udc00z😀"));

    [Theory]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData("C:\\Users\\x\\報告書.pdf", "報告書.pdf")]
    [InlineData("..", "file")]
    [InlineData("", "file")]
    [InlineData(".htaccess", "htaccess")]
    [InlineData("CON", "_CON")]
    [InlineData("nul.txt", "_nul.txt")]
    [InlineData("com1 .log", "_com1 .log")]
    [InlineData("console.log", "console.log")]
    [InlineData("invoice\u202Efdp.exe", "invoicefdp.exe")]
    [InlineData("a\0b\r\nc<d>:e.txt. . ", "abc_d__e.txt")]
    [InlineData("a／b.txt", "a_b.txt")]
    [InlineData("file.txt:stream", "file.txt_stream")]
    public void File_names_are_safe_to_show_and_to_save(string name, string safe) => Assert.Equal(safe, InertText.FileName(name));

    [Fact]
    public void Long_names_keep_their_ending()
    {
        var safe = InertText.FileName(new string('長', 500) + ".xlsx");
        Assert.Equal(120, safe.Length);
        Assert.EndsWith(".xlsx", safe, StringComparison.Ordinal);
        Assert.True(InertText.FileName(string.Concat(Enumerable.Repeat("😀", 200))).Length <= 120);
    }

    [Fact]
    public void A_safe_name_stays_as_it_is() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll(ArbMap.Default.ArbFor<string>(), Gen.Elements("", "CON", "../", "\\", ".", "aux.", " ", "\u202e", "\ud83d").ToArbitrary(), (text, prefix) =>
        {
            var safe = InertText.FileName(prefix + text);
            Assert.DoesNotContain(safe, c => c is '/' or '\\' or '\0' || char.IsControl(c));
            return safe.Length is > 0 and <= 120 && safe[0] != '.' && string.Equals(InertText.FileName(safe), safe, StringComparison.Ordinal);
        }));
}
