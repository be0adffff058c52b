//! A server over HTTP on the command line: `proxy --url`, and `bridge`, which that starts.
//!
//! Header values never stand in the bridge's own command line, because that is what the daemon
//! judges, what the log records and what every process of the machine can read.

use super::exit::{Exit, Failure};
use crate::bridge::{self, Errand, Transport};
use crate::upstream::Address;
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// How a server over HTTP is reached.
#[derive(clap::Args)]
pub struct Remote {
    /// Send a header with the value of an environment variable: Authorization=TOKEN
    #[arg(long, value_name = "NAME=VARIABLE", requires = "url")]
    pub header_env: Vec<String>,
    /// Believe only the certificate authorities in this PEM file
    #[arg(long, value_name = "PEM", requires = "url")]
    pub ca_file: Option<PathBuf>,
    /// How the server speaks; auto tries HTTP first, then SSE
    #[arg(long, value_enum, default_value_t = Way::Auto, requires = "url")]
    pub transport: Way,
}

impl Remote {
    /// Whether anything was said about a server over HTTP.
    pub fn is_given(&self) -> bool {
        !self.header_env.is_empty() || self.ca_file.is_some() || self.transport != Way::Auto
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    Auto,
    /// Streamable HTTP
    Http,
    /// HTTP with SSE, of 2024-11-05
    Sse,
}

/// Speak MCP over HTTP on standard input and output, without any inspection
#[derive(clap::Args)]
pub struct Args {
    #[arg(value_name = "URL")]
    pub url: String,
    #[command(flatten)]
    pub remote: Remote,
}

/// The bridge as a server's command: what is started, what only it may know, and where it leads.
pub struct Bridged {
    pub command: Vec<OsString>,
    pub env: Vec<(String, OsString)>,
    pub origin: String,
}

/// The command of the bridge to `url`.
///
/// # Errors
/// A [`Failure`] that says which of the arguments can't be used.
pub fn bridged(url: &str, headers: &[String], remote: &Remote) -> Result<Bridged, Failure> {
    let address = address(url)?;
    // Said now, while a person may still be looking.
    values(&remote.header_env)?;
    let exe = std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Failed, "exe", error.to_string()))?;
    let mut command: Vec<OsString> = vec![exe.into(), "bridge".into(), url.into()];
    let mut env = Vec::new();
    match remote.transport {
        Way::Auto => {}
        Way::Http => command.extend(["--transport".into(), "http".into()]),
        Way::Sse => command.extend(["--transport".into(), "sse".into()]),
    }
    if let Some(file) = &remote.ca_file {
        command.extend(["--ca-file".into(), file.into()]);
    }
    for header in &remote.header_env {
        command.extend(["--header-env".into(), header.into()]);
    }
    for (n, header) in headers.iter().enumerate() {
        let (name, value) = given(header)?;
        let variable = format!("CLAWDEFENDER_HEADER_{n}");
        command.extend(["--header-env".into(), format!("{name}={variable}").into()]);
        env.push((variable, value.into()));
    }
    Ok(Bridged {
        command,
        env,
        origin: address.origin(),
    })
}

/// Runs the bridge.
///
/// # Errors
/// A [`Failure`] before anything was read.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let errand = Errand {
        address: address(&args.url)?,
        headers: values(&args.remote.header_env)?,
        ca_file: args.remote.ca_file.clone(),
        transport: match args.remote.transport {
            Way::Auto => Transport::Auto,
            Way::Http => Transport::Http,
            Way::Sse => Transport::Sse,
        },
    };
    Ok(bridge::run(errand)
        .map_err(|error| Failure::new(Exit::Failed, "bridge", error.to_string()))?)
}

fn address(url: &str) -> Result<Address, Failure> {
    Address::parse(url).map_err(|error| Failure::new(Exit::Usage, "url", error.to_string()))
}

/// `Name: value`, as it was typed.
fn given(header: &str) -> Result<(HeaderName, &str), Failure> {
    let wrong = |why: &str| Failure::new(Exit::Usage, "header", why);
    let (name, value) = header
        .split_once(':')
        .ok_or_else(|| wrong("a header is written as `Name: value`"))?;
    let name = allowed(name)?;
    if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(&name) {
        return Err(
            wrong("a credential on the command line can be read by every process")
                .hint(format!("--header-env {name}=VARIABLE")),
        );
    }
    let value = value.trim();
    HeaderValue::from_str(value).map_err(|_| wrong("the header's value can't be sent"))?;
    Ok((name, value))
}

/// The headers of `NAME=VARIABLE`.
fn values(headers: &[String]) -> Result<HeaderMap, Failure> {
    let wrong = |why: String| Failure::new(Exit::Usage, "header", why);
    let mut map = HeaderMap::new();
    for header in headers {
        let (name, variable) = header
            .split_once('=')
            .ok_or_else(|| wrong("a header is written as NAME=VARIABLE".into()))?;
        let name = allowed(name)?;
        let value = std::env::var_os(variable).ok_or_else(|| {
            wrong(format!(
                "the header {name} needs the variable {variable}, which is not set"
            ))
        })?;
        let mut value = value
            .to_str()
            .and_then(|value| HeaderValue::from_str(value.trim()).ok())
            .ok_or_else(|| wrong(format!("the value of {variable} can't be sent as a header")))?;
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

/// A header's name, unless it is one that the connection or the protocol sets.
fn allowed(name: &str) -> Result<HeaderName, Failure> {
    let wrong = |why: &str| Failure::new(Exit::Usage, "header", why);
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| wrong("a header's name has a character that is not allowed"))?;
    let own = [HOST, CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING];
    if own.contains(&name) || name.as_str().starts_with("mcp-") {
        return Err(wrong("this header is set by the bridge itself"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> Remote {
        Remote {
            header_env: Vec::new(),
            ca_file: Some("/ca.pem".into()),
            transport: Way::Sse,
        }
    }

    #[test]
    fn what_is_launched_names_the_url_and_no_value_of_a_header() {
        let bridged = bridged(
            "https://MCP.example/mcp",
            &["X-Region: eu: 1 ".into()],
            &remote(),
        )
        .map_err(|failure| failure.message)
        .unwrap();
        let words: Vec<&str> = bridged
            .command
            .iter()
            .skip(1)
            .map(|word| word.to_str().unwrap())
            .collect();
        assert_eq!(
            words,
            [
                "bridge",
                "https://MCP.example/mcp",
                "--transport",
                "sse",
                "--ca-file",
                "/ca.pem",
                "--header-env",
                "x-region=CLAWDEFENDER_HEADER_0"
            ]
        );
        assert_eq!(
            bridged.env,
            [("CLAWDEFENDER_HEADER_0".to_owned(), "eu: 1".into())]
        );
        assert_eq!(bridged.origin, "https://mcp.example");
    }

    #[test]
    fn credentials_and_headers_of_the_protocol_are_refused() {
        let refused = |header: &str| {
            bridged("https://mcp.example/", &[header.to_owned()], &remote())
                .err()
                .map(|failure| failure.message)
        };
        for header in [
            "Authorization: Bearer x",
            "COOKIE: a=b",
            "Host: evil.example",
            "Mcp-Session-Id: 1",
            "a b: c",
            "X: a\r\nY: b",
            "no-colon",
        ] {
            assert!(refused(header).is_some(), "{header}");
        }
        assert_eq!(refused("X-Ok: 1"), None);
        let missing = Remote {
            header_env: vec!["Authorization=CLAWDEFENDER_NO_SUCH_VARIABLE".into()],
            ..remote()
        };
        assert!(bridged("https://mcp.example/", &[], &missing).is_err());
        assert!(bridged("http://mcp.example/", &[], &remote()).is_err());
    }
}
