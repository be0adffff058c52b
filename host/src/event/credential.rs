//! The credential table: where secrets live on Linux, macOS and Windows, everything below included.
//!
//! A fact about places, no judgement: policy says what touching one means. Matching ignores case,
//! reads `*` in the asked path as "could be anything here", and looks for a place under any home
//! directory, since a server may run with another one than ours.

mod table;

use super::classes::without_classes;
use super::place::{Place, Places};
use table::{FILES, HARMLESS, ROOTED, TREES};

/// Whether `place`, in any of its spellings, is or lies in a place where secrets live.
pub fn is_credential(place: &Place, places: &Places) -> bool {
    std::iter::once(&place.value)
        .chain(&place.aliases)
        .any(|path| path_is_credential(path, places))
}

/// No system opens a longer path, so who writes one may hide another in it: read as the worst.
/// Source: Windows, 32,767 characters; Linux has 4096 bytes.
const MAX_PATH_BYTES: usize = 64 << 10;

fn path_is_credential(path: &str, places: &Places) -> bool {
    if path.len() > MAX_PATH_BYTES {
        return true;
    }
    let mut path = path.replace('\\', "/").to_lowercase();
    if path.len() > MAX_GLOB_BYTES {
        path = path.replace(['*', '?', '['], "_");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let Some(name) = parts.last() else {
        return false;
    };
    let ours = places.ours.iter().any(|dir| {
        let dir = dir.to_lowercase();
        let dir: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
        !dir.is_empty() && starts_with(&parts, &dir)
    });
    if ours {
        return true;
    }
    if HARMLESS.iter().any(|pattern| wild(pattern, name)) && !name.contains(['*', '?', '[']) {
        return false;
    }
    let rooted = ROOTED
        .iter()
        .any(|place| starts_with(&parts, &split(place)));
    // `.*` alone is every hidden file.
    let spells = |from: usize, place: &[&str]| {
        let last = parts.get(from..).filter(|rest| rest.len() == place.len());
        last.and_then(<[&str]>::last)
            .is_none_or(|last| !is_glob(last) || last.contains(char::is_alphanumeric))
    };
    let below = TREES.iter().any(|place| {
        let place = split(place);
        (0..parts.len()).any(|from| {
            let rest = parts.get(from..).unwrap_or_default();
            starts_with(rest, &place) && spells(from, &place)
        })
    });
    rooted || below || FILES.iter().any(|file| ends_with(&parts, &split(file)))
}

fn split(place: &str) -> Vec<&str> {
    place.split('/').collect()
}

fn starts_with(parts: &[&str], place: &[&str]) -> bool {
    parts.len() >= place.len()
        && parts
            .iter()
            .zip(place)
            .all(|(part, known)| meets(part, known))
}

fn ends_with(parts: &[&str], file: &[&str]) -> bool {
    let Some(rest) = parts
        .len()
        .checked_sub(file.len())
        .and_then(|from| parts.get(from..))
    else {
        return false;
    };
    let (Some(last), Some(known)) = (rest.last(), file.last()) else {
        return false;
    };
    let found = rest
        .first()
        .is_some_and(|first| file.len() > 1 && !is_glob(first));
    starts_with(rest, file) && (!is_glob(last) || aims(last, known, found))
}

/// Whether a wildcard says enough of a known name to be about it. `*` alone, `*.c` and `*.json` could be
/// any file; what spells part of the name, or stands in a directory of that name, is not.
fn aims(part: &str, known: &str, in_directory: bool) -> bool {
    let spelled = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let (stem, extension) = match part.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (part, ""),
    };
    if spelled(stem) > 0 || in_directory {
        // Of hidden files there are few.
        return spelled(part) >= if part.starts_with('.') { 1 } else { 2 };
    }
    let [extension, known] = [extension, known.strip_prefix("*.").unwrap_or_default()]
        .map(|text| without_classes(text).chars().collect::<Vec<char>>());
    let mut steps = MAX_STEPS;
    spelled(part) >= 2 && !known.is_empty() && overlap(&extension, &known, &mut steps)
}

/// Whether a written component may name a known one; both may hold wildcards.
fn meets(part: &str, known: &str) -> bool {
    if !is_glob(part) {
        return wild(known, part);
    }
    // As in shells, a wildcard does not reach a dot file unless the dot is written. Elsewhere one
    // without a single letter would meet every name, and `src/*/*` is no credential place.
    let spelled = |text: &str| text.contains(char::is_alphanumeric);
    let aimed = match known.chars().next() {
        Some('.') => part.starts_with(['.', '[']),
        _ if known == "*" => true,
        // `*.env` ends in an extension: `prod.e*` may mean one, `img_*` and `notes.*` do not.
        Some('*') if known.contains('.') => part
            .rsplit_once('.')
            .is_some_and(|(_, extension)| spelled(extension)),
        _ => spelled(part),
    };
    let part = without_classes(part);
    let (part, known): (Vec<char>, Vec<char>) = (part.chars().collect(), known.chars().collect());
    let mut steps = MAX_STEPS;
    aimed && overlap(&part, &known, &mut steps)
}

fn is_glob(part: &str) -> bool {
    part.contains(['*', '?', '['])
}

/// Whether `name` matches `pattern`, in which only `*` is special.
fn wild(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| rest.get(at..).is_some_and(|tail| wild(after, tail)))
        }),
    }
}

/// Whether some name matches both. Runs out of steps only on patterns made to do that: those meet.
fn overlap(a: &[char], b: &[char], steps: &mut u32) -> bool {
    let Some(left) = steps.checked_sub(1) else {
        return true;
    };
    *steps = left;
    match (a.split_first(), b.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            overlap(rest, b, steps) || b.split_first().is_some_and(|(_, b)| overlap(a, b, steps))
        }
        (_, Some(('*', rest))) => {
            overlap(a, rest, steps) || a.split_first().is_some_and(|(_, a)| overlap(a, b, steps))
        }
        (Some(('?', a)), Some((_, b))) => overlap(a, b, steps),
        (Some((x, a)), Some((y, b))) => x == y && overlap(a, b, steps),
        _ => false,
    }
}

const MAX_STEPS: u32 = 2_000;
/// Chosen: Linux opens no longer path (`PATH_MAX`), so a longer pattern was made to cost time.
const MAX_GLOB_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::super::place::{Case, NoLinks, Written};
    use super::*;

    fn secret(path: &str) -> bool {
        let places = Places {
            home: "/home/u".into(),
            ours: vec!["/home/u/.local/share/clawdefender".into()],
            case: Case::Sensitive,
            links: Box::new(NoLinks),
        };
        let place = places.locate(path, Written::Plain, "/srv/app").unwrap();
        is_credential(&place, &places)
    }

    #[track_caller]
    fn check(credential: &str, innocent: &str) {
        assert!(secret(credential), "{credential} holds secrets");
        assert!(!secret(innocent), "{innocent} holds none");
    }

    #[test]
    fn places_are_covered_recursively() {
        check("~/.ssh", "~/ssh");
        check("~/.ssh/keys/work/deploy", "~/work/keys/deploy.md");
        check("~/.gnupg/private-keys-v1.d/A.key", "~/gnupg-notes/A.md");
        check("~/.aws/sso/cache/1.json", "~/aws/sso/cache/1.json");
        check(
            "~/.config/gcloud/legacy_credentials/x/adc.json",
            "~/.config/git/config",
        );
        check(
            "~/.config/google-chrome/Default/Cookies",
            "~/.config/htop/htoprc",
        );
        check(
            "~/Library/Keychains/UUID/keychain-2.db",
            "~/Library/Fonts/x.ttf",
        );
        check(
            "~/Library/Application Support/Google/Chrome/Default/Cookies",
            "~/Library/Application Support/Code/x",
        );
        check(
            "%LOCALAPPDATA%\\Google\\Chrome\\User Data\\Default\\Login Data",
            "%LOCALAPPDATA%\\Temp\\x",
        );
        check("C:\\Users\\u\\.ssh\\id_rsa", "C:\\Users\\u\\Documents\\x");
        check("/home/someone/.kube/config", "/home/someone/kube/config");
        check("/root/.docker/config.json", "/root/.docker/daemon.json");
    }

    #[test]
    fn single_files_count_wherever_they_lie() {
        check("app/.env", "app/.env.example");
        check("app/.env.production", "app/.env.sample");
        check("deploy/prod.env", "deploy/example.env");
        check("backup/id_ed25519", "backup/id_ed25519.pub");
        check("~/.ssh/config", "~/.ssh/known_hosts");
        check("~/.cargo/credentials.toml", "~/.cargo/config.toml");
        check("~/.bash_history", "~/.bashrc");
        check("/etc/shadow", "/etc/passwd");
        check("/etc/shadow-", "/etc/shells");
        check("/proc/self/environ", "/proc/self/status");
        check("/proc/42/environ", "/proc/meminfo");
        check("/run/secrets/db", "/run/user/1000");
    }

    #[test]
    fn our_own_keys_are_secrets_too() {
        check(
            "~/.local/share/clawdefender/server-token",
            "~/.local/share/other/server-log",
        );
        check("~/.local/share/clawdefender", "~/.local/share");
    }

    #[test]
    fn a_pattern_that_could_be_any_file_is_about_none() {
        check("*.env", "*.json");
        check("c*.json", "**/*.txt");
        check("~/.codex/*.json", "~/code/*.json");
        check("~/.docker/*.json", "src/*.conf");
        check("*.p1?", "*.doc*");
        check("*.[pq]12", "*.[ch]");
        check("prod/*.tfstate", "prod/*.tf");
        check("*_rsa", "*.sqlite");
        check("*.e?v", "*.db");
        check("~/.*/credentials", "~/.*");
        check("~/.s*", ".*");
        check(".e??", ".x??");
        check("prod.env", "process.env");
    }

    #[test]
    fn wildcards_and_case_do_not_hide_a_place() {
        check("~/.ssh/*", "~/work/*");
        check("~/.s*h/id_rsa", "~/s*c/main.rs");
        check("~/.[s]sh/x", "~/.[c]ache/x");
        check("~/.a?s/credentials", "~/a?s/notes");
        check("~/**/id_rs?", "~/**/*.rs");
        check("~/.SSH/ID_RSA", "~/SSH/README");
        check("/proc/*/environ", "/proc/*/stat");
        check("backup/id_*", "backup/img_*");
        check("deploy/prod.e*", "deploy/notes.*");
        check("~/.*/credentials", "~/*/*");
    }

    #[test]
    fn hostile_patterns_end() {
        secret(&format!("~/.{}", "*a".repeat(2_000)));
    }
}
