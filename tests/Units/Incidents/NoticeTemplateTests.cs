using Renkei.Directories;
using Renkei.Formats.Rsit;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Units.Incidents;

public sealed class NoticeTemplateTests
{
    private static readonly Wording General = new("other", "other", "other");

    [Fact]
    public void A_place_that_nobody_fills_is_a_fault_with_its_line()
    {
        Assert.False(NoticeTemplate.TryParse("# note\n== body\nHello {recipient},\n{tagrets}\n", null, out _, out var fault));
        Assert.Equal(4, fault!.Line);
        Assert.Contains("tagrets", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text\n== body\nx", 1)]
    [InlineData("== body\nx\n== body\ny", 3)]
    [InlineData("== Body\nx", 1)]
    [InlineData("== body\n\nan open { brace", 3)]
    public void A_malformed_file_is_refused_at_its_line(string text, int line)
    {
        Assert.False(NoticeTemplate.TryParse(text, null, out _, out var fault));
        Assert.Equal(line, fault!.Line);
    }

    [Fact]
    public void The_most_specific_section_is_taken()
    {
        Assert.True(NoticeTemplate.TryParse("== a\nplain\n== a#registrar\nrole\n== a@fraud\ncategory\n== a@fraud/phishing\ntype\n== a@fraud#registrar\nboth\n", null, out var template, out _));
        var none = new Dictionary<string, string>(StringComparer.Ordinal);
        Assert.Equal("plain", template!.Fill("a", General, none));
        Assert.Equal("role", template.Fill("a", General with { Role = "registrar" }, none));
        Assert.Equal("category", template.Fill("a", new("fraud", "masquerade", "csirt"), none));
        Assert.Equal("type", template.Fill("a", new("fraud", "phishing", "csirt"), none));
        Assert.Equal("both", template.Fill("a", new("fraud", "phishing", "registrar"), none));
    }

    [Fact]
    public void What_is_filled_in_is_text_and_is_not_filled_again()
    {
        Assert.True(NoticeTemplate.TryParse("== body\n{recipient} {team}\n", null, out var template, out _));
        Assert.Equal("{team} {body}", template!.Fill("body", General, new Dictionary<string, string>(StringComparer.Ordinal) { ["recipient"] = "{team}", ["team"] = "{body}" }));
    }

    [Fact]
    public void Every_notice_is_whole_for_every_purpose_class_recipient_marking_and_language()
    {
        foreach (var language in (string[])["ja", "en"])
        {
            foreach (var purpose in Enum.GetValues<RequestPurpose>())
            {
                foreach (var type in RsitTaxonomy.Categories.SelectMany(c => c.Types))
                {
                    foreach (var role in Enum.GetValues<ContactRole>())
                    {
                        var (subject, body) = NoticeText.Write(Facts(purpose, language) with { Category = type.Category, Type = type.Id, RecipientRole = role.ToString() });
                        Assert.DoesNotContain('{', subject + body);
                        Assert.InRange(subject.Length, 5, 140);
                        Assert.Contains("login-hoshizora[.]example", subject, StringComparison.Ordinal);
                        Assert.Contains("REQ-1182", body, StringComparison.Ordinal);
                        Assert.Contains("hxxps://login-hoshizora[.]example/v/1", body, StringComparison.Ordinal);
                    }
                }
            }

            foreach (var tlp in Enum.GetValues<Tlp>())
            {
                Assert.Contains(tlp.Label(), NoticeText.Write(Facts(RequestPurpose.Takedown, language) with { Tlp = tlp }).Body, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_notice_says_that_there_are_no_grounds_and_names_no_reporter()
    {
        Assert.Contains("現時点で添付できる資料はございません", NoticeText.Write(Facts(RequestPurpose.Takedown, "ja")).Body, StringComparison.Ordinal);
        Assert.Contains("報告者：非開示", NoticeText.Write(Facts(RequestPurpose.Takedown, "ja")).Body, StringComparison.Ordinal);
        Assert.Contains("We have no material to attach at present", NoticeText.Write(Facts(RequestPurpose.Takedown, "en")).Body, StringComparison.Ordinal);
        Assert.Contains("not disclosed", NoticeText.Write(Facts(RequestPurpose.Takedown, "en")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_is_quoted_defanged_with_what_is_known_of_its_zone()
    {
        var offset = Log("192.0.2.10 [24/Nov/2026:05:10:42 +0900] GET http://a.example/x\n");
        var local = Log("2026-11-24 05:10:42 192.0.2.10\n");
        var withOffset = NoticeText.Write(Facts(RequestPurpose.Takedown, "en") with { Grounds = [offset] }).Body;
        Assert.Contains("hxxp://a[.]example/x", withOffset, StringComparison.Ordinal);
        Assert.Contains("192.0.2[.]10", withOffset, StringComparison.Ordinal);
        Assert.Contains("carry their own offset", withOffset, StringComparison.Ordinal);
        Assert.Contains("times in Asia/Tokyo", NoticeText.Write(Facts(RequestPurpose.Takedown, "en") with { Grounds = [local], LogZone = "Asia/Tokyo" }).Body, StringComparison.Ordinal);
        Assert.Contains("not confirmed", NoticeText.Write(Facts(RequestPurpose.Takedown, "en") with { Grounds = [local] }).Body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_text_is_attached_and_not_quoted() =>
        Assert.DoesNotContain("excerpt (", NoticeText.Write(Facts(RequestPurpose.Takedown, "en") with { Grounds = [new("x.log", AttachmentKind.LogExcerpt, "text/plain", new byte[] { 0xff, 0xfe, 0x00, 0x80 })] }).Body, StringComparison.Ordinal);

    [Theory]
    [InlineData("ja", "【閉鎖依頼】フィッシングサイトについて（login-hoshizora[.]example ほか2件）")]
    [InlineData("en", "Takedown request: phishing - login-hoshizora[.]example and 2 more")]
    public void A_subject_names_the_first_target_and_counts_the_others(string language, string subject)
    {
        var facts = Facts(RequestPurpose.Takedown, language);
        Assert.Equal(subject, NoticeText.Write(facts with { Targets = [.. Enumerable.Repeat(facts.Targets[0], 3)] }).Subject);
    }

    [Theory]
    [InlineData("ja", "青空CERT\n電話：050-0000-0000（平日 9:00-18:00）\n国：JP\n返信先：")]
    [InlineData("en", "青空CERT\nPhone: 050-0000-0000 (weekdays 9:00-18:00 JST)\nCountry: JP\nReply to:")]
    public void It_is_signed_with_what_is_known_of_the_team_and_leaves_no_gap_where_nothing_is(string language, string signature)
    {
        var facts = Facts(RequestPurpose.Inform, language);
        var known = facts with { Contact = new("050-0000-0000", "平日 9:00–18:00", "JP", TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo")) };
        Assert.Contains(signature, NoticeText.Write(known).Body, StringComparison.Ordinal);
        Assert.Contains(language is "ja" ? "青空CERT\n返信先：" : "青空CERT\nReply to:", NoticeText.Write(facts).Body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_notice_that_only_informs_asks_for_no_answer()
    {
        Assert.DoesNotContain("Please reply", NoticeText.Write(Facts(RequestPurpose.Inform, "en")).Body, StringComparison.Ordinal);
        Assert.Contains("Please reply", NoticeText.Write(Facts(RequestPurpose.Takedown, "en")).Body, StringComparison.Ordinal);
        Assert.Contains("ご返信は必須ではございません", NoticeText.Write(Facts(RequestPurpose.Inform, "ja")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reminder_asks_again_in_the_words_of_its_purpose()
    {
        foreach (var language in (string[])["ja", "en"])
        {
            foreach (var purpose in Enum.GetValues<RequestPurpose>())
            {
                foreach (var role in Enum.GetValues<ContactRole>())
                {
                    var facts = Facts(purpose, language) with { RecipientRole = role.ToString() };
                    var first = NoticeText.Write(facts);
                    var again = NoticeText.Remind(facts, first.Subject, facts.DueAt.AddDays(-2), facts.DueAt.AddDays(-1));
                    Assert.DoesNotContain('{', again);
                    Assert.Contains(first.Subject, again, StringComparison.Ordinal);
                    var (opening, ask) = Asked(first.Body);
                    Assert.Contains(opening + "\n" + ask, again, StringComparison.Ordinal);
                }
            }
        }

        // the paragraph before the targets
        static (string Opening, string Ask) Asked(string body) => body.Split("\n\n") is [_, _, var asked, ..] && asked.Split('\n', 2) is [var opening, var ask] ? (opening, ask) : ("?", "?");
    }

    [Fact]
    public void A_reminder_points_to_the_file_of_the_first_message()
    {
        var facts = Facts(RequestPurpose.Takedown, "en");
        var many = facts with { Targets = [.. Enumerable.Repeat(facts.Targets[0], NoticeText.TargetsListed + 1)] };
        Assert.Contains("see the attached CSV file", NoticeText.Write(many).Body, StringComparison.Ordinal);
        Assert.Contains("attached to our first message", NoticeText.Remind(many, "x", many.DueAt, many.DueAt), StringComparison.Ordinal);
    }

    private static NoticeGround Log(string text) => new("access.log", AttachmentKind.LogExcerpt, "text/plain", System.Text.Encoding.UTF8.GetBytes(text));

    internal static NoticeFacts Facts(RequestPurpose purpose, string language) => new(
        purpose, language, language is "ja" ? "みずはらネット株式会社" : "Mizuhara-Net", "AbuseDesk", "青空CERT", "REQ-1182", "reply+x@aozora.example", "fraud", "phishing", Tlp.Amber,
        new DateTimeOffset(2026, 11, 25, 3, 0, 0, TimeSpan.Zero), language is "ja" ? TimeZoneInfo.FindSystemTimeZoneById("Asia/Tokyo") : TimeZoneInfo.Utc, null, null,
        [new(ObservableType.Url, "https://login-hoshizora.example/v/1", TargetRole.Phishing, "203.0.113.24", 64501, "JP", new DateTimeOffset(2026, 11, 23, 22, 38, 0, TimeSpan.Zero))], []);
}
