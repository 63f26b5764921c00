//! Notes as a standard MIDI file: type 0, 480 ticks per quarter note at 120 beats a minute, so
//! that a tick is 1/960 s. Louder notes have higher velocities.

use super::notes::Note;
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};
use std::io;

const TICKS_PER_QUARTER: u16 = 480;
const US_PER_QUARTER: u32 = 500_000;
const TICKS_PER_S: f64 = 960.0;
/// Velocity of the loudest note, its change per decibel, and the least.
const LOUDEST: f64 = 112.0;
const PER_DB: f64 = 2.0;
const SOFTEST: f64 = 16.0;

/// Writes the notes, which must be in order.
pub(super) fn write(notes: &[Note], file: &mut impl io::Write) -> io::Result<()> {
    let timing = Timing::Metrical(u15::new(TICKS_PER_QUARTER));
    let mut smf = Smf::new(Header::new(Format::SingleTrack, timing));
    smf.tracks.push(track(notes));
    smf.write_std(file)
}

fn track(notes: &[Note]) -> Vec<TrackEvent<'static>> {
    let loudest = notes
        .iter()
        .map(|note| note.mean_square)
        .fold(0.0, f64::max);
    let meta = |meta| TrackEvent {
        delta: u28::new(0),
        kind: TrackEventKind::Meta(meta),
    };
    let mut track = vec![meta(MetaMessage::Tempo(u24::new(US_PER_QUARTER)))];
    let mut now = 0;
    let mut add = |at_s: f64, message| {
        let tick = (at_s * TICKS_PER_S).round() as u32;
        track.push(TrackEvent {
            delta: u28::new(tick.saturating_sub(now)),
            kind: TrackEventKind::Midi {
                channel: u4::new(0),
                message,
            },
        });
        now = now.max(tick);
    };
    for note in notes {
        let key = u7::new(note.number);
        let below_db = 10.0 * (note.mean_square.max(1e-20) / loudest.max(1e-20)).log10();
        let vel = (LOUDEST + PER_DB * below_db).round().max(SOFTEST);
        // In range: from SOFTEST to LOUDEST.
        let vel = u7::new(vel as u8);
        add(note.start_s, MidiMessage::NoteOn { key, vel });
        let vel = u7::new(64);
        add(note.end_s, MidiMessage::NoteOff { key, vel });
    }
    track.push(meta(MetaMessage::EndOfTrack));
    track
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_meant() {
        let note = |number, start_s, end_s, mean_square| Note {
            number,
            start_s,
            end_s,
            mean_square,
        };
        let notes = [
            note(60, 0.5, 1.0, 0.1),
            note(62, 1.0, 1.25, 0.01),
            note(60, 2.0, 2.5, 1e-9),
        ];
        let mut bytes = Vec::new();
        write(&notes, &mut bytes).expect("memory takes everything");
        // Header: MThd, 6 bytes, type 0, one track, 480 ticks.
        assert_eq!(bytes[..14], *b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0");
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let mut tick = 0;
        let mut got = Vec::new();
        for event in &smf.tracks[0] {
            tick += event.delta.as_int();
            match event.kind {
                TrackEventKind::Midi {
                    message: MidiMessage::NoteOn { key, vel },
                    ..
                } => got.push((tick, key.as_int(), vel.as_int())),
                TrackEventKind::Midi {
                    message: MidiMessage::NoteOff { key, .. },
                    ..
                } => got.push((tick, key.as_int(), 0)),
                _ => {}
            }
        }
        let expected = [
            (480, 60, 112),
            (960, 60, 0),
            (960, 62, 92),
            (1_200, 62, 0),
            (1_920, 60, 16),
            (2_400, 60, 0),
        ];
        assert_eq!(got, expected);
    }
}
