namespace Renkei.Node.Commands;

/// <summary>Commands that need the node's database: they run inside the node when one runs. The first words name the command.</summary>
public static class NodeCommands
{
    private delegate Task<int> Handler(IServiceProvider services, string[] args, Stream input, TextWriter output, TextWriter errors, CancellationToken ct);

    private static readonly Dictionary<string, Handler> Table = new(StringComparer.Ordinal)
    {
    };

    public static Task<int> RunAsync(IServiceProvider services, string[] args, Stream input, TextWriter output, TextWriter errors, CancellationToken ct)
    {
        if (args.Length > 0 && Table.TryGetValue(args[0], out var handler))
        {
            return handler(services, args[1..], input, output, errors, ct);
        }

        errors.WriteLine("unknown command");
        return Task.FromResult(2);
    }
}
