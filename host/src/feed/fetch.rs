//! Reading a feed from where it is published: a directory, or a web server over https.
//!
//! The source is not trusted: everything it says is bounded here and verified afterwards. Plain
//! http is taken from loopback addresses only, which is how a feed is tried out.

use clawdefender_trust::{MAX_ENVELOPE_BYTES, Sha256Digest};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For one file. Source: the slow-drip bound of the feed's threat table, 10 minutes for all.
const FILE_TIMEOUT: Duration = Duration::from_secs(120);

const ENVELOPE: &str = "manifest.dsse.json";

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("`{0}` is neither a directory nor an https URL")]
    Unsupported(String),
    #[error("plain http is only taken from this machine, not from `{0}`")]
    Insecure(String),
    #[error("{path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{what} is longer than the {limit} bytes it may have")]
    TooLong { what: String, limit: u64 },
    #[error("{what}: the server answered {status}")]
    Status { what: String, status: StatusCode },
    #[error("{what}: {cause}")]
    Transport { what: String, cause: String },
    #[error("{what} did not arrive within {} s", FILE_TIMEOUT.as_secs())]
    Slow { what: String },
}

/// Where a feed is published.
pub enum Source {
    Directory(PathBuf),
    Web {
        base: String,
        client: Box<Client<HttpsConnector<HttpConnector>, Empty<Bytes>>>,
    },
}

impl Source {
    /// From what a user wrote: a path or a URL.
    ///
    /// # Errors
    /// [`FetchError::Unsupported`], [`FetchError::Insecure`].
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let web = |base: &str| Self::Web {
            base: base.trim_end_matches('/').to_owned(),
            client: Box::new(client()),
        };
        if text.starts_with("https://") {
            return Ok(web(text));
        }
        if text.starts_with("http://") {
            let uri: Uri = text
                .parse()
                .map_err(|_| FetchError::Unsupported(text.to_owned()))?;
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
            let here = host == "localhost"
                || host
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback());
            return if here {
                Ok(web(text))
            } else {
                Err(FetchError::Insecure(host.to_owned()))
            };
        }
        let path = Path::new(text.strip_prefix("file://").unwrap_or(text));
        if path.is_dir() {
            Ok(Self::Directory(path.to_owned()))
        } else {
            Err(FetchError::Unsupported(text.to_owned()))
        }
    }

    /// The manifest's envelope.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn envelope(&self) -> Result<Vec<u8>, FetchError> {
        self.read(ENVELOPE, MAX_ENVELOPE_BYTES as u64).await
    }

    /// The artifact with this digest; never more than `length` bytes are read.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn artifact(
        &self,
        digest: &Sha256Digest,
        length: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let hex = digest.to_string();
        let prefix: String = hex.chars().take(2).collect();
        self.read(&format!("sha256/{prefix}/{hex}"), length).await
    }

    async fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
        match self {
            Self::Directory(dir) => {
                let path = dir.join(name);
                let file = std::fs::File::open(&path).map_err(|source| FetchError::Read {
                    path: path.clone(),
                    source,
                })?;
                let mut bytes = Vec::new();
                file.take(limit + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|source| FetchError::Read { path, source })?;
                bounded(name, bytes, limit)
            }
            Self::Web { base, client } => {
                let fetch = download(client, format!("{base}/{name}"), name, limit);
                let slow = |_| FetchError::Slow {
                    what: name.to_owned(),
                };
                tokio::time::timeout(FILE_TIMEOUT, fetch)
                    .await
                    .map_err(slow)?
            }
        }
    }
}

fn bounded(what: &str, bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>, FetchError> {
    if bytes.len() as u64 > limit {
        Err(FetchError::TooLong {
            what: what.to_owned(),
            limit,
        })
    } else {
        Ok(bytes)
    }
}

fn client() -> Client<HttpsConnector<HttpConnector>, Empty<Bytes>> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(Duration::from_secs(10)));
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Client::builder(TokioExecutor::new()).build(https)
}

async fn download(
    client: &Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    url: String,
    what: &str,
    limit: u64,
) -> Result<Vec<u8>, FetchError> {
    let failed = |cause: String| FetchError::Transport {
        what: what.to_owned(),
        cause,
    };
    let request = Request::get(&url)
        .header("accept-encoding", "identity")
        .header(
            "user-agent",
            concat!("clawdefender/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(error.to_string()))?;
    let answer = client
        .request(request)
        .await
        .map_err(|error| failed(error.to_string()))?;
    // A redirect is an answer like any other here: it is not followed, so it can't downgrade.
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status {
            what: what.to_owned(),
            status: answer.status(),
        });
    }
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failed(error.to_string()))?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
            if bytes.len() as u64 > limit {
                return Err(FetchError::TooLong {
                    what: what.to_owned(),
                    limit,
                });
            }
        }
    }
    Ok(bytes)
}
