//! The table of an RVC voice's sizes in its description.

use super::read::{Reader, shown, wrong};
use crate::model::rvc::{RvcConfig, Version};
use crate::voice::VoiceError;
use serde::Serialize;
use toml::{Table, Value};

/// The name of the table.
pub(super) const TABLE: &str = "rvc";

/// The sizes as they are written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    version: &'a str,
    f0: bool,
    rate_hz: u32,
    speakers: usize,
    inter: usize,
    hidden: usize,
    filter: usize,
    heads: usize,
    layers: usize,
    kernel: usize,
    gin: usize,
    upsample_initial: usize,
    upsample_rates: &'a [usize],
    upsample_kernels: &'a [usize],
    resblock_kernels: &'a [usize],
    resblock_dilations: &'a [Vec<usize>],
}

impl<'a> From<&'a RvcConfig> for Written<'a> {
    fn from(config: &'a RvcConfig) -> Self {
        Self {
            version: config.version.name(),
            f0: config.has_pitch,
            rate_hz: config.rate_hz,
            speakers: config.speakers,
            inter: config.inter,
            hidden: config.hidden,
            filter: config.filter,
            heads: config.heads,
            layers: config.layers,
            kernel: config.kernel,
            gin: config.gin,
            upsample_initial: config.upsample_initial,
            upsample_rates: &config.upsample_rates,
            upsample_kernels: &config.upsample_kernels,
            resblock_kernels: &config.resblock_kernels,
            resblock_dilations: &config.resblock_dilations,
        }
    }
}

/// Reads the sizes, checked.
pub(super) fn read(table: &Table) -> Result<RvcConfig, VoiceError> {
    let version = match table.get("version") {
        Some(Value::String(text)) if text == Version::V1.name() => Version::V1,
        Some(Value::String(text)) if text == Version::V2.name() => Version::V2,
        found => return Err(wrong("version = \"v1\" or \"v2\"", shown(found))),
    };
    let Some(Value::Boolean(has_pitch)) = table.get("f0") else {
        return Err(wrong("f0 = true or false", shown(table.get("f0"))));
    };
    let sizes = Reader(table);
    let config = RvcConfig {
        version,
        has_pitch: *has_pitch,
        rate_hz: u32::try_from(sizes.size("rate_hz")?).unwrap_or(u32::MAX),
        inter: sizes.size("inter")?,
        hidden: sizes.size("hidden")?,
        filter: sizes.size("filter")?,
        heads: sizes.size("heads")?,
        layers: sizes.size("layers")?,
        kernel: sizes.size("kernel")?,
        resblock_kernels: sizes.list("resblock_kernels")?,
        resblock_dilations: sizes.lists("resblock_dilations")?,
        upsample_rates: sizes.list("upsample_rates")?,
        upsample_initial: sizes.size("upsample_initial")?,
        upsample_kernels: sizes.list("upsample_kernels")?,
        speakers: sizes.size("speakers")?,
        gin: sizes.size("gin")?,
    };
    config
        .check()
        .map_err(|error| wrong(error.expected, error.found))?;
    Ok(config)
}
