using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Renkei.Incidents.Demo;

/// <summary>The bytes as a report would have come: JSON of the form or the API, a mail, a file.</summary>
internal static class RawText
{
    private static readonly JsonSerializerOptions Readable = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    public static byte[] Of(Told told, DateTimeOffset at, string id) => told.Channel switch
    {
        Channel.Import => Encoding.UTF8.GetBytes(told.Text),
        Channel.Mail => Mail(told, at, id),
        _ => JsonSerializer.SerializeToUtf8Bytes(new
        {
            reporter = new { name = told.By.Name, email = told.By.Email, organization = told.By.Organisation, country = told.By.Country, phone = told.By.Phone, reference = told.Reference },
            type = told.Kind.ToString().ToLowerInvariant(),
            summary = told.Summary,
            description = told.Text,
            occurredAt = told.OccurredText,
            timezone = told.Zone,
            observables = told.Stated,
            attachments = told.Papers.Select(p => new { name = p.Name, mediaType = p.MediaType, contentBase64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(p.Text)) }),
            mayDiscloseReporter = told.By.Disclosure switch { Kernel.ReporterDisclosure.None => "none", Kernel.ReporterDisclosure.Full => "full", _ => "organization" },
            language = told.By.Language,
            // no two reports are the same bytes, as no two are sent at the same moment
            receivedAt = Stage.Utc(at) + " " + id,
        }, Readable),
    };

    private static byte[] Mail(Told told, DateTimeOffset at, string id)
    {
        var from = told.By.Email ?? "unknown@mail.example";
        var domain = from[(from.IndexOf('@', StringComparison.Ordinal) + 1)..];
        var offset = told.By.Country is "JP" or null ? Stage.Jst : TimeSpan.Zero;
        var date = at.AddMinutes(-1).ToOffset(offset).ToString("ddd, d MMM yyyy HH:mm:ss ", CultureInfo.InvariantCulture) + (offset == Stage.Jst ? "+0900" : "+0000");
        var mail = new StringBuilder();
        mail.Append(CultureInfo.InvariantCulture, $"Received: from mail.{domain} (mail.{domain})\r\n\tby mx.aozora.example with ESMTPS id {id[..12]}\r\n\tfor <report@aozora.example>; {date}\r\n");
        mail.Append(CultureInfo.InvariantCulture, $"From: {Word(told.By.Organisation ?? told.By.Name ?? "")} <{from}>\r\nTo: report@aozora.example\r\nSubject: {Word(told.Summary)}\r\nDate: {date}\r\nMessage-ID: <{id}@{domain}>\r\nMIME-Version: 1.0\r\n");
        if (told.Papers.Count == 0)
        {
            mail.Append("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n").Append(Lines(told.Text));
            return Encoding.UTF8.GetBytes(mail.ToString());
        }

        var boundary = "=_" + id[..16];
        mail.Append(CultureInfo.InvariantCulture, $"Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{Lines(told.Text)}");
        foreach (var paper in told.Papers)
        {
            mail.Append(CultureInfo.InvariantCulture, $"--{boundary}\r\nContent-Type: {paper.MediaType}; charset=utf-8\r\nContent-Disposition: attachment; filename=\"{paper.Name}\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{Lines(paper.Text)}");
        }

        return Encoding.UTF8.GetBytes(mail.Append(CultureInfo.InvariantCulture, $"--{boundary}--\r\n").ToString());
    }

    private static string Lines(string text) => text.ReplaceLineEndings("\r\n").TrimEnd() + "\r\n";

    /// <summary>RFC 2047 words of at most 75 characters.</summary>
    private static string Word(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text;
        }

        var words = new List<string>();
        for (var from = 0; from < text.Length; from += 14)
        {
            words.Add($"=?UTF-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(text.Substring(from, Math.Min(14, text.Length - from))))}?=");
        }

        return string.Join("\r\n ", words);
    }
}
