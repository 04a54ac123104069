using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Directories;

/// <summary>Marks a contact whose mail came back, so that the next proposals prefer another; a person clears it.</summary>
public static class FlagBounce
{
    /// <summary>With the caller's next save. A contact that the caller may not see, or that another team keeps, is left alone.</summary>
    public static async Task SetAsync(NodeDb db, ContactId contact, DateTimeOffset at, CancellationToken ct)
    {
        if (await db.Contacts.FirstOrDefaultAsync(c => c.Id == contact, ct) is { } found && db.Viewer.Has(found.Marking.Origin, Right.SendRequests))
        {
            found.BouncedAt = at;
        }
    }
}
