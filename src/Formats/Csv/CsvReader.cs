using System.Buffers;
using System.Text.Unicode;

namespace Renkei.Formats.Csv;

/// <summary>
/// Reads RFC 4180 CSV as UTF-8 bytes: quoted fields with commas, newlines and doubled quotes, CRLF or LF, a byte-order mark,
/// a last line without newline. Blank lines are skipped; a quote inside an unquoted field is plain text (RFC 4180 §2.5 leaves
/// it open). Memory is bounded by <see cref="CsvOptions.MaxLineBytes"/> whatever comes in.
/// </summary>
/// <remarks>
/// A broken row never ends the reading: it is reported once and the reader goes on after the first newline behind the place
/// where the row started, so an unterminated quote costs its own line and not the rest of the file. Every byte is looked at a
/// bounded number of times. Only I/O faults of the stream are thrown.
/// </remarks>
public sealed class CsvReader : IDisposable
{
    private const byte Quote = (byte)'"';
    private const byte Comma = (byte)',';
    private const byte LineFeed = (byte)'\n';
    private const byte CarriageReturn = (byte)'\r';
    private const int FirstBuffer = 1 << 16;

    private readonly Stream _stream;
    private readonly CsvOptions _options;
    private byte[] _buffer;
    private byte[] _unescaped = [];
    private int _unescapedUsed;
    private int _pos;
    private int _end;
    private long _bufferOffset;
    private bool _eof;
    private bool _started;
    private bool _ended;
    private long _nextLine = 1;
    private long _singleLinesUntil;
    private int _scanStopped;
    private Utf8Text[] _fields = new Utf8Text[64];
    private string[] _columns = [];
    private Utf8Text _raw;

    public CsvReader(Stream stream, CsvOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _stream = stream;
        _options = options ?? CsvOptions.Default;
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxLineBytes, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxColumns, 1, nameof(options));
        _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    }

    private enum Scanned
    {
        Row,
        NeedMore,
        Unterminated,
        TextAfterQuote,
        TooManyColumns,
    }

    /// <summary>The header's names; empty before the first <see cref="Read"/>, and when there is no header.</summary>
    public IReadOnlyList<string> Columns => _columns;

    /// <summary>Physical line on which the current row or error starts, from 1.</summary>
    public long Line { get; private set; }

    public int FieldCount { get; private set; }

    /// <summary>The row as it came, without the newline that ends it; valid until the next <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> Raw => _raw.Span;

    /// <summary>The error that the last <see cref="Read"/> found.</summary>
    public CsvError? Error { get; private set; }

    /// <summary>The header itself could not be read, so nothing after it was.</summary>
    public bool HeaderFailed { get; private set; }

    /// <summary>Byte offset of the current row's start in the stream.</summary>
    public long Offset { get; private set; }

    /// <summary>A field of the current row with its quotes undone; valid until the next <see cref="Read"/>.</summary>
    public Utf8Text Field(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)FieldCount, nameof(index));
        return _fields[index];
    }

    /// <summary>The excerpt of the current row that an error about it carries.</summary>
    public string RawExcerpt() => CsvError.Excerpt(Raw);

    /// <summary>Reads the header if that has not happened; the columns are known afterwards.</summary>
    /// <returns>Row when there is a header, End when the stream is empty, Error when the header is unusable.</returns>
    public CsvRead ReadHeader()
    {
        if (_started || !_options.HasHeader)
        {
            return HeaderFailed ? CsvRead.Error : _columns.Length > 0 ? CsvRead.Row : CsvRead.End;
        }
        _started = true;
        var read = ReadRecord();
        if (read != CsvRead.Row)
        {
            _ended = true;
            HeaderFailed = read == CsvRead.Error;
            return read;
        }
        var columns = new string[FieldCount];
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < columns.Length; i++)
        {
            var name = _fields[i].Trim().ToString();
            columns[i] = name.Length > 0 ? name : $"column_{i + 1}";
            if (!seen.Add(columns[i]))
            {
                _ended = HeaderFailed = true;
                return Fail(CsvErrorKind.DuplicateColumn, i + 1, columns[i]);
            }
        }
        _columns = columns;
        return CsvRead.Row;
    }

    /// <summary>Reads the next row after the header.</summary>
    public CsvRead Read()
    {
        Error = null;
        if (!_started && _options.HasHeader)
        {
            var header = ReadHeader();
            if (header != CsvRead.Row)
            {
                return header;
            }
        }
        if (_ended)
        {
            FieldCount = 0;
            return CsvRead.End;
        }
        var read = ReadRecord();
        if (read == CsvRead.Row && _columns.Length > 0 && FieldCount != _columns.Length)
        {
            var column = Math.Min(FieldCount, _columns.Length);
            return Fail(CsvErrorKind.WrongColumnCount, column + 1, column < _columns.Length ? _columns[column] : null);
        }
        return read;
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _pos = _end = 0;
            FieldCount = 0;
            _raw = default;
            _ended = true;
        }
        if (!_options.LeaveOpen)
        {
            _stream.Dispose();
        }
    }

    private CsvRead ReadRecord()
    {
        while (true)
        {
            FieldCount = 0;
            _raw = default;
            if (_pos == _end && !Fill())
            {
                _ended = true;
                return CsvRead.End;
            }
            Line = _nextLine;
            Offset = _bufferOffset + _pos;
            var scanned = Scan(out var length, out var consumed);
            if (scanned == Scanned.NeedMore)
            {
                if (_end - _pos <= _options.MaxLineBytes + 2)
                {
                    Fill();
                    continue;
                }
                return FailAndResume(CsvErrorKind.LineTooLong);
            }
            if (scanned == Scanned.Row)
            {
                if (length > _options.MaxLineBytes)
                {
                    return FailAndResume(CsvErrorKind.LineTooLong);
                }
                if (length == 0)
                {
                    _pos += consumed;
                    _nextLine++;
                    continue;
                }
                _raw = new Utf8Text(_buffer, _pos, length);
                var raw = _raw.Span;
                _pos += consumed;
                _nextLine += 1 + raw.Count(LineFeed);
                if (raw.Contains((byte)0))
                {
                    return FailAtField(CsvErrorKind.NulByte, static field => field.Contains((byte)0));
                }
                if (!Utf8.IsValid(raw))
                {
                    return FailAtField(CsvErrorKind.InvalidUtf8, static field => !Utf8.IsValid(field));
                }
                return CsvRead.Row;
            }
            return FailAndResume(scanned switch
            {
                Scanned.Unterminated => CsvErrorKind.UnterminatedQuote,
                Scanned.TextAfterQuote => CsvErrorKind.TextAfterQuote,
                _ => CsvErrorKind.TooManyColumns,
            });
        }
    }

    /// <summary>Cuts the record at the buffer's position into fields. When the buffer ends first, the caller fills it and the cutting
    /// starts over: the buffer doubles, so that costs at most as much again.</summary>
    private Scanned Scan(out int length, out int consumed)
    {
        var span = _buffer.AsSpan(_pos, _end - _pos);
        var p = 0;
        var lineEnds = false;
        if (Offset < _singleLinesUntil && span.IndexOf(LineFeed) is >= 0 and var newline)
        {
            span = span[..(newline + 1)];
            lineEnds = true;
        }
        length = consumed = 0;
        _unescapedUsed = 0;
        FieldCount = 0;
        while (true)
        {
            if (FieldCount == _options.MaxColumns)
            {
                _scanStopped = _pos + p;
                return Scanned.TooManyColumns;
            }
            int next;
            if (p < span.Length && span[p] == Quote)
            {
                next = p + 1;
                var escapes = 0;
                while (true)
                {
                    var quote = span[next..].IndexOf(Quote);
                    if (quote < 0)
                    {
                        _scanStopped = _pos + span.Length;
                        return _eof || lineEnds ? Scanned.Unterminated : Scanned.NeedMore;
                    }
                    next += quote + 1;
                    if (next == span.Length)
                    {
                        if (!_eof)
                        {
                            return Scanned.NeedMore;
                        }
                        break;
                    }
                    if (span[next] != Quote)
                    {
                        break;
                    }
                    escapes++;
                    next++;
                }
                AddField(escapes == 0 ? Piece(p + 1, next - p - 2) : Unescape(span[(p + 1)..(next - 1)]));
            }
            else
            {
                var stop = span[p..].IndexOfAny(Comma, LineFeed);
                if (stop < 0)
                {
                    if (!_eof)
                    {
                        return Scanned.NeedMore;
                    }
                    next = span.Length;
                }
                else
                {
                    next = p + stop;
                }
                if (next > p && span[next - 1] == CarriageReturn && (next == span.Length || span[next] == LineFeed))
                {
                    next--;
                }
                AddField(Piece(p, next - p));
            }
            if (next == span.Length)
            {
                length = consumed = next;
                return Scanned.Row;
            }
            switch (span[next])
            {
                case Comma:
                    p = next + 1;
                    continue;
                case LineFeed:
                    length = next;
                    consumed = next + 1;
                    return Scanned.Row;
                case CarriageReturn when next + 1 == span.Length:
                    if (!_eof)
                    {
                        return Scanned.NeedMore;
                    }
                    length = next;
                    consumed = next + 1;
                    return Scanned.Row;
                case CarriageReturn when span[next + 1] == LineFeed:
                    length = next;
                    consumed = next + 2;
                    return Scanned.Row;
                default:
                    _scanStopped = _pos + next;
                    return Scanned.TextAfterQuote;
            }
        }
    }

    private Utf8Text Piece(int start, int length) => length == 0 ? default : new Utf8Text(_buffer, _pos + start, length);

    private Utf8Text Unescape(ReadOnlySpan<byte> quoted)
    {
        // as large as the buffer, so that the fields of one row stay in one array
        if (_unescaped.Length < _buffer.Length)
        {
            _unescaped = new byte[_buffer.Length];
            _unescapedUsed = 0;
        }
        var start = _unescapedUsed;
        while (true)
        {
            var quote = quoted.IndexOf(Quote);
            var take = quote < 0 ? quoted.Length : quote + 1;
            quoted[..take].CopyTo(_unescaped.AsSpan(_unescapedUsed));
            _unescapedUsed += take;
            if (quote < 0)
            {
                return new Utf8Text(_unescaped, start, _unescapedUsed - start);
            }
            quoted = quoted[(take + 1)..];
        }
    }

    private void AddField(Utf8Text field)
    {
        if (FieldCount == _fields.Length)
        {
            Array.Resize(ref _fields, _fields.Length * 2);
        }
        _fields[FieldCount++] = field;
    }

    /// <summary>Reads until the buffer is full or the stream ends, doubling it where a row fills it.</summary>
    /// <returns>False when nothing came.</returns>
    private bool Fill()
    {
        if (_eof || _buffer.Length == 0)
        {
            return false;
        }
        var kept = _end - _pos;
        if (_pos > 0)
        {
            Buffer.BlockCopy(_buffer, _pos, _buffer, 0, kept);
            _bufferOffset += _pos;
            _pos = 0;
            _end = kept;
        }
        if (_end == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            Buffer.BlockCopy(_buffer, 0, larger, 0, _end);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        var read = _stream.ReadAtLeast(_buffer.AsSpan(_end), _buffer.Length - _end, throwOnEndOfStream: false);
        _eof = read < _buffer.Length - _end;
        _end += read;
        if (_bufferOffset == 0 && kept == 0 && _pos == 0 && _nextLine == 1 && _buffer.AsSpan(0, _end).StartsWith("\uFEFF"u8))
        {
            _pos = 3;
        }
        return _pos < _end;
    }

    private CsvRead FailAndResume(CsvErrorKind kind)
    {
        // What the broken row ran over is read again, line by line: up to the line on which it was found out, no quoted field may
        // span lines, else a file of stray quotes would make every line scan the same bytes anew.
        var stopped = kind == CsvErrorKind.LineTooLong ? _end : _scanStopped;
        var lastLine = _buffer.AsSpan(_pos, stopped - _pos).LastIndexOf(LineFeed);
        _singleLinesUntil = Math.Max(_singleLinesUntil, _bufferOffset + _pos + lastLine + 1);
        var column = kind == CsvErrorKind.LineTooLong ? 0 : FieldCount + (kind is CsvErrorKind.TextAfterQuote ? 0 : 1);
        var pending = _buffer.AsSpan(_pos, _end - _pos);
        var firstLine = pending.IndexOf(LineFeed);
        _raw = new Utf8Text(_buffer, _pos, firstLine < 0 ? pending.Length : firstLine);
        var read = Fail(kind, column, Name(column));
        _raw = default;
        FieldCount = 0;
        while (firstLine < 0)
        {
            _bufferOffset += _end;
            _pos = _end = 0;
            if (!Fill())
            {
                return read;
            }
            firstLine = _buffer.AsSpan(_pos, _end - _pos).IndexOf(LineFeed);
        }
        _pos += firstLine + 1;
        _nextLine++;
        return read;
    }

    private CsvRead FailAtField(CsvErrorKind kind, FieldTest isBad)
    {
        var column = 0;
        for (var i = 0; i < FieldCount; i++)
        {
            if (isBad(_fields[i].Span))
            {
                column = i + 1;
                break;
            }
        }
        return Fail(kind, column, Name(column));
    }

    private string? Name(int column) => column > 0 && column <= _columns.Length ? _columns[column - 1] : null;

    private CsvRead Fail(CsvErrorKind kind, int column, string? name)
    {
        Error = new CsvError(kind, Line, Offset, column, name, CsvError.Excerpt(Raw));
        return CsvRead.Error;
    }

    private delegate bool FieldTest(ReadOnlySpan<byte> field);
}
