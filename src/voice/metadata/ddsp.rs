//! The table of a voice of ours in its description.

use super::read::{Reader, wrong};
use crate::model::ddsp::DecoderConfig;
use crate::voice::VoiceError;
use crate::voice::ddsp::DdspVoice;
use serde::Serialize;
use toml::Table;

/// The name of the table.
pub(super) const TABLE: &str = "ddsp";

/// The voice as it is written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    encoder_sha256: &'a str,
    ahead: usize,
    content: usize,
    embedding: usize,
    width: usize,
    dilations: &'a [usize],
    bandwidth_hz: f32,
    mean_pitch_hz: f32,
}

impl<'a> From<&'a DdspVoice> for Written<'a> {
    fn from(voice: &'a DdspVoice) -> Self {
        Self {
            encoder_sha256: &voice.encoder_sha256,
            ahead: voice.ahead,
            content: voice.decoder.content,
            embedding: voice.decoder.embedding,
            width: voice.decoder.width,
            dilations: &voice.decoder.dilations,
            bandwidth_hz: voice.bandwidth_hz,
            mean_pitch_hz: voice.mean_pitch_hz,
        }
    }
}

/// Reads it, checked.
pub(super) fn read(table: &Table) -> Result<DdspVoice, VoiceError> {
    let reader = Reader(table);
    let voice = DdspVoice {
        decoder: DecoderConfig {
            content: reader.size("content")?,
            embedding: reader.size("embedding")?,
            width: reader.size("width")?,
            dilations: reader.list("dilations")?,
        },
        ahead: reader.size("ahead")?,
        encoder_sha256: reader.text("encoder_sha256")?.to_ascii_lowercase(),
        bandwidth_hz: reader.number("bandwidth_hz")?,
        mean_pitch_hz: reader.number("mean_pitch_hz")?,
    };
    voice
        .check()
        .map_err(|error| wrong(error.expected, error.found))?;
    Ok(voice)
}
