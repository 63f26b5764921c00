//! `cargo xtask corpus`: makes the labelled corpus that our own voices are trained on, out of
//! speech synthesizers and recordings. A second run makes what is missing or was changed.

mod apart;
mod audio;
mod phones;
mod plan;
mod recordings;
mod speak;
mod store;
mod texts;
mod voices;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::{Context, Result, bail};
use autovoice_corpus::Entry;
use xtask::paths;

use crate::{packages, python, step};
use apart::Apart;
use audio::Sound;
use plan::Plan;
use recordings::{Collection, Recording, Unheard};
use speak::Said;
use store::Store;
use voices::Voice;

/// Recordings that voices are measured with.
pub use apart::FOLDER as LISTENED_TO;

const REQUIREMENTS: &str = "xtask/src/corpus/requirements.txt";

pub fn run(options: &[&str]) -> Result<()> {
    let Some(plan) = Plan::parse(options)? else {
        println!("{}", plan::usage());
        return Ok(());
    };
    let mut steps = step::Steps::new(6);
    steps.next("Looking for missing system packages");
    packages::ensure(&plan.needs())?;

    steps.next("Listening to what must stay out");
    let apart = Apart::read(apart::FOLDER.as_ref())?;
    match apart.sounds() {
        0 => println!(
            "    SKIPPED: no recordings in {}; names alone are looked at",
            apart::FOLDER
        ),
        n => println!("    {n} recordings in {}", apart::FOLDER),
    }
    let mut store = Store::open(&plan.output)?;

    steps.next("Letting synthesizers speak");
    for voice in &plan.voices {
        let sentences = sentences(voice, &plan);
        speak(voice, (&sentences, is_sentence), &plan, &apart, &mut store)?;
        store.save()?;
    }
    steps.next("Adding recordings");
    for collection in &plan.collections {
        add(collection, &plan, &apart, &mut store)?;
        store.save()?;
    }
    steps.next("Finding the phones of recordings");
    label(&plan, &mut store)?;
    store.save()?;
    steps.next("Letting synthesizers say what people said");
    for voice in &plan.voices {
        let read = said_by_people(voice, &plan, &store);
        speak(
            voice,
            (&read, |entry| !is_sentence(entry)),
            &plan,
            &apart,
            &mut store,
        )?;
        store.save()?;
    }
    steps.done();
    summary(&plan, &store);
    Ok(())
}

/// Lets a synthesizer say the sentences that are kept for tests, to files in a folder.
///
/// # Errors
/// If there is no such voice, or it does not speak.
pub fn say_held_out(voice: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let found = voices::VOICES.iter().find(|one| one.name == voice);
    let voice = found.with_context(|| format!("expected a voice of the corpus, got {voice}"))?;
    packages::ensure(voice.needs)?;
    let sentences = voice.language.held_out();
    let files = sentences.map(|(n, text)| {
        let name = format!("{}-{n:03}", voice.name);
        speak::say(voice, text, folder, &name)?;
        Ok(folder.join(format!("{name}.wav")))
    });
    files.collect()
}

/// A sentence to be said.
struct Task {
    name: String,
    text: String,
}

/// What every voice says.
fn sentences(voice: &Voice, plan: &Plan) -> Vec<Task> {
    let sentences = voice.language.sentences().take(plan.sentences);
    sentences
        .map(|(n, text)| Task {
            name: format!("{}-{n:03}.wav", voice.name),
            text: text.to_owned(),
        })
        .collect()
}

/// Whether that is one of them: its name ends in a number of three digits.
fn is_sentence(entry: &Entry) -> bool {
    let number = entry.stem().split_once('-').map(|(_, number)| number);
    number.is_some_and(|number| number.len() == 3 && number.parse::<u16>().is_ok())
}

/// What people say in recordings that this voice reads: who hears both learns to convert.
fn said_by_people(voice: &Voice, plan: &Plan, store: &Store) -> Vec<Task> {
    let read = |entry: &&Entry| {
        let mut collections = plan.collections.iter();
        collections.any(|one| one.source == entry.source && one.readers.contains(&voice.name))
    };
    let task = |entry: &Entry| {
        // LJ-LJ001-0002 is LJ001-0002 to others.
        let stem = entry.stem();
        let stem = stem.strip_prefix("LJ-").unwrap_or(stem);
        Some(Task {
            name: format!("{}-{stem}.wav", voice.name),
            text: entry.text.clone()?,
        })
    };
    store.entries().filter(read).filter_map(task).collect()
}

/// Says some of what a voice should say; what it once said of `kind` and should not is removed.
fn speak(
    voice: &Voice,
    (all, kind): (&[Task], fn(&Entry) -> bool),
    plan: &Plan,
    apart: &Apart,
    store: &mut Store,
) -> Result<()> {
    let names: BTreeSet<&str> = all.iter().map(|task| task.name.as_str()).collect();
    if plan.is_whole() {
        let ours = |entry: &Entry| entry.speaker == voice.name && kind(entry);
        store.remove(|entry| ours(entry) && !names.contains(entry.name.as_str()))?;
    }
    let same = |entry: &Entry, text: &str| {
        let labels = entry.labels_sha256.is_some() == voice.tells_times();
        labels && entry.text.as_deref() == Some(text) && entry.source == voice.source()
    };
    let missing: Vec<&Task> = all
        .iter()
        .filter(|task| {
            !store
                .whole(&task.name)
                .is_some_and(|entry| same(entry, &task.text))
        })
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    println!(
        "    {}: {} of {} sentences to say ({})",
        voice.name,
        missing.len(),
        all.len(),
        voice.source()
    );
    // Gone with the run, whatever happens.
    let folder = tempfile::tempdir()?;
    let say = |task: &&Task| {
        speak::say(
            voice,
            &task.text,
            folder.path(),
            task.name.trim_end_matches(".wav"),
        )
    };
    each(&missing, say, |task, said| {
        let Said { wav, sound, labels } =
            said.with_context(|| format!("{}: {:?}", task.name, task.text))?;
        refuse(apart, &task.name, &sound)?;
        let labels = match labels {
            Some(Err(why)) => {
                println!("    {}: no labels: {why:#}", task.name);
                None
            }
            Some(Ok(labels)) => Some(labels),
            None => None,
        };
        let entry = Entry {
            name: task.name.clone(),
            sha256: String::new(),
            speaker: voice.name.to_owned(),
            source: voice.source(),
            licence: voice.licence.to_owned(),
            seconds: rounded(sound.seconds()),
            text: Some(task.text.clone()),
            labels_sha256: None,
        };
        store.put(entry, &wav, labels.as_deref())
    })
}

/// Whatever it is called: what sounds as they do stays out.
fn refuse(apart: &Apart, name: &str, sound: &Sound) -> Result<()> {
    match apart.by_sound(sound) {
        Some(theirs) => bail!("{name} sounds as {theirs} of {} does", apart::FOLDER),
        None => Ok(()),
    }
}

/// Milliseconds are enough.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

fn add(collection: &Collection, plan: &Plan, apart: &Apart, store: &mut Store) -> Result<()> {
    let (mut kept, mut new) = (BTreeSet::new(), 0);
    for recording in collection
        .recordings(&plan.recordings)?
        .iter()
        .take(plan.sentences)
    {
        let stem = recording
            .path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        if let Some(why) = apart.by_name(&stem, &collection.apart(recording)) {
            println!(
                "    {}: left out, {why} is in {}",
                recording.name,
                apart::FOLDER
            );
            continue;
        }
        let bytes = std::fs::read(&recording.path)?;
        let hash = texts::sha256(&bytes);
        let there = |entry: &Entry| {
            entry.sha256 == hash
                && entry.source == collection.source
                // What was recognised is no reason to begin anew.
                && (recording.text.is_none() || entry.text == recording.text)
        };
        if !store.whole(&recording.name).is_some_and(there) {
            let sound = Sound::read(&recording.path)?;
            if let Some(theirs) = apart.by_sound(&sound) {
                println!(
                    "    {}: left out, it sounds as {theirs} does",
                    recording.name
                );
                continue;
            }
            store.put(entry(collection, recording, &sound), &bytes, None)?;
            new += 1;
        }
        kept.insert(recording.name.clone());
    }
    let unwanted = |entry: &Entry| entry.source == collection.source && !kept.contains(&entry.name);
    // The rest of it is still wanted where only some were asked for.
    let gone = if plan.is_whole() {
        store.remove(unwanted)?
    } else {
        0
    };
    println!(
        "    {}: {} recordings, {new} of them new, {gone} removed",
        collection.name,
        kept.len()
    );
    Ok(())
}

fn entry(collection: &Collection, recording: &Recording, sound: &Sound) -> Entry {
    Entry {
        name: recording.name.clone(),
        sha256: String::new(),
        speaker: recording.speaker.clone(),
        source: collection.source.to_owned(),
        licence: collection.licence.to_owned(),
        seconds: rounded(sound.seconds()),
        text: recording.text.clone(),
        labels_sha256: None,
    }
}

/// Labels for the recordings that have none, and words for those that somebody is to say again.
fn label(plan: &Plan, store: &mut Store) -> Result<()> {
    let task = |entry: &Entry| {
        let mut collections = plan.collections.iter();
        let collection = collections.find(|one| one.source == entry.source)?;
        let words = !collection.readers.is_empty();
        let bare = entry.labels_sha256.is_none() || (words && entry.text.is_none());
        bare.then(|| Unheard {
            path: store.path(&entry.name),
            text: entry.text.clone(),
            words,
        })
    };
    let tasks: Vec<Unheard> = store.entries().filter_map(task).collect();
    if tasks.is_empty() {
        println!("    all have labels");
        return Ok(());
    }
    let home = paths::target()?.join("venv-corpus");
    let python = python::environment(&home, REQUIREMENTS)?;
    let (mut done, mut by_text) = (0, 0);
    recordings::find_phones(&python, &tasks, |found| {
        let name = found
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        done += 1;
        by_text += usize::from(found.by_text);
        if let Some(words) = found.words {
            store.say(&name, words);
        }
        match found.labels.map(phones::without_noises) {
            Ok(labels) if phones::heard(&labels) => store.label(&name, Some(&labels))?,
            Ok(_) => println!("    {name}: no labels: no speech was recognised"),
            Err(why) => println!("    {name}: no labels: {why}"),
        }
        if done % 50 == 0 {
            println!("    {done} of {}", tasks.len());
            // It takes long: whoever stops it finds that here again.
            store.save()?;
        }
        Ok(())
    })?;
    println!("    {done} recordings, {by_text} of them by their texts");
    Ok(())
}

fn summary(plan: &Plan, store: &Store) {
    let entries: Vec<&Entry> = store.entries().collect();
    let speakers: BTreeSet<&str> = entries.iter().map(|entry| entry.speaker.as_str()).collect();
    let labelled = entries
        .iter()
        .filter(|entry| entry.labels_sha256.is_some())
        .count();
    let minutes = entries.iter().map(|entry| entry.seconds).sum::<f64>() / 60.0;
    println!(
        "\n{} recordings, {labelled} with labels, {minutes:.1} min, {} names of speakers: {}",
        entries.len(),
        speakers.len(),
        plan.output.display()
    );
    let folder = plan.output.display();
    println!("\nautovoice train base --corpus {folder} --labels {folder}/labels");
}

/// Does work on as many threads as there are cores; results come to the caller's, in any order. The
/// first error ends it.
fn each<T: Sync, R: Send>(
    tasks: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T, R) -> Result<()>,
) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let (results, receiver) = mpsc::sync_channel(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (results, next, work) = (results.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if results.send((task, work(task))).is_err() {
                        break; // Somebody's result was an error.
                    }
                }
            });
        }
        drop(results);
        let receiver = receiver;
        receiver
            .iter()
            .try_for_each(|(task, result)| done(task, result))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_shared_and_the_first_error_ends_it() {
        let tasks: Vec<usize> = (0..100).collect();
        let mut found = BTreeSet::new();
        each(
            &tasks,
            |n| n * n,
            |task, square| {
                assert_eq!(task * task, square);
                assert!(found.insert(*task));
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(found.len(), 100);
        let mut count = 0;
        let error = each(
            &tasks,
            |n| *n,
            |_, _| {
                count += 1;
                bail!("enough")
            },
        );
        assert_eq!(
            (error.unwrap_err().to_string().as_str(), count),
            ("enough", 1)
        );
    }

    #[test]
    fn recordings_to_measure_with_do_not_enter() {
        use audio::testing::{babble, write};
        let home = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = home.path().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            folder
        };
        let (theirs, ours) = (folder("audio"), folder("corpus/librispeech"));
        write(&theirs.join("ls_7.wav"), &babble(1, 16_000, 3.0));
        let manifest = r#"[{"path": "7-1-0000.wav", "speaker": "LS7"}]"#;
        std::fs::write(theirs.join("manifest.json"), manifest).unwrap();
        for (name, seed) in [
            ("7-1-0000", 2),
            ("7-2-0000", 3),
            ("8-1-0000", 1),
            ("9-1-0000", 4),
        ] {
            write(
                &ours.join(format!("{name}.wav")),
                &babble(seed, 16_000, 3.0),
            );
        }
        let mut plan = Plan::parse(&["--only", "librispeech"]).unwrap().unwrap();
        plan.recordings = home.path().join("corpus");
        plan.output = home.path().join("out");
        let apart = Apart::read(&theirs).unwrap();
        let mut store = Store::open(&plan.output).unwrap();
        for _ in 0..2 {
            add(&plan.collections[0], &plan, &apart, &mut store).unwrap();
            let names: Vec<&str> = store.entries().map(|entry| entry.name.as_str()).collect();
            assert_eq!(names, ["9-1-0000.wav"]);
        }
        // By name, by speaker and by sound; without them all but the name known anyway would enter.
        let nobody = Apart::read(&home.path().join("none")).unwrap();
        add(&plan.collections[0], &plan, &nobody, &mut store).unwrap();
        assert_eq!(store.entries().count(), 4);
        assert!(refuse(&apart, "x", &babble(1, 16_000, 3.0)).is_err());
        assert!(refuse(&apart, "x", &babble(5, 16_000, 3.0)).is_ok());
    }

    #[test]
    fn what_people_say_is_said_again_by_who_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store::open(home.path()).unwrap();
        for (name, source, text) in [
            ("LJ-LJ001-0002.flac", "LJSpeech", Some("in being")),
            ("9-1-0000.ogg", "LibriSpeech", None),
            (
                "0075-51bb.ogg",
                "Barista, crowd-sourced orders",
                Some("tea"),
            ),
            ("rms-003.wav", "flite 2.2, rms", Some("a sentence")),
        ] {
            let entry = Entry {
                name: name.to_owned(),
                sha256: String::new(),
                speaker: name[..2].to_owned(),
                source: source.to_owned(),
                licence: "ours".to_owned(),
                seconds: 1.0,
                text: text.map(str::to_owned),
                labels_sha256: None,
            };
            store.put(entry, b"sound", None).unwrap();
        }
        let plan = Plan::parse(&[]).unwrap().unwrap();
        let voice = |name: &str| *plan.voices.iter().find(|voice| voice.name == name).unwrap();
        let read = |name: &str, store: &Store| -> Vec<(String, String)> {
            let tasks = said_by_people(&voice(name), &plan, store).into_iter();
            tasks.map(|task| (task.name, task.text)).collect()
        };
        let ours = ("awb-LJ001-0002.wav".to_owned(), "in being".to_owned());
        assert_eq!(read("awb", &store), [ours]);
        assert_eq!(read("espeakm1", &store), []);
        // Once words have been recognised in it, it is read, too, by some.
        store.say("9-1-0000.ogg", "so they say".to_owned());
        assert_eq!(read("awb", &store).len(), 1);
        let found = read("rms", &store);
        assert_eq!(
            found[0],
            ("rms-9-1-0000.wav".to_owned(), "so they say".to_owned())
        );
        let sentences: Vec<&str> = store
            .entries()
            .filter(|entry| is_sentence(entry))
            .map(Entry::stem)
            .collect();
        assert_eq!(sentences, ["rms-003"]);
    }

    #[test]
    fn readers_are_voices() {
        let voices = Plan::parse(&[]).unwrap().unwrap().voices;
        for name in recordings::COLLECTIONS.iter().flat_map(|one| one.readers) {
            assert!(voices.iter().any(|voice| voice.name == *name), "{name}");
        }
    }
}
