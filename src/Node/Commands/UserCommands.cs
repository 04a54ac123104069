using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Kernel;
using Renkei.Node.Accounts;
using Renkei.Node.Security;
using Renkei.Store;

namespace Renkei.Node.Commands;

/// <summary>renkei user list|add|reset-password|roles. Exit codes: 0 done, 1 found a problem, 2 bad usage.</summary>
public static class UserCommands
{
    /// <summary>One line a person: mail, name, team:role ..., state; tabs between.</summary>
    public static async Task<int> ListAsync(IServiceProvider services, TextWriter output, CancellationToken ct)
    {
        await using var db = services.GetRequiredService<NodeDbFactory>().ForSystem("cli");
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var teams = await db.Teams.AsNoTracking().ToDictionaryAsync(t => t.Id, t => t.Slug, ct);
        var roles = (await db.Memberships.AsNoTracking().ToListAsync(ct)).ToLookup(m => m.Person.Value, m => $"{teams.GetValueOrDefault(m.Team)}:{m.Role.Code()}");
        var names = await db.People.AsNoTracking().ToDictionaryAsync(p => p.Id.Value, p => p.Name, ct);
        foreach (var account in await db.Users.AsNoTracking().OrderBy(u => u.Email).ToListAsync(ct))
        {
            var state = ChangePerson.IsDeactivated(account, now) ? "deactivated" : account.PasswordHash is null ? "invited" : "active";
            await output.WriteLineAsync($"{account.Email}\t{names.GetValueOrDefault(account.Id)}\t{string.Join(' ', roles[account.Id])}\t{state}");
        }

        return 0;
    }

    /// <summary>Adds a person to a team and prints a one-time link for the password. <paramref name="roles"/> are codes such as <c>analyst</c>.</summary>
    public static Task<int> AddAsync(IServiceProvider services, TextWriter output, TextWriter error, string mail, string name, string teamSlug, IReadOnlyList<string> roles, string language, CancellationToken ct) =>
        InScopeAsync(services, async (scope, db, users) =>
        {
            var given = roles.Select(r => Roles.TryParse(r, out var role) ? (Role?)role : null).ToList();
            if (given.Count == 0 || given.Contains(null))
            {
                await error.WriteLineAsync("roles: " + string.Join(", ", Enum.GetValues<Role>().Select(r => r.Code())));
                return 2;
            }

            if (!IsPlain(mail, 254) || !Observable.TryParse(ObservableType.Email, mail, out _, out _) || !IsPlain(name, 120))
            {
                await error.WriteLineAsync("The mail address or the name cannot be used: one line, no control characters, at most 254 and 120 characters.");
                return 2;
            }

            if (await db.Teams.FirstOrDefaultAsync(t => t.Slug == teamSlug && t.Hosted, ct) is not { } team)
            {
                await error.WriteLineAsync($"No team {teamSlug} works on this node; see renkei team list.");
                return 1;
            }

            if (await users.FindByEmailAsync(mail) is not null)
            {
                await error.WriteLineAsync($"{mail} already has an account; give roles with renkei user roles.");
                return 1;
            }

            var clock = scope.GetRequiredService<TimeProvider>();
            var settings = scope.GetRequiredService<NodeSettings>();
            var person = PersonId.New(clock);
            TeamSetup.AddPerson(db, clock, person, name, null, language is "en" ? "en" : "ja", settings["zone"], team.Id, given.OfType<Role>());
            db.Note(new AuditNote("account.invited", team.Id, AccountAudit.Of(person.Value)));
            var account = TeamSetup.AccountFor(person, mail, clock);
            if (await users.CreateAsync(account) is { Succeeded: false } refused)
            {
                await error.WriteLineAsync(string.Join(' ', refused.Errors.Select(e => e.Description)));
                return 1;
            }

            var (url, until) = await UseInvitation.LinkForAsync(users, account, settings, clock);
            await output.WriteLineAsync($"{url}\t{until:yyyy-MM-dd'T'HH:mm'Z'}");
            return 0;
        });

    /// <summary>Prints a one-time link with which the person chooses a new password; ends nothing until it is used.</summary>
    public static Task<int> ResetPasswordAsync(IServiceProvider services, TextWriter output, TextWriter error, string mail, bool secondFactorToo, CancellationToken ct) =>
        InScopeAsync(services, async (scope, db, users) =>
        {
            if (await users.FindByEmailAsync(mail) is not { } account)
            {
                await error.WriteLineAsync($"Nobody here has the address {mail}.");
                return 1;
            }

            if (secondFactorToo)
            {
                await MySecondFactor.ClearAsync(users, account);
                foreach (var passkey in await users.GetPasskeysAsync(account))
                {
                    await users.RemovePasskeyAsync(account, passkey.CredentialId);
                }
            }

            await users.SetLockoutEndDateAsync(account, null);
            db.Note(new AuditNote(secondFactorToo ? "account.second-factor-reset" : "account.link-made", await AccountAudit.TeamOfAsync(db, account.Id), AccountAudit.Of(account.Id)));
            var (url, until) = await UseInvitation.LinkForAsync(users, account, scope.GetRequiredService<NodeSettings>(), scope.GetRequiredService<TimeProvider>());
            await output.WriteLineAsync($"{url}\t{until:yyyy-MM-dd'T'HH:mm'Z'}");
            return 0;
        });

    /// <summary>Sets a person's roles in one team to exactly these; none takes them out of the team.</summary>
    public static Task<int> RolesAsync(IServiceProvider services, TextWriter output, TextWriter error, string mail, string teamSlug, IReadOnlyList<string> roles, CancellationToken ct) =>
        InScopeAsync(services, async (scope, db, users) =>
        {
            var given = roles.Select(r => Roles.TryParse(r, out var role) ? (Role?)role : null).ToList();
            if (given.Contains(null))
            {
                await error.WriteLineAsync("roles: " + string.Join(", ", Enum.GetValues<Role>().Select(r => r.Code())));
                return 2;
            }

            var team = await db.Teams.FirstOrDefaultAsync(t => t.Slug == teamSlug && t.Hosted, ct);
            if (team is null || await users.FindByEmailAsync(mail) is not { } account)
            {
                await error.WriteLineAsync(team is null ? $"No team {teamSlug} works on this node; see renkei team list." : $"Nobody here has the address {mail}.");
                return 1;
            }

            var person = new PersonId(account.Id);
            var now = await db.Memberships.Where(m => m.Team == team.Id && m.Person == person).ToListAsync(ct);
            var wanted = given.OfType<Role>().Distinct().ToList();
            db.Memberships.RemoveRange(now.Where(m => !wanted.Contains(m.Role)));
            db.Memberships.AddRange(wanted.Where(r => now.All(m => m.Role != r)).Select(r => new Membership { Person = person, Team = team.Id, Role = r, Since = scope.GetRequiredService<TimeProvider>().GetUtcNow() }));
            db.Note(new AuditNote("roles.changed", team.Id, AccountAudit.Of(account.Id)));
            await db.SaveChangesAsync(ct);
            await output.WriteLineAsync($"{mail}\t{teamSlug}\t{string.Join(' ', wanted.Select(r => r.Code()))}");
            return 0;
        });

    internal static bool IsPlain(string text, int max) => !string.IsNullOrWhiteSpace(text) && text.Length <= max && !text.AsSpan().ContainsAny('\n', '\r', '\t') && InertText.Clean(text) == text;

    /// <summary>A scope with the account context; a command line acts for the node itself.</summary>
    internal static async Task<int> InScopeAsync(IServiceProvider services, Func<IServiceProvider, NodeDb, UserManager<Account>, Task<int>> work)
    {
        await using var scope = services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CurrentViewer>().Viewer = Viewer.System;
        return await work(scope.ServiceProvider, scope.ServiceProvider.GetRequiredService<AccountDb>().Context, scope.ServiceProvider.GetRequiredService<UserManager<Account>>());
    }
}
