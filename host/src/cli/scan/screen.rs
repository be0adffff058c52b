//! A scan as a person reads it: one block for each configuration, one line for each server.

use super::{Problem, Scanned};
use crate::cli::escape::{escape, excerpt};
use crate::cli::package::line;
use crate::cli::terminal::Ink;
use crate::daemon::inspector::Known;
use crate::event::identity::Identity;
use std::fmt::Write as _;

pub(super) fn render(scanned: &[Scanned], problems: &[Problem], ink: Ink) -> String {
    let mut screen = String::new();
    let mut heading = None;
    for server in scanned {
        let place = (&server.path, &server.project);
        if heading != Some(place) {
            heading = Some(place);
            let project = server.project.as_ref();
            let project = project.map_or(String::new(), |project| {
                format!(", project {}", excerpt(project, 200))
            });
            let path = ink.bold(&excerpt(&server.path, 300));
            let _ = writeln!(screen, "{path} ({}{project})", server.client);
        }
        let _ = writeln!(screen, "  {}", headline(server, ink));
        if let Some(identity) = &server.identity {
            let _ = writeln!(screen, "      {}", ink.dim(&runs(identity)));
        }
        for finding in &server.findings {
            let _ = writeln!(screen, "      {}", line(finding));
        }
        for note in &server.notes {
            let _ = writeln!(screen, "      {}", ink.dim(&excerpt(note, 400)));
        }
    }
    for problem in problems {
        let _ = writeln!(
            screen,
            "{} {}",
            ink.red("✖ unreadable"),
            excerpt(&problem.error, 500)
        );
    }
    let hits = scanned.iter().filter(|server| server.hit).count();
    let _ = writeln!(
        screen,
        "{} servers, {hits} denied or known to be bad, {} configurations unreadable",
        scanned.len(),
        problems.len()
    );
    screen
}

fn headline(server: &Scanned, ink: Ink) -> String {
    let verdict = match &server.decision {
        Some(decision) => {
            let would = decision.would.map_or(String::new(), |would| {
                format!(" (would {})", ink.action(would))
            });
            format!("{}{would}", ink.action(decision.action))
        }
        None => ink.yellow("– not judged"),
    };
    let package = server.package.as_deref().unwrap_or("no package");
    let known = match server.known {
        Some(Known::Affected) => " · affected",
        Some(Known::Possible) => " · possibly affected",
        Some(Known::NotAffected) => " · not affected",
        Some(Known::NoData | Known::Unreadable) => " · no data",
        None => "",
    };
    format!(
        "{verdict}  {}  {} · {} · {}{known}",
        ink.bold(&excerpt(&server.server, 80)),
        excerpt(package, 200),
        server.pin.word(),
        server.state
    )
}

fn runs(identity: &Identity) -> String {
    let mut parts = Vec::new();
    parts.extend(identity.package.as_deref().map(escape));
    parts.extend(identity.entry.as_deref().map(|entry| excerpt(entry, 300)));
    let digest = identity.sha256.as_deref();
    parts.extend(digest.map(|digest| format!("sha256 {}", excerpt(digest, 16))));
    parts.extend(identity.unknown.as_deref().map(escape));
    format!("runs {}", parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scan::Pin;
    use expect_test::expect;

    fn server(name: &str) -> Scanned {
        Scanned {
            client: "cursor",
            path: "/home/u/.cursor/mcp.json".into(),
            line: 3,
            project: None,
            server: name.into(),
            state: "not-wrapped",
            pin: Pin::Unpinned,
            package: Some("npm:x".into()),
            known: Some(Known::NoData),
            identity: Some(Identity {
                unknown: Some("the package is not on this disk yet".into()),
                ..Identity::default()
            }),
            installed: None,
            decision: None,
            findings: Vec::new(),
            notes: vec!["a\nnote".into()],
            hit: true,
        }
    }

    #[test]
    fn names_that_an_attacker_wrote_stay_on_their_line() {
        let problem = Problem {
            path: "/p".into(),
            error: "/p:1:2: not valid JSON".into(),
        };
        expect![[r#"
            /home/u/.cursor/mcp.json (cursor)
              – not judged  a⟨U+000A⟩✔ allow⟨U+001B⟩[2J  npm:x · not pinned · not-wrapped · no data
                  runs the package is not on this disk yet
                  a⟨U+000A⟩note
            ✖ unreadable /p:1:2: not valid JSON
            1 servers, 1 denied or known to be bad, 1 configurations unreadable
        "#]]
        .assert_eq(&render(
            &[server("a\n✔ allow\u{1b}[2J")],
            &[problem],
            Ink::Plain,
        ));
    }
}
