using Renkei.Formats.Shadowserver;

namespace Renkei.Formats.Feeds;

/// <summary>A format and, where it is known, the report's type.</summary>
public sealed record FeedChoice(IFeedFormat Format, string? Type);

/// <summary>Every feed format there is.</summary>
public static class FeedFormats
{
    public static IReadOnlyList<IFeedFormat> All { get; } = [ShadowserverFormat.Instance];

    /// <summary>
    /// Reads what a person names: "shadowserver", "shadowserver:scan_rdp", ":scan_rdp" or "scan_rdp". Null when there is no such
    /// format or type.
    /// </summary>
    public static FeedChoice? Find(string name)
    {
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        var (formatName, type) = colon < 0 ? (name, null) : (name[..colon], name[(colon + 1)..]);
        foreach (var format in All)
        {
            if (colon < 0 && string.Equals(format.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return new FeedChoice(format, null);
            }
            if (colon > 0 && !string.Equals(format.Name, formatName, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }
            foreach (var known in format.Types)
            {
                if (string.Equals(known.Name, type ?? name, StringComparison.OrdinalIgnoreCase))
                {
                    return new FeedChoice(format, known.Name);
                }
            }
        }
        return null;
    }

    /// <summary>The format and type of a report by file name and first line, or null.</summary>
    public static FeedChoice? Detect(string? fileName, ReadOnlySpan<byte> header)
    {
        foreach (var format in All)
        {
            if (format.Detect(fileName, header) is { } type)
            {
                return new FeedChoice(format, type);
            }
        }
        return null;
    }
}
