using System.Globalization;
using System.Text.Json;

namespace Renkei.Node;

/// <summary>A setting that cannot be used, with its name, where it came from and what would be right.</summary>
public sealed class SettingException(string message) : Exception(message);

/// <summary>
/// How a node is set up. One precedence: built-in default, then <c>renkei.json</c> in the data folder, then the environment
/// (<c>RENKEI_...</c>), then the command line; the later wins. <see cref="Sources"/> says where each value came from.
/// </summary>
public sealed class NodeSettings
{
    private static readonly (string Name, string Default, string What)[] Known =
    [
        ("data", "./data", "folder of the database, blobs and keys"),
        ("urls", "http://localhost:7080", "addresses the node listens on"),
        ("db", "", "empty for SQLite in the data folder, or postgres://user:password@host/database"),
        ("public-url", "", "the https address people use, when it differs from urls"),
        ("kek-file", "", "file with the key-encryption key; default keys/kek in the data folder"),
        ("name", "Renkei", "name of the node in window titles"),
        ("language", "ja", "language of pages for those without a choice: ja or en"),
        ("zone", "Asia/Tokyo", "IANA time zone of pages for those without a choice"),
        ("smtp-host", "", "submission server; empty writes mail to the spool folder"),
        ("smtp-port", "587", ""),
        ("smtp-security", "starttls", "starttls, tls or none"),
        ("smtp-user", "", ""),
        ("smtp-password-file", "", "file that holds the password"),
        ("smtp-ca-file", "", "PEM file with the authority that signed the server's certificate, when the system does not know it"),
        ("mail-domain", "renkei.example", "domain of Message-IDs, return paths and senders"),
        ("mail-amber", "plain", "plain: AMBER may leave unencrypted to one who must act; encrypted: refused until mail encryption is set up"),
        ("report-rate", "30", "public reports taken from one address a minute"),
        ("max-report-mb", "25", "largest public report with its attachments"),
        ("proxies", "", "addresses of reverse proxies whose X-Forwarded-For is believed"),
    ];

    private readonly Dictionary<string, (string Value, string Source)> _values = new(StringComparer.Ordinal);

    /// <summary>Every known setting: name, value, source, meaning.</summary>
    public IEnumerable<(string Name, string Value, string Source, string What)> Sources => Known.Select(k => (k.Name, _values[k.Name].Value, _values[k.Name].Source, k.What));

    public string Data => Path.GetFullPath(this["data"]);

    public string Urls => this["urls"];

    public string Db => this["db"];

    /// <summary>What people type: the public address, or the first local one.</summary>
    public string PublicUrl => (this["public-url"] is { Length: > 0 } url ? url : Urls.Split(';')[0]).TrimEnd('/');

    public string? KekFile => this["kek-file"] is { Length: > 0 } path ? path : null;

    public string this[string name] => _values[name].Value;

    public int Number(string name, int min, int max) =>
        int.TryParse(this[name], NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max ? value
        : throw new SettingException($"{name} ({_values[name].Source}): {this[name]} is not a number from {min} to {max}");

    /// <summary>Reads all layers. <paramref name="commandLine"/> holds names without dashes.</summary>
    public static NodeSettings Load(IReadOnlyDictionary<string, string> commandLine, Func<string, string?> environment)
    {
        var settings = new NodeSettings();
        foreach (var (name, value, _) in Known)
        {
            settings._values[name] = (value, "default");
        }

        if (commandLine.Keys.FirstOrDefault(name => !settings._values.ContainsKey(name)) is { } unknown)
        {
            throw Unknown("command line", unknown);
        }

        settings.Overlay("data", environment, commandLine);
        settings.ReadFile(Path.Combine(settings.Data, "renkei.json"));
        foreach (var (name, _, _) in Known)
        {
            settings.Overlay(name, environment, commandLine);
        }

        settings.Check();
        return settings;
    }

    private void Overlay(string name, Func<string, string?> environment, IReadOnlyDictionary<string, string> commandLine)
    {
        var variable = "RENKEI_" + name.Replace('-', '_').ToUpperInvariant();
        if (environment(variable) is { Length: > 0 } fromEnvironment)
        {
            _values[name] = (fromEnvironment, variable);
        }

        if (commandLine.TryGetValue(name, out var fromCommandLine))
        {
            _values[name] = (fromCommandLine, "--" + name);
        }
    }

    private void ReadFile(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new SettingException($"{path}: one object of settings is expected, such as {{ \"language\": \"en\" }}");
            }

            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (!_values.ContainsKey(property.Name))
                {
                    throw Unknown(path, property.Name);
                }

                _values[property.Name] = (property.Value.ValueKind switch
                {
                    JsonValueKind.String => property.Value.GetString()!,
                    JsonValueKind.Number => property.Value.GetRawText(),
                    _ => throw new SettingException($"{path}: {property.Name} is neither text nor a number"),
                }, path);
            }
        }
        catch (JsonException e)
        {
            throw new SettingException($"{path}: not JSON at line {e.LineNumber + 1}: {e.Message}");
        }
    }

    private static SettingException Unknown(string where, string name) => new($"{where}: {name} is no setting. Known: {string.Join(", ", Known.Select(k => k.Name))}");

    private void Check()
    {
        One("language", "ja", "en");
        One("smtp-security", "starttls", "tls", "none");
        One("mail-amber", "plain", "encrypted");
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(this["zone"], out _))
        {
            throw new SettingException($"zone ({_values["zone"].Source}): {this["zone"]} is no IANA time zone, such as Asia/Tokyo");
        }

        if (this["public-url"] is { Length: > 0 } url && !(Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "https" or "http"))
        {
            throw new SettingException($"public-url ({_values["public-url"].Source}): {url} is no http or https address");
        }

        // said here with the setting's name, not later by whatever trips over it
        if (this["proxies"].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault(p => !System.Net.IPAddress.TryParse(p, out _)) is { } proxy)
        {
            throw new SettingException($"proxies ({_values["proxies"].Source}): {proxy} is no IP address");
        }

        foreach (var name in (string[])["kek-file", "smtp-password-file", "smtp-ca-file"])
        {
            if (this[name] is { Length: > 0 } file && !File.Exists(file))
            {
                throw new SettingException($"{name} ({_values[name].Source}): {file} does not exist");
            }
        }

        Number("smtp-port", 1, 65535);
        Number("report-rate", 1, 100_000);
        Number("max-report-mb", 1, 1000);
    }

    private void One(string name, params string[] allowed)
    {
        if (!allowed.Contains(this[name], StringComparer.Ordinal))
        {
            throw new SettingException($"{name} ({_values[name].Source}): {this[name]} is none of {string.Join(", ", allowed)}");
        }
    }
}
