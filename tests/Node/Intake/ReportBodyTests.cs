using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;

namespace Renkei.Node.Tests.IntakeBadInput;

/// <summary>A node with a small report limit that a class's tests share.</summary>
public sealed class SmallNode : IAsyncLifetime
{
    public TestNode Node { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Node = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["max-report-mb"] = "1" });

    public ValueTask DisposeAsync() => Node.DisposeAsync();

    public static JsonObject Body(string summary = "A phishing page") => new() { ["team"] = "aozora", ["type"] = "request", ["summary"] = summary, ["language"] = "en" };

    public async Task<HttpResponseMessage> PostAsync(JsonNode body, string? key = null) => await PostAsync(Encoding.UTF8.GetBytes(body.ToJsonString()), key: key);

    public async Task<HttpResponseMessage> PostAsync(byte[] body, string type = "application/json", string? key = null)
    {
        using var client = Node.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>The answer's problem, after checking that it is one.</summary>
    public static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer, HttpStatusCode status)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == answer.StatusCode, $"{(int)answer.StatusCode} instead of {(int)status}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.NotEqual("", problem.GetProperty("title").GetString());
        Assert.NotEqual("", problem.GetProperty("detail").GetString());
        return problem;
    }

    public static async Task<JsonElement> AcceptedAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, $"{(int)answer.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public async Task<int> CountAsync()
    {
        await using var db = Node.Databases.ForSystem();
        return await db.Reports.CountAsync(TestContext.Current.CancellationToken);
    }
}

/// <summary>POST /api/v1/reports under hostile and broken bodies: each is named, none is stored, none is a 500.</summary>
public class ReportBodyTests(SmallNode small) : IClassFixture<SmallNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("summary", 301, "300")]
    [InlineData("description", 200_001, "200,000")]
    [InlineData("reporter.name", 201, "200")]
    [InlineData("reporter.organization", 201, "200")]
    [InlineData("reporter.email", 255, "254")]
    [InlineData("reporter.phone", 51, "50")]
    [InlineData("reporter.reference", 101, "100")]
    public async Task A_field_that_is_too_long_is_named_with_its_limit(string field, int length, string limit)
    {
        var before = await small.CountAsync();
        var errors = (await ErrorsAsync(With(field, new string('a', length)))).GetProperty(field);
        Assert.Contains(limit, errors[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(before, await small.CountAsync());
    }

    [Theory]
    [InlineData("summary", 300)]
    [InlineData("description", 200_000)]
    [InlineData("reporter.name", 200)]
    [InlineData("reporter.organization", 200)]
    [InlineData("reporter.phone", 50)]
    [InlineData("reporter.reference", 100)]
    public async Task A_field_as_long_as_it_may_be_is_taken_whole(string field, int length)
    {
        using var answer = await small.PostAsync(With(field, string.Concat(Enumerable.Repeat("漏", length))));
        await SmallNode.AcceptedAsync(answer);
    }

    [Theory]
    [InlineData("reporter.country", "Japan")]
    [InlineData("reporter.email", "no address")]
    [InlineData("reporter.email", "two@@example.org <x>")]
    [InlineData("type", "praise")]
    [InlineData("language", "tlh")]
    [InlineData("tlp", "MAUVE")]
    [InlineData("mayDiscloseReporter", "perhaps")]
    [InlineData("clock", "sundial")]
    public async Task A_word_that_is_none_of_those_known_is_named(string field, string value) =>
        Assert.True((await ErrorsAsync(With(field, value))).TryGetProperty(field, out _));

    [Theory]
    [InlineData("summary")]
    [InlineData("description")]
    [InlineData("reporter.name")]
    [InlineData("team")]
    [InlineData("timezone")]
    public async Task A_field_of_the_wrong_type_is_named(string field) =>
        Assert.True((await ErrorsAsync(With(field, new JsonObject { ["a"] = 1 }))).TryGetProperty(field, out _));

    [Fact]
    public async Task What_must_be_there_is_named_when_it_is_not()
    {
        var errors = await ErrorsAsync(new JsonObject { ["team"] = "aozora" });
        Assert.True(errors.TryGetProperty("summary", out _));
        Assert.True(errors.TryGetProperty("type", out _));
    }

    [Fact]
    public async Task All_wrong_fields_are_named_at_once()
    {
        var body = With("reporter.email", "nobody");
        body["summary"] = "";
        body["tlp"] = "PINK";
        var errors = await ErrorsAsync(body);
        Assert.Equal(["reporter.email", "summary", "tlp"], errors.EnumerateObject().Select(e => e.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_unknown_time_zone_is_named()
    {
        var body = With("occurredAt", "2025-11-04 09:15");
        body["timezone"] = "Asia/Atlantis";
        Assert.Contains("Asia/Tokyo", (await ErrorsAsync(body)).GetProperty("timezone")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_time_without_zone_or_offset_is_asked_for_its_zone() =>
        Assert.True((await ErrorsAsync(With("occurredAt", "2025-11-04 09:15"))).TryGetProperty("timezone", out _));

    [Theory]
    [InlineData("2999-01-01T00:00:00Z")]
    [InlineData("yesterday")]
    [InlineData("2025-02-30T10:00:00Z")]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59-14:00")]
    public async Task A_time_that_cannot_be_is_named(string time) =>
        Assert.True((await ErrorsAsync(With("occurredAt", time))).TryGetProperty("occurredAt", out _));

    [Fact]
    public async Task Base64_that_is_none_is_named_with_its_place()
    {
        var body = SmallNode.Body();
        body["attachments"] = new JsonArray(new JsonObject { ["name"] = "a.log", ["contentBase64"] = "YQ==" }, new JsonObject { ["name"] = "b.log", ["contentBase64"] = "not base 64!" });
        Assert.Equal(["attachments[1].contentBase64"], (await ErrorsAsync(body)).EnumerateObject().Select(e => e.Name));
    }

    [Fact]
    public async Task Too_many_observables_and_attachments_are_refused_with_the_limit()
    {
        var body = SmallNode.Body();
        body["observables"] = new JsonArray([.. Enumerable.Range(0, 501).Select(i => (JsonNode)$"host{i}.example")]);
        body["attachments"] = new JsonArray([.. Enumerable.Range(0, 21).Select(i => (JsonNode)new JsonObject { ["name"] = "f", ["contentBase64"] = "" })]);
        var errors = await ErrorsAsync(body);
        Assert.Contains("500", errors.GetProperty("observables")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("20", errors.GetProperty("attachments")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_observable_that_is_none_is_named_with_its_place()
    {
        var body = SmallNode.Body();
        body["observables"] = new JsonArray("203.0.113.9", "what is this", new string('a', 5000), "198.51.100.4");
        Assert.Equal(["observables[1]", "observables[2]"], (await ErrorsAsync(body)).EnumerateObject().Select(e => e.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_and_says_how_much_goes()
    {
        var before = await small.CountAsync();
        // max-report-mb=1: 1 MB of files, a third more as base64, and 1 MB for the rest
        var limit = (1024 * 1024 / 3 * 4) + (1024 * 1024);
        using var answer = await small.PostAsync(new byte[limit + 1]);
        var problem = await SmallNode.ProblemAsync(answer, HttpStatusCode.RequestEntityTooLarge);
        Assert.Contains(limit.ToString(System.Globalization.CultureInfo.InvariantCulture), problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, await small.CountAsync());
    }

    [Fact]
    public async Task A_chunked_body_over_the_limit_is_413_too()
    {
        // just over: with much more to come the connection could end before this client has read the answer
        using var client = small.Node.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = new StreamContent(new MemoryStream(new byte[(1024 * 1024 / 3 * 4) + (1024 * 1024) + 1])) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TransferEncodingChunked = true;
        using var answer = await client.SendAsync(request, Ct);
        await SmallNode.ProblemAsync(answer, HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task Attachments_over_the_limit_are_named_with_it()
    {
        var body = SmallNode.Body();
        body["attachments"] = new JsonArray(new JsonObject { ["name"] = "a", ["contentBase64"] = Convert.ToBase64String(new byte[(1024 * 1024) + 1]) });
        Assert.Contains("1 MB", (await ErrorsAsync(body)).GetProperty("attachments")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attachments_of_just_the_limit_are_taken()
    {
        var body = SmallNode.Body();
        body["attachments"] = new JsonArray(new JsonObject { ["name"] = "a", ["contentBase64"] = Convert.ToBase64String(new byte[1024 * 1024]) });
        using var answer = await small.PostAsync(body);
        await SmallNode.AcceptedAsync(answer);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_are_told_with_their_place()
    {
        byte[] body = [.. "{\"type\":\"request\",\"summary\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        using var answer = await small.PostAsync(body);
        Assert.Contains("byte 29", (await SmallNode.ProblemAsync(answer, HttpStatusCode.BadRequest)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_NUL_in_a_text_is_named_and_never_reaches_the_database()
    {
        using var answer = await small.PostAsync("""{"team":"aozora","type":"request","summary":"a\u0000b","description":"c\u0000d","reporter":{"name":"e\u0000"}}"""u8.ToArray());
        var errors = (await SmallNode.ProblemAsync(answer, HttpStatusCode.BadRequest)).GetProperty("errors");
        Assert.Equal(["description", "reporter.name", "summary"], errors.EnumerateObject().Select(e => e.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("team", """{"team":"aozora\u0000","type":"request","summary":"x"}""")]
    [InlineData("occurredAt", """{"team":"aozora","type":"request","summary":"x","occurredAt":"2025-11-04T09:15:00Z\u0000"}""")]
    [InlineData("attachments[0].name", """{"team":"aozora","type":"request","summary":"x","attachments":[{"name":"a\u0000b","contentBase64":""}]}""")]
    [InlineData("summary", """{"team":"aozora","type":"request","summary":"\ud800"}""")]
    public async Task NULs_and_halves_of_characters_anywhere_are_answered_as_the_sender_s_fault(string field, string body)
    {
        using var answer = await small.PostAsync(Encoding.UTF8.GetBytes(body));
        Assert.True((int)answer.StatusCode is 400 or 422, $"{field}: {(int)answer.StatusCode}");
    }

    [Fact]
    public async Task JSON_that_breaks_off_is_told_with_its_place()
    {
        using var answer = await small.PostAsync("{\"team\":\"aozora\",\"type\":\"request\",\n\"summary\":\"brok"u8.ToArray());
        Assert.Contains("line 2", (await SmallNode.ProblemAsync(answer, HttpStatusCode.BadRequest)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{\"type\":\"request\",\"type\":\"request\",\"summary\":\"twice\"}")]
    public async Task What_is_no_report_object_is_refused_in_words(string body)
    {
        using var answer = await small.PostAsync(Encoding.UTF8.GetBytes(body));
        await SmallNode.ProblemAsync(answer, HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Deep_nesting_is_refused()
    {
        using var answer = await small.PostAsync(Encoding.UTF8.GetBytes("{\"type\":\"request\",\"summary\":\"x\",\"extra\":" + new string('[', 100_000) + new string(']', 100_000) + "}"));
        await SmallNode.ProblemAsync(answer, HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/xml")]
    public async Task Another_content_type_is_415_and_says_what_to_send(string type)
    {
        using var answer = await small.PostAsync("{}"u8.ToArray(), type);
        Assert.Contains("application/json", (await SmallNode.ProblemAsync(answer, HttpStatusCode.UnsupportedMediaType)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ten_megabyte_line_as_attachment_or_text_does_no_harm()
    {
        await using var wide = await TestNode.StartAsync();
        using var client = wide.Anonymous();
        var line = new string('h', 10 * 1024 * 1024);
        using var asText = await client.PostAsync("/api/v1/reports", new StringContent($$"""{"team":"aozora","type":"request","summary":"x","description":"{{line}}"}""", Encoding.UTF8, "application/json"), Ct);
        Assert.True((await SmallNode.ProblemAsync(asText, HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("description", out _));
        var bytes = Convert.ToBase64String(Encoding.ASCII.GetBytes(line));
        using var asFile = await client.PostAsync("/api/v1/reports", new StringContent($$"""{"team":"aozora","type":"request","summary":"x","attachments":[{"name":"line.log","contentBase64":"{{bytes}}"}]}""", Encoding.UTF8, "application/json"), Ct);
        await SmallNode.AcceptedAsync(asFile);
    }

    [Theory]
    [InlineData("""{"type":"request","summary":"which?"}""", "aozora, minato")]
    [InlineData("""{"team":"nobody","type":"request","summary":"who?"}""", "aozora, minato")]
    public async Task A_missing_or_unknown_team_is_422_and_the_known_ones_are_named(string body, string known)
    {
        using var answer = await small.PostAsync(Encoding.UTF8.GetBytes(body));
        Assert.Contains(known, (await SmallNode.ProblemAsync(answer, HttpStatusCode.UnprocessableEntity)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_zip_bomb_is_kept_as_the_bytes_it_is()
    {
        using var packed = new MemoryStream();
        using (var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var bomb = zip.CreateEntry("zeros", CompressionLevel.SmallestSize).Open();
            var zeros = new byte[1024 * 1024];
            for (var i = 0; i < 200; i++)
            {
                bomb.Write(zeros);
            }
        }

        var body = SmallNode.Body("A zip bomb");
        body["attachments"] = new JsonArray(new JsonObject { ["name"] = "bomb.zip", ["mediaType"] = "application/zip", ["contentBase64"] = Convert.ToBase64String(packed.ToArray()) });
        using var answer = await small.PostAsync(body);
        var id = (await SmallNode.AcceptedAsync(answer)).GetProperty("id").GetString();
        using var sato = await small.Node.SignedInAsync("sato@aozora.example");
        using var page = await sato.GetAsync($"/reports/{id}", Ct);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        await using var db = small.Node.Databases.ForSystem();
        var file = await db.ReportAttachments.SingleAsync(a => a.Report == ReportId.Parse(id!, System.Globalization.CultureInfo.InvariantCulture), Ct);
        using var download = await sato.GetAsync($"/reports/{id}/files/{file.Id}", Ct);
        Assert.Equal(packed.ToArray(), await download.Content.ReadAsByteArrayAsync(Ct));
    }

    [Fact]
    public async Task The_same_key_and_body_is_the_same_report_and_another_body_is_422()
    {
        var key = Guid.NewGuid().ToString();
        using var first = await small.PostAsync(SmallNode.Body("once"), key);
        using var again = await small.PostAsync(SmallNode.Body("once"), key);
        using var other = await small.PostAsync(SmallNode.Body("something else"), key);
        var one = await SmallNode.AcceptedAsync(first);
        var two = await SmallNode.AcceptedAsync(again);
        Assert.Equal(one.GetRawText(), two.GetRawText());
        Assert.Contains("new key", (await SmallNode.ProblemAsync(other, HttpStatusCode.UnprocessableEntity)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_is_too_long_is_named()
    {
        using var answer = await small.PostAsync(SmallNode.Body(), new string('k', 201));
        Assert.True((await SmallNode.ProblemAsync(answer, HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("Idempotency-Key", out _));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Twenty_calls_at_once_with_one_key_are_one_report(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var client = node.Anonymous();
        var body = SmallNode.Body("at once").ToJsonString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            request.Headers.Add("Idempotency-Key", "one key");
            using var answer = await client.SendAsync(request, Ct);
            return (await SmallNode.AcceptedAsync(answer)).GetProperty("id").GetString();
        }));
        Assert.Single(answers.Distinct(StringComparer.Ordinal));
        await using var db = node.Databases.ForSystem();
        Assert.Equal(1, await db.Reports.CountAsync(Ct));
    }

    [Fact]
    public async Task Whoever_reports_too_often_is_told_when_to_come_back()
    {
        await using var node = await TestNode.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["report-rate"] = "3" });
        using var client = node.Anonymous();
        for (var i = 0; i < 3; i++)
        {
            using var taken = await client.PostAsync("/api/v1/reports", new StringContent(SmallNode.Body().ToJsonString(), Encoding.UTF8, "application/json"), Ct);
            await SmallNode.AcceptedAsync(taken);
        }

        using var refused = await client.PostAsync("/api/v1/reports", new StringContent(SmallNode.Body().ToJsonString(), Encoding.UTF8, "application/json"), Ct);
        var problem = await SmallNode.ProblemAsync(refused, HttpStatusCode.TooManyRequests);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Contains("token", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        // a token's calls are counted apart
        using var token = await node.WithTokenAsync("aozora");
        using var withToken = await token.PostAsync("/api/v1/reports", new StringContent(SmallNode.Body().ToJsonString(), Encoding.UTF8, "application/json"), Ct);
        await SmallNode.AcceptedAsync(withToken);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(4, await db.Reports.CountAsync(Ct));
        // the form counts with it, keeps what was written and says what to do
        using var form = await TestNode.PostFormAsync(client, "/report/aozora", "/report/aozora", new() { ["kind"] = "request", ["summary"] = "kept words", ["clock"] = "unknown" });
        Assert.Equal(HttpStatusCode.TooManyRequests, form.StatusCode);
        Assert.NotNull(form.Headers.RetryAfter);
        Assert.Contains("kept words", await form.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    private async Task<JsonElement> ErrorsAsync(JsonObject body)
    {
        using var answer = await small.PostAsync(body);
        return (await SmallNode.ProblemAsync(answer, HttpStatusCode.BadRequest)).GetProperty("errors");
    }

    private static JsonObject With(string field, JsonNode value)
    {
        var body = SmallNode.Body();
        if (field.StartsWith("reporter.", StringComparison.Ordinal))
        {
            body["reporter"] = new JsonObject { [field["reporter.".Length..]] = value };
        }
        else
        {
            body[field] = value;
        }

        return body;
    }
}
