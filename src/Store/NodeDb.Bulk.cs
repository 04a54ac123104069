using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;

namespace Renkei.Store;

public sealed partial class NodeDb
{
    /// <summary>
    /// Inserts many rows of one table with one prepared command, untracked and without audit entries of their own: for the lines of a file,
    /// whose record has its entry. Inside the transaction of that record. Returns how many were inserted.
    /// </summary>
    /// <exception cref="InvalidOperationException">Outside a transaction, or for a marked record, whose grants this would not write.</exception>
    public async Task<int> BulkInsertAsync<T>(IEnumerable<T> rows, CancellationToken ct) where T : class, IChild
    {
        var transaction = Database.CurrentTransaction?.GetDbTransaction() ?? throw new InvalidOperationException("Insert rows in bulk inside the transaction of their record.");
        var type = Model.FindEntityType(typeof(T)) ?? throw new InvalidOperationException($"{typeof(T).Name} is not in the model.");
        var table = StoreObjectIdentifier.Create(type, StoreObjectType.Table)!.Value;
        var columns = type.GetProperties().Select(p => (Property: p, Column: p.GetColumnName(table)!, p.GetGetter(), Converter: p.GetTypeMapping().Converter)).ToList();
        await using var command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
        var helper = Database.GetService<ISqlGenerationHelper>();
        var names = columns.Select((_, i) => helper.GenerateParameterName("p" + i.ToString(System.Globalization.CultureInfo.InvariantCulture))).ToList();
        command.CommandText = $"INSERT INTO {helper.DelimitIdentifier(table.Name, table.Schema)} ({string.Join(", ", columns.Select(c => helper.DelimitIdentifier(c.Column)))}) VALUES ({string.Join(", ", names)})";
        var parameters = new DbParameter[columns.Count];
        for (var i = 0; i < parameters.Length; i++)
        {
            parameters[i] = ((RelationalTypeMapping)columns[i].Property.GetTypeMapping()).CreateParameter(command, names[i], null, nullable: true);
            command.Parameters.Add(parameters[i]);
        }

        var written = 0;
        foreach (var row in rows)
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                var value = columns[i].Item3.GetClrValue(row);
                parameters[i].Value = (value is null ? null : columns[i].Converter is { } converter ? converter.ConvertToProvider(value) : value) ?? DBNull.Value;
            }

            if (written == 0)
            {
                await command.PrepareAsync(ct);
            }

            written += await command.ExecuteNonQueryAsync(ct);
        }

        return written;
    }
}
