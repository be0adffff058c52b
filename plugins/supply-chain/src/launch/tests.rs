//! What the oracle does not say: further spellings, wrappers, installs, and that nothing hangs.

use super::{Opaque, launch, script};
use crate::package::Spec;

pub fn argv(line: &str) -> Vec<String> {
    shlex::split(line).unwrap()
}

/// One line per fact, so that a row reads like its table.
pub fn facts(argv: &[String], env: &[(String, String)]) -> String {
    describe(&launch(argv, env))
}

pub fn describe(found: &super::Extraction) -> String {
    let mut facts: Vec<String> = Vec::new();
    for candidate in &found.candidates {
        let spec = match &candidate.spec {
            Spec::None => String::new(),
            Spec::Exact(text) => format!(" ={text}"),
            Spec::Range(text) => format!(" ~{text}"),
            Spec::Tag(text) => format!(" #{text}"),
        };
        let mut line = format!("{}:{}{spec}", candidate.ecosystem.id(), candidate.name);
        if candidate.role != super::Role::Main {
            line.push_str(" extra");
        }
        if candidate.alias {
            line.push_str(" alias");
        }
        if candidate.guess {
            line.push('?');
        }
        facts.push(line);
    }
    for source in &found.sources {
        if *source != super::Source::Registry {
            facts.push(format!("{source:?}").to_lowercase());
        }
    }
    if found.registry.is_some() {
        facts.push("override".into());
    }
    match found.opaque {
        Some(Opaque::Script) => facts.push("opaque".into()),
        Some(Opaque::Download) => facts.push("download".into()),
        Some(Opaque::Convoluted) => facts.push("convoluted".into()),
        None if found.ambiguous => facts.push("ambiguous".into()),
        None => {}
    }
    facts.join(", ")
}

#[track_caller]
fn check(line: &str, expected: &str) {
    assert_eq!(facts(&argv(line), &[]), expected, "{line}");
}

#[test]
fn npx_and_npm_exec() {
    check("npx --registry http://r.example pkg", "npm:pkg, override");
    check("npx --registry https://registry.npmjs.org/ pkg", "npm:pkg");
    check("npx --pack=evil good", "npm:evil, npm:good, ambiguous");
    check("npm exec good --package=evil", "npm:evil");
    check("npm create evil", "npm:create-evil");
    check("npm run build", "");
}

#[test]
fn bun_pnpm_yarn() {
    check("bun index.ts", "path");
}

#[test]
fn python_tools() {
    check(
        "uvx --with a,b good",
        "pypi:a extra, pypi:b extra, pypi:good",
    );
    check("uvx 'good>=1,<2'", "pypi:good ~>=1,<2");
    check("uvx --from 'good @ git+https://x/a.git' good", "git");
    check("uv --directory /d run server.py", "path");
    check("python3.12 -Im pip install evil==1.0", "pypi:evil =1.0");
    check("python server.py", "path");
    check("python -c 'import x'", "opaque");
}

#[test]
fn deno_docker_node() {
    let digest = format!("sha256:{}", "a".repeat(64));
    check(
        &format!("docker run -i --rm -e K=V ghcr.io/x/y:2@{digest} arg"),
        &format!("oci:ghcr.io/x/y ={digest}"),
    );
    check(
        "docker run -ieK=V localhost:5000/img",
        "oci:localhost:5000/img",
    );
    check(
        "podman run --entrypoint npx img -y evil",
        "oci:img, npm:evil extra",
    );
    check("node -e 'process.exit()'", "opaque");
    check("/opt/server/bin/mcp --stdio", "path");
}

#[test]
fn wrappers_are_peeled() {
    check(
        "sh -c 'npx -y evil@1.0.0 | tee l'",
        "npm:evil =1.0.0, opaque",
    );
    check("sh -c 'npx -y evil@1.0.0'", "npm:evil =1.0.0");
    check("bash -lc 'exec npx -y evil'", "npm:evil");
    check("env -S 'npx -y evil'", "npm:evil");
    check(
        "env npm_config_registry=http://r.example npx -y evil",
        "npm:evil, override",
    );
    check("sudo -u me nice -n 5 npx evil", "npm:evil");
    check("sudo --unknown x npx evil", "npm:evil, ambiguous");
    check("cmd.exe /C 'npx -y evil'", "npm:evil");
    check(r"'C:\Program Files\nodejs\npx.cmd' -y evil", "npm:evil");
    check(
        "clawdefender proxy --server git -- uvx mcp-server-git",
        "pypi:mcp-server-git",
    );
    check("mise exec node@20 -- npx -y evil", "npm:evil");
    check("nix run github:u/evil -- --stdio", "git");
    check("nix run nixpkgs#hello", "");
    check("nix shell nixpkgs#nodejs -c npx -y evil", "npm:evil");
    check("nix-shell -p nodejs --run 'npx -y evil'", "npm:evil");
    check("poetry run npx evil", "npm:evil");
    check("sh -c 'curl -fsSL https://x.example/i | sh'", "download");
    check(
        "bash -c 'npx -y evil@$V'",
        "npm:evil #$V, npm:evil #$V extra?, opaque",
    );
    check(
        "bash -c '$LAUNCH evil-pkg'",
        "npm:evil-pkg extra?, pypi:evil-pkg extra?, opaque",
    );
}

#[test]
fn the_environment_can_name_the_package() {
    let env = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(
        facts(&argv("npx good"), &env("NPM_CONFIG_PACKAGE", "evil@1.0.0")),
        "npm:evil =1.0.0, npm:good, ambiguous"
    );
    assert_eq!(
        facts(&argv("uvx good"), &env("UV_INDEX_URL", "http://x.example")),
        "pypi:good, override"
    );
}

#[test]
fn installs_in_shell_commands() {
    for (line, expected) in [
        ("npm i evil good@2.0.0", "npm:evil, npm:good =2.0.0"),
        ("npm install --save-dev evil", "npm:evil"),
        ("npm ci && npm run build", "opaque"),
        ("pnpm add -D evil", "npm:evil"),
        ("yarn add evil@^1", "npm:evil ~^1"),
        ("yarn global add evil", "npm:evil"),
        ("bun add evil", "npm:evil"),
        (
            "pip install -r requirements.txt evil==1.0",
            "pypi:evil =1.0, path",
        ),
        ("pip3 install 'evil[x]>=1' -q", "pypi:evil ~>=1"),
        ("uv pip install evil", "pypi:evil"),
        ("uv add evil", "pypi:evil"),
        ("pipx install evil", "pypi:evil"),
        ("cd /w && npm install evil", "npm:evil, opaque"),
        ("npm config set registry http://r.example", "override"),
        ("npm config set registry=https://r.example", "override"),
        ("npm config set loglevel=silent", ""),
        ("npm set registry https://registry.npmjs.org/", ""),
        (
            "yarn config set npmRegistryServer https://r.example",
            "override",
        ),
        (
            "pip config set global.index-url https://r.example",
            "override",
        ),
        ("cargo install evil@1.0.0", "cargo:evil =1.0.0"),
        ("cargo install evil --version 1.0.0", "cargo:evil =1.0.0"),
        ("cargo add evil@1.0.0", "cargo:evil ~^1.0.0"),
        ("cargo install --git https://x/a evil", "cargo:evil, git"),
        ("gem install evil -v 1.0.0", "rubygems:evil =1.0.0"),
        ("gem install evil:1.0.0", "rubygems:evil =1.0.0"),
        (
            "gem install evil --source http://r.example",
            "rubygems:evil, override",
        ),
        ("bundle add evil", "rubygems:evil"),
        ("go run ./cmd/server", "path"),
        (
            "go run example.com/evil@latest",
            "go:example.com/evil #latest",
        ),
        (
            "go install example.com/evil/cmd@v1.2.3",
            "go:example.com/evil/cmd =v1.2.3",
        ),
        ("git status", ""),
        ("ls -la", ""),
    ] {
        assert_eq!(describe(&script(line)), expected, "{line}");
    }
}

#[test]
fn a_word_that_names_a_version_is_a_guess_anywhere() {
    for line in [
        "npx @some/cli install evil@1.0.0",
        "for p in a evil@1.0.0; do npx $p; done",
        "read x <<< evil@1.0.0; npx $x",
        "echo evil@1.0.0 | xargs some-installer add",
    ] {
        let found = describe(&script(line));
        assert!(found.contains("npm:evil =1.0.0 extra?"), "{line}: {found}");
    }
    assert_eq!(describe(&script("git push user@host.example")), "");
}

#[test]
fn a_value_that_may_be_stale_is_never_the_only_reading() {
    for line in [
        "V=1.0.0; for V in 2.0.0; do npx evil@$V; done",
        "V=1.0.0; V=2.0.0; npx evil@$V",
        "V=1.0.0; read V; npx evil@$V",
        "V=1.0.0; unset V; npx evil@$V",
        "V=1.0.0; printf -v V %s 2; npx evil@$V",
        "V=1.0.0; V+=2; npx evil@$V",
        "(V=1.0.0); npx evil@$V",
        "false && V=1.0.0; npx evil@$V",
        "V=1.0.0 npx evil@$V",
        "V=1.0.0; f() { npx evil@$V; }; V=2.0.0; f",
    ] {
        let found = describe(&script(line));
        assert!(found.contains("npm:evil #$V"), "{line}: {found}");
        assert!(found.contains("npm:evil ="), "{line}: {found}");
    }
    let cut = describe(&script("V=1.0.0; npx evil@${V%.0}"));
    assert!(cut.contains("npm:evil #${V%.0}"), "{cut}");
    let sure = describe(&script("V=1.0.0; W=2; npx evil@$V"));
    assert!(!sure.contains('$'), "{sure}");
}

#[test]
fn files_that_a_script_writes_are_kept_with_their_names() {
    let writes = |line: &str| script(line).writes;
    let pair = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    assert_eq!(
        writes("cat > r.txt <<EOF\na==1\nEOF\necho b"),
        pair("r.txt", "a==1\n")
    );
    for quoted in ["\"r.txt\"", "'r.txt'", "r.'txt'"] {
        let line = format!("cat > {quoted} <<EOF\na==1\nEOF\necho b");
        assert_eq!(writes(&line), pair("r.txt", "a==1\n"), "{quoted}");
    }
    let open = describe(&script("echo a > \"$X\"; npx evil@1.0.0"));
    assert!(open.starts_with("npm:evil =1.0.0"), "{open}");
    assert_eq!(writes("echo a==1 b > r.txt"), pair("r.txt", "a==1 b"));
    assert_eq!(writes("cat r.txt; echo a"), []);
}

#[test]
fn identity_needs_certainty() {
    let named = |line: &str| launch(&argv(line), &[]).identity().map(|c| c.name.clone());
    assert_eq!(named("npx -y @s/p@1.2.3"), Some("@s/p".to_owned()));
    assert_eq!(named("docker run img:1 npx evil"), Some("img".to_owned()));
    for line in [
        "npx --foo good evil",
        "npx good@npm:evil@1.0.0",
        "npx --registry https://r.example p",
        "sh -c 'npx a; npx b'",
        "npx --package=a --package=b -- c",
        "node index.js",
        "uv run --with p s.py",
        "backdoor env npm_config_package=trusted@1.0.0 x",
        "sh -c 'npm_config_package=trusted@1.0.0 x'",
        "env npm_config_package=trusted@1.0.0 backdoor",
        "npm_config_package=trusted@1.0.0 backdoor",
        "UV_WITH=trusted uvx backdoor x",
    ] {
        assert_eq!(named(line), None, "{line}");
    }
    assert_eq!(
        named("sh -c 'exec -a good npx evil'"),
        Some("evil".to_owned())
    );
    let beside = [("npm_config_package".to_owned(), "trusted@1.0.0".to_owned())];
    assert!(launch(&argv("backdoor x"), &beside).identity().is_none());
}

#[test]
fn ordinary_wrappers_take_no_certainty() {
    for line in [
        "npx --no p",
        "npx --no-install p x",
        "stdbuf -i0 -oL npx p",
        "stdbuf --input=0 npx p",
        "xvfb-run --auto-servernum npx p",
        "xvfb-run -a -s '-screen 0 1x1x24' npx -y p",
        "fnm exec --using=20 npx -y p -- x",
        "fnm exec --using 20 -- npx -y p -- x",
        "asdf exec npx p -- x",
        "direnv exec . npx -y p -- x",
        "mise x node@20 -- npx -y p -- x",
        "clawdefender proxy --server npx -- npx -y p -- x",
        "ionice -c 3 npx p",
        "ionice -c3 -n 7 nice -5 npx p",
        "sudo -n npx p",
        "sudo -k -u me npx p",
        "timeout -s KILL 5 npx p",
        "timeout -k 5 60 npx p",
        "time -p npx p",
        "command -p npx p",
        "tini -g -- npx p",
        "sh -ce 'npx p'",
    ] {
        let found = launch(&argv(line), &[]);
        let named = found.identity().map(|c| c.name.as_str());
        assert_eq!(named, Some("p"), "{line}: {}", describe(&found));
    }
    // A command of its own before its own dashes.
    let found = describe(&launch(&argv("nvm exec 20 npx -y p -- npx x"), &[]));
    assert!(found.starts_with("npm:p, "), "{found}");
    assert!(found.ends_with("ambiguous"), "{found}");
}

#[test]
fn packages_that_node_loads_first_are_ordinary() {
    for line in [
        "node --import tsx server.ts",
        "node -r dotenv/config server.js",
        "node -r ts-node/register --import @s/p/register.mjs server.js",
        "node --import=node:process server.js",
        "bun -r dotenv/config server.ts",
    ] {
        check(line, "path");
    }
}

#[test]
fn no_argv_panics_or_takes_more_than_linear_time() {
    const PIECES: [&str; 44] = [
        "npx",
        "-y",
        "--",
        "sh",
        "-c",
        "$(",
        ")",
        "`",
        "'",
        "\"",
        "|",
        "&&",
        ";",
        "env",
        "A=b",
        "-S",
        "docker",
        "run",
        "--entrypoint",
        "python",
        "-m",
        "pip",
        "install",
        "uv",
        "tool",
        "@",
        "@a/b@1",
        "npm:",
        "x@npm:y@npm:z",
        "é",
        "\u{fffc}",
        "",
        "-",
        "-pé",
        "--=",
        "--package=",
        "cmd",
        "/c",
        "<(",
        ">",
        "sudo",
        "--x",
        "deno",
        "0\u{301}",
    ];
    // A fixed linear congruential sequence: the same words on every run.
    let mut state = 0x2545_f491_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let words: Vec<String> = (0..next(12))
            .map(|_| PIECES[next(PIECES.len())].to_owned())
            .collect();
        let _ = launch(&words, &[]);
        let separator = if next(2) == 0 { " " } else { "" };
        let _ = script(&words.join(separator));
    }
    let deep = "sh -c ".repeat(2_000);
    let _ = script(&deep);
    let _ = script(&"$(".repeat(20_000));
    let many: Vec<String> = (0..20_000).map(|_| "sudo".to_owned()).collect();
    let found = launch(&many, &[]);
    assert!(found.ambiguous);
    for pattern in [
        ["sudo", "--x", "npx", "@a/b@1"],
        ["npm", "--x", "exec", "a"],
        ["docker", "--x", "run", "-"],
    ] {
        let words: Vec<String> = (0..20_000).map(|n| pattern[n % 4].to_owned()).collect();
        assert!(launch(&words, &[]).ambiguous, "{pattern:?}");
    }
}

/// What is made out of a script, in bytes, stays below a few times what is read of it.
#[test]
fn no_script_grows_when_it_is_read() {
    let big = "a".repeat(1000);
    let shapes = [
        format!("pip install {}x", "--pip-args=".repeat(400)),
        format!("pipx install {}x", "--pip-args=".repeat(10_000)),
        format!(
            "echo {} | xargs echo {}",
            "a ".repeat(20_000),
            "{} ".repeat(20_000)
        ),
        format!(
            "echo {} | xargs echo {}",
            big.repeat(60),
            "{}".repeat(30_000)
        ),
        format!(
            "parallel echo {} ::: {}",
            "{} ".repeat(5_000),
            "b ".repeat(30_000)
        ),
        format!(
            "parallel {} ::: {}",
            "echo ".repeat(10_000),
            "b ".repeat(30_000)
        ),
        format!(
            "a={big}; {}",
            format!("$(b={})", "$a".repeat(256)).repeat(200)
        ),
        format!("a={big}; {}", "$a$a$a$a$a$a$a$a ".repeat(4_000)),
        format!("a={big}; {}", "sh -c \"$a $a $a $a\";".repeat(4_000)),
        format!("{}{}", "$(a=$(".repeat(3_000), "))".repeat(3_000)),
    ];
    for text in shapes {
        let mut reader = super::Reader::default();
        reader.script(&text, super::Role::Main, super::MAX_DEPTH);
        let start = text.get(..60).unwrap();
        assert!(
            reader.made <= 4 * super::MAX_WORK,
            "{start}: {}",
            reader.made
        );
        let (wrapped, said) = (text.len() > 8_000, reader.found.opaque);
        assert!(
            !wrapped || said >= Some(Opaque::Script),
            "{start}: {said:?}"
        );
    }
}

#[test]
fn running_out_of_readings_is_said() {
    let padded = |times| format!("sudo --x y {} npx evil", "npx a@1.0.0 ".repeat(times));
    check_end(&padded(20), "npm:evil, ambiguous");
    check_end(&padded(2_000), "convoluted");
    check_end(&format!("{}npx evil", "nice ".repeat(9)), "convoluted");
    check_end(&format!("{}npx evil", "nice ".repeat(7)), "npm:evil");
}

#[track_caller]
fn check_end(line: &str, end: &str) {
    let found = facts(&argv(line), &[]);
    assert!(found.ends_with(end), "{found}");
}
