using System.CommandLine;
using System.Text.Json;

namespace Renkei.Node.Commands;

/// <summary>The command line. Exit codes: 0 done, 1 found a problem, 2 bad usage, 75 try later.</summary>
public static class Cli
{
    private static readonly Option<string?> Data = new("--data") { Description = "folder of the database, blobs and keys (default ./data)" };
    private static readonly Option<string?> Urls = new("--urls") { Description = "addresses to listen on, separated by ;" };
    private static readonly Option<int?> Port = new("--port") { Description = "port on localhost (default 7080)" };
    private static readonly Option<string[]> Set = new("--set") { Description = "any setting as name=value; see: renkei config", AllowMultipleArgumentsPerToken = false };
    private static readonly Option<bool> Json = new("--json") { Description = "one JSON object for machines" };

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Renkei: the system CSIRTs work together with.");
        root.Subcommands.Add(Serve());
        root.Subcommands.Add(DemoCommand());
        root.Subcommands.Add(Config());
        try
        {
            var parsed = root.Parse(args);
            var code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
            return parsed.Errors.Count > 0 ? 2 : code;
        }
        catch (SettingException e)
        {
            await Console.Error.WriteLineAsync("renkei: " + e.Message);
            return 2;
        }
    }

    private static Command Serve()
    {
        var command = new Command("serve", "Runs one node. The first start creates the database and prints a one-time set-up link.") { Data, Urls, Port, Set };
        command.SetAction(async (parsed, ct) => await ServeAsync(Settings(parsed), null, ct));
        return command;
    }

    private static Command DemoCommand()
    {
        var command = new Command("demo", "Runs one node with sample data in Japanese and English; prints the logins.") { Data, Port, Set };
        command.SetAction(async (parsed, ct) =>
        {
            var settings = Settings(parsed);
            return await ServeAsync(settings, (services, token) => Demo.DemoNode.EnsureAsync(services, settings, token), ct);
        });
        return command;
    }

    private static Command Config()
    {
        var command = new Command("config", "Shows every setting, its value and where it came from.") { Data, Set, Json };
        command.SetAction(parsed =>
        {
            var settings = Settings(parsed);
            if (parsed.GetValue(Json))
            {
                Console.WriteLine(JsonSerializer.Serialize(settings.Sources.ToDictionary(s => s.Name, s => new { s.Value, s.Source }, StringComparer.Ordinal)));
            }
            else
            {
                foreach (var (name, value, source, what) in settings.Sources)
                {
                    Console.WriteLine($"{name,-20} {value,-30} {source,-24} {what}");
                }
            }

            return 0;
        });
        return command;
    }

    private static async Task<int> ServeAsync(NodeSettings settings, Func<IServiceProvider, CancellationToken, Task>? fill, CancellationToken ct)
    {
        await using var app = NodeHost.Build(settings);
        await NodeHost.PrepareAsync(app.Services, ct);
        if (fill is not null)
        {
            await fill(app.Services, ct);
        }

        try
        {
            await app.StartAsync(ct);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"renkei: {settings.Urls} is in use; choose another with --port or --urls");
            return 1;
        }

        Console.WriteLine("ready " + settings.PublicUrl);
        await app.WaitForShutdownAsync(ct);
        return 0;
    }

    private static NodeSettings Settings(ParseResult parsed)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in parsed.GetValue(Set) ?? [])
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (at < 1)
            {
                throw new SettingException($"--set {pair}: write it as name=value");
            }

            given[pair[..at]] = pair[(at + 1)..];
        }

        if (parsed.GetValue(Data) is { } data)
        {
            given["data"] = data;
        }

        if (parsed.GetValue(Port) is { } port)
        {
            given["urls"] = $"http://localhost:{port}";
        }

        if (parsed.GetValue(Urls) is { } urls)
        {
            given["urls"] = urls;
        }

        return NodeSettings.Load(given, Environment.GetEnvironmentVariable);
    }
}
