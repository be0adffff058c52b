//! Where a program of the network is sent beside the address that it is given.

use super::super::address::{host, looks_like_host};
use super::super::programs;
use super::Finder;

impl Finder<'_> {
    /// `ssh HOST`, `scp f user@HOST:p`, `nc HOST 80`, `git@HOST:repo`.
    pub(super) fn named_host(&mut self, word: &str, program: &str, had_address: bool) {
        if had_address || word.starts_with('-') {
            return;
        }
        let after_user = word.rsplit_once('@').map(|(_, host)| host);
        let name = before_path(after_user.unwrap_or(word));
        let logs_in = programs::is_network(program) && after_user.is_some();
        if logs_in || (is_remote(word, program) && looks_like_host(name)) {
            self.host(name.to_owned());
        }
    }

    /// `https_proxy=HOST:PORT` leads every connection of the programs that read it there.
    pub(super) fn proxy(&mut self, variable: &str, value: &str) {
        if variable.to_ascii_lowercase().ends_with("_proxy") {
            for name in names(value).filter(|name| looks_like_host(name)) {
                self.host(name.to_owned());
            }
        }
    }

    /// `word` after the option `last`: other machines that the connection goes to or through.
    pub(super) fn routed(&mut self, word: &str, last: &str, program: &str) {
        let glued = ROUTES.iter().find_map(|option| {
            let rest = word.strip_prefix(option)?;
            rest.strip_prefix('=').or_else(|| {
                let short = option.len() == 2 && !rest.is_empty();
                short.then_some(rest)
            })
        });
        let aimed = ROUTES.contains(&last) || program == "socat";
        if let Some(written) = glued.or_else(|| aimed.then_some(word)) {
            for name in names(written) {
                let name = name.rsplit_once('@').map_or(name, |(_, host)| host);
                if name.starts_with('[') || looks_like_host(name) {
                    self.host(name.to_owned());
                }
            }
        }
        if program == "curl" && !SENT.contains(&last) && chooses_host(word) {
            self.too_many();
        }
    }
}

/// Whether a word names another machine, or a file there, to this program.
pub(super) fn is_remote(word: &str, program: &str) -> bool {
    let copies = ["scp", "rsync", "sftp"].contains(&program);
    match word.split_once('@').map(|(_, host)| host) {
        Some(host) => host.contains(':') && looks_like_host(before_path(host)),
        None if copies => word.contains(':') && looks_like_host(before_path(word)),
        None => programs::is_network(program) && looks_like_host(before_path(word)),
    }
}

fn before_path(word: &str) -> &str {
    word.split([':', '/']).next().unwrap_or(word)
}

/// Whether the word after the option `last` is a file that the program makes.
pub(super) fn writes_to(last: &str, program: &str) -> bool {
    match program {
        "curl" => ["-o", "--output"].contains(&last),
        "wget" => ["-O", "--output-document"].contains(&last),
        _ => false,
    }
}

/// Options of curl before what it sends or writes.
const SENT: &[&str] = &[
    "-d",
    "--data",
    "--data-raw",
    "--data-binary",
    "--data-urlencode",
    "--json",
    "-H",
    "--header",
    "-F",
    "--form",
    "-w",
    "--write-out",
    "-A",
    "--user-agent",
    "-e",
    "--referer",
    "-b",
    "--cookie",
];

/// Options that name a machine. Source: curl(1), ssh(1), wget(1).
const ROUTES: &[&str] = &[
    "--resolve",
    "--connect-to",
    "--proxy",
    "--preproxy",
    "--socks4",
    "--socks4a",
    "--socks5",
    "--socks5-hostname",
    "--doh-url",
    "--dns-servers",
    "--proxy1.0",
    "--execute",
    "-x",
    "-J",
    "-L",
    "-R",
    "-W",
    "-e",
    "-o",
];

/// The parts between colons, commas and the like; an address in brackets is one part.
fn names(written: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    written.split(move |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && ":,= /".contains(c)
    })
}

/// Whether curl makes several hosts of an address: `https://{a,b}.example`. Source: curl(1), URL
/// globbing.
fn chooses_host(word: &str) -> bool {
    let rest = word.split_once("://").map_or(word, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or(rest);
    let name = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let written = word.contains("://") || name.contains('.');
    let literal = name.starts_with('[') && host(name).is_some();
    written && name.contains(['{', '[']) && !literal && !name.contains(['"', ' '])
}
