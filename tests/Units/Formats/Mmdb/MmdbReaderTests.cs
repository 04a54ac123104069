using System.Net;
using Renkei.Formats.Mmdb;

namespace Renkei.Units.Formats.Mmdb;

public sealed class MmdbReaderTests
{
    [Theory]
    [InlineData(4, 24)]
    [InlineData(4, 28)]
    [InlineData(4, 32)]
    [InlineData(6, 24)]
    [InlineData(6, 28)]
    [InlineData(6, 32)]
    public void An_address_is_found_in_its_most_specific_network_in_every_tree_and_record_size(int ipVersion, int recordSize)
    {
        MmdbReader reader = Open(new MmdbWriter(ipVersion, recordSize)
            .Add("192.0.2.0/24", "outer").Add("192.0.2.128/25", "inner").Add("198.51.100.7/32", "one"));

        Assert.Equal(("192.0.2.0/25", "outer"), Find(reader, "192.0.2.1"));
        Assert.Equal(("192.0.2.128/25", "inner"), Find(reader, "192.0.2.200"));
        Assert.Equal(("198.51.100.7/32", "one"), Find(reader, "198.51.100.7"));
        Assert.Equal(("192.0.2.128/25", "inner"), Find(reader, "::ffff:192.0.2.200"));
        Assert.Null(Find(reader, "198.51.100.8"));
        Assert.Null(Find(reader, "2001:db8::1"));
    }

    [Theory]
    [InlineData(24)]
    [InlineData(28)]
    [InlineData(32)]
    public void Networks_come_in_address_order_with_IPv4_as_IPv4_and_without_its_aliases(int recordSize)
    {
        MmdbReader reader = Open(new MmdbWriter(6, recordSize) { AliasIPv4 = true }
            .Add("2001:db8::/32", "v6").Add("192.0.2.0/24", "a").Add("198.51.100.0/24", "b"));

        Assert.Equal("192.0.2.0/24 a, 198.51.100.0/24 b, 2001:db8::/32 v6", string.Join(", ", Networks(reader)));
        Assert.Equal(("2002:c000:200::/40", "a"), Find(reader, "2002:c000:201::1"));
    }

    [Fact]
    public void A_28_bit_record_keeps_its_four_high_bits()
    {
        // Data beyond 2^24 makes both high nibbles count.
        var writer = new MmdbWriter(4, 28);
        writer.Add("192.0.2.0/25", new byte[16_800_000]).Add("192.0.2.0/26", "left").Add("192.0.2.64/26", "right");

        MmdbReader reader = Open(writer);

        Assert.Equal(("192.0.2.0/26", "left"), Find(reader, "192.0.2.1"));
        Assert.Equal(("192.0.2.64/26", "right"), Find(reader, "192.0.2.65"));
    }

    [Fact]
    public void Every_type_of_the_format_is_read_as_it_was_written()
    {
        MmdbReader reader = Open(new MmdbWriter(4, 24).Add("192.0.2.0/24", new (string, object)[]
        {
            ("text", "日本 Ω"),
            ("long", new string('x', 70_000)),
            ("middle", new string('y', 300)),
            ("real", 2.5d),
            ("single", -0.25f),
            ("bytes", new byte[] { 1, 2, 255 }),
            ("u16", ushort.MaxValue),
            ("u32", uint.MaxValue),
            ("zero", 0u),
            ("u64", ulong.MaxValue),
            ("u128", UInt128.MaxValue),
            ("i32", -7),
            ("yes", true),
            ("no", false),
            ("list", new object[] { "a", 1u, new object[] { "a" } }),
            ("map", new (string, object)[] { ("text", "日本 Ω") }),
        }));

        Assert.True(reader.TryLookup(IPAddress.Parse("192.0.2.1"), out MmdbMatch? match, out _));
        MmdbValue value = match.Value;
        Assert.Equal("日本 Ω", value.At("text")?.AsText());
        Assert.Equal(70_000, value.At("long")?.AsText()?.Length);
        Assert.Equal(300, value.At("middle")?.AsText()?.Length);
        Assert.Equal(new MmdbValue.Real(2.5), value.At("real"));
        Assert.Equal(new MmdbValue.Single(-0.25f), value.At("single"));
        Assert.Equal([1, 2, 255], Assert.IsType<MmdbValue.Bytes>(value.At("bytes")).Value.ToArray());
        Assert.Equal(ushort.MaxValue, value.At("u16")?.AsNumber());
        Assert.Equal(uint.MaxValue, value.At("u32")?.AsNumber());
        Assert.Equal(0UL, value.At("zero")?.AsNumber());
        Assert.Equal(ulong.MaxValue, value.At("u64")?.AsNumber());
        Assert.Equal(new MmdbValue.Unsigned(UInt128.MaxValue), value.At("u128"));
        Assert.Equal(new MmdbValue.Signed(-7), value.At("i32"));
        Assert.Equal(new MmdbValue.Flag(true), value.At("yes"));
        Assert.Equal(new MmdbValue.Flag(false), value.At("no"));
        Assert.Equal(3, Assert.IsType<MmdbValue.List>(value.At("list")).Items.Count);
        Assert.Equal("日本 Ω", value.At("map", "text")?.AsText());
    }

    [Theory]
    [InlineData(10)]
    [InlineData(2_047)]
    [InlineData(2_048)]
    [InlineData(526_335)]
    [InlineData(526_336)]
    public void Pointers_of_every_width_lead_to_their_text(int distance)
    {
        // Texts share their bytes by pointer: the second "end" points to where the first one lies.
        MmdbReader reader = Open(new MmdbWriter(4, 24)
            .Add("192.0.2.0/24", new byte[distance]).Add("198.51.100.0/24", "end").Add("203.0.113.0/24", "end"));

        Assert.Equal("end", Find(reader, "198.51.100.1")?.Text);
        Assert.Equal("end", Find(reader, "203.0.113.1")?.Text);
    }

    [Fact]
    public void The_metadata_say_what_was_written()
    {
        MmdbReader reader = Open(new MmdbWriter(6, 28) { BuildEpoch = 1_767_225_600 }.Add("2001:db8::/32", "v6"));

        Assert.Equal((6, 28, "Renkei-Test", 2, 0), (reader.Metadata.IpVersion, reader.Metadata.RecordSize, reader.Metadata.DatabaseType, reader.Metadata.MajorVersion, reader.Metadata.MinorVersion));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), reader.Metadata.BuiltAt);
        Assert.Equal("en ja", string.Join(' ', reader.Metadata.Languages));
        Assert.Equal("試験", reader.Metadata.Description["ja"]);
    }

    [Fact]
    public void One_record_for_everything_is_found_from_every_address()
    {
        MmdbReader reader = Open(new MmdbWriter(6, 24).Add("::/1", "low"));

        Assert.Equal(("0.0.0.0/0", "low"), Find(reader, "203.0.113.9"));
        Assert.Equal(("::/1", "low"), Find(reader, "2001:db8::1"));
        Assert.Null(Find(reader, "fe80::1"));
    }

    [Theory]
    [InlineData(4, 24)]
    [InlineData(6, 28)]
    [InlineData(4, 32)]
    public void No_changed_byte_makes_the_reader_throw_or_run_on(int ipVersion, int recordSize)
    {
        byte[] good = Sample(ipVersion, recordSize).ToArray();
        int refused = 0;
        for (int at = 0; at < good.Length; at++)
        {
            foreach (byte change in (ReadOnlySpan<byte>)[0x00, 0x01, 0x20, 0x3F, 0x7F, 0xE0, 0xFF, (byte)(good[at] ^ 0x80)])
            {
                byte[] bad = [.. good];
                bad[at] = change;
                refused += ReadAll(bad) is null ? 0 : 1;
            }
        }

        Assert.InRange(refused, good.Length / 4, good.Length * 8);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] good = Sample(6, 24).ToArray();

        for (int length = 0; length < good.Length; length++)
        {
            Assert.NotNull(ReadAll(good[..length]));
        }
    }

    [Fact]
    public void A_tree_that_leads_back_to_itself_is_an_error_with_the_node_it_happened_at()
    {
        byte[] bytes = new MmdbWriter(4, 24).Add("192.0.2.0/24", "x").ToArray();
        bytes.AsSpan(0, 6).Clear();

        Assert.True(MmdbReader.TryOpen(bytes, out MmdbReader? reader, out _));
        Assert.False(reader.TryLookup(IPAddress.Parse("192.0.2.1"), out _, out MmdbError? error));
        Assert.Equal((MmdbErrorKind.BadTree, 0L), (error!.Kind, error.Offset));
        Assert.Equal(MmdbErrorKind.BadTree, ReadAll(bytes)?.Kind);
    }

    [Fact]
    public void A_tree_whose_both_branches_share_every_subtree_does_not_keep_the_walk_for_ever()
    {
        // 100 nodes, each leading to the next on both sides: 2^100 paths.
        byte[] bytes = new MmdbWriter(6, 24).Add("2001:db8:1:2:3:4::/100", "x").ToArray();
        for (int node = 0; node < 99; node++)
        {
            bytes[(node * 6) + 2] = bytes[(node * 6) + 5] = (byte)(node + 1);
        }

        // The last node has no data on either side, so the walk has nothing to stop at.
        bytes[(99 * 6) + 2] = bytes[(99 * 6) + 5] = 100;
        bytes[(99 * 6) + 1] = bytes[(99 * 6) + 4] = 0;

        MmdbError? error = ReadAll(bytes);

        Assert.Equal("search tree leads to the same nodes again and again", error?.Reason);
    }

    [Fact]
    public void A_value_that_holds_itself_through_a_pointer_is_an_error()
    {
        var data = new List<byte>();
        data.AddRange([0b000_00001, 0b0000_0100, 0b001_00_000, 0]);
        byte[] bytes = WithData(data.ToArray());

        Assert.Equal(MmdbErrorKind.TooLarge, ReadAll(bytes)?.Kind);
    }

    [Fact]
    public void A_value_that_doubles_at_every_level_is_an_error()
    {
        // Lists of two pointers each to the next list: 2^40 values in 240 bytes.
        var data = new List<byte>();
        for (int level = 0; level < 40; level++)
        {
            int next = (level + 1) * 6;
            data.AddRange([0b000_00010, 0b0000_0100]);
            MmdbWriter.Pointer(data, next);
            MmdbWriter.Pointer(data, next);
        }

        data.Add(0b010_00000);

        Assert.Equal(MmdbErrorKind.TooLarge, ReadAll(WithData(data.ToArray()))?.Kind);
    }

    [Theory]
    [InlineData(new byte[] { 0b001_00_000, 2, 0b001_00_000, 0 }, MmdbErrorKind.BadField)]
    [InlineData(new byte[] { 0b001_00_111, 255 }, MmdbErrorKind.BadField)]
    [InlineData(new byte[] { 0b010_00010, 0xC3, 0x28 }, MmdbErrorKind.BadField)]
    [InlineData(new byte[] { 0b101_00011, 0, 0, 0 }, MmdbErrorKind.BadField)]
    [InlineData(new byte[] { 0b111_00001, 0b101_00001, 1, 0b010_00000 }, MmdbErrorKind.BadField)]
    [InlineData(new byte[] { 0b000_00000, 0b0000_0110 }, MmdbErrorKind.BadField)]
    [InlineData(new byte[] { 0b010_00101, (byte)'a' }, MmdbErrorKind.Truncated)]
    [InlineData(new byte[] { 0b111_11111, 255, 255, 255 }, MmdbErrorKind.TooLarge)]
    public void A_field_the_format_forbids_is_an_error_with_its_offset(byte[] data, MmdbErrorKind expected)
    {
        MmdbError? error = ReadAll(WithData(data));

        Assert.Equal(expected, error?.Kind);
        Assert.InRange(error!.Offset, 1, WithData(data).Length);
    }

    [Fact]
    public void Text_that_is_no_database_has_no_metadata()
    {
        Assert.False(MmdbReader.LooksLike("192.0.2.0/24\t64500"u8));
        Assert.False(MmdbReader.TryOpen("192.0.2.0/24\t64500"u8.ToArray(), out _, out MmdbError? error));
        Assert.Equal(MmdbErrorKind.NoMetadata, error.Kind);
    }

    private static MmdbWriter Sample(int ipVersion, int recordSize)
    {
        var writer = new MmdbWriter(ipVersion, recordSize) { AliasIPv4 = ipVersion == 6 };
        writer.Add("192.0.2.0/25", new (string, object)[] { ("asn", 64_500u), ("name", "Example Net") });
        writer.Add("192.0.2.128/25", new (string, object)[] { ("asn", 64_501u), ("name", "Example Net"), ("list", new object[] { true, 1.5d }) });
        return ipVersion == 6 ? writer.Add("2001:db8::/32", new (string, object)[] { ("asn", 64_502u) }) : writer;
    }

    /// <summary>One network whose record is these bytes.</summary>
    private static byte[] WithData(byte[] data)
    {
        byte[] file = new MmdbWriter(4, 24).Add("192.0.2.0/24", "@").ToArray();
        int at = file.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0b010_00001, (byte)'@', 0xAB, 0xCD, 0xEF]);
        return [.. file[..at], .. data, .. file[(at + 2)..]];
    }

    /// <summary>Everything a caller can ask of a file; the first error, if any.</summary>
    private static MmdbError? ReadAll(byte[] bytes)
    {
        if (!MmdbReader.TryOpen(bytes, out MmdbReader? reader, out MmdbError? error))
        {
            return error;
        }

        foreach (string address in (string[])["192.0.2.1", "192.0.2.200", "203.0.113.1", "2001:db8::1", "2002:c000:201::1", "::"])
        {
            reader.TryLookup(IPAddress.Parse(address), out _, out MmdbError? lookup);
            error ??= lookup;
        }

        MmdbNetworks networks = reader.Networks();
        while (networks.MoveNext())
        {
            if (!reader.TryRead(networks.DataOffset, out _, out MmdbError? read))
            {
                return error ?? read;
            }
        }

        return error ?? networks.Error;
    }

    private static MmdbReader Open(MmdbWriter writer)
    {
        Assert.True(MmdbReader.TryOpen(writer.ToArray(), out MmdbReader? reader, out MmdbError? error), error?.ToString());
        return reader;
    }

    private static (string Network, string? Text)? Find(MmdbReader reader, string address)
    {
        bool found = reader.TryLookup(IPAddress.Parse(address), out MmdbMatch? match, out MmdbError? error);
        Assert.Null(error);
        return found ? (match!.Network.ToString(), match.Value.AsText()) : null;
    }

    private static List<string> Networks(MmdbReader reader)
    {
        var found = new List<string>();
        MmdbNetworks networks = reader.Networks();
        while (networks.MoveNext())
        {
            Assert.True(reader.TryRead(networks.DataOffset, out MmdbValue? value, out _));
            found.Add($"{networks.Current} {value.AsText()}");
        }

        Assert.Null(networks.Error);
        return found;
    }
}
