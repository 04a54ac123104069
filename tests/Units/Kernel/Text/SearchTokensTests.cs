namespace Renkei.Kernel.Tests;

public sealed class SearchTokensTests
{
    private static bool Finds(string text, string query)
    {
        var index = SearchTokens.Of(text).ToHashSet(StringComparer.Ordinal);
        var tokens = SearchTokens.Query(query);
        return tokens.Count > 0 && tokens.All(index.Contains);
    }

    [Theory]
    [InlineData("感染が広がる", "感染")]
    [InlineData("ｻｰﾊﾞｰから漏洩した", "サーバー")]
    [InlineData("ＶＰＮ機器", "vpn")]
    [InlineData("時々刻々", "時々")]
    [InlineData("Phishing at hxxps://www.login-hoshizora[.]example:8443/v/1", "login-hoshizora.example")]
    [InlineData("Phishing at https://www.login-hoshizora.example/v/1", "login-hoshizora[.]example")]
    [InlineData("Phishing at https://www.login-hoshizora.example/v/1", "login-hoshizora")]
    [InlineData("Phishing at https://www.login-hoshizora.example/v/1", "hoshizora")]
    [InlineData("攻撃元203.0.113[.]24から", "203.0.113.24")]
    [InlineData("203.0.113.24:443", "203.0.113.24")]
    [InlineData("203.0.113.24", "203.0.113")]
    [InlineData("2001:db8::1 に接続", "2001[:]db8::1")]
    [InlineData("mail to taro.yamada@hoshizora.example", "taro.yamada@hoshizora.example")]
    [InlineData("mail to taro.yamada@hoshizora.example", "hoshizora.example")]
    [InlineData("R-2026-11-0187 を見よ", "r-2026-11-0187")]
    [InlineData("CVE-2026-12345", "cve-2026-12345")]
    [InlineData("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("火", "火")]
    public void What_is_in_the_text_is_found(string text, string query) => Assert.True(Finds(text, query), SearchTokens.Index(text));

    [Theory]
    [InlineData("203.0.113.241", "203.0.113.24")]
    [InlineData("1203.0.113.24", "203.0.113.24")]
    [InlineData("24 203 0 113", "203.0.113.24")]
    [InlineData("染感", "感染")]
    [InlineData("login hoshizora example", "login-hoshizora.example")]
    [InlineData("notlogin-hoshizora.example", "login-hoshizora.example")]
    [InlineData("2001:db8:1", "2001:db8::1")]
    public void What_is_not_in_the_text_is_not_found(string text, string query) => Assert.False(Finds(text, query), SearchTokens.Index(text));

    [Fact]
    public void Runs_of_han_and_kana_become_pairs() => Assert.Equal("情報 報漏 漏え えい", SearchTokens.Index("情報漏えい"));

    [Fact]
    public void Tokens_are_letters_and_digits_only_bounded_in_length_and_number()
    {
        const string Text = "O'Neil \"a\" OR b* NEAR(c) x:y -z (q) user@a.example 203.0.113.24 \0 e\u0301 ⟦ 😀 𠮷野家 a_b ' & | ! <-> \ud800";
        Assert.All(SearchTokens.Of(Text), t => Assert.All(t.EnumerateRunes(), r => Assert.True(System.Text.Rune.IsLetterOrDigit(r), t)));
        Assert.Contains("𠮷野", SearchTokens.Of(Text), StringComparer.Ordinal);
        Assert.Equal(SearchTokens.MaxTokens, SearchTokens.Of(string.Concat(Enumerable.Repeat("ab ", 300_000))).Count());
        Assert.All(SearchTokens.Of(new string('a', 5000) + " " + string.Join('.', Enumerable.Repeat("abcdefgh", 60))), t => Assert.True(t.Length <= SearchTokens.MaxJoined));
        Assert.True(SearchTokens.Query(string.Join(' ', Enumerable.Range(0, 1000))).Count <= 64);
    }

    [Fact]
    public void A_word_too_long_to_keep_is_still_found_by_its_start() => Assert.True(Finds(new string('q', 500), new string('q', 500)));
}
