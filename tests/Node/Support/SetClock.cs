namespace Renkei.Node.Tests;

/// <summary>A clock that a test sets; its timers run as always, so that nothing waits for it.</summary>
internal sealed class SetClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}
