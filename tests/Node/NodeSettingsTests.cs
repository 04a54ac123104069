namespace Renkei.Node.Tests.Setting;

/// <summary>Default, file, environment, command line: the later wins, and what cannot be used is told with its name and place.</summary>
public sealed class NodeSettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("renkei-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_later_layer_wins_and_each_value_says_where_it_came_from()
    {
        var file = Write("""{ "name": "from the file", "zone": "Europe/Paris", "language": "en", "report-rate": 7, /* a comment */ }""");
        var settings = Load(new() { ["RENKEI_ZONE"] = "UTC", ["RENKEI_LANGUAGE"] = "ja", ["RENKEI_SMTP_PORT"] = "25", ["RENKEI_NAME"] = "" }, ("language", "en"));
        var sources = settings.Sources.ToDictionary(s => s.Name, s => (s.Value, s.Source), StringComparer.Ordinal);
        Assert.Equal(("starttls", "default"), sources["smtp-security"]);
        Assert.Equal(("7", file), sources["report-rate"]);
        Assert.Equal(("UTC", "RENKEI_ZONE"), sources["zone"]);
        Assert.Equal(("25", "RENKEI_SMTP_PORT"), sources["smtp-port"]);
        Assert.Equal(("en", "--language"), sources["language"]);
        // an empty variable is none
        Assert.Equal(("from the file", file), sources["name"]);
        Assert.Equal(("--data", _folder), (sources["data"].Source, settings.Data));
        Assert.All(settings.Sources, s => Assert.Equal(s.Value, settings[s.Name]));
    }

    [Fact]
    public void The_folder_that_the_environment_names_is_where_the_file_is_read()
    {
        Write("""{ "name": "found" }""");
        Assert.Equal("found", NodeSettings.Load(new Dictionary<string, string>(StringComparer.Ordinal), name => name == "RENKEI_DATA" ? _folder : null)["name"]);
    }

    [Theory]
    [InlineData("""{ "langauge": "en" }""", "langauge is no setting")]
    [InlineData("""{ "language": "fr" }""", "language")]
    [InlineData("""{ "language": null }""", "language is neither text nor a number")]
    [InlineData("""{ "proxies": ["192.0.2.1"] }""", "proxies is neither text nor a number")]
    [InlineData("""[ "language" ]""", "one object of settings is expected")]
    [InlineData("{\n  \"language\": \"en\"\n", "not JSON at line 3")]
    [InlineData("""{ "smtp-port": 70000 }""", "70000 is not a number from 1 to 65535")]
    public void A_file_that_cannot_be_used_is_told_with_its_path(string json, string says)
    {
        var file = Write(json);
        var fault = Assert.Throws<SettingException>(() => Load([]));
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.Contains(file, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zone", "Mars/Base")]
    [InlineData("language", "fr")]
    [InlineData("smtp-security", "ssl")]
    [InlineData("mail-amber", "yes")]
    [InlineData("public-url", "csirt.example")]
    [InlineData("public-url", "ftp://csirt.example")]
    [InlineData("smtp-port", "0")]
    [InlineData("smtp-port", "-1")]
    [InlineData("report-rate", "many")]
    [InlineData("max-report-mb", "1001")]
    [InlineData("proxies", "192.0.2.1, proxy.example")]
    [InlineData("kek-file", "/nowhere/kek")]
    [InlineData("smtp-password-file", "/nowhere/password")]
    [InlineData("smtp-ca-file", "/nowhere/ca.pem")]
    public void A_value_that_cannot_be_used_is_told_with_its_name_and_where_it_came_from(string name, string value)
    {
        var given = Assert.Throws<SettingException>(() => Load([], (name, value)));
        Assert.StartsWith($"{name} (--{name}): ", given.Message, StringComparison.Ordinal);
        var variable = "RENKEI_" + name.Replace('-', '_').ToUpperInvariant();
        var environment = Assert.Throws<SettingException>(() => Load(new() { [variable] = value }));
        Assert.StartsWith($"{name} ({variable}): ", environment.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_no_setting_is_not_passed_over_on_the_command_line()
    {
        var fault = Assert.Throws<SettingException>(() => Load([], ("langauge", "en")));
        Assert.Contains("langauge is no setting", fault.Message, StringComparison.Ordinal);
        Assert.Contains("language", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "http://localhost:1;http://192.0.2.1:2", "http://localhost:1")]
    [InlineData("https://csirt.example/", "http://localhost:1", "https://csirt.example")]
    public void What_people_type_is_the_public_address_or_the_first_local_one(string publicUrl, string urls, string expected) =>
        Assert.Equal(expected, Load([], ("public-url", publicUrl), ("urls", urls)).PublicUrl);

    private string Write(string json)
    {
        var path = Path.Combine(_folder, "renkei.json");
        File.WriteAllText(path, json);
        return path;
    }

    private NodeSettings Load(Dictionary<string, string> environment, params (string Name, string Value)[] commandLine)
    {
        var given = commandLine.Append(("data", _folder)).ToDictionary(c => c.Item1, c => c.Item2, StringComparer.Ordinal);
        return NodeSettings.Load(given, name => environment.GetValueOrDefault(name));
    }
}
