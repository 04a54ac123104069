namespace Renkei.Web;

/// <summary>What an input needs from its <c>Field</c>: <c>&lt;input class="form-control" @attributes="context.Attributes" /&gt;</c>.</summary>
/// <param name="Id">The input's id, which the label points at.</param>
/// <param name="Attributes">id, name, and where they apply aria-describedby, aria-invalid, aria-required.</param>
public sealed record InputAria(string Id, IReadOnlyDictionary<string, object> Attributes)
{
    /// <summary>The attributes and the page's own; the field's win.</summary>
    public IReadOnlyDictionary<string, object> With(IDictionary<string, object>? rest)
    {
        if (rest is null)
        {
            return Attributes;
        }

        var all = new Dictionary<string, object>(rest, StringComparer.Ordinal);
        foreach (var (name, value) in Attributes)
        {
            all[name] = value;
        }

        return all;
    }

    /// <summary>Attributes for an input with this help and error.</summary>
    public static InputAria Of(string id, string? name, string? help, string? error, bool required)
    {
        var attributes = new Dictionary<string, object>(StringComparer.Ordinal) { ["id"] = id, ["name"] = name ?? id };
        var described = string.Join(' ', new[] { help is null ? null : $"{id}-help", error is null ? null : $"{id}-err" }.Where(part => part is not null));
        if (described.Length > 0)
        {
            attributes["aria-describedby"] = described;
        }

        if (error is not null)
        {
            attributes["aria-invalid"] = "true";
        }

        if (required)
        {
            attributes["aria-required"] = "true";
        }

        return new InputAria(id, attributes);
    }
}

/// <summary>One choice of a list.</summary>
/// <param name="Value">What is posted.</param>
/// <param name="Text">What is read.</param>
/// <param name="Help">A line below it (radios only).</param>
/// <param name="Href">Where one can look at it before choosing (radios only).</param>
public sealed record Choice(string Value, string Text, string? Help = null, string? Href = null);
