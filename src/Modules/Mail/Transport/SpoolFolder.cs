using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Renkei.Mail.Transport;

/// <summary>Puts messages into a folder when no server is configured: <c>{utc ticks}-{id}.eml</c>, the message's bytes unchanged,
/// and beside it <c>{utc ticks}-{id}.json</c> with the envelope, written first. {id} is the start of the SHA-256 of the
/// Message-ID. The same Message-ID is written once, also when the file has been taken away since: the folder <c>ids</c> remembers.
/// One process owns the folder.</summary>
public sealed class SpoolFolder(string folder, TimeProvider time) : IMailTransport, IDisposable
{
    private const int HeaderBytes = 256 * 1024;

    /// <summary>A message waits here as it would leave, AMBER too.</summary>
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly SemaphoreSlim _oneAtATime = new(1, 1);

    /// <inheritdoc/>
    public async Task<DeliveryResult> SendAsync(Envelope envelope, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (envelope.Fault() is { } fault)
            return new DeliveryResult.Rejected(0, fault);
        if (MessageId(message.Span) is not { } messageId)
            return new DeliveryResult.Rejected(0, "The message has no Message-ID.");

        string id = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(messageId)).AsSpan(0, 16));
        try
        {
            await _oneAtATime.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return new DeliveryResult.Deferred("Stopped while waiting for the spool.");
        }

        try
        {
            return Store(envelope, message, id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new DeliveryResult.Deferred("The spool folder cannot be written: " + e.GetType().Name + ".");
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public void Dispose() => _oneAtATime.Dispose();

    private DeliveryResult.Accepted Store(Envelope envelope, ReadOnlyMemory<byte> message, string id)
    {
        string ids = Path.Combine(folder, "ids");
        // each by itself: the mode is given to the last one only
        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        Directory.CreateDirectory(ids, OwnerOnly | UnixFileMode.UserExecute);
        string marker = Path.Combine(ids, id);
        if (File.Exists(marker))
            return new("Already spooled.");

        // the marker comes last; a crash before it leaves the file itself as the witness
        string? earlier = Directory.EnumerateFiles(folder, "*-" + id + ".eml").FirstOrDefault();
        string name = earlier is null
            ? string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow().UtcTicks:D19}-{id}")
            : Path.GetFileNameWithoutExtension(earlier);
        if (earlier is null)
        {
            byte[] envelopeJson = JsonSerializer.SerializeToUtf8Bytes(new { from = envelope.From, to = envelope.Recipients() });
            WriteWhole(Path.Combine(folder, name + ".json"), envelopeJson);
            WriteWhole(Path.Combine(folder, name + ".eml"), message.Span);
        }

        WriteWhole(marker, Encoding.ASCII.GetBytes(name + "\n"));
        return new("Spooled as " + name + ".eml");
    }

    /// <summary>A reader sees the whole file or none: written aside, forced to disk, then renamed.</summary>
    private static void WriteWhole(string path, ReadOnlySpan<byte> content)
    {
        string aside = path + ".tmp";
        using (FileStream file = new(aside, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = OwnerOnly }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }

    /// <summary>The Message-ID header's value, unfolded and trimmed; null when the header block has none.</summary>
    private static string? MessageId(ReadOnlySpan<byte> message)
    {
        int end = message.IndexOf("\r\n\r\n"u8);
        string headers = Encoding.Latin1.GetString(message[..Math.Min(end < 0 ? message.Length : end, HeaderBytes)]);
        string unfolded = headers.Replace("\r\n ", " ", StringComparison.Ordinal).Replace("\r\n\t", " ", StringComparison.Ordinal);
        foreach (string line in unfolded.Split("\r\n"))
        {
            if (line.StartsWith("Message-ID:", StringComparison.OrdinalIgnoreCase))
                return line["Message-ID:".Length..].Trim() is { Length: > 0 } id ? id : null;
        }

        return null;
    }
}
