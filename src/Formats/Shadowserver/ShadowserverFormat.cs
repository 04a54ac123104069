using System.Globalization;
using Renkei.Formats.Csv;
using Renkei.Formats.Feeds;

namespace Renkei.Formats.Shadowserver;

/// <summary>
/// The Shadowserver Foundation's daily reports: CSV whose columns are found by their names, since their order is not fixed.
/// Ten report types are known.
/// </summary>
public sealed class ShadowserverFormat : IFeedFormat
{
    private const int MaxHeaderBytes = 1 << 16;

    private ShadowserverFormat()
    {
    }

    public static ShadowserverFormat Instance { get; } = new();

    public string Name => "shadowserver";

    public IReadOnlyList<FeedReportType> Types { get; } = [.. ShadowserverReport.All.Select(report => new FeedReportType(report.Name, report.Class))];

    public string? Detect(string? fileName, ReadOnlySpan<byte> header)
    {
        var name = ShadowserverFileName.Parse(fileName);
        if (name.NamesReport)
        {
            return name.Report?.Name;
        }
        var end = header.IndexOf((byte)'\n');
        var line = header[..Math.Min(end < 0 ? header.Length : end, MaxHeaderBytes)];
        using var reader = new CsvReader(new MemoryStream(line.ToArray()));
        return reader.ReadHeader() == CsvRead.Row ? ShadowserverReport.ByColumns(reader.Columns)?.Name : null;
    }

    public FeedReader Open(Stream stream, FeedOptions options) => new ShadowserverReader(stream, options);
}

/// <summary>
/// What a report's file name says: "2026-01-15-scan_rdp-example-asn.csv" is the date, the type and a suffix. A type ends at the
/// next '-' or '.', so that scan_http_proxy is never taken for scan_http.
/// </summary>
/// <param name="Date">The report's date.</param>
/// <param name="Report">The type, when it is one we read.</param>
/// <param name="NamesReport">The name holds a Shadowserver type, known to us or not; the header must not be asked then.</param>
internal readonly record struct ShadowserverFileName(DateOnly? Date, ShadowserverReport? Report, bool NamesReport)
{
    private const int DateLength = 10;

    public static ShadowserverFileName Parse(string? fileName)
    {
        var name = fileName.AsSpan();
        name = name[(name.LastIndexOfAny('/', '\\') + 1)..];
        if (name.Length > 255)
        {
            return default;
        }
        DateOnly? date = null;
        for (var start = 0; start + DateLength <= name.Length; start++)
        {
            var before = start == 0 || !char.IsAsciiDigit(name[start - 1]);
            var after = start + DateLength == name.Length || name[start + DateLength] is '-' or '.';
            if (before && after && DateOnly.TryParseExact(name.Slice(start, DateLength), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var found))
            {
                date = found;
                name = name[Math.Min(start + DateLength + 1, name.Length)..];
                break;
            }
        }
        var end = name.IndexOfAny('-', '.');
        var type = end < 0 ? name : name[..end];
        var report = ShadowserverReport.Find(type);
        var looksLikeType = date is not null && type.Contains('_') && type.IndexOfAnyExcept(TypeCharacters) < 0;
        return new ShadowserverFileName(date, report, report is not null || looksLikeType);
    }

    private static readonly System.Buffers.SearchValues<char> TypeCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_");
}
