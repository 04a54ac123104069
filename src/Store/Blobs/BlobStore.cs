using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;

namespace Renkei.Store;

/// <summary>A stored object: its SHA-256 (lower hex) and its size in bytes.</summary>
public sealed record BlobRef(string Sha256, long Size);

/// <summary>
/// Content-addressed objects, AES-256-GCM under a key each. A small object is a row, sealed, in the transaction of its record; a larger
/// one is a file of sealed chunks, complete and flushed before its row is written. The row decides: a file without a row is litter.
/// </summary>
public sealed class BlobStore(string folder, KeyRing keys, TimeProvider clock)
{
    /// <summary>Up to here an object lies in its row: one durable write instead of two.</summary>
    public const int InlineLimit = 64 * 1024;

    private const int ChunkSize = 1024 * 1024;

    /// <summary>
    /// Adds the object to <paramref name="db"/>; it is durable when that context's transaction is. The same bytes are stored once.
    /// </summary>
    public async Task<BlobRef> AddAsync(NodeDb db, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        var sha = Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
        var blob = new BlobRef(sha, bytes.Length);
        if (db.Blobs.Local.Any(b => string.Equals(b.Sha256, sha, StringComparison.Ordinal)) || await db.Blobs.AnyAsync(b => b.Sha256 == sha && b.WrappedKey != null, ct))
        {
            return blob;
        }

        var (row, file) = SealNew(sha, bytes);
        if (file)
        {
            await WriteFileAsync(row, bytes, keys.Unwrap(row.WrappedKey, sha), ct);
        }

        db.Blobs.Add(row);
        return blob;
    }

    /// <summary>
    /// Seals an object without asking the database whether it is there: for intake, whose writer asks once for a whole group. A large one is
    /// on disk, complete and flushed, when this returns; <see cref="Discard"/> takes back what was not needed.
    /// </summary>
    public async Task<BlobRow> SealAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        var sha = Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
        var (row, file) = SealNew(sha, bytes);
        if (file)
        {
            await WriteFileAsync(row, bytes, keys.Unwrap(row.WrappedKey, sha), ct);
        }

        return row;
    }

    /// <summary>Removes the files of sealed objects whose rows were not stored.</summary>
    public void Discard(IEnumerable<BlobRow> rows)
    {
        foreach (var row in rows.Where(r => r.Inline is null))
        {
            File.Delete(PathOf(row.Sha256, row.WrappedKey!));
        }
    }

    /// <summary>The plain bytes, or null when the object is unknown or its key was destroyed. Throws when the stored bytes were changed.</summary>
    public async Task<byte[]?> ReadAsync(NodeDb db, string sha256, CancellationToken ct)
    {
        var row = await db.Blobs.AsNoTracking().FirstOrDefaultAsync(b => b.Sha256 == sha256, ct);
        if (row?.WrappedKey is null)
        {
            return null;
        }

        var key = keys.Unwrap(row.WrappedKey, sha256);
        if (row.Inline is not null)
        {
            return KeyRing.Unseal(key, row.Inline, System.Text.Encoding.ASCII.GetBytes(sha256));
        }

        var plain = new byte[row.Size];
        await using var file = new FileStream(PathOf(sha256, row.WrappedKey), FileMode.Open, FileAccess.Read, FileShare.Read);
        var chunk = new byte[ChunkSize + 28];
        var done = 0;
        for (var index = 0; done < plain.Length; index++)
        {
            var length = Math.Min(ChunkSize, plain.Length - done);
            await file.ReadExactlyAsync(chunk.AsMemory(0, length + 28), ct);
            KeyRing.Unseal(key, chunk.AsSpan(0, length + 28), Associated(sha256, index)).CopyTo(plain, done);
            done += length;
        }

        return plain;
    }

    /// <summary>Destroys the object's key, and with it the object, wherever copies of the sealed bytes lie.</summary>
    public async Task DestroyAsync(NodeDb db, string sha256, CancellationToken ct)
    {
        var row = await db.Blobs.FirstOrDefaultAsync(b => b.Sha256 == sha256, ct);
        if (row is null)
        {
            return;
        }

        if (row.WrappedKey is { } wrapped)
        {
            var path = PathOf(sha256, wrapped);
            if (File.Exists(path))
            {
                File.Delete(path);
            }
        }

        row.WrappedKey = null;
        row.Inline = null;
    }

    private (BlobRow Row, bool File) SealNew(string sha, ReadOnlyMemory<byte> bytes)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        var small = bytes.Length <= InlineLimit;
        return (new BlobRow
        {
            Sha256 = sha,
            Size = bytes.Length,
            WrappedKey = keys.Wrap(key, sha),
            Inline = small ? KeyRing.Seal(key, bytes.Span, System.Text.Encoding.ASCII.GetBytes(sha)) : null,
            CreatedAt = clock.GetUtcNow(),
        }, !small);
    }

    private async Task WriteFileAsync(BlobRow row, ReadOnlyMemory<byte> bytes, byte[] key, CancellationToken ct)
    {
        var sha = row.Sha256;
        var path = PathOf(sha, row.WrappedKey!);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            await using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            {
                for (int start = 0, index = 0; start < bytes.Length; start += ChunkSize, index++)
                {
                    await file.WriteAsync(KeyRing.Seal(key, bytes.Span.Slice(start, Math.Min(ChunkSize, bytes.Length - start)), Associated(sha, index)), ct);
                }

                await file.FlushAsync(ct);
                file.Flush(flushToDisk: true);
            }
        }
        catch (IOException)
        {
            // half an object would only make a full disk fuller
            File.Delete(temporary);
            throw;
        }

        File.Move(temporary, path, overwrite: true);
        // the name, and that of a folder made just now, must be as durable as the bytes before a row counts on them
        FolderSync.Flush(Path.GetDirectoryName(path)!);
        FolderSync.Flush(folder);
    }

    private static byte[] Associated(string sha, int index)
    {
        var associated = new byte[68];
        System.Text.Encoding.ASCII.GetBytes(sha, associated);
        BinaryPrimitives.WriteInt32BigEndian(associated.AsSpan(64), index);
        return associated;
    }

    /// <summary>
    /// The key's fingerprint is part of the name: of two who store the same bytes at the same time, the loser's file must not replace the one
    /// that the winner's row can open.
    /// </summary>
    private string PathOf(string sha256, byte[] wrappedKey) => sha256.Length == 64 && sha256.All(char.IsAsciiHexDigitLower)
        ? Path.Combine(folder, sha256[..2], sha256 + "-" + Convert.ToHexStringLower(SHA256.HashData(wrappedKey).AsSpan(0, 8)))
        : throw new ArgumentException("Not a lower-hex SHA-256.", nameof(sha256));
}
