using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests;

/// <summary>Records as a test needs them, put in without their pages; what a test is about it sets on what it gets.</summary>
internal static class TestRecords
{
    public static Incident Incident(TestNode node, Marking marking, string number = "INC-1", string title = "A phish") =>
        new() { Id = IncidentId.New(node.Clock), Marking = marking, Number = number, Title = title, Category = "fraud", Type = "phishing", OpenedAt = node.Clock.GetUtcNow() };

    /// <summary>Marked as its incident, due in a day; it has left unless it is a draft.</summary>
    public static CoordinationRequest Request(TestNode node, Incident incident, string number = "REQ-1", RequestState state = RequestState.Sent, string name = "Example Hosting", string language = "en") => new()
    {
        Id = RequestId.New(node.Clock),
        Marking = incident.Marking,
        Number = number,
        Incident = incident.Id,
        RecipientName = name,
        RecipientMail = "abuse@isp.example",
        Language = language,
        Purpose = RequestPurpose.Takedown,
        Why = "[]",
        State = state,
        SentAt = state == RequestState.Draft ? null : node.Clock.GetUtcNow(),
        DueAt = node.Clock.GetUtcNow().AddHours(24),
    };

    public static Report Report(TestNode node, Marking marking, string number, string summary, string language = "en", ReportState state = ReportState.New, string? sha256 = null) => new()
    {
        Id = ReportId.New(node.Clock),
        Marking = marking,
        Number = number,
        Channel = Channel.Web,
        Type = ReportKind.Request,
        State = state,
        ReceivedAt = node.Clock.GetUtcNow(),
        DueAt = node.Clock.GetUtcNow().AddHours(4),
        Summary = summary,
        Language = language,
        RawSha256 = sha256 ?? new string('0', 64),
        StatusKeyHash = Guid.NewGuid().ToString("N"),
    };
}
