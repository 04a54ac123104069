namespace Renkei.Formats.Mmdb;

/// <summary>What went wrong, and at which byte of the file.</summary>
public sealed record MmdbError(MmdbErrorKind Kind, long Offset, string Reason);

public enum MmdbErrorKind
{
    /// <summary>No metadata marker in the last 128 KiB: the file is no MMDB, or cut.</summary>
    NoMetadata,

    /// <summary>A required metadata key is missing or has an impossible value.</summary>
    BadMetadata,

    /// <summary>A major version, record size or IP version this reader does not know.</summary>
    Unsupported,

    /// <summary>The search tree does not fit the file, points nowhere, or is no tree.</summary>
    BadTree,

    /// <summary>A field ends beyond its section.</summary>
    Truncated,

    /// <summary>A field has an unknown type, or a size its type cannot have.</summary>
    BadField,

    /// <summary>Nested deeper, or holding more values or bytes, than any real record.</summary>
    TooLarge,
}

/// <summary>A value of the data section (MaxMind DB format 2.0, "Output Data Section").</summary>
public abstract record MmdbValue
{
    private MmdbValue()
    {
    }

    /// <summary>Types 5, 6, 9 and 10: unsigned integers of 16, 32, 64 and 128 bits.</summary>
    public sealed record Unsigned(UInt128 Value) : MmdbValue;

    /// <summary>Type 8.</summary>
    public sealed record Signed(int Value) : MmdbValue;

    /// <summary>Type 2.</summary>
    public sealed record Text(string Value) : MmdbValue;

    /// <summary>Type 3.</summary>
    public sealed record Real(double Value) : MmdbValue;

    /// <summary>Type 15.</summary>
    public sealed record Single(float Value) : MmdbValue;

    /// <summary>Type 4; a slice of the file, not a copy.</summary>
    public sealed record Bytes(ReadOnlyMemory<byte> Value) : MmdbValue;

    /// <summary>Type 14.</summary>
    public sealed record Flag(bool Value) : MmdbValue;

    /// <summary>Type 11.</summary>
    public sealed record List(IReadOnlyList<MmdbValue> Items) : MmdbValue;

    /// <summary>Type 7. A key given twice counts as last given.</summary>
    public sealed record Map(IReadOnlyDictionary<string, MmdbValue> Items) : MmdbValue;

    /// <summary>Follows map keys inwards; null where a step is missing or is no map.</summary>
    public MmdbValue? At(params ReadOnlySpan<string> keys)
    {
        MmdbValue? value = this;
        foreach (string key in keys)
        {
            value = value is Map map && map.Items.TryGetValue(key, out MmdbValue? inner) ? inner : null;
        }

        return value;
    }

    /// <summary>The text inside, or null where this is no text.</summary>
    public string? AsText() => (this as Text)?.Value;

    /// <summary>The number inside, or null where this is no unsigned number of up to 64 bits.</summary>
    public ulong? AsNumber() => this is Unsigned { Value: var value } && value <= ulong.MaxValue ? (ulong)value : null;
}

/// <summary>What the database says about itself (MaxMind DB format 2.0, "Database Metadata").</summary>
public sealed record MmdbMetadata(
    uint NodeCount,
    int RecordSize,
    int IpVersion,
    string DatabaseType,
    DateTimeOffset BuiltAt,
    int MajorVersion,
    int MinorVersion,
    IReadOnlyList<string> Languages,
    IReadOnlyDictionary<string, string> Description);
