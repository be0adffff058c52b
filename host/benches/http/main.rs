//! What a tool call over HTTP costs with ClawDefender in between, beside the direct path.
//!
//! One echo server is called directly, through a daemon without detectors, and through the product,
//! in turns within one run, at several sizes and numbers of connections. Nothing is asserted about
//! time; a call that does not come back as it should ends the run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench stops at the first thing that is not as it should be"
)]

#[path = "../path/quiet.rs"]
#[allow(dead_code, reason = "each bench serves it in its own way")]
mod quiet;
mod server;
#[path = "../subject/texts.rs"]
#[allow(dead_code, reason = "each bench reads some of it")]
mod texts;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const CONNECTIONS: [usize; 3] = [1, 8, 32];
const SIZES: [usize; 3] = [1 << 10, 10 << 10, 100 << 10];

/// How long one lane calls before it is the next one's turn.
const TURN: Duration = Duration::from_millis(400);
const TURNS: usize = 5;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |place: usize| words.get(place).map(String::as_str);
    match word(0) {
        Some("echo") => return server::echo(),
        Some("quiet-daemon") => {
            let (home, url) = (word(1).expect("a home"), word(2).expect("a URL"));
            return server::without_detectors(home.as_ref(), url);
        }
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
}

/// A process of this bench with a folder of its own, ended with it.
struct Process {
    child: Child,
    home: TempDir,
}

impl Process {
    fn start(file: &str, command: impl FnOnce(&TempDir) -> Command) -> (Self, String) {
        let home = tempfile::tempdir().unwrap();
        // A made-up text that is taken for an attack must be answered like any other.
        let policy = "version = 1\nprofile = \"monitor\"\n";
        std::fs::write(home.path().join("policy.toml"), policy).unwrap();
        let mut start = command(&home);
        let start = start
            .env("CLAWDEFENDER_HOME", home.path())
            .env("HOME", home.path());
        let child = start
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut process = Self { child, home };
        let path = process.home.path().join(file);
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            if let Ok(text) = std::fs::read_to_string(&path)
                && let Ok(facts) = serde_json::from_str::<serde_json::Value>(&text)
            {
                let address = facts.get("address").unwrap().as_str().unwrap().to_owned();
                return (process, address);
            }
            assert!(
                process.child.try_wait().unwrap().is_none(),
                "a process ended"
            );
            assert!(Instant::now() < until, "a process does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Lane {
    name: &'static str,
    uri: Uri,
    took: Vec<Duration>,
    spent: Duration,
}

async fn run() {
    let this = std::env::current_exe().unwrap();
    let (_echo, at) = Process::start("echo.json", |home| {
        let mut command = Command::new(&this);
        command.arg("echo").current_dir(home.path());
        command
    });
    let url = format!("http://{at}/mcp");
    let (_quiet, quiet) = Process::start("run/mcp.json", |home| {
        let mut command = Command::new(&this);
        command.arg("quiet-daemon").arg(home.path()).arg(&url);
        command
    });
    let (_product, product) = Process::start("run/mcp.json", |home| {
        let text = format!(
            "api_listen = \"127.0.0.1:0\"\nmcp_listen = \"127.0.0.1:0\"\n[upstreams.bench]\nurl = \"{url}\"\n"
        );
        std::fs::write(home.path().join("config.toml"), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_clawdefender"));
        command.args(["daemon", "run"]);
        command
    });
    println!(
        "one tool call and its result over HTTP, JSON answers; {TURNS} turns of {TURN:?} per lane"
    );
    println!(
        "{:>7} {:>5} {:14} {:>9} {:>9} {:>9} {:>9} | {:>9} {:>9}",
        "bytes", "conns", "µs", "p50", "p95", "p99", "calls/s", "added p50", "of direct"
    );
    let mut seed = 0;
    for size in SIZES {
        for connections in CONNECTIONS {
            let lane = |name, at: &str, path: &str| Lane {
                name,
                uri: format!("http://{at}/{path}").parse().unwrap(),
                took: Vec::new(),
                spent: Duration::ZERO,
            };
            let mut lanes = [
                lane("direct", &at, "mcp"),
                lane("no detectors", &quiet, "mcp/bench"),
                lane("all three", &product, "mcp/bench"),
            ];
            // The first turn of each warms it up and is not counted.
            for turn in 0..=TURNS {
                for lane in &mut lanes {
                    let began = Instant::now();
                    let took = turn_of(&lane.uri, connections, size, &mut seed).await;
                    if turn > 0 {
                        lane.spent += began.elapsed();
                        lane.took.extend(took);
                    }
                }
            }
            print(size, connections, &mut lanes);
        }
    }
}

/// Each connection calls one after the other until the turn is over.
async fn turn_of(uri: &Uri, connections: usize, size: usize, seed: &mut u64) -> Vec<Duration> {
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let until = Instant::now() + TURN;
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            *seed += 1 << 20;
            let (client, uri, mut seed) = (client.clone(), uri.clone(), *seed);
            tokio::spawn(async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    seed += 1;
                    took.push(call(&client, &uri, size, seed).await);
                }
                took
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

async fn call(
    client: &Client<HttpConnector, Full<Bytes>>,
    uri: &Uri,
    size: usize,
    id: u64,
) -> Duration {
    let text = texts::text(("prose", texts::prose), size, id);
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": { "name": "echo", "arguments": { "text": text } } })
    .to_string();
    let request = Request::post(uri.clone())
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let began = Instant::now();
    let answer = client.request(request).await.unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let took = began.elapsed();
    let tail = text
        .get(text.len().saturating_sub(32)..)
        .unwrap_or_default();
    let whole = bytes
        .windows(tail.len())
        .any(|part| part == tail.as_bytes());
    assert!(whole, "call {id}: {}", String::from_utf8_lossy(&bytes));
    took
}

fn print(size: usize, connections: usize, lanes: &mut [Lane]) {
    let mut direct = None;
    for lane in lanes {
        lane.took.sort_unstable();
        let at = |part: f64| {
            let place = part * (lane.took.len().saturating_sub(1)) as f64;
            let value = lane.took.get(place as usize);
            value.map_or(f64::NAN, |value| value.as_secs_f64() * 1e6)
        };
        let pace = lane.took.len() as f64 / lane.spent.as_secs_f64();
        let (p50, base) = (at(0.5), *direct.get_or_insert((at(0.5), pace)));
        println!(
            "{size:7} {connections:5} {:14} {p50:9.0} {:9.0} {:9.0} {pace:9.0} | {:9.0} {:8.0}%",
            lane.name,
            at(0.95),
            at(0.99),
            p50 - base.0,
            pace / base.1 * 100.0,
        );
    }
}
