using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Node.Tests.Api;

/// <summary>What has to be there for a route to do what it does.</summary>
internal enum Given
{
    Entry,
    NewReport,
    RejectedReport,
    Incident,
    ClosedIncident,
    Draft,
    Sent,
}

/// <summary>What <c>If-Match</c> is to a route, as docs/guide/api.md says.</summary>
internal enum IfMatch
{
    None,
    Taken,
    Needed,
}

/// <summary>Every route of the API that takes an id, as a table: its scope, what must be there, a body that does it, what If-Match means, and the answer.</summary>
internal static class IdRoutes
{
    public sealed record Row(string Route, string Scope, Given Given, string? Body = null, IfMatch IfMatch = IfMatch.None, HttpStatusCode Done = HttpStatusCode.OK)
    {
        public HttpMethod Method => new(Route.Split(' ')[0]);

        public string Pattern => Route.Split(' ')[1];

        public bool Changes => Method != HttpMethod.Get;
    }

    private const string Who = """{"name":"Example Hosting","mail":"abuse@hosting.example","language":"en","role":"abuseDesk","why":"abuse contact of the network"}""";

    public static IReadOnlyList<Row> All { get; } =
    [
        new("GET /api/v1/directory/teams/{id}", Scopes.DirectoryRead, Given.Entry),
        new("GET /api/v1/reports/{id}", Scopes.ReportsRead, Given.NewReport),
        new("GET /api/v1/reports/{id}/raw", Scopes.ReportsRead, Given.NewReport),
        new("GET /api/v1/reports/{id}/attachments/{file}", Scopes.ReportsRead, Given.NewReport),
        new("GET /api/v1/reports/{id}/messages", Scopes.ReportsRead, Given.NewReport),
        new("POST /api/v1/reports/{id}/accept", Scopes.IncidentsWrite, Given.NewReport, """{"category":"fraud","type":"phishing"}""", IfMatch.Taken),
        new("POST /api/v1/reports/{id}/split", Scopes.IncidentsWrite, Given.NewReport, """{"parts":[{"title":"One","category":"fraud","type":"phishing"},{"title":"Two","category":"fraud","type":"phishing"}]}""", IfMatch.Taken),
        new("POST /api/v1/reports/{id}/reject", Scopes.IncidentsWrite, Given.NewReport, """{"reason":"Not ours."}""", IfMatch.Taken),
        new("POST /api/v1/reports/{id}/duplicate", Scopes.IncidentsWrite, Given.NewReport, """{"of":"$original"}""", IfMatch.Taken),
        new("POST /api/v1/reports/{id}/assign", Scopes.IncidentsWrite, Given.NewReport, """{"person":"$person"}""", IfMatch.Taken),
        new("POST /api/v1/reports/{id}/reopen", Scopes.IncidentsWrite, Given.RejectedReport, null, IfMatch.Taken),
        new("POST /api/v1/reports/{id}/messages", Scopes.IncidentsWrite, Given.NewReport, """{"text":"Thank you."}""", IfMatch.Taken, HttpStatusCode.Created),
        new("GET /api/v1/incidents/{id}", Scopes.IncidentsRead, Given.Incident),
        new("GET /api/v1/incidents/{id}/targets", Scopes.IncidentsRead, Given.Incident),
        new("GET /api/v1/incidents/{id}/timeline", Scopes.IncidentsRead, Given.Incident),
        new("GET /api/v1/incidents/{id}/attachments", Scopes.IncidentsRead, Given.Incident),
        new("GET /api/v1/incidents/{id}/attachments/{attachment}", Scopes.IncidentsRead, Given.Incident),
        new("PATCH /api/v1/incidents/{id}", Scopes.IncidentsWrite, Given.Incident, """{"title":"Another title"}""", IfMatch.Needed),
        new("POST /api/v1/incidents/{id}/targets", Scopes.IncidentsWrite, Given.Incident, """{"targets":[{"value":"198.51.100.77","role":"other"}]}""", IfMatch.Taken, HttpStatusCode.Created),
        new("PATCH /api/v1/incidents/{id}/targets/{target}", Scopes.IncidentsWrite, Given.Incident, """{"role":"c2"}""", IfMatch.Taken),
        new("POST /api/v1/incidents/{id}/targets/{target}/end", Scopes.IncidentsWrite, Given.Incident, """{"reason":"Another case."}""", IfMatch.Taken),
        new("POST /api/v1/incidents/{id}/timeline", Scopes.IncidentsWrite, Given.Incident, """{"what":"event","text":"First visitor","at":"2025-11-04 09:20","timezone":"UTC"}""", IfMatch.Taken, HttpStatusCode.Created),
        new("POST /api/v1/incidents/{id}/attachments", Scopes.IncidentsWrite, Given.Incident, """{"attachments":[{"name":"more.txt","what":"other","contentBase64":"bW9yZQo="}]}""", IfMatch.Taken, HttpStatusCode.Created),
        new("POST /api/v1/incidents/{id}/reports/{report}/unlink", Scopes.IncidentsWrite, Given.Incident, null, IfMatch.Taken),
        new("POST /api/v1/incidents/{id}/close", Scopes.IncidentsWrite, Given.Incident, """{"state":"resolved","outcome":"The page is gone."}""", IfMatch.Taken),
        new("POST /api/v1/incidents/{id}/reopen", Scopes.IncidentsWrite, Given.ClosedIncident, """{"reason":"It came back."}""", IfMatch.Taken),
        new("POST /api/v1/incidents/{id}/requests", Scopes.RequestsWrite, Given.Incident, $$"""{"purpose":"takedown","recipient":{{Who}}}""", IfMatch.Taken, HttpStatusCode.Created),
        new("GET /api/v1/requests/{id}", Scopes.RequestsRead, Given.Draft),
        new("GET /api/v1/requests/{id}/events", Scopes.RequestsRead, Given.Draft),
        new("GET /api/v1/requests/{id}/preview", Scopes.RequestsRead, Given.Draft),
        new("GET /api/v1/requests/{id}/remind", Scopes.RequestsRead, Given.Sent),
        new("POST /api/v1/requests/{id}/send", Scopes.RequestsWrite, Given.Draft, "{}", IfMatch.Taken),
        new("POST /api/v1/requests/{id}/withdraw", Scopes.RequestsWrite, Given.Draft, null, IfMatch.Taken),
        new("POST /api/v1/requests/{id}/remind", Scopes.RequestsWrite, Given.Sent, "{}", IfMatch.Taken),
        new("POST /api/v1/requests/{id}/answer", Scopes.RequestsWrite, Given.Sent, """{"what":"done","text":"Removed."}""", IfMatch.Taken),
        new("POST /api/v1/requests/{id}/close", Scopes.RequestsWrite, Given.Sent, """{"outcome":"done"}""", IfMatch.Taken),
    ];
}

/// <summary>Records of the team aozora for one row of the table.</summary>
internal sealed class Place
{
    private static int _made;

    public required RestDesk Desk { get; init; }

    public string Entry { get; private set; } = "";

    public string Report { get; private set; } = "";

    public string File { get; private set; } = "";

    public string Original { get; private set; } = "";

    public string Incident { get; private set; } = "";

    public string Target { get; private set; } = "";

    public string Attachment { get; private set; } = "";

    public string Request { get; private set; } = "";

    public string Person { get; private set; } = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<Place> MakeAsync(RestDesk desk, Given given)
    {
        var place = new Place { Desk = desk, Original = desk.Report, Person = (await desk.Node.ViewerOfAsync("sato@aozora.example")).Person!.Value.ToString() };
        if (given == Given.Entry)
        {
            await using var db = desk.Node.Databases.ForSystem();
            var own = Marking.Own((await desk.Node.TeamAsync("aozora")).Id);
            var team = new Team { Id = TeamId.New(desk.Node.Clock), Marking = own, Name = "Ours alone", Slug = "ours-alone-" + Guid.NewGuid().ToString("N")[..6], What = TeamKind.Company };
            db.Teams.Add(team);
            await db.SaveChangesAsync(Ct);
            place.Entry = team.Id.ToString();
            return place;
        }

        // what it is about is this one's alone: who was asked about it elsewhere plays no part
        var host = $"place{Interlocked.Increment(ref _made)}.example";
        (place.Report, _) = await desk.ReportAsync("Phishing page", $"Seen at hxxps://{host.Replace(".", "[.]", StringComparison.Ordinal)}/a this morning.");
        place.File = (await desk.GetAsync($"/api/v1/reports/{place.Report}")).GetProperty("attachments")[0].GetProperty("id").GetString()!;
        if (given == Given.RejectedReport)
        {
            await desk.PostAsync($"/api/v1/reports/{place.Report}/reject", new { reason = "Not ours." });
        }

        if (given is Given.NewReport or Given.RejectedReport)
        {
            return place;
        }

        place.Incident = await desk.AcceptAsync(place.Report);
        place.Target = (await desk.GetAsync($"/api/v1/incidents/{place.Incident}/targets")).GetProperty("items")[0].GetProperty("id").GetString()!;
        place.Attachment = (await desk.PostAsync($"/api/v1/incidents/{place.Incident}/attachments", new { attachments = new[] { new { name = "capture.txt", what = "capture", contentBase64 = "c2VlbgA=" } } }, HttpStatusCode.Created)).GetProperty("items")[0].GetProperty("id").GetString()!;
        if (given == Given.ClosedIncident)
        {
            await desk.PostAsync($"/api/v1/incidents/{place.Incident}/close", new { outcome = "Over." });
        }

        if (given is Given.Draft or Given.Sent)
        {
            place.Request = (await desk.PostAsync($"/api/v1/incidents/{place.Incident}/requests", new { purpose = "takedown", recipient = RestDesk.Recipient }, HttpStatusCode.Created)).GetProperty("items")[0].GetProperty("id").GetString()!;
        }

        if (given == Given.Sent)
        {
            await desk.PostAsync($"/api/v1/requests/{place.Request}/send", new { });
            // until the node has done all that it does by itself
            for (var waited = 0; (await desk.GetAsync($"/api/v1/requests/{place.Request}")).GetProperty("state").GetString() == "sent"; waited++)
            {
                Assert.True(waited < 300, "the request does not leave the outbox");
                await Task.Delay(100, Ct);
            }
        }

        return place;
    }

    /// <summary>Calls the row's route with these ids, or with ids of nothing.</summary>
    public async Task<(HttpStatusCode Status, string Body)> CallAsync(HttpClient client, IdRoutes.Row row, string? ifMatch = null, bool unknown = false)
    {
        var nothing = Guid.NewGuid().ToString();
        var path = row.Pattern.Replace("{id}", unknown ? nothing : Id(row), StringComparison.Ordinal);
        foreach (var (name, id) in new[] { ("{report}", Report), ("{file}", File), ("{target}", Target), ("{attachment}", Attachment) })
        {
            path = path.Replace(name, unknown ? nothing : id, StringComparison.Ordinal);
        }

        var body = row.Body?.Replace("$original", Original, StringComparison.Ordinal).Replace("$person", Person, StringComparison.Ordinal);
        using var answer = await RestDesk.RawAsync(client, row.Method, path, body, ifMatch);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Ct));
    }

    /// <summary>The version that If-Match is about: of the record that the route begins with.</summary>
    public async Task<string> TagAsync(IdRoutes.Row row)
    {
        using var answer = await Desk.Token.GetAsync($"/api/v1/{Kind(row)}/{Id(row)}", Ct);
        return answer.Headers.ETag!.Tag;
    }

    /// <summary>Somebody else changes that record: it gets its next version.</summary>
    public async Task TouchAsync(IdRoutes.Row row)
    {
        await using var db = Desk.Node.Databases.ForSystem();
        switch (Kind(row))
        {
            case "reports":
                var report = ReportId.Parse(Report, null);
                var stored = await db.Reports.SingleAsync(r => r.Id == report, Ct);
                stored.DueAt = stored.DueAt.AddMinutes(1);
                break;
            case "incidents":
                var incident = IncidentId.Parse(Incident, null);
                (await db.Incidents.SingleAsync(i => i.Id == incident, Ct)).Summary += "Changed. ";
                break;
            default:
                var request = RequestId.Parse(Request, null);
                (await db.Requests.SingleAsync(r => r.Id == request, Ct)).NoGrounds ^= true;
                break;
        }

        await db.SaveChangesAsync(Ct);
    }

    /// <summary>Shares all of it with a team: to read.</summary>
    public async Task ShareAsync(TeamId team)
    {
        await using var db = Desk.Node.Databases.ForSystem();
        Marking Wider(Marking marking) => marking with { Audience = new([Principal.Of(team)]) };
        var report = ReportId.Parse(Report, null);
        var stored = await db.Reports.SingleAsync(r => r.Id == report, Ct);
        stored.Marking = Wider(stored.Marking);
        if (IncidentId.TryParse(Incident, null, out var incident))
        {
            var shared = await db.Incidents.SingleAsync(i => i.Id == incident, Ct);
            shared.Marking = Wider(shared.Marking);
            foreach (var request in await db.Requests.Where(r => r.Incident == incident).ToListAsync(Ct))
            {
                request.Marking = Wider(request.Marking);
            }
        }

        await db.SaveChangesAsync(Ct);
    }

    /// <summary>All that stands, as the team reads it, with how much of it the audit log tells.</summary>
    public async Task<string> StandsAsync()
    {
        string[] paths = [.. Entry.Length > 0 ? [$"/api/v1/directory/teams/{Entry}"] : new[] { $"/api/v1/reports/{Report}", $"/api/v1/reports/{Report}/messages" },
            .. Incident.Length > 0 ? [$"/api/v1/incidents/{Incident}", $"/api/v1/incidents/{Incident}/timeline?limit=200", $"/api/v1/requests?state=all&incident={Incident}"] : Array.Empty<string>(),
            .. Request.Length > 0 ? [$"/api/v1/requests/{Request}", $"/api/v1/requests/{Request}/events"] : Array.Empty<string>()];
        var stands = new List<string>();
        foreach (var path in paths)
        {
            stands.Add((await Desk.GetAsync(path)).ToString());
        }

        var ids = new[] { Entry, Report, Incident, Request }.Where(i => i.Length > 0).Select(i => (Guid?)Guid.Parse(i)).ToArray();
        stands.Add((await Desk.AskAsync(db => db.Audit.CountAsync(a => ids.Contains(a.Record), Ct))).ToString());
        return string.Join("\n", stands);
    }

    private static string Kind(IdRoutes.Row row) => row.Pattern.Split('/')[3];

    private string Id(IdRoutes.Row row) => Kind(row) switch { "directory" => Entry, "reports" => Report, "incidents" => Incident, _ => Request };
}
