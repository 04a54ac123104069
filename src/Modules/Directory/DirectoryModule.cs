using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Contracts;
using Renkei.Kernel;

namespace Renkei.Directories;

/// <summary>What the directory needs to know of its node.</summary>
/// <param name="MailDomain">Where the hosted teams' messages come from.</param>
public sealed record DirectorySettings(string MailDomain);

/// <summary>The directory's table of contents: its services and its routes.</summary>
public static class DirectoryModule
{
    public static IServiceCollection AddDirectory(this IServiceCollection services, DirectorySettings settings)
    {
        services.AddSingleton(settings);
        services.AddScoped<ContactFinder>();
        services.AddSingleton<ContactImport>();
        services.AddSingleton<HeldFile>();
        services.AddSingleton(new NavEntry(50, "directory", "/directory", "address-book", "nav.directory", 'd', Right.ReadDesk));
        return services;
    }

    public static void MapDirectory(this IEndpointRouteBuilder routes)
    {
        ListTeams.Map(routes);
        ShowTeam.Map(routes);
        EditTeam.Map(routes);
        EditContact.Map(routes);
        EditConstituencies.Map(routes);
        ImportContacts.Map(routes);
        WhoAnswers.Map(routes);
    }
}
