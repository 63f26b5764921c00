//! Mutated presets: whatever a file or a code holds, reading it ends, does not panic, takes little
//! memory, and gives either a preset with everything in range or nothing at all. In a binary of
//! its own for the allocator's sake.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use autovoice::io::Existing;
use autovoice::preset::{
    Extent, Id, Library, MOST_BYTES, Notice, PARAMETERS, Preset, PresetError, Value, Values,
    VoiceRef, factory, from_code, from_toml, read_file, to_code, to_toml,
};
use data_encoding::BASE64URL_NOPAD;
use flate2::Compression;
use flate2::read::DeflateEncoder;
use peak_alloc::PeakAlloc;
use std::io::Read as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tones::Noise;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What reading any preset may take; a file has 64 KiB at most.
const MEMORY_LIMIT_BYTES: usize = 32 << 20;
const FILES: usize = 3_000;
const CODES: usize = 3_000;

/// The allocator counts for all threads: while one test measures, no other may run. A test that
/// failed has said so itself.
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

/// The factory's, and one that has everything.
fn seeds() -> Vec<Preset> {
    let mut seeds = factory::presets();
    let mut full = Preset::of("Everything", &Values::defaults(), Extent::Everything);
    for parameter in &PARAMETERS {
        full.values
            .set(parameter.at, parameter.kind.default_value());
    }
    full.voice = Some(VoiceRef {
        name: "Anna".to_owned(),
        sha256: Some("0123456789abcdef".repeat(4)),
    });
    seeds.push(full);
    seeds
}

/// What a file of a stranger's may hold where something else is expected.
fn snippets() -> Vec<String> {
    let mut snippets: Vec<String> = [
        "nan",
        "inf",
        "-inf",
        "1e39",
        "1e400",
        "-1e308",
        "99999999999999999999",
        "-9223372036854775808",
        "true",
        "\"\"",
        "''",
        "[]",
        "{}",
        "2020-01-01",
        "0x7fffffff",
        "\n",
        "\n[voice]\n",
        "\n[parameters]\n",
        "\n[[parameters]]\n",
        "\npitch = 1\n",
        "\nname = \"again\"\n",
        "= ",
        "\"\"\"",
        "\u{202e}",
        "\u{0}",
        "\\u202E",
        "../../../etc/passwd",
        "format = 2\n",
        "\npitch.pitch = 1\n",
    ]
    .map(str::to_owned)
    .into();
    snippets.push(format!("x = {}\n", "[".repeat(5_000)));
    snippets.push(format!(
        "x = {}1{}\n",
        "{a=".repeat(3_000),
        "}".repeat(3_000)
    ));
    snippets.push(format!("{}x = 1\n", "a.".repeat(8_000)));
    snippets.push(format!("x = \"{}\"\n", "y".repeat(20_000)));
    snippets.push((0..2_000).map(|i| format!("k{i} = {i}\n")).collect());
    snippets
}

/// Changes some bytes: most often few, now and then much.
fn mutate(noise: &mut Noise, bytes: &mut Vec<u8>, other: &[u8], snippets: &[String]) {
    if bytes.is_empty() {
        bytes.push(b'x');
    }
    let at = noise.below(bytes.len());
    match noise.below(8) {
        0 => bytes[at] ^= 1 << noise.below(8),
        1 => bytes[at] = noise.next() as u8,
        2 => bytes.truncate(at),
        3 | 4 => noise.splice(bytes, at, other),
        5 => {
            let end = (at + noise.below(32)).min(bytes.len());
            bytes.drain(at..end);
        }
        // A value of another kind: what follows an equals sign.
        6 => {
            let snippet = &snippets[noise.below(snippets.len())];
            let signs: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'=').collect();
            let from = match signs.is_empty() {
                true => at,
                false => signs[noise.below(signs.len())] + 1,
            };
            let rest = bytes[from..].iter().position(|b| *b == b'\n');
            let end = rest.map_or(bytes.len(), |rest| from + rest);
            bytes.splice(from..end, snippet.bytes());
        }
        _ => {
            let snippet = &snippets[noise.below(snippets.len())];
            bytes.splice(at..at, snippet.bytes());
        }
    }
}

/// What is true of every preset that was read, however its file came about.
fn check(preset: &Preset, notices: &[Notice]) {
    let about = &preset.about;
    let lengths = [
        (&about.name, 64),
        (&about.author, 64),
        (&about.comment, 1_000),
        (&about.licence, 64),
        (&about.version, 64),
    ];
    for (text, most) in lengths {
        assert!(text.chars().count() <= most, "{text}");
        assert!(
            !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
    }
    assert!(!about.name.is_empty());
    assert!(about.tags.len() <= 16 && about.tags.iter().all(|tag| tag.chars().count() <= 24));
    if let Some(voice) = &preset.voice {
        assert!((1..=64).contains(&voice.name.chars().count()));
        assert!(voice.sha256.as_ref().is_none_or(|hash| hash.len() == 64));
    }
    for (parameter, value) in preset.values.iter() {
        assert_eq!(
            parameter.kind.nearest(value),
            Some(value),
            "{}",
            parameter.id
        );
    }
    for notice in notices {
        assert!(notice.to_string().chars().count() < 1_000, "{notice}");
    }
    // What was read once is written and read as it is.
    let (again, notices) = from_toml(&to_toml(preset)).unwrap();
    assert_eq!((&again, notices), (preset, vec![]));
}

#[test]
fn mutated_files_are_presets_or_change_nothing() {
    let _alone = alone();
    let seeds: Vec<Vec<u8>> = seeds().iter().map(|p| to_toml(p).into_bytes()).collect();
    let snippets = snippets();
    let mut noise = Noise::new(41);
    let (mut read, mut noticed, mut refused) = (0, 0, 0);
    for _ in 0..FILES {
        let mut bytes = seeds[noise.below(seeds.len())].clone();
        for _ in 0..=noise.below(3) {
            let other = &seeds[noise.below(seeds.len())];
            mutate(&mut noise, &mut bytes, other, &snippets);
        }
        let text = String::from_utf8_lossy(&bytes);
        let (memory, result) = peak(|| from_toml(&text));
        assert!(
            memory < MEMORY_LIMIT_BYTES,
            "{memory} bytes for {}",
            text.len()
        );
        match result {
            Ok((preset, notices)) => {
                check(&preset, &notices);
                read += 1;
                noticed += usize::from(!notices.is_empty());
            }
            Err(error) => {
                assert!(error.to_string().chars().count() < 500, "{error}");
                assert!(!error.remedy().is_empty());
                refused += 1;
            }
        }
    }
    println!("{read} read, {noticed} of them with notices, {refused} refused");
    assert!(300 < read && 300 < refused && 100 < noticed);
}

#[test]
fn mutated_codes_are_presets_or_change_nothing() {
    let _alone = alone();
    let seeds = seeds();
    let codes: Vec<Vec<u8>> = seeds.iter().map(|p| to_code(p).into_bytes()).collect();
    let snippets = snippets();
    let mut noise = Noise::new(42);
    let (mut read, mut refused) = (0, 0);
    for round in 0..CODES {
        let at = noise.below(seeds.len());
        let other = &codes[noise.below(seeds.len())];
        let code = match round % 3 {
            // The code itself, which its checksum guards.
            0 => {
                let mut code = codes[at].clone();
                mutate(&mut noise, &mut code, other, &snippets);
                String::from_utf8_lossy(&code).into_owned()
            }
            // What is packed, under a checksum that is right.
            1 => {
                let mut packed = deflated(to_toml(&seeds[at]).as_bytes());
                mutate(&mut noise, &mut packed, other, &snippets);
                sealed(&packed)
            }
            // The preset before it is packed.
            _ => {
                let mut toml = to_toml(&seeds[at]).into_bytes();
                let other = to_toml(&seeds[noise.below(seeds.len())]).into_bytes();
                mutate(&mut noise, &mut toml, &other, &snippets);
                sealed(&deflated(&toml))
            }
        };
        let (memory, result) = peak(|| from_code(&code));
        assert!(
            memory < MEMORY_LIMIT_BYTES,
            "{memory} bytes for {}",
            code.len()
        );
        match result {
            Ok((preset, notices)) => {
                check(&preset, &notices);
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    println!("{read} read, {refused} refused");
    assert!(200 < read && 1_000 < refused);
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    DeflateEncoder::new(bytes, Compression::best())
        .read_to_end(&mut packed)
        .unwrap();
    packed
}

fn sealed(packed: &[u8]) -> String {
    let mut bytes = crc32fast::hash(packed).to_le_bytes().to_vec();
    bytes.extend_from_slice(packed);
    format!("AV1:{}", BASE64URL_NOPAD.encode(&bytes))
}

#[test]
fn bombs_and_huge_files_take_little_memory() {
    let _alone = alone();
    let bomb = sealed(&deflated(&vec![b' '; 50 << 20]));
    assert!(
        bomb.len() < 2 * MOST_BYTES,
        "a bomb of {} characters",
        bomb.len()
    );
    let (memory, result) = peak(|| from_code(&bomb));
    assert!(matches!(result, Err(PresetError::TooLong)));
    assert!(memory < 1 << 20, "{memory}");

    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("huge.toml");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(100_000_000).unwrap();
    let (memory, result) = peak(|| read_file(&path));
    assert!(matches!(result, Err(PresetError::TooLong)));
    assert!(memory < 1 << 20, "{memory}");
    let library = Library::load(home.path());
    assert_eq!(library.damaged().len(), 1);

    let endless = "AV1:".to_owned() + &"A".repeat(100_000_000);
    let (memory, result) = peak(|| from_code(&endless));
    assert!(matches!(result, Err(PresetError::TooLong)));
    assert!(memory < 1 << 20, "{memory}");
}

#[test]
fn what_fails_leaves_the_folder_as_it_was() {
    let _alone = alone();
    let home = tempfile::tempdir().unwrap();
    let (folder, file) = (home.path().join("presets"), home.path().join("new.toml"));
    let mut library = Library::load(&folder);
    let mut values = Values::defaults();
    values.set(Id::Pitch, Value::Number(-3.0));
    let mine = Preset::of("Mine", &values, Extent::Sound);
    let path = library.save(&mine, Existing::Keep).unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut noise = Noise::new(43);
    let seed = to_toml(&mine).into_bytes();
    let (mut failed, mut kept) = (0, 0);
    for _ in 0..300 {
        let mut bytes = seed.clone();
        mutate(
            &mut noise,
            &mut bytes,
            &seed,
            &["nan".to_owned(), "= ".to_owned()],
        );
        std::fs::write(&file, &bytes).unwrap();
        let result = library.import(&file, Existing::Replace);
        match result {
            Err(_) => {
                failed += 1;
                assert_eq!(tones::names_in(&folder), ["mine.toml"]);
                assert_eq!(std::fs::read(&path).unwrap(), before);
            }
            Ok((preset, _)) => {
                kept += 1;
                let found = library.find(&preset.about.name).unwrap();
                assert_eq!(found.preset, preset);
                library.remove(&preset.about.name).unwrap();
                let _ = library.remove("Mine");
                library.save(&mine, Existing::Keep).unwrap();
            }
        }
    }
    assert!(20 < failed && 20 < kept, "{failed} failed, {kept} kept");
}
