using Renkei.Formats.Csv;
using Renkei.Formats.Rsit;

namespace Renkei.Formats.Feeds;

/// <summary>A type of report within a feed, and the class its events usually have (a row's own columns may change it).</summary>
public sealed record FeedReportType(string Name, RsitType Class);

/// <summary>What <see cref="FeedReader.Read"/> found.</summary>
public enum FeedRead
{
    Event,
    Error,
    End,
}

/// <summary>Why a row was rejected, or a whole report.</summary>
public enum FeedErrorReason
{
    /// <summary>No type was given, and neither file name nor header tells it.</summary>
    UnknownReport,

    /// <summary>The header lacks a column that every event needs.</summary>
    MissingColumn,

    /// <summary>A required column is empty.</summary>
    MissingValue,

    BadTime,
    BadAddress,
    LineTooLong,
    TooManyColumns,
    UnterminatedQuote,
    TextAfterQuote,
    NulByte,
    InvalidUtf8,
    WrongColumnCount,
    DuplicateColumn,
}

/// <summary>A row that gave no event.</summary>
/// <param name="Line">Physical line on which the row starts, from 1.</param>
/// <param name="Column">The column at fault by its name in the header, where one is.</param>
/// <param name="RawExcerpt">The start of the row, made inert.</param>
/// <param name="Offset">Byte offset of the row in the stream.</param>
/// <param name="IsFatal">The report as a whole cannot be read; nothing follows.</param>
public sealed record FeedRowError(long Line, string? Column, FeedErrorReason Reason, string RawExcerpt, long Offset, bool IsFatal)
{
    /// <summary>The reason as a stable word for machines: "bad-time".</summary>
    public string Code => Reason switch
    {
        FeedErrorReason.UnknownReport => "unknown-report",
        FeedErrorReason.MissingColumn => "missing-column",
        FeedErrorReason.MissingValue => "missing-value",
        FeedErrorReason.BadTime => "bad-time",
        FeedErrorReason.BadAddress => "bad-address",
        FeedErrorReason.LineTooLong => "line-too-long",
        FeedErrorReason.TooManyColumns => "too-many-columns",
        FeedErrorReason.UnterminatedQuote => "unterminated-quote",
        FeedErrorReason.TextAfterQuote => "text-after-quote",
        FeedErrorReason.NulByte => "nul-byte",
        FeedErrorReason.InvalidUtf8 => "invalid-utf8",
        FeedErrorReason.WrongColumnCount => "wrong-column-count",
        _ => "duplicate-column",
    };

    internal static FeedRowError From(CsvError error, bool isFatal) => new(error.Line, error.ColumnName, error.Kind switch
    {
        CsvErrorKind.LineTooLong => FeedErrorReason.LineTooLong,
        CsvErrorKind.TooManyColumns => FeedErrorReason.TooManyColumns,
        CsvErrorKind.UnterminatedQuote => FeedErrorReason.UnterminatedQuote,
        CsvErrorKind.TextAfterQuote => FeedErrorReason.TextAfterQuote,
        CsvErrorKind.NulByte => FeedErrorReason.NulByte,
        CsvErrorKind.InvalidUtf8 => FeedErrorReason.InvalidUtf8,
        CsvErrorKind.WrongColumnCount => FeedErrorReason.WrongColumnCount,
        _ => FeedErrorReason.DuplicateColumn,
    }, error.RawExcerpt, error.Offset, isFatal);
}

/// <summary>What is known about a report before it is read.</summary>
public sealed record FeedOptions
{
    /// <summary>The report's type; null lets file name and header decide.</summary>
    public string? Type { get; init; }

    /// <summary>The name the report came under; folders in it are ignored.</summary>
    public string? FileName { get; init; }

    /// <summary>When the report was made; null takes the date in the file name, as midnight UTC.</summary>
    public DateTimeOffset? Observation { get; init; }

    /// <summary>Longest row in bytes.</summary>
    public int MaxLineBytes { get; init; } = CsvOptions.Default.MaxLineBytes;

    public int MaxColumns { get; init; } = CsvOptions.Default.MaxColumns;

    public bool LeaveOpen { get; init; }
}

/// <summary>A feed's wire format.</summary>
public interface IFeedFormat
{
    /// <summary>Lower-case name, as in <c>--feed shadowserver</c>.</summary>
    string Name { get; }

    IReadOnlyList<FeedReportType> Types { get; }

    /// <summary>The report's type by its file name, else by its first line (the file's first 64 KiB are enough), or null when it is
    /// none of this format's.</summary>
    string? Detect(string? fileName, ReadOnlySpan<byte> header);

    /// <summary>Starts reading; what is wrong with the report comes out of the reader as an error.</summary>
    FeedReader Open(Stream stream, FeedOptions options);
}

/// <summary>Reads one report row by row.</summary>
public abstract class FeedReader : IDisposable
{
    /// <summary>The report's type; null before the first Read, or when it could not be told.</summary>
    public string? Report { get; protected set; }

    /// <summary>The event that the last Read found. It is the same object each time.</summary>
    public FeedEvent Event => Current ?? throw new InvalidOperationException("Read has not found an event yet.");

    /// <summary>The error that the last Read found.</summary>
    public FeedRowError? Error { get; protected set; }

    protected FeedEvent? Current { get; set; }

    /// <summary>Reads the next row. Hostile bytes give errors; only I/O faults of the stream are thrown.</summary>
    public abstract FeedRead Read();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
