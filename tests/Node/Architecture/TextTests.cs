using System.Text.RegularExpressions;
using Renkei.Web;

namespace Renkei.Node.Tests.Architecture;

/// <summary>Every word a person reads comes from the text files, in both languages.</summary>
public partial class TextTests
{
    private static readonly TextBook Book = new([typeof(TextBook).Assembly, typeof(NodeHost).Assembly, typeof(Directories.DirectoryModule).Assembly, typeof(Mail.MailModule).Assembly, typeof(Incidents.IncidentsModule).Assembly]);

    [Fact]
    public void Every_key_exists_in_both_languages()
    {
        Assert.NotEmpty(Book.Keys("en"));
        Assert.Equal([], Book.Keys("en").Except(Book.Keys("ja")).Order(StringComparer.Ordinal));
        Assert.Equal([], Book.Keys("ja").Except(Book.Keys("en")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Both_languages_fill_the_same_places()
    {
        // these are given an argument for each script, and each language takes its own
        foreach (var key in Book.Keys("en").Where(k => k is not ("diary.assigned" or "overview.chart.month_name")))
        {
            var en = Places().Matches(Book.Get("en", key)).Select(m => m.Groups[1].Value).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
            var ja = Places().Matches(Book.Get("ja", key)).Select(m => m.Groups[1].Value).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
            Assert.True(en.SequenceEqual(ja, StringComparer.Ordinal), $"{key}: en fills {string.Join(",", en)}, ja {string.Join(",", ja)}");
        }
    }

    [Fact]
    public void Every_key_that_is_written_out_exists()
    {
        var missing = new List<string>();
        foreach (var file in Repository.Files("src", "*.razor").Concat(Repository.Files("src", "*.cs")))
        {
            foreach (Match match in Used().Matches(File.ReadAllText(file)))
            {
                var key = match.Groups[1].Value;
                if (!key.EndsWith('.') && Book.Find("en", key) is null)
                {
                    missing.Add($"{Path.GetFileName(file)}: {key}");
                }
            }
        }

        Assert.Empty(missing);
    }

    [Fact]
    public void No_page_holds_a_literal()
    {
        var literals = new List<string>();
        foreach (var file in Repository.Files("src", "*.razor"))
        {
            foreach (var text in LiteralsOf(File.ReadAllText(file)))
            {
                literals.Add($"{Path.GetFileName(file)}: {text}");
            }
        }

        Assert.Empty(literals);
    }

    [Theory]
    [InlineData("<p>Hello</p>", "Hello")]
    [InlineData("<p>@T[\"x\"]</p>", null)]
    [InlineData("<input placeholder=\"Search here\">", "Search here")]
    [InlineData("@if (x > 0) { <b>@n</b> }", null)]
    public void The_search_for_literals_finds_them(string razor, string? found) =>
        Assert.Equal(found is null ? [] : [found], LiteralsOf(razor));

    /// <summary>Text between tags, and attributes that people read or hear, which hold letters and do not begin with @.</summary>
    private static IEnumerable<string> LiteralsOf(string razor)
    {
        var code = razor.IndexOf("@code", StringComparison.Ordinal);
        var markup = code < 0 ? razor : razor[..code];
        markup = Comment().Replace(markup, "");
        markup = HtmlComment().Replace(markup, "");
        foreach (Match attribute in Heard().Matches(markup))
        {
            var value = attribute.Groups[1].Value;
            if (!value.Contains('@', StringComparison.Ordinal) && Letter().IsMatch(value))
            {
                yield return value;
            }
        }

        foreach (Match between in Between().Matches(markup))
        {
            var text = between.Groups[1].Value.Trim();
            // an expression or a piece of C# between tags is not text; a name of the product is the same in both languages
            if (text.Length == 0 || text.Contains('@', StringComparison.Ordinal) || text.IndexOfAny(['{', '}', ';', '(', '=', '"']) >= 0 || !Letter().IsMatch(text) || text is "Renkei" or "連携" or "else" or "SHA-256" or "Message-ID")
            {
                continue;
            }

            yield return text;
        }
    }

    [GeneratedRegex(@"\{(\d)[^}]*\}")]
    private static partial Regex Places();

    [GeneratedRegex("""(?:\bT\[|\bT\.Of\(|\bt\[|\bt\.Of\(|\btexts\[|\btexts\.Of\()"([a-z0-9_.]+)"(?:\]|,|\))""")]
    private static partial Regex Used();

    [GeneratedRegex(@"@\*.*?\*@", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex HtmlComment();

    [GeneratedRegex("\\b(?:aria-label|placeholder|title|alt|Title|Label|Help|Text|Sub|Caption|Finding|Button|Question)=\"([^\"]*)\"")]
    private static partial Regex Heard();

    [GeneratedRegex(@"<[a-zA-Z/][^<>]*>([^<>]*)(?=<[a-zA-Z/])")]
    private static partial Regex Between();

    [GeneratedRegex(@"\p{L}{2,}")]
    private static partial Regex Letter();
}
