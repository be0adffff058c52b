//! What a string is for, judged by the names around it: keys of arguments, tools, programs.
//!
//! A table, nothing more. A wrong guess here costs an asset too many, never one too few: strings
//! that speak for themselves are read whatever their key says.

/// What the nearest telling key says about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    Path,
    Address,
    /// A whole line for a shell.
    Command,
    /// One word of a command, or a line: `args`, `argv`.
    Words,
    /// Program text in some language, queries included.
    Code,
    /// Text for people: not searched for paths unless it is nothing but one.
    Prose,
    /// Text about the call, or for a model: no tool takes a line to run under such a name.
    Remark,
    Recipient,
    /// What a search or a copy leaves out.
    LeftOut,
    Untold,
}

/// Judges by the last telling key on the way to a value.
pub fn of_pointer(pointer: &str) -> Usage {
    pointer
        .rsplit('/')
        .take_while(|key| *key != "arguments")
        .map(of_key)
        .find(|usage| *usage != Usage::Untold)
        .unwrap_or(Usage::Untold)
}

/// Judges one key, however its words are joined.
pub fn of_key(key: &str) -> Usage {
    let key: String = key
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    let key = key.as_str();
    let is = |list: &[&str]| list.contains(&key);
    let ends = |list: &[&str]| list.iter().any(|end| key.ends_with(end));
    if is(COMMAND_KEYS) || ends(&["command", "commandline", "cmd", "script"]) {
        Usage::Command
    } else if is(&[
        "args",
        "argv",
        "arguments",
        "argument",
        "params",
        "flags",
        "options",
    ]) {
        Usage::Words
    } else if is(LEFT_OUT_KEYS) {
        Usage::LeftOut
    } else if is(ADDRESS_KEYS)
        || ends(&["url", "urls", "uri", "uris", "endpoint", "webhook", "host"])
    {
        Usage::Address
    } else if is(PATH_KEYS) || ends(PATH_ENDS) {
        Usage::Path
    } else if is(RECIPIENT_KEYS) || ends(&["recipient", "recipients", "email", "emails"]) {
        Usage::Recipient
    } else if is(CODE_KEYS) || ends(&["code", "query", "sql"]) {
        Usage::Code
    } else if is(REMARK_KEYS) || ends(&["description", "prompt"]) {
        Usage::Remark
    } else if is(PROSE_KEYS) || ends(&["text", "content", "message"]) {
        Usage::Prose
    } else {
        Usage::Untold
    }
}

/// Whether a key names the directory that other paths of the same call start from.
pub fn is_base_key(pointer: &str) -> bool {
    let last = pointer.rsplit('/').next().unwrap_or("");
    let key: String = last
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    let known = [
        "cwd",
        "workdir",
        "workingdirectory",
        "workingdir",
        "root",
        "basedir",
        "basepath",
    ];
    known.contains(&key.as_str())
        || ["rootdir", "rootpath", "directory", "dir", "folder"].contains(&key.as_str())
}

/// What a tool's name says about what it does with strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Runs {
    No,
    /// It runs something: a command, or a query, an agent, a build.
    Something,
    /// It gives what it gets to a shell or a terminal.
    Lines,
}

/// Judges a tool's name, however its words are joined.
pub fn runs(tool: &str) -> Runs {
    let mut word = String::new();
    let mut words = Vec::new();
    for c in tool.chars() {
        let starts = c.is_uppercase() && word.ends_with(|l: char| l.is_lowercase());
        if !c.is_alphanumeric() || starts {
            words.push(std::mem::take(&mut word).to_lowercase());
        }
        if c.is_alphanumeric() {
            word.push(c);
        }
    }
    words.push(word.to_lowercase());
    words.retain(|word| !word.is_empty());
    let holds = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // `interact_with_process` and `process_document`: a verb stands first.
    let behind = words.iter().skip(1).any(|word| word == "process");
    let types = holds(&["send", "write", "type"]) && holds(&["keys", "keystrokes", "input"]);
    let alone = words.len() == 1 && holds(EXEC_WORDS);
    if holds(SHELL_WORDS) || behind || types || alone {
        Runs::Lines
    } else if holds(EXEC_WORDS) {
        Runs::Something
    } else {
        Runs::No
    }
}

const COMMAND_KEYS: &[&str] = &[
    "command",
    "commands",
    "cmd",
    "cmds",
    "script",
    "shell",
    "exec",
    "execute",
    "run",
    "bash",
    "sh",
    "zsh",
    "powershell",
    "commandline",
    "terminal",
    "process",
    "program",
    "executable",
];

const ADDRESS_KEYS: &[&str] = &[
    "url", "urls", "uri", "uris", "href", "link", "links", "endpoint", "host", "hostname",
    "domain", "webhook", "server", "origin", "baseurl", "callback", "redirect",
];

const PATH_KEYS: &[&str] = &[
    "path",
    "paths",
    "file",
    "files",
    "filepath",
    "filepaths",
    "filename",
    "filenames",
    "dir",
    "dirs",
    "directory",
    "directories",
    "folder",
    "folders",
    "src",
    "dst",
    "dest",
    "source",
    "sources",
    "destination",
    "destinations",
    "cwd",
    "root",
    "roots",
    "workdir",
    "input",
    "output",
    "target",
    "location",
    "attachment",
    "attachments",
    "repo",
    "repository",
    "workspace",
    "project",
    "glob",
    "include",
    "pattern",
];

const PATH_ENDS: &[&str] = &[
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "dir",
    "directory",
    "folder",
    "glob",
];

/// None that may name a file which the names to leave out are read from (`ignore_file`).
const LEFT_OUT_KEYS: &[&str] = &[
    "exclude",
    "excludes",
    "excluded",
    "excludedirs",
    "excludefiles",
    "excludefolders",
    "excludeglob",
    "excludeglobs",
    "excludepaths",
    "excludepattern",
    "excludepatterns",
    "ignore",
    "ignored",
    "ignoredirs",
    "ignorefiles",
    "ignoreglob",
    "ignoreglobs",
    "ignorepaths",
    "ignorepattern",
    "ignorepatterns",
];

const RECIPIENT_KEYS: &[&str] = &[
    "to",
    "cc",
    "bcc",
    "recipient",
    "recipients",
    "email",
    "emails",
    "replyto",
    "attendees",
    "invitees",
    "emailaddress",
    "account",
    "channel",
];

const CODE_KEYS: &[&str] = &[
    "code",
    "query",
    "sql",
    "expression",
    "python",
    "javascript",
    "js",
    "source_code",
    "program_text",
    "snippet",
    "cell",
    "statement",
    "formula",
];

const PROSE_KEYS: &[&str] = &[
    "content",
    "contents",
    "body",
    "text",
    "message",
    "messages",
    "markdown",
    "html",
    "oldstring",
    "newstring",
    "oldtext",
    "newtext",
    "oldstr",
    "newstr",
    "diff",
    "patch",
];

const REMARK_KEYS: &[&str] = &[
    "description",
    "comment",
    "comments",
    "prompt",
    "title",
    "summary",
    "note",
    "notes",
    "subject",
    "instructions",
    "question",
    "reason",
    "thought",
    "answer",
];

const EXEC_WORDS: &[&str] = &["run", "execute", "process"];

const SHELL_WORDS: &[&str] = &[
    "shell",
    "exec",
    "bash",
    "sh",
    "zsh",
    "terminal",
    "command",
    "commands",
    "cmd",
    "powershell",
    "console",
    "spawn",
    "subprocess",
    "stdin",
    "tmux",
    "interact",
];
