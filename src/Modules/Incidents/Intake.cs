using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Renkei.Kernel;
using Renkei.Store;

namespace Renkei.Incidents;

/// <summary>One attached file as it came.</summary>
public sealed record IncomingAttachment(string Name, string? MediaType, ReadOnlyMemory<byte> Bytes);

/// <summary>What someone told a team, as written, before anything was checked. Every channel fills one of these.</summary>
public sealed record IncomingReport
{
    public required TeamId Team { get; init; }

    public required Channel Channel { get; init; }

    /// <summary>request, consultation or information.</summary>
    public required string? Kind { get; init; }

    public required string? Summary { get; init; }

    public string? Description { get; init; }

    public string? ReporterName { get; init; }

    public string? ReporterEmail { get; init; }

    public string? ReporterOrganisation { get; init; }

    public string? ReporterPhone { get; init; }

    /// <summary>ISO 3166-1 alpha-2, any case.</summary>
    public string? ReporterCountry { get; init; }

    public string? ReporterReference { get; init; }

    public string? OccurredText { get; init; }

    /// <summary>IANA zone, JST, UTC or an offset; the text's own offset wins.</summary>
    public string? OccurredZone { get; init; }

    /// <summary>unknown, right (within a minute), off, ahead or behind: what the reporter says of the clock that wrote the times.</summary>
    public string? Clock { get; init; }

    /// <summary>By how much it was off, as <see cref="Incidents.ClockError"/> reads it.</summary>
    public string? ClockError { get; init; }

    /// <summary>Where the attack came from, each with an address, a name or a URL in it.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>What it hit, in the same way.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Stated apart from the text, defanged or not.</summary>
    public IReadOnlyList<string> Observables { get; init; } = [];

    public IReadOnlyList<IncomingAttachment> Attachments { get; init; } = [];

    /// <summary>none, organization or full; null is none.</summary>
    public string? Disclosure { get; init; }

    /// <summary>ja or en; null is the node's.</summary>
    public string? Language { get; init; }

    /// <summary>A TLP label; null is AMBER. GREEN and CLEAR become AMBER: loosening is the team's act, not the form's.</summary>
    public string? Tlp { get; init; }

    /// <summary>The bytes as they came: the body of an API call, the canonical fields of a form, a file.</summary>
    public required ReadOnlyMemory<byte> Raw { get; init; }

    /// <summary>At most 200 characters; scoped to team, channel and actor by <see cref="Intake"/>, so that no token hears the answer that another one was given.</summary>
    public string? IdempotencyKey { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    public PersonId? TakenBy { get; init; }

    public string? Feed { get; init; }

    /// <summary>Who acts in the audit log: <c>public</c>, <c>token:ID</c>, <c>person:ID</c>.</summary>
    public string Actor { get; init; } = "public";
}

/// <summary>What is wrong with one field: its name as in the API, a reason that is a text key under <c>report_form.error</c>, and that text's arguments.</summary>
public sealed record FieldFault(string Field, string Reason, params object[] Args);

/// <summary>What became of a report at the door.</summary>
public abstract record IntakeResult
{
    /// <summary>Durable: the transaction that holds it has committed.</summary>
    public sealed record Accepted(ReportId Id, string Number, string StatusKey, bool Again) : IntakeResult;

    public sealed record Refused(IReadOnlyList<FieldFault> Faults) : IntakeResult;

    /// <summary>The idempotency key was used for another report.</summary>
    public sealed record KeyReused : IntakeResult;

    /// <summary>More wait than the node can write; nothing was stored.</summary>
    public sealed record Busy : IntakeResult;

    /// <summary>Disk full, database locked or gone; nothing was stored.</summary>
    public sealed record NotStored : IntakeResult;
}

/// <summary>
/// The one way a report enters, whatever the channel: checks every field, makes its text inert, finds and locates observables, seals the raw
/// bytes, and hands it to <see cref="IntakeWriter"/>, which answers only after the commit.
/// </summary>
public sealed partial class Intake(IntakeWriter writer, BlobStore blobs, KeyRing keys, Locator locator, TimeProvider clock, IncidentsSettings settings, ILogger<Intake> log)
{
    public const int MaxSummary = 300;
    public const int MaxDescription = 200_000;
    public const int MaxName = 200;
    public const int MaxEmail = 254;
    public const int MaxPhone = 50;
    public const int MaxReference = 100;
    public const int MaxObservables = 500;
    public const int MaxObservableLength = 4096;
    public const int MaxAttachments = 20;
    public const int MaxKey = 200;

    /// <summary>At most so many observables are kept of one report's text.</summary>
    private static readonly ExtractLimits Found = new(500, MaxDescription + MaxSummary + 2 + (2 * StatedParties.MaxLines * (StatedParties.MaxLine + 1)));

    public async Task<IntakeResult> TakeAsync(IncomingReport incoming, CancellationToken ct)
    {
        var faults = new List<FieldFault>();
        if (Check(incoming, faults) is not { } draft)
        {
            return new IntakeResult.Refused(faults);
        }

        try
        {
            var prepared = await SealAsync(incoming, draft, ct);
            var result = await writer.WriteAsync(prepared, ct);
            if (result is IntakeResult.Accepted { Again: true } or IntakeResult.KeyReused or IntakeResult.Busy)
            {
                blobs.Discard(prepared.Blobs);
            }

            return result;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NotWritten(log, e);
            return new IntakeResult.NotStored();
        }
    }

    /// <summary>The report ready to be written but for its number; null and <paramref name="faults"/> when a field is wrong.</summary>
    internal async Task<PreparedReport?> PrepareAsync(IncomingReport incoming, List<FieldFault> faults, CancellationToken ct) =>
        Check(incoming, faults) is { } draft ? await SealAsync(incoming, draft, ct) : null;

    private Draft? Check(IncomingReport r, List<FieldFault> faults)
    {
        var check = new FieldCheck(faults);
        var kind = check.OneOf<ReportKind>("type", r.Kind, ReportKind.Request, ("request", ReportKind.Request), ("consultation", ReportKind.Consultation), ("information", ReportKind.Information));
        if (string.IsNullOrWhiteSpace(r.Kind))
        {
            faults.Add(new("type", "required"));
        }

        var summary = check.Line("summary", r.Summary, MaxSummary, required: true);
        var description = check.Text("description", r.Description, MaxDescription) ?? "";
        var name = check.Line("reporter.name", r.ReporterName, MaxName);
        var organisation = check.Line("reporter.organization", r.ReporterOrganisation, MaxName);
        var email = check.Email("reporter.email", r.ReporterEmail, MaxEmail);
        var phone = check.Line("reporter.phone", r.ReporterPhone, MaxPhone);
        var country = check.Country("reporter.country", r.ReporterCountry);
        var reference = check.Line("reporter.reference", r.ReporterReference, MaxReference);
        var (occurred, claim) = Occurred(r, check, faults);
        var parties = new StatedParties(Party("source", r.Sources, check, faults), Party("target", r.Targets, check, faults));
        var stated = Stated(r.Observables, faults);
        stated.AddRange(parties.Sources.Concat(parties.Targets).SelectMany(StatedParties.Named).Except(stated).ToList());
        Attachments(r.Attachments, faults);
        var disclosure = check.OneOf("mayDiscloseReporter", r.Disclosure, ReporterDisclosure.None, ("none", ReporterDisclosure.None), ("organization", ReporterDisclosure.Organisation), ("full", ReporterDisclosure.Full));
        var language = check.OneOf("language", r.Language, "ja", ("ja", "ja"), ("en", "en"));
        var tlp = Tlp.Amber;
        if (!string.IsNullOrWhiteSpace(r.Tlp) && !MarkingLabels.TryParseTlp(r.Tlp, out tlp))
        {
            faults.Add(new("tlp", "tlp"));
        }

        if (r.IdempotencyKey is { Length: 0 or > MaxKey })
        {
            faults.Add(new("Idempotency-Key", "too_long", MaxKey));
        }

        if (faults.Count > 0)
        {
            return null;
        }

        var marking = tlp switch
        {
            Tlp.Red => Marking.RedAtIntake(r.Team),
            Tlp.AmberStrict => Marking.Own(r.Team, Tlp.AmberStrict),
            _ => Marking.Own(r.Team),
        };
        // on what was written, not on the cleaned text: the extractor sees through invisible characters, which cleaning makes visible
        var found = ObservableExtractor.Extract(string.Join('\n', [r.Summary, .. r.Sources, .. r.Targets, r.Description]), Found).Select(o => o.Observable);
        return new(kind, summary!, parties.Before(description, language), name, email, organisation, phone, country, reference, occurred, claim, stated, [.. found.Except(stated)], disclosure, language, marking);
    }

    private (StatedTime? Time, string? Claim) Occurred(IncomingReport r, FieldCheck check, List<FieldFault> faults)
    {
        var claim = Clock(r, check, faults);
        if (string.IsNullOrWhiteSpace(r.OccurredText))
        {
            return (null, claim);
        }

        if (StatedTime.TryParse(r.OccurredText, r.OccurredZone, clock, out var stated, out var error))
        {
            return (stated, claim);
        }

        faults.Add(error.Kind switch
        {
            TimeErrorKind.UnknownZone => new("timezone", "unknown_zone"),
            TimeErrorKind.NoZone => new("timezone", "no_zone"),
            TimeErrorKind.InTheFuture => new("occurredAt", "future", clock.GetUtcNow().ToOffset(TimeZoneInfo.FindSystemTimeZoneById(settings.Zone).GetUtcOffset(clock.GetUtcNow())).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)),
            TimeErrorKind.NoTimeOfDay => new("occurredAt", "no_time_of_day"),
            TimeErrorKind.OutOfRange or TimeErrorKind.TooEarly => new("occurredAt", "no_such_time"),
            TimeErrorKind.TooLong => new("occurredAt", "too_long", 64),
            _ => new FieldFault("occurredAt", "not_a_time"),
        });
        return (null, claim);
    }

    /// <summary>What is said of the clock, as a word of the clock note.</summary>
    private static string? Clock(IncomingReport r, FieldCheck check, List<FieldFault> faults)
    {
        var claim = check.OneOf<string?>("clock", r.Clock, null, ("unknown", null), ("right", "clock-right"), ("off", "clock-off"), ("ahead", "clock-ahead"), ("behind", "clock-behind"));
        if (check.Line("clockErrorSeconds", r.ClockError, ClockError.MaxText) is not { } text)
        {
            return claim;
        }

        if (!ClockError.TryRead(text, out var sign, out var seconds))
        {
            faults.Add(new("clockErrorSeconds", "clock_error"));
            return claim;
        }

        var way = claim switch { "clock-ahead" => 1, "clock-behind" => -1, _ => sign };
        if (way != sign && sign != 0)
        {
            faults.Add(new("clockErrorSeconds", "clock_sign"));
        }
        else if (claim == "clock-right" && seconds > 60)
        {
            faults.Add(new("clockErrorSeconds", "clock_right"));
        }
        else if (way == 0 && seconds > 0)
        {
            faults.Add(new("clock", "clock_way"));
        }

        return ClockError.Word(way * seconds);
    }

    /// <summary>The lines of one side, inert; one that names nothing on the network is a fault.</summary>
    private static List<string> Party(string field, IReadOnlyList<string> lines, FieldCheck check, List<FieldFault> faults)
    {
        var kept = new List<string>();
        if (lines.Count > StatedParties.MaxLines)
        {
            faults.Add(new(field, "too_many", StatedParties.MaxLines));
            return kept;
        }

        for (var i = 0; i < lines.Count; i++)
        {
            var before = faults.Count;
            if (check.Line($"{field}[{i}]", lines[i], StatedParties.MaxLine) is not { } line)
            {
                continue;
            }

            // on what was written: cleaning makes visible what the reader sees through
            if (faults.Count == before && StatedParties.Named(lines[i].Trim()).Count == 0)
            {
                faults.Add(new($"{field}[{i}]", "party", line.Length > 60 ? line[..60] + "…" : line));
            }

            kept.Add(line);
        }

        return kept;
    }

    private static List<Observable> Stated(IReadOnlyList<string> texts, List<FieldFault> faults)
    {
        var stated = new List<Observable>();
        if (texts.Count > MaxObservables)
        {
            faults.Add(new("observables", "too_many", MaxObservables));
            return stated;
        }

        for (var i = 0; i < texts.Count; i++)
        {
            var field = $"observables[{i}]";
            if (texts[i].Length > MaxObservableLength)
            {
                faults.Add(new(field, "too_long", MaxObservableLength));
            }
            else if (!Observable.TryParse(texts[i].Trim(), out var observable, out _))
            {
                faults.Add(new(field, "observable"));
            }
            else if (!stated.Contains(observable))
            {
                stated.Add(observable);
            }

            if (faults.Count > 50)
            {
                break;
            }
        }

        return stated;
    }

    private void Attachments(IReadOnlyList<IncomingAttachment> files, List<FieldFault> faults)
    {
        if (files.Count > MaxAttachments)
        {
            faults.Add(new("attachments", "too_many", MaxAttachments));
        }

        if (files.Sum(f => (long)f.Bytes.Length) > settings.MaxReportBytes)
        {
            faults.Add(new("attachments", "too_large", settings.MaxReportBytes / (1024 * 1024)));
        }

        for (var i = 0; i < Math.Min(files.Count, MaxAttachments); i++)
        {
            if (files[i].Name.Length is 0 or > 1000 || files[i].Name.Contains('\0', StringComparison.Ordinal))
            {
                faults.Add(new($"attachments[{i}].name", "file_name"));
            }
        }
    }

    private async Task<PreparedReport> SealAsync(IncomingReport r, Draft d, CancellationToken ct)
    {
        var id = ReportId.New(clock);
        var secret = RandomNumberGenerator.GetBytes(32);
        var statusKey = System.Buffers.Text.Base64Url.EncodeToString(secret);
        var sealedBlobs = new List<BlobRow> { await blobs.SealAsync(r.Raw, ct) };
        var files = new List<ReportAttachment>(r.Attachments.Count);
        foreach (var file in r.Attachments)
        {
            BlobRow blob;
            try
            {
                blob = await blobs.SealAsync(file.Bytes, ct);
            }
            catch (IOException)
            {
                blobs.Discard(sealedBlobs);
                throw;
            }

            if (sealedBlobs.TrueForAll(b => b.Sha256 != blob.Sha256))
            {
                sealedBlobs.Add(blob);
            }
            else
            {
                blobs.Discard([blob]);
            }

            files.Add(new() { Id = Guid.CreateVersion7(r.ReceivedAt), Report = id, Name = InertText.FileName(file.Name), MediaType = MediaType(file.MediaType), Sha256 = blob.Sha256, Size = file.Bytes.Length });
        }

        var note = string.Join(' ', new[] { d.Claim, d.Occurred?.ClockNote }.Where(n => n is not null));
        return new PreparedReport
        {
            Id = id,
            Team = r.Team,
            ReceivedAt = r.ReceivedAt,
            Actor = r.Actor,
            StatusKey = statusKey,
            Blobs = sealedBlobs,
            Attachments = files,
            Observables = [.. d.Stated.Select(o => Row(id, o, true, r.ReceivedAt)), .. d.Found.Select(o => Row(id, o, false, r.ReceivedAt))],
            Key = r.IdempotencyKey is null ? null : $"report:{r.Team}:{(r.Channel == Channel.Web ? "form" : r.Actor)}:{Hash(r.IdempotencyKey)}",
            RequestHash = sealedBlobs[0].Sha256,
            Make = number => new Report
            {
                Id = id,
                Marking = d.Marking,
                Number = number,
                Channel = r.Channel,
                Type = d.Kind,
                ReceivedAt = r.ReceivedAt,
                DueAt = ReportDue.Of(d.Kind, r.ReceivedAt, TimeZoneInfo.FindSystemTimeZoneById(settings.Zone)),
                Summary = d.Summary,
                Description = d.Description,
                ReporterName = d.Name,
                ReporterEmail = d.Email,
                ReporterOrganisation = d.Organisation,
                ReporterPhone = d.Phone,
                ReporterCountry = d.Country,
                ReporterReference = d.Reference,
                Disclosure = d.Disclosure,
                OccurredText = d.Occurred is null ? null : InertText.Clean(d.Occurred.Original),
                OccurredZone = d.Occurred?.Zone is { } zone ? InertText.Clean(zone) : null,
                OccurredAt = d.Occurred?.Utc,
                ClockNote = note.Length == 0 ? null : note,
                Language = d.Language,
                RawSha256 = sealedBlobs[0].Sha256,
                StatusKeyHash = Hash(statusKey),
                StatusKeyWrapped = keys.Wrap(secret, "report-status:" + id),
                TakenBy = r.TakenBy,
                Feed = r.Feed,
            },
        };
    }

    /// <summary>SHA-256, lower hex: how a status key is looked up.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private ReportObservable Row(ReportId report, Observable observable, bool stated, DateTimeOffset at)
    {
        var where = locator.Of(observable);
        return new() { Id = Guid.CreateVersion7(at), Report = report, Type = observable.Type, Value = observable.Value, Stated = stated, Prefix = where.Prefix, Asn = where.Asn, AsName = where.AsName, Country = where.Country, Tld = where.Tld };
    }

    /// <summary>What the sender claims, kept only where it is plainly a type; it is never answered to a browser as a type.</summary>
    private static string MediaType(string? claimed) =>
        claimed is { Length: > 2 and <= 100 } && claimed.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '+' or '.') && claimed.Count(c => c == '/') == 1 ? claimed : "application/octet-stream";

    [LoggerMessage(Level = LogLevel.Error, Message = "A report was not stored: its bytes could not be written")]
    private static partial void NotWritten(ILogger log, Exception e);

    private sealed record Draft(ReportKind Kind, string Summary, string Description, string? Name, string? Email, string? Organisation, string? Phone, string? Country, string? Reference,
        StatedTime? Occurred, string? Claim, IReadOnlyList<Observable> Stated, IReadOnlyList<Observable> Found, ReporterDisclosure Disclosure, string Language, Marking Marking);
}

/// <summary>By when someone should have read a report: the one table.</summary>
public static class ReportDue
{
    public static TimeSpan Request { get; } = TimeSpan.FromHours(4);

    public static TimeSpan Information { get; } = TimeSpan.FromDays(3);

    /// <summary>A consultation waits one business day: the same time of the next day that is neither Saturday nor Sunday in the node's zone.</summary>
    public static DateTimeOffset Of(ReportKind kind, DateTimeOffset received, TimeZoneInfo zone)
    {
        switch (kind)
        {
            case ReportKind.Request:
                return received + Request;
            case ReportKind.Information:
                return received + Information;
            default:
                var due = TimeZoneInfo.ConvertTime(received, zone).AddDays(1);
                while (due.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday)
                {
                    due = due.AddDays(1);
                }

                return due.ToUniversalTime();
        }
    }
}
