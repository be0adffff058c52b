//! Certificates of an authority that nobody but a test believes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate authority in a new `folder`, and a certificate for 127.0.0.1 that it signed, with its
/// key.
pub fn certificates(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    fs::create_dir(folder).unwrap();
    let at = |name: &str| folder.join(name);
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .current_dir(folder)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    fs::write(at("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let new = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    openssl(
        &[
            &new[..],
            &[
                "-x509",
                "-days",
                "2",
                "-subj",
                "/CN=test authority",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
            ],
        ]
        .concat(),
    );
    openssl(
        &[
            &new[..],
            &[
                "-subj",
                "/CN=127.0.0.1",
                "-keyout",
                "web.key",
                "-out",
                "web.csr",
            ],
        ]
        .concat(),
    );
    openssl(&[
        "x509",
        "-req",
        "-in",
        "web.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "san",
        "-out",
        "web.pem",
    ]);
    (at("ca.pem"), at("web.pem"), at("web.key"))
}
