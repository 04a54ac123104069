using Microsoft.EntityFrameworkCore.Migrations;

namespace Renkei.Store.Sqlite;

/// <summary>What the model cannot say: grants clustered by their key, the full-text index kept by triggers, an audit log that nothing changes.</summary>
internal static class SqliteExtras
{
    public static void Foundation(MigrationBuilder migration)
    {
        migration.Sql("""
            DROP TABLE "Grants";
            CREATE TABLE "Grants" (
                "Principal" TEXT NOT NULL, "Kind" TEXT NOT NULL, "State" INTEGER NOT NULL, "Sort" INTEGER NOT NULL, "Record" TEXT NOT NULL,
                "From" INTEGER NOT NULL, "Until" INTEGER NOT NULL,
                CONSTRAINT "PK_Grants" PRIMARY KEY ("Principal", "Kind", "State", "Sort", "Record")) WITHOUT ROWID;
            CREATE INDEX "IX_Grants_Record_Principal" ON "Grants" ("Record", "Principal");
            CREATE VIRTUAL TABLE "SearchIndex" USING fts5("Tokens", content='SearchEntries', content_rowid='Id', tokenize="unicode61 remove_diacritics 0 tokenchars 'ʔ'");
            CREATE TRIGGER "SearchEntries_ai" AFTER INSERT ON "SearchEntries" BEGIN
                INSERT INTO "SearchIndex"(rowid, "Tokens") VALUES (new."Id", new."Tokens"); END;
            CREATE TRIGGER "SearchEntries_ad" AFTER DELETE ON "SearchEntries" BEGIN
                INSERT INTO "SearchIndex"("SearchIndex", rowid, "Tokens") VALUES ('delete', old."Id", old."Tokens"); END;
            CREATE TRIGGER "SearchEntries_au" AFTER UPDATE ON "SearchEntries" BEGIN
                INSERT INTO "SearchIndex"("SearchIndex", rowid, "Tokens") VALUES ('delete', old."Id", old."Tokens");
                INSERT INTO "SearchIndex"(rowid, "Tokens") VALUES (new."Id", new."Tokens"); END;
            CREATE TRIGGER "Audit_no_update" BEFORE UPDATE ON "Audit" BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
            CREATE TRIGGER "Audit_no_delete" BEFORE DELETE ON "Audit" BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
            """);
    }
}
