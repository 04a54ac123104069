using System.Text;

namespace Renkei.Formats.Csv;

/// <summary>What <see cref="CsvReader.Read"/> found.</summary>
public enum CsvRead
{
    Row,
    Error,
    End,
}

/// <summary>Why a row could not be read.</summary>
public enum CsvErrorKind
{
    LineTooLong,
    TooManyColumns,
    UnterminatedQuote,
    TextAfterQuote,
    NulByte,
    InvalidUtf8,
    WrongColumnCount,
    DuplicateColumn,
}

/// <summary>A row that could not be read; reading goes on after it, unless it is the header.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Line">Physical line on which the row starts, from 1.</param>
/// <param name="Offset">Byte offset of the row's first byte in the stream, a byte-order mark included.</param>
/// <param name="Column">Column from 1, or 0 when the row as a whole is meant.</param>
/// <param name="ColumnName">The header's name of that column, where there is one.</param>
/// <param name="RawExcerpt">The start of the row, at most 200 bytes of it, made inert: control characters and broken UTF-8 appear as U+FFFD.</param>
public sealed record CsvError(CsvErrorKind Kind, long Line, long Offset, int Column, string? ColumnName, string RawExcerpt)
{
    internal const int ExcerptBytes = 200;

    internal static string Excerpt(ReadOnlySpan<byte> raw)
    {
        if (raw.Length > ExcerptBytes)
        {
            // cut before the character that the limit would split, so that the excerpt does not invent damage
            var cut = ExcerptBytes;
            while (cut > ExcerptBytes - 3 && (raw[cut] & 0xC0) == 0x80)
            {
                cut--;
            }
            raw = raw[..cut];
        }
        return string.Create(Encoding.UTF8.GetCharCount(raw), raw, static (chars, bytes) =>
        {
            Encoding.UTF8.GetChars(bytes, chars);
            foreach (ref var c in chars)
            {
                if (char.IsControl(c) && c is not ('\t' or '\n' or '\r'))
                {
                    c = '\uFFFD';
                }
            }
        });
    }
}

/// <summary>Bounds and shape of a CSV stream.</summary>
public sealed record CsvOptions
{
    public static CsvOptions Default { get; } = new();

    /// <summary>Longest row in bytes, newlines inside quotes included, the one that ends it excluded.</summary>
    public int MaxLineBytes { get; init; } = 1 << 20;

    public int MaxColumns { get; init; } = 1024;

    /// <summary>The first row names the columns, and every later row must have as many.</summary>
    public bool HasHeader { get; init; } = true;

    public bool LeaveOpen { get; init; }
}
