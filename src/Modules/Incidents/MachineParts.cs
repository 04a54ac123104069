using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Renkei.Formats.Csv;
using Renkei.Formats.Mail;
using Renkei.Formats.Rsit;
using Renkei.Formats.Xarf;
using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>What goes along for the recipient's machines: X-ARF v4, one file a target, or one CSV of all targets. Pure.</summary>
public static class MachineParts
{
    /// <summary>More targets than this go as CSV, whatever was asked for.</summary>
    public const int XarfFiles = 20;

    /// <summary>
    /// The files for <paramref name="asksFor"/> (Text, Xarf, Csv). A target whose class X-ARF cannot say from what is known (a port, a service)
    /// has no file: its line in the message stands alone.
    /// </summary>
    public static IReadOnlyList<OutgoingAttachment> Write(string asksFor, CoordinationRequest request, Incident incident, IReadOnlyList<NoticeTarget> targets, Tlp tlp, Mailbox from)
    {
        var many = targets.Count > NoticeText.TargetsListed || (asksFor == nameof(Directories.AsksFor.Xarf) && targets.Count > XarfFiles);
        if (asksFor == nameof(Directories.AsksFor.Csv) || many)
        {
            return [Csv(request, incident, targets)];
        }

        if (asksFor != nameof(Directories.AsksFor.Xarf))
        {
            return [];
        }

        var files = new List<OutgoingAttachment>();
        for (var i = 0; i < targets.Count; i++)
        {
            if (Xarf(request, incident, targets[i], i, tlp, from) is { } json)
            {
                var name = targets.Count == 1 ? "xarf.json" : string.Create(CultureInfo.InvariantCulture, $"xarf-{i + 1}.json");
                files.Add(new(name, "application/json", json));
            }
        }

        return files;
    }

    private static OutgoingAttachment Csv(CoordinationRequest request, Incident incident, IReadOnlyList<NoticeTarget> targets)
    {
        using var bytes = new MemoryStream();
        using (var csv = new CsvWriter(bytes, byteOrderMark: true, leaveOpen: true))
        {
            csv.Row("request", "target", "type", "role", "address", "asn", "country", "seen_utc", "class");
            foreach (var target in targets)
            {
                csv.Row(request.Number, target.Value, target.Type.ToString().ToLowerInvariant(), target.Role.ToString().ToLowerInvariant(), target.Address, target.Asn?.ToString(CultureInfo.InvariantCulture),
                    target.Country, target.SeenExactlyAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), incident.Category + "/" + incident.Type);
            }
        }

        return new("targets.csv", "text/csv; charset=utf-8", bytes.ToArray());
    }

    private static byte[]? Xarf(CoordinationRequest request, Incident incident, NoticeTarget target, int index, Tlp tlp, Mailbox from)
    {
        if (RoleOf(target.Role, incident) is not { } role || XarfMapping.For(incident.Category, incident.Type, role) is not { } kind || SubjectOf(kind, target, incident) is not { } subject)
        {
            return null;
        }

        var party = new XarfParty(from.DisplayName ?? from.Address, from.Address, from.Domain);
        var report = new XarfReport
        {
            ReportId = IdOf(request.Id.Value, index),
            // a port means something only together with the moment it was used; the form requires a time: where nobody stated one, that of our record
            Timestamp = target.Sighting?.At ?? target.SeenExactlyAt ?? target.AddedAt,
            SourcePort = target.Sighting?.Port,
            Reporter = party,
            Sender = party,
            SourceIdentifier = target.Address ?? target.Observable.Host?.Value ?? target.Value,
            Subject = subject,
            Tlp = tlp.Label(),
            Description = request.Number,
        };
        var buffer = new ArrayBufferWriter<byte>();
        return XarfWriter.Write(report, buffer) is null ? buffer.WrittenSpan.ToArray() : null;
    }

    /// <summary>What can be said of the target in the kind's own fields; null where one that the kind requires is not known.</summary>
    private static XarfSubject? SubjectOf(XarfKind kind, NoticeTarget target, Incident incident)
    {
        var sighting = target.Sighting;
        XarfProtocol? protocol = Enum.TryParse<XarfProtocol>(sighting?.Transport, ignoreCase: true, out var known) && Enum.IsDefined(known) ? known : null;
        var url = target.Type switch
        {
            ObservableType.Url => Uri.TryCreate(target.Value, UriKind.Absolute, out var parsed) ? parsed : null,
            ObservableType.Domain => Uri.TryCreate("http://" + target.Value + "/", UriKind.Absolute, out var site) ? site : null,
            _ => null,
        };
        return kind switch
        {
            _ when kind == XarfKind.Phishing && url is not null => new XarfSubject.Phishing(url),
            _ when kind == XarfKind.Malware && url is not null => new XarfSubject.MalwareDistribution(url),
            _ when kind == XarfKind.RemoteCompromise && url is not null => new XarfSubject.CompromisedSite(url, XarfCompromise.Other),
            _ when kind == XarfKind.Fraud && url is not null => new XarfSubject.Fraud(url),
            _ when kind == XarfKind.Botnet => new XarfSubject.Botnet(Evidence(incident), IsController: target.Role == TargetRole.C2),
            _ when kind == XarfKind.CompromisedServer => new XarfSubject.CompromisedServer("unknown"),
            // where it was seen is left out: it may be whom nobody should name
            _ when sighting is null => null,
            _ when kind == XarfKind.LoginAttack && protocol is { } p => new XarfSubject.LoginAttack(p, sighting.First, LastSeen: sighting.Last),
            _ when kind == XarfKind.PortScan && protocol is { } p => new XarfSubject.PortScan(p, sighting.First, LastSeen: sighting.Last),
            _ when kind == XarfKind.Ddos && protocol is { } p => new XarfSubject.Ddos(p, sighting.First, LastSeen: sighting.Last),
            _ when kind == XarfKind.VulnerabilityScan && protocol is { } p and not XarfProtocol.Sctp => new XarfSubject.VulnerabilityScan(p, sighting.First, LastSeen: sighting.Last),
            _ when kind == XarfKind.Spam && sighting.SmtpFrom is { } sender => new XarfSubject.Spam(sender),
            _ when kind == XarfKind.Cve && sighting is { Service: { } service, Port: { } port, Cve: { } cve } => new XarfSubject.VulnerableService(service, port, cve),
            _ when kind == XarfKind.OpenService && sighting.Service is { } service => new XarfSubject.OpenService(service),
            _ when kind == XarfKind.Misconfiguration && sighting.Service is { } service => new XarfSubject.Misconfiguration(service),
            _ => null,
        };
    }

    /// <summary>
    /// The target's part in X-ARF's terms. Whether a victim is infected, holed or only hit, and whether a stepping stone attacks, its incident's
    /// class says; of one who was only hit there is nothing to complain about, so null.
    /// </summary>
    private static XarfTargetRole? RoleOf(TargetRole role, Incident incident) => (role, incident.Category) switch
    {
        (TargetRole.Victim, "vulnerable") => XarfTargetRole.VulnerableHost,
        (TargetRole.Victim, "information-content-security" or "intrusions") => XarfTargetRole.Unspecified,
        (TargetRole.Victim, "availability" or "intrusion-attempts" or "information-gathering" or "abusive-content" or "fraud") => null,
        (TargetRole.SteppingStone, "availability" or "intrusion-attempts" or "information-gathering" or "abusive-content") => XarfTargetRole.AttackSource,
        _ => RoleOf(role),
    };

    private static XarfTargetRole RoleOf(TargetRole role) => role switch
    {
        TargetRole.Phishing => XarfTargetRole.PhishingSite,
        TargetRole.Distribution => XarfTargetRole.DistributionSite,
        TargetRole.DropSite => XarfTargetRole.DropSite,
        TargetRole.C2 => XarfTargetRole.CommandAndControl,
        TargetRole.SteppingStone => XarfTargetRole.SteppingStone,
        TargetRole.Victim => XarfTargetRole.InfectedHost,
        _ => XarfTargetRole.Unspecified,
    };

    /// <summary>What it was reported as; the messages that say so are the grounds beside it.</summary>
    private static string Evidence(Incident incident) => "Reported as: " + (RsitTaxonomy.Find(incident.Category, incident.Type)?.English ?? incident.Type);

    /// <summary>The same target of the same request always has the same report id: writing again changes no byte.</summary>
    private static Guid IdOf(Guid request, int index)
    {
        Span<byte> seed = stackalloc byte[20];
        request.TryWriteBytes(seed);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(seed[16..], index);
        var hash = SHA256.HashData(seed).AsSpan(0, 16).ToArray();
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash, bigEndian: true);
    }
}
