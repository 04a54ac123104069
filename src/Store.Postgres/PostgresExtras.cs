using Microsoft.EntityFrameworkCore.Migrations;

namespace Renkei.Store.Postgres;

/// <summary>What the model cannot say: the full-text index over the tokens, an audit log that nothing changes.</summary>
internal static class PostgresExtras
{
    public static void Foundation(MigrationBuilder migration)
    {
        migration.Sql("""
            CREATE INDEX "IX_SearchEntries_Tokens" ON "SearchEntries" USING gin (array_to_tsvector(string_to_array("Tokens", ' ')));
            CREATE FUNCTION renkei_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
            CREATE TRIGGER "Audit_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "Audit" FOR EACH STATEMENT EXECUTE FUNCTION renkei_append_only();
            """);
    }
}
