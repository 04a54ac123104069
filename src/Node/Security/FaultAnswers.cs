using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Renkei.Node.Security;

/// <summary>
/// Faults that are nobody's bug get an answer that says what to do: someone saved first (409), the database is locked or the disk is full
/// (503, try later). Nothing was stored in either case.
/// </summary>
public sealed class FaultAnswers : IExceptionHandler
{
    // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
    private static readonly int[] Passing = [5, 6, 8, 10, 13, 14];

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var (status, title, detail) = exception switch
        {
            DbUpdateConcurrencyException => (409, "Changed meanwhile", "Somebody saved the same record first. Nothing of yours was stored: read it again and decide."),
            _ when IsPassing(exception) => (503, "The database is not available", "It is locked, full or unreachable. Nothing was stored: try again in a minute."),
            _ => (0, "", ""),
        };
        if (status == 0)
        {
            return false;
        }

        if (status == 503)
        {
            httpContext.Response.Headers.RetryAfter = "60";
        }

        httpContext.Response.StatusCode = status;
        if (httpContext.Request.Path.StartsWithSegments("/api"))
        {
            await TypedResults.Problem(detail, statusCode: status, title: title).ExecuteAsync(httpContext);
        }

        return true;
    }

    private static bool IsPassing(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is SqliteException sqlite ? Passing.Contains(sqlite.SqliteErrorCode) : e is NpgsqlException { IsTransient: true } || (e is IOException && (e.HResult & 0xFFFF) == 28))
            {
                return true;
            }
        }

        return false;
    }
}
