using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Renkei.Kernel;

namespace Renkei.Node;

/// <summary>How the shapes of the API are named in /openapi/v1.json.</summary>
public static class ApiDescription
{
    public static IServiceCollection AddApiDescription(this IServiceCollection services) => services.AddOpenApi(o =>
    {
        // slices call their shapes Item, Detail, Input: without the slice's name one of them would stand for all
        o.CreateSchemaReferenceId = info => OpenApiOptions.CreateDefaultSchemaReferenceId(info) is { } name
            ? (Nullable.GetUnderlyingType(info.Type) ?? info.Type).DeclaringType?.Name + name : null;
        o.AddSchemaTransformer((schema, context, _) =>
        {
            if (Array.Exists(context.JsonTypeInfo.Type.GetInterfaces(), i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRecordId<>)))
            {
                // a converter of our own writes it as text, which the schema cannot know
                (schema.Type, schema.Format) = (JsonSchemaType.String, "uuid");
            }

            return Task.CompletedTask;
        });
    });
}
