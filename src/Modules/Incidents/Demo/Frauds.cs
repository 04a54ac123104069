using Renkei.Kernel;

namespace Renkei.Incidents.Demo;

/// <summary>Phishing: the greater part of a national CSIRT's reports.</summary>
internal static class Frauds
{
    private static readonly string[] Paths = ["/v/1", "/jp/login", "/auth/otp", "/card/confirm.php", "/ib/index.html", "/mypage/sign-in", "/redelivery/", "/s/a7f3", "/member/update", "/webmail/"];

    public static Plot Phishing(Dice dice, DateTimeOffset start)
    {
        var brand = Stage.Brands[dice.Weighed(Stage.BrandWeights)];
        var english = dice.Chance(0.12);
        var aims = Sites(dice, brand);
        var severity = (Severity)(brand.Domain.Contains("bank", StringComparison.Ordinal) || brand.Domain.Contains("sec.", StringComparison.Ordinal) ? dice.Weighed(0, 45, 45, 10) : dice.Weighed(15, 65, 20));
        var plot = new Plot(start, "fraud", "phishing", "phishing-site",
            english ? $"Phishing site that imitates {brand.En}" : dice.Of((string[])[$"{brand.Ja}をかたるフィッシングサイト", $"{brand.Ja}をかたるSMSからの誘導先", $"フィッシングサイトの閉鎖（{brand.Ja}）"]),
            english ? $"The site asks for the sign-in data of {brand.En}. Visitors come from text messages." : $"{brand.Ja}をかたるSMS・メールから偽のログイン画面に誘導し、{dice.Of((string[])["IDと暗証番号", "カード番号とセキュリティコード", "IDとワンタイムパスワード", "氏名・住所・電話番号とカード番号"])}を入力させる。",
            severity, RequestPurpose.Takedown)
        {
            English = english,
            More = () => Voice(dice, brand, aims, start),
        };
        plot.Aims.AddRange(aims);
        var voices = 1 + dice.Weighed(40, 30, 20, 10);
        for (var i = 0; i < voices; i++)
        {
            plot.Tellings.Add(Voice(dice, brand, aims, start));
        }

        var site = aims[0];
        plot.Papers.Add(new("http-response.txt", AttachmentKind.Capture, $"$ curl -sSi '{site.Value}'\n# {Stage.Iso(start.AddMinutes(40))} JST, 青空CERT 調査用回線\nHTTP/1.1 200 OK\nDate: {start.AddMinutes(40).UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture)} GMT\nServer: nginx\nContent-Type: text/html; charset=utf-8\nSet-Cookie: sid={dice.Hex(16)}; path=/\n\n<!DOCTYPE html><html lang=\"ja\"><head><title>{brand.Ja}｜ログイン</title>\n<form method=\"post\" action=\"./post.php\"> ...（以下略）\n"));
        if (dice.Chance(0.5))
        {
            plot.Papers.Add(new("sms.txt", AttachmentKind.LogExcerpt, $"受信 {Stage.Minute(start.AddMinutes(-25))} JST\n差出人 +81 80 0000 {Stage.Plain(dice.From(1000, 9999))}\n\n【{brand.Ja}】{brand.Bait} {site.Value}\n"));
        }

        plot.Notes.AddRange([dice.Of((string[])[
            "画面は正規サイトの写し。入力後に正規サイトへ転送される。モバイルの User-Agent 以外には 404 を返す。",
            "SMS の文面は先月のものと同じ雛形。誘導先のホストだけが違う。",
            "証明書は当日発行。同じ発行時刻のホスト名がほかに 3つ見つかったが、まだ中身はない。",
            "日本国内の回線からのみ表示される。海外の協力先に見てもらうときは画面の写しを添えること。",
            "キットの post.php が情報の送付先に転送している。送付先のドメインも対象に加えた。"])]);
        return plot;
    }

    /// <summary>One to four addresses: pages, and sometimes where the data goes.</summary>
    private static List<Aim> Sites(Dice dice, Brand brand)
    {
        var host = dice.Weighed(25, 20, 20, 15, 20) switch
        {
            0 => $"login-{brand.Latin}.example",
            1 => $"{brand.Latin}-{dice.Of((string[])["secure", "verify", "id", "support", "jp", "update"])}{(dice.Chance(0.4) ? Stage.Plain(dice.From(2, 29)) : "")}.example",
            2 => $"{brand.Latin}.{dice.Of((string[])["secure-id.example", "verify-center.example", "parcel-info.example"])}",
            3 => $"{brand.Latin}{dice.Hex(4)}.akatsuki-page.example",
            _ => $"{dice.Hex(6)}.{brand.Latin}-mail.example",
        };
        var address = dice.Of(Stage.BadHosts);
        var scheme = dice.Chance(0.85) ? "https://" : "http://";
        var path = dice.Of(Paths);
        var aims = new List<Aim> { Site(scheme + host + path, TargetRole.Phishing, dice.Chance(0.8) ? address : null) };
        if (dice.Chance(0.4))
        {
            aims.Add(Site($"{scheme}{(dice.Chance(0.5) ? "www." : "m.")}{host}/", TargetRole.Phishing, aims[0].Address));
        }

        if (dice.Chance(0.3))
        {
            aims.Add(Site($"https://{brand.Latin}-{dice.Hex(3)}.example{dice.Of(Paths)}", TargetRole.Phishing, dice.Chance(0.7) ? dice.Of(Stage.BadHosts) : null));
        }

        if (dice.Chance(0.12))
        {
            aims.Add(new(ObservableType.Domain, "drop.hoshi-mail.example", TargetRole.DropSite, "198.51.100.80"));
        }

        return aims;
    }

    public static Aim Site(string url, TargetRole role, string? address)
    {
        var parsed = Observable.Parse(ObservableType.Url, url);
        return new(parsed.Type, parsed.Value, role, address);
    }

    private static Told Voice(Dice dice, Brand brand, List<Aim> aims, DateTimeOffset start)
    {
        var site = aims[0];
        var url = Stage.Written(dice, site.Value + (dice.Chance(0.15) ? "?id=" + dice.Hex(4) : ""));
        var ip = site.Address is { } a ? Stage.Written(dice, a) : null;
        var where = ip is null ? "" : $"\nアドレスは {ip} でした（{Stage.Minute(start.AddMinutes(30))} JST に確認）。";
        var second = aims.Count > 1 ? "\n" + string.Join('\n', aims.Skip(1).Select(o => Stage.Written(dice, o.Value))) : "";
        var seen = start.AddMinutes(dice.From(-60, 90));
        var at = (OccurredText: Stage.Minute(seen), Zone: "Asia/Tokyo");
        switch (dice.Weighed(17, 12, 9, 8, 8, 7, 12, 9, 6, 6, 6))
        {
            case 0:
                return new(Stage.Citizen(dice), Channel.Web, ReportKind.Request, dice.Of((string[])[$"{brand.Ja}をかたるSMSが届きました", $"{brand.Ja}の偽サイトのようです", $"{brand.Ja}を名乗る不審なSMS"]),
                    $"{Stage.Ja(seen)}、{brand.Ja}を名乗るSMSが届きました。\n「{brand.Bait}」\n開くと本物そっくりの画面でした。{dice.Of((string[])["入力はしていません。", "途中まで入力しましたが、送信はしていません。", "家族が入力してしまい、カード会社には連絡済みです。"])}\n\n{url}\n\n閉鎖をお願いします。")
                { OccurredText = at.OccurredText, Zone = at.Zone, OccurredAt = Whole(seen), Papers = dice.Chance(0.3) ? [new("sms.txt", AttachmentKind.LogExcerpt, $"{Stage.Minute(seen)}\n{brand.Bait}\n{site.Value}\n")] : [] };
            case 1:
                return new(Stage.Brand(brand), Channel.Mail, ReportKind.Request, $"【閉鎖依頼】弊社を騙るフィッシングサイトについて（{brand.Ja}）",
                    $"青空CERT ご担当者様\n\n平素よりお世話になっております。{brand.Ja} セキュリティ担当です。\n弊社を騙る下記のサイトを確認いたしました。閉鎖に向けた調整をお願いいたします。\n\n■ URL\n{url}{second}\n■ 確認日時\n{Stage.Minute(start.AddMinutes(30))} JST{(ip is null ? "" : $"\n■ IPアドレス\n{ip}")}\n■ 概要\n{brand.Bait}、という文面のSMSから誘導され、ログイン情報の入力を求められます。\n\n弊社のお客さまからの問い合わせは現時点で {Stage.Plain(dice.From(3, 46))}件です。\n社名は関係者への連絡に記載いただいて差し支えありません。\n\n以上、よろしくお願いいたします。")
                { OccurredText = at.OccurredText, Zone = at.Zone, OccurredAt = Whole(seen), Reference = "SEC-" + Stage.Plain(dice.From(2000, 8999)), Stated = [site.Value] };
            case 2:
                return new(Stage.Away(dice), Channel.Mail, ReportKind.Request, $"Phishing page targeting {brand.En}",
                    $"Dear team,\n\nour sensors found a page that imitates {brand.En}:\n\n{url}\n{(ip is null ? "" : "resolves to " + ip + "\n")}first seen {Stage.Utc(start)}\nlast seen  {Stage.Utc(start.AddMinutes(45))}\n\nIt asks for user name, password and a one-time code. The page is shown to Japanese mobile networks only; we fetched it through a proxy.\nPlease take it down, or tell us whom to ask.\n\nKind regards")
                { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Whole(start, 1), Reference = $"#{Stage.Plain(dice.From(10000, 99999))}", Stated = [site.Value] };
            case 3:
                return new(Stage.Away(dice), Channel.Api, ReportKind.Request, $"Phishing: {brand.En} ({site.Type.ToString().ToLowerInvariant()})",
                    $"category: phishing\nbrand: {brand.En}\nurl: {url}\n{(ip is null ? "" : $"ip: {ip}\n")}first_seen: {Stage.Utc(start)}\nevidence: screenshot available on request\nconfidence: {Stage.Plain(dice.From(85, 99))}")
                { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Whole(start, 1), Reference = "apg-" + dice.Hex(8), Stated = ip is null ? [site.Value] : [site.Value, site.Address!] };
            case 4:
                return new(Stage.Citizen(dice), Channel.Web, ReportKind.Information, dice.Of((string[])["銀行や宅配を装ったSMSについて", "迷惑SMSの情報提供", $"{brand.Ja}からの不審なSMSについて"]),
                    $"情報提供です。返信は不要です。\n{brand.Ja}を装ったSMSが家族全員に届きました。リンク先は次のとおりです。\n{url}\n同じような被害が増えないよう、対応をお願いします。");
            case 5:
                return new(Stage.Citizen(dice), Channel.Phone, ReportKind.Consultation, $"{brand.Ja}の偽サイトに入力してしまった",
                    $"（電話での聞き取り）\n{Stage.Ja(seen)}にSMSのリンクを開き、{dice.Of((string[])["IDとパスワードを入力した", "カード番号を入力した", "暗証番号まで入力した"])}。直後におかしいと気付いた。\nURL は {url} 。スマートフォンの履歴から読み上げてもらった。\n{brand.Ja}の窓口と警察の相談電話を案内済み。入力先の閉鎖を希望。");
            case 6:
                return new(Stage.Home(dice), Channel.Mail, ReportKind.Request, $"フィッシングサイトの情報共有（{brand.Ja}）",
                    $"お世話になっております。\n弊組織の職員あてに、{brand.Ja}を騙るメールが {Stage.Plain(dice.From(4, 120))}通届きました。本文中の誘導先を共有いたします。\n\n誘導先: {url}{second}{where}\n\nメールのヘッダを添付します。関係者へのご連絡に使っていただいて構いません。")
                { OccurredText = at.OccurredText, Zone = at.Zone, OccurredAt = Whole(seen), Papers = [Header(dice, brand, seen)] };
            case 7:
                return new(Stage.Home(dice), Channel.Web, ReportKind.Request, $"{brand.Ja}をかたるフィッシングメールの誘導先",
                    $"プロキシのログから、フィッシングサイトへの接続を確認しました。1名がフォームを送信しています。\n\n{Stage.Clf(seen)} \"GET {url}\" 200 18231\n{Stage.Clf(seen.AddSeconds(41))} \"POST {url}\" 302 0\n\n利用者のパスワードは変更済みです。サイトの閉鎖をお願いします。")
                { OccurredText = Stage.Iso(seen), Zone = "Asia/Tokyo", OccurredAt = Whole(seen, 1), ClockNote = "clock-right" };
            case 8:
                return new(Stage.Brand(brand), Channel.Api, ReportKind.Request, $"{brand.Ja}を騙るサイト {Stage.Plain(aims.Count)}件",
                    $"自社の監視で検知したものです。\n{url}{second}\n検知: {Stage.Minute(start.AddMinutes(5))} JST\n画面キャプチャは必要であればお送りします。")
                { Reference = "MON-" + Stage.Plain(dice.From(100000, 999999)), Stated = [.. aims.Select(o => o.Value)] };
            case 9:
                return new(Stage.Away(dice), Channel.Mail, ReportKind.Information, $"FYI: phishing kit on {Stage.Written(dice, site.Address ?? "198.51.100.90")}",
                    $"Hello,\n\nfor your information: we looked at a phishing kit that copies {brand.En}. The same kit was on two other hosts last month.\n\n  {url}\n{(aims.Count > 1 ? "  " + Stage.Written(dice, aims[^1].Value) + "\n" : "")}\nThe kit mails what it collects and keeps a copy in /tmp/.s. SHA-256 of the archive: {dice.Hex(64)}\n\nTLP:GREEN on our side.")
                { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Whole(start, 1) };
            default:
                return new(Stage.Citizen(dice), Channel.Fax, ReportKind.Request, $"{brand.Ja}の偽サイトの通報（FAX）",
                    $"（FAXの書き起こし）\n{brand.Ja}からと思われるメールのリンクを開いたところ、暗証番号の入力を求められました。不審に思い通報いたします。\n{url}\n折り返しの連絡は不要です。");
        }
    }

    private static Paper Header(Dice dice, Brand brand, DateTimeOffset at) => new("mail-header.txt", AttachmentKind.LogExcerpt,
        $"Return-Path: <bounce-{dice.Hex(6)}@{brand.Latin}-news.example>\nReceived: from mx{Stage.Plain(dice.From(1, 9))}.{brand.Latin}-news.example ({dice.Of(Stage.BadHosts)})\n\tby mx1.kusunoki-news.example with ESMTPS; {at.ToOffset(Stage.Jst).ToString("ddd, d MMM yyyy HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture)} +0900\nFrom: \"{brand.Ja}\" <info@{brand.Latin}-news.example>\nSubject: 【重要】{brand.Bait}\nMessage-ID: <{dice.Hex(16)}@{brand.Latin}-news.example>\nX-Mailer: Foxlight 7.2\n");

    /// <summary>To the minute or second, as it was stated.</summary>
    public static DateTimeOffset Whole(DateTimeOffset at, int seconds = 60) => new(at.UtcTicks / (TimeSpan.TicksPerSecond * seconds) * (TimeSpan.TicksPerSecond * seconds), TimeSpan.Zero);
}
