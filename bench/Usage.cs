using System.Runtime.InteropServices;

namespace Renkei.Bench;

/// <summary>CPU seconds and peak resident bytes of child processes that ended (getrusage(2), RUSAGE_CHILDREN).</summary>
internal static partial class Usage
{
    public static (double CpuSeconds, long PeakBytes) OfChildren()
    {
        Span<long> usage = stackalloc long[18];
        if (GetRusage(-1, ref usage[0]) != 0)
        {
            return (0, 0);
        }

        // ru_utime, ru_stime as seconds and microseconds, then ru_maxrss in KiB
        return (usage[0] + (usage[1] / 1e6) + usage[2] + (usage[3] / 1e6), usage[4] * 1024);
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetRusage(int who, ref long usage);
}
