using Renkei.Kernel;

namespace Renkei.Incidents;

/// <summary>Bounds and cleans the fields of one incoming form or call; what is wrong is collected, all of it, in the order of the fields.</summary>
public sealed class FieldCheck(List<FieldFault> faults)
{
    /// <summary>One line of text, inert, without ends of white space; null when empty.</summary>
    public string? Line(string field, string? value, int max, bool required = false)
    {
        var text = Text(field, value, max)?.Replace('\n', ' ').Replace('\t', ' ').Trim();
        if (string.IsNullOrEmpty(text))
        {
            if (required && !faults.Exists(f => f.Field == field))
            {
                faults.Add(new(field, "required"));
            }

            return null;
        }

        return text;
    }

    /// <summary>Text of several lines, inert; null when empty.</summary>
    public string? Text(string field, string? value, int max)
    {
        if (string.IsNullOrEmpty(value))
        {
            return null;
        }

        if (value.Length > max)
        {
            faults.Add(new(field, "too_long", max));
            return null;
        }

        if (value.Contains('\0', StringComparison.Ordinal))
        {
            faults.Add(new(field, "nul"));
            return null;
        }

        return InertText.Clean(value);
    }

    /// <summary>A mail address as far as it can be seen: one @ with something without white space on either side.</summary>
    public string? Email(string field, string? value, int max)
    {
        var text = Line(field, value, max);
        if (text is null)
        {
            return null;
        }

        var at = text.LastIndexOf('@');
        if (at < 0)
        {
            faults.Add(new(field, "email_at"));
            return null;
        }

        if (at == 0 || at == text.Length - 1 || text.Any(c => char.IsWhiteSpace(c) || c is '<' or '>' or ',' or ';' or '⟦') || !Observable.TryParse(ObservableType.Email, text, out _, out _))
        {
            faults.Add(new(field, "email"));
            return null;
        }

        return text;
    }

    /// <summary>Two letters, upper case.</summary>
    public string? Country(string field, string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return null;
        }

        var code = value.Trim().ToUpperInvariant();
        if (code.Length != 2 || !code.All(char.IsAsciiLetterUpper))
        {
            faults.Add(new(field, "country"));
            return null;
        }

        return code;
    }

    /// <summary>One of a few words; <paramref name="absent"/> when nothing was said.</summary>
    public T OneOf<T>(string field, string? value, T absent, params ReadOnlySpan<(string Word, T Means)> words)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return absent;
        }

        foreach (var (word, means) in words)
        {
            if (string.Equals(word, value.Trim(), StringComparison.OrdinalIgnoreCase))
            {
                return means;
            }
        }

        var known = new string[words.Length];
        for (var i = 0; i < known.Length; i++)
        {
            known[i] = words[i].Word;
        }

        faults.Add(new(field, "one_of", string.Join(", ", known)));
        return absent;
    }
}
