using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Renkei.Web;

namespace Renkei.Node.Commands;

/// <summary>
/// A running node owns its data folder; the command line then asks it through a socket there, which only the folder's owner can open.
/// The same command runs in this process when no node does.
/// </summary>
public static class LocalDoor
{
    private const int SocketPathLimit = 100;

    /// <summary>What a command that needs the node said and how it ended.</summary>
    public sealed record Answer(int Exit, string Output, string Errors);

    public static string SocketPath(NodeSettings settings) => Path.Combine(settings.Data, "renkei.sock");

    /// <summary>The address to listen on beside the public ones; none when the path is too long for a socket (108 bytes on Linux).</summary>
    public static IEnumerable<string> Url(NodeSettings settings)
    {
        var path = SocketPath(settings);
        if (System.Text.Encoding.UTF8.GetByteCount(path) > SocketPathLimit)
        {
            yield break;
        }

        // a socket left by a process that was killed would refuse the address
        if (File.Exists(path) && !IsAlive(path))
        {
            File.Delete(path);
        }

        yield return "http://unix:" + path;
    }

    public static void MapLocalDoor(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/local/run", async (HttpContext http) =>
        {
            var size = http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>();
            if (size is { IsReadOnly: false })
            {
                size.MaxRequestBodySize = null;
            }

            var args = JsonSerializer.Deserialize<string[]>(Uri.UnescapeDataString(http.Request.Headers["X-Args"].ToString())) ?? [];
            using var output = new StringWriter();
            using var errors = new StringWriter();
            var exit = await NodeCommands.RunAsync(http.RequestServices, args, http.Request.Body, output, errors, http.RequestAborted);
            return Results.Json(new Answer(exit, output.ToString(), errors.ToString()));
        }).LocalOnly().ExcludeFromDescription();

    /// <summary>Runs a node command: through the socket of a running node, else here.</summary>
    public static async Task<int> RunAsync(NodeSettings settings, string[] args, Stream? input, CancellationToken ct)
    {
        var path = SocketPath(settings);
        if (File.Exists(path) && IsAlive(path))
        {
            using var client = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, token) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            })
            { Timeout = Timeout.InfiniteTimeSpan };
            using var request = new HttpRequestMessage(HttpMethod.Post, "http://localhost/local/run") { Content = new StreamContent(input ?? Stream.Null) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            request.Headers.Add("X-Args", Uri.EscapeDataString(JsonSerializer.Serialize(args)));
            using var response = await client.SendAsync(request, ct);
            response.EnsureSuccessStatusCode();
            var answer = (await response.Content.ReadFromJsonAsync<Answer>(ct))!;
            await Console.Out.WriteAsync(answer.Output);
            await Console.Error.WriteAsync(answer.Errors);
            return answer.Exit;
        }

        await using var app = NodeHost.Build(settings);
        await NodeHost.PrepareAsync(app.Services, ct);
        await using var scope = app.Services.CreateAsyncScope();
        return await NodeCommands.RunAsync(scope.ServiceProvider, args, input ?? Stream.Null, Console.Out, Console.Error, ct);
    }

    private static bool IsAlive(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
