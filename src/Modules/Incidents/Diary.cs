using System.Text.Json;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>Writes the incident's timeline: what the node did, as a text key so that it reads in both languages, or what a person wrote.</summary>
public static class Diary
{
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
}
