namespace Renkei.Web;

/// <summary>What is wrong with one field.</summary>
/// <param name="Field">The id of the input, which the list on top links to.</param>
/// <param name="Label">The field's name in the reader's language.</param>
/// <param name="Message">What is wrong and what to write instead.</param>
public sealed record FieldError(string Field, string Label, string Message);

/// <summary>The errors of one form, in the order of its fields. Empty when all is well.</summary>
public sealed class FormErrors
{
    private readonly List<FieldError> list = [];

    /// <summary>No errors, for a form shown for the first time.</summary>
    public static FormErrors None { get; } = new();

    /// <summary>In the order they were added.</summary>
    public IReadOnlyList<FieldError> All => list;

    /// <summary>True when something is wrong.</summary>
    public bool Any => list.Count > 0;

    /// <summary>The message of a field, or null.</summary>
    public string? this[string field] => list.Find(error => string.Equals(error.Field, field, StringComparison.Ordinal))?.Message;

    /// <summary>Adds one and returns this, to chain.</summary>
    public FormErrors Add(string field, string label, string message)
    {
        if (ReferenceEquals(this, None))
        {
            throw new InvalidOperationException("None stays empty: make a new FormErrors");
        }

        list.Add(new FieldError(field, label, message));
        return this;
    }
}
