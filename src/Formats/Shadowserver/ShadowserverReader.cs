using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Renkei.Formats.Csv;
using Renkei.Formats.Feeds;
using Renkei.Formats.Rsit;

namespace Renkei.Formats.Shadowserver;

/// <summary>
/// Reads a Shadowserver report. Each row gives an event or an error:
/// <list type="bullet">
/// <item>Rejected with line, column and reason: rows that are broken CSV; rows whose timestamp is missing or wrong; rows whose source
/// address is missing or wrong, unless the report is one of URLs and the row has a URL or host name.</item>
/// <item>A wrong value in any other column does not cost the event: the value stays as it came in <see cref="FeedEvent.Extra"/> under
/// the column's name, and the rest is used.</item>
/// <item>Columns without a field of their own are kept in Extra too, and so are those that are used only in part (the tag).</item>
/// </list>
/// AS number 0 means unknown and is left out.
/// </summary>
internal sealed class ShadowserverReader : FeedReader
{
    private static readonly RsitType VulnerableSystem = RsitTaxonomy.Get("vulnerable", "vulnerable-system");
    private static readonly RsitType WeakCrypto = RsitTaxonomy.Get("vulnerable", "weak-crypto");
    private static readonly RsitType SystemCompromise = RsitTaxonomy.Get("intrusions", "system-compromise");
    private static readonly Utf8Text WebShellIdentifier = Utf8Text.From("exchange-server-webshell");
    private static readonly Utf8Text PoodleIdentifier = Utf8Text.From("ssl-poodle");
    private static readonly Utf8Text FreakIdentifier = Utf8Text.From("ssl-freak");
    private static readonly Utf8Text WeakTlsIdentifier = Utf8Text.From("weak-ssl");
    private static readonly Utf8Text Rdp = Utf8Text.From("vulnerable-rdp");
    private static readonly Utf8Text BlueKeep = Utf8Text.From("CVE-2019-0708");

    private readonly CsvReader _csv;
    private readonly FeedOptions _options;
    private ShadowserverReport _report = ShadowserverReport.All[0];
    private Target[] _targets = [];
    private JsonEncodedText[] _names = [];
    private DateTimeOffset? _observation;
    private Utf8Text _transport;
    private Utf8Text _application;
    private Utf8Text _productVendor;
    private Utf8Text _productName;
    private byte[] _keyInput = new byte[1024];
    private bool _opened;
    private bool _ended;

    // what the columns of the current row said beyond the event's own fields; a column is an index, or -1
    private Utf8Text _firstTag;
    private int _infection;
    private int _family;
    private int _service;
    private int _path;
    private int _badAddress;
    private bool _poodle;
    private bool _freak;
    private bool _weakTls;
    private bool _blueKeep;
    private bool _webShell;

    public ShadowserverReader(Stream stream, FeedOptions options)
    {
        _options = options;
        _csv = new CsvReader(stream, new CsvOptions { MaxLineBytes = options.MaxLineBytes, MaxColumns = options.MaxColumns, LeaveOpen = options.LeaveOpen });
    }

    public override FeedRead Read()
    {
        Error = null;
        if (!_opened)
        {
            _opened = true;
            if (!Prepare())
            {
                _ended = true;
                return Error is null ? FeedRead.End : FeedRead.Error;
            }
        }
        if (_ended)
        {
            return FeedRead.End;
        }
        switch (_csv.Read())
        {
            case CsvRead.Row:
                return ReadRow(Event);
            case CsvRead.Error:
                Error = FeedRowError.From(_csv.Error!, isFatal: false);
                return FeedRead.Error;
            default:
                _ended = true;
                return FeedRead.End;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _csv.Dispose();
        }
    }

    /// <summary>Settles the type, then what each column is for. False when there is nothing to read; Error says why, if anything is wrong.</summary>
    private bool Prepare()
    {
        var header = _csv.ReadHeader();
        var fileName = ShadowserverFileName.Parse(_options.FileName);
        ShadowserverReport? report;
        if (_options.Type is { } type)
        {
            report = ShadowserverReport.Find(type);
        }
        else if (fileName.NamesReport)
        {
            report = fileName.Report;
        }
        else
        {
            report = ShadowserverReport.ByColumns(_csv.Columns);
        }
        Report = report?.Name;
        switch (header)
        {
            case CsvRead.End:
                return false;
            case CsvRead.Error:
                Error = FeedRowError.From(_csv.Error!, isFatal: true);
                return false;
        }
        if (report is null)
        {
            return Fatal(FeedErrorReason.UnknownReport, null);
        }
        if (report.MissingColumn(_csv.Columns) is { } missing)
        {
            return Fatal(FeedErrorReason.MissingColumn, missing);
        }
        _report = report;
        Current = new FeedEvent(ShadowserverFormat.Instance.Name, report.Name);
        _targets = [.. _csv.Columns.Select(column => report.Columns.GetValueOrDefault(column, Target.Extra))];
        _names = [.. _csv.Columns.Select(column => JsonEncodedText.Encode(column))];
        _observation = _options.Observation?.ToUniversalTime()
            ?? (fileName.Date is { } date ? new DateTimeOffset(date, TimeOnly.MinValue, TimeSpan.Zero) : null);
        _transport = Constant(report.Transport);
        _application = Constant(report.Application);
        _productVendor = Constant(report.ProductVendor);
        _productName = Constant(report.ProductName);
        // equal bytes under other columns are another statement, so the columns are part of the key
        SHA256.HashData(Encoding.UTF8.GetBytes($"{ShadowserverFormat.Instance.Name}\n{report.Name}\n{string.Join('\n', _csv.Columns)}"), _keyInput);
        return true;
    }

    private bool Fatal(FeedErrorReason reason, string? column)
    {
        Error = new FeedRowError(_csv.Line, column, reason, _csv.RawExcerpt(), _csv.Offset, IsFatal: true);
        return false;
    }

    private static Utf8Text Constant(string? text) => text is null ? default : Utf8Text.From(text);

    private FeedRead Reject(FeedErrorReason reason, string? column)
    {
        Error = new FeedRowError(_csv.Line, column, reason, _csv.RawExcerpt(), _csv.Offset, IsFatal: false);
        return FeedRead.Error;
    }

    private FeedRead ReadRow(FeedEvent row)
    {
        row.Clear();
        _firstTag = default;
        _infection = _family = _service = _path = _badAddress = -1;
        _poodle = _freak = _weakTls = _blueKeep = _webShell = false;
        var hasTime = false;
        var targets = _targets;
        for (var i = 0; i < targets.Length; i++)
        {
            var value = _csv.Field(i).Trim();
            if (value.IsEmpty)
            {
                continue;
            }
            if (targets[i] == Target.Time)
            {
                if (!FeedValues.TryTime(value.Span, out var time))
                {
                    return Reject(FeedErrorReason.BadTime, _csv.Columns[i]);
                }
                row.SourceTime = time;
                hasTime = true;
            }
            else if (!Take(row, targets[i], i, value))
            {
                Keep(row, i, value);
            }
        }
        if (!hasTime)
        {
            return Reject(FeedErrorReason.MissingValue, "timestamp");
        }
        Complete(row);
        if (row.Source.Ip is null && row.Source.Network.IsEmpty && !(_report.IsLocatedByUrl && !(row.Source.Url.IsEmpty && row.Source.Fqdn.IsEmpty)))
        {
            return _badAddress >= 0
                ? Reject(FeedErrorReason.BadAddress, _csv.Columns[_badAddress])
                : Reject(FeedErrorReason.MissingValue, _report.AddressColumn);
        }
        row.Line = _csv.Line;
        row.ObservationTime = _observation;
        row.RowKey = Key(_csv.Raw);
        return FeedRead.Event;
    }

    /// <summary>Puts a value into the event. False means that it goes to Extra, because it does not fit or the field tells only part of it.</summary>
    private bool Take(FeedEvent row, Target target, int column, Utf8Text value)
    {
        Utf8Text canonical;
        var source = row.Source;
        var destination = row.Destination;
        switch (target)
        {
            case Target.SourceIp:
                return TakeAddress(row, source, column, value, required: true);
            case Target.SourceNetwork:
                if (!value.Span.Contains((byte)'/'))
                {
                    return TakeAddress(row, source, column, value, required: true);
                }
                if (FeedValues.TryNetwork(value, row, out canonical))
                {
                    source.Network = canonical;
                    return true;
                }
                _badAddress = column;
                return false;
            case Target.DestinationIp:
                return TakeAddress(row, destination, column, value, required: false);
            case Target.SourcePort:
                return TakePort(source, value);
            case Target.DestinationPort:
                return TakePort(destination, value);
            case Target.SourceAsn:
                return TakeAsn(source, value);
            case Target.DestinationAsn:
                return TakeAsn(destination, value);
            case Target.SourceAsName:
                source.AsName = value;
                return true;
            case Target.DestinationAsName:
                destination.AsName = value;
                return true;
            case Target.SourceCountry when FeedValues.TryCountry(value, row, out canonical):
                source.Country = canonical;
                return true;
            case Target.DestinationCountry when FeedValues.TryCountry(value, row, out canonical):
                destination.Country = canonical;
                return true;
            case Target.SourceRegion:
                source.Region = value;
                return true;
            case Target.DestinationRegion:
                destination.Region = value;
                return true;
            case Target.SourceCity:
                source.City = value;
                return true;
            case Target.DestinationCity:
                destination.City = value;
                return true;
            case Target.SourceReverseDns when FeedValues.TryHostName(value, row, out canonical):
                source.ReverseDns = canonical;
                return true;
            case Target.DestinationReverseDns when FeedValues.TryHostName(value, row, out canonical):
                destination.ReverseDns = canonical;
                return true;
            case Target.SourceFqdn:
                var colon = value.Span.LastIndexOf((byte)':');
                var host = colon > 0 && FeedValues.TryNumber(value.Span[(colon + 1)..], ushort.MaxValue, out _) ? value.Slice(0, colon) : value;
                if (source.Fqdn.IsEmpty && FeedValues.TryHostName(host, row, out canonical))
                {
                    source.Fqdn = canonical;
                    return host.Length == value.Length;
                }
                return false;
            case Target.SourceUrl:
                if (FeedValues.TryUrl(value.Span, out _))
                {
                    source.Url = value;
                    return true;
                }
                _path = column;
                return true;
            case Target.Severity when FeedValues.TrySeverity(value, row, out canonical):
                row.Severity = canonical;
                return true;
            case Target.Transport when FeedValues.TryWord(value, row, out canonical):
                row.Transport = canonical;
                return true;
            case Target.Application when FeedValues.TryWord(value, row, out canonical):
                row.Application = canonical;
                return true;
            case Target.Service:
                _service = column;
                return true;
            case Target.Infection:
                _infection = column;
                return true;
            case Target.Family:
                _family = column;
                return true;
            case Target.Vendor:
                row.ProductVendor = value;
                return true;
            case Target.Model:
                row.ProductName = value;
                return true;
            case Target.Version:
                row.ProductVersion = value;
                return true;
            case Target.Md5 when FeedValues.TryHash(value, 32, row, out canonical):
                row.Md5 = canonical;
                return true;
            case Target.Sha1 when FeedValues.TryHash(value, 40, row, out canonical):
                row.Sha1 = canonical;
                return true;
            case Target.Sha256 when FeedValues.TryHash(value, 64, row, out canonical):
                row.Sha256 = canonical;
                return true;
            case Target.VulnerabilityId when FeedValues.TryCve(value, row, out canonical):
                row.AddVulnerability(canonical);
                return true;
            case Target.Tag:
                TakeTag(row, value);
                return false;
            case Target.PoodleFlag:
                _poodle = IsYes(value.Span);
                return false;
            case Target.FreakFlag:
                _freak = IsYes(value.Span);
                return false;
            case Target.BlueKeepFlag:
                _blueKeep |= IsYes(value.Span);
                return false;
            case Target.Handshake:
                // RFC 8996 and RFC 7568 withdrew these
                _weakTls |= value.Span.StartsWith("SSL"u8) || value.Span.SequenceEqual("TLSv1"u8) || value.Span.SequenceEqual("TLSv1.0"u8) || value.Span.SequenceEqual("TLSv1.1"u8);
                return false;
            case Target.CipherSuite:
                _weakTls |= value.Span.IndexOf("RC4"u8) >= 0 || value.Span.IndexOf("DES"u8) >= 0 || value.Span.IndexOf("EXPORT"u8) >= 0
                    || value.Span.IndexOf("NULL"u8) >= 0 || value.Span.IndexOf("_anon_"u8) >= 0;
                return false;
            case Target.SignatureAlgorithm:
                _weakTls |= value.Span.StartsWith("md"u8) || value.Span.StartsWith("MD"u8) || value.Span.StartsWith("sha1"u8) || value.Span.StartsWith("SHA1"u8)
                    || value.Span.SequenceEqual("ecdsa-with-SHA1"u8);
                return false;
            default:
                return false;
        }
    }

    private bool TakeAddress(FeedEvent row, FeedEndpoint side, int column, Utf8Text value, bool required)
    {
        if (FeedValues.TryAddress(value, row, out var address, out var canonical))
        {
            side.Ip = address;
            side.IpText = canonical;
            return true;
        }
        if (required)
        {
            _badAddress = column;
        }
        return false;
    }

    private static bool TakePort(FeedEndpoint side, Utf8Text value)
    {
        if (!FeedValues.TryNumber(value.Span, ushort.MaxValue, out var port))
        {
            return false;
        }
        side.Port = (ushort)port;
        return true;
    }

    private static bool TakeAsn(FeedEndpoint side, Utf8Text value)
    {
        if (!FeedValues.TryAsn(value.Span, out var asn))
        {
            return false;
        }
        side.Asn = asn == 0 ? null : asn;
        return true;
    }

    /// <summary>Looks through "exchange;cve-2021-26855" or "ssl,vpn" for vulnerabilities, a web shell and the first word.</summary>
    private void TakeTag(FeedEvent row, Utf8Text value)
    {
        var start = 0;
        while (start < value.Length)
        {
            var stop = value.Span[start..].IndexOfAny(";,| "u8);
            var length = stop < 0 ? value.Length - start : stop;
            if (length > 0)
            {
                var word = value.Slice(start, length);
                if (FeedValues.TryCve(word, row, out var cve))
                {
                    row.AddVulnerability(cve);
                }
                else
                {
                    if (_firstTag.IsEmpty)
                    {
                        _firstTag = word;
                    }
                    if (_report.Refinement == Refinement.WebShell && FeedValues.TryWord(word, row, out var lower))
                    {
                        _webShell |= lower.Span.IndexOf("webshell"u8) >= 0 || lower.Span.IndexOf("compromised"u8) >= 0 || lower.Span.IndexOf("backdoor"u8) >= 0;
                    }
                }
            }
            start += length + 1;
        }
    }

    private static bool IsYes(ReadOnlySpan<byte> value) =>
        value.SequenceEqual("Y"u8) || value.SequenceEqual("y"u8) || value.SequenceEqual("1"u8) || Ascii.EqualsIgnoreCase(value, "yes"u8) || Ascii.EqualsIgnoreCase(value, "true"u8);

    /// <summary>Fills what depends on several columns: names, class, the URL's parts, and what the kind of report implies.</summary>
    private void Complete(FeedEvent row)
    {
        var infection = Column(_infection);
        var family = Column(_family);
        if (_report.InfectionIsMalware)
        {
            row.MalwareName = infection.IsEmpty ? family : infection;
            if (!infection.IsEmpty && !family.IsEmpty && infection != family)
            {
                Keep(row, _family, family);
            }
        }
        else
        {
            row.MalwareName = family;
        }
        if (_service >= 0)
        {
            if (row.Application.IsEmpty && FeedValues.TryWord(Column(_service), row, out var service))
            {
                row.Application = service;
            }
            else
            {
                Keep(row, _service, Column(_service));
            }
        }
        if (row.Transport.IsEmpty)
        {
            row.Transport = _transport;
        }
        if (row.Application.IsEmpty)
        {
            row.Application = _application;
        }
        if (!_productName.IsEmpty)
        {
            row.ProductVendor = _productVendor;
            row.ProductName = _productName;
        }
        if (_path >= 0)
        {
            BuildUrl(row, Column(_path));
        }
        if (_report.IsLocatedByUrl && !row.Source.Url.IsEmpty && (row.Source.Fqdn.IsEmpty || row.Source.Ip is null))
        {
            TakeHostOfUrl(row);
        }
        row.Class = _report.Class;
        row.Identifier = !infection.IsEmpty ? infection
            : !family.IsEmpty ? family
            : _report.TagIdentifies && !_firstTag.IsEmpty ? _firstTag
            : !_report.InfectionIsMalware && !row.Application.IsEmpty ? row.Application
            : _report.Identifier;
        Refine(row);
    }

    private void Refine(FeedEvent row)
    {
        if (_blueKeep)
        {
            row.AddVulnerability(BlueKeep);
        }
        switch (_report.Refinement)
        {
            case Refinement.WebShell when _webShell:
                row.Class = SystemCompromise;
                row.Identifier = WebShellIdentifier;
                break;
            case Refinement.WeakTls when _poodle || _freak || _weakTls:
                row.Class = WeakCrypto;
                row.Identifier = _poodle ? PoodleIdentifier : _freak ? FreakIdentifier : WeakTlsIdentifier;
                break;
            case Refinement.Vulnerability or Refinement.WeakTls when row.Vulnerabilities.Count > 0:
                row.Class = VulnerableSystem;
                if (_blueKeep)
                {
                    row.Identifier = Rdp;
                }
                break;
        }
    }

    /// <summary>Compromised-website rows give the path alone; scheme and host stand in other columns.</summary>
    private void BuildUrl(FeedEvent row, Utf8Text path)
    {
        var source = row.Source;
        var host = source.Fqdn.IsEmpty ? source.IpText : source.Fqdn;
        if (path.Span[0] != '/' || host.IsEmpty)
        {
            Keep(row, _path, path);
            return;
        }
        var secure = row.Application.Span.SequenceEqual("https"u8) || (row.Application.IsEmpty && source.Port == 443);
        var scheme = secure ? "https://"u8 : "http://"u8;
        var brackets = source.Fqdn.IsEmpty && source.Ip is { IsIpv6: true };
        var room = row.Room(scheme.Length + host.Length + 8 + path.Length);
        scheme.CopyTo(room);
        var used = scheme.Length;
        if (brackets)
        {
            room[used++] = (byte)'[';
        }
        host.Span.CopyTo(room[used..]);
        used += host.Length;
        if (brackets)
        {
            room[used++] = (byte)']';
        }
        if (source.Port is { } port && port != 0 && port != (secure ? 443 : 80))
        {
            room[used++] = (byte)':';
            System.Buffers.Text.Utf8Formatter.TryFormat(port, room[used..], out var written);
            used += written;
        }
        path.Span.CopyTo(room[used..]);
        used += path.Length;
        if (FeedValues.TryUrl(room[..used], out _))
        {
            source.Url = row.Keep(used);
        }
        else
        {
            Keep(row, _path, path);
        }
    }

    private static void TakeHostOfUrl(FeedEvent row)
    {
        var source = row.Source;
        if (!FeedValues.TryUrl(source.Url.Span, out var hostSpan))
        {
            return;
        }
        var start = source.Url.Span.IndexOf("://"u8) + 3;
        var host = source.Url.Slice(start + source.Url.Span[start..].IndexOf(hostSpan), hostSpan.Length);
        if (FeedValues.TryAddress(host, row, out var address, out var canonical))
        {
            if (source.Ip is null && source.Fqdn.IsEmpty)
            {
                source.Ip = address;
                source.IpText = canonical;
            }
        }
        else if (source.Fqdn.IsEmpty && FeedValues.TryHostName(host, row, out var name))
        {
            source.Fqdn = name;
        }
    }

    private Utf8Text Column(int index) => index < 0 ? default : _csv.Field(index).Trim();

    private void Keep(FeedEvent row, int column, Utf8Text value) => row.AddExtra(_csv.Columns[column], _names[column], value);

    private UInt128 Key(ReadOnlySpan<byte> raw)
    {
        const int seed = SHA256.HashSizeInBytes;
        if (_keyInput.Length < seed + raw.Length)
        {
            Array.Resize(ref _keyInput, Math.Max(_keyInput.Length * 2, seed + raw.Length));
        }
        raw.CopyTo(_keyInput.AsSpan(seed));
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_keyInput.AsSpan(0, seed + raw.Length), hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}
