using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;

namespace Renkei.Node.Tests.Browser;

/// <summary>The whole ceremony in a browser (WebAuthn level 3), with an authenticator that the browser plays.</summary>
public sealed class PasskeyTests(Browsers browsers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_passkey_is_added_signs_in_without_a_password_and_no_more_once_it_is_removed()
    {
        await using var node = await TestNode.StartAsync();
        // a passkey belongs to a host name, and 127.0.0.1 is none
        await using var context = await browsers.NewContextAsync(node.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), "en");
        var watched = await Watched.OpenAsync(context);
        var page = watched.Page;
        var cdp = await context.NewCDPSessionAsync(page);
        await cdp.SendAsync("WebAuthn.enable");
        await cdp.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["options"] = new Dictionary<string, object>(StringComparer.Ordinal) { ["protocol"] = "ctap2", ["transport"] = "internal", ["hasResidentKey"] = true, ["hasUserVerification"] = true, ["isUserVerified"] = true, ["automaticPresenceSimulation"] = true },
        });

        await watched.SignInAsync("smith@aozora.example");
        await page.GotoAsync("/me/security");
        await page.FillAsync("#passkey-name", "Key in the drawer");
        // a wrong password makes none, and says so
        watched.Expected = 400;
        await page.FillAsync("#passkey-password", "not the password");
        await page.ClickAsync("form[data-passkey=create] button");
        await Assertions.Expect(page.Locator("form[data-passkey=create] [data-passkey-error]")).ToBeVisibleAsync();
        watched.Expected = 200;
        await page.FillAsync("#passkey-password", Demo.DemoTeams.Password);
        await page.ClickAsync("form[data-passkey=create] button");
        await page.WaitForURLAsync("**/me/security?done=passkey");
        await Assertions.Expect(page.Locator("#passkeys li b")).ToHaveTextAsync("Key in the drawer");
        await watched.LookAsync("a passkey");

        await SignOutAsync(page);
        await page.ClickAsync("form[data-passkey=get] button");
        await page.WaitForURLAsync(url => new Uri(url).AbsolutePath == "/");
        await page.GotoAsync("/me/security");
        // whoever finds the session open does not take the key away
        await page.FillAsync("form[action='/me/security/passkeys/remove'] input[name=password]", Demo.DemoTeams.Password);
        await page.ClickAsync("form[action='/me/security/passkeys/remove'] button");
        await page.WaitForURLAsync("**/me/security?done=passkey-removed");
        await Assertions.Expect(page.Locator("#passkeys li")).ToHaveCountAsync(0);

        // the authenticator still has it, the node does not know it any more
        await SignOutAsync(page);
        watched.Expected = 400;
        await page.ClickAsync("form[data-passkey=get] button");
        await page.WaitForURLAsync("**/sign-in/passkey");
        await page.WaitForLoadStateAsync(LoadState.Load);
        await page.GotoAsync("/incidents");
        Assert.Equal("/sign-in", new Uri(page.Url).AbsolutePath);
        watched.AssertNothingFound();

        await using var db = node.Databases.ForSystem();
        Assert.Equal(["account.passkey-added", "account.passkey-removed"], (await db.Audit.Where(a => a.Action.StartsWith("account.passkey")).Select(a => a.Action).ToListAsync(Ct)).Order(StringComparer.Ordinal));
    }

    private static async Task SignOutAsync(IPage page)
    {
        await page.GotoAsync("/me");
        await page.EvaluateAsync("() => document.querySelector(\"form[action='/sign-out']\").requestSubmit()");
        await page.WaitForURLAsync(url => new Uri(url).AbsolutePath == "/sign-in");
    }
}
