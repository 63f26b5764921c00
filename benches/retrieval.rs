//! What retrieval costs with an index of 1 GB: milliseconds per frame of 20 ms on one core, with
//! the file in memory and on disk, and what converting it takes.
//!
//! `cargo bench --bench retrieval [-- FOLDER]`: needs 2.2 GB in FOLDER, by default the one for
//! temporary files, while it runs. Numbers of the disk are those of that folder's.

#[path = "../tests/indices/mod.rs"]
mod indices;
mod support;

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autovoice::model::retrieval::{IndexData as _, Retrieval, Search};
use autovoice::model::rvc::Version;
use autovoice::voice::index::{VoiceIndex, import};
use indices::{Faiss, noise};
use support::{Shares, machine};

const DIM: usize = 768;
const VECTORS: usize = 350_000;
/// As many as RVC makes: at most one for 39 vectors.
const LISTS: usize = VECTORS / 39;
/// Content frames come every 20 ms.
const FRAME: Duration = Duration::from_millis(20);

/// Lists of unequal sizes: every fourth has half of all vectors.
fn sizes() -> Vec<usize> {
    let large = VECTORS / 2 / LISTS.div_ceil(4);
    let small = (VECTORS - large * LISTS.div_ceil(4)) / (LISTS - LISTS.div_ceil(4));
    let size = |list| if list % 4 == 0 { large } else { small };
    let mut sizes: Vec<usize> = (0..LISTS).map(size).collect();
    sizes[0] += VECTORS - sizes.iter().sum::<usize>();
    sizes
}

/// Writes a faiss file whose vectors lie around the centroids of their lists.
fn write_faiss(path: &Path) {
    let sizes = sizes();
    let centroids = noise(LISTS * DIM, 1);
    let head = Faiss {
        count: VECTORS as u64,
        lists: LISTS as u64,
        quantizer_count: LISTS as u64,
        sizes: sizes.iter().map(|size| *size as u64).collect(),
        centroids,
        ..Faiss::new(DIM, &[])
    };
    let mut file = BufWriter::new(File::create(path).expect("the folder is writable"));
    let mut write = |bytes: &[u8]| file.write_all(bytes).expect("the disk has room");
    write(&head.bytes());
    let mut id = 0i64;
    for (list, size) in sizes.into_iter().enumerate() {
        let centroid = &head.centroids[list * DIM..][..DIM];
        let around = noise(size * DIM, 1_000 + list as u32);
        let vectors = around.iter().zip(centroid.iter().cycle());
        let vectors: Vec<u8> = vectors
            .flat_map(|(x, c)| (0.3 * x + c).to_le_bytes())
            .collect();
        write(&vectors);
        for _ in 0..size {
            write(&id.to_le_bytes());
            id += 1;
        }
    }
    file.flush().expect("the disk has room");
}

/// A line of this process's status, in MiB.
fn status_mib(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

/// Writes what is pending and lets the system forget the file.
fn forget(path: &Path) -> bool {
    let dd = Command::new("dd")
        .arg(format!("of={}", path.display()))
        .args(["oflag=nocache", "conv=notrunc,fdatasync", "count=0"])
        .output();
    dd.is_ok_and(|output| output.status.success())
}

/// Frames in the lists they are asked from, each in another; another set for each seed.
fn frames(index: &VoiceIndex, count: usize, seed: u32) -> Vec<f32> {
    let view = index.view();
    let rows = noise(count, seed);
    let apart = noise(count * DIM, seed + 1);
    let near = rows.iter().flat_map(|row| {
        let row = ((row + 0.5) * VECTORS as f32) as usize;
        &view.vectors[row.min(VECTORS - 1) * DIM..][..DIM]
    });
    near.zip(apart).map(|(x, noise)| x + 0.1 * noise).collect()
}

/// Measures batches of so many frames, none twice.
fn row(what: &str, retrieval: &mut Retrieval, queries: &[f32], batch: usize) {
    let mut batches = queries.chunks_exact(batch * DIM).cycle();
    let calls = queries.len() / DIM / batch * 10 / 11;
    let mut features = vec![0.0; batch * DIM];
    let period = FRAME * batch as u32;
    let shares = Shares::measure(calls, period, || {
        features.copy_from_slice(batches.next().expect("it cycles"));
        retrieval.blend(black_box(&mut features), 0.75);
    });
    assert!(features.iter().all(|x| x.is_finite() && *x != 0.0));
    println!(
        "| {what:26} | {batch:6} | {calls:5} | {} | {:7.3} |",
        shares.times_ms(period),
        shares.mean() * 20.0
    );
}

/// Opens the index while the system has nothing of it in memory: how long that takes, and the first
/// batches of 5 frames after it.
fn cold(what: &str, path: &Path, queries: &[f32], read_ahead: bool) {
    if !forget(path) {
        println!("(no numbers of a cold file: that needs GNU dd)");
        return;
    }
    let since = |began: Instant| began.elapsed().as_secs_f64() * 1e3;
    let began = Instant::now();
    let index = Arc::new(VoiceIndex::open(path, Version::V2).expect("it was just written"));
    let opened = since(began);
    if read_ahead {
        index.read_ahead();
    }
    let ahead = since(began) - opened;
    let mut retrieval = Retrieval::new(index, Search::NearestList).expect("it is whole");
    let batches = queries.chunks_exact(5 * DIM).take(10);
    let first: Vec<String> = batches
        .map(|batch| {
            let mut features = batch.to_vec();
            let began = Instant::now();
            retrieval.blend(&mut features, 0.75);
            format!("{:.1}", since(began))
        })
        .collect();
    println!(
        "{what}: opened in {opened:.1} ms, read ahead for {ahead:.1} ms; batches of 5: {} ms",
        first.join(", ")
    );
}

fn main() {
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let home = tempfile::tempdir_in(folder).expect("the folder is writable");
    let (source, path) = (
        home.path().join("added.index"),
        home.path().join("index.safetensors"),
    );
    println!("{}; {VECTORS} vectors of {DIM} in {LISTS} lists", machine());
    write_faiss(&source);
    // Begins the highest mark of memory anew, where the system lets us.
    let _kept = std::fs::write("/proc/self/clear_refs", "5");
    let (before, began) = (status_mib("VmRSS:"), Instant::now());
    import(&source, &path, Version::V2, |_, _| ()).expect("a right file");
    let seconds = began.elapsed().as_secs_f64();
    let gigabytes = std::fs::metadata(&source).expect("it is there").len() as f64 / 1e9;
    println!(
        "import of {gigabytes:.2} GB: {seconds:.2} s, {:.1} MiB of memory more",
        status_mib("VmHWM:") - before
    );
    std::fs::remove_file(&source).expect("it is ours");

    let index = Arc::new(VoiceIndex::open(&path, Version::V2).expect("it was just written"));
    let queries = frames(&index, 11_000, 5);
    // A stored vector is its own nearest neighbour.
    let mut retrieval = Retrieval::new(index.clone(), Search::NearestList).expect("it is whole");
    let view = index.view();
    let at = VECTORS / 3;
    let found = retrieval.search(&view.vectors[at * DIM..][..DIM])[0][0];
    assert_eq!((found.id, found.squared), (view.ids[at], 0.0));
    drop((retrieval, index));

    println!("\nms per batch, and per frame of 20 ms\n");
    println!(
        "| search                     | frames | calls |     mean |      p50 |      p95 |      p99 |      max | a frame |"
    );
    println!(
        "|----------------------------|--------|-------|----------|----------|----------|----------|----------|---------|"
    );
    let mut spare = queries.chunks(1_100 * DIM);
    for batch in [5, 16] {
        // New frames each time: those of the last time are in memory again.
        let queries = spare.next().expect("enough frames");
        if forget(&path) {
            let index = VoiceIndex::open(&path, Version::V2).expect("it is whole");
            let search = Search::NearestList;
            let mut cold = Retrieval::new(Arc::new(index), search).expect("it is whole");
            row("nearest list, from disk", &mut cold, queries, batch);
        }
    }
    let anonymous = status_mib("RssAnon:");
    let index = Arc::new(VoiceIndex::open(&path, Version::V2).expect("it is whole"));
    black_box(index.view().vectors.iter().sum::<f32>());
    let mut warm = Retrieval::new(index, Search::NearestList).expect("it is whole");
    for batch in [1, 5, 8, 16, 32] {
        row("nearest list, in memory", &mut warm, &queries, batch);
    }
    warm.set_search(Search::All);
    for batch in [5, 16, 32] {
        row(
            "all, in memory",
            &mut warm,
            &queries[..batch * 22 * DIM],
            batch,
        );
    }
    println!(
        "\nmemory of its own: {:.1} MiB; of the file, which the system may take back: {:.0} MiB",
        status_mib("RssAnon:") - anonymous,
        status_mib("RssFile:")
    );
    drop(warm);
    cold("from disk", &path, &queries, false);
    cold("from disk, read ahead", &path, &queries, true);
}
