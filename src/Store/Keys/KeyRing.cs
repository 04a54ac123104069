using System.Security.Cryptography;

namespace Renkei.Store;

/// <summary>
/// The key-encryption key of a node: outside the database and outside its backup. Every object key and the node key are wrapped under it.
/// Read from <c>RENKEI_KEK_FILE</c> (32 bytes as base64) or from <c>keys/kek</c> in the data folder, made there at first start.
/// </summary>
public sealed class KeyRing : IDisposable
{
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private readonly byte[] _kek;

    public KeyRing(ReadOnlySpan<byte> kek)
    {
        if (kek.Length != 32)
        {
            throw new CryptographicException("The key-encryption key must be 32 bytes.");
        }

        _kek = kek.ToArray();
    }

    /// <summary>Opens the ring of a data folder; makes a key at the first start. The file is readable by its owner only.</summary>
    public static KeyRing Open(string dataFolder, string? kekFile)
    {
        var path = kekFile ?? Path.Combine(dataFolder, "keys", "kek");
        if (!File.Exists(path))
        {
            if (kekFile is not null)
            {
                throw new FileNotFoundException($"The key-encryption key {kekFile} named by RENKEI_KEK_FILE does not exist.", kekFile);
            }

            var folder = Path.GetDirectoryName(path)!;
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + "\n"));
            file.Flush(flushToDisk: true);
        }

        Span<byte> kek = stackalloc byte[48];
        if (!Convert.TryFromBase64String(File.ReadAllText(path).Trim(), kek, out var length) || length != 32)
        {
            throw new CryptographicException($"{path} does not hold a key: 32 bytes as base64 are expected.");
        }

        return new KeyRing(kek[..32]);
    }

    /// <summary>nonce(12) sealed(n) tag(16).</summary>
    public byte[] Wrap(ReadOnlySpan<byte> key, string purpose) => Seal(_kek, key, System.Text.Encoding.UTF8.GetBytes(purpose));

    /// <summary>Throws <see cref="AuthenticationTagMismatchException"/> when the bytes or the purpose were changed.</summary>
    public byte[] Unwrap(ReadOnlySpan<byte> wrapped, string purpose) => Unseal(_kek, wrapped, System.Text.Encoding.UTF8.GetBytes(purpose));

    /// <summary>A key of its own for a purpose, such as signing Message-IDs (HKDF-SHA256, RFC 5869).</summary>
    public byte[] Derive(string purpose, int length = 32) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _kek, length, info: System.Text.Encoding.UTF8.GetBytes("renkei:" + purpose));

    public void Dispose() => CryptographicOperations.ZeroMemory(_kek);

    internal static byte[] Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated)
    {
        var sealedBytes = new byte[NonceSize + plain.Length + TagSize];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceSize));
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(sealedBytes.AsSpan(0, NonceSize), plain, sealedBytes.AsSpan(NonceSize, plain.Length), sealedBytes.AsSpan(NonceSize + plain.Length), associated);
        return sealedBytes;
    }

    internal static byte[] Unseal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated)
    {
        if (sealedBytes.Length < NonceSize + TagSize)
        {
            throw new AuthenticationTagMismatchException("The sealed bytes are too short.");
        }

        var plain = new byte[sealedBytes.Length - NonceSize - TagSize];
        using var aes = new AesGcm(key, TagSize);
        aes.Decrypt(sealedBytes[..NonceSize], sealedBytes.Slice(NonceSize, plain.Length), sealedBytes[(NonceSize + plain.Length)..], plain, associated);
        return plain;
    }
}
