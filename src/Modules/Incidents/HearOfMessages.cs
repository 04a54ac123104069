using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Renkei.Contracts;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>What became of a request's mail: taken by the next server, or refused for good. Told perhaps twice; the second time changes nothing.</summary>
public sealed class HearOfMessages(NodeDbFactory databases) : IMessageOutcomes
{
    public string RecordKind => CoordinationRequest.Kind;

    public async Task HandleAsync(MessageOutcome outcome, CancellationToken ct)
    {
        await using var db = databases.ForSystem("job:mail");
        var id = new RequestId(outcome.Record.Id);
        var once = EventId(outcome);
        if (await db.RequestEvents.AnyAsync(e => e.Id == once, ct) || await db.Requests.FirstOrDefaultAsync(r => r.Id == id, ct) is not { } request || await db.Incidents.FirstOrDefaultAsync(i => i.Id == request.Incident, ct) is not { } incident)
        {
            return;
        }

        // an answer that came faster than the server's reply stands
        var waits = request.State is RequestState.Sent or RequestState.Delivered or RequestState.Bounced;
        var state = outcome.Accepted ? RequestState.Delivered : RequestState.Bounced;
        if (waits)
        {
            request.State = state;
            request.DeliveredAt = outcome.Accepted ? request.DeliveredAt ?? outcome.At : request.DeliveredAt;
        }

        var reply = InertText.Clean(outcome.Reply);
        db.RequestEvents.Add(new RequestEvent { Id = once, Request = id, Team = request.Marking.Origin, State = state, At = outcome.At, Text = reply.Length > 1000 ? reply[..1000] : reply });
        if (!outcome.Accepted)
        {
            Diary.Say(db, incident, EntryKind.Message, outcome.At, "request.diary.bounced", [request.Number, request.RecipientName], "/requests/" + id);
            if (outcome.RecipientRefused && request.Contact is { } contact)
            {
                await FlagBounce.SetAsync(db, contact, outcome.At, ct);
            }
        }

        await IncidentClock.SaveAsync(db, incident, ct);
    }

    private static Guid EventId(MessageOutcome outcome) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes((outcome.Accepted ? "accepted " : "refused ") + outcome.MessageId)).AsSpan(0, 16));
}
