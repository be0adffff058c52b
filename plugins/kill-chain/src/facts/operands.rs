//! Names of the files that a call is about.
//!
//! What stands in a path or has an ending counts wherever it is. Most other words of a command are
//! no files, so a bare name counts only where nothing but a file can stand: what is written, run,
//! made executable, copied or sent.

use super::Facts;
use crate::action::{Action, Actions};
use crate::lexicon::Lexicon;
use crate::print::Printer;
use crate::shell::{Command, is_stand_in};

/// Programs whose first word is the file that they run.
const RUNNERS: [&str; 14] = [
    "sh", "bash", "zsh", "dash", "ksh", "source", ".", "python", "python3", "perl", "ruby", "node",
    "php", "pwsh",
];
/// Options of theirs that are followed by something else.
const NO_FILE: [&str; 5] = ["-c", "-e", "-m", "-r", "--eval"];
/// Options that are followed by the file which is made.
const MADE: [&str; 7] = [
    "--file",
    "--output",
    "--output-document",
    "--result-file",
    "--out",
    "-out",
    "-outfile",
];
/// Options that are followed by a file which is sent.
const SENT: [&str; 6] = ["-T", "--upload-file", "-a", "-A", "--attach", "--body-file"];
/// Programs that copy to and from elsewhere, and their words behind which files stand.
const CARRIERS: [&str; 13] = [
    "scp", "rsync", "aws", "gsutil", "gcloud", "az", "s3cmd", "mc", "b2", "rclone", "azcopy", "gh",
    "glab",
];
const CARRY: [&str; 8] = [
    "cp", "mv", "sync", "copy", "put", "upload", "move", "create",
];
/// What output is thrown away to.
const NOWHERE: [&str; 5] = [
    "/dev/null",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/stdin",
    "/dev/tty",
];

impl Facts {
    /// Notes the names of files that the command is given.
    pub(super) fn operands(
        &mut self,
        command: &Command,
        actions: Actions,
        lexicon: &Lexicon,
        printer: &Printer,
    ) {
        let files = command.writes.iter().chain(&command.reads);
        files
            .chain(&command.by_path)
            .for_each(|file| self.operand(file, printer));
        let program = command.program.as_str();
        let plain = |word: &&String| !word.starts_with('-');
        let words = || command.words.iter().filter(plain);
        if RUNNERS.contains(&program) {
            let mut before = command.words.iter().take_while(|word| !plain(word));
            let file = words().next().filter(|_| {
                let code = |word: &String| NO_FILE.contains(&word.as_str());
                !before.any(code)
            });
            file.into_iter()
                .for_each(|file| self.operand(file, printer));
        }
        // What a whole folder is allowed is no program.
        let whole = |word: &String| word == "-R" || word == "--recursive";
        if program == "chmod" && !command.words.iter().any(whole) {
            words().skip(1).for_each(|file| self.operand(file, printer));
        }
        if lexicon.usage.target(command).is_some() {
            words().for_each(|file| self.operand(file, printer));
        }
        if actions.meets(makers()) {
            self.made(command, printer);
        }
        if actions.has(Action::Send) {
            self.sent(command, printer);
        }
    }

    /// The files that a command makes of what it reads or gets.
    fn made(&mut self, command: &Command, printer: &Printer) {
        let program = command.program.as_str();
        let pairs = command.words.iter().zip(command.words.iter().skip(1));
        for (number, (option, file)) in pairs.enumerate() {
            // `-fsSLo`, `-Fc -f`, `tar czf`.
            let short = option.starts_with('-') && !option.starts_with("--")
                || number == 0 && program == "tar";
            let ends = option.ends_with(['o', 'O', 'f', 'r']) && option.len() <= 8;
            if short && ends || MADE.contains(&option.to_ascii_lowercase().as_str()) {
                self.operand(file, printer);
            }
        }
        for word in &command.words {
            let glued = word
                .split_once('=')
                .filter(|(option, _)| *option == "of" || MADE.contains(option));
            let file = glued.map(|(_, file)| file).or_else(|| last_part(word));
            file.into_iter()
                .for_each(|file| self.operand(file, printer));
        }
        let mut words = command.words.iter().filter(|word| !word.starts_with('-'));
        let file = match program {
            "zip" => words.next(),
            "7z" | "rar" => words.nth(1),
            "certutil" | "bitsadmin" => words.next_back(),
            _ => None,
        };
        file.into_iter()
            .for_each(|file| self.operand(file, printer));
    }

    /// The files that a command sends.
    fn sent(&mut self, command: &Command, printer: &Printer) {
        let pairs = command.words.iter().zip(command.words.iter().skip(1));
        let files = pairs.filter(|(option, _)| SENT.contains(&option.as_str()));
        files.for_each(|(_, file)| self.operand(file, printer));
        for word in &command.words {
            // `-d @file`, `-F field=@file`.
            let file = word.split_once('@').filter(|(before, _)| {
                before.is_empty() || before.ends_with('=') || before.starts_with("-d")
            });
            let file = file.and_then(|(_, file)| file.split(';').next());
            file.into_iter()
                .for_each(|file| self.operand(file, printer));
        }
        let program = command.program.as_str();
        if CARRIERS.contains(&program) {
            let verb = |word: &String| CARRY.contains(&word.as_str());
            let from = match program {
                "scp" | "rsync" => 0,
                _ => command
                    .words
                    .iter()
                    .position(verb)
                    .map_or(usize::MAX, |at| at + 1),
            };
            let words = command.words.iter().skip(from);
            let words = words.filter(|word| !word.starts_with('-'));
            words.for_each(|file| self.operand(file, printer));
        }
    }

    /// Notes the name of a file that stands in a path or has an ending.
    pub(super) fn object(&mut self, path: &str, printer: &Printer) {
        let path = path
            .split(['?', '#'])
            .next()
            .unwrap_or(path)
            .trim_end_matches(['/', '\\']);
        let mut parts = path.rsplit(['/', '\\']);
        let name = parts.next().unwrap_or(path);
        if path.len() > 512 || NOWHERE.contains(&path) {
            return;
        }
        if name.len() >= 3 && (name.contains('.') || name.len() < path.len()) {
            self.objects.push(printer.word(name));
        } else if is_short(name) && !path.contains("://") {
            // `/c` may be an option.
            let folder = parts.next().filter(|folder| !folder.is_empty());
            let folder = folder.map(|folder| short(folder, name, printer));
            self.objects.extend(folder);
        }
    }

    /// Notes the name of a file, with a path or without.
    pub(super) fn operand(&mut self, path: &str, printer: &Printer) {
        let is_path = path.len() <= 512 && !path.starts_with('-') && !path.contains([' ', '\n']);
        if !is_path || path.contains("://") || NOWHERE.contains(&path) {
            return;
        }
        let path = path.trim_end_matches(['/', '\\']);
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if is_short(name) {
            self.object(path, printer);
            self.objects.push(short(".", name, printer));
        } else if name.len() >= 3 {
            self.objects.push(printer.word(name));
        }
    }
}

/// Whether it is a name of one or two letters, and neither a mark nor the folder above.
fn is_short(name: &str) -> bool {
    name.len() < 3 && name.contains(|char: char| char.is_alphanumeric() || is_stand_in(char))
}

/// Hash of a name of one or two letters, of which there are too few to be told apart by them alone.
fn short(folder: &str, name: &str, printer: &Printer) -> u32 {
    printer.word(&format!("{folder}/{name}"))
}

/// What a download is called when nothing else is said.
pub(super) fn last_part(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let path = rest.split(['?', '#']).next()?;
    let (_, path) = path.split_once('/')?;
    path.rsplit('/').next().filter(|name| !name.is_empty())
}

/// Actions that make files.
fn makers() -> Actions {
    let makers = [
        Action::Download,
        Action::Dump,
        Action::Archive,
        Action::Encode,
    ];
    makers.into_iter().collect()
}
