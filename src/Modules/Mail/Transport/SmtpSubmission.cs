using System.Globalization;
using System.Text;
using Renkei.Formats.Mail;

namespace Renkei.Mail.Transport;

/// <summary>Hands messages to a submission server (RFC 5321, 6409; STARTTLS 3207, AUTH 4954, SIZE 1870, 8BITMIME 6152, DSN 3461).
/// One connection per message. A 4xx defers; a 5xx about the message or an address rejects. A 5xx about this node (greeting,
/// EHLO, TLS, login) defers too: the contact is not at fault, and the message goes out once the settings are right.</summary>
public sealed class SmtpSubmission(SmtpSettings settings, TimeProvider time) : IMailTransport
{
    // replies that say "log in first" or "encrypt first", not "this message is bad" (RFC 4954 §6, RFC 3207 §4)
    private static readonly int[] s_aboutLogin = [530, 534, 535, 538];

    /// <inheritdoc/>
    public async Task<DeliveryResult> SendAsync(Envelope envelope, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (envelope.Fault() is { } fault)
            return new DeliveryResult.Rejected(0, fault);
        if (WireFault(message.Span, out bool eightBit) is { } wireFault)
            return new DeliveryResult.Rejected(0, wireFault);
        if (!Mailbox.TryDomain(settings.HeloName, out string? helo) || settings.Port is < 1 or > 65535 || string.IsNullOrWhiteSpace(settings.Host))
            return new DeliveryResult.Deferred("The mail server's settings are incomplete: host, port or EHLO name.");

        Progress progress = new(envelope.Recipients());
        try
        {
            await using SmtpLine line = await SmtpLine.ConnectAsync(settings, time, cancellationToken);
            (Capabilities? server, DeliveryResult? refused) = await OpenAsync(line, helo);
            DeliveryResult result = refused ?? await TransferAsync(line, server!, envelope.From, message, eightBit, progress);
            await QuitAsync(line);
            return result;
        }
        catch (SmtpBrokenException e)
        {
            return progress.Broken(e.Message);
        }
    }

    private async Task<(Capabilities? Server, DeliveryResult? Refused)> OpenAsync(SmtpLine line, string helo)
    {
        if (settings.Security == SmtpSecurity.Tls)
            await line.EncryptAsync();
        SmtpReply greeting = await line.ReadReplyAsync();
        if (!greeting.Positive)
            return (null, new DeliveryResult.Deferred("Greeting: " + greeting));

        SmtpReply hello = await line.AskAsync("EHLO " + helo);
        if (!hello.Positive)
            return (null, new DeliveryResult.Deferred("EHLO: " + hello));
        Capabilities server = Capabilities.Read(hello);

        if (settings.Security == SmtpSecurity.StartTls)
        {
            if (!server.StartTls)
                return (null, new DeliveryResult.Deferred("The server offers no STARTTLS; nothing is sent in plain text."));
            SmtpReply ready = await line.AskAsync("STARTTLS");
            if (!ready.Positive)
                return (null, new DeliveryResult.Deferred("STARTTLS: " + ready));
            await line.EncryptAsync();

            // what was said before TLS may have been said by anyone (RFC 3207 §4.2)
            hello = await line.AskAsync("EHLO " + helo);
            if (!hello.Positive)
                return (null, new DeliveryResult.Deferred("EHLO after STARTTLS: " + hello));
            server = Capabilities.Read(hello);
        }

        return (server, settings.User is null ? null : await LogInAsync(line, server));
    }

    private async Task<DeliveryResult?> LogInAsync(SmtpLine line, Capabilities server)
    {
        if (!line.Encrypted && !line.Loopback)
            return new DeliveryResult.Deferred("A password is only sent over TLS.");
        string user = settings.User ?? "";
        string password = settings.Password ?? "";
        SmtpReply reply;
        if (server.AuthPlain)
        {
            reply = await line.AskAsync("AUTH PLAIN " + Base64($"\0{user}\0{password}"));
        }
        else if (server.AuthLogin)
        {
            reply = await line.AskAsync("AUTH LOGIN");
            if (reply.Code == 334)
                reply = await line.AskAsync(Base64(user));
            if (reply.Code == 334)
                reply = await line.AskAsync(Base64(password));
        }
        else
        {
            return new DeliveryResult.Deferred("The server offers neither AUTH PLAIN nor AUTH LOGIN.");
        }

        // only the code: a reply may quote what was sent
        return reply.Positive ? null : new DeliveryResult.Deferred($"Login refused with {reply.Code}.");

        static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
    }

    private async Task<DeliveryResult> TransferAsync(
        SmtpLine line, Capabilities server, string returnPath, ReadOnlyMemory<byte> message, bool eightBit, Progress progress)
    {
        if (server.Size > 0 && message.Length > server.Size)
            return new DeliveryResult.Rejected(0, $"The message has {message.Length} bytes; the server takes {server.Size}.");
        if (eightBit && !server.EightBit)
            return new DeliveryResult.Rejected(0, "The message has 8-bit bytes and the server takes none.");

        bool notices = settings.RequestNotices && server.Notices;
        string from = $"MAIL FROM:<{(returnPath.Length == 0 ? "" : Envelope.Ascii(returnPath))}>"
            + (server.AnnouncesSize ? string.Create(CultureInfo.InvariantCulture, $" SIZE={message.Length}") : "")
            + (eightBit ? " BODY=8BITMIME" : "")
            + (notices ? " RET=HDRS" : "");
        SmtpReply reply = await line.AskAsync(from);
        if (!reply.Positive)
            return Refusal("MAIL FROM", reply);

        foreach (string to in progress.Recipients)
        {
            reply = await line.AskAsync($"RCPT TO:<{to}>" + (notices ? " NOTIFY=FAILURE,DELAY" : ""));

            // 552 here means "too many recipients" of servers that know no 452 (RFC 5321 §4.5.3.1.10)
            DeliveryResult? refused = reply.Positive ? null
                : reply.Code == 552 ? new DeliveryResult.Deferred("RCPT TO: " + reply)
                : Refusal("RCPT TO", reply);
            if (refused is not null)
                progress.Settle(to, refused);
            if (reply.Code == 421)
                return progress.Result(new DeliveryResult.Deferred("RCPT TO: " + reply));
        }

        if (!progress.AnyOpen)
            return progress.Result(new DeliveryResult.Deferred("No recipient."));

        reply = await line.AskAsync("DATA");
        if (reply.Code != 354)
            return progress.Result(Refusal("DATA", reply));
        await line.SendAsync(DotStuffed(message.Span));
        progress.EndIsSent();
        await line.SendAsync(".\r\n"u8.ToArray());
        reply = await line.ReadReplyAsync(settings.FinalTimeout);
        progress.EndIsAnswered();
        return progress.Result(
            reply.Positive ? new DeliveryResult.Accepted(reply.ToString())
            : reply.Code is >= 300 and < 400 ? new DeliveryResult.Deferred("Unexpected reply to the message: " + reply, MayHaveBeenAccepted: true)
            : Refusal("Message", reply));
    }

    private static DeliveryResult Refusal(string step, SmtpReply reply) =>
        reply.Permanent && !s_aboutLogin.Contains(reply.Code)
            ? new DeliveryResult.Rejected(reply.Code, step + ": " + reply)
            : new DeliveryResult.Deferred(step + ": " + reply);

    private static async Task QuitAsync(SmtpLine line)
    {
        try
        {
            await line.AskAsync("QUIT", TimeSpan.FromSeconds(2));
        }
        catch (SmtpBrokenException)
        {
            // the message's fate is known; a server that hangs up without saying goodbye changes nothing
        }
    }

    /// <summary>What a server could take for the end of the message, or for two lines, is refused: bare CR or LF let a sender
    /// smuggle a second message past the checks of the first (RFC 5321 §2.3.8).</summary>
    private static string? WireFault(ReadOnlySpan<byte> message, out bool eightBit)
    {
        eightBit = false;
        if (message.IsEmpty)
            return "The message is empty.";
        int lineStart = 0;
        for (int i = 0; i < message.Length; i++)
        {
            byte b = message[i];
            bool endsLine = b == '\n' && i > lineStart && message[i - 1] == '\r';
            if (b == 0 || (b == '\n' && !endsLine) || (b == '\r' && (i + 1 == message.Length || message[i + 1] != '\n')))
                return $"The message has a NUL or a bare line break at byte {i}.";
            eightBit |= b > 0x7f;
            if (endsLine)
                lineStart = i + 1;
            else if (i - lineStart > MailLimits.LineBytes)
                return $"The message has a line of more than {MailLimits.LineBytes} bytes at byte {lineStart}.";
        }

        return null;
    }

    /// <summary>RFC 5321 §4.5.2: a line that begins with a dot gets another. The last line ends in CRLF.</summary>
    private static byte[] DotStuffed(ReadOnlySpan<byte> message)
    {
        List<byte> wire = new(message.Length + 64);
        bool atStart = true;
        foreach (byte b in message)
        {
            if (atStart && b == '.')
                wire.Add((byte)'.');
            wire.Add(b);
            atStart = b == '\n';
        }

        if (!atStart)
            wire.AddRange("\r\n"u8);
        return [.. wire];
    }

    private sealed record Capabilities(bool StartTls, bool AuthPlain, bool AuthLogin, bool EightBit, bool Notices, bool AnnouncesSize, long Size)
    {
        public static Capabilities Read(SmtpReply hello)
        {
            Capabilities found = new(false, false, false, false, false, false, 0);
            foreach (string line in hello.Lines.Skip(1))
            {
                string[] words = line.ToUpperInvariant().Split([' ', '='], StringSplitOptions.RemoveEmptyEntries);
                found = words switch
                {
                    ["STARTTLS", ..] => found with { StartTls = true },
                    ["AUTH", .. var ways] => found with
                    {
                        AuthPlain = found.AuthPlain || ways.Contains("PLAIN", StringComparer.Ordinal),
                        AuthLogin = found.AuthLogin || ways.Contains("LOGIN", StringComparer.Ordinal),
                    },
                    ["8BITMIME", ..] => found with { EightBit = true },
                    ["DSN", ..] => found with { Notices = true },
                    ["SIZE", var size, ..] when long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) =>
                        found with { AnnouncesSize = true, Size = bytes },
                    ["SIZE"] => found with { AnnouncesSize = true },
                    _ => found,
                };
            }

            return found;
        }
    }

    /// <summary>What is known so far about each recipient, for the case that the line breaks.</summary>
    private sealed class Progress(IReadOnlyList<string> recipients)
    {
        private readonly Dictionary<string, DeliveryResult> _settled = new(StringComparer.Ordinal);
        private bool _uncertain;

        public IReadOnlyList<string> Recipients => recipients;

        public bool AnyOpen => _settled.Count < recipients.Count;

        public void Settle(string recipient, DeliveryResult result) => _settled[recipient] = result;

        public void EndIsSent() => _uncertain = true;

        public void EndIsAnswered() => _uncertain = false;

        /// <summary>A recipient refused on its own stays refused, whatever becomes of the others.</summary>
        public DeliveryResult Result(DeliveryResult forTheRest) =>
            DeliveryResult.Of([.. recipients.Select(to => new RecipientResult(to, _settled.GetValueOrDefault(to, forTheRest)))]);

        public DeliveryResult Broken(string reason) => Result(new DeliveryResult.Deferred(reason, _uncertain));
    }
}
