using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Renkei.Kernel;

/// <summary>Why a value has no canonical form.</summary>
public enum CanonicalJsonErrorKind
{
    /// <summary>A string or name holds half a surrogate pair (RFC 8785 §3.2.2.2).</summary>
    LoneSurrogate,

    /// <summary>The number is outside IEEE 754 double (RFC 8785 §3.2.2.3).</summary>
    NumberOutOfRange,

    /// <summary>An object has the same name twice (RFC 7493 §2.3).</summary>
    DuplicateName,

    /// <summary>Nested more than 64 levels deep.</summary>
    TooDeep,
}

/// <summary>What is wrong and where (an RFC 6901 pointer, escaped).</summary>
public sealed record CanonicalJsonError(CanonicalJsonErrorKind Kind, string Pointer);

/// <summary>
/// JSON Canonicalization Scheme (RFC 8785): names in order of their UTF-16 units, numbers as ECMAScript writes IEEE doubles, shortest strings, no white space.
/// Numbers are read as doubles, as the RFC demands: integers beyond 2^53 lose digits, so carry those as strings.
/// </summary>
public static class CanonicalJson
{
    private const int MaxDepth = 64;

    /// <summary>Canonical UTF-8 of a parsed element.</summary>
    public static bool TryWrite(JsonElement element, out byte[] utf8, out CanonicalJsonError? error)
    {
        var writer = new Writer();
        error = writer.Element(element, 0);
        utf8 = error is null ? writer.ToArray() : [];
        return error is null;
    }

    /// <summary>Canonical UTF-8 of a node; null is the JSON null.</summary>
    public static bool TryWrite(JsonNode? node, out byte[] utf8, out CanonicalJsonError? error)
    {
        var writer = new Writer();
        error = writer.Node(node, 0);
        utf8 = error is null ? writer.ToArray() : [];
        return error is null;
    }

    /// <summary>Canonical UTF-8 of an object given as properties in any order.</summary>
    public static bool TryWrite(IEnumerable<KeyValuePair<string, JsonNode?>> properties, out byte[] utf8, out CanonicalJsonError? error)
    {
        ArgumentNullException.ThrowIfNull(properties);
        var writer = new Writer();
        error = writer.Properties(properties, 0);
        utf8 = error is null ? writer.ToArray() : [];
        return error is null;
    }

    /// <summary>SHA-256 of the canonical form, 64 lower-case hexadecimal digits.</summary>
    public static bool TryHash(JsonElement element, out string hash, out CanonicalJsonError? error)
    {
        hash = TryWrite(element, out var utf8, out error) ? Hash(utf8) : "";
        return error is null;
    }

    /// <summary>SHA-256 of the canonical form, 64 lower-case hexadecimal digits.</summary>
    public static bool TryHash(JsonNode? node, out string hash, out CanonicalJsonError? error)
    {
        hash = TryWrite(node, out var utf8, out error) ? Hash(utf8) : "";
        return error is null;
    }

    /// <summary>SHA-256 of canonical bytes, 64 lower-case hexadecimal digits.</summary>
    public static string Hash(ReadOnlySpan<byte> canonical) => Convert.ToHexStringLower(SHA256.HashData(canonical));

    /// <summary>Hash of a value this program built itself.</summary>
    /// <exception cref="InvalidOperationException">The value has no canonical form.</exception>
    public static string Hash(JsonNode? node) =>
        TryHash(node, out var hash, out var error) ? hash : throw new InvalidOperationException($"{error!.Kind} at '{error.Pointer}'");

    /// <summary>ECMAScript Number::toString (ECMA-262 §6.1.6.1.20); the value must be finite.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value));
        }

        if (value == 0)
        {
            return "0";
        }

        // The framework's round-trip form has the shortest digits; only their layout differs.
        var shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var mark = shortest.IndexOf('E', StringComparison.Ordinal);
        var mantissa = mark < 0 ? shortest : shortest[..mark];
        var power = mark < 0 ? 0 : int.Parse(shortest.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = dot < 0 ? mantissa.Length : dot;
        var digits = dot < 0 ? mantissa : mantissa.Remove(dot, 1);
        var lead = 0;
        while (lead < digits.Length - 1 && digits[lead] == '0')
        {
            lead++;
        }

        // value = 0.DIGITS × 10^n
        var n = whole - lead + power;
        digits = digits[lead..].TrimEnd('0');
        var k = digits.Length;
        var sign = value < 0 ? "-" : "";
        if (k <= n && n <= 21)
        {
            return sign + digits + new string('0', n - k);
        }

        if (n is > 0 and <= 21)
        {
            return sign + digits[..n] + "." + digits[n..];
        }

        if (n is > -6 and <= 0)
        {
            return sign + "0." + new string('0', -n) + digits;
        }

        var exponent = (n - 1).ToString("+0;-0", CultureInfo.InvariantCulture);
        return k == 1 ? $"{sign}{digits}e{exponent}" : $"{sign}{digits[..1]}.{digits[1..]}e{exponent}";
    }

    private sealed class Writer
    {
        private readonly ArrayBufferWriter<byte> buffer = new();

        internal byte[] ToArray() => buffer.WrittenSpan.ToArray();

        internal CanonicalJsonError? Element(JsonElement element, int depth)
        {
            if (depth > MaxDepth)
            {
                return new CanonicalJsonError(CanonicalJsonErrorKind.TooDeep, "");
            }

            switch (element.ValueKind)
            {
                case JsonValueKind.Object:
                    var properties = new List<KeyValuePair<string, JsonElement>>();
                    foreach (var property in element.EnumerateObject())
                    {
                        if (!TryName(property, out var name))
                        {
                            return new CanonicalJsonError(CanonicalJsonErrorKind.LoneSurrogate, "");
                        }

                        properties.Add(new(name, property.Value));
                    }

                    return Object(properties, depth, Element);

                case JsonValueKind.Array:
                    return Array(element.EnumerateArray(), depth, Element);

                case JsonValueKind.String:
                    return TryString(element, out var text) ? String(text) : new CanonicalJsonError(CanonicalJsonErrorKind.LoneSurrogate, "");

                case JsonValueKind.Number:
                    return element.TryGetDouble(out var number) ? Double(number) : new CanonicalJsonError(CanonicalJsonErrorKind.NumberOutOfRange, "");

                case JsonValueKind.True:
                    buffer.Write("true"u8);
                    return null;

                case JsonValueKind.False:
                    buffer.Write("false"u8);
                    return null;

                default:
                    buffer.Write("null"u8);
                    return null;
            }
        }

        internal CanonicalJsonError? Node(JsonNode? node, int depth)
        {
            if (depth > MaxDepth)
            {
                return new CanonicalJsonError(CanonicalJsonErrorKind.TooDeep, "");
            }

            switch (node)
            {
                case null:
                    buffer.Write("null"u8);
                    return null;

                case JsonObject o:
                    List<KeyValuePair<string, JsonNode?>> properties;
                    try
                    {
                        properties = [.. o];
                    }
                    catch (ArgumentException)
                    {
                        // A node parsed lazily finds a name written twice only when it is enumerated.
                        return new CanonicalJsonError(CanonicalJsonErrorKind.DuplicateName, "");
                    }
                    catch (InvalidOperationException)
                    {
                        return new CanonicalJsonError(CanonicalJsonErrorKind.LoneSurrogate, "");
                    }

                    return Object(properties, depth, Node);

                case JsonArray a:
                    return Array(a, depth, Node);

                case JsonValue v when v.TryGetValue<JsonElement>(out var element):
                    return Element(element, depth);

                case JsonValue v when v.TryGetValue<string>(out var text):
                    return String(text);

                case JsonValue v when v.TryGetValue<double>(out var number):
                    return Double(number);

                default:
                    using (var parsed = JsonDocument.Parse(node.ToJsonString()))
                    {
                        return Element(parsed.RootElement, depth);
                    }
            }
        }

        internal CanonicalJsonError? Properties(IEnumerable<KeyValuePair<string, JsonNode?>> properties, int depth) => Object([.. properties], depth, Node);

        private CanonicalJsonError? Object<T>(List<KeyValuePair<string, T>> properties, int depth, Func<T, int, CanonicalJsonError?> write)
        {
            // Ordinal comparison of .NET strings is by UTF-16 unit (RFC 8785 §3.2.3).
            properties.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
            buffer.Write("{"u8);
            for (var i = 0; i < properties.Count; i++)
            {
                var (name, value) = properties[i];
                if (i > 0)
                {
                    if (string.Equals(properties[i - 1].Key, name, StringComparison.Ordinal))
                    {
                        return new CanonicalJsonError(CanonicalJsonErrorKind.DuplicateName, Pointer(name, ""));
                    }

                    buffer.Write(","u8);
                }

                if (String(name) is { } bad)
                {
                    return bad;
                }

                buffer.Write(":"u8);
                if (write(value, depth + 1) is { } error)
                {
                    return error with { Pointer = Pointer(name, error.Pointer) };
                }
            }

            buffer.Write("}"u8);
            return null;
        }

        private CanonicalJsonError? Array<T>(IEnumerable<T> items, int depth, Func<T, int, CanonicalJsonError?> write)
        {
            buffer.Write("["u8);
            var i = 0;
            foreach (var item in items)
            {
                if (i > 0)
                {
                    buffer.Write(","u8);
                }

                if (write(item, depth + 1) is { } error)
                {
                    return error with { Pointer = Pointer(i.ToString(CultureInfo.InvariantCulture), error.Pointer) };
                }

                i++;
            }

            buffer.Write("]"u8);
            return null;
        }

        private CanonicalJsonError? Double(double value)
        {
            if (!double.IsFinite(value))
            {
                return new CanonicalJsonError(CanonicalJsonErrorKind.NumberOutOfRange, "");
            }

            Utf8(Number(value));
            return null;
        }

        // RFC 8785 §3.2.2.2
        private CanonicalJsonError? String(string value)
        {
            if (DomainForm.HasLoneSurrogate(value))
            {
                return new CanonicalJsonError(CanonicalJsonErrorKind.LoneSurrogate, "");
            }

            buffer.Write("\""u8);
            var from = 0;
            for (var i = 0; i < value.Length; i++)
            {
                var c = value[i];
                if (c >= ' ' && c is not ('"' or '\\'))
                {
                    continue;
                }

                Utf8(value.AsSpan(from, i - from));
                from = i + 1;
                Utf8(c switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\b' => "\\b",
                    '\t' => "\\t",
                    '\n' => "\\n",
                    '\f' => "\\f",
                    '\r' => "\\r",
                    _ => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                });
            }

            Utf8(value.AsSpan(from));
            buffer.Write("\""u8);
            return null;
        }

        private void Utf8(ReadOnlySpan<char> text)
        {
            if (!text.IsEmpty)
            {
                Encoding.UTF8.GetBytes(text, buffer);
            }
        }

        private static string Pointer(string name, string rest) =>
            "/" + name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal) + rest;

        // JsonElement has no Try door for escaped halves of surrogate pairs.
        private static bool TryString(JsonElement element, out string text)
        {
            try
            {
                text = element.GetString() ?? "";
                return true;
            }
            catch (InvalidOperationException)
            {
                text = "";
                return false;
            }
        }

        private static bool TryName(JsonProperty property, out string name)
        {
            try
            {
                name = property.Name;
                return true;
            }
            catch (InvalidOperationException)
            {
                name = "";
                return false;
            }
        }
    }
}
