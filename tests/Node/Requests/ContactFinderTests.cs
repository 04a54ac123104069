using System.Net;
using Renkei.Directories;
using Renkei.Kernel;

namespace Renkei.Node.Tests.Requests;

/// <summary>Who is proposed: the most specific who answers for it, then the wider ones.</summary>
public class ContactFinderTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task The_most_specific_comes_first_and_the_covering_ones_follow(string engine)
    {
        await using var node = await StartAsync(engine);
        Assert.Equal(["prefix28", "prefix24", "prefix8", "asn", "subdomain", "domain", "tld", "country"], await FindAsync(node, new(IPAddress.Parse("203.0.113.20"), 64500, "login.shop.example", "NZ")));
        Assert.Equal(["prefix24", "prefix8"], await FindAsync(node, new(IPAddress.Parse("203.0.113.40"), null, null, null)));
        Assert.Equal(["prefix8"], await FindAsync(node, new(IPAddress.Parse("203.1.0.1"), null, null, null)));
        Assert.Equal(["six48", "six32"], await FindAsync(node, new(IPAddress.Parse("2001:db8:1::9"), null, null, null)));
        Assert.Equal(["six32"], await FindAsync(node, new(IPAddress.Parse("2001:db8:2::9"), null, null, null)));
        Assert.Equal(["domain", "tld"], await FindAsync(node, new(null, null, "shop.example", null)));
        Assert.Equal(["tld"], await FindAsync(node, new(null, null, "myshop.example", null)));
        Assert.Equal(["asn", "country"], await FindAsync(node, new(null, 64500, null, "NZ")));
        Assert.Empty(await FindAsync(node, new(IPAddress.Parse("198.51.100.1"), 64501, "elsewhere.invalid", "FJ")));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task One_whose_mail_came_back_gives_way_to_a_colleague(string engine)
    {
        await using var node = await StartAsync(engine);
        await using (var db = node.Databases.ForSystem())
        {
            var bounced = db.Contacts.Single(c => c.Mail == "asn@contact.example");
            bounced.BouncedAt = node.Clock.GetUtcNow();
            var team = db.Teams.Single(t => t.Slug == "asn");
            TestDirectory.Contact(db, node, team, "colleague", "colleague@contact.example");
            await db.SaveChangesAsync(Ct);
        }

        Assert.Equal(["colleague"], await FindAsync(node, new(null, 64500, null, null)));
    }

    [Theory]
    [MemberData(nameof(Engines.All), MemberType = typeof(Engines))]
    public async Task Another_team_s_private_entry_answers_for_nothing(string engine)
    {
        await using var node = await StartAsync(engine);
        var minato = await node.ViewerOfAsync("minato@minato.example");
        await using var db = node.Databases.For(minato);
        Assert.Empty(await new ContactFinder(db).FindAsync(new(IPAddress.Parse("203.0.113.20"), 64500, "login.shop.example", "NZ"), Ct));
    }

    private static async Task<List<string>> FindAsync(TestNode node, Whereabouts where)
    {
        await using var db = node.Databases.For(await node.ViewerOfAsync("sato@aozora.example"));
        return [.. (await new ContactFinder(db).FindAsync(where, Ct)).Select(m => m.Contact.Name)];
    }

    private static async Task<TestNode> StartAsync(string engine)
    {
        var node = await TestNode.StartAsync(engine);
        await using var db = node.Databases.ForSystem();
        foreach (var (name, kind, value) in new[]
        {
            ("country", ConstituencyKind.Country, "NZ"), ("tld", ConstituencyKind.Tld, "example"), ("domain", ConstituencyKind.Domain, "shop.example"), ("subdomain", ConstituencyKind.Domain, "login.shop.example"),
            ("asn", ConstituencyKind.Asn, "AS64500"), ("prefix8", ConstituencyKind.Prefix, "203.0.0.0/8"), ("prefix28", ConstituencyKind.Prefix, "203.0.113.16/28"), ("prefix24", ConstituencyKind.Prefix, "203.0.113.0/24"),
            ("six32", ConstituencyKind.Prefix, "2001:db8::/32"), ("six48", ConstituencyKind.Prefix, "2001:db8:1::/48"),
        })
        {
            var team = await TestDirectory.TeamAsync(db, node, name, name, name);
            TestDirectory.Piece(db, node, team, TestDirectory.Contact(db, node, team, name, name + "@contact.example"), kind, value);
        }

        await db.SaveChangesAsync(Ct);
        return node;
    }
}
