using System.Numerics;
using System.Runtime.InteropServices;

namespace Renkei.Geo;

/// <summary>A network and what is known of it. The value means what the table's owner says.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct IntervalRow<TKey>(TKey Start, byte Length, uint Value)
    where TKey : struct;

/// <summary>
/// Networks of one address family, flattened into sorted, disjoint intervals, each naming the most specific network that covers it.
/// A lookup is a binary search among the intervals of one 1/65536 of the address space: 8 bytes an interval for IPv4 (a table of 2^24
/// words would be eight times faster and ten times larger, and parsing the address text already costs more than the search).
/// Each network also knows the next larger one around it, so all covering networks can be listed.
/// </summary>
internal sealed class IntervalTable<TKey>
    where TKey : unmanaged, IBinaryInteger<TKey>, IUnsignedNumber<TKey>, IMinMaxValue<TKey>
{
    public const int None = -1;

    private const int RootBits = 16;

    private readonly IntervalRow<TKey>[] _rows;
    private readonly int[] _parents;
    private readonly TKey[] _cuts;
    private readonly int[] _cutRows;
    private readonly int[] _root;

    private IntervalTable(IntervalRow<TKey>[] rows)
    {
        _rows = rows;
        _parents = new int[rows.Length];
        (_cuts, _cutRows) = Flatten(rows, _parents);
        _root = IndexRoot(_cuts);
    }

    public static IntervalTable<TKey> Empty { get; } = new([]);

    /// <summary>The networks, by address and then from large to small.</summary>
    public ReadOnlySpan<IntervalRow<TKey>> Rows => _rows;

    public int Count => _rows.Length;

    private static int Width => TKey.Zero.GetByteCount() * 8;

    /// <summary>Takes rows in any order, bits beyond the length clear; of the same network given twice, the later row counts.</summary>
    public static IntervalTable<TKey> Build(IReadOnlyCollection<IntervalRow<TKey>> rows)
    {
        if (rows.Count == 0)
        {
            return Empty;
        }

        IntervalRow<TKey>[] sorted = [.. rows];
        if (!IsStrictlySorted(sorted))
        {
            var order = new int[sorted.Length];
            for (int i = 0; i < order.Length; i++)
            {
                order[i] = i;
            }

            // The position breaks ties: array sort is not stable, and later rows must come out on top.
            Array.Sort(order, (a, b) => Compare(sorted[a], sorted[b]) is var c and not 0 ? c : a.CompareTo(b));
            var distinct = new List<IntervalRow<TKey>>(sorted.Length);
            foreach (int index in order)
            {
                if (distinct.Count > 0 && Compare(distinct[^1], sorted[index]) == 0)
                {
                    distinct[^1] = sorted[index];
                }
                else
                {
                    distinct.Add(sorted[index]);
                }
            }

            sorted = [.. distinct];
        }

        return new IntervalTable<TKey>(sorted);
    }

    /// <summary>As <see cref="Build"/> for rows from a file: null unless they are sorted, distinct and clean. Takes the array over.</summary>
    public static IntervalTable<TKey>? FromSorted(IntervalRow<TKey>[] rows)
    {
        foreach (ref readonly IntervalRow<TKey> row in rows.AsSpan())
        {
            if (row.Length > Width || (row.Start & HostMask(row.Length)) != TKey.Zero)
            {
                return null;
            }
        }

        return rows.Length == 0 ? Empty : IsStrictlySorted(rows) ? new IntervalTable<TKey>(rows) : null;
    }

    /// <summary>Index of the most specific network around the address, or <see cref="None"/>.</summary>
    public int Find(TKey address)
    {
        int bucket = int.CreateTruncating(address >> (Width - RootBits));
        int low = _root[bucket], high = _root[bucket + 1];
        TKey[] cuts = _cuts;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high + 1) >> 1);
            if (cuts[middle] <= address)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return _cutRows[low];
    }

    public ref readonly IntervalRow<TKey> Row(int index) => ref _rows[index];

    /// <summary>Index of the next larger network around a network, or <see cref="None"/>.</summary>
    public int Parent(int index) => _parents[index];

    public static TKey HostMask(int length) => length == 0 ? TKey.MaxValue : (TKey.One << (Width - length)) - TKey.One;

    private static int Compare(in IntervalRow<TKey> a, in IntervalRow<TKey> b) =>
        a.Start.CompareTo(b.Start) is var c and not 0 ? c : a.Length.CompareTo(b.Length);

    private static bool IsStrictlySorted(IntervalRow<TKey>[] rows)
    {
        for (int i = 1; i < rows.Length; i++)
        {
            if (Compare(rows[i - 1], rows[i]) >= 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>One pass over the sorted rows: networks nest or are apart, so the open ones are a stack.</summary>
    private static (TKey[] Cuts, int[] Rows) Flatten(IntervalRow<TKey>[] rows, int[] parents)
    {
        var cuts = new List<TKey>(rows.Length + 1) { TKey.Zero };
        var cutRows = new List<int>(rows.Length + 1) { None };
        Span<int> open = stackalloc int[Width + 1];
        int depth = 0;

        void Cut(TKey at, int row)
        {
            if (cuts[^1] == at)
            {
                cutRows[^1] = row;
            }
            else if (cutRows[^1] != row)
            {
                cuts.Add(at);
                cutRows.Add(row);
            }
        }

        for (int i = 0; i <= rows.Length; i++)
        {
            while (depth > 0)
            {
                ref readonly IntervalRow<TKey> top = ref rows[open[depth - 1]];
                TKey last = top.Start | HostMask(top.Length);
                if (i < rows.Length && rows[i].Start <= last)
                {
                    break;
                }

                depth--;
                if (last != TKey.MaxValue)
                {
                    Cut(last + TKey.One, depth > 0 ? open[depth - 1] : None);
                }
            }

            if (i < rows.Length)
            {
                parents[i] = depth > 0 ? open[depth - 1] : None;
                open[depth++] = i;
                Cut(rows[i].Start, i);
            }
        }

        return ([.. cuts], [.. cutRows]);
    }

    private static int[] IndexRoot(TKey[] cuts)
    {
        var root = new int[(1 << RootBits) + 1];
        int cut = 0;
        for (int bucket = 0; bucket < 1 << RootBits; bucket++)
        {
            TKey first = TKey.CreateTruncating(bucket) << (Width - RootBits);
            while (cut + 1 < cuts.Length && cuts[cut + 1] <= first)
            {
                cut++;
            }

            root[bucket] = cut;
        }

        root[1 << RootBits] = cuts.Length - 1;
        return root;
    }
}
