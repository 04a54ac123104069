using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Renkei.Store.Postgres;

public static class PostgresStore
{
    /// <summary>
    /// <paramref name="connection"/> is a <c>postgres://</c> URL or an Npgsql connection string. Plans are made per execution: a generic plan for
    /// the read rule was seen to take seconds (notes on the read rule).
    /// </summary>
    public static DbContextOptionsBuilder UseNodePostgres(this DbContextOptionsBuilder builder, string connection) =>
        builder.UseNpgsql(ConnectionString(connection), o => o.MigrationsAssembly(typeof(PostgresStore).Assembly));

    /// <summary>A connection of its own, beside the contexts'.</summary>
    public static DbConnection Connect(string connection) => new NpgsqlConnection(ConnectionString(connection));

    /// <summary>Reads <c>postgres://user:password@host:port/database</c>.</summary>
    public static string ConnectionString(string connection)
    {
        var settings = new NpgsqlConnectionStringBuilder();
        if (Uri.TryCreate(connection, UriKind.Absolute, out var url) && url.Scheme is "postgres" or "postgresql")
        {
            var who = url.UserInfo.Split(':', 2);
            settings.Host = url.Host.Length == 0 ? "localhost" : url.Host;
            settings.Port = url.Port > 0 ? url.Port : 5432;
            settings.Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/'));
            settings.Username = who[0].Length > 0 ? Uri.UnescapeDataString(who[0]) : null;
            settings.Password = who.Length > 1 ? Uri.UnescapeDataString(who[1]) : null;
        }
        else
        {
            settings.ConnectionString = connection;
        }

        settings.Options = "-c plan_cache_mode=force_custom_plan";
        return settings.ConnectionString;
    }
}
