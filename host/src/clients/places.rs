//! Where clients keep their servers: one row per file. A new client is a new row.

use std::path::PathBuf;

use super::Env;
use super::edit::Root;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    User,
    /// Lies in the project and may be committed: ask before writing.
    Project,
}

/// One row: a file of one client.
pub struct Row {
    pub client: &'static str,
    pub scope: Scope,
    /// A variable that names the directory instead of home.
    dir_var: Option<&'static str>,
    file: &'static str,
    roots: &'static [Root],
}

/// Sources: Claude Code and Cursor documentation, as of November 2026.
pub const CLIENTS: &[Row] = &[
    Row {
        client: "claude-code",
        scope: Scope::User,
        dir_var: Some("CLAUDE_CONFIG_DIR"),
        file: ".claude.json",
        roots: &[&["mcpServers"], &["projects", "*", "mcpServers"]],
    },
    Row {
        client: "claude-code",
        scope: Scope::Project,
        dir_var: None,
        file: ".mcp.json",
        roots: &[&["mcpServers"]],
    },
    Row {
        client: "cursor",
        scope: Scope::User,
        dir_var: None,
        file: ".cursor/mcp.json",
        roots: &[&["mcpServers"]],
    },
    Row {
        client: "cursor",
        scope: Scope::Project,
        dir_var: None,
        file: ".cursor/mcp.json",
        roots: &[&["mcpServers"]],
    },
];

/// A row at its place on this machine.
pub struct Place {
    pub client: &'static str,
    pub scope: Scope,
    pub path: PathBuf,
    pub roots: &'static [Root],
}

/// Every place once, even when the project is the home directory.
pub fn places(env: &Env) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for row in CLIENTS {
        let named = row
            .dir_var
            .and_then(|var| env.vars.get(var))
            .filter(|dir| !dir.is_empty());
        let dir = match (row.scope, named) {
            (Scope::Project, _) => env.cwd.clone(),
            (Scope::User, Some(dir)) => PathBuf::from(dir),
            (Scope::User, None) => env.home.clone(),
        };
        let path = dir.join(row.file);
        if places.iter().all(|place| place.path != path) {
            places.push(Place {
                client: row.client,
                scope: row.scope,
                path,
                roots: row.roots,
            });
        }
    }
    places
}

/// Adds those of these files that are a project's configuration.
pub fn add_projects(places: &mut Vec<Place>, files: Vec<PathBuf>) {
    for path in files {
        let mut rows = CLIENTS.iter().filter(|row| row.scope == Scope::Project);
        let Some(row) = rows.find(|row| path.ends_with(row.file)) else {
            continue;
        };
        if path.exists() && places.iter().all(|place| place.path != path) {
            places.push(Place {
                client: row.client,
                scope: row.scope,
                path,
                roots: row.roots,
            });
        }
    }
}
