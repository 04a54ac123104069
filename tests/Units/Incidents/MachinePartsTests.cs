using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Renkei.Formats.Mail;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Units.Incidents;

/// <summary>X-ARF for attack sources and vulnerable hosts: what is known is said, what is not known is not made up.</summary>
public class MachinePartsTests
{
    private static readonly TeamId Team = new(Guid.Parse("01900000-0000-7000-8000-00000000000a"));
    private static readonly DateTimeOffset Seen = new(2026, 11, 20, 5, 10, 0, TimeSpan.Zero);
    private static readonly Sighting Full = new(Seen.AddHours(1), Seen, 51234, "tcp", "rdp", "CVE-2026-12345", "sender@spam.example") { Last = Seen.AddHours(2) };

    /// <summary>RSIT class, role, X-ARF type, and the fields it requires beyond the core.</summary>
    public static TheoryData<string, string, TargetRole, string, string[]> Classes { get; } = new()
    {
        { "information-gathering", "scanner", TargetRole.SteppingStone, "connection/port_scan", ["protocol", "first_seen", "source_port"] },
        { "intrusion-attempts", "brute-force", TargetRole.SteppingStone, "connection/login_attack", ["protocol", "first_seen", "source_port"] },
        { "intrusion-attempts", "exploit", TargetRole.SteppingStone, "connection/vulnerability_scan", ["protocol", "first_seen", "scan_type"] },
        { "availability", "ddos", TargetRole.SteppingStone, "connection/ddos", ["protocol", "first_seen", "source_port"] },
        { "availability", "dos", TargetRole.SteppingStone, "connection/ddos", ["protocol", "first_seen", "source_port"] },
        { "abusive-content", "spam", TargetRole.Other, "messaging/spam", ["protocol", "smtp_from", "source_port"] },
        { "vulnerable", "vulnerable-system", TargetRole.Victim, "vulnerability/cve", ["service", "service_port", "cve_id"] },
        { "vulnerable", "potentially-unwanted-accessible", TargetRole.Victim, "vulnerability/open_service", ["service"] },
        { "vulnerable", "ddos-amplifier", TargetRole.Victim, "vulnerability/open_service", ["service"] },
        { "vulnerable", "weak-crypto", TargetRole.Victim, "vulnerability/misconfiguration", ["service"] },
        { "vulnerable", "information-disclosure", TargetRole.Victim, "vulnerability/misconfiguration", ["service"] },
    };

    [Theory]
    [MemberData(nameof(Classes))]
    public void What_was_seen_fills_the_fields_that_the_class_requires(string category, string type, TargetRole role, string kind, string[] required)
    {
        var json = Assert.Single(Written(category, type, role, Full));
        Assert.Equal(kind, json.GetProperty("category").GetString() + "/" + json.GetProperty("type").GetString());
        Assert.All(required, field => Assert.True(json.TryGetProperty(field, out _), field));
        Assert.Equal("203.0.113.66", json.GetProperty("source_identifier").GetString());
        // the port belongs to this moment
        Assert.Equal("2026-11-20T06:10:00Z", json.GetProperty("timestamp").GetString());
        Assert.Equal(51234, json.GetProperty("source_port").GetInt32());
        Assert.False(json.TryGetProperty("destination_ip", out _));
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public void Without_them_there_is_no_file(string category, string type, TargetRole role, string kind, string[] required)
    {
        Assert.NotEmpty(required);
        Assert.Empty(Written(category, type, role, null));
        var bare = new Sighting(Seen, Seen, null, null);
        Assert.True(Written(category, type, role, bare).Count == 0, kind);
    }

    [Theory]
    [InlineData("information-gathering", "scanner")]
    [InlineData("intrusion-attempts", "brute-force")]
    [InlineData("availability", "ddos")]
    [InlineData("abusive-content", "spam")]
    public void About_one_who_was_only_hit_there_is_nothing_to_complain(string category, string type) =>
        Assert.Empty(Written(category, type, TargetRole.Victim, Full));

    [Fact]
    public void A_scan_by_icmp_has_no_port_and_so_no_file() =>
        Assert.Empty(Written("information-gathering", "scanner", TargetRole.SteppingStone, new Sighting(Seen, Seen, null, "icmp")));

    [Fact]
    public void An_infected_host_is_told_by_its_class_and_not_by_its_own_address()
    {
        var json = Assert.Single(Written("malicious-code", "infected-system", TargetRole.Victim, null));
        Assert.Equal("botnet", json.GetProperty("type").GetString());
        Assert.DoesNotContain("203.0.113.66", json.GetProperty("compromise_evidence").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Nov 20 14:10:00 fw kernel: IN=eth0 SRC=203.0.113.66 DST=198.51.100.7 PROTO=TCP SPT=51234 DPT=22", 51234, "tcp", null)]
    [InlineData("src=203.0.113.66 sport=4000 proto=udp", 4000, "udp", null)]
    [InlineData("sshd[812]: Failed password for invalid user admin from 203.0.113.66 port 40022 ssh2", 40022, "tcp", null)]
    [InlineData("postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[203.0.113.66]:2525: 554 5.7.1; from=<sender@spam.example> to=<a@b.example>", 2525, "tcp", "sender@spam.example")]
    public void Lines_of_known_logs_tell_port_and_protocol(string line, int port, string transport, string? from)
    {
        var sighting = Sightings.OfLogs([Log("first line\n" + line)], "203.0.113.66", Seen)!;
        Assert.Equal((port, transport, from, Seen), (sighting.Port!.Value, sighting.Transport, sighting.SmtpFrom, sighting.At));
    }

    [Theory]
    [InlineData("SRC=203.0.113.6 PROTO=TCP SPT=51234")]
    [InlineData("SRC=198.51.100.7 DST=203.0.113.66 PROTO=TCP SPT=51234 DPT=22")]
    [InlineData("SRC=203.0.113.66 PROTO=TCP")]
    [InlineData("SRC=203.0.113.66 PROTO=TCP SPT=99999")]
    [InlineData("SRC=203.0.113.66 SPT=51234")]
    [InlineData("203.0.113.66 was here")]
    public void Lines_that_do_not_tell_are_passed_over(string line) => Assert.Null(Sightings.OfLogs([Log(line)], "203.0.113.66", Seen));

    [Fact]
    public void A_time_with_its_zone_is_the_lines_own_and_without_any_time_nothing_is_said()
    {
        var own = Sightings.OfLogs([Log("2026-11-19T09:00:00+09:00 SRC=203.0.113.66 PROTO=TCP SPT=5")], "203.0.113.66", null)!;
        Assert.Equal(new DateTimeOffset(2026, 11, 19, 0, 0, 0, TimeSpan.Zero), own.At);
        Assert.Null(Sightings.OfLogs([Log("2026-11-19 09:00:00 SRC=203.0.113.66 PROTO=TCP SPT=5")], "203.0.113.66", null));
        Assert.Null(Sightings.OfLogs([Log("SRC=203.0.113.66 PROTO=TCP SPT=5") with { What = AttachmentKind.Analysis }], "203.0.113.66", Seen));
    }

    [Fact]
    public void Only_events_of_the_incidents_own_class_count_and_the_latest_gives_the_port()
    {
        var incident = Incident("intrusion-attempts", "brute-force");
        ReportItem Item(int line, string type, int port, DateTimeOffset at) => new()
        {
            Report = new ReportId(Guid.Parse("01900000-0000-7000-8000-000000000004")),
            Line = line,
            Key = "k" + line.ToString(CultureInfo.InvariantCulture),
            At = at,
            SourceIp = "203.0.113.66",
            Event = $$$"""{"classification":{"taxonomy":"intrusion-attempts","type":"{{{type}}}"},"source":{"ip":"203.0.113.66","port":{{{port}}}},"protocol":{"transport":"tcp","application":"ssh"}}""",
        };
        var sighting = Sightings.OfItems([Item(2, "brute-force", 1000, Seen), Item(3, "brute-force", 3000, Seen.AddHours(2)), Item(4, "brute-force", 2000, Seen.AddHours(1)), Item(5, "exploit", 9, Seen.AddDays(1))], incident)!;
        Assert.Equal((3000, Seen, Seen.AddHours(2), "ssh"), (sighting.Port!.Value, sighting.First, sighting.Last!.Value, sighting.Service));
        Assert.Null(Sightings.OfItems([Item(5, "exploit", 9, Seen)], incident));
    }

    /// <summary>Runs only where the schemas of X-ARF v4 lie: RENKEI_CONFORMANCE names their folder.</summary>
    [Theory]
    [MemberData(nameof(Classes))]
    public void The_schemas_of_xarf_accept_each_file(string category, string type, TargetRole role, string kind, string[] required)
    {
        var folder = Environment.GetEnvironmentVariable("RENKEI_CONFORMANCE");
        Assert.SkipWhen(string.IsNullOrEmpty(folder) || !File.Exists(Path.Combine(folder, "v4", "xarf-v4-master.json")), "RENKEI_CONFORMANCE does not name the X-ARF schemas");
        var schemas = new Schemas(Path.Combine(folder!, "v4"));
        var json = Assert.Single(Written(category, type, role, Full));
        Assert.Empty(schemas.Faults(json, "xarf-v4-master.json"));
        // and the schemas are really asked
        Assert.NotEmpty(schemas.Faults(JsonDocument.Parse(json.GetRawText().Replace($"\"{required[0]}\"", "\"other_name\"", StringComparison.Ordinal)).RootElement, "xarf-v4-master.json"));
        Assert.EndsWith(json.GetProperty("type").GetString()!, kind, StringComparison.Ordinal);
    }

    private static NoticeGround Log(string text) => new("access.log", AttachmentKind.LogExcerpt, "text/plain", Encoding.UTF8.GetBytes(text));

    private static Incident Incident(string category, string type) => new() { Id = new IncidentId(Guid.Parse("01900000-0000-7000-8000-000000000003")), Marking = Marking.Own(Team), Number = "INC-2026-0001", Title = "x", Category = category, Type = type, OpenedAt = Seen };

    private static List<JsonElement> Written(string category, string type, TargetRole role, Sighting? sighting)
    {
        var incident = Incident(category, type);
        var request = new CoordinationRequest
        {
            Id = new RequestId(Guid.Parse("01900000-0000-7000-8000-000000000002")),
            Marking = Marking.Own(Team),
            Number = "REQ-1182",
            Incident = incident.Id,
            RecipientName = "Mizuhara Net",
            RecipientMail = "abuse@mizuhara-net.example",
            Language = "en",
            Purpose = RequestPurpose.Investigate,
            Why = "[]",
            DueAt = Seen.AddDays(1),
            Subject = "Request",
            Iso2022Jp = false,
        };
        Mailbox.TryCreate("aozora@aozora.example", "Aozora CERT", out var from, out _);
        var target = new NoticeTarget(ObservableType.IPv4, "203.0.113.66", role, null, 64501, "JP", Seen) { Sighting = sighting };
        return [.. MachineParts.Write("Xarf", request, incident, [target], Tlp.Amber, from!).Select(f => JsonDocument.Parse(f.Content).RootElement)];
    }

    /// <summary>As much of JSON Schema 2020-12 as these schemas use; a keyword that it does not know is a fault.</summary>
    private sealed class Schemas(string folder)
    {
        private static readonly HashSet<string> Silent = ["$schema", "$id", "$defs", "title", "description", "examples", "default", "x-recommended", "contentEncoding", "then"];

        private readonly Dictionary<string, JsonElement> _files = new(StringComparer.Ordinal);

        public List<string> Faults(JsonElement value, string file)
        {
            var faults = new List<string>();
            Check(value, Load(file), file, "", faults);
            return faults;
        }

        private JsonElement Load(string file) => _files.TryGetValue(file, out var known) ? known : _files[file] = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, file))).RootElement;

        private bool Fits(JsonElement value, JsonElement schema, string file)
        {
            var faults = new List<string>();
            Check(value, schema, file, "", faults);
            return faults.Count == 0;
        }

        private void Check(JsonElement value, JsonElement schema, string file, string at, List<string> faults)
        {
            if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                Must(schema.ValueKind == JsonValueKind.True, "not allowed");
                return;
            }

            void Must(bool holds, string what)
            {
                if (!holds)
                {
                    faults.Add(at + ": " + what);
                }
            }

            foreach (var (name, rule) in schema.EnumerateObject().Select(p => (p.Name, p.Value)))
            {
                switch (name)
                {
                    case "$ref":
                        var (target, path) = rule.GetString()!.Split('#') is [var f, var p] ? (f, p) : (rule.GetString()!, "");
                        var next = target.Length == 0 ? file : Path.GetRelativePath(folder, Path.GetFullPath(Path.Combine(folder, Path.GetDirectoryName(file)!, target)));
                        Check(value, path.Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate(Load(next), (e, step) => e.GetProperty(step)), next, at, faults);
                        break;
                    case "allOf":
                        foreach (var part in rule.EnumerateArray())
                        {
                            Check(value, part, file, at, faults);
                        }

                        break;
                    case "anyOf":
                        Must(rule.EnumerateArray().Any(part => Fits(value, part, file)), "fits none of anyOf");
                        break;
                    case "if":
                        if (Fits(value, rule, file) && schema.TryGetProperty("then", out var then))
                        {
                            Check(value, then, file, at, faults);
                        }

                        break;
                    case "required" when value.ValueKind == JsonValueKind.Object:
                        Assert.All(rule.EnumerateArray(), field => Must(value.TryGetProperty(field.GetString()!, out _), "lacks " + field));
                        break;
                    case "properties" when value.ValueKind == JsonValueKind.Object:
                        foreach (var property in rule.EnumerateObject().Where(p => value.TryGetProperty(p.Name, out _)))
                        {
                            Check(value.GetProperty(property.Name), property.Value, file, at + "/" + property.Name, faults);
                        }

                        break;
                    case "additionalProperties" when value.ValueKind == JsonValueKind.Object && rule.ValueKind == JsonValueKind.False:
                        Assert.All(value.EnumerateObject(), p => Must(schema.GetProperty("properties").TryGetProperty(p.Name, out _), "has " + p.Name));
                        break;
                    case "items" when value.ValueKind == JsonValueKind.Array:
                        foreach (var item in value.EnumerateArray())
                        {
                            Check(item, rule, file, at + "[]", faults);
                        }

                        break;
                    case "type":
                        Must(rule.GetString() switch { "string" => value.ValueKind == JsonValueKind.String, "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _), "number" => value.ValueKind == JsonValueKind.Number, "array" => value.ValueKind == JsonValueKind.Array, "object" => value.ValueKind == JsonValueKind.Object, "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False, _ => false }, "not of type " + rule);
                        break;
                    case "const":
                        Must(JsonElement.DeepEquals(value, rule), "is not " + rule);
                        break;
                    case "enum":
                        Must(rule.EnumerateArray().Any(e => JsonElement.DeepEquals(value, e)), "is none of " + rule);
                        break;
                    case "format" when value.ValueKind == JsonValueKind.String:
                        var text = value.GetString()!;
                        Must(rule.GetString() switch { "ipv4" => IPAddress.TryParse(text, out var a) && !a.ToString().Contains(':', StringComparison.Ordinal), "ipv6" => IPAddress.TryParse(text, out var b) && b.ToString().Contains(':', StringComparison.Ordinal), "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _), "email" => text.Contains('@', StringComparison.Ordinal), _ => true }, "not of format " + rule);
                        break;
                    case "pattern" when value.ValueKind == JsonValueKind.String:
                        Must(Regex.IsMatch(value.GetString()!, rule.GetString()!, RegexOptions.NonBacktracking, TimeSpan.FromSeconds(1)), "not of the form " + rule);
                        break;
                    case "minimum" when value.ValueKind == JsonValueKind.Number:
                        Must(value.GetDouble() >= rule.GetDouble(), "below " + rule);
                        break;
                    case "maximum" when value.ValueKind == JsonValueKind.Number:
                        Must(value.GetDouble() <= rule.GetDouble(), "above " + rule);
                        break;
                    case "maxLength" when value.ValueKind == JsonValueKind.String:
                        Must(value.GetString()!.Length <= rule.GetInt32(), "too long");
                        break;
                    case "maxItems" when value.ValueKind == JsonValueKind.Array:
                        Must(value.GetArrayLength() <= rule.GetInt32(), "too many");
                        break;
                    case "minItems" when value.ValueKind == JsonValueKind.Array:
                        Must(value.GetArrayLength() >= rule.GetInt32(), "too few");
                        break;
                    case "required" or "properties" or "additionalProperties" or "items" or "format" or "pattern" or "minimum" or "maximum" or "maxLength" or "maxItems" or "minItems" or "uniqueItems":
                        break;
                    default:
                        Assert.True(Silent.Contains(name), "The validator does not know " + name);
                        break;
                }
            }
        }
    }
}
