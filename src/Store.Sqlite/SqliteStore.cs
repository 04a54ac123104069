using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Renkei.Store.Sqlite;

public static class SqliteStore
{
    /// <summary>SQLite in WAL mode with full sync: an acknowledged commit survives a crash of the machine, not only of the process.</summary>
    public static DbContextOptionsBuilder UseNodeSqlite(this DbContextOptionsBuilder builder, string path) =>
        builder.UseSqlite(ConnectionString(path), o => o.MigrationsAssembly(typeof(SqliteStore).Assembly)).AddInterceptors(new Pragmas());

    /// <summary>A connection of its own, beside the contexts'.</summary>
    public static DbConnection Connect(string path) => new SqliteConnection(ConnectionString(path));

    private static string ConnectionString(string path) => $"Data Source={path};Pooling=True;Foreign Keys=True;Default Timeout=30";

    private sealed class Pragmas : DbConnectionInterceptor
    {
        private const string Sql = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=15000; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000;";

        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
        {
            using var command = connection.CreateCommand();
            command.CommandText = Sql;
            command.ExecuteNonQuery();
        }

        public override async Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = Sql;
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
