using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Renkei.Mail.Transport;

namespace Renkei.Units.Mail;

public class SmtpSubmissionTests
{
    private static readonly byte[] s_message = Encoding.ASCII.GetBytes("Subject: hello\r\nMessage-ID: <1@node.example>\r\n\r\n.starts with a dot\r\n..two\r\n.\r\nend\r\n");
    private static readonly Envelope s_envelope = new("bounce@node.example", ["abuse@hoster.example"]);
    private static readonly Envelope s_three = new("bounce@node.example", ["a@hoster.example", "b@hoster.example", "c@hoster.example"]);

    [Fact]
    public async Task A_message_arrives_byte_for_byte()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new());

        DeliveryResult result = await SendAsync(server);

        Assert.Equal(new DeliveryResult.Accepted("250 queued as 4711"), result);
        Assert.Equal(Encoding.ASCII.GetString(s_message), Assert.Single(server.Messages));
        Assert.Equal(
            ["EHLO node.example", $"MAIL FROM:<bounce@node.example> SIZE={s_message.Length}", "RCPT TO:<abuse@hoster.example>", "DATA", "QUIT"],
            server.Commands, StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_message_larger_than_a_buffer_arrives_byte_for_byte()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new());
        string line = new string('.', 76) + "\r\n";
        string big = "Message-ID: <1@node.example>\r\n\r\n" + string.Concat(Enumerable.Repeat(line, 3000)) + "no line end";

        DeliveryResult result = await SendAsync(server, message: Encoding.ASCII.GetBytes(big));

        Assert.IsType<DeliveryResult.Accepted>(result);
        Assert.Equal(big + "\r\n", Assert.Single(server.Messages));
    }

    [Fact]
    public async Task International_domains_go_out_in_ascii_and_each_recipient_once()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new());

        await SendAsync(server, envelope: new("", ["info@日本語.example", "info@xn--wgv71a119e.example"]));

        Assert.Contains($"MAIL FROM:<> SIZE={s_message.Length}", server.Commands, StringComparer.Ordinal);
        Assert.Single(server.Commands, c => c is "RCPT TO:<info@xn--wgv71a119e.example>");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Over_tls_the_login_and_the_message_are_protected(bool fromTheStart)
    {
        using X509Certificate2 certificate = SmtpTestServer.Issue("other.example");
        string[] capabilities = fromTheStart ? ["AUTH PLAIN"] : ["STARTTLS", "AUTH PLAIN"];
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Certificate = certificate, TlsFromTheStart = fromTheStart, Capabilities = capabilities });

        DeliveryResult result = await SendAsync(server, s => s with
        {
            Security = fromTheStart ? SmtpSecurity.Tls : SmtpSecurity.StartTls,
            CertificateThumbprint = certificate.GetCertHashString(HashAlgorithmName.SHA256),
            User = "node",
            Password = "pässword",
        });

        Assert.IsType<DeliveryResult.Accepted>(result);
        Assert.Contains("*AUTH PLAIN " + Convert.ToBase64String(Encoding.UTF8.GetBytes("\0node\0pässword")), server.Commands, StringComparer.Ordinal);
        string[] inPlain = [.. server.Commands.Where(c => c[0] != '*')];
        Assert.Equal(fromTheStart ? [] : ["EHLO node.example", "STARTTLS"], inPlain, StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("other.example", false)]
    public async Task A_certificate_of_the_named_authority_is_taken_for_its_own_name_only(string name, bool taken)
    {
        using X509Certificate2 authority = SmtpTestServer.Issue("ca.example");
        using X509Certificate2 certificate = SmtpTestServer.Issue(name, authority);
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Certificate = certificate, Capabilities = ["STARTTLS"] });

        DeliveryResult result = await SendAsync(server, s => s with { Security = SmtpSecurity.StartTls, CertificateAuthority = authority });

        Assert.Equal(taken, result is DeliveryResult.Accepted);
        Assert.Equal(taken ? 1 : 0, server.Messages.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("00")]
    public async Task A_certificate_nobody_vouches_for_ends_the_conversation(string? thumbprint)
    {
        using X509Certificate2 certificate = SmtpTestServer.Issue("127.0.0.1");
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Certificate = certificate, Capabilities = ["STARTTLS"] });

        DeliveryResult result = await SendAsync(server, s => s with { Security = SmtpSecurity.StartTls, CertificateThumbprint = thumbprint });

        Assert.IsType<DeliveryResult.Deferred>(result);
        Assert.DoesNotContain(server.Commands, c => c.Contains("MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_starttls_nothing_is_sent_in_plain_text()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new());

        DeliveryResult result = await SendAsync(server, s => s with { Security = SmtpSecurity.StartTls, User = "node", Password = "secret" });

        Assert.Contains("STARTTLS", Assert.IsType<DeliveryResult.Deferred>(result).Reason, StringComparison.Ordinal);
        Assert.Equal(["EHLO node.example", "QUIT"], server.Commands, StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("454 TLS not available")]
    [InlineData("502 no such command")]
    [InlineData("220 go ahead\r\n250 and this is not yet encrypted")]
    public async Task A_refused_or_tampered_starttls_ends_the_conversation(string answer)
    {
        using X509Certificate2 certificate = SmtpTestServer.Issue("127.0.0.1");
        await using SmtpTestServer server = SmtpTestServer.Start(new()
        {
            Certificate = certificate,
            Capabilities = ["STARTTLS"],
            Answer = c => c is "STARTTLS" ? answer : null,
        });

        DeliveryResult result = await SendAsync(server, s => s with
        {
            Security = SmtpSecurity.StartTls,
            CertificateThumbprint = certificate.GetCertHashString(HashAlgorithmName.SHA256),
        });

        Assert.IsType<DeliveryResult.Deferred>(result);
        Assert.DoesNotContain(server.Commands, c => c.Contains("MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Capabilities_from_before_tls_are_forgotten()
    {
        using X509Certificate2 certificate = SmtpTestServer.Issue("127.0.0.1");
        int hellos = 0;
        await using SmtpTestServer server = SmtpTestServer.Start(new()
        {
            Certificate = certificate,
            Answer = c => c.StartsWith("EHLO", StringComparison.Ordinal) ? (hellos++ == 0 ? "250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS" : "250 x") : null,
        });

        DeliveryResult result = await SendAsync(server, s => s with
        {
            Security = SmtpSecurity.StartTls,
            CertificateThumbprint = certificate.GetCertHashString(HashAlgorithmName.SHA256),
            User = "node",
            Password = "secret",
        });

        Assert.Contains("AUTH", Assert.IsType<DeliveryResult.Deferred>(result).Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Commands, c => c.Contains("AUTH", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_only_knows_auth_login_gets_it()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Capabilities = ["AUTH=LOGIN", "SIZE"] });

        DeliveryResult result = await SendAsync(server, s => s with { User = "node", Password = "secret" });

        Assert.IsType<DeliveryResult.Accepted>(result);
        Assert.Equal(["AUTH LOGIN", "bm9kZQ==", "c2VjcmV0"], server.Commands.Skip(1).Take(3), StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_refused_login_defers_and_does_not_repeat_what_the_server_says()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Answer = c => c.StartsWith("AUTH", StringComparison.Ordinal) ? "535 wrong: secret" : null });

        DeliveryResult result = await SendAsync(server, s => s with { User = "node", Password = "secret" });

        Assert.Equal(new DeliveryResult.Deferred("Login refused with 535."), result);
    }

    [Theory]
    [InlineData("(greeting)", "421 too busy", 0)]
    [InlineData("(greeting)", "554 not you", 0)]
    [InlineData("EHLO", "550 not you", 0)]
    [InlineData("MAIL", "451 later", 0)]
    [InlineData("MAIL", "550 5.7.1 no", 550)]
    [InlineData("MAIL", "530 5.7.0 log in first", 0)]
    [InlineData("RCPT", "450 grey", 0)]
    [InlineData("RCPT", "421 closing", 0)]
    [InlineData("RCPT", "552 too many", 0)]
    [InlineData("RCPT", "550 5.1.1 unknown", 550)]
    [InlineData("DATA", "451 later", 0)]
    [InlineData("DATA", "554 no", 554)]
    [InlineData("DATA", "250 what?", 0)]
    [InlineData("(message)", "452 disk full", 0)]
    [InlineData("(message)", "554 5.6.0 spam", 554)]
    public async Task A_refusal_is_for_now_or_for_good_by_its_code_and_its_place(string step, string answer, int rejectedWith)
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Answer = c => c.StartsWith(step, StringComparison.Ordinal) ? answer : null });

        DeliveryResult result = await SendAsync(server);

        if (rejectedWith > 0)
        {
            DeliveryResult.Rejected rejected = Assert.IsType<DeliveryResult.Rejected>(result);
            Assert.Equal(rejectedWith, rejected.Code);
            Assert.EndsWith(answer, rejected.Reason, StringComparison.Ordinal);
        }
        else
        {
            DeliveryResult.Deferred deferred = Assert.IsType<DeliveryResult.Deferred>(result);
            Assert.EndsWith(answer, deferred.Reason, StringComparison.Ordinal);
            Assert.False(deferred.MayHaveBeenAccepted);
        }
    }

    [Fact]
    public async Task Recipients_that_fare_differently_are_told_apart()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new()
        {
            Answer = c => c is "RCPT TO:<b@hoster.example>" ? "550 unknown" : c is "RCPT TO:<c@hoster.example>" ? "450 grey" : null,
        });

        DeliveryResult result = await SendAsync(server, envelope: s_three);

        Assert.Equal(
            [
                new("a@hoster.example", new DeliveryResult.Accepted("250 queued as 4711")),
                new("b@hoster.example", new DeliveryResult.Rejected(550, "RCPT TO: 550 unknown")),
                new("c@hoster.example", new DeliveryResult.Deferred("RCPT TO: 450 grey")),
            ],
            Assert.IsType<DeliveryResult.Mixed>(result).Recipients);
    }

    [Fact]
    public async Task A_closing_in_the_middle_keeps_what_was_decided()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new()
        {
            Answer = c => c is "RCPT TO:<a@hoster.example>" ? "550 unknown" : c is "RCPT TO:<b@hoster.example>" ? "421 closing" : null,
        });

        DeliveryResult result = await SendAsync(server, envelope: s_three);

        Assert.Collection(result.PerRecipient(s_three),
            a => Assert.IsType<DeliveryResult.Rejected>(a.Result),
            b => Assert.IsType<DeliveryResult.Deferred>(b.Result),
            c => Assert.IsType<DeliveryResult.Deferred>(c.Result));
        Assert.DoesNotContain("DATA", server.Commands, StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("(greeting)", false)]
    [InlineData("EHLO", false)]
    [InlineData("MAIL", false)]
    [InlineData("RCPT", false)]
    [InlineData("DATA", false)]
    [InlineData("(line of message)", false)]
    [InlineData("(message)", true)]
    public async Task A_broken_line_defers_and_only_after_the_last_dot_it_may_have_arrived(string step, bool perhaps)
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Capabilities = ["8BITMIME"], Answer = c => c.StartsWith(step, StringComparison.Ordinal) ? SmtpTestServer.HangUp : null });

        // the line breaks inside the message only if it does not fit into the socket's buffers
        byte[] message = step is "(line of message)" ? Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('x', 998) + "\r\n", 30_000))) : s_message;
        DeliveryResult result = await SendAsync(server, message: message);

        Assert.Equal(perhaps, Assert.IsType<DeliveryResult.Deferred>(result).MayHaveBeenAccepted);
    }

    [Theory]
    [InlineData("(greeting)", false)]
    [InlineData("RCPT", false)]
    [InlineData("(message)", true)]
    public async Task A_silent_server_is_left_in_time(string step, bool perhaps)
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Answer = c => c.StartsWith(step, StringComparison.Ordinal) ? SmtpTestServer.Silence : null });

        DeliveryResult result = await SendAsync(server, s => s with { Timeout = TimeSpan.FromSeconds(0.3), FinalTimeout = TimeSpan.FromSeconds(0.3) });

        DeliveryResult.Deferred deferred = Assert.IsType<DeliveryResult.Deferred>(result);
        Assert.Equal(perhaps, deferred.MayHaveBeenAccepted);
        Assert.Contains("Timed out", deferred.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("250-more\r\n", 0, "more than 100 lines")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0, "more than 2048 bytes")]
    [InlineData("250-a\r\n550 b\r\n", 0, "not SMTP")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n", 0, "not SMTP")]
    [InlineData("999 what\r\n", 0, "not SMTP")]
    [InlineData("2", 40, "Timed out")]
    public async Task A_hostile_server_is_left_in_time_and_within_memory(string flood, int pauseMilliseconds, string reason)
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new()
        {
            Rampage = async (stream, stop) =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(flood), stop);
                    if (pauseMilliseconds > 0)
                        await Task.Delay(pauseMilliseconds, stop);
                }
            },
        });
        Stopwatch watch = Stopwatch.StartNew();

        // a flood is cut by its size long before the time is up, a trickle by the time
        TimeSpan timeout = TimeSpan.FromSeconds(pauseMilliseconds > 0 ? 1 : 30);
        DeliveryResult result = await SendAsync(server, s => s with { Timeout = timeout });

        DeliveryResult.Deferred deferred = Assert.IsType<DeliveryResult.Deferred>(result);
        Assert.False(deferred.MayHaveBeenAccepted);
        Assert.Contains(reason, deferred.Reason, StringComparison.Ordinal);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task A_reply_is_shown_without_control_characters_and_cut()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Answer = c => c.StartsWith("MAIL", StringComparison.Ordinal) ? "550 \u001b[31mred\u00e9" + new string('x', 1500) : null });

        DeliveryResult.Rejected rejected = Assert.IsType<DeliveryResult.Rejected>(await SendAsync(server));

        Assert.StartsWith("MAIL FROM: 550 ?[31mred?xxx", rejected.Reason, StringComparison.Ordinal);
        Assert.InRange(rejected.Reason.Length, 1, 450);
    }

    [Fact]
    public async Task A_message_over_the_servers_size_is_not_offered()
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Capabilities = ["SIZE 20"] });

        DeliveryResult result = await SendAsync(server);

        Assert.Equal(0, Assert.IsType<DeliveryResult.Rejected>(result).Code);
        Assert.Equal(["EHLO node.example", "QUIT"], server.Commands, StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Eight_bit_bytes_go_only_where_they_are_taken(bool taken)
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new() { Capabilities = taken ? ["8BITMIME", "DSN"] : ["SIZE"] });

        DeliveryResult result = await SendAsync(server, s => s with { RequestNotices = true }, message: [.. "a: b\r\n\r\n"u8, 0xe3, 0x81, 0x82, .. "\r\n"u8]);

        Assert.Equal(taken, result is DeliveryResult.Accepted);
        if (taken)
        {
            Assert.Contains("MAIL FROM:<bounce@node.example> BODY=8BITMIME RET=HDRS", server.Commands, StringComparer.Ordinal);
            Assert.Contains("RCPT TO:<abuse@hoster.example> NOTIFY=FAILURE,DELAY", server.Commands, StringComparer.Ordinal);
        }
    }

    [Theory]
    [InlineData("a: b\r\n\r\nfirst\n.\nMAIL FROM:<x@y.example>\r\n")]
    [InlineData("a: b\r\n\r\nfirst\r.\r\n")]
    [InlineData("a: b\r\n\r\nfirst\r\n.\r")]
    [InlineData("a: b\r\n\r\nnul\0\r\n")]
    [InlineData("")]
    public async Task A_message_that_could_smuggle_another_never_leaves(string message)
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new());

        DeliveryResult result = await SendAsync(server, message: Encoding.ASCII.GetBytes(message));

        Assert.Equal(0, Assert.IsType<DeliveryResult.Rejected>(result).Code);
        Assert.Empty(server.Commands);
    }

    [Theory]
    [InlineData("a@b.example>\r\nRCPT TO:<x@y.example", "a@b.example")]
    [InlineData("a@b.example", "a@b.example> NOTIFY=NEVER")]
    [InlineData("a@b.example", "a@b.example\r\nDATA")]
    [InlineData("a@b.example", "")]
    public async Task An_envelope_that_could_speak_commands_never_leaves(string from, string to)
    {
        await using SmtpTestServer server = SmtpTestServer.Start(new());

        DeliveryResult result = await SendAsync(server, envelope: new(from, [to]));

        Assert.Equal(0, Assert.IsType<DeliveryResult.Rejected>(result).Code);
        Assert.Empty(server.Commands);
    }

    [Fact]
    public async Task An_absent_server_defers()
    {
        SmtpTestServer server = SmtpTestServer.Start(new());
        await server.DisposeAsync();

        Assert.IsType<DeliveryResult.Deferred>(await SendAsync(server));
    }

    [Fact]
    public async Task Stopping_while_the_answer_is_out_says_that_it_may_have_arrived()
    {
        using CancellationTokenSource stop = new();
        await using SmtpTestServer server = SmtpTestServer.Start(new()
        {
            Answer = c =>
            {
                if (c is not "(message)")
                    return null;
                stop.Cancel();
                return SmtpTestServer.Silence;
            },
        });

        DeliveryResult result = await new SmtpSubmission(Settings(server), TimeProvider.System).SendAsync(s_envelope, s_message, stop.Token);

        Assert.Equal(new DeliveryResult.Deferred("Stopped while waiting for a reply.", MayHaveBeenAccepted: true), result);
    }

    [Fact]
    public void Settings_do_not_print_their_password() =>
        Assert.DoesNotContain("secret", $"{new SmtpSettings { Host = "mx.example", HeloName = "node.example", User = "node", Password = "secret" }}", StringComparison.Ordinal);

    private static SmtpSettings Settings(SmtpTestServer server) => new()
    {
        Host = "127.0.0.1",
        Port = server.Port,
        Security = SmtpSecurity.None,
        HeloName = "node.example",
        Timeout = TimeSpan.FromSeconds(10),
    };

    private static Task<DeliveryResult> SendAsync(
        SmtpTestServer server, Func<SmtpSettings, SmtpSettings>? change = null, Envelope? envelope = null, byte[]? message = null) =>
        new SmtpSubmission(change is null ? Settings(server) : change(Settings(server)), TimeProvider.System)
            .SendAsync(envelope ?? s_envelope, message ?? s_message, TestContext.Current.CancellationToken);
}
