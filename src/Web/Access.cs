using Microsoft.AspNetCore.Builder;
using Renkei.Kernel;

namespace Renkei.Web;

/// <summary>Who may call an endpoint. An endpoint without one is closed; a test holds that every one has it.</summary>
public sealed record Access(bool Open, bool AnyPerson, Right? Right, string? Scope, bool Local = false);

/// <summary>Says of each route who may call it. The host enforces it before the handler runs.</summary>
public static class AccessRules
{
    /// <summary>Anyone, signed in or not: the public form, status links, sign-in.</summary>
    public static TBuilder OpenToAll<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => With(builder, new(true, false, null, null));

    /// <summary>Anyone with a session, whatever their role: their own settings, notifications.</summary>
    public static TBuilder SignedIn<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => With(builder, new(false, true, null, null));

    /// <summary>A signed-in person whose role in the team they act for gives this right; <see cref="Right.OperateNode"/> counts in any team.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder builder, Right right) where TBuilder : IEndpointConventionBuilder => With(builder, new(false, false, right, null));

    /// <summary>A bearer token with this scope, such as <c>reports:read</c>.</summary>
    public static TBuilder NeedsScope<TBuilder>(this TBuilder builder, string scope) where TBuilder : IEndpointConventionBuilder => With(builder, new(false, false, null, scope));

    /// <summary>Only through the socket in the data folder, which its owner alone can open: the command line.</summary>
    public static TBuilder LocalOnly<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => With(builder, new(false, false, null, null, Local: true));

    private static TBuilder With<TBuilder>(TBuilder builder, Access access) where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(b => b.Metadata.Add(access));
        return builder;
    }
}

/// <summary>The scopes of the request's bearer token, as a feature of the request; absent when there is none. For routes that are open to all but give a token more.</summary>
public sealed record TokenScopes(IReadOnlySet<string> Scopes);

/// <summary>The scopes an API token can have, each with what it opens.</summary>
public static class Scopes
{
    public const string ReportsRead = "reports:read";
    public const string ReportsWrite = "reports:write";
    public const string IncidentsRead = "incidents:read";
    public const string IncidentsWrite = "incidents:write";
    public const string RequestsRead = "requests:read";
    public const string RequestsWrite = "requests:write";
    public const string DirectoryRead = "directory:read";

    public static IReadOnlyList<string> All { get; } = [ReportsRead, ReportsWrite, IncidentsRead, IncidentsWrite, RequestsRead, RequestsWrite, DirectoryRead];
}
