using Renkei.Formats.Rsit;

namespace Renkei.Units.Formats.Rsit;

public class RsitTaxonomyTests
{
    [Fact]
    public void Version_1003_has_eleven_categories_and_39_types()
    {
        Assert.Equal(1003, RsitTaxonomy.Version);
        Assert.Equal(11, RsitTaxonomy.Categories.Count);
        Assert.Equal(39, RsitTaxonomy.Categories.Sum(category => category.Types.Count));
        Assert.Equal(39, RsitTaxonomy.Categories.SelectMany(category => category.Types).Select(type => type.ToString()).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_type_is_found_by_its_identifiers_only_within_its_category()
    {
        Assert.Equal("フィッシング", RsitTaxonomy.Find("fraud", "phishing")?.Japanese);
        Assert.Equal("Potentially Unwanted Accessible Services", RsitTaxonomy.Find("vulnerable", "potentially-unwanted-accessible")?.English);
        Assert.Null(RsitTaxonomy.Find("vulnerable", "phishing"));
        Assert.Null(RsitTaxonomy.Find("Fraud", "Phishing"));
        Assert.Equal(5, RsitTaxonomy.FindCategory("intrusions")?.Types.Count);
        Assert.Null(RsitTaxonomy.FindCategory("intrusion"));
    }

    [Fact]
    public void Everything_has_a_Japanese_label_of_its_own()
    {
        var labels = RsitTaxonomy.Categories.Select(category => (category.English, category.Japanese))
            .Concat(RsitTaxonomy.Categories.SelectMany(category => category.Types).Select(type => (type.English, type.Japanese)));
        Assert.All(labels, label => Assert.Contains(label.Japanese, c => c >= '\u3000'));
        Assert.All(RsitTaxonomy.Categories, category => Assert.Distinct(category.Types.Select(type => type.Japanese), StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("fraud", "phishing", "フィッシングサイト")]
    [InlineData("information-content-security", "unauthorised-information-modification", "Webサイト改ざん")]
    [InlineData("malicious-code", "malware-distribution", "マルウェアサイト")]
    [InlineData("malicious-code", "infected-system", "その他")]
    [InlineData("information-gathering", "scanner", "スキャン")]
    [InlineData("intrusion-attempts", "brute-force", "スキャン")]
    [InlineData("availability", "ddos", "DoS/DDoS")]
    [InlineData("vulnerable", "ddos-amplifier", "その他")]
    public void A_type_falls_into_a_category_of_JPCERT(string category, string type, string expected) =>
        Assert.Equal(expected, JpcertCategories.For(RsitTaxonomy.Find(category, type)!).Japanese);

    [Fact]
    public void JPCERT_has_eight_categories_found_by_id()
    {
        Assert.Equal(8, JpcertCategories.All.Count);
        Assert.All(JpcertCategories.All, category => Assert.Same(category, JpcertCategories.Find(category.Id)));
        Assert.Equal("標的型攻撃", JpcertCategories.Find("targeted-attack")?.Japanese);
        Assert.Null(JpcertCategories.Find("nonsense"));
    }
}
