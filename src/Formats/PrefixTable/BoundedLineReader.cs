namespace Renkei.Formats.PrefixTable;

/// <summary>
/// Lines of a byte stream, LF or CRLF, in constant memory. A line longer than the bound is cut and flagged, and its rest skipped,
/// so that a file without line ends cannot fill the memory. A UTF-8 byte order mark before the first line is dropped.
/// </summary>
internal sealed class BoundedLineReader(Stream stream, int maxLine)
{
    private readonly byte[] _buffer = new byte[Math.Max(64 * 1024, maxLine + 3)];
    private int _from;
    private int _to;
    private bool _ended;
    private bool _skipRest;

    /// <summary>Number of the line last read, counted from 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>The span is good until the next call.</summary>
    public bool TryRead(out ReadOnlySpan<byte> line, out bool cut)
    {
        cut = false;
        if (_skipRest)
        {
            SkipRest();
            _skipRest = false;
        }

        int seen = 0;
        while (true)
        {
            int newline = _buffer.AsSpan(_from + seen, _to - _from - seen).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                int length = seen + newline;
                line = Trim(_buffer.AsSpan(_from, length), out cut);
                _from += length + 1;
                return true;
            }

            seen = _to - _from;
            if (seen > maxLine)
            {
                line = Trim(_buffer.AsSpan(_from, seen), out cut);
                _from = _to;
                _skipRest = true;
                return true;
            }

            if (!Fill())
            {
                line = seen == 0 ? default : Trim(_buffer.AsSpan(_from, seen), out cut);
                _from = _to;
                return seen > 0;
            }
        }
    }

    private ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> line, scoped out bool cut)
    {
        LineNumber++;
        if (LineNumber == 1 && line.StartsWith("\uFEFF"u8))
        {
            line = line[3..];
        }

        if (line.EndsWith("\r"u8))
        {
            line = line[..^1];
        }

        cut = line.Length > maxLine;
        return cut ? line[..maxLine] : line;
    }

    private void SkipRest()
    {
        while (true)
        {
            int newline = _buffer.AsSpan(_from, _to - _from).IndexOf((byte)'\n');
            _from = newline < 0 ? _to : _from + newline + 1;
            if (newline >= 0 || !Fill())
            {
                return;
            }
        }
    }

    private bool Fill()
    {
        if (_ended)
        {
            return false;
        }

        if (_from > 0)
        {
            _buffer.AsSpan(_from, _to - _from).CopyTo(_buffer);
            _to -= _from;
            _from = 0;
        }

        int read = stream.Read(_buffer, _to, _buffer.Length - _to);
        _to += read;
        _ended = read == 0;
        return read > 0;
    }
}
