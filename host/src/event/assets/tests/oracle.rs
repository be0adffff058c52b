//! What bash runs is read: random lines, of which a real bash says whether they run a word, and the
//! reading whether it saw that.

use std::path::Path;
use std::process::{Command, Stdio};

use super::request;

/// `MARK` is what should be seen.
const PIECES: &[&str] = &[
    "MARK",
    "\n",
    "\n",
    "\nMARK\n",
    "; MARK",
    "; MARK ;",
    "\"; MARK; echo \"",
    "\nE\n",
    "E",
    "<<E",
    "<<'E'",
    "<<-E",
    "cat <<E",
    "cat > f <<'E'",
    "cat > f <<E",
    "cat <<\"E",
    "cat <<`",
    "cat <<E${x",
    "\nhi\nE${x\n",
    "tee f <<E",
    "git commit -m \"$(cat <<'E'\n",
    " ",
    "; ",
    "&&",
    "|",
    "(",
    ")",
    "$(",
    "$(echo ",
    "((",
    "))",
    "$((",
    "'",
    "\"",
    "`",
    "`echo ",
    "`; ",
    "\"`",
    "`\"",
    "{ ",
    "; }",
    "case x in a)",
    "case x in x) ",
    "x) ",
    ";; esac",
    "#",
    "# )\n",
    "$'",
    "\\",
    "\\\n",
    "\\)",
    "${x:-",
    "${x",
    "}",
    "${",
    "$[",
    "]",
    "a[",
    "[ ",
    "=",
    "<<<",
    "<",
    "> f ",
    "\t",
    "\tE\n",
    "echo ",
    "echo \"$(",
    "echo \"a\" ",
    "don't",
    "a",
    "\"$(",
    ")\"",
    "if true; then ",
    "; fi",
    "for i in 1; do ",
    "; done",
    "eval ",
    "echo 'MARK' | sh",
    "printf 'MARK\\n' | bash",
    "echo 'a; MARK'",
    "| sh",
    "| bash",
    "sh ",
    "echo -e 'a\\n",
    "$x",
    "\r",
];

/// Told apart from chance by nothing but its seed. Source: Marsaglia, Xorshift RNGs, 2003.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn script(&mut self) -> String {
        let many = 4 + self.below(12);
        let mut script: String = (0..many)
            .map(|_| PIECES[self.below(PIECES.len())])
            .collect();
        if !script.contains("MARK") {
            script.push_str("\nMARK\n");
        }
        script.push_str(["", "\nE\n", "\nE", "\nE\n)\""][self.below(4)]);
        script
    }
}

/// Whether bash runs the mark. Nothing else that it could run is there.
fn is_run(script: &str, folder: &Path) -> bool {
    let start =
        "exec 3>&1 >/dev/null 2>/dev/null; mark() { [ \"$1\" = x ] && printf RAN >&3; }; git() { :; }; tee() { :; }
        sh() { local all; while IFS= read -r line || [ -n \"$line\" ]; do all+=$line$'\\n'; done; eval \"$all\"; }
        bash() { sh; };
        cat() { while IFS= read -r line; do builtin echo \"$line\"; done; }; eval \"$1\"";
    let output = Command::new("/usr/bin/timeout")
        .args(["5", "/bin/bash", "-c", start, "bash"])
        .arg(script.replace("MARK", "mark x"))
        .current_dir(folder)
        .env_clear()
        .env("PATH", folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    output.stdout.windows(3).any(|said| said == b"RAN")
}

fn is_seen(script: &str) -> bool {
    let line = script.replace("MARK", "cat ~/.ssh/id_rsa");
    let line = serde_json::to_string(&line).unwrap();
    let params = format!(r#"{{"name":"bash","arguments":{{"command":{line}}}}}"#);
    request("tools/call", &params)
        .iter()
        .any(|asset| asset.credential)
}

#[test]
fn what_bash_runs_is_read() {
    let folder = tempfile::tempdir().unwrap();
    assert!(is_run("MARK", folder.path()));
    assert!(is_run("cat <<E\ndon't\nE\nMARK", folder.path()));
    assert!(is_run("echo 'MARK' | sh", folder.path()));
    assert!(is_run("printf 'a; MARK' | bash", folder.path()));
    assert!(!is_run("cat <<E\nMARK\nE", folder.path()));
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut unseen = 0;
    for _ in 0..2_000 {
        let script = chance.script();
        if !is_seen(&script) {
            unseen += 1;
            assert!(!is_run(&script, folder.path()), "{script:?} runs unseen");
        }
    }
    assert!(unseen > 200, "nearly all is taken for a line: {unseen}");
}
