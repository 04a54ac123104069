using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Directories;
using Renkei.Kernel;

namespace Renkei.Node.Tests.AddressBooks;

/// <summary>A file of contacts: compared line by line, bad lines told, nothing taken away, twice the same as once.</summary>
public class ContactImportTests
{
    private const string Header = "organisation,organisation_latin,kind,country,contact_name,role,email,phone,languages,hours,timezone,openpgp,asks_for,prefixes,asns,domains,countries,tlds\n";

    private const string Isp = "青葉ネット,Aoba Net,isp,JP,青葉ネット Abuse,abuse_desk,abuse@aoba.example,+81 50 0000 0001,ja en,平日 9:00-18:00,Asia/Tokyo,,xarf,203.0.113.0/24 2001:db8:77::/48,AS64501,aoba.example,,\n";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task New_changed_and_unchanged_lines_are_told_apart_and_the_same_file_twice_changes_nothing(string engine)
    {
        await using var node = await TestNode.StartAsync(engine);
        var look = await ImportAsync(node, Header + Isp, apply: false);
        Assert.Equal((1, 0, 0, 0, false), Counts(look));
        await using (var db = node.Databases.ForSystem())
        {
            Assert.False(await db.Teams.AnyAsync(t => t.Name == "青葉ネット", Ct), "a preview stored something");
        }

        Assert.Equal((1, 0, 0, 0, true), Counts(await ImportAsync(node, Header + Isp)));
        Assert.Equal((0, 0, 1, 0, true), Counts(await ImportAsync(node, Header + Isp)));
        await using (var db = node.Databases.ForSystem())
        {
            var team = await db.Teams.AsNoTracking().SingleAsync(t => t.Name == "青葉ネット", Ct);
            var contact = await db.Contacts.AsNoTracking().SingleAsync(c => c.Team == team.Id, Ct);
            Assert.Equal((TeamKind.Isp, "JP", "Aoba Net", (await node.TeamAsync("aozora")).Id, false), (team.What, team.Country, team.NameLatin, team.Marking.Origin, team.Hosted));
            Assert.Equal((ContactRole.AbuseDesk, "abuse@aoba.example", "+81 50 0000 0001", "ja en", AsksFor.Xarf, 1L), (contact.Role, contact.Mail, contact.Phone, contact.Languages, contact.AsksFor, contact.Version));
            Assert.Equal(["2001:db8:77::/48", "203.0.113.0/24", "AS64501", "aoba.example"], (await db.Constituencies.Where(c => c.Team == team.Id).Select(c => c.Value).ToListAsync(Ct)).Order(StringComparer.Ordinal));
        }

        // another phone, a further domain; an empty cell leaves what is there; a second contact is new
        var changed = await ImportAsync(node, Header
            + "青葉ネット,,,,,,abuse@aoba.example,+81 50 0000 0002,,,,,,,,aoba.example aoba-cloud.example,,\n"
            + "青葉ネット,,,,青葉ネット CSIRT,csirt,csirt@aoba.example,,,,,,,,,,,\n");
        Assert.Equal([ImportState.Changed, ImportState.New], changed.Rows.Select(r => r.State));
        Assert.Equal(["phone", "domains"], changed.Rows[0].Changes);
        await using (var db = node.Databases.ForSystem())
        {
            var contact = await db.Contacts.AsNoTracking().SingleAsync(c => c.Mail == "abuse@aoba.example", Ct);
            Assert.Equal(("+81 50 0000 0002", "青葉ネット Abuse", 2L), (contact.Phone, contact.Name, contact.Version));
            Assert.Equal(5, await db.Constituencies.CountAsync(c => c.Team == contact.Team, Ct));
            Assert.Equal(2, await db.Contacts.CountAsync(c => c.Team == contact.Team, Ct));
        }
    }

    [Fact]
    public async Task A_bad_line_is_told_by_line_and_column_and_the_others_go_on()
    {
        await using var node = await TestNode.StartAsync();
        var result = await ImportAsync(node, "organisation,country,email,prefixes,asns,timezone\n"
            + "One,JP,one@one.example,192.0.2.0/25,,\n"
            + "Two,XX,two@two.example,,,\n"
            + "Three,JP,no address,300.0.2.0/24,,\n"
            + ",JP,four@four.example,,,\n"
            + "Five,JP\n"
            + "Six,JP,six@six.example,0.0.0.0/0,ASx,Mars/Base\n"
            + "Seven,JP,seven@seven.example,,64502,Asia/Tokyo\n");
        Assert.Null(result.Fault);
        Assert.Equal([2L, 3, 4, 5, 6, 7, 8], result.Rows.Select(r => r.Line));
        Assert.Equal([ImportState.New, ImportState.Bad, ImportState.Bad, ImportState.Bad, ImportState.Bad, ImportState.Bad, ImportState.New], result.Rows.Select(r => r.State));
        Assert.Equal(["country"], Columns(3));
        Assert.Equal(["email", "prefixes"], Columns(4));
        Assert.Equal(["organisation"], Columns(5));
        Assert.Equal(["directory.import.csv.wrong_column_count"], result.Rows.Single(r => r.Line == 6).Problems.Select(p => p.Key));
        Assert.Equal(["timezone", "prefixes", "asns"], Columns(7));
        await using var db = node.Databases.ForSystem();
        Assert.Equal(["One", "Seven"], (await db.Teams.Where(t => !t.Hosted).Select(t => t.Name).ToListAsync(Ct)).Order(StringComparer.Ordinal));
        // every reason has its words
        var book = node.Services.GetRequiredService<Renkei.Web.TextBook>();
        Assert.All(result.Rows.SelectMany(r => r.Problems), p => Assert.All(Renkei.Web.TextBook.Languages, lang => Assert.NotNull(book.Find(lang, p.Key))));

        IEnumerable<string> Columns(long line) => result.Rows.Single(r => r.Line == line).Problems.Select(p => p.Column);
    }

    [Fact]
    public async Task A_Japanese_spreadsheet_s_CP932_is_read_with_its_own_headings()
    {
        await using var node = await TestNode.StartAsync();
        var cp932 = CodePagesEncodingProvider.Instance.GetEncoding(932)!;
        // NEC and IBM extensions are what tell CP932 from Shift_JIS proper
        var bytes = cp932.GetBytes("組織名,種別,国,担当者名,メールアドレス,電話番号,対応時間,ドメイン\r\n㈱髙橋電機,企業団体,JP,①営業所,info@takahashi.example,０５０－００００－０００３,平日 9:00～17:00,takahashi.example\r\n");
        using var stream = new MemoryStream(bytes);
        await using (var db = node.Databases.ForSystem("test"))
        {
            var result = await node.Services.GetRequiredService<ContactImport>().RunAsync(db, (await node.TeamAsync("aozora")).Id, stream, apply: true, Ct);
            Assert.Equal("Shift_JIS (CP932)", result.Encoding);
            Assert.True(result.Count(ImportState.New) == 1, string.Join(' ', result.Rows.SelectMany(r => r.Problems)));
        }

        await using var after = node.Databases.ForSystem();
        var contact = await after.Contacts.AsNoTracking().SingleAsync(c => c.Mail == "info@takahashi.example", Ct);
        var team = await after.Teams.AsNoTracking().SingleAsync(t => t.Id == contact.Team, Ct);
        Assert.Equal(("㈱髙橋電機", TeamKind.Company, "①営業所", "050-0000-0003"), (team.Name, team.What, contact.Name, contact.Phone));
        Assert.True(WorkingHours.TryParse(contact.WorkingHours, out _), contact.WorkingHours);
    }

    [Fact]
    public async Task What_is_too_much_or_no_file_is_refused_whole()
    {
        await using var node = await TestNode.StartAsync();
        Assert.Equal("directory.import.too_large", (await ImportAsync(node, new string('a', ContactImport.MaxBytes + 1))).Fault!.Key);
        Assert.Equal("directory.import.too_many", (await ImportAsync(node, "organisation\n" + string.Concat(Enumerable.Range(0, ContactImport.MaxRows + 1).Select(i => $"Org {i}\n")))).Fault!.Key);
        Assert.Equal("directory.import.no_organisation", (await ImportAsync(node, "name,mail\na,b\n")).Fault!.Key);
        Assert.NotNull((await ImportAsync(node, "")).Fault);
        using var utf16 = new MemoryStream(Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("組織名\n青\n")).ToArray());
        await using (var db = node.Databases.ForSystem("test"))
        {
            Assert.Equal("directory.import.encoding", (await node.Services.GetRequiredService<ContactImport>().RunAsync(db, (await node.TeamAsync("aozora")).Id, utf16, apply: true, Ct)).Fault!.Key);
            Assert.False(await db.Teams.AnyAsync(t => !t.Hosted, Ct));
        }

        var longCell = await ImportAsync(node, "organisation,domains\nA," + string.Join(' ', Enumerable.Range(0, 900).Select(i => $"d{i}.example")) + "\nB,b.example\n");
        Assert.Equal([ImportState.Bad, ImportState.New], longCell.Rows.Select(r => r.State));
        Assert.Equal(("domains", "directory.bad.long"), (longCell.Rows[0].Problems[0].Column, longCell.Rows[0].Problems[0].Key));
    }

    [Fact]
    public async Task What_the_export_writes_comes_in_again_unchanged_formulas_and_all()
    {
        await using var node = await TestNode.StartAsync();
        await ImportAsync(node, Header + Isp + "\"=HYPERLINK(\"\"x\"\")\",,company,JP,@support,other,help@formula.example,,ja,,Asia/Tokyo,,text,192.0.2.64/26,,formula.example,,jp\n");
        using var smith = await node.SignedInAsync("smith@aozora.example");
        var csv = await smith.GetByteArrayAsync("/directory/export", Ct);
        var text = Encoding.UTF8.GetString(csv);
        Assert.DoesNotContain("\n=", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\n\"=", text, StringComparison.Ordinal);
        Assert.Contains("'=HYPERLINK", text, StringComparison.Ordinal);
        using var stream = new MemoryStream(csv);
        await using var db = node.Databases.ForSystem("test");
        var again = await node.Services.GetRequiredService<ContactImport>().RunAsync(db, (await node.TeamAsync("aozora")).Id, stream, apply: true, Ct);
        Assert.Null(again.Fault);
        Assert.All(again.Rows, r => Assert.True(r.State == ImportState.Unchanged || r.Problems.Any(p => p.Key == "directory.bad.foreign"), $"{r.Organisation}: {r.State} {string.Join(' ', r.Changes)} {string.Join(' ', r.Problems.Select(p => p.Column + p.Key))}"));
        Assert.Equal(2, again.Rows.Count(r => r.Organisation is "青葉ネット" or "=HYPERLINK(\"x\")"));
    }

    [Fact]
    public async Task Another_team_s_entry_is_left_alone_and_its_hidden_ones_are_not_told_of()
    {
        await using var node = await TestNode.StartAsync();
        await ImportAsync(node, "organisation,email\nHidden Org,a@hidden.example\n", team: "minato");
        // the sample teams are known to all: an entry of that name is its own team's
        var result = await ImportAsync(node, "organisation,email\nみなと大学 CSIRT,evil@minato.example\nHidden Org,b@hidden.example\n");
        Assert.Equal((ImportState.Bad, "directory.bad.foreign"), (result.Rows[0].State, result.Rows[0].Problems[0].Key));
        Assert.Equal(ImportState.New, result.Rows[1].State);
        await using var db = node.Databases.ForSystem();
        Assert.False(await db.Contacts.AnyAsync(c => c.Mail == "evil@minato.example", Ct));
        Assert.Equal(2, await db.Teams.CountAsync(t => t.Name == "Hidden Org", Ct));
    }

    [Fact]
    public async Task On_the_page_it_is_shown_first_and_stored_on_the_second_step_only()
    {
        await using var node = await TestNode.StartAsync();
        using var smith = await node.SignedInAsync("smith@aozora.example");
        using var looked = await UploadAsync(smith, Header + Isp + "Bad,,nonsense,,,,,,,,,,,,,,,\n");
        var html = await looked.Content.ReadAsStringAsync(Ct);
        Assert.Equal(HttpStatusCode.OK, looked.StatusCode);
        var held = Regex.Match(html, "name=\"held\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value;
        Assert.NotEmpty(held);
        Assert.Contains("nonsense", html, StringComparison.Ordinal);
        // the ticket is this team's: another team's desk can do nothing with it
        using (var minato = await node.SignedInAsync("minato@minato.example"))
        using (var stolen = await TestNode.PostFormAsync(minato, "/directory/import", "/directory/import/apply", new() { ["held"] = held }))
        {
            Assert.Equal(HttpStatusCode.BadRequest, stolen.StatusCode);
        }

        using (var forged = await TestNode.PostFormAsync(smith, "/directory/import", "/directory/import/apply", new() { ["held"] = "forged" }))
        {
            Assert.Equal(HttpStatusCode.BadRequest, forged.StatusCode);
        }

        await using var db = node.Databases.ForSystem();
        Assert.False(await db.Teams.AnyAsync(t => !t.Hosted, Ct));
        using var applied = await TestNode.PostFormAsync(smith, "/directory/import", "/directory/import/apply", new() { ["held"] = held });
        Assert.Equal(HttpStatusCode.OK, applied.StatusCode);
        Assert.Equal(["青葉ネット"], await db.Teams.Where(t => !t.Hosted).Select(t => t.Name).ToListAsync(Ct));
        using var manager = await node.SignedInAsync("yamamoto@aozora.example");
        using var refused = await manager.GetAsync("/directory/import", Ct);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    private static async Task<HttpResponseMessage> UploadAsync(HttpClient client, string csv)
    {
        var html = await client.GetStringAsync("/directory/import", Ct);
        using var form = new MultipartFormDataContent
        {
            { new StringContent(Regex.Match(html, "name=\"csrf\" value=\"([^\"]+)\"", RegexOptions.NonBacktracking).Groups[1].Value), "csrf" },
            { new ByteArrayContent(Encoding.UTF8.GetBytes(csv)), "file", "contacts.csv" },
            { new StringContent(""), "pasted" },
        };
        return await client.PostAsync("/directory/import", form, Ct);
    }

    private static (int New, int Changed, int Unchanged, int Bad, bool Applied) Counts(ContactImportResult r) => (r.Count(ImportState.New), r.Count(ImportState.Changed), r.Count(ImportState.Unchanged), r.Count(ImportState.Bad), r.Applied);

    private static async Task<ContactImportResult> ImportAsync(TestNode node, string csv, bool apply = true, string team = "aozora")
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(csv));
        await using var db = node.Databases.ForSystem("test");
        return await node.Services.GetRequiredService<ContactImport>().RunAsync(db, (await node.TeamAsync(team)).Id, stream, apply, Ct);
    }
}
