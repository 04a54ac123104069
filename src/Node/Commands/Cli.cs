using System.CommandLine;
using System.CommandLine.Help;
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
        // a root command would be named after the assembly in its help
        var root = new Command("renkei", "Renkei: the system CSIRTs work together with.") { new HelpOption { Recursive = true }, new VersionOption() };
        root.Subcommands.Add(Serve());
        root.Subcommands.Add(DemoCommand());
        root.Subcommands.Add(Import());
        root.Subcommands.Add(Normalize());
        root.Subcommands.Add(Geo());
        root.Subcommands.Add(User());
        root.Subcommands.Add(Team());
        root.Subcommands.Add(Token());
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

    private static Command Import()
    {
        var files = new Argument<FileInfo[]>("file") { Description = "machine reports, such as 2026-01-15-scan_rdp-x.csv", Arity = ArgumentArity.OneOrMore };
        var feed = new Option<string?>("--feed") { Description = "shadowserver or shadowserver:TYPE; otherwise told by name or header" };
        var team = new Option<string?>("--team") { Description = "short name of the team that receives it; needed when several work on this node" };
        var command = new Command("import", "Takes in bulk machine reports: each file one report, each line an event. The same file twice changes nothing.") { files, feed, team, Data, Set, Json };
        command.SetAction(async (parsed, ct) =>
        {
            var worst = 0;
            foreach (var file in parsed.GetValue(files)!)
            {
                if (!file.Exists)
                {
                    await Console.Error.WriteLineAsync($"renkei import: {file} does not exist");
                    return 2;
                }

                await using var stream = file.OpenRead();
                worst = Math.Max(worst, await LocalDoor.RunAsync(Settings(parsed), ["import", file.Name, parsed.GetValue(feed) ?? "", parsed.GetValue(team) ?? "", parsed.GetValue(Json) ? "true" : ""], stream, ct));
            }

            return worst;
        });
        return command;
    }

    private static Command Normalize()
    {
        var file = new Argument<FileInfo>("file") { Description = "a machine report" };
        var feed = new Option<string?>("--feed") { Description = "shadowserver or shadowserver:TYPE; otherwise told by name or header" };
        var command = new Command("normalize", "Reads a machine report and writes one JSON object per event; needs no database.") { file, feed };
        command.SetAction(parsed =>
        {
            var source = parsed.GetValue(file)!;
            if (!source.Exists)
            {
                Console.Error.WriteLine($"renkei normalize: {source} does not exist");
                return 2;
            }

            using var input = source.OpenRead();
            using var output = Console.OpenStandardOutput();
            var counts = Renkei.Formats.Feeds.NormalizeFile.Run(input, source.Name, parsed.GetValue(feed), output, Console.Error);
            Console.Error.WriteLine($"{source.Name}: {counts.Rows} rows, {counts.Events} events, {counts.Rejected} rejected");
            return counts.Fatal is null && counts.Rejected == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Geo()
    {
        var files = new Argument<FileInfo[]>("file") { Description = "RIR delegated statistics, prefix-to-ASN tables, MMDB; told by content", Arity = ArgumentArity.OneOrMore };
        var load = new Command("load", "Loads address tables as the next snapshot.") { files, Data, Set, Json };
        load.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["geo-load", parsed.GetValue(Json) ? "true" : "", .. parsed.GetValue(files)!.Select(f => f.FullName)], null, ct));
        return new Command("geo", "Where addresses lie.") { load };
    }

    private static Command User()
    {
        var mail = new Argument<string>("mail");
        var name = new Option<string>("--name") { Required = true };
        var team = new Option<string>("--team") { Required = true, Description = "short name of the team" };
        var roles = new Option<string>("--roles") { Required = true, Description = "analyst, lead, manager, poc, secretariat, operator, auditor, constituent; separated by commas" };
        var language = new Option<string>("--language") { DefaultValueFactory = _ => "ja" };
        var second = new Option<bool>("--second-factor") { Description = "takes the second factor and passkeys away too" };
        var list = new Command("list", "Everyone with an account.") { Data, Set };
        list.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["user-list"], null, ct));
        var add = new Command("add", "Adds a person; prints the invitation link.") { mail, name, team, roles, language, Data, Set };
        add.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["user-add", parsed.GetValue(mail)!, parsed.GetValue(name)!, parsed.GetValue(team)!, parsed.GetValue(roles)!, parsed.GetValue(language)!], null, ct));
        var reset = new Command("reset-password", "Prints a link with which the person sets a new password.") { mail, second, Data, Set };
        reset.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["user-reset-password", parsed.GetValue(mail)!, parsed.GetValue(second) ? "true" : ""], null, ct));
        var set = new Command("roles", "Replaces the person's roles in a team.") { mail, team, roles, Data, Set };
        set.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["user-roles", parsed.GetValue(mail)!, parsed.GetValue(team)!, parsed.GetValue(roles)!], null, ct));
        return new Command("user", "People with an account.") { list, add, reset, set };
    }

    private static Command Team()
    {
        var slug = new Argument<string>("slug") { Description = "short name, lower case" };
        var name = new Option<string>("--name") { Required = true };
        var latin = new Option<string>("--latin") { DefaultValueFactory = _ => "", Description = "the name in Latin letters" };
        var country = new Option<string>("--country") { DefaultValueFactory = _ => "JP" };
        var list = new Command("list", "The teams of this node.") { Data, Set };
        list.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["team-list"], null, ct));
        var add = new Command("add", "Adds a team that works on this node.") { slug, name, latin, country, Data, Set };
        add.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["team-add", parsed.GetValue(slug)!, parsed.GetValue(name)!, parsed.GetValue(latin)!, parsed.GetValue(country)!], null, ct));
        return new Command("team", "Teams of this node.") { list, add };
    }

    private static Command Token()
    {
        var team = new Argument<string>("team") { Description = "short name of the team" };
        var id = new Argument<string>("id");
        var name = new Option<string>("--name") { Required = true };
        var scopes = new Option<string>("--scopes") { DefaultValueFactory = _ => string.Join(',', Renkei.Web.Scopes.All), Description = "separated by commas; default all" };
        var days = new Option<int>("--days") { DefaultValueFactory = _ => 90 };
        var list = new Command("list", "Tokens, never their secrets.") { Data, Set };
        list.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["token-list"], null, ct));
        var add = new Command("add", "Makes a token; its secret is printed this once.") { team, name, scopes, days, Data, Set };
        add.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["token-add", parsed.GetValue(team)!, parsed.GetValue(name)!, parsed.GetValue(scopes)!, parsed.GetValue(days).ToString(System.Globalization.CultureInfo.InvariantCulture)], null, ct));
        var revoke = new Command("revoke", "Ends a token.") { id, Data, Set };
        revoke.SetAction((parsed, ct) => LocalDoor.RunAsync(Settings(parsed), ["token-revoke", parsed.GetValue(id)!], null, ct));
        return new Command("token", "API tokens.") { list, add, revoke };
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
        // the model is made on one core while the other does the rest; whoever asks meanwhile waits for it, and errors show there
        _ = Task.Run(() => Warm(app.Services), ct);
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

        if (!app.Services.GetRequiredService<Store.NodeContext>().Inhabited && await Accounts.SetupLink.EnsureAsync(app.Services, ct) is { } link)
        {
            Console.WriteLine("Nobody has an account yet. Open this link once, within a day, to set up the first team and person:");
            Console.WriteLine(link);
        }

        Console.WriteLine("ready " + settings.PublicUrl);
        await app.WaitForShutdownAsync(ct);
        return 0;
    }

    private static void Warm(IServiceProvider services)
    {
        using var db = services.GetRequiredService<Store.NodeDbFactory>().ForSystem();
        db.Warm();
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
