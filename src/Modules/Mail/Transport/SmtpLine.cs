using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Renkei.Mail.Transport;

/// <summary>The bytes under an SMTP conversation. The server may be hostile: lines, replies and times are bounded.</summary>
internal sealed class SmtpLine : IAsyncDisposable
{
    private const int MaxLineBytes = 2048;
    private const int MaxReplyLines = 100;
    private const int ChunkBytes = 64 * 1024;

    private readonly SmtpSettings _settings;
    private readonly TimeProvider _time;
    private readonly CancellationToken _cancelled;
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[4096];
    private Stream _stream;
    private int _start;
    private int _end;

    private SmtpLine(SmtpSettings settings, TimeProvider time, Socket socket, CancellationToken cancelled)
    {
        (_settings, _time, _socket, _cancelled) = (settings, time, socket, cancelled);
        _stream = new NetworkStream(socket, ownsSocket: true);
    }

    public bool Encrypted => _stream is SslStream;

    public bool Loopback => _socket.RemoteEndPoint is IPEndPoint { Address: var address } && IPAddress.IsLoopback(address);

    public static async Task<SmtpLine> ConnectAsync(SmtpSettings settings, TimeProvider time, CancellationToken cancelled)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SmtpLine line;
        try
        {
            await WithinAsync(time, settings.Timeout, "connecting", t => socket.ConnectAsync(settings.Host, settings.Port, t).AsTask(), cancelled);
            line = new(settings, time, socket, cancelled);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return line;
    }

    public Task<SmtpReply> AskAsync(string command) => AskAsync(command, _settings.Timeout);

    public async Task<SmtpReply> AskAsync(string command, TimeSpan timeout)
    {
        await SendAsync(Encoding.ASCII.GetBytes(command + "\r\n"));
        return await ReadReplyAsync(timeout);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        for (int sent = 0; sent < bytes.Length; sent += ChunkBytes)
        {
            ReadOnlyMemory<byte> chunk = bytes.Slice(sent, Math.Min(ChunkBytes, bytes.Length - sent));
            await WithinAsync(_time, _settings.Timeout, "sending", async t =>
            {
                await _stream.WriteAsync(chunk, t);
                await _stream.FlushAsync(t);
            }, _cancelled);
        }
    }

    public Task<SmtpReply> ReadReplyAsync() => ReadReplyAsync(_settings.Timeout);

    /// <summary>Reads one reply. The time is for all of it, so that a server cannot hold on by one byte a minute.</summary>
    public async Task<SmtpReply> ReadReplyAsync(TimeSpan timeout)
    {
        List<string> lines = [];
        int code = 0;
        await WithinAsync(_time, timeout, "waiting for a reply", async t =>
        {
            bool last = false;
            while (!last)
            {
                if (lines.Count == MaxReplyLines)
                    throw new SmtpBrokenException($"The server's reply has more than {MaxReplyLines} lines.");
                byte[] line = await ReadLineAsync(t);
                if (!SmtpReply.TryParseLine(line, out int lineCode, out last, out string text) || (lines.Count > 0 && lineCode != code))
                    throw new SmtpBrokenException("The server's reply is not SMTP.");
                code = lineCode;
                lines.Add(text);
            }
        }, _cancelled);
        return new(code, lines);
    }

    /// <summary>Goes over to TLS. Bytes that came before it would be taken as if they had been protected, so they end the conversation.</summary>
    public async Task EncryptAsync()
    {
        if (_start != _end)
            throw new SmtpBrokenException("The server sent bytes ahead of TLS.");
        SslStream tls = new(_stream, leaveInnerStreamOpen: false, CertificateCheck());
        _stream = tls;
        await WithinAsync(_time, _settings.Timeout, "agreeing on TLS", t => tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = _settings.Host, CertificateChainPolicy = ChainPolicy() }, t), _cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    private RemoteCertificateValidationCallback? CertificateCheck()
    {
        if (_settings.CertificateThumbprint is not { } wanted)
            return null;
        string hex = wanted.Replace(":", "", StringComparison.Ordinal);
        return (_, certificate, _, _) =>
            certificate is not null && string.Equals(certificate.GetCertHashString(HashAlgorithmName.SHA256), hex, StringComparison.OrdinalIgnoreCase);
    }

    private X509ChainPolicy ChainPolicy()
    {
        // nothing is fetched because a server's certificate says so
        X509ChainPolicy policy = new() { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        if (_settings.CertificateAuthority is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.Add(_settings.CertificateAuthority);
        }

        return policy;
    }

    private async Task<byte[]> ReadLineAsync(CancellationToken cancellation)
    {
        List<byte> line = [];
        while (true)
        {
            int newline = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            int length = newline < 0 ? _end - _start : newline;
            if (line.Count + length > MaxLineBytes)
                throw new SmtpBrokenException($"The server sent a line of more than {MaxLineBytes} bytes.");
            line.AddRange(_buffer.AsSpan(_start, length));
            _start += length;
            if (newline >= 0)
            {
                _start++;
                if (line.Count > 0 && line[^1] == '\r')
                    line.RemoveAt(line.Count - 1);
                return [.. line];
            }

            (_start, _end) = (0, await _stream.ReadAsync(_buffer, cancellation));
            if (_end == 0)
                throw new SmtpBrokenException("The server closed the connection.");
        }
    }

    /// <summary>Runs a step in its time and turns what networks do into one kind of failure.</summary>
    private static async Task WithinAsync(TimeProvider time, TimeSpan timeout, string doing, Func<CancellationToken, Task> step, CancellationToken cancelled)
    {
        using CancellationTokenSource clock = new(timeout, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(clock.Token, cancelled);
        try
        {
            await step(both.Token);
        }
        catch (OperationCanceledException)
        {
            throw new SmtpBrokenException(cancelled.IsCancellationRequested ? $"Stopped while {doing}." : $"Timed out while {doing}.");
        }
        catch (SocketException e)
        {
            throw new SmtpBrokenException($"The connection failed while {doing}: {e.SocketErrorCode}.");
        }
        catch (IOException)
        {
            throw new SmtpBrokenException($"The connection broke while {doing}.");
        }
        catch (AuthenticationException)
        {
            throw new SmtpBrokenException("TLS failed: the server's certificate is not trusted, or no protocol is shared.");
        }
    }
}
