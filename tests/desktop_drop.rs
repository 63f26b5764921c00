//! Files dragged from a file manager onto the window of the whole program, under Xvfb: a client of
//! ours plays the file manager by the protocol that all of them speak (XDND 5).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod on_screen;
mod tones;
mod voice_files;

use on_screen::{Display, PATIENCE, Process, is_missing, wait_for};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use voice_files::{small, write_voice};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

x11rb::atom_manager! {
    /// The words of the protocol.
    Atoms: AtomsCookie {
        XdndAware, XdndEnter, XdndPosition, XdndStatus, XdndLeave, XdndDrop, XdndFinished,
        XdndSelection, XdndActionCopy,
        UriList: b"text/uri-list",
    }
}

/// A file manager with a hand.
struct FileManager {
    x: RustConnection,
    root: Window,
    own: Window,
    atoms: Atoms,
}

/// Where it drops, in pixels of the screen: somewhere in the window, which is at its corner.
const PLACE: (i16, i16) = (400, 300);

impl FileManager {
    fn open(display: &Display) -> Self {
        let (x, screen) = x11rb::connect(Some(&display.name)).unwrap();
        let root = x.setup().roots[screen].root;
        let own = x.generate_id().unwrap();
        let listens = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        let class = WindowClass::INPUT_OUTPUT;
        x.create_window(0, own, root, 0, 0, 1, 1, 0, class, 0, &listens)
            .unwrap();
        let atoms = Atoms::new(&x).unwrap().reply().unwrap();
        Self {
            x,
            root,
            own,
            atoms,
        }
    }

    /// What is below the hand and may be dropped onto: the first from the root on that says so.
    fn target(&self) -> Option<Window> {
        let mut window = self.root;
        loop {
            let (x, y) = PLACE;
            let below = self.x.translate_coordinates(self.root, window, x, y);
            window = below.unwrap().reply().unwrap().child;
            if window == x11rb::NONE {
                return None;
            }
            let says = (self.x)
                .get_property(false, window, self.atoms.XdndAware, AtomEnum::ATOM, 0, 1)
                .unwrap();
            if says
                .reply()
                .unwrap()
                .value32()
                .is_some_and(|mut version| version.next().is_some())
            {
                return Some(window);
            }
        }
    }

    fn next(&self) -> Event {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.x.poll_for_event().unwrap() {
                return event;
            }
            assert!(Instant::now() < deadline, "the window does not answer");
            std::thread::park_timeout(std::time::Duration::from_millis(2));
        }
    }

    /// The server's time.
    fn now(&self) -> u32 {
        let name = AtomEnum::WM_NAME;
        (self.x)
            .change_property8(
                PropMode::REPLACE,
                self.own,
                name,
                AtomEnum::STRING,
                b"files",
            )
            .unwrap();
        self.x.flush().unwrap();
        loop {
            if let Event::PropertyNotify(event) = self.next() {
                return event.time;
            }
        }
    }

    fn tell(&self, target: Window, what: u32, rest: [u32; 4]) {
        let data = [self.own, rest[0], rest[1], rest[2], rest[3]];
        let message = ClientMessageEvent::new(32, target, what, data);
        self.x
            .send_event(false, target, EventMask::NO_EVENT, message)
            .unwrap();
        self.x.flush().unwrap();
    }

    /// Gives the list of files to who asks for it, until this message comes.
    fn until(&self, what: u32, list: &str) -> [u32; 5] {
        loop {
            match self.next() {
                Event::SelectionRequest(asked) => {
                    assert_eq!(asked.target, self.atoms.UriList);
                    (self.x)
                        .change_property8(
                            PropMode::REPLACE,
                            asked.requestor,
                            asked.property,
                            asked.target,
                            list.as_bytes(),
                        )
                        .unwrap();
                    let answer = SelectionNotifyEvent {
                        response_type: SELECTION_NOTIFY_EVENT,
                        sequence: 0,
                        time: asked.time,
                        requestor: asked.requestor,
                        selection: asked.selection,
                        target: asked.target,
                        property: asked.property,
                    };
                    self.x
                        .send_event(false, asked.requestor, EventMask::NO_EVENT, answer)
                        .unwrap();
                    self.x.flush().unwrap();
                }
                Event::ClientMessage(message) if message.type_ == what => {
                    return message.data.as_data32();
                }
                _ => {}
            }
        }
    }

    /// Drags files over the window.
    fn drag(&self, target: Window, list: &str) {
        let Atoms {
            XdndEnter,
            XdndPosition,
            XdndStatus,
            XdndSelection,
            XdndActionCopy,
            UriList,
            ..
        } = self.atoms;
        let now = self.now();
        self.x
            .set_selection_owner(self.own, XdndSelection, now)
            .unwrap();
        self.tell(target, XdndEnter, [5 << 24, UriList, 0, 0]);
        let place = (PLACE.0 as u32) << 16 | PLACE.1 as u32;
        self.tell(target, XdndPosition, [0, place, now, XdndActionCopy]);
        let [window, flags, ..] = self.until(XdndStatus, list);
        assert_eq!((window, flags & 1), (target, 1), "it would take them");
    }

    fn drop(&self, target: Window, list: &str) {
        self.drag(target, list);
        self.tell(target, self.atoms.XdndDrop, [0, self.now(), 0, 0]);
        let [_, flags, ..] = self.until(self.atoms.XdndFinished, list);
        assert_eq!(flags & 1, 1, "it took them");
    }

    fn leave(&self, target: Window, list: &str) {
        self.drag(target, list);
        self.tell(target, self.atoms.XdndLeave, [0; 4]);
    }
}

/// The list of one file, as file managers write it.
fn uri_list(file: &Path) -> String {
    let bytes = file.to_str().unwrap().bytes();
    let path = bytes.map(|byte| match byte {
        b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    format!("file://{}\r\n", path.collect::<String>())
}

fn app(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autovoice"));
    command
        .args(words)
        .env("AUTOVOICE_HOME", home)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .stdin(Stdio::null());
    command
}

/// The names in the library, in its order.
fn voices(home: &Path) -> Vec<String> {
    let listed = app(home, &["voices", "list", "--json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let voices = listed["voices"].as_array().unwrap();
    let name = |voice: &serde_json::Value| voice["name"].as_str().unwrap().to_owned();
    // The user's own: others are built in.
    let own = voices.iter().filter(|voice| voice["built_in"] == false);
    own.map(name).collect()
}

#[test]
fn a_voice_dropped_onto_the_window_is_in_the_library() {
    if is_missing("Xvfb") {
        return;
    }
    let desk = tempfile::tempdir().unwrap();
    let home = desk.path().join("home");
    let display = Display::open();
    let window = app(&home, &["app", "--backend", "dummy", "--forget"])
        .env("DISPLAY", &display.name)
        .spawn();
    let mut window = Process(window.unwrap());
    let files = FileManager::open(&display);
    let mut found = None;
    wait_for("a window that takes files", || {
        found = files.target();
        found.is_some()
    });
    let target = found.unwrap();

    // One that was only held over it, and one that is no voice.
    let held = desk.path().join("Held.pth");
    write_voice(&held, &small());
    files.leave(target, &uri_list(&held));
    let letter = desk.path().join("letter.pth");
    std::fs::write(&letter, "Dear Ada,\n").unwrap();
    files.drop(target, &uri_list(&letter));

    for name in ["Ada", "Frühling im Garten, 100 %"] {
        let file = desk.path().join(format!("{name}.pth"));
        write_voice(&file, &small());
        files.drop(target, &uri_list(&file));
        wait_for(&format!("{name} in the library"), || {
            voices(&home).iter().any(|voice| voice == name)
        });
    }
    assert_eq!(voices(&home), ["Ada", "Frühling im Garten, 100 %"]);
    assert!(window.0.try_wait().unwrap().is_none(), "it stays up");
}
