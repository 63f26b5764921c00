//! Mutated checkpoints: whatever a file holds, reading it ends, does not panic and takes little
//! memory, counted by the allocator. In a binary of its own for the allocator's sake.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use autovoice::io::checkpoint::{Checkpoint, Limits};
use peak_alloc::PeakAlloc;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tones::Noise;
use tones::zips::torch_zip;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Tensors above this are described, not read: views that repeat elements may be large honestly.
const TENSOR_LIMIT_BYTES: u64 = 1 << 20;
/// What reading any of the files may take: all are below 20 KB.
const MEMORY_LIMIT_BYTES: usize = 4 << 20;
const MUTATIONS: usize = 5_000;

/// The allocator counts for all threads: while one test measures, no other may run. A test that
/// failed has said so itself.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every checkpoint, and the pickles without first bytes to know them by in an archive.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder: PathBuf = tones::fixture("checkpoints");
    let names = tones::names_in(&folder);
    let others = |name: &String| name.ends_with(".py") || name.ends_with(".whl");
    let names = names.into_iter().filter(|name| !others(name));
    names
        .map(|name| {
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            match name.ends_with(".pkl") {
                true => (name, torch_zip(&bytes)),
                false => (name, bytes),
            }
        })
        .collect()
}

/// Opens it and reads every tensor. Whether it was a checkpoint, and its tensors that were read.
fn read(bytes: Vec<u8>) -> (bool, usize) {
    let Ok(checkpoint) = Checkpoint::from_bytes(bytes, &Limits::default()) else {
        return (false, 0);
    };
    let mut read = 0;
    // Some hundred of the models' say no more than some.
    let tensors = checkpoint.tensors("").map(|(_, tensor)| tensor);
    let tensors = tensors.filter(|tensor| tensor.bytes() <= TENSOR_LIMIT_BYTES);
    for tensor in tensors.take(20) {
        if let Ok(tensor) = checkpoint.tensor(&tensor) {
            assert_eq!(tensor.data.len(), tensor.shape.iter().product::<usize>());
            read += 1;
        }
    }
    (true, read)
}

/// Bytes in use beyond those at the start, at most, while `f` runs.
fn peak<T>(f: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = f();
    (ALLOCATOR.peak_usage().saturating_sub(before), result)
}

#[test]
fn the_counter_counts() {
    let _alone = alone();
    let (bytes, vector) = peak(|| vec![1u8; 1 << 20]);
    assert!((1 << 20..2 << 20).contains(&bytes), "{bytes}");
    drop(vector);
}

/// Changes some bytes: most often few, now and then much.
fn mutate(noise: &mut Noise, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = noise.below(bytes.len());
    match noise.below(9) {
        // Bits.
        0 | 1 => {
            for _ in 0..=noise.below(3) {
                let at = noise.below(bytes.len());
                bytes[at] ^= 1 << noise.below(8);
            }
        }
        // Bytes.
        2 => {
            for _ in 0..=noise.below(8) {
                let at = noise.below(bytes.len());
                bytes[at] = noise.next() as u8;
            }
        }
        3 => bytes.truncate(at),
        4 | 5 => noise.splice(bytes, at, other),
        // A length, a size or an offset set to something huge.
        6 | 7 => {
            let width = [1, 2, 4, 8][noise.below(4)].min(bytes.len() - at);
            let value = [u64::MAX, i64::MAX as u64, 0x7fff_ffff, 1 << 31, 1 << 40, 0];
            let value = value[noise.below(6)].to_le_bytes();
            bytes[at..at + width].copy_from_slice(&value[..width]);
        }
        _ => {
            let end = (at + noise.below(32)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}

/// Both kinds of mutation: of the file, and of the pickle in it, which the CRC of an archive would
/// else stop.
#[test]
fn mutated_checkpoints_are_read_or_refused() {
    let _alone = alone();
    let seeds = seeds();
    assert!(30 <= seeds.len());
    let mut pickles = 0;
    let (mut opened, mut tensors, mut worst) = (0, 0, (0, String::new()));
    let mut noise = Noise::new(20);
    for (index, (name, original)) in seeds.iter().enumerate() {
        let (bytes, (whole, _)) = peak(|| read(original.clone()));
        assert!(whole || name == "script.pt", "{name} as it is");
        assert!(bytes < MEMORY_LIMIT_BYTES, "{name}: {bytes} bytes");
        for number in 0..MUTATIONS {
            let mut bytes = original.clone();
            if number % 2 == 0 {
                pickles += usize::from(without_crcs(&mut bytes));
            }
            let other = &seeds[(index + number) % seeds.len()].1;
            for _ in 0..=noise.below(3) {
                if !bytes.is_empty() {
                    mutate(&mut noise, &mut bytes, other);
                }
            }
            let (bytes, (whole, read)) = peak(|| read(bytes));
            assert!(
                bytes < MEMORY_LIMIT_BYTES,
                "{name}, mutation {number}: {bytes} bytes"
            );
            opened += usize::from(whole);
            tensors += read;
            if worst.0 < bytes {
                worst = (bytes, format!("{name}, mutation {number}"));
            }
        }
    }
    let total = seeds.len() * MUTATIONS;
    eprintln!(
        "{} files, {total} mutations, {pickles} without CRCs: {opened} opened, {tensors} tensors \
         read; most memory {} bytes in {}",
        seeds.len(),
        worst.0,
        worst.1
    );
    // Mutations that are all refused at the door would test the door only.
    assert!(
        total / 10 < opened && opened < total * 9 / 10,
        "{opened} of {total}"
    );
}

/// Sets every CRC in the archive's directory to 0, which stands for none.
fn without_crcs(bytes: &mut [u8]) -> bool {
    let mut found = false;
    for at in 0..bytes.len().saturating_sub(20) {
        if bytes[at..].starts_with(b"PK\x01\x02") {
            bytes[at + 16..at + 20].fill(0);
            found = true;
        }
    }
    found
}

/// Pickles that make as much as they can of their bytes, up to the limits.
#[test]
fn the_limits_bound_the_memory() {
    let _alone = alone();
    const LIMIT_BYTES: usize = 300 << 20;
    let many = |part: &[u8], times: usize, end: &[u8]| {
        let mut pickle = b"\x80\x04](".to_vec();
        pickle.extend(part.repeat(times));
        pickle.extend(end);
        pickle
    };
    // 1.9 million objects, each of which is the smallest of its kind; as many as it takes to meet
    // a limit where one is met.
    for (what, pickle, read) in [
        ("dictionaries", many(b"}", 1_900_000, b"e."), true),
        ("too many", many(b"}", 2_100_000, b"e."), false),
        ("texts", many(b"\x8c\x01a", 1_900_000, b"e."), true),
        ("memo entries", many(b"]\x94", 1_100_000, b"e."), false),
        ("pairs", many(b"NN", 900_000, b"l\x85."), true),
        ("marks", many(b"(", 2_100_000, b"."), false),
        ("classes", many(b"ca\nb\n", 1_900_000, b"e."), true),
        ("one object, often", many(b"2", 2_100_000, b"e."), false),
        (
            "a pickle beyond the limit",
            many(b"N", 65 << 20, b"e."),
            false,
        ),
        (
            "a text of many claimed bytes",
            many(b"\x8d\xff\xff\xff\x02\0\0\0\0", 1, b"e."),
            false,
        ),
        (
            "bytes copied often",
            {
                let text = vec![b'x'; 1 << 20];
                let mut pickle = b"\x80\x04c_codecs\nencode\nq\x00X\0\0\x10\0".to_vec();
                pickle.extend(text);
                pickle.extend(b"q\x01\x85q\x02(");
                pickle.extend(b"h\x00h\x02R".repeat(1_000));
                pickle.extend(b"t.");
                pickle
            },
            false,
        ),
    ] {
        let archive = torch_zip(&pickle);
        drop(pickle);
        let (bytes, opened) = peak(|| Checkpoint::from_bytes(archive, &Limits::default()).is_ok());
        eprintln!("{what}: {} MiB", bytes >> 20);
        assert_eq!(opened, read, "{what}");
        assert!(bytes < LIMIT_BYTES, "{what}: {bytes} bytes");
    }
}
