using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>Writes the incident's timeline: what the node did, as a text key so that it reads in both languages, or what a person wrote. Reads it, too.</summary>
public static class Diary
{
    private const string ToRequest = "/requests/";
    private const string ToReport = "/reports/";

    /// <summary>Lines looked at in one go, at most.</summary>
    private const int MostAtOnce = 5_000;

    /// <summary>A sentence of the node: <paramref name="textKey"/> from the text files, its arguments as plain text.</summary>
    public static void Say(NodeDb db, Incident incident, EntryKind what, DateTimeOffset at, string textKey, IReadOnlyList<string> args, string? href = null) =>
        db.Timeline.Add(new TimelineEntry
        {
            Id = Guid.CreateVersion7(at),
            Incident = incident.Id,
            Team = incident.Marking.Origin,
            What = what,
            At = at,
            Author = db.Viewer.Person,
            TextKey = textKey,
            TextArgs = JsonSerializer.Serialize(args),
            Href = href,
        });

    /// <summary>A sentence about several things: the first three by name, the rest as a number. Its key has a sentence for each length.</summary>
    public static void SayList(NodeDb db, Incident incident, EntryKind what, DateTimeOffset at, string textKey, IReadOnlyList<string> names)
    {
        var (key, args) = OfList(textKey, names);
        Say(db, incident, what, at, key, args);
    }

    /// <summary>Key and arguments of <see cref="SayList"/>: the count, up to three names, and how many more.</summary>
    public static (string Key, string[] Args) OfList(string textKey, IReadOnlyList<string> names)
    {
        const int named = 3;
        var ending = names.Count switch { 1 => "_one", 2 => "_two", named => "_three", _ => "_more" };
        string[] more = names.Count > named ? [(names.Count - named).ToString(CultureInfo.InvariantCulture)] : [];
        return (textKey + ending, [names.Count.ToString(CultureInfo.InvariantCulture), .. names.Take(named), .. more]);
    }

    /// <summary>
    /// The lines that this viewer may read, newest first; the one place that decides it, for the incident's page, REST and the overview. A line
    /// about a request or a report, of whatever kind, names it and its recipient: it is read by who may know of that record. Notes, and words
    /// to reporters that name no single report, are the origin team's.
    /// </summary>
    public static async Task<IReadOnlyList<TimelineEntry>> ReadAsync(NodeDb db, IQueryable<TimelineEntry> lines, int take, CancellationToken ct)
    {
        EntryKind[] open = [EntryKind.Event, EntryKind.State];
        var all = db.Viewer.IsSystem;
        var mine = db.Viewer.Roles.Select(r => r.Team).Concat(db.Viewer.Team is { } acts ? [acts] : []).Distinct().Where(db.Viewer.IsStaffOf).ToArray();
        var ordered = lines.Where(e => all || mine.Contains(e.Team) || open.Contains(e.What) || (e.What != EntryKind.Note && e.Href != null)).OrderByDescending(e => e.At).ThenByDescending(e => e.Id);
        var read = new List<TimelineEntry>();
        var batch = Math.Max(take, 100);
        // however many lines in a row are others' business, the one behind them is found
        for (var looked = 0; read.Count < take; looked += batch, batch = Math.Min(batch * 2, Math.Max(take, MostAtOnce)))
        {
            var some = await ordered.Skip(looked).Take(batch).ToListAsync(ct);
            read.AddRange(all ? some : await KnownAsync(db, some, ct));
            if (some.Count < batch)
            {
                break;
            }
        }

        return read.Count > take ? read[..take] : read;
    }

    private static async Task<IEnumerable<TimelineEntry>> KnownAsync(NodeDb db, List<TimelineEntry> lines, CancellationToken ct)
    {
        var requests = lines.Select(l => Id<RequestId>(l.Href, ToRequest)).OfType<RequestId>().Distinct().ToArray();
        var reports = lines.Select(l => Id<ReportId>(l.Href, ToReport)).OfType<ReportId>().Distinct().ToArray();
        var knownRequests = requests.Length == 0 ? [] : (await db.Requests.Where(r => requests.Contains(r.Id)).Select(r => r.Id).ToListAsync(ct)).ToHashSet();
        var knownReports = reports.Length == 0 ? [] : (await db.Reports.Where(r => reports.Contains(r.Id)).Select(r => r.Id).ToListAsync(ct)).ToHashSet();
        return lines.Where(l => Known(l.Href, ToRequest, knownRequests) && Known(l.Href, ToReport, knownReports));
    }

    /// <summary>False too for a link that cannot be read: who cannot be asked about is not told about.</summary>
    private static bool Known<TId>(string? href, string to, HashSet<TId> known) where TId : struct, IRecordId<TId> =>
        href?.StartsWith(to, StringComparison.Ordinal) != true || (Id<TId>(href, to) is { } id && known.Contains(id));

    private static TId? Id<TId>(string? href, string to) where TId : struct, IRecordId<TId> =>
        href?.StartsWith(to, StringComparison.Ordinal) == true && Guid.TryParse(href.AsSpan(to.Length), CultureInfo.InvariantCulture, out var id) ? TId.From(id) : null;
}
