namespace Renkei.Web;

/// <summary>One row of a chart's table: a name and a number per series.</summary>
/// <param name="Name">Category: 4月, 2026-04.</param>
/// <param name="Values">One per series.</param>
/// <param name="Hrefs">Where each number leads; null, or an entry null, for no link.</param>
public sealed record ChartRow(string Name, IReadOnlyList<double> Values, IReadOnlyList<string?>? Hrefs = null);
