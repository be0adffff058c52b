//! Which path does what.
//!
//! One table: what it does not list does not exist, and `docs/openapi.yaml` is tested against it.

use super::check::{self, Check};
use super::door::{self, Carries, Door};
use super::reply::{self, Refusal, Reply};
use super::{Guard, Limits, body};
use crate::approval::Answer;
use crate::loopback::process::{self, Untraced};
use hyper::body::Incoming;
use hyper::{Method, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Served as it is.
pub const OPENAPI: &str = include_str!("../../../docs/openapi.yaml");
const PREFIX: &str = "/api/v1";

/// (path below the prefix, method, what it does). `{id}` stands for one segment.
pub const TABLE: &[(&str, &str, Does)] = &[
    ("/health", "GET", Does::Health),
    ("/status", "GET", Does::Status),
    ("/inspect", "POST", Does::Inspect),
    ("/guard/check", "POST", Does::Check),
    ("/records/{id}", "GET", Does::Record),
    ("/approvals", "GET", Does::Approvals),
    ("/approvals/{id}", "POST", Does::Answer),
    ("/openapi.yaml", "GET", Does::OpenApi),
    // Paths of the predecessor's clients.
    ("/guards/check", "POST", Does::Check),
    ("/guard/{id}/check", "POST", Does::Check),
    ("/guards/{id}/check", "POST", Does::Check),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Health,
    Status,
    Inspect,
    Check,
    Record,
    Approvals,
    Answer,
    OpenApi,
}

pub struct Api {
    pub service: Arc<dyn Guard>,
    pub door: Door,
    pub limits: Limits,
    /// Where we listen.
    pub address: SocketAddr,
}

impl Api {
    pub async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Reply {
        self.route(request, client)
            .await
            .unwrap_or_else(Refusal::into_reply)
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Reply, Refusal> {
        let until = Instant::now() + self.limits.request;
        let (head, incoming) = request.into_parts();
        self.door.admit(&head)?;
        let (does, id) = find(&head.method, head.uri.path())?;
        let carries = if head.method == Method::POST {
            Some(door::carries(&head.headers)?)
        } else {
            None
        };
        // Whatever a GET carries is read and dropped within the same limits.
        let body = body::read(incoming, self.limits.body_bytes, until).await?;
        match does {
            Does::Health => Ok(reply::json(
                &json!({ "status": "up", "version": env!("CARGO_PKG_VERSION") }),
            )),
            Does::OpenApi => Ok(reply::text("application/yaml", OPENAPI)),
            Does::Status => self.ask(until, |guard| reply::json(&guard.status())).await,
            Does::Approvals => {
                self.ask(until, |guard| reply::json(&guard.approvals()))
                    .await
            }
            Does::Inspect if carries == Some(Carries::Lines) => {
                let max = self.limits.lines;
                if body.lines().nth(max).is_some() {
                    return Err(Refusal::TooManyLines);
                }
                self.ask(until, move |guard| {
                    reply::text("application/x-ndjson", lines(guard, &body))
                })
                .await
            }
            Does::Inspect => {
                self.ask(until, move |guard| {
                    let answer = guard.inspect(&body);
                    // An answer without a decision must not look like success to a hasty caller.
                    if answer.get("decision").is_some_and(Value::is_string) {
                        Ok(reply::json(&answer))
                    } else {
                        Err(Refusal::NotUnderstood)
                    }
                })
                .await?
            }
            Does::Check => {
                one_value(carries)?;
                let check = Check::parse(&body, id.as_deref())?;
                let address = self.address;
                self.ask(until, move |guard| {
                    // Whose history it belongs to, where that can be told; no door hangs on it.
                    let pid = process::process(client, address, &[]).ok().flatten();
                    let answer = guard.check(&check, pid);
                    Ok(reply::json(&check::verdict(&answer)?))
                })
                .await?
            }
            Does::Record => {
                let id = id.ok_or(Refusal::NoRoute)?;
                match self.ask(until, move |guard| guard.record(&id)).await? {
                    Ok(Some(record)) => Ok(reply::json(&record)),
                    Ok(None) => Err(Refusal::NoRecord),
                    Err(error) => {
                        tracing::error!(error, "the audit log could not be read for a client");
                        Err(Refusal::Broken)
                    }
                }
            }
            Does::Answer => {
                one_value(carries)?;
                let (id, answer) = (id.ok_or(Refusal::NoRoute)?, parse_answer(&body)?);
                let address = self.address;
                self.ask(until, move |guard| {
                    let pid = process::process(client, address, &[])
                        .map_err(|Untraced| Refusal::UntracedProcess)?;
                    guard
                        .answer(&id, answer, pid)
                        .map(|done| reply::json(&done))
                        .map_err(Refusal::Answer)
                })
                .await?
            }
        }
    }

    /// The daemon's answers block: they inspect, write to the disk, wait for locks.
    async fn ask<T: Send + 'static>(
        &self,
        until: Instant,
        question: impl FnOnce(&dyn Guard) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let service = Arc::clone(&self.service);
        match timeout_at(
            until,
            tokio::task::spawn_blocking(move || question(service.as_ref())),
        )
        .await
        {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::error!(%error, "a guard API request ended in a panic");
                Err(Refusal::Broken)
            }
            Err(_) => Err(Refusal::NoDecision),
        }
    }
}

/// The route, and what stands for `{id}`.
fn find(method: &Method, path: &str) -> Result<(Does, Option<String>), Refusal> {
    let below = path.strip_prefix(PREFIX).ok_or(Refusal::NoRoute)?;
    let mut other = None;
    for (pattern, takes, does) in TABLE {
        let Some(id) = matched(pattern, below) else {
            continue;
        };
        if method.as_str() == *takes {
            return Ok((*does, id.map(str::to_owned)));
        }
        other = Some(*takes);
    }
    Err(other.map_or(Refusal::NoRoute, Refusal::Method))
}

/// Segment by segment, byte by byte: no decoding, no case folding, no slash at the end.
fn matched<'p>(pattern: &str, path: &'p str) -> Option<Option<&'p str>> {
    let mut id = None;
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(id),
            (Some("{id}"), Some(segment)) if is_id(segment) => id = Some(segment),
            (Some(wanted), Some(segment)) if wanted == segment => {}
            _ => return None,
        }
    }
}

fn is_id(segment: &str) -> bool {
    (1..=64).contains(&segment.len())
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn lines(guard: &dyn Guard, body: &str) -> String {
    body.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("{}\n", guard.inspect(line)))
        .collect()
}

fn one_value(carries: Option<Carries>) -> Result<(), Refusal> {
    if carries == Some(Carries::Json) {
        Ok(())
    } else {
        Err(Refusal::MediaType)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    answer: Word,
    seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Deny,
    AllowOnce,
    AllowFor,
}

fn parse_answer(body: &str) -> Result<Answer, Refusal> {
    let given: Given = serde_json::from_str(body).map_err(|_| Refusal::NotUnderstood)?;
    match (given.answer, given.seconds) {
        (Word::Deny, None) => Ok(Answer::Deny),
        (Word::AllowOnce, None) => Ok(Answer::AllowOnce),
        (Word::AllowFor, Some(seconds)) => Ok(Answer::AllowFor {
            duration: Duration::from_secs(seconds),
        }),
        _ => Err(Refusal::NotUnderstood),
    }
}
