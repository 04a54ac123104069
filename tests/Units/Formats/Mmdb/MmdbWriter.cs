using System.Buffers.Binary;
using System.Text;
using Renkei.Formats.PrefixTable;

namespace Renkei.Units.Formats.Mmdb;

/// <summary>Writes small MaxMind DB files from our own data, so that the reader is tried on valid ones of every record size.</summary>
internal sealed class MmdbWriter(int ipVersion, int recordSize)
{
    private const long EmptyRecord = -1;

    private readonly List<long[]> _nodes = [[EmptyRecord, EmptyRecord]];
    private readonly List<byte> _data = [];
    private readonly Dictionary<string, int> _texts = new(StringComparer.Ordinal);

    public ulong BuildEpoch { get; init; } = 1_767_225_600;

    public string DatabaseType { get; init; } = "Renkei-Test";

    /// <summary>::ffff:0:0/96 and 2002::/16 lead to the IPv4 tree, as the well-known databases do it.</summary>
    public bool AliasIPv4 { get; init; }

    /// <summary>Larger networks first: a smaller one splits the larger.</summary>
    public MmdbWriter Add(string prefix, object value)
    {
        int at = _data.Count;
        Encode(_data, value, _texts);
        return AddAt(prefix, at);
    }

    /// <summary>Lets a network share a record written before, by its offset in the data section.</summary>
    public MmdbWriter AddAt(string prefix, int dataOffset)
    {
        Assert.True(AddressPrefix.TryParse(Encoding.ASCII.GetBytes(prefix), out AddressPrefix network, out string? reason), reason);
        int width = ipVersion == 6 ? 128 : 32;
        int length = network.IsIPv4 && width == 128 ? network.Length + 96 : network.Length;
        int node = 0;
        for (int depth = 0; depth < length; depth++)
        {
            int side = (int)(network.Start >> (width - 1 - depth)) & 1;
            if (depth == length - 1)
            {
                _nodes[node][side] = Data(dataOffset);
            }
            else
            {
                if (_nodes[node][side] is < 0 or >= 1L << 40)
                {
                    _nodes.Add([_nodes[node][side], _nodes[node][side]]);
                    _nodes[node][side] = _nodes.Count - 1;
                }

                node = (int)_nodes[node][side];
            }
        }

        return this;
    }

    public byte[] ToArray()
    {
        if (AliasIPv4)
        {
            long ipv4 = Walk(UInt128.Zero, 96);
            Link((UInt128)0xFFFF << 32, 96, ipv4);
            Link((UInt128)0x2002 << 112, 16, ipv4);
        }

        var file = new List<byte>();
        foreach (long[] node in _nodes)
        {
            file.AddRange(Node(Resolve(node[0]), Resolve(node[1])));
        }

        file.AddRange(new byte[16]);
        file.AddRange(_data);
        file.AddRange([0xAB, 0xCD, 0xEF]);
        file.AddRange("MaxMind.com"u8.ToArray());
        Encode(file, new (string, object)[]
        {
            ("binary_format_major_version", (ushort)2),
            ("binary_format_minor_version", (ushort)0),
            ("build_epoch", BuildEpoch),
            ("database_type", DatabaseType),
            ("description", new (string, object)[] { ("en", "Test"), ("ja", "試験") }),
            ("ip_version", (ushort)ipVersion),
            ("languages", new object[] { "en", "ja" }),
            ("node_count", (uint)_nodes.Count),
            ("record_size", (ushort)recordSize),
        }, texts: null);
        return file.ToArray();
    }

    private static long Data(int offset) => (1L << 40) + offset;

    private long Walk(UInt128 bits, int length)
    {
        long record = 0;
        for (int depth = 0; depth < length && record is >= 0 and < 1L << 40; depth++)
        {
            record = _nodes[(int)record][(int)(bits >> (127 - depth)) & 1];
        }

        return record;
    }

    private void Link(UInt128 bits, int length, long target)
    {
        int node = 0;
        for (int depth = 0; depth < length - 1; depth++)
        {
            int side = (int)(bits >> (127 - depth)) & 1;
            if (_nodes[node][side] is < 0 or >= 1L << 40)
            {
                _nodes.Add([_nodes[node][side], _nodes[node][side]]);
                _nodes[node][side] = _nodes.Count - 1;
            }

            node = (int)_nodes[node][side];
        }

        _nodes[node][(int)(bits >> (128 - length)) & 1] = target;
    }

    private uint Resolve(long record) =>
        record == EmptyRecord ? (uint)_nodes.Count : record >= 1L << 40 ? (uint)(record - (1L << 40) + _nodes.Count + 16) : (uint)record;

    private byte[] Node(uint left, uint right) => recordSize switch
    {
        24 => [(byte)(left >> 16), (byte)(left >> 8), (byte)left, (byte)(right >> 16), (byte)(right >> 8), (byte)right],
        28 => [(byte)(left >> 16), (byte)(left >> 8), (byte)left, (byte)((left >> 24 << 4) | (right >> 24)), (byte)(right >> 16), (byte)(right >> 8), (byte)right],
        _ => [(byte)(left >> 24), (byte)(left >> 16), (byte)(left >> 8), (byte)left, (byte)(right >> 24), (byte)(right >> 16), (byte)(right >> 8), (byte)right],
    };

    public static void Encode(List<byte> to, object value, Dictionary<string, int>? texts)
    {
        switch (value)
        {
            case string text:
                if (texts is not null && texts.TryGetValue(text, out int at))
                {
                    Pointer(to, at);
                    return;
                }

                texts?.Add(text, to.Count);
                Control(to, 2, Encoding.UTF8.GetByteCount(text));
                to.AddRange(Encoding.UTF8.GetBytes(text));
                return;
            case double real:
                Control(to, 3, 8);
                to.AddRange(BigEndian(8, span => BinaryPrimitives.WriteDoubleBigEndian(span, real)));
                return;
            case byte[] bytes:
                Control(to, 4, bytes.Length);
                to.AddRange(bytes);
                return;
            case ushort number:
                Integer(to, 5, number);
                return;
            case uint number:
                Integer(to, 6, number);
                return;
            case (string, object)[] map:
                Control(to, 7, map.Length);
                foreach ((string key, object item) in map)
                {
                    Encode(to, key, texts);
                    Encode(to, item, texts);
                }

                return;
            case int number:
                Control(to, 8, 4);
                to.AddRange(BigEndian(4, span => BinaryPrimitives.WriteInt32BigEndian(span, number)));
                return;
            case ulong number:
                Integer(to, 9, number);
                return;
            case UInt128 number:
                Integer(to, 10, number);
                return;
            case object[] list:
                Control(to, 11, list.Length);
                foreach (object item in list)
                {
                    Encode(to, item, texts);
                }

                return;
            case bool flag:
                Control(to, 14, flag ? 1 : 0);
                return;
            case float single:
                Control(to, 15, 4);
                to.AddRange(BigEndian(4, span => BinaryPrimitives.WriteSingleBigEndian(span, single)));
                return;
            default:
                throw new ArgumentException("no MMDB type for " + value.GetType(), nameof(value));
        }
    }

    /// <summary>The four widths of the format, by value.</summary>
    public static void Pointer(List<byte> to, int at)
    {
        if (at < 2048)
        {
            to.AddRange([(byte)(0x20 | (at >> 8)), (byte)at]);
        }
        else if (at < 2048 + (1 << 19))
        {
            int value = at - 2048;
            to.AddRange([(byte)(0x28 | (value >> 16)), (byte)(value >> 8), (byte)value]);
        }
        else if (at < 526_336 + (1 << 27))
        {
            int value = at - 526_336;
            to.AddRange([(byte)(0x30 | (value >> 24)), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
        }
        else
        {
            to.AddRange([0x38, (byte)(at >> 24), (byte)(at >> 16), (byte)(at >> 8), (byte)at]);
        }
    }

    private static byte[] BigEndian(int length, Action<byte[]> write)
    {
        var bytes = new byte[length];
        write(bytes);
        return bytes;
    }

    private static void Integer(List<byte> to, int type, UInt128 number)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        byte[] significant = [.. bytes.SkipWhile(part => part == 0)];
        Control(to, type, significant.Length);
        to.AddRange(significant);
    }

    private static void Control(List<byte> to, int type, int size)
    {
        int low = size < 29 ? size : size < 285 ? 29 : size < 65_821 ? 30 : 31;
        to.Add((byte)((type <= 7 ? type << 5 : 0) | low));
        if (type > 7)
        {
            to.Add((byte)(type - 7));
        }

        int rest = low switch { 29 => size - 29, 30 => size - 285, 31 => size - 65_821, _ => 0 };
        for (int width = Math.Max(0, low - 28); width > 0; width--)
        {
            to.Add((byte)(rest >> ((width - 1) * 8)));
        }
    }
}
