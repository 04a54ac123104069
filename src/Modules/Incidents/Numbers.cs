using System.Globalization;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>Numbers people quote: per team, so that nobody learns from one how much another team has.</summary>
public static class Numbers
{
    /// <summary>Whether this can be such a number at all, so that nothing else is looked up: PostgreSQL knows no NUL, and no number holds one.</summary>
    public static bool CanBe(string text) => text.Length is > 0 and <= 40 && !text.AsSpan().ContainsAnyExceptInRange(' ', '~');

    /// <summary><c>R-2026-11-0181</c>.</summary>
    public static async Task<string> ReportAsync(NodeDb db, TeamId team, DateTimeOffset at, CancellationToken ct)
    {
        var month = at.ToString("yyyy-MM", CultureInfo.InvariantCulture);
        return Report(month, await db.NextAsync($"report:{team}:{month}", ct));
    }

    public static string Report(string month, long number) => string.Create(CultureInfo.InvariantCulture, $"R-{month}-{number:0000}");

    /// <summary><c>INC-2026-0412</c>.</summary>
    public static async Task<string> IncidentAsync(NodeDb db, TeamId team, DateTimeOffset at, CancellationToken ct)
    {
        var year = at.ToString("yyyy", CultureInfo.InvariantCulture);
        var number = await db.NextAsync($"incident:{team}:{year}", ct);
        return string.Create(CultureInfo.InvariantCulture, $"INC-{year}-{number:0000}");
    }

    /// <summary><c>REQ-1179</c>.</summary>
    public static async Task<string> RequestAsync(NodeDb db, TeamId team, CancellationToken ct)
    {
        var number = await db.NextAsync($"request:{team}", ct);
        return string.Create(CultureInfo.InvariantCulture, $"REQ-{1000 + number}");
    }
}
