namespace Renkei.Kernel.Tests;

public sealed class TextRefangTests
{
    [Theory]
    [InlineData("見よ https://Login.example/V/1#x。", "見よ hxxps://Login[.]example/V/1#x。")]
    [InlineData("203.0.113.24 and 203.0.113.24, v", "203.0.113[.]24 and 203.0.113[.]24, v")]
    [InlineData("user@example.jp; 2001:db8::1", "user[@]example[.]jp; 2001[:]db8::1")]
    [InlineData("hxxp://evil(dot)example/a(b)", "hxxp://evil[.]example/a(b)")]
    [InlineData("http://localhost/ http://2130706433/", "hxxp://localhost/ hxxp://2130706433/")]
    [InlineData("report.pdf and d41d8cd98f00b204e9800998ecf8427e", "report.pdf and d41d8cd98f00b204e9800998ecf8427e")]
    public void Text_is_shown_with_nothing_to_click_and_otherwise_as_written(string text, string inert)
    {
        Assert.Equal(inert, TextRefang.DefangText(text));
        Assert.Equal(inert, TextRefang.DefangText(inert));
    }
}
