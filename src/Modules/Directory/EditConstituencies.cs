using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>/directory/{id}/constituencies: what an organisation answers for, one piece a line, with the contact's address where only one of them does.</summary>
public static class EditConstituencies
{
    public const int MaxLines = 2000;

    /// <param name="Basis">What the box held when it was shown: someone else's save in between changes it.</param>
    /// <param name="Bad">Line number, what stands there, why it cannot be taken.</param>
    /// <param name="Overlaps">Others who answer for the same; saving again takes the lines all the same.</param>
    public sealed record Model(Team Team, string Lines, string Basis, FormErrors Errors, IReadOnlyList<(int Line, string Text, string Why)> Bad, IReadOnlyList<Overlap> Overlaps, string Seen);

    /// <param name="Line">The line, from 1.</param>
    /// <param name="Same">Exactly the same piece; false: one is within the other.</param>
    public sealed record Overlap(int Line, Piece Piece, Team With, Piece Theirs, bool Same);

    private sealed record Entry(int Line, Piece Piece, ContactId? Contact);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/directory/{id:guid}/constituencies", PageAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/{id:guid}/constituencies", SaveAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
    }

    private static async Task<IResult> PageAsync(Guid id, NodeDb db, CancellationToken ct)
    {
        var (team, refusal) = await EditTeam.FindOwnAsync(db, id, ct);
        if (team is null)
        {
            return refusal;
        }

        var (_, lines) = await StoredAsync(db, team, ct);
        return Answers.Page<EditConstituenciesPage>(new Model(team, lines, Hash(lines), FormErrors.None, [], [], ""));
    }

    private static async Task<IResult> SaveAsync(Guid id, string? basis, IFormCollection form, NodeDb db, Texts t, TimeProvider clock, CancellationToken ct)
    {
        var (team, refusal) = await EditTeam.FindOwnAsync(db, id, ct);
        if (team is null)
        {
            return refusal;
        }

        var (stored, storedLines) = await StoredAsync(db, team, ct);
        var lines = Draft.Read(form, new Draft { ["lines"] = storedLines })["lines"].ReplaceLineEndings("\n");
        // the form carries what it was shown with, the conflict page's address does: a set has no version of its own
        basis ??= form["basis"].ToString();
        if (basis != Hash(storedLines))
        {
            return await ConflictAsync(db, team, stored, storedLines, lines, t, ct);
        }

        var contacts = await db.Contacts.AsNoTracking().Where(c => c.Team == team.Id).ToListAsync(ct);
        var (entries, bad) = Parse(lines, contacts, t);
        if (bad.Count > 0)
        {
            var errors = new FormErrors().Add("lines", t["directory.field.lines"], t.Of("directory.lines.bad", bad.Count));
            return Answers.Page<EditConstituenciesPage>(new Model(team, lines, basis, errors, bad, [], ""), StatusCodes.Status400BadRequest);
        }

        var have = stored.ToDictionary(c => Piece.Of(c));
        var overlaps = await OverlapsAsync(db, team.Id, entries.Where(e => !have.ContainsKey(e.Piece)).ToList(), ct);
        var seen = Hash(string.Join('\n', overlaps.Select(o => $"{o.Piece.Written} {o.With.Id} {o.Theirs.Written}")));
        if (overlaps.Count > 0 && form["seen"].ToString() != seen)
        {
            return Answers.Page<EditConstituenciesPage>(new Model(team, lines, basis, FormErrors.None, [], overlaps, seen));
        }

        var wanted = entries.Select(e => e.Piece).ToHashSet();
        db.Constituencies.RemoveRange(stored.Where(c => !wanted.Contains(Piece.Of(c))));
        foreach (var entry in entries)
        {
            if (!have.TryGetValue(entry.Piece, out var piece))
            {
                db.Constituencies.Add(entry.Piece.ToRecord(team, entry.Contact, clock));
            }
            else if (piece.Contact != entry.Contact)
            {
                piece.Contact = entry.Contact;
            }
        }

        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateConcurrencyException)
        {
            db.ChangeTracker.Clear();
            (stored, storedLines) = await StoredAsync(db, team, ct);
            return await ConflictAsync(db, team, stored, storedLines, lines, t, ct);
        }

        return Answers.Seen($"/directory/{team.Id}?done=constituencies");
    }

    /// <summary>Only what the entry's own team wrote: another team's private pieces are not this box's.</summary>
    private static async Task<(List<Constituency> Stored, string Lines)> StoredAsync(NodeDb db, Team team, CancellationToken ct)
    {
        var contacts = await db.Contacts.AsNoTracking().Where(c => c.Team == team.Id).ToDictionaryAsync(c => c.Id, c => c.Mail, ct);
        var stored = (await db.Constituencies.Where(c => c.Team == team.Id).OrderBy(c => c.What).ThenBy(c => c.From).ThenBy(c => c.Length).ThenBy(c => c.Value).ToListAsync(ct))
            .Where(c => c.Marking.Origin == team.Marking.Origin).DistinctBy(c => Piece.Of(c)).ToList();
        return (stored, string.Join('\n', stored.Select(c => Piece.Of(c).Written + (c.Contact is { } id && contacts.TryGetValue(id, out var mail) ? " " + mail : ""))));
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];

    private static async Task<IResult> ConflictAsync(NodeDb db, Team team, List<Constituency> stored, string theirs, string mine, Texts t, CancellationToken ct)
    {
        var who = await db.Teams.AsNoTracking().Where(x => x.Id == team.Marking.Origin).FirstOrDefaultAsync(ct);
        return Answers.Page<ConflictPage>(new ConflictModel(team.NameIn(t.Lang), $"/directory/{team.Id}/constituencies?basis={Hash(theirs)}", $"/directory/{team.Id}", who?.NameIn(t.Lang) ?? t["directory.unknown"],
            stored.Select(c => c.UpdatedAt).DefaultIfEmpty(team.UpdatedAt).Max(), team.Version, team.Version, [new("lines", t["directory.field.lines"], theirs.Replace("\n", ", ", StringComparison.Ordinal), mine.Replace("\n", ", ", StringComparison.Ordinal), mine)]), StatusCodes.Status409Conflict);
    }

    private static (List<Entry> Entries, List<(int Line, string Text, string Why)> Bad) Parse(string text, List<Contact> contacts, Texts t)
    {
        var entries = new List<Entry>();
        var bad = new List<(int, string, string)>();
        var first = new Dictionary<Piece, int>();
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = EntryFields.Line(raw);
            if (line.Length == 0)
            {
                continue;
            }

            if (number > MaxLines)
            {
                bad.Add((number, "", t.Of("directory.bad.lines", MaxLines)));
                break;
            }

            var shown = line.Length > 80 ? line[..80] + "…" : line;
            var words = line.Split(' ', 3);
            if (Piece.Read(words[0], out var piece) is { } key)
            {
                bad.Add((number, shown, t[key]));
                continue;
            }

            ContactId? contact = null;
            if (words.Length > 1)
            {
                var named = words.Length == 2 ? contacts.Find(c => string.Equals(c.Mail, words[1], StringComparison.OrdinalIgnoreCase)) : null;
                if (named is null)
                {
                    bad.Add((number, shown, t["directory.bad.line_contact"]));
                    continue;
                }

                contact = named.Id;
            }

            if (first.TryAdd(piece, number))
            {
                entries.Add(new(number, piece, contact));
            }
            else if (entries.Find(e => e.Piece == piece)!.Contact != contact)
            {
                bad.Add((number, shown, t.Of("directory.bad.line_twice", first[piece])));
            }
        }

        return (entries, bad);
    }

    /// <summary>Who else, of those the viewer may know of, answers for the same or for a part of it; at most 50.</summary>
    private static async Task<List<Overlap>> OverlapsAsync(NodeDb db, TeamId team, List<Entry> entries, CancellationToken ct)
    {
        var found = new List<(Entry Entry, Constituency Theirs)>();
        foreach (var entry in entries)
        {
            if (found.Count >= 50)
            {
                break;
            }

            var others = db.Constituencies.AsNoTracking().Where(c => c.Team != team && c.What == entry.Piece.Kind);
            var value = entry.Piece.Value;
            if (entry.Piece.Kind == ConstituencyKind.Prefix)
            {
                var (from, to, _) = ContactFinder.Range(value);
#pragma warning disable CA1309 // becomes SQL; hex digits order the same in every collation
                others = others.Where(c => string.Compare(c.From, to) <= 0 && string.Compare(c.To, from) >= 0);
#pragma warning restore CA1309
            }
            else if (entry.Piece.Kind == ConstituencyKind.Domain)
            {
                var below = "." + value;
                var above = Enumerable.Range(0, value.Length).Where(i => value[i] == '.').Select(i => value[(i + 1)..]).Append(value).ToArray();
                others = others.Where(c => above.Contains(c.Value) || c.Value.EndsWith(below));
            }
            else
            {
                others = others.Where(c => c.Value == value);
            }

            found.AddRange((await others.OrderBy(c => c.Id).Take(5).ToListAsync(ct)).Select(c => (entry, c)));
        }

        var ids = found.Select(f => f.Theirs.Team).Distinct().ToArray();
        var teams = await db.Teams.AsNoTracking().Where(x => ids.Contains(x.Id)).ToDictionaryAsync(x => x.Id, ct);
        return [.. found.Where(f => teams.ContainsKey(f.Theirs.Team)).Take(50).Select(f => new Overlap(f.Entry.Line, f.Entry.Piece, teams[f.Theirs.Team], Piece.Of(f.Theirs), f.Entry.Piece == Piece.Of(f.Theirs)))];
    }
}
