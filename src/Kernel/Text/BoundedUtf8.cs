using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace Renkei.Kernel;

/// <summary>Why bytes are no text: more than <c>max</c> bytes (offset = max) or not UTF-8 (offset of the first bad byte).</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Utf8Error(Utf8ErrorKind Kind, int Offset);

/// <inheritdoc cref="Utf8Error"/>
public enum Utf8ErrorKind
{
    None,
    TooLong,
    Invalid,
}

/// <summary>Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, no replacement characters for what cannot be read.</summary>
public static class BoundedUtf8
{
    /// <summary>Decodes at most <paramref name="max"/> bytes; one leading byte order mark is dropped.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, int max, out string text, out Utf8Error error)
    {
        text = "";
        error = default;
        if (bytes.Length > max)
        {
            error = new Utf8Error(Utf8ErrorKind.TooLong, max);
            return false;
        }

        var skip = bytes.StartsWith("\uFEFF"u8) ? 3 : 0;
        var body = bytes[skip..];
        var buffer = ArrayPool<char>.Shared.Rent(Math.Max(body.Length, 1));
        try
        {
            var status = Utf8.ToUtf16(body, buffer, out var read, out var written, replaceInvalidSequences: false);
            if (status != OperationStatus.Done)
            {
                error = new Utf8Error(Utf8ErrorKind.Invalid, skip + read);
                return false;
            }

            text = new string(buffer, 0, written);
            return true;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }
}
