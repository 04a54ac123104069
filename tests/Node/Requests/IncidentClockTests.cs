using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Requests;

/// <summary>Whose turn it is, as a table: written by hand from the notes on cases, not from the code.</summary>
public class IncidentClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// Requests as <c>State@due</c> or <c>Answered@due/answered</c>, hours from noon; words of reporters that nobody answered, and targets that nobody was asked
    /// about, as hours; then
    /// whose turn, and by when in hours (empty: no time).
    /// </summary>
    [Theory]
    [InlineData("Open", "", "", "", "Nobody", "")]
    [InlineData("Open", "Draft@4", "", "", "Us", "4")]
    [InlineData("Open", "Sent@48", "", "", "Them", "48")]
    [InlineData("Open", "Delivered@48", "", "", "Them", "48")]
    [InlineData("Open", "Acknowledged@48", "", "", "Them", "48")]
    [InlineData("Open", "Answered@48/10", "", "", "Us", "34")]
    [InlineData("Open", "Bounced@48", "", "", "Us", "72")]
    [InlineData("Open", "Closed@48", "", "", "Nobody", "")]
    [InlineData("Open", "Closed@1 Closed@2", "", "", "Nobody", "")]
    [InlineData("Open", "Sent@48 Delivered@24", "", "", "Them", "24")]
    [InlineData("Open", "Sent@48 Draft@72", "", "", "Us", "48")]
    [InlineData("Open", "Sent@48 Answered@100/10", "", "", "Us", "34")]
    [InlineData("Open", "Closed@1 Sent@48", "", "", "Them", "48")]
    [InlineData("Open", "", "-2", "", "Us", "22")]
    [InlineData("Open", "Sent@48", "-2", "", "Us", "22")]
    [InlineData("Open", "Sent@10", "-2", "", "Us", "10")]
    [InlineData("Open", "", "-2 -30", "", "Us", "-6")]
    [InlineData("Open", "Sent@-5", "", "", "Them", "-5")]
    [InlineData("Open", "", "", "-3", "Us", "21")]
    [InlineData("Open", "Sent@48", "", "-3", "Us", "21")]
    [InlineData("Open", "Closed@48", "", "-30", "Us", "-6")]
    [InlineData("Open", "Sent@10", "-2", "-3 -1", "Us", "10")]
    [InlineData("Resolved", "", "", "-3", "Nobody", "")]
    [InlineData("Resolved", "", "", "", "Nobody", "")]
    [InlineData("Resolved", "Sent@48", "-2", "", "Nobody", "")]
    [InlineData("Abandoned", "Draft@4", "-2", "", "Nobody", "")]
    public void The_turn_and_the_due_time_follow_from_the_requests_the_words_and_the_targets(string state, string requests, string words, string targets, string turn, string due)
    {
        var given = requests.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Request).ToList();
        var said = words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Hours).ToList();
        var unasked = targets.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Hours).ToList();
        var (waiting, at) = IncidentClock.Of(Enum.Parse<IncidentState>(state), given, said, unasked);
        Assert.Equal((turn, due.Length == 0 ? (DateTimeOffset?)null : Hours(due)), (waiting.ToString(), at));
    }

    private static DateTimeOffset Hours(string hours) => Noon.AddHours(double.Parse(hours, System.Globalization.CultureInfo.InvariantCulture));

    private static CoordinationRequest Request(string written)
    {
        var parts = written.Split('@', '/');
        return new CoordinationRequest
        {
            Id = RequestId.New(TimeProvider.System),
            Marking = Marking.Own(TeamId.New(TimeProvider.System)),
            Number = "REQ-1",
            Incident = IncidentId.New(TimeProvider.System),
            RecipientName = "Example",
            RecipientMail = "abuse@hosting.example",
            Language = "en",
            Purpose = RequestPurpose.Takedown,
            Why = "[]",
            State = Enum.Parse<RequestState>(parts[0]),
            DueAt = Hours(parts[1]),
            AnsweredAt = parts.Length > 2 ? Hours(parts[2]) : null,
        };
    }
}
