//! Wrapping and undoing on real files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const CONFIG: &str = "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"gh\": { \"command\": \"npx\", \"args\": [\"-y\", \"gh\"] }, // mine\r\n\t\t\"fs\": { \"command\": \"fs\" }\r\n\t}\r\n}";

fn env(root: &std::path::Path) -> Env {
    let (home, cwd) = (root.join("home"), root.join("project"));
    fs::create_dir_all(home.join(".cursor")).unwrap();
    fs::create_dir_all(&cwd).unwrap();
    let exe = PathBuf::from("/opt/clawdefender");
    Env {
        home,
        vars: BTreeMap::new(),
        cwd,
        exe,
        journal_dir: root.join("journal"),
    }
}

fn run(env: &Env, servers: &[&str], verb: Verb) -> usize {
    let servers = servers.iter().map(|server| (*server).to_owned()).collect();
    let changes = plan(
        env,
        &Selection {
            servers,
            clients: Vec::new(),
        },
        verb,
    );
    for change in &changes {
        apply(env, change.as_ref().unwrap()).unwrap();
    }
    changes.len()
}

#[test]
fn wrap_then_unwrap_restores_bytes_and_mode_with_or_without_a_journal() {
    for keep_journal in [true, false] {
        let root = tempfile::tempdir().unwrap();
        let env = env(root.path());
        let path = env.home.join(".claude.json");
        fs::write(&path, CONFIG).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(run(&env, &["gh"], Verb::Wrap), 1);
        assert_eq!(run(&env, &[], Verb::Wrap), 1, "the second server");
        assert_eq!(
            run(&env, &[], Verb::Wrap),
            0,
            "wrapping again changes nothing"
        );
        if !keep_journal {
            fs::remove_dir_all(&env.journal_dir).unwrap();
        }
        assert_eq!(run(&env, &[], Verb::Unwrap), 1);
        assert_eq!(fs::read(&path).unwrap(), CONFIG.as_bytes());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(
            fs::read_dir(&env.home).unwrap().count(),
            2,
            "no temporary file is left"
        );
    }
}

#[test]
fn what_the_client_changed_since_is_kept_when_undoing() {
    let root = tempfile::tempdir().unwrap();
    let env = env(root.path());
    let path = env.home.join(".cursor/mcp.json");
    fs::write(&path, CONFIG).unwrap();
    run(&env, &[], Verb::Wrap);
    let added = "\"new\": { \"url\": \"https://x\" }, \"gh\"";
    let drifted = fs::read_to_string(&path)
        .unwrap()
        .replacen("\"gh\"", added, 1);
    fs::write(&path, drifted).unwrap();
    run(&env, &[], Verb::Unwrap);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        CONFIG.replacen("\"gh\"", added, 1)
    );
}

#[test]
fn a_linked_configuration_is_changed_at_its_target() {
    let root = tempfile::tempdir().unwrap();
    let mut env = env(root.path());
    let target = root.path().join("dotfiles.json");
    fs::write(&target, CONFIG).unwrap();
    let dir = root.path().join("elsewhere");
    fs::create_dir(&dir).unwrap();
    symlink(&target, dir.join(".claude.json")).unwrap();
    env.vars.insert(
        "CLAUDE_CONFIG_DIR".to_owned(),
        dir.to_str().unwrap().to_owned(),
    );
    run(&env, &[], Verb::Wrap);
    assert!(dir.join(".claude.json").is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("proxy"));
    run(&env, &[], Verb::Unwrap);
    assert_eq!(fs::read(&target).unwrap(), CONFIG.as_bytes());
}

#[test]
fn a_file_that_changed_since_the_plan_is_not_written() {
    let root = tempfile::tempdir().unwrap();
    let env = env(root.path());
    let path = env.cwd.join(".mcp.json");
    fs::write(&path, CONFIG).unwrap();
    let changes = plan(&env, &Selection::default(), Verb::Wrap);
    fs::write(&path, "{}").unwrap();
    let refused = apply(&env, changes[0].as_ref().unwrap());
    assert!(matches!(refused, Err(ClientError::Changed { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"{}");
    assert_eq!(fs::read_dir(&env.cwd).unwrap().count(), 1);
}

#[test]
fn one_broken_file_is_named_and_does_not_hide_the_others() {
    let root = tempfile::tempdir().unwrap();
    let env = env(root.path());
    fs::write(env.home.join(".claude.json"), "{\n oops").unwrap();
    fs::write(env.cwd.join(".mcp.json"), CONFIG).unwrap();
    let changes = plan(&env, &Selection::default(), Verb::Wrap);
    assert_eq!(changes.len(), 2);
    assert!(
        changes[0]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains(".claude.json:2:2:")
    );
    let diff = changes[1].as_ref().unwrap().diff();
    assert_eq!(diff[0], "@@ -3,2 +3,2 @@");
    assert!(
        diff[1].starts_with("-\\t\\t\"gh\"") && diff[3].starts_with("+\\t\\t\"gh\""),
        "{diff:?}"
    );
    let found = status(&env);
    assert!(found[0].is_err());
    let states: Vec<State> = found[1]
        .as_ref()
        .unwrap()
        .servers
        .iter()
        .map(|server| server.state)
        .collect();
    assert_eq!(states, [State::NotWrapped, State::NotWrapped]);
}
