using Renkei.Formats.Xarf;

namespace Renkei.Units.Formats.Xarf;

public class XarfMappingTests
{
    [Theory]
    [InlineData("fraud", "phishing", XarfTargetRole.Unspecified, "phishing")]
    [InlineData("fraud", "phishing", XarfTargetRole.DropSite, "phishing")]
    [InlineData("fraud", "phishing", XarfTargetRole.SteppingStone, "compromised_server")]
    [InlineData("malicious-code", "malware-distribution", XarfTargetRole.Unspecified, "malware")]
    [InlineData("malicious-code", "infected-system", XarfTargetRole.CommandAndControl, "botnet")]
    [InlineData("malicious-code", "infected-system", XarfTargetRole.DistributionSite, "malware")]
    [InlineData("malicious-code", "c2-server", XarfTargetRole.Unspecified, "botnet")]
    [InlineData("intrusions", "application-compromise", XarfTargetRole.CompromisedSite, "remote_compromise")]
    [InlineData("information-content-security", "unauthorised-information-modification", XarfTargetRole.Unspecified, "remote_compromise")]
    [InlineData("intrusion-attempts", "brute-force", XarfTargetRole.AttackSource, "login_attack")]
    [InlineData("information-gathering", "scanner", XarfTargetRole.AttackSource, "port_scan")]
    [InlineData("availability", "ddos", XarfTargetRole.AttackSource, "ddos")]
    [InlineData("vulnerable", "ddos-amplifier", XarfTargetRole.VulnerableHost, "open_service")]
    [InlineData("vulnerable", "vulnerable-system", XarfTargetRole.VulnerableHost, "cve")]
    [InlineData("abusive-content", "spam", XarfTargetRole.AttackSource, "spam")]
    public void The_receiver_is_told_about_its_own_part(string category, string type, XarfTargetRole role, string expected) =>
        Assert.Equal(expected, XarfMapping.For(category, type, role)?.Type);

    [Theory]
    [InlineData("intrusions", "burglary")]
    [InlineData("availability", "outage")]
    [InlineData("abusive-content", "harmful-speech")]
    [InlineData("other", "undetermined")]
    [InlineData("no-such", "class")]
    public void A_class_that_means_nothing_to_a_provider_has_no_report(string category, string type) =>
        Assert.Null(XarfMapping.For(category, type, XarfTargetRole.Unspecified));

    [Fact]
    public void A_test_is_never_reported_to_a_provider() =>
        Assert.All(Enum.GetValues<XarfTargetRole>(), role => Assert.Null(XarfMapping.For("test", "test", role)));
}
