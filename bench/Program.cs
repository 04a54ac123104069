using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Renkei.Bench;

// renkei bench [NAME] [--json]: repeatable benchmarks; each prints work done, wall and CPU seconds, peak memory, and a reference measured in the same run.
if (args is [References.Bare])
{
    await References.ServeNothingAsync();
    return 0;
}

var json = args.Contains("--json");
var wanted = args.FirstOrDefault(a => !a.StartsWith('-'));
var all = new Dictionary<string, Func<Task<Figures>>>(StringComparer.Ordinal)
{
    ["intake"] = Benchmarks.IntakeAsync,
    ["normalize"] = Benchmarks.NormalizeAsync,
    ["start"] = Benchmarks.StartAsync,
};
if (wanted is not null && !all.ContainsKey(wanted))
{
    Console.Error.WriteLine($"renkei bench: no benchmark {wanted}; there are {string.Join(", ", all.Keys)}");
    return 2;
}

foreach (var (name, run) in all.Where(b => wanted is null || b.Key == wanted))
{
    var figures = await run();
    if (json)
    {
        Console.WriteLine(JsonSerializer.Serialize(figures, JsonSerializerOptions.Web));
    }
    else
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{figures.Name}: {figures.Work:N0} {figures.Unit} in {figures.WallSeconds:0.00} s wall = {figures.PerSecond:N0}/s, {figures.CpuSeconds:0.00} s CPU, peak {figures.PeakBytes / 1048576.0:0} MiB; {figures.Note}"));
        Console.WriteLine(figures.Reference is { } r ? string.Create(CultureInfo.InvariantCulture, $"  {r.Ratio:0.00} times as fast as {r.What}: {r.WallSeconds:0.00} s, {r.PerSecond:N0}/s") : "  no reference could be run here");
    }
}

return 0;

namespace Renkei.Bench
{
    /// <summary>What a benchmark measured.</summary>
    public sealed record Figures(string Name, long Work, string Unit, double WallSeconds, double CpuSeconds, long PeakBytes, string Note)
    {
        public double PerSecond => Work / WallSeconds;

        /// <summary>Null where what it needs is not installed.</summary>
        public Reference? Reference { get; init; }
    }

    internal static class Benchmarks
    {
        private const int NormalizeRows = 100_000;
        private static readonly TimeSpan IntakeTime = TimeSpan.FromSeconds(15);

        /// <summary>Durable acknowledged reports a second on SQLite, load and node on this machine.</summary>
        public static async Task<Figures> IntakeAsync()
        {
            using var folder = new Scratch();
            await NodeProcess.PrepareAsync(folder.Path);
            using var node = await NodeProcess.StartAsync(folder.Path);
            await new IntakeLoad("warm").RunAsync(node.Url, 16, TimeSpan.FromSeconds(4), int.MaxValue, CancellationToken.None);
            var load = new IntakeLoad("bench");
            var cpu = node.Cpu;
            var watch = Stopwatch.StartNew();
            await load.RunAsync(node.Url, 32, IntakeTime, int.MaxValue, CancellationToken.None);
            var figures = new Figures("intake", load.Acknowledged.Count, "reports acknowledged", watch.Elapsed.TotalSeconds, (node.Cpu - cpu).TotalSeconds, node.PeakResident,
                $"32 connections, SQLite synchronous=FULL; {load.Unanswered.Count} unanswered, other answers {string.Join(' ', load.OtherAnswers)}");
            return figures with { Reference = await References.InsertsAsync(folder.Path, figures.PerSecond) };
        }

        /// <summary><c>renkei normalize</c> on the 100,000-row workload, cold, as a whole process.</summary>
        public static async Task<Figures> NormalizeAsync()
        {
            using var folder = new Scratch();
            var file = Path.Combine(folder.Path, ShadowserverWorkload.FileName);
            await using (var stream = File.Create(file))
            {
                ShadowserverWorkload.Write(stream, NormalizeRows);
            }

            var before = Usage.OfChildren();
            var watch = Stopwatch.StartNew();
            var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true };
            foreach (var arg in (string[])[Path.Combine(AppContext.BaseDirectory, "Renkei.Node.dll"), "normalize", file])
            {
                start.ArgumentList.Add(arg);
            }

            using var process = Process.Start(start)!;
            var lines = 0L;
            var buffer = new byte[1 << 16];
            var output = process.StandardOutput.BaseStream;
            int read;
            while ((read = await output.ReadAsync(buffer)) > 0)
            {
                lines += buffer.AsSpan(0, read).Count((byte)'\n');
            }

            await process.WaitForExitAsync();
            var wall = watch.Elapsed.TotalSeconds;
            var after = Usage.OfChildren();
            var figures = new Figures("normalize", NormalizeRows, "rows", wall, after.CpuSeconds - before.CpuSeconds, after.PeakBytes, $"{lines:N0} events out, start of the process included");
            return figures with { Reference = await References.PythonAsync(file, NormalizeRows, figures.PerSecond) };
        }

        /// <summary>Existing database to "ready", and resident memory of the node idle afterwards.</summary>
        public static async Task<Figures> StartAsync()
        {
            using var folder = new Scratch();
            await NodeProcess.PrepareAsync(folder.Path);
            using (var first = await NodeProcess.StartAsync(folder.Path))
            {
                await new IntakeLoad("fill").RunAsync(first.Url, 16, TimeSpan.FromSeconds(3), 1000, CancellationToken.None);
            }

            using var node = await NodeProcess.StartAsync(folder.Path);
            await Task.Delay(TimeSpan.FromSeconds(8));
            var figures = new Figures("start", 1, "start on an existing database", node.UntilReady.TotalSeconds, node.Cpu.TotalSeconds, node.PeakResident, string.Create(CultureInfo.InvariantCulture, $"first page after {node.UntilFirstPage.TotalSeconds:0.00} s, idle resident {node.Resident / 1048576.0:0} MiB after 8 s"));
            return figures with { Reference = await References.EmptyServerAsync(figures.WallSeconds) };
        }
    }

    /// <summary>A temporary folder, gone afterwards.</summary>
    internal sealed class Scratch : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("renkei-bench-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
