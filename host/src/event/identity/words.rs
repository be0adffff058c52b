//! Which of an interpreter's words is what it runs.
//!
//! Options are read from the interpreter's own list. One that is not on it may take a value, so the
//! word behind it need not be the script: then nothing is said.

/// What an interpreter's words name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Runs<'w> {
    Script(&'w str),
    Module(&'w str),
    /// Something else decides, or an option that is not known stands before the script.
    Unclear,
}

/// The options of one interpreter.
struct Options {
    /// Without a value; a `*` stands for any ending.
    flags: &'static [&'static str],
    /// With a value in the next word.
    values: &'static [&'static str],
    /// The same, and the value is loaded before the script.
    preloads: &'static [&'static str],
}

/// Node, tsx and ts-node, from their manuals. V8's own options take a value behind `=` only (seen
/// with Node 20).
static NODE: Options = Options {
    flags: &[
        "--abort-on-uncaught-exception",
        "--enable-source-maps",
        "--experimental-import-meta-resolve",
        "--experimental-json-modules",
        "--experimental-modules",
        "--experimental-require-module",
        "--experimental-sqlite",
        "--experimental-strip-types",
        "--experimental-transform-types",
        "--experimental-vm-modules",
        "--experimental-wasm-modules",
        "--experimental-websocket",
        "--expose-gc",
        "--inspect",
        "--inspect-brk",
        "--inspect-wait",
        "--no-*",
        "--pending-deprecation",
        "--permission",
        "--preserve-symlinks",
        "--preserve-symlinks-main",
        "--throw-deprecation",
        "--trace-deprecation",
        "--trace-exit",
        "--trace-uncaught",
        "--trace-warnings",
        "--use-bundled-ca",
        "--use-env-proxy",
        "--use-openssl-ca",
        "--use-system-ca",
        "--watch",
        "--esm",
        "--swc",
        "--transpile-only",
        "-T",
    ],
    values: &[
        "-C",
        "--conditions",
        "--diagnostic-dir",
        "--disable-warning",
        "--dns-result-order",
        "--env-file",
        "--env-file-if-exists",
        "--icu-data-dir",
        "--input-type",
        "--inspect-port",
        "--max-http-header-size",
        "--openssl-config",
        "--redirect-warnings",
        "--secure-heap",
        "--title",
        "--trace-event-categories",
        "--unhandled-rejections",
        "--watch-path",
        "-P",
        "--project",
        "--tsconfig",
    ],
    preloads: &[
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
    ],
};

/// Bun, from its manual.
static BUN: Options = Options {
    flags: &[
        "--bun",
        "-b",
        "--hot",
        "--inspect",
        "--inspect-brk",
        "--inspect-wait",
        "--no-*",
        "--prefer-latest",
        "--prefer-offline",
        "--silent",
        "--smol",
        "--watch",
    ],
    values: &[
        "--conditions",
        "--config",
        "-c",
        "--cwd",
        "--define",
        "-d",
        "--env-file",
        "--install",
        "--loader",
        "-l",
        "--port",
        "--title",
        "--tsconfig-override",
    ],
    preloads: &["-r", "--preload", "--require", "--import"],
};

/// Deno, from its manual.
static DENO: Options = Options {
    flags: &[
        "-A",
        "-E",
        "-I",
        "-N",
        "-R",
        "-S",
        "-W",
        "-q",
        "-r",
        "--allow-*",
        "--cached-only",
        "--check",
        "--deny-*",
        "--env-file",
        "--frozen",
        "--inspect",
        "--lock",
        "--no-*",
        "--node-modules-dir",
        "--quiet",
        "--reload",
        "--unstable*",
        "--vendor",
        "--watch",
    ],
    values: &[
        "-L",
        "--log-level",
        "-c",
        "--config",
        "--import-map",
        "--cert",
        "--ext",
        "--location",
        "--seed",
    ],
    preloads: &["--preload", "--import"],
};

/// Of these only what can't mean anything else.
static OTHER: Options = Options {
    flags: &["-w", "-T"],
    values: &[],
    preloads: &[],
};

/// Options whose value, behind `=`, is what runs.
const DECIDE: &[&str] = &[
    "--build-snapshot-config",
    "--eval",
    "--experimental-config-file",
    "--experimental-sea-config",
    "--print",
    "--run",
    "--snapshot-blob",
];

/// What `program`, named without its version, runs with these words.
pub(super) fn runs<'w>(program: &str, words: &'w [String]) -> Runs<'w> {
    let words = words.iter().map(String::as_str);
    match program {
        "python" => python(words),
        "node" | "nodejs" | "tsx" | "ts-node" => script(words, &NODE),
        "bun" => script(behind_run(words), &BUN),
        "deno" => script(behind_run(words), &DENO),
        _ => script(words, &OTHER),
    }
}

fn behind_run<'w>(words: impl Iterator<Item = &'w str>) -> impl Iterator<Item = &'w str> {
    let mut words = words.peekable();
    words.next_if_eq(&"run");
    words
}

fn script<'w>(mut words: impl Iterator<Item = &'w str>, options: &Options) -> Runs<'w> {
    while let Some(word) = words.next() {
        if word == "--" {
            return words.next().map_or(Runs::Unclear, Runs::Script);
        }
        if !word.starts_with('-') {
            return Runs::Script(word);
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let flag = |known: &&str| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => *known == name,
        };
        if options.preloads.contains(&name) {
            // A file of its own runs first; a package is only one more that the script needs.
            if value.or_else(|| words.next()).is_none_or(is_file) {
                return Runs::Unclear;
            }
        } else if value.is_some() {
            if DECIDE.contains(&name) || !name.starts_with("--") {
                return Runs::Unclear;
            }
        } else if options.values.contains(&name) {
            words.next();
        } else if !options.flags.iter().any(flag) {
            return Runs::Unclear;
        }
    }
    Runs::Unclear
}

/// Whether a module that is loaded first is a file or an address: a bare name, such as
/// `dotenv/config`, is a package's.
fn is_file(module: &str) -> bool {
    let bare = module.strip_prefix("node:").unwrap_or(module);
    let script = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];
    bare.starts_with(['.', '/', '~'])
        || bare.contains([':', '\\'])
        || (!bare.contains('/') && script.iter().any(|ending| bare.ends_with(ending)))
}

/// Its options are letters that can be bundled: `-Im MODULE`, `-Wignore`.
fn python<'w>(mut words: impl Iterator<Item = &'w str>) -> Runs<'w> {
    while let Some(word) = words.next() {
        if word == "--check-hash-based-pycs" {
            words.next();
            continue;
        }
        let Some(letters) = word.strip_prefix('-') else {
            return Runs::Script(word);
        };
        for (at, letter) in letters.char_indices() {
            let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            let glued = Some(rest).filter(|rest| !rest.is_empty());
            match letter {
                'm' => {
                    let module = glued.or_else(|| words.next());
                    return module.map_or(Runs::Unclear, Runs::Module);
                }
                'W' | 'X' => {
                    if glued.is_none() {
                        words.next();
                    }
                    break;
                }
                letter if "bBdEIOPqsSuvx".contains(letter) => {}
                _ => return Runs::Unclear,
            }
        }
        if letters.is_empty() {
            return Runs::Unclear;
        }
    }
    Runs::Unclear
}

#[cfg(test)]
mod tests {
    use super::{Runs, runs};

    #[test]
    fn the_script_is_found_behind_options_and_their_values() {
        for (line, script) in [
            ("node x.js --eval", "x.js"),
            ("node --env-file=.env x.js", "x.js"),
            ("node --env-file .env x.js", "x.js"),
            ("node --max-old-space-size=4096 x.js", "x.js"),
            ("node --no-warnings --inspect=0 -C dev -- x.js", "x.js"),
            ("node --import tsx x.ts", "x.ts"),
            ("node --import=tsx -r ts-node/register x.ts", "x.ts"),
            ("node -r @s/p/register.js x.js", "x.js"),
            ("tsx --tsconfig t.json x.ts", "x.ts"),
            ("bun run --hot --preload dotenv/config x.ts", "x.ts"),
            ("deno run -A --allow-net=x --config d.json x.ts", "x.ts"),
            ("python -u x.py -m y", "x.py"),
            ("python -W ignore x.py", "x.py"),
            ("python -uWignore -X utf8 -Xdev x.py", "x.py"),
            ("python --check-hash-based-pycs never x.py", "x.py"),
            ("perl -w x.pl", "x.pl"),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (program, words) = words.split_first().unwrap();
            assert_eq!(runs(program, words), Runs::Script(script), "{line}");
        }
    }

    #[test]
    fn a_module_is_found_in_a_bundle_too() {
        for line in [
            "-m m",
            "-mm",
            "-Im m",
            "-X utf8 -m m x.py",
            "-u -W ignore -m m",
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(runs("python", &words), Runs::Module("m"), "{line}");
        }
    }

    #[test]
    fn what_may_run_something_else_is_unclear() {
        for line in [
            "node",
            "node -e x x.js",
            "node --eval=x x.js",
            "node -pe x",
            "node --run=x x.js",
            "node --snapshot-blob=x.blob x.js",
            "node --brand-new x y.js",
            "node -r ./hook.js x.js",
            "node --require hook.js x.js",
            "node --import /tmp/hook x.js",
            "node --import=data:text/javascript,x x.js",
            "node --import file:///tmp/hook.mjs x.js",
            "node --import",
            "node -",
            "bun run --preload ./hook.ts x.ts",
            "deno run --preload ./hook.ts x.ts",
            "python -c x x.py",
            "python -uc x x.py",
            "python -m",
            "python -Zx x.py",
            "python - x.py",
            "python --version x.py",
            "ruby -r./hook x.rb",
            "perl -E x x.pl",
            "php -d auto_prepend_file=x x.php",
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (program, words) = words.split_first().unwrap();
            assert_eq!(runs(program, words), Runs::Unclear, "{line}");
        }
    }
}
