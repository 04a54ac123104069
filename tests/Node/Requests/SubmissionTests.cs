using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Renkei.Directories;
using Renkei.Formats.Mail;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Triage;
using Renkei.Store;
using Renkei.Units.Mail;

namespace Renkei.Node.Tests.Requests;

/// <summary>A node whose mail goes to a submission server on the loopback, and contacts who ask for different things.</summary>
public sealed class SubmittingNode : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private int _count;

    internal SmtpTestServer Server { get; private set; } = null!;

    public TestNode Node { get; private set; } = null!;

    public HttpClient Token { get; private set; } = null!;

    public HttpClient Smith { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = SmtpTestServer.Start(new SmtpTestServer());
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["smtp-host"] = "127.0.0.1",
            ["smtp-port"] = Server.Port.ToString(CultureInfo.InvariantCulture),
            ["smtp-security"] = "none",
            ["mail-domain"] = "mail.aozora.example",
        };
        Node = await TestNode.StartAsync(settings: settings, adjust: b =>
        {
            // the outbox runs when the test says so
            foreach (var worker in b.Services.Where(s => s.ServiceType == typeof(IHostedService) && (s.ImplementationType == typeof(OutboxWorker) || s.ImplementationFactory?.Method.ReturnType == typeof(OutboxWorker))).ToList())
            {
                b.Services.Remove(worker);
            }
        });
        await using (var db = Node.Databases.ForSystem())
        {
            var book = await TestDirectory.TeamAsync(db, Node, "hosting", "星空ホスティング", "Hoshizora Hosting");
            var english = TestDirectory.Contact(db, Node, book, "Abuse desk", "abuse@hosting.example");
            TestDirectory.Piece(db, Node, book, english, ConstituencyKind.Domain, "phish.example");
            var isp = await TestDirectory.TeamAsync(db, Node, "isp", "みどりネット", "Midori Net", TeamKind.Isp);
            var japanese = TestDirectory.Contact(db, Node, isp, "窓口", "abuse@midori.example");
            japanese.Languages = "ja";
            TestDirectory.Piece(db, Node, isp, japanese, ConstituencyKind.Domain, "midori.example");
            var machines = await TestDirectory.TeamAsync(db, Node, "machines", "機械", "Machines");
            var xarf = TestDirectory.Contact(db, Node, machines, "Robot", "xarf@machines.example");
            xarf.AsksFor = AsksFor.Xarf;
            TestDirectory.Piece(db, Node, machines, xarf, ConstituencyKind.Domain, "machines.example");
            await db.SaveChangesAsync(Ct);
        }

        Token = await Node.WithTokenAsync("aozora");
        Smith = await Node.SignedInAsync("smith@aozora.example");
    }

    public async ValueTask DisposeAsync()
    {
        Token.Dispose();
        Smith.Dispose();
        await Node.DisposeAsync();
        await Server.DisposeAsync();
    }

    /// <summary>A draft to the contact of that domain, with these files as grounds.</summary>
    public async Task<CoordinationRequest> DraftAsync(string domain, params (string Name, string Type, byte[] Bytes)[] grounds)
    {
        var host = $"site{Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture)}.{domain}";
        using var reported = await Token.PostAsJsonAsync("/api/v1/reports", new { type = "request", summary = $"Phishing at https://{host}/login", language = "en" }, Ct);
        var report = (await reported.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString();
        using var accepted = await Token.PostAsJsonAsync($"/api/v1/reports/{report}/accept", new { category = "fraud", type = "phishing" }, Ct);
        var incident = (await accepted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("incidentId").GetString();
        var ids = new List<Guid>();
        foreach (var (name, type, bytes) in grounds)
        {
            using var attached = await Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/attachments", new { attachments = new[] { new { name, mediaType = type, what = "capture", contentBase64 = Convert.ToBase64String(bytes) } } }, Ct);
            Assert.True(attached.StatusCode == HttpStatusCode.Created, await attached.Content.ReadAsStringAsync(Ct));
            ids.Add((await attached.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items")[0].GetProperty("id").GetGuid());
        }

        using var drafted = await Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown", grounds = ids }, Ct);
        Assert.True(drafted.StatusCode == HttpStatusCode.Created, await drafted.Content.ReadAsStringAsync(Ct));
        var items = (await drafted.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("items");
        return await StoredAsync(RequestId.Parse(items[0].GetProperty("id").GetString()!, null));
    }

    public async Task<CoordinationRequest> StoredAsync(RequestId id)
    {
        await using var db = Node.Databases.ForSystem();
        return await db.Requests.AsNoTracking().SingleAsync(r => r.Id == id, Ct);
    }

    /// <summary>Lets it out and gives what the server took: the commands since, and the message.</summary>
    public async Task<(IReadOnlyList<string> Commands, string Message)> SendAsync(RequestId id)
    {
        using var sent = await Token.PostAsJsonAsync($"/api/v1/requests/{id}/send", new { }, Ct);
        Assert.True(sent.StatusCode == HttpStatusCode.OK, await sent.Content.ReadAsStringAsync(Ct));
        return await TakenAsync();
    }

    public async Task<(IReadOnlyList<string> Commands, string Message)> TakenAsync()
    {
        var (before, messages) = (Server.Commands.Count, Server.Messages.Count);
        await Node.Services.GetRequiredService<OutboxWorker>().RunDueAsync(Ct);
        Assert.Equal(messages + 1, Server.Messages.Count);
        return ([.. Server.Commands.Skip(before)], Server.Messages.Last());
    }
}

/// <summary>What a mail server is handed: to whom, from whom, and every byte of it.</summary>
public class SubmissionTests(SubmittingNode node) : IClassFixture<SubmittingNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_envelope_carries_the_return_path_that_names_the_request_and_the_letter_the_team()
    {
        var draft = await node.DraftAsync("phish.example");
        var (commands, message) = await node.SendAsync(draft.Id);
        var from = Regex.Match(Assert.Single(commands, c => c.StartsWith("MAIL FROM", StringComparison.Ordinal)), "^MAIL FROM:<([^>]+)>", RegexOptions.NonBacktracking).Groups[1].Value;
        var key = node.Node.Services.GetRequiredService<KeyRing>().Derive("return-path");
        Assert.True(Verp.TryParse(from, key, out var path), from);
        Assert.Equal(("bounce", draft.Id.Value.ToString("N"), "mail.aozora.example"), (path.LocalPart, path.Token, path.Domain));
        Assert.Equal("RCPT TO:<abuse@hosting.example>", Assert.Single(commands, c => c.StartsWith("RCPT", StringComparison.Ordinal)));
        Assert.Contains("aozora@mail.aozora.example", Header(message, "From"), StringComparison.Ordinal);
        Assert.True(Verp.TryParse(Regex.Match(Header(message, "Reply-To"), "<([^>]+)>", RegexOptions.NonBacktracking).Groups[1].Value, key, out var reply), Header(message, "Reply-To"));
        Assert.Equal(("reply", path.Token), (reply.LocalPart, reply.Token));
        // the bytes that were previewed and are kept, and no return path of our own in the header
        var stored = await node.StoredAsync(draft.Id);
        Assert.Equal((RequestState.Delivered, stored.MessageSha256), (stored.State, Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(message)))));
        Assert.DoesNotContain("bounce+", message, StringComparison.Ordinal);
        // its reminder comes back to the same request
        await using (var db = node.Node.Databases.ForSystem())
        {
            await db.Requests.Where(r => r.Id == draft.Id).ExecuteUpdateAsync(s => s.SetProperty(r => r.DueAt, node.Node.Clock.GetUtcNow().AddMinutes(-5)), Ct);
        }

        using var reminded = await node.Token.PostAsJsonAsync($"/api/v1/requests/{draft.Id}/remind", new { }, Ct);
        Assert.True(reminded.StatusCode == HttpStatusCode.OK, await reminded.Content.ReadAsStringAsync(Ct));
        var (again, reminder) = await node.TakenAsync();
        Assert.Contains(again, c => c.StartsWith($"MAIL FROM:<{from}>", StringComparison.Ordinal));
        Assert.Equal(stored.MessageId, Header(reminder, "In-Reply-To").Trim());
    }

    [Fact]
    public async Task A_letter_leaves_in_ISO_2022_JP_where_that_was_chosen_and_else_in_UTF_8()
    {
        var plain = await node.DraftAsync("midori.example");
        Assert.Equal("ja", plain.Language);
        var (_, usual) = await node.SendAsync(plain.Id);
        Assert.Contains("charset=utf-8", usual, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("iso-2022-jp", usual, StringComparison.OrdinalIgnoreCase);

        var draft = await node.DraftAsync("midori.example");
        using var chosen = await DeskNode.PostAsync(node.Smith, $"/requests/{draft.Id}", ("version", draft.Version.ToString(CultureInfo.InvariantCulture)), ("subject", draft.Subject), ("body", draft.Body), ("mail", draft.RecipientMail), ("language", "ja"), ("charset", "iso-2022-jp"));
        Assert.Equal(HttpStatusCode.SeeOther, chosen.StatusCode);
        var page = await node.Smith.GetStringAsync($"/requests/{draft.Id}", Ct);
        Assert.Contains("ISO-2022-JP", page, StringComparison.OrdinalIgnoreCase);
        using var sent = await DeskNode.PostAsync(node.Smith, $"/requests/{draft.Id}/send", ("sha256", Hidden(page, "sha256")), ("date", Hidden(page, "date")));
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        var (_, message) = await node.TakenAsync();
        Assert.True(message.All(c => c < 0x80), "seven bits are what it is chosen for");
        var (head, body) = Assert.Single(Parts(message));
        Assert.Contains("charset=iso-2022-jp", head, StringComparison.OrdinalIgnoreCase);
        var japanese = CodePagesEncodingProvider.Instance.GetEncoding("iso-2022-jp")!;
        var text = japanese.GetString(body).ReplaceLineEndings("\n");
        Assert.StartsWith("TLP:AMBER\n\n" + draft.Body.Split('\n')[0], text, StringComparison.Ordinal);
        Assert.Contains("みどりネット", text, StringComparison.Ordinal);
        Assert.Equal(Words(draft.Body), Words(text["TLP:AMBER".Length..]));
        var words = Regex.Matches(Header(message, "Subject"), @"=\?ISO-2022-JP\?B\?([^?]+)\?=", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking);
        Assert.NotEmpty(words);
        Assert.Contains("閉鎖依頼", string.Concat(words.Select(w => japanese.GetString(Convert.FromBase64String(w.Groups[1].Value)))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_asks_for_X_ARF_gets_it_beside_the_letter_and_others_do_not()
    {
        var draft = await node.DraftAsync("machines.example");
        var (commands, message) = await node.SendAsync(draft.Id);
        Assert.Contains("RCPT TO:<xarf@machines.example>", commands);
        var parts = Parts(message);
        Assert.Equal(2, parts.Count);
        Assert.Contains("application/json", parts[1].Head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("xarf.json", parts[1].Head, StringComparison.Ordinal);
        var json = JsonSerializer.Deserialize<JsonElement>(parts[1].Body);
        Assert.StartsWith("4.", json.GetProperty("xarf_version").GetString(), StringComparison.Ordinal);
        Assert.Equal(("content", "phishing"), (json.GetProperty("category").GetString(), json.GetProperty("type").GetString()));
        await using var db = node.Node.Databases.ForSystem();
        var target = await db.RequestTargets.AsNoTracking().FirstAsync(t => t.Request == draft.Id && t.Type == ObservableType.Url, Ct);
        Assert.Equal(target.Value, json.GetProperty("url").GetString());
        Assert.EndsWith(".machines.example", json.GetProperty("source_identifier").GetString(), StringComparison.Ordinal);
        Assert.Contains("hxxps://", Encoding.UTF8.GetString(parts[0].Body), StringComparison.Ordinal);

        var (_, other) = await node.SendAsync((await node.DraftAsync("phish.example")).Id);
        Assert.DoesNotContain("xarf", other, StringComparison.OrdinalIgnoreCase);
        Assert.Single(Parts(other));
    }

    [Fact]
    public async Task A_ground_s_bytes_are_in_the_mail_that_left_and_their_absence_is_said_in_words()
    {
        // every byte there is, what a mail server could take for its own, and an end without a line break
        var bytes = Enumerable.Range(0, 70_000).Select(i => (byte)(i * 31 / 7)).Concat("\r\n.\r\nQUIT\r\nFrom me\r\n--\r\n\0"u8.ToArray()).ToArray();
        var draft = await node.DraftAsync("phish.example", ("capture.bin", "application/octet-stream", bytes), ("access.log", "text/plain", "203.0.113.9 GET /\r\n.\r\n"u8.ToArray()));
        var (_, message) = await node.SendAsync(draft.Id);
        var parts = Parts(message);
        Assert.Equal(3, parts.Count);
        var file = Assert.Single(parts, p => p.Head.Contains("capture.bin", StringComparison.Ordinal));
        Assert.Contains("base64", file.Head, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(bytes, file.Body);
        Assert.Equal("203.0.113.9 GET /\r\n.\r\n"u8.ToArray(), Assert.Single(parts, p => p.Head.Contains("access.log", StringComparison.Ordinal)).Body);
        var text = Encoding.UTF8.GetString(parts[0].Body);
        Assert.Contains("capture.bin", text, StringComparison.Ordinal);
        Assert.DoesNotContain("no material to attach", text, StringComparison.Ordinal);

        var (_, none) = await node.SendAsync((await node.DraftAsync("phish.example")).Id);
        Assert.Contains("We have no material to attach at present.", Encoding.UTF8.GetString(Assert.Single(Parts(none)).Body), StringComparison.Ordinal);
        var (_, japanese) = await node.SendAsync((await node.DraftAsync("midori.example")).Id);
        Assert.Contains("現時点で添付できる資料はございません。", Encoding.UTF8.GetString(Assert.Single(Parts(japanese)).Body), StringComparison.Ordinal);
    }

    private static string Hidden(string page, string name) => Regex.Match(page, $"name=\"{name}\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;

    /// <summary>Without white space, since a line of a mail may be folded.</summary>
    private static string Words(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c)));

    private static string Header(string message, string name)
    {
        var head = message[..message.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Replace("\r\n ", " ", StringComparison.Ordinal).Replace("\r\n\t", " ", StringComparison.Ordinal);
        return Assert.Single(head.Split("\r\n"), l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))[(name.Length + 1)..].Trim();
    }

    /// <summary>The parts of a message (RFC 2046 §5.1), or its one, each with its header and its bytes as they were before encoding.</summary>
    private static List<(string Head, byte[] Body)> Parts(string message)
    {
        var head = message[..message.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        if (!head.Contains("multipart/", StringComparison.OrdinalIgnoreCase))
        {
            return [Part(message)];
        }

        var boundary = Regex.Match(head, "boundary=\"?([^\";\r\n]+)", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking).Groups[1].Value;
        return [.. ("\r\n" + message[(head.Length + 4)..]).Split("\r\n--" + boundary).Skip(1).TakeWhile(p => !p.StartsWith("--", StringComparison.Ordinal)).Select(p => Part(p[(p.IndexOf("\r\n", StringComparison.Ordinal) + 2)..]))];
    }

    private static (string Head, byte[] Body) Part(string part)
    {
        var at = part.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var (head, body) = (part[..at], part[(at + 4)..]);
        var encoding = Regex.Match(head, "Content-Transfer-Encoding: *([a-z0-9-]+)", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking).Groups[1].Value.ToLowerInvariant();
        if (encoding == "base64")
        {
            return (head, Convert.FromBase64String(body.Replace("\r\n", "", StringComparison.Ordinal)));
        }

        if (encoding != "quoted-printable")
        {
            return (head, Encoding.Latin1.GetBytes(body));
        }

        var soft = body.Replace("=\r\n", "", StringComparison.Ordinal);
        return (head, Encoding.Latin1.GetBytes(Regex.Replace(soft, "=([0-9A-F]{2})", m => ((char)Convert.ToByte(m.Groups[1].Value, 16)).ToString(), RegexOptions.NonBacktracking)));
    }
}
