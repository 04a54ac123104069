using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>
/// What the screen of the outbox says of a mail's record. Whoever runs the node is of no team and may read no record, so this reads as the
/// node does; nothing but the numbers leaves here.
/// </summary>
public sealed class RecordNumbers(NodeDbFactory databases) : IRecordNumbers
{
    public async Task<IReadOnlyDictionary<RecordRef, string>> NumbersAsync(IReadOnlyCollection<RecordRef> records, CancellationToken ct)
    {
        await using var db = databases.ForSystem("outbox");
        var reports = records.Where(r => r.Kind == Report.Kind).Select(r => new ReportId(r.Id)).ToArray();
        var requests = records.Where(r => r.Kind == CoordinationRequest.Kind).Select(r => new RequestId(r.Id)).ToArray();
        var numbers = new Dictionary<RecordRef, string>();
        if (reports.Length > 0)
        {
            foreach (var report in await db.Reports.Where(r => reports.Contains(r.Id)).Select(r => new { r.Id, r.Number }).ToListAsync(ct))
            {
                numbers[new(Report.Kind, report.Id.Value)] = report.Number;
            }
        }

        if (requests.Length > 0)
        {
            foreach (var request in await db.Requests.Where(r => requests.Contains(r.Id)).Select(r => new { r.Id, r.Number }).ToListAsync(ct))
            {
                numbers[new(CoordinationRequest.Kind, request.Id.Value)] = request.Number;
            }
        }

        return numbers;
    }
}
