using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Renkei.Kernel.Tests;

public sealed class CanonicalJsonTests
{
    private static string Canonical(string json)
    {
        using var document = JsonDocument.Parse(json);
        Assert.True(CanonicalJson.TryWrite(document.RootElement, out var fromElement, out var error), error?.ToString());
        Assert.True(CanonicalJson.TryWrite(JsonNode.Parse(json), out var fromNode, out error), error?.ToString());
        Assert.Equal(fromElement, fromNode);
        return Encoding.UTF8.GetString(fromElement);
    }

    // RFC 8785 Appendix B
    [Theory]
    [InlineData("0000000000000000", "0")]
    [InlineData("8000000000000000", "0")]
    [InlineData("0000000000000001", "5e-324")]
    [InlineData("8000000000000001", "-5e-324")]
    [InlineData("7fefffffffffffff", "1.7976931348623157e+308")]
    [InlineData("ffefffffffffffff", "-1.7976931348623157e+308")]
    [InlineData("4340000000000000", "9007199254740992")]
    [InlineData("c340000000000000", "-9007199254740992")]
    [InlineData("4430000000000000", "295147905179352830000")]
    [InlineData("44b52d02c7e14af5", "9.999999999999997e+22")]
    [InlineData("44b52d02c7e14af6", "1e+23")]
    [InlineData("44b52d02c7e14af7", "1.0000000000000001e+23")]
    [InlineData("444b1ae4d6e2ef4e", "999999999999999700000")]
    [InlineData("444b1ae4d6e2ef4f", "999999999999999900000")]
    [InlineData("444b1ae4d6e2ef50", "1e+21")]
    [InlineData("3eb0c6f7a0b5ed8c", "9.999999999999997e-7")]
    [InlineData("3eb0c6f7a0b5ed8d", "0.000001")]
    [InlineData("41b3de4355555553", "333333333.3333332")]
    [InlineData("41b3de4355555554", "333333333.33333325")]
    [InlineData("41b3de4355555555", "333333333.3333333")]
    [InlineData("41b3de4355555556", "333333333.3333334")]
    [InlineData("41b3de4355555557", "333333333.33333343")]
    [InlineData("becbf647612f3696", "-0.0000033333333333333333")]
    [InlineData("43143ff3c1cb0959", "1424953923781206.2")]
    public void Numbers_are_written_as_in_appendix_B(string bits, string expected) =>
        Assert.Equal(expected, CanonicalJson.Number(BitConverter.UInt64BitsToDouble(ulong.Parse(bits, NumberStyles.HexNumber, CultureInfo.InvariantCulture))));

    [Fact]
    public void Numbers_that_are_none_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CanonicalJson.Number(double.NaN));
        using var document = JsonDocument.Parse("{\"a\":[1,1e400]}");
        Assert.False(CanonicalJson.TryWrite(document.RootElement, out _, out var error));
        Assert.Equal(new CanonicalJsonError(CanonicalJsonErrorKind.NumberOutOfRange, "/a/1"), error);
    }

    // RFC 8785 §3.2.2 and §3.2.3
    [Fact]
    public void The_examples_of_the_standard_come_out_as_printed()
    {
        const string Sample = """
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """;
        Assert.Equal(
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
            Canonical(Sample));

        const string Order = """{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji","\u0080":"Control","\u00f6":"o"}""";
        Assert.Equal("{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"o\",\"€\":\"Euro Sign\",\"😀\":\"Emoji\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}", Canonical(Order));
    }

    [Theory]
    [InlineData("{\"a\":[\"\\ud800\"]}", CanonicalJsonErrorKind.LoneSurrogate, "/a/0")]
    [InlineData("{\"\\udc00\":1}", CanonicalJsonErrorKind.LoneSurrogate, "")]
    [InlineData("{\"x/y\":{\"a\":1,\"a\":2}}", CanonicalJsonErrorKind.DuplicateName, null)]
    public void What_has_no_canonical_form_is_a_typed_error(string json, CanonicalJsonErrorKind kind, string? pointer)
    {
        using var document = JsonDocument.Parse(json);
        Assert.False(CanonicalJson.TryWrite(document.RootElement, out var bytes, out var error));
        Assert.Empty(bytes);
        Assert.Equal(kind, error!.Kind);
        Assert.Equal(pointer ?? "/x~1y/a", error.Pointer);
        Assert.False(CanonicalJson.TryWrite(JsonNode.Parse(json), out _, out error));
        Assert.Equal(kind, error!.Kind);
    }

    [Fact]
    public void A_lone_surrogate_in_a_node_built_in_code_is_refused_too()
    {
        Assert.False(CanonicalJson.TryHash(new JsonObject { ["a"] = "\ud800" }, out _, out var error));
        Assert.Equal(new CanonicalJsonError(CanonicalJsonErrorKind.LoneSurrogate, "/a"), error);
    }

    [Fact]
    public void Too_deep_nesting_is_refused()
    {
        JsonNode? node = null;
        for (var i = 0; i < 200; i++)
        {
            node = new JsonArray(node);
        }

        Assert.False(CanonicalJson.TryWrite(node, out _, out var error));
        Assert.Equal(CanonicalJsonErrorKind.TooDeep, error!.Kind);
    }

    [Fact]
    public void Properties_may_come_in_any_order_and_any_number_type()
    {
        KeyValuePair<string, JsonNode?>[] properties = [new("b", 1L), new("a", 2.50m), new("c", null), new("d", new DateOnly(2026, 11, 24).ToString("O", CultureInfo.InvariantCulture))];
        Assert.True(CanonicalJson.TryWrite(properties, out var utf8, out _));
        Assert.Equal("{\"a\":2.5,\"b\":1,\"c\":null,\"d\":\"2026-11-24\"}", Encoding.UTF8.GetString(utf8));
        Assert.True(CanonicalJson.TryWrite(properties.Reverse(), out var again, out _));
        Assert.Equal(utf8, again);
    }

    [Fact]
    public void The_hash_is_sha_256_of_the_canonical_bytes_in_lower_case() =>
        Assert.Equal("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", CanonicalJson.Hash(JsonNode.Parse(" { } ")));

    [Fact]
    public void Every_double_reads_back_as_itself_and_canonical_text_is_a_fixed_point() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(ArbMap.Default.ArbFor<long>(), ArbMap.Default.ArbFor<string>(), (seed, text) =>
        {
            var value = BitConverter.Int64BitsToDouble(unchecked(seed * 0x5851F42D4C957F2D));
            if (!double.IsFinite(value))
            {
                return true;
            }

            Assert.Equal(value, double.Parse(CanonicalJson.Number(value), CultureInfo.InvariantCulture));
            var node = new JsonObject { [InertText.Clean(text ?? "")] = value, ["list"] = new JsonArray(text is null ? null : InertText.Clean(text), true) };
            Assert.True(CanonicalJson.TryWrite((JsonNode)node, out var once, out _));
            Assert.True(CanonicalJson.TryWrite(JsonNode.Parse(once), out var twice, out _));
            return once.AsSpan().SequenceEqual(twice);
        }));
}
