//! The loader thread of one instance: reads voices, builds engines, hands them to the worker and
//! frees what comes back. It may block; nobody but offline rendering waits for it.

use super::maker::{Imported, Listed, PerSetup, VoiceSetup, Warm};
use super::rack::{Connection, Import, Inner};
use super::shown::{Said, Shown, SlotShown, SlotState};
use super::stock::guarded;
use crate::bridge::{HostConfig, InstallError, Latency, SLOTS};
use crate::engine::ddsp::Company;
use crate::engine::morph::CORNERS;
use crate::engine::{EngineSpec, Place, Whereabouts};
use crate::preset::VoiceRef;
use crate::units::Frames;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

/// With voices at work, it looks this often for those that failed or are to be freed.
const PERIOD: Duration = Duration::from_millis(50);

/// What is to be done.
pub struct Order {
    /// The newest wish in it.
    pub number: u64,
    slots: [Option<VoiceRef>; SLOTS],
    again: [bool; SLOTS],
    connection: Option<Option<Connection>>,
    imports: Vec<Import>,
    is_list_wanted: bool,
}

/// Starts the thread of a rack; it ends with the rack.
///
/// # Errors
/// When the system gives no thread.
pub fn start(inner: Arc<Inner>) -> std::io::Result<()> {
    let loader = Loader {
        inner,
        slots: Default::default(),
        connection: None,
        listed: Vec::new(),
        delays: PerSetup::default(),
        is_importing: false,
        said: None,
        reads: 0,
    };
    let thread = Builder::new().name("autovoice-loader".into());
    let started = thread.spawn(move || {
        let _ended = Ended(loader.inner.clone());
        loader.run();
    });
    started.map(drop)
}

/// Says that the thread is gone, however it ended: nobody must wait for it then.
struct Ended(Arc<Inner>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.thread_ended();
    }
}

/// A slot as the loader has it.
#[derive(Default)]
struct Slot {
    voice: Option<VoiceRef>,
    warm: Option<Arc<dyn Warm>>,
    state: SlotState,
    /// What its engine would be.
    specs: Option<PerSetup<EngineSpec>>,
    /// Which reading of a voice it holds, from 1.
    read: u64,
    /// Whom the engine that is installed can be morphed with, by [`Self::read`].
    company: Reads,
    /// Who tells where that engine's networks run, and what they told last.
    whereabouts: Option<Arc<dyn Whereabouts>>,
    place: Place,
}

const _: () = assert!(
    CORNERS == SLOTS,
    "each slot has its corner of the morph pad"
);

/// What was read into each slot, 0 for nobody.
type Reads = [u64; SLOTS];

impl Slot {
    /// Looks where its networks run; whether that is news.
    fn look(&mut self) -> bool {
        let place = self.whereabouts.as_ref().map(|told| told.place());
        let place = place.unwrap_or_default();
        std::mem::replace(&mut self.place, place) != self.place
    }

    /// The name of its engine, which is the same for every setup.
    fn engine(&self) -> Option<&'static str> {
        let spec = self.specs.as_ref()?.get(&VoiceSetup::default())?;
        Some(spec.name)
    }

    /// What its voice hears with, if it can be morphed with those that hear the same.
    fn encoder(&self) -> Option<&str> {
        let is_failed = matches!(self.state, SlotState::Failed(_));
        self.warm.as_ref().filter(|_| !is_failed)?.encoder()
    }
}

struct Loader {
    inner: Arc<Inner>,
    slots: [Slot; SLOTS],
    connection: Option<Connection>,
    listed: Vec<Listed>,
    delays: PerSetup<Option<Frames>>,
    is_importing: bool,
    said: Option<Said>,
    /// How many voices were read.
    reads: u64,
}

impl Loader {
    fn run(mut self) {
        while let Some(order) = self.next_order() {
            self.obey(order);
        }
    }

    /// Waits for something to do; `None` when it is over.
    fn next_order(&mut self) -> Option<Order> {
        let inner = self.inner.clone();
        let mut desk = inner.desk();
        loop {
            if desk.is_over {
                return None;
            }
            if desk.done < desk.asked {
                return Some(Order {
                    number: desk.asked,
                    slots: desk.slots.clone(),
                    again: std::mem::take(&mut desk.again),
                    connection: desk.connection.take(),
                    imports: desk.imports.drain(..).collect(),
                    is_list_wanted: std::mem::take(&mut desk.is_list_wanted),
                });
            }
            if self.is_at_work() {
                desk = inner.wait_for(desk, PERIOD);
                drop(desk);
                self.look();
                desk = inner.desk();
            } else {
                desk = inner.wait(desk);
            }
        }
    }

    fn is_at_work(&self) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| connection.voices.is_some())
    }

    fn obey(&mut self, order: Order) {
        let number = order.number;
        let mut again = order.again;
        if let Some(connection) = order.connection {
            self.connection = connection;
            for (slot, again) in self.slots.iter_mut().zip(&mut again) {
                // What is in memory is built anew for this path; what was not here may be now.
                *again |= slot.warm.is_none();
                if slot.warm.is_some() {
                    slot.state = SlotState::Loading;
                }
            }
        }
        for (at, voice) in order.slots.into_iter().enumerate() {
            self.fill(at, voice, again[at]);
            self.install(at);
        }
        // Those that were there before now have other company.
        (0..SLOTS).for_each(|at| self.install(at));
        self.work_out_delays();
        self.show();
        for import in order.imports {
            self.import(import);
        }
        if order.is_list_wanted {
            self.list();
        }
        self.show();
        self.inner.done(number);
    }

    /// Reads the voice that is wanted in a slot, unless it is there.
    fn fill(&mut self, at: usize, wanted: Option<VoiceRef>, again: bool) {
        let is_there = self.slots[at].voice == wanted;
        if is_there && !(again && wanted.is_some()) {
            return;
        }
        self.slots[at] = Slot {
            voice: wanted.clone(),
            warm: None,
            state: match wanted {
                Some(_) => SlotState::Loading,
                None => SlotState::Empty,
            },
            specs: wanted
                .as_ref()
                .and_then(|voice| self.inner.stock.specs(voice).ok()),
            ..Slot::default()
        };
        let Some(voice) = wanted else {
            self.remove(at);
            return;
        };
        self.show();
        // The voice before stays to be heard until this one takes its place.
        match self.inner.stock.load(&voice) {
            Ok(warm) => {
                self.reads += 1;
                self.slots[at].warm = Some(warm);
                self.slots[at].read = self.reads;
            }
            Err(reason) => self.fail(at, reason),
        }
    }

    /// Whom the voice in a slot can be morphed with.
    fn company(&self, at: usize) -> Reads {
        let encoder = self.slots[at].encoder();
        std::array::from_fn(|other| {
            let slot = &self.slots[other];
            let is_company = other != at && encoder.is_some() && slot.encoder() == encoder;
            if is_company { slot.read } else { 0 }
        })
    }

    /// Whether an engine is still to be handed to the worker, the voice's first or one for other
    /// company.
    fn is_due(&self, at: usize) -> bool {
        let slot = &self.slots[at];
        match slot.state {
            SlotState::Loading => true,
            SlotState::Ready => self.connection.is_some() && slot.company != self.company(at),
            _ => false,
        }
    }

    /// Hands a voice that is in memory to the worker, unless that was done.
    fn install(&mut self, at: usize) {
        if !self.is_due(at) {
            return;
        }
        let reads = self.company(at);
        let company = Company {
            corner: Some(at),
            others: std::array::from_fn(|other| {
                let warm = self.slots[other].warm.as_ref();
                warm.filter(|_| reads[other] != 0)?.speaker()
            }),
        };
        let slot = &mut self.slots[at];
        let Some(warm) = &slot.warm else {
            return;
        };
        let Some(connection) = &mut self.connection else {
            slot.state = SlotState::Ready;
            return;
        };
        let Some(voices) = &mut connection.voices else {
            return self.ask_for_restart(at);
        };
        let setup = &connection.setup;
        let mut whereabouts = None;
        let installed = guarded(|| {
            let engine = warm.engine_among(setup, company)?;
            whereabouts = engine.whereabouts();
            Ok(voices.install(at + 1, engine))
        });
        match installed {
            Ok(Ok(())) => {
                slot.whereabouts = whereabouts;
                slot.look();
                slot.state = SlotState::Ready;
                slot.company = reads;
            }
            // The worker takes them over in a moment, and then there is another look.
            Ok(Err(InstallError::Busy)) => {}
            Ok(Err(InstallError::Latency { .. })) => self.ask_for_restart(at),
            Ok(Err(error)) => self.fail(at, error.to_string()),
            Err(reason) => self.fail(at, reason),
        }
    }

    /// The path does not do for the voice in a slot. Another one is asked for only if it will: a
    /// host must not restart us for ever.
    fn ask_for_restart(&mut self, at: usize) {
        let (Some(connection), Some(voice)) = (&self.connection, &self.slots[at].voice) else {
            return;
        };
        let host = &connection.host;
        if !HostConfig::converts_at(host.rate_hz) {
            let (lowest, highest) = HostConfig::RATES_HZ;
            let reason = format!(
                "expected a rate of {lowest} to {highest} Hz, found {} Hz; choose another in the \
                 host",
                host.rate_hz
            );
            return self.fail(at, reason);
        }
        let available = connection.voices.as_ref().map(|v| v.latency().total());
        let specs = match self.inner.stock.specs(voice) {
            Ok(specs) => specs,
            Err(reason) => return self.fail(at, reason),
        };
        let promised = specs.get(&connection.setup);
        let needed = promised.map(|spec| Latency::of_worker(host, spec).total());
        if available.is_some_and(|there| needed <= Some(there)) {
            let reason = "expected the delay that the voice's file promises, found it needs more; \
                          import it again";
            return self.fail(at, reason.to_owned());
        }
        self.slots[at].state = SlotState::AwaitsRestart;
        self.remove(at);
        self.inner.ask_for_restart();
    }

    fn fail(&mut self, at: usize, reason: String) {
        self.slots[at].state = SlotState::Failed(reason);
        self.remove(at);
    }

    /// Takes the voice of a slot from the worker. It is freed when it comes back.
    fn remove(&mut self, at: usize) {
        let connection = self.connection.as_mut();
        if let Some(voices) = connection.and_then(|connection| connection.voices.as_mut()) {
            // Busy it is only while the worker stands still, and then no voice is heard.
            let _ = voices.remove(at + 1);
        }
    }

    /// Frees what came back, and sees who failed.
    fn look(&mut self) {
        let Some(voices) = self.connection.as_mut().and_then(|c| c.voices.as_mut()) else {
            return;
        };
        voices.collect();
        let mut is_news = false;
        for (at, slot) in self.slots.iter_mut().enumerate() {
            is_news |= slot.look();
            if slot.state == SlotState::Ready
                && let Some(reason) = voices.failure(at + 1)
            {
                slot.state = SlotState::Failed(reason);
                is_news = true;
            }
        }
        for at in 0..SLOTS {
            if self.is_due(at) {
                self.install(at);
                is_news = true;
            }
        }
        if is_news {
            self.show();
        }
    }

    /// The delay that each setup would bring with the voices there are.
    fn work_out_delays(&mut self) {
        self.delays = PerSetup::of(|setup| {
            let connection = self.connection.as_ref()?;
            let specs = self.slots.iter().filter_map(|slot| slot.specs.as_ref());
            let specs: Vec<_> = specs
                .filter_map(|specs| specs.get(setup).copied())
                .collect();
            let latency = Latency::covering(&connection.host, &connection.direct, &specs);
            Some(latency.total())
        });
    }

    fn import(&mut self, Import { file, slot }: Import) {
        self.is_importing = true;
        self.show();
        let imported = self.inner.stock.import(&file);
        self.is_importing = false;
        self.said = Some(match &imported {
            Ok(Imported { voice, notes }) => Said {
                text: [
                    &[format!("{} is in the library now", voice.name)],
                    &notes[..],
                ]
                .concat()
                .join("; "),
                is_error: false,
            },
            Err(reason) => Said {
                text: reason.clone(),
                is_error: true,
            },
        });
        let Ok(Imported { voice, .. }) = imported else {
            return;
        };
        if let Some(at) = slot.and_then(|slot| slot.checked_sub(1)) {
            let mut desk = self.inner.desk();
            if let Some(wanted) = desk.slots.get_mut(at) {
                *wanted = Some(voice);
                desk.asked += 1;
            }
        }
        self.list();
    }

    fn list(&mut self) {
        match self.inner.stock.list() {
            Ok(listed) => self.listed = listed,
            Err(text) => {
                self.said = Some(Said {
                    text,
                    is_error: true,
                });
            }
        }
    }

    fn show(&self) {
        let connection = self.connection.as_ref();
        self.inner.show(Shown {
            slots: self.slots.each_ref().map(|slot| SlotShown {
                voice: slot.voice.clone(),
                state: slot.state.clone(),
                engine: slot.engine(),
                encoder: slot.encoder().map(str::to_owned),
                place: slot.place.clone(),
            }),
            listed: self.listed.clone(),
            delays: self.delays,
            setup: connection.map(|connection| connection.setup),
            rate_hz: connection.map_or(0, |connection| connection.host.rate_hz),
            is_importing: self.is_importing,
            said: self.said.clone(),
        });
    }
}
