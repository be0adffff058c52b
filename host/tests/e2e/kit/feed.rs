//! Signed feeds: the official one of this build, to be changed and signed again with the development
//! keys of this machine, and a publisher's own.

use super::environment;
use clawdefender_trust::{
    ABI, ArtifactEntry, Document, Kind, Limits, MAX_LIFETIME_DAYS, Manifest, Mode, Pack, Revoked,
    RootFile, SecretKey, Sha256Digest, Timestamp, endorse, host_version, seal_manifest,
    verify_manifest,
};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A feed before it is published.
pub struct Feed {
    pub manifest: Manifest,
    blobs: Vec<Vec<u8>>,
    signer: SecretKey,
    /// The source of the blocklist, with what was changed.
    packages: Value,
}

/// The key of a publisher whom the user trusts.
pub fn publisher() -> SecretKey {
    SecretKey::from_bytes(&[7; 32])
}

impl Feed {
    /// What the tested program was built with, as the next version of it.
    pub fn official() -> Self {
        let seed = environment().folder.with_file_name("seed");
        let root = RootFile::parse(&fs::read(seed.join("root.json")).unwrap())
            .unwrap()
            .root()
            .unwrap();
        let bytes = fs::read(seed.join("seed.feedpack")).unwrap();
        let pack = Pack::parse(&bytes).unwrap();
        let floor = clawdefender_trust::Floor::bottom(Timestamp::EPOCH);
        let seed = verify_manifest(pack.envelope(), &root, &floor, now(), Mode::Reload)
            .unwrap()
            .into_inner();
        let issued = now();
        let version = seed.version + 1;
        let manifest = Manifest {
            issued,
            expires: issued.plus_days(MAX_LIFETIME_DAYS),
            version,
            ..seed
        };
        let blobs = pack.blobs().map(|(_, bytes)| bytes.to_vec()).collect();
        Self {
            manifest,
            blobs,
            signer: Self::development_key("feed"),
            packages: packages(),
        }
    }

    /// A publisher's feed of one detector, whatever `component` is.
    pub fn of_publisher(component: &[u8]) -> Self {
        Self::of_publisher_called("hostile", component)
    }

    /// The same under another name for both the feed and its detector.
    pub fn of_publisher_called(name: &str, component: &[u8]) -> Self {
        let issued = now();
        let mut entry = ArtifactEntry {
            kind: Kind::Detector,
            name: name.parse().unwrap(),
            version: "0.1.0".parse().unwrap(),
            abi: Some(ABI),
            schema: None,
            detector: None,
            sha256: Sha256Digest::of(component),
            length: component.len() as u64,
            entries: None,
            required: true,
            endorsement: None,
            limits: Some(Limits {
                memory_bytes: 16 << 20,
                deadline_ms: 100,
                output_bytes: 256 << 10,
            }),
        };
        entry.endorsement = Some(endorse(&entry, &publisher()).unwrap());
        let manifest = Manifest {
            document: Document::Feed,
            spec: 1,
            feed_id: name.parse().unwrap(),
            channel: "stable".parse().unwrap(),
            key_epoch: 1,
            version: u64::try_from(issued.unix()).unwrap(),
            issued,
            expires: issued.plus_days(30),
            next_public_key: SecretKey::from_bytes(&[8; 32]).public(),
            min_host: host_version(),
            critical: Vec::new(),
            artifacts: vec![entry],
            revoked: Revoked::default(),
            downgrades: Vec::new(),
        };
        Self {
            manifest,
            blobs: vec![component.to_vec()],
            signer: publisher(),
            packages: Value::Null,
        }
    }

    /// With vectors for its one detector, as `judge::vectors` reads them.
    pub fn with_vectors(mut self, vectors: &Value) -> Self {
        let bytes = serde_json::to_vec(vectors).unwrap();
        let entry = ArtifactEntry {
            kind: Kind::Vectors,
            abi: None,
            schema: Some(1),
            detector: Some(self.manifest.artifacts[0].name.clone()),
            sha256: Sha256Digest::of(&bytes),
            length: bytes.len() as u64,
            endorsement: None,
            limits: None,
            ..self.manifest.artifacts[0].clone()
        };
        self.manifest.artifacts.push(entry);
        self.blobs.push(bytes);
        self
    }

    /// With other vectors for a detector that has some.
    pub fn with_vectors_of(mut self, detector: &str, vectors: &Value) -> Self {
        let bytes = serde_json::to_vec(vectors).unwrap();
        let mut artifacts = self.manifest.artifacts.iter_mut();
        let entry = artifacts
            .find(|entry| entry.kind == Kind::Vectors && entry.name.as_str() == detector)
            .unwrap();
        entry.sha256 = Sha256Digest::of(&bytes);
        entry.length = bytes.len() as u64;
        self.blobs.push(bytes);
        self
    }

    /// Changes a data artifact and gives it a higher version: the blocklist by its source, which is
    /// compiled, and others as the JSON that they are.
    pub fn edit(mut self, kind: Kind, change: impl FnOnce(&mut Value)) -> Self {
        let (bytes, entries) = if kind == Kind::Blocklist {
            change(&mut self.packages);
            let artifact = serde_json::from_value(self.packages.clone()).unwrap();
            let bytes = supply_chain::shard::compile(&artifact).unwrap();
            let shard = supply_chain::shard::Shard::open(bytes.clone()).unwrap();
            (bytes, u64::from(shard.entries()))
        } else {
            let artifacts = &self.manifest.artifacts;
            let entry = artifacts
                .iter()
                .find(|entry| is_wanted(entry, kind))
                .unwrap();
            let is_it = |blob: &&Vec<u8>| Sha256Digest::of(blob) == entry.sha256;
            let blob = self.blobs.iter().find(is_it).unwrap();
            let mut body: Value = serde_json::from_slice(blob).unwrap();
            change(&mut body);
            let lists = body
                .as_object()
                .unwrap()
                .values()
                .filter_map(Value::as_array);
            let entries = lists.map(|list| list.len() as u64).sum();
            (serde_json::to_vec(&body).unwrap(), entries)
        };
        let mut artifacts = self.manifest.artifacts.iter_mut();
        let entry = artifacts.find(|entry| is_wanted(entry, kind)).unwrap();
        let blob = self
            .blobs
            .iter_mut()
            .find(|blob| Sha256Digest::of(blob) == entry.sha256)
            .unwrap();
        entry.version = "1000000".parse().unwrap();
        entry.entries = Some(entries);
        entry.sha256 = Sha256Digest::of(&bytes);
        entry.length = bytes.len() as u64;
        *blob = bytes;
        self
    }

    /// The next key epoch: signed by the pinned next key, which names another.
    pub fn rotated(mut self, next: SecretKey, then: &SecretKey) -> Self {
        self.manifest.key_epoch += 1;
        self.manifest.version += 1;
        self.manifest.next_public_key = then.public();
        self.signer = next;
        self
    }

    /// A key of this machine's development root: `feed`, `next` or `code`.
    pub fn development_key(office: &str) -> SecretKey {
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(".dev-root");
        let key = fs::read_to_string(keys.join(format!("{office}.key"))).unwrap();
        SecretKey::from_hex(key.trim_end()).unwrap()
    }

    /// Leaves only the first manifest of an epoch, for those who missed it.
    pub fn keep_rotation(&self, folder: &Path) {
        let envelope = seal_manifest(&self.manifest, &[&self.signer]).unwrap();
        let rotations = folder.join("rotations");
        fs::create_dir_all(&rotations).unwrap();
        let name = format!("{}.dsse.json", self.manifest.key_epoch);
        fs::write(rotations.join(name), envelope).unwrap();
    }

    /// Signs and writes it as a folder that can be served. The folder.
    pub fn publish(&self, folder: &Path) -> PathBuf {
        let envelope = seal_manifest(&self.manifest, &[&self.signer]).unwrap();
        for blob in &self.blobs {
            let path = artifact(folder, &Sha256Digest::of(blob));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, blob).unwrap();
        }
        put(&folder.join("manifest.dsse.json"), &envelope);
        folder.to_owned()
    }

    /// Where the artifact of this kind is, once published in `folder`.
    pub fn artifact(&self, folder: &Path, kind: Kind) -> PathBuf {
        let entry = self
            .manifest
            .artifacts
            .iter()
            .find(|entry| is_wanted(entry, kind))
            .unwrap();
        artifact(folder, &entry.sha256)
    }
}

/// Of the blocklists it is the one of advisories, not the one of names.
fn is_wanted(entry: &ArtifactEntry, kind: Kind) -> bool {
    entry.kind == kind && (kind != Kind::Blocklist || entry.name.as_str() == "packages")
}

/// The advisories as people write them.
fn packages() -> Value {
    const SOURCE: &str = include_str!("../../../../feeds/data/packages.toml");
    let mut source: Value = toml::from_str(SOURCE).unwrap();
    source.as_object_mut().unwrap().remove("artifact");
    source
}

fn artifact(folder: &Path, digest: &Sha256Digest) -> PathBuf {
    folder.join(digest.place())
}

pub fn now() -> Timestamp {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    Timestamp::from_unix(i64::try_from(seconds).unwrap()).unwrap()
}

/// Puts a file in its place in one step: a daemon may be asking for it.
pub fn put(path: &Path, bytes: &[u8]) {
    let draft = path.with_extension("draft");
    fs::write(&draft, bytes).unwrap();
    fs::rename(draft, path).unwrap();
}
