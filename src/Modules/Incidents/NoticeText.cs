using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Renkei.Directories;
using Renkei.Formats.Rsit;
using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>A target as a notice names it. <paramref name="AddedAt"/>: when the desk wrote it down, which says nothing of when it was seen.</summary>
public sealed record NoticeTarget(ObservableType Type, string Value, TargetRole Role, string? Address, long? Asn, string? Country, DateTimeOffset AddedAt)
{
    /// <summary>When it was seen, where somebody stated it; a notice says no other time.</summary>
    public DateTimeOffset? SeenAt { get; init; }

    /// <summary>By how many seconds the clock behind <see cref="SeenAt"/> was ahead (or behind, below zero), where stated.</summary>
    public long ClockError { get; init; }

    /// <summary><see cref="SeenAt"/> by a clock that is right, for machines, which read no remark.</summary>
    public DateTimeOffset? SeenExactlyAt => SeenAt?.AddSeconds(-ClockError);

    public Observable Observable => new(Type, Value);

    /// <summary>How it was seen, where a machine's report or a log tells; for the part that machines read.</summary>
    public Sighting? Sighting { get; init; }
}

/// <summary>An attachment that goes along, with its bytes where its text may be quoted.</summary>
public sealed record NoticeGround(string Name, AttachmentKind What, string MediaType, ReadOnlyMemory<byte> Bytes);

/// <summary>How to reach the team that writes, besides by answering. <paramref name="Zone"/> is that of its hours.</summary>
public sealed record TeamContact(string? Phone, string? Hours, string? Country, TimeZoneInfo Zone);

/// <summary>All that a notice is written from. <paramref name="Reporter"/> is what the rule lets be named, or null.</summary>
public sealed record NoticeFacts(
    RequestPurpose Purpose, string Language, string RecipientName, string RecipientRole, string TeamName, string Number, string ReplyTo, string Category, string Type,
    Tlp Tlp, DateTimeOffset DueAt, TimeZoneInfo Zone, string? LogZone, string? Reporter, IReadOnlyList<NoticeTarget> Targets, IReadOnlyList<NoticeGround> Grounds, TeamContact? Contact = null);

/// <summary>Writes the words of a request from its template. Pure; everything from outside comes out defanged and inert.</summary>
public static partial class NoticeText
{
    /// <summary>More targets than this are listed in the attached file only.</summary>
    public const int TargetsListed = 200;

    /// <summary>The first target's place in a subject; a longer one is cut.</summary>
    private const int WhichLength = 40;

    private const int LogLines = 20;
    private const int LogLine = 300;

    /// <summary>Subject (without TLP and number, which every message gets) and body.</summary>
    public static (string Subject, string Body) Write(NoticeFacts facts)
    {
        var template = NoticeTemplates.For(facts.Purpose, facts.Language);
        var wording = WordingOf(facts);
        var values = Values(facts);
        return (OneLine(template.Fill("subject", wording, values)), template.Fill("body", wording, values));
    }

    /// <summary>The reminder of a request that was sent with <paramref name="subject"/>.</summary>
    public static string Remind(NoticeFacts facts, string subject, DateTimeOffset sentAt, DateTimeOffset dueBefore)
    {
        var values = Values(facts);
        values["targets"] = Targets(facts, facts.Language is "ja", reminder: true);
        values["subject_sent"] = subject;
        values["sent_at"] = Time(sentAt, facts.Zone, facts.Language);
        values["due_before"] = Time(dueBefore, facts.Zone, facts.Language);
        return NoticeTemplates.ForReminder(facts.Purpose, facts.Language).Fill("body", WordingOf(facts), values);
    }

    /// <summary>A time with its zone as notices write it: <c>2026年11月25日 12:00 JST</c>, <c>2026-11-25 03:00 UTC</c>.</summary>
    public static string Time(DateTimeOffset at, TimeZoneInfo zone, string language)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone);
        return local.ToString(language is "ja" ? "yyyy年M月d日 HH:mm" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " " + ZoneName(zone, local);
    }

    private static string ZoneName(TimeZoneInfo zone, DateTimeOffset local) => zone.Id switch
    {
        "Asia/Tokyo" => "JST",
        "UTC" or "Etc/UTC" => "UTC",
        _ => "UTC" + local.ToString("zzz", CultureInfo.InvariantCulture),
    };

    private static Wording WordingOf(NoticeFacts facts) => new(facts.Category, facts.Type, facts.RecipientRole.ToLowerInvariant());

    private static Dictionary<string, string> Values(NoticeFacts facts)
    {
        var ja = facts.Language is "ja";
        var template = NoticeTemplates.For(facts.Purpose, facts.Language);
        var type = RsitTaxonomy.Find(facts.Category, facts.Type);
        var recipient = OneLine(facts.RecipientName);
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["recipient"] = recipient,
            ["salutation"] = Salutation(recipient, facts.RecipientRole, ja),
            ["team"] = OneLine(facts.TeamName),
            ["team_contact"] = facts.Contact is { } contact ? Reach(contact, facts, ja) : "",
            ["which"] = Which(facts.Targets, ja),
            ["targets"] = Targets(facts, ja, reminder: false),
            ["target_count"] = facts.Targets.Count.ToString(CultureInfo.InvariantCulture),
            ["reporter"] = facts.Reporter is { } reporter ? OneLine(reporter) : ja ? "非開示" : "not disclosed",
            ["due"] = Time(facts.DueAt, facts.Zone, facts.Language),
            ["number"] = facts.Number,
            ["tlp"] = facts.Tlp.Label(),
            ["type"] = type is null ? facts.Type : ja ? type.Japanese : type.English,
            ["reply_to"] = facts.ReplyTo,
        };
        var wording = WordingOf(facts);
        values["terms"] = template.Fill("terms_" + (facts.Tlp switch { Tlp.Clear => "clear", Tlp.Green => "green", Tlp.Amber => "amber", Tlp.AmberStrict => "strict", _ => "red" }), wording, values);
        values["grounds"] = facts.Grounds.Count == 0 ? template.Fill("grounds_none", wording, values) : Grounds(facts, ja);
        return values;
    }

    /// <summary>御中 for an organisation or its desk, 様 where the entry names who is in charge.</summary>
    private static string Salutation(string recipient, string role, bool ja) =>
        ja ? recipient + (string.Equals(role, nameof(ContactRole.Management), StringComparison.OrdinalIgnoreCase) ? " 様" : " 御中") : $"Dear {recipient},";

    /// <summary>The first target's host and how many more there are, so that a desk tells one request from another in its list.</summary>
    private static string Which(IReadOnlyList<NoticeTarget> targets, bool ja)
    {
        if (targets.Count == 0)
        {
            return "-";
        }

        var first = (targets[0].Observable.Host ?? targets[0].Observable).Defang();
        first = first.Length > WhichLength ? first[..WhichLength] + "…" : first;
        var more = (targets.Count - 1).ToString(CultureInfo.InvariantCulture);
        return targets.Count == 1 ? first : first + (ja ? $" ほか{more}件" : $" and {more} more");
    }

    /// <summary>Phone with its hours, and the country, each on its line.</summary>
    private static string Reach(TeamContact contact, NoticeFacts facts, bool ja)
    {
        var lines = new List<string>();
        if (contact.Phone is { Length: > 0 } phone)
        {
            // abroad nobody knows whose clock is meant; ISO-2022-JP has no en dash
            var zone = ja ? null : ZoneName(contact.Zone, TimeZoneInfo.ConvertTime(facts.DueAt, contact.Zone));
            var hours = WorkingHours.Say(contact.Hours, facts.Language, zone)?.Replace('–', '-');
            lines.Add((ja ? "電話：" : "Phone: ") + OneLine(phone) + (hours is { Length: > 0 } ? (ja ? $"（{OneLine(hours)}）" : $" ({OneLine(hours)})") : ""));
        }

        if (contact.Country is { Length: 2 } country)
        {
            lines.Add((ja ? "国：" : "Country: ") + country);
        }

        return string.Join('\n', lines);
    }

    private static string Targets(NoticeFacts facts, bool ja, bool reminder)
    {
        var lines = new StringBuilder();
        var width = facts.Targets.Count > 9 ? 3 : 2;
        for (var i = 0; i < Math.Min(facts.Targets.Count, TargetsListed); i++)
        {
            var target = facts.Targets[i];
            lines.Append(CultureInfo.InvariantCulture, $"{(i + 1).ToString(CultureInfo.InvariantCulture).PadLeft(width)}. {target.Observable.Defang()}\n");
            lines.Append(' ', width + 2);
            if (target.Address is { } address && Observable.TryParse(address, out var host, out _))
            {
                lines.Append(host.Defang()).Append("  ");
            }

            if (target.Asn is { } asn)
            {
                lines.Append(CultureInfo.InvariantCulture, $"AS{asn}  ");
            }

            if (target.SeenAt is { } seen)
            {
                lines.Append(ja ? "確認 " : "seen ").Append(Time(seen, facts.Zone, "en"));
                if (target.ClockError != 0)
                {
                    lines.Append(CultureInfo.InvariantCulture, $" ({(ja ? "時計の誤差" : "clock off by")} {target.ClockError:+0;-0} s)");
                }
            }

            // a target of which nothing else is known is one line
            while (lines[^1] == ' ')
            {
                lines.Length--;
            }

            if (lines[^1] != '\n')
            {
                lines.Append('\n');
            }
        }

        if (facts.Targets.Count > TargetsListed)
        {
            // a reminder carries no files
            lines.Append(reminder ? (ja ? "ほかは、最初のメールに添付したCSVファイルをご覧ください。\n" : "For the others please see the CSV file attached to our first message.\n")
                : ja ? "ほかは添付のCSVファイルをご覧ください。\n" : "For the others please see the attached CSV file.\n");
        }

        return lines.ToString().TrimEnd('\n');
    }

    private static string Grounds(NoticeFacts facts, bool ja)
    {
        var lines = new StringBuilder(ja ? "次の資料を添付いたします。\n" : "Attached:\n");
        foreach (var ground in facts.Grounds)
        {
            lines.Append("- ").Append(OneLine(ground.Name)).Append(ja ? "（" : " (").Append(KindOf(ground.What, ja)).Append(ja ? "）\n" : ")\n");
        }

        foreach (var log in facts.Grounds.Where(g => g.What == AttachmentKind.LogExcerpt))
        {
            if (Excerpt(log.Bytes) is not { Count: > 0 } excerpt)
            {
                continue;
            }

            var zone = excerpt.Exists(l => Offset().IsMatch(l)) ? (ja ? "時刻は各行に記載のUTCオフセットに基づきます" : "times carry their own offset from UTC")
                : facts.LogZone is { } stated ? (ja ? $"時刻のタイムゾーン：{OneLine(stated)}" : $"times in {OneLine(stated)}")
                : ja ? "時刻のタイムゾーンは未確認です" : "the time zone of these times is not confirmed";
            lines.Append(ja ? $"\nログの抜粋（{zone}）\n" : $"\nLog excerpt ({zone})\n");
            foreach (var line in excerpt)
            {
                lines.Append("  ").Append(line).Append('\n');
            }
        }

        return lines.ToString().TrimEnd('\n');
    }

    private static string KindOf(AttachmentKind kind, bool ja) => kind switch
    {
        AttachmentKind.LogExcerpt => ja ? "ログの抜粋" : "log excerpt",
        AttachmentKind.Capture => ja ? "画面の写し" : "screen capture",
        AttachmentKind.Analysis => ja ? "解析結果" : "analysis",
        _ => ja ? "資料" : "material",
    };

    /// <summary>The first lines of a text file, defanged; empty when it is not text.</summary>
    private static List<string> Excerpt(ReadOnlyMemory<byte> bytes)
    {
        // a cut in the middle of a character is no reason to call a file binary: decode what whole lines there are
        var head = bytes.Span[..Math.Min(bytes.Length, 64 * 1024)];
        var end = bytes.Length > head.Length ? head.LastIndexOf((byte)'\n') : head.Length;
        if (end <= 0 || !BoundedUtf8.TryDecode(head[..end], 64 * 1024, out var text, out _))
        {
            return [];
        }

        return [.. InertText.Clean(text).Split('\n').Where(l => l.Trim().Length > 0).Take(LogLines).Select(l => TextRefang.DefangText(l.Length > LogLine ? l[..LogLine] + "…" : l))];
    }

    private static string OneLine(string text) => InertText.Clean(text).Replace('\n', ' ').Replace('\t', ' ').Trim();

    [GeneratedRegex(@"\d{2}:\d{2}(:\d{2})?(\.\d+)?\s?([+-]\d{2}:?\d{2}|Z)\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Offset();
}
