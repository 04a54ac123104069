using System.Text;
using System.Text.Json;
using Renkei.Mail.Transport;

namespace Renkei.Units.Mail;

public sealed class SpoolFolderTests : IDisposable
{
    private static readonly Envelope s_envelope = new("bounce@node.example", ["abuse@hoster.example"]);

    private readonly string _folder = Directory.CreateTempSubdirectory("renkei-spool-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_message_is_a_file_of_its_own_bytes_beside_its_envelope()
    {
        using SpoolFolder spool = new(_folder, TimeProvider.System);
        byte[] message = Message("<1@node.example>");

        DeliveryResult result = await SendAsync(spool, message);

        string file = Assert.Single(Directory.GetFiles(_folder, "*.eml"));
        Assert.Equal(new DeliveryResult.Accepted("Spooled as " + Path.GetFileName(file)), result);
        Assert.Equal(message, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        Assert.Matches("^[0-9]{19}-[0-9a-f]{32}[.]eml$", Path.GetFileName(file));
        JsonElement envelope = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.ChangeExtension(file, ".json"), TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal("bounce@node.example", envelope.GetProperty("from").GetString());
        Assert.Equal("abuse@hoster.example", envelope.GetProperty("to")[0].GetString());
        Assert.Empty(Directory.GetFiles(_folder, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_waits_in_the_spool_is_its_owner_s_alone()
    {
        var folder = Path.Combine(_folder, "spool");
        using SpoolFolder spool = new(folder, TimeProvider.System);
        await SendAsync(spool, Message("<1@node.example>"));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        Assert.All(Directory.GetFiles(folder, "*", SearchOption.AllDirectories), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public async Task The_same_message_id_is_written_once_also_after_a_restart_and_after_the_file_was_taken()
    {
        using (SpoolFolder first = new(_folder, TimeProvider.System))
            await SendAsync(first, Message("<1@node.example>"));
        using SpoolFolder second = new(_folder, TimeProvider.System);

        await SendAsync(second, Message("<1@node.example>", "second try"));
        string file = Assert.Single(Directory.GetFiles(_folder, "*.eml"));
        File.Delete(file);
        DeliveryResult again = await SendAsync(second, Message("<1@node.example>"));

        Assert.IsType<DeliveryResult.Accepted>(again);
        Assert.Empty(Directory.GetFiles(_folder, "*.eml"));
    }

    [Fact]
    public async Task A_crash_before_the_id_was_remembered_does_not_write_twice()
    {
        using SpoolFolder spool = new(_folder, TimeProvider.System);
        await SendAsync(spool, Message("<1@node.example>"));
        Directory.Delete(Path.Combine(_folder, "ids"), recursive: true);

        DeliveryResult again = await SendAsync(spool, Message("<1@node.example>"));

        Assert.IsType<DeliveryResult.Accepted>(again);
        Assert.Single(Directory.GetFiles(_folder, "*.eml"));
        Assert.Single(Directory.GetFiles(Path.Combine(_folder, "ids")));
    }

    [Fact]
    public async Task Many_at_once_write_each_message_once()
    {
        using SpoolFolder spool = new(_folder, TimeProvider.System);

        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(() => SendAsync(spool, Message($"<{i % 20}@node.example>")), TestContext.Current.CancellationToken)));

        Assert.Equal(20, Directory.GetFiles(_folder, "*.eml").Length);
    }

    [Theory]
    [InlineData("message-id:\r\n <folded@node.example>\r\n", true)]
    [InlineData("Subject: Message-ID: <1@node.example>\r\n", false)]
    [InlineData("Message-ID:  \r\n", false)]
    public async Task A_message_without_an_id_is_refused(string header, bool taken)
    {
        using SpoolFolder spool = new(_folder, TimeProvider.System);

        DeliveryResult result = await SendAsync(spool, Encoding.ASCII.GetBytes(header + "\r\nMessage-ID: <in-the-body@node.example>\r\n"));

        Assert.Equal(taken, result is DeliveryResult.Accepted);
        Assert.Equal(taken ? 1 : 0, Directory.GetFiles(_folder, "*.eml").Length);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_defers()
    {
        string blocked = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        using SpoolFolder spool = new(blocked, TimeProvider.System);

        Assert.IsType<DeliveryResult.Deferred>(await SendAsync(spool, Message("<1@node.example>")));
    }

    private static byte[] Message(string id, string text = "hello") =>
        Encoding.ASCII.GetBytes($"Subject: x\r\nMessage-ID: {id}\r\n\r\n{text}\r\n");

    private static Task<DeliveryResult> SendAsync(SpoolFolder spool, byte[] message) =>
        spool.SendAsync(s_envelope, message, TestContext.Current.CancellationToken);
}
