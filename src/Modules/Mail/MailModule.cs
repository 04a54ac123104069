using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Contracts;
using Renkei.Kernel;
using Renkei.Mail.Transport;
using Renkei.Store;

namespace Renkei.Mail;

/// <summary>How mail leaves: a submission server, or the spool folder when none is configured.</summary>
public sealed record MailSettings(string SmtpHost, int SmtpPort, string Security, string User, string Password, string CaFile, string Domain, string SpoolFolder)
{
    // the generated text would hold the password
    public override string ToString() => SmtpHost.Length == 0 ? "spool" : $"{SmtpHost}:{SmtpPort} {Security}";
}

/// <summary>The mail module's table of contents. Its inbound half comes with the mail capability.</summary>
public static class MailModule
{
    public static IServiceCollection AddMail(this IServiceCollection services, MailSettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton(sp => TransportOf(settings, sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SendMessage>();
        services.AddSingleton<IOutboxHandler>(sp => sp.GetRequiredService<SendMessage>());
        services.AddSingleton(new NavEntry(90, "operations", "/operations/outbox", "settings", "outbox.nav", null, Right.OperateNode, async (sp, ct) => await TendOutbox.StuckAsync(sp.GetRequiredService<NodeDb>(), ct)));
        return services;
    }

    public static void MapMail(this IEndpointRouteBuilder routes)
    {
        TendOutbox.Map(routes);
    }

    private static IMailTransport TransportOf(MailSettings settings, TimeProvider clock) => settings.SmtpHost.Length == 0
        ? new SpoolFolder(settings.SpoolFolder, clock)
        : new SmtpSubmission(new SmtpSettings
        {
            Host = settings.SmtpHost,
            Port = settings.SmtpPort,
            Security = settings.Security switch { "tls" => SmtpSecurity.Tls, "none" => SmtpSecurity.None, _ => SmtpSecurity.StartTls },
            User = settings.User.Length == 0 ? null : settings.User,
            Password = settings.Password.Length == 0 ? null : settings.Password,
            HeloName = settings.Domain,
            CertificateAuthority = settings.CaFile.Length == 0 ? null : X509CertificateLoader.LoadCertificateFromFile(settings.CaFile),
        }, clock);
}
