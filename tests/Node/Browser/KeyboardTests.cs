using Microsoft.Playwright;

namespace Renkei.Node.Tests.Browser;

/// <summary>Single keys: what they do, and where they must do nothing (WCAG 2.1.4).</summary>
public sealed class KeyboardTests(Browsers browsers)
{
    [Fact]
    public async Task The_question_mark_lists_the_keys_and_escape_puts_the_list_away()
    {
        await using var node = await TestNode.StartAsync();
        await using var context = await browsers.NewContextAsync(node.Url);
        var page = await SignedInAsync(context);
        await page.Keyboard.PressAsync("?");
        await Assertions.Expect(page.Locator("dialog#keys")).ToBeVisibleAsync();
        // behind an open dialog letters do nothing
        await page.Keyboard.PressAsync("g");
        await page.Keyboard.PressAsync("t");
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.Locator("dialog#keys")).ToBeHiddenAsync();
        Assert.Equal("/", new Uri(page.Url).AbsolutePath);
    }

    [Fact]
    public async Task The_slash_goes_to_the_search_and_letters_typed_there_stay_letters()
    {
        await using var node = await TestNode.StartAsync();
        await using var context = await browsers.NewContextAsync(node.Url);
        var page = await SignedInAsync(context);
        await page.Keyboard.PressAsync("/");
        await Assertions.Expect(page.Locator("#q")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("gt?/x");
        Assert.Equal("gt?/x", await page.InputValueAsync("#q"));
        await Assertions.Expect(page.Locator("dialog#keys")).ToBeHiddenAsync();
        Assert.Equal("/", new Uri(page.Url).AbsolutePath);
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.Locator("#q")).Not.ToBeFocusedAsync();
    }

    [Theory]
    [InlineData("t", "/triage")]
    [InlineData("i", "/incidents")]
    [InlineData("r", "/requests")]
    [InlineData("h", "/")]
    public async Task The_letter_g_and_another_go_to_a_place(string letter, string path)
    {
        await using var node = await TestNode.StartAsync();
        await using var context = await browsers.NewContextAsync(node.Url);
        var page = await SignedInAsync(context);
        await page.GotoAsync("/notifications");
        await page.Keyboard.PressAsync("g");
        await page.Keyboard.PressAsync(letter);
        await page.WaitForURLAsync(url => new Uri(url).AbsolutePath == path);
    }

    [Fact]
    public async Task Whoever_switches_the_keys_off_has_them_off_on_the_next_page_too()
    {
        await using var node = await TestNode.StartAsync();
        await using var context = await browsers.NewContextAsync(node.Url);
        var page = await SignedInAsync(context);
        await page.Keyboard.PressAsync("?");
        var stored = page.WaitForResponseAsync("**/me/keys");
        await page.UncheckAsync("#keys-on");
        await stored;
        await page.ClickAsync("dialog#keys button");
        await page.GotoAsync("/incidents");
        await page.Keyboard.PressAsync("?");
        await page.Keyboard.PressAsync("g");
        await page.Keyboard.PressAsync("t");
        await page.Keyboard.PressAsync("/");
        await Assertions.Expect(page.Locator("dialog#keys")).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator("#q")).Not.ToBeFocusedAsync();
        Assert.Equal("/incidents", new Uri(page.Url).AbsolutePath);
        // the button still opens the list: that is how one switches them on again
        await page.ClickAsync("[data-act=keys]");
        await page.CheckAsync("#keys-on");
        await page.ClickAsync("dialog#keys button");
        await page.Keyboard.PressAsync("/");
        await Assertions.Expect(page.Locator("#q")).ToBeFocusedAsync();
    }

    private static async Task<IPage> SignedInAsync(IBrowserContext context)
    {
        var watched = await Watched.OpenAsync(context);
        await watched.SignInAsync("sato@aozora.example");
        return watched.Page;
    }
}
