//! Whatever the words are, reading them ends without a panic and within a fixed amount of work.
//!
//! Work is counted in bytes and words looked at ([`effort`]), never in time. What is random comes
//! from a fixed sequence, so that a failure can be repeated by its number.

use super::{MAX_WORK, code, launch, mentions, script};
use crate::effort::{self, Sequence};

/// What one byte of the input may cost, and beyond that what one byte of the budget may, which is
/// spent once with the launch's variables and once without. Measured here: 38 at most for the words
/// below; without a price for long words 94.
const PER_BYTE: usize = 24;
const PER_BUDGET: usize = 40;

const LAUNCHERS: &[&str] = &[
    "npx", "npm", "exec", "install", "pnpm", "dlx", "yarn", "bunx", "bun", "x", "run", "uvx", "uv",
    "tool", "pipx", "pip", "python3", "-m", "deno", "node", "docker", "compose", "mcp", "gateway",
    "kubectl", "cargo", "go", "gem", "nix", "conda", "poetry",
];
const WRAPPERS: &[&str] = &[
    "env",
    "-S",
    "sudo",
    "-u",
    "timeout",
    "5",
    "nice",
    "xargs",
    "parallel",
    ":::",
    "sh",
    "bash",
    "-c",
    "-lc",
    "cmd",
    "/c",
    "powershell",
    "-enc",
    "-Command",
    "exec",
    "eval",
    "nohup",
    "mise",
    "clawdefender",
    "proxy",
    "--",
    "{}",
    "ssh",
    "A=b",
    "PYTHONPATH=x",
    "NODE_OPTIONS=-r ./x",
    "npm_config_package=a",
    "alias",
    "export",
    "tee",
    "ssh",
    "chmod",
    "while",
    "done",
    "iex",
];
const OPTIONS: &[&str] = &[
    "-y",
    "--yes",
    "-p",
    "--package",
    "--package=",
    "-c",
    "--call",
    "--x",
    "--x=",
    "-xyz",
    "-pé",
    "--from",
    "--with",
    "a,b,c",
    "--entrypoint",
    "--env-file",
    "--preload",
    "--pip-args",
    "--pip-args=-i x",
    "-e",
    "--eval=",
    "-W",
    "-X",
    "-Im",
    "--@s:registry",
    "-",
    "--=",
    "-=",
    "--servers=a,b",
    "--registry",
];
const OPERATORS: &[&str] = &[
    "|", "||", "&&", ";", "&", "\n", "(", ")", "{", "}", "$(", "`", "<(", ">(", ">", ">>", "<",
    "<<EOF", "\nEOF\n", "<<<", "'", "\"", "\\", "\\\n", "$'", "$x", "${x}", "${x:-", "}", "#", "!",
    "*", "{a,b}", "$((", "))", "%P%", "^", "x=(", "=", "[", "]", ",", ":",
];
const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "\0\0npx\0",
    "é",
    "\u{fffc}",
    "0\u{301}",
    "\u{202e}",
    "a@1.0.0",
    "@a/b@1",
    "x@npm:y@npm:z",
    "npm:",
    "jsr:@a/b",
    "==1",
    "a==1.0",
    "@",
    "git+https://x/y",
    "u/r#semver:^1",
    "bnB4IC15IGV2aWxAMS4wLjA=",
    "base64",
    "npx -y a b",
    "sh -c 'npx x'",
    "{\"command\":\"npx\"}",
    "img:1@sha256:aa",
    "https://registry.npmjs.org/x/-/x-1.0.0.tgz",
    "x.js",
    "/",
    "\\",
    "~",
    ".",
    "curl",
    "https://x.example",
    "C:\\a b\\npx.cmd",
    "\u{1F600}",
];
const ALL: [&[&str]; 5] = [LAUNCHERS, WRAPPERS, OPTIONS, OPERATORS, TEXTS];

fn piece(random: &mut Sequence) -> String {
    let kind = random.below(ALL.len());
    let one = random.one_of(ALL[kind]);
    match random.below(60) {
        0 => one.repeat(1 + random.below(400)),
        1 => "a".repeat(random.below(5_000)),
        2 => format!("{one}{}", random.one_of(OPERATORS)),
        3 => format!("'{one} {}'", random.one_of(LAUNCHERS)),
        _ => one.to_owned(),
    }
}

fn nested(random: &mut Sequence) -> String {
    const OPENS: [(&str, &str); 12] = [
        ("$(", ")"),
        ("sh -c '", "'"),
        ("`", "`"),
        ("{", "}"),
        ("(", ")"),
        ("env -S \"", "\""),
        ("<(", ")"),
        ("bash <<E\n", "\nE\n"),
        ("((", "))"),
        ("$((1<<", "))"),
        ("a[1<<", "]=1\n"),
        ("\"${x:-$(", ")}\""),
    ];
    let (open, close) = OPENS[random.below(OPENS.len())];
    let deep = 1 + random.below(300);
    let inner = piece(random);
    let close = if random.below(2) == 0 { close } else { "" };
    format!("{}{inner}{}", open.repeat(deep), close.repeat(deep))
}

/// The most that reading `bytes` may cost.
fn bound(bytes: usize) -> usize {
    PER_BYTE * bytes + PER_BUDGET * MAX_WORK
}

#[track_caller]
fn check(round: &str, words: &[String]) {
    let line = words.join(" ");
    let bytes: usize = line.len() + words.len();
    let env = [("x".to_owned(), words.last().cloned().unwrap_or_default())];
    let costs = [
        effort::of(|| launch(words, &env)),
        effort::of(|| script(&line)),
        effort::of(|| code(&line)),
        effort::of(|| mentions(&line)),
    ];
    let start: String = line.chars().take(120).collect();
    assert!(
        costs[1] >= line.len() / 8,
        "what a script costs is not counted: {costs:?}"
    );
    for cost in costs {
        assert!(
            cost <= bound(bytes),
            "{round}: {costs:?} for {bytes}: {start:?}"
        );
    }
}

#[test]
fn no_argv_panics_or_costs_more_than_the_budget() {
    let mut random = Sequence(0x5eed);
    for round in 0..2_000 {
        let words: Vec<String> = (0..random.below(16)).map(|_| piece(&mut random)).collect();
        check(&format!("round {round}"), &words);
    }
    for round in 0..100 {
        let mut words: Vec<String> = (0..random.below(3)).map(|_| piece(&mut random)).collect();
        words.push(nested(&mut random));
        check(&format!("nested {round}"), &words);
    }
}

/// A few words again and again are the worst: each is a start, and each start sees all the others.
#[test]
fn no_repeated_words_cost_more_than_the_budget() {
    let mut random = Sequence(0xd0b1e);
    for round in 0..24 {
        let pattern: Vec<String> = (0..=random.below(5)).map(|_| piece(&mut random)).collect();
        let bytes: usize = pattern.iter().map(|word| word.len() + 1).sum();
        let times = (16_000 / bytes).clamp(1, 6_000);
        let words: Vec<String> = pattern
            .iter()
            .cycle()
            .take(times * pattern.len())
            .cloned()
            .collect();
        check(&format!("pattern {round} {pattern:.60?}"), &words);
    }
}

/// Few starts, and words so long that each start would look at all of them.
#[test]
fn no_long_words_are_looked_at_from_every_start() {
    for start in ["npx", "sudo", "nix", "deno"] {
        for long in ["--", "A=", "a@"] {
            let mut words = vec![start.to_owned(); 300];
            words.push(format!("{long}{}", "a".repeat(20_000)));
            check(start, &words);
            words.reverse();
            check(start, &words);
        }
    }
}

/// Every text with every file, and every substitution with every word, would be too many.
#[test]
fn no_long_command_is_looked_at_for_each_part_of_a_script() {
    for (start, part, end) in [
        ("", "echo a|", "tee"),
        ("npx", " $(echo a|b)", ""),
        ("pip install -r x", " <(a)", " b"),
        ("sudo -u me", " $(a)", " b"),
    ] {
        let files = " f".repeat(10_000);
        check(
            part,
            &[format!("{start}{}{end}{files}", part.repeat(4_000))],
        );
    }
    check(
        "tee",
        &[format!(
            "tee{} <<A{}",
            " f".repeat(9_000),
            "\nnpx a".repeat(9_000)
        )],
    );
}

/// What opens again and again and is never closed would be looked for from every opening.
#[test]
fn nothing_that_opens_is_looked_for_again_and_again() {
    for opens in [
        "((",
        "( (",
        "$((",
        "${",
        "$[",
        "a[",
        "\"${",
        "$(",
        "<<A\n",
        "cat <<A;",
        "bash <<E\n",
        "`",
        "x=(",
        "((<<A\n",
        "$(cat <<A\n",
        "$(case ",
        "((\"",
        "(('",
        "aaaaaaaa[",
        "<<$(",
        "a[$(",
        "x=(a[$(",
        "<<`",
        "$(a[1<<$((",
    ] {
        for times in [300, 3_000] {
            check(opens, &[opens.repeat(times)]);
        }
    }
}
