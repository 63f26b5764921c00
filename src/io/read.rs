//! Reading audio files block by block: WAV, FLAC, MP3 and OGG through symphonia. Holds one packet
//! at a time, however long the file is. MP3 encoder delay and padding are cut off where the file
//! states them, Vorbis ends where its last page says. A file that breaks its own promises is
//! refused, or patched with silence where the caller asked for that; a decoder that panics is a
//! damaged file. Worker threads only.

use super::{BitDepth, sniff};
use crate::units::Frames;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use symphonia::core::codecs::audio::well_known as codec;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::packet::Packet;

/// Longest silence put in place of one lost stretch, in seconds; a larger gap is a broken clock.
const LONGEST_PATCH_S: i64 = 60;

/// What is known of a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioInfo {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Channels, 1 or 2.
    pub channels: usize,
    /// Length in frames, where the file states it or lets it be guessed: good for progress, and
    /// no more.
    pub frames: Option<u64>,
    /// Name of the codec.
    pub codec: &'static str,
    /// How exactly the file stores its samples; `None` for lossy codecs, which store none.
    pub depth: Option<BitDepth>,
}

/// What to do with a damaged or truncated file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Damage {
    /// Stop with an error.
    #[default]
    Refuse,
    /// Put silence where audio is lost, keep the rest in its place, and count.
    Patch,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened, or reading failed on the way.
    #[error("expected a readable file, found: {0}")]
    Io(#[from] io::Error),
    /// The file is a folder or a device.
    #[error("expected a file, found something else of this name")]
    NotAFile,
    /// There is nothing in the file.
    #[error("expected audio, found {0}")]
    Empty(&'static str),
    /// No reader knows the file.
    #[error("expected WAV, FLAC, MP3 or OGG audio, found {0}")]
    NotAudio(&'static str),
    /// The container is known, what is inside is not.
    #[error("expected PCM, FLAC, MP3 or Vorbis audio, found {0}")]
    Codec(String),
    /// More channels than an engine takes.
    #[error("expected 1 or 2 channels, found {0}")]
    Channels(usize),
    /// The file states no rate, or one no engine runs at.
    #[error("expected a sample rate, found {0}")]
    Rate(&'static str),
    /// The file contradicts itself.
    #[error("expected intact audio, found damage at {at_s:.3} s: {reason}")]
    Damaged {
        /// Where reading stopped.
        at_s: f64,
        /// What the decoder said.
        reason: String,
    },
    /// The file ends before its header says it does.
    #[error("expected {expected} frames as the header says, found {got}: the file is cut short")]
    Truncated {
        /// Frames promised.
        expected: u64,
        /// Frames there.
        got: u64,
    },
    /// Rate or channels change on the way.
    #[error("expected one rate and channel count throughout, found a change at {at_s:.3} s")]
    Changed {
        /// Where.
        at_s: f64,
    },
}

impl ReadError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io(_) | Self::NotAFile => "check the name and that the file may be read",
            Self::Empty(_) => "export the recording again",
            Self::NotAudio(_) | Self::Codec(_) => {
                "convert it to WAV first, for instance: ffmpeg -i INPUT output.wav"
            }
            Self::Channels(_) => {
                "mix it down first, for instance: ffmpeg -i INPUT -ac 2 output.wav"
            }
            Self::Rate(_) => "export the recording again",
            Self::Damaged { .. } | Self::Truncated { .. } => {
                "export it again, or pass --salvage to keep what can be read"
            }
            Self::Changed { .. } => "split the file where it changes and convert the parts",
        }
    }

    fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Truncated { .. })
    }
}

/// An open audio file.
pub struct AudioReader {
    info: AudioInfo,
    damage: Damage,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    // One decoded packet and how much of it has been handed out.
    packet: Vec<Vec<f32>>,
    packet_taken: Frames,
    // Length that the file must have by its own header.
    promised: Option<u64>,
    // Frames decoded so far, patches included.
    decoded: u64,
    // Time stamp expected of the next packet, for formats that count frames without gaps.
    next_stamp: Option<i64>,
    ended: bool,
    patched_frames: u64,
    non_finite_samples: u64,
}

impl AudioReader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`ReadError`] when it is no audio file that can be read.
    pub fn open(path: &Path, damage: Damage) -> Result<Self, ReadError> {
        // Looked at before it is opened: opening a pipe would wait for its other end.
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(ReadError::NotAFile);
        }
        if metadata.len() == 0 {
            return Err(ReadError::Empty("an empty file"));
        }
        let file = File::open(path)?;
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let probed = caught(|| {
            symphonia::default::get_probe().probe(
                &hint,
                stream,
                Default::default(),
                Default::default(),
            )
        });
        let format = probed.map_err(|error| match error {
            Symphonia::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                ReadError::Io(error)
            }
            _ => ReadError::NotAudio(sniff::describe(path)),
        })?;
        Self::with_format(format, damage).map_err(|error| match error {
            Unopened::NoTrack => ReadError::NotAudio(sniff::describe(path)),
            Unopened::Because(error) => error,
        })
    }

    fn with_format(format: Box<dyn FormatReader>, damage: Damage) -> Result<Self, Unopened> {
        let track = format
            .default_track(TrackType::Audio)
            .ok_or(Unopened::NoTrack)?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .ok_or(Unopened::NoTrack)?;
        let registry = symphonia::default::get_codecs();
        let codec = registry
            .get_audio_decoder(parameters.codec)
            .map(|known| known.codec.info.short_name)
            .ok_or_else(|| ReadError::Codec(codec_name(parameters)))?;
        let length = Length::of(track, parameters, format.format_info().short_name);
        let options = AudioDecoderOptions::default()
            .verify(true)
            .gapless(length.trimmed);
        let decoder = caught(|| registry.make_audio_decoder(parameters, &options))
            .map_err(|error| ReadError::Codec(error.to_string()))?;
        let rate_hz = parameters
            .sample_rate
            .filter(|&rate| rate > 0)
            .ok_or(ReadError::Rate("none in the header"))?;
        let channels = parameters
            .channels
            .as_ref()
            .map_or(0, |channels| channels.count());
        if !(1..=2).contains(&channels) {
            return Err(ReadError::Channels(channels).into());
        }
        let info = AudioInfo {
            rate_hz,
            channels,
            frames: length.stated,
            codec,
            depth: stored_depth(parameters),
        };
        Ok(Self {
            track_id: track.id,
            next_stamp: length.counted.then_some(0),
            promised: length.promised,
            packet: vec![Vec::new(); channels],
            packet_taken: 0,
            decoded: 0,
            ended: false,
            patched_frames: 0,
            non_finite_samples: 0,
            info,
            damage,
            format,
            decoder,
        })
    }

    /// What the header says.
    #[must_use]
    pub fn info(&self) -> &AudioInfo {
        &self.info
    }

    /// Frames that were lost in the file and came out as silence; 0 unless patching.
    #[must_use]
    pub fn patched_frames(&self) -> u64 {
        self.patched_frames
    }

    /// Samples that were NaN or infinite in the file and came out as 0.
    #[must_use]
    pub fn non_finite_samples(&self) -> u64 {
        self.non_finite_samples
    }

    /// Fills a slice for each channel, all of one length, and says how many frames there were:
    /// fewer than asked for at the end only, 0 after it. Samples are finite.
    ///
    /// # Errors
    /// [`ReadError`]; the reader is then at its end.
    pub fn read(&mut self, output: &mut [&mut [f32]]) -> Result<Frames, ReadError> {
        let wanted = output.first().map_or(0, |channel| channel.len());
        let mut done = 0;
        while done < wanted {
            let ready = self.packet[0].len() - self.packet_taken;
            if ready == 0 {
                match self.next_packet() {
                    Ok(true) => continue,
                    Ok(false) => break,
                    Err(error) => {
                        self.ended = true;
                        return Err(error);
                    }
                }
            }
            let count = ready.min(wanted - done);
            let from = self.packet_taken;
            for (to, packet) in output.iter_mut().zip(&self.packet) {
                to[done..done + count].copy_from_slice(&packet[from..from + count]);
            }
            self.packet_taken += count;
            done += count;
        }
        Ok(done)
    }

    /// Decodes the next packet; `false` at the end.
    fn next_packet(&mut self) -> Result<bool, ReadError> {
        self.clear_packet();
        while !self.ended {
            let packet = match caught(|| self.format.next_packet()) {
                Ok(Some(packet)) if packet.track_id == self.track_id => packet,
                Ok(Some(_)) => continue,
                Ok(None) => {
                    self.end()?;
                    break;
                }
                Err(error) => {
                    self.fail(error)?;
                    break;
                }
            };
            self.fill_gap(&packet)?;
            self.decode(&packet)?;
            if !self.packet[0].is_empty() {
                return Ok(true);
            }
        }
        Ok(!self.packet[0].is_empty())
    }

    fn decode(&mut self, packet: &Packet) -> Result<(), ReadError> {
        let at_s = self.position_s();
        let (decoder, info) = (&mut self.decoder, &self.info);
        let mut decoded = Vec::new();
        let outcome = caught(|| {
            let audio = decoder.decode(packet)?;
            let spec = audio.spec();
            let fits = audio.is_empty()
                || (spec.rate() == info.rate_hz && spec.channels().count() == info.channels);
            if fits && !audio.is_empty() {
                audio.copy_to_vecs_planar::<f32>(&mut decoded);
            }
            Ok(fits)
        });
        match outcome {
            Ok(true) => {}
            Ok(false) => return Err(ReadError::Changed { at_s }),
            Err(error) => {
                let error = self.explained(error);
                self.accept(error)?;
                // The frames of this packet are lost, those behind it are not: hold their place.
                self.patch(packet.dur.get());
                return Ok(());
            }
        }
        self.decoded += decoded.first().map_or(0, Vec::len) as u64;
        for (channel, new) in self.packet.iter_mut().zip(&mut decoded) {
            for sample in new.iter_mut().filter(|sample| !sample.is_finite()) {
                *sample = 0.0;
                self.non_finite_samples += 1;
            }
            channel.append(new);
        }
        Ok(())
    }

    /// Where the format counts frames, a packet that starts late means that some are lost.
    fn fill_gap(&mut self, packet: &Packet) -> Result<(), ReadError> {
        let Some(expected) = self.next_stamp else {
            return Ok(());
        };
        let stamp = packet.pts.get();
        if stamp != expected {
            self.accept(ReadError::Damaged {
                at_s: self.position_s(),
                reason: format!("frame {stamp} follows where frame {expected} should"),
            })?;
            let gap = stamp - expected;
            if (1..=LONGEST_PATCH_S * i64::from(self.info.rate_hz)).contains(&gap) {
                self.patch(gap.unsigned_abs());
            }
        }
        let duration = i64::try_from(packet.dur.get()).unwrap_or(i64::MAX);
        self.next_stamp = Some(stamp.saturating_add(duration));
        Ok(())
    }

    /// The format says that the file is over: see that it kept its promises.
    fn end(&mut self) -> Result<(), ReadError> {
        self.ended = true;
        if let Some(expected) = self.promised
            && self.decoded < expected
        {
            let got = self.decoded;
            self.accept(ReadError::Truncated { expected, got })?;
        }
        let at_s = self.position_s();
        if caught(|| Ok(self.decoder.finalize())).is_ok_and(|end| end.verify_ok == Some(false)) {
            self.accept(ReadError::Damaged {
                at_s,
                reason: "the checksum of the whole file does not match".to_owned(),
            })?;
        }
        match self.decoded {
            0 => Err(ReadError::Empty("a file without a single frame")),
            _ => Ok(()),
        }
    }

    /// The format cannot go on.
    fn fail(&mut self, error: Symphonia) -> Result<(), ReadError> {
        self.ended = true;
        let error = self.explained(error);
        self.accept(error)?;
        match self.decoded {
            0 => Err(ReadError::Empty("a file without a single readable frame")),
            _ => Ok(()),
        }
    }

    fn accept(&self, error: ReadError) -> Result<(), ReadError> {
        match self.damage {
            Damage::Patch if error.is_damage() => Ok(()),
            _ => Err(error),
        }
    }

    fn explained(&self, error: Symphonia) -> ReadError {
        let at_s = self.position_s();
        match error {
            Symphonia::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                ReadError::Io(error)
            }
            Symphonia::IoError(_) => match self.promised {
                Some(expected) if self.decoded < expected => ReadError::Truncated {
                    expected,
                    got: self.decoded,
                },
                _ => ReadError::Damaged {
                    at_s,
                    reason: "the file ends inside a packet".to_owned(),
                },
            },
            Symphonia::ResetRequired => ReadError::Changed { at_s },
            other => ReadError::Damaged {
                at_s,
                reason: other.to_string(),
            },
        }
    }

    fn patch(&mut self, frames: u64) {
        let most = LONGEST_PATCH_S as u64 * u64::from(self.info.rate_hz);
        let count = frames.min(most);
        for channel in &mut self.packet {
            channel.resize(channel.len() + count as usize, 0.0);
        }
        self.patched_frames += count;
        self.decoded += count;
    }

    fn clear_packet(&mut self) {
        self.packet_taken = 0;
        self.packet.iter_mut().for_each(Vec::clear);
    }

    fn position_s(&self) -> f64 {
        self.decoded as f64 / f64::from(self.info.rate_hz)
    }
}

/// What a format says about the length of its audio, and how far it can be trusted.
struct Length {
    stated: Option<u64>,
    promised: Option<u64>,
    /// Whether packets carry the number of their first frame, without gaps.
    counted: bool,
    /// Whether the decoder may cut off what the format says is not audio.
    trimmed: bool,
}

impl Length {
    fn of(track: &Track, parameters: &AudioCodecParameters, format: &str) -> Self {
        let stated = track.num_frames.filter(|&frames| frames > 0);
        // Without the tag of its encoder an MP3 has no length: what is stated is then a guess
        // from the first frames, and cutting there would lose audio.
        let guessed = parameters.codec == codec::CODEC_ID_MP3 && track.delay.is_none();
        // The end of an Ogg stream is read from its last page, wherever the stream began.
        let firm = ["wave", "flac"].contains(&format) || track.delay.is_some();
        Self {
            stated,
            promised: stated.filter(|_| firm && !guessed),
            counted: format == "flac",
            trimmed: !guessed,
        }
    }
}

/// Why a probed file is no use after all.
enum Unopened {
    NoTrack,
    Because(ReadError),
}

impl From<ReadError> for Unopened {
    fn from(error: ReadError) -> Self {
        Self::Because(error)
    }
}

/// Runs a decoder that must not take us down with it: files come from anywhere.
fn caught<T>(work: impl FnOnce() -> Result<T, Symphonia>) -> Result<T, Symphonia> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or(Err(Symphonia::DecodeError("the decoder gave up")))
}

/// The depth that holds every sample the file stores.
fn stored_depth(parameters: &AudioCodecParameters) -> Option<BitDepth> {
    let id = parameters.codec;
    let lossy = [codec::CODEC_ID_MP3, codec::CODEC_ID_VORBIS].contains(&id);
    match parameters.bits_per_sample {
        _ if lossy => None,
        Some(1..=16) => Some(BitDepth::Int16),
        Some(17..=24) => Some(BitDepth::Int24),
        // 32-bit integers, and floats, which state no bits.
        _ => Some(BitDepth::Float32),
    }
}

fn codec_name(parameters: &AudioCodecParameters) -> String {
    match parameters.codec {
        codec::CODEC_ID_OPUS => "Opus audio".to_owned(),
        codec::CODEC_ID_SPEEX => "Speex audio".to_owned(),
        codec::CODEC_ID_ADPCM_MS | codec::CODEC_ID_ADPCM_IMA_WAV => "ADPCM audio".to_owned(),
        codec::CODEC_ID_MP1 | codec::CODEC_ID_MP2 => "MPEG audio of layer 1 or 2".to_owned(),
        other => format!("audio of an unknown codec ({other})"),
    }
}
