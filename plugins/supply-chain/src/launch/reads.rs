//! What programs do with their words: run them, only read them, or nobody knows.

use super::programs;
use super::wrapper::is_wrapper;

/// What a program does with the words behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Runs them, here or elsewhere.
    Runs,
    /// Nobody knows: a word may be a command or a package.
    Words,
    /// A word may be a command, none is a package that it fetches.
    Commands,
    /// They are text to it.
    Text,
}

/// Programs that run the rest of their words elsewhere, with the same input.
pub const RELAYS: [&str; 14] = [
    "ssh",
    "su",
    "runuser",
    "docker",
    "podman",
    "nerdctl",
    "kubectl",
    "oc",
    "lxc",
    "nsenter",
    "machinectl",
    "distrobox",
    "vagrant",
    "multipass",
];
/// Others that run their words and are no wrappers that can be peeled off.
const RUN: [&str; 13] = [
    "eval",
    "docker-compose",
    "busybox",
    "script",
    "tmux",
    "screen",
    "flock",
    "trap",
    "coproc",
    "at",
    "batch",
    "strace",
    "then",
];
/// Programs that take words as text, or as patterns.
const TEXT: [&str; 16] = [
    "echo", "printf", "cat", "grep", "egrep", "fgrep", "rg", "ag", "ack", "ls", "head", "tail",
    "which", "man", "test", "tee",
];
/// The same, but they can be told to run something.
const COMMANDS: [&str; 8] = ["find", "sed", "awk", "gawk", "mawk", "git", "gh", "glab"];
/// What `git` and `gh` do with text.
const TEXT_VERBS: [&str; 24] = [
    "commit", "log", "grep", "tag", "notes", "show", "diff", "blame", "add", "rm", "mv", "stash",
    "branch", "checkout", "switch", "merge", "shortlog", "pr", "issue", "release", "gist",
    "search", "mr", "snippet",
];
/// Verbs of package managers that fetch nothing.
const FETCHES_NOTHING: [&str; 25] = [
    "uninstall",
    "remove",
    "rm",
    "un",
    "unlink",
    "r",
    "purge",
    "ls",
    "list",
    "ll",
    "la",
    "view",
    "info",
    "show",
    "v",
    "why",
    "explain",
    "audit",
    "outdated",
    "search",
    "deprecate",
    "unpublish",
    "home",
    "bugs",
    "docs",
];
/// Words before the verb that are looked at: `uv pip uninstall`, `npm --prefix x uninstall`.
const VERB_WORDS: usize = 3;

/// What this program does with these words.
pub fn reads(name: &str, words: &[String]) -> Reads {
    let told = |option: &str| words.iter().any(|word| word.starts_with(option));
    let plain = || words.iter().filter(|word| !word.starts_with('-'));
    if TEXT.contains(&name) && !told("--pre") {
        Reads::Text
    } else if COMMANDS.contains(&name) {
        let verb = words.first().map(String::as_str).unwrap_or_default();
        if TEXT_VERBS.contains(&verb) && matches!(name, "git" | "gh" | "glab") {
            Reads::Text
        } else {
            Reads::Commands
        }
    } else if is_wrapper(name) || RELAYS.contains(&name) || RUN.contains(&name) {
        Reads::Runs
    } else if programs::is_runner(name)
        && plain()
            .take(VERB_WORDS)
            .any(|word| FETCHES_NOTHING.contains(&word.as_str()))
    {
        Reads::Commands
    } else {
        Reads::Words
    }
}
