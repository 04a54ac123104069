using Microsoft.AspNetCore.Identity;
using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>How a person signs in. The person's name, team and roles are the directory's.</summary>
public sealed class Account : IdentityUser<Guid>
{
    /// <summary>Set while an invitation is open; signing in is not possible before it is used.</summary>
    public string? InvitationHash { get; set; }

    public DateTimeOffset? InvitationUntil { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}

/// <summary>One signed-in browser. Ending it signs that browser out at its next request.</summary>
public sealed class Session
{
    /// <summary>SHA-256 of the secret in the cookie, lower hex.</summary>
    public required string Id { get; init; }

    public required Guid Account { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset SeenAt { get; set; }

    public DateTimeOffset Until { get; set; }

    public required string UserAgent { get; init; }

    public required string Address { get; init; }

    /// <summary>Signed in with a passkey or a second factor.</summary>
    public bool SecondFactor { get; init; }

    public DateTimeOffset? EndedAt { get; set; }
}

/// <summary>A secret for a machine: shown once, stored as its hash, with scopes and an end.</summary>
public sealed class ApiToken
{
    public required Guid Id { get; init; }

    public required TeamId Team { get; init; }

    public required string Name { get; init; }

    /// <summary>SHA-256 of the secret, lower hex.</summary>
    public required string Hash { get; init; }

    /// <summary>The secret's first characters, to tell tokens apart.</summary>
    public required string Hint { get; init; }

    /// <summary>Space-separated, such as <c>reports:read reports:write</c>.</summary>
    public required string Scopes { get; init; }

    public PersonId? Owner { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? UsedAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}

/// <summary>Something one person should look at. A text key and its arguments; the record it points to passes the read rule when shown.</summary>
public sealed class Notification
{
    public required Guid Id { get; init; }

    public required PersonId Person { get; init; }

    public required string TextKey { get; init; }

    public required string Args { get; init; }

    public required string Href { get; init; }

    public required DateTimeOffset At { get; init; }

    public DateTimeOffset? ReadAt { get; set; }
}
