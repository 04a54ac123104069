using System.Text.Json;
using System.Text.Unicode;
using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>Why a body is not a report at all: before any field could be looked at.</summary>
public sealed record JsonFault(string Title, string Detail);

/// <summary>
/// Reads the JSON of <c>POST /api/v1/reports</c>. Unknown properties are left to the raw bytes; a known one of the wrong type is a field error.
/// No bytes make it throw.
/// </summary>
public sealed class ReportJson
{
    private readonly List<FieldFault> _faults = [];

    private ReportJson()
    {
    }

    public string? Team { get; private set; }

    public string? Type { get; private set; }

    public string? Name { get; private set; }

    public string? Email { get; private set; }

    public string? Organization { get; private set; }

    public string? Country { get; private set; }

    public string? Phone { get; private set; }

    public string? Reference { get; private set; }

    public string? Summary { get; private set; }

    public string? Description { get; private set; }

    public string? OccurredAt { get; private set; }

    public string? Timezone { get; private set; }

    public string? Clock { get; private set; }

    /// <summary>Whole seconds, signed; null when not stated.</summary>
    public string? ClockError { get; private set; }

    public List<string> Sources { get; } = [];

    public List<string> Targets { get; } = [];

    public List<string> Observables { get; } = [];

    public List<IncomingAttachment> Attachments { get; } = [];

    public string? MayDisclose { get; private set; }

    public string? Language { get; private set; }

    public string? Tlp { get; private set; }

    public IReadOnlyList<FieldFault> Faults => _faults;

    public static (ReportJson? Report, JsonFault? Fault) Read(ReadOnlyMemory<byte> body)
    {
        var bytes = body.Span.StartsWith("\uFEFF"u8) ? body[3..] : body;
        if (!Utf8.IsValid(bytes.Span))
        {
            BoundedUtf8.TryDecode(bytes.Span, int.MaxValue, out _, out var error);
            return (null, new("Not UTF-8", $"The body is not valid UTF-8 at byte {error.Offset}. Send JSON as UTF-8."));
        }

        try
        {
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                return (null, new("Not a report", "The body must be one JSON object."));
            }

            var report = new ReportJson();
            report.ReadRoot(json.RootElement);
            return (report, null);
        }
        catch (JsonException e)
        {
            return (null, new("Not JSON", $"The body is not valid JSON at line {(e.LineNumber ?? 0) + 1}, byte {e.BytePositionInLine ?? 0} of that line. Property names must not repeat, nesting is at most 16 deep."));
        }
    }

    private void ReadRoot(JsonElement root)
    {
        Team = Text(root, "team", "team");
        Type = Text(root, "type", "type");
        Summary = Text(root, "summary", "summary");
        Description = Text(root, "description", "description");
        OccurredAt = Text(root, "occurredAt", "occurredAt");
        Timezone = Text(root, "timezone", "timezone");
        Clock = Text(root, "clock", "clock");
        Language = Text(root, "language", "language");
        Tlp = Text(root, "tlp", "tlp");
        if (Member(root, "reporter", "reporter", JsonValueKind.Object) is { } reporter)
        {
            Name = Text(reporter, "name", "reporter.name");
            Email = Text(reporter, "email", "reporter.email");
            Organization = Text(reporter, "organization", "reporter.organization");
            Country = Text(reporter, "country", "reporter.country");
            Phone = Text(reporter, "phone", "reporter.phone");
            Reference = Text(reporter, "reference", "reporter.reference");
        }

        if (root.TryGetProperty("mayDiscloseReporter", out var may))
        {
            MayDisclose = may.ValueKind switch
            {
                JsonValueKind.True => "full",
                JsonValueKind.False or JsonValueKind.Null => "none",
                _ => Text(root, "mayDiscloseReporter", "mayDiscloseReporter"),
            };
        }

        ReadClockError(root);
        ReadTexts(root, "source", StatedParties.MaxLines, Sources);
        ReadTexts(root, "target", StatedParties.MaxLines, Targets);
        ReadTexts(root, "observables", Intake.MaxObservables, Observables);

        if (Member(root, "attachments", "attachments", JsonValueKind.Array) is { } attachments)
        {
            ReadAttachments(attachments);
        }
    }

    private void ReadClockError(JsonElement root)
    {
        if (!root.TryGetProperty("clockErrorSeconds", out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var seconds) || seconds is < -Incidents.ClockError.Most or > Incidents.ClockError.Most)
        {
            _faults.Add(new("clockErrorSeconds", "seconds", Incidents.ClockError.Most));
            return;
        }

        ClockError = seconds.ToString("+0;-0;0", System.Globalization.CultureInfo.InvariantCulture);
    }

    private void ReadTexts(JsonElement root, string name, int most, List<string> into)
    {
        if (Member(root, name, name, JsonValueKind.Array) is not { } list)
        {
            return;
        }

        if (list.GetArrayLength() > most)
        {
            _faults.Add(new(name, "too_many", most));
            return;
        }

        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (String(item, $"{name}[{i}]") is { } text)
            {
                into.Add(text);
            }
            else if (item.ValueKind != JsonValueKind.String)
            {
                _faults.Add(new($"{name}[{i}]", "not_text"));
            }

            i++;
        }
    }

    private void ReadAttachments(JsonElement list)
    {
        if (list.GetArrayLength() > Intake.MaxAttachments)
        {
            _faults.Add(new("attachments", "too_many", Intake.MaxAttachments));
            return;
        }

        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            var field = $"attachments[{i++}]";
            if (item.ValueKind != JsonValueKind.Object)
            {
                _faults.Add(new(field, "not_object"));
                continue;
            }

            var name = Text(item, "name", field + ".name");
            var type = Text(item, "mediaType", field + ".mediaType");
            if (item.TryGetProperty("contentBase64", out var content) && content.ValueKind == JsonValueKind.String && content.TryGetBytesFromBase64(out var bytes))
            {
                Attachments.Add(new(name ?? "", type, bytes));
            }
            else
            {
                _faults.Add(new(field + ".contentBase64", "base64"));
            }
        }
    }

    private JsonElement? Member(JsonElement parent, string name, string field, JsonValueKind kind)
    {
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind != kind)
        {
            _faults.Add(new(field, kind == JsonValueKind.Object ? "not_object" : "not_list"));
            return null;
        }

        return value;
    }

    private string? Text(JsonElement parent, string name, string field)
    {
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            _faults.Add(new(field, "not_text"));
            return null;
        }

        return String(value, field);
    }

    /// <summary>A \u escape can name half a character, which no text holds; the reader throws on it, and this names the field instead.</summary>
    private string? String(JsonElement value, string field)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            _faults.Add(new(field, "half_character"));
            return null;
        }
    }
}
