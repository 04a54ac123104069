using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Node;
using Renkei.Node.Demo;

namespace Renkei.Bench;

/// <summary>A node in a process of its own, so that it can be measured and killed.</summary>
public sealed class NodeProcess : IDisposable
{
    private readonly Process _process;

    private NodeProcess(Process process, string url, TimeSpan untilReady)
    {
        _process = process;
        Url = url;
        UntilReady = untilReady;
    }

    public string Url { get; }

    /// <summary>From the start of the process to its line "ready".</summary>
    public TimeSpan UntilReady { get; }

    /// <summary>From the start of the process to the last byte of the first page.</summary>
    public TimeSpan UntilFirstPage { get; private set; }

    public int Id => _process.Id;

    /// <summary>Resident bytes now.</summary>
    public long Resident
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public long PeakResident => long.Parse(File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;

    public TimeSpan Cpu => _process.TotalProcessorTime;

    /// <summary>The sample teams in a fresh data folder: a node that takes reports.</summary>
    public static async Task PrepareAsync(string folder, string db = "")
    {
        var settings = NodeSettings.Load(new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = folder, ["db"] = db }, _ => null);
        await using var app = NodeHost.Build(settings);
        await NodeHost.PrepareAsync(app.Services, CancellationToken.None);
        await DemoTeams.EnsureAsync(app.Services, CancellationToken.None);
        if (db.Length == 0)
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        }
    }

    /// <summary>Starts <c>serve</c> on a free loopback port and waits for "ready".</summary>
    public static async Task<NodeProcess> StartAsync(string folder, params string[] more)
    {
        var port = FreePort();
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var arg in (string[])[Path.Combine(AppContext.BaseDirectory, "Renkei.Node.dll"), "serve", "--data", folder, "--urls", $"http://127.0.0.1:{port}", "--set", "report-rate=100000", .. more])
        {
            start.ArgumentList.Add(arg);
        }

        var watch = Stopwatch.StartNew();
        var process = Process.Start(start)!;
        var ready = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new List<string>();
        void Heard(string? line)
        {
            if (line is null)
            {
                return;
            }

            lock (said)
            {
                said.Add(line);
            }

            if (line.StartsWith("ready ", StringComparison.Ordinal))
            {
                ready.TrySetResult(true);
            }
        }

        process.OutputDataReceived += (_, e) => Heard(e.Data);
        process.ErrorDataReceived += (_, e) => Heard(e.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => ready.TrySetResult(false);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!await ready.Task.WaitAsync(TimeSpan.FromSeconds(60)))
        {
            throw new InvalidOperationException("The node ended before it was ready: " + string.Join("\n", said));
        }

        var node = new NodeProcess(process, $"http://127.0.0.1:{port}", watch.Elapsed);
        using var client = new HttpClient();
        await client.GetStringAsync(node.Url + "/sign-in");
        node.UntilFirstPage = watch.Elapsed;
        return node;
    }

    /// <summary>As the machine's power would: SIGKILL, no clean-up.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
