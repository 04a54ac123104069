using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Renkei.Formats.Mmdb;

/// <summary>
/// Reads one value of a section. Pointers make the data section a graph, so a few hostile bytes can stand for an endless or
/// exponentially large value: depth, number of values and bytes of text are bounded per decoder.
/// </summary>
internal ref struct MmdbDecoder(ReadOnlyMemory<byte> file, int sectionStart, int sectionEnd)
{
    private const int MaxDepth = 64;
    private const int MaxValues = 65_536;
    private const int MaxText = 4 * 1024 * 1024;

    private readonly ReadOnlyMemory<byte> _memory = file;
    private readonly ReadOnlySpan<byte> _file = file.Span[..sectionEnd];
    private readonly int _sectionStart = sectionStart;
    private int _values;
    private int _text;

    public MmdbError? Error { get; private set; }

    /// <summary>The value that begins at file offset <paramref name="at"/>, or null and <see cref="Error"/>.</summary>
    public MmdbValue? Read(int at) => Value(ref at, 0);

    private MmdbValue? Value(ref int at, int depth)
    {
        if (depth > MaxDepth)
        {
            return Fail(MmdbErrorKind.TooLarge, at, "values nested deeper than 64");
        }

        if (++_values > MaxValues)
        {
            return Fail(MmdbErrorKind.TooLarge, at, "more than 65536 values in one record");
        }

        int fieldAt = at;
        if (!Control(ref at, out int type, out int size))
        {
            return null;
        }

        if (type != 1)
        {
            return Payload(ref at, type, size, fieldAt, depth);
        }

        if (!Pointer(ref at, size, fieldAt, out int target))
        {
            return null;
        }

        int targetAt = target;
        if (!Control(ref target, out type, out size))
        {
            return null;
        }

        return type == 1
            ? Fail(MmdbErrorKind.BadField, fieldAt, "pointer to a pointer")
            : Payload(ref target, type, size, targetAt, depth);
    }

    /// <summary>For a pointer, <paramref name="size"/> is the five low bits as they stand.</summary>
    private bool Control(ref int at, out int type, out int size)
    {
        type = size = 0;
        int fieldAt = at;
        if (!Take(ref at, 1, out ReadOnlySpan<byte> bytes))
        {
            return false;
        }

        type = bytes[0] >> 5;
        size = bytes[0] & 0x1F;
        if (type == 1)
        {
            return true;
        }

        if (type == 0)
        {
            if (!Take(ref at, 1, out bytes))
            {
                return false;
            }

            type = bytes[0] + 7;
            if (bytes[0] == 0 || type is 12 or 13 or > 15)
            {
                Fail(MmdbErrorKind.BadField, fieldAt, "unknown field type");
                return false;
            }
        }

        if (size >= 29)
        {
            int extra = size - 28;
            if (!Take(ref at, extra, out bytes))
            {
                return false;
            }

            size = extra switch
            {
                1 => 29 + bytes[0],
                2 => 285 + BinaryPrimitives.ReadUInt16BigEndian(bytes),
                _ => 65_821 + ((bytes[0] << 16) | (bytes[1] << 8) | bytes[2]),
            };
        }

        return true;
    }

    private bool Pointer(ref int at, int bits, int fieldAt, out int target)
    {
        target = 0;
        int length = (bits >> 3) + 1;
        if (!Take(ref at, length, out ReadOnlySpan<byte> bytes))
        {
            return false;
        }

        long high = bits & 7;
        long value = length switch
        {
            1 => (high << 8) | bytes[0],
            2 => ((high << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes)) + 2048,
            3 => ((high << 24) | ((long)bytes[0] << 16) | ((long)bytes[1] << 8) | bytes[2]) + 526_336,
            _ => BinaryPrimitives.ReadUInt32BigEndian(bytes),
        };
        if (_sectionStart + value >= _file.Length)
        {
            Fail(MmdbErrorKind.BadField, fieldAt, "pointer beyond the section");
            return false;
        }

        target = (int)(_sectionStart + value);
        return true;
    }

    private MmdbValue? Payload(ref int at, int type, int size, int fieldAt, int depth)
    {
        switch (type)
        {
            case 7:
                return Map(ref at, size, fieldAt, depth);
            case 11:
                return List(ref at, size, fieldAt, depth);
            case 14:
                return size <= 1 ? new MmdbValue.Flag(size == 1) : Fail(MmdbErrorKind.BadField, fieldAt, "boolean with a size above 1");
        }

        if (!Take(ref at, size, out ReadOnlySpan<byte> bytes))
        {
            return null;
        }

        switch (type)
        {
            case 2:
                _text += size;
                return _text > MaxText ? Fail(MmdbErrorKind.TooLarge, fieldAt, "more than 4 MiB of text in one record")
                    : Utf8.IsValid(bytes) ? new MmdbValue.Text(Encoding.UTF8.GetString(bytes))
                    : Fail(MmdbErrorKind.BadField, fieldAt, "text is not UTF-8");
            case 3 when size == 8:
                return new MmdbValue.Real(BinaryPrimitives.ReadDoubleBigEndian(bytes));
            case 4:
                return new MmdbValue.Bytes(_memory.Slice(at - size, size));
            case 5 when size <= 2:
            case 6 when size <= 4:
            case 9 when size <= 8:
            case 10 when size <= 16:
                return new MmdbValue.Unsigned(Unsigned(bytes));
            case 8 when size <= 4:
                return new MmdbValue.Signed(unchecked((int)(uint)Unsigned(bytes)));
            case 15 when size == 4:
                return new MmdbValue.Single(BinaryPrimitives.ReadSingleBigEndian(bytes));
            default:
                return Fail(MmdbErrorKind.BadField, fieldAt, "number with a size its type cannot have");
        }
    }

    private MmdbValue? Map(ref int at, int pairs, int fieldAt, int depth)
    {
        if (pairs > MaxValues - _values)
        {
            return Fail(MmdbErrorKind.TooLarge, fieldAt, "more than 65536 values in one record");
        }

        var items = new Dictionary<string, MmdbValue>(Math.Min(pairs, 64), StringComparer.Ordinal);
        for (int pair = 0; pair < pairs; pair++)
        {
            int keyAt = at;
            MmdbValue? key = Value(ref at, depth + 1);
            if (key is not MmdbValue.Text text)
            {
                return key is null ? null : Fail(MmdbErrorKind.BadField, keyAt, "map key is no text");
            }

            MmdbValue? value = Value(ref at, depth + 1);
            if (value is null)
            {
                return null;
            }

            items[text.Value] = value;
        }

        return new MmdbValue.Map(items);
    }

    private MmdbValue? List(ref int at, int count, int fieldAt, int depth)
    {
        if (count > MaxValues - _values)
        {
            return Fail(MmdbErrorKind.TooLarge, fieldAt, "more than 65536 values in one record");
        }

        var items = new List<MmdbValue>(Math.Min(count, 64));
        for (int item = 0; item < count; item++)
        {
            MmdbValue? value = Value(ref at, depth + 1);
            if (value is null)
            {
                return null;
            }

            items.Add(value);
        }

        return new MmdbValue.List(items);
    }

    private static UInt128 Unsigned(ReadOnlySpan<byte> bytes)
    {
        UInt128 value = 0;
        foreach (byte part in bytes)
        {
            value = (value << 8) | part;
        }

        return value;
    }

    private bool Take(ref int at, int count, out ReadOnlySpan<byte> bytes)
    {
        if (at > _file.Length || count > _file.Length - at)
        {
            bytes = default;
            Fail(MmdbErrorKind.Truncated, at, "field ends beyond its section");
            return false;
        }

        bytes = _file.Slice(at, count);
        at += count;
        return true;
    }

    private MmdbValue? Fail(MmdbErrorKind kind, int at, string reason)
    {
        Error ??= new MmdbError(kind, at, reason);
        return null;
    }
}
