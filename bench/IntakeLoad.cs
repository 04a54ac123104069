using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Renkei.Bench;

/// <summary>Posts reports over several connections; remembers what was acknowledged. Bounded in time and number.</summary>
public sealed class IntakeLoad(string prefix)
{
    private int _next;

    /// <summary>Idempotency key → tracking number, of every 202.</summary>
    public ConcurrentDictionary<string, string> Acknowledged { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys that were sent and not answered: they may or may not be stored.</summary>
    public ConcurrentDictionary<string, byte> Unanswered { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<int, int> OtherAnswers { get; } = new();

    public async Task RunAsync(string url, int connections, TimeSpan duration, int most, CancellationToken ct)
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(30) };
            while (watch.Elapsed < duration && !ct.IsCancellationRequested)
            {
                var n = Interlocked.Increment(ref _next);
                if (n > most || !await SendAsync(client, $"{prefix}-{n}", ct))
                {
                    return;
                }
            }
        }, CancellationToken.None)));
    }

    /// <summary>Sends one; true while the node answers.</summary>
    public async Task<bool> SendAsync(HttpClient client, string key, CancellationToken ct)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = new StringContent(Body(key), Encoding.UTF8, "application/json") };
            request.Headers.Add("Idempotency-Key", key);
            using var answer = await client.SendAsync(request, ct);
            if (answer.StatusCode == HttpStatusCode.Accepted)
            {
                using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
                Acknowledged[key] = json.RootElement.GetProperty("trackingNumber").GetString()!;
                Unanswered.TryRemove(key, out _);
            }
            else
            {
                OtherAnswers.AddOrUpdate((int)answer.StatusCode, 1, (_, c) => c + 1);
            }

            return true;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            Unanswered[key] = 1;
            return false;
        }
    }

    /// <summary>A report of the common size: a phishing notice with a URL, an address and three log lines. The key stands in the summary.</summary>
    private static string Body(string key)
    {
        var n = (uint)key.GetHashCode(StringComparison.Ordinal);
        return JsonSerializer.Serialize(new
        {
            team = "aozora",
            reporter = new { name = "Reporter", email = $"r{n % 5000}@reporter.example", organization = "Example Org", country = "JP" },
            type = "request",
            summary = $"銀行をかたる偽サイト {key}",
            description = $"SMSのリンクから開きました。 hxxps://login{n % 9999}[.]phish.example/v/{n % 77}\n203.0.113.{n % 250} - - [24/Nov/2025:05:10:42 +0900] \"GET /v/1 HTTP/1.1\" 200\n203.0.113.{n % 249} - - [24/Nov/2025:05:10:51 +0900] \"POST /v/1 HTTP/1.1\" 302\n",
            occurredAt = "2025-11-24 05:10",
            timezone = "Asia/Tokyo",
            mayDiscloseReporter = false,
            language = "ja",
        });
    }
}
