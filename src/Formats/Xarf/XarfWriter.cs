using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Renkei.Formats.Mail;

namespace Renkei.Formats.Xarf;

/// <summary>Writes X-ARF v4 JSON, UTF-8, indented: a person opens the attachment too.</summary>
public static class XarfWriter
{
    public const string Version = "4.2.0";

    private const int EvidenceBytes = 5 * 1024 * 1024;
    private const int EvidenceItems = 50;
    private const int TagItems = 20;
    private const int TextChars = 2048;

    private static readonly JsonWriterOptions s_options = new()
    {
        Indented = true,
        // Japanese stays legible; what means something to HTML is still escaped
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
    };

    private static readonly string[] s_ddosSources = ["firewall_logs", "ids_detection", "flow_analysis", "traffic_monitoring", "honeypot"];
    private static readonly string[] s_spamSources = ["spamtrap", "user_complaint", "automated_filter", "honeypot", "content_analysis", "reputation_feed"];
    private static readonly string[] s_cveSources = ["vulnerability_scan", "researcher_analysis", "automated_discovery", "penetration_testing"];
    private static readonly string[] s_tlpLabels = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"];
    private static readonly string[] s_fraudTypes =
        ["investment", "romance", "tech_support", "lottery", "advance_fee", "cryptocurrency", "shopping", "charity", "employment", "government_impersonation", "other"];
    private static readonly string[] s_scanTypes =
        ["port_scan", "vulnerability_scan", "version_detection", "os_fingerprinting", "service_enumeration", "web_vuln_scan", "directory_brute_force", "mixed"];

    /// <summary>Checks the report against what its type asks for, then writes it. Null when it was written; on a fault
    /// nothing reaches <paramref name="output"/>.</summary>
    public static XarfFault? Write(XarfReport report, IBufferWriter<byte> output)
    {
        List<string> tags = [.. report.Tags];
        if (report.Tlp is not null)
            tags.Add(report.Tlp.ToLowerInvariant());
        if (report.Subject is XarfSubject.Botnet { IsController: true })
            tags.Add("botnet:command-and-control");
        XarfFault? fault = Check(report, tags);
        if (fault is not null)
            return fault;

        XarfKind kind = XarfKind.Of(report.Subject);
        using Utf8JsonWriter json = new(output, s_options);
        json.WriteStartObject();
        json.WriteString("xarf_version", Version);
        json.WriteString("report_id", report.ReportId);
        json.WriteString("timestamp", Utc(report.Timestamp));
        WriteParty(json, "reporter", report.Reporter);
        WriteParty(json, "sender", report.Sender);
        json.WriteString("source_identifier", report.SourceIdentifier);
        if (report.SourcePort is { } port)
            json.WriteNumber("source_port", port);
        json.WriteString("category", kind.Category);
        json.WriteString("type", kind.Type);
        WriteSubject(json, report.Subject, report.SourceIdentifier);
        WriteOptional(json, "evidence_source", report.EvidenceSource);
        WriteOptional(json, "description", report.Description);
        if (report.Confidence is { } confidence)
            json.WriteNumber("confidence", confidence);
        if (tags.Count > 0)
        {
            json.WriteStartArray("tags");
            foreach (string tag in tags.Distinct(StringComparer.Ordinal))
                json.WriteStringValue(tag);
            json.WriteEndArray();
        }

        WriteEvidence(json, report.Evidence);
        json.WriteEndObject();
        return null;
    }

    private static void WriteSubject(Utf8JsonWriter json, XarfSubject subject, string source)
    {
        switch (subject)
        {
            case XarfSubject.Phishing s:
                json.WriteString("url", s.Url.AbsoluteUri);
                WriteOptional(json, "target_brand", s.TargetBrand);
                WriteOptional(json, "submission_url", s.SubmissionUrl?.AbsoluteUri);
                break;
            case XarfSubject.MalwareDistribution s:
                json.WriteString("url", s.Url.AbsoluteUri);
                WriteOptional(json, "malware_family", s.Family);
                if (s.Sha256 is not null)
                {
                    json.WriteStartObject("file_hashes");
                    json.WriteString("sha256", s.Sha256.ToLowerInvariant());
                    json.WriteEndObject();
                }

                break;
            case XarfSubject.CompromisedSite s:
                json.WriteString("url", s.Url.AbsoluteUri);
                json.WriteString("compromise_type", JsonNamingPolicy.SnakeCaseLower.ConvertName(s.Compromise.ToString()));
                break;
            case XarfSubject.Fraud s:
                json.WriteString("url", s.Url.AbsoluteUri);
                json.WriteString("fraud_type", s.FraudType);
                WriteOptional(json, "claimed_entity", s.ClaimedEntity);
                break;
            case XarfSubject.Botnet s:
                json.WriteString("compromise_evidence", s.Evidence);
                WriteOptional(json, "malware_family", s.Family);
                WriteOptional(json, "c2_server", s.C2Server ?? (s.IsController ? source : null));
                break;
            case XarfSubject.CompromisedServer s:
                json.WriteString("compromise_method", s.Method);
                break;
            case XarfSubject.LoginAttack s:
                WriteConnection(json, s.Protocol, s.FirstSeen, s.LastSeen, s.Destination);
                break;
            case XarfSubject.PortScan s:
                WriteConnection(json, s.Protocol, s.FirstSeen, s.LastSeen, s.Destination);
                break;
            case XarfSubject.Ddos s:
                WriteConnection(json, s.Protocol, s.FirstSeen, s.LastSeen, s.Destination);
                WriteOptional(json, "attack_vector", s.AttackVector);
                break;
            case XarfSubject.VulnerabilityScan s:
                // this type has no destination_port, only the list of ports tried
                WriteConnection(json, s.Protocol, s.FirstSeen, s.LastSeen, s.Destination is null ? null : s.Destination with { Port = null });
                json.WriteString("scan_type", s.ScanType);
                if (s.Destination?.Port is { } port)
                {
                    json.WriteStartArray("targeted_ports");
                    json.WriteNumberValue(port);
                    json.WriteEndArray();
                }

                break;
            case XarfSubject.OpenService s:
                json.WriteString("service", s.Service);
                break;
            case XarfSubject.Misconfiguration s:
                json.WriteString("service", s.Service);
                break;
            case XarfSubject.VulnerableService s:
                json.WriteString("service", s.Service);
                json.WriteNumber("service_port", s.Port);
                json.WriteString("cve_id", s.CveId);
                break;
            case XarfSubject.Spam s:
                json.WriteString("protocol", "smtp");
                json.WriteString("smtp_from", s.SmtpFrom);
                WriteOptional(json, "subject", s.Subject);
                WriteOptional(json, "message_id", s.MessageId);
                break;
        }
    }

    private static void WriteConnection(Utf8JsonWriter json, XarfProtocol protocol, DateTimeOffset first, DateTimeOffset? last, XarfDestination? destination)
    {
        json.WriteString("protocol", protocol.ToString().ToLowerInvariant());
        json.WriteString("first_seen", Utc(first));
        if (last is { } seen)
            json.WriteString("last_seen", Utc(seen));
        if (destination is null)
            return;
        json.WriteString("destination_ip", destination.Address.ToString());
        if (destination.Port is { } port)
            json.WriteNumber("destination_port", port);
    }

    private static void WriteParty(Utf8JsonWriter json, string name, XarfParty party)
    {
        json.WriteStartObject(name);
        json.WriteString("org", party.Org);
        json.WriteString("contact", Mailbox.TryCreate(party.Contact, null, out Mailbox? contact, out _) ? contact.Address : party.Contact);
        json.WriteString("domain", Mailbox.TryDomain(party.Domain, out string? domain) ? domain : party.Domain);
        json.WriteEndObject();
    }

    private static void WriteEvidence(Utf8JsonWriter json, IReadOnlyList<XarfEvidence> evidence)
    {
        if (evidence.Count == 0)
            return;
        json.WriteStartArray("evidence");
        foreach (XarfEvidence item in evidence)
        {
            json.WriteStartObject();
            json.WriteString("content_type", item.ContentType);
            json.WriteString("description", item.Description);
            json.WriteBase64String("payload", item.Content.Span);
            json.WriteString("hash", "sha256:" + Convert.ToHexStringLower(SHA256.HashData(item.Content.Span)));
            json.WriteNumber("size", item.Content.Length);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }

    private static string Utc(DateTimeOffset time) =>
        time.ToUniversalTime().ToString(time.Millisecond == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static XarfFault? Check(XarfReport report, List<string> tags) =>
        CheckReportId(report.ReportId)
        ?? CheckParty("reporter", report.Reporter)
        ?? CheckParty("sender", report.Sender)
        ?? Text("source_identifier", report.SourceIdentifier, TextChars)
        ?? Port("source_port", report.SourcePort)
        ?? CheckSourcePort(report)
        ?? CheckSubject(report.Subject)
        ?? CheckEvidenceSource(report)
        ?? OptionalText("description", report.Description, 1000, lines: true)
        ?? CheckConfidence(report.Confidence)
        ?? CheckTlp(report.Tlp)
        ?? CheckTags(tags)
        ?? CheckEvidence(report.Evidence);

    private static XarfFault? CheckReportId(Guid id) =>
        id == Guid.Empty ? new(XarfFaultKind.Missing, "report_id", "A report has an id of its own.") : null;

    private static XarfFault? CheckParty(string field, XarfParty party)
    {
        if (Text(field + ".org", party.Org, 200) is { } fault)
            return fault;
        if (!Mailbox.TryCreate(party.Contact, null, out _, out MailFault? bad))
            return new(XarfFaultKind.Invalid, field + ".contact", bad.Message);
        return Mailbox.TryDomain(party.Domain, out _) ? null : new(XarfFaultKind.Invalid, field + ".domain", "Not a domain name.");
    }

    private static XarfFault? CheckSourcePort(XarfReport report) =>
        report.SourcePort is null && XarfKind.Of(report.Subject).RequiredFields.Contains("source_port", StringComparer.Ordinal)
            ? new(XarfFaultKind.Missing, "source_port", "This type needs the source port.")
            : null;

    private static XarfFault? CheckSubject(XarfSubject subject) => subject switch
    {
        XarfSubject.Phishing s => Url("url", s.Url) ?? OptionalText("target_brand", s.TargetBrand, TextChars)
            ?? (s.SubmissionUrl is null ? null : Url("submission_url", s.SubmissionUrl)),
        XarfSubject.MalwareDistribution s => Url("url", s.Url) ?? OptionalText("malware_family", s.Family, 200)
            ?? (s.Sha256 is null || (s.Sha256.Length == 64 && s.Sha256.All(char.IsAsciiHexDigit))
                ? null : new XarfFault(XarfFaultKind.Invalid, "file_hashes.sha256", "64 hex digits.")),
        XarfSubject.CompromisedSite s => Url("url", s.Url) ?? Known("compromise_type", Enum.IsDefined(s.Compromise)),
        XarfSubject.Fraud s => Url("url", s.Url) ?? Known("fraud_type", s_fraudTypes.Contains(s.FraudType, StringComparer.Ordinal))
            ?? OptionalText("claimed_entity", s.ClaimedEntity, TextChars),
        XarfSubject.Botnet s => Text("compromise_evidence", s.Evidence, TextChars, lines: true)
            ?? OptionalText("malware_family", s.Family, 200) ?? OptionalText("c2_server", s.C2Server, TextChars),
        XarfSubject.CompromisedServer s => Text("compromise_method", s.Method, TextChars),
        XarfSubject.LoginAttack s => Connection(s.Protocol, s.FirstSeen, s.LastSeen, s.Destination),
        XarfSubject.PortScan s => Connection(s.Protocol, s.FirstSeen, s.LastSeen, s.Destination),
        XarfSubject.Ddos s => Connection(s.Protocol, s.FirstSeen, s.LastSeen, s.Destination) ?? OptionalText("attack_vector", s.AttackVector, 200),
        XarfSubject.VulnerabilityScan s => Connection(s.Protocol, s.FirstSeen, s.LastSeen, s.Destination)
            ?? Known("protocol", s.Protocol != XarfProtocol.Sctp)
            ?? Known("scan_type", s_scanTypes.Contains(s.ScanType, StringComparer.Ordinal)),
        XarfSubject.OpenService s => Text("service", s.Service, 200),
        XarfSubject.Misconfiguration s => Text("service", s.Service, 200),
        XarfSubject.VulnerableService s => Text("service", s.Service, 200) ?? Port("service_port", s.Port) ?? Cve(s.CveId),
        XarfSubject.Spam s => (Mailbox.TryCreate(s.SmtpFrom, null, out _, out MailFault? bad) ? null : new XarfFault(XarfFaultKind.Invalid, "smtp_from", bad.Message))
            ?? OptionalText("subject", s.Subject, 500) ?? OptionalText("message_id", s.MessageId, 200),
        _ => new XarfFault(XarfFaultKind.Invalid, "type", "No such type."),
    };

    private static XarfFault? Connection(XarfProtocol protocol, DateTimeOffset first, DateTimeOffset? last, XarfDestination? destination)
    {
        if (last < first)
            return new(XarfFaultKind.Invalid, "last_seen", "It ended before it began.");
        if (destination is not null && destination.Address.AddressFamily == AddressFamily.InterNetworkV6 && destination.Address.ScopeId != 0)
            return new(XarfFaultKind.Invalid, "destination_ip", "An address with a zone means nothing elsewhere.");
        return Known("protocol", Enum.IsDefined(protocol)) ?? Port("destination_port", destination?.Port);
    }

    private static XarfFault? CheckEvidenceSource(XarfReport report)
    {
        if (report.EvidenceSource is null)
            return null;
        string[]? allowed = report.Subject switch
        {
            XarfSubject.Ddos => s_ddosSources,
            XarfSubject.Spam => s_spamSources,
            XarfSubject.VulnerableService => s_cveSources,
            _ => null,
        };
        return Text("evidence_source", report.EvidenceSource, 100)
            ?? Known("evidence_source", allowed?.Contains(report.EvidenceSource, StringComparer.Ordinal) ?? true);
    }

    private static XarfFault? CheckConfidence(double? confidence) =>
        confidence is null or (>= 0 and <= 1) ? null : new(XarfFaultKind.Invalid, "confidence", "From 0 to 1.");

    private static XarfFault? CheckTlp(string? tlp) =>
        tlp is null || s_tlpLabels.Contains(tlp, StringComparer.Ordinal) ? null : new(XarfFaultKind.Invalid, "tags", "Not a TLP 2.0 label.");

    private static XarfFault? CheckTags(List<string> tags)
    {
        if (tags.Count > TagItems)
            return new(XarfFaultKind.TooMany, "tags", $"At most {TagItems} tags.");
        foreach (string tag in tags)
        {
            string[] parts = tag.Split(':');
            if (tag.Length > 200 || parts.Length != 2 || !parts.All(IsTagPart))
                return new(XarfFaultKind.Invalid, "tags", "A tag has the form namespace:predicate, of a-z, 0-9, _, + and -.");
        }

        return null;

        static bool IsTagPart(string part) =>
            part.Length > 0 && part[0] is not ('_' or '+' or '-')
            && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '+' or '-');
    }

    private static XarfFault? CheckEvidence(IReadOnlyList<XarfEvidence> evidence)
    {
        if (evidence.Count > EvidenceItems)
            return new(XarfFaultKind.TooMany, "evidence", $"At most {EvidenceItems} items.");
        for (int i = 0; i < evidence.Count; i++)
        {
            XarfEvidence item = evidence[i];
            if (item.Content.Length > EvidenceBytes)
                return new(XarfFaultKind.TooLong, $"evidence[{i}].payload", $"At most {EvidenceBytes} bytes.");
            XarfFault? fault = Text($"evidence[{i}].content_type", item.ContentType, 200)
                ?? Text($"evidence[{i}].description", item.Description, 500);
            if (fault is not null)
                return fault;
        }

        return null;
    }

    private static XarfFault? Url(string field, Uri url) =>
        url.IsAbsoluteUri && url.AbsoluteUri.Length <= TextChars * 4 ? null : new(XarfFaultKind.Invalid, field, "An absolute URL of bounded length.");

    private static XarfFault? Port(string field, int? port) =>
        port is null or (>= 1 and <= 65535) ? null : new(XarfFaultKind.Invalid, field, "A port is 1 to 65535.");

    private static XarfFault? Cve(string id)
    {
        string[] parts = id.Split('-');
        bool fine = id.Length <= 30 && parts.Length == 3 && string.Equals(parts[0], "CVE", StringComparison.Ordinal)
            && parts[1].Length == 4 && parts[2].Length >= 4 && parts[1].All(char.IsAsciiDigit) && parts[2].All(char.IsAsciiDigit);
        return Known("cve_id", fine);
    }

    private static XarfFault? Known(string field, bool known) =>
        known ? null : new(XarfFaultKind.Invalid, field, "The schema does not know this value.");

    private static XarfFault? OptionalText(string field, string? value, int max, bool lines = false) =>
        value is null ? null : Text(field, value, max, lines);

    private static XarfFault? Text(string field, string value, int max, bool lines = false)
    {
        if (string.IsNullOrWhiteSpace(value))
            return new(XarfFaultKind.Missing, field, "It is empty.");
        if (value.Length > max)
            return new(XarfFaultKind.TooLong, field, $"At most {max} characters.");
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            bool paired = char.IsHighSurrogate(c) && i + 1 < value.Length && char.IsLowSurrogate(value[i + 1]);
            if (char.IsSurrogate(c) && !paired)
                return new(XarfFaultKind.NotText, field, "Half of a surrogate pair.");
            if (char.IsControl(c) && !(lines && c is '\n' or '\r' or '\t'))
                return new(XarfFaultKind.NotText, field, $"U+{(int)c:X4} may not stand here.");
            if (paired)
                i++;
        }

        return null;
    }
}
