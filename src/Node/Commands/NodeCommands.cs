using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Geo;
using Renkei.Incidents;
using Renkei.Store;

namespace Renkei.Node.Commands;

/// <summary>Commands that need the node's database: they run inside the node when one runs. The first word names the command.</summary>
public static class NodeCommands
{
    private delegate Task<int> Handler(IServiceProvider services, string[] args, Stream input, TextWriter output, TextWriter errors, CancellationToken ct);

    private static readonly Dictionary<string, Handler> Table = new(StringComparer.Ordinal)
    {
        ["import"] = ImportAsync,
        ["geo-load"] = GeoLoadAsync,
        ["user-list"] = (services, _, _, output, _, ct) => UserCommands.ListAsync(services, output, ct),
        ["user-add"] = (services, a, _, output, errors, ct) => UserCommands.AddAsync(services, output, errors, a[0], a[1], a[2], a[3].Split(','), a[4], ct),
        ["user-reset-password"] = (services, a, _, output, errors, ct) => UserCommands.ResetPasswordAsync(services, output, errors, a[0], a[1] == "true", ct),
        ["user-roles"] = (services, a, _, output, errors, ct) => UserCommands.RolesAsync(services, output, errors, a[0], a[1], a[2].Split(',', StringSplitOptions.RemoveEmptyEntries), ct),
        ["team-list"] = (services, _, _, output, _, ct) => TeamCommands.ListAsync(services, output, ct),
        ["team-add"] = (services, a, _, output, errors, ct) => TeamCommands.AddAsync(services, output, errors, a[0], a[1], Given(a[2]), Given(a[3]), ct),
        ["token-list"] = (services, _, _, output, _, ct) => TokenCommands.ListAsync(services, output, ct),
        ["token-add"] = (services, a, _, output, errors, ct) => TokenCommands.AddAsync(services, output, errors, a[0], a[1], a[2].Split(','), int.Parse(a[3], CultureInfo.InvariantCulture), ct),
        ["token-revoke"] = (services, a, _, output, errors, ct) => TokenCommands.RevokeAsync(services, output, errors, a[0], ct),
    };

    /// <summary>An option that was left out comes as empty text.</summary>
    private static string? Given(string text) => text.Length == 0 ? null : text;

    public static Task<int> RunAsync(IServiceProvider services, string[] args, Stream input, TextWriter output, TextWriter errors, CancellationToken ct)
    {
        if (args.Length > 0 && Table.TryGetValue(args[0], out var handler))
        {
            return handler(services, args[1..], input, output, errors, ct);
        }

        errors.WriteLine("unknown command");
        return Task.FromResult(2);
    }

    /// <summary>One file from <paramref name="input"/>; args: name, feed, team, json. Ends with 1 when rows were rejected or the file could not be read.</summary>
    private static async Task<int> ImportAsync(IServiceProvider services, string[] args, Stream input, TextWriter output, TextWriter errors, CancellationToken ct)
    {
        var (name, feed, slug, json) = (args[0], args[1], args[2], args[3] == "true");
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("cli");
        var teams = await db.Teams.AsNoTracking().Where(t => t.Hosted && (slug == "" || t.Slug == slug)).Take(2).ToListAsync(ct);
        if (teams.Count != 1)
        {
            await errors.WriteLineAsync((teams.Count, slug) switch
            {
                (0, "") => "renkei import: no team works on this node yet; open the set-up link, or add one with renkei team add",
                (0, _) => $"renkei import: there is no team {slug}; see renkei team list",
                _ => "renkei import: several teams work on this node; name one with --team",
            });
            return 2;
        }

        var result = await services.GetRequiredService<ImportFeed>().RunAsync(input, name, feed.Length == 0 ? null : feed, teams[0].Id, "cli", ct);
        if (json)
        {
            await output.WriteLineAsync(JsonSerializer.Serialize(new { file = name, feed = result.Feed, report = result.Number, alreadyThere = result.AlreadyThere, rows = result.Rows, accepted = result.Accepted, duplicates = result.Duplicates, rejected = result.Rejected, fatal = result.Fatal, errors = result.Errors.Select(e => new { e.Line, e.Column, reason = e.Code }) }, JsonSerializerOptions.Web));
        }
        else
        {
            foreach (var error in result.Errors)
            {
                await errors.WriteLineAsync($"{name}:{error.Line}: {error.Column}: {error.Code}");
            }

            await output.WriteLineAsync(result.Fatal is { } fatal ? $"{name}: {fatal}" : $"{name}: {result.Number}{(result.AlreadyThere ? " (was there already)" : "")}: {result.Rows} rows, {result.Accepted} accepted, {result.Duplicates} duplicates, {result.Rejected} rejected");
        }

        return result.Fatal is null && result.Rejected == 0 ? 0 : 1;
    }

    /// <summary>Address tables by path, after the first argument, json. Ends with 1 when a file was refused, a line rejected or no snapshot made.</summary>
    private static async Task<int> GeoLoadAsync(IServiceProvider services, string[] args, Stream input, TextWriter output, TextWriter errors, CancellationToken ct)
    {
        var (json, files) = (args[0] == "true", args[1..]);
        var result = services.GetRequiredService<GeoStore>().Load(files, services.GetRequiredService<TimeProvider>(), ct);
        if (json)
        {
            await output.WriteLineAsync(JsonSerializer.Serialize(new { snapshot = result.Version, changed = result.Changed, fatal = result.Error?.ToString(), files = result.Files.Select(f => new { file = f.Name, kind = f.Kind?.ToString(), f.Rows, f.Accepted, f.Rejected, refused = f.Refused?.ToString(), errors = f.Errors.Select(e => new { e.Line, e.Reason }) }) }, JsonSerializerOptions.Web));
            return result.Error is not null || result.Files.Any(f => f.Refused is not null || f.Rejected > 0) ? 1 : 0;
        }

        foreach (var file in result.Files)
        {
            foreach (var error in file.Errors)
            {
                await errors.WriteLineAsync($"{file.Name}:{error.Line}: {error.Reason}");
            }

            await output.WriteLineAsync(file.Refused is { } why ? $"{file.Name}: refused, {why}" : $"{file.Name}: {file.Kind}, {file.Rows} rows, {file.Accepted} accepted, {file.Rejected} rejected");
        }

        if (result.Error is { } fault)
        {
            await errors.WriteLineAsync("renkei geo load: " + fault);
            return 1;
        }

        await output.WriteLineAsync($"snapshot {result.Version}{(result.Changed ? "" : " (unchanged)")}");
        return result.Files.Any(f => f.Refused is not null || f.Rejected > 0) ? 1 : 0;
    }
}
