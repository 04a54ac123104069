namespace Renkei.Store;

/// <summary>
/// An object by its SHA-256. The bytes are AES-256-GCM under a key of their own; small ones lie in the row, larger ones in a file.
/// Destroying <see cref="WrappedKey"/> destroys the object.
/// </summary>
public sealed class BlobRow
{
    /// <summary>SHA-256 of the plain bytes, lower hex.</summary>
    public required string Sha256 { get; init; }

    public required long Size { get; init; }

    /// <summary>The object's key under the key-encryption key: nonce(12) key(32) tag(16); null when destroyed.</summary>
    public byte[]? WrappedKey { get; set; }

    /// <summary>Sealed bytes of a small object; null when they lie in the blob folder.</summary>
    public byte[]? Inline { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }
}
