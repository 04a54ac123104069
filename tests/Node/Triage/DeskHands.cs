using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Triage;

/// <summary>A node that a class's tests share, and what an analyst does with it in a browser.</summary>
public sealed class DeskNode : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public TestNode Node { get; private set; } = null!;

    /// <summary>An analyst of Aozora whose pages are in English.</summary>
    public HttpClient Smith { get; private set; } = null!;

    /// <summary>Her colleague, in Japanese.</summary>
    public HttpClient Sato { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Node = await TestNode.StartAsync();
        Smith = await Node.SignedInAsync("smith@aozora.example");
        Sato = await Node.SignedInAsync("sato@aozora.example");
    }

    public ValueTask DisposeAsync()
    {
        Smith.Dispose();
        Sato.Dispose();
        return Node.DisposeAsync();
    }

    /// <summary>A report by REST; further fields override.</summary>
    public async Task<ReportId> ReportAsync(string summary, string description = "203.0.113.5", Dictionary<string, object>? more = null)
    {
        var body = new Dictionary<string, object>(StringComparer.Ordinal) { ["team"] = "aozora", ["type"] = "request", ["summary"] = summary, ["description"] = description, ["language"] = "en" };
        foreach (var (name, value) in more ?? [])
        {
            body[name] = value;
        }

        using var client = Node.Anonymous();
        using var answer = await client.PostAsJsonAsync("/api/v1/reports", body, Ct);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync(Ct));
        return ReportId.Parse((await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetString()!, null);
    }

    /// <summary>A new incident of a report.</summary>
    public async Task<Incident> AcceptAsync(ReportId report, string title, string type = "fraud/phishing")
    {
        using var answer = await PostAsync(Smith, "/triage/accept", ("pick", report.ToString()), ("into", "new"), ("title", title), ("class", type));
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        await using var db = Node.Databases.ForSystem();
        return await db.Incidents.AsNoTracking().SingleAsync(i => i.Title == title, Ct);
    }

    public async Task<Incident> IncidentAsync(string title) => await AcceptAsync(await ReportAsync(title), title);

    public async Task<Report> StateAsync(ReportId report)
    {
        await using var db = Node.Databases.ForSystem();
        return await db.Reports.AsNoTracking().SingleAsync(r => r.Id == report, Ct);
    }

    public static async Task<string> CsrfAsync(HttpClient client) =>
        Regex.Match(await client.GetStringAsync("/me", Ct), "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;

    public static async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)).Append(new("csrf", await CsrfAsync(client))));
        return await client.PostAsync(path, content, Ct);
    }

    public static async Task<HttpResponseMessage> UploadAsync(HttpClient client, string path, IEnumerable<(string Name, string Value)> fields, params (string Name, string Type, byte[] Bytes)[] files)
    {
        using var content = new MultipartFormDataContent();
        foreach (var (name, value) in fields.Append(("csrf", await CsrfAsync(client))))
        {
            content.Add(new StringContent(value), name);
        }

        foreach (var (name, type, bytes) in files)
        {
            var part = new ByteArrayContent(bytes);
            part.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            content.Add(part, "files", name);
        }

        return await client.PostAsync(path, content, Ct);
    }

    public static async Task<string> PageAsync(HttpClient client, string path) => WebUtility.HtmlDecode(await client.GetStringAsync(path, Ct));

    public static object File(string name, string text) => new { name, contentBase64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(text)) };
}
