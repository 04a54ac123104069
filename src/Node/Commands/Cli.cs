namespace Renkei.Node.Commands;

/// <summary>The command line. Exit codes: 0 done, 1 found a problem, 2 bad usage, 75 try later.</summary>
public static class Cli
{
    public static async Task<int> RunAsync(string[] args)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 1; i + 1 < args.Length; i += 2)
        {
            options[args[i].TrimStart('-')] = args[i + 1];
        }

        var settings = NodeSettings.Load(options, Environment.GetEnvironmentVariable);
        await using var app = NodeHost.Build(settings);
        await NodeHost.PrepareAsync(app.Services, CancellationToken.None);
        if (args is ["demo", ..])
        {
            await Demo.DemoTeams.EnsureAsync(app.Services, CancellationToken.None);
        }

        await app.StartAsync();
        Console.WriteLine("ready " + settings.PublicUrl);
        await app.WaitForShutdownAsync();
        return 0;
    }
}
