using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.Csv;

namespace Renkei.Units.Formats.Csv;

public class CsvWriterTests
{
    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0")]
    [InlineData("-2+3", "'-2+3")]
    [InlineData("-", "'-")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("\tx", "'\tx")]
    [InlineData("\rx", "'\rx")]
    [InlineData("\n=x", "'\n=x")]
    [InlineData("＝1+1", "'＝1+1")]
    [InlineData("＋1", "'＋1")]
    [InlineData("－1", "'－1")]
    [InlineData("＠A1", "'＠A1")]
    [InlineData("+81-3-0000", "'+81-3-0000")]
    public void A_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(string cell, string expected) => Assert.Equal(expected, CsvWriter.Guard(cell));

    [Theory]
    [InlineData("-5")]
    [InlineData("+5")]
    [InlineData("-0.5")]
    [InlineData("-.5")]
    [InlineData("+1.5e-3")]
    [InlineData("")]
    [InlineData("a=b")]
    [InlineData("user@team.example")]
    public void Numbers_and_plain_text_stay(string cell) => Assert.Equal(cell, CsvWriter.Guard(cell));

    [Fact]
    public void Rows_end_in_CRLF_and_cells_are_quoted_where_needed()
    {
        Assert.Equal("plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",,\" edge\",\"'=a,b\"\r\n\"\"\r\n",
            Written(writer =>
            {
                writer.Row("plain", "a,b", "say \"x\"", "two\nlines", null, " edge", "=a,b");
                writer.EndRow();
                writer.Row("");
            }));
    }

    [Fact]
    public void The_byte_order_mark_is_there_only_when_asked_for()
    {
        Assert.Equal([0xEF, 0xBB, 0xBF, (byte)'a', 13, 10], Bytes(writer => writer.Row("a"), byteOrderMark: true));
        Assert.Equal("a\r\n"u8.ToArray(), Bytes(writer => writer.Row("a"), byteOrderMark: false));
    }

    [Fact]
    public void What_is_written_is_read_back_with_its_guards()
    {
        var cell = Gen.Elements("abc =+-@＝語\"',;\t\r\n\0.5e".ToCharArray()).ArrayOf().Select(chars => new string(chars));
        var rows = Gen.Choose(1, 6).SelectMany(width => cell.ArrayOf(width).ListOf()).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(rows, input =>
        {
            var expected = input.Select(row => string.Join('|', row.Select(text => CsvWriter.Guard(text.Replace('\0', '\uFFFD'))))).ToList();
            var bytes = Bytes(writer =>
            {
                foreach (var row in input)
                {
                    writer.Row(row);
                }
            }, byteOrderMark: input.Count % 2 == 0);
            var read = CsvReaderTests.ReadAll(bytes, new CsvOptions { HasHeader = false }).Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..]).ToList();
            return expected.SequenceEqual(read, StringComparer.Ordinal);
        }));
    }

    private static string Written(Action<CsvWriter> write) => Encoding.UTF8.GetString(Bytes(write, byteOrderMark: false));

    private static byte[] Bytes(Action<CsvWriter> write, bool byteOrderMark)
    {
        var stream = new MemoryStream();
        using (var writer = new CsvWriter(stream, byteOrderMark))
        {
            write(writer);
        }
        return stream.ToArray();
    }
}
