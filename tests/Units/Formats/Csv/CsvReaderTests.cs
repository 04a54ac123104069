using System.Diagnostics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.Csv;

namespace Renkei.Units.Formats.Csv;

public class CsvReaderTests
{
    [Fact]
    public void Quotes_commas_newlines_and_doubled_quotes_are_undone()
    {
        var read = ReadAll("a,b,c\r\n1,\"x,\"\"y\"\"\r\nz\",\n\"\",  2 ,\"3\"");
        Assert.Equal(["2:1|x,\"y\"\r\nz|", "4:|  2 |3"], read);
    }

    [Fact]
    public void A_byte_order_mark_and_blank_lines_are_no_data_but_lines_count()
    {
        using var reader = Open("\uFEFFa,b\n\n\r\n1,2\n\n");
        Assert.Equal(CsvRead.Row, reader.Read());
        Assert.Equal(["a", "b"], reader.Columns);
        Assert.Equal(4, reader.Line);
        Assert.Equal(CsvRead.End, reader.Read());
        Assert.Equal(CsvRead.End, reader.Read());
    }

    [Theory]
    [InlineData("")]
    [InlineData("\uFEFF")]
    [InlineData("\n\r\n")]
    public void A_stream_of_nothing_ends_at_once(string text)
    {
        using var reader = Open(text);
        Assert.Equal(CsvRead.End, reader.Read());
        Assert.Empty(reader.Columns);
    }

    [Fact]
    public void A_header_alone_has_columns_and_no_rows()
    {
        using var reader = Open("a,,c");
        Assert.Equal(CsvRead.End, reader.Read());
        Assert.Equal(["a", "column_2", "c"], reader.Columns);
    }

    [Fact]
    public void The_last_line_needs_no_newline_and_may_end_in_an_empty_field()
    {
        Assert.Equal(["2:1|"], ReadAll("a,b\n1,"));
        Assert.Equal(["2:1|2"], ReadAll("a,b\n1,\"2\""));
        Assert.Equal(["2:1|2"], ReadAll("a,b\n1,2\r"));
    }

    [Fact]
    public void A_quote_within_plain_text_is_text()
    {
        Assert.Equal(["2:5\" disk|x"], ReadAll("a,b\n5\" disk,x\n"));
    }

    [Fact]
    public void An_unterminated_quote_costs_its_own_line_only()
    {
        // the next quote seems to close it, and text follows where none may
        Assert.Equal(["2!TextAfterQuote:b", "3:3|4", "4:5|6", "5:7|8"], ReadAll("a,b\n1,\"open\n3,4\n\"5\",\"6\"\n7,8\n"));
        Assert.Equal(["2!UnterminatedQuote:b", "3:3|4"], ReadAll("a,b\n1,\"open\n3,4\n"));
    }

    [Fact]
    public void Text_after_a_closing_quote_names_line_column_and_excerpt()
    {
        using var reader = Open("a,b\n1,\"two\"x\n3,4\n");
        Assert.Equal(CsvRead.Error, reader.Read());
        Assert.Equal(new CsvError(CsvErrorKind.TextAfterQuote, 2, 4, 2, "b", "1,\"two\"x"), reader.Error);
        Assert.Equal(CsvRead.Row, reader.Read());
        Assert.Null(reader.Error);
        Assert.Equal("3", reader.Field(0).ToString());
    }

    [Fact]
    public void Rows_with_the_wrong_number_of_columns_name_the_first_one_missing()
    {
        Assert.Equal(["2!WrongColumnCount:c", "3!WrongColumnCount:", "4:1|2|3"], ReadAll("a,b,c\n1,2\n1,2,3,4\n1,2,3\n"));
    }

    [Fact]
    public void NUL_and_invalid_UTF8_reject_the_row_and_name_the_column()
    {
        byte[] bytes = [.. "a,b\nx,"u8, 0xFF, (byte)'\n', .. "\"p\0\",q\nok,ü\n"u8, 0xC0, 0xAF, (byte)',', (byte)'z'];
        Assert.Equal(["2!InvalidUtf8:b", "3!NulByte:a", "4:ok|ü", "5!InvalidUtf8:a"], ReadAll(bytes));
    }

    [Fact]
    public void A_line_over_the_limit_is_reported_and_the_next_one_read()
    {
        var text = "a,b\n" + new string('x', 10 << 20) + "\n1,2\n";
        using var reader = Open(text);
        Assert.Equal(CsvRead.Error, reader.Read());
        Assert.Equal(CsvErrorKind.LineTooLong, reader.Error!.Kind);
        Assert.Equal(2, reader.Error.Line);
        Assert.Equal(200, reader.Error.RawExcerpt.Length);
        Assert.Equal(CsvRead.Row, reader.Read());
        Assert.Equal(3, reader.Line);
        Assert.Equal(CsvRead.End, reader.Read());
    }

    [Fact]
    public void The_limit_is_exact_and_counts_newlines_within_quotes()
    {
        var options = new CsvOptions { MaxLineBytes = 8 };
        Assert.Equal(["2:12345678", "3!LineTooLong:"], ReadAll("a\n12345678\n123456789\n"u8.ToArray(), options));
        Assert.Equal(["2:1234\n5"], ReadAll("a\n\"1234\n5\"\n"u8.ToArray(), options));
        Assert.Equal(["2!LineTooLong:", "3:56789\"", "4:x"], ReadAll("a\n\"1234\n56789\"\nx"u8.ToArray(), options));
    }

    [Fact]
    public void A_quote_left_open_for_megabytes_gives_back_every_line_it_swallowed()
    {
        var text = new StringBuilder("a,b\n1,\"open\n");
        for (var i = 0; i < 200_000; i++)
        {
            text.Append("left,right\n");
        }
        var read = ReadAll(text.ToString());
        Assert.Equal(200_001, read.Count);
        Assert.StartsWith("2!", read[0], StringComparison.Ordinal);
        Assert.Equal("200002:left|right", read[^1]);
    }

    [Fact]
    public void Stray_quotes_on_every_line_do_not_make_reading_quadratic()
    {
        const int lines = 700_000;
        var text = new StringBuilder("a,b\n");
        for (var i = 0; i < lines; i++)
        {
            text.Append("a\",\"\n");
        }
        var clock = Stopwatch.StartNew();
        var read = ReadAll(Encoding.UTF8.GetBytes(text.ToString()), new CsvOptions { MaxColumns = 100_000 });
        Assert.Equal(lines, read.Count);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
    }

    [Fact]
    public void Columns_are_bounded()
    {
        Assert.Equal(["2!TooManyColumns:", "3:1|2|3"], ReadAll("a,b,c\n1,2,3,4,5\n1,2,3\n"u8.ToArray(), new CsvOptions { MaxColumns = 4 }));
        using var reader = Open(new string(',', 2000));
        Assert.Equal(CsvRead.Error, reader.Read());
        Assert.True(reader.HeaderFailed);
        Assert.Equal(CsvErrorKind.TooManyColumns, reader.Error!.Kind);
        Assert.Equal(CsvRead.End, reader.Read());
    }

    [Fact]
    public void Two_columns_of_one_name_make_the_header_unusable()
    {
        using var reader = Open("ip,x,IP\n1,2,3\n");
        Assert.Equal(CsvRead.Error, reader.Read());
        Assert.Equal((CsvErrorKind.DuplicateColumn, "IP", 3), (reader.Error!.Kind, reader.Error.ColumnName, reader.Error.Column));
        Assert.Equal(CsvRead.End, reader.Read());
    }

    [Fact]
    public void An_excerpt_is_inert_and_cut_between_characters()
    {
        using var reader = Open("a\n\u001b[31m" + new string('語', 100) + "\0");
        Assert.Equal(CsvRead.Error, reader.Read());
        Assert.StartsWith("\uFFFD[31m語", reader.Error!.RawExcerpt, StringComparison.Ordinal);
        Assert.EndsWith("語", reader.Error.RawExcerpt, StringComparison.Ordinal);
        Assert.True(Encoding.UTF8.GetByteCount(reader.Error.RawExcerpt) <= 202);
    }

    [Fact]
    public void Rows_are_the_same_however_the_stream_hands_them_out()
    {
        var text = new StringBuilder("a,b\n");
        for (var i = 0; i < 20_000; i++)
        {
            text.Append(i % 3 == 0 ? "\"q\"\"\n" + i + "\",\"x\"\r\n" : i + ",plain\n");
        }
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        using var slow = new CsvReader(new TrickleStream(bytes));
        Assert.Equal(ReadAll(bytes), Drain(slow));
    }

    [Fact]
    public void Random_bytes_never_throw_and_never_go_unmentioned()
    {
        var bytes = Gen.Elements(",\"\n\ra\0"u8.ToArray().Append((byte)0xFF).Append((byte)0xE3).ToArray()).ArrayOf().ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(200), Prop.ForAll(bytes, input =>
        {
            var read = ReadAll(input, new CsvOptions { MaxLineBytes = 20, MaxColumns = 5, HasHeader = false });
            var lines = read.Select(line => long.Parse(line[..line.IndexOfAny([':', '!'])], System.Globalization.CultureInfo.InvariantCulture)).ToList();
            var newlines = input.Count(b => b == '\n');
            return lines.SequenceEqual(lines.Order()) && lines.Distinct().Count() == lines.Count && lines.All(line => line <= newlines + 1);
        }));
    }

    internal static List<string> ReadAll(string text) => ReadAll(Encoding.UTF8.GetBytes(text));

    internal static List<string> ReadAll(byte[] bytes, CsvOptions? options = null)
    {
        using var reader = new CsvReader(new MemoryStream(bytes), options);
        return Drain(reader);
    }

    private static List<string> Drain(CsvReader reader)
    {
        var read = new List<string>();
        while (true)
        {
            switch (reader.Read())
            {
                case CsvRead.Row:
                    read.Add($"{reader.Line}:{string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.Field(i).ToString()))}");
                    break;
                case CsvRead.Error:
                    read.Add($"{reader.Error!.Line}!{reader.Error.Kind}:{reader.Error.ColumnName}");
                    break;
                default:
                    return read;
            }
        }
    }

    private static CsvReader Open(string text) => new(new MemoryStream(Encoding.UTF8.GetBytes(text)));

    /// <summary>Hands out one to seven bytes at a time.</summary>
    private sealed class TrickleStream(byte[] bytes) : MemoryStream(bytes)
    {
        private int _turn;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1 + (_turn++ % 7))]);
    }
}
