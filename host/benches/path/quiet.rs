//! A judge without detectors, for this bench only: the product has no switch for that.
//!
//! Same wire, judge, ledger and policy engine. An empty set is a fault on every event, which the
//! `monitor` profile records and lets pass; so its records are a little longer than clean ones.

use clawdefender::approval::{Desk, DeskLimits, ProcessTable};
use clawdefender::audit::{Ledger, Sealed};
use clawdefender::config::Home;
use clawdefender::event::place::{Case, Disk, Places};
use clawdefender::judge::pins::{self, Pins};
use clawdefender::judge::{Histories, Judge, JudgeLimits, now_ms};
use clawdefender::plugin::Set;
use clawdefender::policy::{Policy, Profile};
use clawdefender::wire::peer::Peer;
use clawdefender::wire::serve::{self, Controller};
use clawdefender::wire::{Control, ControlReply};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

struct Silent;

impl Controller for Silent {
    fn control(&self, _: Control, _: Peer) -> ControlReply {
        ControlReply::Refused {
            code: "bench".into(),
            message: "this daemon only rules".into(),
            hint: String::new(),
        }
    }
}

/// A daemon of this judge alone.
pub fn serve(root: &Path) {
    let home = Home::at(root, root);
    let tasks = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let set = Set::new(Vec::new(), Vec::new());
    let judge = Arc::new(judge(root, set, Profile::Monitor, tasks.handle()));
    std::fs::create_dir_all(home.run_dir()).unwrap();
    let listener = UnixListener::bind(home.socket().unwrap()).unwrap();
    for stream in listener.incoming() {
        let judge = Arc::clone(&judge);
        std::thread::spawn(move || serve::serve(stream.unwrap(), &judge, &Silent, &Arc::default()));
    }
}

/// A judge with a ledger below `root`.
pub fn judge(root: &Path, set: Set, profile: Profile, tasks: &tokio::runtime::Handle) -> Judge {
    let home = Home::at(root, root);
    Judge::new(
        set,
        Policy::builtin(profile, home.user()),
        Ledger::open(&home.audit_dir(), Arc::new(now_ms)).unwrap(),
        Desk::new(DeskLimits::default(), ProcessTable),
        Histories::default(),
        Pins::open(Sealed::new(
            home.pins_file(),
            &home.audit_dir(),
            pins::PURPOSE,
        )),
        Places {
            home: root.display().to_string(),
            ours: vec![root.display().to_string()],
            case: Case::HERE,
            links: Box::new(Disk),
        },
        JudgeLimits {
            max_frame_bytes: 16 << 20,
            max_ruling_bytes: clawdefender::wire::MAX_RULING_BYTES,
            ask_hold: Duration::from_secs(45),
        },
        tasks.clone(),
    )
}
