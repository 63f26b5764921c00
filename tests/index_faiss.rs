//! Indices of RVC voices: faiss files are converted exactly, searched as faiss searches them, and
//! what is none, or the wrong one, is refused with what was found and what to do.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod indices;
mod parity;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use autovoice::model::retrieval::{IndexData, Neighbours, Retrieval, Search};
use autovoice::model::rvc::Version;
use autovoice::voice::index::{IndexError, VoiceIndex, import};
use indices::{Arrays, Faiss, noise};
use parity::{Golden, close, folder};
use tempfile::TempDir;

/// A folder with a file in it.
fn with_file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn import_bytes(bytes: &[u8], version: Version) -> Result<VoiceIndex, IndexError> {
    let (home, path) = with_file("added.index", bytes);
    let to = home.path().join("index.safetensors");
    import(&path, &to, version, |_, _| ())?;
    VoiceIndex::open(&to, version)
}

/// Relative to each value.
fn near(what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{what}");
    let errors = got
        .iter()
        .zip(want)
        .map(|(got, want)| (got - want).abs() / want.abs());
    let worst = errors.fold(0f32, f32::max);
    println!("{what}: at most {worst:.2e} of the value off");
    assert!(worst <= 1e-5, "{what}: {worst}");
}

fn parts(found: &[Neighbours]) -> (Vec<i64>, Vec<f32>) {
    let flat = found.iter().flatten();
    flat.map(|neighbour| (neighbour.id, neighbour.squared))
        .unzip()
}

/// Tables of 64-bit integers, which [`Golden`] does not read.
fn integers(path: &Path, name: &str) -> Vec<i64> {
    let bytes = std::fs::read(path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let data = tensors.tensor(name).unwrap().data().to_vec();
    let values = data.as_chunks().0.iter();
    values.map(|bytes| i64::from_le_bytes(*bytes)).collect()
}

#[test]
fn faiss_files_are_searched_as_faiss_does() {
    let Some(folder) = folder("rvc") else { return };
    for (version, lists) in [(Version::V1, 12), (Version::V2, 25)] {
        let name = version.name();
        let added = format!("added_IVF{lists}_Flat_nprobe_1_synthetic_{name}.index");
        let home = tempfile::tempdir().unwrap();
        let to = home.path().join("index.safetensors");
        let mut told = Vec::new();
        let about = import(&folder.join(added), &to, version, |read, all| {
            told.push((read, all));
        })
        .unwrap();
        assert!(told.is_sorted() && told.last().is_some_and(|(read, all)| read == all));
        let index = Arc::new(VoiceIndex::open(&to, version).unwrap());
        let io = folder.join(format!("index_{name}.io.safetensors"));
        let golden = Golden::read(&io);

        // Each vector is there, under its id.
        let (shape, vectors) = golden.get("vectors");
        assert_eq!(
            (about.vectors, about.lists, about.dim),
            (shape[0] as u64, lists, shape[1])
        );
        assert_eq!(index.source_sha256(), about.source_sha256);
        let view = index.view();
        for (id, vector) in view.ids.iter().zip(view.vectors.chunks(about.dim)) {
            assert_eq!(vector, &vectors[*id as usize * about.dim..][..about.dim]);
        }

        let query = golden.values("query");
        let mut retrieval = Retrieval::new(index, Search::NearestList).unwrap();
        let (ids, squared) = parts(retrieval.search(&query));
        assert_eq!(ids, integers(&io, "nprobe1.ids"), "{name}");
        near(
            &format!("{name} distances"),
            &squared,
            &golden.values("nprobe1.sq_l2"),
        );
        for (rate, tensor) in [(1.0, "nprobe1.retrieved"), (0.75, "blended_rate0.75")] {
            let mut features = query.clone();
            retrieval.blend(&mut features, rate);
            close(
                &format!("{name} {tensor}"),
                &features,
                &golden.values(tensor),
                1e-5,
            );
        }
        // All vectors hold those of one list.
        retrieval.set_search(Search::All);
        let (_, all) = parts(retrieval.search(&query));
        assert!(all.iter().zip(&squared).all(|(all, one)| all <= one));
        assert!(all.iter().zip(&squared).any(|(all, one)| all < one));
    }
}

#[test]
fn an_exact_search_gives_what_rvc_does() {
    let Some(folder) = folder("rvc") else { return };
    let path = folder.join("pipeline_helpers.safetensors");
    let golden = Golden::read(&path);
    let vectors = golden.values("index.vectors");
    let query = golden.values("index.query");
    let index = Arc::new(Arrays::one_list(768, vectors));
    for search in [Search::NearestList, Search::All] {
        let mut retrieval = Retrieval::new(index.clone(), search).unwrap();
        let (ids, squared) = parts(retrieval.search(&query));
        assert_eq!(ids, integers(&path, "index.neighbours"));
        near("distances", &squared, &golden.values("index.sq_l2"));
        for (rate, tensor) in [(1.0, "index.retrieved"), (0.75, "index.blended_rate0.75")] {
            let mut features = query.clone();
            retrieval.blend(&mut features, rate);
            close(tensor, &features, &golden.values(tensor), 1e-5);
        }
    }
}

/// The definition, in f64: distances to all vectors of some lists, sorted.
fn by_definition(index: &VoiceIndex, x: &[f32], search: Search) -> Vec<(f64, i64)> {
    let view = index.view();
    let squared = |y: &[f32]| -> f64 {
        let pairs = x.iter().zip(y);
        pairs
            .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
            .sum()
    };
    let centroids = view.centroids.chunks(view.dim).map(squared);
    let nearest = centroids.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    let list = nearest.unwrap().0;
    let rows = match search {
        Search::All => 0..view.ids.len(),
        Search::NearestList => view.offsets[list] as usize..view.offsets[list + 1] as usize,
    };
    let mut all: Vec<(f64, i64)> = rows
        .map(|row| {
            let vector = &view.vectors[row * view.dim..][..view.dim];
            (squared(vector), view.ids[row])
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.truncate(8);
    all
}

#[test]
fn both_forms_of_list_sizes_and_maps_of_ids_are_read_and_searched() {
    let sizes = [0, 5, 0, 0, 130, 9, 1, 0, 64];
    let with_map = |kind: u8, tables: &[(u64, u64)]| {
        let mut faiss = Faiss::new(256, &sizes);
        faiss.map = vec![kind];
        for (entries, each) in tables {
            faiss.map.extend(entries.to_le_bytes());
            faiss.map.extend(vec![1; (entries * each) as usize]);
        }
        faiss
    };
    let table = [
        ("full", Faiss::new(256, &sizes)),
        ("sparse", Faiss::new(256, &sizes).sparse()),
        ("a map", with_map(1, &[(209, 8)])),
        ("a hash table", with_map(2, &[(0, 8), (209, 16)])),
    ];
    for (what, faiss) in table {
        let mut bytes = faiss.bytes();
        bytes.extend(b"faiss does not look for an end, either");
        let index = Arc::new(import_bytes(&bytes, Version::V1).unwrap());
        let view = index.view();
        let contents = faiss.contents.iter();
        let (vectors, ids): (Vec<_>, Vec<_>) = contents.cloned().unzip();
        assert_eq!(view.vectors, vectors.concat(), "{what}");
        assert_eq!(view.ids, ids.concat(), "{what}");
        assert_eq!(view.centroids, faiss.centroids, "{what}");
        assert_eq!(view.offsets, [0, 0, 5, 5, 5, 135, 144, 145, 145, 209]);
        let queries = noise(32 * 256, 3);
        for search in [Search::NearestList, Search::All] {
            let mut retrieval = Retrieval::new(index.clone(), search).unwrap();
            for (frame, found) in retrieval.search(&queries).iter().enumerate() {
                let want = by_definition(&index, &queries[frame * 256..][..256], search);
                let got = found.iter().filter(|neighbour| 0 <= neighbour.id);
                let got: Vec<i64> = got.map(|neighbour| neighbour.id).collect();
                let want: Vec<i64> = want.iter().map(|(_, id)| *id).collect();
                assert_eq!(got, want, "{what}, {search:?}, frame {frame}");
            }
        }
    }
}

/// Each wrong file, what it is said to be, and a part of the advice.
#[test]
fn what_is_no_index_of_the_voice_is_refused_by_what_it_is() {
    let right = || Faiss::new(256, &[2, 0, 3]);
    let with = |change: fn(&mut Faiss)| {
        let mut faiss = right();
        change(&mut faiss);
        faiss.bytes()
    };
    let whole = right().bytes();
    let cut = |at: usize| whole[..at].to_vec();
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let nan = f32::NAN.to_le_bytes();
    let last_vector = whole.len() - 3 * 8 - 4;
    let table: Vec<(Vec<u8>, &str, &str)> = vec![
        (b"".to_vec(), "an empty file", "added_*.index"),
        (
            b"<!DOCTYPE html><title>Log in".to_vec(),
            "a web page",
            "web page",
        ),
        (
            b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(),
            "a zip archive",
            "unpack",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "a Git LFS pointer",
            "pointer",
        ),
        (
            b"\x40\0\0\0\0\0\0\0{\"a\":1}".to_vec(),
            "a safetensors file",
            "added_*.index",
        ),
        (b"It is a text.".to_vec(), "text", "added_*.index"),
        (
            b"\x01\x02\x03".to_vec(),
            "unknown binary data",
            "added_*.index",
        ),
        (
            Faiss::new(256, &[0, 0]).sparse().bytes(),
            "without any (a trained_*.index)",
            "choose the added_*.index beside it",
        ),
        (
            Faiss::new(768, &[2, 3]).bytes(),
            "256 values for a v1 voice, found 768",
            "belongs to a v2 voice",
        ),
        (
            Faiss::new(192, &[2, 3]).bytes(),
            "found 192",
            "something else",
        ),
        (with(|f| f.dim = -256), "found -256", "damaged"),
        (
            with(|f| f.code = *b"IxF2"),
            "a flat index without lists (`IxF2`)",
            "added_IVF*_Flat",
        ),
        (
            with(|f| f.code = *b"IHNf"),
            "a graph index (HNSW) (`IHNf`)",
            "added_IVF*_Flat",
        ),
        (
            with(|f| f.code = *b"IwPQ"),
            "product-quantized vectors (`IwPQ`)",
            "added_IVF*_Flat",
        ),
        (
            with(|f| f.code = *b"IxQq"),
            "another type (`IxQq`)",
            "added_IVF*_Flat",
        ),
        (
            with(|f| f.quantizer = *b"IHNf"),
            "expected centroids in a flat index (`IxF2`), found a graph index",
            "added_IVF*_Flat",
        ),
        (
            with(|f| f.quantizer = *b"\0\0\xff\0"),
            "found `\\x00\\x00\\xff\\x00`",
            "damaged",
        ),
        (
            with(|f| f.inverted = *b"ilod"),
            "lists in another file (`ilod`)",
            "added_IVF*_Flat",
        ),
        (
            with(|f| f.metric = 0),
            "inner products (metric 0)",
            "added_IVF*_Flat",
        ),
        (with(|f| f.metric = 23), "metric 23", "added_IVF*_Flat"),
        (
            with(|f| f.trained = 0),
            "index that faiss has trained",
            "damaged",
        ),
        (with(|f| f.count = u64::MAX), "found -1", "damaged"),
        (
            with(|f| f.count = 4),
            "expected 4 vectors in the lists, found 5",
            "damaged",
        ),
        (
            with(|f| f.count = 1 << 40),
            "1099511627776 vectors",
            "cut short",
        ),
        (
            with(|f| f.lists = 1 << 60),
            "centroids from byte",
            "cut short",
        ),
        (with(|f| f.lists = 0), "at least one list", "damaged"),
        (
            with(|f| f.lists = 2),
            "expected 2 centroids, found 3",
            "damaged",
        ),
        (
            with(|f| f.quantizer_count = 4),
            "expected 3 centroids, found 4",
            "damaged",
        ),
        (with(|f| f.map = vec![3; 9]), "kind 3", "damaged"),
        (
            with(|f| f.map = vec![1, 0, 0, 0, 0, 0, 0, 0, 1]),
            "entries in the map",
            "cut short",
        ),
        (
            with(|f| f.vector_bytes = 512),
            "expected 1024 bytes in a vector, found 512",
            "damaged",
        ),
        (with(|f| f.form = *b"some"), "`some`", "damaged"),
        (
            with(|f| f.sizes = vec![2, 0]),
            "expected 3 list sizes, found 2",
            "damaged",
        ),
        (
            with(|f| f.sizes = vec![2, 1, 3]),
            "expected 5 vectors in the lists, found 6",
            "damaged",
        ),
        (
            with(|f| f.sizes = vec![2, u64::MAX, 4]),
            "vectors in the lists",
            "damaged",
        ),
        (
            with(|f| (f.form, f.sizes) = (*b"sprs", vec![0, 2, 3, 3])),
            "expected a list below 3, found list 3",
            "damaged",
        ),
        (
            with(|f| (f.form, f.sizes) = (*b"sprs", vec![0, 2, 2])),
            "pairs of list and size",
            "damaged",
        ),
        (
            with(|f| f.contents[0].1[1] = 7),
            "each id below 5 once, found 7",
            "damaged",
        ),
        (
            with(|f| f.contents[0].1[1] = -1),
            "each id below 5 once, found -1",
            "damaged",
        ),
        (
            with(|f| f.contents[0].1[1] = 0),
            "each id below 5 once, found 0",
            "damaged",
        ),
        (
            changed(98, &nan),
            "centroids of finite values, found NaN",
            "damaged",
        ),
        (
            changed(last_vector, &nan),
            "vectors of finite values, found NaN",
            "damaged",
        ),
        (
            changed(last_vector, &f32::INFINITY.to_le_bytes()),
            "found inf",
            "damaged",
        ),
        (cut(3), "found text", "added_*.index"),
        (cut(4), "found the end of the file at byte 4", "cut short"),
        (cut(50), "found the end of the file at byte 50", "cut short"),
        (
            cut(3_000),
            "found the end of the file at byte 3000",
            "cut short",
        ),
        (cut(whole.len() - 1), "5 vectors from byte", "cut short"),
    ];
    for (bytes, found, advice) in table {
        let (home, path) = with_file("added.index", &bytes);
        let to = home.path().join("index.safetensors");
        std::fs::write(&to, b"as before").unwrap();
        let error = import(&path, &to, Version::V1, |_, _| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("expected "), "{text}");
        assert!(text.contains(found), "`{found}` in `{text}`");
        let remedy = error.remedy();
        assert!(remedy.contains(advice), "{text}: `{advice}` in `{remedy}`");
        assert_eq!(std::fs::read(&to).unwrap(), b"as before", "{text}");
        let names = std::fs::read_dir(home.path()).unwrap().count();
        assert_eq!(names, 2, "{text}: something is left behind");
    }
}

#[test]
fn what_is_no_file_or_has_no_place_is_refused() {
    let (home, path) = with_file("added.index", &Faiss::new(256, &[2]).bytes());
    let nowhere = home.path().join("none").join("index.safetensors");
    let to = home.path().join("index.safetensors");
    let error = |from: &Path, to: &Path| import(from, to, Version::V1, |_, _| ()).unwrap_err();
    assert!(matches!(error(home.path(), &to), IndexError::Io(_)));
    assert!(matches!(error(&nowhere, &to), IndexError::Io(_)));
    assert!(matches!(
        error(&path, &nowhere),
        IndexError::NotWritten { .. }
    ));
    assert!(VoiceIndex::open(home.path(), Version::V1).is_err());
    assert!(VoiceIndex::open(&to, Version::V1).is_err());
}

/// A safetensors file of this header.
fn ours(header: &str, data_bytes: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; data_bytes]);
    bytes
}

#[test]
fn a_file_of_our_own_is_checked_before_it_is_used() {
    let header = |format: &str, dim: usize, ids: &str, pad: &str| {
        let c = 4 * dim;
        let [o, v, i] = [c + 16, 2 * c + c + 16, 3 * c + 32];
        format!(
            "{{\"__metadata__\":{{\"format\":\"{format}\"}},\
             \"centroids\":{{\"dtype\":\"F32\",\"shape\":[1,{dim}],\"data_offsets\":[0,{c}]}},\
             \"offsets\":{{\"dtype\":\"U64\",\"shape\":[2],\"data_offsets\":[{c},{o}]}},\
             \"vectors\":{{\"dtype\":\"F32\",\"shape\":[2,{dim}],\"data_offsets\":[{o},{v}]}},\
             \"ids\":{{\"dtype\":\"{ids}\",\"shape\":[2],\"data_offsets\":[{v},{i}]}}}}{pad}"
        )
    };
    let with_end = |header: &str, end: u64| {
        let mut bytes = ours(header, 3 * 1024 + 32);
        let at = 8 + header.len() + 1024 + 8;
        bytes[at..at + 8].copy_from_slice(&end.to_le_bytes());
        bytes
    };
    let good = header("autovoice-index-1", 256, "I64", "");
    let open = |bytes: &[u8]| {
        let (_home, path) = with_file("index.safetensors", bytes);
        VoiceIndex::open(&path, Version::V1)
    };
    // At any alignment of the data.
    for pad in ["", " ", "  ", "   ", "    ", "     "] {
        let padded = header("autovoice-index-1", 256, "I64", pad);
        let index = open(&with_end(&padded, 2)).unwrap();
        assert_eq!(index.vectors(), 2);
        let view = index.view();
        assert_eq!(
            (view.vectors, view.offsets),
            (&[0f32; 512][..], &[0, 2][..])
        );
    }
    let table: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "no header"),
        (b"\xff\xff\xff\xff\0\0\0\0{".to_vec(), "no header"),
        (with_end(&good, 1), "lists that end at 1 of 2"),
        (with_end(&good, 3), "lists that end at 3 of 2"),
        (ours(&good, 3 * 1024 + 31), "no whole safetensors file"),
        (
            with_end(&header("another", 256, "I64", ""), 2),
            "of the format another",
        ),
        (
            with_end(&header("autovoice-index-1", 256, "U64", ""), 2),
            "no tensor `ids`",
        ),
        (
            ours(&header("autovoice-index-1", 768, "I64", ""), 3 * 3072 + 32),
            "found 768",
        ),
        (ours("{}", 0), "format none"),
    ];
    for (bytes, found) in table {
        let error = open(&bytes).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(found), "`{found}` in `{text}`");
        assert!(!error.remedy().is_empty());
    }
}
