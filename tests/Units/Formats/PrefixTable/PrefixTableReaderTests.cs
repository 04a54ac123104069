using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Renkei.Formats.PrefixTable;

namespace Renkei.Units.Formats.PrefixTable;

public sealed class PrefixTableReaderTests
{
    [Theory]
    [InlineData("192.0.2.0/24\t64500", "192.0.2.0/24", 64500u, 1)]
    [InlineData("192.0.2.0/24   64500  ; seen", "192.0.2.0/24", 64500u, 1)]
    [InlineData("  2001:db8::/32 AS65536 # note", "2001:db8::/32", 65536u, 1)]
    [InlineData("192.0.2.0/24\t{64501,64502}", "192.0.2.0/24", 64501u, 2)]
    [InlineData("192.0.2.0/24\t64502_64501", "192.0.2.0/24", 64502u, 2)]
    [InlineData("192.0.2.0\t24\t64503_64504,64505", "192.0.2.0/24", 64503u, 3)]
    [InlineData("192.0.2.0/24\t4294967295", "192.0.2.0/24", 4294967295u, 1)]
    public void A_row_gives_its_network_and_first_origin(string line, string prefix, uint asn, int origins)
    {
        PrefixTableLine row = Assert.Single(Read(line));

        Assert.Null(row.Error);
        Assert.Equal((prefix, asn, origins), (row.Prefix.ToString(), row.Asn, row.Origins));
    }

    [Fact]
    public void Comments_blank_lines_a_byte_order_mark_and_CRLF_are_no_rows()
    {
        List<PrefixTableLine> rows = Read("\uFEFF; made today\r\n\r\n#\n \t\n192.0.2.0/24 64500\r\n198.51.100.0/24 64501");

        Assert.Equal([(5L, 64500u), (6L, 64501u)], rows.Select(row => (row.Line, row.Asn)));
    }

    [Theory]
    [InlineData("192.0.2.1/24 64500", 1)]
    [InlineData("192.0.2.0/24", 13)]
    [InlineData("192.0.2.0/24 AS", 14)]
    [InlineData("192.0.2.0/24 4294967296", 14)]
    [InlineData("192.0.2.0/24 1,,2", 14)]
    [InlineData("192.0.2.0/24 64500 64501", 20)]
    [InlineData("192.0.2.0 64500", 1)]
    public void A_bad_row_is_an_error_with_its_line_and_column_and_the_next_row_is_read(string line, int column)
    {
        List<PrefixTableLine> rows = Read($"; head\n{line}\n192.0.2.0/24 64500\n");

        Assert.Equal((2L, column), (rows[0].Error!.Line, rows[0].Error!.Column));
        Assert.Equal((3L, 64500u, null), (rows[1].Line, rows[1].Asn, rows[1].Error));
    }

    [Theory]
    [InlineData(4097)]
    [InlineData(70_000)]
    [InlineData(300_000)]
    public void A_line_without_end_is_one_error_and_the_rows_around_it_are_read(int length)
    {
        List<PrefixTableLine> rows = Read($"192.0.2.0/24 64500\n{new string('7', length)}\n198.51.100.0/24 64501\n");

        Assert.Equal([(1L, true), (2L, false), (3L, true)], rows.Select(row => (row.Line, row.Error is null)));
        Assert.Equal(64501u, rows[2].Asn);
    }

    [Fact]
    public void Rows_are_the_same_however_the_stream_hands_out_its_bytes()
    {
        string text = string.Concat(Enumerable.Range(0, 3000).Select(i => $"10.{i / 256}.{i % 256}.0/24\t{64496 + (i % 16)}\n"));
        List<PrefixTableLine> whole = Read(text);

        Assert.Equal(3000, whole.Count);
        Assert.Equal(whole, PrefixTableReader.Read(new DrippingStream(Encoding.ASCII.GetBytes(text))));
    }

    [Fact]
    public void No_bytes_make_the_reader_throw_and_no_line_gives_two_rows()
    {
        Gen<byte> likely = Gen.Elements("0123456789./:,_{}\t \n;#aAsS\r"u8.ToArray());
        Gen<byte[]> bytes = Gen.ArrayOf(Gen.Frequency((9, likely), (1, Gen.Choose(0, 255).Select(number => (byte)number))));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(bytes.ToArbitrary(), text =>
        {
            int lines = text.Count(part => part == (byte)'\n') + 1;
            PrefixTableReader.LooksLike(text);
            return PrefixTableReader.Read(new MemoryStream(text)).Select(row => row.Line).Distinct().Count() <= lines;
        }));
    }

    private static List<PrefixTableLine> Read(string text) => [.. PrefixTableReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)))];

    private sealed class DrippingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 7));
    }
}
