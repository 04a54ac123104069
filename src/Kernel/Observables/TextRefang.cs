using System.Text;

namespace Renkei.Kernel;

/// <summary>Defanging of free text for display, mail and print.</summary>
public static class TextRefang
{
    /// <summary>
    /// The text with every URL, address, prefix, domain and e-mail address in it inert and everything else as written. Already defanged ones come out in
    /// our one way of defanging, so doing it twice changes nothing more. Linear; bound the length before (1 Mi characters is what callers accept).
    /// </summary>
    public static string DefangText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var refanged = RefangedText.Of(text);
        var built = new StringBuilder(text.Length + 64);
        var from = 0;
        foreach (var (observable, start, end, implied) in new ObservableScan(refanged, int.MaxValue, distinct: false).Run())
        {
            var originalStart = refanged.StartOf(start);
            if (implied || originalStart < from)
            {
                continue;
            }

            var inert = DefangForm.Of(observable.Type, refanged.Text[start..end]);
            built.Append(text, from, originalStart - from).Append(inert);
            from = refanged.EndOf(end - 1);
        }

        built.Append(text, from, text.Length - from);

        return DefangForm.InertSchemes(built.ToString());
    }
}
