using System.Net;
using System.Text;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Renkei.Incidents;

/// <summary>
/// A report's form and its files, read from the bytes: the framework's reader makes "�" of what is no UTF-8, so that a reporter's words are
/// lost without a word, and refuses a NUL as if the body were too large. Here each field keeps its text, and which of them were no UTF-8 is known.
/// </summary>
internal sealed class ReportFormBody
{
    private const int MaxFields = 64;
    private const int MaxName = 100;
    private const int MaxValue = 1024 * 1024;

    private readonly Dictionary<string, StringValues> _fields = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<IncomingAttachment> _files = [];
    private readonly List<string> _notUtf8 = [];

    public IReadOnlyList<IncomingAttachment> Files => _files;

    /// <summary>Names of the fields whose bytes were no UTF-8.</summary>
    public IReadOnlyList<string> NotUtf8 => _notUtf8;

    public IFormCollection Form => new FormCollection(_fields);

    /// <summary>Null when it is larger than <paramref name="limit"/> bytes or has more fields than any form. Throws <see cref="InvalidDataException"/> where it is no form at all.</summary>
    public static async Task<ReportFormBody?> ReadAsync(HttpRequest request, long limit, CancellationToken ct)
    {
        var read = new ReportFormBody();
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            return read;
        }

        if (!type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            return await SubmitReport.ReadBodyAsync(request, limit, ct) is { } body && read.TakePairs(body) ? read : null;
        }

        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        if (boundary.Length is 0 or > 128)
        {
            throw new InvalidDataException("The form says no boundary.");
        }

        var reader = new MultipartReader(boundary, request.Body) { BodyLengthLimit = limit, HeadersCountLimit = 8, HeadersLengthLimit = 8192 };
        while (await reader.ReadNextSectionAsync(ct) is { } section)
        {
            if (!await read.TakeAsync(section, ct))
            {
                return null;
            }
        }

        return read;
    }

    private async Task<bool> TakeAsync(MultipartSection section, CancellationToken ct)
    {
        if (section.GetContentDispositionHeader() is not { } disposition)
        {
            return true;
        }

        var stream = new MemoryStream();
        await section.Body.CopyToAsync(stream, ct);
        var bytes = stream.ToArray();
        if (!disposition.IsFileDisposition())
        {
            return Take(HeaderUtilities.RemoveQuotes(disposition.Name).ToString(), bytes);
        }

        // a field of files that was left empty comes as one of no bytes
        if (bytes.Length > 0)
        {
            var name = HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName);
            _files.Add(new(name.ToString(), section.ContentType, bytes));
        }

        return _files.Count <= MaxFields;
    }

    /// <summary>application/x-www-form-urlencoded.</summary>
    private bool TakePairs(ReadOnlyMemory<byte> body)
    {
        foreach (var pair in Encoding.Latin1.GetString(body.Span).Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (!Take(Encoding.UTF8.GetString(Decoded(at < 0 ? pair : pair[..at])), Decoded(at < 0 ? "" : pair[(at + 1)..])))
            {
                return false;
            }
        }

        return true;
    }

    private static byte[] Decoded(string part)
    {
        var bytes = Encoding.Latin1.GetBytes(part);
        return WebUtility.UrlDecodeToBytes(bytes, 0, bytes.Length) ?? [];
    }

    private bool Take(string name, byte[] bytes)
    {
        if (name.Length > MaxName || bytes.Length > MaxValue || _fields.Count >= MaxFields)
        {
            return false;
        }

        if (!Utf8.IsValid(bytes))
        {
            _notUtf8.Add(name);
        }

        _fields[name] = StringValues.Concat(_fields.GetValueOrDefault(name), Encoding.UTF8.GetString(bytes));
        return true;
    }
}
