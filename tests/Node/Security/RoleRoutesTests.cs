using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Kernel;
using Renkei.Node.Tests.Api;
using Renkei.Node.Tests.Triage;
using Renkei.Web;

namespace Renkei.Node.Tests.Security;

/// <summary>A node with one case, and one person of each role and no other.</summary>
public sealed class CastOfRoles : IAsyncLifetime
{
    internal RestDesk Desk { get; private set; } = null!;

    public Dictionary<Role, (PersonId Id, HttpClient Client)> People { get; } = [];

    public async ValueTask InitializeAsync()
    {
        Desk = await RestDesk.StartAsync();
        foreach (var role in Enum.GetValues<Role>())
        {
            var mail = $"only-{role.Code()}@aozora.example";
            People[role] = (await TestPeople.AddAsync(Desk.Node, mail, ("aozora", role)), await Desk.Node.SignedInAsync(mail));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, client) in People.Values)
        {
            client.Dispose();
        }

        await Desk.DisposeAsync();
    }
}

/// <summary>
/// Roles × every route that changes something. Which right a route needs stands in <c>changing-routes.csv</c>, which right a role has in
/// <c>docs/dev/house.md</c>: people wrote both, and both are asked of the running node.
/// </summary>
public sealed partial class RoleRoutesTests(CastOfRoles cast) : IClassFixture<CastOfRoles>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<Role> Roles => [.. Enum.GetValues<Role>()];

    [Fact]
    public void Every_role_has_the_rights_that_the_handbook_promises()
    {
        var promised = Promised();
        Assert.Equal(Enum.GetValues<Role>().Order(), promised.Keys.Order());
        Assert.Equal(Enum.GetValues<Right>().Order(), Handbook().Rights.Order());
        Assert.All(promised, p => Assert.Equal(p.Value.Order(), Rights.Of(p.Key).Order()));
    }

    [Fact]
    public void Every_route_that_changes_something_is_in_the_table_with_who_may()
    {
        var real = Routes().Where(r => r.Method != "GET").Select(r => $"{r.Method},{r.Path},{Words(r.Access)}").Order(StringComparer.Ordinal).ToList();
        var told = File.ReadAllLines(Path.Combine(Repository.Root, "tests/Node/Security/changing-routes.csv")).Skip(1).ToList();
        Assert.True(real.Count > 60);
        Assert.True(told.SequenceEqual(real, StringComparer.Ordinal), "tests/Node/Security/changing-routes.csv differs.\nNot in the table:\n" + string.Join('\n', real.Except(told, StringComparer.Ordinal)) + "\nNo such route:\n" + string.Join('\n', told.Except(real, StringComparer.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task A_role_does_what_it_may_and_hears_403_for_the_rest(Role role)
    {
        var (id, client) = cast.People[role];
        var mine = Promised()[role];
        var csrf = await DeskNode.CsrfAsync(client);
        var wrong = new List<string>();
        var refused = new List<string>();
        foreach (var (method, path, access) in Table().Where(r => r.Access.StartsWith("right:", StringComparison.Ordinal)))
        {
            var right = Enum.Parse<Right>(access["right:".Length..]);
            var may = mine.Contains(right);
            // who may not is tried on records that are there; who may, on none, so that nothing happens
            using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["csrf"] = csrf });
            using var request = new HttpRequestMessage(new HttpMethod(method), may ? Nothing(path) : Real(path)) { Content = form };
            using var answer = await client.SendAsync(request, Ct);
            var status = (int)answer.StatusCode;
            if (may ? status is 401 or 403 or >= 500 : status != 403)
            {
                wrong.Add($"{method} {path}: {status}, and {role} {(may ? "may" : "may not")}");
            }

            if (!may)
            {
                refused.Add($"{method} {path} {right}");
            }
        }

        Assert.Empty(wrong);
        // each refusal stands in the audit log, and nothing else that this person did to a record
        await using var db = cast.Desk.Node.Databases.ForSystem();
        var actor = "person:" + id;
        var entries = await db.Audit.AsNoTracking().Where(a => a.Actor == actor && a.Action == "write.refused").ToListAsync(Ct);
        Assert.Equal(refused.Order(StringComparer.Ordinal), entries.Select(e => JsonSerializer.Deserialize<JsonElement>(e.Detail)).Select(d => d.GetProperty("route").GetString() + " " + d.GetProperty("right").GetString()).Order(StringComparer.Ordinal));
        var aozora = (await cast.Desk.Node.TeamAsync("aozora")).Id;
        Assert.All(entries, e => Assert.Equal(aozora, e.Team));
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task A_role_reads_the_pages_of_its_rights_and_no_others(Role role)
    {
        var (_, client) = cast.People[role];
        var mine = Promised()[role];
        var pages = Routes().Where(r => r.Method == "GET" && r.Access.Right is not null).ToList();
        Assert.True(pages.Count > 30);
        var wrong = new List<string>();
        foreach (var (_, path, access) in pages)
        {
            var may = mine.Contains(access.Right!.Value);
            using var answer = await client.GetAsync(may ? Nothing(path) : Real(path), Ct);
            var status = (int)answer.StatusCode;
            if (may ? status is 401 or 403 or >= 500 : status != 403)
            {
                wrong.Add($"GET {path}: {status}, and {role} {(may ? "may" : "may not")}");
            }
        }

        Assert.Empty(wrong);
        // the log is read by whoever reads any: the page asks for itself
        using var log = await client.GetAsync("/audit", Ct);
        Assert.Equal(mine.Contains(Right.ReadAudit) || mine.Contains(Right.OperateNode) ? HttpStatusCode.OK : HttpStatusCode.Forbidden, log.StatusCode);
    }

    [Fact]
    public async Task A_session_opens_no_route_of_the_API_and_a_token_only_those_of_its_scopes()
    {
        var scoped = Table().Where(r => r.Access.StartsWith("scope:", StringComparison.Ordinal)).ToList();
        Assert.True(scoped.Count > 15);
        var wrong = new List<string>();
        foreach (var group in scoped.GroupBy(r => r.Access["scope:".Length..], StringComparer.Ordinal))
        {
            using var only = await cast.Desk.Node.WithTokenAsync("aozora", group.Key);
            using var others = await cast.Desk.Node.WithTokenAsync("aozora", [.. Scopes.All.Where(s => s != group.Key)]);
            foreach (var (method, path, _) in group)
            {
                foreach (var (client, of, expected) in new[] { (only, "its token", (int?)null), (others, "a token of the other scopes", 403) }.Concat(cast.People.Select(p => (p.Value.Client, p.Key.ToString(), (int?)401))))
                {
                    using var answer = await RestDesk.RawAsync(client, new HttpMethod(method), expected is null ? Nothing(path) : Real(path), "{}");
                    var status = (int)answer.StatusCode;
                    if (expected is null ? status is 401 or 403 or >= 500 : status != expected)
                    {
                        wrong.Add($"{method} {path} with {of}: {status}");
                    }
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Without_a_session_nothing_that_needs_one_is_done_and_the_local_door_is_not_there()
    {
        using var anonymous = cast.Desk.Node.Anonymous();
        var wrong = new List<string>();
        foreach (var (method, path, access) in Table().Where(r => r.Access != "open"))
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), Real(path)) { Content = access.StartsWith("scope:", StringComparison.Ordinal) ? new StringContent("{}", System.Text.Encoding.UTF8, "application/json") : new FormUrlEncodedContent([]) };
            using var answer = await anonymous.SendAsync(request, Ct);
            if ((int)answer.StatusCode != (access == "local" ? 404 : 401))
            {
                wrong.Add($"{method} {path}: {(int)answer.StatusCode}");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task A_right_in_one_team_is_none_in_another()
    {
        var node = cast.Desk.Node;
        await TestPeople.AddAsync(node, "two-teams@aozora.example", ("aozora", Role.Constituent), ("minato", Role.Lead));
        using var client = await node.SignedInAsync("two-teams@aozora.example");
        using var here = await DeskNode.PostAsync(client, "/people/invite", ("email", "x@aozora.example"));
        Assert.Equal(HttpStatusCode.Forbidden, here.StatusCode);
        var minato = (await node.TeamAsync("minato")).Id;
        using var went = await DeskNode.PostAsync(client, "/me", ("name", "Two"), ("language", "en"), ("zone", "Asia/Tokyo"), ("team", minato.ToString()));
        Assert.Equal(HttpStatusCode.SeeOther, went.StatusCode);
        using var there = await DeskNode.PostAsync(client, "/people/invite", ("email", "x@aozora.example"));
        Assert.Equal(HttpStatusCode.BadRequest, there.StatusCode);
        // and acting for Minato opens no record of Aozora
        using var close = await DeskNode.PostAsync(client, $"/incidents/{cast.Desk.Incident}/notes/new", ("text", "mine"));
        Assert.Equal(HttpStatusCode.NotFound, close.StatusCode);
    }

    private IEnumerable<(string Method, string Path, Access Access)> Routes() =>
        from route in cast.Desk.Node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (method, "/" + route.RoutePattern.RawText!.TrimStart('/'), route.Metadata.GetRequiredMetadata<Access>());

    private static string Words(Access access) => access switch
    {
        { Open: true } => "open",
        { Local: true } => "local",
        { AnyPerson: true } => "signed-in",
        { Scope: { } scope } => "scope:" + scope,
        _ => "right:" + access.Right,
    };

    private static List<(string Method, string Path, string Access)> Table() =>
        [.. File.ReadAllLines(Path.Combine(Repository.Root, "tests/Node/Security/changing-routes.csv")).Skip(1).Select(l => l.Split(',')).Select(c => (c[0], c[1], c[2]))];

    /// <summary>The table under "Roles and rights": its columns of rights, and the rights with a yes of each role.</summary>
    private static (List<Right> Rights, List<string[]> Rows) Handbook()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs/dev/house.md")).SkipWhile(l => !l.StartsWith("| role |", StringComparison.Ordinal)).TakeWhile(l => l.StartsWith('|')).Select(l => l.Split('|')[1..^1].Select(c => c.Trim()).ToArray()).ToList();
        return ([.. lines[0][2..].Select(Enum.Parse<Right>)], lines[2..]);
    }

    private static Dictionary<Role, List<Right>> Promised()
    {
        var (rights, rows) = Handbook();
        return rows.ToDictionary(r => Kernel.Roles.TryParse(r[0].Split(' ')[0], out var role) ? role : throw new InvalidOperationException(r[0]), r => rights.Where((_, i) => r[i + 2] == "yes").ToList());
    }

    private static string Nothing(string path) => Parameter().Replace(path, m => m.Value.Contains("number", StringComparison.Ordinal) ? "1" : Guid.Empty.ToString());

    private string Real(string path)
    {
        var desk = cast.Desk;
        var people = cast.People[Role.Constituent].Id.ToString();
        var filled = path.StartsWith("/people/", StringComparison.Ordinal) ? path.Replace("{id}", people, StringComparison.Ordinal)
            : path.StartsWith("/settings/", StringComparison.Ordinal) || path.StartsWith("/directory/", StringComparison.Ordinal) || path.StartsWith("/operations/", StringComparison.Ordinal) || path.StartsWith("/local/", StringComparison.Ordinal) ? path
            : desk.Fill(path);
        return Nothing(filled);
    }

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Parameter();
}
