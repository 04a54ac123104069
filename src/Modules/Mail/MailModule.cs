using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Renkei.Mail;

/// <summary>How mail leaves: a submission server, or the spool folder when none is configured.</summary>
public sealed record MailSettings(string SmtpHost, int SmtpPort, string Security, string User, string Password, string CaFile, string Domain, string SpoolFolder);

/// <summary>The mail module's table of contents. Its inbound half comes with the mail capability.</summary>
public static class MailModule
{
    public static IServiceCollection AddMail(this IServiceCollection services, MailSettings settings)
    {
        services.AddSingleton(settings);
        return services;
    }

    public static void MapMail(this IEndpointRouteBuilder routes)
    {
    }
}
