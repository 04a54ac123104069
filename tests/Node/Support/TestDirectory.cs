using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Tests;

/// <summary>Entries of a directory, put in without its pages. GREEN for anyone on the node to find.</summary>
internal static class TestDirectory
{
    public static async Task<Team> TeamAsync(NodeDb db, TestNode node, string slug, string ja, string en, TeamKind kind = TeamKind.Csirt)
    {
        var team = new Team { Id = TeamId.New(node.Clock), Marking = await OwnAsync(node), Name = ja, NameLatin = en, Slug = slug, What = kind };
        db.Teams.Add(team);
        return team;
    }

    public static Contact Contact(NodeDb db, TestNode node, Team team, string name, string mail)
    {
        var contact = new Contact { Id = ContactId.New(node.Clock), Marking = team.Marking, Team = team.Id, Name = name, Role = ContactRole.AbuseDesk, Mail = mail, Languages = "en" };
        db.Contacts.Add(contact);
        return contact;
    }

    public static void Piece(NodeDb db, TestNode node, Team team, Contact? contact, ConstituencyKind kind, string value)
    {
        var (from, to, length) = kind == ConstituencyKind.Prefix ? ContactFinder.Range(value) : ("", "", 0);
        db.Constituencies.Add(new Constituency { Id = ConstituencyId.New(node.Clock), Marking = team.Marking, Team = team.Id, Contact = contact?.Id, What = kind, Value = value, From = from, To = to, Length = length });
    }

    private static async Task<Marking> OwnAsync(TestNode node) => Marking.Own((await node.TeamAsync("aozora")).Id);
}
