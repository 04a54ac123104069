namespace Renkei.Contracts;

/// <summary>Says whether the person at this browser has shown a short while ago that it is they, and where they do so: before what cannot be taken back.</summary>
public interface IStepUp
{
    bool IsFresh { get; }

    /// <summary>The page that asks, and then leads on to <paramref name="back"/>, a path of this node.</summary>
    string Href(string back);
}
