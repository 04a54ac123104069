using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Renkei.Kernel;

namespace Renkei.Directories;

/// <summary>
/// The ticket for a file between preview and apply: names a stored object for one team and an hour. Sealed, since whoever could name
/// any object's hash here could read it through a preview.
/// </summary>
public sealed class HeldFile(IDataProtectionProvider protection)
{
    private readonly ITimeLimitedDataProtector _protector = protection.CreateProtector("renkei.directory.import").ToTimeLimitedDataProtector();

    public string Seal(TeamId team, string sha256) => _protector.Protect($"{team.Value:N} {sha256}", TimeSpan.FromHours(1));

    /// <summary>The object's hash, or null when the ticket is not of this node and team, or is over.</summary>
    public string? Open(TeamId team, string ticket)
    {
        try
        {
            return ticket.Length is > 0 and < 4000 && _protector.Unprotect(ticket).Split(' ') is [var owner, var sha] && owner == team.Value.ToString("N") ? sha : null;
        }
        catch (CryptographicException)
        {
            // forged or over: the same as no ticket
            return null;
        }
    }
}
