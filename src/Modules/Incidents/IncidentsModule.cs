using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Renkei.Contracts;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>What the desk needs to know of its node.</summary>
/// <param name="ReportRate">Public reports taken from one address a minute.</param>
/// <param name="MaxReportBytes">Largest public report with its attachments.</param>
/// <param name="Zone">IANA zone for those who state none.</param>
public sealed record IncidentsSettings(string PublicUrl, string MailDomain, MailPolicy MailPolicy, int ReportRate, int MaxReportBytes, string Zone);

/// <summary>The incident desk's table of contents: every service and every route.</summary>
public static class IncidentsModule
{
    public static IServiceCollection AddIncidents(this IServiceCollection services, IncidentsSettings settings)
    {
        services.AddSingleton(settings);
        services.AddValidation();
        services.AddSingleton<Locator>();
        services.AddSingleton<IntakeWriter>();
        services.AddHostedService(sp => sp.GetRequiredService<IntakeWriter>());
        services.AddSingleton<Intake>();
        services.AddSingleton<ReceivingTeams>();
        services.AddSingleton<AddressRates>();
        services.AddSingleton<LargeBodies>();
        services.AddSingleton<ImportFeed>();
        services.AddSingleton(new NavEntry(25, "reports", "/reports", "file-text", "nav.reports", 'e', Right.ReadDesk));
        services.AddScoped<SeenBefore>();
        services.AddScoped<ISeenBefore>(sp => sp.GetRequiredService<SeenBefore>());
        services.AddScoped<IRecordNames>(sp => sp.GetRequiredService<SeenBefore>());
        services.AddSingleton<IRecordNumbers, RecordNumbers>();
        services.AddSingleton<IOutboxHandler, ReporterNoticeHandler>();
        services.AddSingleton(new NavEntry(10, "overview", "/", "layout-dashboard", "nav.overview", 'h', Right.ReadDesk));
        services.AddSingleton(new NavEntry(20, "triage", "/triage", "inbox", "nav.triage", 't', Right.ReadDesk,
            async (sp, ct) => await TriageQueue.CountAsync(sp.GetRequiredService<NodeDb>(), ct)));
        services.AddSingleton(new NavEntry(30, "incidents", "/incidents", "alert-triangle", "nav.incidents", 'i', Right.ReadDesk,
            async (sp, ct) => await sp.GetRequiredService<NodeDb>().CountAsync(Incident.Kind, [(short)IncidentState.Open], ct)));
        services.AddSingleton(new NavEntry(83, "labels", "/settings/labels", "tag", "nav.labels", null, Right.ManagePeople));
        services.AddScoped<Dispatch>();
        services.AddSingleton<IMessageOutcomes, HearOfMessages>();
        services.AddSingleton(new NavEntry(40, "requests", "/requests", "send", "nav.requests", 'r', Right.ReadDesk,
            async (sp, ct) => await ListRequests.CountAsync(sp.GetRequiredService<NodeDb>(), ct)));
        return services;
    }

    public static void MapIncidents(this IEndpointRouteBuilder routes)
    {
        Overview.Map(routes);
        TriageQueue.Map(routes);
        AcceptReports.Map(routes);
        SplitReport.Map(routes);
        RejectReports.Map(routes);
        MarkDuplicate.Map(routes);
        AssignReports.Map(routes);
        ReopenReport.Map(routes);
        UnlinkReport.Map(routes);
        UndoTriage.Map(routes);
        ListIncidents.Map(routes);
        SubmitReport.Map(routes);
        ReportForm.Map(routes);
        ReportStatus.Map(routes);
        TakeReport.Map(routes);
        ListReports.Map(routes);
        ShowReport.Map(routes);
        CreateIncident.Map(routes);
        ShowIncident.Map(routes);
        GetIncident.Map(routes);
        EditIncident.Map(routes);
        WhoSees.Map(routes);
        AddTargets.Map(routes);
        ChangeTarget.Map(routes);
        AddNote.Map(routes);
        AttachFile.Map(routes);
        TakeOverFile.Map(routes);
        AssignIncident.Map(routes);
        CloseIncident.Map(routes);
        ReopenIncident.Map(routes);
        Labels.Map(routes);
        ListRequests.Map(routes);
        ProposeRequests.Map(routes);
        DraftRequests.Map(routes);
        ReadRequest.Map(routes);
        PreviewRequest.Map(routes);
        SendRequest.Map(routes);
        RecordAnswer.Map(routes);
        RemindRequest.Map(routes);
        CloseRequest.Map(routes);
    }
}
