using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace Renkei.Kernel.Tests;

public sealed class ObservableExtractorTests
{
    private static string[] Values(string text) => [.. ObservableExtractor.Extract(text, ExtractLimits.Default).Select(f => f.Observable.Value)];

    [Theory]
    [InlineData("「https://example.jp/a」を参照", "https://example.jp/a,example.jp")]
    [InlineData("URLはhttps://example.jp/a、です。", "https://example.jp/a,example.jp")]
    [InlineData("（https://example.jp/a）", "https://example.jp/a,example.jp")]
    [InlineData("https://example.jpを参照", "https://example.jp/,example.jp")]
    [InlineData("http://a.example/%E6%84%9F?x=1。次", "http://a.example/%E6%84%9F?x=1,a.example")]
    [InlineData("(see http://a.example/x_(y)).", "http://a.example/x_(y),a.example")]
    [InlineData("[link](http://a.example/x)", "http://a.example/x,a.example")]
    [InlineData("<http://a.example/x>, \"http://b.example\"!", "http://a.example/x,a.example,http://b.example/,b.example")]
    [InlineData("攻撃元203.0.113.24から", "203.0.113.24")]
    [InlineData("hxxps://login-hoshizora[.]example/v/1 と 203.0.113[.]24", "https://login-hoshizora.example/v/1,login-hoshizora.example,203.0.113.24")]
    [InlineData("mail user[at]example[.]jp now", "user@example.jp,example.jp")]
    [InlineData("宛先：taro@example.jp、", "taro@example.jp,example.jp")]
    [InlineData("john.smith@example.jp", "john.smith@example.jp,example.jp")]
    [InlineData("アドレス：2001:db8::1。 src:2001:db8::2, [2001:db8::3]:443", "2001:db8::1,2001:db8::2,2001:db8::3")]
    [InlineData("2001:db8::/32 and 203.0.113.0/24, AS64501.", "2001:db8::/32,203.0.113.0/24,AS64501")]
    [InlineData("203.0.113.5:8080", "203.0.113.5")]
    [InlineData("CVE-2026-12345。d41d8cd98f00b204e9800998ecf8427e", "CVE-2026-12345,d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("evil.zip http://evil.zip/a other[.]zip", "http://evil.zip/a,evil.zip,other.zip")]
    [InlineData("run evil.py from cdn.evil.py", "cdn.evil.py")]
    [InlineData("http://аррӏе.com/ login", "http://xn--80ak6aa92e.com/,xn--80ak6aa92e.com")]
    [InlineData("a.example A.EXAMPLE. a[.]example", "a.example")]
    [InlineData("http://user:pw@a.example/x", "http://user:pw@a.example/x,a.example")]
    public void What_a_reporter_writes_is_found(string text, string expected) => Assert.Equal(expected.Split(','), Values(text));

    [Theory]
    [InlineData("report.pdf index.html foo.exe archive.zip clip.mov")]
    [InlineData("at 12:30:45 on 2026-11-24T05:10:30")]
    [InlineData("application/vnd.ms-excel text/html image/svg+xml")]
    [InlineData("00:11:22:33:44:55 std::string abc::def ::")]
    [InlineData("System.Text.Encoding e.g. i.e. ends.Next line")]
    [InlineData("C:\\Windows\\evil.example /usr/lib/x.example")]
    [InlineData("1.2.3 1.2.3.4.5 256.1.1.1 010.1.1.1")]
    [InlineData("http://localhost/ http:// ://x javascript:alert(1)")]
    [InlineData("image001.png@01D9ABCD.12345678")]
    [InlineData("これはテスト。です")]
    [InlineData("see @ 5 and a@b")]
    public void What_only_looks_like_one_is_left(string text) => Assert.Empty(Values(text));

    [Fact]
    public void Places_are_those_of_the_original_text()
    {
        const string Text = "前文 hxxps://login[.]exa\u200Bmple/v/1。後";
        var found = ObservableExtractor.Extract(Text, ExtractLimits.Default);
        Assert.Equal("hxxps://login[.]exa\u200Bmple/v/1", found[0].AsWritten);
        Assert.Equal("login[.]exa\u200Bmple", found[1].AsWritten);
        Assert.All(found, f => Assert.Equal(f.AsWritten, Text.Substring(f.Offset, f.Length)));
    }

    [Fact]
    public void Count_and_length_are_bounded()
    {
        var many = string.Join(' ', Enumerable.Range(0, 5000).Select(i => $"h{i}.example"));
        Assert.Equal(1000, ObservableExtractor.Extract(many, ExtractLimits.Default).Count);
        Assert.Equal("h0.example h1.example", string.Join(' ', ObservableExtractor.Extract(many, new ExtractLimits(2, 1000)).Select(f => f.Observable.Value)));
        Assert.Single(ObservableExtractor.Extract("a.example b.example", new ExtractLimits(10, 9)));
        Assert.Empty(ObservableExtractor.Extract("a.example", new ExtractLimits(0, 9)));
    }

    public static TheoryData<string> Hostile =>
    [
        "a.", "[.]", "http://", "http://a@", "h", ".", ":", "@", "a@", "[", "(dot)", "1.", "::", "f:", "http://[", "http://a.example/(", "hxxp[:]//", "é.", "é.example ",
        "xn--a.xn--b ", "http://é.example ", "user@é.example ", "例", "\u200b", "\ud800", "a.b@", "%", "-", "AS1 ", "a..", "http://a.example/\\", " [.] ", "://", "http://a:", "{at}", "203.0.113.1/2",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void One_mebi_character_of_anything_takes_under_two_seconds(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, (1 << 20) / unit.Length));
        foreach (var work in new Action[] { () => ObservableExtractor.Extract(text, ExtractLimits.Default), () => TextRefang.DefangText(text), () => SearchTokens.Index(text) })
        {
            // the best of three: a slow machine is slow once, a slow text each time
            var best = TimeSpan.MaxValue;
            for (var attempt = 0; attempt < 3 && best >= TimeSpan.FromSeconds(2); attempt++)
            {
                var clock = Stopwatch.StartNew();
                work();
                best = clock.Elapsed < best ? clock.Elapsed : best;
            }

            Assert.True(best < TimeSpan.FromSeconds(2), $"{best} for {unit}");
        }
    }

    [Fact]
    public void Whatever_the_text_places_fit_values_are_canonical_and_none_comes_twice()
    {
        var pieces = Gen.Elements(
            "http://", "hxxps[:]//", "a.example", "203.0.113[.]9", "user@", "[at]", "[.]", ".", "/", "2001:db8::", "::", ":", "1", "/24", "例", "。", "」", " ", "\u200b", "\ud800", "\udc00", "é",
            "[", "]", "(", ")", "@", "?", "#", "\\", "\n", "AS64501", "CVE-2026-1234", "．", "：", "ａ", "-", "_", "xn--", "%e3", "d41d8cd98f00b204e9800998ecf8427e");
        var texts = Gen.Choose(0, 14).SelectMany(n => pieces.ListOf(n)).Select(p => string.Concat(p)).ToArbitrary();
        var total = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(10_000), Prop.ForAll(texts, text =>
        {
            var found = ObservableExtractor.Extract(text, ExtractLimits.Default);
            total += found.Count;
            Assert.Equal(found.Count, found.Select(f => f.Observable).Distinct().Count());
            Assert.All(found, f =>
            {
                Assert.Equal(f.AsWritten, text.Substring(f.Offset, f.Length));
                Assert.Equal(f.Observable, Observable.Parse(f.Observable.Type, f.Observable.Value));
            });
            var inert = TextRefang.DefangText(text);
            Assert.Equal(inert, TextRefang.DefangText(inert));
            return !inert.Contains("http://", StringComparison.OrdinalIgnoreCase) || text.Contains("http://", StringComparison.OrdinalIgnoreCase);
        }));
        Assert.True(total > 1000);
    }

    [Theory]
    [InlineData("a.example.%e3@hxxps[:]//#http://203.0.113[.]9#a.example")]
    [InlineData("https://#http://203.0.113[.]9#a.example")]
    [InlineData("https://one.example/?to=http://two.example/x")]
    [InlineData("http://http://a.example")]
    public void What_was_defanged_once_is_the_same_twice_and_means_the_same(string text)
    {
        var inert = TextRefang.DefangText(text);
        Assert.Equal(inert, TextRefang.DefangText(inert));
        Assert.Equal(ObservableExtractor.Extract(text, ExtractLimits.Default).Select(f => f.Observable), ObservableExtractor.Extract(inert, ExtractLimits.Default).Select(f => f.Observable));
    }

    [Fact]
    public void Random_strings_never_make_it_throw() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            var s = text ?? "";
            _ = ObservableExtractor.Extract(s, ExtractLimits.Default);
            _ = Observable.TryParse(s, out _, out _);
            _ = SearchTokens.Index(s);
            return string.Equals(InertText.Clean(InertText.Clean(s)), InertText.Clean(s), StringComparison.Ordinal);
        }));
}
