//! Pages of named knobs for hardware controllers, as CLAP hosts offer them. Asked for once, on the
//! main thread.

use super::AutoVoiceParams;
use nice_plug::prelude::{
    RemoteControlsContext, RemoteControlsPage as _, RemoteControlsSection as _,
};

/// Eight knobs to a page; what is turned while singing comes first.
pub fn pages(params: &AutoVoiceParams, context: &mut impl RemoteControlsContext) {
    let (voice, correction) = (&params.voice, &params.correction);
    let (levels, system, tone) = (&params.levels, &params.system, &params.tone);
    let converted = &params.converted;
    context.add_section("AutoVoice", |section| {
        section.add_page("Voice", |page| {
            page.add_param(&voice.pitch);
            page.add_param(&voice.formant);
            page.add_param(&levels.mix);
            page.add_param(&voice.slot);
            page.add_param(&levels.input_db);
            page.add_param(&levels.gate_db);
            page.add_param(&levels.output_db);
            page.add_param(&levels.limiter);
        });
        section.add_page("Correction", |page| {
            page.add_param(&correction.correct);
            page.add_param(&correction.key);
            page.add_param(&correction.scale);
            page.add_param(&correction.retune_ms);
            page.add_param(&correction.amount);
            page.add_param(&correction.humanize);
            page.add_param(&correction.tuning_hz);
            page.add_param(&correction.midi_mode);
        });
        section.add_page("Converted voice", |page| {
            page.add_param(&voice.slot);
            page.add_param(&converted.index_rate);
            page.add_param(&converted.protect);
            page.add_param(&converted.rms_mix);
            page.add_param(&converted.speaker);
            page.add_param(&converted.hold_pitch);
            page.add_param(&voice.formant);
        });
        section.add_page("Morph", |page| {
            page.add_param(&params.morph.on);
            page.add_param(&params.morph.x);
            page.add_param(&params.morph.y);
            page.add_param(&voice.slot);
        });
        // What restarts the plugin is kept away from what is turned while singing.
        section.add_page("Delay", |page| {
            page.add_param(&voice.range);
            page.add_param(&system.tracker);
            page.add_param(&converted.quality);
            page.add_param(&converted.threads);
        });
        section.add_page("Tone and system", |page| {
            page.add_param(&params.bypass);
            page.add_param(&system.dropout_mode);
            page.add_param(&system.report_latency);
            page.add_param(&correction.custom_scale);
            page.add_param(&tone.low_cut_hz);
            page.add_param(&tone.high_cut_hz);
        });
    });
}
