using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Renkei.Node.Demo;

namespace Renkei.Node.Tests;

/// <summary>An authenticator app (RFC 6238: SHA-1, 30 seconds, six digits) that an account was set up with.</summary>
internal sealed class Authenticator(byte[] key)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Switches the second factor on for whoever is signed in, as they do it.</summary>
    public static async Task<Authenticator> SetUpAsync(TestNode node, HttpClient client)
    {
        var html = await client.GetStringAsync("/me/security/totp", Ct);
        var base32 = Regex.Match(html, "<code>([a-z2-7 ]+)</code>", RegexOptions.NonBacktracking).Groups[1].Value.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
        var bits = string.Concat(base32.Select(c => Convert.ToString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        var app = new Authenticator([.. Enumerable.Range(0, bits.Length / 8).Select(i => Convert.ToByte(bits.Substring(i * 8, 8), 2))]);
        using var on = await TestNode.PostFormAsync(client, "/me/security/totp", "/me/security/totp", new() { ["code"] = app.At(node.Clock.GetUtcNow()), ["password"] = DemoTeams.Password });
        Assert.Equal(HttpStatusCode.OK, on.StatusCode);
        return app;
    }

    public string At(DateTimeOffset at)
    {
        Span<byte> step = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(step, at.ToUnixTimeSeconds() / 30);
#pragma warning disable CA5350 // what authenticator apps speak
        var hash = HMACSHA1.HashData(key, step);
#pragma warning restore CA5350
        var number = BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(hash[^1] & 15)) & int.MaxValue;
        return (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }
}
