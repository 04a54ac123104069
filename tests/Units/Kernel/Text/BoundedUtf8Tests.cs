using System.Text;

namespace Renkei.Kernel.Tests;

public sealed class BoundedUtf8Tests
{
    [Fact]
    public void Good_text_is_read_and_a_byte_order_mark_dropped()
    {
        Assert.True(BoundedUtf8.TryDecode("\uFEFF連携😀"u8, 100, out var text, out var error));
        Assert.Equal("連携😀", text);
        Assert.Equal(default, error);
        Assert.True(BoundedUtf8.TryDecode([], 0, out text, out _));
        Assert.Equal("", text);
    }

    [Theory]
    [InlineData(new byte[] { 0x61, 0xC0, 0x80 }, 1)]
    [InlineData(new byte[] { 0x61, 0x62, 0xED, 0xA0, 0x80 }, 2)]
    [InlineData(new byte[] { 0xE3, 0x81 }, 0)]
    [InlineData(new byte[] { 0xEF, 0xBB, 0xBF, 0x61, 0xFF }, 4)]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 }, 0)]
    public void Bad_bytes_are_refused_with_their_place(byte[] bytes, int offset)
    {
        Assert.False(BoundedUtf8.TryDecode(bytes, 100, out var text, out var error));
        Assert.Equal("", text);
        Assert.Equal(new Utf8Error(Utf8ErrorKind.Invalid, offset), error);
    }

    [Fact]
    public void Too_much_is_refused_before_it_is_read()
    {
        Assert.False(BoundedUtf8.TryDecode(Encoding.UTF8.GetBytes("abcd"), 3, out _, out var error));
        Assert.Equal(new Utf8Error(Utf8ErrorKind.TooLong, 3), error);
    }
}
