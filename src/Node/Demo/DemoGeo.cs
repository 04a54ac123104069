using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Renkei.Directories;
using Renkei.Geo;

namespace Renkei.Node.Demo;

/// <summary>
/// Where the documentation networks lie on the sample node: a prefix table and a small MMDB, loaded through the same door as real ones.
/// </summary>
public static class DemoGeo
{
    public static async Task EnsureAsync(GeoStore geo, TimeProvider clock, CancellationToken ct)
    {
        await geo.OpenAsync(ct);
        if (geo.Status.State == GeoState.Ready)
        {
            return;
        }

        var folder = Directory.CreateTempSubdirectory("renkei-demo-");
        try
        {
            var table = Path.Combine(folder.FullName, "demo-prefixes.dat");
            await File.WriteAllLinesAsync(table, DemoBook.Networks.Select(n => $"{n.Prefix}\t{n.Asn}"), ct);
            var names = Path.Combine(folder.FullName, "demo-networks.mmdb");
            await File.WriteAllBytesAsync(names, Mmdb(DemoBook.Networks, clock.GetUtcNow()), ct);
            geo.Load([table, names], clock, ct);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>MaxMind DB file format 2.0, 24-bit records, IPv6 tree with IPv4 under ::/96.</summary>
    private static byte[] Mmdb(IReadOnlyList<DemoBook.Network> networks, DateTimeOffset now)
    {
        const int Data = 1 << 22;
        var nodes = new List<int[]> { new[] { -1, -1 } };
        var data = new List<byte>();
        foreach (var network in networks)
        {
            var at = data.Count;
            Map(data, ("autonomous_system_number", network.Asn), ("autonomous_system_organization", network.AsName), ("country", new (string, object)[] { ("iso_code", network.Country) }));
            var (bits, length) = Bits(network.Prefix);
            var node = 0;
            for (var depth = 0; depth < length; depth++)
            {
                var side = (int)(bits >> (127 - depth)) & 1;
                if (depth == length - 1)
                {
                    nodes[node][side] = Data + at;
                }
                else
                {
                    if (nodes[node][side] is < 0 or >= Data)
                    {
                        // a smaller network splits the larger one it lies in
                        nodes.Add([nodes[node][side], nodes[node][side]]);
                        nodes[node][side] = nodes.Count - 1;
                    }

                    node = nodes[node][side];
                }
            }
        }

        var file = new List<byte>();
        foreach (var record in nodes.SelectMany(n => n))
        {
            var value = record < 0 ? nodes.Count : record >= Data ? record - Data + nodes.Count + 16 : record;
            file.AddRange([(byte)(value >> 16), (byte)(value >> 8), (byte)value]);
        }

        file.AddRange(new byte[16]);
        file.AddRange(data);
        file.AddRange([0xAB, 0xCD, 0xEF]);
        file.AddRange("MaxMind.com"u8.ToArray());
        Map(file, ("binary_format_major_version", (ushort)2), ("binary_format_minor_version", (ushort)0), ("build_epoch", (ulong)now.ToUnixTimeSeconds()), ("database_type", "Renkei-Demo"),
            ("description", new (string, object)[] { ("en", "Documentation networks of the sample node") }), ("ip_version", (ushort)6), ("languages", new object[] { "en" }), ("node_count", (uint)nodes.Count), ("record_size", (ushort)24));
        return [.. file];
    }

    private static (UInt128 Bits, int Length) Bits(string prefix)
    {
        var network = IPNetwork.Parse(prefix);
        var v4 = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        var bytes = network.BaseAddress.GetAddressBytes();
        return v4 ? (BinaryPrimitives.ReadUInt32BigEndian(bytes), network.PrefixLength + 96) : (BinaryPrimitives.ReadUInt128BigEndian(bytes), network.PrefixLength);
    }

    private static void Map(List<byte> to, params (string Key, object Value)[] pairs)
    {
        Control(to, 7, pairs.Length);
        foreach (var (key, value) in pairs)
        {
            Put(to, key);
            Put(to, value);
        }
    }

    private static void Put(List<byte> to, object value)
    {
        switch (value)
        {
            case string text:
                Control(to, 2, Encoding.UTF8.GetByteCount(text));
                to.AddRange(Encoding.UTF8.GetBytes(text));
                break;
            case ushort number:
                Number(to, 5, number);
                break;
            case uint number:
                Number(to, 6, number);
                break;
            case ulong number:
                Number(to, 9, number);
                break;
            case (string, object)[] pairs:
                Map(to, pairs);
                break;
            case object[] items:
                Control(to, 11, items.Length);
                foreach (var item in items)
                {
                    Put(to, item);
                }

                break;
            default:
                throw new ArgumentException("No type of the format.", nameof(value));
        }
    }

    private static void Number(List<byte> to, int type, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        var used = bytes.TrimStart((byte)0);
        Control(to, type, used.Length);
        to.AddRange(used);
    }

    /// <summary>Type and size; sizes here stay below 285.</summary>
    private static void Control(List<byte> to, int type, int size)
    {
        var small = Math.Min(size, 29);
        if (type <= 7)
        {
            to.Add((byte)((type << 5) | small));
        }
        else
        {
            to.AddRange([(byte)small, (byte)(type - 7)]);
        }

        if (size >= 29)
        {
            to.Add((byte)(size - 29));
        }
    }
}
