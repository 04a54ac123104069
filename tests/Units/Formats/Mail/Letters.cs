using System.Buffers;
using System.Text;
using Renkei.Formats.Mail;

namespace Renkei.Units.Formats.Mail;

/// <summary>Messages to write in tests, and the wire rules each must keep.</summary>
internal static class Letters
{
    public static readonly byte[] Key = Encoding.ASCII.GetBytes("a key that only tests know");

    public static Mailbox Box(string address, string? name = null)
    {
        Assert.True(Mailbox.TryCreate(address, name, out Mailbox? mailbox, out MailFault? fault), fault?.Message);
        return mailbox;
    }

    public static OutgoingMessage Letter(string subject = "Phishing site on 192.0.2.1", string text = "Please look.\n") => new()
    {
        From = Box("csirt@node.example", "Example CSIRT"),
        To = [Box("abuse@hoster.example")],
        Subject = subject,
        MessageId = MessageIds.Create("node.example", "42", 1, Key),
        Date = new DateTimeOffset(2026, 3, 1, 9, 5, 7, TimeSpan.FromHours(9)),
        Text = text,
    };

    public static (byte[] Bytes, WriteOutcome.Written Outcome) Written(OutgoingMessage message)
    {
        ArrayBufferWriter<byte> output = new();
        WriteOutcome outcome = MessageWriter.Write(message, output);
        WriteOutcome.Written written = Assert.IsType<WriteOutcome.Written>(outcome);
        byte[] bytes = output.WrittenSpan.ToArray();
        Assert.Equal(bytes.Length, written.Bytes);
        AssertWire(bytes);
        return (bytes, written);
    }

    public static MailFault Refused(OutgoingMessage message)
    {
        ArrayBufferWriter<byte> output = new();
        WriteOutcome.Refused refused = Assert.IsType<WriteOutcome.Refused>(MessageWriter.Write(message, output));
        Assert.Equal(0, output.WrittenCount);
        return refused.Fault;
    }

    /// <summary>CRLF only, 7-bit only, no NUL, bounded lines, and headers folded where they could be.</summary>
    public static void AssertWire(byte[] bytes)
    {
        Assert.All(bytes, b => Assert.InRange(b, 1, 127));
        string text = Encoding.ASCII.GetString(bytes);
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        string[] lines = text.Split("\r\n");
        Assert.All(lines, line =>
        {
            Assert.DoesNotContain('\r', line);
            Assert.DoesNotContain('\n', line);
            Assert.InRange(line.Length, 0, 998);
        });

        foreach (string line in HeaderLines(text))
        {
            Assert.False(string.IsNullOrWhiteSpace(line));
            bool couldFold = line.Length > 78 && line.TrimStart().Contains(' ', StringComparison.Ordinal)
                && !(line.Contains(": ", StringComparison.Ordinal) && line.Count(c => c == ' ') == 1);
            Assert.False(couldFold, line);
        }
    }

    public static string[] HeaderLines(string message) =>
        message[..message.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Split("\r\n");
}
