using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Renkei.Directories;
using Renkei.Incidents;
using Renkei.Kernel;
using Renkei.Store;
using Renkei.Store.Postgres;
using Renkei.Store.Sqlite;

Console.WriteLine("Start-up project of `dotnet ef`; nothing to run.");

namespace Renkei.Migrations
{
    /// <summary>dotnet ef ... -- sqlite | postgres</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<NodeDb>
    {
        public NodeDb CreateDbContext(string[] args)
        {
            var options = new DbContextOptionsBuilder<NodeDb>();
            _ = args is ["postgres", ..] ? options.UseNodePostgres("Host=localhost;Database=design") : options.UseNodeSqlite("design.db");
            return new NodeDbFactory(options.Options, new NodeContext(TimeProvider.System, [new DirectoryModel(), new IncidentsModel()])).For(Viewer.System);
        }
    }
}
