using System.Data.Common;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore.Migrations;
using Renkei.Kernel;

namespace Renkei.Store;

/// <summary>A node that has been here before. <paramref name="Inhabited"/>: someone has an account.</summary>
public sealed record KnownNode(NodeId Id, ECDsa Key, bool Inhabited)
{
    /// <summary>
    /// Reads what a start needs from the database itself, since making the model takes a second; null unless it has exactly the migrations of
    /// <paramref name="migrations"/> and its node has its id and key. Whoever gets null takes the long way, which also says what is wrong.
    /// </summary>
    public static async Task<KnownNode?> ReadAsync(DbConnection connection, Assembly migrations, KeyRing keys, CancellationToken ct)
    {
        var (applied, facts, inhabited) = (new HashSet<string>(StringComparer.Ordinal), new Dictionary<string, string>(StringComparer.Ordinal), false);
        try
        {
            await connection.OpenAsync(ct);
            await ReadAsync("""SELECT "MigrationId" FROM "__EFMigrationsHistory" """, r => applied.Add(r.GetString(0)));
            if (!applied.SetEquals(migrations.GetTypes().Select(t => t.GetCustomAttribute<MigrationAttribute>()?.Id).OfType<string>()))
            {
                return null;
            }

            await ReadAsync("""SELECT "Name", "Value" FROM "NodeFacts" WHERE "Name" IN ('node-id', 'node-key')""", r => facts.Add(r.GetString(0), r.GetString(1)));
            await ReadAsync("""SELECT 1 FROM "AspNetUsers" LIMIT 1""", _ => inhabited = true);
        }
        catch (DbException)
        {
            return null;
        }

        return facts.Count == 2 ? new(new(Guid.Parse(facts["node-id"], CultureInfo.InvariantCulture)), KeyOf(facts["node-key"], keys), inhabited) : null;

        async Task ReadAsync(string sql, Action<DbDataReader> row)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                row(reader);
            }
        }
    }

    /// <summary>The node's signing key as it lies in the database: PKCS #8, wrapped under the key-encryption key, base64.</summary>
    internal static ECDsa KeyOf(string fact, KeyRing keys)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(keys.Unwrap(Convert.FromBase64String(fact), "node-key"), out _);
        return key;
    }
}
