using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.Requests;

/// <summary>Nobody is asked about an incident that is over, and what PAP has to say about asking is said.</summary>
public class ClosedIncidentTests(AskingNode asking) : IClassFixture<AskingNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_closed_incident_takes_no_draft_by_form_or_by_REST_until_it_is_reopened()
    {
        var draft = await asking.DraftAsync();
        var incident = draft.Incident;
        using var withdrawn = await asking.Token.PostAsJsonAsync($"/api/v1/requests/{draft.Id}/withdraw", new { }, Ct);
        Assert.Equal(HttpStatusCode.OK, withdrawn.StatusCode);
        using var closed = await asking.Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/close", new { outcome = "It went away." }, Ct);
        Assert.Equal(HttpStatusCode.OK, closed.StatusCode);
        Guid target;
        await using (var db = asking.Node.Databases.ForSystem())
        {
            target = (await db.IncidentTargets.AsNoTracking().FirstAsync(t => t.Incident == incident, Ct)).Id;
        }

        using var first = await asking.Smith.GetAsync($"/incidents/{incident}/requests/new", Ct);
        using var second = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/requests/new", ("purpose", "takedown"), ("target", target.ToString()));
        using var third = await DeskNode.PostAsync(asking.Smith, $"/incidents/{incident}/requests", ("purpose", "takedown"), ("target", target.ToString()), ("step", "2"), ("due", "2099-01-01T10:00"));
        foreach (var answer in new[] { first, second, third })
        {
            Assert.Equal((HttpStatusCode.SeeOther, $"/incidents/{incident}?said=not_open"), (answer.StatusCode, answer.Headers.Location?.ToString()));
        }

        Assert.Contains("reopen it to ask somebody", await asking.Smith.GetStringAsync($"/incidents/{incident}?said=not_open", Ct), StringComparison.Ordinal);
        using var byRest = await DraftAsync(incident);
        Assert.Equal(HttpStatusCode.Conflict, byRest.StatusCode);
        Assert.Equal("Not open", (await byRest.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("title").GetString());
        await using (var db = asking.Node.Databases.ForSystem())
        {
            Assert.Equal(draft.Id, (await db.Requests.AsNoTracking().SingleAsync(r => r.Incident == incident, Ct)).Id);
        }

        using var reopened = await asking.Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/reopen", new { reason = "It is back." }, Ct);
        Assert.Equal(HttpStatusCode.OK, reopened.StatusCode);
        using var again = await DraftAsync(incident);
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
    }

    [Theory]
    [InlineData(Pap.Green, false)]
    [InlineData(Pap.Amber, false)]
    [InlineData(Pap.Red, true)]
    public async Task The_preview_says_what_PAP_RED_forbids(Pap pap, bool said)
    {
        var draft = await asking.DraftAsync();
        await asking.ChangeAsync(async db =>
        {
            var incident = await db.Incidents.SingleAsync(i => i.Id == draft.Incident, Ct);
            MarkIncident.Set(db, incident, incident.Marking with { Pap = pap });
        });
        var page = await DeskNode.PageAsync(asking.Smith, $"/requests/{draft.Id}");
        Assert.Equal(said, page.Contains("PAP:RED allows nothing that the attacker can notice", StringComparison.Ordinal));
        var warnings = (await asking.Token.GetFromJsonAsync<JsonElement>($"/api/v1/requests/{draft.Id}/preview", Ct)).GetProperty("warnings").EnumerateArray().Select(w => w.GetString());
        Assert.Equal(said ? ["request.warning.pap_red"] : [], warnings);
    }

    private Task<HttpResponseMessage> DraftAsync(IncidentId incident) =>
        asking.Token.PostAsJsonAsync($"/api/v1/incidents/{incident}/requests", new { purpose = "takedown", recipient = new { name = "Example Hosting", mail = "abuse@hosting.example", language = "en", why = "known" } }, Ct);
}
