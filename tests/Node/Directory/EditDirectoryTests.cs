using System.Net;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests.AddressBooks;

/// <summary>The address book by its pages: one's own entries change, another team's do not, and nobody's words are lost on the way.</summary>
public class EditDirectoryTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task An_organisation_is_made_changed_shared_and_deleted_with_all_it_has(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var bad = await TestNode.PostFormAsync(smith, "/directory/new", "/directory/new", TeamForm("", ("country", "XX"), ("mail", "no address"), ("slug", "-x")));
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        Assert.All(["name", "country", "mail", "slug"], f => Assert.Contains($"href=\"#{f}\"", bad.Content.ReadAsStringAsync(Ct).Result, StringComparison.Ordinal));
        using var made = await TestNode.PostFormAsync(smith, "/directory/new", "/directory/new", TeamForm("Aoba Net", ("country", "jp"), ("mail", "noc@AOBA.example")));
        Assert.Equal(HttpStatusCode.SeeOther, made.StatusCode);
        await using var db = node.Databases.ForSystem();
        var team = await db.Teams.AsNoTracking().SingleAsync(t => t.Name == "Aoba Net", Ct);
        Assert.Equal(("JP", "noc@aoba.example", false, Tlp.Amber), (team.Country, team.Mail, team.Hosted, team.Marking.Tlp));

        // a contact, then what it answers for
        var page = $"/directory/{team.Id}";
        using var contacted = await TestNode.PostFormAsync(smith, page + "/contacts/new", page + "/contacts/new", ContactForm("Abuse", "abuse@aoba.example"));
        Assert.Equal(HttpStatusCode.SeeOther, contacted.StatusCode);
        using var lines = await LinesAsync(smith, team.Id, "203.0.113.0/24 abuse@aoba.example\nAS64501\naoba.example\n.example\nNZ");
        Assert.Equal(HttpStatusCode.SeeOther, lines.StatusCode);
        var contact = await db.Contacts.AsNoTracking().SingleAsync(Ct);
        Assert.Equal([contact.Id], await db.Constituencies.Where(c => c.Contact != null).Select(c => c.Contact!.Value).ToListAsync(Ct));
        Assert.Equal(Enum.GetValues<ConstituencyKind>().Order(), (await db.Constituencies.Select(c => c.What).ToListAsync(Ct)).Order());

        // for the community: the entry and its parts, and the other team finds them
        using (var minato = await node.SignedInAsync("minato@minato.example"))
        {
            Assert.Equal(HttpStatusCode.NotFound, (await minato.GetAsync(page, Ct)).StatusCode);
            var community = (await db.Communities.SingleAsync(Ct)).Id.Value.ToString("N");
            using var shared = await TestNode.PostFormAsync(smith, page + "/edit", page + "/edit", TeamForm("Aoba Net", ("slug", team.Slug), ("share", community), ("version", "1")));
            Assert.True(shared.StatusCode == HttpStatusCode.SeeOther, await shared.Content.ReadAsStringAsync(Ct));
            var theirs = await minato.GetStringAsync(page, Ct);
            Assert.Contains("abuse@aoba.example", theirs, StringComparison.Ordinal);
            Assert.Contains("203.0.113.0/24", theirs, StringComparison.Ordinal);
        }

        // gone: with a tombstone each, so that a peer learns it
        using var stale = await TestNode.PostFormAsync(smith, page + "/delete", page + "/delete", new() { ["version"] = "1" });
        Assert.Equal($"{page}/delete", stale.Headers.Location!.ToString());
        using var deleted = await TestNode.PostFormAsync(smith, page + "/delete", page + "/delete", new() { ["version"] = "2" });
        Assert.Equal(HttpStatusCode.SeeOther, deleted.StatusCode);
        Assert.Equal((0, 0, 0), (await db.Teams.CountAsync(t => t.Id == team.Id, Ct), await db.Contacts.CountAsync(Ct), await db.Constituencies.CountAsync(Ct)));
        var stones = await db.Set<Tombstone>().AsNoTracking().ToListAsync(Ct);
        Assert.Equal([(Constituency.Kind, 5), (Contact.Kind, 1), (Team.Kind, 1)], stones.GroupBy(s => s.Kind).Select(g => (g.Key, g.Count())).OrderBy(g => g.Key, StringComparer.Ordinal));
        Assert.Equal(HttpStatusCode.NotFound, (await smith.GetAsync(page, Ct)).StatusCode);
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Two_who_change_the_same_entry_are_shown_both_and_choose(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var (team, contact) = await EntryAsync(node, "aozora");
        var page = $"/directory/{team.Id}";

        // the team: Sato's save came first
        await ChangeAsync(node, db => db.Teams, team.Id, t => t.Notes = "by Sato");
        using var conflict = await TestNode.PostFormAsync(smith, page + "/edit", page + "/edit", TeamForm("Aoba Net", ("slug", team.Slug), ("notes", "by Smith"), ("share", "own"), ("version", "1")));
        var html = await conflict.Content.ReadAsStringAsync(Ct);
        Assert.Equal(HttpStatusCode.Conflict, conflict.StatusCode);
        Assert.Contains("by Sato", html, StringComparison.Ordinal);
        Assert.Contains("by Smith", html, StringComparison.Ordinal);
        using var chosen = await TestNode.PostFormAsync(smith, page + "/edit", page + "/edit", FieldsOf(html, mine: ["notes"]));
        Assert.True(chosen.StatusCode == HttpStatusCode.SeeOther, await chosen.Content.ReadAsStringAsync(Ct));

        // the contact: theirs is taken for one field, mine for the other
        await ChangeAsync(node, db => db.Contacts, contact.Id, c => (c.Phone, c.Name) = ("+81 50 0000 1111", "Theirs"));
        var form = ContactForm("Mine", contact.Mail, ("phone", "+81 50 0000 2222"), ("version", "1"));
        using var second = await TestNode.PostFormAsync(smith, $"{page}/contacts/{contact.Id}", $"{page}/contacts/{contact.Id}", form);
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        using var solved = await TestNode.PostFormAsync(smith, $"{page}/contacts/{contact.Id}", $"{page}/contacts/{contact.Id}", FieldsOf(await second.Content.ReadAsStringAsync(Ct), mine: ["contact_name"]));
        Assert.True(solved.StatusCode == HttpStatusCode.SeeOther, await solved.Content.ReadAsStringAsync(Ct));
        await using var db = node.Databases.ForSystem();
        var stored = await db.Contacts.AsNoTracking().SingleAsync(c => c.Id == contact.Id, Ct);
        Assert.Equal(("Mine", "+81 50 0000 1111", 3L), (stored.Name, stored.Phone, stored.Version));
        Assert.Equal("by Smith", (await db.Teams.AsNoTracking().SingleAsync(t => t.Id == team.Id, Ct)).Notes);

        // what it answers for: a set, whose version is what was shown
        var basis = BasisOf(await smith.GetStringAsync(page + "/constituencies", Ct));
        using (await LinesAsync(smith, team.Id, "203.0.113.0/24\nAS64501"))
        {
        }

        using var late = await TestNode.PostFormAsync(smith, page + "/constituencies", page + "/constituencies", new() { ["lines"] = "203.0.113.0/24\naoba.example", ["basis"] = basis });
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        Assert.Contains("AS64501", await late.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        Assert.True(await db.Constituencies.AnyAsync(c => c.Value == "AS64501", Ct));
    }

    [Fact]
    public async Task Lines_that_cannot_be_read_are_told_and_one_that_another_answers_for_is_asked_about_first()
    {
        await using var node = await TestNode.StartAsync();
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var (team, _) = await EntryAsync(node, "aozora");
        using var bad = await LinesAsync(smith, team.Id, "203.0.113.0/24\n999.0.0.0/8\naoba.example nobody@aoba.example\n0.0.0.0/0\nXX");
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        var html = await bad.Content.ReadAsStringAsync(Ct);
        Assert.Contains("999.0.0.0/8", html, StringComparison.Ordinal);
        await using var db = node.Databases.ForSystem();
        Assert.False(await db.Constituencies.AnyAsync(c => c.Team == team.Id, Ct));

        // another of our entries answers for a part of it
        await using (var write = node.Databases.ForSystem())
        {
            var other = new Team { Id = TeamId.New(node.Clock), Marking = team.Marking, Name = "Wakaba Net", Slug = "wakaba", What = TeamKind.Isp };
            write.Teams.Add(other);
            TestDirectory.Piece(write, node, other, null, ConstituencyKind.Prefix, "203.0.113.128/25");
            await write.SaveChangesAsync(Ct);
        }

        using var asked = await LinesAsync(smith, team.Id, "203.0.113.0/24");
        var question = await asked.Content.ReadAsStringAsync(Ct);
        Assert.Equal(HttpStatusCode.OK, asked.StatusCode);
        Assert.Contains("Wakaba Net", question, StringComparison.Ordinal);
        Assert.False(await db.Constituencies.AnyAsync(c => c.Team == team.Id, Ct));
        using var sure = await TestNode.PostFormAsync(smith, $"/directory/{team.Id}/constituencies", $"/directory/{team.Id}/constituencies", new() { ["lines"] = "203.0.113.0/24", ["basis"] = BasisOf(question), ["seen"] = Value(question, "seen") });
        Assert.Equal(HttpStatusCode.SeeOther, sure.StatusCode);
        Assert.True(await db.Constituencies.AnyAsync(c => c.Team == team.Id, Ct));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_team_s_entry_cannot_be_changed_unknown_is_404_known_is_403(bool known)
    {
        await using var node = await TestNode.StartAsync();
        var (team, contact) = await EntryAsync(node, "minato", known ? (await node.TeamAsync("aozora")).Id : null);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var page = $"/directory/{team.Id}";
        Assert.Equal(known ? HttpStatusCode.OK : HttpStatusCode.NotFound, (await smith.GetAsync(page, Ct)).StatusCode);
        var expected = known ? HttpStatusCode.Forbidden : HttpStatusCode.NotFound;
        foreach (var (path, fields) in new (string, Dictionary<string, string>)[]
        {
            (page + "/edit", TeamForm("Taken over", ("slug", team.Slug), ("version", "1"))),
            (page + "/delete", new() { ["version"] = "1" }),
            (page + "/contacts/new", ContactForm("Mallory", "m@evil.example")),
            ($"{page}/contacts/{contact.Id}", ContactForm("Mallory", "m@evil.example", ("version", "1"))),
            ($"{page}/contacts/{contact.Id}/delete", new() { ["version"] = "1" }),
            (page + "/constituencies", new() { ["lines"] = "192.0.2.0/24", ["basis"] = "" }),
        })
        {
            using var opened = await smith.GetAsync(path, Ct);
            Assert.True(opened.StatusCode == expected, $"GET {path}: {(int)opened.StatusCode}");
            using var posted = await TestNode.PostFormAsync(smith, "/directory/new", path, fields);
            Assert.True(posted.StatusCode == expected, $"POST {path}: {(int)posted.StatusCode}");
        }

        await using var db = node.Databases.ForSystem();
        Assert.Equal((team.Name, 1L), (await db.Teams.AsNoTracking().Where(t => t.Id == team.Id).ToListAsync(Ct)).Select(t => (t.Name, t.Version)).Single());
        Assert.Equal((contact.Mail, 1L), (await db.Contacts.AsNoTracking().ToListAsync(Ct)).Select(c => (c.Mail, c.Version)).Single());
        Assert.False(await db.Constituencies.AnyAsync(Ct));
    }

    [Fact]
    public async Task Who_may_not_edit_the_directory_hears_403_and_a_hosted_team_is_not_deleted()
    {
        await using var node = await TestNode.StartAsync();
        var (team, _) = await EntryAsync(node, "aozora");
        using var manager = await node.SignedInAsync("yamamoto@aozora.example");
        Assert.Equal(HttpStatusCode.Forbidden, (await manager.GetAsync($"/directory/{team.Id}/edit", Ct)).StatusCode);
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var own = await node.TeamAsync("aozora");
        Assert.Equal(HttpStatusCode.Forbidden, (await smith.GetAsync($"/directory/{own.Id}/delete", Ct)).StatusCode);
        using var posted = await TestNode.PostFormAsync(smith, "/directory/new", $"/directory/{own.Id}/delete", new() { ["version"] = own.Version.ToString(System.Globalization.CultureInfo.InvariantCulture) });
        Assert.Equal(HttpStatusCode.Forbidden, posted.StatusCode);
    }

    [Theory]
    [InlineData("", "abuse@aoba.example", true)]
    [InlineData("true", "abuse@aoba.example", false)]
    [InlineData("", "abuse2@aoba.example", false)]
    public async Task A_bounce_stays_until_a_person_clears_it_or_gives_another_address(string cleared, string mail, bool stays)
    {
        await using var node = await TestNode.StartAsync();
        var (team, contact) = await EntryAsync(node, "aozora");
        await ChangeAsync(node, db => db.Contacts, contact.Id, c => c.BouncedAt = node.Clock.GetUtcNow());
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var path = $"/directory/{team.Id}/contacts/{contact.Id}";
        Assert.Contains("bounce_cleared", await smith.GetStringAsync(path, Ct), StringComparison.Ordinal);
        using var saved = await TestNode.PostFormAsync(smith, path, path, ContactForm("Abuse", mail, ("version", "2"), ("bounce_cleared", cleared)));
        Assert.Equal(HttpStatusCode.SeeOther, saved.StatusCode);
        await using var db = node.Databases.ForSystem();
        Assert.Equal(stays, (await db.Contacts.AsNoTracking().SingleAsync(Ct)).BouncedAt is not null);
    }

    [Fact]
    public async Task A_deleted_contact_leaves_what_it_answered_for_to_its_organisation_and_a_tombstone()
    {
        await using var node = await TestNode.StartAsync();
        var (team, contact) = await EntryAsync(node, "aozora");
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var lines = await LinesAsync(smith, team.Id, "203.0.113.0/24 abuse@aoba.example");
        Assert.Equal(HttpStatusCode.SeeOther, lines.StatusCode);
        var path = $"/directory/{team.Id}/contacts/{contact.Id}/delete";
        using var deleted = await TestNode.PostFormAsync(smith, path, path, new() { ["version"] = "1" });
        Assert.Equal(HttpStatusCode.SeeOther, deleted.StatusCode);
        await using var db = node.Databases.ForSystem();
        Assert.Null((await db.Constituencies.AsNoTracking().SingleAsync(Ct)).Contact);
        var stone = await db.Set<Tombstone>().AsNoTracking().SingleAsync(Ct);
        // the deletion is the version after the last
        Assert.Equal((Contact.Kind, contact.Id.Value, 2L), (stone.Kind, stone.Record, stone.Version));
    }

    /// <summary>An organisation with one contact, of that team's address book; shared with one more team where given.</summary>
    private static async Task<(Team Team, Contact Contact)> EntryAsync(TestNode node, string owner, TeamId? sharedWith = null)
    {
        await using var db = node.Databases.ForSystem();
        var marking = Marking.Own((await node.TeamAsync(owner)).Id) with { Audience = sharedWith is { } other ? new([Principal.Of(other)]) : PrincipalSet.Empty };
        var team = new Team { Id = TeamId.New(node.Clock), Marking = marking, Name = "Aoba Net", Slug = "aoba-net", What = TeamKind.Isp, Country = "JP" };
        db.Teams.Add(team);
        var contact = TestDirectory.Contact(db, node, team, "Abuse", "abuse@aoba.example");
        await db.SaveChangesAsync(Ct);
        return (team, contact);
    }

    private static async Task ChangeAsync<T, TId>(TestNode node, Func<NodeDb, DbSet<T>> set, TId id, Action<T> change) where T : Record<TId> where TId : struct, IRecordId<TId>
    {
        await using var db = node.Databases.ForSystem();
        change((await set(db).ToListAsync(Ct)).Single(r => r.Id.Equals(id)));
        await db.SaveChangesAsync(Ct);
    }

    private static async Task<HttpResponseMessage> LinesAsync(HttpClient client, TeamId team, string lines)
    {
        var page = $"/directory/{team}/constituencies";
        return await TestNode.PostFormAsync(client, page, page, new() { ["lines"] = lines, ["basis"] = BasisOf(await client.GetStringAsync(page, Ct)) });
    }

    private static string BasisOf(string html) => Value(html, "basis");

    private static string Value(string html, string name) => Regex.Match(html, $"name=\"{Regex.Escape(name)}\" value=\"([^\"]*)\"", RegexOptions.NonBacktracking).Groups[1].Value;

    /// <summary>The conflict page's form as a person sends it: mine for those named, theirs for the rest.</summary>
    private static Dictionary<string, string> FieldsOf(string html, string[] mine)
    {
        var fields = Regex.Matches(html, "name=\"((?:mine\\.|version)[^\"]*)\" value=\"([^\"]*)\"", RegexOptions.NonBacktracking).ToDictionary(m => m.Groups[1].Value, m => WebUtility.HtmlDecode(m.Groups[2].Value), StringComparer.Ordinal);
        foreach (var take in Regex.Matches(html, "name=\"take\\.([^\"]+)\"", RegexOptions.NonBacktracking).Select(m => m.Groups[1].Value).Distinct(StringComparer.Ordinal))
        {
            fields["take." + take] = mine.Contains(take, StringComparer.Ordinal) ? "mine" : "theirs";
        }

        return fields;
    }

    private static Dictionary<string, string> TeamForm(string name, params (string Field, string Value)[] more) =>
        With(new() { ["name"] = name, ["name_latin"] = "", ["slug"] = "", ["kind"] = "isp", ["country"] = "JP", ["mail"] = "", ["phone"] = "", ["hours"] = "", ["notes"] = "", ["share"] = "own" }, more);

    private static Dictionary<string, string> ContactForm(string name, string mail, params (string Field, string Value)[] more) =>
        With(new() { ["contact_name"] = name, ["role"] = "abuse_desk", ["email"] = mail, ["phone"] = "", ["languages"] = "ja en", ["working_hours"] = "平日 9:00-18:00", ["timezone"] = "Asia/Tokyo", ["openpgp"] = "", ["asks_for"] = "text" }, more);

    private static Dictionary<string, string> With(Dictionary<string, string> form, (string Field, string Value)[] more)
    {
        foreach (var (field, value) in more)
        {
            form[field] = value;
        }

        return form;
    }
}
