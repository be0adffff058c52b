//! The far end, and a daemon without detectors.

use super::quiet;
use clawdefender::config::Home;
use clawdefender::http::{self, Upstream};
use clawdefender::plugin::Set;
use clawdefender::policy::Profile;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

/// Answers each call with its text. Says where it listens in `echo.json`.
pub fn echo() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        announce(Path::new("echo.json"), listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)),
            );
        }
    });
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let call: Value = serde_json::from_slice(&body).unwrap();
    let text = call.pointer("/params/arguments/text");
    let result = json!({ "content": [{ "type": "text", "text": text }] });
    let body = json!({ "jsonrpc": "2.0", "id": call.get("id"), "result": result }).to_string();
    let answer = Response::builder().header("content-type", "application/json");
    Ok(answer.body(Full::new(Bytes::from(body))).unwrap())
}

/// Serves HTTP as the product does, with the judge of `path/quiet.rs`.
pub fn without_detectors(root: &Path, url: &str) {
    let home = Home::at(root, root);
    let tasks = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let set = Set::new(Vec::new(), Vec::new());
    let judge = quiet::judge(root, set, Profile::Monitor, tasks.handle());
    let upstream = Upstream {
        url: url.to_owned(),
        ca_file: None,
    };
    let upstreams = BTreeMap::from([("bench".to_owned(), upstream)]);
    let any = "127.0.0.1:0".parse().unwrap();
    let serving = http::start(Arc::new(judge), any, &upstreams, &home.hidden_file()).unwrap();
    std::fs::create_dir_all(home.run_dir()).unwrap();
    announce(&home.mcp_file(), serving.address());
    loop {
        std::thread::park();
    }
}

/// In one step, because somebody waits for the file.
fn announce(path: &Path, address: std::net::SocketAddr) {
    let fresh = path.with_extension("new");
    std::fs::write(
        &fresh,
        json!({ "address": address.to_string() }).to_string(),
    )
    .unwrap();
    std::fs::rename(fresh, path).unwrap();
}
