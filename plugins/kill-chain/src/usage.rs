//! The part of the data that says how programs and tools take their words: which are only used,
//! which are written, which hold code.

use serde::Deserialize;

use crate::lexicon::glob_matches;
use crate::secret_words::SecretWords;
use crate::shell::{self, Command};

/// The lists as written in `feeds/data/chains.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Options whose value is left out: `--exclude .env`.
    skip_options: Vec<String>,
    /// Programs with options whose value is written.
    write_options: Vec<(String, String)>,
    /// Options whose value logs in: what stands there goes where it belongs.
    login_options: Vec<String>,
    /// Programs that with `-i` write what they read.
    in_place: Vec<String>,
    /// Programs whose last word is written.
    copiers: Vec<String>,
    /// Programs that ask a host and read no file, and what may follow them.
    askers: Vec<String>,
    /// Programs that pass text on and send nothing.
    filters: Vec<String>,
    /// Globs of places whose loss nobody minds.
    scratch: Vec<String>,
    /// Keys of arguments that hold a path to write to.
    target_keys: Vec<String>,
    /// Keys of arguments that hold a path.
    path_keys: Vec<String>,
    /// Keys of arguments that name what is left out.
    #[serde(default)]
    left_out_keys: Vec<String>,
    /// Keys of arguments that only tools of a service elsewhere have.
    cloud_keys: Vec<String>,
    /// Keys of arguments to log in with, beside those that name secrets.
    login_keys: Vec<String>,
    /// Keys of arguments that lead a call to the host that they hold, if they hold one.
    #[serde(default)]
    route_keys: Vec<String>,
    /// Programs with options whose value is a host that they go over.
    #[serde(default)]
    route_options: Vec<(String, String)>,
    /// Keys of arguments that hold code.
    code_keys: Vec<String>,
    /// Files in which whoever owns the work tells its agents what to do.
    pub guides: Vec<String>,
    /// Programs that show passwords in a window, in lower case.
    secret_windows: Vec<String>,
    /// Words of names of tools that look at a window.
    sight: Vec<String>,
    /// Keys of arguments that hold a statement for a database.
    statement_keys: Vec<String>,
    code: Code,
}

/// Parts of code, in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    /// Programs that run code that an option gives.
    run: Vec<String>,
    options: Vec<String>,
    sends: Vec<String>,
    reads: Vec<String>,
    /// All of the environment.
    environment: Vec<String>,
}

impl Usage {
    pub fn passes_over(&self, option: &str, word: &str) -> bool {
        let own = |known: &String| {
            option == known
                || word
                    .strip_prefix(known.as_str())
                    .is_some_and(|rest| rest.starts_with('='))
        };
        word.starts_with('!') || self.skip_options.iter().any(own)
    }

    pub fn is_output(&self, program: &str, option: &str) -> bool {
        let mut options = self.write_options.iter();
        options.any(|(run, own)| run == program && own == option)
    }

    /// The position of the word that the command writes to.
    pub fn target(&self, command: &Command) -> Option<usize> {
        let copies = has(&self.copiers, &command.program) && command.words.len() >= 2;
        let last = command
            .words
            .iter()
            .rposition(|word| !word.starts_with('-'));
        last.filter(|_| copies)
    }

    /// Whether the command shows nothing of the files that it changes.
    pub fn edits(&self, command: &Command) -> bool {
        let edit = |word: &String| word.starts_with("-i") || word == "--in-place";
        has(&self.in_place, &command.program) && command.words.iter().any(edit)
    }

    pub fn asks(&self, program: &str) -> bool {
        has(&self.askers, program)
    }

    pub fn is_filter(&self, program: &str) -> bool {
        has(&self.filters, program)
    }

    /// Whether what a command deletes lies outside of the work at hand.
    pub fn is_wide(&self, command: &Command) -> bool {
        let files = ["rm", "del", "rd", "rmdir", "remove-item", "shred", "find"];
        if !files.contains(&command.program.as_str()) {
            return true;
        }
        let named = command.words.iter().filter(|word| !word.starts_with('-'));
        named
            .map(|word| word.replace('\\', "/").to_ascii_lowercase())
            .any(|word| {
                let word = word.trim_start_matches(shell::is_stand_in);
                let rooted = word.starts_with(['/', '~', '%', '$']) || word.get(1..3) == Some(":/");
                let all = matches!(word.trim_end_matches('/'), "*" | "." | ".." | "./*");
                let scratch = self
                    .scratch
                    .iter()
                    .any(|glob| glob_matches(glob.as_bytes(), word.as_bytes()));
                (rooted && !scratch) || (all && command.program != "find")
            })
    }

    /// Whether a word is there to log in: the value of such an option, or of a name for a secret.
    pub fn logs_in(&self, option: &str, word: &str, secrets: &SecretWords) -> bool {
        let field = |field: &str| {
            let pair = field.split_once('=');
            pair.is_some_and(|(name, _)| {
                secrets.names_secret(name) && !name.contains([' ', '/', '{'])
            })
        };
        let header = word
            .split_once(':')
            .map_or("", |(name, _)| name)
            .to_ascii_lowercase();
        let named = secrets.names_secret(&header)
            || ["authorization", "cookie", "x-api-key"].contains(&header.as_str());
        match option {
            "-H" | "--header" => named,
            _ => has(&self.login_options, option) || word.split('&').all(field),
        }
    }

    /// Whether a word hands out a variable that holds a secret, not to log in with.
    pub fn shows_secret(&self, option: &str, word: &str, secrets: &SecretWords) -> bool {
        let mut rest = word;
        if has(&self.login_options, option) {
            return false;
        }
        while let Some(at) = rest.find('$') {
            let inner = rest
                .get(at + 1..)
                .unwrap_or_default()
                .trim_start_matches('{');
            let plain = |char: char| !(char.is_ascii_alphanumeric() || char == '_');
            let end = inner.find(plain).unwrap_or(inner.len());
            let (name, after) = inner.split_at_checked(end).unwrap_or_default();
            // `https://$TOKEN@host` logs in.
            let login = after.trim_start_matches('}').starts_with('@');
            if !login && secrets.names_secret(name) {
                return true;
            }
            rest = after;
        }
        false
    }

    /// The code that a command hands to an interpreter.
    pub fn code<'c>(&self, command: &'c Command) -> impl Iterator<Item = &'c str> + use<'c> {
        let runs = has(&self.code.run, &command.program);
        let option = |word: &String| has(&self.code.options, word);
        let at = command.words.iter().position(option).filter(|_| runs);
        let given = at
            .and_then(|at| command.words.get(at + 1))
            .map(String::as_str);
        let lines = Some(command.lines.as_str()).filter(|lines| runs && !lines.is_empty());
        given.into_iter().chain(lines)
    }

    /// Whether code in lower case sends, reads files, takes the environment.
    pub fn does(&self, code: &str) -> (bool, bool, bool) {
        let any = |parts: &[String]| parts.iter().any(|part| code.contains(part.as_str()));
        (
            any(&self.code.sends),
            any(&self.code.reads),
            any(&self.code.environment),
        )
    }

    pub fn is_target_key(&self, key: &str) -> bool {
        has_key(&self.target_keys, key)
    }

    pub fn is_path_key(&self, key: &str) -> bool {
        has_key(&self.path_keys, key)
    }

    /// Whether an argument only says what is left out: names or patterns that begin at no root.
    pub fn leaves_out(&self, key: &str, value: &str) -> bool {
        let inner = |char: char| char.is_alphanumeric() || "._-*?/[]{},!@+".contains(char);
        let plain = value.chars().all(inner) && !value.starts_with('/') && !value.contains("..");
        plain && has_key(&self.left_out_keys, key)
    }

    pub fn is_cloud_key(&self, key: &str) -> bool {
        has_key(&self.cloud_keys, key)
    }

    pub fn is_login_key(&self, key: &str) -> bool {
        has_key(&self.login_keys, key)
    }

    /// Whether a text of headers has one to log in with.
    pub fn names_login(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        ["authorization", "cookie", "x-api-key"]
            .iter()
            .any(|name| lower.contains(name))
    }

    pub fn is_route_key(&self, key: &str) -> bool {
        has_key(&self.route_keys, key)
    }

    pub fn is_route_option(&self, program: &str, option: &str) -> bool {
        let mut options = self.route_options.iter();
        options.any(|(run, own)| run == program && own == option)
    }

    /// Whether a tool with these words in its name looks at a window that shows passwords.
    pub fn sees_secrets(&self, tool: &[String], value: &str) -> bool {
        value.len() <= 200 && tool.iter().any(|word| has(&self.sight, word)) && {
            let value = value.to_lowercase();
            self.secret_windows
                .iter()
                .any(|own| value.contains(own.as_str()))
        }
    }

    pub fn is_statement_key(&self, key: &str) -> bool {
        has_key(&self.statement_keys, key)
    }

    pub fn is_code_key(&self, key: &str) -> bool {
        has_key(&self.code_keys, key)
    }
}

fn has(list: &[String], word: &str) -> bool {
    list.iter().any(|known| known == word)
}

fn has_key(list: &[String], key: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(key))
}
