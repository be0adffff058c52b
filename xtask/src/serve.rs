//! `cargo xtask feed serve`: a folder over HTTP on this machine, to try a feed or a release as a
//! client will get it. Conditional and partial requests work; nothing else does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clawdefender_trust::Sha256Digest;

#[derive(clap::Args)]
pub struct Args {
    /// A signed feed, or what `cargo xtask dist` wrote
    folder: PathBuf,
    /// The port on 127.0.0.1; any free one for 0
    #[arg(long, default_value_t = 8300)]
    port: u16,
}

/// The longest head of a request, in bytes. Chosen: a client of ours needs about 200.
const MAX_HEAD_BYTES: u64 = 8 << 10;

pub fn main(args: &Args) -> Result<()> {
    let folder = args
        .folder
        .canonicalize()
        .with_context(|| format!("cannot read {}", args.folder.display()))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
        .with_context(|| format!("port {} can't be had: choose another --port", args.port))?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    for stream in listener.incoming() {
        let folder = folder.clone();
        let stream = stream?;
        std::thread::spawn(move || {
            // A client that leaves early is no failure of the server.
            let _ = serve(stream, &folder);
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head = Vec::new();
    for line in BufReader::new((&stream).take(MAX_HEAD_BYTES)).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let answer = answer(&head, folder);
    eprintln!(
        "{} {}",
        answer.status,
        head.first().map_or("", String::as_str)
    );
    let mut text = format!(
        "HTTP/1.1 {}\r\nconnection: close\r\naccept-ranges: bytes\r\ncontent-length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes())?;
    stream.write_all(&answer.body)
}

struct Answer {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn bare(status: &'static str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

fn answer(head: &[String], folder: &Path) -> Answer {
    let mut words = head.first().map_or("", String::as_str).split(' ');
    let (Some("GET"), Some(target)) = (words.next(), words.next()) else {
        return Answer::bare("405 Method Not Allowed");
    };
    let Some(bytes) = file(folder, target).and_then(|path| std::fs::read(path).ok()) else {
        return Answer::bare("404 Not Found");
    };
    let header = |name: &str| {
        head.iter().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let tag = format!("\"{}\"", Sha256Digest::of(&bytes));
    let mut headers = vec![("etag", tag.clone())];
    if header("if-none-match") == Some(tag.as_str()) {
        return Answer {
            status: "304 Not Modified",
            headers,
            body: Vec::new(),
        };
    }
    let Some(range) = header("range") else {
        return Answer {
            status: "200 OK",
            headers,
            body: bytes,
        };
    };
    let Some((from, to)) = part(range, bytes.len()) else {
        headers.push(("content-range", format!("bytes */{}", bytes.len())));
        return Answer {
            status: "416 Range Not Satisfiable",
            headers,
            body: Vec::new(),
        };
    };
    headers.push((
        "content-range",
        format!("bytes {from}-{}/{}", to - 1, bytes.len()),
    ));
    Answer {
        status: "206 Partial Content",
        headers,
        body: bytes.get(from..to).unwrap_or_default().to_vec(),
    }
}

/// A file inside of the folder, whatever links there are.
fn file(folder: &Path, target: &str) -> Option<PathBuf> {
    let name = target.strip_prefix('/')?.split('?').next()?;
    let path = Path::new(name);
    let plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let path = folder.join(path).canonicalize().ok()?;
    (plain && path.starts_with(folder) && path.is_file()).then_some(path)
}

/// `bytes=FROM-` or `bytes=FROM-LAST`, as start and end.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from: usize = from.parse().ok()?;
    let to = match last {
        "" => length,
        last => last.parse::<usize>().ok()?.checked_add(1)?.min(length),
    };
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(folder: &Path, request: &[&str]) -> (String, String) {
        let head: Vec<String> = request.iter().map(|line| (*line).to_owned()).collect();
        let answer = answer(&head, folder);
        (
            answer.status[..3].to_owned(),
            String::from_utf8(answer.body).unwrap(),
        )
    }

    #[test]
    fn whole_files_parts_and_unchanged_ones() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir(folder.join("sha256")).unwrap();
        std::fs::write(folder.join("sha256/x"), "0123456789").unwrap();
        let check = |request: &[&str], status: &str, body: &str| {
            assert_eq!(ask(&folder, request), (status.to_owned(), body.to_owned()));
        };
        let get = "GET /sha256/x HTTP/1.1";
        check(&[get], "200", "0123456789");
        check(&[get, "Range: bytes=6-"], "206", "6789");
        check(&[get, "range: bytes=2-3"], "206", "23");
        check(&[get, "range: bytes=2-99"], "206", "23456789");
        check(&[get, "range: bytes=10-"], "416", "");
        check(&[get, "range: bytes=x"], "416", "");
        let tag = format!("If-None-Match: \"{}\"", Sha256Digest::of(b"0123456789"));
        check(&[get, &tag], "304", "");
        check(&[get, "if-none-match: \"other\""], "200", "0123456789");
        check(&["POST /sha256/x HTTP/1.1"], "405", "");
        check(&[], "405", "");
    }

    #[test]
    fn nothing_outside_of_the_folder_is_served() {
        let above = tempfile::tempdir().unwrap();
        let above = above.path().canonicalize().unwrap();
        std::fs::write(above.join("secret"), "s").unwrap();
        let folder = above.join("feed");
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(above.join("secret"), folder.join("link")).unwrap();
        for path in [
            "/../secret",
            "/link",
            "/",
            "//etc/passwd",
            "/./../secret",
            "secret",
        ] {
            let request = format!("GET {path} HTTP/1.1");
            assert_eq!(ask(&folder, &[&request]).0, "404", "{path}");
        }
    }
}
