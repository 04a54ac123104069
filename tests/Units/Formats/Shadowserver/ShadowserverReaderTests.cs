using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.Feeds;
using Renkei.Formats.Shadowserver;

namespace Renkei.Units.Formats.Shadowserver;

public class ShadowserverReaderTests
{
    private const string Sinkhole = "timestamp,src_ip,src_port,src_asn,src_geo,src_hostname,dst_ip,infection,note\n";

    public static TheoryData<string> Fixtures =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Fixtures", "shadowserver"), "*.csv").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void A_report_gives_exactly_the_events_written_down_for_it(string file)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Fixtures", "shadowserver", file);
        var expected = File.ReadAllLines(Path.ChangeExtension(path, ".jsonl"));
        var (events, errors) = Read(File.ReadAllBytes(path), new FeedOptions { FileName = file });
        Assert.Empty(errors);
        Assert.Equal(expected.Length, events.Count);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected[i]), JsonNode.Parse(events[i].Json)), $"expected {expected[i]}\nbut got  {events[i].Json}");
        }
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Columns_may_stand_in_any_order(string file)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Fixtures", "shadowserver", file);
        var lines = Renkei.Units.Formats.Csv.CsvReaderTests.ReadAll(File.ReadAllText(path)).Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split('|'))
            .Prepend(File.ReadLines(path).First().Replace("\"", "", StringComparison.Ordinal).Split(','));
        var shuffled = string.Join('\n', lines.Select(cells => string.Join(',', cells.Reverse().Select(cell => $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\""))));
        var straight = Read(File.ReadAllBytes(path), new FeedOptions { FileName = file }).Events;
        var other = Read(Encoding.UTF8.GetBytes(shuffled), new FeedOptions { FileName = file }).Events;
        Assert.Equal(straight.Count, other.Count);
        Assert.All(straight.Zip(other), pair => Assert.True(JsonNode.DeepEquals(JsonNode.Parse(pair.First.Json), JsonNode.Parse(pair.Second.Json)), pair.Second.Json));
    }

    [Fact]
    public void Unknown_columns_are_kept_under_their_own_names()
    {
        var (events, _) = Sink("2026-01-14 00:00:00,192.0.2.1,,,,,,mirai,\"見る, \"\"this\"\"\"");
        Assert.Equal("見る, \"this\"", (string?)JsonNode.Parse(events[0].Json)!["extra"]!["note"]);
    }

    [Fact]
    public void A_wrong_value_in_an_optional_column_stays_raw_and_the_rest_is_used()
    {
        var (events, errors) = Sink("2026-01-14 00:00:00,192.0.2.1,65536,4294967296,JPN,-bad-.example,300.1.1.1,mirai,");
        Assert.Empty(errors);
        var json = JsonNode.Parse(events[0].Json)!;
        Assert.Equal("""{"ip":"192.0.2.1"}""", json["source"]!.ToJsonString());
        Assert.Null(json["destination"]);
        Assert.Equal("""{"src_port":"65536","src_asn":"4294967296","src_geo":"JPN","src_hostname":"-bad-.example","dst_ip":"300.1.1.1"}""", json["extra"]!.ToJsonString());
    }

    [Theory]
    [InlineData("2026-01-14 00:00,192.0.2.1,,,,,,x,", "timestamp", FeedErrorReason.BadTime)]
    [InlineData("2026-02-30 00:00:00,192.0.2.1,,,,,,x,", "timestamp", FeedErrorReason.BadTime)]
    [InlineData("2026-01-14 24:00:00,192.0.2.1,,,,,,x,", "timestamp", FeedErrorReason.BadTime)]
    [InlineData(",192.0.2.1,,,,,,x,", "timestamp", FeedErrorReason.MissingValue)]
    [InlineData("2026-01-14 00:00:00,192.0.2.999,,,,,,x,", "src_ip", FeedErrorReason.BadAddress)]
    [InlineData("2026-01-14 00:00:00,,,,,,,x,", "src_ip", FeedErrorReason.MissingValue)]
    [InlineData("2026-01-14 00:00:00,192.0.2.1,,,,,,x", "note", FeedErrorReason.WrongColumnCount)]
    [InlineData("2026-01-14 00:00:00,192.0.2.1,,,,,,x,,", null, FeedErrorReason.WrongColumnCount)]
    [InlineData("2026-01-14 00:00:00,192.0.2.1,,,,,,\"x\"y,", "infection", FeedErrorReason.TextAfterQuote)]
    [InlineData("2026-01-14 00:00:00,192.0.2.1,,,,,,\0,", "infection", FeedErrorReason.NulByte)]
    [InlineData("2026-01-14 00:00:00,192.0.2.1,,,,,,\"x,", "infection", FeedErrorReason.UnterminatedQuote)]
    public void A_row_that_cannot_be_an_event_is_rejected_with_line_column_and_reason(string row, string? column, FeedErrorReason reason)
    {
        const string good = "2026-01-14 00:00:00,192.0.2.1,,,,,,good,";
        var (events, errors) = Sink(good, row, "2026-01-14 00:00:00,192.0.2.2,,,,,,good,");
        var error = Assert.Single(errors);
        Assert.Equal((3L, column, reason, false), (error.Line, error.Column, error.Reason, error.IsFatal));
        Assert.Equal(row.Replace('\0', '\uFFFD'), error.RawExcerpt);
        Assert.Equal(Sinkhole.Length + good.Length + 1, error.Offset);
        Assert.Equal([2L, 4L], events.Select(found => found.Line));
    }

    [Theory]
    [InlineData("2026-01-14T00:00:00Z", "2026-01-14T00:00:00Z")]
    [InlineData("2026-01-14 00:00:00 UTC", "2026-01-14T00:00:00Z")]
    [InlineData("2026-01-14 00:00:00+09:00", "2026-01-13T15:00:00Z")]
    [InlineData("2026-01-14 00:00:00.250", "2026-01-14T00:00:00.25Z")]
    public void Times_are_UTC_unless_they_say_otherwise(string written, string expected) =>
        Assert.Equal(expected, (string?)JsonNode.Parse(Sink($"{written},192.0.2.1,,,,,,x,").Events[0].Json)!["time"]!["source"]);

    [Fact]
    public void The_observation_comes_from_the_caller_else_from_the_file_name_else_is_absent()
    {
        var bytes = Encoding.UTF8.GetBytes(Sinkhole + "2026-01-14 00:00:00,192.0.2.1,,,,,,x,");
        Assert.Null(Time(new FeedOptions { Type = "event4_sinkhole" }));
        Assert.Equal("2026-01-15T00:00:00Z", Time(new FeedOptions { Type = "event4_sinkhole", FileName = "2026-01-15-any.csv" }));
        Assert.Equal("2026-01-16T03:00:00Z", Time(new FeedOptions { FileName = "2026-01-15-event4_sinkhole-x.csv", Observation = new DateTimeOffset(2026, 1, 16, 12, 0, 0, TimeSpan.FromHours(9)) }));

        string? Time(FeedOptions options) => (string?)JsonNode.Parse(Read(bytes, options).Events[0].Json)!["time"]!["observation"];
    }

    [Fact]
    public void Byte_identical_rows_have_one_key_in_any_file_and_others_have_their_own()
    {
        const string row = "2026-01-14 00:00:00,192.0.2.1,,,,,,x,";
        var first = Sink(row, row, row.Replace(",x,", ",y,", StringComparison.Ordinal)).Events;
        Assert.Equal(first[0].Key, first[1].Key);
        Assert.NotEqual(first[0].Key, first[2].Key);
        var again = Read(Encoding.UTF8.GetBytes("\uFEFF" + Sinkhole.Replace("\n", "\r\n", StringComparison.Ordinal) + "\r\n" + row + "\r\n"), new FeedOptions { Type = "event4_sinkhole" }).Events;
        Assert.Equal(first[0].Key, again[0].Key);
        var swapped = Read(Encoding.UTF8.GetBytes(Sinkhole.Replace("src_ip", "dst_ip ", StringComparison.Ordinal).Replace(",dst_ip,", ",src_ip,", StringComparison.Ordinal)
            + "2026-01-14 00:00:00,192.0.2.1,,,,,192.0.2.9,x,"), new FeedOptions { Type = "event4_sinkhole" }).Events;
        Assert.NotEqual(Sink("2026-01-14 00:00:00,192.0.2.1,,,,,192.0.2.9,x,").Events[0].Key, swapped[0].Key);
    }

    [Fact]
    public void A_URL_report_does_without_an_address_but_not_without_any_place()
    {
        var (events, errors) = Read("timestamp,url,host,ip,source\n2026-01-14 00:00:00,https://a.example/,,not-an-ip,s\n2026-01-14 00:00:00,,B.Example.,,s\n2026-01-14 00:00:00,nonsense,,999.1.1.1,s\n2026-01-14 00:00:00,,,,s\n"u8.ToArray(), new FeedOptions());
        Assert.Equal("""{"fqdn":"a.example","url":"https://a.example/"}""", JsonNode.Parse(events[0].Json)!["source"]!.ToJsonString());
        Assert.Equal("not-an-ip", (string?)JsonNode.Parse(events[0].Json)!["extra"]!["ip"]);
        Assert.Equal("""{"fqdn":"b.example"}""", JsonNode.Parse(events[1].Json)!["source"]!.ToJsonString());
        Assert.Equal([(4L, "ip", FeedErrorReason.BadAddress), (5L, "ip", FeedErrorReason.MissingValue)], errors.Select(error => (error.Line, error.Column!, error.Reason)));
    }

    [Fact]
    public void Nothing_and_a_header_alone_give_nothing_and_no_error()
    {
        Assert.Equal((0, 0), Counts(""u8.ToArray(), new FeedOptions()));
        Assert.Equal((0, 0), Counts(""u8.ToArray(), new FeedOptions { Type = "scan_rdp" }));
        Assert.Equal((0, 0), Counts(Encoding.UTF8.GetBytes(Sinkhole), new FeedOptions { Type = "event4_sinkhole" }));
    }

    [Theory]
    [InlineData("a,b,c\n1,2,3\n", null, null, FeedErrorReason.UnknownReport, null)]
    [InlineData("timestamp,ip\n1,2\n", "no_such_type", null, FeedErrorReason.UnknownReport, null)]
    [InlineData("timestamp,ip,rdp_protocol\n1,2,3\n", null, "2026-01-15-scan_telnet-x.csv", FeedErrorReason.UnknownReport, null)]
    [InlineData("ip,port\n1,2\n", "scan_http", null, FeedErrorReason.MissingColumn, "timestamp")]
    [InlineData("timestamp,ip\n1,2\n", "event4_sinkhole", null, FeedErrorReason.MissingColumn, "src_ip")]
    [InlineData("timestamp,source\n1,2\n", "phish_url", null, FeedErrorReason.MissingColumn, "ip")]
    [InlineData("timestamp,ip,ip\n1,2,3\n", "blocklist", null, FeedErrorReason.DuplicateColumn, "ip")]
    public void A_report_that_cannot_be_read_at_all_says_so_once(string text, string? type, string? fileName, FeedErrorReason reason, string? column)
    {
        var (events, errors) = Read(Encoding.UTF8.GetBytes(text), new FeedOptions { Type = type, FileName = fileName });
        Assert.Empty(events);
        var error = Assert.Single(errors);
        Assert.Equal((1L, reason, column, true), (error.Line, error.Reason, error.Column, error.IsFatal));
    }

    [Fact]
    public void A_ten_megabyte_line_and_broken_UTF8_cost_one_row_each()
    {
        byte[] bytes =
        [
            .. Encoding.UTF8.GetBytes(Sinkhole + "2026-01-14 00:00:00,192.0.2.1,,,,,,x," + new string('x', 10 << 20) + "\n2026-01-14 00:00:00,192.0.2.2,,,,,,"),
            0xFE, .. ",\n2026-01-14 00:00:00,192.0.2.3,,,,,,x,"u8,
        ];
        var (events, errors) = Read(bytes, new FeedOptions { Type = "event4_sinkhole" });
        Assert.Equal([(2L, FeedErrorReason.LineTooLong), (3L, FeedErrorReason.InvalidUtf8)], errors.Select(error => (error.Line, error.Reason)));
        Assert.Equal("line-too-long", errors[0].Code);
        Assert.Equal([4L], events.Select(found => found.Line));
    }

    [Fact]
    public void A_row_after_a_quoted_newline_knows_its_physical_line()
    {
        var (events, _) = Sink("2026-01-14 00:00:00,192.0.2.1,,,,,,x,\"one\ntwo\r\nthree\"", "2026-01-14 00:00:00,192.0.2.2,,,,,,x,");
        Assert.Equal([2L, 5L], events.Select(found => found.Line));
    }

    [Fact]
    public void Whatever_bytes_come_each_row_gives_valid_JSON_or_an_error()
    {
        var header = Encoding.UTF8.GetBytes("timestamp,ip,port,url,host,tag,source,sha256,asn,geo,weird\u0001name\n");
        var types = ShadowserverFormat.Instance.Types.Select(type => type.Name).Where(name => !name.StartsWith("event4", StringComparison.Ordinal)).ToArray();
        string[] pieces =
        [
            "\n", "\"", "\"\"", "\"a,b\"", "\r\n", ",", "2026-01-14 00:00:00", "192.0.2.1", "2001:db8::", "/99", "http://", "http://[", "http://a@b.example:80/", "/path",
            "cve-2021-26855", ";webshell", "Y", "JP", "\0", "é", "\u2028", "😀", "\\", "65536", "a.example.", "..", "\u0001", "<script>",
        ];
        var field = Gen.OneOf(Gen.Constant(""), Gen.Elements(pieces), Gen.Elements(pieces).ArrayOf(2).Select(parts => string.Concat(parts)));
        var input = field.ArrayOf(9).Select(fields => Encoding.UTF8.GetBytes(string.Join(',', fields)))
            .SelectMany(text => Gen.Choose(0, 255).ArrayOf(2).Select(noise => noise[0] < 16 ? [.. text, (byte)noise[1]] : text))
            .Zip(Gen.Elements(types)).ToArbitrary();
        var rows = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(80), Prop.ForAll(input, given =>
        {
            byte[] start = [.. header, .. "2026-01-14 00:00:00,192.0.2.1,"u8, .. given.Item1];
            var (events, errors) = Read(start, new FeedOptions { Type = given.Item2, MaxLineBytes = 300 });
            rows += events.Count;
            return events.All(found => JsonNode.Parse(found.Json) is JsonObject json && HasNothingEmpty(json)) && events.Count + errors.Count > 0;
        }));
        Assert.True(rows > 200, $"only {rows} rows became events");
    }

    private static bool HasNothingEmpty(JsonNode? node) => node switch
    {
        null => false,
        JsonObject { Count: 0 } or JsonArray { Count: 0 } => false,
        JsonObject json => json.All(property => HasNothingEmpty(property.Value)),
        JsonArray array => array.All(HasNothingEmpty),
        JsonValue value => value.ToString().Length > 0,
        _ => true,
    };

    private static (int Events, int Errors) Counts(byte[] bytes, FeedOptions options)
    {
        var (events, errors) = Read(bytes, options);
        return (events.Count, errors.Count);
    }

    private static (List<Found> Events, List<FeedRowError> Errors) Sink(params string[] rows) =>
        Read(Encoding.UTF8.GetBytes(Sinkhole + string.Join('\n', rows)), new FeedOptions { Type = "event4_sinkhole" });

    private static (List<Found> Events, List<FeedRowError> Errors) Read(byte[] bytes, FeedOptions options)
    {
        var (events, errors) = (new List<Found>(), new List<FeedRowError>());
        using var reader = ShadowserverFormat.Instance.Open(new MemoryStream(bytes), options);
        var output = new MemoryStream();
        using var writer = new FeedEventWriter(output);
        while (true)
        {
            switch (reader.Read())
            {
                case FeedRead.Event:
                    output.SetLength(0);
                    writer.Write(reader.Event);
                    writer.Flush();
                    events.Add(new Found(reader.Event.Line, reader.Event.RowKey, Encoding.UTF8.GetString(output.ToArray())));
                    break;
                case FeedRead.Error:
                    errors.Add(reader.Error!);
                    break;
                default:
                    return (events, errors);
            }
        }
    }

    private sealed record Found(long Line, UInt128 Key, string Json);
}
