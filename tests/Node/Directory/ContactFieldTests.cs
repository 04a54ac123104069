using System.Globalization;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Renkei.Directories;
using Renkei.Node.Tests.Triage;

namespace Renkei.Node.Tests.AddressBooks;

/// <summary>What a contact's form takes, and what of it comes back.</summary>
public class ContactFieldTests(DeskNode desk) : IClassFixture<DeskNode>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0123456789abcdef0123456789ABCDEF01234567", "0123456789ABCDEF0123456789ABCDEF01234567")]
    [InlineData("0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567", "0123456789ABCDEF0123456789ABCDEF01234567")]
    [InlineData("0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF")]
    [InlineData("", null)]
    public async Task An_OpenPGP_fingerprint_is_kept_in_one_form_and_shown_in_groups(string written, string? kept)
    {
        var page = await PageOfAsync();
        using var made = await DeskNode.PostAsync(desk.Smith, page + "/contacts/new", Form("openpgp", written));
        Assert.True(made.StatusCode == HttpStatusCode.SeeOther, await made.Content.ReadAsStringAsync(Ct));
        var contact = await ContactAsync(page);
        Assert.Equal(kept, contact.OpenPgpFingerprint);
        var form = await DeskNode.PageAsync(desk.Smith, $"{page}/contacts/{contact.Id}");
        if (kept is not null)
        {
            Assert.Contains($"value=\"{string.Join(' ', kept.Chunk(4).Select(c => new string(c)))}\"", form, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef0123456")]
    [InlineData("0123456789abcdef0123456789abcdef012345678")]
    [InlineData("g123456789abcdef0123456789abcdef01234567")]
    [InlineData("0123456789ABCDEF")]
    public async Task A_malformed_fingerprint_is_refused_with_what_was_written(string written)
    {
        var page = await PageOfAsync();
        using var answer = await DeskNode.PostAsync(desk.Smith, page + "/contacts/new", Form("openpgp", written));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var html = await answer.Content.ReadAsStringAsync(Ct);
        Assert.Contains("href=\"#openpgp\"", html, StringComparison.Ordinal);
        Assert.Contains($"value=\"{written}\"", html, StringComparison.Ordinal);
        await using var db = desk.Node.Databases.ForSystem();
        var team = new Kernel.TeamId(Guid.Parse(page.Split('/')[^1]));
        Assert.False(await db.Contacts.AnyAsync(c => c.Team == team, Ct));
    }

    [Fact]
    public async Task Working_hours_and_their_zone_come_back_in_the_form_and_on_the_page()
    {
        var page = await PageOfAsync();
        using var made = await DeskNode.PostAsync(desk.Smith, page + "/contacts/new", [.. Form("working_hours", "Mon-Fri 9:00-17:30").Where(f => f.Item1 != "timezone"), ("timezone", "Europe/Berlin")]);
        Assert.True(made.StatusCode == HttpStatusCode.SeeOther, await made.Content.ReadAsStringAsync(Ct));
        var contact = await ContactAsync(page);
        Assert.Equal(("Mon-Fri 9:00-17:30", "Europe/Berlin"), (contact.WorkingHours, contact.Zone));
        var form = await DeskNode.PageAsync(desk.Smith, $"{page}/contacts/{contact.Id}");
        Assert.Contains("value=\"Mon-Fri 9:00-17:30\"", form, StringComparison.Ordinal);
        Assert.Contains("Europe/Berlin", form, StringComparison.Ordinal);
        Assert.Contains("17:30", await DeskNode.PageAsync(desk.Smith, page), StringComparison.Ordinal);
        using var nowhere = await DeskNode.PostAsync(desk.Smith, $"{page}/contacts/{contact.Id}", [.. Form("working_hours", "Mon-Fri 9:00-17:30").Where(f => f.Item1 != "timezone"), ("timezone", "Mars/Base"), ("version", contact.Version.ToString(CultureInfo.InvariantCulture))]);
        Assert.Equal(HttpStatusCode.BadRequest, nowhere.StatusCode);
        Assert.Contains("href=\"#timezone\"", await nowhere.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        Assert.Equal("Europe/Berlin", (await ContactAsync(page)).Zone);
    }

    /// <summary>An organisation of its own for each test.</summary>
    private async Task<string> PageOfAsync()
    {
        await using var db = desk.Node.Databases.ForSystem();
        var team = await TestDirectory.TeamAsync(db, desk.Node, "book-" + Guid.NewGuid().ToString("N")[..8], "名簿", "Book");
        await db.SaveChangesAsync(Ct);
        return "/directory/" + team.Id;
    }

    private async Task<Contact> ContactAsync(string page)
    {
        await using var db = desk.Node.Databases.ForSystem();
        var team = new Kernel.TeamId(Guid.Parse(page.Split('/')[^1]));
        return await db.Contacts.AsNoTracking().SingleAsync(c => c.Team == team, Ct);
    }

    private static (string, string)[] Form(string field, string value) =>
        [.. new[] { ("contact_name", "Abuse desk"), ("role", "abuse_desk"), ("email", "abuse@book.example"), ("phone", ""), ("languages", "en"), ("working_hours", ""), ("timezone", "UTC"), ("openpgp", ""), ("asks_for", "text") }.Select(f => f.Item1 == field ? (field, value) : f)];
}
