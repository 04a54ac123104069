using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Incidents;

namespace Renkei.Node.Tests.IntakeBadInput;

/// <summary>What someone without an account can make the node hold in memory is bounded.</summary>
public class AnonymousBodyTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_has_used_up_their_minute_is_refused_before_the_form_is_read()
    {
        await using var node = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["report-rate"] = "2", ["max-report-mb"] = "1" });
        using var client = node.Anonymous();
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 3; i++)
        {
            // without the token against forged requests, which only the form's fields would tell
            using var form = new MultipartFormDataContent { { new ByteArrayContent(new byte[LargeBodies.Small * 2]), "files", "big.bin" } };
            using var answer = await client.PostAsync("/report/aozora", form, Ct);
            answers.Add(answer.StatusCode);
        }

        Assert.Equal([HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.TooManyRequests], answers);
    }

    [Fact]
    public async Task One_address_holds_few_large_bodies_open_at_once_and_small_ones_still_get_through()
    {
        // the machine may be slow, which is not what is asked about
        await using var node = await TestNode.StartAsync(adjust: b => b.WebHost.ConfigureKestrel(k => k.Limits.MinRequestBodyDataRate = null));
        var held = new List<Open>();
        for (var i = 0; i <= LargeBodies.PerAddress; i++)
        {
            held.Add(await Open.BeginAsync(node));
        }

        // one has no place and hears it at once, while the others still send
        var refused = await Task.WhenAny(held.Select(async h => (Open: h, Answer: await h.Answer))).Unwrap().WaitAsync(TimeSpan.FromSeconds(20), Ct);
        Assert.StartsWith("HTTP/1.1 503", refused.Answer, StringComparison.Ordinal);
        held.Remove(refused.Open);
        refused.Open.Dispose();
        using var small = node.Anonymous();
        using var through = await small.PostAsJsonAsync("/api/v1/reports", new { team = "aozora", type = "request", summary = "small", language = "en" }, Ct);
        Assert.Equal(HttpStatusCode.Accepted, through.StatusCode);
        // a token's reports need no place
        using var machine = await node.WithTokenAsync("aozora");
        using var large = await machine.PostAsJsonAsync("/api/v1/reports", new { type = "request", summary = "large", language = "en", attachments = new[] { new { name = "a.bin", contentBase64 = Convert.ToBase64String(new byte[LargeBodies.Small]) } } }, Ct);
        Assert.Equal(HttpStatusCode.Accepted, large.StatusCode);
        foreach (var open in held)
        {
            await open.EndAsync();
            Assert.StartsWith("HTTP/1.1 202", await open.Answer, StringComparison.Ordinal);
        }

        // the places are free again
        var later = await Open.BeginAsync(node);
        await later.EndAsync();
        Assert.StartsWith("HTTP/1.1 202", await later.Answer, StringComparison.Ordinal);
        held.ForEach(h => h.Dispose());
        later.Dispose();
    }

    [Fact]
    public async Task A_large_body_that_takes_too_long_is_given_up()
    {
        await using var node = await TestNode.StartAsync(adjust: b => b.Services.AddSingleton(new LargeBodies(TimeProvider.System) { Longest = TimeSpan.FromMilliseconds(300) }));
        using var slow = await Open.BeginAsync(node);
        Assert.StartsWith("HTTP/1.1 408", await slow.Answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/sign-in/code")]
    [InlineData("/sign-in/passkey")]
    [InlineData("/setup/x")]
    [InlineData("/invitation/x")]
    [InlineData("/report/status/x")]
    public async Task Other_forms_that_anyone_may_send_take_no_large_body(string path)
    {
        await using var node = await TestNode.StartAsync();
        // the length is promised and nothing sent: whoever waits for the body does not answer
        using var connection = new TcpClient();
        await connection.ConnectAsync("127.0.0.1", new Uri(node.Url).Port, Ct);
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {2 * 1024 * 1024}\r\n\r\n"), Ct);
        var buffer = new byte[64];
        var read = await connection.GetStream().ReadAsync(buffer, Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Ct);
        Assert.Matches("^HTTP/1.1 (400|404|413) ", Encoding.ASCII.GetString(buffer, 0, read));
    }

    [Fact]
    public async Task A_token_s_idempotency_keys_are_its_own()
    {
        await using var node = await TestNode.StartAsync();
        using var one = await node.WithTokenAsync("aozora");
        using var two = await node.WithTokenAsync("aozora");
        var first = await SendAsync(one);
        Assert.Equal(first, await SendAsync(one));
        Assert.NotEqual(first, await SendAsync(two));

        static async Task<string> SendAsync(HttpClient client)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = JsonContent.Create(new { type = "request", summary = "the same", language = "en" }) };
            request.Headers.Add("Idempotency-Key", "one-key");
            using var answer = await client.SendAsync(request, Ct);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            return (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("statusUrl").GetString()!;
        }
    }

    /// <summary>A report without a stated length whose end waits.</summary>
    private sealed class Open : IDisposable
    {
        private readonly TcpClient _client = new();

        /// <summary>The first bytes of the answer.</summary>
        public Task<string> Answer { get; private set; } = null!;

        public static async Task<Open> BeginAsync(TestNode node)
        {
            var open = new Open();
            await open._client.ConnectAsync("127.0.0.1", new Uri(node.Url).Port, Ct);
            await open.WriteAsync("POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
            // more than small, of whatever a report may be followed by
            await open.ChunkAsync(new string(' ', LargeBodies.Small + 1));
            await open.ChunkAsync("{\"team\":\"aozora\",\"type\":\"request\",\"language\":\"en\",\"summary\":\"");
            open.Answer = open.ReadAsync();
            return open;
        }

        public async Task EndAsync()
        {
            await ChunkAsync("held\"}");
            await WriteAsync("0\r\n\r\n");
        }

        private async Task<string> ReadAsync()
        {
            var buffer = new byte[1024];
            var read = await _client.GetStream().ReadAsync(buffer, Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Ct);
            return Encoding.ASCII.GetString(buffer, 0, read);
        }

        public void Dispose() => _client.Dispose();

        private Task ChunkAsync(string text) => WriteAsync($"{text.Length:x}\r\n{text}\r\n");

        private async Task WriteAsync(string text) => await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), Ct);
    }
}
