//! What a person asks about packages and servers before they run, and what a person overrides.

use crate::kit::{Cli, Client, Daemon, Home, environment, kit_file};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn a_package_is_affected_possible_not_affected_or_unknown() {
    let home = Home::new();
    let check = |packages: &[&str]| {
        let words = [&["package", "check", "--json"], packages].concat();
        home.cli(&words)
    };
    let known = |ended: &Cli| -> Vec<String> {
        let answer = ended.json();
        let packages = answer["packages"].as_array().unwrap();
        let word = |one: &Value| one["known"].as_str().unwrap().to_owned();
        packages.iter().map(word).collect()
    };
    let bad = check(&["npm:postmark-mcp@1.0.16"]);
    assert_eq!((bad.code, known(&bad)), (3, vec!["affected".to_owned()]));
    let finding = &bad.json()["packages"][0]["findings"][0];
    assert_eq!(finding["refs"], json!(["MAL-2025-47604"]), "{finding:#}");
    assert_eq!(finding["package"], "npm:postmark-mcp@1.0.16");
    assert_eq!(finding["severity"], "critical");
    assert!(!bad.json()["sources"].as_array().unwrap().is_empty());

    let mixed = check(&[
        "pkg:npm/chalk@5.6.2",
        "npm:chalk",
        "npm:nobody-knows-this@1.0.0",
    ]);
    assert_eq!(known(&mixed), ["not-affected", "possible", "no-data"]);
    assert_eq!(mixed.code, 3, "possible is not clean");
    let unknown = check(&["pypi:nobody-knows-this==1.0", "npm:chalk@5.6.2"]);
    assert_eq!(
        (unknown.code, known(&unknown)),
        (0, vec!["no-data".into(), "not-affected".into()])
    );

    let shown = home.cli(&["package", "check", "npm:nobody-knows-this@1.0.0"]);
    assert!(shown.out.starts_with("– no data"), "{shown:?}");
    assert!(!shown.out.contains('✔'), "{shown:?}");

    let wrong = [
        "postmark-mcp",
        "swift:x@1",
        "npm:github:a/b",
        "pkg:npm/good%40npm%3Aevil@1.0.0",
        "pkg:npm/x@1?repository_url=https://evil.example",
        "npm:a\u{1b}[2J",
        "npm:a b",
    ];
    for wrong in wrong {
        // What is right beside it is not answered alone: somebody would take that for all.
        let ended = home.cli(&["package", "check", "npm:chalk@5.6.2", wrong]);
        assert_eq!(ended.code, 2, "{wrong}: {ended:?}");
        assert!(
            ended.out.is_empty() && ended.err.contains("hint: clawdefender"),
            "{ended:?}"
        );
        assert!(!ended.err.contains('\u{1b}'), "{ended:?}");
    }
}

#[test]
fn with_a_policy_that_can_not_be_read_nothing_is_called_clean() {
    let home = Home::new();
    fs::write(home.root().join("policy.toml"), "nonsense").unwrap();
    let ended = home.cli(&["package", "check", "npm:chalk@5.6.2"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.is_empty(), "{ended:?}");
    assert_eq!(home.cli(&["scan"]).code, 1);
}

const SECRET: &str = "s3cr3t-Tok3n-9f8e7d6c5b4a";

/// One server that is bad, one that is fine, one by URL, one that is installed in a bad version.
fn configs(home: &Home) -> PathBuf {
    let project = home.user().join("project");
    let installed = project.join("node_modules/chalk");
    fs::create_dir_all(&installed).unwrap();
    fs::write(
        installed.join("package.json"),
        r#"{"name":"chalk","version":"5.6.1","bin":"x.js"}"#,
    )
    .unwrap();
    fs::write(installed.join("x.js"), "").unwrap();
    let key = |name: &str| json!({ "API_KEY": SECRET, "npm_config__authToken": SECRET, name: "1" });
    let config = json!({
        "mcpServers": {
            "bad": { "command": "npx", "args": ["-y", "postmark-mcp@1.0.16", "--token", SECRET], "env": key("A") },
            "far": { "type": "http", "url": format!("https://far.example/mcp?key={SECRET}"), "headers": { "Authorization": SECRET } },
            "fine": { "command": "npx", "args": ["-y", "chalk@5.6.2"] },
            "odd\u{1b}[2J": { "args": [] },
        },
        "projects": { project.to_str().unwrap(): { "mcpServers": {
            "installed": { "command": "npx", "args": ["chalk"] },
        } } },
    });
    let elsewhere = home.file("dotfiles.json");
    fs::write(&elsewhere, serde_json::to_string_pretty(&config).unwrap()).unwrap();
    symlink(&elsewhere, home.user().join(".claude.json")).unwrap();
    elsewhere
}

#[test]
fn a_scan_judges_every_server_the_same_wrapped_or_not_and_prints_no_secret() {
    let home = Home::new();
    let path = configs(&home);
    let seen = |ended: &Cli| -> Vec<Value> {
        assert_eq!(ended.code, 3, "{ended:?}");
        ended.json()["servers"].as_array().unwrap().clone()
    };
    let first = home.cli(&["scan", "--json"]);
    let servers = seen(&first);
    let short: Vec<String> = servers
        .iter()
        .map(|server| {
            let word = |key: &str| server[key].as_str().unwrap_or("-").to_owned();
            let action = server["decision"]["action"].as_str().unwrap_or("-");
            format!(
                "{} {action} {} {} {} {} {}",
                word("server"),
                word("pin"),
                word("package"),
                word("known"),
                word("installed"),
                server["hit"]
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            "bad deny pinned npm:postmark-mcp@1.0.16 affected - true",
            "far allow remote https://far.example - - false",
            "fine allow pinned npm:chalk@5.6.2 not-affected - false",
            "odd\u{1b}[2J - unknown - - - false",
            "installed deny unpinned npm:chalk possible affected true",
        ]
    );
    assert_eq!(servers[4]["identity"]["package"], "npm:chalk@5.6.1");
    let text = fs::read_to_string(&path).unwrap();
    let line = |name: &str| {
        let mut lines = text.lines();
        let at = lines.position(|line| line.trim_start().starts_with(&format!("\"{name}\":")));
        at.unwrap() + 1
    };
    assert_eq!(servers[0]["line"], line("bad"));
    assert_eq!(servers[4]["line"], line("installed"));

    home.cli(&["wrap", "--all"]).done();
    let wrapped = seen(&home.cli(&["scan", "--json"]));
    assert_eq!(wrapped[0]["state"], "wrapped");
    let judged = |servers: &[Value]| -> Vec<Value> {
        let facts = |server: &Value| {
            json!([
                server["decision"],
                server["findings"],
                server["pin"],
                server["hit"]
            ])
        };
        servers.iter().map(facts).collect()
    };
    assert_eq!(judged(&wrapped), judged(&servers));

    let text = home.cli(&["scan"]);
    let sarif = home.cli(&["scan", "--sarif"]);
    assert_eq!((text.code, sarif.code), (3, 3));
    for ended in [&first, &text, &sarif] {
        let all = format!("{}{}", ended.out, ended.err);
        assert!(!all.contains(SECRET) && !all.contains('\u{1b}'), "{all}");
    }
    let log = sarif.json();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let rules: Vec<&str> = results
        .iter()
        .map(|result| result["ruleId"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"supply-chain.malicious"), "{rules:?}");
    let uri = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
    assert!(uri.unwrap().ends_with("/user/.claude.json"), "{uri:?}");
}

#[test]
fn a_configuration_that_can_not_be_read_is_an_error_and_hides_no_other() {
    let home = Home::new();
    let none = home.cli(&["scan", "--json"]);
    assert_eq!((none.code, &none.json()["servers"]), (0, &json!([])));

    let claude = home.user().join(".claude.json");
    fs::write(
        &claude,
        r#"{"mcpServers":{"fine":{"command":"npx","args":["chalk@5.6.2"]}}}"#,
    )
    .unwrap();
    assert_eq!(home.cli(&["scan"]).code, 0);
    let cursor = home.user().join(".cursor/mcp.json");
    fs::create_dir_all(cursor.parent().unwrap()).unwrap();
    let deep = "[".repeat(100_000);
    let twice = r#"{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}"#;
    for broken in ["{\"mcpServers\": {", twice, &deep, "\u{0}"] {
        fs::write(&cursor, broken).unwrap();
        let ended = home.cli(&["scan", "--json"]);
        assert_eq!(ended.code, 1, "{ended:?}");
        let answer = ended.json();
        assert_eq!(answer["servers"].as_array().unwrap().len(), 1);
        assert_eq!(answer["problems"][0]["path"], json!(cursor));
        assert!(home.cli(&["scan"]).out.contains("✖ unreadable"));
        let log = home.cli(&["scan", "--sarif"]).json();
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
    }
    // Neither a pipe nor a device is waited for.
    for stand_in in ["/dev/zero", "pipe"] {
        fs::remove_file(&cursor).unwrap();
        if stand_in == "pipe" {
            let made = Command::new("mkfifo").arg(&cursor).status().unwrap();
            assert!(made.success());
        } else {
            symlink(stand_in, &cursor).unwrap();
        }
        assert_eq!(home.cli(&["scan"]).code, 1, "{stand_in}");
    }
}

/// Runs the command line at a terminal and types one line.
pub fn at_terminal(home: &Home, typed: &str, arguments: &[&str]) -> Cli {
    let mut command = Command::new(&environment().python);
    home.lend(&mut command)
        .arg(kit_file("terminal.py"))
        .arg(typed)
        .arg(env!("CARGO_BIN_EXE_clawdefender"))
        .args(arguments);
    let ended = command.output().unwrap();
    Cli {
        code: ended.status.code().unwrap_or(-1),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

const PACKAGE: &str = "npm:mcp-remote@0.1.10";
const ADVISORY: &str = "CVE-2025-6514";

/// Makes an override, with these words typed.
fn overriding(home: &Home, typed: &str, advisory: &str, package: &str) -> Cli {
    let words = ["override", "add", advisory, package];
    let rest = ["--days", "7", "--reason", "only our own URL"];
    at_terminal(home, typed, &[&words[..], &rest[..]].concat())
}

/// What becomes of a launch of this package; `false` is a denial.
fn launches(home: &Home, package: &str) -> bool {
    let question = json!({ "command": ["npx", "-y", package] }).to_string();
    let path = home.file("question.jsonl");
    fs::write(&path, question).unwrap();
    let answer = home.cli(&["inspect", path.to_str().unwrap()]).done().json();
    answer["decision"] != "deny"
}

#[test]
fn a_person_overrides_one_advisory_and_nothing_else() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    assert!(!launches(&home, "mcp-remote@0.1.10"));

    // No terminal, another word, another version, another advisory: nothing happens.
    let words = [
        "override", "add", ADVISORY, PACKAGE, "--days", "7", "--reason", "x",
    ];
    assert_eq!(home.cli(&words).code, 4);
    assert_eq!(overriding(&home, "yes", ADVISORY, PACKAGE).code, 4);
    let other = overriding(&home, ADVISORY, ADVISORY, "npm:mcp-remote@9.9.9");
    assert_eq!(other.code, 3, "{other:?}");
    let other = overriding(&home, "CVE-2020-1", "CVE-2020-1", PACKAGE);
    assert_eq!(other.code, 3, "{other:?}");
    for days in ["0", "91"] {
        let mut words = words;
        words[5] = days;
        assert_eq!(home.cli(&words).code, 2);
    }
    assert!(!launches(&home, "mcp-remote@0.1.10"));
    assert_eq!(home.records("kind:override-made").len(), 0);

    let made = overriding(&home, ADVISORY, ADVISORY, PACKAGE);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(launches(&home, "mcp-remote@0.1.10"));
    assert!(!launches(&home, "mcp-remote@0.1.9"), "another version");
    assert!(!launches(&home, "postmark-mcp@1.0.16"));
    let listed = home.cli(&["override", "list", "--json"]).done().json();
    let one = &listed["overrides"][0];
    assert_eq!(
        (&one["package"], &one["advisory"]),
        (&json!(PACKAGE), &json!(ADVISORY))
    );
    assert_eq!(one["in_force"], true);
    let id = one["id"].as_str().unwrap().to_owned();
    let record = home.record("kind:override-made");
    assert!(
        record["note"]
            .as_str()
            .unwrap()
            .contains("only our own URL"),
        "{record:#}"
    );

    // The launch itself: let through, and recorded as overridden.
    let shim = [
        "proxy",
        "--server",
        "r",
        "--",
        "npx",
        "-y",
        "mcp-remote@0.1.10",
    ];
    let mut start = Command::new("python3");
    home.lend(&mut start)
        .env("npm_config_offline", "true")
        .arg(kit_file("launcher.py"))
        .arg(env!("CARGO_BIN_EXE_clawdefender"))
        .args(shim);
    let mut group = crate::kit::Group::spawn(&mut start);
    crate::kit::wait_for("the record of a launch", || {
        home.records("type:launch").pop()
    });
    group.kill();
    let launch = home.record("type:launch");
    assert_eq!(launch["decision"]["action"], "log", "{launch:#}");
    let used = launch["findings"].as_array().unwrap();
    let used = used
        .iter()
        .find(|finding| finding["overridden"] == id.as_str());
    assert_eq!(used.unwrap()["package"], PACKAGE, "{launch:#}");

    // It outlives the daemon, and ends at once when it is removed.
    daemon.kill();
    let daemon = Daemon::start(&home);
    assert!(launches(&home, "mcp-remote@0.1.10"));
    let kept = fs::read_to_string(home.root().join("overrides.json")).unwrap();
    home.cli(&["override", "remove", &id]).done();
    assert!(!launches(&home, "mcp-remote@0.1.10"));
    assert_eq!(home.cli(&["override", "remove", &id]).code, 3);
    home.record("kind:override-removed");
    home.verify_audit();

    // A file that a daemon did not write makes none, and is told.
    daemon.kill();
    let forged = kept.replace("0.1.10", "0.1.9");
    fs::write(home.root().join("overrides.json"), forged).unwrap();
    let _daemon = Daemon::start(&home);
    assert!(!launches(&home, "mcp-remote@0.1.9"));
    assert_eq!(
        home.cli(&["override", "list", "--json"]).json()["overrides"],
        json!([])
    );
    home.record("kind:overrides-refused");
    let told = home.cli(&["package", "check", "npm:mcp-remote@0.1.9"]);
    assert!(
        told.code == 3 && told.err.contains("overrides.json"),
        "{told:?}"
    );
}

#[test]
fn an_agent_cannot_override() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let server = crate::kit::Script::echo(&["say"]).install(&home, "files");
    // Here this process is the client, so what it starts descends from the client.
    let client = Client::open(&home, &server);
    let refused = overriding(&home, ADVISORY, ADVISORY, PACKAGE);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(!launches(&home, "mcp-remote@0.1.10"));
    home.record("kind:override-refused");
    client.close();
}

#[test]
fn what_runs_in_place_of_what_the_command_says_is_judged() {
    let home = Home::new();
    configs(&home);
    let bin = home.user().join("node_modules/.bin");
    fs::create_dir_all(&bin).unwrap();
    symlink("../project/node_modules/chalk", bin.join("../chalk")).unwrap();
    symlink("../chalk/x.js", bin.join("some-e2e-server")).unwrap();
    let needs = |version: &str| {
        let list = format!("# dependencies = ['mcp-runcmd-server=={version}']");
        let script = format!("# /// script\n{list}\n# ///\n");
        fs::write(home.user().join("server.py"), script).unwrap();
    };
    let config = json!({ "mcpServers": {
        "shadowed": { "command": "npx", "args": ["-y", "some-e2e-server"] },
        "script": { "command": "uv", "args": ["run", "server.py"] },
    } });
    let place = home.user().join(".claude.json");
    fs::remove_file(&place).unwrap();
    fs::write(&place, config.to_string()).unwrap();
    let judged = |name: &str| {
        let scanned = home.cli(&["scan", "--json"]).json();
        let mut servers = scanned["servers"].as_array().unwrap().iter();
        let server = servers.find(|server| server["server"] == name).unwrap();
        let rules = server["findings"].as_array().unwrap().iter();
        let mut rules: Vec<_> = rules.map(|one| one["rule"].as_str().unwrap()).collect();
        rules.retain(|rule| *rule != "supply-chain.unpinned");
        let action = server["decision"]["action"].as_str().unwrap();
        format!("{action} {}", rules.join(" "))
    };
    needs("1.0");
    assert_eq!(judged("script"), "deny supply-chain.malicious");
    let shadowed = judged("shadowed");
    assert!(shadowed.starts_with("deny "), "{shadowed}");
    assert!(shadowed.contains("launch.shadowed"), "{shadowed}");
    assert!(shadowed.contains("supply-chain.malicious"), "{shadowed}");
    // The good version of each.
    needs("9.0");
    let manifest = home.user().join("project/node_modules/chalk/package.json");
    fs::write(manifest, r#"{"name":"chalk","version":"5.6.2"}"#).unwrap();
    assert!(!judged("script").starts_with("deny"));
    let shadowed = judged("shadowed");
    assert_eq!(shadowed, "log launch.shadowed");
}

#[test]
fn a_folder_that_chooses_another_registry_is_found_before_anything_runs() {
    let home = Home::new();
    configs(&home);
    let rules = |place: &str, text: &str| -> Vec<(String, String)> {
        fs::write(home.user().join(place), text).unwrap();
        let scanned = home.cli(&["scan", "--json"]).json();
        let servers = scanned["servers"].as_array().unwrap();
        let find = |server: &Value| {
            let findings = server["findings"].as_array()?;
            let registry = findings
                .iter()
                .find(|finding| finding["rule"] == "supply-chain.registry-override")?;
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            Some((word(&server["server"]), word(&registry["severity"])))
        };
        servers.iter().filter_map(find).collect()
    };
    let of = |server: &str, severity: &str| (server.to_owned(), severity.to_owned());
    // The project's own file speaks for servers that start there.
    let project = "project/.npmrc";
    assert_eq!(rules(project, "registry=https://registry.npmjs.org/\n"), []);
    assert_eq!(
        rules(project, "registry=http://r.example/\n"),
        [of("installed", "medium")]
    );
    assert_eq!(
        rules(project, "@any:registry=https://r.example/\n"),
        [of("installed", "low")]
    );
}
