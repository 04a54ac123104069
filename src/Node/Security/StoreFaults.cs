using Microsoft.Data.Sqlite;
using Npgsql;

namespace Renkei.Node.Security;

/// <summary>A disk that is full or a database that is locked or away is said as what it is: 503 with when to come back, and nothing was stored.</summary>
public static partial class StoreFaults
{
    private const string RetrySeconds = "30";

    public static IApplicationBuilder UseStoreFaults(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        try
        {
            await next();
        }
        catch (Exception e) when (!http.Response.HasStarted && IsUnwritable(e))
        {
            NotStored(http.RequestServices.GetRequiredService<ILogger<NodeSettings>>(), http.Request.Method, e);
            http.Response.Clear();
            http.Response.Headers.RetryAfter = RetrySeconds;
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            if (http.Request.Path.StartsWithSegments("/api"))
            {
                await Problems.WriteAsync(http, StatusCodes.Status503ServiceUnavailable, "Not stored", "The node's disk is full or its database cannot be written now. Nothing was stored: send it again after Retry-After.");
            }
        }
    });

    /// <summary>True for a failure of the place things are stored in, not of what was to be stored.</summary>
    public static bool IsUnwritable(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                // busy, locked, read-only, I/O error, full, cannot open (https://sqlite.org/rescode.html)
                case SqliteException { SqliteErrorCode: 5 or 6 or 8 or 10 or 13 or 14 }:
                // EFBIG, ENOSPC, EDQUOT of Linux and of BSD, and Windows' disk full
                case IOException { HResult: 27 or 28 or 122 or 69 or unchecked((int)0x80070070) }:
                    return true;
                case PostgresException postgres:
                    // insufficient resources, operator intervention, lock not available, read-only transaction
                    return postgres.SqlState.StartsWith("53", StringComparison.Ordinal) || postgres.SqlState.StartsWith("57", StringComparison.Ordinal) || postgres.SqlState is "55P03" or "25006";
                case NpgsqlException:
                    // no connection at all
                    return true;
            }
        }

        return false;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A {Method} could not be stored; the caller was told to come back")]
    private static partial void NotStored(ILogger log, string method, Exception e);
}
