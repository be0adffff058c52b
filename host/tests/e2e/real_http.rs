//! The official server over Streamable HTTP, and a server of both eras: through the daemon
//! everything is as without it.

use crate::kit::{
    Daemon, Group, Home, PATIENCE, Plan, Reference, Sdk, Way, environment, free_port,
};
use crate::plans;
use crate::real_servers::{all_recorded, same, timeless};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

/// A home whose daemon serves `url` under `name`.
fn home(name: &str, url: &str) -> Home {
    let home = Home::new();
    home.configure(&format!(
        "mcp_listen = \"127.0.0.1:0\"\n[upstreams.{name}]\nurl = \"{url}\""
    ));
    home
}

/// Each client's session, twice.
#[track_caller]
fn check(url: &str, sdks: &[Sdk], plan: impl Fn(Sdk) -> Plan) {
    let home = home(plan(sdks[0]).name, url);
    let _daemon = Daemon::start(&home);
    for sdk in sdks {
        let plan = plan(*sdk).at(url.to_owned());
        let direct = plan.walk(&home, *sdk, Way::Direct);
        let proxied = plan.walk(&home, *sdk, Way::Proxied);
        same(&heard_once(direct), &heard_once(proxied.clone()));
        all_recorded(&home, &plan, &proxied);
    }
    home.verify_audit();
}

/// As [`timeless`], and without what a client hears only when its stream for notifications was open
/// before the server spoke: over HTTP these two race, whoever is between.
fn heard_once(story: Value) -> Value {
    let mut story = timeless(story);
    let heard = story["heard"].as_array_mut().unwrap();
    heard.retain(|message| {
        let text = message.to_string();
        !text.contains("notifications/tools/list_changed") && !text.contains("Roots updated")
    });
    story
}

#[test]
fn the_everything_server_answers_over_http_through_us_as_it_does_directly() {
    let server = Everything::start();
    check(&server.url, &[Sdk::Python, Sdk::TypeScript], |sdk| {
        plans::everything(sdk == Sdk::TypeScript)
    });
}

#[test]
fn a_server_of_both_eras_answers_over_http_through_us_as_it_does_directly() {
    let server = Reference::start();
    let sdks = [Sdk::Python, Sdk::PythonStateless, Sdk::TypeScript];
    check(&server.url, &sdks, reference);
}

/// What the conformance suite does not compare byte by byte: whole results, in both eras.
fn reference(sdk: Sdk) -> Plan {
    let mut steps = json!([
        ["call", "test_tool_with_progress", {}],
        ["call", "test_header_mirror", { "region": "Ægir, north" }],
        ["call", "json_schema_2020_12_tool", { "phone": "5" }],
        ["call", "greet", { "name": "世界" }],
        ["call", "slow_compute", { "seconds": 0, "label": "x" }],
        ["prompt", "test_prompt_with_arguments", { "arg1": "a", "arg2": "b" }],
        ["prompt", "test_prompt_with_embedded_resource", { "resourceUri": "test://x" }],
        ["prompt", "test_prompt_with_image", {}],
        ["complete", ["prompt", "test_prompt_with_arguments"], "arg1", "par"],
        ["read", "test://static-text"],
        ["read", "test://static-binary"],
        ["read", "test://template/7/data"],
        ["read", "test://nothing"],
    ]);
    let era = if sdk == Sdk::PythonStateless {
        // What is asked inside a result, and answered when the call is made again.
        json!([
            ["call", "test_input_required_result_elicitation", {}],
            ["call", "test_input_required_result_sampling", {}],
            ["call", "test_input_required_result_list_roots", {}],
            ["call", "test_input_required_result_multiple_inputs", {}],
            ["prompt", "test_simple_prompt", {}],
        ])
    } else {
        json!([
            ["level", "info"],
            ["call", "test_sampling", { "prompt": "hello" }],
            ["call", "test_elicitation", { "message": "who?" }],
            ["call", "test_elicitation_sep1330_enums", {}],
            ["call", "test_reconnection", {}],
            ["subscribe", "test://watched-resource"],
            ["unsubscribe", "test://watched-resource"],
            ["ping"],
        ])
    };
    let era = era.as_array().unwrap().iter().cloned();
    steps.as_array_mut().unwrap().extend(era);
    let mut plan = Plan::stdio("reference", Vec::new(), steps);
    plan.roots = vec!["file:///work/project".into()];
    plan.entered = json!({ "name": "Ada", "ok": true, "color": "blue", "context": "tides" });
    plan
}

/// The official everything server, over HTTP.
struct Everything {
    _group: Group,
    url: String,
}

impl Everything {
    #[track_caller]
    fn start() -> Self {
        let port = free_port();
        let mut command = Command::new("node");
        command
            .arg(environment().npm_server("server-everything"))
            .arg("streamableHttp")
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut group = Group::spawn(&mut command);
        let errors = group.child().stderr.take().unwrap();
        let (sender, listens) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                if line.contains("listening") {
                    let _ = sender.send(());
                }
            }
        });
        listens.recv_timeout(PATIENCE).unwrap();
        Self {
            _group: group,
            url: format!("http://127.0.0.1:{port}/mcp"),
        }
    }
}
