namespace Renkei.Kernel;

/// <summary>A record of any module, by kind and id: how modules speak of each other's rows.</summary>
public readonly record struct RecordRef(string Kind, Guid Id)
{
    public override string ToString() => $"{Kind}/{Id:D}";
}
