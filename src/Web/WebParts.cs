using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.Extensions.DependencyInjection;

namespace Renkei.Web;

/// <summary>What this project brings to a host.</summary>
public static class WebParts
{
    /// <summary>Registers static rendering of components, the texts of these assemblies (this one's included) and the request's <see cref="PageContext"/>.</summary>
    public static IServiceCollection AddWebParts(this IServiceCollection services, params Assembly[] texts)
    {
        services.AddRazorComponents();
        // Japanese leaves as itself, not as &#x...; entities: pages of half the size. Markup characters stay escaped.
        services.AddSingleton(HtmlEncoder.Create(UnicodeRanges.All));
        services.AddSingleton(new TextBook([typeof(WebParts).Assembly, .. texts]));
        services.AddScoped<PageContext>();
        services.AddScoped(provider => new Texts(provider.GetRequiredService<TextBook>(), provider.GetRequiredService<PageContext>()));
        return services;
    }
}
