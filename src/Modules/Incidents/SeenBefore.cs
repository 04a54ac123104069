using System.Globalization;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>Where the desk has met an observable, and its records by number: reports, incidents (as target) and requests, through the read rule.</summary>
public sealed class SeenBefore(NodeDb db) : ISeenBefore, IRecordNames
{
    /// <summary>Addresses compared with a prefix, from each of the three tables; a /24 has 256.</summary>
    private const int MaxWithin = 2_000;

    public async Task<IReadOnlyList<SeenRecord>> FindAsync(Observable observable, int take, CancellationToken ct)
    {
        var (type, value) = (observable.Type, observable.Value);
        var (inner, within) = await WithinAsync(observable, ct);
        var targets = await db.IncidentTargets.AsNoTracking().Where(t => ((t.Type == type && t.Value == value) || (t.Type == inner && within.Contains(t.Value))) && t.RemovedAt == null).OrderByDescending(t => t.AddedAt).Take(take).ToListAsync(ct);
        var roles = targets.GroupBy(t => t.Incident).ToDictionary(g => g.Key, g => g.First().Role);
        var incidentIds = roles.Keys.ToArray();
        var incidents = await db.Incidents.AsNoTracking().Where(i => incidentIds.Contains(i.Id)).ToListAsync(ct);
        var inReports = db.ReportObservables.Where(o => (o.Type == type && o.Value == value) || (o.Type == inner && within.Contains(o.Value))).Select(o => o.Report);
        var reports = await db.Reports.AsNoTracking().Where(r => inReports.Contains(r.Id)).OrderByDescending(r => r.ReceivedAt).Take(take).ToListAsync(ct);
        var inRequests = db.Set<RequestTarget>().Where(t => (t.Type == type && t.Value == value) || (t.Type == inner && within.Contains(t.Value))).Select(t => t.Request);
        var requests = await db.Requests.AsNoTracking().Where(r => inRequests.Contains(r.Id)).OrderByDescending(r => r.CreatedAt).Take(take).ToListAsync(ct);
        return [.. incidents.Select(i => Of(i) with { Role = "seen.role." + RoleKey(roles[i.Id]) }).Concat(reports.Select(Of)).Concat(requests.Select(Of)).OrderByDescending(s => s.At).Take(take)];
    }

    /// <summary>
    /// Addresses on record that lie in a prefix. The store holds canonical text, so those that begin like the prefix are read and each is
    /// compared in full. Only from /24 and /48 on: of a wider one more addresses begin alike than a page should look through.
    /// </summary>
    private async Task<(ObservableType Type, string[] Values)> WithinAsync(Observable observable, CancellationToken ct)
    {
        if (observable.Type is not (ObservableType.IPv4Prefix or ObservableType.IPv6Prefix) || !IPNetwork.TryParse(observable.Value, out var network) || Beginning(network) is not { } beginning)
        {
            return (observable.Type, []);
        }

        var type = observable.Type == ObservableType.IPv4Prefix ? ObservableType.IPv4 : ObservableType.IPv6;
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var values in new[]
        {
            db.IncidentTargets.Where(t => t.Type == type && t.Value.StartsWith(beginning)).Select(t => t.Value),
            db.ReportObservables.Where(o => o.Type == type && o.Value.StartsWith(beginning)).Select(o => o.Value),
            db.Set<RequestTarget>().Where(t => t.Type == type && t.Value.StartsWith(beginning)).Select(t => t.Value),
        })
        {
            found.UnionWith(await values.Distinct().Order().Take(MaxWithin).ToListAsync(ct));
        }

        return (type, [.. found.Where(v => IPAddress.TryParse(v, out var address) && network.Contains(address))]);
    }

    /// <summary>What the text of every address in the network begins with: whole octets, or groups before the first that is 0. Null where that says too little.</summary>
    private static string? Beginning(IPNetwork network)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        if (bytes.Length == 4)
        {
            return network.PrefixLength < 24 ? null : string.Create(CultureInfo.InvariantCulture, $"{bytes[0]}.{bytes[1]}.{bytes[2]}.");
        }

        // as many whole groups as the prefix has, up to the first that is 0: that one may be written as ::
        var groups = Enumerable.Range(0, Math.Min(4, network.PrefixLength / 16)).Select(i => (bytes[2 * i] << 8) | bytes[2 * i + 1]).TakeWhile(g => g != 0).ToList();
        return network.PrefixLength < 48 || groups.Count < 2 ? null : string.Concat(groups.Select(g => g.ToString("x", CultureInfo.InvariantCulture) + ":"));
    }

    public async Task<IReadOnlyList<SeenRecord>> WithNumberAsync(string number, CancellationToken ct)
    {
        var upper = number.Trim().ToUpperInvariant();
        return upper switch
        {
            ['I', 'N', 'C', '-', ..] => [.. (await db.Incidents.AsNoTracking().Where(i => i.Number == upper).Take(20).ToListAsync(ct)).Select(Of)],
            ['R', 'E', 'Q', '-', ..] => [.. (await db.Requests.AsNoTracking().Where(r => r.Number == upper).Take(20).ToListAsync(ct)).Select(Of)],
            ['R', '-', ..] => [.. (await db.Reports.AsNoTracking().Where(r => r.Number == upper).Take(20).ToListAsync(ct)).Select(Of)],
            _ => [],
        };
    }

    public async Task<IReadOnlyList<SeenRecord>> NamesAsync(IReadOnlyCollection<RecordRef> records, CancellationToken ct)
    {
        var found = new List<SeenRecord>();
        var incidents = records.Where(r => r.Kind == Incident.Kind).Select(r => new IncidentId(r.Id)).ToArray();
        var reports = records.Where(r => r.Kind == Report.Kind).Select(r => new ReportId(r.Id)).ToArray();
        var requests = records.Where(r => r.Kind == CoordinationRequest.Kind).Select(r => new RequestId(r.Id)).ToArray();
        if (incidents.Length > 0)
        {
            found.AddRange((await db.Incidents.AsNoTracking().Where(i => incidents.Contains(i.Id)).ToListAsync(ct)).Select(Of));
        }

        if (reports.Length > 0)
        {
            found.AddRange((await db.Reports.AsNoTracking().Where(r => reports.Contains(r.Id)).ToListAsync(ct)).Select(Of));
        }

        if (requests.Length > 0)
        {
            found.AddRange((await db.Requests.AsNoTracking().Where(r => requests.Contains(r.Id)).ToListAsync(ct)).Select(Of));
        }

        return found;
    }

    private static SeenRecord Of(Incident i) => new(i.Ref, i.Number, i.Title, "/incidents/" + i.Id, i.OpenedAt);

    private static SeenRecord Of(Report r) => new(r.Ref, r.Number, r.Summary, "/reports/" + r.Id, r.ReceivedAt);

    private static SeenRecord Of(CoordinationRequest r) => new(r.Ref, r.Number, r.RecipientName, "/requests/" + r.Id, r.SentAt ?? r.CreatedAt);

    private static string RoleKey(TargetRole role) => role switch
    {
        TargetRole.DropSite => "drop_site",
        TargetRole.SteppingStone => "stepping_stone",
        _ => role.ToString().ToLowerInvariant(),
    };
}
