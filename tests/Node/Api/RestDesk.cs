using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Api;

/// <summary>A node with one case of the team aozora, made by its token alone: a report with a file, its incident, a target, an attachment, a draft.</summary>
internal sealed class RestDesk : IAsyncDisposable
{
    private RestDesk(TestNode node, HttpClient token)
    {
        Node = node;
        Token = token;
    }

    public TestNode Node { get; }

    public HttpClient Token { get; }

    public string Report { get; private set; } = "";

    public string StatusUrl { get; private set; } = "";

    public string Incident { get; private set; } = "";

    public string Target { get; private set; } = "";

    public string Attachment { get; private set; } = "";

    public string File { get; private set; } = "";

    public string Request { get; private set; } = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<RestDesk> StartAsync(string engine = "sqlite")
    {
        var node = await TestNode.StartAsync(engine);
        var desk = new RestDesk(node, await node.WithTokenAsync("aozora"));
        (desk.Report, desk.StatusUrl) = await desk.ReportAsync("Phishing page", "Seen at hxxps://one[.]example/a this morning.");
        desk.File = (await desk.GetAsync($"/api/v1/reports/{desk.Report}")).GetProperty("attachments")[0].GetProperty("id").GetString()!;
        desk.Incident = await desk.AcceptAsync(desk.Report);
        desk.Target = (await desk.GetAsync($"/api/v1/incidents/{desk.Incident}")).GetProperty("targets")[0].GetProperty("id").GetString()!;
        var attached = await desk.PostAsync($"/api/v1/incidents/{desk.Incident}/attachments", new { attachments = new[] { new { name = "capture.txt", mediaType = "text/plain", what = "capture", contentBase64 = "c2VlbgA=" } } }, HttpStatusCode.Created);
        desk.Attachment = attached.GetProperty("items")[0].GetProperty("id").GetString()!;
        desk.Request = await desk.DraftAsync(new { purpose = "takedown", grounds = new[] { desk.Attachment }, recipient = Recipient });
        return desk;
    }

    public static object Recipient { get; } = new { name = "Example Hosting", mail = "abuse@hosting.example", language = "en", role = "abuseDesk", why = "abuse contact of the network" };

    public async Task<(string Id, string StatusUrl)> ReportAsync(string summary, string description)
    {
        var answer = await PostAsync("/api/v1/reports", new
        {
            type = "request",
            summary,
            description,
            language = "en",
            reporter = new { name = "Hanako Yamada", email = "hanako@kaisha.example" },
            attachments = new[] { new { name = "access.log", contentBase64 = "R0VUIC8K" } },
        }, HttpStatusCode.Accepted);
        return (answer.GetProperty("id").GetString()!, new Uri(answer.GetProperty("statusUrl").GetString()!).AbsolutePath);
    }

    public async Task<string> AcceptAsync(string report) =>
        (await PostAsync($"/api/v1/reports/{report}/accept", new { category = "fraud", type = "phishing" })).GetProperty("incidentId").GetString()!;

    public async Task<string> DraftAsync(object body) =>
        (await PostAsync($"/api/v1/incidents/{Incident}/requests", body, HttpStatusCode.Created)).GetProperty("items")[0].GetProperty("id").GetString()!;

    public Task<JsonElement> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null, HttpStatusCode.OK);

    public Task<JsonElement> PostAsync(string path, object? body, HttpStatusCode expected = HttpStatusCode.OK) => SendAsync(HttpMethod.Post, path, body, expected);

    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body, HttpStatusCode expected, string? ifMatch = null)
    {
        using var answer = await RawAsync(Token, method, path, body is null ? null : JsonSerializer.Serialize(body), ifMatch);
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True(answer.StatusCode == expected, $"{method} {path}: {(int)answer.StatusCode} {text}");
        using var json = JsonDocument.Parse(text);
        return json.RootElement.Clone();
    }

    public static async Task<HttpResponseMessage> RawAsync(HttpClient client, HttpMethod method, string path, string? json, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }

        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        return await client.SendAsync(request, Ct);
    }

    /// <summary>A path of the API with this case's ids in it.</summary>
    public string Fill(string pattern)
    {
        var path = "/" + pattern.TrimStart('/').Replace(":guid}", "}", StringComparison.Ordinal);
        var id = path.Contains("/reports/{id}", StringComparison.Ordinal) ? Report : path.Contains("/requests/{id}", StringComparison.Ordinal) ? Request : Incident;
        return path.Replace("{id}", id, StringComparison.Ordinal).Replace("{report}", Report, StringComparison.Ordinal).Replace("{target}", Target, StringComparison.Ordinal)
            .Replace("{attachment}", Attachment, StringComparison.Ordinal).Replace("{file}", File, StringComparison.Ordinal);
    }

    public async Task<T> AskAsync<T>(Func<Store.NodeDb, Task<T>> question)
    {
        await using var db = Node.Databases.ForSystem();
        return await question(db);
    }

    public Task<Report> StoredAsync(string report)
    {
        var id = ReportId.Parse(report, null);
        return AskAsync(db => db.Reports.AsNoTracking().SingleAsync(r => r.Id == id, Ct));
    }

    public ValueTask DisposeAsync()
    {
        Token.Dispose();
        return Node.DisposeAsync();
    }
}
