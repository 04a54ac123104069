namespace Renkei.Web;

/// <summary>One field that two people wrote at the same time.</summary>
/// <param name="Name">The form field: <c>take.Name</c> is posted as "theirs" or "mine", <c>mine.Name</c> carries my value.</param>
/// <param name="Label">Its name in the reader's language.</param>
/// <param name="Theirs">Stored now, as text.</param>
/// <param name="Mine">Written by me, as text.</param>
/// <param name="MineValue">What is posted for mine where it differs from its text (ids, codes); null: the text.</param>
public sealed record ConflictField(string Name, string Label, string Theirs, string Mine, string? MineValue = null)
{
    /// <summary>Nothing to choose.</summary>
    public bool Same => string.Equals(Theirs, Mine, StringComparison.Ordinal);
}
