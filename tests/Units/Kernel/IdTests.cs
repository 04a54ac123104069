namespace Renkei.Kernel.Tests;

public sealed class IdTests
{
    private sealed class Moment(DateTimeOffset at) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => at;
    }

    /// <summary>RFC 9562 §5.7. As text and as bytes, which is how the databases order them.</summary>
    [Fact]
    public void Ids_sort_by_the_time_they_were_made()
    {
        var start = DateTimeOffset.Parse("2026-02-28T23:59:59.990Z", System.Globalization.CultureInfo.InvariantCulture);
        var made = Enumerable.Range(0, 300).Select(i => IncidentId.New(new Moment(start.AddMilliseconds(i * 7)))).ToList();
        Assert.Equal(made, made.OrderBy(i => i.ToString(), StringComparer.Ordinal));
        Assert.Equal(made, made.OrderBy(i => i.Value));
        Assert.Equal(made, made.OrderBy(i => Convert.ToHexString(i.Value.ToByteArray(bigEndian: true)), StringComparer.Ordinal));
        Assert.All(made, i => Assert.Equal((7, true), (i.Value.Version, i.Value.Variant is >= 8 and <= 11)));
    }

    [Fact]
    public void Ids_of_one_moment_differ()
    {
        var clock = new Moment(DateTimeOffset.UnixEpoch.AddYears(56));
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(_ => ReportId.New(clock)).Distinct().Count());
    }

    [Fact]
    public void An_id_is_plain_text_in_JSON_and_comes_back()
    {
        var id = TeamId.New(new Moment(DateTimeOffset.UnixEpoch.AddYears(56)));
        var json = System.Text.Json.JsonSerializer.Serialize(id);
        Assert.Equal($"\"{id}\"", json);
        Assert.Equal(id, System.Text.Json.JsonSerializer.Deserialize<TeamId>(json));
        Assert.True(TeamId.TryParse(id.ToString().ToUpperInvariant(), null, out var parsed));
        Assert.Equal(id, parsed);
        Assert.False(TeamId.TryParse("not an id", null, out _));
        Assert.Throws<System.Text.Json.JsonException>(() => System.Text.Json.JsonSerializer.Deserialize<TeamId>("\"not an id\""));
    }
}
