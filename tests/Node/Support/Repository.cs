namespace Renkei.Node.Tests;

/// <summary>The checkout the tests run from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(f => !f.Split(Path.DirectorySeparatorChar).Any(p => p is "bin" or "obj" or "node_modules"));

    private static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Renkei.slnx")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("Renkei.slnx is in no folder above the tests.");
    }
}
