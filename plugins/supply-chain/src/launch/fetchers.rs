//! Commands that fetch something, and where they leave it.

use super::reads::{Reads, reads};
use super::shell::Simple;
use crate::effort;

/// Programs that download whatever their words are.
const FETCHERS: [&str; 14] = [
    "curl",
    "wget",
    "iwr",
    "irm",
    "invoke-webrequest",
    "invoke-restmethod",
    "start-bitstransfer",
    "aria2c",
    "fetch",
    "http",
    "https",
    "xh",
    "lynx",
    "bitsadmin",
];
/// Programs that do when one of these words is among theirs; an empty one stands for any.
const SOMETIMES: [(&str, &[&str]); 16] = [
    ("nc", &[""]),
    ("ncat", &[""]),
    ("netcat", &[""]),
    ("socat", &[""]),
    ("telnet", &[""]),
    ("ftp", &[""]),
    ("dig", &[""]),
    ("nslookup", &[""]),
    ("openssl", &["s_client"]),
    ("aws", &["cp", "get-object"]),
    ("gsutil", &["cp", "cat"]),
    ("gcloud", &["cp", "cat"]),
    ("rclone", &["cat", "copyto"]),
    ("gh", &["api", "download"]),
    ("scp", &[""]),
    ("certutil", &["-urlcache", "/urlcache"]),
];

impl Simple {
    /// Without an argument it fetches nothing: `curl` in prose is only a word.
    pub fn is_download(&self) -> bool {
        let (name, rest) = self.effective();
        let told = SOMETIMES.iter().find(|(program, _)| *program == name);
        if let Some((_, telling)) = told {
            return rest
                .iter()
                .any(|word| telling.iter().any(|one| one.is_empty() || one == word));
        }
        let plain = matches!(name.as_str(), "fetch" | "http" | "https" | "lynx");
        FETCHERS.contains(&name.as_str())
            && if plain {
                rest.iter().any(|word| is_address(word))
            } else {
                !rest.is_empty()
            }
    }

    /// Whether it may print what it finds at an address: `python3 -c 'print(urlopen("https://…`.
    pub fn names_address(&self) -> bool {
        let (name, rest) = self.effective();
        reads(&name, rest) != Reads::Text && rest.iter().any(|word| word.contains("://"))
    }

    /// The names of the files in which it leaves what it fetched.
    pub fn downloaded(&self) -> impl Iterator<Item = &str> {
        const OUTPUTS: [&str; 6] = [
            "-o",
            "-O",
            "--output",
            "--output-document",
            "-outfile",
            "-destination",
        ];
        // These name the file last.
        const LAST: [&str; 6] = [
            "certutil",
            "bitsadmin",
            "start-bitstransfer",
            "aws",
            "gsutil",
            "gcloud",
        ];
        // Without being told to, curl keeps nothing.
        let (name, rest) = self.effective();
        let kept = |word: &String| {
            word.starts_with("--remote-name")
                || (word.starts_with('-') && !word.starts_with("--") && word.contains('O'))
        };
        let keeps = name != "curl" || rest.iter().any(kept);
        // `curl -fsSLo i.sh`, `wget -qO i.sh`.
        let bundled = |word: &str| {
            word.starts_with('-') && !word.starts_with("--") && word.ends_with(['o', 'O'])
        };
        // `scp host:x.sh .`.
        let copies = name == "scp";
        let keeps_copy = name == "tee";
        let last = LAST.contains(&name.as_str()).then(|| rest.last()).flatten();
        let mut after = false;
        let words = self.words.iter().filter_map(move |word| {
            let output = OUTPUTS.iter().any(|one| one.eq_ignore_ascii_case(word)) || bundled(word);
            let wanted = std::mem::replace(&mut after, output);
            let glued = OUTPUTS.iter().find_map(|option| word.strip_prefix(option));
            let glued = glued.map(|file| file.trim_start_matches('='));
            let copied = word.rsplit_once(':').filter(|_| copies);
            let file = match copied {
                _ if wanted || (keeps && word.contains("://")) => Some(word.as_str()),
                Some((_, path)) => Some(path),
                None if keeps_copy && !word.starts_with('-') => Some(word.as_str()),
                None => glued,
            };
            file.map(base_name)
        });
        let written = self.written.iter().map(|file| base_name(file));
        let last = last.map(|file| base_name(file));
        let files = words.chain(written).chain(last);
        files.filter(|name| !name.is_empty())
    }

    /// The files that it makes programs: `chmod +x FILE`, `install FILE /usr/local/bin`, and what a
    /// download leaves in a folder of programs.
    pub fn makes_programs(&self) -> impl Iterator<Item = &str> {
        let (name, rest) = self.effective();
        let named = matches!(name.as_str(), "chmod" | "install");
        let rest = rest.iter().map(String::as_str);
        let files = rest.chain(self.written.iter().map(String::as_str));
        files
            .filter(move |file| named || file.contains("/bin/"))
            .map(base_name)
    }
}

pub fn is_fetcher(name: &str) -> bool {
    FETCHERS.contains(&name) || SOMETIMES.iter().any(|(program, _)| *program == name)
}

/// Whether an address or the name of a program that downloads stands somewhere in a text.
pub fn fetches(text: &str) -> bool {
    effort::spend(text.len());
    let parts = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let mut words = text.split(parts).filter(|word| word.len() <= LONGEST_NAME);
    text.contains("://") || words.any(|word| is_fetcher(&word.to_ascii_lowercase()))
}

/// No name of a program that downloads is longer.
const LONGEST_NAME: usize = 18;

/// `https://…`, `host.example/x`.
fn is_address(word: &str) -> bool {
    let (host, path) = word.split_once('/').unwrap_or((word, ""));
    word.contains("://")
        || (!path.is_empty() && !host.starts_with('-') && host.trim_matches('.').contains('.'))
}

pub fn base_name(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
