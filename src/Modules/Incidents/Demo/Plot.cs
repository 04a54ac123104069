using Renkei.Kernel;

namespace Renkei.Incidents.Demo;

/// <summary>Someone who tells, and what they let be said of them.</summary>
internal sealed record Teller(string? Name, string? Organisation, string? Email, string? Phone, string? Country, string Language, ReporterDisclosure Disclosure)
{
    public static Teller Nobody(string language) => new(null, null, null, null, language is "ja" ? "JP" : null, language, ReporterDisclosure.None);
}

/// <summary>A file as people send it: text, small.</summary>
internal sealed record Paper(string Name, AttachmentKind What, string Text, string MediaType = "text/plain");

/// <summary>Something an incident is about.</summary>
internal sealed record Aim(ObservableType Type, string Value, TargetRole Role, string? Address);

/// <summary>One report before it is a record.</summary>
internal sealed record Told(Teller By, Channel Channel, ReportKind Kind, string Summary, string Text)
{
    public TimeSpan After { get; init; }

    public string? OccurredText { get; init; }

    public string? Zone { get; init; }

    public DateTimeOffset? OccurredAt { get; init; }

    public string? ClockNote { get; init; }

    public string? Reference { get; init; }

    public IReadOnlyList<Paper> Papers { get; init; } = [];

    public IReadOnlyList<string> Stated { get; init; } = [];

    /// <summary>Feed type of an imported file; its rows are the text.</summary>
    public string? Feed { get; init; }

    public bool Red { get; init; }

    public bool Strict { get; init; }
}

/// <summary>What happened, and everything that was told about it.</summary>
internal sealed record Plot(DateTimeOffset Start, string Category, string Type, string Label, string Title, string Summary, Severity Severity, RequestPurpose Purpose)
{
    public List<Aim> Aims { get; } = [];

    public List<Told> Tellings { get; } = [];

    public List<Paper> Papers { get; } = [];

    public List<string> Notes { get; } = [];

    public bool English { get; init; }

    /// <summary>Another voice about the same, for as long as the year is not full.</summary>
    public Func<Told>? More { get; init; }
}
