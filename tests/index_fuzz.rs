//! Mutated index files, faiss' and ours: whatever a file holds, reading it ends, does not panic
//! and takes little memory, counted by the allocator. In a binary of its own for the allocator's
//! sake.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod indices;
mod parity;
mod tones;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use autovoice::model::retrieval::{IndexData as _, Retrieval, Search};
use autovoice::model::rvc::Version;
use autovoice::voice::index::{VoiceIndex, import};
use indices::{Faiss, noise};
use peak_alloc::PeakAlloc;
use tones::Noise;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What any of it may take beyond the file itself, which is at most 3.2 MB.
const MEMORY_LIMIT_BYTES: usize = 1 << 20;

/// The allocator counts for all threads: while one test measures, no other may run.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Opens an index of ours and searches it in both ways; what is found is there.
fn search(path: &Path, version: Version, queries: &[f32]) -> bool {
    let Ok(index) = VoiceIndex::open(path, version) else {
        return false;
    };
    let index = Arc::new(index);
    for search in [Search::NearestList, Search::All] {
        let mut retrieval = Retrieval::new(index.clone(), search).unwrap();
        for found in retrieval.search(queries) {
            assert!(found.is_sorted_by(|a, b| a.squared <= b.squared));
        }
        let mut features = queries.to_vec();
        retrieval.blend(&mut features, 0.5);
        assert!(features.iter().all(|x| x.is_finite()), "{search:?}");
    }
    true
}

/// Changes some bytes: in a table, or anywhere.
fn mutate(noise: &mut Noise, bytes: &mut Vec<u8>, tables: &[std::ops::Range<usize>], other: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let table = &tables[noise.below(tables.len())];
    let at = match noise.below(4) {
        0 => noise.below(bytes.len()),
        _ => (table.start + noise.below(table.len().max(1))).min(bytes.len() - 1),
    };
    match noise.below(8) {
        0 | 1 => bytes[at] ^= 1 << noise.below(8),
        2 => bytes[at] = noise.next() as u8,
        3 => bytes.truncate(at),
        4 => noise.splice(bytes, at, other),
        // A length, a size or a count set to something huge, or a little off.
        5 | 6 => {
            let width = [1, 4, 8][noise.below(3)].min(bytes.len() - at);
            let value = [u64::MAX, i64::MAX as u64, 0x7fff_ffff, 1 << 40, 0, 1, 2];
            let value = value[noise.below(7)].to_le_bytes();
            bytes[at..at + width].copy_from_slice(&value[..width]);
        }
        _ => {
            let end = (at + noise.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}

/// Small files made here, and the golden ones where they are; with how many mutations of each.
fn seeds() -> Vec<(Version, Vec<u8>, usize)> {
    let made = [
        Faiss::new(256, &[2, 0, 3]),
        Faiss::new(256, &[0, 4, 0, 1, 1]).sparse(),
        Faiss::new(256, &[0, 0]).sparse(),
    ];
    let mut seeds: Vec<_> = made
        .iter()
        .map(|faiss| (Version::V1, faiss.bytes(), 3_000))
        .collect();
    if let Some(folder) = parity::folder("rvc") {
        for (version, name) in [
            (Version::V1, "added_IVF12_Flat_nprobe_1_synthetic_v1.index"),
            (
                Version::V1,
                "trained_IVF12_Flat_nprobe_1_synthetic_v1.index",
            ),
            (Version::V2, "added_IVF25_Flat_nprobe_1_synthetic_v2.index"),
        ] {
            seeds.push((version, std::fs::read(folder.join(name)).unwrap(), 150));
        }
    }
    seeds
}

#[test]
fn mutated_faiss_files_are_converted_or_refused() {
    let _alone = alone();
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("a"), home.path().join("b"));
    let seeds = seeds();
    let queries = noise(5 * 768, 9);
    let (mut total, mut converted, mut worst) = (0, 0, 0);
    let mut noise = Noise::new(31);
    for (index, (version, original, mutations)) in seeds.iter().enumerate() {
        let tables = Faiss::tables(original);
        for number in 0..*mutations {
            let mut bytes = original.clone();
            let other = &seeds[(index + number) % seeds.len()].1;
            for _ in 0..=noise.below(2) {
                mutate(&mut noise, &mut bytes, &tables, other);
            }
            std::fs::write(&from, &bytes).unwrap();
            drop(bytes);
            let (most, _) = peak(|| {
                if import(&from, &to, *version, |_, _| ()).is_ok() {
                    let queries = &queries[..5 * version.features()];
                    assert!(search(&to, *version, queries), "ours can be opened");
                    converted += 1;
                }
            });
            assert!(most < MEMORY_LIMIT_BYTES, "{index}, {number}: {most} bytes");
            worst = worst.max(most);
            total += 1;
        }
    }
    eprintln!("{total} mutations, {converted} converted; most memory {worst} bytes");
    // Mutations that are all refused at the door would test the door only.
    assert!(total / 10 < converted && converted < total * 9 / 10);
}

#[test]
fn mutated_files_of_our_own_are_opened_or_refused() {
    let _alone = alone();
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("a"), home.path().join("b"));
    let faiss = Faiss::new(256, &[2, 0, 30]);
    std::fs::write(&from, faiss.bytes()).unwrap();
    import(&from, &to, Version::V1, |_, _| ()).unwrap();
    let original = std::fs::read(&to).unwrap();
    let header = original.iter().rposition(|byte| *byte == b'}').unwrap();
    let offsets = 1024 + 4 * faiss.centroids.len();
    let tables = [0..header, offsets..offsets + 32];
    let queries = noise(5 * 256, 9);
    let (total, mut opened, mut worst) = (6_000, 0, 0);
    let mut noise = Noise::new(32);
    for number in 0..total {
        let mut bytes = original.clone();
        for _ in 0..=noise.below(2) {
            mutate(&mut noise, &mut bytes, &tables, &original);
        }
        std::fs::write(&from, &bytes).unwrap();
        drop(bytes);
        let (most, is_open) = peak(|| search(&from, Version::V1, &queries));
        assert!(most < MEMORY_LIMIT_BYTES, "{number}: {most} bytes");
        worst = worst.max(most);
        opened += usize::from(is_open);
    }
    eprintln!("{total} mutations, {opened} opened; most memory {worst} bytes");
    assert!(total / 10 < opened && opened < total * 9 / 10);
}
