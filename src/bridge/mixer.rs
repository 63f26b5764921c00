//! Which of the aligned signals is heard: the worker's voice, or what stands in for it. Audio
//! thread, real-time safe. Every change is a fade, and where a signal breaks off without warning
//! the step it leaves is faded out instead.

use super::settings::DropoutMode;
use crate::dsp::ramp::Ramp;
use crate::engine::MAX_CHANNELS;
use crate::units::{Frames, ms_to_frames};

/// Fades between the voice and its stand-in.
const FADE_MS: f64 = 10.0;
/// How long the step that a missing frame leaves is faded out.
const DECLICK_MS: f64 = 3.0;

/// See the module.
pub struct Mixer {
    /// Weights of the voice over its stand-in, and of the stand-in's two parts.
    voice: Ramp,
    direct: Ramp,
    dry: Ramp,
    /// Whether the voice was fully heard since its slot was selected.
    arrived: bool,
    /// Whether the last frame held sound of the voice.
    heard: bool,
    /// By how much the last frame differed from its stand-in, and what of it is being faded out.
    excess: [f32; MAX_CHANNELS],
    step: [f32; MAX_CHANNELS],
    declick_frames: Frames,
    declick_left: Frames,
}

/// The aligned signals of one frame and channel.
pub struct Sources<'a> {
    /// The engine on the audio thread.
    pub direct: &'a [&'a [f32]],
    /// The dry voice.
    pub dry: &'a [&'a [f32]],
    /// The worker's voice, with whether each frame of it is there.
    pub voice: &'a [&'a [f32]],
    pub present: &'a [bool],
}

impl Mixer {
    pub fn new(rate_hz: u32) -> Self {
        let fade = ms_to_frames(FADE_MS, rate_hz);
        Self {
            voice: Ramp::new(0.0, fade),
            direct: Ramp::new(1.0, fade),
            dry: Ramp::new(0.0, fade),
            arrived: false,
            heard: false,
            excess: [0.0; MAX_CHANNELS],
            step: [0.0; MAX_CHANNELS],
            declick_frames: ms_to_frames(DECLICK_MS, rate_hz).max(1),
            declick_left: 0,
        }
    }

    pub fn reset(&mut self) {
        self.voice.jump(0.0);
        self.direct.jump(1.0);
        self.dry.jump(0.0);
        self.arrived = false;
        self.heard = false;
        self.declick_left = 0;
    }

    /// Says what should be heard in this block; whether the voice is needed for it.
    pub fn aim(&mut self, selected: bool, stand_in: DropoutMode) -> bool {
        self.arrived &= selected;
        let direct = !self.arrived || stand_in == DropoutMode::Shift;
        self.direct.set(f32::from(u8::from(direct)));
        let dry = !direct && stand_in == DropoutMode::Dry;
        self.dry.set(f32::from(u8::from(dry)));
        self.voice.set(f32::from(u8::from(selected)));
        selected || self.voice.value() > 0.0
    }

    /// Whether the engine on the audio thread is all that is heard.
    pub fn is_direct(&self) -> bool {
        self.voice.settled() == Some(0.0)
            && self.direct.settled() == Some(1.0)
            && self.dry.settled() == Some(0.0)
            && self.declick_left == 0
    }

    /// Mixes into `output`, slices of the same length as the sources'.
    pub fn mix(&mut self, sources: &Sources, output: &mut [&mut [f32]]) {
        for (i, &present) in sources.present.iter().enumerate() {
            let (direct, dry) = (self.direct.next(), self.dry.next());
            let broke_off = self.heard && !present;
            if !present {
                // It fades in anew when it comes back.
                let target = self.voice.target();
                self.voice.jump(0.0);
                self.voice.set(target);
            }
            let voice = if present { self.voice.next() } else { 0.0 };
            if broke_off {
                self.declick_left = self.declick_frames;
            }
            self.heard = present && voice > 0.0;
            self.arrived |= voice >= 1.0;
            let declick = self.declick_left as f32 / self.declick_frames as f32;
            self.declick_left = self.declick_left.saturating_sub(1);
            for (channel, output) in output.iter_mut().enumerate() {
                let stand_in = direct * sources.direct[channel][i] + dry * sources.dry[channel][i];
                let mixed = match voice {
                    // Exactly the voice, whatever is ready to stand in for it.
                    1.0 => sources.voice[channel][i],
                    voice => stand_in + voice * (sources.voice[channel][i] - stand_in),
                };
                if broke_off {
                    self.step[channel] = self.excess[channel];
                }
                output[i] = mixed + declick * self.step[channel];
                self.excess[channel] = output[i] - stand_in;
            }
        }
    }
}
