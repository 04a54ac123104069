using System.Diagnostics;
using System.Text.Json;

namespace Renkei.Units.Formats.Mail;

/// <summary>What Python's mail parser makes of messages: an oracle that shares no code with ours.</summary>
internal static class PythonMail
{
    internal sealed record Attachment(string Name, string PlainName, string Type, string Content);

    internal sealed record Message(
        string[][] Headers,
        string Subject,
        string[][] From,
        string[][] To,
        string[][] Cc,
        string[][] ReplyTo,
        string Date,
        string Text,
        string Charset,
        string Encoding,
        Attachment[] Attachments,
        string[] Defects)
    {
        public string Header(string name) => Headers.Single(h => string.Equals(h[0], name, StringComparison.OrdinalIgnoreCase))[1];
    }

    public static Message Read(byte[] message) => Read([message])[0];

    public static Message[] Read(IReadOnlyList<byte[]> messages)
    {
        ProcessStartInfo start = new("python3")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "Fixtures", "mail", "read_mail.py") },
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PYTHONIOENCODING"] = "utf-8";
        using Process python = Process.Start(start)!;
        Task<string> output = python.StandardOutput.ReadToEndAsync();
        Task<string> errors = python.StandardError.ReadToEndAsync();
        JsonSerializer.Serialize(python.StandardInput.BaseStream, messages);
        python.StandardInput.Close();
        python.WaitForExit();
        Assert.True(python.ExitCode == 0, errors.Result);
        return JsonSerializer.Deserialize<Message[]>(output.Result, JsonSerializerOptions.Web)!;
    }
}
