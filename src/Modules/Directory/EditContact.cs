using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories.Pages;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Web;

namespace Renkei.Directories;

/// <summary>/directory/{team}/contacts/new, …/{contact}, …/{contact}/delete: whom to ask at an organisation.</summary>
public static class EditContact
{
    public sealed record Model(Team Team, Contact? Contact, Draft Draft, FormErrors Errors);

    public sealed record DeleteModel(Team Team, Contact Contact, int Constituencies);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/directory/{id:guid}/contacts/new", NewAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/{id:guid}/contacts/new", CreateAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapGet("/directory/{id:guid}/contacts/{contact:guid}", EditAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/{id:guid}/contacts/{contact:guid}", SaveAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapGet("/directory/{id:guid}/contacts/{contact:guid}/delete", AskAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
        routes.MapPost("/directory/{id:guid}/contacts/{contact:guid}/delete", DeleteAsync).Needs(Right.EditDirectory).ExcludeFromDescription();
    }

    private static async Task<IResult> NewAsync(Guid id, NodeDb db, CancellationToken ct)
    {
        var (team, refusal) = await EditTeam.FindOwnAsync(db, id, ct);
        return team is null ? refusal : Answers.Page<EditContactPage>(new Model(team, null, DraftOf(null), FormErrors.None));
    }

    private static async Task<IResult> CreateAsync(Guid id, IFormCollection form, NodeDb db, Texts t, TimeProvider clock, CancellationToken ct)
    {
        var (team, refusal) = await EditTeam.FindOwnAsync(db, id, ct);
        if (team is null)
        {
            return refusal;
        }

        var draft = Draft.Read(form, DraftOf(null));
        var contact = new Contact { Id = ContactId.New(clock), Marking = team.Marking, Team = team.Id, Name = "", Role = ContactRole.Other, Mail = "" };
        var errors = Apply(draft, contact, t);
        if (errors.Any)
        {
            return Answers.Page<EditContactPage>(new Model(team, null, draft, errors), StatusCodes.Status400BadRequest);
        }

        db.Contacts.Add(contact);
        await db.SaveChangesAsync(ct);
        return Answers.Seen($"/directory/{team.Id}?done=contact");
    }

    private static async Task<IResult> EditAsync(Guid id, Guid contact, NodeDb db, CancellationToken ct)
    {
        var (team, found, refusal) = await FindAsync(db, id, contact, ct);
        return team is null || found is null ? refusal : Answers.Page<EditContactPage>(new Model(team, found, DraftOf(found), FormErrors.None));
    }

    private static async Task<IResult> SaveAsync(Guid id, Guid contact, IFormCollection form, NodeDb db, Texts t, CancellationToken ct)
    {
        var (team, found, refusal) = await FindAsync(db, id, contact, ct);
        if (team is null || found is null)
        {
            return refusal;
        }

        var draft = Draft.Read(form, DraftOf(found));
        var version = EditTeam.VersionOf(form);
        if (version != found.Version)
        {
            return await ConflictAsync(db, team, found, version, draft, t, ct);
        }

        var errors = Apply(draft, found, t);
        if (errors.Any)
        {
            return Answers.Page<EditContactPage>(new Model(team, found, draft, errors), StatusCodes.Status400BadRequest);
        }

        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateConcurrencyException)
        {
            db.ChangeTracker.Clear();
            (team, found, refusal) = await FindAsync(db, id, contact, ct);
            return team is null || found is null ? refusal : await ConflictAsync(db, team, found, version, draft, t, ct);
        }

        return Answers.Seen($"/directory/{team.Id}?done=contact");
    }

    private static async Task<IResult> AskAsync(Guid id, Guid contact, NodeDb db, CancellationToken ct)
    {
        var (team, found, refusal) = await FindAsync(db, id, contact, ct);
        return team is null || found is null ? refusal : Answers.Page<DeleteContactPage>(new DeleteModel(team, found, await db.Constituencies.CountAsync(c => c.Contact == found.Id, ct)));
    }

    private static async Task<IResult> DeleteAsync(Guid id, Guid contact, IFormCollection form, NodeDb db, CancellationToken ct)
    {
        var (team, found, refusal) = await FindAsync(db, id, contact, ct);
        if (team is null || found is null)
        {
            return refusal;
        }

        if (EditTeam.VersionOf(form) != found.Version)
        {
            return Answers.Seen($"/directory/{team.Id}/contacts/{found.Id}/delete");
        }

        // what this contact answered for stays the organisation's: any of the others answers
        foreach (var piece in await db.Constituencies.Where(c => c.Contact == found.Id).ToListAsync(ct))
        {
            piece.Contact = null;
        }

        db.Contacts.Remove(found);
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateConcurrencyException)
        {
            return Answers.Seen($"/directory/{team.Id}/contacts/{found.Id}/delete");
        }

        return Answers.Seen($"/directory/{team.Id}?done=contact_deleted");
    }

    private static async Task<(Team? Team, Contact? Contact, IResult Refusal)> FindAsync(NodeDb db, Guid id, Guid contact, CancellationToken ct)
    {
        var (team, refusal) = await EditTeam.FindOwnAsync(db, id, ct);
        if (team is null)
        {
            return (null, null, refusal);
        }

        var key = new ContactId(contact);
        var found = await db.Contacts.FirstOrDefaultAsync(c => c.Id == key && c.Team == team.Id, ct);
        return found is not null && !db.Viewer.Has(found.Marking.Origin, Right.EditDirectory) ? (team, null, TypedResults.StatusCode(StatusCodes.Status403Forbidden)) : (team, found, refusal);
    }

    private static async Task<IResult> ConflictAsync(NodeDb db, Team team, Contact stored, long version, Draft mine, Texts t, CancellationToken ct)
    {
        var who = await db.Teams.AsNoTracking().Where(x => x.Id == stored.Marking.Origin).FirstOrDefaultAsync(ct);
        var fields = Draft.Compare(DraftOf(stored), mine, f => t["directory.field." + f], (f, v) => f switch
        {
            "role" when t.Has("directory.role." + v) => t["directory.role." + v],
            "asks_for" when t.Has("directory.asks_for." + v) => t["directory.asks_for." + v],
            "bounce_cleared" => t[v == "true" ? "directory.yes" : "directory.no"],
            _ => v,
        });
        return Answers.Page<ConflictPage>(new ConflictModel(stored.Name, $"/directory/{team.Id}/contacts/{stored.Id}", $"/directory/{team.Id}", who?.NameIn(t.Lang) ?? t["directory.unknown"], stored.UpdatedAt, stored.Version, version, fields), StatusCodes.Status409Conflict);
    }

    internal static string RoleCode(ContactRole role) => role switch { ContactRole.AbuseDesk => "abuse_desk", _ => role.ToString().ToLowerInvariant() };

    internal static bool TryRole(string? code, out ContactRole role)
    {
        role = ContactRole.Other;
        foreach (var each in Enum.GetValues<ContactRole>())
        {
            if (string.Equals(RoleCode(each), code, StringComparison.OrdinalIgnoreCase))
            {
                role = each;
                return true;
            }
        }

        return false;
    }

    internal static bool TryAsksFor(string? code, out AsksFor asks) => Enum.TryParse(code, ignoreCase: true, out asks) && Enum.IsDefined(asks) && !char.IsAsciiDigit(code![0]);

    private static Draft DraftOf(Contact? contact)
    {
        var draft = new Draft
        {
            ["contact_name"] = contact?.Name ?? "",
            ["role"] = RoleCode(contact?.Role ?? ContactRole.Csirt),
            ["email"] = contact?.Mail ?? "",
            ["phone"] = contact?.Phone ?? "",
            ["languages"] = contact?.Languages ?? "ja",
            ["working_hours"] = contact?.WorkingHours ?? "",
            ["timezone"] = contact?.Zone ?? "Asia/Tokyo",
            ["openpgp"] = contact?.OpenPgpFingerprint is { } print ? EntryFields.Grouped(print) : "",
            ["asks_for"] = (contact?.AsksFor ?? AsksFor.Text).ToString().ToLowerInvariant(),
        };
        if (contact?.BouncedAt is not null)
        {
            draft["bounce_cleared"] = "";
        }

        return draft;
    }

    private static FormErrors Apply(Draft draft, Contact contact, Texts t)
    {
        var errors = new FormErrors();
        void Bad(string field, string? key, params object?[] args)
        {
            if (key is not null)
            {
                errors.Add(field, t["directory.field." + field], t.Of(key, args));
            }
        }

        var name = EntryFields.Line(draft["contact_name"]);
        Bad("contact_name", name.Length == 0 ? "directory.bad.empty" : EntryFields.TooLong(name, EntryFields.NameLength), EntryFields.NameLength);
        Bad("role", TryRole(draft["role"], out var role) ? null : "directory.bad.choice");
        var written = EntryFields.Line(draft["email"]);
        Bad("email", written.Length == 0 ? "directory.bad.empty" : null);
        Bad("email", EntryFields.Mail(written, out var mail));
        Bad("phone", EntryFields.Phone(EntryFields.Line(draft["phone"]), out var phone));
        var languages = EntryFields.Line(draft["languages"]);
        Bad("languages", languages.Length == 0 ? "directory.bad.empty" : EntryFields.Languages(languages, out languages));
        var hours = EntryFields.Line(draft["working_hours"]);
        Bad("working_hours", EntryFields.TooLong(hours, EntryFields.NameLength), EntryFields.NameLength);
        var zone = EntryFields.Line(draft["timezone"]);
        Bad("timezone", zone.Length == 0 ? "directory.bad.empty" : EntryFields.Zone(zone, out zone));
        Bad("openpgp", EntryFields.Fingerprint(EntryFields.Line(draft["openpgp"]), out var print));
        Bad("asks_for", TryAsksFor(draft["asks_for"], out var asks) ? null : "directory.bad.choice");
        if (errors.Any)
        {
            return errors;
        }

        // another address has not bounced
        if (draft["bounce_cleared"] == "true" || !string.Equals(contact.Mail, mail, StringComparison.OrdinalIgnoreCase))
        {
            contact.BouncedAt = null;
        }

        (contact.Name, contact.Role, contact.Mail, contact.Phone, contact.Languages) = (name, role, mail, EditTeam.NullIfEmpty(phone), languages);
        (contact.WorkingHours, contact.Zone, contact.OpenPgpFingerprint, contact.AsksFor) = (EditTeam.NullIfEmpty(hours), zone, EditTeam.NullIfEmpty(print), asks);
        return errors;
    }
}
