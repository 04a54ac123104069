using System.Text;
using Renkei.Formats.Mail;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Units.Incidents;

public sealed class RequestMessageTests
{
    private static readonly MessageKeys Keys = new(new byte[32], Enumerable.Repeat((byte)7, 32).ToArray());
    private static readonly DateTimeOffset Date = new(2026, 11, 24, 1, 29, 0, TimeSpan.Zero);
    private static readonly TeamId Team = new(Guid.Parse("01900000-0000-7000-8000-000000000001"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_same_request_and_date_give_the_same_bytes_and_the_text_reads_back(bool iso2022Jp)
    {
        var request = Request("ja", iso2022Jp);
        var one = Compose(request, "青空CERTです。\n調査をお願いいたします。");
        var two = Compose(request, "青空CERTです。\n調査をお願いいたします。");
        Assert.Equal(one.Sha256, two.Sha256);
        Assert.Equal(iso2022Jp ? MailCharset.Iso2022Jp : MailCharset.Utf8, one.Charset);
        Assert.Equal("TLP:AMBER\n\n青空CERTです。\n調査をお願いいたします。", SentMessage.Read(one.Bytes.ToArray()).Text);
        Assert.Equal("[TLP:AMBER]【閉鎖依頼】フィッシングサイトについて [REQ-1182]", one.Subject);
    }

    [Fact]
    public void Text_reads_back_beside_attachments_and_in_quoted_printable()
    {
        var message = RequestMessage.Compose(Request("en", false), "Takedown request: phishing", "Café = one\n.\nFrom here", 0, [], Marking.Own(Team), "Aozora CERT", "aozora@aozora.example", "aozora.example", [new("a.txt", "text/plain", "x"u8.ToArray())], Date, Keys, out _)!;
        Assert.Equal("TLP:AMBER\n\nCafé = one\n.\nFrom here", SentMessage.Read(message.Bytes.ToArray()).Text);
    }

    [Fact]
    public void A_changed_text_marking_or_date_changes_the_hash()
    {
        var first = Compose(Request("ja", false), "a").Sha256;
        Assert.NotEqual(first, Compose(Request("ja", false), "b").Sha256, StringComparer.Ordinal);
        Assert.NotEqual(first, Compose(Request("ja", false), "a", Tlp.Green).Sha256, StringComparer.Ordinal);
        Assert.NotEqual(first, Compose(Request("ja", false), "a", date: Date.AddSeconds(1)).Sha256, StringComparer.Ordinal);
    }

    [Fact]
    public void Its_ids_prove_that_they_are_ours_and_a_person_sent_it()
    {
        var request = Request("ja", false);
        var message = Compose(request, "a");
        Assert.True(MessageIds.TryVerify(message.MessageId, Keys.MessageId.Span, out var id));
        Assert.Equal((request.Id.Value.ToString("N"), 0), (id.RequestToken, id.Attempt));
        Assert.True(Verp.TryParse(message.ReturnPath, Keys.ReturnPath.Span, out var bounce));
        Assert.True(Verp.TryParse(message.ReplyTo, Keys.ReturnPath.Span, out var reply));
        Assert.Equal(("bounce", "reply"), (bounce.LocalPart, reply.LocalPart));
        Assert.DoesNotContain("Auto-Submitted", Encoding.ASCII.GetString(message.Bytes.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reminder_is_another_message_in_the_same_thread()
    {
        var request = Request("ja", false);
        var first = Compose(request, "a");
        var reminder = RequestMessage.Compose(request, "【再度のお願い】" + request.Subject, "b", 1, [first.MessageId], Marking.Own(Team), "青空CERT", "aozora@aozora.example", "aozora.example", [], Date, Keys, out _)!;
        var headers = Encoding.ASCII.GetString(reminder.Bytes.Span).Replace("\r\n ", " ", StringComparison.Ordinal);
        Assert.NotEqual(first.MessageId, reminder.MessageId, StringComparer.Ordinal);
        Assert.Contains("In-Reply-To: " + first.MessageId, headers, StringComparison.Ordinal);
        Assert.Contains("References: " + first.MessageId, headers, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_that_would_inject_a_header_is_a_fault()
    {
        var request = Request("ja", false);
        request.RecipientMail = "a@b.example\r\nBcc: c@d.example";
        Assert.Null(RequestMessage.Compose(request, request.Subject, "a", 0, [], Marking.Own(Team), "x", "aozora@aozora.example", "aozora.example", [], Date, Keys, out var fault));
        Assert.NotNull(fault);
    }

    [Fact]
    public void Xarf_goes_along_where_the_class_can_be_said_and_csv_where_it_was_asked_for()
    {
        var request = Request("ja", false);
        var incident = new Incident { Id = request.Incident, Marking = Marking.Own(Team), Number = "INC-2026-0001", Title = "x", Category = "fraud", Type = "phishing", OpenedAt = Date };
        Mailbox.TryCreate("aozora@aozora.example", "Aozora CERT", out var from, out _);
        var targets = NoticeTemplateTests.Facts(RequestPurpose.Takedown, "ja").Targets;
        var xarf = Assert.Single(MachineParts.Write("Xarf", request, incident, targets, Tlp.Amber, from!));
        Assert.Equal("xarf.json", xarf.Name);
        Assert.Contains("\"type\": \"phishing\"", Encoding.UTF8.GetString(xarf.Content.Span), StringComparison.Ordinal);
        Assert.Equal("targets.csv", Assert.Single(MachineParts.Write("Csv", request, incident, targets, Tlp.Amber, from!)).Name);
        Assert.Empty(MachineParts.Write("Text", request, incident, targets, Tlp.Amber, from!));
        incident.Type = "masquerade";
        incident.Category = "availability";
        incident.Type = "outage";
        Assert.Empty(MachineParts.Write("Xarf", request, incident, [targets[0] with { Role = TargetRole.Other }], Tlp.Amber, from!));
    }

    [Fact]
    public void Due_times_follow_purpose_and_severity_and_end_when_somebody_is_there()
    {
        var tokyo = TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo");
        foreach (var (purpose, severity, asked, due) in new[]
        {
            // Monday morning: the same hour of the next day; the hours of the night become noon
            (RequestPurpose.Takedown, Severity.High, "2026-03-02 10:29", "2026-03-03 11:00"),
            // what is critical waits for no day
            (RequestPurpose.Takedown, Severity.Critical, "2026-03-02 10:29", "2026-03-02 23:00"),
            (RequestPurpose.Takedown, Severity.Critical, "2026-03-06 18:00", "2026-03-07 06:00"),
            (RequestPurpose.Takedown, Severity.High, "2026-03-02 04:10", "2026-03-03 12:00"),
            // Friday: nobody answers before Monday
            (RequestPurpose.Takedown, Severity.High, "2026-03-06 10:29", "2026-03-09 12:00"),
            (RequestPurpose.Investigate, Severity.Medium, "2026-03-04 10:00", "2026-03-09 12:00"),
        })
        {
            Assert.Equal(DueTimes.Read(due.Replace(' ', 'T'), tokyo), DueTimes.For(purpose, severity, DueTimes.Read(asked, tokyo)!.Value, tokyo));
        }

        Assert.Equal(DueTimes.Read("2026-03-03T12:00", tokyo), DueTimes.ForReminder(RequestPurpose.Takedown, Severity.High, DueTimes.Read("2026-03-02T10:29", tokyo)!.Value, tokyo));
        Assert.Null(DueTimes.Read("2026-13-01T00:00", TimeZoneInfo.Utc));
        Assert.Equal(new DateTimeOffset(2026, 11, 25, 3, 0, 0, TimeSpan.Zero), DueTimes.Read("2026-11-25T12:00", TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo")));
    }

    private static ComposedMessage Compose(CoordinationRequest request, string text, Tlp tlp = Tlp.Amber, DateTimeOffset? date = null) =>
        RequestMessage.Compose(request, request.Subject, text, 0, [], Marking.Own(Team, tlp), "青空CERT", "aozora@aozora.example", "aozora.example", [], date ?? Date, Keys, out _)!;

    private static CoordinationRequest Request(string language, bool iso2022Jp) => new()
    {
        Id = new RequestId(Guid.Parse("01900000-0000-7000-8000-000000000002")),
        Marking = Marking.Own(Team),
        Number = "REQ-1182",
        Incident = new IncidentId(Guid.Parse("01900000-0000-7000-8000-000000000003")),
        RecipientName = "みずはらネット株式会社",
        RecipientMail = "abuse@mizuhara-net.example",
        Language = language,
        Purpose = RequestPurpose.Takedown,
        Why = Dispatch.WhyOf("request.why.prefix", "203.0.113.0/24"),
        DueAt = Date.AddDays(1),
        Subject = "【閉鎖依頼】フィッシングサイトについて",
        Iso2022Jp = iso2022Jp,
    };
}
