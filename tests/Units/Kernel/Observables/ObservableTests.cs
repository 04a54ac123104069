using FsCheck;
using FsCheck.Fluent;

namespace Renkei.Kernel.Tests;

public sealed class ObservableTests
{
    public static readonly string[] Canonical =
    [
        "203.0.113.24", "203.0.113.0/24", "203.0.113.24/32", "2001:db8::1", "::", "::1", "2001:db8::", "2001:db8::/32", "2001:db8:0:1:1:1:1:1", "AS64501", "AS65550",
        "login-hoshizora.example", "xn--r8jz45g.example", "_dmarc.hoshizora.example", "a.xn--zckzah",
        "https://login-hoshizora.example/v/1", "http://203.0.113.24:8080/", "http://[2001:db8::1]:8080/a", "http://[::1]/", "http://[::]/", "ftp://files.example/",
        "http://a.example/x(dot)y(at)z?u=http://b.example/%5B.%5D", "http://user:p%40ss@a.example/", "http://a.example/?", "http://a.example/%25%E6%84%9F",
        "taro.yamada+ir@hoshizora.example", "o'neil@a.example", "h**p@a.example",
        "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "CVE-2026-12345",
    ];

    [Theory]
    [InlineData("hxxps://Login-Hoshizora[.]EXAMPLE:443/v/1#top", ObservableType.Url, "https://login-hoshizora.example/v/1")]
    [InlineData("http://a.example", ObservableType.Url, "http://a.example/")]
    [InlineData("HTTP://a.example:0080/./b/../c/%7euser/%2e%2e/%e3%81%82?q=%41&r[]=1", ObservableType.Url, "http://a.example/c/%E3%81%82?q=A&r%5B%5D=1")]
    [InlineData("http://good.example\\@evil.example/", ObservableType.Url, "http://good.example/@evil.example/")]
    [InlineData("http://good.example@evil.example/", ObservableType.Url, "http://good.example@evil.example/")]
    [InlineData("http://%65vil.example/", ObservableType.Url, "http://evil.example/")]
    [InlineData("http://[::ffff:192.0.2.1]/", ObservableType.Url, "http://192.0.2.1/")]
    [InlineData("http://a.example/%%41", ObservableType.Url, "http://a.example/%25A")]
    [InlineData("ｈｔｔｐ：／／ｅｘａｍｐｌｅ．ｊｐ／ａ", ObservableType.Url, "http://example.jp/a")]
    [InlineData("203.0.113[.]24", ObservableType.IPv4, "203.0.113.24")]
    [InlineData("203.0.113.24/24", ObservableType.IPv4Prefix, "203.0.113.0/24")]
    [InlineData("0.0.0.0/0", ObservableType.IPv4Prefix, "0.0.0.0/0")]
    [InlineData("2001:0DB8:0:0:0:0:0:1", ObservableType.IPv6, "2001:db8::1")]
    [InlineData("2001:db8:0:0:1:0:0:1", ObservableType.IPv6, "2001:db8::1:0:0:1")]
    [InlineData("::ffff:192.0.2.1", ObservableType.IPv4, "192.0.2.1")]
    [InlineData("::ffff:192.0.2.77/120", ObservableType.IPv4Prefix, "192.0.2.0/24")]
    [InlineData("2001:db8:ffff::1/33", ObservableType.IPv6Prefix, "2001:db8:8000::/33")]
    [InlineData("as64501", ObservableType.Asn, "AS64501")]
    [InlineData("AS1.10", ObservableType.Asn, "AS65546")]
    [InlineData("Example.JP.", ObservableType.Domain, "example.jp")]
    [InlineData("例え。example", ObservableType.Domain, "xn--r8jz45g.example")]
    [InlineData("exa\u200Bmple[dot]jp", ObservableType.Domain, "example.jp")]
    [InlineData("user [at] example [.] jp", ObservableType.Email, "user@example.jp")]
    [InlineData("Taro@EXAMPLE.jp", ObservableType.Email, "Taro@example.jp")]
    [InlineData("D41D8CD98F00B204E9800998ECF8427E", ObservableType.Md5, "d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("cve-2026-0001", ObservableType.Cve, "CVE-2026-0001")]
    public void An_observable_has_one_canonical_form(string written, ObservableType type, string value)
    {
        Assert.True(Observable.TryParse(written, out var observable, out var error), error);
        Assert.Equal(new Observable(type, value), observable);
        Assert.Null(error);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("010.0.0.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("2130706433")]
    [InlineData("127.1")]
    [InlineData("256.0.0.1")]
    [InlineData("1.2.3.4.5")]
    [InlineData("203.0.113.0/33")]
    [InlineData("203.0.113.0/024")]
    [InlineData("2001:db8::1%eth0")]
    [InlineData("2001:db8:::1")]
    [InlineData("1::2::3")]
    [InlineData(":1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("12345::")]
    [InlineData("AS4294967296")]
    [InlineData("AS65536.1")]
    [InlineData("localhost")]
    [InlineData("-a.example")]
    [InlineData("a..example")]
    [InlineData("a.123")]
    [InlineData("a b.example")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f.1/")]
    [InlineData("http://a.example:99999/")]
    [InlineData("http://a.example:0/")]
    [InlineData("javascript://a.example/%0aalert(1)")]
    [InlineData("http://a.example/a b")]
    [InlineData("http://[::1]x/")]
    [InlineData("http:///a")]
    [InlineData("\"quoted local\"@a.example")]
    [InlineData("a..b@a.example")]
    [InlineData("a{dot}b{x@a.example")]
    [InlineData("CVE-26-12345")]
    [InlineData("CVE-2026-123")]
    public void What_is_not_an_observable_is_refused_with_a_sentence(string written)
    {
        Assert.False(Observable.TryParse(written, out var observable, out var error));
        Assert.Equal(default, observable);
        Assert.False(string.IsNullOrEmpty(error));
    }

    [Fact]
    public void Over_long_names_are_refused()
    {
        var label = new string('a', 63);
        Assert.True(Observable.TryParse($"{label}.{label}.{label}.{new string('b', 53)}.example", out _, out _));
        Assert.False(Observable.TryParse($"{label}.{label}.{label}.{new string('b', 54)}.example", out _, out _));
        Assert.False(Observable.TryParse($"{label}a.example", out _, out _));
        Assert.False(Observable.TryParse("http://a.example/" + new string('a', 5000), out _, out _));
        Assert.False(Observable.TryParse(new string('a', 9000), out _, out _));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        // Not as [InlineData]: attributes are stored as UTF-8 and lose it.
        Assert.False(Observable.TryParse("\ud800.example", out _, out _));
        Assert.False(Observable.TryParse("http://a.example/\udc00", out _, out _));
    }

    [Fact]
    public void Reading_a_canonical_form_again_changes_nothing_and_defanging_is_undone_exactly()
    {
        foreach (var text in Canonical)
        {
            Assert.True(Observable.TryParse(text, out var observable, out var error), text + error);
            Assert.Equal(text, observable.Value);
            Assert.Equal(observable, Observable.Parse(observable.Type, text));
            Assert.Equal(text, Observable.Refang(observable.Defang()));
            Assert.Equal(text, Observable.Refang(text));
        }
    }

    [Theory]
    [InlineData("https://login.example/v/1", "hxxps://login[.]example/v/1")]
    [InlineData("https://www.login.example:8443/", "hxxps://www.login[.]example:8443/")]
    [InlineData("http://[2001:db8::1]/", "hxxp://[2001[:]db8::1]/")]
    [InlineData("ftp://user@203.0.113.24/", "fxp://user@203.0.113[.]24/")]
    [InlineData("203.0.113.24", "203.0.113[.]24")]
    [InlineData("203.0.113.0/24", "203.0.113[.]0/24")]
    [InlineData("user@example.jp", "user[@]example[.]jp")]
    [InlineData("2001:db8::1", "2001[:]db8::1")]
    [InlineData("CVE-2026-12345", "CVE-2026-12345")]
    public void Defanged_forms_are_for_display(string canonical, string defanged)
    {
        Assert.True(Observable.TryParse(canonical, out var observable, out _));
        Assert.Equal(defanged, observable.Defang());
    }

    [Theory]
    [InlineData("hxxp[:]//evil[.]example", "http://evil.example")]
    [InlineData("hxtp[://]evil(dot)example", "http://evil.example")]
    [InlineData("h**ps://evil{.}example", "https://evil.example")]
    [InlineData("look (at) this dot and that", "look (at) this dot and that")]
    [InlineData("a[DOT]b[@]c", "a.b@c")]
    [InlineData("「例。」（図）", "「例。」（図）")]
    public void Usual_ways_of_defanging_are_undone(string written, string plain) => Assert.Equal(plain, Observable.Refang(written));

    [Fact]
    public void Canonical_form_is_idempotent_for_whatever_text()
    {
        var pieces = Gen.Elements(
            "http://", "https://", "hxxp://", "a", "B", "例", "xn--", ".", "..", "/", "%", "%2", "41", "%e3", "@", ":", "80", "[", "]", "(dot)", "[.]", "?", "#", "\\", "-", "_",
            "192.0.2.1", "::ffff:", "2001:db8::", "example", ".jp", "AS", "CVE-2026-", "１", "．", "\u200b", "\ud800", "{", "(at)", "~", "^", "'");
        var tails = Gen.Choose(0, 8).SelectMany(n => pieces.ListOf(n)).Select(p => string.Concat(p));
        var heads = Gen.Elements("", "", "http://", "http://a.example/", "hxxps://[2001:db8::", "ftp://u", "a@", "http://192.0.2.1", "https://例.example", "2001:db8:", "AS", "CVE-2026-1", "x.example");
        var texts = heads.SelectMany(h => tails.Select(t => h + t)).ToArbitrary();
        var read = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(texts, text =>
        {
            if (!Observable.TryParse(text, out var once, out _))
            {
                return true;
            }

            read++;
            return Observable.TryParse(once.Value, out var twice, out _) && once == twice && string.Equals(Observable.Refang(once.Defang()), once.Value, StringComparison.Ordinal);
        }));
        Assert.True(read > 2000, "too few generated texts were observables");
    }

    [Fact]
    public void Random_addresses_survive_writing_and_reading()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Gen.Choose(0, 255).ListOf(16).ToArbitrary(), octets =>
        {
            // Zero runs are the hard part of RFC 5952.
            var bytes = octets.Select(o => (byte)(o < 160 ? 0 : o)).ToArray();
            var framework = new System.Net.IPAddress(bytes);
            Assert.True(Observable.TryParse(ObservableType.IPv6, framework.ToString(), out var observable, out var error), error);
            var expected = framework.IsIPv4MappedToIPv6 ? framework.MapToIPv4() : framework;
            return System.Net.IPAddress.Parse(observable.Value).Equals(expected);
        }));
    }

    [Fact]
    public void Host_and_top_level_label_are_known()
    {
        Assert.Equal(new Observable(ObservableType.Domain, "a.example"), Observable.Parse(ObservableType.Url, "https://u:p@a.example:8080/").Host);
        Assert.Equal(new Observable(ObservableType.IPv6, "2001:db8::1"), Observable.Parse(ObservableType.Url, "https://[2001:db8::1]:8080/").Host);
        Assert.Equal(new Observable(ObservableType.IPv4, "192.0.2.1"), Observable.Parse(ObservableType.Url, "https://192.0.2.1/").Host);
        Assert.Equal("example", Observable.Parse(ObservableType.Email, "u@a.example").Tld);
        Assert.Null(Observable.Parse(ObservableType.Url, "https://192.0.2.1/").Tld);
        Assert.Null(Observable.Parse(ObservableType.Asn, "64501").Host);
        Assert.True(Observable.Parse(ObservableType.Url, "https://u:p@a.example/").HasUserInfo);
        Assert.False(Observable.Parse(ObservableType.Url, "https://a.example/@u").HasUserInfo);
    }
}
