//! What each parameter does to a voice, for whoever rests the pointer on it. Pure.

/// A sentence or two for the parameter of this id; empty for none of ours.
#[must_use]
pub fn tip(id: &str) -> &'static str {
    match id {
        "bypass" => "The voice as it came in, with the same delay: nothing moves in time.",
        "pitch" => {
            "Transposes the voice. It stops at semitones; hold Shift for cents. \
             The character stays, that is what Formant is for."
        }
        "formant" => {
            "Moves the resonances of the throat: up is a smaller singer, down a bigger one. \
             The notes stay."
        }
        "range" => {
            "The lowest note you sing. A higher range answers sooner. \
             A change restarts the plugin, because it changes the delay."
        }
        "slot" => "The voice you sing with. Shift is your own, changed by the knobs above.",
        "correct" => "Draws what you sing to the nearest note of the scale.",
        "key" => "The key of the song, for Correction.",
        "scale" => "The notes that Correction draws to. Click keys for a scale of your own.",
        "custom_scale" => "Click keys for a scale of your own.",
        "tuning_hz" => "The frequency of A4 that the band is tuned to.",
        "retune_ms" => {
            "How fast a note is pulled to its place: 0 ms is the hard effect, \
             30 to 100 ms sound natural."
        }
        "amount" => "How far a note is pulled: at 100 % all the way.",
        "humanize" => "Leaves long notes their vibrato and small drifts.",
        "midi_mode" => {
            "The keys you hold on a MIDI keyboard become the notes: \
             the last one pressed, or the nearest of them."
        }
        "input_db" => "Gain before everything. Peaks around -12 dB are right.",
        "gate_db" => {
            "Silences what is softer than this: room, breath of the band, headphones. \
             Off at the lowest value."
        }
        "mix" => "How much of the converted voice; the rest is your own, in time with it.",
        "output_db" => "Gain after everything but the limiter.",
        "limiter" => "Keeps the output below full scale, for loud mistakes.",
        "low_cut_hz" => "Removes what is lower than this from the converted voice: rumble, boom.",
        "high_cut_hz" => "Removes what is higher than this from the converted voice: hiss, edge.",
        "index_rate" => {
            "How much of the voice's own way of speaking is taken from its index; \
             without an index it does nothing. High values may slur words."
        }
        "protect" => {
            "How far breath and consonants are converted: at 0 % they stay most like yours, \
             at 50 % nothing is spared."
        }
        "rms_mix" => "Whose loudness is heard: at 100 % the voice's own, at 0 % it follows yours.",
        "speaker" => "Which of the voice's speakers; most voices have one, number 0.",
        "hold_pitch" => "Keeps the last pitch through unvoiced sounds: smoother, less breath.",
        "quality" => {
            "How much of what you sing a voice hears before it answers: more is truer and later. \
             Quick takes an NVIDIA card. A change restarts the plugin, because it changes the delay."
        }
        "threads" => {
            "How many processor cores work on a voice. One answers a step sooner, but must be twice \
             as fast to keep up. A change restarts the plugin, because it changes the delay."
        }
        "morph" => {
            "Blends the voices at the corners of the pad: what is heard is between them, as the \
             point says. Voices of AutoVoice's own can be blended, others are heard as they are."
        }
        "morph_x" => "The point on the morph pad from left to right.",
        "morph_y" => "The point on the morph pad from below to above.",
        "dropout_mode" => "What is heard while a voice is late: the dry voice, silence, or Shift.",
        "report_latency" => {
            "Tells the host the delay, so that it moves the other tracks to match. \
             Off for singing live through the host."
        }
        "tracker" => {
            "What follows your pitch. Neural is the surest in noise and may add delay, \
             Yin is the fastest, Auto takes Neural where it adds none. A change restarts the plugin."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::AutoVoiceParams;

    #[test]
    fn every_parameter_is_explained() {
        for (id, _) in AutoVoiceParams::default().all() {
            assert!(!tip(id).is_empty(), "{id}");
        }
    }
}
