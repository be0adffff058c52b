//! Where a written path leads: one string in, every absolute path it may mean out.
//!
//! A server may decode, expand, join or cut a string in ways we can't see, so a place has one value
//! and aliases, and a rule or the credential table may meet any of them. Nothing here reads the
//! environment or decides what is secret; the disk is asked only through [`Links`]. A link that is
//! changed between our look and the server's use is not seen: that race is the operating system's.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

/// What a path can lean on, passed in so that nothing here depends on our own surroundings.
pub struct Places {
    /// The user's home directory, absolute.
    pub home: String,
    /// Directories that are ours: tokens, keys, ledger. All of it counts as a credential place.
    pub ours: Vec<String>,
    pub case: Case,
    pub links: Box<dyn Links>,
}

/// Whether the disk takes `A` and `a` for the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Sensitive,
    Insensitive,
}

impl Case {
    /// What the disks of this operating system usually do.
    pub const HERE: Self = match cfg!(any(target_os = "macos", windows)) {
        true => Self::Insensitive,
        false => Self::Sensitive,
    };
}

/// Follows symbolic links.
pub trait Links: Send + Sync {
    /// The physical path behind `path`, as far as it exists; `None` when nothing can be said.
    fn resolve(&self, path: &Path) -> Option<PathBuf>;
}

/// Asks the real disk.
pub struct Disk;

/// No system opens a longer one. Source: Linux, `PATH_MAX`.
const MAX_PATH_BYTES: usize = 4096;
/// Source: Linux, path_resolution(7): more links end in ELOOP.
const MAX_LINKS: usize = 40;

/// Follows nothing: for servers whose disk is not this one.
pub struct NoLinks;

/// A path in canonical form and the other forms the same string may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub value: String,
    pub aliases: Vec<String>,
}

/// How the string was written, which says whether percent signs are an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Plain,
    Uri,
}

impl Places {
    /// Every place that `raw` may mean, seen from the directory `base`; `None` for an empty string.
    pub fn locate(&self, raw: &str, written: Written, base: &str) -> Option<Place> {
        let raw = raw.trim();
        let raw = strip_quotes(raw);
        if raw.is_empty() {
            return None;
        }
        let (spelled, written) = match file_uri(raw) {
            Some(path) => (path, Written::Uri),
            None => (Cow::Borrowed(raw), written),
        };
        let mut spellings = decodings(&spelled);
        if written == Written::Uri {
            spellings.reverse();
        }
        let mut found: Vec<String> = Vec::new();
        for spelling in spellings.iter().flat_map(|s| uncut(s, written)) {
            let expanded = self.expand(&spelling, base);
            for form in slashes(&expanded) {
                self.follow(&join(base, &form), base, &mut found);
            }
        }
        if self.case == Case::Insensitive {
            let folded: Vec<String> = found.iter().map(|path| fold(path)).collect();
            folded.into_iter().for_each(|path| push(&mut found, path));
        }
        let mut found = found.into_iter();
        let value = found.next()?;
        Some(Place {
            value,
            aliases: found.collect(),
        })
    }

    /// The lexical path first replaced by what its links lead to, then the lexical one itself. Some
    /// programs take `..` off before they open a file, others let the disk do it: both are followed.
    fn follow(&self, joined: &str, base: &str, found: &mut Vec<String>) {
        let lexical = lexical(joined);
        let physical = |path: &str| {
            let resolved = self.links.resolve(Path::new(path))?;
            Some(resolved.to_str()?.to_owned())
        };
        if let Some(path) = physical(&lexical) {
            push(found, path);
        }
        push(found, lexical.clone());
        if joined != lexical
            && joined.split('/').any(|part| part == "..")
            && let Some(path) = physical(joined)
        {
            push(found, path);
        }
        if let Some(path) = through_proc(&lexical, base) {
            push(found, path);
        }
    }

    /// `~`, and the variables that name a place below the home directory.
    fn expand(&self, written: &str, base: &str) -> String {
        let home = self.home.trim_end_matches('/');
        let mut path = match written.strip_prefix('~') {
            Some("") => home.to_owned(),
            Some(rest) if rest.starts_with(['/', '\\']) => format!("{home}{rest}"),
            Some(rest) if rest.starts_with("+/") => {
                format!("{base}{}", rest.get(1..).unwrap_or(""))
            }
            Some(rest) => other_home(home, rest),
            None => written.to_owned(),
        };
        if !path.contains(['$', '%']) {
            return path;
        }
        let user = home.rsplit(['/', '\\']).next().unwrap_or("");
        for (name, below) in VARIABLES {
            let value = match *below {
                "<user>" => user.to_owned(),
                "<base>" => base.to_owned(),
                below => format!("{home}{below}"),
            };
            path = replace_variable(&path, name, &value);
        }
        path
    }
}

impl Links for Disk {
    /// As the system would when the last part is made anew: a link whose target is not there yet
    /// leads to where a write would put it.
    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        if path.as_os_str().len() > MAX_PATH_BYTES {
            return None;
        }
        let mut ahead: Vec<PathBuf> = vec![path.to_owned()];
        let mut real = PathBuf::from("/");
        let mut links = 0;
        while let Some(next) = ahead.pop() {
            let mut parts = next.components();
            let Some(part) = parts.next() else { continue };
            let rest = parts.as_path().to_owned();
            ahead.push(rest);
            match part {
                Component::RootDir => real = PathBuf::from("/"),
                Component::Normal(name) => match std::fs::read_link(real.join(name)) {
                    Ok(target) => {
                        links += 1;
                        if links > MAX_LINKS {
                            return None;
                        }
                        ahead.push(target);
                    }
                    Err(_) => real.push(name),
                },
                Component::ParentDir => {
                    real.pop();
                }
                Component::CurDir | Component::Prefix(_) => {}
            }
        }
        Some(real)
    }
}

impl Links for NoLinks {
    fn resolve(&self, _path: &Path) -> Option<PathBuf> {
        None
    }
}

/// Whether a whole string reads as a path without any help from its name.
pub fn looks_like_path(text: &str) -> bool {
    let text = strip_quotes(text.trim());
    if text.contains('\n') {
        return false;
    }
    let variable = || {
        let open = text.trim_start_matches(['$', '%', '{']);
        open.len() < text.len()
            && VARIABLES.iter().any(|(name, _)| {
                open.get(..name.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(name))
            })
    };
    let rooted = (text.starts_with('/') || text.starts_with("\\\\"))
        && text.chars().nth(1).is_some_and(|c| !c.is_whitespace());
    rooted
        || text == "/"
        || text == "~"
        || text.starts_with("~/")
        || text.starts_with("~\\")
        || (text.starts_with('~') && text.contains('/') && !text.contains(char::is_whitespace))
        || [".", ".."].iter().any(|dots| {
            text.strip_prefix(dots)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
        })
        || file_uri(text).is_some()
        || is_drive(text)
        || variable()
        || encoded_path(text)
}

/// Whether an environment variable of this name leads to a place that is known here.
pub fn is_variable(name: &str) -> bool {
    VARIABLES.iter().any(|(known, _)| *known == name)
}

/// Whether `text` starts like `C:\` or `C:/`.
pub fn is_drive(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && chars.next().is_some_and(|c| c == '/' || c == '\\')
}

/// Decodes `%XX` once; `None` when nothing changes. Bytes that make no UTF-8 become U+FFFD, so that one
/// of them does not hide what the others say.
pub fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = |index: usize| tail.get(index).and_then(|b| (*b as char).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    let decoded = String::from_utf8_lossy(&bytes).into_owned();
    (decoded != text).then_some(decoded)
}

/// The directory and name behind `path`, without asking the disk. Keeps a drive letter.
pub fn lexical(path: &str) -> String {
    let (root, rest) = match is_drive(path) {
        true => (
            format!("{}/", path.get(..2).unwrap_or("").to_ascii_uppercase()),
            path.get(3..),
        ),
        false => ("/".to_owned(), Some(path)),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.unwrap_or("").split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}

/// The path of a `file:` URI, still encoded: `file:///p`, `file://localhost/p`, `file:/p`, `file:p`.
fn file_uri(text: &str) -> Option<Cow<'_, str>> {
    let scheme = text.get(..5)?;
    if !scheme.eq_ignore_ascii_case("file:") {
        return None;
    }
    let rest = text.get(5..)?;
    let path = match rest.strip_prefix("//") {
        Some(after) if after.starts_with(['/', '\\']) => after,
        // Whatever host is named, the receiver may ignore it and open the path.
        Some(after) => after
            .find(['/', '\\'])
            .and_then(|at| after.get(at..))
            .unwrap_or(after),
        None => rest,
    };
    let path = match path.strip_prefix('/') {
        Some(drive) if is_drive(drive) => drive,
        _ => path,
    };
    Some(Cow::Borrowed(path))
}

/// The string and what it becomes when decoded again and again, at most four times.
fn decodings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    for _ in 0..MAX_DECODINGS {
        match all.last().and_then(|last| percent_decode(last)) {
            Some(next) => all.push(next),
            None => break,
        }
    }
    all
}

/// A NUL ends the name for C, not for others: the cut and the whole form. `?` and `#` end a path in
/// a URI, where that comes first, and are ordinary elsewhere.
fn uncut(text: &str, written: Written) -> Vec<String> {
    let mut forms = Vec::new();
    if let Some((before, _)) = text.split_once('\0') {
        forms.push(before.to_owned());
        forms.push(text.replace('\0', ""));
    } else {
        forms.push(text.to_owned());
    }
    if let Some(at) = text.find(['?', '#']) {
        let cut = text.get(..at).unwrap_or("").replace('\0', "");
        match written {
            Written::Uri => forms.insert(0, cut),
            Written::Plain => forms.push(cut),
        }
    }
    forms.retain(|form| !form.is_empty());
    forms
}

/// A backslash separates on Windows and is a letter elsewhere.
fn slashes(path: &str) -> Vec<String> {
    if !path.contains('\\') {
        return vec![path.to_owned()];
    }
    let forward = path.replace('\\', "/");
    match forward.strip_prefix("//?/") {
        Some(drive) => vec![drive.to_owned()],
        None if is_drive(&forward) => vec![forward],
        None => vec![forward, path.to_owned()],
    }
}

fn join(base: &str, path: &str) -> String {
    match path.starts_with('/') || is_drive(path) {
        true => path.to_owned(),
        false => format!("{}/{path}", base.trim_end_matches('/')),
    }
}

/// `~name/rest`: the home directories lie side by side, root's apart.
fn other_home(home: &str, rest: &str) -> String {
    let parent = home.rsplit_once('/').map_or("/home", |(parent, _)| parent);
    match rest.split('/').next() {
        Some("root") => format!("/{rest}"),
        _ => format!("{parent}/{rest}"),
    }
}

/// `/proc/self/root/x` is `/x` and `/proc/self/cwd/x` is `x`, for the server as well as for us.
fn through_proc(path: &str, base: &str) -> Option<String> {
    let rest = path.strip_prefix("/proc/")?;
    let (_process, rest) = rest.split_once('/')?;
    let (entry, rest) = rest.split_once('/').unwrap_or((rest, ""));
    match entry {
        "root" => Some(lexical(rest)),
        "cwd" => Some(lexical(&format!("{base}/{rest}"))),
        "task" => through_proc(&format!("/proc/{rest}"), base),
        _ => None,
    }
}

fn replace_variable(path: &str, name: &str, value: &str) -> String {
    let mut out = path.to_owned();
    for (open, close) in [("${", "}"), ("$env:", ""), ("%", "%"), ("$", "")] {
        let written = format!("{open}{name}{close}");
        let Some(at) = find_ignoring_case(&out, &written) else {
            continue;
        };
        let after = out.get(at + written.len()..).unwrap_or("");
        let goes_on = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if close.is_empty() && goes_on {
            continue;
        }
        out = format!("{}{value}{after}", out.get(..at).unwrap_or(""));
    }
    // `${HOME:-x}`, `${HOME%/}`: what follows the name rarely changes it.
    if let Some((before, rest)) = out.split_once(&format!("${{{name}"))
        && let Some((_, after)) = rest.split_once('}')
    {
        return format!("{before}{value}{after}");
    }
    out
}

fn find_ignoring_case(text: &str, what: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(&what.to_ascii_lowercase())
}

/// What a case-insensitive disk takes for the same name; HFS+ also ignores invisible characters.
fn fold(path: &str) -> String {
    let visible = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    path.chars()
        .filter(visible)
        .flat_map(char::to_lowercase)
        .collect()
}

fn encoded_path(text: &str) -> bool {
    let start = text.get(..12).unwrap_or(text).to_ascii_lowercase();
    ["%2f", "%7e", "%2e%2e", "%252f", "%257e", "%5c"]
        .iter()
        .any(|code| start.starts_with(code))
}

fn strip_quotes(text: &str) -> &str {
    for quote in ['"', '\'', '`'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

fn push(found: &mut Vec<String>, path: String) {
    if !found.contains(&path) {
        found.push(path);
    }
}

/// Chosen: double encoding is a known trick, five-fold encoding is decoded by nobody.
const MAX_DECODINGS: usize = 4;

/// Variables that name places, and where they lead below the home directory.
const VARIABLES: &[(&str, &str)] = &[
    ("USERPROFILE", ""),
    ("HOMEPATH", ""),
    ("HOMEDRIVE", ""),
    ("HOME", ""),
    ("LOCALAPPDATA", "/AppData/Local"),
    ("APPDATA", "/AppData/Roaming"),
    ("XDG_CONFIG_HOME", "/.config"),
    ("XDG_DATA_HOME", "/.local/share"),
    ("XDG_CACHE_HOME", "/.cache"),
    ("XDG_STATE_HOME", "/.local/state"),
    ("CLAWDEFENDER_HOME", "/.local/share/clawdefender"),
    ("USERNAME", "<user>"),
    ("LOGNAME", "<user>"),
    ("USER", "<user>"),
    ("PWD", "<base>"),
];

#[cfg(test)]
mod tests;
