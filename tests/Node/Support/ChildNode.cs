using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Renkei.Node.Tests;

/// <summary>The executable as a process of its own, until it says that it is ready; gone with the test.</summary>
internal sealed class ChildNode : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildNode(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    /// <summary>What it has printed.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    /// <param name="fileKilobytes">No file of its may grow beyond: a full disk, for whoever may not make a small one. Null for no bound.</param>
    public static async Task<ChildNode> StartAsync(string command, string data, int? fileKilobytes = null, params string[] args)
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        // ulimit counts in blocks of 512 bytes; a write beyond must fail and not end the process, and the runtime's own memory is a file, too
        var start = fileKilobytes is { } most
            ? new ProcessStartInfo("sh", ["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec dotnet \"$@\"", (most * 2).ToString(CultureInfo.InvariantCulture)])
            : new ProcessStartInfo("dotnet");
        foreach (var arg in (string[])[Path.Combine(AppContext.BaseDirectory, "Renkei.Node.dll"), command, "--data", data, "--port", port.ToString(CultureInfo.InvariantCulture), .. args])
        {
            start.ArgumentList.Add(arg);
        }

        foreach (var variable in start.Environment.Keys.Where(k => k.StartsWith("RENKEI_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(variable);
        }

        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        (start.UseShellExecute, start.RedirectStandardOutput, start.RedirectStandardError) = (false, true, true);
        var child = new ChildNode(Process.Start(start)!, port);
        child._process.OutputDataReceived += (_, line) => child.Take(line.Data);
        child._process.ErrorDataReceived += (_, line) => child.Take(line.Data);
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        try
        {
            await child._ready.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            await child.DisposeAsync();
            Assert.Fail("It was not ready in time:\n" + string.Join('\n', child.Lines));
        }

        return child;
    }

    public HttpClient Browser() => new(new HttpClientHandler { CookieContainer = new CookieContainer(), AllowAutoRedirect = false }) { BaseAddress = new Uri($"http://localhost:{Port}") };

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            // its end
            _ready.TrySetResult();
            return;
        }

        _lines.Enqueue(line);
        if (line.StartsWith("ready ", StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
    }
}
