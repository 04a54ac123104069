using System.Data.Common;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Store;

namespace Renkei.Node.Tests;

/// <summary>A node's SQLite that waits only a moment for a lock, or that may grow only so far: trouble without waiting for it.</summary>
internal static class TightSqlite
{
    public static void Use(WebApplicationBuilder builder, int maxPages = 0)
    {
        var given = (DbContextOptions<NodeDb>)builder.Services.Single(s => s.ServiceType == typeof(DbContextOptions<NodeDb>)).ImplementationInstance!;
        builder.Services.AddSingleton(new DbContextOptionsBuilder<NodeDb>(given).AddInterceptors(new Impatient(maxPages)).Options);
    }

    private sealed class Impatient(int maxPages) : DbConnectionInterceptor
    {
        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData) => Set(connection);

        public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            Set(connection);
            return Task.CompletedTask;
        }

        private void Set(DbConnection connection)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA busy_timeout=300;" + (maxPages > 0 ? "PRAGMA max_page_count=" + maxPages.ToString(CultureInfo.InvariantCulture) + ";" : "");
            command.ExecuteNonQuery();
            ((SqliteConnection)connection).DefaultTimeout = 1;
        }
    }
}
