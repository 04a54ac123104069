using System.Runtime.InteropServices;
using System.Text;

namespace Renkei.Formats.Csv;

/// <summary>
/// A piece of UTF-8 text inside a buffer that a reader owns. It allocates nothing and is valid until that reader reads on;
/// whoever keeps it calls <see cref="ToString"/>. The default value is the empty text.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly struct Utf8Text : IEquatable<Utf8Text>
{
    private readonly byte[]? _buffer;
    private readonly int _start;

    public Utf8Text(byte[] buffer, int start, int length)
    {
        _buffer = buffer;
        _start = start;
        Length = length;
    }

    /// <summary>Text that outlives every reader, for constants such as an identifier.</summary>
    public static Utf8Text From(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new Utf8Text(bytes, 0, bytes.Length);
    }

    /// <summary>Length in bytes.</summary>
    public int Length { get; }

    public bool IsEmpty => Length == 0;

    public ReadOnlySpan<byte> Span => new(_buffer, _start, Length);

    /// <summary>The text without ASCII white space at either end.</summary>
    public Utf8Text Trim()
    {
        if (Length == 0)
        {
            return default;
        }
        var span = Span;
        if (span[0] > (byte)' ' && span[^1] > (byte)' ')
        {
            return this;
        }
        var trimmed = Ascii.Trim(span);
        var (offset, length) = trimmed.GetOffsetAndLength(span.Length);
        return new Utf8Text(_buffer!, _start + offset, length);
    }

    public Utf8Text Slice(int start, int length)
    {
        _ = Span.Slice(start, length);
        return length == 0 ? default : new Utf8Text(_buffer!, _start + start, length);
    }

    public bool Equals(Utf8Text other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is Utf8Text other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    public override string ToString() => Encoding.UTF8.GetString(Span);

    public static bool operator ==(Utf8Text left, Utf8Text right) => left.Equals(right);

    public static bool operator !=(Utf8Text left, Utf8Text right) => !left.Equals(right);
}
