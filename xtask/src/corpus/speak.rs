//! Lets a synthesizer speak: a sentence in, a WAV file and the times of its phones out. Starts
//! programs; any thread. What it writes lies in a folder of the caller's that is thrown away.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::audio::Sound;
use super::phones::{self, Label, Set};
use super::voices::{Engine, Voice};

/// What was said.
pub struct Said {
    /// The bytes of a WAV file.
    pub wav: Vec<u8>,
    /// What it sounds like.
    pub sound: Sound,
    /// When which phone is heard; an error where the synthesizer's phones are not understood.
    /// `None` where it tells nothing.
    pub labels: Option<Result<Vec<Label>>>,
}

/// Says a text with a voice. Writes files to `folder`, under names beginning with `name`.
///
/// # Errors
/// When the program fails, or writes no sound.
pub fn say(voice: &Voice, text: &str, folder: &Path, name: &str) -> Result<Said> {
    let path = folder.join(format!("{name}.wav"));
    let (segments, set) = match voice.engine {
        Engine::Flite(of_flite) => {
            let mut flite = Command::new("flite");
            flite
                .args(["-voice", of_flite, "-psdur", "-t", text, "-o"])
                .arg(&path);
            let printed = output(&mut flite, &[])?;
            (Some(phones::parse_psdur(&printed)?), Set::English)
        }
        Engine::Festival(of_festival, set) => {
            let segs = folder.join(format!("{name}.segs"));
            let file = folder.join(format!("{name}.scm"));
            // A file, not its input: only there it stops at the first error, rather than going on
            // with the voice it had before.
            std::fs::write(&file, script(of_festival, voice, text, &path, &segs)?)?;
            output(Command::new("festival").arg("-b").arg(&file), &[])?;
            let written = std::fs::read(&segs).context("festival wrote no times of phones")?;
            (
                Some(phones::parse_segs(&String::from_utf8_lossy(&written))?),
                set,
            )
        }
        Engine::Espeak(of_espeak) => {
            let mut espeak = Command::new("espeak-ng");
            espeak
                .args(["-b", "1", "-v", of_espeak, "-w"])
                .arg(&path)
                .arg("--stdin");
            output(&mut espeak, text.as_bytes())?;
            (None, Set::English)
        }
    };
    let wav = std::fs::read(&path).with_context(|| format!("{} wrote no sound", voice.source()))?;
    let sound = Sound::read(&path)?;
    let loudest = sound.samples.iter().fold(0f32, |most, x| most.max(x.abs()));
    ensure!(loudest > 1e-3, "{} said nothing", voice.source());
    let seconds = sound.seconds();
    let labels = segments.map(|segments| phones::labels(set, &segments, seconds));
    Ok(Said { wav, sound, labels })
}

/// What festival is told, in the encoding that its voice reads.
fn script(
    of_festival: &str,
    voice: &Voice,
    text: &str,
    wav: &Path,
    segs: &Path,
) -> Result<Vec<u8>> {
    let (wav, segs) = (
        quoted(&wav.to_string_lossy()),
        quoted(&segs.to_string_lossy()),
    );
    let text = voice.language.encode(&quoted(text));
    let text = text.with_context(|| format!("expected letters of {:?}", voice.language))?;
    let mut script = format!("(voice_{of_festival})\n(set! said (Utterance Text ").into_bytes();
    script.extend(text);
    let rest =
        format!("))\n(utt.synth said)\n(utt.save.segs said {segs})\n(utt.save.wave said {wav})\n");
    script.extend(rest.into_bytes());
    Ok(script)
}

/// A string of Scheme's.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Runs a program with an input; what it prints.
fn output(command: &mut Command, input: &[u8]) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{name}` did not start; is it installed?"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has ended early says why below.
        let _ = stdin.write_all(input);
    }
    let ended = child.wait_with_output()?;
    ensure!(
        ended.status.success(),
        "`{name}` failed with {}: {}",
        ended.status,
        String::from_utf8_lossy(&ended.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::texts::Language;
    use super::super::voices::VOICES;
    use super::*;

    #[test]
    fn scripts_are_written_in_the_voices_encoding_and_hold_nothing_but_text() {
        let dita = VOICES.iter().find(|voice| voice.name == "dita").unwrap();
        let (wav, segs) = (Path::new("/a b/x.wav"), Path::new("/a b/x.segs"));
        let script = script("czech_dita", dita, "Běž \") (quit)", wav, segs).unwrap();
        let text = String::from_utf8_lossy(&script);
        assert!(
            script.windows(3).any(|three| three == b"B\xec\xbe"),
            "{text}"
        );
        assert!(text.contains("\\\") (quit)\"))\n"), "{text}");
        assert!(
            text.contains("(utt.save.wave said \"/a b/x.wav\")"),
            "{text}"
        );
        assert_eq!(dita.language, Language::Czech);
    }

    /// With one voice of each synthesizer that is here.
    #[test]
    fn labels_end_where_the_sound_ends() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["slt", "dita", "espeakf1"] {
            let voice = VOICES.iter().find(|voice| voice.name == name).unwrap();
            if crate::packages::lacking(voice.needs) {
                eprintln!("SKIPPED: {name} is not installed");
                continue;
            }
            let (number, text) = voice.language.sentences().next().unwrap();
            let said = say(voice, text, folder.path(), &format!("{name}-{number:03}")).unwrap();
            assert!((1.0..10.0).contains(&said.sound.seconds()), "{name}");
            assert_eq!(said.labels.is_some(), voice.tells_times(), "{name}");
            let Some(labels) = said.labels else { continue };
            let labels = labels.unwrap();
            let (_, first, count) = labels.last().unwrap();
            let frames = (said.sound.seconds() * phones::FRAMES_PER_S).round() as usize;
            assert_eq!(first + count, frames, "{name}");
            assert!(10 < labels.len() && phones::heard(&labels), "{name}");
        }
    }
}
