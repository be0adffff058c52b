//! Against a server process of our own that misbehaves on purpose, one connection at a time.

use super::*;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

const BODY: &[u8] = b"0123456789abcdef";

/// Answers each connection with the next of `turns`; hands over the heads of the requests.
fn serve(turns: Vec<fn(&mut TcpStream)>) -> (Address, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/f", listener.local_addr().unwrap());
    let (tell, heads) = channel();
    std::thread::spawn(move || {
        for turn in turns {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            for line in BufReader::new(&stream).lines() {
                let line = line.unwrap();
                if line.is_empty() {
                    break;
                }
                head.push_str(&line.to_lowercase());
                head.push('\n');
            }
            tell.send(head).unwrap();
            turn(&mut stream);
        }
    });
    (Address::parse(&address).unwrap(), heads)
}

fn say(stream: &mut TcpStream, head: &str, body: &[u8]) {
    // The other side may have had enough before all is said.
    let _ = write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(body);
}

fn whole(stream: &mut TcpStream) {
    say(stream, "200 OK\r\ncontent-length: 16", BODY);
}

fn broken(stream: &mut TcpStream) {
    say(stream, "200 OK\r\ncontent-length: 16", &BODY[..6]);
}

fn rest(stream: &mut TcpStream) {
    let head = "206 Partial Content\r\ncontent-length: 10\r\ncontent-range: bytes 6-15/16";
    say(stream, head, &BODY[6..]);
}

fn endless(stream: &mut TcpStream) {
    say(stream, "200 OK", &[]);
    while stream.write_all(&[b'x'; 4096]).is_ok() {}
}

fn drip(stream: &mut TcpStream) {
    say(stream, "200 OK\r\ncontent-length: 16", &[]);
    for byte in BODY {
        std::thread::sleep(Duration::from_millis(400));
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
    }
}

fn moved(stream: &mut TcpStream) {
    say(
        stream,
        "302 Found\r\nlocation: http://169.254.169.254/",
        &[],
    );
}

fn gzip(stream: &mut TcpStream) {
    say(stream, "200 OK\r\ncontent-encoding: gzip", BODY);
}

fn same(stream: &mut TcpStream) {
    say(stream, "304 Not Modified", &[]);
}

fn tagged(stream: &mut TcpStream) {
    say(stream, "200 OK\r\netag: \"a\"\r\ncontent-length: 16", BODY);
}

struct Try {
    dir: tempfile::TempDir,
    progress: Progress,
    digest: Sha256Digest,
}

impl Try {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            progress: Progress::default(),
            digest: Sha256Digest::of(BODY),
        }
    }

    fn to(&self) -> PathBuf {
        self.dir.path().join("file")
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join("file.part")
    }

    fn fetch(&self, url: &Address) -> Result<(), DownloadError> {
        self.fetch_by(&downloader(), url)
    }

    fn fetch_by(&self, downloader: &Downloader, url: &Address) -> Result<(), DownloadError> {
        let wanted = Wanted {
            length: 16,
            sha256: &self.digest,
        };
        let to = self.to();
        run(downloader.file(url, wanted, &to, &self.progress))
    }
}

fn downloader() -> Downloader {
    Downloader::new(None, Pace::default()).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let (url, heads) = serve(vec![broken, rest]);
    let attempt = Try::new();
    assert!(attempt.fetch(&url).is_err());
    assert_eq!(std::fs::read(attempt.part()).unwrap(), BODY[..6]);
    attempt.fetch(&url).unwrap();
    assert_eq!(std::fs::read(attempt.to()).unwrap(), BODY);
    assert!(!attempt.part().exists());
    assert!(!heads.recv().unwrap().contains("range:"));
    assert!(heads.recv().unwrap().contains("range: bytes=6-"));
}

#[test]
fn a_server_that_knows_no_ranges_begins_again() {
    let (url, _heads) = serve(vec![broken, whole]);
    let attempt = Try::new();
    assert!(attempt.fetch(&url).is_err());
    attempt.fetch(&url).unwrap();
    assert_eq!(std::fs::read(attempt.to()).unwrap(), BODY);
    assert_eq!(attempt.progress.done.load(Ordering::Relaxed), 16);
}

#[test]
fn a_wrong_beginning_is_fetched_again_and_a_wrong_file_is_not_kept() {
    let (url, _heads) = serve(vec![rest, whole]);
    let attempt = Try::new();
    std::fs::write(attempt.part(), b"xxxxxx").unwrap();
    attempt.fetch(&url).unwrap();
    assert_eq!(std::fs::read(attempt.to()).unwrap(), BODY);

    let (url, _heads) = serve(vec![whole]);
    let mut attempt = Try::new();
    attempt.digest = Sha256Digest::of(b"another");
    assert!(matches!(
        attempt.fetch(&url),
        Err(DownloadError::Digest { .. })
    ));
    assert!(!attempt.to().exists());
    assert_eq!(std::fs::metadata(attempt.part()).unwrap().len(), 0);
}

#[test]
fn an_endless_answer_stops_at_the_expected_length() {
    let (url, _heads) = serve(vec![endless, endless]);
    let attempt = Try::new();
    assert!(matches!(
        attempt.fetch(&url),
        Err(DownloadError::TooLong { limit: 16 })
    ));
    assert_eq!(std::fs::metadata(attempt.part()).unwrap().len(), 0);
    let small = run(downloader().current(&url, 100, None));
    assert!(matches!(small, Err(DownloadError::TooLong { limit: 100 })));
}

#[test]
fn a_dripping_answer_is_given_up() {
    let (url, _heads) = serve(vec![drip]);
    let attempt = Try::new();
    let pace = Pace {
        window: Duration::from_secs(2),
        least: 10,
    };
    let hasty = Downloader::new(None, pace).unwrap();
    assert!(matches!(
        attempt.fetch_by(&hasty, &url),
        Err(DownloadError::Slow { .. })
    ));
    // What came is kept for the next attempt.
    assert!(std::fs::metadata(attempt.part()).unwrap().len() > 0);
}

#[test]
fn redirects_encodings_and_errors_are_refused() {
    let (url, _heads) = serve(vec![moved, gzip]);
    let attempt = Try::new();
    assert!(matches!(
        attempt.fetch(&url),
        Err(DownloadError::Redirected(StatusCode::FOUND))
    ));
    assert!(matches!(attempt.fetch(&url), Err(DownloadError::Encoded)));
    assert!(Address::parse("http://169.254.169.254/").is_err());
}

#[test]
fn nothing_changed_is_believed_only_when_it_was_asked() {
    let (url, heads) = serve(vec![tagged, same, same]);
    let Ok(Answer::New { bytes, tag }) = run(downloader().current(&url, 16, None)) else {
        panic!("the first answer is new");
    };
    assert_eq!(
        (bytes.as_slice(), tag.clone().unwrap()),
        (BODY, "\"a\"".parse().unwrap())
    );
    let again = run(downloader().current(&url, 16, tag.as_ref()));
    assert_eq!(again.unwrap(), Answer::Same);
    assert!(run(downloader().current(&url, 16, None)).is_err());
    heads.recv().unwrap();
    assert!(heads.recv().unwrap().contains("if-none-match: \"a\""));
}

#[test]
fn a_planted_link_is_not_written_through() {
    let (url, _heads) = serve(vec![whole]);
    let attempt = Try::new();
    let victim = attempt.dir.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, attempt.part()).unwrap();
    assert!(attempt.fetch(&url).is_err());
    std::fs::remove_file(attempt.part()).unwrap();
    std::fs::hard_link(&victim, attempt.part()).unwrap();
    assert!(matches!(
        attempt.fetch(&url),
        Err(DownloadError::Planted(_))
    ));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
}
