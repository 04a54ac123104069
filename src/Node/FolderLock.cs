namespace Renkei.Node;

/// <summary>A running process owns its data folder while the database lies in it; the operating system gives it back when the process ends, however it ends.</summary>
public sealed class FolderLock(NodeSettings settings) : IDisposable
{
    private FileStream? _file;

    public void Take()
    {
        if (_file is not null)
        {
            return;
        }

        var path = Path.Combine(settings.Data, "renkei.lock");
        try
        {
            _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new SettingException($"{settings.Data} is in use by another Renkei process. Stop that one, or choose another folder with --data.");
        }
    }

    public void Dispose() => _file?.Dispose();
}
