using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>One time that a target was seen doing what the incident is about, as far as a machine's report or a log tells it; nothing here is guessed.</summary>
/// <param name="At">When this one was; port and time belong together, for many share one address.</param>
/// <param name="First">When it was first seen.</param>
/// <param name="Transport">tcp, udp, icmp or sctp.</param>
/// <param name="Service">The protocol or product that answered.</param>
/// <param name="SmtpFrom">Envelope sender.</param>
public sealed record Sighting(DateTimeOffset At, DateTimeOffset First, int? Port, string? Transport, string? Service = null, string? Cve = null, string? SmtpFrom = null)
{
    public DateTimeOffset? Last { get; init; }
}

/// <summary>Looks up what is known of how targets were seen: in imported machine reports of the incident's own class, else in the logs that go along as grounds.</summary>
public static partial class Sightings
{
    private const int MaxItems = 5_000;
    private const int MaxLog = 1024 * 1024;
    private const int MaxLine = 4_000;

    public static async Task<IReadOnlyList<NoticeTarget>> AddAsync(NodeDb db, Incident incident, IReadOnlyList<NoticeTarget> targets, IReadOnlyList<NoticeGround> grounds, CancellationToken ct)
    {
        var addresses = targets.Select(AddressOf).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        if (addresses.Length == 0)
        {
            return targets;
        }

        var id = incident.Id;
        var reports = await db.ReportLinks.Where(l => l.Incident == id && l.EndedAt == null).Select(l => l.Report).ToArrayAsync(ct);
        var items = await db.ReportItems.AsNoTracking().Where(i => reports.Contains(i.Report) && addresses.Contains(i.SourceIp)).OrderBy(i => i.Line).ThenBy(i => i.Key).Take(MaxItems).ToListAsync(ct);
        var seen = items.ToLookup(i => i.SourceIp!, StringComparer.Ordinal);
        return [.. targets.Select(t => AddressOf(t) is { } address ? t with { Sighting = OfItems(seen[address], incident) ?? OfLogs(grounds, address, incident.OccurredAt) } : t)];
    }

    /// <summary>The latest of the events that are of the incident's class.</summary>
    public static Sighting? OfItems(IEnumerable<ReportItem> items, Incident incident)
    {
        Sighting? latest = null;
        var (first, last) = (DateTimeOffset.MaxValue, DateTimeOffset.MinValue);
        foreach (var item in items)
        {
            if (item.At is not { } at || Read(item.Event, at, incident) is not { } sighting)
            {
                continue;
            }

            (first, last) = (at < first ? at : first, at > last ? at : last);
            // the most telling, then the latest
            if (latest is null || (sighting.Port is not null, sighting.Cve is not null, at).CompareTo((latest.Port is not null, latest.Cve is not null, latest.At)) > 0)
            {
                latest = sighting;
            }
        }

        return latest is null ? null : latest with { First = first, Last = last == first ? null : last };
    }

    /// <summary>The first line of a log that names the address as its source, with port and protocol: netfilter, sshd and Postfix write such lines.</summary>
    public static Sighting? OfLogs(IEnumerable<NoticeGround> grounds, string address, DateTimeOffset? occurred)
    {
        foreach (var ground in grounds.Where(g => g.What == AttachmentKind.LogExcerpt && g.Bytes.Length <= MaxLog))
        {
            foreach (var line in Encoding.UTF8.GetString(ground.Bytes.Span).Split('\n'))
            {
                if (line.Length <= MaxLine && line.Contains(address, StringComparison.OrdinalIgnoreCase) && OfLine(line, address, occurred) is { } sighting)
                {
                    return sighting;
                }
            }
        }

        return null;
    }

    private static Sighting? OfLine(string line, string address, DateTimeOffset? occurred)
    {
        // a time without a zone says nothing to others; then the incident's own must do
        var at = TimeForm().Match(line) is { Success: true } time && DateTimeOffset.TryParse(time.ValueSpan, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var stamped) ? stamped : occurred;
        if (at is not { } when)
        {
            return null;
        }

        bool Same(Group group) => string.Equals(group.Value, address, StringComparison.OrdinalIgnoreCase);
        if (SshForm().Match(line) is { Success: true } ssh && Same(ssh.Groups["ip"]) && Port(ssh.Groups["port"]) is { } sshPort)
        {
            return new(when, when, sshPort, "tcp", "ssh");
        }

        if (MailForm().Match(line) is { Success: true } mail && Same(mail.Groups["ip"]) && Port(mail.Groups["port"]) is { } mailPort && FromForm().Match(line) is { Success: true } from)
        {
            return new(when, when, mailPort, "tcp", "smtp", SmtpFrom: from.Groups["from"].Value);
        }

        return SourceForm().Match(line) is { Success: true } source && Same(source.Groups["ip"]) && SourcePortForm().Match(line) is { Success: true } port && Port(port.Groups["port"]) is { } number
            && ProtocolForm().Match(line) is { Success: true } protocol
            ? new(when, when, number, protocol.Groups["name"].Value.ToLowerInvariant()) : null;
    }

    private static Sighting? Read(string json, DateTimeOffset at, Incident incident)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        string? Of(string one, string two) => root.TryGetProperty(one, out var a) && a.ValueKind == JsonValueKind.Object && a.TryGetProperty(two, out var b) ? b.ToString() : null;
        if (Of("classification", "taxonomy") != incident.Category || Of("classification", "type") != incident.Type)
        {
            return null;
        }

        var cve = root.TryGetProperty("vulnerabilities", out var holes) && holes.ValueKind == JsonValueKind.Array && holes.GetArrayLength() > 0 ? holes[0].GetString() : null;
        return new(at, at, int.TryParse(Of("source", "port"), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port : null, Of("protocol", "transport"), Of("protocol", "application"), cve);
    }

    private static string? AddressOf(NoticeTarget target) => target.Type is ObservableType.IPv4 or ObservableType.IPv6 ? target.Value : null;

    private static int? Port(Group group) => int.TryParse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port : null;

    [GeneratedRegex(@"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?(Z|[+-][0-9]{2}:?[0-9]{2})", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex TimeForm();

    [GeneratedRegex(@"\bsshd\b.*\bfrom (?<ip>[0-9a-f:.]{3,45}) port (?<port>[0-9]{1,5})\b", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex SshForm();

    [GeneratedRegex(@"\bfrom [^\s\[]{1,255}\[(?<ip>[0-9a-f:.]{3,45})\]:(?<port>[0-9]{1,5})\b", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex MailForm();

    [GeneratedRegex(@"\bfrom=<(?<from>[^<>\s@]{1,64}@[^<>\s@]{1,255})>", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex FromForm();

    [GeneratedRegex(@"\b(src|srcip|src_ip|saddr)=""?(?<ip>[0-9a-f:.]{3,45})\b", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex SourceForm();

    [GeneratedRegex(@"\b(spt|sport|srcport|src_port)=""?(?<port>[0-9]{1,5})\b", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex SourcePortForm();

    [GeneratedRegex(@"\b(proto|protocol|transport)=""?(?<name>tcp|udp|icmp|sctp)\b", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex ProtocolForm();
}
