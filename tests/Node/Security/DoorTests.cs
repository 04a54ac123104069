using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Renkei.Node.Commands;

namespace Renkei.Node.Tests.Doors;

/// <summary>The command line's door is the socket in the data folder, and that folder is its owner's.</summary>
public class DoorTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_socket_for_a_reverse_proxy_is_not_the_command_line_s_door()
    {
        var folder = Directory.CreateTempSubdirectory("rk-").FullName;
        try
        {
            var shared = Path.Combine(folder, "proxy.sock");
            await using var node = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["urls"] = "http://127.0.0.1:0;http://unix:" + shared });
            using var proxied = Through(shared);
            using var refused = await RunAsync(proxied);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await proxied.GetAsync("/sign-in", Ct)).StatusCode);
            using var network = node.Anonymous();
            using var remote = await RunAsync(network);
            Assert.Equal(HttpStatusCode.NotFound, remote.StatusCode);
            using var own = Through(Path.Combine(node.Folder, "renkei.sock"));
            using var ran = await RunAsync(own);
            Assert.Equal(HttpStatusCode.OK, ran.StatusCode);
            Assert.Contains("aozora", (await ran.Content.ReadFromJsonAsync<LocalDoor.Answer>(Ct))!.Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_data_folder_that_others_could_read_is_closed_at_start()
    {
        var folder = Directory.CreateTempSubdirectory("rk-").FullName;
        try
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
            await using var app = NodeHost.Build(NodeSettings.Load(new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = folder, ["urls"] = "http://127.0.0.1:0" }, _ => null));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<HttpResponseMessage> RunAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/local/run") { Content = new ByteArrayContent([]) };
        request.Headers.Add("X-Args", Uri.EscapeDataString(JsonSerializer.Serialize<string[]>(["team-list"])));
        return await client.SendAsync(request, Ct);
    }

    private static HttpClient Through(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, ct) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), ct);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://localhost") };
}
