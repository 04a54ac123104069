using System.Runtime.InteropServices;
using Renkei.Formats.PrefixTable;

namespace Renkei.Formats.Mmdb;

/// <summary>
/// Walks the search tree in address order: <c>while (networks.MoveNext())</c>, then look whether <see cref="Error"/> ended it.
/// Networks under ::/96 are given as IPv4. The aliases of the IPv4 tree (::ffff:0:0/96, 2002::/16) are left out: they say nothing new.
/// A file whose nodes share subtrees otherwise is walked too, but only so far that hostile bytes cannot make the walk endless.
/// </summary>
public sealed class MmdbNetworks
{
    private readonly MmdbReader _reader;
    private readonly int _width;
    private readonly uint _nodeCount;
    private readonly Frame[] _path;
    private long _visitsLeft;
    private int _depth;

    internal MmdbNetworks(MmdbReader reader)
    {
        _reader = reader;
        _width = reader.Metadata.IpVersion == 6 ? 128 : 32;
        _nodeCount = reader.Metadata.NodeCount;
        _path = new Frame[_width];
        _visitsLeft = (16L * _nodeCount) + 65_536;
        _depth = _nodeCount > 0 ? 0 : -1;
    }

    /// <summary>The network <see cref="MoveNext"/> stopped at.</summary>
    public AddressPrefix Current { get; private set; }

    /// <summary>Where its record lies, for <see cref="MmdbReader.TryRead"/>.</summary>
    public int DataOffset { get; private set; }

    /// <summary>Why the walk ended early; null while it goes on and after a full walk.</summary>
    public MmdbError? Error { get; private set; }

    public bool MoveNext()
    {
        while (_depth >= 0 && Error is null)
        {
            ref Frame frame = ref _path[_depth];
            if (frame.Side == 2)
            {
                _depth--;
                continue;
            }

            int side = frame.Side++;
            int length = _depth + 1;
            UInt128 bits = frame.Bits | ((UInt128)(uint)side << (_width - length));
            uint record = _reader.Record(frame.Node, side);
            if (record < _nodeCount)
            {
                Descend(record, bits, length, frame.Node);
            }
            else if (record > _nodeCount)
            {
                if (!_reader.TryDataOffset(record, frame.Node, out int dataOffset, out MmdbError? error))
                {
                    Error = error;
                    return false;
                }

                Current = _width == 32 ? AddressPrefix.V4((uint)bits, length)
                    : length >= 96 && bits >> 32 == 0 ? AddressPrefix.V4((uint)bits, length - 96)
                    : AddressPrefix.V6(bits, length);
                DataOffset = dataOffset;
                return true;
            }
        }

        return false;
    }

    private void Descend(uint record, UInt128 bits, int length, uint parent)
    {
        if (length == _width)
        {
            Error = new MmdbError(MmdbErrorKind.BadTree, _reader.NodeOffset(parent), "search tree is deeper than an address has bits");
        }
        else if (--_visitsLeft < 0)
        {
            Error = new MmdbError(MmdbErrorKind.BadTree, _reader.NodeOffset(parent), "search tree leads to the same nodes again and again");
        }
        else if (_width != 128 || record != _reader.IPv4Start || bits == 0)
        {
            _path[++_depth] = new Frame { Node = record, Bits = bits };
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Frame
    {
        public uint Node;
        public UInt128 Bits;
        public int Side;
    }
}
