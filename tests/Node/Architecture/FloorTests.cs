using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace Renkei.Node.Tests.Architecture;

/// <summary>The house: a project refers only to projects on floors below it (docs/dev/house.md).</summary>
public class FloorTests
{
    private static readonly Dictionary<string, int> Floor = new(StringComparer.Ordinal)
    {
        ["Kernel"] = 0,
        ["Formats"] = 0,
        ["Store"] = 1,
        ["Store.Sqlite"] = 1,
        ["Store.Postgres"] = 1,
        ["Contracts"] = 1,
        ["Telemetry"] = 1,
        ["Geo"] = 1,
        ["Web"] = 1,
        ["Directory"] = 2,
        ["Mail"] = 3,
        ["Incidents"] = 4,
        ["Sharing"] = 4,
        ["Observatory"] = 4,
        ["Vulnerabilities"] = 4,
        ["Malware"] = 4,
        ["Federation"] = 5,
        ["Drills"] = 5,
        ["Feeds"] = 5,
        ["Node"] = 6,
    };

    /// <summary>The migrations of an engine belong to the store they migrate.</summary>
    private static readonly HashSet<string> SameFloor = ["Store.Sqlite -> Store", "Store.Postgres -> Store"];

    /// <summary>
    /// What other projects may use of a module: its table of contents, its model part, its entities' kinds and the services named here.
    /// Request records and components are public because the framework needs it; nobody else may touch them.
    /// </summary>
    private static readonly Dictionary<string, string[]> Doors = new(StringComparer.Ordinal)
    {
        ["Renkei.Incidents"] = ["IncidentsModule", "IncidentsModel", "IncidentsSettings", "IncidentsTables", "ImportFeed", "NormalizeFile", "Intake", "IncomingReport", "DemoDesk", "DemoCast", "Locator", "Report", "Dispatch", "ImportResult"],
        ["Renkei.Mail"] = ["MailModule", "MailSettings"],
    };

    [Fact]
    public void A_project_refers_only_to_floors_below()
    {
        var projects = Repository.Files("src", "*.csproj").ToList();
        Assert.True(projects.Count >= 12);
        foreach (var project in projects)
        {
            var name = Path.GetFileNameWithoutExtension(project);
            Assert.True(Floor.TryGetValue(name, out var own), $"{name} stands on no floor: add it to docs/dev/house.md and here");
            foreach (var reference in XDocument.Load(project).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/'))))
            {
                Assert.True(Floor[reference] < own || SameFloor.Contains($"{name} -> {reference}"), $"{name} (floor {own}) refers to {reference} (floor {Floor[reference]})");
            }
        }
    }

    [Fact]
    public void The_kernel_and_the_formats_need_nothing_but_the_framework()
    {
        foreach (var project in new[] { "src/Kernel/Kernel.csproj", "src/Formats/Formats.csproj" })
        {
            var document = XDocument.Load(Path.Combine(Repository.Root, project));
            Assert.Empty(document.Descendants("ProjectReference"));
            Assert.Empty(document.Descendants("PackageReference"));
        }
    }

    [Fact]
    public void A_module_is_used_through_its_doors()
    {
        var assembly = Path.Combine(AppContext.BaseDirectory, "Renkei.Node.dll");
        using var file = new PEReader(File.OpenRead(assembly));
        var metadata = file.GetMetadataReader();
        var outside = new List<string>();
        foreach (var handle in metadata.TypeReferences)
        {
            var type = metadata.GetTypeReference(handle);
            var space = metadata.GetString(type.Namespace);
            var name = metadata.GetString(type.Name);
            foreach (var (module, doors) in Doors)
            {
                if ((space == module || space.StartsWith(module + ".", StringComparison.Ordinal)) && !doors.Contains(name.Split('`')[0], StringComparer.Ordinal))
                {
                    outside.Add(space + "." + name);
                }
            }
        }

        Assert.Empty(outside);
    }

    [Fact]
    public void Nobody_switches_the_banned_calls_back_on()
    {
        string[] settings = [".editorconfig", "Directory.Build.props"];
        foreach (var file in Repository.Files("src", "*.cs").Concat(Repository.Files("src", "*.razor")).Concat(Repository.Files("src", "*.csproj")).Concat(Repository.Files("src", ".editorconfig")).Concat(settings.Select(s => Path.Combine(Repository.Root, s))))
        {
            Assert.False(File.ReadAllText(file).Contains("RS0030", StringComparison.Ordinal), file + " switches off the banned-calls analyser");
        }

        Assert.Contains("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", File.ReadAllText(Path.Combine(Repository.Root, "Directory.Build.props")), StringComparison.Ordinal);
        var banned = File.ReadAllText(Path.Combine(Repository.Root, "tools/Analysis/BannedSymbols.txt"));
        Assert.Contains("IgnoreQueryFilters", banned, StringComparison.Ordinal);
        Assert.Contains("P:System.DateTimeOffset.UtcNow", banned, StringComparison.Ordinal);
        // every method with which EF runs SQL as it is, whatever its name: a new one of a later EF is found here
        var raw = typeof(Microsoft.EntityFrameworkCore.RelationalDatabaseFacadeExtensions).GetMethods().Concat(typeof(Microsoft.EntityFrameworkCore.RelationalQueryableExtensions).GetMethods()).Select(m => m.Name).Where(n => n.Contains("Sql", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal).ToList();
        var outside = File.ReadAllText(Path.Combine(Repository.Root, "tools/Analysis/BannedSymbols.OutsideStore.txt"));
        Assert.Equal([], raw.Where(n => !outside.Contains("." + n + "(", StringComparison.Ordinal) && !outside.Contains("." + n + "``1(", StringComparison.Ordinal)));
        Assert.Contains("SqlQueryRaw", File.ReadAllText(Path.Combine(Repository.Root, "tools/Analysis/BannedSymbols.OutsideStore.txt")), StringComparison.Ordinal);
    }
}
