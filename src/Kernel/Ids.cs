using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Renkei.Kernel;

/// <summary>The id of one kind of record: a UUIDv7 (RFC 9562 §5.7), so that ids sort by creation.</summary>
public interface IRecordId<TSelf> where TSelf : struct, IRecordId<TSelf>
{
    Guid Value { get; }

    static abstract TSelf From(Guid value);

    /// <summary>A fresh id, its time taken from <paramref name="clock"/>.</summary>
    static virtual TSelf New(TimeProvider clock) => TSelf.From(Guid.CreateVersion7(clock.GetUtcNow()));
}

/// <summary>A Renkei node: an installation with its own key.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct NodeId(Guid Value) : IRecordId<NodeId>, IParsable<NodeId>
{
    public static NodeId From(Guid value) => new(value);

    public static NodeId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static NodeId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out NodeId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>A CSIRT or other team.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct TeamId(Guid Value) : IRecordId<TeamId>, IParsable<TeamId>
{
    public static TeamId From(Guid value) => new(value);

    public static TeamId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static TeamId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out TeamId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>A person; a person's account has the same value.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct PersonId(Guid Value) : IRecordId<PersonId>, IParsable<PersonId>
{
    public static PersonId From(Guid value) => new(value);

    public static PersonId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static PersonId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out PersonId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>A working group or sharing group.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct GroupId(Guid Value) : IRecordId<GroupId>, IParsable<GroupId>
{
    public static GroupId From(Guid value) => new(value);

    public static GroupId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static GroupId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out GroupId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>An association of teams, such as a national CSIRT association.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct CommunityId(Guid Value) : IRecordId<CommunityId>, IParsable<CommunityId>
{
    public static CommunityId From(Guid value) => new(value);

    public static CommunityId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static CommunityId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out CommunityId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>A contact of a team or organisation.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct ContactId(Guid Value) : IRecordId<ContactId>, IParsable<ContactId>
{
    public static ContactId From(Guid value) => new(value);

    public static ContactId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static ContactId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ContactId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>A piece of what a team answers for: a prefix, an ASN, a domain, a country, a TLD.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct ConstituencyId(Guid Value) : IRecordId<ConstituencyId>, IParsable<ConstituencyId>
{
    public static ConstituencyId From(Guid value) => new(value);

    public static ConstituencyId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static ConstituencyId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ConstituencyId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>An incident report as received.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct ReportId(Guid Value) : IRecordId<ReportId>, IParsable<ReportId>
{
    public static ReportId From(Guid value) => new(value);

    public static ReportId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static ReportId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ReportId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>An incident.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct IncidentId(Guid Value) : IRecordId<IncidentId>, IParsable<IncidentId>
{
    public static IncidentId From(Guid value) => new(value);

    public static IncidentId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static IncidentId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out IncidentId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>A coordination request.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct RequestId(Guid Value) : IRecordId<RequestId>, IParsable<RequestId>
{
    public static RequestId From(Guid value) => new(value);

    public static RequestId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static RequestId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out RequestId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>A template of a notice.</summary>
[JsonConverter(typeof(RecordIdJson))]
public readonly record struct TemplateId(Guid Value) : IRecordId<TemplateId>, IParsable<TemplateId>
{
    public static TemplateId From(Guid value) => new(value);

    public static TemplateId New(TimeProvider clock) => new(Guid.CreateVersion7(clock.GetUtcNow()));

    public static TemplateId Parse(string s, IFormatProvider? provider) => new(Guid.Parse(s, provider));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out TemplateId result)
    {
        var known = Guid.TryParse(s, provider, out var value);
        result = new(value);
        return known;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>Ids travel in JSON as their plain lower-case text.</summary>
public sealed class RecordIdJson : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsValueType && Array.Exists(typeToConvert.GetInterfaces(), i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRecordId<>));

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert))!;

    private sealed class Of<TId> : JsonConverter<TId> where TId : struct, IRecordId<TId>
    {
        public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => TId.From(reader.GetGuid());

        public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
