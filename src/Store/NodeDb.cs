using System.Linq.Expressions;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>A module's part of the one model.</summary>
public interface IModelPart
{
    void Configure(ModelBuilder model, NodeDb db);
}

/// <summary>
/// The only database context. It cannot be made without a <see cref="Viewer"/>: every marked record and every child of one is filtered
/// by the grants that this viewer has. No pooling: a pooled context froze its first viewer (notes on the read rule).
/// </summary>
public sealed partial class NodeDb : IdentityUserContext<Account, Guid>
{
    /// <summary>The name of the one query filter. Switching it off is a build error.</summary>
    public const string ReadRuleFilter = "read-rule";

    private readonly DbContextOptions<NodeDb> _options;
    private readonly NodeContext _node;

    internal NodeDb(DbContextOptions<NodeDb> options, Viewer viewer, NodeContext node) : base(options)
    {
        Viewer = viewer;
        _options = options;
        _node = node;
        SeesAll = viewer.IsSystem;
        Principals = [.. viewer.Principals];
        Standing = [.. viewer.Standing];
        AuditTeams = [.. viewer.TeamsWith(Right.ReadAudit)];
        MyTeams = [.. viewer.Roles.Select(r => r.Team).Concat(viewer.Team is { } acts ? [acts] : []).Distinct()];
        SeesNodeAudit = viewer.HasAnywhere(Right.OperateNode);
        Me = viewer.Person ?? new PersonId(Guid.Empty);
        ChangeTracker.Tracked += (_, e) =>
        {
            if (e.FromQuery && e.Entry.Entity is IListed listed and IRecord record)
            {
                _places[record.RecordKey] = listed.ListPlace;
            }
        };
    }

    public Viewer Viewer { get; }

    public DbSet<Grant> Grants => Set<Grant>();

    public DbSet<Denial> Denials => Set<Denial>();

    public DbSet<Tombstone> Tombstones => Set<Tombstone>();

    public DbSet<Lease> Leases => Set<Lease>();

    public DbSet<Sequence> Sequences => Set<Sequence>();

    public DbSet<IdempotencyEntry> Idempotency => Set<IdempotencyEntry>();

    public DbSet<NodeFact> NodeFacts => Set<NodeFact>();

    public DbSet<OutboxMessage> Outbox => Set<OutboxMessage>();

    public DbSet<BlobRow> Blobs => Set<BlobRow>();

    public DbSet<AuditEntry> Audit => Set<AuditEntry>();

    public DbSet<SearchEntry> SearchEntries => Set<SearchEntry>();

    public DbSet<Session> Sessions => Set<Session>();

    public DbSet<ApiToken> Tokens => Set<ApiToken>();

    public DbSet<Notification> Notifications => Set<Notification>();

    internal DateTimeOffset Now => _node.Clock.GetUtcNow();

    internal bool IsPostgres => string.Equals(Database.ProviderName, "Npgsql.EntityFrameworkCore.PostgreSQL", StringComparison.Ordinal);

    // what the filters compare with; members of the context, so that EF asks this instance and not the one the model was built with
    private bool SeesAll { get; }

    private string[] Principals { get; }

    private string[] Standing { get; }

    private TeamId[] AuditTeams { get; }

    private TeamId[] MyTeams { get; }

    private bool SeesNodeAudit { get; }

    private PersonId Me { get; }

    protected override Version SchemaVersion => IdentitySchemaVersions.Version3;

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        base.ConfigureConventions(configurationBuilder);
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<MicrosConverter>();
        configurationBuilder.Properties<PrincipalSet>().HaveConversion<PrincipalSetConverter, PrincipalSetComparer>();
        foreach (var id in typeof(TeamId).Assembly.GetTypes().Where(t => t.IsValueType && !t.IsGenericType && t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRecordId<>))))
        {
            configurationBuilder.Properties(id).HaveConversion(typeof(RecordIdConverter<>).MakeGenericType(id));
        }
    }

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        MapPasskeys(builder);
        builder.Entity<Grant>(e =>
        {
            e.ToTable("Grants");
            e.HasKey(g => new { g.Principal, g.Kind, g.State, g.Sort, g.Record });
            e.HasIndex(g => new { g.Record, g.Principal });
            e.Property(g => g.Principal).HasMaxLength(64);
            e.Property(g => g.Kind).HasMaxLength(32);
        });
        builder.Entity<Denial>(e =>
        {
            e.ToTable("Denials");
            e.HasKey(d => new { d.Record, d.Principal });
            e.Property(d => d.Principal).HasMaxLength(64);
        });
        builder.Entity<Tombstone>(e => { e.ToTable("Tombstones"); e.HasKey(t => t.Record); });
        builder.Entity<Lease>(e => { e.ToTable("Leases"); e.HasKey(l => l.Name); });
        builder.Entity<Sequence>(e => { e.ToTable("Sequences"); e.HasKey(s => s.Name); });
        builder.Entity<IdempotencyEntry>(e => { e.ToTable("Idempotency"); e.HasKey(i => i.Key); e.HasIndex(i => i.At); });
        builder.Entity<NodeFact>(e => { e.ToTable("NodeFacts"); e.HasKey(f => f.Name); });
        builder.Entity<OutboxMessage>(e =>
        {
            e.ToTable("Outbox");
            e.HasKey(o => o.Id);
            e.HasIndex(o => o.Key).IsUnique();
            e.HasIndex(o => new { o.State, o.DueAt });
            e.HasIndex(o => o.Record);
        });
        builder.Entity<BlobRow>(e => { e.ToTable("Blobs"); e.HasKey(b => b.Sha256); });
        builder.Entity<AuditEntry>(e =>
        {
            e.ToTable("Audit");
            e.HasKey(a => a.Seq);
            e.Property(a => a.Seq).ValueGeneratedOnAdd();
            e.HasIndex(a => new { a.Team, a.Seq });
            e.HasIndex(a => a.Record);
            e.HasQueryFilter(ReadRuleFilter, a => SeesAll || (a.Team == null ? SeesNodeAudit : AuditTeams.Contains(a.Team.Value)));
        });
        builder.Entity<SearchEntry>(e =>
        {
            e.ToTable("SearchEntries");
            e.HasKey(s => s.Id);
            e.Property(s => s.Id).ValueGeneratedOnAdd();
            e.HasIndex(s => new { s.Record, s.Part }).IsUnique();
            e.HasQueryFilter(ReadRuleFilter, ByGrants<SearchEntry>(s => s.Record));
        });
        builder.Entity<Session>(e => { e.ToTable("Sessions"); e.HasKey(s => s.Id); e.HasIndex(s => s.Account); });
        builder.Entity<ApiToken>(e => { e.ToTable("ApiTokens"); e.HasKey(t => t.Id); e.HasIndex(t => t.Hash).IsUnique(); });
        builder.Entity<Notification>(e =>
        {
            e.ToTable("Notifications");
            e.HasKey(n => n.Id);
            e.HasIndex(n => new { n.Person, n.At });
            e.HasQueryFilter(ReadRuleFilter, n => SeesAll || n.Person == Me);
        });
        foreach (var part in _node.Parts)
        {
            part.Configure(builder, this);
        }
    }

    /// <summary>
    /// Identity's schema 3 table for WebAuthn credentials. The base class asks the application's services for the schema version, and this
    /// context has none of those, so it stays with the first and leaves the table out.
    /// </summary>
    private static void MapPasskeys(ModelBuilder builder)
    {
        builder.Entity<Account>().HasMany<IdentityUserPasskey<Guid>>().WithOne().HasForeignKey(p => p.UserId).IsRequired();
        builder.Entity<IdentityUserPasskey<Guid>>(e =>
        {
            e.ToTable("AspNetUserPasskeys");
            e.HasKey(p => p.CredentialId);
            e.Property(p => p.CredentialId).HasMaxLength(1024);
            e.OwnsOne(p => p.Data).ToJson();
        });
    }

    /// <summary>Maps what all shareable records have and puts the read rule on the entity.</summary>
    public void MapRecord<T, TId>(EntityTypeBuilder<T> entity) where T : Record<TId> where TId : struct, IRecordId<TId>
    {
        entity.HasKey(r => r.Id);
        entity.Property(r => r.Id).ValueGeneratedNever();
        entity.Property(r => r.Version).IsConcurrencyToken();
        entity.Property(r => r.ContentHash).HasMaxLength(64);
        entity.Ignore(r => r.RecordKind);
        entity.Ignore(r => r.RecordKey);
        entity.Ignore(r => r.ListPlace);
        entity.ComplexProperty(r => r.Marking, m =>
        {
            m.Property(x => x.Tlp).HasColumnName("Tlp");
            m.Property(x => x.Pap).HasColumnName("Pap");
            m.Property(x => x.Origin).HasColumnName("OriginTeam");
            m.Property(x => x.Audience).HasColumnName("Audience");
            m.Property(x => x.Exclusions).HasColumnName("Exclusions");
            m.Property(x => x.IepPolicy).HasColumnName("IepPolicy");
            m.Property(x => x.Exercise).HasColumnName("Exercise");
            m.Property(x => x.Embargo).HasColumnName("Embargo");
            m.Property(x => x.Expires).HasColumnName("Expires");
        });
        entity.HasQueryFilter(ReadRuleFilter, ByGrants<T>(IdAsGuid<T, TId>(r => r.Id)));
    }

    /// <summary>Puts the root's read rule on a child: directly on the grants, since a child without a filter leaks (notes on the read rule).</summary>
    public void MapChild<T, TId>(EntityTypeBuilder<T> entity, Expression<Func<T, TId>> root) where T : class, IChild where TId : struct, IRecordId<TId>
    {
        entity.Ignore(c => c.Root);
        entity.HasQueryFilter(ReadRuleFilter, ByGrants<T>(IdAsGuid(root)));
    }

    /// <summary>Puts two roots' read rules on a link: whoever may not know of either end does not know of the link.</summary>
    public void MapLink<T, TA, TB>(EntityTypeBuilder<T> entity, Expression<Func<T, TA>> one, Expression<Func<T, TB>> other) where T : class, IChild where TA : struct, IRecordId<TA> where TB : struct, IRecordId<TB>
    {
        entity.Ignore(c => c.Root);
        var first = ByGrants<T>(IdAsGuid(one));
        var second = ByGrants<T>(IdAsGuid(other));
        var body = Expression.AndAlso(first.Body, new Replace(second.Parameters[0], first.Parameters[0]).Visit(second.Body)!);
        entity.HasQueryFilter(ReadRuleFilter, Expression.Lambda<Func<T, bool>>(body, first.Parameters));
    }

    /// <summary>Seen by those with any role in the row's team, and by the person it is about.</summary>
    public void SeenByTeam<T>(EntityTypeBuilder<T> entity, Expression<Func<T, TeamId>> team, Expression<Func<T, PersonId>> person) where T : class
    {
        Expression<Func<TeamId, PersonId, bool>> rule = (t, p) => SeesAll || p == Me || MyTeams.Contains(t);
        var row = team.Parameters[0];
        var body = new Replace(rule.Parameters[0], team.Body).Visit(rule.Body)!;
        body = new Replace(rule.Parameters[1], new Replace(person.Parameters[0], row).Visit(person.Body)!).Visit(body)!;
        entity.HasQueryFilter(ReadRuleFilter, Expression.Lambda<Func<T, bool>>(body, row));
    }

    /// <summary>A person: seen by themselves and by those who share a team with them.</summary>
    public void SeenByColleagues<T, TMembership>(EntityTypeBuilder<T> entity, Expression<Func<T, PersonId>> id, Expression<Func<TMembership, PersonId>> member) where T : class where TMembership : class
    {
        // the memberships have their own filter, so that only those of the viewer's teams count
        Expression<Func<PersonId, bool>> rule = p => SeesAll || p == Me || Set<TMembership>().Select(member).Contains(p);
        entity.HasQueryFilter(ReadRuleFilter, Expression.Lambda<Func<T, bool>>(new Replace(rule.Parameters[0], id.Body).Visit(rule.Body)!, id.Parameters));
    }

    /// <summary>The read rule in LINQ; <see cref="ReadRule.Allows"/> is the same rule over one marking, and a property test holds them equal.</summary>
    private Expression<Func<T, bool>> ByGrants<T>(Expression<Func<T, Guid>> key)
    {
        Expression<Func<Guid, bool>> rule = id => SeesAll
            || (Set<Grant>().Any(g => g.Record == id && Principals.Contains(g.Principal) && g.From <= Now && g.Until > Now)
                && !Set<Denial>().Any(d => d.Record == id && Standing.Contains(d.Principal)));
        var body = new Replace(rule.Parameters[0], key.Body).Visit(rule.Body)!;
        return Expression.Lambda<Func<T, bool>>(body, key.Parameters);
    }

    /// <summary>A typed id column as the plain value that the grants hold; the database sees the column itself.</summary>
    private static Expression<Func<T, Guid>> IdAsGuid<T, TId>(Expression<Func<T, TId>> id) =>
        Expression.Lambda<Func<T, Guid>>(Expression.Convert(Expression.Convert(id.Body, typeof(object)), typeof(Guid)), id.Parameters);

    private sealed class Replace(Expression from, Expression to) : ExpressionVisitor
    {
        public override Expression? Visit(Expression? node) => node == from ? to : base.Visit(node);
    }
}

/// <summary>UTC microseconds in a 64-bit column on both databases: ordered, exact, the same everywhere.</summary>
internal sealed class MicrosConverter() : ValueConverter<DateTimeOffset, long>(
    v => (v.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / 10,
    v => v >= 253402300799999999 ? DateTimeOffset.MaxValue : new DateTimeOffset((v * 10) + DateTimeOffset.UnixEpoch.Ticks, TimeSpan.Zero));

internal sealed class RecordIdConverter<TId>() : ValueConverter<TId, Guid>(v => v.Value, v => Back(v)) where TId : struct, IRecordId<TId>
{
    private static TId Back(Guid value) => TId.From(value);
}

internal sealed class PrincipalSetConverter() : ValueConverter<PrincipalSet, string>(v => v.ToText(), v => PrincipalSet.FromText(v));

internal sealed class PrincipalSetComparer() : ValueComparer<PrincipalSet>((a, b) => object.Equals(a, b), v => v.GetHashCode(), v => v);
