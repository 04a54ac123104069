using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Microsoft.EntityFrameworkCore;
using Renkei.Formats.Csv;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>What one line of the file is against what is stored.</summary>
public enum ImportState
{
    New,
    Changed,
    Unchanged,
    Bad,
}

/// <summary>Why a line is not taken: the column as the file calls it, and a text key (<c>directory.bad.*</c>) with its arguments.</summary>
public sealed record ImportProblem(string Column, string Key, params IReadOnlyList<string> Args);

/// <param name="Line">Physical line of the file, from 1.</param>
/// <param name="Changes">Columns that are new or differ.</param>
public sealed record ImportRow(long Line, ImportState State, string Organisation, string Contact, IReadOnlyList<string> Changes, IReadOnlyList<ImportProblem> Problems);

/// <param name="Fault">The file as a whole could not be read; nothing was done.</param>
/// <param name="Encoding">What it was read as.</param>
/// <param name="Ignored">Columns that mean nothing here.</param>
/// <param name="Applied">True when the rows are stored now.</param>
public sealed record ContactImportResult(ImportProblem? Fault, string Encoding, IReadOnlyList<ImportRow> Rows, IReadOnlyList<string> Ignored, bool Applied)
{
    public int Count(ImportState state) => Rows.Count(r => r.State == state);

    internal static ContactImportResult Failed(string encoding, string key, params string[] args) => new(new ImportProblem("", key, args), encoding, [], [], false);
}

/// <summary>
/// Reads organisations, contacts and constituencies from CSV into one team's address book. Organisations are the same by name, contacts by
/// mail address in their organisation, constituencies by canonical value. An empty cell leaves what is stored; nothing is ever taken away.
/// The same file twice changes nothing; a bad line is reported and does not stop the others.
/// </summary>
public sealed class ContactImport(TextBook book, TimeProvider clock)
{
    public const int MaxRows = 10_000;
    public const int MaxBytes = 10 * 1024 * 1024;

    private const int MaxCell = 8000;

    /// <summary>The columns, as the export writes them. Japanese names are in the texts (<c>directory.column.*</c>).</summary>
    public static IReadOnlyList<string> Columns { get; } =
    [
        "organisation", "organisation_latin", "kind", "country", "contact_name", "role", "email", "phone", "languages", "hours", "timezone", "openpgp", "asks_for",
        "prefixes", "asns", "domains", "countries", "tlds",
    ];

    private static readonly (string Column, ConstituencyKind Kind)[] PieceColumns =
    [
        ("prefixes", ConstituencyKind.Prefix), ("asns", ConstituencyKind.Asn), ("domains", ConstituencyKind.Domain), ("countries", ConstituencyKind.Country), ("tlds", ConstituencyKind.Tld),
    ];

    /// <summary>
    /// Compares the file with what is stored and, with <paramref name="apply"/>, stores it in one transaction. Works only on entries whose
    /// origin is <paramref name="owner"/>; the caller has checked the right. At most <see cref="MaxBytes"/> are read.
    /// </summary>
    public async Task<ContactImportResult> RunAsync(NodeDb db, TeamId owner, Stream csv, bool apply, CancellationToken ct)
    {
        if (await ReadBoundedAsync(csv, ct) is not { } bytes)
        {
            return ContactImportResult.Failed("", "directory.import.too_large", (MaxBytes / 1024 / 1024).ToString(CultureInfo.InvariantCulture));
        }

        var (utf8, encoding) = ToUtf8(bytes);
        if (utf8 is null)
        {
            return ContactImportResult.Failed("", "directory.import.encoding");
        }

        using var reader = new CsvReader(new MemoryStream(utf8), new CsvOptions { MaxLineBytes = 256 * 1024, MaxColumns = 100 });
        if (reader.ReadHeader() != CsvRead.Row)
        {
            return ContactImportResult.Failed(encoding, reader.HeaderFailed ? "directory.import.header" : "directory.import.empty");
        }

        var names = HeaderNames();
        var at = new Dictionary<string, int>(StringComparer.Ordinal);
        var ignored = new List<string>();
        for (var i = 0; i < reader.Columns.Count; i++)
        {
            if (!names.TryGetValue(Fold(reader.Columns[i]), out var column) || !at.TryAdd(column, i))
            {
                ignored.Add(EntryFields.Line(Bound(reader.Columns[i], 60)));
            }
        }

        if (!at.ContainsKey("organisation"))
        {
            return ContactImportResult.Failed(encoding, "directory.import.no_organisation");
        }

        if (!apply)
        {
            return Finish(await PlanAsync(db, owner, reader, at, apply, ct), encoding, ignored, applied: false);
        }

        var plan = await db.InTransactionAsync(async () =>
        {
            var made = await PlanAsync(db, owner, reader, at, apply, ct);
            if (made is not null)
            {
                await db.SaveChangesAsync(ct);
            }

            return made;
        }, ct);
        return Finish(plan, encoding, ignored, applied: true);
    }

    private static ContactImportResult Finish(List<ImportRow>? rows, string encoding, List<string> ignored, bool applied) =>
        rows is null ? ContactImportResult.Failed(encoding, "directory.import.too_many", MaxRows.ToString("N0", CultureInfo.InvariantCulture)) : new(null, encoding, rows, ignored, applied);

    /// <summary>Row by row over what is stored and what earlier rows made; null when there are too many rows.</summary>
    private async Task<List<ImportRow>?> PlanAsync(NodeDb db, TeamId owner, CsvReader reader, Dictionary<string, int> at, bool apply, CancellationToken ct)
    {
        var entries = await AddressBook.LoadAsync(db, owner, apply, clock, ct);
        var kinds = Words("directory.kind.", Enum.GetValues<TeamKind>().Select(k => (EditTeam.KindCode(k), k)));
        var roles = Words("directory.role.", Enum.GetValues<ContactRole>().Select(r => (EditContact.RoleCode(r), r)));
        var asks = Words("directory.asks_for.", Enum.GetValues<AsksFor>().Select(a => (a.ToString().ToLowerInvariant(), a)));
        asks["x-arf"] = AsksFor.Xarf;
        var rows = new List<ImportRow>();
        while (true)
        {
            var read = reader.Read();
            if (read == CsvRead.End)
            {
                return rows;
            }

            if (rows.Count == MaxRows)
            {
                return null;
            }

            if (read == CsvRead.Error)
            {
                var error = reader.Error!;
                rows.Add(new(error.Line, ImportState.Bad, EntryFields.Line(Bound(error.RawExcerpt, 60)), "", [], [new(error.ColumnName ?? "", "directory.import.csv." + Snake(error.Kind.ToString()))]));
                continue;
            }

            rows.Add(Take(reader, at, entries, kinds, roles, asks));
        }
    }

    private ImportRow Take(CsvReader reader, Dictionary<string, int> at, AddressBook entries, Dictionary<string, TeamKind> kinds, Dictionary<string, ContactRole> roles, Dictionary<string, AsksFor> asks)
    {
        var problems = new List<ImportProblem>();
        string Cell(string column)
        {
            if (!at.TryGetValue(column, out var index))
            {
                return "";
            }

            var text = reader.Field(index).ToString();
            if (text.Length > MaxCell)
            {
                problems.Add(new(reader.Columns[index], "directory.bad.long", MaxCell.ToString(CultureInfo.InvariantCulture)));
                return "";
            }

            // our own export puts an apostrophe before what a spreadsheet would run
            var line = EntryFields.Line(text);
            return line.Length > 1 && line[0] == '\'' && CsvWriter.Guard(line[1..]) != line[1..] ? line[1..] : line;
        }

        void Bad(string column, string? key, params string[] args)
        {
            if (key is not null)
            {
                problems.Add(new(at.TryGetValue(column, out var index) ? reader.Columns[index] : column, key, args));
            }
        }

        T? Choice<T>(string column, Dictionary<string, T> choices) where T : struct
        {
            var text = Cell(column);
            if (text.Length == 0)
            {
                return null;
            }

            if (choices.TryGetValue(Fold(text), out var choice))
            {
                return choice;
            }

            Bad(column, "directory.bad.word", Bound(text, 40));
            return null;
        }

        var name = Cell("organisation");
        Bad("organisation", name.Length == 0 ? "directory.bad.empty" : EntryFields.TooLong(name, EntryFields.NameLength), "200");
        var latin = Cell("organisation_latin");
        Bad("organisation_latin", EntryFields.TooLong(latin, EntryFields.NameLength), "200");
        var kind = Choice("kind", kinds);
        Bad("country", EntryFields.Country(Cell("country"), out var country));
        var contactName = Cell("contact_name");
        Bad("contact_name", EntryFields.TooLong(contactName, EntryFields.NameLength), "200");
        var role = Choice("role", roles);
        Bad("email", EntryFields.Mail(Cell("email"), out var mail));
        Bad("phone", EntryFields.Phone(Cell("phone"), out var phone));
        Bad("languages", EntryFields.Languages(Cell("languages"), out var languages));
        var hours = Cell("hours");
        Bad("hours", EntryFields.TooLong(hours, EntryFields.NameLength), "200");
        Bad("timezone", EntryFields.Zone(Cell("timezone"), out var zone));
        Bad("openpgp", EntryFields.Fingerprint(Cell("openpgp"), out var print));
        var asksFor = Choice("asks_for", asks);
        var hasContact = mail.Length > 0;
        if (!hasContact && (contactName.Length > 0 || role is not null || phone.Length > 0 || print.Length > 0))
        {
            Bad("email", "directory.bad.mail_missing");
        }

        var pieces = Pieces(Cell, Bad);
        if (problems.Count == 0 && entries.Foreign(name) is { } maintainer)
        {
            Bad("organisation", "directory.bad.foreign", maintainer);
        }

        if (problems.Count > 0)
        {
            return new(reader.Line, ImportState.Bad, Bound(name, 80), mail.Length > 0 ? Bound(mail, 80) : Bound(contactName, 80), [], problems);
        }

        var changes = new List<string>();
        var team = entries.Organisation(name, () => new Team { Id = TeamId.New(clock), Marking = Marking.Own(entries.Owner), Name = name, NameLatin = EditTeam.NullIfEmpty(latin), Slug = "", What = kind ?? TeamKind.Other, Country = EditTeam.NullIfEmpty(country) }, latin, mail, out var newTeam);
        if (!newTeam)
        {
            Set("organisation_latin", team.NameLatin, latin, v => team.NameLatin = v, changes);
            Set("country", team.Country, country, v => team.Country = v, changes);
            if (kind is { } k && team.What != k)
            {
                team.What = k;
                changes.Add("kind");
            }
        }

        Contact? contact = null;
        var newContact = false;
        if (hasContact)
        {
            contact = entries.Contact(team, mail, () => new Contact
            {
                Id = ContactId.New(clock),
                Marking = team.Marking,
                Team = team.Id,
                Name = contactName.Length > 0 ? contactName : name,
                Role = role ?? ContactRole.Csirt,
                Mail = mail,
                Phone = EditTeam.NullIfEmpty(phone),
                Languages = languages.Length > 0 ? languages : country is "JP" or "" ? "ja" : "en",
                WorkingHours = EditTeam.NullIfEmpty(hours),
                Zone = zone.Length > 0 ? zone : country is "JP" or "" ? "Asia/Tokyo" : "UTC",
                OpenPgpFingerprint = EditTeam.NullIfEmpty(print),
                AsksFor = asksFor ?? AsksFor.Text,
            }, out newContact);
            if (!newContact)
            {
                Set("contact_name", contact.Name, contactName, v => contact.Name = v, changes);
                Set("phone", contact.Phone, phone, v => contact.Phone = v, changes);
                Set("languages", contact.Languages, languages, v => contact.Languages = v, changes);
                Set("hours", contact.WorkingHours, hours, v => contact.WorkingHours = v, changes);
                Set("timezone", contact.Zone, zone, v => contact.Zone = v, changes);
                Set("openpgp", contact.OpenPgpFingerprint, print, v => contact.OpenPgpFingerprint = v, changes);
                if (role is { } r && contact.Role != r)
                {
                    contact.Role = r;
                    changes.Add("role");
                }

                if (asksFor is { } a && contact.AsksFor != a)
                {
                    contact.AsksFor = a;
                    changes.Add("asks_for");
                }
            }
        }

        foreach (var (column, piece) in pieces)
        {
            if (entries.Answers(team, piece, contact?.Id) && !changes.Contains(column, StringComparer.Ordinal))
            {
                changes.Add(column);
            }
        }

        var state = newTeam || newContact ? ImportState.New : changes.Count > 0 ? ImportState.Changed : ImportState.Unchanged;
        return new(reader.Line, state, name, mail, changes, []);
    }

    private static List<(string Column, Piece Piece)> Pieces(Func<string, string> cell, Action<string, string?, string[]> bad)
    {
        var pieces = new List<(string, Piece)>();
        foreach (var (column, kind) in PieceColumns)
        {
            foreach (var word in cell(column).Split([' ', ';', '、', '；'], StringSplitOptions.RemoveEmptyEntries))
            {
                // each column says what its words are: jp is a TLD in one and a country in the other
                var text = kind switch
                {
                    ConstituencyKind.Tld when word[0] != '.' => "." + word,
                    ConstituencyKind.Asn when char.IsAsciiDigit(word[0]) => "AS" + word,
                    _ => word,
                };
                if (Piece.Read(text, out var piece) is not null || piece.Kind != kind)
                {
                    bad(column, "directory.bad.column." + column, [Bound(word, 60)]);
                }
                else if (pieces.Count < EditConstituencies.MaxLines)
                {
                    pieces.Add((column, piece));
                }
            }
        }

        return pieces;
    }

    private static void Set(string column, string? stored, string written, Action<string> set, List<string> changes)
    {
        if (written.Length > 0 && !string.Equals(stored, written, StringComparison.Ordinal))
        {
            set(written);
            changes.Add(column);
        }
    }

    /// <summary>Column names of both languages, several for one column separated by <c>|</c>, folded.</summary>
    private Dictionary<string, string> HeaderNames()
    {
        var names = Columns.ToDictionary(Fold, c => c, StringComparer.Ordinal);
        foreach (var column in Columns)
        {
            foreach (var name in TextBook.Languages.SelectMany(lang => (book.Find(lang, "directory.column." + column) ?? "").Split('|')))
            {
                names.TryAdd(Fold(name), column);
            }
        }

        return names;
    }

    /// <summary>Codes and their names in both languages.</summary>
    private Dictionary<string, T> Words<T>(string prefix, IEnumerable<(string Code, T Value)> codes)
    {
        var words = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var (code, value) in codes)
        {
            words.TryAdd(Fold(code), value);
            foreach (var lang in TextBook.Languages)
            {
                words.TryAdd(Fold(book.Find(lang, prefix + code) ?? code), value);
            }
        }

        return words;
    }

    /// <summary>Width, case, spaces and punctuation between words do not tell names apart.</summary>
    private static string Fold(string text) =>
        new([.. text.Normalize(NormalizationForm.FormKC).ToLowerInvariant().Where(c => !char.IsWhiteSpace(c) && c is not ('_' or '-' or '(' or ')' or '・' or '\uFEFF'))]);

    private static string Bound(string text, int length) => text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)] + "…";

    private static string Snake(string name) => string.Concat(name.Select((c, i) => char.IsAsciiLetterUpper(c) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));

    private static async Task<byte[]?> ReadBoundedAsync(Stream stream, CancellationToken ct)
    {
        var buffer = new MemoryStream();
        var chunk = new byte[81920];
        int read;
        while ((read = await stream.ReadAsync(chunk, ct)) > 0)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > MaxBytes)
            {
                return null;
            }
        }

        return buffer.ToArray();
    }

    /// <summary>UTF-8 when it is valid as that, else CP932, which Japanese spreadsheets save as; neither: null.</summary>
    private static (byte[]? Utf8, string Encoding) ToUtf8(byte[] bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            return (bytes, "UTF-8");
        }

        // UTF-16 with a mark would pass for CP932 in places
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            return (null, "");
        }

        try
        {
            var cp932 = CodePagesEncodingProvider.Instance.GetEncoding(932, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)!;
            return (Encoding.UTF8.GetBytes(cp932.GetString(bytes)), "Shift_JIS (CP932)");
        }
        catch (DecoderFallbackException)
        {
            return (null, "");
        }
    }

    /// <summary>One team's entries in memory, stored and made by this file.</summary>
    private sealed class AddressBook
    {
        private readonly NodeDb _db;
        private readonly bool _apply;
        private readonly TimeProvider _clock;
        private readonly Dictionary<string, Team> _teams = new(StringComparer.Ordinal);
        private readonly Dictionary<string, string> _foreign = new(StringComparer.Ordinal);
        private readonly Dictionary<(TeamId, string), Contact> _contacts = [];
        private readonly Dictionary<(TeamId, Piece), Constituency> _pieces = [];

        private AddressBook(NodeDb db, TeamId owner, bool apply, TimeProvider clock) => (_db, Owner, _apply, _clock) = (db, owner, apply, clock);

        public TeamId Owner { get; }

        public static async Task<AddressBook> LoadAsync(NodeDb db, TeamId owner, bool apply, TimeProvider clock, CancellationToken ct)
        {
            var made = new AddressBook(db, owner, apply, clock);
            // without apply nothing is tracked, so that what the plan changes is dropped with it
            var teams = await Loaded(db.Teams).ToListAsync(ct);
            var communities = await db.CommunityMembers.Where(m => m.Team == owner).Select(m => m.Community).ToListAsync(ct);
            var reader = Viewer.ForTeam(owner, [], communities);
            foreach (var team in teams)
            {
                if (team.Marking.Origin == owner)
                {
                    made._teams.TryAdd(Fold(team.Name), team);
                }
                else if (ReadRule.Allows(reader, team.Marking, clock.GetUtcNow()))
                {
                    // a job reads as the node: what the owner may not know of must not show in what it is told
                    made._foreign.TryAdd(Fold(team.Name), teams.Find(t => t.Id == team.Marking.Origin)?.Name ?? "");
                }
            }

            var mine = made._teams.Values.Select(t => t.Id).ToHashSet();
            foreach (var contact in await Loaded(db.Contacts).ToListAsync(ct))
            {
                if (contact.Marking.Origin == owner && mine.Contains(contact.Team))
                {
                    made._contacts.TryAdd((contact.Team, contact.Mail.ToLowerInvariant()), contact);
                }
            }

            foreach (var piece in await Loaded(db.Constituencies).ToListAsync(ct))
            {
                if (piece.Marking.Origin == owner && mine.Contains(piece.Team))
                {
                    made._pieces.TryAdd((piece.Team, Piece.Of(piece)), piece);
                }
            }

            return made;

            IQueryable<T> Loaded<T>(DbSet<T> set) where T : class => apply ? set : set.AsNoTracking();
        }

        /// <summary>Who maintains an organisation of this name when it is another team's entry and not ours as well.</summary>
        public string? Foreign(string name) => _teams.ContainsKey(Fold(name)) ? null : _foreign.GetValueOrDefault(Fold(name));

        public Team Organisation(string name, Func<Team> make, string latin, string mail, out bool isNew)
        {
            isNew = !_teams.TryGetValue(Fold(name), out var team);
            if (team is null)
            {
                team = make();
                team.Slug = EntryFields.SlugFor(latin, mail, team.Id);
                _teams.Add(Fold(name), team);
                Add(team);
            }

            return team;
        }

        public Contact Contact(Team team, string mail, Func<Contact> make, out bool isNew)
        {
            var key = (team.Id, mail.ToLowerInvariant());
            isNew = !_contacts.TryGetValue(key, out var contact);
            if (contact is null)
            {
                contact = make();
                _contacts.Add(key, contact);
                Add(contact);
            }

            return contact;
        }

        /// <summary>Notes that the organisation, by this contact, answers for the piece. Two contacts for the same piece: any of the organisation's. True when that is news.</summary>
        public bool Answers(Team team, Piece piece, ContactId? contact)
        {
            if (!_pieces.TryGetValue((team.Id, piece), out var stored))
            {
                stored = piece.ToRecord(team, contact, _clock);
                _pieces.Add((team.Id, piece), stored);
                Add(stored);
                return true;
            }

            if (stored.Contact is null || stored.Contact == contact || contact is null)
            {
                return false;
            }

            stored.Contact = null;
            return true;
        }

        private void Add(object entity)
        {
            if (_apply)
            {
                _db.Add(entity);
            }
        }
    }
}
