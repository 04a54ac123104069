using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;

namespace Renkei.Bench;

/// <summary>What a figure is compared with, measured in the same run on the same machine.</summary>
/// <param name="Ratio">How many times as fast as the reference, by the figure that the benchmark is about; over 1 is faster.</param>
public sealed record Reference(string What, double WallSeconds, double PerSecond, double Ratio);

/// <summary>Simple ways to do a part of the same work.</summary>
internal static class References
{
    /// <summary>The argument that makes of this program the empty server of <see cref="EmptyServerAsync"/>.</summary>
    public const string Bare = "--empty-server";

    private const string RowsToJson = """
        import csv, json, sys
        with open(sys.argv[1], newline='', encoding='utf-8') as f:
            for row in csv.DictReader(f):
                print(json.dumps({k: v for k, v in row.items() if v}))
        """;

    /// <summary>Rows a second of Python's own csv and json modules: each row read and written, nothing understood. Null where there is no Python.</summary>
    public static async Task<Reference?> PythonAsync(string file, int rows, double perSecond)
    {
        var watch = Stopwatch.StartNew();
        if (await RunAsync("python3", ["-c", RowsToJson, file]) is null)
        {
            return null;
        }

        var wall = watch.Elapsed.TotalSeconds;
        return new("Python's csv and json modules: rows read and written, not understood", wall, rows / wall, perSecond * wall / rows);
    }

    /// <summary>Durable single inserts a second: one row of a report's size, one transaction, one connection, SQLite in WAL with synchronous=FULL.</summary>
    public static async Task<Reference> InsertsAsync(string folder, double perSecond)
    {
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, "reference.db"), Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)";
        await command.ExecuteNonQueryAsync();
        command.CommandText = "INSERT INTO rows (body) VALUES ($body)";
        command.Parameters.AddWithValue("$body", Encoding.ASCII.GetBytes(new string('x', 1000)));
        var watch = Stopwatch.StartNew();
        var done = 0;
        while (watch.Elapsed < TimeSpan.FromSeconds(5))
        {
            await command.ExecuteNonQueryAsync();
            done++;
        }

        var wall = watch.Elapsed.TotalSeconds;
        return new("SQLite alone: one row of 1,000 bytes in each durable transaction", wall, done / wall, perSecond * wall / done);
    }

    /// <summary>Start of an ASP.NET Core server that has nothing to serve, to its line "ready".</summary>
    public static async Task<Reference> EmptyServerAsync(double wallSeconds)
    {
        var watch = Stopwatch.StartNew();
        var said = await RunAsync("dotnet", [typeof(References).Assembly.Location, Bare]);
        var wall = watch.Elapsed.TotalSeconds;
        return said?.Contains("ready", StringComparison.Ordinal) == true
            ? new("an ASP.NET Core server without a page or a database, started and stopped", wall, 1 / wall, wall / wallSeconds)
            : throw new InvalidOperationException("the empty server did not start: " + said);
    }

    public static async Task ServeNothingAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        await app.StartAsync();
        Console.WriteLine("ready");
        await app.StopAsync();
    }

    /// <summary>What the program said; null when there is none of that name or it failed.</summary>
    private static async Task<string?> RunAsync(string program, IReadOnlyList<string> arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true })!;
            var said = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? said : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
