using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>
/// The one way to the database: in the transaction of a change go its version, hash, grants, tombstone, search text and audit entries.
/// </summary>
public sealed partial class NodeDb
{
    private static readonly HashSet<string> NotContent = new(StringComparer.Ordinal)
    {
        nameof(IRecord.Version), nameof(IRecord.ContentHash), "UpdatedAt",
    };

    private readonly List<AuditNote> _notes = [];

    /// <summary>List places as last stored, so that a save that moves nothing leaves the grants alone.</summary>
    private readonly Dictionary<Guid, (short State, long Sort)> _places = [];

    /// <summary>Who is named in the audit log when it is not the viewer's person: a token, a job.</summary>
    internal string? ActorName { get; init; }

    private string Actor => ActorName ?? (Viewer.Person is { } person ? "person:" + person : Viewer.Kind switch
    {
        ViewerKind.System => "system",
        ViewerKind.Public => "public",
        _ => "team:" + Viewer.Team,
    });

    /// <summary>Adds an act to the audit log with the next save.</summary>
    public void Note(AuditNote note) => _notes.Add(note);

    /// <summary>Puts an effect into the outbox with the next save; the same <paramref name="key"/> never enters twice.</summary>
    public void Send<T>(string type, string key, T payload, TeamId? team = null, RecordRef? record = null, DateTimeOffset? due = null) =>
        Outbox.Add(new OutboxMessage
        {
            Id = Guid.CreateVersion7(Now),
            Type = type,
            Key = key,
            Payload = JsonSerializer.Serialize(payload, JsonSerializerOptions.Web),
            Team = team,
            RecordKind = record?.Kind,
            Record = record?.Id,
            CreatedAt = Now,
            DueAt = due ?? Now,
        });

    public override int SaveChanges(bool acceptAllChangesOnSuccess) =>
        throw new NotSupportedException("Save with SaveChangesAsync: the store's own rows are written there.");

    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        ChangeTracker.DetectChanges();
        var now = Now;
        var entries = ChangeTracker.Entries().Where(e => e.State is EntityState.Added or EntityState.Modified or EntityState.Deleted).ToList();
        var touched = new List<RecordRef>();
        var regrant = new List<Guid>();
        var audit = new List<AuditEntry>();
        var search = new List<SearchText>();
        var unsearch = new List<Guid>();
        var outbox = false;
        var isNew = entries.Where(e => e.State == EntityState.Added && e.Entity is IRecord).Select(e => ((IRecord)e.Entity).RecordKey).ToHashSet();
        foreach (var entry in entries)
        {
            switch (entry.Entity)
            {
                case AuditEntry when entry.State != EntityState.Added:
                    throw new InvalidOperationException("The audit log is append-only.");
                case IRecord record:
                    Prepare(entry, record, now, regrant, audit, unsearch);
                    touched.Add(new(record.RecordKind, record.RecordKey));
                    break;
                case IChild child when entry.State == EntityState.Added && isNew.Contains(child.Root.Id):
                    // part of the record's creation, which has its entry
                    break;
                case IChild child:
                    audit.Add(ChildEntry(entry, child, now));
                    touched.Add(child.Root);
                    break;
                case OutboxMessage:
                    outbox |= entry.State == EntityState.Added;
                    break;
                case Grant or Denial or Tombstone or Lease or Sequence or IdempotencyEntry or BlobRow or AuditEntry or SearchEntry or Session or Notification:
                    break;
                case not null when entry.Metadata.IsOwned():
                    // told with its owner
                    break;
                default:
                    audit.Add(OtherEntry(entry, now));
                    break;
            }

            if (entry.Entity is ISearchable searchable && entry.State != EntityState.Deleted)
            {
                search.AddRange(searchable.SearchTexts());
            }
        }

        foreach (var note in _notes)
        {
            audit.Add(Entry(now, note.Team, note.Action, note.Record?.Kind, note.Record?.Id, null, note.Detail));
        }

        Audit.AddRange(audit);
        // whatever becomes of this save, a later one does not repeat it; and nothing follows a change that was given up
        var following = _following.Where(f => entries.Exists(e => ReferenceEquals(e.Entity, f.Leader))).Select(f => f.Follow).ToArray();
        _following.Clear();
        var own = Database.CurrentTransaction is null && (regrant.Count > 0 || search.Count > 0 || unsearch.Count > 0 || following.Length > 0) ? await Database.BeginTransactionAsync(cancellationToken) : null;
        try
        {
            // before the old grants go: without them the viewer would not find the search text that is there, and would write it twice
            await IndexAsync(search, isNew, now, cancellationToken);
            if (unsearch.Count > 0)
            {
                await SearchEntries.Where(s => unsearch.Contains(s.Record)).ExecuteDeleteAsync(cancellationToken);
            }

            if (regrant.Count > 0)
            {
                await Grants.Where(g => regrant.Contains(g.Record)).ExecuteDeleteAsync(cancellationToken);
                await Denials.Where(d => regrant.Contains(d.Record)).ExecuteDeleteAsync(cancellationToken);
            }

            var written = await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
            touched.AddRange(await FollowAsync(following, cancellationToken));
            if (own is not null)
            {
                await own.CommitAsync(cancellationToken);
            }

            _notes.Clear();
            if (Database.CurrentTransaction is null || own is not null)
            {
                _node.Signals.Committed(touched, outbox);
            }
            else
            {
                // the transaction is the caller's: told when it commits
                _committed.AddRange(touched);
                _committedOutbox |= outbox;
            }

            return written;
        }
        catch
        {
            // nothing of the store's own rows may be tried again with a later save of this context
            foreach (var entry in ChangeTracker.Entries().Where(e => e.Entity is AuditEntry or Grant or Denial or SearchEntry && e.State == EntityState.Added).ToList())
            {
                entry.State = EntityState.Detached;
            }

            throw;
        }
        finally
        {
            if (own is not null)
            {
                await own.DisposeAsync();
            }
        }
    }

    private void Prepare(EntityEntry entry, IRecord record, DateTimeOffset now, List<Guid> regrant, List<AuditEntry> audit, List<Guid> unsearch)
    {
        if (entry.State == EntityState.Deleted)
        {
            Tombstones.Add(new Tombstone { Record = record.RecordKey, Kind = record.RecordKind, OriginNode = record.OriginNode, OriginTeam = record.Marking.Origin, Version = record.Version + 1, ContentHash = record.ContentHash, DeletedAt = now });
            regrant.Add(record.RecordKey);
            unsearch.Add(record.RecordKey);
            audit.Add(Entry(now, record.Marking.Origin, record.RecordKind + ".deleted", record.RecordKind, record.RecordKey, record.Version + 1, null));
            return;
        }

        if (record.Marking.Fault() is { } fault)
        {
            throw new InvalidOperationException($"The marking of {record.RecordKind} {record.RecordKey} contradicts itself ({fault}); a slice must refuse it before it gets here.");
        }

        var changed = entry.State == EntityState.Modified ? entry.Properties.Where(p => p.IsModified).Select(p => p.Metadata.Name)
            .Concat(entry.ComplexProperties.Where(c => c.IsModified).Select(c => c.Metadata.Name)).ToList() : [];
        if (entry.State == EntityState.Added)
        {
            if (((NodeId)entry.Property(nameof(IRecord.OriginNode)).CurrentValue!).Value == Guid.Empty)
            {
                entry.Property(nameof(IRecord.OriginNode)).CurrentValue = _node.Id;
            }

            entry.Property(nameof(IRecord.Version)).CurrentValue = 1L;
            if ((DateTimeOffset)entry.Property("CreatedAt").CurrentValue! == default)
            {
                entry.Property("CreatedAt").CurrentValue = now;
            }
        }
        else
        {
            entry.Property(nameof(IRecord.Version)).CurrentValue = record.Version + 1;
        }

        entry.Property("UpdatedAt").CurrentValue = now;
        entry.Property(nameof(IRecord.ContentHash)).CurrentValue = HashOf(entry);
        var place = PlaceOf(entry.Entity);
        if (entry.State == EntityState.Added || entry.ComplexProperties.Any(c => c.IsModified) || !_places.TryGetValue(record.RecordKey, out var before) || before != place)
        {
            if (entry.State != EntityState.Added)
            {
                regrant.Add(record.RecordKey);
                ForgetGrants(record.RecordKey);
            }

            foreach (var granted in record.Marking.Grants().DistinctBy(g => g.Principal.Code, StringComparer.Ordinal))
            {
                Grants.Add(new Grant { Principal = granted.Principal.Code, Kind = record.RecordKind, State = place.State, Sort = place.Sort, Record = record.RecordKey, From = granted.From, Until = granted.Until });
            }

            foreach (var excluded in record.Marking.Exclusions)
            {
                Denials.Add(new Denial { Record = record.RecordKey, Principal = excluded.Code });
            }
        }

        _places[record.RecordKey] = place;
        audit.Add(Entry(now, record.Marking.Origin, record.RecordKind + (entry.State == EntityState.Added ? ".created" : ".changed"), record.RecordKind, record.RecordKey, record.Version,
            changed.Count == 0 ? null : new Dictionary<string, object?>(StringComparer.Ordinal) { ["fields"] = changed }));
    }

    /// <summary>What this context wrote for the record before, and what is deleted now: a row with the same key may take its place.</summary>
    private void ForgetGrants(Guid record)
    {
        foreach (object row in Grants.Local.Where(g => g.Record == record).Concat<object>(Denials.Local.Where(d => d.Record == record)).ToList())
        {
            Entry(row).State = EntityState.Detached;
        }
    }

    private static (short State, long Sort) PlaceOf(object entity) => entity is IListed listed ? listed.ListPlace : ((short)0, 0L);

    private AuditEntry ChildEntry(EntityEntry entry, IChild child, DateTimeOffset now) =>
        Entry(now, AuditTeamOf(entry), $"{child.Root.Kind}.{Camel(entry.Metadata.ClrType.Name)}.{Verb(entry.State)}", child.Root.Kind, child.Root.Id, null, FieldsOf(entry));

    private AuditEntry OtherEntry(EntityEntry entry, DateTimeOffset now) =>
        Entry(now, AuditTeamOf(entry), $"{Camel(entry.Metadata.ClrType.Name)}.{Verb(entry.State)}", Camel(entry.Metadata.ClrType.Name), KeyOf(entry), null, FieldsOf(entry));

    private AuditEntry Entry(DateTimeOffset now, TeamId? team, string action, string? kind, Guid? record, long? version, object? detail) => new()
    {
        At = now,
        Actor = Actor,
        Team = team ?? Viewer.Team,
        Action = action,
        RecordKind = kind,
        Record = record,
        Version = version,
        Detail = detail is null ? "{}" : JsonSerializer.Serialize(detail),
    };

    private TeamId? AuditTeamOf(EntityEntry entry) => entry.Entity is IAuditedForTeam of ? of.AuditTeam : Viewer.Team;

    private static Guid? KeyOf(EntityEntry entry)
    {
        var key = entry.Metadata.FindPrimaryKey()?.Properties;
        if (key is not [var only])
        {
            return null;
        }

        var value = entry.Property(only.Name).CurrentValue;
        return value is Guid guid ? guid : value?.GetType().GetProperty("Value")?.GetValue(value) as Guid?;
    }

    private static Dictionary<string, object?>? FieldsOf(EntityEntry entry) => entry.State != EntityState.Modified ? null
        : new(StringComparer.Ordinal) { ["fields"] = entry.Properties.Where(p => p.IsModified).Select(p => p.Metadata.Name).ToList() };

    private static string Verb(EntityState state) => state switch { EntityState.Added => "added", EntityState.Modified => "changed", _ => "removed" };

    /// <summary>The name of a type or column in the audit log and in canonical content; without the arity of a generic type.</summary>
    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..].Split('`')[0];

    /// <summary>SHA-256 over the record's columns, names sorted, as canonical JSON: the same on every node and database.</summary>
    private static string HashOf(EntityEntry entry)
    {
        var content = new JsonObject();
        foreach (var property in entry.Properties)
        {
            if (!NotContent.Contains(property.Metadata.Name) && property.Metadata.FindAnnotation(LocalOnly) is null)
            {
                content[Camel(property.Metadata.Name)] = AsJson(property.CurrentValue);
            }
        }

        foreach (var complex in entry.ComplexProperties)
        {
            var inner = new JsonObject();
            foreach (var property in complex.Properties)
            {
                inner[Camel(property.Metadata.Name)] = AsJson(property.CurrentValue);
            }

            content[Camel(complex.Metadata.Name)] = inner;
        }

        return CanonicalJson.Hash(content);
    }

    /// <summary>Annotation of a column that is this node's own business and no part of the shared content.</summary>
    public const string LocalOnly = "renkei:local";

    private static JsonNode? AsJson(object? value) => value switch
    {
        null => null,
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        int number => JsonValue.Create(number),
        short number => JsonValue.Create((int)number),
        long number => JsonValue.Create(number.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        DateTimeOffset at => JsonValue.Create(at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture)),
        Guid id => JsonValue.Create(id.ToString("D")),
        Enum name => JsonValue.Create(name.ToString()),
        PrincipalSet set => JsonValue.Create(set.ToText()),
        byte[] bytes => JsonValue.Create(Convert.ToBase64String(bytes)),
        _ => JsonValue.Create(value.ToString()),
    };

    private async Task IndexAsync(List<SearchText> texts, HashSet<Guid> isNew, DateTimeOffset now, CancellationToken ct)
    {
        foreach (var text in texts)
        {
            var tokens = SearchTokens.Index(text.Text);
            var existing = isNew.Contains(text.Record.Id) ? null
                : await SearchEntries.FirstOrDefaultAsync(s => s.Record == text.Record.Id && s.Part == text.Part, ct);
            if (existing is not null)
            {
                (existing.Title, existing.Tokens, existing.UpdatedAt) = (text.Title, tokens, now);
            }
            else if (tokens.Length > 0)
            {
                SearchEntries.Add(new SearchEntry { Record = text.Record.Id, Kind = text.Record.Kind, Part = text.Part, Class = text.Class, Team = text.Team, Title = text.Title, Tokens = tokens, UpdatedAt = now });
            }
        }
    }
}

/// <summary>An entity of no marked record whose changes belong to a team's audit log.</summary>
public interface IAuditedForTeam
{
    TeamId? AuditTeam { get; }
}
