using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Renkei.Units.Mail;

/// <summary>A mail server on the loopback that answers as told. Well-behaved unless <see cref="Answer"/> says otherwise.</summary>
internal sealed class SmtpTestServer : IAsyncDisposable
{
    /// <summary>An answer that closes the connection.</summary>
    public const string HangUp = "(hang up)";

    /// <summary>No answer at all.</summary>
    public const string Silence = "(silence)";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private Task _serving = Task.CompletedTask;

    public int Port { get; private set; }

    public string[] Capabilities { get; init; } = ["PIPELINING", "SIZE 10000000", "8BITMIME", "AUTH PLAIN LOGIN"];

    public X509Certificate2? Certificate { get; init; }

    public bool TlsFromTheStart { get; init; }

    /// <summary>From a command line, or <c>(greeting)</c>, <c>(line of message)</c>, <c>(message)</c>, to the whole answer; null for the usual one.</summary>
    public Func<string, string?> Answer { get; init; } = _ => null;

    /// <summary>Takes over after the greeting.</summary>
    public Func<Stream, CancellationToken, Task>? Rampage { get; init; }

    /// <summary>Commands in order, those after TLS with a leading "*".</summary>
    public ConcurrentQueue<string> Commands { get; } = [];

    /// <summary>Messages with the dots taken out again.</summary>
    public ConcurrentQueue<string> Messages { get; } = [];

    public static SmtpTestServer Start(SmtpTestServer server)
    {
        server._listener.Start();
        server.Port = ((IPEndPoint)server._listener.LocalEndpoint).Port;
        server._serving = server.ServeAsync();
        return server;
    }

    public static X509Certificate2 Issue(string name, X509Certificate2? authority = null)
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=" + name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        if (IPAddress.TryParse(name, out IPAddress? address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        if (authority is null)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        }

        using X509Certificate2 signed = request.Create(authority, now.AddHours(-1), now.AddDays(1), [1, 2, 3, 4]);
        return signed.CopyWithPrivateKey(key);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _serving;
        _stop.Dispose();
        _listener.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                try
                {
                    await ConverseAsync(client.GetStream());
                }
                catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
                {
                    // the client went away, as some tests want
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // stopped
        }
    }

    private async Task ConverseAsync(Stream stream)
    {
        string mark = "";
        if (TlsFromTheStart)
        {
            stream = await EncryptAsync(stream);
            mark = "*";
        }

        if (!await SayAsync(stream, Answer("(greeting)") ?? "220 mx.example ESMTP"))
            return;
        if (Rampage is not null)
        {
            await Rampage(stream, _stop.Token);
            return;
        }

        while (await ReadLineAsync(stream) is { } command)
        {
            Commands.Enqueue(mark + command);
            string verb = command.Split(' ', ':')[0];
            string usual = verb switch
            {
                "EHLO" => string.Join("\r\n", Capabilities.Prepend("mx.example").Select((c, i) => (i < Capabilities.Length ? "250-" : "250 ") + c)),
                "STARTTLS" => "220 go ahead",
                "DATA" => "354 send it",
                "AUTH" => command.StartsWith("AUTH LOGIN", StringComparison.Ordinal) ? "334 VXNlcm5hbWU6" : "235 welcome",
                "MAIL" or "RCPT" => "250 fine",
                "QUIT" => "221 bye",
                // the two lines of AUTH LOGIN: the name, then the password
                _ => LoginStep() == 1 ? "334 UGFzc3dvcmQ6" : "235 welcome",
            };
            string said = Answer(command) ?? usual;
            if (!await SayAsync(stream, said))
                return;
            if (verb is "STARTTLS" && said.StartsWith("220", StringComparison.Ordinal))
            {
                stream = await EncryptAsync(stream);
                mark = "*";
            }

            if (verb is "DATA" && said.StartsWith("354", StringComparison.Ordinal) && !await TakeMessageAsync(stream))
                return;
            if (verb is "QUIT")
                return;
        }
    }

    private int LoginStep() => Commands.SkipWhile(c => !c.Contains("AUTH LOGIN", StringComparison.Ordinal)).Count() - 1;

    private async Task<bool> TakeMessageAsync(Stream stream)
    {
        StringBuilder message = new();
        while (await ReadLineAsync(stream) is { } line)
        {
            if (Answer("(line of message)") is HangUp)
                return false;
            if (line is ".")
            {
                string said = Answer("(message)") ?? "250 queued as 4711";
                Messages.Enqueue(message.ToString());
                return await SayAsync(stream, said);
            }

            message.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return false;
    }

    private async Task<Stream> EncryptAsync(Stream stream)
    {
        SslStream tls = new(stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Certificate }, _stop.Token);
        return tls;
    }

    private async Task<bool> SayAsync(Stream stream, string answer)
    {
        if (answer is HangUp)
            return false;
        if (answer is Silence)
        {
            await Task.Delay(Timeout.Infinite, _stop.Token);
            return false;
        }

        await stream.WriteAsync(Encoding.Latin1.GetBytes(answer + "\r\n"), _stop.Token);
        await stream.FlushAsync(_stop.Token);
        return true;
    }

    private async Task<string?> ReadLineAsync(Stream stream)
    {
        List<byte> line = [];
        byte[] one = new byte[1];
        while (await stream.ReadAsync(one, _stop.Token) == 1)
        {
            if (one[0] == '\n' && line.Count > 0 && line[^1] == '\r')
                return Encoding.Latin1.GetString(line.ToArray(), 0, line.Count - 1);
            line.Add(one[0]);
        }

        return null;
    }
}
