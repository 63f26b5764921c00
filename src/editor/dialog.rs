//! The system's dialog for files. It blocks whoever opens it, so it has a thread of its own; the
//! window goes on and looks for the answer with every frame. GUI thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// What a file is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A voice to take in.
    Voice,
    /// A preset to take in.
    Preset,
    /// Where to write a preset.
    PresetCopy,
    /// A folder with recordings of a voice.
    Recordings,
}

/// Asks for a file and waits for the answer; `None` if there is none.
pub type Ask = Arc<dyn Fn(Purpose) -> Option<PathBuf> + Send + Sync>;

/// At most one dialog at a time.
pub struct Dialog {
    ask: Ask,
    open: Option<(Purpose, Receiver<Option<PathBuf>>)>,
}

impl Dialog {
    /// Asks in this way.
    #[must_use]
    pub fn new(ask: Ask) -> Self {
        Self { ask, open: None }
    }

    /// Whether one is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Opens a dialog, unless one is open.
    pub fn open(&mut self, purpose: Purpose) {
        if self.is_open() {
            return;
        }
        let (tell, answer) = channel();
        let ask = Arc::clone(&self.ask);
        let thread = std::thread::Builder::new().name("autovoice-dialog".into());
        // A window that was closed in between wants no answer. Without a thread there is none.
        let started = thread.spawn(move || drop(tell.send(ask(purpose))));
        if started.is_ok() {
            self.open = Some((purpose, answer));
        }
    }

    /// The answer, once, after it was given.
    pub fn answer(&mut self) -> Option<(Purpose, Option<PathBuf>)> {
        let (purpose, answer) = self.open.as_ref()?;
        let answered = match answer.try_recv() {
            Ok(file) => (*purpose, file),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => (*purpose, None),
        };
        self.open = None;
        Some(answered)
    }
}

/// The system's own: on Linux the desktop portal or zenity.
#[must_use]
pub fn system() -> Ask {
    Arc::new(|purpose| {
        let dialog = rfd::FileDialog::new();
        match purpose {
            Purpose::Voice => dialog
                .set_title("Import a voice")
                .add_filter("Voices", &["pth", "safetensors", "zip", "avvoice"])
                .add_filter("All files", &["*"])
                .pick_file(),
            Purpose::Preset => dialog
                .set_title("Take in a preset")
                .add_filter("Presets", &["toml"])
                .pick_file(),
            Purpose::PresetCopy => dialog
                .set_title("Export the preset")
                .add_filter("Presets", &["toml"])
                .set_file_name("preset.toml")
                .save_file(),
            Purpose::Recordings => dialog.set_title("Recordings of a voice").pick_folder(),
        }
    })
}
