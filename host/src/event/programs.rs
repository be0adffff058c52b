//! Programs by what they do with their words. A table: a name missing here costs at most a guess about
//! a string that nothing else tells to be a command.

/// Programs whose name is no English word: the first word alone tells a command.
pub fn is_program(name: &str) -> bool {
    PROGRAMS.contains(&name)
        || runs_shell(name)
        || interprets(name)
        || is_network(name)
        || leads_on(name)
}

/// Programs whose name is also an ordinary word: what follows must look like a command as well.
pub fn is_program_or_word(name: &str) -> bool {
    WORDS.contains(&name)
}

/// Programs that run a line given as one argument.
pub fn runs_shell(name: &str) -> bool {
    SHELLS.contains(&name) || leads_on(name)
}

/// Programs that run what they read, or a file that is named, or take names of files from what they
/// read.
pub fn runs_input(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        ".",
        "at",
        "batch",
        "chmod",
        "cpio",
        "crontab",
        "ed",
        "ex",
        "expect",
        "gdb",
        "install",
        "make",
        "mapfile",
        "read",
        "readarray",
        "vim",
    ];
    SHELLS.contains(&name) || OTHERS.contains(&name)
}

const SHELLS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "fish",
    "ash",
    "busybox",
    "cmd",
    "powershell",
    "pwsh",
    "eval",
    "ssh",
    "su",
    "xargs",
    "parallel",
    "watch",
    "script",
    "source",
    "trap",
];

/// Programs that run a program text given as one argument.
pub fn interprets(name: &str) -> bool {
    let trimmed = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    [
        "python",
        "node",
        "deno",
        "bun",
        "perl",
        "ruby",
        "php",
        "lua",
        "awk",
        "gawk",
        "osascript",
        "powershell",
        "pwsh",
        "tclsh",
        "sqlite",
        "psql",
        "mysql",
    ]
    .contains(&trimmed)
}

/// Programs that connect to a host named as a bare word.
pub fn is_network(name: &str) -> bool {
    [
        "curl",
        "wget",
        "ssh",
        "scp",
        "sftp",
        "rsync",
        "nc",
        "ncat",
        "netcat",
        "telnet",
        "ftp",
        "ping",
        "ping6",
        "dig",
        "nslookup",
        "traceroute",
        "socat",
        "http",
        "https",
        "xh",
        "mosh",
        "openssl",
        "whois",
        "drill",
    ]
    .contains(&name)
}

/// Programs and words that are followed by the program that matters.
pub fn leads_on(name: &str) -> bool {
    [
        "sudo", "doas", "env", "nohup", "time", "timeout", "nice", "ionice", "exec", "command",
        "builtin", "stdbuf", "setsid", "unshare", "chroot", "strace", "then", "do", "else", "if",
        "while", "until", "!", "xargs", "busybox", "parallel", "npx", "uvx", "bunx",
    ]
    .contains(&name)
}

/// The same, with what only a shell line begins with: a text that begins with a brace is rather JSON.
pub fn precedes_program(name: &str) -> bool {
    leads_on(name) || ["{", "elif", "coproc", "eval"].contains(&name)
}

const PROGRAMS: &[&str] = &[
    "ls",
    "cp",
    "mv",
    "rm",
    "ln",
    "dd",
    "chmod",
    "chown",
    "chgrp",
    "mkdir",
    "rmdir",
    "tar",
    "gzip",
    "gunzip",
    "zip",
    "unzip",
    "zcat",
    "xxd",
    "od",
    "hexdump",
    "base64",
    "base32",
    "tee",
    "sed",
    "grep",
    "egrep",
    "rg",
    "fgrep",
    "fd",
    "jq",
    "yq",
    "git",
    "gh",
    "glab",
    "npm",
    "pnpm",
    "yarn",
    "pip",
    "pip3",
    "pipx",
    "uv",
    "cargo",
    "rustc",
    "gcc",
    "go",
    "docker",
    "podman",
    "kubectl",
    "helm",
    "terraform",
    "aws",
    "gcloud",
    "az",
    "doctl",
    "systemctl",
    "launchctl",
    "crontab",
    "apt",
    "apt-get",
    "brew",
    "dnf",
    "yum",
    "pacman",
    "gpg",
    "ssh-keygen",
    "ssh-add",
    "keytool",
    "printenv",
    "whoami",
    "uname",
    "ps",
    "pgrep",
    "pkill",
    "lsof",
    "netstat",
    "ip",
    "ifconfig",
    "iptables",
    "mount",
    "umount",
    "mkfs",
    "vim",
    "vi",
    "nano",
    "emacs",
    "xdg-open",
    "pbcopy",
    "pbpaste",
    "defaults",
    "reg",
    "schtasks",
    "certutil",
    "bitsadmin",
    "rundll32",
    "wmic",
    "icacls",
    "robocopy",
    "xcopy",
    "get-content",
    "invoke-webrequest",
    "iwr",
    "iex",
    "insmod",
    "sysctl",
    "useradd",
    "passwd",
    "visudo",
    "chattr",
    "setfacl",
    "shred",
];

const WORDS: &[&str] = &[
    "cat", "find", "make", "test", "open", "kill", "touch", "head", "tail", "more", "less", "sort",
    "cut", "join", "split", "read", "set", "which", "who", "date", "echo", "type", "copy", "move",
    "start", "cd", "del", "dir", "export", "printf", "paste", "stat", "file", "diff", "install",
    "mail", "at", "batch", "look", "strings", "view", "tac", "nl", "wc", "uniq", "comm", "expand",
];
