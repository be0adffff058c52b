//! What is asked of each official server: every tool, and every other thing that it offers.

use crate::kit::{Home, Plan, environment};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

fn node(server: &str, arguments: &[&str]) -> Vec<String> {
    let script = environment().npm_server(server);
    let words = ["node", script.to_str().unwrap()];
    let words = words.iter().chain(arguments);
    words.map(|word| (*word).to_owned()).collect()
}

fn python(module: &str, arguments: &[&str]) -> Vec<String> {
    let words = [environment().python.to_str().unwrap(), "-m", module];
    let words = words.iter().chain(arguments);
    words.map(|word| (*word).to_owned()).collect()
}

/// Tools, prompts, completions, resources, subscriptions, sampling, elicitation, roots, progress,
/// cancelling, logging. A task only for a client that can wait for one.
pub fn everything(tasks: bool) -> Plan {
    let text = "demo://resource/dynamic/text/1";
    let mut steps = json!([
        ["level", "debug"],
        ["ping"],
        ["call", "echo", { "message": "grüße, 世界" }],
        ["call", "get-sum", { "a": 40, "b": 2 }],
        ["call", "get-sum", { "a": "forty", "b": 2 }],
        ["call", "get-annotated-message", { "messageType": "error", "includeImage": true }],
        ["call", "get-resource-links", { "count": 3 }],
        ["call", "get-resource-reference", { "resourceType": "Text", "resourceId": 1 }],
        ["call", "get-structured-content", { "location": "Chicago" }],
        ["call", "gzip-file-as-resource",
            { "name": "a.gz", "data": "data:text/plain;base64,aGVsbG8=", "outputType": "resource" }],
        ["call", "trigger-sampling-request", { "prompt": "hello", "maxTokens": 10 }],
        ["call", "trigger-elicitation-request", {}],
        ["call", "no-such-tool", {}],
        ["roots-changed"],
        ["cancel", "trigger-long-running-operation", { "duration": 10, "steps": 40 }],
        ["call", "trigger-long-running-operation", { "duration": 2, "steps": 2 }],
        ["prompt", "simple-prompt", null],
        ["prompt", "args-prompt", { "city": "Oslo" }],
        ["prompt", "completable-prompt", { "department": "Engineering", "name": "Alice" }],
        ["prompt", "resource-prompt", { "resourceType": "Text", "resourceId": "1" }],
        ["prompt", "no-such-prompt", {}],
        ["complete", ["prompt", "completable-prompt"], "department", "E"],
        ["complete", ["resource", "demo://resource/dynamic/text/{resourceId}"], "resourceId", "1"],
        ["read", text],
        ["read", "demo://resource/session/a.gz"],
        ["read", "demo://resource/static/document/architecture.md"],
        ["read", "demo://resource/static/document/features.md"],
        ["read", "demo://nothing"],
        ["subscribe", text],
        ["call", "toggle-subscriber-updates", {}],
        ["hear", "notifications/resources/updated"],
        ["call", "toggle-subscriber-updates", {}],
        ["unsubscribe", text],
        // Over HTTP it comes on another connection than the answer, and nothing is asked afterwards.
        ["hear", "Received Unsubscribe"],
    ]);
    if tasks {
        let task = json!(["task", "simulate-research-query", { "topic": "tides" }]);
        steps.as_array_mut().unwrap().push(task);
    }
    let mut plan = Plan::stdio("everything", node("server-everything", &[]), steps);
    plan.roots = vec!["file:///work/project".into()];
    plan
}

pub fn filesystem(home: &Home) -> Plan {
    let folder = home.user().join("work");
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let command = node("server-filesystem", &[folder.to_str().unwrap()]);
    let steps = json!([
        ["call", "list_allowed_directories", {}],
        ["call", "read_text_file", { "path": at("kept/notes.md"), "head": 1 }],
        ["call", "read_file", { "path": at("kept/notes.md") }],
        ["call", "read_media_file", { "path": at("kept/dot.png") }],
        ["call", "read_multiple_files", { "paths": [at("kept/notes.md"), at("kept/missing.md")] }],
        ["call", "list_directory", { "path": at("kept") }],
        ["call", "list_directory_with_sizes", { "path": at("kept") }],
        ["call", "directory_tree", { "path": at("kept") }],
        ["call", "search_files", { "path": at("kept"), "pattern": "**/*.md" }],
        ["call", "get_file_info", { "path": at("still.txt") }],
        ["call", "create_directory", { "path": at("made/deep") }],
        ["call", "write_file", { "path": at("made/new.txt"), "content": "one\ntwo\n" }],
        ["call", "edit_file", { "path": at("made/new.txt"), "edits": [{ "oldText": "two", "newText": "three" }] }],
        ["call", "move_file", { "source": at("made/new.txt"), "destination": at("made/moved.txt") }],
    ]);
    Plan::stdio("filesystem", command, steps)
}

/// The folder as the filesystem server finds it. One file is made once, because nobody can set the
/// hour of its birth.
pub fn filesystem_anew(home: &Home) {
    let folder = home.user().join("work");
    let _ = fs::remove_dir_all(folder.join("made"));
    fs::create_dir_all(folder.join("kept")).unwrap();
    fs::write(folder.join("kept/notes.md"), "# Notes\nhello\n").unwrap();
    fs::write(folder.join("kept/dot.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let then = UNIX_EPOCH + Duration::from_secs(1_750_000_000);
    let times = fs::FileTimes::new()
        .set_modified(then)
        .set_accessed(then + Duration::from_secs(9));
    let mut open = fs::File::options();
    let still = open.write(true).create(true).truncate(false);
    let still = still.open(folder.join("still.txt")).unwrap();
    still.set_times(times).unwrap();
}

pub fn memory(home: &Home) -> Plan {
    let steps = json!([
        ["call", "create_entities", { "entities": [
            { "name": "Ada", "entityType": "person", "observations": ["writes programs"] },
            { "name": "Engine", "entityType": "machine", "observations": ["has cogs", "is loud"] },
        ] }],
        ["call", "create_relations", { "relations": [{ "from": "Ada", "to": "Engine", "relationType": "programs" }] }],
        ["call", "add_observations", { "observations": [{ "entityName": "Ada", "contents": ["likes 数"] }] }],
        ["call", "search_nodes", { "query": "cogs" }],
        ["call", "open_nodes", { "names": ["Ada"] }],
        ["read", "memory://knowledge-graph"],
        ["call", "delete_observations", { "deletions": [{ "entityName": "Engine", "observations": ["is loud"] }] }],
        ["call", "delete_relations", { "relations": [{ "from": "Ada", "to": "Engine", "relationType": "programs" }] }],
        ["call", "delete_entities", { "entityNames": ["Engine"] }],
        ["call", "read_graph", {}],
    ]);
    let mut plan = Plan::stdio("memory", node("server-memory", &[]), steps);
    plan.env = vec![("MEMORY_FILE_PATH", graph(home))];
    plan
}

fn graph(home: &Home) -> String {
    home.user().join("graph.jsonl").to_str().unwrap().to_owned()
}

pub fn memory_anew(home: &Home) {
    let _ = fs::remove_file(graph(home));
}

/// One author and one hour, so that every commit has the same name in every run.
fn git_env() -> Vec<(&'static str, String)> {
    [
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

pub fn git(home: &Home) -> Plan {
    let folder = home.user().join("repository");
    let repo = folder.to_str().unwrap();
    let call = |tool: &str, mut given: Value| {
        given["repo_path"] = json!(repo);
        json!(["call", tool, given])
    };
    let steps = json!([
        call("git_status", json!({})),
        call("git_diff_unstaged", json!({})),
        call("git_add", json!({ "files": ["notes.md"] })),
        call("git_diff_staged", json!({ "context_lines": 1 })),
        call("git_reset", json!({})),
        call("git_add", json!({ "files": ["notes.md", "new.md"] })),
        call("git_commit", json!({ "message": "notes: say more" })),
        call("git_log", json!({ "max_count": 5 })),
        call("git_show", json!({ "revision": "HEAD" })),
        call("git_create_branch", json!({ "branch_name": "side" })),
        call("git_checkout", json!({ "branch_name": "side" })),
        call("git_branch", json!({ "branch_type": "local" })),
        call("git_diff", json!({ "target": "HEAD~1" })),
        call("git_show", json!({ "revision": "no-such-revision" })),
    ]);
    let mut plan = Plan::stdio("git", python("mcp_server_git", &[]), steps);
    plan.env = git_env();
    plan
}

/// A repository with one commit, one changed file and one new one.
pub fn git_anew(home: &Home) {
    let folder = home.user().join("repository");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        let done = home
            .lend(&mut command)
            .envs(git_env())
            .current_dir(&folder)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "git {arguments:?}: {done:?}");
    };
    git(&["init", "--quiet", "--initial-branch", "main"]);
    fs::write(folder.join("notes.md"), "# Notes\nhello\n").unwrap();
    git(&["add", "notes.md"]);
    git(&["commit", "--quiet", "--message", "notes: begin"]);
    fs::write(folder.join("notes.md"), "# Notes\nhello, 世界\n").unwrap();
    fs::write(folder.join("new.md"), "new\n").unwrap();
}

pub fn time() -> Plan {
    let steps = json!([
        ["call", "get_current_time", { "timezone": "Europe/Oslo" }],
        ["call", "convert_time", { "source_timezone": "UTC", "time": "12:30", "target_timezone": "Asia/Kolkata" }],
        ["call", "get_current_time", { "timezone": "Mars/Olympus" }],
    ]);
    let command = python("mcp_server_time", &["--local-timezone", "UTC"]);
    Plan::stdio("time", command, steps)
}

/// `page` is a loopback URL: without the switch the server refuses those.
pub fn fetch(page: &str) -> Plan {
    let missing = format!("{page}/missing");
    let steps = json!([
        ["call", "fetch", { "url": page }],
        ["call", "fetch", { "url": page, "max_length": 20, "start_index": 10 }],
        ["call", "fetch", { "url": page, "raw": true }],
        ["call", "fetch", { "url": missing }],
        ["prompt", "fetch", { "url": page }],
    ]);
    let mut plan = Plan::stdio(
        "fetch",
        python("mcp_server_fetch", &["--allow-private-ips"]),
        steps,
    );
    // Without Node.js on its path the server reads pages by itself; with it, it would install
    // packages from the network first.
    plan.env = vec![("PATH", "/nonexistent".into())];
    plan
}
