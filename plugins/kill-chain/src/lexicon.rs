//! The word lists of the data artifact, compiled: which tool names, commands, paths and hosts mean
//! which action.
//!
//! Meaning lives in the data, so that it can change daily; only the ways to compare live here.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::action::{Action, Actions, Place, flag};
use crate::secret_words::SecretWords;
use crate::shell::Command;
use crate::stem::stem;
use crate::usage::Usage;
use crate::vocabulary::Orders;

/// The lists as written in `feeds/data/chains.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lexicon {
    names: Vec<NameRule>,
    commands: Vec<CommandRule>,
    places: Vec<PlaceRule>,
    /// Globs of `places` by their first whole folder or file name; those without one under "".
    #[serde(skip)]
    globs: BTreeMap<String, Vec<Glob>>,
    /// Hosts that are not outside: this machine, private networks.
    inside: Vec<String>,
    /// Programs whose words are hosts when they have a dot.
    host_commands: Vec<String>,
    /// Programs with their options that name a key to log in with: it is used, not read out.
    key_options: Vec<(String, String)>,
    /// Keys of arguments that hold a command line.
    shell_keys: Vec<String>,
    /// Keys of arguments that hold a host or address.
    host_keys: Vec<String>,
    /// Keys of arguments that hold what a request carries.
    body_keys: Vec<String>,
    pub secrets: SecretWords,
    pub orders: Orders,
    /// Words of names of tools that only look.
    looking: Vec<String>,
    pub usage: Usage,
    parameters: Vec<ParameterRule>,
    /// The words of `names` and `looking`, sorted, and which rules they are verbs and nouns of.
    #[serde(skip)]
    words: Vec<(String, Rules)>,
    /// Words of a description before a verb that says what the tool does.
    phrase_leads: Vec<String>,
    /// Words that end what such a verb is about.
    phrase_ends: Vec<String>,
}

/// A tool with one parameter of each group of `all`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterRule {
    action: Vec<Action>,
    all: Vec<Vec<String>>,
}

/// A tool whose name has one of `verbs` and, when given, one of `nouns`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameRule {
    action: Vec<Action>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    nouns: Vec<String>,
    /// The verbs are nouns in a name of a tool that only looks: `get_mail`.
    #[serde(default)]
    unless_looking: bool,
    /// In a description these verbs say too little.
    #[serde(default)]
    names_only: bool,
    /// Words beside which the nouns mean something else: `get_token_count`.
    #[serde(default)]
    unless: Vec<String>,
}

/// A program, with one of the words `any` when given, and one of the substrings `contains`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandRule {
    action: Vec<Action>,
    #[serde(default)]
    run: Vec<String>,
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    piped: bool,
    /// Only with options or nothing behind the program.
    #[serde(default)]
    bare: bool,
    /// One of these feeds it.
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    mass: bool,
    /// What it talks to is a service outside.
    #[serde(default)]
    outside: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceRule {
    place: Place,
    paths: Vec<String>,
    /// Paths that look like the place and are none: public keys, templates.
    #[serde(default)]
    except: Vec<String>,
}

/// One glob of a [`PlaceRule`], and the rule's place in the list.
#[derive(Clone, Debug)]
struct Glob {
    rule: usize,
    is_exception: bool,
    text: String,
}

/// Rules of names as bits, by their place; whether a word is one of looking.
#[derive(Clone, Copy, Debug, Default)]
struct Rules {
    verbs: u64,
    nouns: u64,
    looks: bool,
}

/// As many as a word of bits can hold.
const MAX_RULES: usize = 64;

impl Lexicon {
    /// Builds what look-ups need.
    ///
    /// # Errors
    /// More rules than can be told apart.
    pub fn compile(mut self) -> Result<Self, String> {
        if self.names.len().max(self.places.len()) > MAX_RULES {
            return Err("killchain data: too many rules of names or places".to_owned());
        }
        let mut table = BTreeMap::<&str, Rules>::new();
        for (number, rule) in self.names.iter().enumerate() {
            for word in &rule.verbs {
                table.entry(word).or_default().verbs |= 1 << number;
            }
            for word in &rule.nouns {
                table.entry(word).or_default().nouns |= 1 << number;
            }
        }
        for word in &self.looking {
            table.entry(word).or_default().looks = true;
        }
        let words = table
            .into_iter()
            .map(|(word, rules)| (word.to_owned(), rules));
        self.words = words.collect();
        for (rule, place) in self.places.iter().enumerate() {
            let exceptions = place.except.iter().map(|glob| (true, glob));
            let globs = place.paths.iter().map(|glob| (false, glob));
            for (is_exception, text) in globs.chain(exceptions) {
                let first = text
                    .strip_prefix("*/")
                    .and_then(|rest| rest.split('/').next());
                let first = first.filter(|first| !first.contains('*')).unwrap_or("");
                self.globs.entry(first.to_owned()).or_default().push(Glob {
                    rule,
                    is_exception,
                    text: text.clone(),
                });
            }
        }
        self.secrets.compile();
        Ok(self)
    }

    /// What a tool with these words in its name does.
    pub fn tool(&self, words: &[String]) -> Actions {
        let mut held = Rules::default();
        for word in words {
            let found = self
                .words
                .binary_search_by(|(known, _)| known.as_str().cmp(word));
            if let Some((_, rules)) = found.ok().and_then(|at| self.words.get(at)) {
                held.verbs |= rules.verbs;
                held.nouns |= rules.nouns;
                held.looks |= rules.looks;
            }
        }
        let looks = held.looks;
        let has = |bits: u64, number: usize| bits & (1 << number) != 0;
        let rules = self.names.iter().enumerate().filter(|(number, rule)| {
            (rule.verbs.is_empty() || has(held.verbs, *number))
                && (rule.nouns.is_empty() || has(held.nouns, *number))
                && !(looks && rule.unless_looking)
                && !rule.unless.iter().any(|word| words.contains(word))
        });
        let rules = rules.flat_map(|(_, rule)| rule.action.iter().copied());
        let mut actions: Actions = rules.collect();
        if !looks && !words.is_empty() {
            actions.add(Action::Change);
        }
        actions
    }

    /// What a tool does whose description says `verb` of `rest`. The verb may have an ending.
    pub fn phrase(&self, verb: &str, rest: &[String]) -> Actions {
        let is_verb = |word: &String| stem(word) == stem(verb);
        let rules = self.names.iter().filter(|rule| {
            let about = rule.nouns.is_empty() || rest.iter().any(|word| rule.nouns.contains(word));
            let other = rest.iter().any(|word| rule.unless.contains(word));
            about && !other && !rule.names_only && rule.verbs.iter().any(is_verb)
        });
        rules.flat_map(|rule| rule.action.iter().copied()).collect()
    }

    pub fn leads_phrase(&self, word: &str) -> bool {
        self.phrase_leads.iter().any(|lead| lead == word)
    }

    pub fn ends_phrase(&self, word: &str) -> bool {
        self.phrase_ends.iter().any(|end| end == word)
    }

    /// What a tool with parameters of these names does.
    pub fn parameters(&self, names: &[String]) -> Actions {
        let has = |group: &Vec<String>| group.iter().any(|name| names.contains(name));
        let rules = self
            .parameters
            .iter()
            .filter(|rule| rule.all.iter().all(has));
        rules.flat_map(|rule| rule.action.iter().copied()).collect()
    }

    /// What a command does, and how, as bits of [`flag`].
    pub fn command(&self, command: &Command) -> (Actions, u16) {
        let mut line = command.program.clone();
        for word in &command.words {
            line.push(' ');
            line.push_str(&word.to_ascii_lowercase());
        }
        let (mut actions, mut flags) = (Actions::default(), 0);
        for rule in &self.commands {
            let run = rule.run.is_empty() || rule.run.contains(&command.program);
            let any = rule.any.is_empty()
                || command
                    .words
                    .iter()
                    .any(|word| rule.any.iter().any(|arg| is_arg(word, arg)));
            let contains = rule.contains.is_empty()
                || rule
                    .contains
                    .iter()
                    .any(|part| line.contains(part.as_str()));
            let fed = rule.after.is_empty() || rule.after.contains(&command.after);
            let bare = !rule.bare || command.words.iter().all(|word| word.starts_with('-'));
            if run && any && contains && fed && bare && (!rule.piped || command.piped) {
                actions = actions.union(rule.action.iter().copied().collect());
                flags |= if rule.mass { flag::MASS } else { 0 };
                flags |= if rule.outside { flag::OUTSIDE } else { 0 };
            }
        }
        (actions, flags)
    }

    /// The places that `path` lies in, as bits.
    pub fn places(&self, path: &str) -> u8 {
        let path = format!(
            "/{}",
            path.trim_start_matches('/')
                .replace('\\', "/")
                .to_ascii_lowercase()
        );
        // Most paths have no part that any glob begins with.
        let parts = path.split('/').filter(|part| !part.is_empty());
        let (mut within, mut except) = (0_u64, 0_u64);
        for part in parts.chain([""]) {
            for glob in self.globs.get(part).into_iter().flatten() {
                if glob_matches(glob.text.as_bytes(), path.as_bytes()) {
                    let bits = if glob.is_exception {
                        &mut except
                    } else {
                        &mut within
                    };
                    *bits |= 1 << glob.rule;
                }
            }
        }
        let rules = self.places.iter().enumerate();
        rules
            .filter(|(number, _)| within & !except & (1 << number) != 0)
            .fold(0, |bits, (_, rule)| bits | rule.place.bit())
    }

    pub fn is_inside(&self, host: &str) -> bool {
        self.inside
            .iter()
            .any(|glob| glob_matches(glob.as_bytes(), host.as_bytes()))
    }

    pub fn takes_host(&self, program: &str) -> bool {
        self.host_commands.iter().any(|known| known == program)
    }

    /// Whether `option` of `program` is followed by a key to log in with.
    pub fn is_key_option(&self, program: &str, option: &str) -> bool {
        let options = self.key_options.iter();
        options
            .filter(|(known, _)| known == program)
            .any(|(_, known)| known == option)
    }

    pub fn is_shell_key(&self, key: &str) -> bool {
        self.shell_keys
            .iter()
            .any(|known| known.eq_ignore_ascii_case(key))
    }

    /// Whether the argument `key` with this value makes a request one that carries a body.
    pub fn is_body(&self, key: &str, value: &str) -> bool {
        let method = key.eq_ignore_ascii_case("method")
            && !["get", "head", "options"].contains(&value.to_ascii_lowercase().as_str());
        method
            || self
                .body_keys
                .iter()
                .any(|known| known.eq_ignore_ascii_case(key))
    }

    pub fn is_host_key(&self, key: &str) -> bool {
        self.host_keys
            .iter()
            .any(|known| known.eq_ignore_ascii_case(key))
    }
}

/// `sendDirectMessage`, `send_direct-message`, `mail/send` → their words in lower case.
pub fn name_words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut previous = ' ';
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        // `sendMail` has a word at M, `HTTPFetch` one at F.
        let ends_capitals =
            previous.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase());
        let begins = char.is_uppercase() && (previous.is_lowercase() || ends_capitals);
        if (begins || !char.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if char.is_alphanumeric() {
            word.extend(char.to_lowercase());
        }
        previous = char;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// `-d` also matches `-d@file` and the cluster `-sd`; everything else whole or as `--x=value`.
fn is_arg(word: &str, arg: &str) -> bool {
    if word == arg {
        return true;
    }
    let mut letters = arg.bytes();
    let short = match (letters.next(), letters.next(), letters.next()) {
        (Some(b'-'), Some(letter), None) if letter != b'-' => Some(letter),
        _ => None,
    };
    match short {
        Some(letter) => {
            let cluster = word.strip_prefix('-').unwrap_or_default();
            word.starts_with(arg)
                || (cluster.len() <= 5
                    && cluster.bytes().all(|byte| byte.is_ascii_alphabetic())
                    && cluster.bytes().any(|byte| byte == letter))
        }
        None => {
            arg.starts_with("--")
                && word
                    .strip_prefix(arg)
                    .is_some_and(|rest| rest.starts_with('='))
        }
    }
}

/// `*` stands for any characters, `/` included. Linear for the globs we write: one retry point.
pub fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    if let Some(end) = glob.strip_prefix(b"*").filter(|end| !end.contains(&b'*')) {
        return text.ends_with(end);
    }
    let (mut g, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match glob.get(g) {
            Some(b'*') => {
                retry = Some((g, t));
                g += 1;
            }
            Some(own) if own == byte => {
                g += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, at)) => {
                    retry = Some((star, at + 1));
                    g = star + 1;
                    t = at + 1;
                }
                None => return false,
            },
        }
    }
    glob.get(g..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(
            name_words("sendDirect_message/toUser"),
            ["send", "direct", "message", "to", "user"]
        );
        assert_eq!(name_words("HTTPFetch"), ["http", "fetch"]);
    }

    #[test]
    fn a_place_is_found_by_any_part_of_its_path() {
        let rule = |place, paths: &[&str], except: &[&str]| PlaceRule {
            place,
            paths: paths.iter().map(|glob| (*glob).to_owned()).collect(),
            except: except.iter().map(|glob| (*glob).to_owned()).collect(),
        };
        let places = vec![
            rule(Place::Log, &["*/var/log/*"], &[]),
            rule(
                Place::Credential,
                &["*/.ssh/*", "*.pem", "*/.env.*"],
                &["*.pub", "*/.ssh/config"],
            ),
        ];
        let lexicon = Lexicon {
            places,
            ..Lexicon::default()
        };
        let lexicon = lexicon.compile().unwrap();
        let credential = Place::Credential.bit();
        for (path, bits) in [
            ("~/.ssh/id_rsa", credential),
            ("~/.ssh/config", 0),
            ("/home/u/.SSH/a.pub", 0),
            ("a.pem", credential),
            ("/p/.env.local", credential),
            ("C:\\u\\.ssh\\k", credential),
            ("/var/log/x", Place::Log.bit()),
            ("/srv/var/log/k.pem", credential | Place::Log.bit()),
            ("/p/src/main.rs", 0),
        ] {
            assert_eq!(lexicon.places(path), bits, "{path}");
        }
    }

    #[test]
    fn globs_match_whole_paths() {
        assert!(glob_matches(b"*/.ssh/*", b"/home/u/.ssh/id_rsa"));
        assert!(!glob_matches(b"*/.env", b"/p/.envrc"));
        assert!(glob_matches(b"*/.env*", b"/p/.envrc"));
        assert!(!glob_matches(b"a*b*c", b"aXbX"));
        assert!(glob_matches(b"*.pem", b"/a.pem") && glob_matches(b"*", b""));
        assert!(!glob_matches(b"*.pem", b"/a.pem/b"));
    }

    #[test]
    fn short_options_match_alone_glued_and_clustered() {
        assert!(is_arg("-d", "-d") && is_arg("-d@f", "-d") && is_arg("-sd", "-d"));
        assert!(is_arg("--data=x", "--data") && !is_arg("--database", "--data"));
        assert!(!is_arg("-output.d", "-d"));
    }
}
