//! Against a folder of its own and a server thread that serves one file.

use super::*;
use crate::download::{Downloader, Pace, Progress};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

const BODY: &[u8] = b"GGUF, as good as any";

/// Answers `times` requests with `BODY`.
fn serve(times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/m.gguf", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for _ in 0..times {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(&stream).lines();
            let _ = lines
                .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                .count();
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                BODY.len()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(BODY);
        }
    });
    url
}

fn model(name: &str, url: &str) -> Model {
    Model {
        name: name.parse().unwrap(),
        version: "1".parse().unwrap(),
        url: url.to_owned(),
        length: BODY.len() as u64,
        sha256: Sha256Digest::of(BODY),
        licence: "MIT".to_owned(),
        format: "gguf".parse().unwrap(),
        source: "hashed by the test".to_owned(),
    }
}

struct Place {
    folder: tempfile::TempDir,
    models: Models,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let models = Models::at(folder.path().join("models"));
        Self { folder, models }
    }

    /// What a program finds that opens the file after the check.
    fn bytes(&self, model: &Model) -> Vec<u8> {
        self.models.verify(&model.name).unwrap();
        std::fs::read(self.models.path(model)).unwrap()
    }

    fn pull(&self, model: &Model) -> Result<bool, ModelError> {
        let downloader = Downloader::new(None, Pace::default()).unwrap();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(self.models.pull(model, &downloader, &Progress::default()))
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn a_model_is_fetched_once_opened_checked_and_removed() {
    let place = Place::new();
    let model = model("guard", &serve(1));
    assert!(place.models.list().unwrap().is_empty());
    assert!(place.pull(&model).unwrap());
    assert!(!place.pull(&model).unwrap(), "it is here already");
    assert_eq!(place.models.list().unwrap(), std::slice::from_ref(&model));
    assert_eq!(place.bytes(&model), BODY);
    assert_eq!(place.models.verify(&model.name).unwrap(), model);
    assert_eq!(mode(&place.folder.path().join("models")), 0o700);
    assert_eq!(mode(&place.models.path(&model)), 0o600);
    assert_eq!(mode(&place.folder.path().join("models/pulled.json")), 0o600);

    place.models.remove(&model.name).unwrap();
    assert!(!place.models.path(&model).exists());
    assert!(matches!(
        place.models.verify(&model.name),
        Err(ModelError::Unknown(_))
    ));
    assert!(matches!(
        place.models.remove(&model.name),
        Err(ModelError::Unknown(_))
    ));
}

#[test]
fn bytes_at_hand_are_kept_when_they_are_the_listed_ones_and_no_others() {
    let place = Place::new();
    let listed = model("guard", "sha256/nowhere");
    for other in [&b"others"[..], &BODY[1..], &[BODY, b"x"].concat()] {
        assert!(matches!(
            place.models.keep(&listed, other),
            Err(ModelError::Others { .. })
        ));
    }
    assert!(place.models.list().unwrap().is_empty());
    assert!(place.models.keep(&listed, BODY).unwrap());
    assert!(!place.models.keep(&listed, BODY).unwrap(), "it is here");
    assert_eq!(place.bytes(&listed), BODY);
    assert_eq!(mode(&place.models.path(&listed)), 0o600);

    std::fs::write(place.models.path(&listed), "altered").unwrap();
    assert!(place.models.verify(&listed.name).is_err());
    assert!(place.models.keep(&listed, BODY).unwrap());
    place.models.verify(&listed.name).unwrap();
}

#[test]
fn a_model_that_was_altered_is_not_opened_and_can_be_fetched_again() {
    let place = Place::new();
    let model = model("guard", &serve(3));
    place.pull(&model).unwrap();
    let path = place.models.path(&model);
    for at in [0, BODY.len() / 2, BODY.len() - 1] {
        let mut other = BODY.to_vec();
        other[at] ^= 1;
        std::fs::write(&path, other).unwrap();
        let refused = place.models.verify(&model.name).err().unwrap();
        assert!(matches!(refused, ModelError::Altered { .. }) && refused.is_altered());
    }
    std::fs::write(&path, [BODY, b"x"].concat()).unwrap();
    assert!(matches!(
        place.models.verify(&model.name),
        Err(ModelError::Length { .. })
    ));
    assert!(place.pull(&model).unwrap());
    assert_eq!(place.bytes(&model), BODY);

    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        place.models.verify(&model.name),
        Err(ModelError::Gone { .. })
    ));
    place.pull(&model).unwrap();
    place.models.verify(&model.name).unwrap();
}

#[test]
fn a_link_or_a_pipe_in_place_of_a_model_is_refused() {
    let place = Place::new();
    let model = model("guard", &serve(1));
    place.pull(&model).unwrap();
    let path = place.models.path(&model);
    let elsewhere = place.folder.path().join("elsewhere");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(matches!(
        place.models.verify(&model.name),
        Err(ModelError::Planted(_))
    ));
    std::fs::remove_file(&path).unwrap();
    std::fs::hard_link(&elsewhere, &path).unwrap();
    assert!(matches!(
        place.models.verify(&model.name),
        Err(ModelError::Planted(_))
    ));
    std::fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    assert!(matches!(
        place.models.verify(&model.name),
        Err(ModelError::Planted(_))
    ));
}

#[test]
fn two_names_for_the_same_bytes_share_the_file_until_the_last_is_removed() {
    let place = Place::new();
    let (one, two) = (
        model("one", &serve(1)),
        model("two", "https://nobody.example/m"),
    );
    assert!(place.pull(&one).unwrap());
    assert!(!place.pull(&two).unwrap(), "nothing had to be fetched");
    place.models.remove(&one.name).unwrap();
    assert_eq!(place.bytes(&two), BODY);
    place.models.remove(&two.name).unwrap();
    assert!(!place.models.path(&two).exists());
}

#[test]
fn a_model_for_which_there_is_no_room_is_not_begun() {
    let models = Place::new().models;
    assert!(models.room(1 << 30, (1 << 30) + (64 << 20)).is_ok());
    let full = models.room(1 << 30, 1 << 30).unwrap_err().to_string();
    assert!(full.contains("1073741824 bytes more are needed"), "{full}");
    assert!(models.room(u64::MAX, u64::MAX - 1).is_err());
}

#[test]
fn only_one_process_changes_the_folder() {
    let place = Place::new();
    let model = model("guard", &serve(1));
    let lock = place.models.lock().unwrap();
    assert!(matches!(place.pull(&model), Err(ModelError::Busy)));
    drop(lock);
    place.pull(&model).unwrap();
}

#[test]
fn a_damaged_record_is_said_and_not_guessed_at() {
    let place = Place::new();
    let model = model("guard", &serve(1));
    place.pull(&model).unwrap();
    std::fs::write(place.folder.path().join("models/pulled.json"), "{").unwrap();
    assert!(matches!(
        place.models.verify(&model.name),
        Err(ModelError::Record { .. })
    ));
}
