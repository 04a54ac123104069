using Microsoft.EntityFrameworkCore;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>The desk's tables.</summary>
public sealed class IncidentsModel : IModelPart
{
    public void Configure(ModelBuilder model, NodeDb db)
    {
        model.Entity<Report>(e =>
        {
            e.ToTable("Reports");
            db.MapRecord<Report, ReportId>(e);
            e.Ignore(r => r.Ref);
            e.HasIndex(r => r.Number);
            e.HasIndex(r => r.StatusKeyHash).IsUnique();
            // the reporter's secret is this node's own business: in no hash that another node could check
            e.Property(r => r.StatusKeyHash).HasAnnotation(NodeDb.LocalOnly, true);
            e.Property(r => r.StatusKeyWrapped).HasAnnotation(NodeDb.LocalOnly, true);
            e.HasIndex(r => r.ReceivedAt);
            e.HasIndex(r => r.RawSha256);
        });
        model.Entity<ReportObservable>(e =>
        {
            e.ToTable("ReportObservables");
            e.HasKey(o => o.Id);
            e.HasIndex(o => o.Report);
            e.HasIndex(o => new { o.Type, o.Value });
            db.MapChild(e, o => o.Report);
        });
        model.Entity<ReportAttachment>(e => { e.ToTable("ReportAttachments"); e.HasKey(a => a.Id); e.HasIndex(a => a.Report); e.HasIndex(a => a.Sha256); db.MapChild(e, a => a.Report); });
        model.Entity<ReportItem>(e => { e.ToTable("ReportItems"); e.HasKey(i => new { i.Report, i.Line }); e.HasIndex(i => i.SourceIp); db.MapChild(e, i => i.Report); });
        model.Entity<ReportMessage>(e => { e.ToTable("ReportMessages"); e.HasKey(m => m.Id); e.HasIndex(m => m.Report); db.MapChild(e, m => m.Report); });
        model.Entity<Incident>(e =>
        {
            e.ToTable("Incidents");
            db.MapRecord<Incident, IncidentId>(e);
            e.Ignore(i => i.Ref);
            e.HasIndex(i => i.Number);
            e.HasIndex(i => new { i.State, i.Waiting });
        });
        model.Entity<ReportLink>(e =>
        {
            e.ToTable("ReportLinks");
            e.HasKey(l => l.Id);
            e.HasIndex(l => l.Report);
            e.HasIndex(l => l.Incident);
            db.MapLink(e, l => l.Report, l => l.Incident);
        });
        model.Entity<TriageAct>(e =>
        {
            e.ToTable("TriageActs");
            e.HasKey(a => a.Id);
            e.HasIndex(a => a.Report);
            e.HasIndex(a => new { a.Person, a.At });
            e.HasIndex(a => a.At);
            e.HasIndex(a => a.Batch);
            db.MapChild(e, a => a.Report);
        });
        model.Entity<IncidentTarget>(e => { e.ToTable("IncidentTargets"); e.HasKey(t => t.Id); e.HasIndex(t => t.Incident); e.HasIndex(t => new { t.Type, t.Value }); db.MapChild(e, t => t.Incident); });
        model.Entity<TimelineEntry>(e => { e.ToTable("TimelineEntries"); e.HasKey(t => t.Id); e.HasIndex(t => new { t.Incident, t.At }); e.HasIndex(t => t.At); db.MapChild(e, t => t.Incident); });
        model.Entity<IncidentAttachment>(e => { e.ToTable("IncidentAttachments"); e.HasKey(a => a.Id); e.HasIndex(a => a.Incident); db.MapChild(e, a => a.Incident); });
        model.Entity<CoordinationRequest>(e =>
        {
            e.ToTable("Requests");
            db.MapRecord<CoordinationRequest, RequestId>(e);
            e.Ignore(r => r.Ref);
            e.Ignore(r => r.IsOpen);
            e.HasIndex(r => r.Number);
            e.HasIndex(r => r.Incident);
            e.HasIndex(r => r.MessageId);
        });
        model.Entity<RequestTarget>(e => { e.ToTable("RequestTargets"); e.HasKey(t => t.Id); e.HasIndex(t => t.Request); db.MapChild(e, t => t.Request); });
        model.Entity<RequestGround>(e => { e.ToTable("RequestGrounds"); e.HasKey(g => new { g.Request, g.Attachment }); db.MapChild(e, g => g.Request); });
        model.Entity<RequestEvent>(e => { e.ToTable("RequestEvents"); e.HasKey(v => v.Id); e.HasIndex(v => v.Request); db.MapChild(e, v => v.Request); });
        model.Entity<CategoryLabel>(e => { e.ToTable("CategoryLabels"); e.HasKey(l => new { l.Team, l.Version, l.Code }); e.Ignore(l => l.AuditTeam); });
    }
}

public static class IncidentsTables
{
    extension(NodeDb db)
    {
        public DbSet<Report> Reports => db.Set<Report>();

        public DbSet<ReportObservable> ReportObservables => db.Set<ReportObservable>();

        public DbSet<ReportAttachment> ReportAttachments => db.Set<ReportAttachment>();

        public DbSet<ReportItem> ReportItems => db.Set<ReportItem>();

        public DbSet<ReportMessage> ReportMessages => db.Set<ReportMessage>();

        public DbSet<ReportLink> ReportLinks => db.Set<ReportLink>();

        public DbSet<TriageAct> TriageActs => db.Set<TriageAct>();

        public DbSet<Incident> Incidents => db.Set<Incident>();

        public DbSet<IncidentTarget> IncidentTargets => db.Set<IncidentTarget>();

        public DbSet<TimelineEntry> Timeline => db.Set<TimelineEntry>();

        public DbSet<IncidentAttachment> IncidentAttachments => db.Set<IncidentAttachment>();

        public DbSet<CoordinationRequest> Requests => db.Set<CoordinationRequest>();

        public DbSet<RequestTarget> RequestTargets => db.Set<RequestTarget>();

        public DbSet<RequestGround> RequestGrounds => db.Set<RequestGround>();

        public DbSet<RequestEvent> RequestEvents => db.Set<RequestEvent>();

        public DbSet<CategoryLabel> CategoryLabels => db.Set<CategoryLabel>();
    }
}
