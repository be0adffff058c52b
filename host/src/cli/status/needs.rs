//! What in the status needs a person, and which command helps.

use super::super::configured::Configured;
use super::super::escape::excerpt;
use super::super::gateway::Gateway;
use super::super::terminal::Ink;
use super::Status;

/// A line that needs a person: mark, what, what about it, what to do.
pub(super) struct Need(pub String, pub String, pub String, pub &'static str);

pub(super) fn needs(status: &Status, configured: &[Configured], ink: Ink) -> Vec<Need> {
    let mut needs = Vec::new();
    let bare = configured
        .iter()
        .filter(|server| server.state == "not-wrapped")
        .count();
    if bare > 0 && bare == configured.len() {
        needs.push(Need(
            ink.yellow("!"),
            "servers".into(),
            format!("none of {bare} goes through ClawDefender"),
            "clawdefender wrap --all --dry-run",
        ));
    }
    for server in configured {
        let about = match server.state {
            "drifted" => format!("{}: wrapped by a program at another place", server.client),
            "predecessor" => format!("{}: still wrapped by the predecessor", server.client),
            "exposed" => {
                let why = excerpt(&server.problem, 300);
                needs.push(Need(
                    ink.red("✖"),
                    excerpt(&server.server, 40),
                    format!("{}: wrapped and not protected: {why}", server.client),
                    "clawdefender unwrap --all --dry-run",
                ));
                continue;
            }
            "unreadable" => {
                needs.push(Need(
                    ink.red("✖"),
                    "config".into(),
                    excerpt(&server.problem, 300),
                    "clawdefender wrap --all --dry-run",
                ));
                continue;
            }
            _ => continue,
        };
        needs.push(Need(
            ink.yellow("!"),
            excerpt(&server.server, 40),
            about,
            "clawdefender wrap --all",
        ));
    }
    for fault in &status.missing {
        let about = format!("not loaded: {}", excerpt(&fault.detail, 120));
        needs.push(Need(
            ink.red("✖"),
            excerpt(&fault.part, 40),
            about,
            "clawdefender feed update",
        ));
    }
    if status.detectors.is_empty() && status.missing.is_empty() {
        needs.push(Need(
            ink.red("✖"),
            "detectors".into(),
            "none is loaded".into(),
            "clawdefender feed status",
        ));
    }
    if let Some(error) = &status.ledger.error {
        needs.push(Need(
            ink.red("✖"),
            "audit log".into(),
            excerpt(error, 200),
            "clawdefender daemon logs",
        ));
    }
    if let Some(error) = &status.policy.error {
        let about = format!(
            "the file is refused, the last good one applies: {}",
            excerpt(error, 200)
        );
        needs.push(Need(
            ink.red("✖"),
            "policy".into(),
            about,
            "clawdefender policy check",
        ));
    }
    if let Some(error) = status.api.as_ref().and_then(|api| api.error.as_ref()) {
        needs.push(Need(
            ink.yellow("!"),
            "guard API".into(),
            format!("not served: {}", excerpt(error, 200)),
            "clawdefender daemon logs",
        ));
    }
    for (subject, about) in status.mcp.iter().flat_map(Gateway::problems) {
        needs.push(Need(
            ink.red("✖"),
            subject,
            about,
            "clawdefender daemon logs",
        ));
    }
    for file in &status.refused {
        needs.push(Need(
            ink.red("✖"),
            excerpt(&file.what, 40),
            excerpt(&file.message, 200),
            "clawdefender daemon logs",
        ));
    }
    if status.questions > 0 {
        let about = match status.questions {
            1 => "1 is waiting for you".to_owned(),
            more => format!("{more} are waiting for you"),
        };
        needs.push(Need(
            ink.yellow("?"),
            "questions".into(),
            about,
            "clawdefender approve",
        ));
    }
    for alert in &status.alerts {
        let about = excerpt(&alert.message, 200);
        needs.push(Need(
            ink.yellow("!"),
            excerpt(&alert.feed, 40),
            about,
            "clawdefender feed status",
        ));
    }
    needs
}
