using Renkei.Kernel;

namespace Renkei.Incidents.Demo;

/// <summary>Everything that is no phishing.</summary>
internal static class Affairs
{
    public static Plot Defacement(Dice dice, DateTimeOffset start)
    {
        var (host, address, ja, en) = dice.Of(Stage.Victims);
        var evil = dice.Of((string[])["cdn-metrics.example", "jquery-stat.example", "collect-card.example", "static-assets-jp.example"]);
        var skimming = host.Contains("shop", StringComparison.Ordinal);
        var plot = new Plot(start, "information-content-security", "unauthorised-information-modification", "website-defacement",
            skimming ? $"ECサイトの決済画面の改ざん（{ja}）" : dice.Of((string[])[$"Webサイト改ざん（{ja}）", $"{ja}のWebサイトへの不正なスクリプトの埋め込み"]),
            skimming ? "決済画面に外部スクリプトが埋め込まれ、入力されたカード情報が外部に送られている。" : "トップページに外部サイトへ転送するスクリプトが埋め込まれている。検索エンジン経由の閲覧者だけが転送される。",
            skimming ? Severity.High : Severity.Medium, RequestPurpose.NotifyVictim);
        plot.Aims.Add(Frauds.Site($"https://{host}/{(skimming ? "checkout/payment" : "")}", TargetRole.Victim, address));
        plot.Aims.Add(Frauds.Site($"https://{evil}/{dice.Hex(4)}.js", TargetRole.Distribution, dice.Of(Stage.BadHosts)));
        var url = Stage.Written(dice, plot.Aims[0].Value);
        var script = Stage.Written(dice, plot.Aims[1].Value);
        plot.Tellings.Add(dice.Weighed(40, 30, 30) switch
        {
            0 => new(Stage.Citizen(dice), Channel.Web, ReportKind.Request, $"{ja}のサイトが改ざんされています", $"{ja}のホームページを検索結果から開くと、懸賞の当選を告げる別のサイトに飛ばされます。直接アドレスを入れたときは正常です。\n{url}\n{Stage.Ja(start)}に確認しました。運営者に知らせてください。") { OccurredText = Stage.Minute(start), Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start) },
            1 => new(Stage.Away(dice), Channel.Mail, ReportKind.Request, $"Compromised web site: {host}", $"Dear colleagues,\n\nthe site of {en} loads a script that does not belong there:\n\n  page   {url}\n  script {script}\n  seen   {Stage.Utc(start)}\n\nThe script redirects visitors that come from a search engine. Please inform the owner.\n") { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Frauds.Whole(start, 1) },
            _ => new(Stage.Home(dice), Channel.Phone, ReportKind.Request, skimming ? "決済画面に身に覚えのないスクリプト" : "自組織のWebサイトが改ざんされた", $"（電話での聞き取り）\n{Stage.Ja(start)}、利用者からの指摘で気付いた。{url} の {(skimming ? "決済画面" : "トップページ")}に次の1行が追加されていた。\n<script src=\"{script}\"></script>\n公開を止めるかどうか相談したい。CMS のプラグインは半年更新していない。"),
        });
        if (dice.Chance(0.6))
        {
            plot.Tellings.Add(new(Stage.Home(dice), Channel.Mail, ReportKind.Information, "職員の端末からの不審な接続", $"プロキシで {script} への接続を {Stage.Plain(dice.From(3, 40))}件検知し、遮断しました。参照元はいずれも {url} です。\n\n{Stage.Clf(start.AddHours(2))} \"GET {script}\" 403 0 \"-\"\n{Stage.Clf(start.AddHours(2).AddMinutes(7))} \"GET {script}\" 403 0 \"-\"") { After = TimeSpan.FromHours(dice.From(2, 30)) });
        }

        plot.Papers.Add(new("page-source.txt", AttachmentKind.Capture, $"取得 {Stage.Iso(start.AddHours(1))} JST\n{plot.Aims[0].Value}\n\n  214: </div>\n  215: <script src=\"{plot.Aims[1].Value}\" async></script>\n  216: </body>\n"));
        plot.Notes.Add(dice.Of((string[])["CMS の管理画面に 2週間前から海外のアドレスでログインがあった。パスワードの使い回しを確認してもらう。", "同じスクリプトを読み込む国内のサイトがほかに 2件。別インシデントにせず、対象に追加して連絡する。", "復旧の確認は、検索エンジンを参照元にして行うこと。直接のアクセスでは正常に見える。"]));
        return plot;
    }

    public static Plot Malware(Dice dice, DateTimeOffset start)
    {
        var c2 = dice.Chance(0.35);
        var address = dice.Of(Stage.BadHosts);
        var name = dice.Of((string[])["delivery-docs.example", "invoice-view.example", "update-player.example", "meeting-file.example", "tax-notice.example"]);
        var hash = dice.Hex(64);
        var family = dice.Of((string[])["GrayOtter", "PaperLantern", "SilkRat", "Harukaze"]);
        var plot = new Plot(start, "malicious-code", c2 ? "c2-server" : "malware-distribution", "malware-site",
            c2 ? $"マルウェア {family} の指令サーバ（C2）" : dice.Of((string[])["マルウェア配布サイト（物流業をかたるメール）", "マルウェア配布サイト（請求書を装うファイル）", $"{family} を配布するサイト"]),
            c2 ? $"{family} に感染した国内の端末が接続する指令サーバ（C2）。" : $"メールのリンクから {family} を含む圧縮ファイルをダウンロードさせる。",
            c2 ? Severity.High : Severity.Medium, RequestPurpose.Takedown);
        plot.Aims.Add(c2 ? new(address.Contains(':', StringComparison.Ordinal) ? ObservableType.IPv6 : ObservableType.IPv4, address, TargetRole.C2, address) : Frauds.Site($"https://{name}/{dice.Hex(5)}/{dice.Of((string[])["invoice.zip", "delivery_0412.zip", "setup.msi", "minutes.lzh"])}", TargetRole.Distribution, address));
        if (c2 && dice.Chance(0.6))
        {
            plot.Aims.Add(new(ObservableType.Domain, $"{dice.Hex(5)}.{name}", TargetRole.C2, address));
        }

        var what = Stage.Written(dice, plot.Aims[0].Value);
        plot.Tellings.Add(dice.Weighed(45, 35, 20) switch
        {
            0 => new(Stage.Home(dice), Channel.Mail, ReportKind.Request, c2 ? "C2 サーバと思われる通信先の情報提供" : "マルウェア付きメールの報告", $"弊組織で受信した不審なメールを解析したところ、次の{(c2 ? "通信先" : "配布元")}を確認しました。\n\n{(c2 ? "通信先" : "配布元")}: {what}\nSHA-256: {hash}\n検知名: {family}\n受信: {Stage.Minute(start)} JST\n\n開封した職員の端末は隔離済みです。調整をお願いします。") { OccurredText = Stage.Minute(start), Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start), Papers = [new("analysis-memo.txt", AttachmentKind.Analysis, $"{family}\nSHA-256 {hash}\nC2 {plot.Aims[^1].Value}\n永続化 Run キー、タスク名 \"OneSync Update\"\n通信 HTTPS POST /api/v2/ping、60秒ごと\n")] },
            1 => new(Stage.Away(dice), Channel.Api, ReportKind.Request, c2 ? $"{family} C2 in your constituency's view" : $"Malware distribution: {family}", $"type: {(c2 ? "c2" : "malware-distribution")}\nindicator: {what}\nsha256: {hash}\nfirst_seen: {Stage.Utc(start)}\nvictims in JP: {Stage.Plain(dice.From(2, 31))}\nPlease coordinate with the hosting provider.") { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Frauds.Whole(start, 1), Stated = [plot.Aims[0].Value, hash] },
            _ => new(Stage.Citizen(dice), Channel.Web, ReportKind.Consultation, "請求書のファイルを開いてしまいました", $"取引先を名乗るメールの添付を開きました。中のリンクは {what} でした。ウイルス対策ソフトは何も言いませんが不安です。どうすればよいですか。"),
        });
        if (dice.Chance(0.5))
        {
            plot.Tellings.Add(new(Stage.Home(dice), Channel.Web, ReportKind.Information, "同じ配布元への接続を遮断しました", $"共有いただいた {what} への接続を {Stage.Plain(dice.From(1, 12))}件確認し、遮断しました。ハッシュ値が異なる検体も見つかっています。\nSHA-256: {dice.Hex(64)}") { After = TimeSpan.FromHours(dice.From(3, 50)), Strict = dice.Chance(0.3) });
        }

        plot.Papers.Add(new("proxy-log.txt", AttachmentKind.LogExcerpt, string.Concat(Enumerable.Range(0, 6).Select(i => $"{Stage.Clf(start.AddMinutes(i * 7))} 198.51.100.{Stage.Plain(36 + i)} \"CONNECT {plot.Aims[0].Address ?? name}:443\" 200 {Stage.Plain(1200 + (i * 311))}\n"))));
        plot.Notes.Add(dice.Of((string[])[$"{family} の設定情報から、ほかの通信先 2件を得た。いずれも今は応答なし。", "配布は日本時間の業務時間中だけ。夜間に確認すると 404 が返る。", "パスワード付きの圧縮ファイル。パスワードは本文の末尾の4桁。"]));
        return plot;
    }

    public static Plot Scan(Dice dice, DateTimeOffset start)
    {
        var brute = dice.Chance(0.55);
        var address = dice.Of(Stage.BadClients);
        var (port, service) = brute ? dice.Of(((int, string)[])[(22, "SSH"), (3389, "RDP"), (443, "SSL-VPN"), (21, "FTP")]) : dice.Of(((int, string)[])[(1521, "1521/TCP"), (23, "23/TCP"), (5555, "5555/TCP"), (9200, "9200/TCP"), (445, "445/TCP")]);
        var plot = new Plot(start, brute ? "intrusion-attempts" : "information-gathering", brute ? "brute-force" : "scanner", "scan",
            brute ? dice.Of((string[])[$"公開サーバへの{service}ブルートフォース", $"{service}へのパスワードの総当たり"]) : dice.Of((string[])[$"{service} への探索の急増", $"{service} を狙うスキャン"]),
            brute ? $"国内の公開サーバに対し、{service} のログイン試行が続いている。" : $"{service} を対象とする広い範囲の探索。発信元は踏み台の可能性がある。",
            dice.Chance(0.7) ? Severity.Low : Severity.Medium, RequestPurpose.Investigate);
        plot.Aims.Add(Ip(address, TargetRole.SteppingStone));
        for (var i = dice.Weighed(55, 25, 20); i > 0; i--)
        {
            var more = dice.Of(Stage.BadClients);
            if (plot.Aims.TrueForAll(a => a.Value != more))
            {
                plot.Aims.Add(Ip(more, TargetRole.SteppingStone));
            }
        }

        var from = Stage.Written(dice, address);
        var victim = dice.Of(Stage.Victims);
        var log = brute
            ? string.Concat(Enumerable.Range(0, 5).Select(i => $"{Stage.Syslog(start.AddSeconds(i * 4))} gw{(port == 22 ? $" sshd[{Stage.Plain(21840 + i)}]: Failed password for invalid user {dice.Of((string[])["admin", "oracle", "test", "backup", "guest"])} from {address} port {Stage.Plain(dice.From(32000, 61000))} ssh2" : $" authd: login failed user={dice.Of((string[])["administrator", "user01", "vpn"])} src={address} dport={Stage.Plain(port)}")}\n"))
            : string.Concat(Enumerable.Range(0, 5).Select(i => $"{Stage.Iso(start.AddSeconds(i * 2))} DENY TCP {address}:{Stage.Plain(dice.From(32000, 61000))} -> {victim.Address}:{Stage.Plain(port)} SYN\n"));
        plot.Tellings.Add(dice.Weighed(35, 35, 15, 15) switch
        {
            0 => new(Stage.Home(dice), Channel.Mail, ReportKind.Request, brute ? $"{service}への不正なログイン試行" : $"{service} へのスキャンの報告", $"{from} から弊組織のサーバに対し、{(brute ? "ログイン試行" : "スキャン")}が続いています。発信元の管理者へのご連絡をお願いします。\n\n期間: {Stage.Minute(start)} 〜 {Stage.Minute(start.AddHours(3))} JST\n件数: {Stage.Plain(dice.From(120, 48000))}\n\n{log}") { OccurredText = Stage.Iso(start), Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start, 1), ClockNote = "clock-right", Papers = [new("firewall.log", AttachmentKind.LogExcerpt, log)] },
            1 => new(Stage.Away(dice), Channel.Mail, ReportKind.Request, brute ? $"{service} brute force from your network" : $"Port scan from {address}", $"Hello,\n\nwe see {(brute ? "login attempts" : "a port scan")} from {from} against our network.\nAll times are UTC.\n\n{string.Concat(Enumerable.Range(0, 4).Select(i => $"{Stage.Utc(start.AddSeconds(i * 3))} {address} -> xxx.xxx.xxx.{Stage.Plain(dice.From(2, 250))} tcp/{Stage.Plain(port)}\n"))}\nPlease investigate the machine; it may be compromised.\n") { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Frauds.Whole(start, 1), Reference = "T" + Stage.Plain(dice.From(10000, 99999)) },
            2 => new(Stage.Home(dice), Channel.Api, ReportKind.Information, $"不審なアクセス元 {address}", $"定点観測による自動送信です。\nsrc={from} dport={Stage.Plain(port)} count={Stage.Plain(dice.From(40, 9000))} first={Stage.Iso(start)}+09:00 last={Stage.Iso(start.AddHours(2))}+09:00") { OccurredText = Stage.Iso(start) + "+09:00", Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start, 1), Stated = [address] },
            _ => new(Stage.Away(dice), Channel.Fax, ReportKind.Request, "Intrusion attempts (by fax)", $"(typed from fax)\nFrom {from} to our mail server, {Stage.Plain(dice.From(300, 5000))} attempts on {Stage.Minute(start, 1)} local time (+01:00). Please stop this.") { OccurredText = Stage.Minute(start, 1), Zone = "+01:00", OccurredAt = Frauds.Whole(start) },
        });
        if (dice.Chance(0.4))
        {
            plot.Tellings.Add(new(Stage.Home(dice), Channel.Web, ReportKind.Information, "同じ発信元からのアクセス", $"{from} から {Stage.Plain(port)}/TCP へのアクセスを当方でも観測しています。\n{log}") { After = TimeSpan.FromHours(dice.From(4, 60)) });
        }

        plot.Papers.Add(new(brute ? "auth.log" : "firewall.log", AttachmentKind.LogExcerpt, log));
        plot.Notes.Add(dice.Of((string[])["発信元の回線は家庭用ルータとみられる。管理画面が外部に公開されている。", "時刻は報告者のログで JST。機器の時計は合っているとのこと。", "同じ発信元の報告は今年 3件目。前回は「対策済み」の回答だった。"]));
        return plot;
    }

    public static Plot Flood(Dice dice, DateTimeOffset start)
    {
        var victim = dice.Of(Stage.Victims);
        var plot = new Plot(start, "availability", "ddos", "dos-ddos", $"DDoS攻撃による{victim.Ja}のサイトの停止", "DNSリフレクションとみられる通信で回線が埋まり、サイトを閲覧できない。", Severity.High, RequestPurpose.Investigate);
        for (var i = 0; i < 4; i++)
        {
            plot.Aims.Add(Ip(Stage.BadClients[(dice.Below(5) + (i * 4)) % Stage.BadClients.Length], TargetRole.SteppingStone));
        }

        var sources = string.Concat(plot.Aims.Select(a => $"{a.Value,-24} 53/udp {Stage.Plain(dice.From(40, 900))} Mbps\n"));
        plot.Tellings.Add(new(Stage.Home(dice), Channel.Phone, ReportKind.Request, "DDoS攻撃を受けています", $"（電話での聞き取り）\n{Stage.Ja(start)}から {victim.Host}（{victim.Address}）が見られない。最大 {Stage.Plain(dice.From(3, 28))} Gbps。接続事業者には連絡済みで、海外側で遮断中。\n身代金を求めるメールは今のところない。発信元の上位を後ほどメールで送る。"));
        plot.Tellings.Add(new(plot.Tellings[0].By with { Phone = null }, Channel.Mail, ReportKind.Request, "DDoS攻撃の発信元（上位）", $"先ほど電話した件です。発信元の上位を送ります。開放されたリゾルバとみられます。時刻はJSTです。\n\n{Stage.Minute(start)} 〜 {Stage.Minute(start.AddMinutes(50))}\n{sources}") { After = TimeSpan.FromMinutes(70), OccurredText = Stage.Minute(start), Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start) });
        plot.Papers.Add(new("netflow-top.txt", AttachmentKind.LogExcerpt, $"# {Stage.Minute(start)} JST から 10分間、UDP/53 の上位\n{sources}"));
        plot.Notes.Add("犯行声明なし。攻撃は50分で止んだ。再発に備え、接続事業者の夜間の連絡先を確かめておく。");
        return plot;
    }

    public static Plot Control(Dice dice, DateTimeOffset start)
    {
        var plot = new Plot(start, "vulnerable", "vulnerable-system", "ics", dice.Of((string[])["監視制御装置がインターネットから見える（水道）", "遠隔監視装置の管理画面の公開", "工場の制御装置への外部からの接続"]), "制御システムの管理画面がパスワードなしで外部に公開されている。設定を変えられるおそれがある。", Severity.High, RequestPurpose.NotifyVictim);
        plot.Aims.Add(Ip(dice.Of((string[])["198.51.100.50", "198.51.100.52", "192.0.2.88"]), TargetRole.Victim));
        var where = Stage.Written(dice, plot.Aims[0].Value);
        plot.Tellings.Add(dice.Chance(0.5)
            ? new(Stage.Away(dice), Channel.Mail, ReportKind.Request, "Exposed HMI in Japan", $"We found a human-machine interface that answers without a password:\n\n  {where} tcp/502, tcp/8080\n  seen {Stage.Utc(start)}\n\nThe page names pumps and tank levels. We touched nothing. Please inform the owner by telephone.\n") { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Frauds.Whole(start, 1), Strict = true }
            : new(Stage.Home(dice), Channel.Web, ReportKind.Information, "制御装置らしき画面が公開されています", $"検索サイトで {where} を見つけました。ポンプの運転画面のように見えます。ログインなしで表示されます。操作はしていません。") { Strict = true });
        plot.Notes.Add("現場への連絡は電話を先に。通信を止めると監視ができなくなるため、遮断は保守業者の立会いのもとで行う予定。");
        return plot;
    }

    public static Plot Targeted(Dice dice, DateTimeOffset start)
    {
        var c2 = dice.Of(Stage.BadHosts);
        var plot = new Plot(start, "malicious-code", "infected-system", "targeted-attack", dice.Of((string[])["研究者を狙った標的型攻撃メール", "取材依頼を装う標的型攻撃メール", "委託先をかたるメールからの侵入", "会議の資料を装う標的型攻撃メール", "採用応募を装うメールからの感染"]), "特定の部署の数名だけに届いた。添付の文書を開くと外部と通信する。", dice.Chance(0.3) ? Severity.Critical : Severity.High, RequestPurpose.ProvideLogs);
        plot.Aims.Add(Ip(c2, TargetRole.C2));
        plot.Aims.Add(new(ObservableType.Domain, $"{dice.Of((string[])["press", "forum", "docs", "recruit"])}-{dice.Hex(4)}.example", TargetRole.C2, c2));
        plot.Tellings.Add(new(Stage.Home(dice), Channel.Mail, ReportKind.Request, dice.Of((string[])["標的型攻撃メールの調査の依頼", "不審なメールと通信について（至急）"]), $"取り扱い注意でお願いします。\n\n{Stage.Ja(start)}、{dice.Of((string[])["研究室", "企画部門", "経営層"])}の {Stage.Plain(dice.From(2, 6))}名に、実在の取引先の名をかたるメールが届きました。1名が添付を開き、次の通信が発生しています。\n\n{Stage.Iso(start.AddMinutes(12))} JST  {Stage.Written(dice, c2)}:443\n{Stage.Iso(start.AddMinutes(14))} JST  {Stage.Written(dice, plot.Aims[1].Value)}\n添付 SHA-256: {dice.Hex(64)}\n\n端末は保全してあります。他の組織で同様の報告がないか、教えてください。") { OccurredText = Stage.Minute(start), Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start), Red = dice.Chance(0.2), Strict = dice.Chance(0.6) });
        plot.Notes.AddRange(["文面の日本語は自然。署名は実在の組織のものを写している。公開情報からの作成とみられる。", "C2 の応答は特定の User-Agent のときだけ。ログの保全を先に頼み、遮断の時期は被害組織と合わせる。"]);
        return plot;
    }

    public static Plot Infected(Dice dice, DateTimeOffset start)
    {
        var minato = dice.Chance(0.35);
        var address = minato ? $"198.51.100.{Stage.Plain(dice.From(2, 30))}" : dice.Of(Stage.BadClients[..8]);
        var ransom = dice.Chance(0.25);
        var family = dice.Of((string[])["GrayOtter", "SilkRat", "Harukaze"]);
        var plot = new Plot(start, "malicious-code", "infected-system", "other", ransom ? dice.Of((string[])["ランサムウェアの被害（ファイルサーバの暗号化）", "VPN装置からの侵入とファイルの暗号化", "ランサムウェアによる業務システムの停止"]) : dice.Of((string[])[$"国内の端末の {family} への感染", "ボットに感染した端末からの通信", "社内端末のマルウェア感染"]), ransom ? "ファイルサーバが暗号化され、連絡先を記した文書が残されていた。" : $"{family} の指令サーバの観測網に、国内の端末からの接続が記録された。", ransom ? Severity.Critical : Severity.Medium, RequestPurpose.NotifyVictim);
        plot.Aims.Add(Ip(address, TargetRole.Victim));
        var where = Stage.Written(dice, address);
        plot.Tellings.Add(ransom
            ? new(Stage.Home(dice), Channel.Phone, ReportKind.Consultation, "ランサムウェアの被害について相談したい", $"（電話での聞き取り）\n{Stage.Ja(start)}にファイルサーバが開けなくなった。拡張子が .haru に変わっている。VPN装置（{where}）から入られたとみている。バックアップは 2週間前のものが残っている。\n警察には連絡済み。業務は紙で続けている。公表は検討中。") { Red = dice.Chance(0.25), Strict = true }
            : new(Stage.Away(dice), Channel.Mail, ReportKind.Information, $"Infected hosts in JP ({family})", $"Dear team,\n\nthe hosts below contacted our sinkhole for {family}. Times in UTC.\n\n{Stage.Utc(start)}, {where}, tcp/443\n{Stage.Utc(start.AddMinutes(30))}, {where}, tcp/443\n\nPlease inform the network owner.\n") { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Frauds.Whole(start, 1) });
        if (!ransom && dice.Chance(0.5))
        {
            plot.Tellings.Add(new(Stage.Home(dice), Channel.Web, ReportKind.Consultation, "社内端末のマルウェア感染の疑い", $"接続事業者から、{where} の端末が感染していると連絡がありました。どの端末かを調べる手順を教えてください。") { After = TimeSpan.FromHours(dice.From(6, 60)) });
        }

        plot.Notes.Add(ransom ? "身代金は払わない方針とのこと。復号の可否を調べるため、脅迫文と検体のハッシュ値を預かった。" : "NAT の内側の端末のため、送信元ポートと時刻（UTC）を添えて連絡する。");
        return plot;
    }

    public static Plot Account(Dice dice, DateTimeOffset start)
    {
        var leak = dice.Chance(0.35);
        var address = dice.Of(Stage.BadClients);
        var plot = leak
            ? new Plot(start, "information-content-security", "data-leak", "other", dice.Of((string[])["会員情報の漏えい", "個人情報を含むファイルの公開", "認証情報の一覧の公開"]), "会員のメールアドレスとハッシュ化されたパスワードが外部の掲示板に置かれている。", Severity.High, RequestPurpose.Inform)
            : new Plot(start, "intrusions", "unprivileged-account-compromise", "other", dice.Of((string[])["メールアカウントの乗っ取り", "VPN装置への不正ログイン", "クラウドのアカウントへの不正ログイン"]), "職員のアカウントに海外のアドレスからログインがあり、迷惑メールの送信に使われた。", Severity.Medium, RequestPurpose.Investigate);
        plot.Aims.Add(leak ? Frauds.Site($"https://paste.{dice.Of((string[])["board-share.example", "dropfile.example"])}/{dice.Hex(8)}", TargetRole.Other, dice.Of(Stage.BadHosts)) : Ip(address, TargetRole.SteppingStone));
        var what = Stage.Written(dice, plot.Aims[0].Value);
        plot.Tellings.Add(leak
            ? new(dice.Chance(0.5) ? Stage.Away(dice) with { Language = "en" } : Stage.Home(dice), Channel.Mail, ReportKind.Information, "Leaked credentials of Japanese organisations", $"A list with about {Stage.Plain(dice.From(2, 60) * 100)} accounts of Japanese organisations was posted here:\n\n{what}\nposted {Stage.Utc(start)}\n\nWe can send the lines of your constituency on request.") { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Frauds.Whole(start, 1) }
            : new(Stage.Home(dice), Channel.Web, ReportKind.Request, dice.Of((string[])["メールアカウントの乗っ取り", "VPN装置への不審なログイン"]), $"{Stage.Ja(start)}、職員のアカウントに {what} からログインがありました。海外からで、本人の操作ではありません。\n\n{Stage.Iso(start)} LOGIN OK user=●●● ip={address}\n{Stage.Iso(start.AddMinutes(3))} RULE ADD forward=●●●@mail.example\n{Stage.Iso(start.AddMinutes(9))} SEND count={Stage.Plain(dice.From(200, 4000))}\n\nパスワードは変更し、転送の設定は削除しました。発信元への連絡をお願いします。") { OccurredText = Stage.Iso(start), Zone = "Asia/Tokyo", OccurredAt = Frauds.Whole(start, 1), Papers = [new("login-history.txt", AttachmentKind.LogExcerpt, $"{Stage.Iso(start)} LOGIN OK ip={address} ua=\"IMAP\"\n{Stage.Iso(start.AddMinutes(3))} RULE ADD\n")] });
        plot.Notes.Add(leak ? "一覧の作成日は 2年前。使い回しの可能性があるため、該当する組織に個別に知らせる。" : "多要素認証は未導入。フィッシングで取られた可能性が高い。");
        return plot;
    }

    public static Plot Exposed(Dice dice, DateTimeOffset start)
    {
        var victim = dice.Of(Stage.Victims);
        var plot = new Plot(start, "vulnerable", "vulnerable-system", "other", dice.Of((string[])["脆弱性のあるVPN装置の公開", "更新されていないメールサーバ", "管理画面が公開された複合機"]), "修正の出ている脆弱性（CVE-2026-21001）が残ったまま公開されている。", Severity.Medium, RequestPurpose.NotifyVictim);
        plot.Aims.Add(Ip(victim.Address, TargetRole.Victim));
        plot.Tellings.Add(new(Stage.Away(dice), Channel.Mail, ReportKind.Information, "Vulnerable appliances in JP", $"Hello,\n\nour scan of {Stage.Utc(start)} found appliances that still have CVE-2026-21001:\n\n  {Stage.Written(dice, victim.Address)}  tcp/443\n\nA proof of concept is public. Please inform the owners.\n") { OccurredText = Stage.Utc(start), Zone = "UTC", OccurredAt = Frauds.Whole(start, 1) });
        plot.Notes.Add("版の表示だけでの判定。実際に影響があるかは、持ち主に確かめてもらう。");
        return plot;
    }

    public static Plot Spam(Dice dice, DateTimeOffset start)
    {
        var plot = new Plot(start, "fraud", "masquerade", "other", dice.Of((string[])["自社をかたるなりすましメール", "取引先をかたる振込先変更のメール"]), "取引先を装い、振込先の変更を求めるメール。", Severity.Medium, RequestPurpose.Investigate);
        plot.Aims.Add(Ip(dice.Of(Stage.BadHosts[..20]), TargetRole.Other));
        plot.Tellings.Add(new(Stage.Home(dice), Channel.Web, ReportKind.Consultation, "なりすましメールが届いた", $"弊社の経理に、取引先の社長を名乗るメールが届きました。振込先を変えてほしいという内容です。差出人のドメインは1文字違いでした。\n送信元は {Stage.Written(dice, plot.Aims[0].Value)} です。振り込みはしていません。"));
        plot.Notes.Add("差出人のドメインは2日前の登録。登録業者への連絡も検討する。");
        return plot;
    }

    /// <summary>What is not the desk's, and the reason its reporter reads.</summary>
    public static (Told Told, string Reason) Rejected(Dice dice, DateTimeOffset at) => dice.Weighed(16, 14, 12, 12, 12, 10, 12, 12) switch
    {
        0 => (new(Stage.Citizen(dice), Channel.Web, ReportKind.Consultation, "ネット通販で商品が届かない", "海外の通販サイトで靴を買いましたが、1か月たっても届きません。返金してほしいです。"), "商品の取引に関するご相談は、当チームの対象外です。消費生活センター（局番なし 188）へご相談ください。"),
        1 => (new(Stage.Citizen(dice), Channel.Web, ReportKind.Request, "SNSで悪口を書かれています", "知人と思われる人から、SNSに事実でないことを書かれています。投稿者を特定して消してください。"), "投稿の削除や投稿者の特定は、当チームでは行えません。違法・有害情報の相談窓口、または弁護士へご相談ください。"),
        2 => (new(Teller.Nobody("en"), Channel.Web, ReportKind.Information, "SEO services for your website", "Dear Sir or Madam, we can bring your website to the first page. Write to promo@rank-first.example for a free quote."), "This is an advertisement and no incident report."),
        3 => (new(Teller.Nobody("ja"), Channel.Web, ReportKind.Request, "テスト", "送信テストです。"), "内容が確認できないため、対象外としました。改めて報告される場合は、発生した日時と対象を書き添えてください。"),
        4 => (new(Stage.Away(dice), Channel.Mail, ReportKind.Request, "Copyright infringement notice", $"Our client's film is offered on {Stage.Written(dice, dice.Of(Stage.BadClients))} by a file-sharing program ({Stage.Utc(at)}). Identify the subscriber."), "Copyright notices are outside our scope, and we do not identify subscribers. Please ask the access provider or a Japanese court."),
        5 => (new(Stage.Citizen(dice), Channel.Phone, ReportKind.Consultation, "パソコンの動作が遅い", "（電話での聞き取り）\nパソコンの起動に10分かかる。ウイルスではないか。警告は出ていない。"), "インシデントを示す情報が見当たりませんでした。機器の動作については、製造元のサポート窓口へご相談ください。"),
        6 => (new(Stage.Citizen(dice), Channel.Web, ReportKind.Information, "迷惑メールが多くて困る", "毎日20通くらい迷惑メールが届きます。なんとかしてください。"), "一般的な迷惑メールは、迷惑メールの相談窓口が受け付けています。誘導先のURLなどが分かるものは、改めてお知らせください。"),
        _ => (new(Stage.Away(dice), Channel.Mail, ReportKind.Request, "Abuse report: ping", $"Your host {Stage.Written(dice, dice.Of(Stage.BadClients))} sent us one ICMP echo request on {Stage.Utc(at)}. This is an attack."), "A single echo request shows no incident. Please write again with logs if you see more."),
    };

    public static Aim Ip(string address, TargetRole role) => new(address.Contains(':', StringComparison.Ordinal) ? ObservableType.IPv6 : ObservableType.IPv4, Observable.Parse(address.Contains(':', StringComparison.Ordinal) ? ObservableType.IPv6 : ObservableType.IPv4, address).Value, role, address);

    /// <summary>A machine report as it is imported: the CSV of a Shadowserver type.</summary>
    public static Told Feed(Dice dice, DateTimeOffset at, string type, string country = "japan")
    {
        var rows = dice.From(12, 60);
        var csv = new System.Text.StringBuilder(type switch
        {
            "event4_sinkhole" => "\"timestamp\",\"severity\",\"protocol\",\"src_ip\",\"src_port\",\"src_asn\",\"src_geo\",\"src_hostname\",\"dst_ip\",\"dst_port\",\"dst_asn\",\"dst_geo\",\"infection\",\"family\",\"tag\",\"event_id\"\n",
            "scan_exchange" => "\"timestamp\",\"severity\",\"ip\",\"protocol\",\"port\",\"hostname\",\"tag\",\"asn\",\"geo\",\"region\",\"city\",\"version\",\"servername\",\"url\"\n",
            _ => "\"timestamp\",\"severity\",\"ip\",\"protocol\",\"port\",\"hostname\",\"tag\",\"asn\",\"geo\",\"region\",\"city\",\"rdp_protocol\",\"bluekeep_vulnerable\",\"cve20190708_vulnerable\"\n",
        });
        for (var i = 0; i < rows; i++)
        {
            var (ip, asn) = dice.Weighed(30, 25, 15, 15, 15) switch
            {
                0 => ("203.0.113." + Stage.Plain(dice.From(100, 126)), "64501"),
                1 => ("192.0.2." + Stage.Plain(dice.From(48, 62)), "64496"),
                2 => ("198.51.100." + Stage.Plain(dice.From(1, 30)), "64500"),
                3 => ("192.0.2." + Stage.Plain(dice.From(205, 250)), "64499"),
                _ => ("198.51.100." + Stage.Plain(dice.From(33, 46)), "64505"),
            };
            var time = Stage.Iso(at.AddHours(-24).AddMinutes(i * 19), 0);
            csv.Append(type switch
            {
                "event4_sinkhole" => $"\"{time}\",\"high\",\"tcp\",\"{ip}\",\"{Stage.Plain(dice.From(1025, 65000))}\",\"{asn}\",\"JP\",\"\",\"203.0.113.249\",\"443\",\"64508\",\"NL\",\"{dice.Of((string[])["grayotter", "silkrat", "harukaze"])}\",\"grayotter\",\"sinkhole\",\"{dice.Hex(16)}\"\n",
                "scan_exchange" => $"\"{time}\",\"critical\",\"{ip}\",\"tcp\",\"443\",\"mail{Stage.Plain(i)}.keyaki-u.example\",\"exchange;cve-2026-21001\",\"{asn}\",\"JP\",\"TOKYO\",\"Tokyo\",\"15.2.1118.{Stage.Plain(dice.From(7, 40))}\",\"MAIL{Stage.Plain(i)}\",\"\"\n",
                _ => $"\"{time}\",\"{(dice.Chance(0.2) ? "high" : "medium")}\",\"{ip}\",\"tcp\",\"3389\",\"\",\"rdp\",\"{asn}\",\"JP\",\"TOKYO\",\"Tokyo\",\"RDP\",\"{(dice.Chance(0.2) ? "Y" : "N")}\",\"N\"\n",
            });
        }

        var name = $"{at.UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)}-{type}-{country}-asn.csv";
        return new(new(null, null, null, null, null, "en", ReporterDisclosure.None), Channel.Import, ReportKind.Information, $"shadowserver:{type} {name}", csv.ToString()) { Feed = type };
    }
}
