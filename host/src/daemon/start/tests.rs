//! What a daemon does when its log takes nothing, and what it finds at its start.

use super::*;
use crate::approval::{Answer, AnswerError, Approver, Question, Scope};
use crate::daemon::policy_watch::ReloadError;
use crate::policy::Profile;

/// A daemon without detectors, whose log is open or closed.
fn parts(home: &Home) -> Parts {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let judge = Judge::new(
        Set::new(Vec::new(), Vec::new()),
        Policy::builtin(Profile::Balanced, home.user()),
        Ledger::open(&home.audit_dir(), Arc::new(now_ms)).unwrap(),
        Desk::new(DeskLimits::default(), ProcessTable),
        Histories::default(),
        Pins::open(pins_file(home)),
        places(home),
        JudgeLimits {
            max_frame_bytes: 1 << 20,
            max_ruling_bytes: crate::wire::MAX_RULING_BYTES,
            ask_hold: Duration::from_secs(1),
        },
        runtime.handle().clone(),
    );
    Parts {
        home: home.clone(),
        api: OnceLock::new(),
        config: Config::default(),
        settings: Settings::default(),
        chains: None,
        judge: Arc::new(judge),
        feeds: Mutex::new(Feeds::open(&home.feeds_dir(), now().unwrap()).unwrap()),
        policies: Mutex::default(),
        changing: Mutex::default(),
        progress: Progress::default(),
        cache: CodeCache::open(&home.cache_dir()).unwrap(),
        runtime,
        http: Mutex::default(),
        started_ms: now_ms(),
        policy_seen: None,
        policy_error: Mutex::new(None),
        overrides_error: None,
    }
}

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("clawdefender"), folder.path());
    fs::create_dir(home.root()).unwrap();
    (folder, home)
}

fn question() -> Question {
    Question {
        at_ms: 0,
        client: "editor".into(),
        server: "files".into(),
        package: None,
        tool: "write_file".into(),
        kind: "tool-call".into(),
        sentence: "runs a tool".into(),
        arguments: serde_json::Value::Null,
        rule: "writes".into(),
        reason: "writes a file".into(),
        findings: Vec::new(),
        scope: Scope {
            client: "editor".into(),
            server: "files".into(),
            tool: "write_file".into(),
            arguments_sha256: "a".into(),
            policy_version: "v1".into(),
        },
    }
}

fn browser() -> Approver {
    Approver {
        door: "api".into(),
        user: "token".into(),
        pid: None,
    }
}

#[test]
fn a_policy_applies_once_its_change_is_recorded_and_not_before() {
    let (_folder, home) = home();
    let parts = parts(&home);
    let first = parts.judge.policy().version().to_owned();
    fs::write(home.policy_file(), "version = 1\nprofile = \"strict\"\n").unwrap();
    let second = parts.reload_policy().unwrap();
    assert_ne!(second, first);
    parts.judge.ledger().finish().unwrap();
    fs::write(home.policy_file(), "version = 1\nprofile = \"monitor\"\n").unwrap();
    let refused = parts.reload_policy();
    assert!(matches!(refused, Err(ReloadError::NotRecorded)));
    assert_eq!(parts.judge.policy().version(), second);
    let told = parts.policy_error().clone().unwrap();
    assert!(told.contains("could not be recorded"), "{told}");
}

#[test]
fn a_policy_that_can_no_longer_be_read_stays_and_one_that_never_could_is_strict() {
    let (_folder, home) = home();
    let path = home.policy_file();
    fs::write(&path, "version = 1\nprofile = \"monitor\"\n").unwrap();
    let parts = parts(&home);
    parts.reload_policy().unwrap();
    let profile = || parts.judge.policy().profile();
    assert_eq!(profile(), Profile::Monitor);
    let stays = || {
        assert!(matches!(
            parts.reload_policy(),
            Err(ReloadError::Unreadable(_))
        ));
        assert_eq!(profile(), Profile::Monitor);
        assert!(parts.policy_error().is_some());
        let (policy, why) = load_policy(&home).unwrap();
        assert_eq!((policy.profile(), why.is_some()), (Profile::Strict, true));
    };
    fs::write(&path, b"# caf\xe9\nprofile = \"balanced\"\n").unwrap();
    stays();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nothing", &path).unwrap();
    stays();
    // One that is really gone has been taken away.
    fs::remove_file(&path).unwrap();
    parts.reload_policy().unwrap();
    assert_eq!(profile(), Profile::Balanced);
}

#[test]
fn an_answer_is_taken_once_it_is_recorded_and_not_before() {
    let (_folder, home) = home();
    let parts = parts(&home);
    let desk = parts.judge.desk();
    let hour = Answer::AllowFor {
        duration: Duration::from_secs(3600),
    };
    // Nobody waits any more: the answer would be kept for the retry.
    let ask = || desk.ask(question()).id().unwrap().to_owned();
    let id = ask();
    parts.settle_question(&id, hour, browser()).unwrap();
    let [grant] = desk.grants().try_into().unwrap();
    desk.revoke(&grant.id);
    let id = ask();
    parts.judge.ledger().finish().unwrap();
    let refused = parts.settle_question(&id, hour, browser());
    assert_eq!(refused, Err(AnswerError::NotRecorded));
    assert_eq!((desk.list().len(), desk.grants().len()), (1, 0));
}

#[test]
fn what_a_killed_daemon_said_of_its_ports_is_gone_before_another_has_the_lock() {
    let (_folder, home) = home();
    let lock = super::lock(&home).unwrap().unwrap();
    let files = [home.api_file(), home.mcp_file()];
    for file in &files {
        fs::write(file, "{}").unwrap();
    }
    // Whoever does not get the lock leaves what the one that has it wrote.
    assert!(super::lock(&home).unwrap().is_none());
    assert!(files.iter().all(|file| file.exists()));
    drop(lock);
    let _lock = super::lock(&home).unwrap().unwrap();
    assert!(!files.iter().any(|file| file.exists()));
}
