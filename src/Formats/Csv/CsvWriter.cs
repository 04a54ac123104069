using System.Buffers;
using System.Text;

namespace Renkei.Formats.Csv;

/// <summary>
/// Writes RFC 4180 CSV as UTF-8 with CRLF, safe to open in a spreadsheet: a cell that a spreadsheet would run as a formula
/// gets a leading apostrophe (<see cref="Guard"/>). NUL becomes U+FFFD, and so do lone surrogates.
/// </summary>
public sealed class CsvWriter : IDisposable
{
    private static readonly SearchValues<char> NeedsQuotes = SearchValues.Create("\",;\r\n\t");

    private readonly StreamWriter _writer;
    private int _cells;
    private bool _lastCellWasBlank;

    /// <param name="stream">Where the bytes go.</param>
    /// <param name="byteOrderMark">Excel takes a file without one for the local code page.</param>
    /// <param name="leaveOpen">Do not close the stream with the writer.</param>
    public CsvWriter(Stream stream, bool byteOrderMark = false, bool leaveOpen = false)
    {
        _writer = new StreamWriter(stream, new UTF8Encoding(byteOrderMark), 1 << 15, leaveOpen) { NewLine = "\r\n" };
    }

    /// <summary>
    /// The cell as it may be shown to a spreadsheet. An apostrophe goes in front of = + - @ TAB CR LF and of the full-width
    /// ＝ ＋ － ＠ (which Japanese input methods produce and spreadsheets accept); plain numbers such as -5 or +1.5e3 stay.
    /// </summary>
    public static string Guard(string cell) => NeedsGuard(cell) ? "'" + cell : cell;

    /// <summary>Writes one cell of the current row; null is an empty cell.</summary>
    public void Cell(string? cell) => Cell(cell.AsSpan());

    /// <inheritdoc cref="Cell(string?)"/>
    public void Cell(ReadOnlySpan<char> cell)
    {
        if (_cells++ > 0)
        {
            _writer.Write(',');
        }
        _lastCellWasBlank = cell.IsEmpty;
        var guard = NeedsGuard(cell);
        var edge = !cell.IsEmpty && (char.IsWhiteSpace(cell[0]) || char.IsWhiteSpace(cell[^1]) || cell[0] == '\uFEFF');
        if (!edge && cell.IndexOfAny(NeedsQuotes) < 0)
        {
            if (guard)
            {
                _writer.Write('\'');
            }
            Text(cell);
            return;
        }
        _writer.Write('"');
        if (guard)
        {
            _writer.Write('\'');
        }
        while (true)
        {
            var quote = cell.IndexOf('"');
            if (quote < 0)
            {
                break;
            }
            Text(cell[..quote]);
            _writer.Write("\"\"");
            cell = cell[(quote + 1)..];
        }
        Text(cell);
        _writer.Write('"');
    }

    /// <summary>Ends the current row; a row of no cells is not written.</summary>
    public void EndRow()
    {
        if (_cells == 0)
        {
            return;
        }
        if (_cells == 1 && _lastCellWasBlank)
        {
            // an empty line would be skipped by readers
            _writer.Write("\"\"");
        }
        _writer.WriteLine();
        _cells = 0;
    }

    /// <summary>Writes a whole row.</summary>
    public void Row(params ReadOnlySpan<string?> cells)
    {
        foreach (var cell in cells)
        {
            Cell(cell);
        }
        EndRow();
    }

    public void Flush() => _writer.Flush();

    public void Dispose() => _writer.Dispose();

    private void Text(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var nul = text.IndexOf('\0');
            if (nul < 0)
            {
                _writer.Write(text);
                return;
            }
            _writer.Write(text[..nul]);
            _writer.Write('\uFFFD');
            text = text[(nul + 1)..];
        }
    }

    private static bool NeedsGuard(ReadOnlySpan<char> cell) => !cell.IsEmpty && cell[0] switch
    {
        '=' or '@' or '\t' or '\r' or '\n' or '＝' or '＋' or '－' or '＠' => true,
        '+' or '-' => !IsNumber(cell[1..]),
        _ => false,
    };

    private static bool IsNumber(ReadOnlySpan<char> text)
    {
        var whole = Digits(ref text);
        var part = 0;
        if (!text.IsEmpty && text[0] == '.')
        {
            text = text[1..];
            part = Digits(ref text);
        }
        if (whole + part == 0)
        {
            return false;
        }
        if (!text.IsEmpty && text[0] is 'e' or 'E')
        {
            text = text[1..];
            if (!text.IsEmpty && text[0] is '+' or '-')
            {
                text = text[1..];
            }
            if (Digits(ref text) == 0)
            {
                return false;
            }
        }
        return text.IsEmpty;
    }

    private static int Digits(ref ReadOnlySpan<char> text)
    {
        var rest = text.IndexOfAnyExceptInRange('0', '9');
        var count = rest < 0 ? text.Length : rest;
        text = text[count..];
        return count;
    }
}
