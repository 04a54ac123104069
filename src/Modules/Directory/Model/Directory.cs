using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Directories;

/// <summary>What an organisation is to the desk.</summary>
public enum TeamKind
{
    Csirt,
    NationalCsirt,
    Isp,
    Hoster,
    Registrar,
    Vendor,
    Company,
    Other,
}

/// <summary>
/// A team or organisation that the directory knows. Those with <see cref="Hosted"/> work on this node; the others are whom they ask.
/// Marked like any record: an entry of one team's address book is that team's.
/// </summary>
public sealed class Team : Record<TeamId>, ISearchable
{
    public const string Kind = "team";

    public required string Name { get; set; }

    /// <summary>The name in Latin letters, for those who read English.</summary>
    public string? NameLatin { get; set; }

    /// <summary>Short lower-case name, in addresses such as <c>/report/{team}</c>; unique on the node.</summary>
    public required string Slug { get; set; }

    public required TeamKind What { get; set; }

    /// <summary>ISO 3166-1 alpha-2.</summary>
    public string? Country { get; set; }

    /// <summary>True when the team's people work on this node.</summary>
    public bool Hosted { get; set; }

    /// <summary>Takes reports through the public form.</summary>
    public bool TakesReports { get; set; }

    public string? Mail { get; set; }

    public string? Phone { get; set; }

    /// <summary>When the phone is answered, in words.</summary>
    public string? Hours { get; set; }

    public string? Notes { get; set; }

    public override string RecordKind => Kind;

    /// <summary>The name for a reader of <paramref name="language"/>.</summary>
    public string NameIn(string language) => string.Equals(language, "ja", StringComparison.Ordinal) ? Name : NameLatin ?? Name;

    public IEnumerable<SearchText> SearchTexts() => [new(new(Kind, Id.Value), "main", Name, $"{Name} {NameLatin} {Slug} {Mail}", FieldClass.Content, Marking.Origin)];
}

/// <summary>What a contact answers for in its organisation; also who a template speaks to.</summary>
public enum ContactRole
{
    Csirt,
    AbuseDesk,
    Administrator,
    Registrar,
    Upstream,
    Management,
    Other,
}

/// <summary>How a contact wants to be asked.</summary>
public enum AsksFor
{
    Text,
    Xarf,
    Csv,
}

/// <summary>Whom to ask at an organisation: a desk or a person, with languages and hours.</summary>
public sealed class Contact : Record<ContactId>, ISearchable
{
    public const string Kind = "contact";

    public required TeamId Team { get; set; }

    public required string Name { get; set; }

    public required ContactRole Role { get; set; }

    public required string Mail { get; set; }

    public string? Phone { get; set; }

    /// <summary>Space-separated, best first: <c>ja en</c>.</summary>
    public string Languages { get; set; } = "ja";

    /// <summary>In words, such as <c>Mon-Fri 9:00-18:00</c>.</summary>
    public string? WorkingHours { get; set; }

    /// <summary>IANA zone of the working hours.</summary>
    public string Zone { get; set; } = "Asia/Tokyo";

    /// <summary>40 or 64 hex digits, upper case; verified or not is the trust capability's.</summary>
    public string? OpenPgpFingerprint { get; set; }

    public AsksFor AsksFor { get; set; }

    /// <summary>Set when mail to it bounced; cleared by a person.</summary>
    public DateTimeOffset? BouncedAt { get; set; }

    public override string RecordKind => Kind;

    /// <summary>The language to write in: ja or en, the first of theirs that templates exist in.</summary>
    public string Language => Languages.Split(' ').FirstOrDefault(l => l is "ja" or "en") ?? "en";

    public IEnumerable<SearchText> SearchTexts() => [new(new(Kind, Id.Value), "main", Name, $"{Name} {Mail} {Phone} {OpenPgpFingerprint}", FieldClass.Content, Marking.Origin)];
}

public enum ConstituencyKind
{
    Prefix,
    Asn,
    Domain,
    Tld,
    Country,
}

/// <summary>A piece of the Internet that an organisation answers for, and which of its contacts does.</summary>
public sealed class Constituency : Record<ConstituencyId>
{
    public const string Kind = "constituency";

    public required TeamId Team { get; set; }

    /// <summary>The contact that answers; null: any of the team's.</summary>
    public ContactId? Contact { get; set; }

    public required ConstituencyKind What { get; set; }

    /// <summary>Canonical: <c>203.0.113.0/24</c>, <c>AS64501</c>, <c>hosting.example</c>, <c>jp</c>, <c>JP</c>.</summary>
    public required string Value { get; set; }

    /// <summary>First address of a prefix as 32 hex digits (IPv4 mapped), so that the database can search ranges; empty for other kinds.</summary>
    public string From { get; set; } = "";

    public string To { get; set; } = "";

    /// <summary>Prefix length in the IPv6 form (IPv4 plus 96): the more specific the longer.</summary>
    public int Length { get; set; }

    public override string RecordKind => Kind;
}

/// <summary>An association of teams on this node or beyond.</summary>
public sealed class Community
{
    public required CommunityId Id { get; init; }

    public required string Name { get; set; }

    public string? NameLatin { get; set; }
}

/// <summary>One team's standing in a community. The members of an epoch are replaced as a whole, never added up.</summary>
public sealed class CommunityMember : IAuditedForTeam
{
    public required CommunityId Community { get; init; }

    public required TeamId Team { get; init; }

    public required DateTimeOffset Since { get; init; }

    public TeamId? AuditTeam => Team;
}

/// <summary>A working group or sharing group, as far as the read rule needs it now: who is in it.</summary>
public sealed class GroupMember : IAuditedForTeam
{
    public required GroupId Group { get; init; }

    public required PersonId Person { get; init; }

    public required DateTimeOffset Since { get; init; }

    public TeamId? AuditTeam => null;
}

/// <summary>Someone with an account on this node, and how they like their pages.</summary>
public sealed class Person
{
    public required PersonId Id { get; init; }

    public required string Name { get; set; }

    public string? NameLatin { get; set; }

    public string Language { get; set; } = "ja";

    public string Zone { get; set; } = "Asia/Tokyo";

    public string Theme { get; set; } = "light";

    public bool Keys { get; set; } = true;

    /// <summary>The team they work for now, of those they have a role in.</summary>
    public TeamId? ActsFor { get; set; }

    public string NameIn(string language) => string.Equals(language, "ja", StringComparison.Ordinal) ? Name : NameLatin ?? Name;
}

/// <summary>One role of one person in one team.</summary>
public sealed class Membership : IAuditedForTeam
{
    public required PersonId Person { get; init; }

    public required TeamId Team { get; init; }

    public required Role Role { get; init; }

    public required DateTimeOffset Since { get; init; }

    public TeamId? AuditTeam => Team;
}

/// <summary>The directory's tables.</summary>
public sealed class DirectoryModel : IModelPart
{
    public void Configure(ModelBuilder model, NodeDb db)
    {
        model.Entity<Team>(e =>
        {
            e.ToTable("Teams");
            db.MapRecord<Team, TeamId>(e);
            e.HasIndex(t => t.Slug).IsUnique();
        });
        model.Entity<Contact>(e =>
        {
            e.ToTable("Contacts");
            db.MapRecord<Contact, ContactId>(e);
            e.Ignore(c => c.Language);
            e.HasIndex(c => c.Team);
            e.HasIndex(c => c.Mail);
        });
        model.Entity<Constituency>(e =>
        {
            e.ToTable("Constituencies");
            db.MapRecord<Constituency, ConstituencyId>(e);
            e.HasIndex(c => new { c.What, c.Value });
            e.HasIndex(c => new { c.What, c.From });
            e.HasIndex(c => c.Team);
        });
        model.Entity<Community>(e => { e.ToTable("Communities"); e.HasKey(c => c.Id); });
        model.Entity<CommunityMember>(e => { e.ToTable("CommunityMembers"); e.HasKey(c => new { c.Community, c.Team }); e.Ignore(c => c.AuditTeam); });
        model.Entity<GroupMember>(e => { e.ToTable("GroupMembers"); e.HasKey(c => new { c.Group, c.Person }); e.Ignore(c => c.AuditTeam); });
        model.Entity<Membership>(e =>
        {
            e.ToTable("Memberships");
            e.HasKey(m => new { m.Person, m.Team, m.Role });
            e.HasIndex(m => m.Team);
            e.Ignore(m => m.AuditTeam);
            db.SeenByTeam(e, m => m.Team, m => m.Person);
        });
        model.Entity<Person>(e =>
        {
            e.ToTable("People");
            e.HasKey(p => p.Id);
            db.SeenByColleagues<Person, Membership>(e, p => p.Id, m => m.Person);
        });
    }
}

public static class DirectoryTables
{
    extension(NodeDb db)
    {
        public DbSet<Team> Teams => db.Set<Team>();

        public DbSet<Contact> Contacts => db.Set<Contact>();

        public DbSet<Constituency> Constituencies => db.Set<Constituency>();

        public DbSet<Community> Communities => db.Set<Community>();

        public DbSet<CommunityMember> CommunityMembers => db.Set<CommunityMember>();

        public DbSet<GroupMember> GroupMembers => db.Set<GroupMember>();

        public DbSet<Person> People => db.Set<Person>();

        public DbSet<Membership> Memberships => db.Set<Membership>();
    }
}
