using System.Collections.Frozen;

namespace Renkei.Kernel;

/// <summary>Last labels that make a bare name in prose a file rather than a domain.</summary>
internal static class FileEndings
{
    /// <summary>No top-level domain, or (zip, mov) one that is nearly always a file in a report.</summary>
    internal static readonly FrozenSet<string> Never = FrozenSet.ToFrozenSet(
        [
            "zip", "mov", "exe", "dll", "sys", "scr", "msi", "msp", "bat", "cmd", "vbs", "vbe", "js", "jse", "mjs", "cjs", "wsf", "wsh", "hta", "lnk", "jar", "war",
            "class", "apk", "ipa", "dmg", "iso", "img", "vhd", "vhdx", "vmdk", "bin", "dat", "db", "sqlite", "elf", "ko", "dylib", "chm", "cpl", "ocx", "reg",
            "inf", "ini", "cfg", "conf", "config", "log", "txt", "rtf", "csv", "tsv", "json", "jsonl", "ndjson", "xml", "xsd", "xsl", "yaml", "yml", "toml", "lock",
            "pdf", "doc", "docx", "docm", "dotm", "xls", "xlsx", "xlsm", "xlsb", "xll", "ppt", "pptx", "pptm", "odt", "ods", "odp", "eml", "msg",
            "pst", "ost", "ics", "vcf", "htm", "html", "xhtml", "mht", "mhtml", "shtml", "php", "php5", "phtml", "asp", "aspx", "ashx", "asmx", "jsp", "jspx", "cgi", "css",
            "svg", "png", "jpg", "jpeg", "gif", "bmp", "ico", "tif", "tiff", "webp", "mp3", "mp4", "avi", "mkv", "wav", "ogg", "flv", "rar", "tar", "gz", "tgz",
            "bz2", "xz", "lz", "lzh", "zst", "bak", "tmp", "temp", "swp", "old", "orig", "part", "pcap", "pcapng", "evtx", "etl", "dmp", "mem", "raw", "ps1", "psm1", "psd1",
            "cpp", "hpp", "cxx", "java", "go", "cs", "csproj", "sln", "vb", "ts", "tsx", "jsx", "rb", "lua", "swift", "kt", "sql", "asm", "obj", "lib", "pyc", "pyd", "whl",
            "deb", "rpm", "pem", "crt", "cer", "csr", "der", "key", "pfx", "p12", "asc", "gpg", "sig", "yar", "yara", "nasl", "gitignore", "md5", "sha1", "sha256",
        ],
        StringComparer.Ordinal);

    /// <summary>Top-level domains that are also everyday file endings: two labels are more likely a file.</summary>
    internal static readonly FrozenSet<string> Doubtful = FrozenSet.ToFrozenSet(["py", "pl", "sh", "md", "rs", "so", "cc", "ps", "mm", "pm", "vi", "ai", "app", "cab", "dot", "one", "pub", "tf"], StringComparer.Ordinal);
}
