using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Node.Accounts;

/// <summary>What accounts tell the audit log.</summary>
public static class AccountAudit
{
    public static RecordRef Of(Guid account) => new("person", account);

    /// <summary>The team in whose log an account's acts stand: the one the person works for. <paramref name="system"/> reads as System.</summary>
    public static async Task<TeamId?> TeamOfAsync(NodeDb system, Guid account)
    {
        var id = new PersonId(account);
        var chosen = await system.People.AsNoTracking().Where(p => p.Id == id).Select(p => p.ActsFor).FirstOrDefaultAsync();
        return chosen ?? await system.Memberships.AsNoTracking().Where(m => m.Person == id).Select(m => (TeamId?)m.Team).FirstOrDefaultAsync();
    }

    /// <summary>Writes one act of someone who is not signed in yet and may be anyone.</summary>
    public static Task NoteAsync(NodeDbFactory databases, string action, Guid? account, params (string Name, object? Value)[] detail) => WriteAsync(databases, "public", action, account, detail);

    /// <summary>Writes one act of someone who has just shown that the account is theirs.</summary>
    public static Task NoteByOwnerAsync(NodeDbFactory databases, string action, Guid account, params (string Name, object? Value)[] detail) => WriteAsync(databases, "person:" + account, action, account, detail);

    private static async Task WriteAsync(NodeDbFactory databases, string actor, string action, Guid? account, (string Name, object? Value)[] detail)
    {
        await using var db = databases.ForSystem(actor);
        var team = account is { } id ? await TeamOfAsync(db, id) : null;
        db.Note(new AuditNote(action, team, account is { } of ? Of(of) : null, detail.ToDictionary(d => d.Name, d => d.Value, StringComparer.Ordinal)));
        await db.SaveChangesAsync();
    }
}
