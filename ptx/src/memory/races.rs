//! Who read and who wrote each place of memory last, and whether the next access is ordered
//! against theirs. In the manner of FastTrack (Flanagan and Freund, 2009): of readers that are
//! not ordered among themselves it is kept which lanes or warps they are of.

use super::clocks::Clocks;

/// Bytes of memory per page of records.
const PAGE_BYTES: usize = 1024;

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Read,
    Write,
}

/// Who accesses memory.
pub(crate) struct Who<'a> {
    block: u32,
    /// Within the block.
    thread: usize,
    /// The instruction, by its number.
    at: u32,
    strong: bool,
    clocks: &'a Clocks,
    /// Its time, and until when it knows everything of its block.
    clock: u32,
    floor: u32,
    /// Counted over all blocks with 32 each.
    warp: u32,
    lane: u32,
}

impl<'a> Who<'a> {
    /// A thread of a block at an instruction; `strong` where the access is ordered by itself:
    /// atomic, volatile, relaxed.
    #[inline]
    pub(crate) fn new(
        block: u32,
        thread: usize,
        at: u32,
        strong: bool,
        clocks: &'a Clocks,
    ) -> Self {
        Self {
            block,
            thread,
            at,
            strong,
            clocks,
            clock: clocks.clock(thread),
            floor: clocks.floor(),
            warp: block * 32 + thread as u32 / 32,
            lane: 1 << (thread % 32),
        }
    }
}

/// Those who did something to a place since it was last ordered.
#[derive(Clone, Copy, Debug, Default)]
struct Holders {
    kind: HolderKind,
    /// All of them were ordered by themselves.
    strong: bool,
    /// The warp, counted over all blocks with 32 each, or the block.
    id: u32,
    /// The latest time of theirs.
    clock: u32,
    /// Lanes of the warp, or warps of the block.
    mask: u32,
    /// The instruction of the last of them.
    at: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum HolderKind {
    #[default]
    Nobody,
    Lanes,
    Warps,
    /// Threads of several blocks.
    Everyone,
}

impl Holders {
    fn one(who: &Who<'_>) -> Self {
        Self {
            kind: HolderKind::Lanes,
            strong: who.strong,
            id: who.warp,
            clock: who.clock,
            mask: who.lane,
            at: who.at,
        }
    }

    /// Whether all of them come before what `who` does now.
    #[inline]
    fn is_before(&self, who: &Who<'_>) -> bool {
        let block = match self.kind {
            HolderKind::Nobody => return true,
            HolderKind::Lanes if self.id == who.warp && self.mask == who.lane => return true,
            HolderKind::Lanes => self.id / 32,
            HolderKind::Warps => self.id,
            HolderKind::Everyone => return false,
        };
        if block != who.block {
            return self.is_told(block, who);
        }
        // Nobody knows of a time that is not before their own.
        self.clock <= who.floor || (self.clock < who.clock && self.is_known(who))
    }

    /// Whether threads of the same block come before.
    fn is_known(&self, who: &Who<'_>) -> bool {
        if self.kind == HolderKind::Lanes {
            return self.are_known(who, (self.id % 32) as usize, self.mask);
        }
        let mut warps = (0..32).filter(|warp| self.mask >> warp & 1 == 1);
        warps.all(|warp| self.are_known(who, warp, u32::MAX))
    }

    /// Whether threads of another block come before.
    fn is_told(&self, block: u32, who: &Who<'_>) -> bool {
        let known = who.clocks.foreign(who.thread);
        if self.kind == HolderKind::Warps {
            return self.clock <= known.floor_of(block);
        }
        let warp = (self.id % 32) as usize;
        let mut lanes = (0..32).filter(|lane| self.mask >> lane & 1 == 1);
        lanes.all(|lane| self.clock <= known.lane_of(block, warp, lane))
    }

    fn are_known(&self, who: &Who<'_>, warp: usize, lanes: u32) -> bool {
        let mut lanes = (0..32).filter(|lane| lanes >> lane & 1 == 1);
        lanes.all(|lane| {
            let other = warp * 32 + lane;
            other == who.thread
                || other >= who.clocks.threads()
                || self.clock <= who.clocks.known(who.thread, other)
        })
    }

    /// One more of them, who is not ordered against the others.
    fn join(&mut self, who: &Who<'_>) {
        let (block, warp) = match self.kind {
            HolderKind::Lanes => (self.id / 32, self.id % 32),
            _ => (self.id, 0),
        };
        if self.kind == HolderKind::Everyone || block != who.block {
            self.kind = HolderKind::Everyone;
        } else if self.kind == HolderKind::Lanes && self.id == who.warp {
            self.mask |= who.lane;
        } else {
            if self.kind == HolderKind::Lanes {
                self.kind = HolderKind::Warps;
                self.mask = 1 << warp;
                self.id = block;
            }
            self.mask |= 1 << (who.thread / 32);
        }
        self.strong &= who.strong;
        self.clock = self.clock.max(who.clock);
        self.at = who.at;
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    readers: Holders,
    writers: Holders,
}

#[derive(Clone, Debug)]
struct Page {
    /// The launch or block the records are of.
    stamp: u32,
    records: Box<[Record]>,
}

/// An access that is not ordered against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// What the other did.
    pub act: Act,
    /// Where, in bytes from the start.
    pub place: usize,
    pub other: Other,
    /// The other's instruction.
    pub at: u32,
}

/// Who the other was, as far as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    Thread { block: u32, thread: u32 },
    Warp { block: u32, warp: u32 },
    Block(u32),
    Several,
}

/// The records of some bytes of memory.
#[derive(Clone, Debug)]
pub(crate) struct Races {
    /// Records are per 4 bytes, until a smaller access comes.
    shift: u32,
    pages: Vec<Option<Page>>,
    stamp: u32,
}

impl Races {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            shift: 2,
            pages: vec![None; bytes.div_ceil(PAGE_BYTES)],
            stamp: 0,
        }
    }

    /// Begins anew where the stamp is another: what was before is ordered against all that comes.
    pub(crate) fn set_stamp(&mut self, stamp: u32) {
        self.stamp = stamp;
    }

    /// Notes an access to `bytes` at `at`.
    #[inline]
    pub(crate) fn access(
        &mut self,
        at: usize,
        bytes: usize,
        act: Act,
        who: &Who<'_>,
    ) -> Result<(), Conflict> {
        while bytes < 1 << self.shift {
            self.refine();
        }
        let (stamp, shift) = (self.stamp, self.shift);
        let page = &mut self.pages[at / PAGE_BYTES];
        let page = page.get_or_insert_with(|| Page {
            stamp,
            records: vec![Record::default(); PAGE_BYTES >> shift].into(),
        });
        if page.stamp != stamp {
            page.stamp = stamp;
            page.records.fill(Record::default());
        }
        let first = (at % PAGE_BYTES) >> shift;
        let records = &mut page.records[first..first + (bytes >> shift)];
        for (place, record) in records.iter_mut().enumerate() {
            let found = match act {
                Act::Read => read(record, who),
                Act::Write => write(record, who),
            };
            found.map_err(|(act, holders)| conflict(act, &holders, at + (place << shift)))?;
        }
        Ok(())
    }

    /// Halves what a record is of.
    fn refine(&mut self) {
        self.shift -= 1;
        for page in self.pages.iter_mut().flatten() {
            page.records = page
                .records
                .iter()
                .flat_map(|&record| [record; 2])
                .collect();
        }
    }
}

#[inline]
fn read(record: &mut Record, who: &Who<'_>) -> Result<(), (Act, Holders)> {
    let writers = &record.writers;
    if !(writers.is_before(who) || who.strong && writers.strong) {
        return Err((Act::Write, *writers));
    }
    if record.readers.is_before(who) {
        record.readers = Holders::one(who);
    } else {
        record.readers.join(who);
    }
    Ok(())
}

#[inline]
fn write(record: &mut Record, who: &Who<'_>) -> Result<(), (Act, Holders)> {
    let (writers, readers) = (&mut record.writers, &mut record.readers);
    let is_ordered = writers.is_before(who);
    if !(is_ordered || who.strong && writers.strong) {
        return Err((Act::Write, *writers));
    }
    let is_after_reads = readers.is_before(who);
    if !(is_after_reads || who.strong && readers.strong) {
        return Err((Act::Read, *readers));
    }
    if is_after_reads {
        *readers = Holders::default();
    }
    if is_ordered {
        *writers = Holders::one(who);
    } else {
        writers.join(who);
    }
    Ok(())
}

fn conflict(act: Act, holders: &Holders, place: usize) -> Conflict {
    let other = match holders.kind {
        HolderKind::Lanes => {
            let (block, warp) = (holders.id / 32, holders.id % 32);
            if holders.mask.count_ones() == 1 {
                Other::Thread {
                    block,
                    thread: warp * 32 + holders.mask.trailing_zeros(),
                }
            } else {
                Other::Warp { block, warp }
            }
        }
        HolderKind::Warps => Other::Block(holders.id),
        _ => Other::Several,
    };
    Conflict {
        act,
        place,
        other,
        at: holders.at,
    }
}
