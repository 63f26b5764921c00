//! `autovoice pitch`: tables, pictures and MIDI files say what was sung and when.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use std::fs;
use std::path::Path;
use tones::desk::{Desk, Run};
use tones::{fixture, write_float_wav};

/// Rows of a table.
fn rows(path: &Path) -> Vec<[f64; 3]> {
    let text = fs::read_to_string(path).unwrap();
    let (heading, rows) = text.split_once('\n').unwrap();
    assert_eq!(heading, "time_s,f0_hz,confidence");
    rows.lines()
        .map(|line| {
            let mut values = line.split(',').map(|value| value.parse().unwrap());
            [(); 3].map(|()| values.next().unwrap())
        })
        .collect()
}

fn pitch(desk: &Desk, words: &str) -> Run {
    let words: Vec<&str> = words.split_whitespace().collect();
    desk.run(&[&["pitch"], words.as_slice()].concat())
}

/// Half a second of silence, a second of a tone with harmonics, a quarter of silence.
fn song(desk: &Desk, name: &str, rate_hz: u32, channels: usize, hz: f64) {
    let rate = f64::from(rate_hz);
    let tone: Vec<f32> = (0..(1.75 * rate) as usize)
        .map(|i| i as f64 / rate)
        .map(|t| {
            let partial = |k: u32| {
                let phase = std::f64::consts::TAU * hz * f64::from(k) * t;
                phase.sin() / f64::from(k)
            };
            match (0.5..1.5).contains(&t) {
                true => (0.2 * (1..5).map(partial).sum::<f64>()) as f32,
                false => 0.0,
            }
        })
        .collect();
    write_float_wav(&desk.path(name), rate_hz, &vec![tone; channels]);
}

#[test]
fn a_table_says_what_was_sung_and_when() {
    let desk = Desk::new();
    for (rate_hz, channels) in [
        (8_000, 1),
        (16_000, 2),
        (44_100, 1),
        (48_000, 2),
        (96_000, 1),
    ] {
        song(&desk, "in.wav", rate_hz, channels, 220.0);
        let run = pitch(
            &desk,
            "in.wav -o out.csv -f --json --tracker yin --device auto",
        )
        .expect(0);
        assert_eq!(run.json()["device"], "cpu", "it has nothing for a card");
        let rows = rows(&desk.path("out.csv"));
        let file = &run.json()["files"][0];
        assert_eq!(file["rows"], rows.len());
        assert!((file["voiced_share"].as_f64().unwrap() - 1.0 / 1.75).abs() < 0.03);
        assert!((file["median_hz"].as_f64().unwrap() - 220.0).abs() < 1.0);
        let hop_s = rows[1][0] - rows[0][0];
        assert!(hop_s <= 0.010_01, "100 rows a second or more: {hop_s}");
        assert!((0.0..hop_s).contains(&rows[0][0]), "{}", rows[0][0]);
        let last_s = rows.last().unwrap()[0];
        assert!((1.75 - 1.01 * hop_s..1.75).contains(&last_s), "{last_s}");
        for [time_s, f0_hz, confidence] in rows {
            assert!(f0_hz > 0.0);
            let place = format!("{rate_hz} Hz, {time_s} s: {f0_hz} Hz, {confidence}");
            if (0.52..1.48).contains(&time_s) {
                assert!(0.5 <= confidence, "{place}");
                assert!((f0_hz / 220.0).log2().abs() * 1_200.0 < 3.0, "{place}");
            } else if !(0.47..1.53).contains(&time_s) {
                assert!(confidence < 0.5, "{place}");
            }
        }
    }
}

#[test]
fn the_usual_tracker_is_the_network() {
    let desk = Desk::new();
    for rate_hz in [8_000, 16_000, 44_100, 96_000] {
        song(&desk, "in.wav", rate_hz, 1, 220.0);
        let run = pitch(&desk, "in.wav -o out.csv -f --json").expect(0);
        assert_eq!(run.json()["tracker"], "neural");
        let rows = rows(&desk.path("out.csv"));
        assert!(rows[0][0] < 0.01 && 1.739 < rows.last().unwrap()[0]);
        for [time_s, f0_hz, confidence] in rows {
            let place = format!("{rate_hz} Hz, {time_s} s: {f0_hz} Hz, {confidence}");
            if (0.55..1.45).contains(&time_s) {
                assert!(0.5 <= confidence, "{place}");
                assert!((f0_hz / 220.0).log2().abs() * 1_200.0 < 20.0, "{place}");
            } else if !(0.44..1.56).contains(&time_s) {
                assert!(confidence < 0.5, "{place}");
            }
        }
    }
}

#[test]
fn rows_lie_where_they_are_asked_for() {
    let desk = Desk::new();
    song(&desk, "in.wav", 44_100, 1, 300.0);
    pitch(&desk, "in.wav -o out.csv --hop 10 --tracker yin").expect(0);
    let rows = rows(&desk.path("out.csv"));
    assert_eq!(rows.len(), 175);
    for (i, row) in rows.iter().enumerate() {
        assert!((row[0] - 0.01 * i as f64).abs() < 1e-5);
        if !(47..53).contains(&i) && !(147..153).contains(&i) {
            assert_eq!(0.5 <= row[2], (50..150).contains(&i), "{row:?}");
        }
    }
}

#[test]
fn every_kind_of_file_is_read() {
    let desk = Desk::new();
    for name in ["tone_mono.mp3", "tone_stereo.ogg"] {
        let path = fixture(name);
        let path = path.to_str().unwrap();
        let run = desk.run(&["pitch", path, "-o", "out.csv", "-f", "--json"]);
        let run = run.expect(0);
        let median = run.json()["files"][0]["median_hz"].as_f64().unwrap();
        assert!((median - 440.0).abs() < 3.0, "{name}: {median}");
    }
}

#[test]
fn a_picture_shows_the_pitch_where_it_is() {
    let desk = Desk::new();
    song(&desk, "in.wav", 44_100, 1, 440.0);
    pitch(&desk, "in.wav -o out.csv --plot out.png").expect(0);
    let file = std::io::BufReader::new(fs::File::open(desk.path("out.png")).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    // Orange above the strip: the curve.
    let curve: Vec<(usize, usize)> = (0..height * 4 / 5)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .filter(|&(x, y)| {
            let at = 3 * (y * width + x);
            let (red, green, blue) = (pixels[at], pixels[at + 1], pixels[at + 2]);
            red > 200 && green < 130 && blue < 100
        })
        .collect();
    let mean_x = curve.iter().map(|p| p.0 as f64).sum::<f64>() / curve.len() as f64;
    let mean_y = curve.iter().map(|p| p.1 as f64).sum::<f64>() / curve.len() as f64;
    // Between 40 Hz and 8 kHz, on the 680 rows from the 48th on.
    let up = (440.0f64 / 40.0).ln() / (8_000.0f64 / 40.0).ln();
    assert!(
        (mean_y - (48.0 + 680.0 * (1.0 - up))).abs() < 3.0,
        "{mean_y}"
    );
    // The tone lies from 2/7 to 6/7 of the width between the margins.
    assert!((mean_x / width as f64 - 0.55).abs() < 0.03, "{mean_x}");
}

#[test]
fn a_midi_file_has_the_notes() {
    use midly::{MidiMessage, Smf, TrackEventKind};
    let desk = Desk::new();
    song(&desk, "in.wav", 44_100, 1, 440.0);
    let run = pitch(&desk, "in.wav -o out.csv --midi out.mid --json").expect(0);
    assert_eq!(run.json()["files"][0]["notes"], 1);
    let bytes = fs::read(desk.path("out.mid")).unwrap();
    let smf = Smf::parse(&bytes).unwrap();
    let mut tick = 0;
    let mut notes = Vec::new();
    for event in &smf.tracks[0] {
        tick += event.delta.as_int();
        if let TrackEventKind::Midi {
            message: MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. },
            ..
        } = event.kind
        {
            notes.push((key.as_int(), f64::from(tick) / 960.0));
        }
    }
    assert_eq!(notes.len(), 2);
    for ((key, time_s), expected_s) in notes.into_iter().zip([0.5, 1.5]) {
        assert_eq!(key, 69);
        assert!((time_s - expected_s).abs() < 0.03, "{time_s}");
    }
}

#[test]
fn several_files_go_into_folders() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("in/deeper")).unwrap();
    song(&desk, "in/a.wav", 16_000, 1, 200.0);
    song(&desk, "in/deeper/b.wav", 16_000, 1, 200.0);
    fs::write(desk.path("in/c.wav"), b"no audio").unwrap();
    let run = pitch(&desk, "in -r -o out --plot out --midi midi/ --json").expect(1);
    assert_eq!(run.json()["tracked"], 2);
    assert_eq!(run.json()["failed"], 1);
    assert!(run.stderr.contains("c.wav"), "{}", run.stderr);
    assert_eq!(desk.names("out"), ["a.csv", "a.png", "deeper"]);
    assert_eq!(desk.names("out/deeper"), ["b.csv", "b.png"]);
    assert_eq!(desk.names("midi"), ["a.mid", "deeper"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let desk = Desk::new();
    song(&desk, "in.wav", 16_000, 1, 200.0);
    fs::write(desk.path("old.csv"), b"precious").unwrap();
    for (words, code, expected) in [
        ("in.wav", 2, "--output"),
        ("in.wav -o out.wav", 2, "expected an output named *.csv"),
        ("in.wav -o out.csv --plot p.jpg", 2, "*.png"),
        ("in.wav -o out.csv --midi m.wav", 2, "*.mid"),
        (
            "in.wav -o out.csv --tracker ear",
            2,
            "possible values: neural, yin",
        ),
        ("in.wav -o out.csv --lowest 10", 2, "expected 40 to 400"),
        ("in.wav -o out.csv --hop 0", 2, "expected 1 to 100"),
        ("in.wav in.wav -o out.csv", 2, "expected a folder"),
        ("none.wav -o out.csv", 1, "found nothing"),
        (
            "in.wav -o out.csv --tracker crepe-tiny",
            1,
            "autovoice models fetch crepe",
        ),
        ("in.wav -o old.csv", 1, "--force"),
        (
            "in.wav -o out.csv --plot old.csv/p.png",
            1,
            "expected a folder",
        ),
    ] {
        let run = pitch(&desk, words).expect(code);
        assert!(run.stderr.contains(expected), "{words}: {}", run.stderr);
        assert_eq!(desk.names("."), ["in.wav", "old.csv"], "{words}");
    }
    assert_eq!(fs::read(desk.path("old.csv")).unwrap(), b"precious");
}
