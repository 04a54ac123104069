using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Store;

namespace Renkei.Node.Tests.Stores;

/// <summary>The key outside the database: made once, for its owner only, and nothing that it wrapped opens with another or for another purpose.</summary>
public sealed class KeyRingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("renkei-test-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_is_made_at_the_first_start_and_read_at_the_next_by_its_owner_only()
    {
        using var first = KeyRing.Open(_folder, null);
        var path = Path.Combine(_folder, "keys", "kek");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(32, Convert.FromBase64String(File.ReadAllText(path).Trim()).Length);
        using var second = KeyRing.Open(_folder, null);
        Assert.Equal(first.Derive("message-id"), second.Derive("message-id"));
        using var named = KeyRing.Open("/nowhere", path);
        Assert.Equal(first.Derive("message-id"), named.Derive("message-id"));
        Assert.NotEqual(first.Derive("message-id"), first.Derive("return-path"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64 at all!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    public void A_file_that_holds_no_key_is_refused_and_left_as_it_is(string content)
    {
        var path = Path.Combine(_folder, "kek");
        File.WriteAllText(path, content);
        Assert.Throws<CryptographicException>(() => KeyRing.Open(_folder, path));
        Assert.Equal(content, File.ReadAllText(path));
        Assert.Throws<FileNotFoundException>(() => KeyRing.Open(_folder, path + ".missing"));
        Assert.False(File.Exists(path + ".missing"), "a named key that is away must not be made anew: what it wrapped would be lost");
    }

    [Fact]
    public void What_is_wrapped_opens_with_the_same_key_for_the_same_purpose_and_unchanged_only()
    {
        using var ring = new KeyRing(RandomNumberGenerator.GetBytes(32));
        using var other = new KeyRing(RandomNumberGenerator.GetBytes(32));
        var key = RandomNumberGenerator.GetBytes(32);
        var wrapped = ring.Wrap(key, "node-key");
        Assert.Equal(key, ring.Unwrap(wrapped, "node-key"));
        Assert.NotEqual(wrapped, ring.Wrap(key, "node-key"));
        Assert.Equal(-1, wrapped.AsSpan().IndexOf(key));
        Assert.Throws<AuthenticationTagMismatchException>(() => ring.Unwrap(wrapped, "report-status:1"));
        Assert.Throws<AuthenticationTagMismatchException>(() => other.Unwrap(wrapped, "node-key"));
        Assert.Throws<AuthenticationTagMismatchException>(() => ring.Unwrap(wrapped.AsSpan(0, 20), "node-key"));
        Assert.Throws<AuthenticationTagMismatchException>(() => ring.Unwrap(wrapped.AsSpan(0, wrapped.Length - 1), "node-key"));
        for (var i = 0; i < wrapped.Length; i++)
        {
            var changed = (byte[])wrapped.Clone();
            changed[i] ^= 1;
            Assert.Throws<AuthenticationTagMismatchException>(() => ring.Unwrap(changed, "node-key"));
        }
    }

    [Fact]
    public async Task The_node_s_own_key_lies_wrapped_in_the_database_and_another_kek_does_not_open_the_node()
    {
        await using (var app = NodeHost.Build(Settings()))
        {
            await NodeHost.PrepareAsync(app.Services, Ct);
            var key = app.Services.GetRequiredService<NodeContext>().Key!;
            await using var db = app.Services.GetRequiredService<NodeDbFactory>().ForSystem();
            var facts = await db.NodeFacts.AsNoTracking().ToDictionaryAsync(f => f.Name, f => f.Value, StringComparer.Ordinal, Ct);
            using var told = ECDsa.Create();
            told.ImportSubjectPublicKeyInfo(Convert.FromBase64String(facts["node-key-public"]), out _);
            Assert.True(told.VerifyData("hello"u8, key.SignData("hello"u8, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
            Assert.ThrowsAny<CryptographicException>(() => told.ImportPkcs8PrivateKey(Convert.FromBase64String(facts["node-key"]), out _));
        }

        await using (var again = NodeHost.Build(Settings()))
        {
            await NodeHost.PrepareAsync(again.Services, Ct);
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "keys", "kek"), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), Ct);
        await using (var wrong = NodeHost.Build(Settings()))
        {
            await Assert.ThrowsAsync<AuthenticationTagMismatchException>(() => NodeHost.PrepareAsync(wrong.Services, Ct));
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
    }

    private NodeSettings Settings() => NodeSettings.Load(new Dictionary<string, string>(StringComparer.Ordinal) { ["data"] = _folder, ["urls"] = "http://127.0.0.1:0" }, _ => null);
}
