using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Contracts;
using Renkei.Formats.Csv;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Mail.Transport;
using Renkei.Node.Tests.Requests;
using Renkei.Store;

namespace Renkei.Node.Tests.Mails;

/// <summary>The outbox on its screen: for those who run the node, without content; again or never, and what that does.</summary>
public class OutboxScreenTests
{
    private const string Page = "/operations/outbox";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stuck_mail_is_shown_to_an_operator_by_number_and_domain_without_address_or_content_and_goes_out_when_tried_again()
    {
        var transport = new SaidTransport(() => new DeliveryResult.Accepted("250 2.0.0 Ok"));
        await using var node = await TestNode.StartAsync(adjust: b => b.Services.AddSingleton<IMailTransport>(transport));
        var (request, row) = await StuckAsync(node);
        using var operatorClient = await node.SignedInAsync("operator@aozora.example");
        var html = await operatorClient.GetStringAsync(Page, Ct);
        Assert.Contains(row.ToString(), html, StringComparison.Ordinal);
        Assert.Contains("Refused (552): Mailbox full", html, StringComparison.Ordinal);
        foreach (var page in new[] { html, await operatorClient.GetStringAsync($"{Page}/{row}/discard", Ct) })
        {
            // enough to decide on; who it goes to and what it says is for those who work on it
            Assert.All(["REQ-1", "isp.example"], told => Assert.Contains(told, page, StringComparison.Ordinal));
            Assert.All(["abuse@", "kanaria"], secret => Assert.DoesNotContain(secret, page, StringComparison.Ordinal));
        }

        using var retried = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{row}/retry", []);
        Assert.Equal((HttpStatusCode.SeeOther, Page), (retried.StatusCode, retried.Headers.Location!.ToString()));
        var done = await UntilAsync(node, row, o => o.State == OutboxState.Done);
        Assert.Equal(OutboxState.Done, done.State);
        Assert.Equal(["abuse@isp.example"], Assert.Single(transport.Sent).Envelope.To);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(RequestState.Delivered, (await db.Requests.AsNoTracking().SingleAsync(r => r.Id == request, Ct)).State);
        Assert.True(await db.Audit.AnyAsync(a => a.Action == "outbox.retried" && a.Actor.StartsWith("person:"), Ct));
        // what is done is not done again
        using var again = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{row}/retry", []);
        Assert.Equal(OutboxState.Done, (await RowAsync(node, row)).State);
        Assert.Single(transport.Sent);
        // the way back stays on this node
        using var away = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{row}/retry", new() { ["back"] = "//evil.example/" });
        Assert.Equal("/", away.Headers.Location!.ToString());
    }

    [Fact]
    public async Task One_that_is_given_up_needs_a_reason_and_whoever_waits_for_it_hears_that_it_will_not_come()
    {
        await using var node = await TestNode.StartAsync();
        var (request, row) = await StuckAsync(node);
        using var operatorClient = await node.SignedInAsync("operator@aozora.example");
        Assert.Equal(HttpStatusCode.OK, (await operatorClient.GetAsync($"{Page}/{row}/discard", Ct)).StatusCode);
        using var silent = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{row}/discard", new() { ["reason"] = " " });
        Assert.Equal(HttpStatusCode.BadRequest, silent.StatusCode);
        Assert.Equal(OutboxState.Stuck, (await RowAsync(node, row)).State);
        using var discarded = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{row}/discard", new() { ["reason"] = "=HYPERLINK(\"http://evil.example\")" });
        Assert.Equal(HttpStatusCode.SeeOther, discarded.StatusCode);
        Assert.Equal(OutboxState.Discarded, (await RowAsync(node, row)).State);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(RequestState.Bounced, (await db.Requests.AsNoTracking().SingleAsync(r => r.Id == request, Ct)).State);
        Assert.Equal(HttpStatusCode.NotFound, (await operatorClient.GetAsync($"{Page}/{row}/discard", Ct)).StatusCode);
        using var late = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{row}/retry", []);
        Assert.Equal(OutboxState.Discarded, (await RowAsync(node, row)).State);

        // the reason stands in the audit log, and no cell of its CSV begins as a formula
        using var tanaka = await node.SignedInAsync("tanaka@aozora.example");
        using var csv = new CsvReader(new MemoryStream(await tanaka.GetByteArrayAsync("/audit.csv", Ct)), new CsvOptions());
        Assert.Equal(CsvRead.Row, csv.ReadHeader());
        var (rows, found) = (0, false);
        while (csv.Read() == CsvRead.Row)
        {
            rows++;
            for (var i = 0; i < csv.Columns.Count; i++)
            {
                var cell = csv.Field(i).ToString();
                Assert.False(cell.Length > 0 && "=+-@\t\r".Contains(cell[0], StringComparison.Ordinal), cell);
                found |= cell.Contains("HYPERLINK", StringComparison.Ordinal);
            }
        }

        Assert.True(rows > 3 && found);
    }

    [Theory]
    [InlineData("sato@aozora.example")]
    [InlineData("tanaka@aozora.example")]
    [InlineData("auditor@aozora.example")]
    [InlineData("minato@minato.example")]
    public async Task Who_does_not_run_the_node_hears_403_and_changes_nothing(string email)
    {
        await using var node = await TestNode.StartAsync();
        var (_, row) = await StuckAsync(node);
        using var client = await node.SignedInAsync(email);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(Page, Ct)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"{Page}/{row}/discard", Ct)).StatusCode);
        using var retried = await TestNode.PostFormAsync(client, "/me", $"{Page}/{row}/retry", []);
        using var discarded = await TestNode.PostFormAsync(client, "/me", $"{Page}/{row}/discard", new() { ["reason"] = "Away." });
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (retried.StatusCode, discarded.StatusCode));
        Assert.Equal(OutboxState.Stuck, (await RowAsync(node, row)).State);
    }

    [Fact]
    public async Task A_row_that_is_none_is_404()
    {
        await using var node = await TestNode.StartAsync();
        using var operatorClient = await node.SignedInAsync("operator@aozora.example");
        var nothing = Guid.NewGuid();
        Assert.Equal(HttpStatusCode.NotFound, (await operatorClient.GetAsync($"{Page}/{nothing}/discard", Ct)).StatusCode);
        using var retried = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{nothing}/retry", []);
        using var discarded = await TestNode.PostFormAsync(operatorClient, Page, $"{Page}/{nothing}/discard", new() { ["reason"] = "Away." });
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (retried.StatusCode, discarded.StatusCode));
    }

    private static async Task<(RequestId Request, Guid Row)> StuckAsync(TestNode node)
    {
        await using var db = node.Databases.ForSystem();
        var (team, now) = ((await node.TeamAsync("aozora")).Id, node.Clock.GetUtcNow());
        var incident = TestRecords.Incident(node, Marking.Own(team), title: "kanaria");
        var blob = await node.Services.GetRequiredService<BlobStore>().AddAsync(db, Encoding.ASCII.GetBytes("From: aozora@renkei.example\r\nTo: abuse@isp.example\r\nMessage-ID: <1@renkei.example>\r\n\r\nkanaria\r\n"), Ct);
        var request = TestRecords.Request(node, incident, name: "kanaria", language: "ja");
        (request.Subject, request.MessageId, request.MessageSha256) = ("kanaria", "<1@renkei.example>", blob.Sha256);
        db.AddRange(incident, request);
        var row = new OutboxMessage
        {
            Id = Guid.CreateVersion7(),
            Type = EventNames.MessageRequested,
            Key = "message:<1@renkei.example>",
            Payload = JsonSerializer.Serialize(new MessageRequested(request.Ref, "<1@renkei.example>", "bounce@renkei.example", ["abuse@isp.example"], blob.Sha256, team), JsonSerializerOptions.Web),
            Team = team,
            RecordKind = CoordinationRequest.Kind,
            Record = request.Id.Value,
            CreatedAt = now,
            DueAt = now,
            Attempts = 1,
            State = OutboxState.Stuck,
            LastError = "Refused (552): Mailbox full",
        };
        db.Outbox.Add(row);
        await db.SaveChangesAsync(Ct);
        return (request.Id, row.Id);
    }

    private static async Task<OutboxMessage> RowAsync(TestNode node, Guid id)
    {
        await using var db = node.Databases.ForSystem();
        return await db.Outbox.AsNoTracking().SingleAsync(o => o.Id == id, Ct);
    }

    private static async Task<OutboxMessage> UntilAsync(TestNode node, Guid id, Func<OutboxMessage, bool> done)
    {
        await node.Services.GetRequiredService<OutboxWorker>().RunDueAsync(Ct);
        var row = await RowAsync(node, id);
        for (var waited = 0; waited < 100 && !done(row); waited++)
        {
            // the node's own worker may have it in hand
            await Task.Delay(100, Ct);
            row = await RowAsync(node, id);
        }

        return row;
    }
}
